//! The token of what was approved: made from what is stored whenever somebody may have it, and used by one insert.

use awooop_contracts::canonical_json;
use awooop_policy::approval::token::{self, Grant};
use awooop_policy::approval::{Binding, RequestState};
use awooop_policy::error::{ErrorCode, Problem};
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Wanted;
use super::row::Request;
use crate::audit::{self, POSTGRES_EPOCH};
use crate::caller::Caller;
use crate::fault::{Outcome, Stop, fault, refuse};
use crate::keyring;
use crate::runs::Held;
use crate::statement::{pg_uuid, statements};

statements! {
    USE: writing [TEXTOID, UUIDOID, UUIDOID, TEXTOID, INT4OID, TEXTOID] =
        "insert into awooop.approval_use (project_id, approval_id, run_id, step_key, epoch, used_by, used_at)
         values ($1, $2, $3, $4, $5, $6, clock_timestamp())
         on conflict (project_id, approval_id) do nothing";
}

/// The clock, in microseconds since 1970.
pub(super) fn now() -> i64 {
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    now + POSTGRES_EPOCH
}

/// The token of an approved request, and what it says. Nothing where the rows do not hold what was approved.
pub(super) fn mint(caller: &Caller, request: &Request) -> Outcome<Option<Value>> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    if !request.is_granted(&caller.project_id, &keyring)? {
        return Ok(None);
    }
    let [from, until] =
        [request.grant.approved_at, request.grant.token_until].map(|micros| micros.div_euclid(1_000_000));
    let arguments = canonical_json(&request.arguments()?)?;
    let grant = Grant { jti: request.approval_id, agent: &request.agent_id, mode: request.terms.mode, from, until };
    let binding =
        Binding { project: &caller.project_id, run: request.run_id, tool: &request.tool, arguments: &arguments };
    match token::issue(&keyring, &grant, &binding).map_err(Problem::from)? {
        Some(issued) => Ok(Some(json!({"token": issued.token, "claims": issued.claims}))),
        None => fault(ErrorCode::ApprovalNoKey),
    }
}

/// The request that a token stands for, if it is good for this call. The run is locked; the request is from here on.
pub(crate) fn check_token(
    caller: &Caller,
    (run_id, step_key): (Uuid, &str),
    (tool, arguments): (&str, &Value),
    token: &str,
) -> Outcome<Request> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    let canonical = canonical_json(arguments)?;
    let binding = Binding { project: &caller.project_id, run: run_id, tool, arguments: &canonical };
    let claims = match token::verify(&keyring, token, &binding, now().div_euclid(1_000_000)) {
        Ok(claims) => claims,
        Err(problem) => return refuse(problem),
    };
    let Some(request) = Request::try_lock(&caller.project_id, claims.jti)? else {
        return refuse(ErrorCode::TokenUnknown);
    };
    match request.state() {
        // Its row may call it lapsed for as long as clocks may differ.
        RequestState::Approved | RequestState::Lapsed => {}
        RequestState::Used => return refuse(ErrorCode::TokenReplayed),
        _ => return refuse(ErrorCode::TokenUnknown),
    }
    let is_same = request.run_id == run_id && request.tool == tool && request.terms.mode == claims.mode;
    if !is_same
        || !request.is_granted(&caller.project_id, &keyring)?
        || canonical_json(&request.arguments()?)? != canonical
    {
        return refuse(ErrorCode::TokenUnknown);
    }
    // One step is one call, so that whatever else is lost, the journal knows whether it was begun.
    if request.step_key != step_key {
        return refuse(ErrorCode::TokenStep);
    }
    if !request.is_current(&caller.project_id)? {
        return refuse(ErrorCode::ApprovalOutdated);
    }
    // People approved it; the agent's contract, the mode and the policy may have come to deny it since.
    Wanted::of(&caller.project_id, &request.agent_id, caller.project.mode, tool)?.ensure_not_denied(tool)?;
    Ok(request)
}

/// Where people stand with a call.
pub(crate) enum Standing {
    /// They were not asked.
    NotAsked,
    Waiting,
    /// Enough of them agreed to exactly this call, and nothing came of it yet.
    Given(Box<Request>),
    /// They were asked, and it is not good for the call, for this reason.
    Bad(&'static str),
}

/// Where people stand with a call of a run. The run is locked.
pub(crate) fn standing(
    caller: &Caller,
    (run_id, step_key): (Uuid, &str),
    (tool, arguments): (&str, &Value),
) -> Outcome<Standing> {
    let project_id = caller.project_id.as_str();
    let Some(request) = Request::of_step(project_id, run_id, step_key)? else { return Ok(Standing::NotAsked) };
    if request.tool != tool || canonical_json(&request.arguments()?)? != canonical_json(arguments)? {
        return Ok(Standing::Bad("other_call"));
    }
    match request.state() {
        RequestState::Waiting if request.is_overdue() => return Ok(Standing::Bad("expired")),
        RequestState::Waiting => return Ok(Standing::Waiting),
        RequestState::Approved => {}
        other => return Ok(Standing::Bad(other.as_str())),
    }
    let Some(token) = mint(caller, &request)? else { return Ok(Standing::Bad("tampered")) };
    let token = token["token"].as_str().unwrap_or_default();
    match check_token(caller, (run_id, step_key), (tool, arguments), token) {
        Ok(request) => Ok(Standing::Given(Box::new(request))),
        Err(Stop::Refused(problem)) if problem.code == ErrorCode::ApprovalOutdated => Ok(Standing::Bad("outdated")),
        // What denies it by now the gates say as well, each with its own code.
        Err(Stop::Refused(problem)) if problem.code == ErrorCode::ApprovalDenied => Ok(Standing::Bad("denied")),
        Err(Stop::Refused(_)) => Ok(Standing::Bad("not_good")),
        Err(stop) => Err(stop),
    }
}

/// Whether people agreed to exactly this call, and it was begun with that. The run is locked.
pub(crate) fn was_used(
    caller: &Caller,
    (run_id, step_key): (Uuid, &str),
    (tool, arguments): (&str, &Value),
) -> Outcome<bool> {
    let project_id = caller.project_id.as_str();
    let Some(request) = Request::of_step(project_id, run_id, step_key)? else { return Ok(false) };
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    Ok(request.state() == RequestState::Used
        && request.tool == tool
        && canonical_json(&request.arguments()?)? == canonical_json(arguments)?
        && request.is_granted(project_id, &keyring)?
        && request.is_current(project_id)?)
}

/// The request about a call of a run as the caller may see it, if there is one. The run is locked.
pub(crate) fn shown(caller: &Caller, run_id: Uuid, step_key: &str) -> Outcome<Option<Value>> {
    match Request::of_step(&caller.project_id, run_id, step_key)? {
        Some(request) => super::show::of(caller, &request).map(Some),
        None => Ok(None),
    }
}

/// Uses the token of a request that was checked, for a step of its run: from the commit on it is used, and with a rollback it
/// was not.
pub(crate) fn use_token(caller: &Caller, held: &Held, step_key: &str, request: &Request) -> Outcome<()> {
    let used = [
        caller.project_id.as_str().into(),
        pg_uuid(request.approval_id).into(),
        pg_uuid(request.run_id).into(),
        step_key.into(),
        held.epoch.into(),
        caller.principal_id.as_str().into(),
    ];
    // Once it is told, it stays used, whatever the session says of its commits.
    audit::commit_durably();
    // Nobody is between: whoever uses it holds the request. The key decides all the same.
    if USE.with(|s| s.run(&used))? == 0 {
        return fault(ErrorCode::SystemRetry);
    }
    audit::done(caller, "approval_used", request.entry().with("step_key", step_key))
}
