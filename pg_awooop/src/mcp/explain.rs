//! What each gate would say to a call: the same facts, the same function, and no effect.

use awooop_policy::argument::Arguments;
use awooop_policy::envelope::platform_subject_id;
use awooop_policy::error::ErrorCode;
use awooop_policy::gates::{Approval, Judgement, Verdict};
use awooop_policy::operation::Operation;
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::snapshot::{Snapshot, Wanted};
use crate::caller::{self, Caller};
use crate::door::Answer;
use crate::fault::{Outcome, fault, or_raise};

/// What the gates are called, by their number.
const GATES: [&str; 5] = ["tenant", "agent", "tool", "budget and rate", "approval and credential"];

fn name(gate: u8) -> &'static str {
    GATES.get(usize::from(gate).wrapping_sub(1)).copied().unwrap_or_default()
}

fn explained(caller: &Caller, agent_id: &str, tool: &str, arguments: &Value) -> Outcome<(Judgement, Value)> {
    let subject_id = platform_subject_id(&caller.project_id, "mcp", &caller.principal_id);
    let wanted = Wanted {
        agent_id: Some(agent_id),
        tool,
        arguments,
        run_id: None,
        call_id: None,
        channel_type: "mcp",
        channel_user_id: &caller.principal_id,
        subject_id: &subject_id,
    };
    let snapshot = Snapshot::take(caller, &wanted)?;
    let mut facts = snapshot.facts(Approval::None);
    let judgement = snapshot.judge_waiting(caller, &wanted, &mut facts)?;
    Ok((judgement, snapshot.basis()))
}

/// Operation `mcp_explain`.
pub(crate) fn explain(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (agent_id, tool) = (arguments.text("agent_id"), arguments.text("tool"));
    let (judgement, basis) = explained(caller, agent_id, tool, arguments.json("arguments"))?;
    let (verdict, code) = match judgement.denial() {
        Some(check) => ("denied", Some(check.code.entry().code)),
        None if judgement.asks() => ("waiting", None),
        None => ("allowed", None),
    };
    let gates: Vec<Value> = judgement
        .checks
        .iter()
        .map(|check| {
            json!({
                "gate": check.gate, "name": name(check.gate), "code": check.code.entry().code,
                "verdict": check.verdict.as_str(), "reason": check.reason, "facts": check.facts
            })
        })
        .collect();
    let body = json!({
        "agent_id": agent_id, "tool": tool, "verdict": verdict, "code": code, "gates": gates, "based_on": basis
    });
    Ok(Answer::ok(body.to_string()))
}

/// The same as a table that a person can read: a row for each check, in order. `decides` marks the one that decides.
#[allow(clippy::type_complexity)]
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn mcp_explain_table(
    agent_id: Option<&str>,
    tool: Option<&str>,
    arguments: default!(Option<&str>, "'{}'"),
) -> TableIterator<
    'static,
    (
        name!(gate, i32),
        name!(name, String),
        name!(code, String),
        name!(verdict, String),
        name!(decides, bool),
        name!(reason, String),
        name!(facts, pgrx::JsonB),
    ),
> {
    let judgement = or_raise(judged(agent_id, tool, arguments));
    let decides = judgement.checks.iter().position(|check| check.verdict == Verdict::Deny);
    let rows: Vec<_> = judgement
        .checks
        .into_iter()
        .enumerate()
        .map(|(n, check)| {
            (
                i32::from(check.gate),
                name(check.gate).to_owned(),
                check.code.entry().code.to_owned(),
                check.verdict.as_str().to_owned(),
                decides == Some(n),
                check.reason.to_owned(),
                pgrx::JsonB(Value::Object(check.facts)),
            )
        })
        .collect();
    TableIterator::new(rows)
}

fn judged(agent_id: Option<&str>, tool: Option<&str>, arguments: Option<&str>) -> Outcome<Judgement> {
    let Some(operation) = Operation::named("mcp_explain") else { return fault(ErrorCode::OperationUnknown) };
    let mut members = serde_json::Map::new();
    for (name, value) in [("agent_id", agent_id), ("tool", tool)] {
        if let Some(value) = value {
            members.insert(name.to_owned(), value.into());
        }
    }
    if let Some(arguments) = arguments {
        let read = awooop_contracts::parse(arguments, awooop_policy::argument::MAX_ARGUMENTS);
        members.insert("arguments".to_owned(), read.map_err(awooop_policy::argument::violation)?);
    }
    let arguments = Arguments::check(operation.arguments, members)?;
    let caller = caller::of_session(operation.name)?;
    caller.authorize(operation)?;
    let (judgement, _) =
        explained(&caller, arguments.text("agent_id"), arguments.text("tool"), arguments.json("arguments"))?;
    Ok(judgement)
}
