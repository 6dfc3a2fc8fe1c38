//! JSON Schemas of what operations answer, for the API's documentation and for the tests that hold answers to them.

mod approvals;
mod budgets;
mod channels;
mod contracts;
mod conversations;
mod tools;

use awooop_contracts::output::Repair;
use serde_json::{Map, Value, json};

use crate::mode::MigrationMode;
use crate::redact::Family;
use crate::run_fsm::RunState;
use crate::scope::Scope;
use crate::transparency::finding::Kind;

pub(super) use approvals::*;
pub(super) use budgets::*;
pub(super) use channels::*;
pub(super) use contracts::*;
pub(super) use conversations::*;
pub(super) use tools::*;

fn object(properties: Value) -> Value {
    let required: Vec<Value> =
        properties.as_object().map(Map::keys).into_iter().flatten().map(|key| key.as_str().into()).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required})
}

fn list(item: Value) -> Value {
    json!({"type": "array", "items": item})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe_text() -> Value {
    json!({"type": ["string", "null"]})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn maybe_time() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}

fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn integer() -> Value {
    json!({"type": "integer"})
}

fn scopes() -> Value {
    list(json!({"type": "string", "enum": Scope::ALL.map(Scope::as_str)}))
}

fn mode() -> Value {
    json!({"type": "string", "enum": MigrationMode::ALL.map(MigrationMode::as_str)})
}

fn page(item: Value, cursor: Value) -> Value {
    object(json!({"items": list(item), "next_cursor": cursor}))
}

pub(super) fn envelope() -> Value {
    object(json!({
        "project_id": text(), "agent_id": text(),
        "trace_id": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$"},
        "platform_subject_id": text(), "channel_type": text(), "channel_user_id": text(),
        "channel_chat_id": maybe_text(),
        "run_id": {"type": ["string", "null"], "format": "uuid"},
        "policy_revision_id": maybe_text()
    }))
}

pub(super) fn whoami() -> Value {
    object(json!({
        "project_id": text(), "principal_id": text(), "scopes": scopes(),
        "door": {"type": "string", "enum": ["http", "sql"]}, "key_id": maybe_text(), "issuer": maybe_text(),
        "agent_id": maybe_text(), "channel": maybe_text(),
        "run_id": {"type": ["string", "null"], "format": "uuid", "description": "where a run's lease was shown"},
        "migration_mode": mode()
    }))
}

pub(super) fn subject() -> Value {
    object(json!({
        "platform_subject_id": text(), "channel_type": text(), "channel_user_id": text(),
        "channel_chat_id": maybe_text(), "display_name": maybe_text(), "roles": list(text()),
        "first_seen_at": time(), "last_seen_at": time()
    }))
}

pub(super) fn linked_subject() -> Value {
    object(json!({"platform_subject_id": text(), "principal_id": maybe_text()}))
}

pub(super) fn agent() -> Value {
    object(json!({
        "agent_id": text(), "display_name": maybe_text(), "enabled": {"type": "boolean"},
        "created_at": time(), "updated_at": time()
    }))
}

fn run_members() -> Value {
    json!({
        "run_id": uuid(), "project_id": text(), "agent_id": text(), "platform_subject_id": text(),
        "state": {"type": "string", "enum": RunState::ALL.map(RunState::as_str)}, "mode": mode(),
        "trace_id": text(), "idempotency_key": maybe_text(), "priority": integer(),
        "attempts": integer(), "max_attempts": integer(),
        "created_at": time(), "updated_at": time(), "deadline_at": time(), "available_at": time(),
        "finished_at": maybe_time(), "error_code": maybe_text()
    })
}

pub(super) fn run_summary() -> Value {
    object(run_members())
}

pub(super) fn run() -> Value {
    let mut members = run_members();
    members["envelope"] = envelope();
    members["input"] = json!({});
    members["tags"] = json!({"type": "object"});
    members["result"] = json!({});
    members["error"] = json!({"type": ["object", "null"]});
    members["redacted"] = json!({
        "type": "boolean",
        "description": "true where input, tags and result are shown redacted: to all but the run's creator and its worker"
    });
    object(members)
}

pub(super) fn created_run() -> Value {
    let mut schema = run();
    schema["properties"]["created"] =
        json!({"type": "boolean", "description": "false where the idempotency key was used before"});
    schema
}

pub(super) fn runs() -> Value {
    page(run_summary(), maybe_text())
}

fn recorded_step() -> Value {
    json!({
        "step_key": text(), "seq": integer(), "kind": text(),
        "phase": {"type": "string", "enum": ["started", "completed"]},
        "epoch": integer(), "result": {}, "recorded_at": time()
    })
}

pub(super) fn steps() -> Value {
    let mut step = recorded_step();
    step["request"] = json!({});
    page(object(step), json!({"type": ["integer", "null"]}))
}

pub(super) fn step() -> Value {
    let mut step = recorded_step();
    step["outcome"] = json!({"type": "string", "enum": ["recorded", "replayed", "unknown"]});
    object(step)
}

pub(super) fn output() -> Value {
    object(json!({
        "valid": {"type": "boolean"},
        "attempt": {"type": "integer", "description": "which output of the run this is"},
        "attempts_left": {"type": "integer", "description": "how many more may fail; with the last the run fails"},
        "document": {"description": "what the text says, ready for complete_run; null where it failed"},
        "repairs": list(json!({"type": "string", "enum": Repair::ALL.iter().map(|repair| repair.as_str()).collect::<Vec<_>>()})),
        "errors": list(object(json!({
            "pointer": {"type": "string", "description": "where in the document, as a JSON pointer"},
            "keyword": {
                "type": "string",
                "description": "of the schema, or json, size, truncated, missing, ambiguous, budget"
            },
            "expected": text(), "got": text(),
            "message": {"type": "string", "description": "a sentence to the model"}
        })))
    }))
}

pub(super) fn claimed() -> Value {
    object(json!({"runs": list(object(json!({
        "run_id": uuid(), "project_id": text(), "lease": text(), "epoch": integer(), "attempt": integer(),
        "max_attempts": integer(), "agent_id": text(), "mode": mode(), "envelope": envelope(), "input": {},
        "tags": {"type": "object"}, "lease_seconds": integer(), "lease_expires_at": time(), "deadline_at": time(),
        "steps": list(object(recorded_step())),
        "endpoint": {"type": ["object", "null"], "description": "where the agent is executed, where that was asked for"}
    })))}))
}

pub(super) fn heartbeat() -> Value {
    object(json!({
        "held": list(object(json!({"run_id": uuid(), "lease_expires_at": time()}))),
        "lost": list(uuid())
    }))
}

fn key_members() -> Value {
    json!({
        "key_id": text(), "name": text(), "principal_id": text(), "agent_id": maybe_text(), "channel": maybe_text(),
        "scopes": scopes(), "created_at": time(), "expires_at": maybe_time()
    })
}

pub(super) fn issued_key() -> Value {
    let mut members = key_members();
    members["api_key"] = json!({"type": "string", "description": "shown this once; only its digest is kept"});
    object(members)
}

pub(super) fn keys() -> Value {
    let mut members = key_members();
    members["revoked_at"] = maybe_time();
    object(json!({"items": list(object(members))}))
}

pub(super) fn revoked_key() -> Value {
    object(json!({"key_id": text(), "revoked_at": time()}))
}

fn issuer_members() -> Value {
    json!({
        "issuer": text(), "jwks_uri": text(), "audience": text(), "scopes": scopes(), "agent_claim": maybe_text(),
        "subject_claim": text(), "project_claim": maybe_text(), "reason": maybe_text(), "registered_by": text(),
        "registered_at": time(), "updated_at": time(), "expires_at": maybe_time(), "keys_fetched_at": maybe_time(),
        "keys": list(json!({"type": "string", "description": "the id of a key that verifies its tokens"}))
    })
}

pub(super) fn token_issuer() -> Value {
    object(issuer_members())
}

pub(super) fn token_issuers() -> Value {
    object(json!({"items": list(object(issuer_members()))}))
}

pub(super) fn removed_issuer() -> Value {
    object(json!({"issuer": text(), "removed": {"const": true}}))
}

pub(super) fn audit() -> Value {
    page(
        object(json!({
            "audit_id": uuid(), "recorded_at": time(), "action": text(),
            "decision": {"type": "string", "enum": ["done", "refused"]}, "code": maybe_text(),
            "principal_id": maybe_text(), "door": text(), "trace_id": maybe_text(), "agent_id": maybe_text(),
            "platform_subject_id": maybe_text(), "run_id": {"type": ["string", "null"], "format": "uuid"},
            "facts": {"type": "object"}
        })),
        maybe_text(),
    )
}

fn maybe_integer() -> Value {
    json!({"type": ["integer", "null"]})
}

fn hash() -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{64}$"})
}

fn leaf() -> Value {
    json!({
        "leaf_index": integer(), "audit_id": uuid(), "leaf_hash": hash(),
        "document": {"type": ["string", "null"], "description": "the exact text that was hashed"},
        "detached_by": {
            "type": ["string", "null"], "format": "uuid", "description": "the row that tells of its detachment, where the detached table is gone"
        }
    })
}

/// An object that may be null.
fn maybe(mut object: Value) -> Value {
    object["type"] = json!(["object", "null"]);
    object
}

pub(super) fn audit_checkpoint() -> Value {
    object(json!({
        "tree_size": integer(), "root": hash(), "checkpoint": text(), "key_id": text(), "signed_at": time()
    }))
}

pub(super) fn audit_proof() -> Value {
    let mut inclusion = leaf();
    inclusion["hashes"] = list(hash());
    object(json!({
        "tree_size": integer(), "root": hash(), "checkpoint": maybe_text(),
        "inclusion": maybe(object(inclusion)),
        "consistency": maybe(object(json!({"from_size": integer(), "from_root": hash(), "hashes": list(hash())})))
    }))
}

pub(super) fn audit_verification() -> Value {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    object(json!({
        "ok": {"type": "boolean"}, "project_id": text(), "tree_size": integer(), "root": hash(),
        "pending": integer(), "rows_checked": integer(), "rows_archived": integer(),
        "checkpoints_checked": integer(),
        "held_checkpoint": {"type": ["string", "null"], "enum": ["good", "bad_signature", "unknown_key", null]},
        "archived": list(object(json!({
            "audit_id": uuid(), "table": text(), "from": time(), "to": time(), "rows": integer(),
            "present": {"type": "boolean", "description": "false where the detached table was dropped"}
        }))),
        "findings": list(object(json!({
            "kind": {"type": "string", "enum": kinds}, "audit_id": {"type": ["string", "null"], "format": "uuid"},
            "leaf_index": maybe_integer(), "from_leaf": maybe_integer(), "to_leaf": maybe_integer(),
            "tree_size": maybe_integer()
        }))),
        "findings_total": integer()
    }))
}

pub(super) fn audit_export() -> Value {
    page(object(leaf()), json!({"type": ["integer", "null"]}))
}

fn family() -> Value {
    json!({"type": "string", "enum": Family::ALL.map(Family::as_str)})
}

pub(super) fn redaction_family() -> Value {
    object(json!({
        "family": family(),
        "mode": {"type": "string", "enum": ["redact", "allow"]},
        "credential": {"type": "boolean", "description": "true for a family that can't be allowed"}
    }))
}

pub(super) fn redaction_rule() -> Value {
    object(json!({
        "rule_id": text(), "family": family(), "keywords": list(text()), "shape": text(), "changed_by": text(),
        "changed_at": time()
    }))
}

pub(super) fn redaction() -> Value {
    object(json!({"families": list(redaction_family()), "rules": list(redaction_rule())}))
}
