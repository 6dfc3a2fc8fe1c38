//! What a server says while a call is under way, for the caller to see: how far it is, what it logs, and what it asks.

use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::server_message;
use serde_json::{Value, json};

use super::call::{self, Call};
use super::finish::held;
use super::questions::{Asked, ensure_room, wrong};
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::redaction;
use crate::runs;

/// Reports and lines of a log in a call.
const MOST_RELAYED: i32 = 1000;

/// Operation `mcp_relay`.
pub(crate) fn relay(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let given = arguments.json("message");
    let message = match arguments.text("kind") {
        "progress" => {
            let Some(mut report) = server_message::progress(given) else {
                return wrong("`progress`, a number; `total`, a number, and `message`, a text, where there are");
            };
            count(caller, arguments)?;
            redact(&mut report, &["message"])?;
            server_message::bound(report)
        }
        "log" => {
            let Some(mut line) = server_message::log(given) else {
                return wrong("`level`, one of the protocol's, and `data`; `logger`, a text, where there is one");
            };
            count(caller, arguments)?;
            redact(&mut line, &["logger", "data"])?;
            server_message::bound(line)
        }
        _ => return asked(caller, arguments, given),
    };
    Ok(answer(&message))
}

fn answer(message: &Value) -> Answer {
    Answer::ok(json!({"message": message}).to_string())
}

fn redact(message: &mut Value, names: &[&str]) -> Outcome<()> {
    for name in names {
        if let Some(part) = message.get_mut(*name) {
            *part = redaction::shown_json(part)?;
        }
    }
    Ok(())
}

/// Counts a report in one statement; where that finds no call to count it for, says why.
fn count(caller: &Caller, arguments: &Arguments) -> Outcome<()> {
    let (call_id, ticket, lease) = (arguments.uuid("call_id"), arguments.text("ticket"), arguments.text("lease"));
    if call::reported(caller, call_id, ticket, lease, MOST_RELAYED)? {
        return Ok(());
    }
    let call = under_way(caller, arguments)?;
    match call.relays >= MOST_RELAYED {
        true => fault(Problem::from(ErrorCode::McpRelayed).with("limit", MOST_RELAYED)),
        false => fault(ErrorCode::SystemRetry),
    }
}

/// The call, if its server is at work on it, and the caller was told to make it.
fn under_way(caller: &Caller, arguments: &Arguments) -> Outcome<Call> {
    let (call, _) = held(caller, arguments)?;
    let outcome = if call.is_suspended { Some("suspended") } else { call.outcome.as_deref() };
    match outcome {
        Some(outcome) => fault(Problem::from(ErrorCode::McpCallEnded).with("outcome", outcome)),
        None => Ok(call),
    }
}

/// A question that the server waits for the answer to.
fn asked(caller: &Caller, arguments: &Arguments, given: &Value) -> Outcome<Answer> {
    let asked = Asked::one(given)?;
    let call = under_way(caller, arguments)?;
    ensure_room(&call)?;
    if let Some(problem) = asked.denial(caller, &call)? {
        audit::refused(caller, "mcp_relay", &problem, call.entry())?;
        return Ok(Answer::refusal(&problem));
    }
    let kinds = asked.words();
    let asked = asked.redacted()?;
    call::asked(&caller.project_id, call.call_id, &asked.kept())?;
    if call.is_whole_run {
        // Whoever answers is a person.
        runs::keep_for_call(caller, call.run_id)?;
    }
    audit::done(caller, "tool_call_asked", call.entry().with("asked", kinds))?;
    Ok(answer(&asked.questions.into_iter().map(|(_, question)| question).next().unwrap_or_default()))
}
