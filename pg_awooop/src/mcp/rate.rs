//! How often: at most so many in any window of so many seconds, to the call.
//!
//! What a rate counts for has a row with the number of calls so far, and a row for each of the latest ones with its time. The
//! call after the n-th is let through if the one `count` before it is out of the window: one look-up, whatever the count. The
//! first row is locked from there to the commit, so calls get their numbers in the order of their times, and a window never has
//! one too many.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::gates::RateFacts;

use crate::fault::{Outcome, refuse};
use crate::statement::{column, statements};

/// How many calls are counted between two times that old ones are forgotten.
const FORGETS_EVERY: i64 = 64;

statements! {
    // In the order of the keys, so that two calls never wait for each other in a ring.
    NEXT: writing [TEXTOID, TEXTARRAYOID] =
        "insert into awooop.mcp_rate as r (project_id, key, calls)
         select $1, w.key, 1 from unnest($2) w (key) order by w.key
         on conflict (project_id, key) do update set calls = r.calls + 1
         returning r.key, r.calls";
    // A statement of its own: its snapshot has what whoever held the rows before has committed. `before` is given, not computed:
    // under row-level security only what is known already finds a row by its key.
    TAKE: writing [TEXTOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID] =
        "with wanted as materialized (
             select w.key, w.call, w.before, w.seconds, t.at
             from unnest($2, $3, $4, $5) w (key, call, before, seconds), (select clock_timestamp() as at) t
         ), taken as (
             insert into awooop.mcp_rate_hit (project_id, key, call, at)
             select $1, w.key, w.call, w.at from wanted w
         )
         select f.key, f.wait
         from (select w.key, (select ceil(extract(epoch from h.at - w.at) + w.seconds)::int8 from awooop.mcp_rate_hit h
                              where h.project_id = $1 and h.key = w.key and h.call = w.before
                                and h.at > w.at - w.seconds * interval '1 second') as wait
               from wanted w) f
         where f.wait is not null";
    WAIT: reading [TEXTOID, TEXTOID, INT8OID, INT8OID] =
        "select ceil(extract(epoch from h.at - now.at) + $4)::int8
         from (select clock_timestamp() as at) now,
              (select q.calls + 1 - $3 as call from awooop.mcp_rate q where q.project_id = $1 and q.key = $2 offset 0) n
              join awooop.mcp_rate_hit h on h.project_id = $1 and h.key = $2 and h.call = n.call
         where h.at > now.at - $4 * interval '1 second'";
    FORGET: writing [TEXTOID, TEXTOID, INT8OID] =
        "delete from awooop.mcp_rate_hit where project_id = $1 and key = $2 and call < $3";
}

/// Counts a call for every one of them. Returns the first that has no room for it, with the seconds until it has; then the
/// caller must undo this.
fn take<'a>(project_id: &str, rates: &'a [RateFacts]) -> Outcome<Option<(&'a RateFacts, u64)>> {
    if rates.is_empty() {
        return Ok(None);
    }
    let keys: Vec<String> = rates.iter().map(|rate| rate.key.clone()).collect();
    let numbered = NEXT.with(|s| {
        s.rows(&[project_id.into(), keys.into()], |row| Ok((column::<String>(row, 1)?, column::<i64>(row, 2)?)))
    })?;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (mut keys, mut calls, mut before, mut windows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for rate in rates {
        let Some((_, call)) = numbered.iter().find(|(key, _)| *key == rate.key) else { continue };
        keys.push(rate.key.clone());
        calls.push(*call);
        before.push(call - number(rate.count));
        windows.push(number(rate.window_seconds));
    }
    let parameters = [project_id.into(), keys.into(), calls.into(), before.into(), windows.into()];
    let full = TAKE.with(|s| s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<i64>(row, 2)?))))?;
    for (rate, call) in
        rates.iter().filter_map(|rate| Some((rate, numbered.iter().find(|(key, _)| *key == rate.key)?.1)))
    {
        if call % FORGETS_EVERY == 0 && call > number(rate.count) {
            let oldest = call - number(rate.count);
            FORGET.with(|s| s.run(&[project_id.into(), rate.key.as_str().into(), oldest.into()]))?;
        }
    }
    Ok(full.into_iter().find_map(|(key, seconds)| {
        rates.iter().find(|rate| rate.key == key).map(|rate| (rate, seconds.unsigned_abs().max(1)))
    }))
}

/// The seconds until one of the rate's has room again, where it has none.
pub(super) fn wait(project_id: &str, rate: &RateFacts) -> Outcome<Option<u64>> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
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

/// Counts something that happened, whether there is room for it or not.
pub(super) fn count(project_id: &str, rate: &RateFacts) -> Outcome<()> {
    take(project_id, std::slice::from_ref(rate)).map(drop)
}
