//! Beginning a call, or going on with one: where it stands, what the gates say, and the answer.

use awooop_policy::argument::Arguments;
use awooop_policy::envelope::Envelope;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::gates::{self, Approval, Check};
use awooop_policy::output_attempts::RESERVED;
use awooop_policy::tool_name;
use serde_json::json;
use uuid::Uuid;

use super::call::Call;
use super::open::{ask, opened};
use super::rate;
use super::scene::{Asked, CHANNEL, Going, ONLY_STEP, Scene, envelope, invalid};
use super::snapshot::Snapshot;
use super::state::{self, State};
use crate::approvals::{self, Standing};
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault};
use crate::runs;

/// Operation `mcp_begin_call`.
pub(crate) fn begin(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let asked = Asked {
        tool: arguments.text("tool"),
        arguments: arguments.json("arguments"),
        call_key: arguments.optional_text("call_key"),
        asks: arguments.boolean("ask"),
    };
    if let Some(text) = arguments.optional_text("request_state") {
        let state = state::opened(caller, text)?;
        return resume(caller, arguments, &asked, &state);
    }
    match arguments.optional_uuid("run_id") {
        Some(run_id) => in_run(caller, arguments, &asked, run_id, None),
        None if arguments.optional_text("lease").is_some() => invalid("run_id", "the run of the lease"),
        None => outside(caller, arguments, &asked),
    }
}

fn outside(caller: &Caller, arguments: &Arguments, asked: &Asked) -> Outcome<Answer> {
    if let Some(answer) = repeated(caller, asked)? {
        return Ok(answer);
    }
    let envelope = envelope(caller, arguments)?;
    let scene = Scene::Own { envelope: Box::new(envelope), call: None };
    judged(caller, asked, &scene, None)
}

fn in_run(
    caller: &Caller,
    arguments: &Arguments,
    asked: &Asked,
    run_id: Uuid,
    upstream: Option<&str>,
) -> Outcome<Answer> {
    let lease = arguments.text("lease");
    if lease.is_empty() {
        return fault(Problem::from(ErrorCode::InputMissing).with("argument", "lease"));
    }
    if asked.call_key.is_some() {
        return invalid("call_key", "null: within a run the step key names the call");
    }
    let given = arguments.optional_text("step_key");
    // The answer to a call that waits for people may have been lost, and the lease with it.
    let latest = runs::lock_with_lease(caller, run_id, lease)?;
    let before = match given {
        Some(step_key) => Call::of_step(&caller.project_id, run_id, step_key)?,
        None => None,
    };
    if let Some(before) = &before {
        if !before.is_of(&caller.project_id, asked.tool, asked.arguments)? {
            return fault(ErrorCode::McpCallKey);
        }
        if !latest.holds && !before.is_begun {
            return shown_waiting(caller, before);
        }
    }
    runs::ensure_licensed(caller, run_id, &latest)?;
    let held = latest;
    if arguments.optional_text("agent_id").is_some_and(|agent_id| agent_id != held.agent_id) {
        return invalid("agent_id", "the agent of the run");
    }
    if let Some(before) = before {
        return again(
            caller,
            asked,
            before,
            Scene::Run { run_id, held, step_key: given.unwrap_or_default().to_owned() },
            upstream,
        );
    }
    let step_key = match given {
        Some(step_key) if step_key.starts_with(RESERVED) => {
            return invalid("step_key", "a key that is not the platform's own");
        }
        Some(step_key) if runs::has_step(caller, run_id, step_key)? => return fault(ErrorCode::RunStepConflict),
        Some(step_key) => step_key.to_owned(),
        None => format!("call:{}", Uuid::now_v7()),
    };
    judged(caller, asked, &Scene::Run { run_id, held, step_key }, None)
}

/// A call of a step that is there already: it goes on, is over, or nobody knows.
fn again(caller: &Caller, asked: &Asked, before: Call, scene: Scene, upstream: Option<&str>) -> Outcome<Answer> {
    if let Some(answer) = over(&before)? {
        return Ok(answer);
    }
    let (run_id, step_key) = (before.run_id, before.step_key.clone());
    if before.is_begun && before.is_suspended {
        return judged(caller, asked, &scene, Some((before, Going::On(upstream.map(str::to_owned)))));
    }
    if before.is_begun {
        // It may have been sent, and may not: it is sent again only where that does no harm.
        return judged(caller, asked, &scene, Some((before, Going::Again)));
    }
    match approvals::standing(caller, (run_id, &step_key), (asked.tool, asked.arguments))? {
        Standing::Waiting => shown_waiting(caller, &before),
        Standing::Given(request) => judged(caller, asked, &scene, Some((before, Going::Approved(request)))),
        Standing::Bad(reason) => not_approved(caller, asked, &scene, reason),
        Standing::NotAsked => not_approved(caller, asked, &scene, "not_asked"),
    }
}

fn over(before: &Call) -> Outcome<Option<Answer>> {
    if before.outcome.is_none() {
        return Ok(None);
    }
    let body = json!({
        "verdict": "replayed", "call_id": before.call_id, "run_id": before.run_id, "tool": before.tool, "lease": null,
        "upstream": null, "credential": null, "approval": null, "request_state": null, "result": before.result()?
    });
    Ok(Some(Answer::ok(body.to_string())))
}

/// The answer to a call outside of a run that was begun before with the same key.
pub(super) fn repeated(caller: &Caller, asked: &Asked) -> Outcome<Option<Answer>> {
    let Some(key) = asked.call_key else { return Ok(None) };
    let Some(before) = Call::by_key(caller, key)? else { return Ok(None) };
    if !before.is_of(&caller.project_id, asked.tool, asked.arguments)? {
        return fault(ErrorCode::McpCallKey);
    }
    if let Some(answer) = over(&before)? {
        return Ok(Some(answer));
    }
    let state = State { call_id: before.call_id, upstream: None };
    go_on(caller, asked, &state).map(Some)
}

fn resume(caller: &Caller, arguments: &Arguments, asked: &Asked, state: &State) -> Outcome<Answer> {
    let call = Call::find(&caller.project_id, state.call_id)?;
    if call.principal_id != caller.principal_id {
        return fault(ErrorCode::McpState);
    }
    if !call.is_whole_run {
        return in_run(caller, arguments, asked, call.run_id, state.upstream.as_deref());
    }
    go_on(caller, asked, state)
}

/// Goes on with a call that has a run of its own.
fn go_on(caller: &Caller, asked: &Asked, state: &State) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let run_id = Call::find(project_id, state.call_id)?.run_id;
    runs::lock(project_id, run_id)?;
    let call = Call::find(project_id, state.call_id)?;
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
    let is_same = call.is_of(project_id, asked.tool, asked.arguments)?;
    let copy = Call::find(project_id, state.call_id)?;
    let scene = Scene::Own { envelope: Box::new(envelope), call: Some(Box::new(copy)) };
    if !is_same {
        return not_approved(caller, asked, &scene, "other_call");
    }
    if call.outcome.is_none() && runs::has_finished(project_id, run_id)? {
        // Rejected, not decided in time, cancelled, or its caller was gone for too long.
        let reason = match approvals::standing(caller, (run_id, ONLY_STEP), (asked.tool, asked.arguments))? {
            Standing::Bad(reason) => reason,
            _ => "ended",
        };
        return not_approved(caller, asked, &scene, reason);
    }
    again(caller, asked, call, scene, state.upstream.as_deref())
}

/// The answer to a call that people have to decide about.
fn shown_waiting(caller: &Caller, call: &Call) -> Outcome<Answer> {
    let approval = approvals::shown(caller, call.run_id, &call.step_key)?;
    let body = json!({
        "verdict": "waiting", "call_id": call.call_id, "run_id": call.run_id, "tool": call.tool, "lease": null,
        "upstream": null, "credential": null, "approval": approval,
        "request_state": state::sealed(caller, call.call_id, None)?, "result": null
    });
    Ok(Answer::ok(body.to_string()))
}

fn not_approved(caller: &Caller, asked: &Asked, scene: &Scene, reason: &'static str) -> Outcome<Answer> {
    let snapshot = Snapshot::take(caller, &scene.wanted(asked))?;
    let judgement = gates::judge(&snapshot.facts(Approval::Bad(reason)));
    match judgement.denial() {
        Some(check) => denied(caller, asked, scene, &snapshot, check),
        None => fault(ErrorCode::SystemInternal),
    }
}

/// Judges the call, and begins it if all gates are open.
fn judged(caller: &Caller, asked: &Asked, scene: &Scene, before: Option<(Call, Going)>) -> Outcome<Answer> {
    let snapshot = Snapshot::take(caller, &scene.wanted(asked))?;
    let approval = match &before {
        None => Approval::None,
        Some(_) => Approval::Given,
    };
    let mut facts = snapshot.facts(approval);
    if matches!(before, Some((_, Going::On(_) | Going::Again))) {
        // It was counted when it began.
        facts.rates.clear();
        facts.run = facts.run.map(|run| gates::RunFacts { calls: 0, calls_of_tool: 0, under_way: 0, ..run });
    }
    let judgement = gates::judge(&facts);
    if judgement.denial().is_some() || judgement.asks() {
        // What goes ahead is judged by its reservation. Of the rest, what no budget has room for is told so before anything
        // that comes after it, and nobody is asked about it.
        facts.budget = snapshot.room(caller, &scene.wanted(asked))?;
        let judgement = gates::judge(&facts);
        let unasked = judgement.checks.iter().find(|check| check.verdict == gates::Verdict::Ask && !asked.asks);
        return match judgement.denial().or(unasked) {
            Some(check) => denied(caller, asked, scene, &snapshot, check),
            None => ask(caller, asked, scene, &snapshot),
        };
    }
    if matches!(before, Some((_, Going::Again))) && !snapshot.tool_contract()?.may_repeat() {
        return unknown(before.as_ref().map(|(call, _)| call));
    }
    match opened(caller, asked, scene, &snapshot, &judgement, before) {
        // Somebody was faster.
        Err(Stop::Refused(problem)) => refused(caller, asked, scene, &snapshot, as_gate(problem)),
        outcome => outcome,
    }
}

/// A call that may have had its effect, and may not be made twice.
fn unknown(before: Option<&Call>) -> Outcome<Answer> {
    let Some(call) = before else { return fault(ErrorCode::SystemInternal) };
    let body = json!({
        "verdict": "unknown", "call_id": call.call_id, "run_id": call.run_id, "tool": call.tool, "lease": null,
        "upstream": null, "credential": null, "approval": null, "request_state": null, "result": null
    });
    Ok(Answer::ok(body.to_string()))
}

fn denied(caller: &Caller, asked: &Asked, scene: &Scene, snapshot: &Snapshot, check: &Check) -> Outcome<Answer> {
    refused(caller, asked, scene, snapshot, check.problem())
}

/// Counts the refusal, and records it with what it is based on.
fn refused(caller: &Caller, asked: &Asked, scene: &Scene, snapshot: &Snapshot, problem: Problem) -> Outcome<Answer> {
    // One that was refused for that alone does not keep the agent out for ever, and a tenant that may not call has no agents.
    if !snapshot.refusals().is_full() && problem.code != ErrorCode::GateTenant {
        rate::count(&caller.project_id, snapshot.refusals())?;
    }
    // What no tool is called is the caller's text.
    let tool = tool_name::parts(asked.tool).map(|_| asked.tool);
    let problem = problem.with("tool", tool);
    audit::refused(caller, "mcp_begin_call", &problem, scene.entry().with("based_on", snapshot.basis()))?;
    Ok(Answer::refusal(&problem))
}

/// A refusal by what the call would have taken, as its gate's.
fn as_gate(problem: Problem) -> Problem {
    let cause = problem.code.entry().code;
    let code = match problem.code {
        ErrorCode::GateRate | ErrorCode::GateBudget | ErrorCode::GateApproval => return problem,
        _ if cause.starts_with("E-BUDGET") => ErrorCode::GateBudget,
        _ if cause.starts_with("E-TOKEN") || cause.starts_with("E-APPROVAL") => ErrorCode::GateApproval,
        _ => return problem,
    };
    let (gate, reason) = if code == ErrorCode::GateBudget { (4, "no_room") } else { (5, "not_good") };
    Problem { code, ..problem }.with("gate", gate).with("reason", reason).with("cause", cause)
}
