//! What an operator sets for the platform as a whole, and sees of it.

use awooop_policy::budget::{Level, Limit, MOST, Period, Source};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::name::{MAX_DISPLAY_NAME, NameRule};
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::windows;
use crate::audit;
use crate::budget::terms;
use crate::caller::Caller;
use crate::fault::{Outcome, fault, or_raise, raise};
use crate::projects::{self, operator};
use crate::redaction;
use crate::setting;
use crate::statement::{column, rfc3339, statements};
use crate::tenant;

/// How long setting a ceiling waits for a lock, and how often it tries to have the counters of all projects at once: a
/// second at least, five where each try waits for a lock in vain.
const LOCK_TIMEOUT: &std::ffi::CStr = c"2s";
const ROUNDS: usize = 40;

statements! {
    PUT: writing [TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, TEXTOID] =
        "insert into awooop.budget_platform (period, hard_tokens, hard_micro_usd, soft_percent, burst_percent, changed_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (period) do update
            set hard_tokens = excluded.hard_tokens, hard_micro_usd = excluded.hard_micro_usd,
                soft_percent = excluded.soft_percent, burst_percent = excluded.burst_percent,
                changed_by = excluded.changed_by, changed_at = clock_timestamp()";
    REMOVE: writing [TEXTOID] = "delete from awooop.budget_platform where period = $1 returning period";
    BEFORE: writing [TEXTOID] =
        "select hard_tokens is not null, hard_micro_usd is not null from awooop.budget_platform where period = $1 for update";
    PROJECTS: reading [] = "select p.project_id from awooop.audit_projects() p";
    SWITCH: writing [TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.budget_platform_switch (state, reason, changed_by) values ($1, $2, $3)
         on conflict (one) do update
            set state = excluded.state, reason = excluded.reason, changed_by = excluded.changed_by,
                changed_at = clock_timestamp()";
    SWITCH_ON: writing [] = "delete from awooop.budget_platform_switch";
    STATUS: reading [TIMESTAMPTZOID, INT8OID] = concat!(
        "select json_build_object(
             'limits', coalesce((
                 select json_agg(json_build_object(
                            'period', b.period, 'hard_tokens', b.hard_tokens, 'hard_micro_usd', b.hard_micro_usd,
                            'soft_percent', b.soft_percent, 'burst_percent', b.burst_percent,
                            'window_start', ", rfc3339!("w.window_start"), ", 'window_end', ", rfc3339!("w.window_end"), ",
                            'tokens', case when w.hard_tokens < $2 / 2 then json_build_object(
                                'taken', w.hard_tokens - f.tokens, 'left', greatest(f.tokens, 0)) end,
                            'micro_usd', case when w.hard_micro_usd < $2 / 2 then json_build_object(
                                'taken', w.hard_micro_usd - f.micro_usd, 'left', greatest(f.micro_usd, 0)) end,
                            'soft_at', ", rfc3339!("t.soft_at"), ", 'changed_by', b.changed_by) order by b.period)
                 from awooop.budget_platform b
                 left join awooop.budget_platform_window w
                        on w.period = b.period and w.window_start <= $1 and w.window_end > $1
                 left join awooop.budget_platform_told t on t.period = w.period and t.window_start = w.window_start
                 cross join lateral (
                     select (select coalesce(sum(p.tokens), 0) from awooop.budget_platform_pot p
                             where p.period = w.period and p.window_start = w.window_start)
                            - (select coalesce(sum(d.tokens), 0) from awooop.budget_platform_due d
                               where d.period = w.period and d.window_start = w.window_start) as tokens,
                            (select coalesce(sum(p.micro_usd), 0) from awooop.budget_platform_pot p
                             where p.period = w.period and p.window_start = w.window_start)
                            - (select coalesce(sum(d.micro_usd), 0) from awooop.budget_platform_due d
                               where d.period = w.period and d.window_start = w.window_start) as micro_usd
                 ) f), '[]'),
             'switch', (select json_build_object('state', s.state, 'reason', s.reason, 'changed_by', s.changed_by)
                        from awooop.budget_platform_switch s))::text");
    // One statement, one snapshot. By the ledger: what is reserved, spent and overrun of a window.
    CHECK: reading [] = concat!(
        "with taken as (
             select w.period, w.window_start,
                    w.hard_tokens - coalesce((select sum(p.tokens) from awooop.budget_platform_pot p
                                              where p.period = w.period and p.window_start = w.window_start), 0)
                        + coalesce((select sum(d.tokens) from awooop.budget_platform_due d
                                    where d.period = w.period and d.window_start = w.window_start), 0) as tokens,
                    w.hard_micro_usd - coalesce((select sum(p.micro_usd) from awooop.budget_platform_pot p
                                                 where p.period = w.period and p.window_start = w.window_start), 0)
                        + coalesce((select sum(d.micro_usd) from awooop.budget_platform_due d
                                    where d.period = w.period and d.window_start = w.window_start), 0) as micro_usd,
                    w.window_end
             from awooop.budget_platform_window w join awooop.budget_platform b on b.period = w.period
         ), booked as materialized (
             select l.window_at, sum(l.reserved_tokens + l.spent_tokens + l.overrun_tokens) as tokens,
                    sum(l.reserved_micro_usd + l.spent_micro_usd + l.overrun_micro_usd) as micro_usd
             from awooop.budget_ledger l group by l.window_at
             union all
             select o.window_at, o.spent_tokens + o.overrun_tokens, o.spent_micro_usd + o.overrun_micro_usd
             from awooop.budget_opening o
         ), compared as (
             select t.period, t.window_start, t.tokens, t.micro_usd, coalesce(sum(b.tokens), 0) as ledger_tokens,
                    coalesce(sum(b.micro_usd), 0) as ledger_micro_usd
             from taken t left join booked b on b.window_at >= t.window_start and b.window_at < t.window_end
             group by t.period, t.window_start, t.tokens, t.micro_usd
         )
         select json_build_object(
             'ok', coalesce(bool_and(c.tokens = c.ledger_tokens and c.micro_usd = c.ledger_micro_usd), true),
             'windows', coalesce(json_agg(json_build_object(
                 'period', c.period, 'window_start', ", rfc3339!("c.window_start"), ",
                 'taken', json_build_object('tokens', c.tokens, 'micro_usd', c.micro_usd),
                 'ledger', json_build_object('tokens', c.ledger_tokens, 'micro_usd', c.ledger_micro_usd))
                 order by c.period, c.window_start), '[]'))::text
         from compared c");
}

fn invalid<T>(argument: &str, expected: &str) -> Outcome<T> {
    fault(Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", expected))
}

fn number(name: &str, value: Option<i64>, min: i64, max: i64) -> Outcome<Option<i64>> {
    match value {
        Some(value) if !(min..=max).contains(&value) => invalid(name, &format!("a whole number from {min} to {max}")),
        value => Ok(value),
    }
}

/// Sets the ceiling of the platform for a `day`, a `month` (of UTC) or its `lifetime`: what all projects together may take,
/// in tokens and millionths of a dollar; with neither it is removed. What they have used and hold of the window counts. An
/// operator's call. To count it the first time nobody may be in the middle of spending: it tries a number of times to find
/// such a moment, then says so (`E-SYS-001`). Another amount takes hold at once. Returns the limit as JSON.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_platform_budget(
    period: Option<&str>,
    hard_tokens: default!(Option<i64>, "NULL"),
    hard_micro_usd: default!(Option<i64>, "NULL"),
    soft_percent: default!(Option<i32>, "NULL"),
    burst_percent: default!(Option<i32>, "NULL"),
) -> pgrx::JsonB {
    or_raise((|| {
        let caller = operator("")?;
        unbound()?;
        let period = match period.and_then(Period::parse) {
            Some(period) if period != Period::Run => period,
            _ => return invalid("period", "day, month or lifetime"),
        };
        let limit = Limit {
            level: Level::Platform,
            target: String::new(),
            period,
            source: Source::Operation,
            hard_tokens: number("hard_tokens", hard_tokens, 0, MOST)?,
            hard_micro_usd: number("hard_micro_usd", hard_micro_usd, 0, MOST)?,
            soft_percent: number("soft_percent", soft_percent.map(i64::from), 1, 99)?,
            burst_percent: number("burst_percent", burst_percent.map(i64::from), 1, 100)?,
        };
        let removed = limit.hard_tokens.is_none() && limit.hard_micro_usd.is_none();
        if removed && (limit.soft_percent.is_some() || limit.burst_percent.is_some()) {
            return invalid("soft_percent, burst_percent", "nothing where there is no hard limit");
        }
        let body = json!({
            "level": limit.level.as_str(), "period": period.as_str(), "hard_tokens": limit.hard_tokens,
            "hard_micro_usd": limit.hard_micro_usd, "soft_percent": limit.soft_percent,
            "burst_percent": limit.burst_percent, "removed": removed
        });
        setting::during(c"lock_timeout", LOCK_TIMEOUT, || {
            // The transaction is lost with the error that is caught here; another one takes its place.
            PgTryBuilder::new(std::panic::AssertUnwindSafe(|| set(&caller, &limit, removed, &body)))
                .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, |_| raise(&ErrorCode::SystemRetry.into()))
                .execute()
        })?;
        Ok(pgrx::JsonB(body))
    })())
}

/// A transaction that is bound to a project looks at nobody else's.
fn unbound() -> Outcome<()> {
    if tenant::current().is_some() {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    tenant::ensure_current_snapshot()
}

fn set(caller: &Caller, limit: &Limit, removed: bool, body: &Value) -> Outcome<()> {
    let period = limit.period;
    let key = || [period.as_str().into()];
    let before = BEFORE.with(|s| s.row(&key(), |row| Ok([column::<bool>(row, 1)?, column::<bool>(row, 2)?])))?;
    if removed {
        if REMOVE.with(|s| s.run(&key()))? == 0 {
            return fault(ErrorCode::BudgetLimit);
        }
    } else {
        let [period_of] = key();
        let put = [
            period_of,
            limit.hard_tokens.into(),
            limit.hard_micro_usd.into(),
            limit.soft_percent.into(),
            limit.burst_percent.into(),
            caller.principal_id.as_str().into(),
        ];
        PUT.with(|s| s.run(&put))?;
        if before == Some([limit.hard_tokens.is_some(), limit.hard_micro_usd.is_some()]) {
            windows::change(period, limit.bounds().hard)?;
        } else {
            windows::count_or_retry(period, ROUNDS)?;
        }
    }
    for project_id in all_projects()? {
        tenant::within(&project_id, || told(&project_id, caller, "platform_budget_set", body))?;
    }
    Ok(())
}

fn all_projects() -> Outcome<Vec<String>> {
    PROJECTS.with(|s| s.rows(&[], |row| column::<String>(row, 1)))
}

/// Every project's log says what holds for it; how much all of them may take is none of its business.
fn told(project_id: &str, caller: &Caller, action: &str, body: &Value) -> Outcome<()> {
    let caller = projects::operator_as(project_id, &caller.principal_id);
    let members = ["level", "period", "removed", "state", "reason"].into_iter();
    let members = members.filter_map(|name| Some((name, body.get(name)?.clone())));
    let entry = members.fold(audit::Entry::default(), |entry, (name, value)| entry.with(name, value));
    audit::done(&caller, action, entry)
}

/// Pauses the platform (`paused`: nothing new is admitted in any project), kills it (`killed`: what is under way stops as
/// well, at its worker's next call), or makes it `active` again. An operator's call; waits for nobody. Returns the switch
/// as JSON.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn switch_platform_budget(state: Option<&str>, reason: default!(Option<&str>, "NULL")) -> pgrx::JsonB {
    or_raise((|| {
        let caller = operator("")?;
        unbound()?;
        let Some(state) = state.filter(|state| ["active", "paused", "killed"].contains(state)) else {
            return invalid("state", "active, paused or killed");
        };
        if reason.is_some_and(|reason| !NameRule::Line.admits(reason) || reason.chars().count() > MAX_DISPLAY_NAME) {
            return invalid("reason", &format!("one line of at most {MAX_DISPLAY_NAME} characters"));
        }
        let reason = redaction::stored(reason);
        let reason = reason.as_deref();
        match state {
            "active" => SWITCH_ON.with(|s| s.run(&[]))?,
            state => SWITCH.with(|s| s.run(&[state.into(), reason.into(), caller.principal_id.as_str().into()]))?,
        };
        let body = json!({"level": Level::Platform.as_str(), "state": state, "reason": reason});
        for project_id in all_projects()? {
            tenant::within(&project_id, || told(&project_id, &caller, "platform_budget_switched", &body))?;
        }
        Ok(pgrx::JsonB(body))
    })())
}

/// The platform's ceilings: what is taken of their present windows and what is left, and the switch. For operators and
/// auditors. Returns `{"limits": [...], "switch": {...} | null}`.
#[pg_extern(stable, parallel_restricted)]
#[search_path(pg_catalog, pg_temp)]
fn platform_budget_status() -> pgrx::JsonB {
    or_raise((|| {
        let parameters = [terms::at(terms::now()), awooop_policy::budget::UNLIMITED.into()];
        let found = STATUS.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?;
        Ok(pgrx::JsonB(serde_json::from_str(&found.unwrap_or_else(|| "{}".to_owned()))?))
    })())
}

/// Compares what is taken of the platform's ceilings with the ledgers of all projects, to the unit, in one snapshot. For
/// auditors, who read every project, and superusers. Returns `{"ok", "windows": [{"taken", "ledger", ...}]}`.
#[pg_extern(stable, parallel_restricted)]
#[search_path(pg_catalog, pg_temp)]
fn platform_budget_check() -> pgrx::JsonB {
    or_raise((|| {
        let found = CHECK.with(|s| s.row(&[], |row| column::<String>(row, 1)))?;
        Ok(pgrx::JsonB(serde_json::from_str(&found.unwrap_or_else(|| "{}".to_owned()))?))
    })())
}
