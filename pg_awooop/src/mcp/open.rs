//! Taking what a call needs, all of it or nothing: its place in every rate, a reservation, its run, its row in the books, the use
//! of its approval. Or asking people, and waiting.

use awooop_policy::credential::{CredentialDigest, new_ticket};
use awooop_policy::envelope::Envelope;
use awooop_policy::error::ErrorCode;
use awooop_policy::gates::Judgement;
use awooop_policy::journal::Phase;
use pgrx::pg_sys;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{self, Which};
use super::call::{self, Call, New, Told};
use super::rate;
use super::scene::{Asked, Going, Scene};
use super::snapshot::Snapshot;
use super::state;
use super::stored::repeated;
use crate::approvals;
use crate::audit;
use crate::budget::{self, Place};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::redaction;
use crate::runs::{self, ForCall, Held};
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
    let ticket = new_ticket()?;
    // Last: whoever else is counted waits from here on, until this is committed. What is paid for is counted first, so that nobody
    // waits for the counters with a budget in hand that others may need.
    let is_free = cost(snapshot)? == 0;
    let begun = attempt(|| {
        // It will write. What it reads before is to be what was committed by now, not when the statement began.
        // SAFETY: we are in a transaction, which may write.
        unsafe { pg_sys::GetCurrentTransactionId() };
        see(caller, scene, snapshot)?;
        if !is_free {
            rate::take_all(&caller.project_id, snapshot.rates())?;
        }
        let begun = match &before {
            None => begin_new(caller, asked, scene, snapshot, ticket.digest())?,
            Some((call, going)) => Some(begin_again(caller, scene, snapshot, call, going, &ticket.digest())?),
        };
        if is_free && begun.is_some() {
            rate::take_all(&caller.project_id, snapshot.rates())?;
        }
        Ok(begun)
    })?;
    let Some(Begun { call_id, run_id, lease }) = begun else {
        // Its key is another call's by now.
        return repeated(caller, asked, scene)?.map_or_else(|| fault(ErrorCode::SystemRetry), Ok);
    };
    let entry = audit::Entry { run_id: Some(run_id), ..scene.entry() };
    let risk = judgement.risk.map(|risk| risk.as_str());
    let entry = entry
        .with("call_id", call_id.to_string())
        .with("tool", asked.tool)
        .with("risk", risk)
        .with("run_created", scene.run_id().is_none())
        .with("based_on", snapshot.basis());
    let action = match &before {
        None | Some((_, Going::Approved(_))) => "tool_call_begun",
        Some(_) => "tool_call_resumed",
    };
    audit::done(caller, action, entry)?;
    let asked_back = match &before {
        Some((call, Going::On)) => Some(call),
        _ => None,
    };
    let which = Which::new(call_id, run_id, scene, asked.tool);
    let members = [
        ("lease", lease.into()),
        ("ticket", ticket.reveal().into()),
        ("upstream", upstream(snapshot, asked_back)?),
        ("credential", snapshot.credential().unwrap_or_default()),
    ];
    Ok(answer::verdict("allowed", &which, members))
}

/// Records who the call is for, where nobody has seen them.
fn see(caller: &Caller, scene: &Scene, snapshot: &Snapshot) -> Outcome<()> {
    match scene {
        Scene::Own { envelope } if envelope.run_id.is_none() && !snapshot.subject_is_known() => {
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

/// The contract of the tool that the call is judged by.
fn revision(snapshot: &Snapshot) -> Outcome<Uuid> {
    snapshot.tool.revision_id().map_or_else(|| fault(ErrorCode::SystemInternal), Ok)
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

fn begin_new(
    caller: &Caller,
    asked: &Asked,
    scene: &Scene,
    snapshot: &Snapshot,
    ticket: CredentialDigest,
) -> Outcome<Option<Begun>> {
    let held_for = snapshot.tool_contract()?.timeout_seconds() + GRACE_SECONDS;
    let cost = cost(snapshot)?;
    let call_id = Uuid::now_v7();
    let (run_id, lease, reservation_id) = match scene {
        Scene::Run { run_id, held, .. } => {
            let reservation_id = budget::reserve_tool(caller, &Place::Run(*run_id, held), cost)?;
            started(caller, *run_id, held, scene, asked.arguments)?;
            (*run_id, None, reservation_id)
        }
        Scene::Own { envelope } => {
            let reservation_id = budget::reserve_tool(caller, &own_place(envelope, held_for), cost)?;
            let run_id = Uuid::now_v7();
            let deadline = held_for + QUESTION_SECONDS;
            let lease = own_run(caller, asked, envelope, snapshot, (run_id, call_id), held_for, deadline)?;
            (run_id, Some(lease), reservation_id)
        }
    };
    let is_stored = store(caller, asked, scene, snapshot, (run_id, call_id), reservation_id, cost, Some(ticket))?;
    Ok(is_stored.then_some(Begun { call_id, run_id, lease }))
}

/// Outside of a run what is reserved stays so for as long as the run that is made for the call may take.
fn own_place(envelope: &Envelope, held_for: u64) -> Place<'_> {
    Place::Outside(envelope, i64::from(seconds(held_for + QUESTION_SECONDS)))
}

/// Puts the beginning of a call into the journal of its run.
fn started(caller: &Caller, run_id: Uuid, held: &Held, scene: &Scene, arguments: &Value) -> Outcome<()> {
    runs::record_call(caller, run_id, held, (&scene.journal_key(), Phase::Started), arguments, &Value::Null)
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
    ticket: Option<CredentialDigest>,
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
        tool_revision_id: revision(snapshot)?,
        method: snapshot.registered()?.method(asked.arguments),
        ticket,
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
    ticket: &CredentialDigest,
) -> Outcome<Begun> {
    let project_id = caller.project_id.as_str();
    let held_for = snapshot.tool_contract()?.timeout_seconds() + GRACE_SECONDS;
    let mut lease = None;
    let reopened;
    let (held, place) = match scene {
        Scene::Run { run_id, held, .. } => (held, Place::Run(*run_id, held)),
        Scene::Own { envelope } => {
            let Some(new) = runs::reopen_for_call(caller, call.run_id, seconds(held_for))? else {
                return refuse(ErrorCode::RunLease);
            };
            reopened = runs::hold_for_call(caller, call.run_id, &new)?;
            lease = Some(new);
            (&reopened, own_place(envelope, held_for))
        }
    };
    let told = Told { ticket, tool_revision_id: revision(snapshot)? };
    let is_written = match going {
        Going::Approved(request) => {
            let reservation_id = budget::reserve_tool(caller, &place, call.cost_micro_usd)?;
            if matches!(scene, Scene::Run { .. }) {
                started(caller, call.run_id, held, scene, &request.arguments()?)?;
            }
            approvals::use_token(caller, held, &scene.journal_key(), request)?;
            call::begun(project_id, call.call_id, reservation_id, &told, &snapshot.basis())?
        }
        Going::On => call::resumed(project_id, call.call_id, &told, None)?,
        Going::Again => {
            // The one before may have had its effect, and its price; this one has its own.
            let booked = book_whole(caller, call, held)?;
            let reservation_id = budget::reserve_tool(caller, &place, cost(snapshot)?)?;
            call::resumed(project_id, call.call_id, &told, Some((reservation_id, booked)))?
        }
    };
    // Whoever writes to it holds its run.
    if is_written {
        Ok(Begun { call_id: call.call_id, run_id: call.run_id, lease })
    } else {
        fault(ErrorCode::SystemRetry)
    }
}

/// Books a sending of a call that nobody has reported on; what was booked.
fn book_whole(caller: &Caller, call: &Call, held: &Held) -> Outcome<i64> {
    let ended = match call.reservation_id {
        Some(reservation_id) => budget::ended_for_tool(caller, reservation_id, call.is_whole_run)?,
        None => None,
    };
    if let Some(booked) = ended {
        return Ok(booked);
    }
    let price = call.price_micro_usd(&caller.project_id)?;
    budget::settle_tool(caller, call.reservation_id, (call.run_id, held), call.is_whole_run, price)?;
    Ok(price)
}

/// Asks people; the call waits for them.
pub(super) fn ask(caller: &Caller, asked: &Asked, scene: &Scene, snapshot: &Snapshot) -> Outcome<Answer> {
    let waiting = attempt(|| {
        see(caller, scene, snapshot)?;
        rate::take_all(&caller.project_id, std::slice::from_ref(snapshot.asks()))?;
        let cost = cost(snapshot)?;
        let call_id = Uuid::now_v7();
        let terms = snapshot.policy().and_then(|policy| policy.approvals).unwrap_or_default();
        let limit = snapshot.tool_contract()?.timeout_seconds() + GRACE_SECONDS + QUESTION_SECONDS;
        let own_lease;
        let reopened;
        let (run_id, held) = match scene {
            Scene::Run { run_id, held, .. } => (*run_id, held),
            Scene::Own { envelope } => {
                let run_id = Uuid::now_v7();
                // As long as people may take, and the token of what they approved is good.
                let deadline = terms.request_seconds() + terms.token_seconds() + limit;
                own_lease = own_run(caller, asked, envelope, snapshot, (run_id, call_id), GRACE_SECONDS, deadline)?;
                reopened = runs::hold_for_call(caller, run_id, &own_lease)?;
                (run_id, &reopened)
            }
        };
        if !store(caller, asked, scene, snapshot, (run_id, call_id), None, cost, None)? {
            return Ok(None);
        }
        let estimate = (cost > 0).then_some(cost);
        let step = (asked.tool, asked.arguments);
        let approval = approvals::ask_about(caller, run_id, held, &scene.journal_key(), step, estimate)?;
        let state = state::sealed(caller, call_id, None)?.into();
        let which = Which::new(call_id, run_id, scene, asked.tool);
        Ok(Some(answer::verdict("waiting", &which, [("approval", approval), ("request_state", state)])))
    })?;
    match waiting {
        Some(answer) => Ok(answer),
        // Its key is another call's by now.
        None => repeated(caller, asked, scene)?.map_or_else(|| fault(ErrorCode::SystemRetry), Ok),
    }
}

/// Where the tool is, and how it may be called; whether with the answer to what its server has asked in this call, which is another
/// argument, and no gate has seen it.
fn upstream(snapshot: &Snapshot, asked_back: Option<&Call>) -> Outcome<Value> {
    let (contract, server) = (snapshot.tool_contract()?, snapshot.registered()?);
    // Only what may be repeated is: the contract has no retry otherwise.
    let retry = contract.retry;
    let idempotency_key = contract.idempotency.as_ref().and_then(|idempotency| idempotency.key_argument.as_ref());
    Ok(json!({
        "server_id": server.server_id, "transport": server.transport, "address": server.address,
        "private_host_allowed": server.private_host_allowed, "max_concurrency": server.max_concurrency,
        "max_response_bytes": server.max_response_bytes, "feature": server.feature.as_str(), "tool": server.upstream_name,
        "timeout_seconds": contract.timeout_seconds(),
        "max_attempts": retry.map_or(1, |retry| retry.max_attempts()),
        "first_delay_seconds": retry.unwrap_or_default().first_delay_seconds(),
        "growth_percent": retry.unwrap_or_default().growth_percent(),
        "max_delay_seconds": retry.unwrap_or_default().max_delay_seconds(),
        "idempotency_key": idempotency_key.map(|argument| argument.as_str()),
        "takes_answers": asked_back.is_some(), "state": asked_back.and_then(|call| call.upstream_state.as_deref())
    }))
}
