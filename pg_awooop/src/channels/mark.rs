//! What became of a message that was claimed: sent in part or whole, to be tried again, or given up.

use awooop_contracts::model::shared::Retry;
use awooop_policy::argument::Arguments;
use awooop_policy::channel::outbox::{Fate, MessageState, Report, fate};
use awooop_policy::credential::{CredentialDigest, message_lease_parts};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::terms;
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::redaction;
use crate::statement::{column, microseconds, optional_uuid_column, pg_uuid, rfc3339, statements};

statements! {
    WHERE: reading [TEXTOID, UUIDOID] =
        "select channel, channel_chat_id from awooop.outbound_message where project_id = $1 and message_id = $2";
    // Never waits: a tenant that keeps the chat's row stalls nobody but itself.
    HOLD: writing [TEXTOID, TEXTOID, TEXTOID] = concat!(
        "select epoch, lease_digest, ", microseconds!("turn_at"), " from awooop.outbound_chat
         where project_id = $1 and channel = $2 and channel_chat_id = $3 for no key update skip locked");
    MESSAGE: reading [TEXTOID, UUIDOID] =
        "select m.state, m.attempts, m.parts_sent, jsonb_array_length(m.body -> 'parts'), m.run_id, m.agent_id,
                m.platform_subject_id, m.trace_id, m.purpose
         from awooop.outbound_message m where m.project_id = $1 and m.message_id = $2";
    LEASE_OF: reading [TEXTOID, UUIDOID] =
        "select c.epoch, c.lease_digest
         from awooop.outbound_message m
         join awooop.outbound_chat c
           on c.project_id = $1 and c.channel = m.channel and c.channel_chat_id = m.channel_chat_id
         where m.project_id = $1 and m.message_id = $2 and c.lease_digest is not null";
    PART: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID] =
        "with part as (
             update awooop.outbound_message
             set parts_sent = parts_sent + 1,
                 provider_message_ids = case when $5 is null then provider_message_ids else provider_message_ids || $5 end
             where project_id = $1 and message_id = $2
         )
         update awooop.outbound_chat
         set turn_at = timestamptz '2000-01-01 00:00:00+00' + $6 * interval '1 microsecond',
             leased_until = greatest(leased_until, clock_timestamp() + $7 * interval '1 microsecond' + interval '60 seconds')
         where project_id = $1 and channel = $3 and channel_chat_id = $4";
    LET_GO: writing [TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.outbound_chat set lease_digest = null, leased_until = null
         where project_id = $1 and channel = $2 and channel_chat_id = $3";
    // The first of those that are left may wait for its own time.
    END: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID] =
        "with ended as (
             update awooop.outbound_message
             set state = $5, error = $6::jsonb, ended_at = clock_timestamp(),
                 parts_sent = parts_sent + case when $5 = 'sent' then 1 else 0 end,
                 provider_message_ids = case when $7 is null then provider_message_ids else provider_message_ids || $7 end
             where project_id = $1 and message_id = $2
         )
         update awooop.outbound_chat
         set queued = queued - 1, lease_digest = null, leased_until = null,
             ready_at = greatest(clock_timestamp(),
                                 (select q.available_at from awooop.outbound_message q
                                  where q.project_id = $1 and q.channel = $3 and q.channel_chat_id = $4 and q.state = 'queued'
                                    and q.message_id <> $2
                                  order by q.seq limit 1))
         where project_id = $1 and channel = $3 and channel_chat_id = $4";
    AGAIN: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, BOOLOID] = concat!(
        "with again as (
             update awooop.outbound_message
             set available_at = clock_timestamp() + $5 * interval '1 second', error = $6::jsonb,
                 attempts = attempts - case when $7 then 1 else 0 end
             where project_id = $1 and message_id = $2
             returning ", rfc3339!("available_at"), " as at
         ), chat as (
             update awooop.outbound_chat
             set lease_digest = null, leased_until = null, ready_at = clock_timestamp() + $5 * interval '1 second'
             where project_id = $1 and channel = $3 and channel_chat_id = $4
         )
         select at from again");
    PAUSE: writing [TEXTOID, TEXTOID, INT4OID] =
        "update awooop.outbound_channel
         set paused_until = greatest(paused_until, clock_timestamp() + $3 * interval '1 second')
         where project_id = $1 and channel = $2";
}

/// The latest lease of the chat that a message is of: its epoch, and the digest of its secret.
pub(crate) fn lease_of(project_id: &str, message_id: Uuid) -> Outcome<Option<(i32, Vec<u8>)>> {
    let key = [project_id.into(), pg_uuid(message_id).into()];
    LEASE_OF.with(|s| s.row(&key, |row| Ok((column::<i32>(row, 1)?, column::<Vec<u8>>(row, 2)?))))
}

/// How a message ends that is not sent.
#[derive(Clone, Copy)]
pub(super) enum Ended {
    Expired,
    NothingToDo,
}

/// A message, as far as it decides what a report leads to.
struct Marked {
    state: MessageState,
    attempts: i32,
    parts_sent: i32,
    parts: i32,
    run_id: Option<Uuid>,
    agent_id: Option<String>,
    platform_subject_id: Option<String>,
    trace_id: Option<String>,
    purpose: String,
}

impl Marked {
    fn entry(&self, message_id: Uuid, channel: &str) -> audit::Entry<'_> {
        let entry = audit::Entry {
            trace_id: self.trace_id.as_deref(),
            agent_id: self.agent_id.as_deref(),
            platform_subject_id: self.platform_subject_id.as_deref(),
            run_id: self.run_id,
            ..audit::Entry::default()
        };
        entry.with("message_id", message_id.to_string()).with("channel", channel).with("purpose", self.purpose.as_str())
    }
}

/// Operation `mark_message`.
pub(crate) fn mark(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let message_id = arguments.uuid("message_id");
    let Some((parts, digest)) = message_lease_parts(arguments.text("lease"))
        .filter(|(parts, _)| parts.run_id == message_id && parts.project_id == caller.project_id)
    else {
        return refuse(ErrorCode::MessageLease);
    };
    let key = [caller.project_id.as_str().into(), pg_uuid(message_id).into()];
    let place = WHERE.with(|s| s.row(&key, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    let Some((channel, chat)) = place else { return fault(ErrorCode::MessageUnknown) };
    let turn = hold(caller, &channel, &chat, parts.epoch, &digest)?;
    let message = MESSAGE.with(|s| {
        s.row(&key, |row| {
            Ok(Marked {
                state: MessageState::parse(&column::<String>(row, 1)?).unwrap_or(MessageState::Discarded),
                attempts: column(row, 2)?,
                parts_sent: column(row, 3)?,
                parts: column(row, 4)?,
                run_id: optional_uuid_column(row, 5)?,
                agent_id: row.get(6)?,
                platform_subject_id: row.get(7)?,
                trace_id: row.get(8)?,
                purpose: column(row, 9)?,
            })
        })
    })?;
    let Some(message) = message.filter(|message| message.state == MessageState::Queued) else {
        return refuse(ErrorCode::MessageLease);
    };
    let Some(report) = Report::parse(arguments.text("report")) else { return fault(ErrorCode::SystemInternal) };
    let place = Place { caller, message_id, channel: &channel, chat: &chat };
    // A sender that did not hear what it was told says the same again.
    let part =
        arguments.optional_integer("part").and_then(|part| i32::try_from(part).ok()).unwrap_or(message.parts_sent);
    if part < message.parts_sent {
        // SAFETY: reads the clock.
        let wait = (turn - unsafe { pg_sys::GetCurrentTimestamp() }).max(0) / 1000;
        return Ok(place.answer(MessageState::Queued, message.parts_sent, message.attempts, Some(wait), None));
    }
    if part > message.parts_sent {
        return fault(invalid_part(message.parts_sent));
    }
    match report {
        Report::Sent if message.parts_sent + 1 < message.parts => place.part(&message, turn, arguments),
        Report::Sent => {
            place.end(MessageState::Sent, None, arguments.optional_text("provider_message_id"))?;
            let entry = message.entry(message_id, &channel).with("attempts", message.attempts);
            audit::done(caller, "message_sent", entry)?;
            Ok(place.answer(MessageState::Sent, message.parts_sent + 1, message.attempts, None, None))
        }
        _ => place.not_sent(&message, report, arguments),
    }
}

fn invalid_part(next: i32) -> Problem {
    Problem::from(ErrorCode::InputInvalid).with("argument", "part").with("expected", format!("{next}, the next one"))
}

/// Holds the chat for whoever has its lease; when its next message has its turn.
fn hold(caller: &Caller, channel: &str, chat: &str, epoch: i32, digest: &CredentialDigest) -> Outcome<i64> {
    let key = [caller.project_id.as_str().into(), channel.into(), chat.into()];
    let held =
        HOLD.with(|s| s.row(&key, |row| Ok((column::<i32>(row, 1)?, row.get::<Vec<u8>>(2)?, column::<i64>(row, 3)?))))?;
    match held {
        // Its time may be over: as long as nobody else has it, what became of the message is worth knowing.
        Some((current, Some(stored), turn)) if current == epoch && digest.matches(&stored) => Ok(turn),
        Some(_) => refuse(ErrorCode::MessageLease),
        None => fault(ErrorCode::SystemRetry),
    }
}

/// A message in its chat, which is held.
struct Place<'a> {
    caller: &'a Caller,
    message_id: Uuid,
    channel: &'a str,
    chat: &'a str,
}

impl Place<'_> {
    /// A part was sent, and more follow in their turn.
    fn part(&self, message: &Marked, turn: i64, arguments: &Arguments) -> Outcome<Answer> {
        // SAFETY: reads the clock.
        let now = unsafe { pg_sys::GetCurrentTimestamp() };
        let (mut leaves, mut next) = (now, turn);
        if let Some(channel) = terms::active_channel(&self.caller.project_id, self.channel)? {
            let contract = channel.contract()?;
            if let Some(outbound) = &contract.outbound {
                (leaves, next) =
                    terms::pace_of_chat(contract.channel_type.as_str(), outbound, self.chat).next(turn, now);
            }
        }
        PART.with(|s| {
            s.run(&[
                self.caller.project_id.as_str().into(),
                pg_uuid(self.message_id).into(),
                self.channel.into(),
                self.chat.into(),
                arguments.optional_text("provider_message_id").into(),
                next.into(),
                (leaves - now).max(0).into(),
            ])
        })?;
        // Back in shadow, or suspended, what is left is not sent.
        if self.caller.project.mode <= MigrationMode::Shadow || self.caller.project.suspended {
            let key = [self.caller.project_id.as_str().into(), self.channel.into(), self.chat.into()];
            LET_GO.with(|s| s.run(&key))?;
            return Ok(self.answer(MessageState::Queued, message.parts_sent + 1, message.attempts, None, None));
        }
        let wait = (leaves - now).max(0) / 1000;
        Ok(self.answer(MessageState::Queued, message.parts_sent + 1, message.attempts, Some(wait), None))
    }

    fn end(&self, state: MessageState, error: Option<Value>, provider_message_id: Option<&str>) -> Outcome<()> {
        END.with(|s| {
            s.run(&[
                self.caller.project_id.as_str().into(),
                pg_uuid(self.message_id).into(),
                self.channel.into(),
                self.chat.into(),
                state.as_str().into(),
                error.map(|error| error.to_string()).into(),
                provider_message_id.into(),
            ])
        })
        .map(drop)
    }

    /// It could not be sent: again later, or given up.
    fn not_sent(&self, message: &Marked, report: Report, arguments: &Arguments) -> Outcome<Answer> {
        let retry_after = arguments.optional_integer("retry_after_seconds").and_then(|n| i32::try_from(n).ok());
        let code = arguments.optional_text("error_code").unwrap_or(report.as_str());
        let error = json!({"code": code, "message": redaction::stored(arguments.optional_text("error"))});
        if arguments.boolean("pauses_channel") {
            let wait = retry_after.unwrap_or(1).max(1);
            PAUSE.with(|s| s.run(&[self.caller.project_id.as_str().into(), self.channel.into(), wait.into()]))?;
        }
        let entry = || message.entry(self.message_id, self.channel).with("error_code", code);
        match fate(report, &self.retry()?, message.attempts, retry_after) {
            Fate::Dead => {
                self.end(MessageState::Dead, Some(error), None)?;
                audit::done(self.caller, "message_dead", entry().with("attempts", message.attempts))?;
                Ok(self.answer(MessageState::Dead, message.parts_sent, message.attempts, None, None))
            }
            Fate::Again(seconds) => {
                let is_no_attempt = report == Report::Later;
                let at = AGAIN.with(|s| {
                    s.row(
                        &[
                            self.caller.project_id.as_str().into(),
                            pg_uuid(self.message_id).into(),
                            self.channel.into(),
                            self.chat.into(),
                            seconds.into(),
                            error.to_string().into(),
                            is_no_attempt.into(),
                        ],
                        |row| column::<String>(row, 1),
                    )
                })?;
                audit::done(self.caller, "message_not_sent", entry().with("again_in_seconds", seconds))?;
                let attempts = message.attempts - i32::from(is_no_attempt);
                Ok(self.answer(MessageState::Queued, message.parts_sent, attempts, None, at))
            }
        }
    }

    fn retry(&self) -> Outcome<Retry> {
        let channel = terms::active_channel(&self.caller.project_id, self.channel)?;
        let Some(channel) = channel else { return Ok(Retry::default()) };
        Ok(channel.contract()?.outbound.as_ref().map(terms::retry).unwrap_or_default())
    }

    fn answer(
        &self,
        state: MessageState,
        parts_sent: i32,
        attempts: i32,
        send_after_ms: Option<i64>,
        available_at: Option<String>,
    ) -> Answer {
        let body = json!({
            "message_id": self.message_id, "state": state, "parts_sent": parts_sent, "attempts": attempts,
            "send_after_ms": send_after_ms, "available_at": available_at
        });
        Answer::ok(body.to_string())
    }
}

/// Ends a message that is not sent, of a chat that is held.
pub(super) fn end_unsent(
    caller: &Caller,
    channel: &str,
    chat: &str,
    message_id: Uuid,
    ended: Ended,
    entry: audit::Entry,
) -> Outcome<()> {
    let (state, code, action) = match ended {
        Ended::Expired => (MessageState::Expired, "expired", "message_expired"),
        Ended::NothingToDo => (MessageState::Discarded, "nothing_to_do", "message_discarded"),
    };
    let error = json!({"code": code, "message": null});
    Place { caller, message_id, channel, chat }.end(state, Some(error), None)?;
    audit::done(caller, action, entry.with("message_id", message_id.to_string()).with("channel", channel))
}
