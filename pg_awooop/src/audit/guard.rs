//! The guard of the proof's tables: what the sealer goes by is written by this extension alone, whoever has rights over
//! the tables. A head that somebody set would be signed, a leaf that somebody put in would stop the sealer, and a row
//! taken from the queue would never be sealed.

use std::cell::Cell;

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::transparency::document::leaf_hash;
use pgrx::prelude::*;
use pgrx::{PgTriggerLevel, PgTriggerOperation};

use super::repair;
use super::rows::Held;
use crate::fault::{Outcome, or_raise, raise};
use crate::statement::{column, statements};

/// A statement of ours that writes tables of the proof: what it does to which. A trigger of somebody else's that fires
/// within it can do no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// A row's leaf is queued.
    Queue,
    /// Leaves are taken from the queue and put into the tree.
    Seal,
    Nodes,
    Checkpoint,
    Head,
    Archive,
}

impl Own {
    fn does(self, table: &str, operation: &PgTriggerOperation) -> bool {
        match (self, operation) {
            (Own::Queue, PgTriggerOperation::Insert) | (Own::Seal, PgTriggerOperation::Delete) => {
                table == "audit_pending"
            }
            (Own::Seal, PgTriggerOperation::Insert) => table == "audit_leaf",
            (Own::Nodes, PgTriggerOperation::Insert) => table == "audit_node",
            (Own::Checkpoint, PgTriggerOperation::Insert) => table == "audit_checkpoint",
            (Own::Head, PgTriggerOperation::Update) => table == "audit_head",
            (Own::Archive, PgTriggerOperation::Insert) => table == "audit_archive",
            _ => false,
        }
    }
}

thread_local! {
    /// The statement of ours that this session is in. No setting: a superuser could set one.
    static OWN: Cell<Option<Own>> = const { Cell::new(None) };
}

/// Puts back what was before.
struct Before(Option<Own>);

impl Drop for Before {
    fn drop(&mut self) {
        OWN.with(|own| own.set(self.0));
    }
}

/// Runs a statement of the extension that writes the proof's tables. An error that it raises unwinds through here, and
/// ends it as well.
pub(super) fn own<T>(statement: Own, work: impl FnOnce() -> T) -> T {
    let _before = Before(OWN.with(|own| own.replace(Some(statement))));
    work()
}

statements! {
    // What a restored dump brings, in the order of its tables: checkpoints and archives before the head, then the leaves
    // and nodes that the head has counted already.
    IS_COUNTED: reading [TEXTOID, TEXTOID, INT8OID, INT4OID] =
        "select coalesce((select case $1 when 'audit_leaf' then $3 < h.tree_size
                                         when 'audit_node' then $3 between 0 and (h.tree_size >> $4) - 1
                                         else false end
                          from awooop.audit_head h where h.project_id = $2), true)";
}

type Row<'a> = PgHeapTuple<'a, pgrx::AllocatedByPostgres>;

/// Refuses what neither the extension writes nor a restore brings back.
#[pg_trigger]
fn guard_audit_proof<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    let is_row = matches!(trigger.level(), PgTriggerLevel::Row);
    let (table, operation) = (trigger.table_name()?, trigger.op()?);
    let ours = OWN.with(Cell::get).is_some_and(|own| own.does(&table, &operation))
        || is_row && matches!(operation, PgTriggerOperation::Insert) && is_restored(trigger, table)?;
    if !ours {
        raise(&Problem::from(ErrorCode::AuditSealersOwn));
    }
    Ok(if is_row { trigger.new() } else { None })
}

fn is_restored(trigger: &PgTrigger, table: String) -> Result<bool, PgTriggerError> {
    let Some(row) = trigger.new() else { return Ok(false) };
    let Some(project_id) = row.get_by_name::<String>("project_id").ok().flatten() else { return Ok(false) };
    if table == "audit_pending" {
        return Ok(or_raise(is_unqueued(&project_id, &row)));
    }
    let number = |name: &str| row.get_by_name::<i64>(name).ok().flatten();
    let level = row.get_by_name::<i16>("level").ok().flatten().map(i32::from);
    let index = number("leaf_index").or_else(|| number("node_index"));
    let counted =
        or_raise(IS_COUNTED.with(|s| {
            s.row(&[table.into(), project_id.into(), index.into(), level.into()], |row| column::<bool>(row, 1))
        }));
    Ok(counted == Some(true))
}

/// Whether a row of the queue is that of a row of the log that has no leaf, with the leaf of what that row says.
fn is_unqueued(project_id: &str, row: &Row) -> Outcome<bool> {
    let audit_id = row.get_by_name::<pgrx::Uuid>("audit_id").ok().flatten();
    let recorded_at = row.get_by_name::<TimestampWithTimeZone>("recorded_at").ok().flatten();
    let leaf = row.get_by_name::<&[u8]>("leaf_hash").ok().flatten();
    let (Some(audit_id), Some(leaf)) = (audit_id, leaf) else { return Ok(false) };
    let found = repair::unqueued(project_id, vec![audit_id])?;
    Ok(found.into_iter().any(|(_, at, held)| {
        matches!(&held, Held::Document(document) if at == recorded_at && leaf_hash(document).as_slice() == leaf)
    }))
}
