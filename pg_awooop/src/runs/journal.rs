//! The step journal: what a run has done, appended once and replayed ever after.

use awooop_contracts::digest;
use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use awooop_policy::journal::{Phase, Prior, Recording, decide};
use serde_json::Value;
use uuid::Uuid;

use super::{is_party, lease};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, rfc3339, statements};

macro_rules! step_members {
    () => {
        concat!(
            "'step_key', j.step_key, 'seq', j.seq, 'kind', j.kind, 'phase', j.phase, 'epoch', j.epoch,
             'result', j.result, 'recorded_at', ",
            rfc3339!("j.recorded_at")
        )
    };
}

/// The run's creation time is its partition: naming it keeps the look-up to one.
macro_rules! of_run {
    () => {
        "from awooop.run_state s
         join awooop.step_journal j
           on j.project_id = s.project_id and j.run_id = s.run_id and j.run_created_at = s.created_at
         where s.project_id = $1 and s.run_id = $2 "
    };
}

statements! {
    PRIOR: reading [TEXTOID, UUIDOID, TEXTOID] = concat!(
        "select j.phase, j.epoch, j.request_digest, json_build_object(", step_members!(), ")::text ",
        of_run!(), "and j.step_key = $3");
    APPEND: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, BYTEAOID, TEXTOID] = concat!(
        "insert into awooop.step_journal as j (project_id, run_id, run_created_at, step_key, phase, seq, kind, epoch,
                                               request, request_digest, result)
         select $1, $2, s.created_at, $3, $4,
                1 + coalesce((select max(m.seq) from awooop.step_journal m
                              where m.project_id = $1 and m.run_id = $2 and m.run_created_at = s.created_at), 0),
                $5, $6, $7::jsonb, $8, $9::jsonb
         from awooop.run_state s where s.project_id = $1 and s.run_id = $2
         returning json_build_object(", step_members!(), ")::text");
    STEPS: reading [TEXTOID, UUIDOID] = concat!(
        "select coalesce(json_agg(json_build_object(", step_members!(), ") order by j.seq), '[]')::text ", of_run!());
    LIST: reading [TEXTOID, UUIDOID, INT8OID, INT8OID, TEXTOID] = concat!(
        "select (case when ", is_party!("$5"),
        " then jsonb_build_object(", step_members!(), ", 'request', j.request)
          else jsonb_build_object(", step_members!(), ", 'request', awooop.redact_json(j.request))
               || jsonb_build_object('result', awooop.redact_json(j.result)) end)::text, j.seq ",
        of_run!(), "and j.seq > $3 order by j.seq limit $4");
    RUN_EXISTS: reading [TEXTOID, UUIDOID] =
        "select true from awooop.run_state where project_id = $1 and run_id = $2";
}

/// Operation `record_step`.
pub(crate) fn record_step(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let run_id = arguments.uuid("run_id");
    let held = lease::hold(caller, run_id, arguments.text("lease"))?;
    let (step_key, request) = (arguments.text("step_key"), arguments.json("request"));
    let phase = Phase::parse(arguments.text("phase")).unwrap_or(Phase::Completed);
    let request_digest = digest(request)?;
    let no_request = digest(&Value::Null)?;
    let entries = PRIOR.with(|s| {
        s.rows(&[caller.project_id.as_str().into(), pg_uuid(run_id).into(), step_key.into()], |row| {
            let recorded: Vec<u8> = column(row, 3)?;
            let prior = Prior {
                phase: Phase::parse(&column::<String>(row, 1)?).unwrap_or(Phase::Completed),
                epoch: column(row, 2)?,
                same_request: request.is_null() || recorded == request_digest || recorded == no_request,
            };
            Ok((prior, column::<String>(row, 4)?))
        })
    })?;
    let prior: Vec<Prior> = entries.iter().map(|(prior, _)| *prior).collect();
    match decide(&prior, phase, held.epoch) {
        Recording::Conflict => fault(ErrorCode::RunStepConflict),
        Recording::Replay(n) => Ok(Answer::ok(with_outcome(&entries[n].1, "replayed"))),
        Recording::Unknown(n) => Ok(Answer::ok(with_outcome(&entries[n].1, "unknown"))),
        Recording::Append => {
            let appended = APPEND.with(|s| {
                s.row(
                    &[
                        caller.project_id.as_str().into(),
                        pg_uuid(run_id).into(),
                        step_key.into(),
                        phase.as_str().into(),
                        arguments.text("kind").into(),
                        held.epoch.into(),
                        json_or_null(request).into(),
                        request_digest.as_slice().into(),
                        json_or_null(arguments.json("result")).into(),
                    ],
                    |row| column::<String>(row, 1),
                )
            })?;
            Ok(Answer::ok(with_outcome(&appended.unwrap_or_default(), "recorded")))
        }
    }
}

/// SQL NULL for JSON null: an absent request or result is absent.
fn json_or_null(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

fn with_outcome(step: &str, outcome: &str) -> String {
    format!("{},\"outcome\":\"{outcome}\"}}", step.trim_end().strip_suffix('}').unwrap_or(step))
}

/// Every recorded step of a run, as a JSON array: what a worker that takes over must not do again.
pub(super) fn steps_of(caller: &Caller, run_id: Uuid) -> Outcome<String> {
    let steps = STEPS.with(|s| {
        s.row(&[caller.project_id.as_str().into(), pg_uuid(run_id).into()], |row| column::<String>(row, 1))
    })?;
    Ok(steps.unwrap_or_else(|| "[]".to_owned()))
}

/// Operation `list_steps`.
pub(crate) fn list_steps(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, run_id) = (caller.project_id.as_str(), pg_uuid(arguments.uuid("run_id")));
    if RUN_EXISTS.with(|s| s.run(&[project_id.into(), run_id.into()]))? == 0 {
        return fault(ErrorCode::RunUnknown);
    }
    let limit = arguments.integer("page_size");
    let mut rows = LIST.with(|s| {
        let parameters = [
            project_id.into(),
            run_id.into(),
            arguments.integer("after_seq").into(),
            (limit + 1).into(),
            caller.principal_id.as_str().into(),
        ];
        s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<i32>(row, 2)?)))
    })?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map_or_else(|| "null".to_owned(), |(_, seq)| seq.to_string());
    let items: Vec<String> = rows.into_iter().map(|(item, _)| item).collect();
    Ok(Answer::ok(format!("{{\"items\":[{}],\"next_cursor\":{next}}}", items.join(","))))
}
