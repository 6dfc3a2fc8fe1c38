//! How well runs in shadow agree with the legacy path, by agent and day.

use awooop_policy::argument::{Arguments, is_time};
use serde_json::Value;

use super::no_day;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::statement::{column, statements};

statements! {
    // Days are the project's own.
    REPORT: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "with terms as (
             select p.time_zone as zone from awooop.projects p where p.project_id = $1
         ), bounds as (
             select coalesce($3::date, (clock_timestamp() at time zone t.zone)::date - 29) as first,
                    coalesce($4::date, (clock_timestamp() at time zone t.zone)::date) as last, t.zone
             from terms t
         ), cases as (
             select c.*, (c.opened_at at time zone b.zone)::date as day
             from awooop.shadow_case c, bounds b
             where c.project_id = $1 and ($2 is null or c.agent_id = $2)
               and c.opened_at >= b.first::timestamp at time zone b.zone
               and c.opened_at < (b.last + 1)::timestamp at time zone b.zone
         ), days as (
             select c.day, c.agent_id, count(*) as messages, count(c.run_id) as runs, count(c.legacy_at) as legacy,
                    count(c.agrees) as compared, count(*) filter (where c.agrees) as agreed,
                    count(*) filter (where c.run_state is not null and c.run_state <> 'completed') as failed,
                    (select count(*) from awooop.outbound_message m
                     where m.project_id = $1 and m.state = 'recorded' and m.agent_id = c.agent_id
                       and (m.created_at at time zone (select zone from bounds))::date = c.day) as recorded
             from cases c group by c.day, c.agent_id
         )
         select json_build_object(
             'days', coalesce((select json_agg(json_build_object('day', d.day::text, 'agent_id', d.agent_id,
                         'messages', d.messages, 'runs', d.runs, 'legacy', d.legacy, 'compared', d.compared,
                         'agreed', d.agreed,
                         'agreement_percent', round(100.0 * d.agreed / nullif(d.compared, 0), 2), 'failed', d.failed,
                         'recorded_messages', d.recorded) order by d.day desc, d.agent_id) from days d), '[]'),
             'total', (select json_build_object('compared', count(c.agrees), 'agreed', count(*) filter (where c.agrees),
                         'agreement_percent', round(100.0 * count(*) filter (where c.agrees) / nullif(count(c.agrees), 0), 2),
                         'days', count(distinct c.day) filter (where c.agrees is not null)) from cases c),
             'differing', coalesce((select json_agg(json_build_object('message_key', f.message_key, 'agent_id', f.agent_id,
                         'run_id', f.run_id, 'run_state', f.run_state, 'agrees', f.agrees, 'differing', f.differing))
                         from (select * from cases where not agrees order by opened_at desc limit 20) f), '[]'))::text";
}

/// Operation `shadow_report`.
pub(crate) fn report(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let day = |name: &str| -> Outcome<Option<String>> {
        match arguments.optional_text(name) {
            None => Ok(None),
            Some(day) if is_time(&format!("{day}T00:00:00Z")) => Ok(Some(day.to_owned())),
            Some(_) => fault(no_day(name)),
        }
    };
    let shown = of(
        &caller.project_id,
        arguments.optional_text("agent_id"),
        (day("from_day")?.as_deref(), day("to_day")?.as_deref()),
    )?;
    Ok(Answer::ok(shown).with("mode", &Value::from(caller.project.mode.as_str())))
}

/// The report of these days, as JSON; of the last thirty where none are named.
pub(super) fn of(
    project_id: &str,
    agent_id: Option<&str>,
    (first, last): (Option<&str>, Option<&str>),
) -> Outcome<String> {
    let parameters = [project_id.into(), agent_id.into(), first.into(), last.into()];
    Ok(REPORT.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?.unwrap_or_default())
}
