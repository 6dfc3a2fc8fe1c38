//! The trigger that holds for every DML on revisions, whoever asks: what is published never changes, and no life goes
//! back. Which rows and columns is said where the triggers are created (sql/migrations).

use awooop_policy::error::ErrorCode;
use pgrx::prelude::*;

use crate::fault::raise;

/// Refuses to change or remove what is published.
#[pg_trigger]
fn refuse_contract_rewrite<'a>(
    _: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, PgTriggerError> {
    raise(&ErrorCode::ContractImmutable.into())
}
