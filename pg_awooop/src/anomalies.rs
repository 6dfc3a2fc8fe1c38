//! Counting what should be rare: in sliding windows that the policy names, with what happens past a threshold.
//!
//! A window is kept in sixty buckets, so a count may hold what is up to a sixtieth of the window too old. While a project moves here
//! from the legacy path, a counter that has nothing of its own yet is read from the legacy one of the same owner.

use awooop_contracts::model::policy::{Anomaly, AnomalyAction};
use awooop_contracts::{Contract, Kind};
use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::caller::Caller;
use crate::contracts::active;
use crate::door::{Answer, page_after};
use crate::fault::{Outcome, fault, or_raise};
use crate::statement::{column, pg_uuid, rfc3339, statements};
use crate::{agents, audit, channels, projects, sessions, turn};

/// Buckets of a window.
const BUCKETS: i64 = 60;

statements! {
    COUNT: writing [TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID] =
        "insert into awooop.anomaly_counter as c (project_id, counter, target, is_legacy, bucket_at, count, expires_at)
         select $1, $2, $3, false, b.at, $4, b.at + ($5 + $6) * interval '1 microsecond'
         from (select date_bin($6 * interval '1 microsecond', clock_timestamp(), timestamptz '2000-01-01 00:00:00+00') as at) b
         on conflict (project_id, counter, target, is_legacy, bucket_at) do update set count = c.count + excluded.count";
    // A statement of its own: its snapshot has what was counted meanwhile.
    SUM: writing [TEXTOID, TEXTOID, TEXTOID, BOOLOID, INT8OID] =
        "select coalesce(sum(count) filter (where bucket_at > clock_timestamp() - $5 * interval '1 microsecond'), 0)::int8,
                count(*)
         from awooop.anomaly_counter where project_id = $1 and counter = $2 and target = $3 and is_legacy = $4";
    CROSS: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, TEXTOID] =
        "insert into awooop.anomaly_event
                (project_id, anomaly_id, counter, target, count, threshold, window_seconds, action, crossed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
         on conflict (project_id, counter, target) where ended_at is null do nothing";
    END: writing [TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.anomaly_event set ended_at = clock_timestamp()
         where project_id = $1 and counter = $2 and target = $3 and ended_at is null";
    LIST: reading [TEXTOID, TEXTOID, BOOLOID, UUIDOID, INT8OID] = concat!(
        "select json_build_object('anomaly_id', a.anomaly_id, 'counter', a.counter, 'target', a.target, 'count', a.count,
                    'threshold', a.threshold, 'window_seconds', a.window_seconds, 'action', a.action,
                    'crossed_at', ", rfc3339!("a.crossed_at"), ", 'ended_at', ", rfc3339!("a.ended_at"), ")::text,
                a.anomaly_id::text
         from awooop.anomaly_event a
         where a.project_id = $1 and ($2 is null or a.counter = $2) and (not $3 or a.ended_at is null)
           and ($4 is null or a.anomaly_id < $4)
         order by a.anomaly_id desc
         limit $5");
    EXPIRED: reading [] = "select e.project_id from awooop.projects_with_expired_counters() e";
    FORGET: writing [TEXTOID] =
        "delete from awooop.anomaly_counter where project_id = $1 and expires_at <= clock_timestamp()";
}

/// Operation `count_anomaly`.
pub(crate) fn count(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (counter, target) = (arguments.text("counter"), arguments.text("target"));
    let Some(terms) = terms(&caller.project_id, counter)? else { return fault(ErrorCode::AnomalyUnknown) };
    let counted = counted(caller, counter, target, &terms, arguments.integer("by"))?;
    let body = json!({
        "counter": counter, "target": target, "count": counted.count, "threshold": terms.threshold.get(),
        "window_seconds": terms.window_seconds.get(), "crossed": counted.crossed, "over": counted.over,
        "action": terms.action.as_str(), "source": if counted.is_legacy { "legacy" } else { "project" }
    });
    Ok(Answer::ok(body.to_string()))
}

/// Counts something that happened by itself, where the policy has a counter for it.
pub(crate) fn happened(caller: &Caller, counter: &str, target: &str) -> Outcome<()> {
    match terms(&caller.project_id, counter)? {
        Some(terms) => counted(caller, counter, target, &terms, 1).map(drop),
        None => Ok(()),
    }
}

/// What the policy says of a counter.
fn terms(project_id: &str, counter: &str) -> Outcome<Option<Anomaly>> {
    let policy = active::last_policy(project_id)?;
    let Some(Contract::Policy(policy)) = policy.as_deref().map(|loaded| &loaded.contract) else { return Ok(None) };
    let anomalies = policy.anomalies.iter().flat_map(|anomalies| anomalies.entries());
    Ok(anomalies.into_iter().find(|(name, _)| name.as_str() == counter).map(|(_, terms)| *terms))
}

struct Counted {
    count: i64,
    crossed: bool,
    over: bool,
    is_legacy: bool,
}

fn counted(caller: &Caller, counter: &str, target: &str, terms: &Anomaly, by: i64) -> Outcome<Counted> {
    let project_id = caller.project_id.as_str();
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let window = number(terms.window_seconds.get()).saturating_mul(1_000_000);
    if by > 0 {
        let bucket = (window / BUCKETS).max(1);
        COUNT.with(|s| {
            s.run(&[project_id.into(), counter.into(), target.into(), by.into(), window.into(), bucket.into()])
        })?;
    }
    let sum = |is_legacy: bool| {
        let key = [project_id.into(), counter.into(), target.into(), is_legacy.into(), window.into()];
        SUM.with(|s| s.row(&key, |row| Ok((column::<i64>(row, 1)?, column::<i64>(row, 2)?))))
    };
    let (mut count, buckets) = sum(false)?.unwrap_or_default();
    let is_legacy = buckets == 0 && reads_legacy(project_id)?;
    if is_legacy {
        count = sum(true)?.unwrap_or_default().0;
    }
    let over = count > number(terms.threshold.get());
    let mut crossed = false;
    if over {
        let anomaly_id = Uuid::now_v7();
        crossed = CROSS.with(|s| {
            s.run(&[
                project_id.into(),
                pg_uuid(anomaly_id).into(),
                counter.into(),
                target.into(),
                count.into(),
                number(terms.threshold.get()).into(),
                number(terms.window_seconds.get()).into(),
                terms.action.as_str().into(),
            ])
        })? > 0;
        if crossed {
            act(caller, counter, target, terms, count, anomaly_id)?;
        }
    } else {
        END.with(|s| s.run(&[project_id.into(), counter.into(), target.into()]))?;
    }
    Ok(Counted { count, crossed, over, is_legacy })
}

/// Whether the counters of the legacy path are this project's, and are still looked at.
fn reads_legacy(project_id: &str) -> Outcome<bool> {
    let project = active::vouched(project_id, Kind::Project, project_id)?;
    let wants = match project.as_deref().map(|loaded| &loaded.contract) {
        Some(Contract::Project(project)) => project.migration_aids.unwrap_or_default().legacy_counters(),
        _ => false,
    };
    Ok(wants && sessions::owns_legacy(project_id)?)
}

/// Does what the policy says, once for each time that the threshold is crossed.
fn act(caller: &Caller, counter: &str, target: &str, terms: &Anomaly, count: i64, anomaly_id: Uuid) -> Outcome<()> {
    let agent_id = agents::is_known(&caller.project_id, target)?.then_some(target);
    let entry = audit::Entry { agent_id, ..audit::Entry::default() };
    let entry = entry
        .with("anomaly_id", anomaly_id.to_string())
        .with("counter", counter)
        .with("count", count)
        .with("threshold", terms.threshold.get())
        .with("action", terms.action.as_str());
    audit::done(caller, "anomaly_crossed", entry)?;
    match (terms.action, agent_id) {
        (AnomalyAction::Record, _) => Ok(()),
        (AnomalyAction::Notify, _) => channels::notify_deciders(caller, counter, target, count),
        (AnomalyAction::SuspendAgent, Some(agent_id)) => agents::disable(caller, agent_id),
        // What it counts for is no agent: there is nobody to suspend, and somebody should know.
        (AnomalyAction::SuspendAgent, None) => channels::notify_deciders(caller, counter, target, count),
        (AnomalyAction::SuspendProject, _) => projects::suspend_by_policy(caller, counter),
    }
}

/// Operation `list_anomalies`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let limit = arguments.integer("page_size");
    let rows = LIST.with(|s| {
        s.rows(
            &[
                caller.project_id.as_str().into(),
                arguments.optional_text("counter").into(),
                arguments.boolean("open").into(),
                page_after(arguments)?.into(),
                (limit + 1).into(),
            ],
            |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?)),
        )
    })?;
    Ok(Answer::page(rows, limit))
}

/// Forgets buckets that are out of every window; how many.
pub(crate) fn forget_due() -> Outcome<i64> {
    let due = EXPIRED.with(|s| s.rows(&[], |row| column::<String>(row, 1)))?;
    let mut forgotten = 0;
    for project_id in due {
        let gone = turn::spared(&project_id, || FORGET.with(|s| s.run(&[project_id.as_str().into()])));
        forgotten += i64::try_from(gone.unwrap_or_default()).unwrap_or_default();
    }
    Ok(forgotten)
}

/// Projects that have buckets out of every window. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn projects_with_expired_counters() -> TableIterator<'static, (name!(project_id, String),)> {
    statements! {
        FIND: reading [] =
            "select distinct project_id from awooop.anomaly_counter where expires_at <= clock_timestamp()";
    }
    let due = or_raise(FIND.with(|s| s.rows(&[], |row| column::<String>(row, 1))));
    TableIterator::new(due.into_iter().map(|project_id| (project_id,)))
}
