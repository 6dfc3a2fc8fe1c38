//! Deciding: people approve or reject, each for themselves; enough of them let the run go on, one ends it.

use awooop_policy::approval::RequestState;
use awooop_policy::argument::Arguments;
use awooop_policy::contract::quorum::Tally;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::keyring::Vouched;
use serde_json::json;
use uuid::Uuid;

use super::row::{Grant, Made, Request};
use super::{expire, show, token};
use crate::audit;
use crate::caller::Caller;
use crate::channels;
use crate::contracts;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::keyring;
use crate::principals;
use crate::redaction;
use crate::runs;
use crate::statement::{pg_uuid, statements};

statements! {
    INSERT: writing [TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BYTEAOID] =
        "insert into awooop.approval_decision (project_id, approval_id, decision_id, decision, principal_id, credential,
                reason, decided_at, key_id, mac)
         values ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz, $9, $10)";
    APPROVED: writing [TEXTOID, UUIDOID, INT8OID, INT8OID, TEXTOID, BYTEAOID] =
        "update awooop.approval_request
         set approved_at = timestamptz 'epoch' + $3 * interval '1 microsecond',
             token_until = timestamptz 'epoch' + $4 * interval '1 microsecond', grant_key = $5, grant_mac = $6
         where project_id = $1 and approval_id = $2";
    REJECTED: writing [TEXTOID, UUIDOID] =
        "update awooop.approval_request set rejected_at = clock_timestamp() where project_id = $1 and approval_id = $2";
}

/// The request that a decision is about, under the locks of its run and its own.
fn locked(caller: &Caller, arguments: &Arguments) -> Outcome<Request> {
    let (project_id, approval_id) = (caller.project_id.as_str(), arguments.uuid("approval_id"));
    let run_id = Request::find(project_id, approval_id)?.run_id;
    runs::lock(project_id, run_id)?;
    Request::lock(project_id, approval_id)
}

/// Refuses a decision that is not the caller's to make.
fn ensure_may_decide(caller: &Caller, request: &Request, arguments: &Arguments) -> Outcome<()> {
    if arguments.optional_text("digest").is_some_and(|seen| seen != request.digest) {
        return fault(ErrorCode::ApprovalChanged);
    }
    let standing = principals::standings(&caller.project_id, std::slice::from_ref(&caller.principal_id))?;
    let Some(standing) = standing.into_iter().next() else { return refuse(ErrorCode::ApprovalRole) };
    if request.own_hands(caller)?.contains(&standing.hand) {
        return refuse(ErrorCode::ApprovalOwn);
    }
    if !request.quorum().admits(&standing.roles) {
        return refuse(Problem::from(ErrorCode::ApprovalRole).with("roles", json!(request.terms.roles)));
    }
    if request.reason_required && arguments.optional_text("reason").is_none() {
        return fault(ErrorCode::ApprovalReason);
    }
    Ok(())
}

/// Ends a request that nobody has decided in time, and says so.
fn ensure_in_time(caller: &Caller, request: &Request) -> Outcome<()> {
    if !request.is_overdue() {
        return Ok(());
    }
    expire::end(caller, request)?;
    refuse(Problem::from(ErrorCode::ApprovalEnded).with("state", RequestState::Expired.as_str()))
}

/// Keeps what the caller has decided, vouched for.
fn append(caller: &Caller, request: &Request, decision: &str, arguments: &Arguments) -> Outcome<()> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    if !request.is_vouched(&caller.project_id, &keyring)? {
        return fault(ErrorCode::ApprovalTampered);
    }
    let Some(signer) = keyring.approval_signer() else { return fault(ErrorCode::ApprovalNoKey) };
    let made = Made {
        decision: decision.to_owned(),
        principal_id: caller.principal_id.clone(),
        credential: contracts::credential_of(caller),
        decided_at: contracts::now(),
        key_id: signer.id.to_owned(),
        mac: Vec::new(),
    };
    let mac = signer.vouch(Vouched::Decision, &request.statement(&made)?);
    let reason = redaction::stored(arguments.optional_text("reason"));
    INSERT.with(|s| {
        s.run(&[
            caller.project_id.as_str().into(),
            pg_uuid(request.approval_id).into(),
            pg_uuid(Uuid::now_v7()).into(),
            made.decision.as_str().into(),
            made.principal_id.as_str().into(),
            made.credential.as_str().into(),
            reason.as_deref().into(),
            made.decided_at.as_str().into(),
            made.key_id.as_str().into(),
            mac.as_slice().into(),
        ])
    })?;
    let action = if decision == "approve" { "approval_given" } else { "approval_rejected" };
    audit::done(caller, action, request.entry().with("reason", reason))
}

fn counted(caller: &Caller, request: &Request) -> Outcome<(Vec<Made>, Tally)> {
    let decisions = request.decisions(&caller.project_id)?;
    // What is counted does not change before this commits: a revocation comes before it, or after it.
    let principals: Vec<String> = decisions.iter().map(|made| made.principal_id.clone()).collect();
    let credentials: Vec<String> = decisions.iter().map(|made| made.credential.clone()).collect();
    contracts::hold_signers(&caller.project_id, principals, credentials)?;
    let tally = request.tally(caller, &decisions)?;
    Ok((decisions, tally))
}

/// Operation `issue_approval`.
pub(crate) fn issue(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let request = locked(caller, arguments)?;
    let (decisions, tally) = counted(caller, &request)?;
    let has_approved =
        decisions.iter().any(|made| made.decision == "approve" && made.principal_id == caller.principal_id);
    match request.state() {
        RequestState::Waiting => {}
        // The answer was lost: whoever has approved gets it again.
        RequestState::Approved | RequestState::Used | RequestState::Lapsed if has_approved => {
            return answer(caller, &request);
        }
        _ => return fault(request.ended()),
    }
    ensure_in_time(caller, &request)?;
    if !request.is_current(&caller.project_id)? {
        return fault(ErrorCode::ApprovalOutdated);
    }
    ensure_may_decide(caller, &request, arguments)?;
    let hand = principals::hands(&caller.project_id, std::slice::from_ref(&caller.principal_id))?;
    let approved: Vec<String> = decisions
        .iter()
        .filter(|made| made.decision == "approve")
        .zip(&tally.discounts)
        .filter(|(_, discount)| discount.is_none())
        .map(|(made, _)| made.principal_id.clone())
        .collect();
    if principals::hands(&caller.project_id, &approved)?.iter().any(|known| hand.contains(known)) {
        let twice = Problem::from(ErrorCode::ApprovalTwice);
        return refuse(twice.with("counted", tally.counted).with("needed", tally.needed));
    }
    append(caller, &request, "approve", arguments)?;
    let (_, tally) = counted(caller, &request)?;
    if tally.is_enough() {
        grant(caller, &request)?;
        runs::resume(caller, request.run_id)?;
        audit::done(caller, "approval_granted", request.entry().with("counted", tally.counted))?;
        channels::tell_of_approval(caller, request.approval_id)?;
    }
    answer(caller, &Request::lock(&caller.project_id, request.approval_id)?)
}

/// Says that enough have agreed, vouched for: whoever writes it into the row by hand has approved nothing.
fn grant(caller: &Caller, request: &Request) -> Outcome<()> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    let Some(signer) = keyring.approval_signer() else { return fault(ErrorCode::ApprovalNoKey) };
    let approved_at = token::now();
    let token_until = approved_at.saturating_add(request.token_seconds.saturating_mul(1_000_000));
    let grant = Grant { approved_at, token_until, key_id: signer.id.to_owned(), mac: Vec::new() };
    let mac = signer.vouch(Vouched::Grant, &request.grant_statement(&grant)?);
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(request.approval_id).into(),
        approved_at.into(),
        token_until.into(),
        signer.id.into(),
        mac.as_slice().into(),
    ];
    APPROVED.with(|s| s.run(&parameters)).map(drop)
}

fn answer(caller: &Caller, request: &Request) -> Outcome<Answer> {
    let token = match request.state() {
        RequestState::Approved => token::mint(caller, request)?,
        _ => None,
    };
    Ok(Answer::ok(json!({"approval": show::of(caller, request)?, "token": token}).to_string()))
}

/// Operation `reject_approval`.
pub(crate) fn reject(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let request = locked(caller, arguments)?;
    match request.state() {
        RequestState::Waiting => {}
        RequestState::Rejected => return answer(caller, &request),
        _ => return fault(request.ended()),
    }
    ensure_in_time(caller, &request)?;
    ensure_may_decide(caller, &request, arguments)?;
    append(caller, &request, "reject", arguments)?;
    let key = [caller.project_id.as_str().into(), pg_uuid(request.approval_id).into()];
    REJECTED.with(|s| s.run(&key))?;
    runs::end_rejected(caller, request.entry(), request.approval_id)?;
    channels::tell_of_approval(caller, request.approval_id)?;
    answer(caller, &Request::lock(&caller.project_id, request.approval_id)?)
}
