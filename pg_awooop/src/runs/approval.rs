//! What approvals need of runs: to wait, to go on, to end.

use awooop_policy::error::ErrorCode;
use awooop_policy::run_fsm::RunState;
use serde_json::json;
use uuid::Uuid;

use super::end::end;
use super::lease::{self, Locked};
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, fault, refuse};
use crate::statement::{column, pg_uuid, statements};

statements! {
    LOCK: writing [TEXTOID, UUIDOID] =
        "select true from awooop.run_state where project_id = $1 and run_id = $2 for no key update";
    TRY_LOCK: writing [TEXTOID, UUIDOID] =
        "select true from awooop.run_state where project_id = $1 and run_id = $2 for no key update skip locked";
    FINISHED: writing [TEXTOID, UUIDOID] =
        "select finished_at is not null from awooop.run_state where project_id = $1 and run_id = $2";
    // Waiting for people was no attempt: the one that asked goes on.
    RESUME: writing [TEXTOID, UUIDOID] =
        "with put_back as (
             update awooop.run_state s
             set state = 'pending', attempts = greatest(s.attempts - 1, 0), updated_at = t.at, available_at = t.at
             from (select clock_timestamp() as at) t
             where s.project_id = $1 and s.run_id = $2
             returning s.priority, s.available_at, s.deadline_at, s.has_endpoint, s.call_id
         )
         insert into awooop.run_ready (project_id, run_id, priority, available_at, deadline_at, has_endpoint)
         select $1, $2, p.priority, p.available_at, p.deadline_at, p.has_endpoint from put_back p
         -- With a run that is there for one call its caller goes on, and nobody else.
         where p.call_id is null
         returning run_id";
}

/// Locks the run.
pub(crate) fn lock(project_id: &str, run_id: Uuid) -> Outcome<()> {
    match LOCK.with(|s| s.run(&[project_id.into(), pg_uuid(run_id).into()]))? {
        0 => fault(ErrorCode::RunUnknown),
        _ => Ok(()),
    }
}

/// Locks the run, if nobody holds it.
pub(crate) fn try_lock(project_id: &str, run_id: Uuid) -> Outcome<bool> {
    Ok(TRY_LOCK.with(|s| s.run(&[project_id.into(), pg_uuid(run_id).into()]))? > 0)
}

/// Whether the run has ended.
pub(crate) fn has_finished(project_id: &str, run_id: Uuid) -> Outcome<bool> {
    let finished =
        FINISHED.with(|s| s.row(&[project_id.into(), pg_uuid(run_id).into()], |row| column::<bool>(row, 1)))?;
    Ok(finished.unwrap_or(true))
}

/// Locks the run and judges the lease: whether it is the latest, and whether it holds.
pub(crate) fn lock_with_lease(caller: &Caller, run_id: Uuid, lease: &str) -> Outcome<Locked> {
    let locked = lease::lock(caller, run_id, lease)?;
    if locked.latest { Ok(locked) } else { refuse(ErrorCode::RunLease) }
}

/// Refuses who does not hold the run.
pub(crate) fn ensure_lease(caller: &Caller, run_id: Uuid, lease: &str) -> Outcome<()> {
    lease::hold(caller, run_id, lease).map(drop)
}

/// Puts a run whose request was approved back to be claimed. It is locked.
pub(crate) fn resume(caller: &Caller, run_id: Uuid) -> Outcome<()> {
    RESUME.with(|s| s.run(&[caller.project_id.as_str().into(), pg_uuid(run_id).into()])).map(drop)
}

/// Ends the run of the entry, whose request was rejected. It is locked.
pub(crate) fn end_rejected(caller: &Caller, entry: audit::Entry, approval_id: Uuid) -> Outcome<()> {
    finish(caller, entry, approval_id, (RunState::Cancelled, "run_cancelled"), "approval_rejected")
}

/// Ends the run of the entry, whose request nobody has decided in time. It is locked.
pub(crate) fn end_undecided(caller: &Caller, entry: audit::Entry, approval_id: Uuid) -> Outcome<()> {
    finish(caller, entry, approval_id, (RunState::TimedOut, "run_timed_out"), "approval_expired")
}

fn finish(
    caller: &Caller,
    entry: audit::Entry,
    approval_id: Uuid,
    (state, action): (RunState, &str),
    code: &str,
) -> Outcome<()> {
    let Some(run_id) = entry.run_id else { return fault(ErrorCode::SystemInternal) };
    let error = json!({"code": code, "message": null, "approval_id": approval_id});
    end(caller, run_id, state, None, Some(error.to_string()))?;
    audit::done(caller, action, entry.with("cause", code))
}
