//! The windows of a ceiling. One is opened ahead, empty of use; one that is missing is counted from the ledgers of all
//! projects, while nothing of theirs changes. Tenants open none: an opening that they left open others would wait for.

use awooop_policy::budget::pots::{self, Pot};
use awooop_policy::budget::{Amount, Level, Period};
use awooop_policy::error::ErrorCode;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use super::{TAKE_DUES, held_at, pause, within};
use crate::budget::guard::{own, own_run};
use crate::budget::openings;
use crate::budget::sight::Sight;
use crate::budget::terms::{self, Terms, Window, at};
use crate::fault::{Outcome, fault, or_raise};
use crate::statement::{column, pg_uuid, statements};
use crate::subtransaction::attempt;
use crate::tenant;

/// Windows are kept as long as a run may give back to them, and a day more.
const KEPT_DAYS: i32 = 8;

statements! {
    OPEN: writing [TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID] =
        "insert into awooop.budget_platform_window (period, window_start, window_end, hard_tokens, hard_micro_usd)
         values ($1, $2, $3, $4, $5) on conflict do nothing returning period";
    FILL: writing [TEXTOID, TIMESTAMPTZOID, INT2ARRAYOID, INT8ARRAYOID, INT8ARRAYOID] =
        "insert into awooop.budget_platform_pot (period, window_start, pot, tokens, micro_usd)
         select $1, $2, p.pot, p.tokens, p.micro_usd from unnest($3, $4, $5) p (pot, tokens, micro_usd)";
    // Not to a window that nobody has opened, or that is forgotten: nothing is counted there.
    OWE: writing [TEXTOID, TIMESTAMPTZOID, UUIDOID, INT8OID, INT8OID] =
        "insert into awooop.budget_platform_due (period, window_start, due_id, tokens, micro_usd)
         select w.period, w.window_start, $3, $4, $5 from awooop.budget_platform_window w
         where w.period = $1 and w.window_start = $2";
    IS_OPEN: reading [TEXTOID, TIMESTAMPTZOID] =
        "select exists (select from awooop.budget_platform_window where period = $1 and window_start = $2)";
    FORGOTTEN: writing [INT4OID] =
        "select period, (extract(epoch from window_start - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8
         from awooop.budget_platform_window
         where window_end < clock_timestamp() - $1 * interval '1 day' for update skip locked";
    LOCK_POTS: writing [TEXTOID, TIMESTAMPTZOID] =
        "select pot from awooop.budget_platform_pot where period = $1 and window_start = $2 for update skip locked";
    CLOSE: writing [TEXTOID, TIMESTAMPTZOID] =
        "with pots as (delete from awooop.budget_platform_pot where period = $1 and window_start = $2),
              told as (delete from awooop.budget_platform_told where period = $1 and window_start = $2),
              dues as (delete from awooop.budget_platform_due where period = $1 and window_start = $2)
         delete from awooop.budget_platform_window where period = $1 and window_start = $2";
    CLOSE_ALL: writing [TEXTOID] =
        "with pots as (delete from awooop.budget_platform_pot where period = $1),
              told as (delete from awooop.budget_platform_told where period = $1),
              dues as (delete from awooop.budget_platform_due where period = $1)
         delete from awooop.budget_platform_window where period = $1";
    OPENED: reading [TEXTOID] =
        "select (extract(epoch from window_start - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8,
                hard_tokens, hard_micro_usd
         from awooop.budget_platform_window where period = $1";
    // Of those that nobody holds.
    GATHER: writing [TEXTOID, TIMESTAMPTZOID] =
        "select pot, tokens, micro_usd from awooop.budget_platform_pot where period = $1 and window_start = $2
         order by pot for no key update skip locked";
    LEVEL: writing [TEXTOID, TIMESTAMPTZOID, INT2ARRAYOID, INT8ARRAYOID, INT8ARRAYOID] =
        "update awooop.budget_platform_pot t set tokens = p.tokens, micro_usd = p.micro_usd
         from unnest($3, $4, $5) p (pot, tokens, micro_usd)
         where t.period = $1 and t.window_start = $2 and t.pot = p.pot";
    SET_HARD: writing [TEXTOID, INT8OID, INT8OID] =
        "update awooop.budget_platform_window set hard_tokens = $2, hard_micro_usd = $3 where period = $1";
    // One at a time opens windows or changes their limit. Tenants' locks are no matter for it.
    ONE_AT_A_TIME: writing [] = "lock table awooop.budget_platform_window in share update exclusive mode";
    // Nobody begins to spend meanwhile: who has no counters yet takes this lock before it makes them.
    NOBODY_BEGINS: writing [] = "lock table awooop.budget_platform in exclusive mode";
    SPENDERS: reading [] = "select s.project_id from awooop.spending_projects() s";
}

fn key(period: Period, start: i64) -> [DatumWithOid<'static>; 2] {
    [period.as_str().into(), at(start)]
}

/// Opens a window of which `taken` is used already. One that is there stays as it is.
fn open(period: Period, window: Window, hard: Amount, taken: Amount) -> Outcome<()> {
    let [a, b] = key(period, window.start);
    if own_run(&OPEN, &[a, b, at(window.end), hard.tokens.into(), hard.micro_usd.into()])? == 0 {
        return Ok(());
    }
    let left = hard.minus(taken);
    own_run(&FILL, &filled(period, window.start, &pots::fresh(left.at_least(Amount::ZERO))))?;
    owe(period, window.start, Amount::ZERO.without(left))
}

fn filled(period: Period, start: i64, pots: &[Pot]) -> [DatumWithOid<'static>; 5] {
    let [a, b] = key(period, start);
    [
        a,
        b,
        pots.iter().map(|pot| pot.pot).collect::<Vec<i16>>().into(),
        pots.iter().map(|pot| pot.free.tokens).collect::<Vec<i64>>().into(),
        pots.iter().map(|pot| pot.free.micro_usd).collect::<Vec<i64>>().into(),
    ]
}

/// Puts `more` into the pots that nobody holds (below nothing: takes it out), with what is owed to them and by them, and
/// levels them. What they do not have is owed.
fn level(period: Period, start: i64, more: Amount) -> Outcome<()> {
    let pots = own(&GATHER, &key(period, start), |row| {
        Ok(Pot { pot: column(row, 1)?, free: Amount { tokens: column(row, 2)?, micro_usd: column(row, 3)? } })
    })?;
    if pots.is_empty() {
        return owe(period, start, Amount::ZERO.minus(more));
    }
    let due = take_dues(period, start)?;
    let free = pots::total(&pots).plus(more).minus(due);
    let over: Vec<i16> = pots.iter().map(|pot| pot.pot).collect();
    own_run(&LEVEL, &filled(period, start, &pots::spread(free.at_least(Amount::ZERO), &over)))?;
    owe(period, start, Amount::ZERO.without(free))
}

/// Takes what is owed by the pots, or, below nothing, to them, as far as nobody else is about to.
pub(super) fn take_dues(period: Period, start: i64) -> Outcome<Amount> {
    let dues =
        own(&TAKE_DUES, &key(period, start), |row| Ok(Amount { tokens: column(row, 1)?, micro_usd: column(row, 2)? }))?;
    Ok(dues.into_iter().fold(Amount::ZERO, Amount::plus))
}

/// Counts what the pots owe, or, below nothing, are owed.
pub(super) fn owe(period: Period, start: i64, amount: Amount) -> Outcome<()> {
    if amount.is_zero() {
        return Ok(());
    }
    let [a, b] = key(period, start);
    let due = [a, b, pg_uuid(Uuid::now_v7()).into(), amount.tokens.into(), amount.micro_usd.into()];
    own_run(&OWE, &due).map(drop)
}

fn opened(period: Period) -> Outcome<Vec<(i64, Amount)>> {
    OPENED.with(|s| {
        s.rows(&[period.as_str().into()], |row| {
            Ok((column::<i64>(row, 1)?, Amount { tokens: column(row, 2)?, micro_usd: column(row, 3)? }))
        })
    })
}

/// Makes another limit that of the open windows. What it is more goes into the pots, what it is less comes out of them, as far
/// as nobody holds them; the rest is owed. So nobody has to be waited for.
pub(super) fn change(period: Period, hard: Amount) -> Outcome<()> {
    ONE_AT_A_TIME.with(|s| s.run(&[]))?;
    for (start, before) in opened(period)? {
        level(period, start, hard.minus(before))?;
    }
    own_run(&SET_HARD, &[period.as_str().into(), hard.tokens.into(), hard.micro_usd.into()]).map(drop)
}

/// Has the sight of every project that spends, and keeps others from beginning; nothing where somebody is in the middle of
/// something. Within an attempt.
fn sights() -> Outcome<Option<Vec<(String, Sight)>>> {
    NOBODY_BEGINS.with(|s| s.run(&[]))?;
    let projects = SPENDERS.with(|s| s.rows(&[], |row| column::<String>(row, 1)))?;
    let mut sights = Vec::with_capacity(projects.len());
    for project_id in projects {
        match tenant::within(&project_id, || Sight::try_take(&project_id))? {
            Some(sight) => sights.push((project_id, sight)),
            None => return Ok(None),
        }
    }
    Ok(Some(sights))
}

/// Opens the windows of now and those after them anew, from the ledgers of all projects. Tries that so often; what it holds
/// in between it gives back, so that nobody waits for who keeps us from it. Nothing where it did not come to that.
pub(super) fn count(period: Period, tries: usize) -> Outcome<Option<()>> {
    for n in 0..tries {
        if n > 0 {
            pause();
        }
        // Who is about to begin to spend holds the lock that it needs, or somebody else opens windows.
        if within("100ms", || attempt(|| count_once(period)))?.is_some() {
            return Ok(Some(()));
        }
    }
    Ok(None)
}

fn count_once(period: Period) -> Outcome<Option<()>> {
    ONE_AT_A_TIME.with(|s| s.run(&[]))?;
    let Some(sights) = sights()? else { return Ok(None) };
    // From here to the commit nothing is taken or given back, nor is another limit set.
    let terms = Terms::of_the_platform()?;
    let Some(limit) = terms.ceilings.iter().find(|limit| limit.period == period) else { return Ok(None) };
    let window = terms.utc_window(period, terms::now())?;
    let next = terms.utc_window(period, window.end)?;
    let mut taken = [Amount::ZERO; 2];
    for (project_id, sight) in &sights {
        tenant::within(project_id, || {
            for (taken, window) in taken.iter_mut().zip([window, next]) {
                let sums = openings::sums(project_id, Level::Project, "", window)?;
                *taken = sums.into_iter().fold(*taken, Amount::plus);
            }
            sight.changed(sight.live(terms::now())?.into_iter().map(|(id, ..)| id).collect())
        })?;
    }
    own_run(&CLOSE_ALL, &[period.as_str().into()])?;
    let hard = limit.bounds().hard;
    open(period, window, hard, taken[0])?;
    if period != Period::Lifetime {
        open(period, next, hard, taken[1])?;
    }
    Ok(Some(()))
}

/// Opens the windows that come next, counts those of now that are missing, settles what is owed where nobody holds
/// anything, and forgets windows that are long over. Waits for nobody.
pub(crate) fn maintain() -> Outcome<()> {
    for (period, start) in FORGOTTEN
        .with(|s| s.rows(&[KEPT_DAYS.into()], |row| Ok((column::<String>(row, 1)?, column::<i64>(row, 2)?))))?
    {
        let Some(period) = Period::parse(&period) else { continue };
        attempt(|| {
            let held = LOCK_POTS.with(|s| s.run(&key(period, start)))?;
            if held < usize::from(pots::POTS.unsigned_abs()) {
                return Ok(None);
            }
            own_run(&CLOSE, &key(period, start)).map(Some)
        })?;
    }
    let terms = Terms::of_the_platform()?;
    for held in held_at(&terms, terms::now())? {
        let next = terms.utc_window(held.period, held.window.end)?;
        if !is_open(held.period, held.window.start)? {
            count(held.period, TRIES)?;
        } else if held.period != Period::Lifetime && !is_open(held.period, next.start)? {
            within("100ms", || attempt(|| open_next(held.period, next).map(Some)))?;
        }
        let Some(seen) = held.look()? else { continue };
        if seen.free != pots::total(&seen.pots) || pots::are_uneven(&seen.pots) {
            level(held.period, held.window.start, Amount::ZERO)?;
        }
    }
    Ok(())
}

/// How often maintenance tries to count a window that is missing.
const TRIES: usize = 10;

fn is_open(period: Period, start: i64) -> Outcome<bool> {
    Ok(IS_OPEN.with(|s| s.row(&key(period, start), |row| column::<bool>(row, 1)))? == Some(true))
}

/// Opens a window in which nobody has taken anything yet.
fn open_next(period: Period, next: Window) -> Outcome<()> {
    ONE_AT_A_TIME.with(|s| s.run(&[]))?;
    // The limit of now: it may have been changed while we waited.
    let terms = Terms::of_the_platform()?;
    match terms.ceilings.iter().find(|limit| limit.period == period) {
        Some(limit) => open(period, next, limit.bounds().hard, Amount::ZERO),
        None => Ok(()),
    }
}

/// Counts anew, or says that somebody has to be waited for.
pub(super) fn count_or_retry(period: Period, tries: usize) -> Outcome<()> {
    count(period, tries)?.map_or_else(|| fault(ErrorCode::SystemRetry), Ok)
}

/// The projects that have counters. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn spending_projects() -> TableIterator<'static, (name!(project_id, String),)> {
    statements! {
        FIND: reading [] = "select c.project_id from awooop.budget_control c order by c.project_id";
    }
    let found = or_raise(FIND.with(|s| s.rows(&[], |row| column::<String>(row, 1))));
    TableIterator::new(found.into_iter().map(|project_id| (project_id,)))
}
