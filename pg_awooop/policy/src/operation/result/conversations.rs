//! What the operations on sessions, anomalies and runs in shadow answer.

use serde_json::{Value, json};

use super::{integer, list, maybe_text, maybe_time, object, page, text, time, uuid};

fn maybe_boolean() -> Value {
    json!({"type": ["boolean", "null"]})
}

pub(in super::super) fn session() -> Value {
    object(json!({
        "channel": text(), "channel_chat_id": text(),
        "messages": list(object(json!({"role": text(), "text": text(), "at": time()}))), "state": {},
        "version": integer(), "started_at": maybe_time(), "updated_at": maybe_time(), "expires_at": maybe_time(),
        "source": {"type": "string", "enum": ["project", "legacy", "none"]}, "redacted": {"type": "boolean"}
    }))
}

pub(in super::super) fn ended_session() -> Value {
    object(json!({"channel": text(), "channel_chat_id": text(), "ended": integer()}))
}

pub(in super::super) fn counted_anomaly() -> Value {
    object(json!({
        "counter": text(), "target": text(), "count": integer(), "threshold": integer(), "window_seconds": integer(),
        "crossed": {"type": "boolean", "description": "true for the one that crossed the threshold"},
        "over": {"type": "boolean"}, "action": text(), "source": {"type": "string", "enum": ["project", "legacy"]}
    }))
}

pub(in super::super) fn anomalies() -> Value {
    page(
        object(json!({
            "anomaly_id": uuid(), "counter": text(), "target": text(), "count": integer(), "threshold": integer(),
            "window_seconds": integer(), "action": text(), "crossed_at": time(), "ended_at": maybe_time()
        })),
        maybe_text(),
    )
}

pub(in super::super) fn shadow_case() -> Value {
    object(json!({
        "message_key": text(), "agent_id": maybe_text(), "run_id": {"type": ["string", "null"], "format": "uuid"},
        "run_state": maybe_text(), "agrees": maybe_boolean(), "differing": {"type": ["array", "null"], "items": text()}
    }))
}

pub(in super::super) fn shadow_report() -> Value {
    object(json!({
        "mode": super::mode(),
        "days": list(object(json!({
            "day": text(), "agent_id": maybe_text(), "messages": integer(), "runs": integer(), "legacy": integer(),
            "compared": integer(), "agreed": integer(), "agreement_percent": {"type": ["number", "null"]},
            "failed": integer(), "recorded_messages": integer()
        }))),
        "total": object(json!({
            "compared": integer(), "agreed": integer(), "agreement_percent": {"type": ["number", "null"]}, "days": integer()
        })),
        "differing": list(shadow_case())
    }))
}
