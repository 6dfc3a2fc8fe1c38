//! What the operations on MCP servers, tools and calls answer.

use serde_json::{Value, json};

use crate::feature::Feature;

use super::{integer, list, maybe_text, maybe_time, object, page, text, time, uuid};

fn boolean() -> Value {
    json!({"type": "boolean"})
}

fn maybe_integer() -> Value {
    json!({"type": ["integer", "null"]})
}

fn feature() -> Value {
    let words: Vec<&str> = std::iter::once(Feature::Tool).chain(Feature::OFFERED).map(Feature::as_str).collect();
    json!({"type": "string", "enum": words})
}

fn credential() -> Value {
    json!({"anyOf": [
        {"type": "null"},
        object(json!({"reference": text(), "placement": text(), "name": maybe_text()}))
    ]})
}

pub(in crate::operation) fn mcp_server() -> Value {
    object(json!({
        "server_id": text(), "title": maybe_text(), "transport": text(), "address": text(), "credential": credential(),
        "max_concurrency": integer(), "max_response_bytes": integer(), "enabled": boolean(), "registered_by": text(),
        "registered_at": time(), "updated_at": time(), "imported_at": maybe_time()
    }))
}

pub(in crate::operation) fn mcp_servers() -> Value {
    object(json!({"items": list(mcp_server())}))
}

fn upstream_members() -> Value {
    json!({
        "server_id": text(), "transport": text(), "address": text(), "private_host_allowed": boolean(),
        "max_concurrency": integer(), "max_response_bytes": integer()
    })
}

pub(in crate::operation) fn mcp_upstream() -> Value {
    let mut members = upstream_members();
    members["credential"] = credential();
    object(members)
}

pub(in crate::operation) fn mcp_import() -> Value {
    object(json!({
        "server_id": text(),
        "tools": list(object(json!({
            "tool": text(), "feature": feature(), "upstream_name": text(), "digest": text(),
            "state": {"type": "string", "enum": ["callable", "new", "drifted", "gone", "disabled"]},
            "changes": list(json!({"type": "object"})), "proposal": {"type": ["object", "null"]}
        }))),
        "unreadable": list(integer())
    }))
}

pub(in crate::operation) fn mcp_registered_tool() -> Value {
    object(json!({
        "tool": text(), "server_id": text(), "feature": feature(), "upstream_name": text(), "digest": text(), "pinned_digest": maybe_text(),
        "state": {"type": "string", "enum": ["callable", "new", "drifted", "gone", "disabled"]},
        "changes": list(json!({"type": "object"})), "first_seen_at": time(), "seen_at": time(), "changed_at": time()
    }))
}

pub(in crate::operation) fn mcp_registry() -> Value {
    page(mcp_registered_tool(), maybe_text())
}

pub(in crate::operation) fn mcp_grant() -> Value {
    object(json!({
        "grant_id": uuid(), "agent_id": text(), "tool": text(), "constraints": {"type": ["object", "null"]},
        "rate_count": maybe_integer(), "rate_window_seconds": maybe_integer(), "expires_at": maybe_time(),
        "reason": maybe_text(), "granted_by": text(), "granted_at": time(), "revoked_by": maybe_text(),
        "revoked_at": maybe_time()
    }))
}

pub(in crate::operation) fn mcp_grants() -> Value {
    page(mcp_grant(), maybe_text())
}

pub(in crate::operation) fn mcp_tools() -> Value {
    let tool = json!({
        "type": "object", "required": ["name", "description", "inputSchema", "annotations"], "additionalProperties": false,
        "properties": {
            "name": text(), "title": text(), "description": text(), "inputSchema": {"type": "object"},
            "outputSchema": {"type": "object"}, "annotations": {"type": "object"}
        }
    });
    let mut page = page(tool, maybe_text());
    let features = list(object(json!({"feature": feature(), "server_id": text(), "tool": text()})));
    page["properties"]["features"] = features;
    if let Some(required) = page["required"].as_array_mut() {
        required.push("features".into());
    }
    page
}

pub(in crate::operation) fn mcp_begun() -> Value {
    let mut upstream = upstream_members();
    for (name, schema) in [
        ("feature", feature()),
        ("tool", text()),
        ("timeout_seconds", integer()),
        ("max_attempts", integer()),
        ("first_delay_seconds", integer()),
        ("growth_percent", integer()),
        ("max_delay_seconds", integer()),
        ("idempotency_key", maybe_text()),
        ("takes_answers", json!({"type": "boolean"})),
        ("state", maybe_text()),
    ] {
        upstream[name] = schema;
    }
    object(json!({
        "verdict": {"type": "string", "enum": ["allowed", "waiting", "replayed", "unknown"]},
        "call_id": uuid(), "run_id": uuid(), "step_key": text(), "tool": text(), "lease": maybe_text(), "ticket": maybe_text(),
        "upstream": {"anyOf": [{"type": "null"}, object(upstream)]}, "credential": credential(),
        "approval": {"type": ["object", "null"]}, "request_state": maybe_text(), "result": {"type": ["object", "null"]}
    }))
}

pub(in crate::operation) fn mcp_suspended() -> Value {
    object(json!({
        "call_id": uuid(), "run_id": uuid(), "request_state": text(), "questions": {"type": ["object", "null"]}
    }))
}

pub(in crate::operation) fn mcp_relayed() -> Value {
    object(json!({"message": {"type": "object"}}))
}

pub(in crate::operation) fn mcp_finished() -> Value {
    object(json!({
        "call_id": uuid(), "run_id": uuid(), "outcome": text(), "result": {"type": ["object", "null"]},
        "redacted": boolean(), "cut_bytes": integer(), "micro_usd": integer()
    }))
}

pub(in crate::operation) fn mcp_explained() -> Value {
    object(json!({
        "agent_id": text(), "tool": text(),
        "verdict": {"type": "string", "enum": ["allowed", "waiting", "denied"]}, "code": maybe_text(),
        "gates": list(object(json!({
            "gate": integer(), "name": text(), "code": text(),
            "verdict": {"type": "string", "enum": ["pass", "deny", "ask", "not_judged"]}, "reason": text(),
            "facts": {"type": "object"}
        }))),
        "based_on": {"type": "object"}
    }))
}

pub(in crate::operation) fn mcp_calls() -> Value {
    page(
        object(json!({
            "call_id": uuid(), "run_id": uuid(), "step_key": text(), "principal_id": text(), "agent_id": text(),
            "platform_subject_id": text(), "tool": text(), "server_id": text(),
            "state": {"type": "string", "enum": ["waiting", "under_way", "suspended", "finished", "unknown"]},
            "outcome": maybe_text(), "arguments": {"type": "object"}, "result": {"type": ["object", "null"]},
            "cut_bytes": maybe_integer(), "asked": list(json!({"type": "object"})), "cost_micro_usd": integer(), "used_micro_usd": maybe_integer(), "based_on": {"type": "object"}, "asked_at": time(),
            "begun_at": maybe_time(), "finished_at": maybe_time()
        })),
        maybe_text(),
    )
}
