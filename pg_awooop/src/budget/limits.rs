//! Setting limits. Each source has its own: what an administrator sets, what the policy contract says, what an agent's
//! contract says; the strictest decides.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::{EACH, Level, Limit, Period, Source, Who, bounds};
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::json;
use uuid::Uuid;

use super::guard::own_run;
use super::sight::Sight;
use super::terms;
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::statement::{column, statements};

statements! {
    PUT: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, TEXTOID] =
        "insert into awooop.budget_limit (project_id, level, target, period, source, hard_tokens, hard_micro_usd,
                                          soft_percent, burst_percent, changed_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (project_id, level, target, period, source) do update
            set hard_tokens = excluded.hard_tokens, hard_micro_usd = excluded.hard_micro_usd,
                soft_percent = excluded.soft_percent, burst_percent = excluded.burst_percent,
                changed_by = excluded.changed_by, changed_at = clock_timestamp()";
    REMOVE: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "delete from awooop.budget_limit
         where project_id = $1 and level = $2 and target = $3 and period = $4 and source = $5
         returning level";
    REMOVE_SOURCE: writing [TEXTOID, TEXTOID, TEXTOID] =
        "delete from awooop.budget_limit
         where project_id = $1 and source = $2 and ($3 is null or target = $3) returning level";
    HAS_SOURCE: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select exists (select from awooop.budget_limit
                        where project_id = $1 and source = $2 and ($3 is null or target = $3))";
    DROP_COUNTERS: writing [TEXTOID, INT4ARRAYOID] =
        "with lanes as (delete from awooop.budget_counter_lane where project_id = $1 and counter_id = any ($2))
         delete from awooop.budget_counter where project_id = $1 and counter_id = any ($2)";
    SET_TIME_ZONE: writing [TEXTOID, TEXTOID] =
        "update awooop.projects set time_zone = $2, updated_at = clock_timestamp()
         where project_id = $1 and time_zone <> $2 returning true";
    IS_TIME_ZONE: reading [TEXTOID] = "select exists (select from pg_catalog.pg_timezone_names where name = $1)";
}

/// Level and target of an operation, the target as it is stored.
pub(super) fn target_of(arguments: &Arguments, each: bool) -> Outcome<(Level, String)> {
    let level = Level::parse(arguments.text("level")).unwrap_or(Level::Project);
    let target = arguments.optional_text("target");
    let expected = match (level, target) {
        (Level::Project, None) => return Ok((level, String::new())),
        (Level::Project, Some(_)) => "nothing: there is one project",
        (Level::Run, Some(target)) if Uuid::try_parse(target).is_ok_and(|id| id.to_string() == target) => {
            return Ok((level, target.to_owned()));
        }
        (Level::Run, _) => "the id of a run",
        (_, Some(EACH)) if each => return Ok((level, EACH.to_owned())),
        (Level::Agent | Level::Subject, Some(target)) if target != EACH => return Ok((level, target.to_owned())),
        (Level::Agent, _) => "an agent_id",
        (Level::Subject, _) => "a platform_subject_id",
        // Not among the words of the argument.
        (Level::Platform, _) => "nothing: the platform's ceiling is its operator's",
    };
    fault(Problem::from(ErrorCode::InputInvalid).with("argument", "target").with("expected", expected))
}

/// Operation `set_budget`.
pub(crate) fn set(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (level, target) = target_of(arguments, true)?;
    let period = Period::parse(arguments.text("period")).unwrap_or(Period::Run);
    if level == Level::Run && period != Period::Run {
        return fault(
            Problem::from(ErrorCode::InputInvalid).with("argument", "period").with("expected", "run, for a run"),
        );
    }
    let limit = Limit {
        level,
        target,
        period,
        source: Source::Operation,
        hard_tokens: arguments.optional_integer("hard_tokens"),
        hard_micro_usd: arguments.optional_integer("hard_micro_usd"),
        soft_percent: arguments.optional_integer("soft_percent"),
        burst_percent: arguments.optional_integer("burst_percent"),
    };
    let removed = limit.hard_tokens.is_none() && limit.hard_micro_usd.is_none();
    if removed && (limit.soft_percent.is_some() || limit.burst_percent.is_some()) {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "soft_percent, burst_percent")
                .with("expected", "nothing where there is no hard limit"),
        );
    }
    let sight = Sight::take(&caller.project_id)?;
    if removed {
        let key = [
            caller.project_id.as_str().into(),
            level.as_str().into(),
            limit.target.as_str().into(),
            period.as_str().into(),
            Source::Operation.as_str().into(),
        ];
        if REMOVE.with(|s| s.run(&key))? == 0 {
            return fault(ErrorCode::BudgetLimit);
        }
    } else {
        put(caller, &limit)?;
    }
    follow(caller, &sight)?;
    let entry = entry_of(&limit).with("removed", removed);
    audit::done(caller, "budget_set", entry)?;
    let body = json!({
        "level": level.as_str(), "target": limit.target, "period": period.as_str(), "source": limit.source.as_str(),
        "hard_tokens": limit.hard_tokens, "hard_micro_usd": limit.hard_micro_usd, "soft_percent": limit.soft_percent,
        "burst_percent": limit.burst_percent, "removed": removed
    });
    Ok(Answer::ok(body.to_string()))
}

fn entry_of(limit: &Limit) -> audit::Entry<'_> {
    let entry = audit::Entry {
        agent_id: (limit.level == Level::Agent && limit.target != EACH).then_some(limit.target.as_str()),
        platform_subject_id: (limit.level == Level::Subject && limit.target != EACH).then_some(limit.target.as_str()),
        ..audit::Entry::default()
    };
    entry
        .with("level", limit.level.as_str())
        .with("target", limit.target.as_str())
        .with("period", limit.period.as_str())
        .with("source", limit.source.as_str())
        .with("hard_tokens", limit.hard_tokens)
        .with("hard_micro_usd", limit.hard_micro_usd)
        .with("soft_percent", limit.soft_percent)
        .with("burst_percent", limit.burst_percent)
}

fn put(caller: &Caller, limit: &Limit) -> Outcome<()> {
    let parameters = [
        caller.project_id.as_str().into(),
        limit.level.as_str().into(),
        limit.target.as_str().into(),
        limit.period.as_str().into(),
        limit.source.as_str().into(),
        limit.hard_tokens.into(),
        limit.hard_micro_usd.into(),
        limit.soft_percent.into(),
        limit.burst_percent.into(),
        caller.principal_id.as_str().into(),
    ];
    PUT.with(|s| s.run(&parameters)).map(drop)
}

/// Puts the limits of a source in the place of those it set before, for one target or for all.
pub(super) fn replace(caller: &Caller, source: Source, only: Option<&str>, limits: &[Limit]) -> Outcome<()> {
    let key = [caller.project_id.as_str().into(), source.as_str().into(), only.into()];
    // Most contracts say nothing of budgets, and must not keep those waiting who spend.
    if limits.is_empty() && HAS_SOURCE.with(|s| s.row(&key, |row| column::<bool>(row, 1)))? != Some(true) {
        return Ok(());
    }
    let sight = Sight::take(&caller.project_id)?;
    REMOVE_SOURCE.with(|s| s.run(&key))?;
    for limit in limits {
        put(caller, limit)?;
    }
    follow(caller, &sight)?;
    let entry =
        audit::Entry::default().with("source", source.as_str()).with("target", only).with("limits", limits.len());
    audit::done(caller, "budgets_replaced", entry)
}

/// Makes the counters follow the limits: those that nothing limits any more go, and no session admits by what it knew.
fn follow(caller: &Caller, sight: &Sight) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    terms::forget(project_id);
    let now = terms::current(project_id)?;
    let (mut live, mut gone) = (Vec::new(), Vec::new());
    for (counter_id, level, target, period) in sight.live(terms::now())? {
        let who = Who {
            agent_id: if level == Level::Agent { &target } else { "" },
            subject_id: if level == Level::Subject { &target } else { "" },
            run_id: None,
        };
        let is_limited = bounds(&now.limits, &who).iter().any(|(l, p, _)| (*l, *p) == (level, period));
        if is_limited || counter_id == terms::FIRST { live.push(counter_id) } else { gone.push(counter_id) }
    }
    own_run(&DROP_COUNTERS, &[project_id.into(), gone.into()])?;
    sight.changed(live)
}

/// Makes another time zone the project's: its days and months begin at other times, so that the windows of now are
/// opened anew, from the ledger.
pub(crate) fn set_time_zone(caller: &Caller, time_zone: &str) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    let known = IS_TIME_ZONE.with(|s| s.row(&[time_zone.into()], |row| column::<bool>(row, 1)))?;
    if known != Some(true) {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "time_zone")
                .with("expected", "a time zone by its IANA name, such as Asia/Taipei"),
        );
    }
    let sight = Sight::take(project_id)?;
    if SET_TIME_ZONE.with(|s| s.run(&[project_id.into(), time_zone.into()]))? == 0 {
        return Ok(());
    }
    let (mut live, mut gone) = (Vec::new(), Vec::new());
    for (counter_id, _, _, period) in sight.live(terms::now())? {
        if period == Period::Lifetime { live.push(counter_id) } else { gone.push(counter_id) }
    }
    own_run(&DROP_COUNTERS, &[project_id.into(), gone.into()])?;
    sight.changed(live)?;
    audit::done(caller, "time_zone_set", audit::Entry::default().with("time_zone", time_zone))
}
