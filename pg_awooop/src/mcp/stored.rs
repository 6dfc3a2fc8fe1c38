//! Calls that are there already: where they stand, and how they go on.

use awooop_policy::argument::Arguments;
use awooop_policy::envelope::Envelope;
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::Value;
use uuid::Uuid;

use super::answer::{self, Which};
use super::begin::{judged, not_approved, shut, unknown};
use super::call::{Call, ONLY_STEP};
use super::scene::{Asked, CHANNEL, Going, Scene, invalid};
use super::state::{self, State};
use crate::approvals::{self, Standing};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::runs;

/// A call within a run that the caller holds: a new one, or one of a step that is there already. `resumed` is the call that a
/// request state names.
pub(super) fn in_run(
    caller: &Caller,
    arguments: &Arguments,
    asked: &Asked,
    run_id: Uuid,
    resumed: Option<(&Call, &State)>,
) -> Outcome<Answer> {
    let lease = arguments.text("lease");
    if lease.is_empty() {
        return fault(Problem::from(ErrorCode::InputMissing).with("argument", "lease"));
    }
    if asked.call_key.is_some() {
        return invalid("call_key", "null: within a run the step key names the call");
    }
    if !arguments.json("envelope").is_null() {
        return invalid("envelope", "null: a run has its own");
    }
    let given = match (resumed, arguments.optional_text("step_key")) {
        (Some((call, _)), Some(given)) if given != call.step_key => return fault(ErrorCode::McpState),
        (Some((call, _)), _) => Some(call.step_key.as_str()),
        (None, given) => given,
    };
    let held = runs::lock_with_lease(caller, run_id, lease)?;
    runs::ensure_for_workers(&held)?;
    if asked.agent_id.is_some_and(|agent_id| agent_id != held.agent_id) {
        return invalid("agent_id", "the agent of the run");
    }
    let before = match given {
        Some(step_key) => Call::of_step(&caller.project_id, run_id, step_key)?,
        None => None,
    };
    // The answer to a call that waits for people may have been lost, and the lease with it.
    let holds = held.holds;
    if holds || before.as_ref().is_none_or(|before| before.is_begun) {
        runs::ensure_licensed(caller, run_id, &held)?;
    }
    let step_key = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let scene = Scene::Run { run_id, held, step_key };
    match before {
        None => judged(caller, asked, &scene, None),
        Some(before) if !before.is_of(&caller.project_id, asked)? => fault(ErrorCode::McpCallKey),
        Some(before) => again(caller, asked, before, &scene, resumed.map(|(_, state)| state), holds),
    }
}

/// A call that is there already: it goes on, is over, or nobody knows. `may_begin` is whether its run is held.
fn again(
    caller: &Caller,
    asked: &Asked,
    before: Call,
    scene: &Scene,
    state: Option<&State>,
    may_begin: bool,
) -> Outcome<Answer> {
    if let Some(answer) = shut(caller, asked, scene)? {
        return Ok(answer);
    }
    if before.outcome.is_some() {
        return Ok(answer::verdict("replayed", &Which::stored(&before), [("result", before.result()?)]));
    }
    if before.is_begun {
        let going = going(&before, state)?;
        return judged(caller, asked, scene, Some((before, going)));
    }
    let step: (Uuid, &str) = (before.run_id, &before.journal_key());
    match approvals::standing(caller, step, (asked.tool, asked.arguments))? {
        Standing::Given(request) if may_begin => judged(caller, asked, scene, Some((before, Going::Approved(request)))),
        Standing::Waiting | Standing::Given(_) => shown_waiting(caller, &before),
        Standing::Bad(reason) => not_approved(caller, asked, scene, reason),
        Standing::NotAsked => not_approved(caller, asked, scene, "not_asked"),
    }
}

/// How a call that has begun goes on: with the answer to its server's last question, or all over again, because it may have been
/// sent, and may not.
fn going(before: &Call, state: Option<&State>) -> Outcome<Going> {
    match state.and_then(|state| state.suspension) {
        None => Ok(Going::Again),
        // Of a question that was answered, and that another came after.
        Some(suspension) if suspension != before.suspensions => fault(ErrorCode::McpState),
        Some(_) if before.is_suspended => Ok(Going::On),
        Some(_) => Ok(Going::Again),
    }
}

/// The answer to a call outside of a run that was begun before with the same key.
pub(super) fn repeated(caller: &Caller, asked: &Asked, scene: &Scene) -> Outcome<Option<Answer>> {
    let Some(key) = asked.call_key else { return Ok(None) };
    let Some(before) = Call::by_key(caller, key)? else { return Ok(None) };
    // Where nothing is said it is the caller's own, as it is of a new one.
    let is_for_same = before.agent_id == scene.agent_id() && before.platform_subject_id == scene.subject_id();
    if !before.is_of(&caller.project_id, asked)? || !is_for_same {
        return fault(ErrorCode::McpCallKey);
    }
    go_on(caller, asked, before.call_id, None).map(Some)
}

/// Goes on with the call that a request state names.
pub(super) fn resume(caller: &Caller, arguments: &Arguments, asked: &Asked, state: &State) -> Outcome<Answer> {
    let call = Call::find(&caller.project_id, state.call_id)?;
    if call.principal_id != caller.principal_id {
        return fault(ErrorCode::McpState);
    }
    let named = arguments.optional_uuid("run_id");
    if !call.is_whole_run {
        if named.is_some_and(|run_id| run_id != call.run_id) {
            return fault(ErrorCode::McpState);
        }
        return in_run(caller, arguments, asked, call.run_id, Some((&call, state)));
    }
    if named.is_some() {
        return invalid("run_id", "null: the call has a run of its own");
    }
    if !call.is_for(asked) {
        return fault(ErrorCode::McpCallKey);
    }
    go_on(caller, asked, state.call_id, Some(state))
}

/// Goes on with a call that has a run of its own.
fn go_on(caller: &Caller, asked: &Asked, call_id: Uuid, state: Option<&State>) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let run_id = Call::find(project_id, call_id)?.run_id;
    runs::lock(project_id, run_id)?;
    // Again, as whoever held the lock has left it.
    let call = Call::find(project_id, call_id)?;
    let envelope = Envelope {
        project_id: caller.project_id.clone(),
        agent_id: call.agent_id.clone(),
        trace_id: call.trace_id.clone(),
        platform_subject_id: call.platform_subject_id.clone(),
        channel_type: CHANNEL.to_owned(),
        channel_user_id: caller.principal_id.clone(),
        channel_chat_id: None,
        run_id: Some(run_id),
        policy_revision_id: None,
    };
    let scene = Scene::Own { envelope: Box::new(envelope) };
    if !call.is_of(project_id, asked)? {
        return not_approved(caller, asked, &scene, "other_call");
    }
    if call.outcome.is_some() || !runs::has_finished(project_id, run_id)? {
        return again(caller, asked, call, &scene, state, true);
    }
    if let Some(answer) = shut(caller, asked, &scene)? {
        return Ok(answer);
    }
    // Its caller was gone for too long, and nobody knows whether it was sent.
    if call.is_begun {
        return Ok(unknown(&call));
    }
    // Rejected, not decided in time, or cancelled.
    let reason = match approvals::standing(caller, (run_id, ONLY_STEP), (asked.tool, asked.arguments))? {
        Standing::Bad(reason) => reason,
        _ => "ended",
    };
    not_approved(caller, asked, &scene, reason)
}

/// The answer to a call that people have to decide about.
fn shown_waiting(caller: &Caller, call: &Call) -> Outcome<Answer> {
    let approval = approvals::shown(caller, call.run_id, &call.journal_key())?.unwrap_or(Value::Null);
    let state = state::sealed(caller, call.call_id, None)?.into();
    Ok(answer::verdict("waiting", &Which::stored(call), [("approval", approval), ("request_state", state)]))
}
