//! What calls themselves change: how full each rate is, what the run has called, who has been seen. Read by one statement, of which
//! there is one for calls in runs and one for others.

use awooop_policy::gates::{RateFacts, RunFacts};
use awooop_policy::mode::MigrationMode;
use pgrx::spi::SpiTupleTable;

use super::snapshot::Wanted;
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, statements};
use awooop_policy::error::ErrorCode;

/// The seconds until there is room for one more of each key, 0 where there is. Under row-level security only what is computed
/// already finds a row by its key, hence `offset 0`.
macro_rules! waits {
    () => {
        "(select array_agg(coalesce((
              select (select ceil(extract(epoch from h.at - now.at) + w.seconds)::int8
                      from awooop.mcp_rate_hit h
                      where h.project_id = $1 and h.key = n.key and h.call = n.call
                        and h.at > now.at - w.seconds * interval '1 second')
              from (select q.key, q.calls + 1 - w.count as call from awooop.mcp_rate q
                    where q.project_id = $1 and q.key = w.key offset 0) n), 0) order by w.n)
          from unnest($2, $3, $4) with ordinality w (key, count, seconds, n))"
    };
}

statements! {
    OUTSIDE: reading_alike [TEXTOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TEXTOID, TEXTOID] = concat!(
        "select ", waits!(), ",
                exists (select from awooop.platform_subjects u
                        where u.project_id = $1 and u.channel_type = $5 and u.channel_user_id = $6)
         from (select clock_timestamp() as at) now");
    // What an attempt before has left open is nobody's any more.
    IN_RUN: reading_alike [TEXTOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TEXTOID, UUIDOID, UUIDOID] = concat!(
        "select ", waits!(), ", r.mode, c.calls, c.of_tool, c.under_way
         from (select clock_timestamp() as at) now
         left join awooop.run_state r on r.project_id = $1 and r.run_id = $6
         left join awooop.run_lease l on l.project_id = $1 and l.run_id = $6
         left join lateral (
             select coalesce(sum(k.sends), 0)::int8 as calls,
                    coalesce(sum(k.sends) filter (where k.tool = $5), 0)::int8 as of_tool,
                    count(*) filter (where k.finished_at is null and k.told_at >= l.granted_at
                                       and k.call_id is distinct from $7) as under_way
             from awooop.mcp_call k where k.project_id = $1 and k.run_id = $6 and k.begun_at is not null
         ) c on true");
}

pub(super) struct Volatile {
    /// The run that the call is made in.
    pub(super) run: Option<RunFacts>,
    /// Whether the platform has seen who the call is for.
    pub(super) subject_is_known: bool,
}

/// Reads it, and says of each rate when there is room.
pub(super) fn read(
    project_id: &str,
    wanted: &Wanted,
    rates: &mut [RateFacts],
    refusals: &mut RateFacts,
) -> Outcome<Volatile> {
    let counted = || rates.iter().chain(std::iter::once(&*refusals));
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let keys: Vec<String> = counted().map(|rate| rate.key.clone()).collect();
    let counts: Vec<i64> = counted().map(|rate| number(rate.count)).collect();
    let windows: Vec<i64> = counted().map(|rate| number(rate.window_seconds)).collect();
    let mut parameters = vec![project_id.into(), keys.into(), counts.into(), windows.into()];
    let found = match wanted.run_id {
        None => {
            parameters.extend([wanted.channel_type.into(), wanted.channel_user_id.into()]);
            OUTSIDE.with(|s| {
                s.row(&parameters, |row| {
                    Ok((Volatile { run: None, subject_is_known: column(row, 2)? }, column::<Vec<i64>>(row, 1)?))
                })
            })
        }
        Some(run_id) => {
            let call_id = wanted.call_id.map(pg_uuid);
            parameters.extend([wanted.tool.into(), pg_uuid(run_id).into(), call_id.into()]);
            IN_RUN.with(|s| {
                s.row(&parameters, |row| {
                    Ok((Volatile { run: run_facts(row)?, subject_is_known: true }, column::<Vec<i64>>(row, 1)?))
                })
            })
        }
    }?;
    let Some((volatile, waits)) = found else { return fault(ErrorCode::SystemInternal) };
    let wait = |n: usize| waits.get(n).filter(|seconds| **seconds > 0).map(|seconds| seconds.unsigned_abs());
    refusals.retry_after_seconds = wait(rates.len());
    for (n, rate) in rates.iter_mut().enumerate() {
        rate.retry_after_seconds = wait(n);
    }
    Ok(volatile)
}

/// What has been called in the run, if there is one.
fn run_facts(row: &SpiTupleTable) -> Result<Option<RunFacts>, pgrx::spi::Error> {
    let count = |n| Ok::<u64, pgrx::spi::Error>(column::<i64>(row, n)?.unsigned_abs());
    Ok(match row.get::<String>(2)? {
        None => None,
        Some(mode) => Some(RunFacts {
            mode: MigrationMode::parse(&mode).unwrap_or(MigrationMode::Shadow),
            calls: count(3)?,
            calls_of_tool: count(4)?,
            under_way: count(5)?,
        }),
    })
}
