//! A started image: waiting for it, stopping it as a container engine does, and ending it whatever happens.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::interrupt::Cleanup;
use crate::program;

const PATIENCE: Duration = Duration::from_secs(120);

pub struct Running {
    child: Arc<Mutex<Child>>,
    log: PathBuf,
    _cleanup: Cleanup,
}

impl Running {
    pub fn start(command: &mut Command, log: &Path) -> Result<Running> {
        let child = Arc::new(Mutex::new(program::start_in_background(command, log)?));
        let ended = child.clone();
        // Ends the namespace's parent, and the namespace with it.
        let cleanup = Cleanup::new(move || {
            let mut child = lock(&ended);
            if matches!(child.try_wait(), Ok(None)) {
                let _ = child.kill();
                let _ = child.wait();
            }
        });
        Ok(Running { child, log: log.to_owned(), _cleanup: cleanup })
    }

    /// Waits for a condition while the image runs.
    pub fn wait_until(&self, mut condition: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            if let Some(status) = lock(&self.child).try_wait()? {
                bail!("it ended: {status}\n{}", program::tail(&self.log, 30));
            }
            ensure!(Instant::now() < deadline, "it was not ready in time\n{}", program::tail(&self.log, 30));
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Sends the signal to the image's first process and expects it to end in peace.
    pub fn stop(&self, signal: &str) -> Result<()> {
        let parent = lock(&self.child).id();
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        let first: i32 = children.trim().parse().context("the image has no first process")?;
        let signal = Signal::from_str(signal).with_context(|| format!("there is no signal {signal}"))?;
        kill(Pid::from_raw(first), signal)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = lock(&self.child).try_wait()? {
                ensure!(status.success(), "it ended with {status}\n{}", program::tail(&self.log, 30));
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "it did not stop on {signal}\n{}", program::tail(&self.log, 30));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
