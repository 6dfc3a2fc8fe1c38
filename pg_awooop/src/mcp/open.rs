//! Taking what a call needs, all of it or nothing: its place in every rate, a reservation, its run, its row in the books, the use
//! of its approval. Or asking people, and waiting.

use awooop_policy::envelope::Envelope;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::gates::Judgement;
use awooop_policy::journal::Phase;
use serde_json::{Value, json};
use uuid::Uuid;

use super::begin::repeated;
use super::call::{self, Call, New};
use super::rate;
use super::scene::{Asked, Going, Scene};
use super::snapshot::Snapshot;
use super::state;
use crate::approvals;
use crate::audit;
use crate::budget::{self, Place};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::redaction;
use crate::runs::{self, ForCall};
use crate::subjects::{self, Sighting};
use crate::subtransaction::attempt;

/// How much longer than the tool's time limit whoever calls it may take to say how it ended.
const GRACE_SECONDS: u64 = 30;
/// How long the server's question for a person may stay open.
const QUESTION_SECONDS: u64 = 3600;

/// Takes what the call needs: its place in every rate, a reservation, its run, its row, and the use of its approval.
pub(super) fn opened(
    caller: &Caller,
    asked: &Asked,
    scene: &Scene,
    snapshot: &Snapshot,
    judgement: &Judgement,
    before: Option<(Call, Going)>,
) -> Outcome<Answer> {
    see(caller, scene, snapshot)?;
    let begun = attempt(|| {
        let is_counted = !matches!(before, Some((_, Going::On(_) | Going::Again)));
        if is_counted && let Some((rate, seconds)) = rate::take(&caller.project_id, snapshot.rates())? {
            return refuse(
                Problem::from(ErrorCode::GateRate)
                    .with("gate", 4)
                    .with("reason", rate.reason)
                    .with("rate", rate.what)
                    .with("count", rate.count)
                    .with("window_seconds", rate.window_seconds)
                    .with("retry_after_seconds", seconds),
            );
        }
        match &before {
            None => begin_new(caller, asked, scene, snapshot),
            Some((call, going)) => begin_again(caller, scene, snapshot, call, going),
        }
    })?;
    let Some(Begun { call_id, run_id, lease }) = begun else {
        // Its key is another call's by now.
        return repeated(caller, asked)?.map_or_else(|| fault(ErrorCode::SystemRetry), Ok);
    };
    let entry = audit::Entry { run_id: Some(run_id), ..scene.entry() };
    let risk = judgement.risk.map(|risk| risk.as_str());
    let entry = entry
        .with("call_id", call_id.to_string())
        .with("tool", asked.tool)
        .with("risk", risk)
        .with("run_created", matches!(scene, Scene::Own { call: None, .. }))
        .with("based_on", snapshot.basis());
    let action = match &before {
        None | Some((_, Going::Approved(_))) => "tool_call_begun",
        Some(_) => "tool_call_resumed",
    };
    audit::done(caller, action, entry)?;
    let upstream_state = match &before {
        Some((_, Going::On(state))) => state.clone(),
        _ => None,
    };
    allowed(asked, snapshot, call_id, run_id, lease.as_deref(), upstream_state)
}

/// Records who the call is for, where nobody has seen them.
fn see(caller: &Caller, scene: &Scene, snapshot: &Snapshot) -> Outcome<()> {
    match scene {
        Scene::Own { envelope, call: None } if !snapshot.subject_is_known() => {
            let sighting = Sighting {
                channel_type: &envelope.channel_type,
                channel_user_id: &envelope.channel_user_id,
                channel_chat_id: None,
                display_name: None,
            };
            subjects::see(caller, &sighting, Some(&envelope.trace_id), Some(&envelope.agent_id))
        }
        _ => Ok(()),
    }
}

struct Begun {
    call_id: Uuid,
    run_id: Uuid,
    /// Of the run that is there for the call.
    lease: Option<String>,
}

fn seconds(seconds: u64) -> i32 {
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

/// What a call of the tool costs.
fn cost(snapshot: &Snapshot) -> Outcome<i64> {
    Ok(i64::try_from(snapshot.tool_contract()?.call_cost_micro_usd()).unwrap_or(i64::MAX))
}

/// Arguments as they are kept with the call, and shown to others.
fn kept(asked: &Asked, snapshot: &Snapshot) -> Outcome<Value> {
    let sensitive = snapshot.tool_contract()?.sensitive_arguments.iter().flat_map(|places| places.as_slice());
    redaction::shown_arguments(asked.arguments, sensitive.map(|place| place.as_str()))
}

fn begin_new(caller: &Caller, asked: &Asked, scene: &Scene, snapshot: &Snapshot) -> Outcome<Option<Begun>> {
    let time_limit = snapshot.tool_contract()?.timeout_seconds();
    let held_for = time_limit + GRACE_SECONDS;
    let cost = cost(snapshot)?;
    let (run_id, lease, reservation_id) = match scene {
        Scene::Run { run_id, held, step_key, .. } => {
            let reservation_id = budget::reserve_tool(caller, &Place::Run(*run_id, held), cost)?;
            runs::record_call(caller, *run_id, held, (step_key, Phase::Started), asked.arguments, &Value::Null)?;
            (*run_id, None, reservation_id)
        }
        Scene::Own { envelope, .. } => {
            let reservation_id =
                budget::reserve_tool(caller, &Place::Outside(envelope, i64::from(seconds(held_for))), cost)?;
            (Uuid::now_v7(), Some(envelope), reservation_id)
        }
    };
    let call_id = Uuid::now_v7();
    let lease = match lease {
        Some(envelope) => {
            Some(own_run(caller, asked, envelope, snapshot, (run_id, call_id), held_for, held_for + QUESTION_SECONDS)?)
        }
        None => None,
    };
    let is_stored = store(caller, asked, scene, snapshot, (run_id, call_id), reservation_id, cost, true)?;
    Ok(is_stored.then_some(Begun { call_id, run_id, lease }))
}

/// Makes the run of a call outside of one; its lease.
fn own_run(
    caller: &Caller,
    asked: &Asked,
    envelope: &Envelope,
    snapshot: &Snapshot,
    (run_id, call_id): (Uuid, Uuid),
    lease_seconds: u64,
    deadline_seconds: u64,
) -> Outcome<String> {
    let policy_revision_id = snapshot.policy_revision_id();
    let envelope = Envelope {
        run_id: Some(run_id),
        policy_revision_id: policy_revision_id.map(|revision_id| revision_id.to_string()),
        ..envelope.clone()
    };
    let run = ForCall {
        run_id,
        call_id,
        envelope: &envelope,
        input: &json!({"tool": asked.tool, "arguments": asked.arguments}),
        agent_revision_id: snapshot.agent.revision_id(),
        policy_revision_id,
        lease_seconds: seconds(lease_seconds),
        deadline_seconds: seconds(deadline_seconds),
    };
    runs::open_for_call(caller, &run)
}

#[allow(clippy::too_many_arguments, reason = "each is a column")]
fn store(
    caller: &Caller,
    asked: &Asked,
    scene: &Scene,
    snapshot: &Snapshot,
    (run_id, call_id): (Uuid, Uuid),
    reservation_id: Option<Uuid>,
    cost: i64,
    is_begun: bool,
) -> Outcome<bool> {
    let new = New {
        call_id,
        run_id,
        is_whole_run: matches!(scene, Scene::Own { .. }),
        step_key: scene.step_key(),
        call_key: asked.call_key,
        agent_id: scene.agent_id(),
        platform_subject_id: scene.subject_id(),
        trace_id: scene.trace_id(),
        tool: asked.tool,
        server_id: &snapshot.registered()?.server_id,
        grant_id: snapshot.grant_id(),
        basis: &snapshot.basis(),
        arguments: asked.arguments,
        shown: &kept(asked, snapshot)?,
        reservation_id,
        cost_micro_usd: cost,
        is_begun,
    };
    new.insert(caller)
}

/// Begins a call that had to wait, or goes on with one.
fn begin_again(
    caller: &Caller,
    scene: &Scene,
    snapshot: &Snapshot,
    call: &Call,
    going: &Going,
) -> Outcome<Option<Begun>> {
    let held_for = snapshot.tool_contract()?.timeout_seconds() + GRACE_SECONDS;
    let mut lease = None;
    let reopened;
    let (held, place) = match scene {
        Scene::Run { run_id, held, .. } => (held, Place::Run(*run_id, held)),
        Scene::Own { envelope, .. } => {
            let Some(new) = runs::reopen_for_call(caller, call.run_id, seconds(held_for))? else {
                return refuse(ErrorCode::RunLease);
            };
            reopened = runs::hold_for_call(caller, call.run_id, &new)?;
            lease = Some(new);
            (&reopened, Place::Outside(envelope, i64::from(seconds(held_for))))
        }
    };
    let mut reservation_id = None;
    if let Going::Approved(request) = going {
        reservation_id = budget::reserve_tool(caller, &place, call.cost_micro_usd)?;
        if matches!(scene, Scene::Run { .. }) {
            let arguments = request.arguments()?;
            runs::record_call(caller, call.run_id, held, (&call.step_key, Phase::Started), &arguments, &Value::Null)?;
        }
        approvals::use_token(caller, held, &call.step_key, request)?;
    }
    call::begun(&caller.project_id, call.call_id, reservation_id, &snapshot.basis())?;
    Ok(Some(Begun { call_id: call.call_id, run_id: call.run_id, lease }))
}

/// Asks people; the call waits for them.
pub(super) fn ask(caller: &Caller, asked: &Asked, scene: &Scene, snapshot: &Snapshot) -> Outcome<Answer> {
    see(caller, scene, snapshot)?;
    let cost = cost(snapshot)?;
    let call_id = Uuid::now_v7();
    let terms = snapshot.policy().and_then(|policy| policy.approvals).unwrap_or_default();
    let limit = snapshot.tool_contract()?.timeout_seconds() + GRACE_SECONDS + QUESTION_SECONDS;
    let own_lease;
    let reopened;
    let (run_id, held) = match scene {
        Scene::Run { run_id, held, .. } => (*run_id, held),
        Scene::Own { envelope, .. } => {
            let run_id = Uuid::now_v7();
            // As long as people may take, and the token of what they approved is good.
            let deadline = terms.request_seconds() + terms.token_seconds() + limit;
            own_lease = own_run(caller, asked, envelope, snapshot, (run_id, call_id), GRACE_SECONDS, deadline)?;
            reopened = runs::hold_for_call(caller, run_id, &own_lease)?;
            (run_id, &reopened)
        }
    };
    if !store(caller, asked, scene, snapshot, (run_id, call_id), None, cost, false)? {
        return fault(ErrorCode::SystemRetry);
    }
    let estimate = (cost > 0).then_some(cost);
    let step = (asked.tool, asked.arguments);
    let approval = approvals::ask_about(caller, run_id, held, scene.step_key(), step, estimate)?;
    let body = json!({
        "verdict": "waiting", "call_id": call_id, "run_id": run_id, "tool": asked.tool, "lease": null, "upstream": null,
        "credential": null, "approval": approval, "request_state": state::sealed(caller, call_id, None)?, "result": null
    });
    Ok(Answer::ok(body.to_string()))
}

fn allowed(
    asked: &Asked,
    snapshot: &Snapshot,
    call_id: Uuid,
    run_id: Uuid,
    lease: Option<&str>,
    upstream_state: Option<String>,
) -> Outcome<Answer> {
    let (contract, upstream) = (snapshot.tool_contract()?, snapshot.registered()?);
    // Only what may be repeated is: the contract has no retry otherwise.
    let retry = contract.retry;
    let idempotency_key = contract.idempotency.as_ref().and_then(|idempotency| idempotency.key_argument.as_ref());
    let body = json!({
        "verdict": "allowed", "call_id": call_id, "run_id": run_id, "tool": asked.tool, "lease": lease,
        "upstream": {
            "server_id": upstream.server_id, "transport": upstream.transport, "address": upstream.address,
            "private_host_allowed": upstream.private_host_allowed, "max_concurrency": upstream.max_concurrency,
            "max_response_bytes": upstream.max_response_bytes, "tool": upstream.upstream_name,
            "timeout_seconds": contract.timeout_seconds(),
            "max_attempts": retry.map_or(1, |retry| retry.max_attempts()),
            "first_delay_seconds": retry.unwrap_or_default().first_delay_seconds(),
            "growth_percent": retry.unwrap_or_default().growth_percent(),
            "max_delay_seconds": retry.unwrap_or_default().max_delay_seconds(),
            "idempotency_key": idempotency_key.map(|argument| argument.as_str()), "state": upstream_state
        },
        "credential": snapshot.credential(), "approval": null, "request_state": null, "result": null
    });
    Ok(Answer::ok(body.to_string()))
}
