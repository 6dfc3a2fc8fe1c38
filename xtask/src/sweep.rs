//! Ending the processes that a test run left behind: servers that a test started and whose test process died.
//!
//! They are told by the scratch directory, whose path no other run has: a process works in it, or was started with
//! its path in the environment.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Ends everything that belongs to a scratch directory, and says what it was.
pub fn sweep(scratch: &Path) {
    let left: Vec<(i32, String)> = belonging_to(scratch);
    if left.is_empty() {
        return;
    }
    for (pid, name) in &left {
        eprintln!("      ending a process that a test left behind: {name} ({pid})");
        // A PostgreSQL server waits for its clients on SIGTERM; on SIGQUIT it ends at once, its children with it.
        let signal = if name == "postgres" { Signal::SIGQUIT } else { Signal::SIGTERM };
        let _ = kill(Pid::from_raw(*pid), signal);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if belonging_to(scratch).is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    for (pid, _) in belonging_to(scratch) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

fn belonging_to(scratch: &Path) -> Vec<(i32, String)> {
    let own = std::process::id().cast_signed();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    pids.filter(|pid| *pid != own && belongs(*pid, scratch)).map(|pid| (pid, name(pid))).collect()
}

fn belongs(pid: i32, scratch: &Path) -> bool {
    if fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|dir| dir.starts_with(scratch)) {
        return true;
    }
    let assignment = format!("AWOOOP_TEST_STATE={}", scratch.display());
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == assignment.as_bytes())
}

fn name(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_processes_of_this_scratch_directory_are_ended() {
        let scratch = std::env::temp_dir().join(format!("awooop-sweep-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        let mut works_there = Command::new("sleep").arg("60").current_dir(&scratch).spawn().unwrap();
        let mut told_of_it = Command::new("sleep").arg("60").env("AWOOOP_TEST_STATE", &scratch).spawn().unwrap();
        let mut other = Command::new("sleep").arg("60").env("AWOOOP_TEST_STATE", "/elsewhere").spawn().unwrap();
        sweep(&scratch);
        let ended = works_there.wait().is_ok() && told_of_it.wait().is_ok();
        let other_lives = other.try_wait().unwrap().is_none();
        other.kill().unwrap();
        other.wait().unwrap();
        fs::remove_dir_all(&scratch).unwrap();
        assert!(ended && other_lives);
    }
}
