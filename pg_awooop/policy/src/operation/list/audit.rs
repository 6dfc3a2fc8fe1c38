//! The audit log and its proofs.

use super::{CURSOR, ID, PAGE};
use crate::argument::{Argument, Kind};
use crate::name::NameRule;
use crate::operation::{Operation, result};
use crate::scope::Scope;
use crate::transparency::checkpoint::MAX_CHECKPOINT;
use crate::transparency::tree::MAX_SIZE;

const TREE_SIZE: Kind = Kind::Integer { min: 1, max: MAX_SIZE.cast_signed() };
const LEAF: Kind = Kind::Integer { min: 0, max: MAX_SIZE.cast_signed() };

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "list_audit",
        scope: Some(Scope::AuditRead),
        method: "GET",
        path: "/v1/platform/audit",
        summary: "Read the audit log, newest first",
        description: "Decisions (refusals too) and changes of state, with who, through which door and under which trace.",
        status: 200,
        arguments: &[Argument::optional("action", ID, "null", "Only this action."), PAGE, CURSOR],
        result: result::audit,
    },
    Operation {
        name: "audit_checkpoint",
        scope: Some(Scope::AuditRead),
        method: "GET",
        path: "/v1/platform/audit/checkpoint",
        summary: "Get a signed checkpoint of the audit log",
        description: "The latest one, or the one of a size: a signed note (C2SP tlog-checkpoint). Keep it outside the \
                      database: any change below it can be found with it.",
        status: 200,
        arguments: &[Argument::optional("tree_size", TREE_SIZE, "null", "The checkpoint of this size.")],
        result: result::audit_checkpoint,
    },
    Operation {
        name: "audit_proof",
        scope: Some(Scope::AuditRead),
        method: "GET",
        path: "/v1/platform/audit/proof",
        summary: "Prove that a row is in the audit log, or that the log only grew",
        description: "RFC 6962 proofs against the tree of tree_size: with audit_id that the row is in it, with from_size \
                      that the smaller tree is its beginning. Without tree_size, the latest signed checkpoint's that \
                      will do.",
        status: 200,
        arguments: &[
            Argument::optional("audit_id", Kind::Uuid, "null", "The row to prove."),
            Argument::optional("tree_size", TREE_SIZE, "null", "The tree to prove it in."),
            Argument::optional("from_size", TREE_SIZE, "null", "The smaller tree that is to be its beginning."),
        ],
        result: result::audit_proof,
    },
    Operation {
        name: "audit_verify",
        scope: Some(Scope::AuditRead),
        method: "POST",
        path: "/v1/platform/audit/verify",
        summary: "Verify the whole audit log",
        description: "Hashes every sealed row again and compares it with its leaf, the leaves with the stored tree, and \
                      the roots with every stored checkpoint and the one given. Only a checkpoint held outside the \
                      database finds what somebody with all rights over it rewrote. Detached partitions are verified \
                      while their tables exist; afterwards, that the log tells of exactly these leaves.",
        status: 200,
        arguments: &[Argument::optional(
            "checkpoint",
            Kind::Text { rule: NameRule::Free, max: MAX_CHECKPOINT },
            "null",
            "A checkpoint that was kept outside the database.",
        )],
        result: result::audit_verification,
    },
    Operation {
        name: "export_audit",
        scope: Some(Scope::AuditRead),
        method: "GET",
        path: "/v1/platform/audit/export",
        summary: "Export the sealed audit log",
        description: "Leaves in order, each with the exact document that was hashed; a line of each item is what \
                      `awooop-gateway audit verify` reads. The document is null where its partition is gone; \
                      detached_by is the row of the log that tells of it.",
        status: 200,
        arguments: &[
            Argument::optional("from_leaf", LEAF, "0", "The first leaf."),
            Argument::optional("page_size", Kind::Integer { min: 1, max: 1000 }, "200", "How many to return at most."),
        ],
        result: result::audit_export,
    },
];
