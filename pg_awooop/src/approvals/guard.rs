//! What no DML may do to requests, decisions and uses, whoever asks: they change in one direction, and go with their run.

use awooop_policy::error::ErrorCode;
use pgrx::prelude::*;

use crate::fault::{Outcome, or_raise, raise};
use crate::statement::{column, statements};

type Row<'a> = PgHeapTuple<'a, pgrx::AllocatedByPostgres>;

statements! {
    HAS_RUN: reading [TEXTOID, UUIDOID] =
        "select exists (select from awooop.run_state where project_id = $1 and run_id = $2)";
    HAS_REQUEST: reading [TEXTOID, UUIDOID] =
        "select exists (select from awooop.approval_request where project_id = $1 and approval_id = $2)";
}

/// Refuses every change; lets a row go when what it belongs to has gone before it, as retention has it.
#[pg_trigger]
fn guard_approval<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    match (trigger.op(), trigger.old()) {
        (Ok(PgTriggerOperation::Delete), Some(row)) if or_raise(is_orphan(trigger, &row)) => Ok(Some(row)),
        _ => raise(&ErrorCode::ApprovalGuarded.into()),
    }
}

fn is_orphan(trigger: &PgTrigger, row: &Row) -> Outcome<bool> {
    let is_request = trigger.table_name().is_ok_and(|table| table == "approval_request");
    let (statement, id) = if is_request { (&HAS_RUN, "run_id") } else { (&HAS_REQUEST, "approval_id") };
    let project_id = row.get_by_name::<String>("project_id").ok().flatten();
    let id = row.get_by_name::<pgrx::Uuid>(id).ok().flatten();
    let found = statement.with(|s| s.row(&[project_id.into(), id.into()], |row| column::<bool>(row, 1)))?;
    Ok(found == Some(false))
}
