//! Ending a call: what came of it is redacted and bounded, what it cost is booked, and the run that was made for it ends.

use awooop_contracts::{Contract, Kind};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::journal::Phase;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{self, Call};
use super::result::{self, Fit};
use super::state;
use crate::audit;
use crate::budget;
use crate::caller::Caller;
use crate::contracts::active;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::runs::{self, Held};

/// The call, and its run, which the caller holds.
fn held(caller: &Caller, arguments: &Arguments) -> Outcome<(Call, Held)> {
    let (project_id, call_id) = (caller.project_id.as_str(), arguments.uuid("call_id"));
    let run_id = Call::find(project_id, call_id)?.run_id;
    let held = runs::hold_for_charge(caller, run_id, arguments.text("lease"))?;
    let call = Call::find(project_id, call_id)?;
    if !call.is_begun {
        return fault(Problem::from(ErrorCode::McpCallEnded).with("outcome", "waiting"));
    }
    Ok((call, held))
}

/// Operation `mcp_suspend_call`.
pub(crate) fn suspend(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (call, _) = held(caller, arguments)?;
    if let Some(outcome) = &call.outcome {
        return fault(Problem::from(ErrorCode::McpCallEnded).with("outcome", outcome.as_str()));
    }
    call::suspended(&caller.project_id, call.call_id)?;
    if call.is_whole_run {
        runs::keep_for_call(caller, call.run_id)?;
    }
    audit::done(caller, "tool_call_suspended", call.entry())?;
    let state = state::sealed(caller, call.call_id, arguments.optional_text("upstream_state"))?;
    let body = json!({"call_id": call.call_id, "run_id": call.run_id, "request_state": state});
    Ok(Answer::ok(body.to_string()))
}

/// Operation `mcp_finish_call`.
pub(crate) fn finish(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    if let Some(answer) = finished_before(caller, arguments)? {
        return Ok(answer);
    }
    let (call, held) = held(caller, arguments)?;
    if call.outcome.is_some() {
        return answered(&call, arguments);
    }
    let said = arguments.text("outcome");
    let fit = fit(caller, &call, said, arguments.json("result"))?;
    // A result that is none, or says that it is an error, is no success.
    let outcome = match said {
        "succeeded" if !fit.is_as_agreed || fit.result["isError"] == true => "failed",
        other => other,
    };
    let was_sent = !matches!(outcome, "not_sent" | "unresolved");
    let used = if was_sent { arguments.optional_integer("micro_usd").unwrap_or(call.cost_micro_usd) } else { 0 };
    settle(caller, &call, &held, was_sent, used)?;
    let text = fit.result.to_string();
    let sizes = (fit.bytes, fit.cut_bytes);
    if !call::finished(&caller.project_id, call.call_id, outcome, Some(&text), sizes)? {
        return fault(ErrorCode::SystemRetry);
    }
    tell(caller, &call, outcome, &fit, used)?;
    if call.is_whole_run {
        let error = (outcome != "succeeded").then(|| json!({"code": outcome, "message": null}).to_string());
        runs::end_with_call(caller, call.run_id, outcome == "succeeded", Some(text), error)?;
    } else {
        let step = (call.step_key.as_str(), Phase::Completed);
        runs::record_call(caller, call.run_id, &held, step, &Value::Null, &fit.result)?;
        runs::ensure_licensed(caller, call.run_id, &held)?;
    }
    let body = json!({
        "call_id": call.call_id, "run_id": call.run_id, "outcome": outcome, "result": fit.result,
        "redacted": fit.redacted, "cut_bytes": fit.cut_bytes, "micro_usd": used
    });
    Ok(Answer::ok(body.to_string()))
}

/// The answer was lost, and the run has ended with the call.
fn finished_before(caller: &Caller, arguments: &Arguments) -> Outcome<Option<Answer>> {
    let call = Call::find(&caller.project_id, arguments.uuid("call_id"))?;
    let is_the_callers = call.principal_id == caller.principal_id;
    match call.outcome {
        Some(_) if call.is_whole_run && is_the_callers => answered(&call, arguments).map(Some),
        _ => Ok(None),
    }
}

fn answered(call: &Call, arguments: &Arguments) -> Outcome<Answer> {
    let outcome = call.outcome.as_deref().unwrap_or_default();
    let said = arguments.text("outcome");
    if said != outcome && !(said == "succeeded" && outcome == "failed") {
        return fault(Problem::from(ErrorCode::McpCallEnded).with("outcome", outcome));
    }
    let body = json!({
        "call_id": call.call_id, "run_id": call.run_id, "outcome": outcome, "result": call.result()?, "redacted": true,
        "cut_bytes": call.cut_bytes, "micro_usd": call.cost_micro_usd
    });
    Ok(Answer::ok(body.to_string()))
}

/// What the agent may see of what came of it.
fn fit(caller: &Caller, call: &Call, outcome: &str, given: &Value) -> Outcome<Fit> {
    let plain = |result| Fit { result, bytes: 0, cut_bytes: 0, redacted: false, is_as_agreed: true };
    let code = match outcome {
        "unresolved" => ErrorCode::GateCredential,
        "timed_out" => ErrorCode::McpTimedOut,
        "cancelled" => ErrorCode::McpCancelled,
        "not_sent" => ErrorCode::McpUnreachable,
        "failed" if given.is_null() => ErrorCode::McpUpstream,
        _ => {
            // By the contract that the call was judged by.
            let revision = call.basis()?["tool_revision_id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
            let tool = active::load(&caller.project_id, revision.unwrap_or_default())?;
            let Contract::Tool(contract) = &tool.contract else { return fault(ErrorCode::SystemInternal) };
            debug_assert_eq!(tool.contract.kind(), Kind::Tool);
            return result::fit(given, &tool, contract);
        }
    };
    Ok(plain(result::error(code, "")))
}

fn settle(caller: &Caller, call: &Call, held: &Held, was_sent: bool, used: i64) -> Outcome<()> {
    let Some(reservation_id) = call.reservation_id else { return Ok(()) };
    let run_id = (!call.is_whole_run).then_some(call.run_id);
    match was_sent {
        true => budget::settle_tool(caller, reservation_id, run_id.map(|run_id| (run_id, held)), used),
        false => budget::release_tool(caller, reservation_id, run_id),
    }
}

fn tell(caller: &Caller, call: &Call, outcome: &str, fit: &Fit, used: i64) -> Outcome<()> {
    let entry = call
        .entry()
        .with("outcome", outcome)
        .with("result_bytes", fit.bytes)
        .with("cut_bytes", fit.cut_bytes)
        .with("redacted", fit.redacted)
        .with("micro_usd", used);
    if outcome == "unresolved" {
        // The gateway found that the credential cannot be had: the last gate is closed after all.
        let problem = Problem::from(ErrorCode::GateCredential).with("gate", 5).with("reason", "unresolved");
        return audit::refused(caller, "tool_call_finished", &problem, entry);
    }
    audit::done(caller, "tool_call_finished", entry)
}
