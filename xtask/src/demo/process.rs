//! A program that the demo leaves running beside the server: a copy in the state directory, under the servers' user, in a directory
//! of its own, by which its process is known again.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
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

pub struct Process {
    server: Server,
    name: &'static str,
}

impl Process {
    pub fn of(server: &Server, name: &'static str) -> Process {
        Process { server: server.clone(), name }
    }

    /// Leaves the built program of that name running, and waits until it listens.
    pub fn serve(&self, place: &Place, program: &str, arguments: impl FnOnce(&mut Command, &Path)) -> Result<()> {
        let copy = place.dir("bin")?.join(program);
        let new = copy.with_extension("new");
        fs::copy(place.target.join("debug").join(program), &new)?;
        fs::rename(&new, &copy)?;
        self.stop()?;
        let (port, dir) = (self.port_to_use()?, self.dir());
        let mut child = self.start(&copy, |command| {
            command.args(["--detached", "--listen", &format!("127.0.0.1:{port}")]);
            arguments(command, &dir);
        })?;
        fs::write(self.dir().join("port"), port.to_string())?;
        let deadline = Instant::now() + READY_WITHIN;
        while status_of(port, "/").is_err() {
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("{} does not start: {}", self.name, program::tail(&self.log(), 10));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Leaves a program running that listens nowhere.
    pub fn start(&self, program: &Path, arguments: impl FnOnce(&mut Command)) -> Result<std::process::Child> {
        self.stop()?;
        let account = Account::of_servers()?;
        let dir = self.dir();
        account.private_directory(&dir)?;
        let mut command = account.command(program, &dir);
        arguments(&mut command);
        let child = program::start_in_background(&mut command, &self.log())?;
        fs::write(dir.join("pid"), child.id().to_string())?;
        Ok(child)
    }

    /// Asks it to end, and waits for that.
    pub fn stop(&self) -> Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        kill(Pid::from_raw(pid), Signal::SIGTERM).with_context(|| format!("cannot stop {}", self.name))?;
        while self.pid() == Some(pid) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Where it listens.
    pub fn url(&self) -> Result<String> {
        let port = self.port().with_context(|| format!("{} was never started", self.name))?;
        Ok(format!("http://127.0.0.1:{port}"))
    }

    pub fn log(&self) -> PathBuf {
        self.server.dir.join(format!("{}.log", self.name))
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
        self.server.dir.join(self.name)
    }
}

/// Puts a value where `k8s://{namespace}/{secret}/{key}` leads.
pub fn mount(server: &Server, [namespace, secret, key]: [&str; 3], value: &str) -> Result<()> {
    let account = Account::of_servers()?;
    let mut dir = server.secrets();
    account.private_directory(&dir)?;
    for part in [namespace, secret] {
        dir = dir.join(part);
        account.private_directory(&dir)?;
    }
    let file = dir.join(key);
    fs::write(&file, value)?;
    account.give(&file)
}
