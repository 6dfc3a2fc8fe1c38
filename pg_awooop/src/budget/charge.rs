//! Charging a run: what its own row has free is spent there and then, by one statement; everything else goes the long way.

use std::cell::RefCell;
use std::collections::HashMap;

use awooop_policy::argument::Arguments;
use awooop_policy::budget::{Amount, Who};
use awooop_policy::error::ErrorCode;
use uuid::Uuid;

use super::amounts::{self, Priced};
use super::escrow;
use super::guard::own_run;
use super::ledger::optional_at;
use super::reserve::{ensure_priced, is_priced};
use super::settle::{Booked, book, shown};
use super::switches;
use super::terms::{self, at};
use crate::caller::Caller;
use crate::contracts::active::{self, Licence};
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::runs::{self, Held};
use crate::statement::{column, pg_uuid, statements};
use crate::subtransaction::attempt;

/// A charge that fits: one row of its own changes, and one is appended. The lease's row is only read: whoever takes the
/// lease away shuts it out at the escrow as well. Where the run is locked, and its lease is known to hold, not even that.
///
/// The insertion is the statement itself and returns nothing, because a charge is hardly more than what starting an
/// executor costs: a node for its rows and a second look by the policies are a tenth of it.
macro_rules! charge {
    ($lease:literal, $and:literal, $key:literal) => {
        concat!(
            "with charged as (
                 update awooop.budget_escrow e
                 set spent_tokens = e.spent_tokens + $5, spent_micro_usd = e.spent_micro_usd + $6, entries = e.entries + 1
                 ",
            $lease,
            "
                 where e.project_id = $1 and e.escrow_id = $2 and e.closed_at is null and e.fence <= $3
                   and e.granted_tokens - e.spent_tokens - e.reserved_tokens >= $5
                   and e.granted_micro_usd - e.spent_micro_usd - e.reserved_micro_usd >= $6
                   ",
            $and,
            "
                 returning e.opened_at, e.entries, e.agent_id, e.platform_subject_id, e.trace_id, e.window_at
             )
             insert into awooop.budget_ledger (project_id, escrow_id, opened_at, seq, entry, run_id, agent_id,
                    platform_subject_id, actor, trace_id, window_at, recorded_at, tokens, micro_usd, reserved_tokens,
                    reserved_micro_usd, spent_tokens, spent_micro_usd, overrun_tokens, overrun_micro_usd, model,
                    input_tokens, cached_tokens, output_tokens, price_from, idempotency_key)
             select $1, $2, c.opened_at, c.entries, 'settle', $2, c.agent_id, c.platform_subject_id, $7, c.trace_id,
                    c.window_at, $8, $5, $6, -$5, -$6, $5, $6, 0, 0, $9, $10, $11, $12, $13, ",
            $key,
            " from charged c"
        )
    };
    (under lease, $key:literal) => {
        charge!(
            "from awooop.run_lease l",
            "and l.project_id = $1 and l.run_id = $2 and l.epoch = $3 and l.digest = $4 and l.closed_at is null
             and l.expires_at > $8",
            $key
        )
    };
}

statements! {
    CHARGE: writing [TEXTOID, UUIDOID, INT4OID, BYTEAOID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT8OID,
                     INT8OID, INT8OID, TIMESTAMPTZOID] = charge!(under lease, "null");
    // Nothing is appended where somebody has charged with the same key, and what was charged has to be undone.
    CHARGE_ONCE: writing [TEXTOID, UUIDOID, INT4OID, BYTEAOID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT8OID,
                          INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID] =
        concat!(charge!(under lease, "$14"), " on conflict do nothing");
    CHARGE_HELD: writing [TEXTOID, UUIDOID, INT4OID, BYTEAOID, INT8OID, INT8OID, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT8OID,
                          INT8OID, INT8OID, TIMESTAMPTZOID] = charge!("", "", "null");
    BY_KEY: reading [TEXTOID, UUIDOID, TIMESTAMPTZOID, TEXTOID] =
        "select tokens, micro_usd, overrun_tokens, overrun_micro_usd from awooop.budget_ledger
         where project_id = $1 and escrow_id = $2 and opened_at = $3 and idempotency_key = $4
           and entry <> 'reserve'";
}

/// Charges a run.
pub(super) fn charge(
    caller: &Caller,
    run_id: Uuid,
    lease: &str,
    priced: &Priced,
    key: Option<&str>,
) -> Outcome<Answer> {
    if runs::lease_of(caller, run_id, lease).is_none() {
        return refuse(ErrorCode::RunLease);
    }
    let booked = Booked { used: priced.amount, overrun: Amount::ZERO };
    if charge_what_fits(caller, run_id, lease, priced, key.map_or(Way::Lease, Way::Once))? {
        return shown(None, Some(run_id), "charged", &booked);
    }
    let held = runs::hold_for_charge(caller, run_id, lease)?;
    // A charge that was sent before is looked for here and not sooner: who has no lease, or lost it to that very charge, is
    // told so. Whoever was first with the key has committed by now: the run's row is ours, and what it holds, which is all
    // that a charge that fits has locked.
    escrow::lock(&caller.project_id, run_id)?;
    if let Some(answer) = charged_before(caller, run_id, priced, key)? {
        return Ok(answer);
    }
    let booked = book(caller, run_id, &held, Amount::ZERO, None, priced, key)?;
    shown(None, Some(run_id), "charged", &booked)
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
        Some(first) if first.used == priced.amount => shown(None, Some(run_id), "charged", &first).map(Some),
        Some(_) => fault(ErrorCode::BudgetKey),
        None => Ok(None),
    }
}

/// How a charge is proven.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// By the lease,
    Lease,
    /// and once, by its key.
    Once(&'a str),
    /// The run is locked, and its lease holds.
    Held,
}

/// Charges a run by what its own row has free. Not so where that is not enough, and where somebody has charged with the same
/// key just now.
fn charge_what_fits(caller: &Caller, run_id: Uuid, lease: &str, priced: &Priced, way: Way) -> Outcome<bool> {
    let Some((epoch, digest)) = runs::lease_of(caller, run_id, lease) else { return refuse(ErrorCode::RunLease) };
    let project_id = caller.project_id.as_str();
    // What is new to this session, cannot be judged or must stop goes the long way.
    if !may_go_on(project_id, run_id, priced)? {
        return Ok(false);
    }
    let usage = priced.usage;
    let parameters = [
        project_id.into(),
        pg_uuid(run_id).into(),
        epoch.into(),
        digest.as_bytes().as_slice().into(),
        priced.amount.tokens.into(),
        priced.amount.micro_usd.into(),
        caller.principal_id.as_str().into(),
        at(terms::now()),
        priced.model.into(),
        usage.map(|usage| usage.input_tokens).into(),
        usage.map(|usage| usage.cached_tokens).into(),
        usage.map(|usage| usage.output_tokens).into(),
        optional_at(priced.price_from),
    ];
    match way {
        Way::Lease => Ok(own_run(&CHARGE, &parameters)? > 0),
        Way::Held => Ok(own_run(&CHARGE_HELD, &parameters)? > 0),
        Way::Once(key) => {
            let mut parameters = Vec::from(parameters);
            parameters.push(key.into());
            Ok(attempt(|| Ok((own_run(&CHARGE_ONCE, &parameters)? > 0).then_some(())))?.is_some())
        }
    }
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
    Ok(is_priced(project_id, &who, priced)?
        && switches::killed(project_id, &who)?.is_none()
        && active::licence(project_id, &facts.agent_id, facts.created_under)? == Licence::Holds)
}

pub(super) fn remember(project_id: &str, run_id: Uuid, held: &Held) {
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

/// What a step that a worker records has used. What nobody has named the price of is refused before the step is recorded: one
/// that is recorded is not charged when it is sent again.
pub(crate) fn used_by_step<'a>(
    caller: &Caller,
    run_id: Uuid,
    held: &Held,
    arguments: &'a Arguments,
) -> Outcome<Option<Priced<'a>>> {
    let named = amounts::named(&caller.project_id, arguments, terms::now())?;
    let Some(priced) = named.filter(|priced| !priced.amount.is_zero()) else { return Ok(None) };
    let target = run_id.to_string();
    let who = Who { agent_id: &held.agent_id, subject_id: &held.platform_subject_id, run_id: Some(&target) };
    ensure_priced(caller, &who, &priced)?;
    Ok(Some(priced))
}

/// Charges the step: the run is locked, and its lease holds.
pub(crate) fn charge_step(caller: &Caller, run_id: Uuid, held: &Held, lease: &str, priced: &Priced) -> Outcome<()> {
    if charge_what_fits(caller, run_id, lease, priced, Way::Held)? {
        return Ok(());
    }
    book(caller, run_id, held, Amount::ZERO, None, priced, None).map(drop)
}
