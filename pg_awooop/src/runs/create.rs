//! Creating a run: once for an idempotency key, whoever wins the race.

use awooop_contracts::digest;
use awooop_policy::argument::Arguments;
use awooop_policy::budget::Amount;
use awooop_policy::envelope::Envelope;
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::json;
use uuid::Uuid;

use super::run_json;
use super::settings::Settings;
use crate::audit;
use crate::budget::{self, OfRun};
use crate::caller::Caller;
use crate::contracts::active;
use crate::directory;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault, refuse};
use crate::statement::{column, pg_uuid, statements};
use crate::subtransaction::attempt;

statements! {
    SUBJECT_EXISTS: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select true from awooop.platform_subjects
         where project_id = $1 and channel_type = $2 and channel_user_id = $3";
    // The loser of a race for the key waits for the winner, then inserts nothing.
    INSERT: writing [TEXTOID, UUIDOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
                     TEXTOID, TEXTOID, TEXTOID, BYTEAOID, INT4OID, INT4OID, INT4OID, TEXTOID, UUIDOID, UUIDOID,
                     UUIDOID, INT4OID, INT4OID, INT4OID, BOOLOID] = concat!(
        "with created as (
             insert into awooop.run_state as s
                    (project_id, run_id, agent_id, platform_subject_id, channel_type, channel_user_id, mode, state,
                     envelope, trace_id, input, tags, idempotency_key, request_digest, priority, attempts,
                     max_attempts, epoch, created_by, created_at, updated_at, available_at, deadline_at,
                     agent_revision_id, run_revision_id, policy_revision_id, lease_seconds, max_steps,
                     retention_days, has_endpoint)
             select $1, $2, $4, $5, $6, $7, $8, 'pending', $9::jsonb, $10, $11::jsonb, $12::jsonb, $13, $14, $15, 0,
                    $16, 0, $18, t.at, t.at, t.at, t.at + $17 * interval '1 second', $19, $20, $21, $22, $23,
                    $24, $25
             from (select to_timestamp($3 / 1000.0) as at) t
             on conflict (project_id, idempotency_key) where idempotency_key is not null do nothing
             returning s.run_id, s.priority, s.available_at, s.deadline_at, s.has_endpoint, ", run_json!(), " as body
         ), queued as (
             insert into awooop.run_ready (project_id, run_id, priority, available_at, deadline_at, has_endpoint)
             select $1, c.run_id, c.priority, c.available_at, c.deadline_at, c.has_endpoint from created c
         )
         select c.body from created c");
    BY_KEY: reading [TEXTOID, TEXTOID] =
        "select s.request_digest, s.run_id::text from awooop.run_state s where s.project_id = $1 and s.idempotency_key = $2";
}

/// Operation `create_run`.
pub(crate) fn create(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    if !caller.project.mode.is_on_platform() {
        return fault(ErrorCode::TenantUnavailable);
    }
    let mut envelope = Envelope::from_json(arguments.json("envelope"))?;
    if envelope.project_id != caller.project_id {
        return refuse(ErrorCode::TenantEnvelope);
    }
    if envelope.run_id.is_some() {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "envelope.run_id")
                .with("expected", "null: create_run gives the run its id"),
        );
    }
    match directory::is_enabled(&caller.project_id, &envelope.agent_id)? {
        None => return fault(ErrorCode::AgentUnknown),
        Some(false) => return fault(ErrorCode::AgentDisabled),
        Some(true) => {}
    }
    let request = request_digest(&envelope, arguments)?;
    let settled = active::terms(&caller.project_id, &envelope.agent_id)
        .and_then(|terms| Ok((Settings::of(&terms, arguments)?, terms)));
    let (settings, terms) = match settled {
        Ok(settled) => settled,
        // What was right when it was asked for first has been done; contracts that came since do not undo it.
        Err(stop) => match repeated(caller, arguments.optional_text("idempotency_key"), &request)? {
            Some(answer) => return Ok(answer),
            None => return Err(stop),
        },
    };
    // What the envelope says of the policy was true when it was built; the run is under the one that is now.
    envelope.policy_revision_id = terms.policy_revision_id.map(|revision_id| revision_id.to_string());
    let subject = SUBJECT_EXISTS.with(|s| {
        s.run(&[
            caller.project_id.as_str().into(),
            envelope.channel_type.as_str().into(),
            envelope.channel_user_id.as_str().into(),
        ])
    })?;
    if subject == 0 {
        return fault(ErrorCode::RunSubject);
    }
    let run_id = Uuid::now_v7();
    envelope.run_id = Some(run_id);
    let reserve = Amount {
        tokens: arguments.optional_integer("reserve_tokens").unwrap_or_default(),
        micro_usd: arguments.optional_integer("reserve_micro_usd").unwrap_or_default(),
    };
    let of_run = OfRun {
        run_id,
        agent_id: &envelope.agent_id,
        platform_subject_id: &envelope.platform_subject_id,
        trace_id: &envelope.trace_id,
    };
    let created = attempt(|| {
        budget::admit(caller, &of_run, reserve)?;
        insert(caller, run_id, &envelope, &request, &settings, arguments)
    });
    let created = match created {
        // The request was admitted before, when there was room for it.
        Err(stop @ Stop::Refused(_)) => match repeated(caller, arguments.optional_text("idempotency_key"), &request)? {
            Some(answer) => return Ok(answer),
            None => return Err(stop),
        },
        created => created?,
    };
    if let Some(body) = created {
        let entry = audit::Entry {
            trace_id: Some(&envelope.trace_id),
            agent_id: Some(&envelope.agent_id),
            platform_subject_id: Some(&envelope.platform_subject_id),
            run_id: Some(run_id),
            ..audit::Entry::default()
        };
        audit::done(caller, "run_created", entry.with("mode", caller.project.mode.as_str()))?;
        return Ok(Answer::created(with_created(&body, true)));
    }
    first_run(caller, arguments.text("idempotency_key"), &request)
}

/// The answer to a request that was made before with the same key.
fn repeated(caller: &Caller, key: Option<&str>, request: &[u8; 32]) -> Outcome<Option<Answer>> {
    let Some(key) = key else { return Ok(None) };
    match first_run(caller, key, request) {
        Ok(answer) => Ok(Some(answer)),
        Err(Stop::Fault(problem)) if problem.code == ErrorCode::SystemRetry => Ok(None),
        Err(stop) => Err(stop),
    }
}

/// The run that the key belongs to, if it was asked for in the same way.
fn first_run(caller: &Caller, key: &str, request: &[u8; 32]) -> Outcome<Answer> {
    let first = BY_KEY.with(|s| {
        s.row(&[caller.project_id.as_str().into(), key.into()], |row| {
            Ok((column::<Vec<u8>>(row, 1)?, column::<String>(row, 2)?))
        })
    })?;
    match first {
        Some((digest, run_id)) if digest == request => {
            let run = super::listing::show(caller, Uuid::try_parse(&run_id).unwrap_or_default())?;
            Ok(Answer::ok(with_created(&run.body, false)))
        }
        Some(_) => fault(ErrorCode::RunIdempotency),
        // The first run ended its retention between the two statements.
        None => fault(ErrorCode::SystemRetry),
    }
}

/// When a run is created, in milliseconds since 1970: the id's own time, so that whatever is partitioned by it can be found by the id.
pub(crate) fn created_ms(run_id: Uuid) -> i64 {
    let (seconds, nanos) = run_id.get_timestamp().map(|t| t.to_unix()).unwrap_or_default();
    i64::try_from(seconds).unwrap_or_default() * 1000 + i64::from(nanos / 1_000_000)
}

fn insert(
    caller: &Caller,
    run_id: Uuid,
    envelope: &Envelope,
    request: &[u8; 32],
    settings: &Settings,
    arguments: &Arguments,
) -> Outcome<Option<String>> {
    let created_ms = created_ms(run_id);
    INSERT.with(|s| {
        s.row(
            &[
                caller.project_id.as_str().into(),
                pg_uuid(run_id).into(),
                created_ms.into(),
                envelope.agent_id.as_str().into(),
                envelope.platform_subject_id.as_str().into(),
                envelope.channel_type.as_str().into(),
                envelope.channel_user_id.as_str().into(),
                caller.project.mode.as_str().into(),
                envelope.to_json()?.into(),
                envelope.trace_id.as_str().into(),
                arguments.json("input").to_string().into(),
                arguments.json("tags").to_string().into(),
                arguments.optional_text("idempotency_key").into(),
                request.as_slice().into(),
                settings.priority.into(),
                settings.max_attempts.into(),
                settings.deadline_seconds.into(),
                caller.principal_id.as_str().into(),
                pg_uuid(settings.agent_revision_id).into(),
                settings.run_revision_id.map(pg_uuid).into(),
                settings.policy_revision_id.map(pg_uuid).into(),
                settings.lease_seconds.into(),
                settings.max_steps.into(),
                settings.retention_days.into(),
                settings.has_endpoint.into(),
            ],
            |row| column::<String>(row, 1),
        )
    })
}

/// What makes two requests the same: all that the caller asked for. The trace is new in every envelope, and the policy
/// revision is the platform's to know.
fn request_digest(envelope: &Envelope, arguments: &Arguments) -> Outcome<[u8; 32]> {
    Ok(digest(&json!({
        "agent_id": envelope.agent_id,
        "platform_subject_id": envelope.platform_subject_id,
        "channel_chat_id": envelope.channel_chat_id,
        "input": arguments.json("input"),
        "priority": arguments.json("priority"),
        "max_attempts": arguments.json("max_attempts"),
        "deadline_seconds": arguments.json("deadline_seconds"),
        "tags": arguments.json("tags"),
        "reserve": [arguments.json("reserve_tokens"), arguments.json("reserve_micro_usd")],
    }))?)
}

fn with_created(run: &str, created: bool) -> String {
    format!("{},\"created\":{created}}}", run.trim_end().strip_suffix('}').unwrap_or(run))
}
