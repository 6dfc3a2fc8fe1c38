//! A lane: what one session may reserve without a look at the others.

use awooop_policy::budget::{Amount, Who};
use pgrx::prelude::*;

use super::guard::{own, own_run};
use super::platform;
use super::terms::{self, LANES, Terms};
use crate::fault::{Outcome, fault};
use crate::statement::{column, statements};
use awooop_policy::error::ErrorCode;

macro_rules! take_first {
    () => {
        "update awooop.budget_counter_lane
         set reserved_tokens = reserved_tokens + $3, reserved_micro_usd = reserved_micro_usd + $4
         where project_id = $1 and counter_id = 1 and lane = $2 and version = $5 and not capped
           and granted_tokens - reserved_tokens - spent_tokens >= $3
           and granted_micro_usd - reserved_micro_usd - spent_micro_usd >= $4"
    };
}

/// Joined with the first, so that none is touched before it is locked; as many rows as there are others, or it is not
/// everywhere. Of one other by its number: for a list of them PostgreSQL makes a bitmap.
macro_rules! take {
    ($others:literal) => {
        concat!(
            "with first as (",
            take_first!(),
            " returning lane)
             update awooop.budget_counter_lane l
             set reserved_tokens = l.reserved_tokens + $3, reserved_micro_usd = l.reserved_micro_usd + $4
             from first
             where l.project_id = $1 and l.lane = first.lane and l.counter_id ",
            $others,
            " and not l.capped
               and l.granted_tokens - l.reserved_tokens - l.spent_tokens >= $3
               and l.granted_micro_usd - l.reserved_micro_usd - l.spent_micro_usd >= $4"
        )
    };
}

statements! {
    // The first counter's lane is the lock of this lane of all of them.
    TAKE_FIRST: writing [TEXTOID, INT2OID, INT8OID, INT8OID, INT8OID] = take_first!();
    TAKE_TWO: writing [TEXTOID, INT2OID, INT8OID, INT8OID, INT8OID, INT4OID] = take!("= $6");
    TAKE_MORE: writing [TEXTOID, INT2OID, INT8OID, INT8OID, INT8OID, INT4ARRAYOID] = take!("= any ($6)");
    GIVE_BACK_FIRST: writing [TEXTOID, INT2OID, INT8OID, INT8OID, INT8OID, INT8OID] =
        "update awooop.budget_counter_lane
         set reserved_tokens = reserved_tokens - $3, reserved_micro_usd = reserved_micro_usd - $4,
             spent_tokens = spent_tokens + $5, spent_micro_usd = spent_micro_usd + $6
         where project_id = $1 and counter_id = 1 and lane = $2
         returning version";
    GIVE_BACK_OTHERS: writing [TEXTOID, INT2OID, INT8OID, INT8OID, INT8OID, INT8OID, INT4ARRAYOID] =
        "update awooop.budget_counter_lane
         set reserved_tokens = reserved_tokens - $3, reserved_micro_usd = reserved_micro_usd - $4,
             spent_tokens = spent_tokens + $5, spent_micro_usd = spent_micro_usd + $6
         where project_id = $1 and lane = $2 and counter_id = any ($7)
         returning counter_id";
    IS_FREE: writing [TEXTOID, INT2OID] =
        "select exists (select from (select from awooop.budget_counter_lane
                                     where project_id = $1 and counter_id = 1 and lane = $2
                                     for no key update skip locked) l)";
}

/// The lane of this session.
pub(super) fn of_session() -> i16 {
    // SAFETY: reads this process's number.
    let process = unsafe { pg_sys::MyProcPid };
    i16::try_from(process.rem_euclid(i32::from(LANES))).unwrap_or_default()
}

/// Takes the amount from every counter of the work, if this lane has it everywhere. Only within an attempt: a `None`
/// leaves changes and a lock behind.
pub(super) fn take(
    terms: &Terms,
    project_id: &str,
    who: &Who,
    lane: i16,
    amount: Amount,
    time: i64,
) -> Outcome<Option<()>> {
    let (set, complete) = terms.set(project_id, who, time)?;
    if !complete {
        return Ok(None);
    }
    let others = set.others();
    let [p, l, t, m, v] =
        [project_id.into(), lane.into(), amount.tokens.into(), amount.micro_usd.into(), terms.version.into()];
    // What is not so any more, by the version, is looked at again by whoever goes the long way.
    let taken = match others.as_slice() {
        [] => own_run(&TAKE_FIRST, &[p, l, t, m, v])?,
        [other] => own_run(&TAKE_TWO, &[p, l, t, m, v, (*other).into()])?,
        others => own_run(&TAKE_MORE, &[p, l, t, m, v, others.to_vec().into()])?,
    };
    Ok((taken == others.len().max(1)).then_some(()))
}

/// Gives a grant back to the counters it was taken from at `time`: what was spent of it stays spent.
pub(super) fn give_back(
    project_id: &str,
    who: &Who,
    lane: i16,
    granted: Amount,
    spent: Amount,
    time: i64,
) -> Outcome<()> {
    let parameters = || {
        [
            project_id.into(),
            lane.into(),
            granted.tokens.into(),
            granted.micro_usd.into(),
            spent.tokens.into(),
            spent.micro_usd.into(),
        ]
    };
    let version = own(&GIVE_BACK_FIRST, &parameters(), |row| column::<i64>(row, 1))?;
    let Some(version) = version.first() else { return fault(ErrorCode::SystemInternal) };
    // Which counters there are is settled now, as long as this lane is ours.
    let mut held = terms::known(project_id)?;
    if held.version != *version {
        held = terms::current(project_id)?;
    }
    let others = held.set(project_id, who, time)?.0.others();
    if !others.is_empty() {
        let [p, l, a, b, c, d] = parameters();
        own(&GIVE_BACK_OTHERS, &[p, l, a, b, c, d, others.into()], |row| column::<i32>(row, 1))?;
    }
    platform::give_back(&held, time, granted.minus(spent))
}

/// Takes the lock of a lane if nobody holds it. Whoever works for the platform never waits.
pub(super) fn is_free(project_id: &str, lane: i16) -> Outcome<bool> {
    let free = IS_FREE.with(|s| s.row(&[project_id.into(), lane.into()], |row| column::<bool>(row, 1)))?;
    Ok(free.unwrap_or_default())
}
