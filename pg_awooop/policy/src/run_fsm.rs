//! The state machine of a run, as one table.
//!
//! The trigger that guards `awooop.run_state`, the view `awooop.run_transition` and docs/RUN_STATES.md all come from
//! [`TRANSITIONS`]; what is not in it cannot happen.

use std::fmt::Write;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    Pending,
    Running,
    WaitingTool,
    WaitingApproval,
    Completed,
    Failed,
    Cancelled,
    TimedOut,
}

use RunState::{Cancelled, Completed, Failed, Pending, Running, TimedOut, WaitingApproval, WaitingTool};

impl RunState {
    /// All states, the final ones last.
    pub const ALL: [RunState; 8] =
        [Pending, Running, WaitingTool, WaitingApproval, Completed, Failed, Cancelled, TimedOut];

    /// The state's name in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pending => "pending",
            Running => "running",
            WaitingTool => "waiting_tool",
            WaitingApproval => "waiting_approval",
            Completed => "completed",
            Failed => "failed",
            Cancelled => "cancelled",
            TimedOut => "timed_out",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether a run in this state has ended and never changes again.
    pub const fn is_final(self) -> bool {
        matches!(self, Completed | Failed | Cancelled | TimedOut)
    }

    /// Whether a worker holds a lease on a run in this state.
    pub const fn is_leased(self) -> bool {
        matches!(self, Running | WaitingTool)
    }

    /// Whether a run may go from this state to `to`.
    pub fn may_become(self, to: RunState) -> bool {
        TRANSITIONS.iter().any(|t| t.from == self && t.to == to)
    }
}

/// One thing that can happen to a run.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    pub from: RunState,
    pub to: RunState,
    /// What makes it happen.
    pub event: &'static str,
}

const fn on(from: RunState, to: RunState, event: &'static str) -> Transition {
    Transition { from, to, event }
}

/// Everything that can happen to a run.
pub const TRANSITIONS: &[Transition] = &[
    on(Pending, Running, "a worker claims it"),
    on(Pending, Cancelled, "it is cancelled before a worker claims it"),
    on(Pending, TimedOut, "its deadline passes"),
    on(Running, Completed, "the worker completes it"),
    on(Running, Failed, "it fails and no attempt is left, or it may not be retried"),
    on(Running, Pending, "the lease expires or the attempt fails, and attempts are left"),
    on(Running, WaitingTool, "a tool call is under way"),
    on(Running, WaitingApproval, "a person must decide"),
    on(Running, Cancelled, "it is cancelled"),
    on(Running, TimedOut, "its deadline passes, or the lease of its last attempt expires"),
    on(WaitingTool, Running, "the tool call ends"),
    on(WaitingTool, Pending, "the lease expires, and attempts are left"),
    on(WaitingTool, Failed, "the run is stopped while the tool call is under way"),
    on(WaitingTool, Cancelled, "it is cancelled"),
    on(WaitingTool, TimedOut, "its deadline passes, or the lease of its last attempt expires"),
    on(WaitingApproval, Pending, "the request is approved"),
    on(WaitingApproval, Failed, "the run is stopped while a person decides"),
    on(WaitingApproval, Cancelled, "the request is rejected, or the run is cancelled"),
    on(WaitingApproval, TimedOut, "the request expires, or the deadline passes"),
];

/// Where a run goes when an attempt fails.
pub fn after_failed_attempt(attempts: i32, max_attempts: i32, retryable: bool) -> RunState {
    if retryable && attempts < max_attempts { Pending } else { Failed }
}

/// Where a run goes when its deadline passes, or when its lease expires.
pub fn after_time_ran_out(attempts: i32, max_attempts: i32, deadline_passed: bool) -> RunState {
    if !deadline_passed && attempts < max_attempts { Pending } else { TimedOut }
}

/// docs/RUN_STATES.md, made from the table.
pub fn documentation() -> String {
    let mut page = String::from(
        "# The states of a run\n\nMade from `pg_awooop/policy/src/run_fsm.rs` by `cargo xtask docs`; \
         `select * from awooop.run_transition` shows the same. The trigger on `awooop.run_state` refuses everything else, \
         whoever asks.\n\n```mermaid\nstateDiagram-v2\n    [*] --> pending\n",
    );
    // Writing to a String cannot fail.
    for t in TRANSITIONS {
        let _ = writeln!(page, "    {} --> {}", t.from.as_str(), t.to.as_str());
    }
    for state in RunState::ALL.into_iter().filter(|s| s.is_final()) {
        let _ = writeln!(page, "    {} --> [*]", state.as_str());
    }
    page.push_str("```\n\n| from | to | when |\n|---|---|---|\n");
    for t in TRANSITIONS {
        let _ = writeln!(page, "| `{}` | `{}` | {} |", t.from.as_str(), t.to.as_str(), t.event);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_run_that_has_ended_never_changes() {
        for from in RunState::ALL.into_iter().filter(|s| s.is_final()) {
            assert!(RunState::ALL.into_iter().all(|to| !from.may_become(to)), "{from:?}");
        }
    }

    #[test]
    fn every_state_can_be_reached_and_every_open_one_can_end() {
        let mut reached = HashSet::from([Pending]);
        while let Some(t) = TRANSITIONS.iter().find(|t| reached.contains(&t.from) && !reached.contains(&t.to)) {
            reached.insert(t.to);
        }
        assert_eq!(reached.len(), RunState::ALL.len());
        for from in RunState::ALL.into_iter().filter(|s| !s.is_final()) {
            assert!(from.may_become(Cancelled) && from.may_become(TimedOut), "{from:?}");
            assert!(!from.may_become(from), "{from:?}");
        }
    }

    #[test]
    fn a_run_is_tried_until_attempts_or_time_are_spent() {
        assert_eq!(after_failed_attempt(1, 2, true), Pending);
        assert_eq!(after_failed_attempt(2, 2, true), Failed);
        assert_eq!(after_failed_attempt(1, 2, false), Failed);
        assert_eq!(after_time_ran_out(1, 2, false), Pending);
        assert_eq!(after_time_ran_out(2, 2, false), TimedOut);
        assert_eq!(after_time_ran_out(1, 2, true), TimedOut);
    }

    #[test]
    fn no_transition_stands_twice_and_names_are_unique() {
        let pairs: HashSet<_> = TRANSITIONS.iter().map(|t| (t.from, t.to)).collect();
        assert_eq!(pairs.len(), TRANSITIONS.len());
        for state in RunState::ALL {
            assert_eq!(RunState::parse(state.as_str()), Some(state));
        }
    }
}
