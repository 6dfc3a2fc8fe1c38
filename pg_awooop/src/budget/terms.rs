//! What holds in a project just now: its limits, the windows of the moment, and the counters that go by them. A session
//! keeps it as long as the project's version, which every admission reads under lock, is the same.
//!
//! A version is a random number: one that was rolled back never comes again.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use awooop_policy::budget::{Amount, Bounds, Level, Limit, Period, Source, Unit, Who, bounds};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::directory::{self, Switches};
use crate::fault::Outcome;
use crate::statement::{column, statements};

/// The counter of a project that counts everything, and whose lanes are the locks of the others'.
pub(super) const FIRST: i32 = 1;
/// Lanes of a counter.
pub(super) const LANES: i16 = 16;
/// Projects whose terms a session keeps, and agents with subjects of each.
const MOST_PROJECTS: usize = 4096;
const MOST_SETS: usize = 1024;

/// From a time to a time, in PostgreSQL's microseconds; the second is no longer in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: i64,
    pub(super) end: i64,
}

impl Window {
    /// All time: from 1970 to 9999.
    pub(super) const LIFETIME: Window = Window { start: -946_684_800_000_000, end: 252_455_529_600_000_000 };

    fn holds(self, at: i64) -> bool {
        (self.start..self.end).contains(&at)
    }

    fn and(self, other: Window) -> Window {
        Window { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

/// The counters that go by the limits of an agent and a subject, in one window of each period.
#[derive(Debug)]
pub(super) struct Set {
    /// As long as all its windows last.
    pub(super) window: Window,
    /// In ascending order; the first is [`FIRST`].
    pub(super) counters: Vec<i32>,
    pub(super) bounds: Vec<(Level, Period, Bounds)>,
}

impl Set {
    /// Whether money is limited anywhere.
    pub(super) fn limits_money(&self) -> bool {
        self.bounds.iter().any(|(.., bounds)| bounds.hard.of(Unit::MicroUsd) < Amount::UNLIMITED.of(Unit::MicroUsd))
    }

    /// The counters besides the first.
    pub(super) fn others(&self) -> Vec<i32> {
        self.counters.iter().copied().filter(|counter| *counter != FIRST).collect()
    }
}

/// What holds in a project.
#[derive(Default)]
pub(super) struct Terms {
    pub(super) version: i64,
    pub(super) time_zone: String,
    pub(super) limits: Vec<Limit>,
    /// The platform's, whose days and months are those of UTC.
    pub(super) ceilings: Vec<Limit>,
    pub(super) switches: Rc<Switches>,
    sets: RefCell<HashMap<(String, String), Rc<Set>>>,
    windows: Cell<Option<[Window; 2]>>,
    utc_windows: Cell<Option<[Window; 2]>>,
}

thread_local! {
    static KEPT: RefCell<HashMap<String, (u64, Rc<Terms>)>> = RefCell::default();
    /// The transaction in which this session has made counters: what it sees of them may be rolled back.
    static MADE_IN: Cell<pg_sys::TransactionId> = const { Cell::new(pg_sys::InvalidTransactionId) };
}

statements! {
    CONTROL: reading [TEXTOID] =
        "select coalesce(c.version, 0), p.time_zone
         from awooop.projects p left join awooop.budget_control c on c.project_id = p.project_id where p.project_id = $1";
    LIMITS: reading [TEXTOID] =
        "select level, target, period, source, hard_tokens, hard_micro_usd, soft_percent::int8, burst_percent::int8
         from awooop.budget_limit where project_id = $1 order by level, target, period, source";
    CEILINGS: reading [] =
        "select period, hard_tokens, hard_micro_usd, soft_percent::int8, burst_percent::int8 from awooop.budget_platform
         order by period";
    WINDOWS: reading [TEXTOID, TIMESTAMPTZOID] =
        "select (extract(epoch from date_trunc('day', l.t) at time zone $1 - o.t) * 1000000)::int8,
                (extract(epoch from (date_trunc('day', l.t) + interval '1 day') at time zone $1 - o.t) * 1000000)::int8,
                (extract(epoch from date_trunc('month', l.t) at time zone $1 - o.t) * 1000000)::int8,
                (extract(epoch from (date_trunc('month', l.t) + interval '1 month') at time zone $1 - o.t) * 1000000)::int8
         from (select $2 at time zone $1 as t) l, (select timestamptz '2000-01-01 00:00:00+00' as t) o";
    COUNTERS: reading [TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID] =
        "select counter_id, level, period,
                (extract(epoch from window_start - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8,
                (extract(epoch from window_end - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8
         from awooop.budget_counter
         where project_id = $1 and window_start <= $4 and window_end > $4
           and target = case level when 'project' then '' when 'agent' then $2 else $3 end
         order by counter_id";
    // Between which times the counters of that moment are all there are.
    AROUND: reading [TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID] =
        "select (extract(epoch from max(window_end) filter (where window_end <= $4)
                         - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8,
                (extract(epoch from min(window_start) filter (where window_start > $4)
                         - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8
         from awooop.budget_counter
         where project_id = $1 and target = case level when 'project' then '' when 'agent' then $2 else $3 end";
}

/// The clock, in PostgreSQL's microseconds.
pub(super) fn now() -> i64 {
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    #[cfg(feature = "faults")]
    let now = crate::faults::wrong_time(now);
    now
}

/// A time as a parameter.
pub(super) fn at(micros: i64) -> DatumWithOid<'static> {
    // SAFETY: a timestamptz is this number.
    unsafe { DatumWithOid::new(micros, pg_sys::TIMESTAMPTZOID) }
}

/// The terms that this session knows, or those of now.
pub(super) fn known(project_id: &str) -> Outcome<Rc<Terms>> {
    let generation = directory::generation();
    match KEPT.with_borrow(|kept| kept.get(project_id).cloned()) {
        Some((read_in, terms)) if read_in == generation => Ok(terms),
        _ => current(project_id),
    }
}

/// The terms of now. The version is read first: limits and switches that are newer than it are found out at the lane.
pub(super) fn current(project_id: &str) -> Outcome<Rc<Terms>> {
    directory::watch();
    let generation = directory::generation();
    let control =
        CONTROL.with(|s| s.row(&[project_id.into()], |row| Ok((column::<i64>(row, 1)?, column::<String>(row, 2)?))))?;
    let (version, time_zone) = control.unwrap_or_default();
    let limits = LIMITS.with(|s| {
        s.rows(&[project_id.into()], |row| {
            let words = (
                Level::parse(&column::<String>(row, 1)?),
                Period::parse(&column::<String>(row, 3)?),
                Source::parse(&column::<String>(row, 4)?),
            );
            let (Some(level), Some(period), Some(source)) = words else { return Ok(None) };
            Ok(Some(Limit {
                level,
                target: column(row, 2)?,
                period,
                source,
                hard_tokens: row.get(5)?,
                hard_micro_usd: row.get(6)?,
                soft_percent: row.get(7)?,
                burst_percent: row.get(8)?,
            }))
        })
    })?;
    let limits = limits.into_iter().flatten().collect();
    let switches = directory::look_up_switches(project_id)?;
    let ceilings = ceilings()?;
    let terms = Rc::new(Terms { version, time_zone, limits, ceilings, switches, ..Terms::default() });
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MOST_PROJECTS {
            kept.clear();
        }
        kept.insert(project_id.to_owned(), (generation, Rc::clone(&terms)));
    });
    Ok(terms)
}

fn ceilings() -> Outcome<Vec<Limit>> {
    let ceilings = CEILINGS.with(|s| {
        s.rows(&[], |row| {
            Ok(Period::parse(&column::<String>(row, 1)?)
                .map(|period| (period, row.get(2), row.get(3), row.get(4), row.get(5))))
        })
    })?;
    let limit = |(period, hard_tokens, hard_micro_usd, soft_percent, burst_percent)| {
        Ok(Limit {
            level: Level::Platform,
            target: String::new(),
            period,
            source: Source::Operation,
            hard_tokens: hard_tokens?,
            hard_micro_usd: hard_micro_usd?,
            soft_percent: soft_percent?,
            burst_percent: burst_percent?,
        })
    };
    ceilings.into_iter().flatten().map(limit).collect()
}

/// Forgets what this session knows of the project.
pub(super) fn forget(project_id: &str) {
    KEPT.with_borrow_mut(|kept| kept.remove(project_id));
}

/// Says that this transaction has made counters: until it has ended, which ones there are is asked every time.
pub(super) fn counters_made(project_id: &str) {
    // SAFETY: reads this backend's state; a transaction that has written has an id.
    MADE_IN.with(|made| made.set(unsafe { pg_sys::GetTopTransactionIdIfAny() }));
    forget(project_id);
}

fn may_be_rolled_back() -> bool {
    // SAFETY: as above.
    let current = unsafe { pg_sys::GetTopTransactionIdIfAny() };
    current != pg_sys::InvalidTransactionId && current == MADE_IN.with(Cell::get)
}

/// The window of a period that a time lies in; day and month are kept.
fn window_in(time_zone: &str, kept: &Cell<Option<[Window; 2]>>, period: Period, time: i64) -> Outcome<Window> {
    if matches!(period, Period::Lifetime | Period::Run) {
        return Ok(Window::LIFETIME);
    }
    let of = |windows: [Window; 2]| windows[usize::from(period == Period::Month)];
    if let Some(windows) = kept.get().filter(|windows| windows.iter().all(|window| window.holds(time))) {
        return Ok(of(windows));
    }
    let found = WINDOWS.with(|s| {
        s.row(&[time_zone.into(), at(time)], |row| {
            let number = |n| column::<i64>(row, n);
            Ok([Window { start: number(1)?, end: number(2)? }, Window { start: number(3)?, end: number(4)? }])
        })
    })?;
    let windows = found.unwrap_or([Window::LIFETIME; 2]);
    kept.set(Some(windows));
    Ok(of(windows))
}

impl Terms {
    /// Those of the platform alone.
    pub(super) fn of_the_platform() -> Outcome<Terms> {
        Ok(Terms { ceilings: ceilings()?, ..Terms::default() })
    }

    /// The window of a period that a time lies in, in the project's time zone.
    pub(super) fn window(&self, period: Period, time: i64) -> Outcome<Window> {
        window_in(&self.time_zone, &self.windows, period, time)
    }

    /// The same for the platform.
    pub(super) fn utc_window(&self, period: Period, time: i64) -> Outcome<Window> {
        window_in("UTC", &self.utc_windows, period, time)
    }

    /// The counters for the work at a time, and whether none is missing.
    pub(super) fn set(&self, project_id: &str, who: &Who, time: i64) -> Outcome<(Rc<Set>, bool)> {
        let key = (who.agent_id.to_owned(), who.subject_id.to_owned());
        if let Some(set) = self.sets.borrow().get(&key).filter(|set| set.window.holds(time)) {
            return Ok((Rc::clone(set), true));
        }
        let found = COUNTERS.with(|s| {
            s.rows(&[project_id.into(), who.agent_id.into(), who.subject_id.into(), at(time)], |row| {
                let window = Window { start: column(row, 4)?, end: column(row, 5)? };
                Ok((column::<i32>(row, 1)?, column::<String>(row, 2)?, column::<String>(row, 3)?, window))
            })
        })?;
        let bounds = bounds(&self.limits, &Who { run_id: None, ..*who });
        // A day of the time zone before may hold this time as well, and one that a restore has brought: they count, too, and
        // in nobody's place.
        let is_there = |level: Level, period: Period, own: Window| {
            found.iter().any(|(_, l, p, w)| (l.as_str(), p.as_str(), *w) == (level.as_str(), period.as_str(), own))
        };
        let mut window = Window::LIFETIME;
        let mut complete = is_there(Level::Project, Period::Lifetime, Window::LIFETIME);
        for (level, period, _) in bounds.iter().filter(|(_, period, _)| *period != Period::Run) {
            let own = self.window(*period, time)?;
            window = window.and(own);
            complete &= is_there(*level, *period, own);
        }
        for ceiling in &self.ceilings {
            window = window.and(self.utc_window(ceiling.period, time)?);
        }
        let is_kept = complete && !may_be_rolled_back();
        if is_kept {
            // Counters outlive their limits and time zones, once their windows are over, and what is held since then is
            // given back to them. So a set is kept only for times of which the look-up would say the same.
            let around = AROUND.with(|s| {
                s.row(&[project_id.into(), who.agent_id.into(), who.subject_id.into(), at(time)], |row| {
                    Ok((row.get::<i64>(1)?, row.get::<i64>(2)?))
                })
            })?;
            let (after, before) = around.unwrap_or_default();
            let (start, end) = (after.unwrap_or(window.start), before.unwrap_or(window.end));
            window = found.iter().fold(window.and(Window { start, end }), |all, (.., window)| all.and(*window));
        }
        let set = Rc::new(Set { window, counters: found.iter().map(|(id, ..)| *id).collect(), bounds });
        if is_kept {
            let mut sets = self.sets.borrow_mut();
            if sets.len() >= MOST_SETS {
                sets.clear();
            }
            sets.insert(key, Rc::clone(&set));
        }
        Ok((set, complete))
    }
}
