//! The triggers that hold for every DML, whoever asks: transitions, identity, ends, retention, append-only.
//!
//! Which rows and columns each guards is said where the trigger is created (sql/migrations); these only answer.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::run_fsm::RunState;
use pgrx::prelude::*;

use super::end::transition;
use crate::fault::raise;

type Row<'a> = PgHeapTuple<'a, pgrx::AllocatedByPostgres>;

fn state_of(row: Option<Row>) -> Option<RunState> {
    row.and_then(|row| row.get_by_name::<String>("state").ok().flatten()).and_then(|name| RunState::parse(&name))
}

/// Whether the run, about to end, is kept for a day at least: an end that is over at once would be a way to delete it.
fn is_kept(row: Option<Row>) -> bool {
    const DAY: i64 = 86_400_000_000;
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    let until = row.and_then(|row| row.get_by_name::<TimestampWithTimeZone>("retain_until").ok().flatten());
    // A minute of grace: the statement took its time before we take ours.
    until.is_some_and(|until| i64::from(until) >= now + DAY - 60_000_000)
}

/// Lets a run's state change only along the table of transitions.
#[pg_trigger]
fn guard_run_transition<'a>(trigger: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    match (state_of(trigger.old()), state_of(trigger.new())) {
        (Some(from), Some(to)) if !from.may_become(to) => raise(&transition(from, to)),
        (Some(_), Some(to)) if to.is_final() && !is_kept(trigger.new()) => raise(&ErrorCode::RunDelete.into()),
        (Some(_), Some(_)) => Ok(trigger.new()),
        _ => raise(&Problem::from(ErrorCode::RunTransition)),
    }
}

/// Refuses to change what a run was created with, or to turn its epoch back.
#[pg_trigger]
fn refuse_run_rewrite<'a>(_: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    raise(&Problem::from(ErrorCode::RunImmutable))
}

/// Refuses to change a run that has ended.
#[pg_trigger]
fn refuse_change_of_ended_run<'a>(_: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    raise(&Problem::from(ErrorCode::RunFinished))
}

/// Refuses to delete a run before its retention is over, or to truncate.
#[pg_trigger]
fn refuse_run_delete<'a>(_: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    raise(&Problem::from(ErrorCode::RunDelete))
}

/// Refuses to change, delete or truncate what is only ever appended to.
#[pg_trigger]
fn refuse_append_only<'a>(_: &'a PgTrigger<'a>) -> Result<Option<Row<'a>>, PgTriggerError> {
    raise(&Problem::from(ErrorCode::AppendOnly))
}
