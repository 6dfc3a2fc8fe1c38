//! Opening a counter: it takes over what the ledger says was spent in its window, and what is held of it.

use awooop_policy::budget::{Amount, Bounds, Level, Period, Who, bounds};
use uuid::Uuid;

use super::guard::{own, own_run};
use super::terms::{self, FIRST, LANES, Terms, Window, at};
use crate::audit::POSTGRES_EPOCH;
use crate::fault::Outcome;
use crate::statement::{column, pg_uuid, statements};

/// A run may live for seven days, and be charged to a window as long; a day more for clocks.
const LONGEST_LIFE: i64 = 8 * 86_400_000_000;

statements! {
    EXISTS: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID] =
        "select true from awooop.budget_counter
         where project_id = $1 and level = $2 and target = $3 and period = $4 and window_start = $5";
    NEXT: writing [TEXTOID] =
        "update awooop.budget_control set counters = counters + 1, updated_at = clock_timestamp()
         where project_id = $1 returning counters";
    // One snapshot for both: a charge that commits meanwhile is in both or in neither. The ids are UUIDs of version 7, so
    // that the key finds what is young enough.
    HELD: reading [TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID] =
        "with held as (
             select e.lane, sum(e.granted_tokens)::int8 as tokens, sum(e.granted_micro_usd)::int8 as micro_usd,
                    sum(e.spent_tokens)::int8 as spent_tokens, sum(e.spent_micro_usd)::int8 as spent_micro_usd
             from awooop.budget_escrow e
             where e.project_id = $1 and (e.granted_tokens > 0 or e.granted_micro_usd > 0)
               and e.window_at >= $4 and e.window_at < $5
               and case $2 when 'project' then '' when 'agent' then e.agent_id else e.platform_subject_id end = $3
             group by e.lane
         ), booked as (
             select coalesce(sum(l.spent_tokens), 0)::int8 as spent_tokens,
                    coalesce(sum(l.spent_micro_usd), 0)::int8 as spent_micro_usd,
                    coalesce(sum(l.overrun_tokens), 0)::int8 as overrun_tokens,
                    coalesce(sum(l.overrun_micro_usd), 0)::int8 as overrun_micro_usd
             from (
                 select l.agent_id, l.platform_subject_id, l.spent_tokens, l.spent_micro_usd, l.overrun_tokens,
                        l.overrun_micro_usd
                 from awooop.budget_ledger l
                 where l.project_id = $1 and l.escrow_id >= $6 and l.opened_at >= $7
                   and l.window_at >= $4 and l.window_at < $5
                 union all
                 select o.agent_id, o.platform_subject_id, o.spent_tokens, o.spent_micro_usd, o.overrun_tokens,
                        o.overrun_micro_usd
                 from awooop.budget_opening o
                 where o.project_id = $1 and o.window_at >= $4 and o.window_at < $5
             ) l
             where case $2 when 'project' then '' when 'agent' then l.agent_id else l.platform_subject_id end = $3
         )
         select b.spent_tokens, b.spent_micro_usd, b.overrun_tokens, b.overrun_micro_usd, h.lane, h.tokens, h.micro_usd,
                h.spent_tokens, h.spent_micro_usd
         from booked b left join held h on true";
    INSERT: writing [TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID,
                     INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID] =
        "insert into awooop.budget_counter (project_id, counter_id, level, target, period, window_start, window_end,
                granted_tokens, granted_micro_usd, allotted_tokens, allotted_micro_usd, opening_tokens,
                opening_micro_usd, overrun_tokens, overrun_micro_usd)
         values ($1, $2, $3, $4, $5, $6, $7, greatest($8, 0), greatest($9, 0), $10, $11, $12, $13, $14, $15)";
    INSERT_LANE: writing [TEXTOID, INT4OID, INT2OID, INT8OID, INT8OID, INT8OID] =
        "insert into awooop.budget_counter_lane (project_id, counter_id, lane, version, granted_tokens, granted_micro_usd,
                reserved_tokens, reserved_micro_usd, spent_tokens, spent_micro_usd)
         values ($1, $2, $3, $4, $5, $6, $5, $6, 0, 0)";
}

/// What is spent, reserved and overrun in a window, as the ledger and the escrows say.
pub(super) fn sums(project_id: &str, level: Level, target: &str, window: Window) -> Outcome<[Amount; 3]> {
    let found = found(project_id, level, target, window)?;
    Ok([found.booked, found.held().minus(found.held_spent()), found.overrun])
}

struct Found {
    booked: Amount,
    overrun: Amount,
    lanes: Vec<Held>,
}

impl Found {
    fn held(&self) -> Amount {
        self.lanes.iter().fold(Amount::ZERO, |sum, held| sum.plus(held.granted))
    }

    fn held_spent(&self) -> Amount {
        self.lanes.iter().fold(Amount::ZERO, |sum, held| sum.plus(held.spent))
    }
}

fn found(project_id: &str, level: Level, target: &str, window: Window) -> Outcome<Found> {
    let oldest = window.start.saturating_sub(LONGEST_LIFE).max(Window::LIFETIME.start);
    let parameters = [
        project_id.into(),
        level.as_str().into(),
        target.into(),
        at(window.start),
        at(window.end),
        pg_uuid(first_id_at(oldest)).into(),
        at(oldest),
    ];
    let rows = HELD.with(|s| {
        s.rows(&parameters, |row| {
            let number = |n| row.get::<i64>(n).map(Option::unwrap_or_default);
            let booked = Amount { tokens: number(1)?, micro_usd: number(2)? };
            let overrun = Amount { tokens: number(3)?, micro_usd: number(4)? };
            let held = Held {
                lane: row.get::<i16>(5)?,
                granted: Amount { tokens: number(6)?, micro_usd: number(7)? },
                spent: Amount { tokens: number(8)?, micro_usd: number(9)? },
            };
            Ok((booked, overrun, held))
        })
    })?;
    let (booked, overrun) =
        rows.first().map_or((Amount::ZERO, Amount::ZERO), |(booked, overrun, _)| (*booked, *overrun));
    Ok(Found { booked, overrun, lanes: rows.into_iter().map(|(.., held)| held).collect() })
}

struct Held {
    lane: Option<i16>,
    granted: Amount,
    spent: Amount,
}

/// Makes the counters of the work that are missing. Only with the sight of the project.
pub(super) fn make(project_id: &str, terms: &Terms, who: &Who, time: i64) -> Outcome<()> {
    let limited = bounds(&terms.limits, &Who { run_id: None, ..*who });
    let none = (Level::Project, Period::Lifetime, Bounds::NONE);
    let of_first = limited.iter().find(|(l, p, _)| (*l, *p) == (none.0, none.1)).copied().unwrap_or(none);
    let others = limited.into_iter().filter(|(l, p, _)| (*l, *p) != (none.0, none.1) && *p != Period::Run);
    // The first counter first: it gets number 1, and is there as soon as anything is.
    for (level, period, bounds) in std::iter::once(of_first).chain(others) {
        let window = terms.window(period, time)?;
        let target = who.target(level);
        let key = [project_id.into(), level.as_str().into(), target.into(), period.as_str().into(), at(window.start)];
        if EXISTS.with(|s| s.run(&key))? == 0 {
            open(project_id, terms, (level, target, period), window, bounds)?;
        }
    }
    terms::counters_made(project_id);
    Ok(())
}

fn open(
    project_id: &str,
    terms: &Terms,
    (level, target, period): (Level, &str, Period),
    window: Window,
    bounds: Bounds,
) -> Outcome<()> {
    let counter_id = own(&NEXT, &[project_id.into()], |row| column::<i32>(row, 1))?.first().copied().unwrap_or(FIRST);
    let found = found(project_id, level, target, window)?;
    let (allotted, opening, overrun) = (found.held(), found.booked.minus(found.held_spent()), found.overrun);
    let granted = bounds.flight.without(opening.plus(overrun)).at_least(allotted);
    let parameters = [
        project_id.into(),
        counter_id.into(),
        level.as_str().into(),
        target.into(),
        period.as_str().into(),
        at(window.start),
        at(window.end),
        granted.tokens.into(),
        granted.micro_usd.into(),
        allotted.tokens.into(),
        allotted.micro_usd.into(),
        opening.tokens.into(),
        opening.micro_usd.into(),
        overrun.tokens.into(),
        overrun.micro_usd.into(),
    ];
    own_run(&INSERT, &parameters)?;
    // Every lane of the first counter is there, because it is a lock; of the others as they are needed.
    let lanes = (0..LANES).filter_map(|lane| {
        let granted = found.lanes.iter().find(|held| held.lane == Some(lane)).map(|held| held.granted);
        (counter_id == FIRST || granted.is_some()).then_some((lane, granted.unwrap_or_default()))
    });
    for (lane, granted) in lanes {
        let parameters = [
            project_id.into(),
            counter_id.into(),
            lane.into(),
            terms.version.into(),
            granted.tokens.into(),
            granted.micro_usd.into(),
        ];
        own_run(&INSERT_LANE, &parameters)?;
    }
    Ok(())
}

/// The least UUID of version 7 of a time.
fn first_id_at(micros: i64) -> Uuid {
    let millis = u64::try_from((micros + POSTGRES_EPOCH) / 1000).unwrap_or_default();
    Uuid::from_u128(u128::from(millis) << 80)
}
