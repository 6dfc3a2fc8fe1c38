//! How often: at most so many in any window of so many seconds, to the call.
//!
//! What a rate counts for has a row with the number of calls so far, and a row for each of the latest ones with its time. The
//! call after the n-th is let through if the one `count` before it is out of the window: one look-up, whatever the count. The
//! first row is locked from there to the commit, so calls get their numbers in the order of their times, and a window never has
//! one too many.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::gates::RateFacts;
use pgrx::prelude::TimestampWithTimeZone;
use pgrx::spi::SpiTupleTable;

use crate::fault::{Outcome, refuse};
use crate::statement::{column, statements};

/// How many calls are counted between two times that old ones are forgotten.
const FORGETS_EVERY: i64 = 64;
const MICROSECONDS: i64 = 1_000_000;

statements! {
    // In the order of the keys, so that two calls never wait for each other in a ring. A call has one time, of when all its rows
    // were locked. The statement sees what was committed before it began; a call that was counted while it waited for a lock is
    // not in it, and is looked for by `LATE`. What is looked up by is given, not computed on the way: under row-level security
    // only what is known already finds a row by its key.
    TAKE: writing_alike [TEXTOID, TEXTARRAYOID, INT8ARRAYOID] =
        "with numbered as (
             insert into awooop.mcp_rate as r (project_id, key, calls)
             select $1, w.key, 1 from unnest($2) w (key) order by w.key
             on conflict (project_id, key) do update set calls = r.calls + 1
             returning r.key, r.calls
         ), wanted as materialized (
             select n.key, n.calls as call, n.calls - ($3)[array_position($2, n.key)] as before,
                    max(clock_timestamp()) over () as at
             from numbered n
         ), taken as (
             insert into awooop.mcp_rate_hit (project_id, key, call, at) select $1, w.key, w.call, w.at from wanted w
         )
         select w.key, w.call, w.at,
                (select h.at from awooop.mcp_rate_hit h where h.project_id = $1 and h.key = w.key and h.call = w.before)
         from wanted w";
    // A statement of its own: its snapshot has what whoever held the rows before has committed.
    LATE: reading [TEXTOID, TEXTOID, INT8OID] =
        "select at from awooop.mcp_rate_hit where project_id = $1 and key = $2 and call = $3";
    WAIT: reading [TEXTOID, TEXTOID, INT8OID, INT8OID] =
        "select ceil(extract(epoch from h.at - now.at) + $4)::int8
         from (select clock_timestamp() as at) now,
              (select q.calls + 1 - $3 as call from awooop.mcp_rate q where q.project_id = $1 and q.key = $2 offset 0) n
              join awooop.mcp_rate_hit h on h.project_id = $1 and h.key = $2 and h.call = n.call
         where h.at > now.at - $4 * interval '1 second'";
    FORGET: writing [TEXTOID, TEXTOID, INT8OID] =
        "delete from awooop.mcp_rate_hit where project_id = $1 and key = $2 and call < $3";
}

/// A call's number among those that a rate counts, when it was counted, and when the one was that has to be out of the window:
/// microseconds.
struct Counted {
    key: String,
    call: i64,
    at: i64,
    before: Option<i64>,
}

/// Counts a call for every one of them. Returns the first that has no room for it, with the seconds until it has; then the
/// caller must undo this.
fn take<'a>(project_id: &str, rates: &'a [RateFacts]) -> Outcome<Option<(&'a RateFacts, u64)>> {
    if rates.is_empty() {
        return Ok(None);
    }
    let keys: Vec<String> = rates.iter().map(|rate| rate.key.clone()).collect();
    let counts: Vec<i64> = rates.iter().map(|rate| number(rate.count)).collect();
    let counted = TAKE.with(|s| {
        s.rows(&[project_id.into(), keys.into(), counts.into()], |row| {
            Ok(Counted {
                key: column(row, 1)?,
                call: column(row, 2)?,
                at: time(row, 3)?.unwrap_or_default(),
                before: time(row, 4)?,
            })
        })
    })?;
    let mut full = None;
    for (rate, counted) in rates.iter().filter_map(|rate| Some((rate, counted.iter().find(|c| c.key == rate.key)?))) {
        let before = counted.call - number(rate.count);
        if before < 1 {
            continue;
        }
        let at = match counted.before {
            Some(at) => Some(at),
            None => LATE
                .with(|s| s.row(&[project_id.into(), rate.key.as_str().into(), before.into()], |row| time(row, 1)))?
                .flatten(),
        };
        let wait = at.map_or(0, |at| at + number(rate.window_seconds).saturating_mul(MICROSECONDS) - counted.at);
        if wait > 0 && full.is_none() {
            full = Some((rate, wait.unsigned_abs().div_ceil(MICROSECONDS.unsigned_abs())));
        }
        if counted.call % FORGETS_EVERY == 0 {
            FORGET.with(|s| s.run(&[project_id.into(), rate.key.as_str().into(), before.into()]))?;
        }
    }
    Ok(full)
}

fn time(row: &SpiTupleTable, ordinal: usize) -> Result<Option<i64>, pgrx::spi::Error> {
    Ok(row.get::<TimestampWithTimeZone>(ordinal)?.map(Into::into))
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The seconds until one of the rate's has room again, where it has none.
pub(super) fn wait(project_id: &str, rate: &RateFacts) -> Outcome<Option<u64>> {
    let parameters =
        [project_id.into(), rate.key.as_str().into(), number(rate.count).into(), number(rate.window_seconds).into()];
    Ok(WAIT.with(|s| s.row(&parameters, |row| column::<i64>(row, 1)))?.map(|seconds| seconds.unsigned_abs().max(1)))
}

/// Counts a call for every one of the rates, and refuses it where one has no room for it; then the caller must undo this.
pub(super) fn take_all(project_id: &str, rates: &[RateFacts]) -> Outcome<()> {
    match take(project_id, rates)? {
        None => Ok(()),
        Some((rate, seconds)) => refuse(
            Problem::from(ErrorCode::GateRate)
                .with("gate", 4)
                .with("reason", rate.reason)
                .with("rate", rate.what)
                .with("count", rate.count)
                .with("window_seconds", rate.window_seconds)
                .with("retry_after_seconds", seconds),
        ),
    }
}

/// Counts something for every one of the rates; false where one has no room for it, and then the caller must undo this.
pub(crate) fn has_room(project_id: &str, rates: &[RateFacts]) -> Outcome<bool> {
    Ok(take(project_id, rates)?.is_none())
}

/// Counts something that happened, whether there is room for it or not.
pub(super) fn count(project_id: &str, rate: &RateFacts) -> Outcome<()> {
    take(project_id, std::slice::from_ref(rate)).map(drop)
}
