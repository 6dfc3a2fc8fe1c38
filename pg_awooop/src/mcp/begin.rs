//! Beginning a call: what the gates say, and the answer.

use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::gates::{self, Approval, Check};
use awooop_policy::tool_name;
use uuid::Uuid;

use super::answer::{self, Which};
use super::call::Call;
use super::open::{ask, opened};
use super::rate;
use super::scene::{Asked, Going, Scene, envelope, invalid};
use super::snapshot::{Snapshot, Wanted};
use super::state;
use super::stored::{self, in_run, repeated};
use crate::anomalies;
use crate::approvals;
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault};
use crate::runs;

/// Operation `mcp_begin_call`.
pub(crate) fn begin(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let asked = Asked::read(arguments);
    if let Some(text) = arguments.optional_text("request_state") {
        let state = state::opened(caller, text)?;
        return stored::resume(caller, arguments, &asked, &state);
    }
    match arguments.optional_uuid("run_id") {
        Some(run_id) => in_run(caller, arguments, &asked, run_id, None),
        None if arguments.optional_text("lease").is_some() => invalid("run_id", "the run of the lease"),
        None => outside(caller, arguments, &asked),
    }
}

fn outside(caller: &Caller, arguments: &Arguments, asked: &Asked) -> Outcome<Answer> {
    let scene = Scene::Own { envelope: Box::new(envelope(caller, arguments)?) };
    if let Some(answer) = repeated(caller, asked, &scene)? {
        return Ok(answer);
    }
    judged(caller, asked, &scene, None)
}

/// The denial of a call that people have not agreed to, or that one of the other gates does not let through any more.
pub(super) fn not_approved(caller: &Caller, asked: &Asked, scene: &Scene, reason: &'static str) -> Outcome<Answer> {
    let snapshot = Snapshot::take(caller, &scene.wanted(asked))?;
    let judgement = gates::judge(&snapshot.facts(Approval::Bad(reason)));
    match judgement.denial() {
        Some(check) => denied(caller, asked, scene, &snapshot, check),
        None => fault(ErrorCode::SystemInternal),
    }
}

/// The denial by one of the first two gates, if one of them is shut: then nothing is told of calls from before either.
pub(super) fn shut(caller: &Caller, asked: &Asked, scene: &Scene) -> Outcome<Option<Answer>> {
    let snapshot = Snapshot::take(caller, &scene.wanted(asked))?;
    let judgement = gates::judge(&snapshot.facts(Approval::None));
    match judgement.denial().filter(|check| check.gate <= 2) {
        Some(check) => denied(caller, asked, scene, &snapshot, check).map(Some),
        None => Ok(None),
    }
}

/// Judges the call, and begins it if all gates are open.
pub(super) fn judged(caller: &Caller, asked: &Asked, scene: &Scene, before: Option<(Call, Going)>) -> Outcome<Answer> {
    let wanted = Wanted { call_id: before.as_ref().map(|(call, _)| call.call_id), ..scene.wanted(asked) };
    let snapshot = Snapshot::take(caller, &wanted)?;
    let mut facts = snapshot.facts(approval_of(caller, asked, scene, before.as_ref())?);
    let has_begun = matches!(before, Some((_, Going::On | Going::Again)));
    if let (Some((_, Going::On)), Some(run)) = (&before, &mut facts.run) {
        // Its run has counted it when it was sent; the rates count the answer as well.
        run.calls = run.calls.saturating_sub(1);
        run.calls_of_tool = run.calls_of_tool.saturating_sub(1);
    }
    let judgement = gates::judge(&facts);
    if judgement.denial().is_some() || judgement.asks() {
        let judgement = snapshot.judge_waiting(caller, &wanted, &mut facts)?;
        let asks = judgement.checks.iter().find(|check| check.verdict == gates::Verdict::Ask);
        return match (judgement.denial().or(asks.filter(|_| !asked.asks)), has_begun) {
            (Some(check), _) => denied(caller, asked, scene, &snapshot, check),
            // It began when it needed nobody.
            (None, true) => not_approved(caller, asked, scene, "not_asked"),
            (None, false) => or_refused(caller, asked, scene, &snapshot, ask(caller, asked, scene, &snapshot)),
        };
    }
    if let Some((call, Going::Again)) = &before
        && !snapshot.tool_contract()?.may_repeat()
    {
        return Ok(unknown(call));
    }
    if let (Scene::Run { run_id, held, .. }, false) = (scene, has_begun) {
        runs::ensure_room_for_step(caller, *run_id, held)?;
    }
    let outcome = opened(caller, asked, scene, &snapshot, &judgement, before);
    or_refused(caller, asked, scene, &snapshot, outcome)
}

/// What people have said to a call that is there already.
fn approval_of(caller: &Caller, asked: &Asked, scene: &Scene, before: Option<&(Call, Going)>) -> Outcome<Approval> {
    Ok(match before {
        None => Approval::None,
        Some((_, Going::Approved(_))) => Approval::Given,
        Some((call, Going::On | Going::Again)) => {
            let step: (Uuid, &str) = (call.run_id, &scene.journal_key());
            match approvals::was_used(caller, step, (asked.tool, asked.arguments))? {
                true => Approval::Given,
                false => Approval::None,
            }
        }
    })
}

/// The answer to a call that may have had its effect, and may not be made twice.
pub(super) fn unknown(call: &Call) -> Answer {
    answer::verdict("unknown", &Which::stored(call), [])
}

fn denied(caller: &Caller, asked: &Asked, scene: &Scene, snapshot: &Snapshot, check: &Check) -> Outcome<Answer> {
    refused(caller, asked, scene, snapshot, check.problem())
}

/// A refusal by what the call would have taken is its gate's: somebody was faster. What cannot be decided now is none.
fn or_refused(
    caller: &Caller,
    asked: &Asked,
    scene: &Scene,
    snapshot: &Snapshot,
    outcome: Outcome<Answer>,
) -> Outcome<Answer> {
    match outcome {
        Err(Stop::Refused(problem)) if problem.code != ErrorCode::BudgetUndecided => {
            refused(caller, asked, scene, snapshot, gates::late(problem))
        }
        outcome => outcome,
    }
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
    // What the mode alone refuses, any good agent tries in shadow.
    let is_of_the_mode = problem.facts.get("reason").is_some_and(|reason| reason == "shadow");
    if let (Some(agent_id), false) = (scene.entry().agent_id, is_of_the_mode) {
        anomalies::happened(caller, "refused_calls", agent_id)?;
    }
    Ok(Answer::refusal(&problem))
}
