//! Runs that are there for one call: made with it, held by whoever makes it, and claimed by nobody.

use awooop_contracts::digest;
use awooop_policy::credential::LeaseSecret;
use awooop_policy::envelope::Envelope;
use awooop_policy::error::ErrorCode;
use awooop_policy::journal::Phase;
use awooop_policy::run_fsm::RunState;
use serde_json::Value;
use uuid::Uuid;

use super::create::created_ms;
use super::journal::{self, Step};
use super::lease::{self, Locked};
use crate::budget;
use crate::caller::Caller;
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, statements};

/// Who holds a run that was made for a call, as its lease names a worker.
const WORKER: &str = "mcp";

statements! {
    OPEN: writing [TEXTOID, UUIDOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
                   BYTEAOID, INT4OID, TEXTOID, UUIDOID, UUIDOID, INT4OID, UUIDOID, BYTEAOID, TEXTOID] =
        "with created as (
             insert into awooop.run_state (project_id, run_id, agent_id, platform_subject_id, channel_type, channel_user_id,
                    mode, state, envelope, trace_id, input, tags, request_digest, priority, attempts, max_attempts, epoch,
                    created_by, created_at, updated_at, available_at, deadline_at, agent_revision_id, policy_revision_id,
                    lease_seconds, call_id)
             select $1, $2, $4, $5, $6, $7, $8, 'running', $9::jsonb, $10, $11::jsonb, '{}', $12, 5, 1, 1, 1,
                    $14, t.at, t.at, t.at, t.at + $13 * interval '1 second', $15, $16, $17, $18
             from (select to_timestamp($3 / 1000.0) as at) t
         )
         insert into awooop.run_lease (project_id, run_id, epoch, digest, worker_id, principal_id, granted_at, expires_at,
                lease_seconds)
         select $1, $2, 1, $19, $20, $14, t.at, t.at + $17 * interval '1 second', $17
         from (select clock_timestamp() as at) t";
    REOPEN: writing [TEXTOID, UUIDOID, BYTEAOID, TEXTOID, INT4OID] =
        "with opened as (
             update awooop.run_state s
             set state = 'running', epoch = s.epoch + 1, updated_at = clock_timestamp(),
                 attempts = case when s.state = 'pending' then s.attempts + 1 else s.attempts end
             where s.project_id = $1 and s.run_id = $2 and s.call_id is not null and s.state in ('pending', 'running')
               and s.deadline_at >= clock_timestamp() + $5 * interval '1 second'
             returning s.epoch
         )
         update awooop.run_lease l
         set epoch = o.epoch, digest = $3, principal_id = $4, granted_at = t.at, closed_at = null,
             expires_at = t.at + $5 * interval '1 second', lease_seconds = $5
         from opened o, (select clock_timestamp() as at) t
         where l.project_id = $1 and l.run_id = $2
         returning l.epoch";
    // As `END` of a worker's run, without what such a run has not: nobody waits for it in the queue, and nobody asks about it.
    END: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID] =
        "with ended as (
             update awooop.run_state s
             set state = $3, result = $4::jsonb, error = $5::jsonb, finished_at = t.at, updated_at = t.at,
                 retain_until = t.at + coalesce(s.retention_days, p.retention_days) * interval '1 day'
             from awooop.projects p, (select clock_timestamp() as at) t
             where s.project_id = $1 and s.run_id = $2 and p.project_id = $1
         )
         update awooop.run_lease set closed_at = clock_timestamp()
         where project_id = $1 and run_id = $2 and closed_at is null
         returning not exists (select from awooop.budget_escrow e
                               where e.project_id = $1 and e.escrow_id = $2 and e.closed_at is null)";
    // As long as the run has: whoever asked something back is a person.
    KEEP: writing [TEXTOID, UUIDOID] =
        "update awooop.run_lease l set expires_at = s.deadline_at
         from awooop.run_state s
         where l.project_id = $1 and l.run_id = $2 and s.project_id = $1 and s.run_id = $2";
}

/// A run that is to be made for a call.
pub(crate) struct ForCall<'a> {
    pub(crate) run_id: Uuid,
    pub(crate) call_id: Uuid,
    pub(crate) envelope: &'a Envelope,
    pub(crate) input: &'a Value,
    pub(crate) agent_revision_id: Option<Uuid>,
    pub(crate) policy_revision_id: Option<Uuid>,
    pub(crate) lease_seconds: i32,
    pub(crate) deadline_seconds: i32,
}

/// Makes the run, and holds it; the lease.
pub(crate) fn open_for_call(caller: &Caller, run: &ForCall) -> Outcome<String> {
    let (secret, envelope) = (LeaseSecret::new()?, run.envelope);
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(run.run_id).into(),
        created_ms(run.run_id).into(),
        envelope.agent_id.as_str().into(),
        envelope.platform_subject_id.as_str().into(),
        envelope.channel_type.as_str().into(),
        envelope.channel_user_id.as_str().into(),
        caller.project.mode.as_str().into(),
        envelope.to_json()?.into(),
        envelope.trace_id.as_str().into(),
        run.input.to_string().into(),
        digest(run.input)?.as_slice().into(),
        run.deadline_seconds.into(),
        caller.principal_id.as_str().into(),
        run.agent_revision_id.map(pg_uuid).into(),
        run.policy_revision_id.map(pg_uuid).into(),
        run.lease_seconds.into(),
        pg_uuid(run.call_id).into(),
        secret.digest().as_bytes().as_slice().into(),
        WORKER.into(),
    ];
    OPEN.with(|s| s.run(&parameters))?;
    Ok(secret.into_lease(&caller.project_id, run.run_id, 1))
}

/// Holds a run again that was made for a call, which people have approved, or which has been answered; the new lease. The run is
/// locked.
pub(crate) fn reopen_for_call(caller: &Caller, run_id: Uuid, lease_seconds: i32) -> Outcome<Option<String>> {
    let secret = LeaseSecret::new()?;
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(run_id).into(),
        secret.digest().as_bytes().as_slice().into(),
        caller.principal_id.as_str().into(),
        lease_seconds.into(),
    ];
    let epoch = REOPEN.with(|s| s.row(&parameters, |row| column::<i32>(row, 1)))?;
    Ok(epoch.map(|epoch| secret.into_lease(&caller.project_id, run_id, epoch)))
}

/// Keeps the lease of such a run until the run's deadline.
pub(crate) fn keep_for_call(caller: &Caller, run_id: Uuid) -> Outcome<()> {
    KEEP.with(|s| s.run(&[caller.project_id.as_str().into(), pg_uuid(run_id).into()])).map(drop)
}

/// Locks the run for whoever holds it and may go on.
pub(crate) fn hold_for_call(caller: &Caller, run_id: Uuid, lease: &str) -> Outcome<Locked> {
    let locked = lease::lock(caller, run_id, lease)?;
    lease::ensure_holds(caller, run_id, &locked)?;
    Ok(locked)
}

/// Ends a run that was made for a call, with the call.
pub(crate) fn end_with_call(
    caller: &Caller,
    run_id: Uuid,
    is_success: bool,
    result: Option<String>,
    error: Option<String>,
) -> Outcome<()> {
    let state = if is_success { RunState::Completed } else { RunState::Failed };
    let parameters =
        [caller.project_id.as_str().into(), pg_uuid(run_id).into(), state.as_str().into(), result.into(), error.into()];
    let holds_nothing = END.with(|s| s.row(&parameters, |row| column::<bool>(row, 1)))?;
    // Its caller may have charged it.
    if holds_nothing == Some(true) { Ok(()) } else { budget::close_run(caller, run_id) }
}

/// Ends a run that may record no more steps, as `record_step` would.
pub(crate) fn ensure_room_for_step(caller: &Caller, run_id: Uuid, held: &Locked) -> Outcome<()> {
    journal::ensure_room(caller, run_id, held)
}

/// Puts the beginning or the end of a call into the journal of the run that it is made in.
pub(crate) fn record_call(
    caller: &Caller,
    run_id: Uuid,
    held: &Locked,
    (step_key, phase): (&str, Phase),
    request: &Value,
    result: &Value,
) -> Outcome<()> {
    if step_key.is_empty() {
        return fault(ErrorCode::SystemInternal);
    }
    let request_digest = digest(request)?;
    let step = Step {
        step_key,
        phase,
        kind: "tool",
        request,
        request_digest: &request_digest,
        result,
        is_owed: phase == Phase::Completed,
    };
    journal::append(caller, run_id, held, &step).map(drop)
}
