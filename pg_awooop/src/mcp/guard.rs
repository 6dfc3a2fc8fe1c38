//! What no DML may do to calls, whoever asks: what was decided and how it ended stay as they are, and go with their run.

use awooop_policy::error::ErrorCode;
use pgrx::prelude::*;

use crate::fault::{or_raise, raise};
use crate::statement::{column, statements};

type Row<'a> = PgHeapTuple<'a, pgrx::AllocatedByPostgres>;

statements! {
    HAS_RUN: reading [TEXTOID, UUIDOID] =
        "select exists (select from awooop.run_state where project_id = $1 and run_id = $2)";
}

/// Refuses every change; lets a call go when its run has gone before it, as retention has it.
#[pg_trigger]
fn guard_mcp_call<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    if let (Ok(PgTriggerOperation::Delete), Some(row)) = (trigger.op(), trigger.old()) {
        let project_id = row.get_by_name::<String>("project_id").ok().flatten();
        let run_id = row.get_by_name::<pgrx::Uuid>("run_id").ok().flatten();
        let key = [project_id.into(), run_id.into()];
        let has_run = or_raise(HAS_RUN.with(|s| s.row(&key, |row| column::<bool>(row, 1))));
        if has_run == Some(false) {
            return Ok(Some(row));
        }
    }
    raise(&ErrorCode::McpGuarded.into())
}
