//! What is used of every limit, and where that leads.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::{Amount, EACH, Level, Period, UNLIMITED, Unit, Who, bounds, forecast};
use pgrx::spi::SpiTupleTable;
use serde_json::{Map, Value, json};

use super::openings;
use super::terms::{self, Terms, at};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;
use crate::statement::{column, rfc3339, statements};

statements! {
    // What lies in an escrow is reserved until it is charged there; the counters learn of charges when it closes.
    COUNTERS: reading [TEXTOID, TIMESTAMPTZOID] = concat!(
        "with held as (
             select e.agent_id, e.platform_subject_id, e.window_at, e.spent_tokens, e.spent_micro_usd
             from awooop.budget_escrow e
             where e.project_id = $1 and (e.granted_tokens > 0 or e.granted_micro_usd > 0)
         )
         select c.level, c.target, c.period,
                coalesce(sum(l.spent_tokens), 0)::int8 + c.opening_tokens + h.tokens,
                coalesce(sum(l.spent_micro_usd), 0)::int8 + c.opening_micro_usd + h.micro_usd,
                coalesce(sum(l.reserved_tokens), 0)::int8 - h.tokens,
                coalesce(sum(l.reserved_micro_usd), 0)::int8 - h.micro_usd,
                c.overrun_tokens, c.overrun_micro_usd, ", rfc3339!("c.soft_at"), "
         from awooop.budget_counter c
         left join awooop.budget_counter_lane l on l.project_id = c.project_id and l.counter_id = c.counter_id
         cross join lateral (
             select coalesce(sum(h.spent_tokens), 0)::int8 as tokens, coalesce(sum(h.spent_micro_usd), 0)::int8 as micro_usd
             from held h
             where h.window_at >= c.window_start and h.window_at < c.window_end
               and case c.level when 'project' then '' when 'agent' then h.agent_id else h.platform_subject_id end = c.target
         ) h
         where c.project_id = $1 and c.window_start <= $2 and c.window_end > $2
         group by c.project_id, c.counter_id, h.tokens, h.micro_usd
         order by c.counter_id");
    RUN_TOTALS: reading [TEXTOID, TEXTOID] =
        "select (booked_tokens + spent_tokens), (booked_micro_usd + spent_micro_usd),
                granted_tokens - spent_tokens, granted_micro_usd - spent_micro_usd, overrun_tokens, overrun_micro_usd
         from awooop.budget_escrow where project_id = $1 and run_id = $2::uuid";
    SWITCHES: reading [TEXTOID] =
        "select coalesce(json_agg(json_build_object('level', level, 'target', target, 'state', state, 'reason', reason)
                                  order by level, target), '[]')::text
         from (select level, target, state, reason from awooop.budget_switch where project_id = $1
               union all select 'platform', '', state, reason from awooop.budget_platform_switch) s";
    STOPPED: reading [TEXTOID] = concat!(
        "select coalesce(json_agg(s.run order by s.finished_at desc), '[]')::text
         from (select s.finished_at, json_build_object(
                          'run_id', s.run_id, 'agent_id', s.agent_id, 'platform_subject_id', s.platform_subject_id,
                          'finished_at', ", rfc3339!("s.finished_at"), ", 'code', s.error ->> 'code',
                          'level', s.error ->> 'level', 'target', s.error ->> 'target', 'period', s.error ->> 'period',
                          'overrun', json_build_object('tokens', s.error -> 'overrun' -> 'tokens',
                                                       'micro_usd', s.error -> 'overrun' -> 'micro_usd')) as run
               from awooop.run_state s
               where s.project_id = $1 and s.error ->> 'code' like 'E-BUDGET-%' and s.finished_at is not null
               order by s.finished_at desc limit 20) s");
    TIMES: reading [TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID] = concat!(
        "select ", rfc3339!("$1"), ", ", rfc3339!("$2"), ", ", rfc3339!("$3"), ", ", rfc3339!("$4"), ", ", rfc3339!("$5"),
        ", to_char($4 at time zone $6, 'FMMonth FMDDth'), to_char($5 at time zone $6, 'FMMonth FMDDth')");
}

/// What is used of a counter.
#[derive(Clone, Default)]
struct Used {
    spent: Amount,
    reserved: Amount,
    overrun: Amount,
    soft_at: Option<String>,
}

impl Used {
    fn read(row: &SpiTupleTable, first: usize) -> Result<Self, pgrx::spi::Error> {
        let amount = |n: usize| {
            Ok::<_, pgrx::spi::Error>(Amount {
                tokens: column(row, first + n)?,
                micro_usd: column(row, first + n + 1)?,
            })
        };
        Ok(Used { spent: amount(0)?, reserved: amount(2)?, overrun: amount(4)?, soft_at: None })
    }

    fn all(&self) -> Amount {
        self.spent.plus(self.reserved).plus(self.overrun)
    }
}

/// Operation `budget_status`.
pub(crate) fn status(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let wanted = |level: Level, target: &str| {
        arguments.optional_text("level").is_none_or(|only| only == level.as_str())
            && arguments.optional_text("target").is_none_or(|only| only == target)
    };
    Ok(Answer::ok(of(caller, wanted)?.to_string()))
}

/// The status, with the limits that are wanted.
pub(super) fn of(caller: &Caller, wanted: impl Fn(Level, &str) -> bool) -> Outcome<Value> {
    let project_id = caller.project_id.as_str();
    let now = terms::now();
    let terms = terms::current(project_id)?;
    let counters = COUNTERS.with(|s| {
        s.rows(&[project_id.into(), at(now)], |row| {
            let key = (column::<String>(row, 1)?, column::<String>(row, 2)?, column::<String>(row, 3)?);
            Ok((key, Used { soft_at: row.get(10)?, ..Used::read(row, 4)? }))
        })
    })?;
    let used = |level: Level, target: &str, period: Period| {
        let key = (level.as_str(), target, period.as_str());
        match counters.iter().find(|((l, t, p), _)| (l.as_str(), t.as_str(), p.as_str()) == key) {
            Some((_, used)) => Ok(used.clone()),
            // A window that nobody has been admitted to: it has what is in the ledger, and what is held.
            None => openings::sums(project_id, level, target, terms.window(period, now)?)
                .map(|[spent, reserved, overrun]| Used { spent, reserved, overrun, soft_at: None }),
        }
    };
    let mut limits = Vec::new();
    for (level, target, period) in keys(&terms, &counters.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()) {
        if !wanted(level, &target) {
            continue;
        }
        let used = match (level, period) {
            (Level::Run, _) => RUN_TOTALS
                .with(|s| s.row(&[project_id.into(), target.as_str().into()], |row| Used::read(row, 1)))?
                .unwrap_or_default(),
            // A limit of each single run has no count of its own.
            (_, Period::Run) => Used::default(),
            _ if target == EACH => Used::default(),
            _ => used(level, &target, period)?,
        };
        limits.push(shown(&terms, level, &target, period, &used, now)?);
    }
    let total = used(Level::Project, "", Period::Lifetime)?;
    let text = |statement: &'static std::thread::LocalKey<crate::statement::Statement>| {
        let found = statement.with(|s| s.row(&[project_id.into()], |row| column::<String>(row, 1)))?;
        Ok::<Value, crate::fault::Stop>(serde_json::from_str(&found.unwrap_or_else(|| "[]".to_owned()))?)
    };
    let times = times(now, &terms.time_zone, [now; 4])?;
    Ok(json!({
        "project_id": project_id, "time_zone": terms.time_zone, "at": times.0[0],
        "total": {"spent": total.spent.to_json(), "reserved": total.reserved.to_json(), "overrun": total.overrun.to_json()},
        "limits": limits, "switches": text(&SWITCHES)?, "stopped_runs": text(&STOPPED)?
    }))
}

/// Every limit that was set, and those that hold for an agent or a subject by way of a common one, as far as somebody has
/// begun to use it.
fn keys(terms: &Terms, counters: &[(String, String, String)]) -> Vec<(Level, String, Period)> {
    let mut keys: Vec<(Level, String, Period)> =
        terms.limits.iter().map(|limit| (limit.level, limit.target.clone(), limit.period)).collect();
    keys.extend(counters.iter().filter_map(|(level, target, period)| {
        let level = Level::parse(level)?;
        let limited = level != Level::Project;
        limited.then_some((level, target.clone(), Period::parse(period)?))
    }));
    keys.sort();
    keys.dedup();
    keys
}

fn times(now: i64, time_zone: &str, of: [i64; 4]) -> Outcome<([String; 5], [String; 2])> {
    let parameters = [at(now), at(of[0]), at(of[1]), at(of[2]), at(of[3]), time_zone.into()];
    let found = TIMES.with(|s| {
        s.row(&parameters, |row| {
            let text = |n| column::<String>(row, n);
            Ok(([text(1)?, text(2)?, text(3)?, text(4)?, text(5)?], [text(6)?, text(7)?]))
        })
    })?;
    Ok(found.unwrap_or_default())
}

fn shown(terms: &Terms, level: Level, target: &str, period: Period, used: &Used, now: i64) -> Outcome<Value> {
    let who = Who {
        agent_id: if level == Level::Agent { target } else { "" },
        subject_id: if level == Level::Subject { target } else { "" },
        run_id: (level == Level::Run).then_some(target),
    };
    let each = who.target(level).is_empty() && level != Level::Project || target == "*";
    let held = bounds(&terms.limits, &who).into_iter().find(|(l, p, _)| (*l, *p) == (level, period));
    let bounds = held.map_or(awooop_policy::budget::Bounds::NONE, |(.., bounds)| bounds);
    let window = terms.window(period, now)?;
    let has_window = matches!(period, Period::Day | Period::Month) && !each;
    let leads = Unit::ALL.map(|unit| {
        let (used, hard) = (used.all().of(unit), bounds.hard.of(unit));
        (has_window && hard < UNLIMITED).then(|| forecast(window.start, window.end, now, used, hard))
    });
    let exhausted = leads.map(|lead| lead.and_then(|lead| lead.exhausted_at));
    let of = [window.start, window.end, exhausted[0].unwrap_or(now), exhausted[1].unwrap_or(now)];
    let (times, days) = times(now, &terms.time_zone, of)?;
    let mut units = Map::new();
    let mut says = None;
    for (n, unit) in Unit::ALL.into_iter().enumerate() {
        let limit = |amount: Amount| (amount.of(unit) < UNLIMITED / 2).then(|| amount.of(unit));
        units.insert(
            unit.as_str().to_owned(),
            json!({
                "hard": limit(bounds.hard), "flight": limit(bounds.flight), "soft": limit(bounds.soft),
                "spent": used.spent.of(unit), "reserved": used.reserved.of(unit), "overrun": used.overrun.of(unit),
                "left": limit(bounds.hard).map(|hard| (hard - used.all().of(unit)).max(0)),
                "forecast": leads[n].map(|lead| lead.total),
                "exhausted_at": exhausted[n].map(|_| times[3 + n].as_str())
            }),
        );
        if says.is_none() && exhausted[n].is_some() {
            let (unit, day) = (unit.as_str(), days[n].trim());
            says = Some(if used.all().of(Unit::ALL[n]) >= bounds.hard.of(Unit::ALL[n]) {
                format!("the {}'s {unit} are used up", period.as_str())
            } else {
                format!("at this rate the {} ends on {day} ({unit})", period.as_str())
            });
        }
    }
    let sources = terms
        .limits
        .iter()
        .filter(|l| l.level == level && l.period == period && (l.target == target || l.target == "*"));
    let mut sources: Vec<&str> = sources.map(|limit| limit.source.as_str()).collect();
    sources.dedup();
    let mut limit = json!({
        "level": level.as_str(), "target": target, "period": period.as_str(), "sources": sources,
        "window_start": has_window.then_some(times[1].as_str()), "window_end": has_window.then_some(times[2].as_str()),
        "soft_at": used.soft_at, "says": says
    });
    if let Some(limit) = limit.as_object_mut() {
        limit.extend(units);
    }
    Ok(limit)
}
