//! The step journal: what a run has done, appended once and replayed ever after.

use awooop_contracts::digest;
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::journal::{Phase, Prior, Recording, decide};
use awooop_policy::output_attempts::{self, RESERVED};
use awooop_policy::run_fsm::RunState;
use serde_json::{Value, json};
use uuid::Uuid;

use super::end::end;
use super::{is_party, lease};
use crate::approvals;
use crate::audit;
use crate::budget;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault};
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
    APPEND: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, BYTEAOID, TEXTOID,
                     BOOLOID] = concat!(
        "with last as materialized (
             select s.created_at, s.max_steps,
                    coalesce((select max(m.seq) from awooop.step_journal m
                              where m.project_id = $1 and m.run_id = $2 and m.run_created_at = s.created_at), 0) as seq
             from awooop.run_state s where s.project_id = $1 and s.run_id = $2
         )
         insert into awooop.step_journal as j (project_id, run_id, run_created_at, step_key, phase, seq, kind, epoch,
                                               request, request_digest, result)
         select $1, $2, l.created_at, $3, $4, 1 + l.seq, $5, $6, $7::jsonb, $8, $9::jsonb
         from last l where $10 or l.max_steps is null or l.max_steps > l.seq
         returning json_build_object(", step_members!(), ")::text, j.result::text");
    OUTPUTS: reading [TEXTOID, UUIDOID, TEXTOID, BYTEAOID] = concat!(
        "select coalesce(j.result -> 'valid' = 'true', false), j.request_digest = $4 ",
        of_run!(), "and starts_with(j.step_key, $3) order by j.seq");
    RESULT: reading [TEXTOID, UUIDOID, TEXTOID] = concat!(
        "select j.result::text ", of_run!(), "and j.step_key = $3 and j.phase = 'completed'");
    STEPS: reading [TEXTOID, UUIDOID] = concat!(
        "select coalesce(json_agg(json_build_object(", step_members!(), ") order by j.seq), '[]')::text ", of_run!());
    // Of a call that people approved others see what those people saw.
    LIST: reading [TEXTOID, UUIDOID, INT8OID, INT8OID, TEXTOID] = concat!(
        "select (case when ", is_party!("$5"),
        " then jsonb_build_object(", step_members!(), ", 'request', j.request)
          else jsonb_build_object(", step_members!(), ", 'request', awooop.redact_json(j.request))
               || jsonb_build_object('result', awooop.redact_json(j.result))
               || coalesce((select jsonb_build_object('request', r.shown)
                            from awooop.approval_use u
                            join awooop.approval_request r
                              on r.project_id = u.project_id and r.approval_id = u.approval_id
                            where u.project_id = $1 and u.run_id = $2 and u.step_key = j.step_key), '{}')
          end)::text, j.seq ",
        of_run!(), "and j.seq > $3 order by j.seq limit $4");
    IS_FULL: reading [TEXTOID, UUIDOID] = concat!("select max(j.seq) >= min(s.max_steps) ", of_run!());
    RUN_EXISTS: reading [TEXTOID, UUIDOID] =
        "select true from awooop.run_state where project_id = $1 and run_id = $2";
}

/// A new entry.
pub(super) struct Step<'a> {
    pub(super) step_key: &'a str,
    pub(super) phase: Phase,
    pub(super) kind: &'a str,
    pub(super) request: &'a Value,
    pub(super) request_digest: &'a [u8],
    pub(super) result: &'a Value,
    /// It is recorded whatever the run's contract allows: what it completes was begun when there was room.
    pub(super) is_owed: bool,
}

/// An entry as it was recorded.
pub(super) struct Recorded {
    step: String,
    /// Its result, as JSON text.
    pub(super) result: String,
}

/// Appends an entry, unless the run's contract allows no more of them: then the run ends.
pub(super) fn append(caller: &Caller, run_id: Uuid, held: &lease::Locked, step: &Step) -> Outcome<Recorded> {
    let recorded = APPEND.with(|s| {
        s.row(
            &[
                caller.project_id.as_str().into(),
                pg_uuid(run_id).into(),
                step.step_key.into(),
                step.phase.as_str().into(),
                step.kind.into(),
                held.epoch.into(),
                json_or_null(step.request).into(),
                step.request_digest.into(),
                json_or_null(step.result).into(),
                step.is_owed.into(),
            ],
            |row| Ok(Recorded { step: column(row, 1)?, result: column(row, 2)? }),
        )
    })?;
    match recorded {
        Some(recorded) => Ok(recorded),
        None => Err(too_many(caller, run_id, held)?),
    }
}

/// Operation `record_step`.
pub(crate) fn record_step(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let run_id = arguments.uuid("run_id");
    let (step_key, request) = (arguments.text("step_key"), arguments.json("request"));
    // Or a worker could forge what the platform records, or take its place.
    if step_key.starts_with(RESERVED) {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "step_key")
                .with("expected", format!("a key that does not begin with {RESERVED}")),
        );
    }
    let phase = Phase::parse(arguments.text("phase")).unwrap_or(Phase::Completed);
    // The intent is committed before the effect, and the token with it.
    let (has_token, has_tool) =
        (arguments.optional_text("approval_token").is_some(), arguments.optional_text("tool").is_some());
    if has_token && (phase != Phase::Started || !has_tool) {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "approval_token")
                .with("expected", "a step of phase `started`, with the tool and, as its request, the arguments"),
        );
    }
    let held = lease::hold(caller, run_id, arguments.text("lease"))?;
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
            // What may be refused is refused before anything is written, because a refusal commits.
            let used = budget::used_by_step(caller, run_id, &held, arguments)?;
            let approval = match arguments.optional_text("approval_token") {
                Some(token) => {
                    let tool = arguments.optional_text("tool").unwrap_or_default();
                    Some(approvals::check_token(caller, (run_id, step_key), (tool, request), token)?)
                }
                None => {
                    if let Some(tool) = arguments.optional_text("tool").filter(|_| phase == Phase::Started) {
                        approvals::ensure_none_needed(caller, run_id, &held.agent_id, tool)?;
                    }
                    None
                }
            };
            let step = Step {
                step_key,
                phase,
                kind: arguments.text("kind"),
                request,
                request_digest: &request_digest,
                result: arguments.json("result"),
                is_owed: false,
            };
            let recorded = append(caller, run_id, &held, &step)?;
            if let Some(approval) = approval {
                approvals::use_token(caller, &held, step_key, &approval)?;
            }
            // Once, as the step is: a replayed one has been charged.
            if let Some(used) = used {
                budget::charge_step(caller, run_id, &held, arguments.text("lease"), &used)?;
            }
            Ok(Answer::ok(with_outcome(&recorded.step, "recorded")))
        }
    }
}

/// Ends a run that wants to record one step more than its contract allows: it goes in circles.
fn too_many(caller: &Caller, run_id: Uuid, held: &lease::Locked) -> Outcome<Stop> {
    let code = ErrorCode::RunSteps.entry();
    let error = json!({"code": code.code, "message": code.message, "attempt": held.attempts});
    end(caller, run_id, RunState::Failed, None, Some(error.to_string()))?;
    audit::done(caller, "run_failed", held.entry(run_id).with("attempt", held.attempts))?;
    Ok(Stop::Refused(Problem::from(ErrorCode::RunSteps).with("limit", held.max_steps)))
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

/// The outputs that were judged of a run, in order, compared with a request of this digest.
pub(super) fn outputs(caller: &Caller, run_id: Uuid, request_digest: &[u8]) -> Outcome<Vec<output_attempts::Prior>> {
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(run_id).into(),
        output_attempts::KEY_PREFIX.into(),
        request_digest.into(),
    ];
    OUTPUTS.with(|s| {
        s.rows(&parameters, |row| {
            Ok(output_attempts::Prior { accepted: column(row, 1)?, same_request: column(row, 2)? })
        })
    })
}

/// Ends a run whose contract allows no more steps.
pub(super) fn ensure_room(caller: &Caller, run_id: Uuid, held: &lease::Locked) -> Outcome<()> {
    let key = [caller.project_id.as_str().into(), pg_uuid(run_id).into()];
    let is_full = match held.max_steps {
        Some(_) => IS_FULL.with(|s| s.row(&key, |row| row.get::<bool>(1)))?.flatten() == Some(true),
        None => false,
    };
    if is_full { Err(too_many(caller, run_id, held)?) } else { Ok(()) }
}

/// What a completed step yielded, as JSON text.
pub(super) fn result_of(caller: &Caller, run_id: Uuid, step_key: &str) -> Outcome<Option<String>> {
    let parameters = [caller.project_id.as_str().into(), pg_uuid(run_id).into(), step_key.into()];
    RESULT.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))
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
