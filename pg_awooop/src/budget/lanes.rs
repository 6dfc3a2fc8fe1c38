//! A lane: what one session may reserve without a look at the others.

use awooop_policy::budget::{Amount, Who};
use pgrx::prelude::*;

use super::guard::own;
use super::platform;
use super::terms::{self, LANES, Terms};
use crate::fault::{Outcome, fault};
use crate::statement::{column, statements};
use awooop_policy::error::ErrorCode;

statements! {
    // The first counter's lane is the lock of this lane of all of them.
    TAKE_FIRST: writing [TEXTOID, INT2OID, INT8OID, INT8OID] =
        "update awooop.budget_counter_lane
         set reserved_tokens = reserved_tokens + $3, reserved_micro_usd = reserved_micro_usd + $4
         where project_id = $1 and counter_id = 1 and lane = $2 and not capped
           and granted_tokens - reserved_tokens - spent_tokens >= $3
           and granted_micro_usd - reserved_micro_usd - spent_micro_usd >= $4
         returning version";
    // All of them or none.
    TAKE_OTHERS: writing [TEXTOID, INT2OID, INT8OID, INT8OID, INT4ARRAYOID] =
        "with fit as (
             select count(*) = cardinality($5) as everywhere from awooop.budget_counter_lane
             where project_id = $1 and lane = $2 and counter_id = any ($5) and not capped
               and granted_tokens - reserved_tokens - spent_tokens >= $3
               and granted_micro_usd - reserved_micro_usd - spent_micro_usd >= $4
         )
         update awooop.budget_counter_lane
         set reserved_tokens = reserved_tokens + $3, reserved_micro_usd = reserved_micro_usd + $4
         where project_id = $1 and lane = $2 and counter_id = any ($5) and (select everywhere from fit)
         returning counter_id";
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
    let parameters = [project_id.into(), lane.into(), amount.tokens.into(), amount.micro_usd.into()];
    let version = own(&TAKE_FIRST, &parameters, |row| column::<i64>(row, 1))?;
    if version.first() != Some(&terms.version) {
        if !version.is_empty() {
            terms::forget(project_id);
        }
        return Ok(None);
    }
    let others = set.others();
    if others.is_empty() {
        return Ok(Some(()));
    }
    let [p, l, t, m] = parameters;
    let taken = own(&TAKE_OTHERS, &[p, l, t, m, others.clone().into()], |row| column::<i32>(row, 1))?;
    Ok((taken.len() == others.len()).then_some(()))
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
