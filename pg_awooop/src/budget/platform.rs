//! The platform's ceiling: all projects together take no more than it, where somebody has set one. An escrow takes from
//! it what it takes from its project's counters, and gives it back with them.
//!
//! What is left lies in pots. Nobody ever waits for a pot: what another's open transaction has taken from is not there, and
//! the others are. Where those that can be had do not make up a need that what is left would have room for, whoever asks
//! gives its own locks back, tries again for a moment, and is then told that it cannot be decided. What is under way is not stopped for that: it is
//! booked as owed. What is left is nobody's business but the operator's: it tells what other tenants spend.

mod settings;
mod windows;

use std::panic::AssertUnwindSafe;

use awooop_policy::budget::pots::{self, Pot};
use awooop_policy::budget::{
    Amount, Bounds, Ceiling, Constraint, Level, Period, UNLIMITED, Unit, Who, lack, room, share, soft_crossed,
};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::transparency::document::rfc3339;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use serde_json::Value;

use super::guard::{own, own_run};
use super::terms::{Terms, Window, at};
use crate::audit::{self, POSTGRES_EPOCH};
use crate::caller::Caller;
use crate::fault::{Outcome, Stop, refuse};
use crate::setting;
use crate::statement::{column, statements};
use crate::subtransaction::attempt;

pub(crate) use windows::maintain;

/// How often somebody who finds pots held tries again, and how long it waits in between, in microseconds.
const TRIES: usize = 20;
const PAUSE: i64 = 25_000;

statements! {
    // One statement: pots and dues of one moment. A window without a pot has no row.
    LOOK: reading [TEXTOID, TIMESTAMPTZOID] =
        "select p.pot, p.tokens, p.micro_usd,
                exists (select from awooop.budget_platform_told t where t.period = $1 and t.window_start = $2),
                w.hard_tokens, w.hard_micro_usd,
                d.tokens, d.micro_usd, d.owed_tokens, d.owed_micro_usd
         from awooop.budget_platform_window w
         join awooop.budget_platform_pot p on p.period = w.period and p.window_start = w.window_start
         cross join lateral (
             select coalesce(sum(d.tokens), 0)::int8 as tokens, coalesce(sum(d.micro_usd), 0)::int8 as micro_usd,
                    coalesce(sum(greatest(d.tokens, 0)), 0)::int8 as owed_tokens,
                    coalesce(sum(greatest(d.micro_usd, 0)), 0)::int8 as owed_micro_usd
             from awooop.budget_platform_due d where d.period = w.period and d.window_start = w.window_start
         ) d
         where w.period = $1 and w.window_start = $2";
    // Those that are taken into account, and no others: more may come at any time.
    TAKE_DUES: writing [TEXTOID, TIMESTAMPTZOID] =
        "with found as (
             select due_id from awooop.budget_platform_due where period = $1 and window_start = $2
             for update skip locked
         )
         delete from awooop.budget_platform_due d using found f
         where d.period = $1 and d.window_start = $2 and d.due_id = f.due_id
         returning d.tokens, d.micro_usd";
    DRAW: writing [TEXTOID, TIMESTAMPTZOID, INT2OID, INT8OID, INT8OID] =
        "with held as (
             select pot from awooop.budget_platform_pot
             where period = $1 and window_start = $2 and pot = $3 and tokens >= $4 and micro_usd >= $5
             for no key update skip locked
         )
         update awooop.budget_platform_pot p set tokens = p.tokens - $4, micro_usd = p.micro_usd - $5
         from held h where p.period = $1 and p.window_start = $2 and p.pot = h.pot
         returning p.pot";
    RETURN: writing [TEXTOID, TIMESTAMPTZOID, INT2OID, INT8OID, INT8OID] =
        "with held as (
             select pot from awooop.budget_platform_pot
             where period = $1 and window_start = $2
             order by pot <> $3, pot for no key update skip locked limit 1
         )
         update awooop.budget_platform_pot p set tokens = p.tokens + $4, micro_usd = p.micro_usd + $5
         from held h where p.period = $1 and p.window_start = $2 and p.pot = h.pot
         returning p.pot";
    TOLD: writing [TEXTOID, TIMESTAMPTZOID] =
        "insert into awooop.budget_platform_told (period, window_start) values ($1, $2) on conflict do nothing
         returning period";
}

/// A ceiling in the window of a time.
struct Held {
    period: Period,
    window: Window,
    bounds: Bounds,
}

/// What a window has, as it was committed.
struct Seen {
    told: bool,
    /// The limit that the window was opened with.
    hard: Amount,
    free: Amount,
    /// Of what is in the pots, what they owe.
    owed: Amount,
    pots: Vec<Pot>,
}

impl Seen {
    fn constraint(&self, held: &Held) -> Constraint {
        Constraint { bounds: held.bounds, used: self.hard.minus(self.free) }
    }
}

/// What is wanted of the ceilings.
pub(super) struct Want<'a> {
    pub(super) who: Who<'a>,
    pub(super) time: i64,
    pub(super) need: Amount,
    pub(super) more: Amount,
    pub(super) ceiling: Ceiling,
    /// What is in flight takes what there is.
    pub(super) partial: bool,
}

impl Held {
    fn key(&self) -> [DatumWithOid<'static>; 2] {
        [self.period.as_str().into(), at(self.window.start)]
    }

    /// What the window has; nothing where nobody has opened it.
    fn look(&self) -> Outcome<Option<Seen>> {
        let rows = LOOK.with(|s| {
            s.rows(&self.key(), |row| {
                let amount =
                    |n| Ok::<_, spi::Error>(Amount { tokens: column(row, n)?, micro_usd: column(row, n + 1)? });
                let pot = Pot { pot: column(row, 1)?, free: amount(2)? };
                Ok((pot, column::<bool>(row, 4)?, amount(5)?, amount(7)?, amount(9)?))
            })
        })?;
        let Some(&(_, told, hard, due, owed)) = rows.first() else { return Ok(None) };
        let pots: Vec<Pot> = rows.iter().map(|(pot, ..)| *pot).collect();
        Ok(Some(Seen { told, hard, free: pots::total(&pots).minus(due), owed, pots }))
    }

    fn lacks(&self, unit: Unit) -> Problem {
        let problem = Problem::from(ErrorCode::BudgetExceeded)
            .with("level", Level::Platform.as_str())
            .with("target", "")
            .with("period", self.period.as_str())
            .with("unit", unit.as_str())
            .with("left", Value::Null);
        let ends = (self.period != Period::Lifetime).then(|| rfc3339(self.window.end + POSTGRES_EPOCH));
        problem.with("resets_at", ends)
    }

    /// Takes the amount, and what is owed, from pots that nobody holds. Within an attempt: a `None` leaves changes and locks
    /// behind.
    fn draw(&self, seen: &Seen, amount: Amount) -> Outcome<Option<()>> {
        let (mut due, mut paid) = (Amount::ZERO, Amount::ZERO);
        let is_enough = amount.fits(pots::total(&seen.pots));
        if !seen.owed.is_zero() || !is_enough {
            for taken in
                own(&TAKE_DUES, &self.key(), |row| Ok(Amount { tokens: column(row, 1)?, micro_usd: column(row, 2)? }))?
            {
                due = due.plus(taken);
                paid = paid.plus(taken.at_least(Amount::ZERO));
            }
        }
        // What somebody else is about to pay must be there as well: perhaps it does not come to that.
        let unpaid = seen.owed.without(paid);
        let mut short = amount.plus(due).plus(unpaid).at_least(Amount::ZERO);
        let surplus = Amount::ZERO.without(amount.plus(due).plus(unpaid));
        for pot in pots::order(&seen.pots, own_pot(), short) {
            let part = short.at_most(pot.free);
            if part.is_zero() {
                continue;
            }
            let [period, start] = self.key();
            let drawn = [period, start, pot.pot.into(), part.tokens.into(), part.micro_usd.into()];
            if own_run(&DRAW, &drawn)? > 0 {
                short = short.minus(part);
            }
            if short.is_zero() {
                break;
            }
        }
        if !short.is_zero() {
            return Ok(None);
        }
        self.put_back(surplus.plus(unpaid)).map(Some)
    }

    /// Puts an amount into a pot that nobody holds; where all are held, they are owed it.
    fn put_back(&self, amount: Amount) -> Outcome<()> {
        if amount.is_zero() {
            return Ok(());
        }
        let [period, start] = self.key();
        let returned = [period, start, own_pot().into(), amount.tokens.into(), amount.micro_usd.into()];
        if own_run(&RETURN, &returned)? == 0 {
            windows::owe(self.period, self.window.start, Amount::ZERO.minus(amount))?;
        }
        Ok(())
    }

    /// Tells, once in a window, that the soft limit is reached. Not what is used: that is other tenants'.
    fn tell(&self, caller: &Caller, who: &Who, seen: &Seen, amount: Amount) -> Outcome<()> {
        if seen.told || !soft_crossed(&seen.constraint(self), amount) {
            return Ok(());
        }
        // Somebody who is telling of it just now has not committed yet: it is told of.
        let told = within("10ms", || attempt(|| Ok((own_run(&TOLD, &self.key())? > 0).then_some(()))))?;
        if told.is_none() {
            return Ok(());
        }
        let entry = audit::Entry {
            agent_id: Some(who.agent_id),
            platform_subject_id: Some(who.subject_id),
            ..audit::Entry::default()
        };
        let entry =
            entry.with("level", Level::Platform.as_str()).with("target", "").with("period", self.period.as_str());
        audit::done(caller, "budget_soft_limit", entry)
    }
}

fn own_pot() -> i16 {
    // SAFETY: reads this process's number.
    let process = unsafe { pg_sys::MyProcPid };
    i16::try_from(process.rem_euclid(i32::from(pots::POTS))).unwrap_or_default()
}

/// The ceilings at a time.
fn held_at(terms: &Terms, time: i64) -> Outcome<Vec<Held>> {
    let held = terms.ceilings.iter().map(|limit| {
        Ok(Held { period: limit.period, window: terms.utc_window(limit.period, time)?, bounds: limit.bounds() })
    });
    held.collect()
}

/// The ceilings at a time with what they have; nothing where one has not been opened.
fn see(terms: &Terms, time: i64) -> Outcome<Option<Vec<(Held, Seen)>>> {
    let mut all = Vec::new();
    for held in held_at(terms, time)? {
        let Some(seen) = held.look()? else { return Ok(None) };
        all.push((held, seen));
    }
    Ok(Some(all))
}

/// Takes the amount from every ceiling, where pots that nobody holds have it. Only within an attempt: a `None` leaves
/// changes and locks behind.
pub(super) fn draw(caller: &Caller, terms: &Terms, who: &Who, time: i64, amount: Amount) -> Outcome<Option<()>> {
    match see(terms, time)? {
        Some(all) => draw_from(&all, caller, who, amount),
        None => Ok(None),
    }
}

fn draw_from(all: &[(Held, Seen)], caller: &Caller, who: &Who, amount: Amount) -> Outcome<Option<()>> {
    for (held, seen) in all {
        let fits = lack(&[seen.constraint(held)], amount, Ceiling::Admission).is_none();
        if !fits || held.draw(seen, amount)?.is_none() {
            return Ok(None);
        }
        held.tell(caller, who, seen, amount)?;
    }
    Ok(Some(()))
}

/// Takes the need, and more where there is plenty, from every ceiling. What does not fit is refused, or, where the want is
/// partial, comes to what there is.
pub(super) fn take(caller: &Caller, terms: &Terms, want: &Want) -> Outcome<Amount> {
    if terms.ceilings.is_empty() {
        return Ok(want.need.plus(want.more));
    }
    match want.ceiling {
        Ceiling::Admission => admit(caller, terms, want),
        Ceiling::Flight => keep_flying(caller, terms, want),
    }
}

fn admit(caller: &Caller, terms: &Terms, want: &Want) -> Outcome<Amount> {
    // Looked at before anything is attempted: a subtransaction that has not written yet sees what the statement began with.
    if let Some(all) = see(terms, want.time)? {
        let constraints: Vec<Constraint> = all.iter().map(|(held, seen)| seen.constraint(held)).collect();
        if let Some(lack) = lack(&constraints, want.need, Ceiling::Admission) {
            return refuse(all[lack.at].0.lacks(lack.unit));
        }
        let spare = room(&constraints, Ceiling::Admission).without(want.need);
        let plenty = want.need.plus(want.more.at_most(share(spare, 4 * i64::from(pots::POTS))));
        for amount in [plenty, want.need] {
            if attempt(|| draw_from(&all, caller, &want.who, amount))?.is_some() {
                return Ok(amount);
            }
        }
    }
    refuse(Problem::from(ErrorCode::BudgetUndecided).with("level", Level::Platform.as_str()))
}

/// Does it again, for a moment, where it cannot be decided. In between nothing of it is held: it is an attempt.
pub(super) fn patiently<T>(work: impl Fn() -> Outcome<Option<T>>) -> Outcome<Option<T>> {
    for _ in 1..TRIES {
        match attempt(&work) {
            Err(Stop::Refused(problem)) if problem.code == ErrorCode::BudgetUndecided => pause(),
            decided => return decided,
        }
    }
    attempt(&work)
}

/// Does something that may have to wait for a lock, for so long at most; nothing where that was too short, and nothing of it
/// is left.
fn within<T>(time: &str, work: impl FnOnce() -> Outcome<Option<T>>) -> Outcome<Option<T>> {
    let time = std::ffi::CString::new(time).unwrap_or_default();
    setting::during(c"lock_timeout", &time, || {
        // The attempt in it was undone before the error came here.
        PgTryBuilder::new(AssertUnwindSafe(work))
            .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, |_| Ok(None))
            .execute()
    })
}

/// What is under way: within the burst it goes on, whoever holds the pots; what cannot be drawn is owed. Of a window that
/// nobody has opened everything is counted when it is.
fn keep_flying(caller: &Caller, terms: &Terms, want: &Want) -> Outcome<Amount> {
    let mut all = Vec::new();
    for held in held_at(terms, want.time)? {
        let seen = held.look()?;
        all.extend(seen.map(|seen| (held, seen)));
    }
    let constraints: Vec<Constraint> = all.iter().map(|(held, seen)| seen.constraint(held)).collect();
    if !want.partial
        && let Some(lack) = lack(&constraints, want.need, Ceiling::Flight)
    {
        return refuse(all[lack.at].0.lacks(lack.unit));
    }
    let amount = want.need.at_most(room(&constraints, Ceiling::Flight));
    for (held, seen) in &all {
        if attempt(|| held.draw(seen, amount))?.is_none() {
            held.owe(amount)?;
        }
        held.tell(caller, &want.who, seen, amount)?;
    }
    Ok(amount)
}

impl Held {
    fn owe(&self, amount: Amount) -> Outcome<()> {
        windows::owe(self.period, self.window.start, amount)
    }
}

fn pause() {
    pgrx::check_for_interrupts!();
    // SAFETY: sleeps.
    unsafe { pg_sys::pg_usleep(PAUSE) };
}

/// Gives back what was taken at `time`.
pub(super) fn give_back(terms: &Terms, time: i64, amount: Amount) -> Outcome<()> {
    for held in held_at(terms, time)? {
        held.put_back(amount)?;
    }
    Ok(())
}

/// Counts what was used without having been taken.
pub(super) fn overrun(terms: &Terms, time: i64, amount: Amount) -> Outcome<()> {
    for held in held_at(terms, time)? {
        held.owe(amount)?;
    }
    Ok(())
}

/// Whether any of the ceilings is one of money.
pub(super) fn limits_money(terms: &Terms) -> bool {
    terms.ceilings.iter().any(|limit| limit.hard_micro_usd.is_some())
}

/// Refuses work where a ceiling has nothing left, by what has been committed.
pub(super) fn ensure_something_left(terms: &Terms, time: i64) -> Outcome<()> {
    for held in held_at(terms, time)? {
        let Some(seen) = held.look()? else { continue };
        let one = Amount::by(|unit| i64::from(held.bounds.hard.of(unit) < UNLIMITED));
        if let Some(lack) = lack(&[seen.constraint(&held)], one, Ceiling::Admission) {
            return refuse(held.lacks(lack.unit));
        }
    }
    Ok(())
}
