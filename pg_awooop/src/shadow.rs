//! Shadow: runs beside the legacy path, without side effects, and what each of the two made of one message.
//!
//! A run in shadow is a run like others, created in that mode; that nothing it does has an effect is decided where effects are.
//! Here its outcome is kept when it ends (`of_ended_run`), compared with the legacy path's as soon as both are known, and counted
//! (`report`); `promotion` is what a project must show before it goes on to the next mode.

mod promotion;
mod report;

use awooop_contracts::model::run::Comparison;
use awooop_policy::argument::Arguments;
use awooop_policy::comparison::differing;
use awooop_policy::envelope::Envelope;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;
use awooop_policy::operation::Operation;
use awooop_policy::run_fsm::RunState;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::audit;
use crate::caller::{Caller, ProjectFacts};
use crate::channels;
use crate::contracts::active;
use crate::door::Answer;
use crate::fault::{Outcome, fault, or_raise};
use crate::runs;
use crate::statement::{column, optional_uuid_column, pg_uuid, statements};
use crate::turn;

pub(crate) use promotion::ensure_promotable;
pub(crate) use report::report;

statements! {
    OPEN: writing [TEXTOID, TEXTOID, TEXTOID, UUIDOID, INT8OID] =
        "insert into awooop.shadow_case as c (project_id, message_key, agent_id, run_id, opened_at, retain_until)
         select $1, $2, $3, $4, t.at, t.at + $5 * interval '1 day' from (select clock_timestamp() as at) t
         on conflict (project_id, message_key) do update
            set agent_id = coalesce(c.agent_id, excluded.agent_id), run_id = coalesce(c.run_id, excluded.run_id)
         returning run_id";
    // Whoever comes second has both: the row's lock decides who that is.
    HOLD: writing [TEXTOID, TEXTOID] =
        "select agent_id, run_id, run_state, outcome::text, legacy::text, agrees, differing
         from awooop.shadow_case where project_id = $1 and message_key = $2 for no key update";
    KEY_OF_RUN: reading [TEXTOID, UUIDOID] =
        "select message_key from awooop.shadow_case where project_id = $1 and run_id = $2";
    ENDED: reading [TEXTOID, UUIDOID] =
        "select result::text, run_revision_id from awooop.run_state where project_id = $1 and run_id = $2";
    CAME_OUT: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.shadow_case set run_state = $3, outcome = $4::jsonb, outcome_at = clock_timestamp()
         where project_id = $1 and message_key = $2 and outcome_at is null";
    LEGACY: writing [TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.shadow_case set legacy = $3::jsonb, legacy_at = clock_timestamp()
         where project_id = $1 and message_key = $2 and legacy_at is null";
    COMPARED: writing [TEXTOID, TEXTOID, BOOLOID, TEXTARRAYOID] =
        "update awooop.shadow_case set agrees = $3, differing = $4 where project_id = $1 and message_key = $2";
    REVISION_OF_RUN: reading [TEXTOID, UUIDOID] =
        "select run_revision_id from awooop.run_state where project_id = $1 and run_id = $2";
    EXPIRED: reading [INT4OID] = "select e.project_id, e.message_key from awooop.expired_shadow_cases($1) e";
    FORGET: writing [TEXTOID, TEXTOID] =
        "delete from awooop.shadow_case where project_id = $1 and message_key = $2 and retain_until <= clock_timestamp()";
}

/// Operation `shadow_execute`.
pub(crate) fn execute(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    if !caller.project.mode.is_on_platform() {
        return fault(ErrorCode::TenantUnavailable);
    }
    let message_key = arguments.text("message_key");
    let agent_id = Envelope::from_json(arguments.json("envelope"))?.agent_id;
    let Some(create) = Operation::named("create_run") else { return fault(ErrorCode::SystemInternal) };
    let members = json!({
        "envelope": arguments.json("envelope"), "input": arguments.json("input"), "tags": arguments.json("tags"),
        "idempotency_key": format!("shadow:{message_key}"),
    });
    let members = members.as_object().cloned().unwrap_or_default();
    // Whatever the project is in, this run is in shadow.
    let in_shadow = ProjectFacts { mode: MigrationMode::Shadow, ..caller.project };
    let answer = runs::create(&caller.within(in_shadow), &Arguments::check(create.arguments, members)?)?;
    let run: Map<String, Value> = serde_json::from_str(&answer.body)?;
    let run_id = run.get("run_id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
    let Some(run_id) = run_id else { return fault(ErrorCode::SystemInternal) };
    open(&caller.project_id, message_key, &agent_id, run_id)?;
    Ok(answer)
}

/// Notes that a run in shadow was made of a message.
pub(crate) fn open(project_id: &str, message_key: &str, agent_id: &str, run_id: Uuid) -> Outcome<()> {
    let days = channels::conversation_days(project_id)?;
    OPEN.with(|s| s.run(&[project_id.into(), message_key.into(), agent_id.into(), pg_uuid(run_id).into(), days.into()]))
        .map(drop)
}

/// What is known of a message.
struct Case {
    agent_id: Option<String>,
    run_id: Option<Uuid>,
    run_state: Option<String>,
    outcome: Option<String>,
    legacy: Option<String>,
    agrees: Option<bool>,
    differing: Option<Vec<String>>,
}

fn hold(project_id: &str, message_key: &str) -> Outcome<Case> {
    let found = HOLD.with(|s| {
        s.row(&[project_id.into(), message_key.into()], |row| {
            Ok(Case {
                agent_id: row.get(1)?,
                run_id: optional_uuid_column(row, 2)?,
                run_state: row.get(3)?,
                outcome: row.get(4)?,
                legacy: row.get(5)?,
                agrees: row.get(6)?,
                differing: row.get(7)?,
            })
        })
    })?;
    found.map_or_else(|| fault(ErrorCode::SystemRetry), Ok)
}

/// Keeps what a run in shadow came to.
pub(crate) fn of_ended_run(caller: &Caller, run_id: Uuid, state: RunState) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    let key =
        KEY_OF_RUN.with(|s| s.row(&[project_id.into(), pg_uuid(run_id).into()], |row| column::<String>(row, 1)))?;
    let Some(message_key) = key else { return Ok(()) };
    hold(project_id, &message_key)?;
    let result = ENDED.with(|s| s.row(&[project_id.into(), pg_uuid(run_id).into()], |row| row.get::<String>(1)))?;
    let outcome = result.flatten().unwrap_or_else(|| "null".to_owned());
    CAME_OUT
        .with(|s| s.run(&[project_id.into(), message_key.as_str().into(), state.as_str().into(), outcome.into()]))?;
    compare(caller, &message_key)
}

/// Operation `report_legacy_outcome`.
pub(crate) fn report_legacy(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let message_key = arguments.text("message_key");
    let days = channels::conversation_days(project_id)?;
    let none: (Option<&str>, Option<pgrx::Uuid>) = (None, None);
    OPEN.with(|s| s.run(&[project_id.into(), message_key.into(), none.0.into(), none.1.into(), days.into()]))?;
    let before = hold(project_id, message_key)?;
    let outcome = arguments.json("outcome");
    match before.legacy.as_deref().map(serde_json::from_str::<Value>).transpose()? {
        Some(known) if known != *outcome => return fault(ErrorCode::ShadowOutcome),
        Some(_) => {}
        None => {
            LEGACY.with(|s| s.run(&[project_id.into(), message_key.into(), outcome.to_string().into()]))?;
            compare(caller, message_key)?;
        }
    }
    let case = hold(project_id, message_key)?;
    Ok(Answer::ok(
        json!({
            "message_key": message_key, "agent_id": case.agent_id, "run_id": case.run_id, "run_state": case.run_state,
            "agrees": case.agrees, "differing": case.differing
        })
        .to_string(),
    ))
}

/// Compares the two outcomes, where both are known. The case is held.
fn compare(caller: &Caller, message_key: &str) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    let case = hold(project_id, message_key)?;
    let (Some(outcome), Some(legacy), Some(run_id)) = (&case.outcome, &case.legacy, case.run_id) else { return Ok(()) };
    let (ours, legacy): (Value, Value) = (serde_json::from_str(outcome)?, serde_json::from_str(legacy)?);
    // A run that failed made nothing of it, whatever the legacy path did.
    let places = match case.run_state.as_deref() == Some(RunState::Completed.as_str()) {
        true => differing(&ours, &legacy, terms(project_id, run_id)?.as_ref()),
        false => vec![String::new()],
    };
    let agrees = places.is_empty();
    COMPARED.with(|s| s.run(&[project_id.into(), message_key.into(), agrees.into(), places.clone().into()]))?;
    let entry = audit::Entry { run_id: Some(run_id), agent_id: case.agent_id.as_deref(), ..audit::Entry::default() };
    audit::done(caller, "shadow_compared", entry.with("agrees", agrees).with("differing", places))
}

/// Where the run's contract says to look.
fn terms(project_id: &str, run_id: Uuid) -> Outcome<Option<Comparison>> {
    let revision = REVISION_OF_RUN
        .with(|s| s.row(&[project_id.into(), pg_uuid(run_id).into()], |row| optional_uuid_column(row, 1)))?
        .flatten();
    let Some(revision_id) = revision else { return Ok(None) };
    let loaded = active::load(project_id, revision_id)?;
    Ok(loaded.run().and_then(|contract| contract.comparison.clone()))
}

/// Forgets cases whose time is over; how many.
pub(crate) fn forget_due() -> Outcome<i64> {
    turn::forget_due(&EXPIRED, &FORGET)
}

/// Cases whose retention is over, in all projects. Belongs to awooop_scheduler; it hands out keys only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn expired_shadow_cases(
    at_most: i32,
) -> TableIterator<'static, (name!(project_id, String), name!(message_key, String))> {
    statements! {
        FIND: reading [INT4OID] =
            "select project_id, message_key from awooop.shadow_case
             where retain_until <= clock_timestamp() order by retain_until limit $1";
    }
    let due = or_raise(
        FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?)))),
    );
    TableIterator::new(due)
}

/// A problem of an argument that is no day.
fn no_day(argument: &str) -> Problem {
    Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", "a day such as 2026-01-31")
}
