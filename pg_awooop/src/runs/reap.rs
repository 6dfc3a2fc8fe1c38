//! The reaper: expired leases and passed deadlines, project by project.

use awooop_contracts::model::run::Cause;
use awooop_policy::error::ErrorCode;
use awooop_policy::run_fsm::{RunState, after_time_ran_out};
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::end::{can_end, end, requeue};
use super::retry;
use crate::approvals;
use crate::audit;
use crate::caller::{self, Caller, Login};
use crate::fault::{Outcome, Stop, fault, or_raise};
use crate::statement::{Statement, column, optional_uuid_column, pg_uuid, statements, uuid_column};
use crate::tenant;
use crate::turn;

statements! {
    DUE: reading [INT4OID] = "select d.project_id, d.run_id from awooop.due_runs($1) d";
    UNQUEUE: writing [TEXTOID, UUIDOID] = "delete from awooop.run_ready where project_id = $1 and run_id = $2";
    // SKIP LOCKED: a run that somebody is just changing is not stale. Judged again under lock.
    LOCK: writing [TEXTOID, UUIDOID] =
        "select s.state, s.attempts, s.max_attempts, s.agent_id, s.platform_subject_id, s.trace_id,
                s.deadline_at <= clock_timestamp(), s.run_revision_id
         from awooop.run_state s
         where s.project_id = $1 and s.run_id = $2 and s.finished_at is null
         for no key update skip locked";
    // Whoever holds the queue's or the lease's row is at work on the run, or a tenant that wants to stall the reaper: it
    // never waits. NULL where there is no such row.
    TAKE_QUEUED: writing [TEXTOID, UUIDOID] =
        "select exists (select from awooop.run_ready where project_id = $1 and run_id = $2)
                = exists (select from (select from awooop.run_ready where project_id = $1 and run_id = $2
                                       for update skip locked) q)";
    TAKE_LEASE: writing [TEXTOID, UUIDOID] =
        "select exists (select from awooop.run_lease where project_id = $1 and run_id = $2)
                = exists (select from (select from awooop.run_lease where project_id = $1 and run_id = $2
                                       for update skip locked) l)";
    // The lease's row decides between the reaper and a heartbeat: whoever gets it first.
    CLOSE_EXPIRED: writing [TEXTOID, UUIDOID] =
        "update awooop.run_lease set closed_at = clock_timestamp()
         where project_id = $1 and run_id = $2 and closed_at is null and expires_at <= clock_timestamp()
         returning worker_id";
}

/// What a round of the reaper did.
#[derive(Default)]
pub(crate) struct Reaped {
    pub(crate) requeued: i64,
    pub(crate) timed_out: i64,
}

/// Hands back runs whose lease expired (to `pending`, or `timed_out` after the last attempt) and ends runs whose
/// deadline passed. In a tenant context, that project's; else, for the platform's own roles, every project's.
/// Returns `{"requeued": n, "timed_out": n}`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn reap_stale_runs() -> pgrx::JsonB {
    let reaped = or_raise(reap());
    pgrx::JsonB(json!({"requeued": reaped.requeued, "timed_out": reaped.timed_out}))
}

fn reap() -> Outcome<Reaped> {
    turn::forget_stalled();
    if let Some(project_id) = tenant::current() {
        caller::of_session("")?;
        return reap_due(Some(&project_id));
    }
    let login = Login::of_session();
    if login.is_operator() || login.is_member_of(c"awooop_worker") || login.is_member_of(c"awooop_scheduler") {
        reap_due(None)
    } else {
        fault(ErrorCode::TenantNoContext)
    }
}

/// One round over what is due, in one project or in all.
pub(crate) fn reap_due(only: Option<&str>) -> Outcome<Reaped> {
    let mut reaped = Reaped::default();
    turn::each_due(&DUE, |project_id, run_id| {
        if only.is_some_and(|only| only != project_id) {
            return Ok(false);
        }
        let became = reap_one(project_id, run_id)?;
        match became {
            Some(RunState::Pending) => reaped.requeued += 1,
            Some(_) => reaped.timed_out += 1,
            None => {}
        }
        Ok(became.is_some())
    })?;
    Ok(reaped)
}

fn reap_one(project_id: &str, run_id: Uuid) -> Outcome<Option<RunState>> {
    struct Stale {
        state: Option<RunState>,
        attempts: i32,
        max_attempts: i32,
        agent_id: String,
        platform_subject_id: String,
        trace_id: String,
        overdue: bool,
        run_revision_id: Option<Uuid>,
    }
    let key = [project_id.into(), pg_uuid(run_id).into()];
    let take = |statement: &'static std::thread::LocalKey<Statement>| {
        Ok::<bool, Stop>(statement.with(|s| s.row(&key, |row| column::<bool>(row, 1)))?.unwrap_or_default())
    };
    if !take(&TAKE_QUEUED)? {
        return Ok(None);
    }
    let found = LOCK.with(|s| {
        s.row(&key, |row| {
            Ok(Stale {
                state: RunState::parse(&column::<String>(row, 1)?),
                attempts: column(row, 2)?,
                max_attempts: column(row, 3)?,
                agent_id: column(row, 4)?,
                platform_subject_id: column(row, 5)?,
                trace_id: column(row, 6)?,
                overdue: column(row, 7)?,
                run_revision_id: optional_uuid_column(row, 8)?,
            })
        })
    })?;
    let Some(stale) = found else { return Ok(None) };
    if !take(&TAKE_LEASE)? || !can_end(project_id, run_id)? {
        return Ok(None);
    }
    if stale.state == Some(RunState::WaitingApproval) && approvals::expire_of_run(project_id, run_id)? {
        return Ok(Some(RunState::TimedOut));
    }
    let lapsed = CLOSE_EXPIRED.with(|s| s.row(&key, |row| column::<String>(row, 1)))?;
    let leased = stale.state.is_some_and(RunState::is_leased);
    let expired = leased && lapsed.is_some();
    if !(stale.overdue || expired) {
        return Ok(None);
    }
    let platform = Caller::platform(project_id, "platform:reaper");
    // A contract that cannot be verified just now keeps no run from being tried again.
    let retry_on =
        retry::of(&platform, stale.run_revision_id).map_or_else(|_| Cause::ALL.to_vec(), |(_, causes)| causes);
    let is_last = stale.overdue || !retry_on.contains(&Cause::LeaseExpired);
    let to = after_time_ran_out(stale.attempts, stale.max_attempts, is_last);
    let cause = if stale.overdue { "deadline_passed" } else { "lease_expired" };
    let error = Some(json!({"code": cause, "message": null, "attempt": stale.attempts}).to_string());
    if to == RunState::Pending {
        requeue(&platform, run_id, error, 0)?;
    } else {
        UNQUEUE.with(|s| s.run(&key))?;
        end(&platform, run_id, to, None, error)?;
    }
    let entry = audit::Entry {
        trace_id: Some(&stale.trace_id),
        agent_id: Some(&stale.agent_id),
        platform_subject_id: Some(&stale.platform_subject_id),
        run_id: Some(run_id),
        ..audit::Entry::default()
    };
    let action = if to == RunState::Pending { "run_requeued" } else { "run_timed_out" };
    let entry = entry.with("cause", cause).with("attempt", stale.attempts).with("worker_id", lapsed);
    audit::done(&platform, action, entry)?;
    Ok(Some(to))
}

/// What the reaper should look at, in all projects, oldest first. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn due_runs(at_most: i32) -> TableIterator<'static, (name!(project_id, String), name!(run_id, pgrx::Uuid))> {
    statements! {
        FIND: reading [INT4OID] =
            "(select l.project_id, l.run_id from awooop.run_lease l
              where l.closed_at is null and l.expires_at <= clock_timestamp() order by l.expires_at limit $1)
             union
             (select s.project_id, s.run_id from awooop.run_state s
              where s.finished_at is null and s.deadline_at <= clock_timestamp() order by s.deadline_at limit $1)";
    }
    let due =
        or_raise(FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, uuid_column(row, 2)?)))));
    TableIterator::new(due.into_iter().map(|(project_id, run_id)| (project_id, pg_uuid(run_id))))
}
