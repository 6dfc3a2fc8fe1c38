//! What the operations on approvals answer.

use awooop_contracts::model::tool::{Risk, SideEffects};
use serde_json::{Map, Value, json};

use super::{integer, list, maybe_text, maybe_time, object, page, text, time, uuid};
use crate::approval::{RequestState, TokenMode};

fn maybe_integer() -> Value {
    json!({"type": ["integer", "null"]})
}

fn word(words: impl Iterator<Item = &'static str>) -> Value {
    json!({"type": "string", "enum": words.collect::<Vec<_>>()})
}

fn summary() -> Map<String, Value> {
    let members = json!({
        "approval_id": uuid(), "run_id": uuid(), "step_key": text(), "agent_id": text(), "platform_subject_id": text(),
        "tool": text(), "mode": word(TokenMode::ALL.iter().map(|mode| mode.as_str())),
        "risk": word(Risk::ALL.iter().map(|risk| risk.as_str())),
        "side_effects": word(SideEffects::ALL.iter().map(|effects| effects.as_str())),
        "state": word(RequestState::ALL.iter().map(|state| state.as_str())), "summary": text(), "digest": text(),
        "estimated": object(json!({"tokens": maybe_integer(), "micro_usd": maybe_integer()})), "asked_by": text(),
        "needed": integer(), "roles": {"type": ["array", "null"], "items": text()}, "reason_required": {"type": "boolean"},
        "asked_at": time(), "expires_at": time(), "approved_at": maybe_time(), "token_until": maybe_time(),
        "ended_at": maybe_time(), "waited_seconds": integer()
    });
    members.as_object().cloned().unwrap_or_default()
}

fn whole() -> Map<String, Value> {
    let decision = object(json!({
        "decision": word(["approve", "reject"].into_iter()), "principal_id": text(), "reason": maybe_text(),
        "decided_at": time()
    }));
    let mut used = object(json!({
        "used_at": time(), "used_by": text(), "step_key": text(),
        "outcome": word(["under_way", "completed", "unknown"].into_iter())
    }));
    used["type"] = json!(["object", "null"]);
    let mut members = summary();
    members.insert("arguments".to_owned(), json!({"type": "object"}));
    members.insert("redacted".to_owned(), json!({"type": "boolean"}));
    members.insert("decisions".to_owned(), list(decision));
    members.insert("use".to_owned(), used);
    members
}

/// The token, and what it says; nothing where there is none, or not for the caller.
fn token() -> Value {
    json!({
        "type": ["object", "null"], "additionalProperties": false, "required": ["token", "claims"],
        "properties": {"token": text(), "claims": {"type": "object"}}
    })
}

fn approval() -> Value {
    object(Value::Object(whole()))
}

fn maybe_approval() -> Value {
    let mut approval = approval();
    approval["type"] = json!(["object", "null"]);
    approval
}

pub(in crate::operation) fn approval_answer() -> Value {
    object(json!({
        "decision": word(["allowed", "waiting", "approved", "used"].into_iter()), "approval": maybe_approval(),
        "token": token()
    }))
}

pub(in crate::operation) fn decided_approval() -> Value {
    object(json!({"approval": approval(), "token": token()}))
}

pub(in crate::operation) fn approval_with_token() -> Value {
    let mut members = whole();
    members.insert("difference".to_owned(), json!({"type": ["array", "null"], "items": {"type": "object"}}));
    members.insert("token".to_owned(), token());
    object(Value::Object(members))
}

pub(in crate::operation) fn approvals() -> Value {
    page(object(Value::Object(summary())), maybe_text())
}
