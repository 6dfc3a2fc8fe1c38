//! Ending a call: what came of it is redacted and bounded, what it cost is booked, and the run that was made for it ends.

use awooop_contracts::Contract;
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::journal::Phase;
use awooop_policy::scope::Scope;
use serde_json::{Value, json};

use super::call::{self, Call};
use super::feature;
use super::questions::{Asked, ensure_room};
use super::result::{self, Fit};
use super::scene::invalid;
use super::state;
use crate::audit;
use crate::budget;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault, refuse};
use crate::runs::{self, Held};

/// What a server wants to have back, at most.
const MOST_STATE_BYTES: usize = 32 * 1024;

/// The call, and its run, which the caller holds.
pub(super) fn held(caller: &Caller, arguments: &Arguments) -> Outcome<(Call, Held)> {
    let (project_id, call_id) = (caller.project_id.as_str(), arguments.uuid("call_id"));
    let lease = arguments.text("lease");
    // The run is locked first, so that the call is seen as whoever held the lock has left it.
    let Some(run_id) = runs::run_of_lease(caller, lease) else {
        Call::find(project_id, call_id)?;
        return refuse(ErrorCode::RunLease);
    };
    let held = match runs::hold_for_charge(caller, run_id, lease) {
        Ok(held) => held,
        Err(stop) => {
            Call::find(project_id, call_id)?;
            // Of a run that is not there it is not the call's lease either.
            let is_of_none = matches!(&stop, Stop::Fault(problem) if problem.code == ErrorCode::RunUnknown);
            return if is_of_none { refuse(ErrorCode::RunLease) } else { Err(stop) };
        }
    };
    let call = Call::find(project_id, call_id)?;
    if call.run_id != run_id {
        return refuse(ErrorCode::RunLease);
    }
    if !call.is_begun {
        return fault(Problem::from(ErrorCode::McpCallEnded).with("outcome", "waiting"));
    }
    ensure_begun_with(caller, &call, arguments)?;
    Ok((call, held))
}

/// Refuses whoever was not told to make the call, or was told so before somebody else was.
fn ensure_begun_with(caller: &Caller, call: &Call, arguments: &Arguments) -> Outcome<()> {
    // A run may be worked on by others; one that was made for a call is its caller's.
    let is_the_callers = !call.is_whole_run || call.principal_id == caller.principal_id;
    if is_the_callers && call.is_begun_with(arguments.text("ticket")) { Ok(()) } else { refuse(ErrorCode::McpTicket) }
}

/// Operation `mcp_suspend_call`.
pub(crate) fn suspend(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let upstream_state = arguments.optional_text("upstream_state");
    if upstream_state.is_some_and(|state| state.len() > MOST_STATE_BYTES) {
        return invalid("upstream_state", &format!("at most {MOST_STATE_BYTES} bytes"));
    }
    let questions = arguments.json("questions");
    let asked = if questions.is_null() { None } else { Some(Asked::read(questions)?) };
    let (call, _) = held(caller, arguments)?;
    if let Some(outcome) = &call.outcome {
        return fault(Problem::from(ErrorCode::McpCallEnded).with("outcome", outcome.as_str()));
    }
    ensure_room(&call)?;
    let denial = asked.as_ref().map(|asked| asked.denial(caller, &call)).transpose()?.flatten();
    if let Some(problem) = denial {
        audit::refused(caller, "mcp_suspend_call", &problem, call.entry())?;
        return Ok(Answer::refusal(&problem));
    }
    let asked = asked.map(Asked::redacted).transpose()?;
    let kept = asked.as_ref().map(Asked::kept).unwrap_or_default();
    let suspension = call::suspended(&caller.project_id, call.call_id, upstream_state, &kept)?;
    if call.is_whole_run {
        runs::keep_for_call(caller, call.run_id)?;
    }
    let kinds = asked.as_ref().map(Asked::words);
    audit::done(caller, "tool_call_suspended", call.entry().with("asked", kinds.unwrap_or_else(|| json!([]))))?;
    let state = state::sealed(caller, call.call_id, Some(suspension))?;
    let body = json!({
        "call_id": call.call_id, "run_id": call.run_id, "request_state": state, "questions": asked.map(|asked| asked.questions)
    });
    Ok(Answer::ok(body.to_string()))
}

/// Operation `mcp_finish_call`.
pub(crate) fn finish(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (call, held) = match held(caller, arguments) {
        Ok(held) => held,
        Err(stop) => return finished_before(caller, arguments)?.ok_or(stop),
    };
    if call.outcome.is_some() {
        return answered(&call, arguments);
    }
    let said = arguments.text("outcome");
    let fit = fit(caller, &call, said, arguments.json("result"))?;
    // A result that is none, or says that it is an error, is no success.
    let outcome = match said {
        "succeeded" if !fit.is_as_agreed || fit.is_error => "failed",
        other => other,
    };
    let was_sent = !matches!(outcome, "not_sent" | "unresolved");
    let (cost, due) = bill(caller, &call, arguments, was_sent)?;
    let used = call.used_micro_usd.saturating_add(cost);
    let text = fit.result.to_string();
    let sizes = (fit.bytes, fit.cut_bytes);
    // What came of it is written first: a budget that is found to be overrun ends the run, and loses nothing.
    if !call::finished(&caller.project_id, call.call_id, outcome, &text, sizes, used)? {
        return fault(ErrorCode::SystemRetry);
    }
    tell(caller, &call, outcome, &fit, used)?;
    if call.is_whole_run {
        settle(caller, &call, &held, due)?;
        let error = (outcome != "succeeded").then(|| json!({"code": outcome, "message": null}).to_string());
        runs::end_with_call(caller, call.run_id, outcome == "succeeded", Some(text), error)?;
    } else {
        let step_key = call.journal_key();
        let step = (step_key.as_str(), Phase::Completed);
        runs::record_call(caller, call.run_id, &held, step, &Value::Null, &fit.result)?;
        settle(caller, &call, &held, due)?;
        runs::ensure_licensed(caller, call.run_id, &held)?;
    }
    let body = json!({
        "call_id": call.call_id, "run_id": call.run_id, "outcome": outcome, "result": fit.result,
        "redacted": fit.redacted, "cut_bytes": fit.cut_bytes, "micro_usd": used
    });
    Ok(Answer::ok(body.to_string()))
}

/// What is still to be done about the price of a call.
enum Due {
    /// Its reservation goes back.
    Nothing,
    /// Booked of its reservation, or of the run's.
    Whole(i64),
    /// Its reservation has ended, and was booked; so much more is to be.
    More(i64),
}

/// What the call cost by the time it is over, and what of that is still to be booked.
fn bill(caller: &Caller, call: &Call, arguments: &Arguments, was_sent: bool) -> Outcome<(i64, Due)> {
    let cost = if was_sent { priced(caller, call, arguments)? } else { 0 };
    let ended = match call.reservation_id {
        Some(reservation_id) => budget::ended_for_tool(caller, reservation_id, call.is_whole_run)?,
        None => None,
    };
    Ok(match ended {
        Some(booked) => (cost.max(booked), Due::More(cost.saturating_sub(booked).max(0))),
        None if was_sent => (cost, Due::Whole(cost)),
        None => (0, Due::Nothing),
    })
}

/// What its contract says, unless somebody who may spend says otherwise.
fn priced(caller: &Caller, call: &Call, arguments: &Arguments) -> Outcome<i64> {
    let price = call.price_micro_usd(&caller.project_id)?;
    match arguments.optional_integer("micro_usd") {
        Some(micro_usd) if micro_usd != price && !caller.scopes.contains(Scope::BudgetsSpend) => {
            let scope = Scope::BudgetsSpend.as_str();
            refuse(Problem::from(ErrorCode::AuthScope).with("argument", "micro_usd").with("required_scope", scope))
        }
        Some(micro_usd) => Ok(micro_usd),
        None => Ok(price),
    }
}

/// The answer was lost, and the run has ended with the call.
fn finished_before(caller: &Caller, arguments: &Arguments) -> Outcome<Option<Answer>> {
    let call = Call::find(&caller.project_id, arguments.uuid("call_id"))?;
    match call.outcome {
        Some(_) if call.is_whole_run && call.principal_id == caller.principal_id => {
            ensure_begun_with(caller, &call, arguments)?;
            answered(&call, arguments).map(Some)
        }
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
        "cut_bytes": call.cut_bytes, "micro_usd": call.used_micro_usd
    });
    Ok(Answer::ok(body.to_string()))
}

/// What the agent may see of what came of it.
fn fit(caller: &Caller, call: &Call, outcome: &str, given: &Value) -> Outcome<Fit> {
    let plain = |result| Fit { result, bytes: 0, cut_bytes: 0, redacted: false, is_as_agreed: true, is_error: true };
    let code = match outcome {
        "unresolved" => ErrorCode::GateCredential,
        "timed_out" => ErrorCode::McpTimedOut,
        "cancelled" => ErrorCode::McpCancelled,
        "not_sent" => ErrorCode::McpUnreachable,
        "failed" if given.is_null() => ErrorCode::McpUpstream,
        _ => {
            let tool = call.tool(&caller.project_id)?;
            let Contract::Tool(contract) = &tool.contract else { return fault(ErrorCode::SystemInternal) };
            // What it says that has failed is told as a tool's failure is.
            if let Some(method) = call.method.filter(|_| outcome == "succeeded") {
                return feature::fit(&caller.project_id, call, method, given, &tool, contract);
            }
            return result::fit(given, &tool, contract);
        }
    };
    Ok(plain(result::error(code, "")))
}

fn settle(caller: &Caller, call: &Call, held: &Held, due: Due) -> Outcome<()> {
    let run = (call.run_id, held);
    match (due, call.reservation_id) {
        (Due::Whole(cost), reservation_id) => budget::settle_tool(caller, reservation_id, run, call.is_whole_run, cost),
        (Due::More(cost), _) => budget::settle_tool(caller, None, run, call.is_whole_run, cost),
        (Due::Nothing, Some(reservation_id)) => {
            budget::release_tool(caller, reservation_id, (!call.is_whole_run).then_some(call.run_id))
        }
        (Due::Nothing, None) => Ok(()),
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
