//! What no DML may do to messages, whoever asks: what was said, to whom and what became of it stays as it is.

use awooop_policy::error::ErrorCode;
use pgrx::prelude::*;

use crate::fault::raise;

type Row<'a> = PgHeapTuple<'a, pgrx::AllocatedByPostgres>;

/// Refuses every change; where it guards, and where not, is said where the trigger is created.
#[pg_trigger]
fn guard_outbound_message<'a>(_: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    raise(&ErrorCode::MessageGuarded.into())
}
