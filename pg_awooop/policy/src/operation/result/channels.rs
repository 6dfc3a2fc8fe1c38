//! What the operations on channels answer.

use serde_json::{Value, json};

use super::{integer, list, maybe_text, maybe_time, object, page, text, time, uuid};
use crate::channel::incoming::EventKind;
use crate::channel::outbox::{MessageKind, MessageState, Purpose};

fn maybe_uuid() -> Value {
    json!({"type": ["string", "null"], "format": "uuid"})
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Value {
    json!({"type": "string", "enum": all.iter().map(|one| word(*one)).collect::<Vec<_>>()})
}

pub(in super::super) fn ingested() -> Value {
    object(json!({
        "event_id": uuid(), "duplicate": {"type": "boolean"},
        "outcome": {"type": "string", "description": "run, or why there is none"},
        "run_id": maybe_uuid(), "code": maybe_text()
    }))
}

pub(in super::super) fn ingested_together() -> Value {
    let answer = json!({"anyOf": [ingested(), {"type": "null"}]});
    object(json!({"answers": {"type": "array", "items": answer}}))
}

pub(in super::super) fn events() -> Value {
    page(
        object(json!({
            "event_id": uuid(), "received_at": time(), "occurred_at": maybe_time(), "channel": text(),
            "channel_type": text(), "external_id": text(), "kind": words(EventKind::ALL, EventKind::as_str),
            "channel_user_id": maybe_text(), "channel_chat_id": maybe_text(), "thread_id": maybe_text(),
            "channel_message_id": maybe_text(), "platform_subject_id": maybe_text(), "trace_id": text(), "body": {},
            "outcome": text(), "run_id": maybe_uuid(), "code": maybe_text()
        })),
        maybe_text(),
    )
}

fn message_members() -> Value {
    json!({
        "message_id": uuid(), "channel": text(), "channel_chat_id": text(), "thread_id": maybe_text(),
        "seq": {"type": ["integer", "null"]}, "kind": words(MessageKind::ALL, MessageKind::as_str),
        "purpose": words(Purpose::ALL, Purpose::as_str), "state": words(MessageState::ALL, MessageState::as_str),
        "target_id": maybe_uuid(), "run_id": maybe_uuid(), "agent_id": maybe_text(), "trace_id": maybe_text(),
        "redrive_of": maybe_uuid(), "created_by": text(), "created_at": time(), "expires_at": time(),
        "available_at": time(), "attempts": integer(), "parts": integer(), "parts_sent": integer(),
        "provider_message_ids": list(text()), "error": {"type": ["object", "null"]}, "decided_by": maybe_text(),
        "ended_at": maybe_time()
    })
}

pub(in super::super) fn message() -> Value {
    let mut members = message_members();
    members["body"] = json!({"type": "object"});
    members["redacted"] = json!({"type": "boolean", "description": "true for all but who queued it"});
    object(members)
}

pub(in super::super) fn messages() -> Value {
    page(message(), maybe_text())
}

pub(in super::super) fn queued_message() -> Value {
    let mut schema = message();
    schema["properties"]["created"] =
        json!({"type": "boolean", "description": "false where the idempotency key was used before"});
    schema
}

pub(in super::super) fn claimed_messages() -> Value {
    let part = object(json!({"text": text(), "parse_mode": maybe_text()}));
    object(json!({"messages": list(object(json!({
        "message_id": uuid(), "project_id": text(), "lease": text(), "lease_expires_at": time(),
        "send_after_ms": integer(), "channel": text(), "channel_type": text(), "channel_chat_id": text(),
        "thread_id": maybe_text(), "seq": integer(), "kind": words(MessageKind::ALL, MessageKind::as_str),
        "parts": list(part), "buttons": json!({"type": ["array", "null"]}), "reply_to": maybe_text(),
        "parts_sent": integer(), "attempt": integer(),
        "target": list(json!({"type": "string", "description": "what the channel knows the parts of the target by"})),
        "identity": text(), "credential": text(), "trace_id": maybe_text(),
        "address": {"type": ["string", "null"], "description": "where a webhook is, for channels that are sent to by one"},
        "private_host_allowed": {"type": "boolean"}
    })))}))
}

pub(in super::super) fn marked_message() -> Value {
    object(json!({
        "message_id": uuid(), "state": words(MessageState::ALL, MessageState::as_str), "parts_sent": integer(),
        "attempts": integer(),
        "send_after_ms": {"type": ["integer", "null"], "description": "when the next part has its turn"},
        "available_at": maybe_time()
    }))
}
