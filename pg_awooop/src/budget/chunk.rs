//! Topping an escrow up: a chunk is taken from the counters at once, so that charges need not go there.

use awooop_policy::budget::{Amount, Bounds, Ceiling, Constraint, Level, Period, Who, bounds, room, soft_reached};
use awooop_policy::error::ErrorCode;

use super::escrow::{self, Escrow, OfRun};
use super::lanes;
use super::ledger::{self, Act, Entry};
use super::platform;
use super::sight::{self, RunLimit, Sight, Want};
use super::switches;
use super::terms::{self, Terms};
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, Stop};
use crate::subtransaction::attempt;

/// A chunk is the need and so many times as much.
const CHUNKS: i64 = 8;
/// And never more than this besides.
const MOST_MORE: i64 = 1_000_000_000_000;

/// The limits of a run itself.
fn run_limits(terms: &Terms, escrow: &Escrow) -> Vec<(Level, Bounds)> {
    if escrow.run_id.is_none() {
        return Vec::new();
    }
    let target = escrow.run_target();
    let held = bounds(&terms.limits, &escrow.who(&target));
    held.into_iter().filter(|(_, period, _)| *period == Period::Run).map(|(level, _, bounds)| (level, bounds)).collect()
}

/// What more is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Work that somebody is about to do: a switch stops it.
    Wanted,
    /// What was used already: it is booked, whatever is switched off.
    Used,
}

/// Takes more from the counters, so that `need` is free in the escrow; the row is not saved yet. What does not fit is
/// refused whole, and nothing has changed.
pub(super) fn top_up(
    caller: &Caller,
    escrow: &mut Escrow,
    need: Amount,
    ceiling: Ceiling,
    cause: Cause,
) -> Outcome<()> {
    let short = need.without(escrow.free());
    if short.is_zero() {
        return Ok(());
    }
    let project_id = caller.project_id.as_str();
    let known = terms::known(project_id)?;
    let target = escrow.run_target();
    let ensure_still_on = |terms: &Terms| match cause {
        Cause::Wanted => switches::ensure_still_on(terms, project_id, &escrow.who(&target)),
        Cause::Used => Ok(()),
    };
    let fast = attempt(|| {
        let mut topped = escrow.clone();
        let want = prepare(caller, &known, &mut topped, short)?;
        let limits = run_constraints(&known, &topped);
        let left = room(&limits.iter().map(|limit| limit.constraint).collect::<Vec<_>>(), Ceiling::Admission);
        if !want.need.fits(left) {
            return Ok(None);
        }
        let amount = want.need.plus(want.more.at_most(quiet(&limits, want.need).at_most(left.without(want.need))));
        if lanes::take(&known, project_id, &topped.who(&target), topped.lane, amount, want.time)?.is_none() {
            return Ok(None);
        }
        if platform::draw(caller, &known, &topped.who(&target), want.time, amount)?.is_none() {
            return Ok(None);
        }
        ensure_still_on(&known)?;
        tell(caller, &mut topped, &limits, amount)?;
        grant(caller, &mut topped, amount, want.time)?;
        Ok(Some(topped))
    })?;
    let topped = match fast {
        Some(topped) => Some(topped),
        None => platform::patiently(|| {
            let sight = Sight::take(project_id)?;
            ensure_still_on(&sight.terms)?;
            // Before anything is given back: a counter that is opened takes over what the escrow's row says it holds.
            sight.ensure_counters(&escrow.who(&target), terms::now())?;
            let mut topped = escrow.clone();
            let wanted = prepare(caller, &sight.terms, &mut topped, short)?;
            let limits = run_constraints(&sight.terms, &topped);
            let amount = sight.grant(
                caller,
                &Want {
                    who: topped.who(&target),
                    lane: topped.lane,
                    time: wanted.time,
                    ceiling,
                    need: wanted.need,
                    more: wanted.more,
                    partial: false,
                    run: &limits,
                },
            )?;
            tell(caller, &mut topped, &limits, amount)?;
            grant(caller, &mut topped, amount, wanted.time)?;
            Ok(Some(topped))
        })?,
    };
    match topped {
        Some(topped) => {
            *escrow = topped;
            Ok(())
        }
        None => Err(Stop::Fault(ErrorCode::SystemRetry.into())),
    }
}

/// What was used and is not in the escrow's grant.
pub(super) struct Beyond {
    /// Taken from the windows of now, and spent there at once: the grant is of windows that are over.
    pub(super) of_now: Amount,
    /// Past every limit.
    pub(super) overrun: Amount,
    /// The time in whose windows both count.
    pub(super) window_at: i64,
}

/// Takes what is left of every limit, for what was used already: less than `need`. The rest is overrun, and counted.
pub(super) fn take_what_is_left(caller: &Caller, escrow: &mut Escrow, need: Amount) -> Outcome<Beyond> {
    let sight = Sight::take(&caller.project_id)?;
    let time = terms::now();
    if escrow.granted.is_zero() {
        escrow.window_at = time;
    }
    let target = escrow.run_target();
    // A grant of a window that is over stays there, with what calls hold of it, and takes nothing more of it.
    let stays = is_same_window(&sight.terms, caller, escrow, time)?;
    let window_at = if stays { escrow.window_at } else { time };
    let limits = run_constraints(&sight.terms, escrow);
    let want = Want {
        who: escrow.who(&target),
        lane: escrow.lane,
        time: window_at,
        ceiling: Ceiling::Flight,
        need: need.without(escrow.free()),
        more: Amount::ZERO,
        partial: true,
        run: &limits,
    };
    let amount = sight.grant(caller, &want)?;
    tell(caller, escrow, &limits, amount)?;
    let mut of_now = Amount::ZERO;
    if stays {
        grant(caller, escrow, amount, window_at)?;
    } else if !amount.is_zero() {
        of_now = amount;
        lanes::give_back(&caller.project_id, &escrow.who(&target), escrow.lane, amount, amount, time)?;
    }
    let overrun = need.without(escrow.free()).without(of_now);
    if !overrun.is_zero() {
        sight.overrun(&escrow.who(&target), window_at, overrun)?;
    }
    Ok(Beyond { of_now, overrun, window_at })
}

/// Admits a run that is about to be created, with what is to be reserved for it. Without that, it is admitted where every
/// limit has something left.
pub(crate) fn admit(caller: &Caller, run: &OfRun, reserve: Amount) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    let target = run.run_id.to_string();
    let who = Who { agent_id: run.agent_id, subject_id: run.platform_subject_id, run_id: Some(&target) };
    switches::ensure_on(project_id, &who)?;
    if !reserve.is_zero() {
        let mut escrow = escrow::of_run(caller, run)?;
        top_up(caller, &mut escrow, reserve, Ceiling::Admission, Cause::Wanted)?;
        return escrow.save(project_id);
    }
    // Most projects have no limits, and nothing to ask for.
    let known = terms::known(project_id)?;
    platform::ensure_something_left(&known, terms::now())?;
    if known.limits.is_empty() { Ok(()) } else { sight::ensure_something_left(project_id, &who) }
}

struct Wanted {
    need: Amount,
    more: Amount,
    time: i64,
}

/// What the escrow asks for now. One whose grant is of a window that is over gives it back first, and asks for what its
/// calls hold as well.
fn prepare(caller: &Caller, terms: &Terms, escrow: &mut Escrow, short: Amount) -> Outcome<Wanted> {
    let time = terms::now();
    let mut need = short;
    if !escrow.granted.is_zero() && !is_same_window(terms, caller, escrow, time)? {
        need = short.plus(escrow.free()).plus(escrow.reserved);
        escrow.give_back(caller)?;
    }
    // What it keeps is still of its window, which lasts.
    let time = if escrow.granted.is_zero() { time } else { escrow.window_at };
    let more = Amount::by(|unit| (need.of(unit).saturating_mul(CHUNKS)).saturating_add(escrow.used().of(unit) / 2));
    // A unit that nobody counts in is not taken along.
    let more = Amount::by(|unit| if need.of(unit) > 0 { more.of(unit).min(MOST_MORE) } else { 0 });
    Ok(Wanted { need, more: if escrow.run_id.is_some() { more } else { Amount::ZERO }, time })
}

fn is_same_window(terms: &Terms, caller: &Caller, escrow: &Escrow, time: i64) -> Outcome<bool> {
    let target = escrow.run_target();
    let (set, _) = terms.set(&caller.project_id, &escrow.who(&target), time)?;
    Ok((set.window.start..set.window.end).contains(&escrow.window_at))
}

fn run_constraints(terms: &Terms, escrow: &Escrow) -> Vec<RunLimit> {
    run_limits(terms, escrow)
        .into_iter()
        .map(|(level, bounds)| RunLimit {
            constraint: Constraint { bounds, used: escrow.taken() },
            level,
            told: escrow.told,
        })
        .collect()
}

/// What can be taken beyond the need without reaching a soft limit of the run that nobody was told of.
fn quiet(limits: &[RunLimit], need: Amount) -> Amount {
    limits.iter().filter(|limit| !limit.told).fold(Amount::UNLIMITED, |quiet, limit| {
        let below = limit.constraint.bounds.soft.minus(Amount { tokens: 1, micro_usd: 1 });
        quiet.at_most(below.without(limit.constraint.used.plus(need)))
    })
}

/// Tells that the run reaches a soft limit of its own.
fn tell(caller: &Caller, escrow: &mut Escrow, limits: &[RunLimit], amount: Amount) -> Outcome<()> {
    for limit in limits.iter().filter(|limit| soft_reached(&limit.constraint, amount)) {
        escrow.told = true;
        let bounds = &limit.constraint.bounds;
        let entry = audit::Entry {
            agent_id: Some(&escrow.agent_id),
            platform_subject_id: Some(&escrow.platform_subject_id),
            run_id: escrow.run_id,
            ..audit::Entry::default()
        };
        let target = escrow.run_target();
        let entry = entry
            .with("level", limit.level.as_str())
            .with("target", escrow.who(&target).target(limit.level))
            .with("period", Period::Run.as_str())
            .with("soft", bounds.soft.to_json())
            .with("hard", bounds.hard.to_json())
            .with("used", limit.constraint.used.plus(amount).to_json());
        audit::done(caller, "budget_soft_limit", entry)?;
    }
    Ok(())
}

/// Puts what was taken from the counters into the escrow.
fn grant(caller: &Caller, escrow: &mut Escrow, amount: Amount, time: i64) -> Outcome<()> {
    if amount.is_zero() {
        return Ok(());
    }
    escrow.window_at = time;
    escrow.granted = escrow.granted.plus(amount);
    ledger::append(caller, escrow, &Entry { reserved: amount, ..Entry::of(Act::Reserve, amount) })
}
