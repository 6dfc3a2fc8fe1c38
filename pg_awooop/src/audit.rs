//! The audit log: one appended row for every decision and change of state.
//!
//! A row is made of typed identifiers and facts of our own, never of what a caller wrote. The statement that writes it
//! also queues its leaf for the sealer (`seal`), which makes the log of a project a Merkle tree and signs checkpoints of
//! it; `prove` and `verify` show that nothing in it changed, `archive` detaches what is old, `guard` keeps everybody else
//! from the proof's tables, `health` tells what keeps a log from being sealed, and `repair` puts it right.

mod archive;
mod guard;
mod health;
mod prove;
mod repair;
mod rows;
mod seal;
mod verify;

use awooop_policy::error::Problem;
use pgrx::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;

pub(crate) use health::disagreements;
pub(crate) use prove::{checkpoint, export, proof};
pub(crate) use seal::{commit_durably, open_head, seal_due};
pub(crate) use verify::verify;

use awooop_policy::transparency::document::{AuditRow, canonical_facts, leaf_hash};
use guard::Own;
use pgrx::datum::DatumWithOid;

use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::redaction;
use crate::server_log;
use crate::statement::{column, pg_uuid, rfc3339, statements};
use crate::tenant;

/// Microseconds from 1970 to 2000, from where PostgreSQL counts.
pub(crate) const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// What a row is about; absent parts stay NULL.
#[derive(Default)]
pub(crate) struct Entry<'a> {
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) agent_id: Option<&'a str>,
    pub(crate) platform_subject_id: Option<&'a str>,
    pub(crate) run_id: Option<Uuid>,
    pub(crate) facts: Map<String, Value>,
}

impl Entry<'_> {
    /// The same entry with one more fact.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

statements! {
    // One statement: the row and its place in the queue are there together, or neither is.
    APPEND: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
                     UUIDOID, TEXTOID, TIMESTAMPTZOID, BYTEAOID] =
        "with queued as (
             insert into awooop.audit_pending (project_id, audit_id, recorded_at, leaf_hash) values ($1, $2, $13, $14)
         )
         insert into awooop.audit_log (project_id, audit_id, recorded_at, action, decision, code, principal_id, door,
                                       trace_id, agent_id, platform_subject_id, run_id, facts)
         values ($1, $2, $13, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)";
    LIST: reading [TEXTOID, TEXTOID, UUIDOID, INT8OID] = concat!(
        "select json_build_object(
                    'audit_id', audit_id, 'recorded_at', ", rfc3339!("recorded_at"), ", 'action', action,
                    'decision', decision, 'code', code, 'principal_id', principal_id, 'door', door,
                    'trace_id', trace_id, 'agent_id', agent_id, 'platform_subject_id', platform_subject_id,
                    'run_id', run_id, 'facts', facts)::text, audit_id::text
         from awooop.audit_log
         where project_id = $1 and ($2 is null or action = $2) and ($3 is null or audit_id < $3)
         order by audit_id desc
         limit $4");
}

/// Records that something was done.
pub(crate) fn done(caller: &Caller, action: &str, entry: Entry) -> Outcome<()> {
    append(caller, action, "done", None, entry).map(drop)
}

/// Records that something was refused. On a standby, which cannot write, the server's log has it.
pub(crate) fn refused(caller: &Caller, action: &str, problem: &Problem, entry: Entry) -> Outcome<()> {
    // SAFETY: reads shared state of this server.
    if unsafe { pg_sys::RecoveryInProgress() } {
        let refusal = serde_json::json!({
            "project_id": caller.project_id, "principal_id": caller.principal_id,
            "action": action, "code": problem.code.entry().code
        });
        server_log::write(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("awooop_refused {refusal}"));
        return Ok(());
    }
    let mut entry = entry;
    entry.facts.extend(problem.facts.clone());
    append(caller, action, "refused", Some(problem.code.entry().code), entry).map(drop)
}

/// Appends the row and queues its leaf. Returns its id.
fn append(caller: &Caller, action: &str, decision: &str, code: Option<&str>, entry: Entry) -> Outcome<Uuid> {
    append_row(caller, action, decision, code, entry).map(|(audit_id, _)| audit_id)
}

/// The same; returns the row's id and its document.
fn append_row(
    caller: &Caller,
    action: &str,
    decision: &str,
    code: Option<&str>,
    entry: Entry,
) -> Outcome<(Uuid, String)> {
    #[cfg(feature = "bench")]
    if crate::audit_bench::is_without_audit() {
        return Ok((Uuid::nil(), String::new()));
    }
    let inbound = if entry.trace_id.is_none() { tenant::trace() } else { None };
    let facts = canonical_facts(redaction::stored_facts(entry.facts))?;
    // SAFETY: reads the clock.
    let recorded_at = unsafe { pg_sys::GetCurrentTimestamp() };
    let row = AuditRow {
        project_id: &caller.project_id,
        audit_id: Uuid::now_v7(),
        recorded_at: recorded_at + POSTGRES_EPOCH,
        action,
        decision,
        code,
        principal_id: Some(&caller.principal_id),
        door: caller.door.as_str(),
        trace_id: entry.trace_id.or(inbound.as_deref()),
        agent_id: entry.agent_id,
        platform_subject_id: entry.platform_subject_id,
        run_id: entry.run_id,
        facts: &facts,
    };
    let document = row.document()?;
    let leaf = leaf_hash(&document);
    let append = || {
        APPEND.with(|s| {
            s.run(&[
                row.project_id.into(),
                pg_uuid(row.audit_id).into(),
                row.action.into(),
                row.decision.into(),
                row.code.into(),
                row.principal_id.into(),
                row.door.into(),
                row.trace_id.into(),
                row.agent_id.into(),
                row.platform_subject_id.into(),
                row.run_id.map(pg_uuid).into(),
                row.facts.into(),
                // SAFETY: a timestamptz is this number.
                unsafe { DatumWithOid::new(recorded_at, pg_sys::TIMESTAMPTZOID) },
                leaf.as_slice().into(),
            ])
        })
    };
    guard::own(Own::Queue, append)?;
    Ok((row.audit_id, document))
}

/// Operation `list_audit`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let before = match arguments.optional_text("cursor") {
        None => None,
        Some(cursor) => match Uuid::try_parse(cursor) {
            Ok(id) => Some(pg_uuid(id)),
            Err(_) => return fault(ErrorCode::InputCursor),
        },
    };
    let limit = arguments.integer("page_size");
    let rows = LIST.with(|s| {
        s.rows(
            &[
                caller.project_id.as_str().into(),
                arguments.optional_text("action").into(),
                before.into(),
                (limit + 1).into(),
            ],
            |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?)),
        )
    })?;
    Ok(Answer::page(rows, limit))
}
