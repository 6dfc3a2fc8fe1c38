//! Booking what was used. Real usage is always booked: within what is held, else from what is left, else as overrun,
//! which stops the run.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::{Amount, Ceiling, Who};
use awooop_policy::error::{ErrorCode, Problem};
use serde::Serialize;
use uuid::Uuid;

use super::amounts::{self, Priced};
use super::calls::{self, Call};
use super::charge::{charge, remember};
use super::chunk::{self, Cause};
use super::escrow::{self, Escrow, OfRun};
use super::ledger::{self, Act, Entry};
use super::switches;
use super::terms;
use super::tools;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault};
use crate::runs::{self, Held};

/// What a charge came to.
pub(super) struct Booked {
    pub(super) used: Amount,
    pub(super) overrun: Amount,
}

#[derive(Serialize)]
struct Shown<'a> {
    reservation_id: Option<Uuid>,
    run_id: Option<Uuid>,
    outcome: &'a str,
    tokens: i64,
    micro_usd: i64,
    overrun: ShownAmount,
}

#[derive(Serialize)]
struct ShownAmount {
    tokens: i64,
    micro_usd: i64,
}

pub(super) fn shown(
    reservation_id: Option<Uuid>,
    run_id: Option<Uuid>,
    outcome: &str,
    booked: &Booked,
) -> Outcome<Answer> {
    let Amount { tokens, micro_usd } = booked.used;
    let overrun = ShownAmount { tokens: booked.overrun.tokens, micro_usd: booked.overrun.micro_usd };
    let shown = Shown { reservation_id, run_id, outcome, tokens, micro_usd, overrun };
    Ok(Answer::ok(serde_json::to_string(&shown)?))
}

/// Operation `settle_budget`.
pub(crate) fn settle(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let named = amounts::named(project_id, arguments, terms::now())?;
    let (reservation_id, run_id) = (arguments.optional_uuid("reservation_id"), arguments.optional_uuid("run_id"));
    let Some(priced) = named else {
        return fault(Problem::from(ErrorCode::BudgetAmount).with("expected", "tokens, micro_usd or usage"));
    };
    let lease = arguments.text("lease");
    match (reservation_id, run_id) {
        (Some(reservation_id), run_id) => match calls::find(project_id, reservation_id)? {
            Some(call) if run_id.is_none_or(|run_id| run_id == call.escrow_id) => {
                settle_call(caller, reservation_id, call.escrow_id, lease, &priced)
            }
            // A lease is a right in its run, and none outside of it.
            None if run_id.is_none() && lease.is_empty() => settle_outside(caller, reservation_id, &priced),
            _ => fault(ErrorCode::BudgetReservation),
        },
        (None, Some(run_id)) => charge(caller, run_id, lease, &priced, arguments.optional_text("idempotency_key")),
        (None, None) => fault(Problem::from(ErrorCode::InputMissing).with("argument", "reservation_id or run_id")),
    }
}

/// Settles a call's reservation.
fn settle_call(caller: &Caller, reservation_id: Uuid, run_id: Uuid, lease: &str, priced: &Priced) -> Outcome<Answer> {
    let held = runs::hold_for_charge(caller, run_id, lease)?;
    // Looked up again: it may have ended while we waited for the run.
    let Some(call) = calls::find(&caller.project_id, reservation_id)? else {
        return fault(ErrorCode::BudgetReservation);
    };
    ensure_callers(&call.kind)?;
    if let Some(outcome) = &call.outcome {
        return match outcome.as_str() {
            "settled" if call.used == priced.amount => {
                let booked = Booked { used: call.used, overrun: Amount::ZERO };
                shown(Some(reservation_id), Some(run_id), "settled", &booked)
            }
            _ => fault(Problem::from(ErrorCode::BudgetEnded).with("outcome", outcome.as_str())),
        };
    }
    let booked = book(caller, run_id, &held, call.amount, Some(&call), priced, None)?;
    shown(Some(reservation_id), Some(run_id), "settled", &booked)
}

/// Books what a run has used, of `reserved` or beyond it. Where no limit has room for all of it, the run ends here and
/// now, with its lease, its calls and what it held.
pub(super) fn book(
    caller: &Caller,
    run_id: Uuid,
    held: &Held,
    reserved: Amount,
    call: Option<&Call>,
    priced: &Priced,
    key: Option<&str>,
) -> Outcome<Booked> {
    let target = run_id.to_string();
    let who = Who { agent_id: &held.agent_id, subject_id: &held.platform_subject_id, run_id: Some(&target) };
    super::reserve::ensure_priced(caller, &who, priced)?;
    let of_run = OfRun {
        run_id,
        agent_id: &held.agent_id,
        platform_subject_id: &held.platform_subject_id,
        trace_id: &held.trace_id,
    };
    let mut escrow = escrow::of_run(caller, &of_run)?;
    escrow.reserved = escrow.reserved.minus(reserved);
    let reservation_id = call.map(|call| call.reservation_id);
    let booked = spend(caller, &mut escrow, priced, reservation_id, key)?;
    if let Some(reservation_id) = reservation_id {
        calls::close(&caller.project_id, reservation_id, "settled", priced.amount)?;
    }
    escrow.save(&caller.project_id)?;
    remember(&caller.project_id, run_id, held);
    if !booked.overrun.is_zero() {
        let problem = Problem::from(ErrorCode::BudgetOverrun)
            .with("used", booked.used.to_json())
            .with("overrun", booked.overrun.to_json());
        runs::stop(caller, held.entry(run_id), &problem)?;
        return Err(Stop::Refused(problem));
    }
    if let Some(problem) = switches::killed(&caller.project_id, &who)? {
        runs::stop(caller, held.entry(run_id), &problem)?;
        return Err(Stop::Refused(problem));
    }
    runs::ensure_licensed(caller, run_id, held)?;
    Ok(booked)
}

/// Books usage in an escrow, whose row is not saved yet.
fn spend(
    caller: &Caller,
    escrow: &mut Escrow,
    priced: &Priced,
    reservation_id: Option<Uuid>,
    key: Option<&str>,
) -> Outcome<Booked> {
    let used = priced.amount;
    let beyond = match chunk::top_up(caller, escrow, used, Ceiling::Flight, Cause::Used) {
        Ok(()) => None,
        Err(Stop::Refused(problem)) if problem.code == ErrorCode::BudgetExceeded => {
            Some(chunk::take_what_is_left(caller, escrow, used)?)
        }
        Err(stop) => return Err(stop),
    };
    let (of_now, over) = beyond.as_ref().map_or((Amount::ZERO, Amount::ZERO), |beyond| (beyond.of_now, beyond.overrun));
    let within = used.minus(of_now).minus(over);
    let entry = Entry {
        reserved: Amount::ZERO.minus(within),
        spent: within,
        reservation_id,
        idempotency_key: key,
        priced: Some(priced),
        ..Entry::of(Act::Settle, used)
    };
    // What is not in the grant counts in the windows of now, and has an entry of its own where those are others.
    match beyond.filter(|beyond| beyond.window_at != escrow.window_at) {
        Some(beyond) => {
            ledger::append(caller, escrow, &entry)?;
            let entry = Entry {
                spent: of_now,
                overrun: over,
                reservation_id,
                window_at: Some(beyond.window_at),
                ..Entry::of(Act::Settle, Amount::ZERO)
            };
            ledger::append(caller, escrow, &entry)?;
        }
        None => ledger::append(caller, escrow, &Entry { overrun: over, ..entry })?,
    }
    escrow.spent = escrow.spent.plus(within);
    escrow.booked = escrow.booked.plus(of_now);
    escrow.overrun = escrow.overrun.plus(over);
    Ok(Booked { used, overrun: over })
}

/// Refuses what the end of a tool's call ends: whoever may spend could book less for it than it costs.
fn ensure_callers(kind: &str) -> Outcome<()> {
    match kind {
        tools::KIND => fault(Problem::from(ErrorCode::BudgetUnderWay).with("ends_with", "mcp_finish_call")),
        _ => Ok(()),
    }
}

/// The caller's reservation outside of a run, under lock.
fn own_reservation(caller: &Caller, reservation_id: Uuid) -> Outcome<Escrow> {
    let found = escrow::lock(&caller.project_id, reservation_id)?;
    // Somebody else's is as unknown as none.
    match found.filter(|escrow| escrow.run_id.is_none() && escrow.principal_id == caller.principal_id) {
        Some(escrow) => Ok(escrow),
        None => fault(ErrorCode::BudgetReservation),
    }
}

fn settle_outside(caller: &Caller, reservation_id: Uuid, priced: &Priced) -> Outcome<Answer> {
    let mut escrow = own_reservation(caller, reservation_id)?;
    ensure_callers(&escrow.kind)?;
    if let Some(outcome) = escrow.outcome.as_deref() {
        return match outcome {
            "settled" if escrow.used() == priced.amount => {
                let booked = Booked { used: escrow.used(), overrun: escrow.overrun };
                shown(Some(reservation_id), None, "settled", &booked)
            }
            _ => fault(Problem::from(ErrorCode::BudgetEnded).with("outcome", outcome)),
        };
    }
    let booked = settle_open(caller, &mut escrow, priced)?;
    shown(Some(reservation_id), None, "settled", &booked)
}

/// What was booked of the caller's reservation outside of a run, where it has ended.
pub(super) fn ended_outside(caller: &Caller, reservation_id: Uuid) -> Outcome<Option<Amount>> {
    let escrow = own_reservation(caller, reservation_id)?;
    Ok(escrow.outcome.is_some().then(|| escrow.used()))
}

/// The same for whoever does not ask how it had ended, where it had: then it was booked whole.
pub(super) fn settle_if_open(caller: &Caller, reservation_id: Uuid, priced: &Priced) -> Outcome<()> {
    let mut escrow = own_reservation(caller, reservation_id)?;
    if escrow.outcome.is_none() {
        settle_open(caller, &mut escrow, priced)?;
    }
    Ok(())
}

fn settle_open(caller: &Caller, escrow: &mut Escrow, priced: &Priced) -> Outcome<Booked> {
    let (target, reservation_id) = (String::new(), escrow.escrow_id);
    super::reserve::ensure_priced(caller, &escrow.who(&target), priced)?;
    let booked = spend(caller, escrow, priced, Some(reservation_id), None)?;
    escrow.give_back(caller)?;
    escrow.outcome = Some("settled".to_owned());
    escrow.save(&caller.project_id)?;
    Ok(booked)
}

/// Operation `release_budget`.
pub(crate) fn release(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let reservation_id = arguments.uuid("reservation_id");
    let project_id = caller.project_id.as_str();
    let nothing = Booked { used: Amount::ZERO, overrun: Amount::ZERO };
    let ended = |outcome: &str, run_id| match outcome {
        "released" => shown(Some(reservation_id), run_id, "released", &nothing),
        _ => fault(Problem::from(ErrorCode::BudgetEnded).with("outcome", outcome)),
    };
    let Some(call) = calls::find(project_id, reservation_id)? else {
        if arguments.optional_text("lease").is_some() {
            return fault(ErrorCode::BudgetReservation);
        }
        ensure_callers(&own_reservation(caller, reservation_id)?.kind)?;
        return match release_outside(caller, reservation_id)?.as_deref() {
            Some(outcome) => ended(outcome, None),
            None => shown(Some(reservation_id), None, "released", &nothing),
        };
    };
    let run_id = call.escrow_id;
    runs::hold_for_budget(caller, run_id, arguments.text("lease"))?;
    ensure_callers(&call.kind)?;
    match release_in_run(caller, reservation_id, run_id)?.as_deref() {
        Some(outcome) => ended(outcome, Some(run_id)),
        None => shown(Some(reservation_id), Some(run_id), "released", &nothing),
    }
}

/// Gives a reservation outside of a run back; how it had ended, where it had.
pub(super) fn release_outside(caller: &Caller, reservation_id: Uuid) -> Outcome<Option<String>> {
    let mut escrow = own_reservation(caller, reservation_id)?;
    if escrow.outcome.is_some() {
        return Ok(escrow.outcome);
    }
    escrow.give_back(caller)?;
    escrow.outcome = Some("released".to_owned());
    escrow.save(&caller.project_id)?;
    Ok(None)
}

/// The same within a run that is held.
pub(super) fn release_in_run(caller: &Caller, reservation_id: Uuid, run_id: Uuid) -> Outcome<Option<String>> {
    let project_id = caller.project_id.as_str();
    let Some(call) = calls::find(project_id, reservation_id)? else { return fault(ErrorCode::BudgetReservation) };
    if call.outcome.is_some() {
        return Ok(call.outcome);
    }
    let Some(mut escrow) = escrow::lock(project_id, run_id)? else { return fault(ErrorCode::BudgetReservation) };
    calls::close(project_id, reservation_id, "released", Amount::ZERO)?;
    escrow.reserved = escrow.reserved.minus(call.amount);
    let entry = Entry { reservation_id: Some(reservation_id), ..Entry::of(Act::Release, call.amount) };
    ledger::append(caller, &mut escrow, &entry)?;
    escrow.save(project_id)?;
    Ok(None)
}
