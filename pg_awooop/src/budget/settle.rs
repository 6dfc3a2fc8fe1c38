//! Booking what was used. Real usage is always booked: within what is held, else from what is left, else as overrun,
//! which stops the run.

use std::cell::RefCell;
use std::collections::HashMap;

use awooop_policy::argument::Arguments;
use awooop_policy::budget::{Amount, Ceiling, Who};
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::json;
use uuid::Uuid;

use super::amounts::{self, Priced};
use super::calls::{self, Call};
use super::chunk::{self, Cause};
use super::escrow::{self, Escrow, OfRun};
use super::guard::own;
use super::ledger::{self, Act, Entry, optional_at};
use super::switches;
use super::terms::{self, at};
use crate::caller::Caller;
use crate::contracts::active::{self, Licence};
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault, refuse};
use crate::runs::{self, Held};
use crate::statement::{column, pg_uuid, statements};
use crate::subtransaction::attempt;

statements! {
    // A charge that fits: one row of its own changes, and one is appended. The lease's row is only read: whoever takes the
    // lease away shuts it out at the escrow as well.
    CHARGE: writing [TEXTOID, UUIDOID, INT4OID, BYTEAOID, INT8OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID,
                     INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID] =
        "with charged as (
             update awooop.budget_escrow e
             set spent_tokens = e.spent_tokens + $5, spent_micro_usd = e.spent_micro_usd + $6, entries = e.entries + 1
             from awooop.run_lease l
             where e.project_id = $1 and e.escrow_id = $2 and e.closed_at is null and e.fence <= $3
               and e.granted_tokens - e.spent_tokens - e.reserved_tokens >= $5
               and e.granted_micro_usd - e.spent_micro_usd - e.reserved_micro_usd >= $6
               and l.project_id = $1 and l.run_id = $2 and l.epoch = $3 and l.digest = $4
               and l.closed_at is null and l.expires_at > $9
             returning e.opened_at, e.entries, e.agent_id, e.platform_subject_id, e.trace_id, e.window_at
         ), booked as (
             insert into awooop.budget_ledger (project_id, escrow_id, opened_at, seq, entry, run_id, agent_id,
                    platform_subject_id, actor, trace_id, idempotency_key, window_at, recorded_at, tokens, micro_usd,
                    reserved_tokens, reserved_micro_usd, spent_tokens, spent_micro_usd, overrun_tokens,
                    overrun_micro_usd, model, input_tokens, cached_tokens, output_tokens, price_from)
             select $1, $2, c.opened_at, c.entries, 'settle', $2, c.agent_id, c.platform_subject_id, $7, c.trace_id, $8,
                    c.window_at, $9, $5, $6, -$5, -$6, $5, $6, 0, 0, $10, $11, $12, $13, $14
             from charged c
             on conflict do nothing
             returning 1
         )
         select (select count(*) from booked) > 0 from charged";
    BY_KEY: reading [TEXTOID, UUIDOID, TIMESTAMPTZOID, TEXTOID] =
        "select tokens, micro_usd, overrun_tokens, overrun_micro_usd from awooop.budget_ledger
         where project_id = $1 and escrow_id = $2 and opened_at = $3 and idempotency_key = $4";
}

/// What a charge came to.
struct Booked {
    used: Amount,
    overrun: Amount,
}

fn shown(reservation_id: Option<Uuid>, run_id: Option<Uuid>, outcome: &str, booked: &Booked) -> Answer {
    Answer::ok(
        json!({
            "reservation_id": reservation_id, "run_id": run_id, "outcome": outcome, "tokens": booked.used.tokens,
            "micro_usd": booked.used.micro_usd, "overrun": booked.overrun.to_json()
        })
        .to_string(),
    )
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

/// Charges a run.
fn charge(caller: &Caller, run_id: Uuid, lease: &str, priced: &Priced, key: Option<&str>) -> Outcome<Answer> {
    if runs::lease_of(caller, run_id, lease).is_none() {
        return refuse(ErrorCode::RunLease);
    }
    if let Some(answer) = charged_before(caller, run_id, priced, key)? {
        return Ok(answer);
    }
    let booked = Booked { used: priced.amount, overrun: Amount::ZERO };
    match charge_what_fits(caller, run_id, lease, priced, key)? {
        Fast::Charged => return Ok(shown(None, Some(run_id), "charged", &booked)),
        Fast::Before => {
            return charged_before(caller, run_id, priced, key)?.map_or_else(|| fault(ErrorCode::SystemRetry), Ok);
        }
        Fast::DoesNotFit => {}
    }
    let held = runs::hold_for_charge(caller, run_id, lease)?;
    // Whoever was first with the key has committed by now: the run's row is ours, and what it holds, which is all that a
    // charge that fits has locked.
    escrow::lock(&caller.project_id, run_id)?;
    if let Some(answer) = charged_before(caller, run_id, priced, key)? {
        return Ok(answer);
    }
    let booked = book(caller, run_id, &held, Amount::ZERO, None, priced, key)?;
    Ok(shown(None, Some(run_id), "charged", &booked))
}

fn charged_before(caller: &Caller, run_id: Uuid, priced: &Priced, key: Option<&str>) -> Outcome<Option<Answer>> {
    let Some(key) = key else { return Ok(None) };
    let parameters =
        [caller.project_id.as_str().into(), pg_uuid(run_id).into(), at(escrow::made_at(run_id)), key.into()];
    let first = BY_KEY.with(|s| {
        s.row(&parameters, |row| {
            Ok(Booked {
                used: Amount { tokens: column(row, 1)?, micro_usd: column(row, 2)? },
                overrun: Amount { tokens: column(row, 3)?, micro_usd: column(row, 4)? },
            })
        })
    })?;
    match first {
        Some(first) if first.used == priced.amount => Ok(Some(shown(None, Some(run_id), "charged", &first))),
        Some(_) => fault(ErrorCode::BudgetKey),
        None => Ok(None),
    }
}

enum Fast {
    Charged,
    /// Somebody charged with the same key just now.
    Before,
    DoesNotFit,
}

fn charge_what_fits(caller: &Caller, run_id: Uuid, lease: &str, priced: &Priced, key: Option<&str>) -> Outcome<Fast> {
    let Some((epoch, digest)) = runs::lease_of(caller, run_id, lease) else { return refuse(ErrorCode::RunLease) };
    let project_id = caller.project_id.as_str();
    // What is new to this session, cannot be judged or must stop goes the long way.
    if !may_go_on(project_id, run_id, priced)? {
        return Ok(Fast::DoesNotFit);
    }
    let parameters = || {
        [
            project_id.into(),
            pg_uuid(run_id).into(),
            epoch.into(),
            digest.as_bytes().as_slice().into(),
            priced.amount.tokens.into(),
            priced.amount.micro_usd.into(),
            caller.principal_id.as_str().into(),
            key.into(),
            at(terms::now()),
            priced.model.into(),
            priced.usage.map(|usage| usage.input_tokens).into(),
            priced.usage.map(|usage| usage.cached_tokens).into(),
            priced.usage.map(|usage| usage.output_tokens).into(),
            optional_at(priced.price_from),
        ]
    };
    let charge = || Ok::<_, Stop>(own(&CHARGE, &parameters(), |row| column::<bool>(row, 1))?.into_iter().next());
    // Without a key nothing can be there before, and nothing needs undoing.
    let charged = match key {
        None => charge()?,
        Some(_) => {
            let mut before = false;
            let charged = attempt(|| {
                let booked = charge()?;
                before = booked == Some(false);
                Ok(booked.filter(|booked| *booked))
            })?;
            if before {
                return Ok(Fast::Before);
            }
            charged
        }
    };
    Ok(if charged.is_some() { Fast::Charged } else { Fast::DoesNotFit })
}

thread_local! {
    /// Runs that this session has charged: whose they are never changes.
    static CHARGED: RefCell<HashMap<(String, Uuid), RunFacts>> = RefCell::default();
}

/// Runs that a session remembers.
const MOST_RUNS: usize = 4096;

#[derive(Clone)]
struct RunFacts {
    agent_id: String,
    subject_id: String,
    created_under: [Option<Uuid>; 2],
}

/// Whether a run that this session has charged before may go on: no switch stops it, its contracts are in force, and what
/// the charge costs is known where that matters.
fn may_go_on(project_id: &str, run_id: Uuid, priced: &Priced) -> Outcome<bool> {
    let key = (project_id.to_owned(), run_id);
    let Some(facts) = CHARGED.with_borrow(|runs| runs.get(&key).cloned()) else { return Ok(false) };
    let target = run_id.to_string();
    let who = Who { agent_id: &facts.agent_id, subject_id: &facts.subject_id, run_id: Some(&target) };
    Ok(super::reserve::is_priced(project_id, &who, priced)?
        && switches::killed(project_id, &who)?.is_none()
        && active::licence(project_id, &facts.agent_id, facts.created_under)? == Licence::Holds)
}

fn remember(project_id: &str, run_id: Uuid, held: &Held) {
    CHARGED.with_borrow_mut(|runs| {
        if runs.len() >= MOST_RUNS {
            runs.clear();
        }
        let facts = RunFacts {
            agent_id: held.agent_id.clone(),
            subject_id: held.platform_subject_id.clone(),
            created_under: [held.agent_revision_id, held.run_revision_id],
        };
        runs.insert((project_id.to_owned(), run_id), facts);
    });
}

/// Charges a step that a worker records: the run is locked, and its lease holds.
pub(crate) fn charge_step(caller: &Caller, run_id: Uuid, held: &Held, arguments: &Arguments) -> Outcome<()> {
    let named = amounts::named(&caller.project_id, arguments, terms::now())?;
    let Some(priced) = named.filter(|priced| !priced.amount.is_zero()) else { return Ok(()) };
    match charge_what_fits(caller, run_id, arguments.text("lease"), &priced, None)? {
        Fast::DoesNotFit => book(caller, run_id, held, Amount::ZERO, None, &priced, None).map(drop),
        Fast::Charged | Fast::Before => Ok(()),
    }
}

/// Settles a call's reservation.
fn settle_call(caller: &Caller, reservation_id: Uuid, run_id: Uuid, lease: &str, priced: &Priced) -> Outcome<Answer> {
    let held = runs::hold_for_charge(caller, run_id, lease)?;
    // Looked up again: it may have ended while we waited for the run.
    let Some(call) = calls::find(&caller.project_id, reservation_id)? else {
        return fault(ErrorCode::BudgetReservation);
    };
    if let Some(outcome) = &call.outcome {
        return match outcome.as_str() {
            "settled" if call.used == priced.amount => {
                let booked = Booked { used: call.used, overrun: Amount::ZERO };
                Ok(shown(Some(reservation_id), Some(run_id), "settled", &booked))
            }
            _ => fault(Problem::from(ErrorCode::BudgetEnded).with("outcome", outcome.as_str())),
        };
    }
    let booked = book(caller, run_id, &held, call.amount, Some(&call), priced, None)?;
    Ok(shown(Some(reservation_id), Some(run_id), "settled", &booked))
}

/// Books what a run has used, of `reserved` or beyond it. Where no limit has room for all of it, the run ends here and
/// now, with its lease, its calls and what it held.
fn book(
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
    if let Some(outcome) = escrow.outcome.as_deref() {
        return match outcome {
            "settled" if escrow.used() == priced.amount => {
                let booked = Booked { used: escrow.used(), overrun: escrow.overrun };
                Ok(shown(Some(reservation_id), None, "settled", &booked))
            }
            _ => fault(Problem::from(ErrorCode::BudgetEnded).with("outcome", outcome)),
        };
    }
    let target = String::new();
    super::reserve::ensure_priced(caller, &escrow.who(&target), priced)?;
    let booked = spend(caller, &mut escrow, priced, Some(reservation_id), None)?;
    escrow.give_back(caller)?;
    escrow.outcome = Some("settled".to_owned());
    escrow.save(&caller.project_id)?;
    Ok(shown(Some(reservation_id), None, "settled", &booked))
}

/// Operation `release_budget`.
pub(crate) fn release(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let reservation_id = arguments.uuid("reservation_id");
    let project_id = caller.project_id.as_str();
    let nothing = Booked { used: Amount::ZERO, overrun: Amount::ZERO };
    let ended = |outcome: &str, run_id| match outcome {
        "released" => Ok(shown(Some(reservation_id), run_id, "released", &nothing)),
        _ => fault(Problem::from(ErrorCode::BudgetEnded).with("outcome", outcome)),
    };
    let Some(call) = calls::find(project_id, reservation_id)? else {
        if arguments.optional_text("lease").is_some() {
            return fault(ErrorCode::BudgetReservation);
        }
        let mut escrow = own_reservation(caller, reservation_id)?;
        if let Some(outcome) = escrow.outcome.as_deref() {
            return ended(outcome, None);
        }
        escrow.give_back(caller)?;
        escrow.outcome = Some("released".to_owned());
        escrow.save(project_id)?;
        return Ok(shown(Some(reservation_id), None, "released", &nothing));
    };
    let run_id = call.escrow_id;
    runs::hold_for_budget(caller, run_id, arguments.text("lease"))?;
    let Some(call) = calls::find(project_id, reservation_id)? else { return fault(ErrorCode::BudgetReservation) };
    if let Some(outcome) = call.outcome.as_deref() {
        return ended(outcome, Some(run_id));
    }
    let Some(mut escrow) = escrow::lock(project_id, run_id)? else { return fault(ErrorCode::BudgetReservation) };
    calls::close(project_id, reservation_id, "released", Amount::ZERO)?;
    escrow.reserved = escrow.reserved.minus(call.amount);
    let entry = Entry { reservation_id: Some(reservation_id), ..Entry::of(Act::Release, call.amount) };
    ledger::append(caller, &mut escrow, &entry)?;
    escrow.save(project_id)?;
    Ok(shown(Some(reservation_id), Some(run_id), "released", &nothing))
}
