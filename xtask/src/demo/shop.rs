//! The shop's MCP server: a program of its own over a SQLite sample, which wants to be shown a token, and where the token is
//! mounted for the gateway.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::gateway::status_of;
use crate::place::{Account, Place};
use crate::program;
use crate::server::{Server, free_port};

/// A sample of realistic size takes a while to make, once.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// No pattern takes it for a secret: what hides it is that the gateway knows it.
const TOKEN: &str = "shop-door-opens-for-awooop";

pub struct Shop {
    server: Server,
}

impl Shop {
    pub fn of(server: &Server) -> Shop {
        Shop { server: server.clone() }
    }

    /// Builds it, and leaves it running.
    pub fn start(&self, place: &Place) -> Result<()> {
        let mut cargo = program::cargo(&place.checkout);
        program::run(cargo.args(["build", "--package", "awooop-mcp-servers", "--bins"]))?;
        self.stop()?;
        let account = Account::of_servers()?;
        let dir = self.dir();
        account.private_directory(&dir)?;
        let copy = place.dir("bin")?.join("ewoooc-server");
        let new = copy.with_extension("new");
        fs::copy(place.target.join("debug/ewoooc-server"), &new)?;
        fs::rename(&new, &copy)?;
        let port = self.port_to_use()?;
        let mut command = account.command(&copy, &dir);
        command
            .args(["--detached", "--listen", &format!("127.0.0.1:{port}"), "--database"])
            .arg(dir.join("shop.sqlite"));
        command.arg("--require-header").arg(format!("Authorization=Bearer {TOKEN}"));
        let mut child = program::start_in_background(&mut command, &self.server.dir.join("shop.log"))?;
        fs::write(self.dir().join("pid"), child.id().to_string())?;
        fs::write(self.dir().join("port"), port.to_string())?;
        let deadline = Instant::now() + READY_WITHIN;
        while status_of(port, "/mcp").is_err() {
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("the shop's server does not start: {}", program::tail(&self.server.dir.join("shop.log"), 10));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.mount()
    }

    /// Puts the token where `k8s://ewoooc/shop/token` leads.
    pub fn mount(&self) -> Result<()> {
        let account = Account::of_servers()?;
        let mut dir = self.server.secrets();
        for part in ["", "ewoooc", "shop"] {
            dir = if part.is_empty() { dir } else { dir.join(part) };
            account.private_directory(&dir)?;
        }
        let file = dir.join("token");
        fs::write(&file, TOKEN)?;
        account.give(&file)
    }

    /// Takes it away again.
    pub fn unmount(&self) -> Result<()> {
        fs::remove_file(self.server.secrets().join("ewoooc/shop/token")).context("the token is not mounted")
    }

    /// Its address.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://127.0.0.1:{}/mcp", self.port().context("the shop's server was never started")?))
    }

    pub fn stop(&self) -> Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        kill(Pid::from_raw(pid), Signal::SIGTERM).context("cannot stop the shop's server")?;
        while self.pid() == Some(pid) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The port it had, so that what was registered stays true.
    fn port_to_use(&self) -> Result<u16> {
        match self.port() {
            Some(port) if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() => Ok(port),
            _ => free_port(),
        }
    }

    fn port(&self) -> Option<u16> {
        fs::read_to_string(self.dir().join("port")).ok()?.parse().ok()
    }

    /// The process that runs, if it is this one: it works in its own directory, and numbers are used again.
    fn pid(&self) -> Option<i32> {
        let pid: i32 = fs::read_to_string(self.dir().join("pid")).ok()?.trim().parse().ok()?;
        let works_in = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        (works_in == self.dir().canonicalize().ok()?).then_some(pid)
    }

    fn dir(&self) -> PathBuf {
        self.server.dir.join("shop")
    }
}
