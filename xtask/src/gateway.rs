//! The gateway in the background, against a private server: built, started, found again, stopped.
//!
//! It runs as the same user as the server, from a copy of the program in the state directory (that user may not be
//! able to read the checkout), and logs in through TCP with the password that the server was made with: the way it
//! connects in production. The connection URL is in its environment, which only that user and root can read.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::place::{Account, Place};
use crate::program;
use crate::server::{Server, free_port};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// Longer than the gateway gives the requests in flight.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// Builds the gateway as the tests are built, which shares their libraries, and gives the path of a copy that every user can run.
pub fn build(place: &Place) -> Result<PathBuf> {
    build_with(place, &[], "debug", "awooop-gateway")
}

/// The same as it is released.
pub fn build_for_release(place: &Place) -> Result<PathBuf> {
    build_with(place, &["--release"], "release", "awooop-gateway-release")
}

fn build_with(place: &Place, how: &[&str], directory: &str, name: &str) -> Result<PathBuf> {
    let mut cargo = program::cargo(&place.checkout);
    cargo.args(["build", "--package", "awooop-gateway", "--bins"]).args(how);
    program::run(&mut cargo).context("cannot build the gateway")?;
    let built = place.target.join(directory).join("awooop-gateway");
    let copy = place.dir("bin")?.join(name);
    let metadata = fs::metadata(&built).with_context(|| format!("cargo made no {}", built.display()))?;
    let stamp = format!("{} {} {}", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    let stamp_file = copy.with_extension("stamp");
    if !copy.exists() || fs::read_to_string(&stamp_file).ok().as_ref() != Some(&stamp) {
        // A program that runs cannot be written to, but its name can go to another file.
        let new = copy.with_extension("new");
        fs::copy(&built, &new)?;
        fs::rename(&new, &copy)?;
        fs::write(&stamp_file, &stamp)?;
    }
    Ok(copy)
}

/// The gateway of one server.
pub struct Gateway {
    server: Server,
}

impl Gateway {
    pub fn of(server: Server) -> Gateway {
        Gateway { server }
    }

    /// Leaves the gateway `program` running and ready; a running one that is another build, or that knows the server
    /// under another port, is replaced.
    pub fn start(&self, place: &Place, program: &std::path::Path) -> Result<()> {
        let _lock = place.lock(&format!("gateway-{}-{}", self.server.name, self.server.major))?;
        let stamp = fs::read_to_string(program.with_extension("stamp"))?;
        let identity = format!("{stamp} {}", self.server.port()?);
        let started = self.server.dir.join("gateway.started");
        if self.is_running() && fs::read_to_string(&started).is_ok_and(|text| text == identity) && self.is_ready() {
            return Ok(());
        }
        self.stop()?;
        let account = Account::of_servers()?;
        let dir = self.dir();
        account.private_directory(&dir)?;
        let port = self.port_to_use()?;
        let mut command = account.command(program, &dir);
        command.env("AWOOOP_DATABASE_URL", self.server.gateway_uri()?);
        command.env("AWOOOP_LISTEN", format!("127.0.0.1:{port}"));
        account.private_directory(&self.server.secrets())?;
        command.env("AWOOOP_SECRETS_DIR", self.server.secrets());
        let child = program::start_in_background(&mut command, &self.log())?;
        fs::write(self.pid_file(), child.id().to_string())?;
        fs::write(self.server.dir.join("gateway.port"), port.to_string())?;
        self.wait_until_ready(child)?;
        fs::write(started, identity)?;
        Ok(())
    }

    fn wait_until_ready(&self, mut child: std::process::Child) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.is_ready() {
            if let Some(status) = child.try_wait()? {
                bail!("the gateway ended: {status}\n{}", program::tail(&self.log(), 20));
            }
            if Instant::now() > deadline {
                self.stop()?;
                bail!("the gateway was not ready in time; its log ends:\n{}", program::tail(&self.log(), 20));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Stops it if it runs, letting requests in flight finish.
    pub fn stop(&self) -> Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        kill(Pid::from_raw(pid), Signal::SIGTERM).context("cannot stop the gateway")?;
        let deadline = Instant::now() + STOPPED_WITHIN;
        while self.pid() == Some(pid) {
            if Instant::now() > deadline {
                kill(Pid::from_raw(pid), Signal::SIGKILL).context("cannot end the gateway")?;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_file(self.pid_file());
        Ok(())
    }

    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// Its base URL.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.port()?))
    }

    pub fn log(&self) -> PathBuf {
        self.server.dir.join("gateway.log")
    }

    fn port(&self) -> Result<u16> {
        let text = fs::read_to_string(self.server.dir.join("gateway.port")).unwrap_or_default();
        text.parse().with_context(|| format!("the gateway of server {} was never started", self.server.label()))
    }

    /// The port it had, so that its address stays true; another when that one is taken.
    fn port_to_use(&self) -> Result<u16> {
        match self.port() {
            Ok(port) if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() => Ok(port),
            _ => free_port(),
        }
    }

    /// The process that runs, if it is this gateway: it works in its own directory, and numbers are used again.
    fn pid(&self) -> Option<i32> {
        let pid: i32 = fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()?;
        let works_in = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        (works_in == self.dir().canonicalize().ok()?).then_some(pid)
    }

    fn is_ready(&self) -> bool {
        self.port().is_ok_and(|port| status_of(port, "/readyz").is_ok_and(|status| status == 200))
    }

    fn pid_file(&self) -> PathBuf {
        self.server.dir.join("gateway.pid")
    }

    fn dir(&self) -> PathBuf {
        self.server.dir.join("gateway")
    }
}

/// The status that a local HTTP server answers a GET with.
pub fn status_of(port: u16, path: &str) -> Result<u16> {
    let address = std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut start = [0_u8; 12];
    stream.read_exact(&mut start)?;
    let status = std::str::from_utf8(&start)?.split(' ').nth(1).context("not an HTTP answer")?;
    Ok(status.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_the_first_line() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0_u8; 512];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
        });
        assert_eq!(status_of(port, "/readyz").unwrap(), 503);
        server.join().unwrap();
    }
}
