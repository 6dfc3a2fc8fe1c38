//! The list itself.

use super::{Operation, result};
use crate::argument::{Argument, Kind};
use crate::name::{MAX_CHANNEL_ID, MAX_DISPLAY_NAME, MAX_ID, NameRule};
use crate::redact::Family;
use crate::run_fsm::RunState;
use crate::scope::Scope;
use crate::transparency::checkpoint::MAX_CHECKPOINT;
use crate::transparency::tree::MAX_SIZE;

const ID: Kind = Kind::Text { rule: NameRule::Id, max: MAX_ID };
const CHANNEL_ID: Kind = Kind::Text { rule: NameRule::Line, max: MAX_CHANNEL_ID };
const NAME: Kind = Kind::Text { rule: NameRule::Line, max: MAX_DISPLAY_NAME };
/// `{project}:{channel type}:{channel user}`.
const SUBJECT: Kind = Kind::Text { rule: NameRule::Line, max: MAX_CHANNEL_ID + 2 * MAX_ID + 2 };
const CREDENTIAL: Kind = Kind::Text { rule: NameRule::Line, max: 256 };
const LIMIT: Kind = Kind::Integer { min: 1, max: 200 };
const LEASE_SECONDS: Kind = Kind::Integer { min: 5, max: 3600 };
const DOCUMENT: Kind = Kind::Json { max_bytes: 512 * 1024 };
const TREE_SIZE: Kind = Kind::Integer { min: 1, max: MAX_SIZE.cast_signed() };
const LEAF: Kind = Kind::Integer { min: 0, max: MAX_SIZE.cast_signed() };
const SCOPES: Kind = Kind::WordList { words: scopes, items: 16 };

const RUN_ID: Argument = Argument::required("run_id", Kind::Uuid, "The run.");
const LEASE: Argument = Argument::required("lease", CREDENTIAL, "The lease that claim_runs gave for this run.");
const FAMILY: Argument = Argument::required("family", Kind::Word(families), "The family of sensitive text.");
const RULE_ID: Argument = Argument::required("rule_id", ID, "The rule, unique in the project.");
const CURSOR: Argument = Argument::optional("cursor", CREDENTIAL, "null", "`next_cursor` of the page before.");
const PAGE: Argument = Argument::optional("page_size", LIMIT, "50", "How many to return at most.");
const EXTENSION: Argument = Argument::optional(
    "lease_seconds",
    LEASE_SECONDS,
    "60",
    "How long the lease holds without a heartbeat, in seconds.",
);

fn states() -> Vec<&'static str> {
    RunState::ALL.into_iter().map(RunState::as_str).collect()
}

fn scopes() -> Vec<&'static str> {
    Scope::ALL.into_iter().map(Scope::as_str).collect()
}

fn families() -> Vec<&'static str> {
    Family::ALL.into_iter().map(Family::as_str).collect()
}

fn redaction_modes() -> Vec<&'static str> {
    vec!["redact", "allow"]
}

fn phases() -> Vec<&'static str> {
    vec!["started", "completed"]
}

/// Every operation, in the order of the documentation.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "whoami",
        scope: None,
        method: "GET",
        path: "/v1/platform/whoami",
        summary: "Show whose credential this is",
        description: "The project, the principal and the scopes that the presented credential or bound role stands for.",
        status: 200,
        arguments: &[],
        result: result::whoami,
    },
    Operation {
        name: "build_envelope",
        scope: Some(Scope::EnvelopeWrite),
        method: "POST",
        path: "/v1/platform/envelopes",
        summary: "Build the platform envelope of a message",
        description: "Records the sender as a subject of the project and returns the nine-key envelope that create_run \
                      takes as it is. The project's migration_mode must be at least shadow.",
        status: 200,
        arguments: &[
            Argument::required("agent_id", ID, "The agent the message is for."),
            Argument::required("channel_type", ID, "The channel's type, such as telegram; an open set."),
            Argument::required("channel_user_id", CHANNEL_ID, "The sender, as the channel names them."),
            Argument::optional("channel_chat_id", CHANNEL_ID, "null", "The chat, as the channel names it."),
            Argument::optional("display_name", NAME, "null", "The sender's name, for people to read."),
            Argument::optional("extra_tags", Kind::Tags, "{}", "Labels for the log event; never part of the envelope."),
        ],
        result: result::envelope,
    },
    Operation {
        name: "upsert_platform_subject",
        scope: Some(Scope::SubjectsWrite),
        method: "PUT",
        path: "/v1/platform/subjects",
        summary: "Record that a person was seen on a channel",
        description: "First sight creates the subject with the role viewer; later ones update last_seen_at, and chat and \
                      name where given. Roles, first_seen_at and the id never change here.",
        status: 200,
        arguments: &[
            Argument::required("channel_type", ID, "The channel's type."),
            Argument::required("channel_user_id", CHANNEL_ID, "The person, as the channel names them."),
            Argument::optional("channel_chat_id", CHANNEL_ID, "null", "The chat, as the channel names it."),
            Argument::optional("display_name", NAME, "null", "The person's name."),
        ],
        result: result::subject,
    },
    Operation {
        name: "grant_subject_role",
        scope: Some(Scope::SubjectsAdmin),
        method: "POST",
        path: "/v1/platform/subjects/roles",
        summary: "Give a subject a role",
        description: "Adds the role to the subject's roles; giving it twice changes nothing.",
        status: 200,
        arguments: &[
            Argument::required("platform_subject_id", SUBJECT, "The subject."),
            Argument::required("role", ID, "The role, such as approver."),
        ],
        result: result::subject,
    },
    Operation {
        name: "create_agent",
        scope: Some(Scope::AgentsWrite),
        method: "PUT",
        path: "/v1/platform/agents/{agent_id}",
        summary: "Register an agent, or change it",
        description: "Runs can be created for registered, enabled agents only. Repeating it updates name and switch.",
        status: 200,
        arguments: &[
            Argument::required("agent_id", ID, "The agent."),
            Argument::optional(
                "display_name",
                NAME,
                "null",
                "Its name, for people to read; null keeps the one it has.",
            ),
            Argument::optional("enabled", Kind::Boolean, "true", "false stops new runs of it."),
        ],
        result: result::agent,
    },
    Operation {
        name: "create_run",
        scope: Some(Scope::RunsWrite),
        method: "POST",
        path: "/v1/platform/runs",
        summary: "Create a run",
        description: "Takes an envelope as build_envelope returned it. With an idempotency key, the same request returns \
                      the first run (status 200, created false), and another request with that key is refused; the \
                      trace, which differs with every envelope, is not compared. Keys live as long as their run.",
        status: 201,
        arguments: &[
            Argument::required("envelope", Kind::Object, "The envelope, unchanged."),
            Argument::optional("input", DOCUMENT, "{}", "What the agent gets: any JSON, kept as it is."),
            Argument::optional(
                "idempotency_key",
                Kind::Text { rule: NameRule::Line, max: 255 },
                "null",
                "Makes a repeat return the first run; also as the header Idempotency-Key.",
            ),
            Argument::optional(
                "priority",
                Kind::Integer { min: 0, max: 9 },
                "5",
                "Higher goes first within the project.",
            ),
            Argument::optional("max_attempts", Kind::Integer { min: 1, max: 20 }, "3", "How often it is tried in all."),
            Argument::optional(
                "deadline_seconds",
                Kind::Integer { min: 1, max: 604_800 },
                "3600",
                "When it is given up (timed_out), in seconds from now.",
            ),
            Argument::optional("tags", Kind::Tags, "{}", "Labels, kept beside the envelope."),
        ],
        result: result::created_run,
    },
    Operation {
        name: "list_runs",
        scope: Some(Scope::RunsRead),
        method: "GET",
        path: "/v1/platform/runs",
        summary: "List runs, newest first",
        description: "Pages by key, so that runs created meanwhile neither repeat nor hide one.",
        status: 200,
        arguments: &[
            Argument::optional("state", Kind::Word(states), "null", "Only runs in this state."),
            Argument::optional("agent_id", ID, "null", "Only runs of this agent."),
            Argument::optional("platform_subject_id", SUBJECT, "null", "Only runs of this subject."),
            Argument::optional("created_after", Kind::Time, "null", "Only runs created at or after this time."),
            Argument::optional("created_before", Kind::Time, "null", "Only runs created before this time."),
            PAGE,
            CURSOR,
        ],
        result: result::runs,
    },
    Operation {
        name: "claim_runs",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/claim",
        summary: "Claim runs to work on",
        description: "Gives each claimed run a lease that every further write of the worker names, and the steps already \
                      recorded, which must not run again. An empty list means there is nothing to do.",
        status: 200,
        arguments: &[
            Argument::required("worker_id", ID, "The worker's name, for people to read."),
            Argument::optional("max_runs", Kind::Integer { min: 1, max: 100 }, "1", "How many at most."),
            EXTENSION,
        ],
        result: result::claimed,
    },
    Operation {
        name: "get_run",
        scope: Some(Scope::RunsRead),
        method: "GET",
        path: "/v1/platform/runs/{run_id}",
        summary: "Show one run",
        description: "State, envelope, input, and result or error.",
        status: 200,
        arguments: &[RUN_ID],
        result: result::run,
    },
    Operation {
        name: "list_steps",
        scope: Some(Scope::RunsRead),
        method: "GET",
        path: "/v1/platform/runs/{run_id}/steps",
        summary: "Show the journal of a run",
        description: "Every recorded step in order.",
        status: 200,
        arguments: &[
            RUN_ID,
            Argument::optional(
                "after_seq",
                Kind::Integer { min: 0, max: 1_000_000_000 },
                "0",
                "Only steps after this one.",
            ),
            PAGE,
        ],
        result: result::steps,
    },
    Operation {
        name: "cancel_run",
        scope: Some(Scope::RunsWrite),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/cancel",
        summary: "Cancel a run",
        description: "Ends the run at once; a worker that holds it is refused from then on. Cancelling a cancelled run \
                      changes nothing.",
        status: 200,
        arguments: &[
            RUN_ID,
            Argument::optional(
                "reason",
                Kind::Text { rule: NameRule::Line, max: 500 },
                "null",
                "Why, for people to read.",
            ),
        ],
        result: result::run,
    },
    Operation {
        name: "heartbeat",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/heartbeat",
        summary: "Keep leases",
        description: "One call of a worker extends all its leases of the project. Work on a run under `lost` must stop.",
        status: 200,
        arguments: &[
            RUN_ID,
            LEASE,
            EXTENSION,
            Argument::optional(
                "other_leases",
                Kind::TextList { rule: NameRule::Line, max: 256, items: 500 },
                "[]",
                "Further leases of the same worker and project.",
            ),
        ],
        result: result::heartbeat,
    },
    Operation {
        name: "record_step",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/steps",
        summary: "Record a step of a run",
        description: "A step that was completed before is `replayed`: its recorded result comes back and must be used. \
                      Before an effect outside, record phase `started` and commit: if an earlier attempt started the \
                      step and never completed it, the outcome is `unknown`, and whether it happened must be found out \
                      before it is tried again.",
        status: 200,
        arguments: &[
            RUN_ID,
            LEASE,
            Argument::required(
                "step_key",
                Kind::Text { rule: NameRule::Line, max: 128 },
                "Names the step within the run, the same in every attempt.",
            ),
            Argument::optional("result", DOCUMENT, "null", "What the step yielded."),
            Argument::optional("request", DOCUMENT, "null", "What the step was asked; compared on replay."),
            Argument::optional("kind", ID, "\"step\"", "What sort of step it is, such as llm or tool."),
            Argument::optional(
                "phase",
                Kind::Word(phases),
                "\"completed\"",
                "`started` before an effect, `completed` after.",
            ),
        ],
        result: result::step,
    },
    Operation {
        name: "complete_run",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/complete",
        summary: "Complete a run",
        description: "Ends the run with its result. Repeating it with the same lease returns the run again.",
        status: 200,
        arguments: &[RUN_ID, LEASE, Argument::optional("result", DOCUMENT, "null", "What the run yielded.")],
        result: result::run,
    },
    Operation {
        name: "fail_run",
        scope: Some(Scope::RunsWork),
        method: "POST",
        path: "/v1/platform/runs/{run_id}/fail",
        summary: "Report that an attempt failed",
        description: "Where attempts are left and the failure may be retried, the run waits and becomes claimable again; \
                      else it ends as failed.",
        status: 200,
        arguments: &[
            RUN_ID,
            LEASE,
            Argument::optional("error_code", ID, "\"worker_error\"", "The worker's own code for what went wrong."),
            Argument::optional(
                "message",
                Kind::Text { rule: NameRule::Free, max: 2000 },
                "null",
                "What went wrong, for people to read.",
            ),
            Argument::optional("retryable", Kind::Boolean, "true", "false ends the run whatever attempts are left."),
        ],
        result: result::run,
    },
    Operation {
        name: "create_api_key",
        scope: Some(Scope::KeysAdmin),
        method: "POST",
        path: "/v1/platform/api-keys",
        summary: "Create an API key",
        description: "Returns the key once; only a digest is kept. A key can hand out no scope it does not have.",
        status: 201,
        arguments: &[
            Argument::required("name", NAME, "What the key is for."),
            Argument::required("scopes", SCOPES, "What it may do."),
            Argument::optional(
                "expires_in_seconds",
                Kind::Integer { min: 1, max: 315_360_000 },
                "null",
                "When it stops working; never where null.",
            ),
            Argument::optional(
                "principal_id",
                ID,
                "null",
                "The person or service it belongs to: a new one, the caller's own, or one that the caller brought into \
                 being; any for an operator. A service of its own where null.",
            ),
        ],
        result: result::issued_key,
    },
    Operation {
        name: "list_api_keys",
        scope: Some(Scope::KeysAdmin),
        method: "GET",
        path: "/v1/platform/api-keys",
        summary: "List API keys",
        description: "Every key of the project, revoked ones included, without secrets.",
        status: 200,
        arguments: &[],
        result: result::keys,
    },
    Operation {
        name: "rotate_api_key",
        scope: Some(Scope::KeysAdmin),
        method: "POST",
        path: "/v1/platform/api-keys/{key_id}/rotate",
        summary: "Replace an API key by a new one",
        description: "The new key has the same name, principal, scopes and expiry; the old one stops after the grace \
                      period. For the key's own principal, who brought it into being, and operators.",
        status: 201,
        arguments: &[
            Argument::required("key_id", CREDENTIAL, "The public part of the key."),
            Argument::optional(
                "grace_seconds",
                Kind::Integer { min: 0, max: 604_800 },
                "0",
                "How long the old key still works, in seconds.",
            ),
        ],
        result: result::issued_key,
    },
    Operation {
        name: "revoke_api_key",
        scope: Some(Scope::KeysAdmin),
        method: "DELETE",
        path: "/v1/platform/api-keys/{key_id}",
        summary: "Revoke an API key",
        description: "It stops working at once, and for good.",
        status: 200,
        arguments: &[Argument::required("key_id", CREDENTIAL, "The public part of the key.")],
        result: result::revoked_key,
    },
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
    Operation {
        name: "get_redaction",
        scope: Some(Scope::RedactionAdmin),
        method: "GET",
        path: "/v1/platform/redaction",
        summary: "Show what the project redacts",
        description: "Every family with its mode, and the project's own rules.",
        status: 200,
        arguments: &[],
        result: result::redaction,
    },
    Operation {
        name: "set_redaction_family",
        scope: Some(Scope::RedactionAdmin),
        method: "PUT",
        path: "/v1/platform/redaction/families/{family}",
        summary: "Redact a family of sensitive text, or let it through",
        description: "ip and crypto_address are let through unless a project redacts them, all others are redacted unless it \
                      allows them. Credentials (private_key, auth_token, vendor_token, secret, url_credential) can't be \
                      allowed. Audit rows and errors are redacted in all nine families whatever a project allows.",
        status: 200,
        arguments: &[FAMILY, Argument::required("mode", Kind::Word(redaction_modes), "redact or allow.")],
        result: result::redaction_family,
    },
    Operation {
        name: "set_redaction_rule",
        scope: Some(Scope::RedactionAdmin),
        method: "PUT",
        path: "/v1/platform/redaction/rules/{rule_id}",
        summary: "Add a redaction rule of the project's own, or change it",
        description: "What the shape matches becomes [REDACTED:<family>], in texts that hold one of the keywords. At most 50 \
                      rules a project.",
        status: 200,
        arguments: &[
            RULE_ID,
            FAMILY,
            Argument::required(
                "shape",
                Kind::Text { rule: NameRule::Line, max: 1_000 },
                "A regular expression in the syntax of the Rust crate regex.",
            ),
            Argument::optional(
                "keywords",
                Kind::TextList { rule: NameRule::Line, max: 64, items: 20 },
                "[]",
                "Texts without one of which the shape is not tried; none means it always is.",
            ),
        ],
        result: result::redaction_rule,
    },
    Operation {
        name: "remove_redaction_rule",
        scope: Some(Scope::RedactionAdmin),
        method: "DELETE",
        path: "/v1/platform/redaction/rules/{rule_id}",
        summary: "Remove a redaction rule of the project's own",
        description: "The platform's own rules stay.",
        status: 200,
        arguments: &[RULE_ID],
        result: result::redaction_rule,
    },
];
