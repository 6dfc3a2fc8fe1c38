//! What the operations on contracts and principals answer.

use awooop_contracts::Kind;
use awooop_contracts::revision::{Format, Purpose};
use serde_json::{Value, json};

use super::{integer, list, maybe, maybe_text, maybe_time, object, page, text, time, uuid};
use crate::contract::lifecycle::RevisionState;
use crate::contract::quorum::Discount;

fn kind() -> Value {
    json!({"type": "string", "enum": Kind::ALL})
}

fn boolean() -> Value {
    json!({"type": "boolean"})
}

fn digest() -> Value {
    json!({
        "type": "string", "pattern": "^sha256:[0-9a-f]{64}$",
        "description": "SHA-256 of the document's canonical JSON (RFC 8785)"
    })
}

fn violations() -> Value {
    list(object(json!({"pointer": text(), "keyword": text(), "expected": text(), "got": text()})))
}

pub(in crate::operation) fn contract_validation() -> Value {
    object(json!({"valid": boolean(), "violations": violations()}))
}

fn revision_members() -> Value {
    json!({
        "revision_id": uuid(), "kind": kind(), "name": text(),
        "number": {
            "type": ["integer", "null"],
            "description": "counts the published revisions of the contract; null for a draft"
        },
        "state": {"type": "string", "enum": RevisionState::ALL},
        "digest": digest(), "authors": list(text()), "created_at": time(), "edited_at": time(),
        "published_by": maybe_text(), "published_at": maybe_time(),
        "activated_by": maybe_text(), "activated_at": maybe_time(), "superseded_at": maybe_time(),
        "revoked_by": maybe_text(), "revoked_at": maybe_time(), "revoke_reason": maybe_text()
    })
}

pub(in crate::operation) fn contract_revision() -> Value {
    object(revision_members())
}

pub(in crate::operation) fn drafted_contract() -> Value {
    let mut members = revision_members();
    members["violations"] = violations();
    object(members)
}

pub(in crate::operation) fn imported_contract() -> Value {
    let mut members = revision_members();
    members["violations"] = violations();
    members["imported_signature"] = json!({
        "type": "string", "enum": ["good", "unknown_key"],
        "description": "unknown_key: signed by another installation, whose key is not here"
    });
    object(members)
}

pub(in crate::operation) fn discarded_contract() -> Value {
    object(json!({"revision_id": uuid(), "kind": kind(), "name": text(), "discarded": boolean()}))
}

fn approvals() -> Value {
    object(json!({
        "counted": integer(), "needed": integer(),
        "roles": {
            "type": ["array", "null"], "items": text(),
            "description": "any of these; null where any role will do, before a policy is active"
        }
    }))
}

pub(in crate::operation) fn signed_contract() -> Value {
    let mut members = revision_members();
    members["signature_id"] = uuid();
    members["approvals"] = approvals();
    object(members)
}

fn signature_members() -> Value {
    json!({
        "signature_id": uuid(), "purpose": {"type": "string", "enum": Purpose::ALL}, "principal_id": text(),
        "credential": text(), "signed_at": time(), "key_id": text()
    })
}

pub(in crate::operation) fn contract() -> Value {
    let mut members = revision_members();
    members["document"] = json!({"type": "object"});
    members["signatures"] = list(object(signature_members()));
    object(members)
}

pub(in crate::operation) fn contracts() -> Value {
    page(
        object(json!({
            "kind": kind(), "name": text(), "created_at": time(),
            "active": maybe(contract_revision()), "newest": maybe(contract_revision())
        })),
        maybe_text(),
    )
}

pub(in crate::operation) fn contract_history() -> Value {
    page(contract_revision(), maybe_text())
}

pub(in crate::operation) fn contract_diff() -> Value {
    let operation = json!({
        "type": "object", "additionalProperties": false, "required": ["op", "path"],
        "properties": {
            "op": {"type": "string", "enum": ["add", "remove", "replace"]}, "path": text(), "value": {},
            "was": {"description": "what was there before; absent for add"}
        }
    });
    object(json!({"from_revision_id": uuid(), "revision_id": uuid(), "patch": list(operation)}))
}

pub(in crate::operation) fn contract_verification() -> Value {
    let mut signature = signature_members();
    signature["verdict"] = json!({"type": "string", "enum": ["good", "bad", "unknown_key"]});
    signature["key_state"] = json!({"type": ["string", "null"], "enum": ["standby", "current", "retired", null]});
    let mut reasons: Vec<Value> = Discount::ALL.iter().map(|why| json!(why)).collect();
    reasons.push(Value::Null);
    signature["discounted"] = json!({
        "type": ["string", "null"], "enum": reasons,
        "description": "why an approval does not count; null where it does"
    });
    object(json!({
        "revision_id": uuid(), "number": integer(), "digest": digest(),
        "state": {"type": "string", "enum": RevisionState::ALL},
        "ok": {"type": "boolean", "description": "the document is what the platform signed, and no signature is bad"},
        "digest_matches": boolean(), "violations": violations(),
        "published": {"type": "string", "enum": ["good", "bad", "unknown_key", "missing"]},
        "activated": {
            "type": ["string", "null"], "enum": ["good", "bad", "unknown_key", "missing", null],
            "description": "what the platform's signature says of the activation of an active revision"
        },
        "signatures": list(object(signature)), "approvals": approvals()
    }))
}

pub(in crate::operation) fn exported_contract() -> Value {
    let mut signature = signature_members();
    let mac = json!({"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "HMAC-SHA-256"});
    signature["mac"] = mac.clone();
    object(json!({
        "format": {"type": "string", "enum": [Format::One]},
        "revision": object(json!({
            "project_id": text(), "kind": kind(), "name": text(), "revision_id": uuid(), "number": integer(),
            "authors": list(text()), "published_by": text(), "published_at": time(), "document": {"type": "object"}
        })),
        "publish_signatures": list(object(json!({"key_id": text(), "mac": mac}))),
        "signatures": list(object(signature))
    }))
}

pub(in crate::operation) fn principal() -> Value {
    object(json!({
        "principal_id": text(), "kind": {"type": "string", "enum": ["person", "service"]}, "roles": list(text()),
        "hand": {"type": "string", "description": "whom its signatures count as"}, "created_at": time()
    }))
}

pub(in crate::operation) fn principals() -> Value {
    object(json!({"items": list(principal())}))
}
