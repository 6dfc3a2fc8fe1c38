//! Counting what passed and what failed, over checks of our own and over what `cargo test` prints.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::program;

/// How long a run of tests may print nothing: it compiles first, and the slowest test takes a minute or two.
const PATIENCE: Duration = Duration::from_secs(900);

/// Results so far.
#[derive(Default)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    /// What failed, in words a person can search the output for.
    pub failures: Vec<String>,
}

impl Tally {
    /// Counts one check of our own. Its error is printed here, since the others still run.
    pub fn check(&mut self, name: &str, result: Result<()>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => {
                eprintln!("{name}: {error:#}");
                self.fail(name.to_owned());
            }
        }
    }

    /// Keeps the value of a step that others need, or counts its failure.
    pub fn expect<T>(&mut self, name: &str, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.check(name, Err(error));
                None
            }
        }
    }

    /// Runs a `cargo test` command, passes its output through and counts what it reports. `label` tells the runs
    /// apart.
    pub fn cargo_test(&mut self, label: &str, command: &mut Command) -> Result<()> {
        let failed_before = self.failed;
        let status = program::each_line(command, PATIENCE, |line| {
            println!("{line}");
            self.read(label, line);
        })?;
        if !status.success() && self.failed == failed_before {
            // It did not compile, or a test took the whole process down.
            self.fail(format!("{label}: `{}` failed: {status}", program::line(command)));
        }
        Ok(())
    }

    /// The closing line, after the list of what failed.
    pub fn close(&self) -> bool {
        for failure in &self.failures {
            println!("failed: {failure}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        self.failed == 0
    }

    fn fail(&mut self, what: String) {
        self.failed += 1;
        self.failures.push(what);
    }

    fn read(&mut self, label: &str, line: &str) {
        if let Some(summary) = line.strip_prefix("test result: ") {
            self.passed += count_before(summary, " passed");
            self.failed += count_before(summary, " failed");
        } else if let Some(test) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.failures.push(format!("{label}: {test}"));
        }
    }
}

/// The number in front of a word: 12 for ` passed` in `ok. 12 passed; 0 failed`.
fn count_before(text: &str, word: &str) -> usize {
    let Some((before, _)) = text.split_once(word) else {
        return 0;
    };
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_binaries_add_up() {
        let mut tally = Tally::default();
        for line in [
            "test tenant::forged ... ok",
            "test tenant::guessed ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ] {
            tally.read("PostgreSQL 15", line);
        }
        assert_eq!((tally.passed, tally.failed), (13, 1));
        assert_eq!(tally.failures, ["PostgreSQL 15: tenant::guessed"]);
    }

    #[test]
    fn a_test_run_that_dies_without_a_summary_is_a_failure() {
        let mut tally = Tally::default();
        tally.cargo_test("unit", Command::new("sh").args(["-c", "exit 101"])).unwrap();
        assert_eq!((tally.passed, tally.failed), (0, 1));
    }
}
