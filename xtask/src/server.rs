//! Private PostgreSQL servers: made with the extension installed and migrated, started, stopped, and found again.
//!
//! A server is known by its name and version and lives in `servers/<name>-<version>` of the state directory. `data`
//! and `run` (socket and log) belong to the user it runs as; the passwords next to them to the caller alone. Through
//! the socket, whose directory only that user and root can enter, everybody is trusted; through TCP on the loopback
//! address every login needs its password.

mod making;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::extension::{self, Build, Purpose};
use crate::place::{Account, Place, random_password, write_secret};
use crate::program;
use crate::tree::{Major, Tree};

/// The superuser, and the database with AwoooP in it.
const SUPERUSER: &str = "postgres";
const DATABASE: &str = "awooop";

/// The kernel takes no socket path beyond 107 bytes, and the socket's own name needs some of it.
const LONGEST_SOCKET_DIRECTORY: usize = 88;

/// How a server treats a crash of the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Like a real server.
    Full,
    /// A power failure may destroy the data: for tests only.
    None,
}

/// A private server, running or not, made or not.
#[derive(Clone)]
pub struct Server {
    pub name: String,
    pub major: Major,
    pub dir: PathBuf,
    bin: PathBuf,
}

impl Server {
    /// Where the secrets of this server's gateway are mounted.
    pub fn secrets(&self) -> PathBuf {
        self.dir.join("secrets")
    }

    pub fn new(place: &Place, name: &str, major: Major) -> Result<Server> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 20 || name.starts_with('-') || !name.bytes().all(allowed) {
            bail!("a server's name has 1 to 20 lower-case letters, digits and hyphens");
        }
        let dir = place.dir("servers")?.join(format!("{name}-{major}"));
        if dir.join("run").as_os_str().len() > LONGEST_SOCKET_DIRECTORY {
            bail!("{} is too long for a socket: name a shorter directory in AWOOOP_STATE_DIR", dir.display());
        }
        Ok(Server { name: name.to_owned(), major, dir, bin: Tree::existing(place, major).bin })
    }

    /// Every server that was made in this state directory.
    pub fn all(place: &Place) -> Result<Vec<Server>> {
        let mut servers = Vec::new();
        for entry in fs::read_dir(place.dir("servers")?)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            for major in Major::ALL {
                if let Some(name) = name.strip_suffix(&format!("-{major}")) {
                    servers.push(Server::new(place, name, major)?);
                }
            }
        }
        servers.sort_by(|one, other| one.dir.cmp(&other.dir));
        Ok(servers)
    }

    /// Starts the server if it does not run, with whatever extension it was started with last when it does.
    pub fn ensure_running(place: &Place, name: &str, major: Major) -> Result<Server> {
        let server = Server::new(place, name, major)?;
        if server.is_running() && server.is_made() {
            return Ok(server);
        }
        Server::start(place, name, major, Durability::Full)
    }

    /// Builds what is not built and leaves a running, migrated server with that build.
    pub fn start(place: &Place, name: &str, major: Major, durability: Durability) -> Result<Server> {
        Self::start_for(Purpose::Use, place, name, major, durability)
    }

    /// The same with a build for another purpose; the next [`Server::start`] builds the usual one again.
    pub fn start_for(
        purpose: Purpose,
        place: &Place,
        name: &str,
        major: Major,
        durability: Durability,
    ) -> Result<Server> {
        let tree = Tree::prepare(place, major)?;
        let build = extension::install(place, &tree, purpose)?;
        let server = Server::new(place, name, major)?;
        let _lock = place.lock(&format!("server-{name}-{major}"))?;
        server.start_with(&build, durability)?;
        Ok(server)
    }

    fn start_with(&self, build: &Build, durability: Durability) -> Result<()> {
        if self.is_made() && self.fact("schema") != build.schema {
            eprintln!("      the extension's schema changed: making server {} anew", self.label());
            self.stop()?;
            fs::remove_file(self.dir.join("made"))?;
        }
        if self.is_running() {
            if self.is_made() && self.fact("library") == build.library {
                return Ok(());
            }
            self.stop()?;
        }
        let fresh = !self.is_made();
        if fresh {
            self.initialize()?;
        }
        self.launch(durability)?;
        fs::write(self.dir.join("library"), &build.library)?;
        if fresh {
            self.populate()?;
            fs::write(self.dir.join("schema"), &build.schema)?;
            fs::write(self.dir.join("made"), "")?;
        }
        Ok(())
    }

    fn launch(&self, durability: Durability) -> Result<()> {
        let account = Account::of_servers()?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = self.port_to_use(attempts)?;
            fs::write(self.dir.join("port"), port.to_string())?;
            self.configure(port, durability)?;
            let mut start = account.command(self.bin.join("pg_ctl"), &self.run());
            start.args(["start", "--silent", "--wait", "--timeout=120", "--pgdata"]).arg(self.data());
            start.arg("--log").arg(self.log());
            match program::run_logged(&mut start, &self.dir.join("pg_ctl.log")) {
                Ok(()) => return Ok(()),
                // Somebody may have taken the port in between.
                Err(_) if attempts < 4 && program::tail(&self.log(), 20).contains("could not bind") => {}
                Err(error) => {
                    let log = program::tail(&self.log(), 20);
                    return Err(error.context(format!("server {} does not start; its log ends:\n{log}", self.label())));
                }
            }
        }
    }

    /// Runs statements as superuser through the socket.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(self.psql_arguments()?).args(["--dbname", database, "--no-psqlrc", "--quiet", "--tuples-only"]);
        psql.args(["--no-align", "--set=ON_ERROR_STOP=1", "--file=-"])
            .env("PGOPTIONS", "-c client_min_messages=warning");
        program::capture_with_input(&mut psql, statements)
    }

    /// psql as superuser through the socket, for a person.
    pub fn psql(&self) -> Result<Command> {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(self.psql_arguments()?).args(["--dbname", DATABASE]);
        Ok(psql)
    }

    fn psql_arguments(&self) -> Result<Vec<String>> {
        let host = self.run().display().to_string();
        Ok(["--host", &host, "--port", &self.port()?.to_string(), "--username", SUPERUSER].map(str::to_owned).to_vec())
    }

    /// Stops it if it runs.
    pub fn stop(&self) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        let mut stop = Account::of_servers()?.command(self.bin.join("pg_ctl"), &self.run());
        stop.args(["stop", "--silent", "--wait", "--timeout=60", "--mode=fast", "--pgdata"]).arg(self.data());
        program::run_logged(&mut stop, &self.dir.join("pg_ctl.log"))
    }

    /// Stops it and deletes all of it.
    pub fn remove(&self) -> Result<()> {
        self.stop()?;
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))?;
        }
        Ok(())
    }

    pub fn is_running(&self) -> bool {
        postmaster(&self.data()).is_some()
    }

    fn is_made(&self) -> bool {
        self.dir.join("made").exists()
    }

    /// A superuser's connection URI through TCP, password included.
    pub fn superuser_uri(&self) -> Result<String> {
        Ok(uri(SUPERUSER, &self.superuser_password()?, self.port()?))
    }

    /// The URI that the gateway's login uses.
    pub fn gateway_uri(&self) -> Result<String> {
        Ok(uri("awooop_gateway", fs::read_to_string(self.dir.join("gateway.password"))?.trim(), self.port()?))
    }

    /// The URI that the login of the gateway's worker uses, which is given a password for it.
    pub fn worker_uri(&self) -> Result<String> {
        let file = self.dir.join("worker.password");
        if !file.exists() {
            write_secret(&file, &random_password()?)?;
        }
        let password = self.fact("worker.password");
        self.sql(DATABASE, &format!("alter role awooop_worker password '{password}'"))?;
        Ok(uri("awooop_worker", &password, self.port()?))
    }

    pub fn port(&self) -> Result<u16> {
        self.fact("port").parse().with_context(|| format!("server {} was never started", self.label()))
    }

    /// Its name for people.
    pub fn label(&self) -> String {
        format!("{} (PostgreSQL {})", self.name, self.major)
    }

    pub fn log(&self) -> PathBuf {
        self.run().join("server.log")
    }

    /// The directory of its socket.
    pub fn run(&self) -> PathBuf {
        self.dir.join("run")
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn superuser_password(&self) -> Result<String> {
        fs::read_to_string(self.dir.join("superuser.password"))
            .with_context(|| format!("{} has no password", self.name))
    }

    fn fact(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap_or_default()
    }

    /// The port it had, so that URIs stay true; another when that one is taken.
    fn port_to_use(&self, attempt: u32) -> Result<u16> {
        match self.port() {
            Ok(port) if attempt == 1 && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() => Ok(port),
            _ => free_port(),
        }
    }
}

/// A TCP port of the loopback address that nobody listens on.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// The process id of the server that has this data directory, if one runs.
pub fn postmaster(data: &Path) -> Option<i32> {
    let pid: i32 = fs::read_to_string(data.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()?;
    // The file outlives a crash, and another process may have the number by now. A server works in its directory.
    let works_in = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (works_in == data.canonicalize().ok()?).then_some(pid)
}

fn uri(user: &str, password: &str, port: u16) -> String {
    format!("postgres://{user}:{password}@127.0.0.1:{port}/{DATABASE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_user_password_port_and_database() {
        assert_eq!(uri("postgres", "5e", 5433), "postgres://postgres:5e@127.0.0.1:5433/awooop");
    }

    #[test]
    fn a_stale_pid_file_is_no_running_server() {
        let dir = std::env::temp_dir().join(format!("awooop-server-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
        let found = postmaster(&dir);
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found, None);
    }

    #[test]
    fn a_free_port_can_be_bound() {
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).is_ok());
    }
}
