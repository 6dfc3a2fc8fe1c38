//! The guard of the proof's tables: what the sealer goes by is written by this extension alone, whoever has rights over
//! the tables. A head that somebody set would be signed, a leaf that somebody put in would stop the sealer, and a row
//! taken from the queue would never be sealed.

use std::cell::Cell;

use awooop_policy::error::{ErrorCode, Problem};
use pgrx::prelude::*;
use pgrx::{PgTriggerLevel, PgTriggerOperation};

use crate::fault::{or_raise, raise};
use crate::statement::{column, statements};

thread_local! {
    /// How deep this session is in statements of ours. No setting: a superuser could set one.
    static OWN: Cell<u32> = const { Cell::new(0) };
}

struct Own;

impl Drop for Own {
    fn drop(&mut self) {
        OWN.with(|own| own.set(own.get().saturating_sub(1)));
    }
}

/// Runs statements of the extension that write the proof's tables. An error that one raises unwinds through here, and
/// ends it as well.
pub(super) fn own<T>(work: impl FnOnce() -> T) -> T {
    OWN.with(|own| own.set(own.get() + 1));
    let _own = Own;
    work()
}

statements! {
    // What a restored dump brings, in the order of its tables: checkpoints and archives before the head, then the leaves
    // and nodes that the head has counted already, then rows of the log that have no leaf.
    IS_RESTORED: reading [TEXTOID, TEXTOID, INT8OID, INT4OID, UUIDOID, TIMESTAMPTZOID] =
        "select case
                when $1 = 'audit_pending' then
                    exists (select from awooop.audit_log a
                            where a.project_id = $2 and a.audit_id = $5 and a.recorded_at = $6)
                    and not exists (select from awooop.audit_leaf l where l.project_id = $2 and l.audit_id = $5)
                else coalesce((select case $1 when 'audit_leaf' then $3 < h.tree_size
                                              when 'audit_node' then $3 < h.tree_size >> $4
                                              else false end
                               from awooop.audit_head h where h.project_id = $2), true)
                end";
}

type Row<'a> = PgHeapTuple<'a, pgrx::AllocatedByPostgres>;

/// Refuses what neither the extension writes nor a restore brings back.
#[pg_trigger]
fn guard_audit_proof<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    let is_row = matches!(trigger.level(), PgTriggerLevel::Row);
    let ours = OWN.with(Cell::get) > 0
        || is_row && matches!(trigger.op()?, PgTriggerOperation::Insert) && is_restored(trigger)?;
    if !ours {
        raise(&Problem::from(ErrorCode::AuditSealersOwn));
    }
    Ok(if is_row { trigger.new() } else { None })
}

fn is_restored(trigger: &PgTrigger) -> Result<bool, PgTriggerError> {
    let table = trigger.table_name()?;
    let Some(row) = trigger.new() else { return Ok(false) };
    let number = |name: &str| row.get_by_name::<i64>(name).ok().flatten();
    let project_id = row.get_by_name::<String>("project_id").ok().flatten();
    let level = row.get_by_name::<i16>("level").ok().flatten().map(i32::from);
    let audit_id = row.get_by_name::<pgrx::Uuid>("audit_id").ok().flatten();
    let recorded_at = row.get_by_name::<TimestampWithTimeZone>("recorded_at").ok().flatten();
    let index = number("leaf_index").or_else(|| number("node_index"));
    let restored = or_raise(IS_RESTORED.with(|s| {
        s.row(
            &[table.into(), project_id.into(), index.into(), level.into(), audit_id.into(), recorded_at.into()],
            |row| column::<bool>(row, 1),
        )
    }));
    Ok(restored == Some(true))
}
