//! The sight of everything: under the project's control row and all lanes of its first counter, nothing of its counters
//! changes. Here a need that a lane could not meet is judged exactly, counters are made, and lanes get what is free.

use std::rc::Rc;

use awooop_policy::budget::{
    Amount, Bounds, Ceiling, Constraint, Level, Period, Unit, Who, lack, room, share, soft_crossed,
};
use awooop_policy::error::{ErrorCode, Problem};
use pgrx::spi::SpiTupleTable;

use super::guard::own_run;
use super::openings;
use super::platform;
use super::terms::{self, LANES, Set, Terms, at};
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, Stop, fault, refuse};
use crate::statement::{column, rfc3339, statements};

statements! {
    MAKE_CONTROL: writing [TEXTOID, INT8OID] =
        "insert into awooop.budget_control (project_id, version, counters) values ($1, $2, 0)
         on conflict (project_id) do nothing";
    // Whoever counts what all projects have spent keeps others from beginning.
    BEGIN: writing [] = "lock table awooop.budget_platform in row share mode";
    TRY_LOCK_CONTROL: writing [TEXTOID] =
        "select version from awooop.budget_control where project_id = $1 for no key update skip locked";
    TRY_LOCK_LANES: writing [TEXTOID] =
        "select (select count(*) from (select lane from awooop.budget_counter_lane where project_id = $1 and counter_id = 1
                                       order by lane for no key update skip locked) held)
                = (select count(*) from awooop.budget_counter_lane where project_id = $1 and counter_id = 1)";
    LOCK_CONTROL: writing [TEXTOID] = "select version from awooop.budget_control where project_id = $1 for no key update";
    LOCK_LANES: writing [TEXTOID] =
        "select lane from awooop.budget_counter_lane where project_id = $1 and counter_id = 1
         order by lane for no key update";
    STANDINGS: reading [TEXTOID, INT4ARRAYOID, INT2OID] = concat!(
        "select c.counter_id, c.level, c.target, c.period, ", rfc3339!("c.window_end"), ",
                c.allotted_tokens, c.allotted_micro_usd, c.opening_tokens, c.opening_micro_usd,
                c.overrun_tokens, c.overrun_micro_usd, c.soft_at is not null,
                coalesce(sum(l.reserved_tokens + l.spent_tokens), 0)::int8,
                coalesce(sum(l.reserved_micro_usd + l.spent_micro_usd), 0)::int8,
                coalesce(sum(l.granted_tokens - l.reserved_tokens - l.spent_tokens) filter (where l.lane = $3), 0)::int8,
                coalesce(sum(l.granted_micro_usd - l.reserved_micro_usd - l.spent_micro_usd)
                         filter (where l.lane = $3), 0)::int8,
                coalesce(bool_or(l.capped), false)
         from awooop.budget_counter c
         left join awooop.budget_counter_lane l on l.project_id = c.project_id and l.counter_id = c.counter_id
         where c.project_id = $1 and c.counter_id = any ($2)
         group by c.project_id, c.counter_id
         order by c.counter_id");
    // What nobody holds goes back from the lanes to their counter.
    COLLECT: writing [TEXTOID, INT4ARRAYOID] =
        "with collected as (
             update awooop.budget_counter_lane
             set granted_tokens = reserved_tokens + spent_tokens, granted_micro_usd = reserved_micro_usd + spent_micro_usd
             where project_id = $1 and counter_id = any ($2)
             returning counter_id, granted_tokens, granted_micro_usd
         ), sums as (
             select counter_id, sum(granted_tokens)::int8 as tokens, sum(granted_micro_usd)::int8 as micro_usd
             from collected group by counter_id
         )
         update awooop.budget_counter c set allotted_tokens = s.tokens, allotted_micro_usd = s.micro_usd
         from sums s where c.project_id = $1 and c.counter_id = s.counter_id";
    ALLOT: writing [TEXTOID, INT4OID, INT8OID, INT8OID, INT8OID, INT8OID] =
        "update awooop.budget_counter
         set allotted_tokens = allotted_tokens + $3, allotted_micro_usd = allotted_micro_usd + $4,
             granted_tokens = greatest(allotted_tokens + $3, $5), granted_micro_usd = greatest(allotted_micro_usd + $4, $6)
         where project_id = $1 and counter_id = $2";
    FILL_LANE: writing [TEXTOID, INT4OID, INT2OID, INT8OID, INT8OID, INT8OID, INT8OID] =
        "update awooop.budget_counter_lane
         set granted_tokens = granted_tokens + $4, granted_micro_usd = granted_micro_usd + $5,
             reserved_tokens = reserved_tokens + $6, reserved_micro_usd = reserved_micro_usd + $7
         where project_id = $1 and counter_id = $2 and lane = $3
         returning lane";
    OPEN_LANE: writing [TEXTOID, INT4OID, INT2OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, BOOLOID] =
        "insert into awooop.budget_counter_lane
                (project_id, counter_id, lane, granted_tokens, granted_micro_usd, reserved_tokens, reserved_micro_usd,
                 version, capped, spent_tokens, spent_micro_usd)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)";
    CAP: writing [TEXTOID, INT4ARRAYOID, BOOLOID] =
        "update awooop.budget_counter_lane set capped = $3
         where project_id = $1 and counter_id = any ($2) and capped <> $3";
    TOLD: writing [TEXTOID, INT4OID] =
        "update awooop.budget_counter set soft_at = clock_timestamp() where project_id = $1 and counter_id = $2";
    OVERRUN: writing [TEXTOID, INT4ARRAYOID, INT8OID, INT8OID] =
        "update awooop.budget_counter
         set overrun_tokens = overrun_tokens + $3, overrun_micro_usd = overrun_micro_usd + $4
         where project_id = $1 and counter_id = any ($2)";
    CHANGED: writing [TEXTOID, INT8OID] =
        "with control as (
             update awooop.budget_control set version = $2, updated_at = clock_timestamp() where project_id = $1
         )
         update awooop.budget_counter_lane set version = $2 where project_id = $1 and counter_id = 1";
}

/// A counter as the sight shows it.
struct Standing {
    counter_id: i32,
    level: Level,
    target: String,
    period: Period,
    ends_at: String,
    allotted: Amount,
    /// Used outside of the lanes: before the counter was there, and past every reservation.
    beside: Amount,
    told: bool,
    /// Reserved and spent in the lanes.
    in_lanes: Amount,
    /// What the own lane has free.
    free: Amount,
    capped: bool,
    bounds: Bounds,
}

impl Standing {
    fn read(row: &SpiTupleTable, set: &Set) -> Result<Self, pgrx::spi::Error> {
        let number = |n| column::<i64>(row, n);
        let level = Level::parse(&column::<String>(row, 2)?).unwrap_or(Level::Project);
        let period = Period::parse(&column::<String>(row, 4)?).unwrap_or(Period::Lifetime);
        let held = set.bounds.iter().find(|(l, p, _)| (*l, *p) == (level, period));
        Ok(Standing {
            counter_id: column(row, 1)?,
            level,
            target: column(row, 3)?,
            period,
            ends_at: column(row, 5)?,
            allotted: Amount { tokens: number(6)?, micro_usd: number(7)? },
            beside: Amount { tokens: number(8)? + number(10)?, micro_usd: number(9)? + number(11)? },
            told: column(row, 12)?,
            in_lanes: Amount { tokens: number(13)?, micro_usd: number(14)? },
            free: Amount { tokens: number(15)?, micro_usd: number(16)? },
            capped: column(row, 17)?,
            bounds: held.map_or(Bounds::NONE, |(.., bounds)| *bounds),
        })
    }

    fn constraint(&self) -> Constraint {
        Constraint { bounds: self.bounds, used: self.beside.plus(self.in_lanes) }
    }

    /// The problem of a need that this limit has no room for.
    fn lacks(&self, unit: Unit, left: Amount) -> Problem {
        let resets_at = (self.period != Period::Lifetime).then_some(self.ends_at.as_str());
        exceeded(self.level, &self.target, self.period, unit, left).with("resets_at", resets_at)
    }
}

/// The problem of a need that a limit has no room for.
pub(super) fn exceeded(level: Level, target: &str, period: Period, unit: Unit, left: Amount) -> Problem {
    Problem::from(ErrorCode::BudgetExceeded)
        .with("level", level.as_str())
        .with("target", target)
        .with("period", period.as_str())
        .with("unit", unit.as_str())
        .with("left", left.to_json())
}

/// A limit that is no counter: a run's own.
#[derive(Clone, Copy)]
pub(super) struct RunLimit {
    pub(super) constraint: Constraint,
    pub(super) level: Level,
    /// Whether its soft limit was told of.
    pub(super) told: bool,
}

/// What is wanted of the counters.
pub(super) struct Want<'a> {
    pub(super) who: Who<'a>,
    pub(super) lane: i16,
    pub(super) time: i64,
    pub(super) ceiling: Ceiling,
    /// What is needed,
    pub(super) need: Amount,
    /// and what would be useful besides.
    pub(super) more: Amount,
    /// What is in flight takes what there is, where it is not enough.
    pub(super) partial: bool,
    pub(super) run: &'a [RunLimit],
}

/// The sight of a project's counters, until the transaction ends.
pub(super) struct Sight {
    project_id: String,
    pub(super) terms: Rc<Terms>,
}

/// A new version's number.
fn new_version() -> Outcome<i64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    // Zero stands for a project without control.
    Ok((i64::from_le_bytes(bytes) & i64::MAX).max(1))
}

/// Refuses work of which some limit has nothing left. By what has been committed, without waiting for anybody: what is
/// taken is taken later, and judged then.
pub(super) fn ensure_something_left(project_id: &str, who: &Who) -> Outcome<()> {
    ensure_room(project_id, who, Amount::ZERO)
}

/// The same for so much; something must be left of every limit in any case.
pub(super) fn ensure_room(project_id: &str, who: &Who, need: Amount) -> Outcome<()> {
    let mut terms = terms::known(project_id)?;
    let (mut set, complete) = terms.set(project_id, who, terms::now())?;
    // A counter that the session does not know may have been opened since.
    if !complete {
        terms = terms::current(project_id)?;
        set = terms.set(project_id, who, terms::now())?.0;
    }
    let sight = Sight { project_id: project_id.to_owned(), terms };
    let standings = sight.standings(&set, 0)?;
    // The windows that nobody has opened have everything left, unless there is nothing.
    let unopened = set.bounds.iter().filter(|(level, period, _)| {
        *period != Period::Run && !standings.iter().any(|s| (s.level, s.period) == (*level, *period))
    });
    let one = |bounds: &Bounds| {
        Amount::by(|unit| i64::from(bounds.hard.of(unit) < Amount::UNLIMITED.of(unit)).max(need.of(unit)))
    };
    for standing in &standings {
        if let Some(lack) = lack(&[standing.constraint()], one(&standing.bounds), Ceiling::Admission) {
            return refuse(standing.lacks(lack.unit, lack.left));
        }
    }
    for (level, period, bounds) in unopened {
        let constraint = Constraint { bounds: *bounds, used: Amount::ZERO };
        if let Some(lack) = lack(&[constraint], one(bounds), Ceiling::Admission) {
            return refuse(exceeded(*level, who.target(*level), *period, lack.unit, lack.left));
        }
    }
    Ok(())
}

impl Sight {
    /// Waits for whoever holds a lane, and takes the sight.
    pub(super) fn take(project_id: &str) -> Outcome<Sight> {
        let key = [project_id.into()];
        if LOCK_CONTROL.with(|s| s.run(&key))? == 0 {
            BEGIN.with(|s| s.run(&[]))?;
            own_run(&MAKE_CONTROL, &[project_id.into(), new_version()?.into()])?;
            LOCK_CONTROL.with(|s| s.run(&key))?;
        }
        LOCK_LANES.with(|s| s.run(&key))?;
        Ok(Sight { project_id: project_id.to_owned(), terms: terms::current(project_id)? })
    }

    /// The same of a project that has counters, where nobody holds any of them. Only within an attempt: a `None` leaves
    /// locks behind.
    pub(super) fn try_take(project_id: &str) -> Outcome<Option<Sight>> {
        let key = [project_id.into()];
        if TRY_LOCK_CONTROL.with(|s| s.run(&key))? == 0 {
            return Ok(None);
        }
        if TRY_LOCK_LANES.with(|s| s.row(&key, |row| column::<bool>(row, 1)))? != Some(true) {
            return Ok(None);
        }
        Ok(Some(Sight { project_id: project_id.to_owned(), terms: terms::current(project_id)? }))
    }

    /// Says that limits, switches or windows have changed: no session admits by what it knows. Everything free goes back
    /// to the counters, so that what is handed out next is handed out by what holds now.
    pub(super) fn changed(&self, live: Vec<i32>) -> Outcome<()> {
        self.collect(live.clone())?;
        self.cap(live, true)?;
        own_run(&CHANGED, &[self.project_id.as_str().into(), new_version()?.into()])?;
        terms::counters_made(&self.project_id);
        Ok(())
    }

    fn collect(&self, counters: Vec<i32>) -> Outcome<()> {
        own_run(&COLLECT, &[self.project_id.as_str().into(), counters.into()]).map(drop)
    }

    fn cap(&self, counters: Vec<i32>, capped: bool) -> Outcome<()> {
        own_run(&CAP, &[self.project_id.as_str().into(), counters.into(), capped.into()]).map(drop)
    }

    fn standings(&self, set: &Set, lane: i16) -> Outcome<Vec<Standing>> {
        let parameters = [self.project_id.as_str().into(), set.counters.clone().into(), lane.into()];
        STANDINGS.with(|s| s.rows(&parameters, |row| Standing::read(row, set)))
    }

    /// The counters of the work; those that are missing are made.
    fn counters(&self, who: &Who, time: i64) -> Outcome<Rc<Set>> {
        let (set, complete) = self.terms.set(&self.project_id, who, time)?;
        if complete {
            return Ok(set);
        }
        openings::make(&self.project_id, &self.terms, who, time)?;
        let (set, complete) = self.terms.set(&self.project_id, who, time)?;
        if complete { Ok(set) } else { fault(ErrorCode::SystemInternal) }
    }

    /// Opens the counters of the work that are missing.
    pub(super) fn ensure_counters(&self, who: &Who, time: i64) -> Outcome<()> {
        self.counters(who, time).map(drop)
    }

    /// Takes what is wanted from every counter of the work, as much as there is of it: the need at least, or, where that
    /// is partial, what there is. Nothing, and the problem, where the need does not fit.
    pub(super) fn grant(&self, caller: &Caller, want: &Want) -> Outcome<Amount> {
        let set = self.counters(&want.who, want.time)?;
        let standings = self.standings(&set, want.lane)?;
        let mut constraints: Vec<Constraint> = standings.iter().map(Standing::constraint).collect();
        constraints.extend(want.run.iter().map(|run| run.constraint));
        if !want.partial
            && let Some(lack) = lack(&constraints, want.need, want.ceiling)
        {
            let run = want.run.get(lack.at.wrapping_sub(standings.len()));
            return Err(Stop::Refused(match (standings.get(lack.at), run) {
                (Some(standing), _) => standing.lacks(lack.unit, lack.left),
                (None, Some(run)) => exceeded(run.level, want.who.target(run.level), Period::Run, lack.unit, lack.left),
                (None, None) => ErrorCode::SystemInternal.into(),
            }));
        }
        let need = want.need.at_most(room(&constraints, want.ceiling));
        // What is useful besides stays below the hard limits, and below a soft one that nobody was told of.
        let told = standings.iter().map(|standing| standing.told).chain(want.run.iter().map(|run| run.told));
        let spare = constraints.iter().zip(told).fold(Amount::UNLIMITED, |spare, (constraint, told)| {
            let cap =
                if told { constraint.bounds.hard } else { constraint.bounds.hard.at_most(constraint.bounds.soft) };
            spare.at_most(cap.without(constraint.used.plus(need)))
        });
        let of_platform = platform::Want {
            who: want.who,
            time: want.time,
            need,
            more: want.more.at_most(share(spare, 4 * i64::from(LANES))),
            ceiling: want.ceiling,
            partial: want.partial,
        };
        let granted = platform::take(caller, &self.terms, &of_platform)?;
        for standing in &standings {
            self.allot(want, standing, granted)?;
            self.tell(caller, want, standing, granted)?;
        }
        Ok(granted)
    }

    /// Lets the own lane of a counter hold the amount, with what is free beside it for the next.
    fn allot(&self, want: &Want, standing: &Standing, amount: Amount) -> Outcome<()> {
        let hard = standing.bounds.hard.without(standing.beside);
        let flight = standing.bounds.flight.without(standing.beside);
        let ceiling = if want.ceiling == Ceiling::Flight { flight } else { hard };
        let (mut allotted, mut free) = (standing.allotted, standing.free);
        let mut short = amount.without(free);
        if !allotted.plus(short).fits(ceiling) {
            self.collect(vec![standing.counter_id])?;
            (allotted, free) = (standing.in_lanes, Amount::ZERO);
            short = amount;
        }
        let soft = standing.bounds.soft.without(standing.beside);
        let crossed = standing.told || soft_crossed(&standing.constraint(), amount);
        let cap = if crossed { hard } else { hard.at_most(soft.minus(Amount { tokens: 1, micro_usd: 1 })) };
        let extra = match short.is_zero() {
            true => Amount::ZERO,
            false => share(cap.without(allotted.plus(short)), 2 * i64::from(LANES)),
        };
        debug_assert!(amount.fits(free.plus(short)));
        let given = short.plus(extra);
        let capped = !allotted.plus(given).fits(hard);
        let (project_id, counter_id) = (self.project_id.as_str(), standing.counter_id);
        let counted = [
            project_id.into(),
            counter_id.into(),
            given.tokens.into(),
            given.micro_usd.into(),
            flight.tokens.into(),
            flight.micro_usd.into(),
        ];
        own_run(&ALLOT, &counted)?;
        let lane = || {
            [
                project_id.into(),
                counter_id.into(),
                want.lane.into(),
                given.tokens.into(),
                given.micro_usd.into(),
                amount.tokens.into(),
                amount.micro_usd.into(),
            ]
        };
        if own_run(&FILL_LANE, &lane())? == 0 {
            let [a, b, c, d, e, f, g] = lane();
            own_run(&OPEN_LANE, &[a, b, c, d, e, f, g, self.terms.version.into(), capped.into()])?;
        }
        if capped != standing.capped { self.cap(vec![standing.counter_id], capped) } else { Ok(()) }
    }

    /// Tells, once in a window, that the soft limit is reached.
    fn tell(&self, caller: &Caller, want: &Want, standing: &Standing, amount: Amount) -> Outcome<()> {
        if standing.told || !soft_crossed(&standing.constraint(), amount) {
            return Ok(());
        }
        own_run(&TOLD, &[self.project_id.as_str().into(), standing.counter_id.into()])?;
        let entry = audit::Entry {
            agent_id: Some(want.who.agent_id),
            platform_subject_id: Some(want.who.subject_id),
            ..audit::Entry::default()
        };
        let entry = entry
            .with("level", standing.level.as_str())
            .with("target", standing.target.as_str())
            .with("period", standing.period.as_str())
            .with("soft", standing.bounds.soft.to_json())
            .with("hard", standing.bounds.hard.to_json())
            .with("used", standing.constraint().used.plus(amount).to_json());
        audit::done(caller, "budget_soft_limit", entry)
    }

    /// Books what was used past every grant. What the lanes have free is taken from them, so that nobody is admitted by
    /// what is no longer there.
    pub(super) fn overrun(&self, who: &Who, time: i64, amount: Amount) -> Outcome<()> {
        if amount.is_zero() {
            return Ok(());
        }
        let set = self.counters(who, time)?;
        self.collect(set.counters.clone())?;
        let parameters = [
            self.project_id.as_str().into(),
            set.counters.clone().into(),
            amount.tokens.into(),
            amount.micro_usd.into(),
        ];
        own_run(&OVERRUN, &parameters)?;
        platform::overrun(&self.terms, time, amount)?;
        self.cap(set.counters.clone(), true)
    }

    /// Takes back what was spent in a window: from its lanes, and what they do not have from what the counter began with.
    pub(super) fn unspend(&self, who: &Who, time: i64, amount: Amount) -> Outcome<()> {
        statements! {
            UNSPEND: writing [TEXTOID, INT4OID, INT8OID, INT8OID] =
                "with lanes as (
                     select lane, spent_tokens, spent_micro_usd,
                            sum(spent_tokens) over w - spent_tokens as tokens_before,
                            sum(spent_micro_usd) over w - spent_micro_usd as micro_usd_before
                     from awooop.budget_counter_lane where project_id = $1 and counter_id = $2
                     window w as (order by lane)
                 ), taken as (
                     update awooop.budget_counter_lane l
                     set spent_tokens = l.spent_tokens - greatest(least(s.spent_tokens, $3 - s.tokens_before), 0),
                         spent_micro_usd = l.spent_micro_usd - greatest(least(s.spent_micro_usd, $4 - s.micro_usd_before), 0)
                     from lanes s
                     where l.project_id = $1 and l.counter_id = $2 and l.lane = s.lane
                     returning s.spent_tokens - l.spent_tokens as tokens, s.spent_micro_usd - l.spent_micro_usd as micro_usd
                 ), sums as (
                     select coalesce(sum(tokens), 0)::int8 as tokens, coalesce(sum(micro_usd), 0)::int8 as micro_usd from taken
                 )
                 update awooop.budget_counter c
                 set opening_tokens = c.opening_tokens - ($3 - s.tokens),
                     opening_micro_usd = c.opening_micro_usd - ($4 - s.micro_usd)
                 from sums s where c.project_id = $1 and c.counter_id = $2";
        }
        if amount.is_zero() {
            return Ok(());
        }
        let set = self.counters(who, time)?;
        for counter_id in &set.counters {
            let parameters =
                [self.project_id.as_str().into(), (*counter_id).into(), amount.tokens.into(), amount.micro_usd.into()];
            own_run(&UNSPEND, &parameters)?;
        }
        platform::give_back(&self.terms, time, amount)?;
        // What they gave up is free, and handed out anew.
        self.collect(set.counters.clone())?;
        self.cap(set.counters.clone(), true)
    }

    /// The counters whose windows have not ended, with what they are for.
    pub(super) fn live(&self, time: i64) -> Outcome<Vec<(i32, Level, String, Period)>> {
        statements! {
            LIVE: reading [TEXTOID, TIMESTAMPTZOID] =
                "select counter_id, level, target, period from awooop.budget_counter
                 where project_id = $1 and window_end > $2 order by counter_id";
        }
        let found = LIVE.with(|s| {
            s.rows(&[self.project_id.as_str().into(), at(time)], |row| {
                Ok((
                    column::<i32>(row, 1)?,
                    Level::parse(&column::<String>(row, 2)?).unwrap_or(Level::Project),
                    column::<String>(row, 3)?,
                    Period::parse(&column::<String>(row, 4)?).unwrap_or(Period::Lifetime),
                ))
            })
        })?;
        Ok(found)
    }
}
