//! Repair of a log that cannot be sealed: a head from the leaves, and rows back into the queue. It makes nothing good that
//! a checkpoint contradicts, and it tells of itself in the log.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::transparency::document::leaf_hash;
use awooop_policy::transparency::of_bytes;
use awooop_policy::transparency::tree::Frontier;
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::guard::Own;
use super::rows::{self, Held};
use super::{Entry, guard, seal};
use crate::caller::{Caller, Login};
use crate::fault::{Outcome, fault, or_raise};
use crate::statement::{column, pg_uuid, statements, uuid_column};
use crate::tenant;

const PAGE: i64 = 2000;

statements! {
    LOCK_HEAD: writing [TEXTOID] =
        "select true from awooop.audit_head h where h.project_id = $1 for no key update";
    LEAVES: reading [TEXTOID, INT8OID, INT8OID] =
        "select l.leaf_index, l.leaf_hash from awooop.audit_leaf l
         where l.project_id = $1 and l.leaf_index >= $2 order by l.leaf_index limit $3";
    CHECKPOINTS: reading [TEXTOID] =
        "select c.tree_size, c.root from awooop.audit_checkpoint c where c.project_id = $1 order by c.tree_size";
    // A row that has neither leaf nor place in the queue.
    LOST: reading [TEXTOID, UUIDARRAYOID] = concat!(
        "select a.audit_id, ", rows::microseconds!("a.recorded_at"), ", a.recorded_at, ", rows::row_columns!(), "
         from awooop.audit_log a
         where a.project_id = $1 and a.audit_id = any($2)
           and not exists (select from awooop.audit_leaf l where l.project_id = $1 and l.audit_id = a.audit_id)
           and not exists (select from awooop.audit_pending q where q.project_id = $1 and q.audit_id = a.audit_id)");
    QUEUE: writing [TEXTOID, UUIDOID, TIMESTAMPTZOID, BYTEAOID] =
        "insert into awooop.audit_pending (project_id, audit_id, recorded_at, leaf_hash) values ($1, $2, $3, $4)";
}

/// Makes a project's head from its leaves, where they are whole and agree with every stored checkpoint, and puts these
/// rows, which have no leaf, back into the queue, as they are now. A superuser's call. Returns
/// `{"project_id", "tree_size", "queued"}`.
#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn repair_audit_log(project_id: &str, queue: default!(Vec<Option<String>>, "'{}'")) -> pgrx::JsonB {
    pgrx::JsonB(or_raise(repair(project_id, queue)))
}

fn repair(project_id: &str, queue: Vec<Option<String>>) -> Outcome<Value> {
    // SAFETY: a catalogue look-up.
    if !unsafe { pg_sys::superuser() } {
        return fault(ErrorCode::InstallSuperuser);
    }
    if tenant::current().is_some() {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    let Some(owner) = Login::named("awooop_owner") else {
        return fault(Problem::from(ErrorCode::InstallRole).with("role", "awooop_owner"));
    };
    let ids = queue.iter().map(|id| Uuid::try_parse(id.as_deref().unwrap_or_default()).map(pg_uuid));
    let Ok(queue) = ids.collect::<Result<Vec<_>, _>>() else { return fault(ErrorCode::AuditUnknown) };
    owner.acting(|| {
        tenant::within(project_id, || {
            // Waits for a sealer that is at work.
            if LOCK_HEAD.with(|s| s.run(&[project_id.into()]))? == 0 {
                return fault(ErrorCode::AuditUnknown);
            }
            let (tree, signed) = from_leaves(project_id)?;
            seal::move_head(project_id, &tree, signed)?;
            let queued = requeue(project_id, queue)?;
            let platform = Caller::platform(project_id, &format!("role:{}", Login::of_session().name()));
            let entry = Entry::default().with("tree_size", seal::size_of(&tree)).with("queued_id", queued.clone());
            super::append(&platform, "audit_log_repaired", "done", None, entry)?;
            Ok(json!({"project_id": project_id, "tree_size": seal::size_of(&tree), "queued": queued.len()}))
        })
    })
}

/// The tree of the stored leaves, and the size of its latest checkpoint.
fn from_leaves(project_id: &str) -> Outcome<(Frontier, i64)> {
    let broken = |reason: &str, name: &'static str, value: i64| {
        fault(Problem::from(ErrorCode::AuditRepair).with("reason", reason).with(name, value))
    };
    let mut checkpoints = CHECKPOINTS
        .with(|s| {
            s.rows(&[project_id.into()], |row| Ok((column::<i64>(row, 1)?, of_bytes(&column::<Vec<u8>>(row, 2)?))))
        })?
        .into_iter()
        .peekable();
    let (mut tree, mut signed) = (Frontier::default(), 0);
    loop {
        let from = seal::size_of(&tree);
        let page = LEAVES.with(|s| {
            s.rows(&[project_id.into(), from.into(), PAGE.into()], |row| {
                Ok((column::<i64>(row, 1)?, column::<Vec<u8>>(row, 2)?))
            })
        })?;
        let full = i64::try_from(page.len()) == Ok(PAGE);
        for (index, leaf) in page {
            if index != seal::size_of(&tree) {
                return broken("leaf_missing", "leaf_index", seal::size_of(&tree));
            }
            seal::add(project_id, &mut tree, vec![leaf])?;
            if let Some((size, root)) = checkpoints.next_if(|(size, _)| *size == seal::size_of(&tree)) {
                if tree.root().ok() != root {
                    return broken("checkpoint_differs", "tree_size", size);
                }
                signed = size;
            }
        }
        if !full {
            break;
        }
    }
    if let Some((size, _)) = checkpoints.next() {
        return broken("rolled_back", "tree_size", size);
    }
    strangers(project_id, signed)?;
    Ok((tree, signed))
}

/// Refuses leaves above what was signed that are of no row: nothing but somebody's hand put them there, and signing them
/// would keep them for ever.
fn strangers(project_id: &str, signed: i64) -> Outcome<()> {
    let archives = rows::archives(project_id)?;
    let mut from = u64::try_from(signed).unwrap_or_default();
    loop {
        let page = rows::leaves(project_id, from, u64::MAX, PAGE, &archives)?;
        for leaf in &page {
            let whole = match &leaf.held {
                Held::Document(document) => leaf_hash(document) == leaf.hash,
                Held::Archived => true,
                Held::Unwritable(_) | Held::Absent => false,
            };
            if !whole {
                let problem = Problem::from(ErrorCode::AuditRepair).with("reason", "leaf_without_row");
                return fault(problem.with("leaf_index", leaf.index));
            }
        }
        match page.last() {
            Some(last) if i64::try_from(page.len()) == Ok(PAGE) => from = last.index + 1,
            _ => return Ok(()),
        }
    }
}

/// Those of the rows that are in the log and have neither leaf nor place in the queue: their ids, times, and what they say.
pub(super) fn unqueued(
    project_id: &str,
    rows: Vec<pgrx::Uuid>,
) -> Outcome<Vec<(Uuid, Option<TimestampWithTimeZone>, Held)>> {
    LOST.with(|s| {
        s.rows(&[project_id.into(), rows.into()], |row| {
            let (audit_id, recorded_at) = (uuid_column(row, 1)?, row.get::<i64>(2)?);
            Ok((audit_id, row.get::<TimestampWithTimeZone>(3)?, rows::held(row, 4, project_id, audit_id, recorded_at)?))
        })
    })
}

/// Puts rows into the queue, each with the leaf of what it says now. Returns their ids.
fn requeue(project_id: &str, queue: Vec<pgrx::Uuid>) -> Outcome<Vec<String>> {
    let wanted = queue.len();
    let lost = unqueued(project_id, queue)?;
    if lost.len() != wanted {
        return fault(ErrorCode::AuditUnknown);
    }
    let mut queued = Vec::with_capacity(wanted);
    for (audit_id, recorded_at, held) in lost {
        // A row whose facts cannot be ours would never verify.
        let Held::Document(document) = held else {
            return fault(Problem::from(ErrorCode::AuditUnknown).with("audit_id", audit_id.to_string()));
        };
        let leaf = leaf_hash(&document);
        let parameters = [project_id.into(), pg_uuid(audit_id).into(), recorded_at.into(), leaf.as_slice().into()];
        guard::own(Own::Queue, || QUEUE.with(|s| s.run(&parameters)))?;
        queued.push(audit_id.to_string());
    }
    Ok(queued)
}
