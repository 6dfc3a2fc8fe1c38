//! The circuit breaker of one server: after some failures in a row calls are not sent for a while, then one is let through to
//! see whether it works again. A server that is down costs its callers nothing but an answer that says so.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open it.
const FAILURES: u32 = 5;
/// How long nothing is sent then.
const REST: Duration = Duration::from_secs(10);

/// Of one server.
#[derive(Default)]
pub struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// Since when nothing is sent.
    opened: Option<Instant>,
}

/// The right to send one request. It says how that went; one that is dropped without a word was not sent.
pub struct Trial<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
    is_over: bool,
}

impl Breaker {
    /// Whether a request may be sent now.
    pub fn admit(&self) -> Option<Trial<'_>> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<Trial<'_>> {
        let mut state = self.state();
        let is_probe = match state.opened {
            None => false,
            Some(opened) if now.duration_since(opened) < REST => return None,
            Some(_) => {
                // The next one waits for what this one finds.
                state.opened = Some(now);
                true
            }
        };
        Some(Trial { breaker: self, is_probe, is_over: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trial<'_> {
    /// The server answered, whatever it said.
    pub fn answered(mut self) {
        self.is_over = true;
        *self.breaker.state() = State::default();
    }

    /// It could not be reached, broke off, did not answer in time, or said that it is out of order.
    pub fn failed(mut self) {
        self.is_over = true;
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        if self.is_probe || state.failures >= FAILURES {
            state.opened = Some(Instant::now());
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        // A probe that found nothing out is as if it had not been: the next one may try at once.
        if self.is_probe && !self.is_over {
            self.breaker.state().opened = Instant::now().checked_sub(REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.admit().unwrap().failed();
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_probe_closes_it() {
        let breaker = Breaker::default();
        fail(&breaker, FAILURES - 1);
        breaker.admit().unwrap().answered();
        fail(&breaker, FAILURES);
        assert!(breaker.admit().is_none());
        let later = Instant::now() + REST;
        let probe = breaker.admit_at(later).unwrap();
        assert!(breaker.admit_at(later).is_none(), "one probe at a time");
        probe.answered();
        assert!(breaker.admit().is_some());
    }

    #[test]
    fn a_probe_that_fails_keeps_it_open() {
        let breaker = Breaker::default();
        fail(&breaker, FAILURES);
        breaker.admit_at(Instant::now() + REST).unwrap().failed();
        assert!(breaker.admit().is_none());
    }

    #[test]
    fn a_probe_that_was_not_sent_makes_room_for_another() {
        let breaker = Breaker::default();
        fail(&breaker, FAILURES);
        drop(breaker.admit_at(Instant::now() + REST).unwrap());
        assert!(breaker.admit().is_some());
    }

    proptest! {
        /// Against the simplest model: closed as long as fewer than that many failures came since the last answer.
        #[test]
        fn it_is_closed_unless_failures_came_in_a_row(answers in prop::collection::vec(any::<bool>(), 0..40)) {
            let breaker = Breaker::default();
            let mut in_a_row = 0;
            for answered in answers {
                let Some(trial) = breaker.admit() else { prop_assert!(in_a_row >= FAILURES); continue };
                prop_assert!(in_a_row < FAILURES);
                if answered { trial.answered(); in_a_row = 0 } else { trial.failed(); in_a_row += 1 }
            }
        }
    }
}
