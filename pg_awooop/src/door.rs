//! The two doors, and the one way from either to an operation: check the arguments, prove the caller, check the scope,
//! run, answer.
//!
//! A refusal is audited, committed and answered as a problem document; a fault is raised.

mod call;
mod sql;

use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::operation::Operation;
use uuid::Uuid;

use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, Stop, fault};
use crate::operations;
use crate::statement::pg_uuid;

/// What an operation answers: an HTTP status and a JSON body.
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) body: String,
}

impl Answer {
    /// The ordinary answer.
    pub(crate) fn ok(body: String) -> Self {
        Answer { status: 200, body }
    }

    /// The answer where something came into being.
    pub(crate) fn created(body: String) -> Self {
        Answer { status: 201, body }
    }

    /// One page of a listing, from one row more than the page holds: each an item's JSON and its key.
    pub(crate) fn page(mut rows: Vec<(String, String)>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some((_, key)) if more => serde_json::Value::from(key.as_str()).to_string(),
            _ => "null".to_owned(),
        };
        let items: Vec<String> = rows.into_iter().map(|(item, _)| item).collect();
        Self::ok(format!("{{\"items\":[{}],\"next_cursor\":{next}}}", items.join(",")))
    }

    /// The same, an object, with one more member.
    pub(crate) fn with(mut self, name: &str, value: &serde_json::Value) -> Self {
        if self.body.ends_with('}') {
            self.body.pop();
            self.body.push_str(&format!(",{}:{value}}}", serde_json::Value::from(name)));
        }
        self
    }

    /// The answer to a refused request.
    pub(crate) fn refusal(problem: &Problem) -> Self {
        Answer { status: problem.code.entry().status.into(), body: problem.to_document().to_string() }
    }
}

/// The id behind which a page of a listing begins, of the cursor that the page before came with.
pub(crate) fn page_after(arguments: &Arguments) -> Outcome<Option<pgrx::Uuid>> {
    match arguments.optional_text("cursor").map(Uuid::try_parse) {
        None => Ok(None),
        Some(Ok(id)) => Ok(Some(pg_uuid(id))),
        Some(Err(_)) => fault(ErrorCode::InputCursor),
    }
}

/// Runs an operation for a proven caller. Only faults come back as errors.
fn perform(operation: &Operation, caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let outcome = match caller.authorize(operation) {
        Ok(()) => operations::run(operation, caller, arguments),
        Err(problem) => Err(Stop::Refused(problem)),
    };
    match outcome {
        Err(Stop::Refused(problem)) => {
            let mut entry = audit::Entry { run_id: arguments.optional_uuid("run_id"), ..audit::Entry::default() };
            if let Some(approval_id) = arguments.optional_uuid("approval_id") {
                entry = entry.with("approval_id", approval_id.to_string());
            }
            audit::refused(caller, operation.name, &problem, entry)?;
            Ok(Answer::refusal(&problem))
        }
        outcome => outcome,
    }
}
