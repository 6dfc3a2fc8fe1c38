//! Ending a run that may not go on, whatever its worker says.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::run_fsm::RunState;
use serde_json::Value;

use super::end::end;
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, fault};

/// Ends the run that the entry is about, with the problem as its error. Its row is locked.
pub(crate) fn stop(caller: &Caller, entry: audit::Entry, problem: &Problem) -> Outcome<()> {
    let Some(run_id) = entry.run_id else { return fault(ErrorCode::SystemInternal) };
    let code = problem.code.entry();
    let mut error = problem.facts.clone();
    error.insert("code".into(), code.code.into());
    error.insert("message".into(), code.message.into());
    end(caller, run_id, RunState::Failed, None, Some(Value::Object(error).to_string()))?;
    let mut entry = entry.with("cause", code.code);
    entry.facts.extend(problem.facts.clone());
    audit::done(caller, "run_stopped", entry)
}
