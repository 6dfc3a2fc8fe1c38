//! What calls themselves change, read by one statement: how full each rate is, what the run has called, who has been seen.

use awooop_policy::gates::{RateFacts, RunFacts};
use awooop_policy::mode::MigrationMode;

use super::snapshot::Wanted;
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, statements};
use awooop_policy::error::ErrorCode;

statements! {
    // What an attempt before has left open is nobody's any more. The seconds until there is room for one more of each key, 0 where there is. Under row-level security only what is computed
    // already finds a row by its key, hence `offset 0`.
    VOLATILE: reading_alike [TEXTOID, TEXTOID, UUIDOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TEXTOID, TEXTOID,
                              UUIDOID] =
        "select r.mode, c.calls, c.of_tool, c.under_way,
                (select array_agg(coalesce((
                     select (select ceil(extract(epoch from h.at - now.at) + w.seconds)::int8
                             from awooop.mcp_rate_hit h
                             where h.project_id = $1 and h.key = n.key and h.call = n.call
                               and h.at > now.at - w.seconds * interval '1 second')
                     from (select q.key, q.calls + 1 - w.count as call from awooop.mcp_rate q
                           where q.project_id = $1 and q.key = w.key offset 0) n), 0) order by w.n)
                 from unnest($4, $5, $6) with ordinality w (key, count, seconds, n)),
                exists (select from awooop.platform_subjects u
                        where u.project_id = $1 and u.channel_type = $7 and u.channel_user_id = $8)
         from (select clock_timestamp() as at) now
         left join awooop.run_state r on r.project_id = $1 and r.run_id = $3
         left join awooop.run_lease l on l.project_id = $1 and l.run_id = $3
         left join lateral (
             select coalesce(sum(k.sends), 0)::int8 as calls,
                    coalesce(sum(k.sends) filter (where k.tool = $2), 0)::int8 as of_tool,
                    count(*) filter (where k.finished_at is null and k.told_at >= l.granted_at
                                       and k.call_id is distinct from $9) as under_way
             from awooop.mcp_call k where k.project_id = $1 and k.run_id = $3 and k.begun_at is not null
         ) c on $3 is not null";
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
    let parameters = [
        project_id.into(),
        wanted.tool.into(),
        wanted.run_id.map(pg_uuid).into(),
        keys.into(),
        counts.into(),
        windows.into(),
        wanted.channel_type.into(),
        wanted.channel_user_id.into(),
        wanted.call_id.map(pg_uuid).into(),
    ];
    let found = VOLATILE.with(|s| {
        s.row(&parameters, |row| {
            let count = |n| Ok::<u64, pgrx::spi::Error>(column::<i64>(row, n)?.unsigned_abs());
            let run = match row.get::<String>(1)? {
                None => None,
                Some(mode) => Some(RunFacts {
                    mode: MigrationMode::parse(&mode).unwrap_or(MigrationMode::Shadow),
                    calls: count(2)?,
                    calls_of_tool: count(3)?,
                    under_way: count(4)?,
                }),
            };
            Ok((Volatile { run, subject_is_known: column(row, 6)? }, column::<Vec<i64>>(row, 5)?))
        })
    })?;
    let Some((volatile, waits)) = found else { return fault(ErrorCode::SystemInternal) };
    let wait = |n: usize| waits.get(n).filter(|seconds| **seconds > 0).map(|seconds| seconds.unsigned_abs());
    refusals.retry_after_seconds = wait(rates.len());
    for (n, rate) in rates.iter_mut().enumerate() {
        rate.retry_after_seconds = wait(n);
    }
    Ok(volatile)
}
