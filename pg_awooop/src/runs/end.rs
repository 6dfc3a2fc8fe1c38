//! Ending a run, or handing it back: complete, fail, cancel.

use awooop_policy::argument::Arguments;
use awooop_policy::backoff::retry_after_seconds;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::run_fsm::{RunState, after_failed_attempt};
use serde_json::json;
use uuid::Uuid;

use super::{lease, output, retry, run_json};
use crate::anomalies;
use crate::audit;
use crate::budget;
use crate::caller::Caller;
use crate::channels;
use crate::door::Answer;
use crate::fault::{Outcome, fault, whole};
use crate::redaction;
use crate::shadow;
use crate::statement::{column, pg_uuid, statements};

statements! {
    // A row leaves the queue before its run changes: the order in which a claim takes them.
    UNQUEUE: writing [TEXTOID, UUIDOID] =
        "delete from awooop.run_ready where project_id = $1 and run_id = $2";
    LOCK_STATE: writing [TEXTOID, UUIDOID] =
        "select state, agent_id, platform_subject_id, trace_id
         from awooop.run_state where project_id = $1 and run_id = $2 for no key update";
    // The queue's row, too, where the run went back into the queue after we looked there: a claim that holds it deletes
    // it itself, and waiting for that claim, which waits for our row, would be a deadlock.
    END: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID] = concat!(
        "with ended as (
             update awooop.run_state s
             set state = $3, result = $4::jsonb, error = $5::jsonb, finished_at = t.at, updated_at = t.at,
                 retain_until = t.at + coalesce(s.retention_days, p.retention_days) * interval '1 day'
             from awooop.projects p, (select clock_timestamp() as at) t
             where s.project_id = $1 and s.run_id = $2 and p.project_id = $1
             returning s.mode, ", run_json!(), " as body
         ), unqueued as (
             delete from awooop.run_ready q
             using (select run_id from awooop.run_ready where project_id = $1 and run_id = $2
                    for update skip locked) free
             where q.project_id = $1 and q.run_id = free.run_id
         ), closed as (
             update awooop.run_lease set closed_at = clock_timestamp()
             where project_id = $1 and run_id = $2 and closed_at is null
         ), unasked as (
             update awooop.approval_request
             set expired_at = case when expires_at <= clock_timestamp() then clock_timestamp() end,
                 cancelled_at = case when expires_at > clock_timestamp() then clock_timestamp() end
             where project_id = $1 and run_id = $2 and approved_at is null and rejected_at is null
               and expired_at is null and cancelled_at is null
             returning approval_id
         )
         select e.body, exists (select from awooop.channel_run c where c.project_id = $1 and c.run_id = $2),
                e.mode <> 'active', array(select u.approval_id::text from unasked u)
         from ended e");
    REQUEUE: writing [TEXTOID, UUIDOID, TEXTOID, INT4OID] = concat!(
        "with requeued as (
             update awooop.run_state s
             set state = 'pending', error = $3::jsonb, updated_at = t.at,
                 available_at = t.at + $4 * interval '1 second'
             from (select clock_timestamp() as at) t
             where s.project_id = $1 and s.run_id = $2
             returning s.priority, s.available_at, s.deadline_at, s.has_endpoint, ", run_json!(), " as body
         ), queued as (
             insert into awooop.run_ready (project_id, run_id, priority, available_at, deadline_at, has_endpoint)
             select $1, $2, r.priority, r.available_at, r.deadline_at, r.has_endpoint from requeued r
         ), closed as (
             update awooop.run_lease set closed_at = clock_timestamp()
             where project_id = $1 and run_id = $2 and closed_at is null
         )
         select r.body from requeued r");
}

/// A run that has just ended.
struct Ended {
    body: String,
    is_of_channel: bool,
    /// The legacy path answered beside it.
    is_beside_legacy: bool,
    /// Requests that nobody has to decide about any more.
    unasked: Vec<String>,
}

/// Puts the run into a final state; its lease closes with it, and what it held of budgets goes back.
pub(super) fn end(
    caller: &Caller,
    run_id: Uuid,
    state: RunState,
    result: Option<String>,
    error: Option<String>,
) -> Outcome<String> {
    let ended = END.with(|s| {
        s.row(
            &[
                caller.project_id.as_str().into(),
                pg_uuid(run_id).into(),
                state.as_str().into(),
                result.into(),
                error.into(),
            ],
            |row| {
                Ok(Ended {
                    body: column(row, 1)?,
                    is_of_channel: column(row, 2)?,
                    is_beside_legacy: column(row, 3)?,
                    unasked: column(row, 4)?,
                })
            },
        )
    })?;
    budget::close_run(caller, run_id)?;
    let Some(ended) = ended else { return fault(ErrorCode::RunUnknown) };
    if ended.is_of_channel {
        whole(channels::of_ended_run(caller, run_id, state))?;
    }
    // After the run's own chat: two who end runs of the same chats must not wait for each other.
    for approval_id in &ended.unasked {
        let Ok(approval_id) = Uuid::try_parse(approval_id) else { return fault(ErrorCode::SystemInternal) };
        whole(channels::tell_of_approval(caller, approval_id))?;
    }
    if ended.is_beside_legacy {
        whole(shadow::of_ended_run(caller, run_id, state))?;
    }
    Ok(ended.body)
}

/// Whether a run can be ended now without waiting for anybody but who holds the run itself: whoever works for the platform waits
/// for no tenant.
pub(crate) fn can_end(project_id: &str, run_id: Uuid) -> Outcome<bool> {
    Ok(budget::can_close(project_id, run_id)? && channels::can_answer(project_id, run_id)?)
}

/// Puts the run back into the queue, to be claimed after `wait_seconds`; its lease closes, and what it held of budgets goes
/// back.
pub(super) fn requeue(caller: &Caller, run_id: Uuid, error: Option<String>, wait_seconds: i32) -> Outcome<String> {
    let body = REQUEUE.with(|s| {
        s.row(&[caller.project_id.as_str().into(), pg_uuid(run_id).into(), error.into(), wait_seconds.into()], |row| {
            column::<String>(row, 1)
        })
    })?;
    budget::park_run(caller, run_id)?;
    body.map_or_else(|| fault(ErrorCode::RunUnknown), Ok)
}

/// Operation `complete_run`.
pub(crate) fn complete(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let run_id = arguments.uuid("run_id");
    let locked = lease::lock(caller, run_id, arguments.text("lease"))?;
    // The answer to the first call was lost: the same worker asks again and gets the same run.
    if locked.latest && locked.state == RunState::Completed {
        return super::listing::show(caller, run_id);
    }
    lease::ensure_holds(caller, run_id, &locked)?;
    lease::ensure_for_workers(&locked)?;
    ensure_may(locked.state, RunState::Completed)?;
    let result = arguments.json("result");
    output::ensure_valid(caller, run_id, &locked, result)?;
    let result = (!result.is_null()).then(|| result.to_string());
    let body = end(caller, run_id, RunState::Completed, result, None)?;
    audit::done(caller, "run_completed", locked.entry(run_id))?;
    Ok(Answer::ok(body))
}

/// Operation `fail_run`.
pub(crate) fn fail(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let run_id = arguments.uuid("run_id");
    let locked = lease::hold(caller, run_id, arguments.text("lease"))?;
    let (retry, retry_on) = retry::of(caller, locked.run_revision_id)?;
    let retryable = arguments.boolean("retryable") && retry_on.contains(&retry::cause(arguments.text("error_code")));
    let to = after_failed_attempt(locked.attempts, locked.max_attempts, retryable);
    ensure_may(locked.state, to)?;
    let error = json!({
        "code": arguments.text("error_code"),
        "message": redaction::stored(arguments.optional_text("message")),
        "attempt": locked.attempts,
    });
    let error = Some(error.to_string());
    let body = if to == RunState::Pending {
        requeue(caller, run_id, error, retry_after_seconds(&retry, locked.attempts))?
    } else {
        end(caller, run_id, to, None, error)?
    };
    let action = if to == RunState::Pending { "run_attempt_failed" } else { "run_failed" };
    audit::done(caller, action, locked.entry(run_id).with("attempt", locked.attempts))?;
    if to == RunState::Failed {
        anomalies::happened(caller, "failed_runs", &locked.agent_id)?;
    }
    Ok(Answer::ok(body))
}

fn ensure_may(from: RunState, to: RunState) -> Outcome<()> {
    if from.may_become(to) { Ok(()) } else { fault(transition(from, to)) }
}

/// The problem of a transition that the state machine does not have.
pub(super) fn transition(from: RunState, to: RunState) -> Problem {
    Problem::from(ErrorCode::RunTransition).with("from", from.as_str()).with("to", to.as_str())
}

/// Operation `cancel_run`.
pub(crate) fn cancel(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let run_id = arguments.uuid("run_id");
    let key = [caller.project_id.as_str().into(), pg_uuid(run_id).into()];
    UNQUEUE.with(|s| s.run(&key))?;
    let found = LOCK_STATE.with(|s| {
        s.row(&key, |row| {
            Ok((
                column::<String>(row, 1)?,
                column::<String>(row, 2)?,
                column::<String>(row, 3)?,
                column::<String>(row, 4)?,
            ))
        })
    })?;
    let Some((state, agent_id, platform_subject_id, trace_id)) = found else {
        return fault(ErrorCode::RunUnknown);
    };
    match RunState::parse(&state) {
        Some(RunState::Cancelled) => return super::listing::show(caller, run_id),
        Some(state) if !state.may_become(RunState::Cancelled) => {
            return fault(Problem::from(ErrorCode::RunFinished).with("state", state.as_str()));
        }
        _ => {}
    }
    let error = json!({"code": "cancelled", "message": redaction::stored(arguments.optional_text("reason"))});
    end(caller, run_id, RunState::Cancelled, None, Some(error.to_string()))?;
    let entry = audit::Entry {
        trace_id: Some(&trace_id),
        agent_id: Some(&agent_id),
        platform_subject_id: Some(&platform_subject_id),
        run_id: Some(run_id),
        ..audit::Entry::default()
    };
    audit::done(caller, "run_cancelled", entry.with("from", state.as_str()))?;
    // Whoever cancels may be neither its creator nor its worker.
    super::listing::show(caller, run_id)
}
