//! What a person sees while a long command runs: which step of how many, what it does, and how long it has taken.
//! All of it on standard error.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Result;

/// How often a step that is still running says so.
const STILL_RUNNING_EVERY: Duration = Duration::from_secs(20);

/// A numbered list of steps.
pub struct Steps {
    done: usize,
    total: usize,
}

impl Steps {
    pub fn new(total: usize) -> Self {
        Steps { done: 0, total }
    }

    /// Runs one step under its number.
    pub fn step<T>(&mut self, text: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        eprintln!("[{}/{}] {text} ...", self.done, self.total);
        let started = Instant::now();
        let result = while_ticking(started, work);
        let elapsed = started.elapsed();
        match &result {
            Ok(_) if elapsed >= Duration::from_secs(1) => eprintln!("      done in {}", duration(elapsed)),
            Ok(_) => {}
            Err(_) => eprintln!("      failed after {}", duration(elapsed)),
        }
        result
    }
}

fn while_ticking<T>(started: Instant, work: impl FnOnce() -> T) -> T {
    let (finished, wait) = channel::<()>();
    let ticker = std::thread::spawn(move || {
        while wait.recv_timeout(STILL_RUNNING_EVERY) == Err(RecvTimeoutError::Timeout) {
            eprintln!("      still running after {}", duration(started.elapsed()));
        }
    });
    let result = work();
    drop(finished);
    let _ = ticker.join();
    result
}

/// `0.4 s`, `17 s`, `3 min 05 s`.
pub fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else if seconds >= 10 {
        format!("{seconds} s")
    } else {
        format!("{:.1} s", elapsed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_clock() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(17)), "17 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn a_failing_step_hands_its_error_on_and_counts() {
        let mut steps = Steps::new(2);
        assert!(steps.step("one", || -> Result<()> { anyhow::bail!("no") }).is_err());
        assert_eq!(steps.step("two", || Ok(7)).unwrap(), 7);
        assert_eq!(steps.done, 2);
    }
}
