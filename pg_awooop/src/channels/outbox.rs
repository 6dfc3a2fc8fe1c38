//! The outbox: a message is written by the transaction that decides on it, and gets its place in its chat there.
//!
//! Whoever queues a message holds its chat's row until it commits, so the order of the numbers is that of the commits, and no
//! message is sent before one that was queued earlier.

use awooop_contracts::model::channel::{ChannelContract, Outbound};
use awooop_policy::channel::layout::{self, Part};
use awooop_policy::channel::outbox::{MessageKind, MessageState, Purpose, beginning};
use awooop_policy::error::ErrorCode;
use awooop_policy::mode::MigrationMode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::terms;
use crate::audit;
use crate::caller::Caller;
use crate::directory;
use crate::fault::{Outcome, Stop, fault};
use crate::statement::{pg_uuid, statements};

/// Holds the chat `$4` of the channel `$3`, made where there is none, and takes the next place in it: `chat.last_seq`.
macro_rules! place_in_chat {
    () => {
        "with account as (
             insert into awooop.outbound_channel (project_id, channel) values ($1, $3) on conflict do nothing
         ), chat as (
             insert into awooop.outbound_chat as c (project_id, channel, channel_chat_id, last_seq, queued, ready_at)
             values ($1, $3, $4, 1, 1, clock_timestamp())
             on conflict (project_id, channel, channel_chat_id) do update
                set last_seq = c.last_seq + 1, queued = c.queued + 1,
                    ready_at = case when c.queued = 0 then excluded.ready_at else c.ready_at end
             returning c.last_seq
         ) "
    };
}

statements! {
    // What is not queued has no place, and takes no lock.
    KEEP: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID,
                   TEXTOID, TEXTOID, UUIDOID, TEXTOID, INT8OID, INT8OID, TEXTOID] =
        "insert into awooop.outbound_message
                (project_id, message_id, channel, channel_chat_id, thread_id, kind, purpose, body, target_id, run_id, agent_id,
                 platform_subject_id, trace_id, idempotency_key, redrive_of, created_by, created_at, available_at, expires_at,
                 retain_until, state, ended_at)
         select $1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $14, $15, $16, t.at, t.at,
                t.at + $17 * interval '1 second', t.at + $18 * interval '1 day', $19, case when $19 <> 'held' then t.at end
         from (select clock_timestamp() as at) t
         on conflict (project_id, idempotency_key) where idempotency_key is not null do nothing
         returning message_id";
    QUEUE: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID,
                    TEXTOID, TEXTOID, UUIDOID, TEXTOID, INT8OID, INT8OID, TEXTOID] =
        concat!(place_in_chat!(), "insert into awooop.outbound_message
                (project_id, message_id, channel, channel_chat_id, thread_id, seq, kind, purpose, body, target_id, run_id,
                 agent_id, platform_subject_id, trace_id, idempotency_key, redrive_of, created_by, created_at, available_at,
                 expires_at, retain_until, state)
         select $1, $2, $3, $4, $5, c.last_seq, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $14, $15, $16, t.at, t.at,
                t.at + $17 * interval '1 second', t.at + $18 * interval '1 day', $19
         from chat c, (select clock_timestamp() as at) t
         on conflict (project_id, idempotency_key) where idempotency_key is not null do nothing
         returning message_id");
    HOLD_CHAT: writing [TEXTOID, TEXTOID, TEXTOID] =
        "select true from awooop.outbound_chat
         where project_id = $1 and channel = $2 and channel_chat_id = $3 for no key update";
    RELEASE: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID] =
        concat!(place_in_chat!(), "update awooop.outbound_message m
         set state = 'queued', seq = c.last_seq, decided_by = $5, available_at = clock_timestamp()
         from chat c
         where m.project_id = $1 and m.message_id = $2");
}

/// A message that is to be said.
pub(super) struct Draft<'a> {
    pub(super) chat: &'a str,
    pub(super) thread_id: Option<&'a str>,
    pub(super) kind: MessageKind,
    pub(super) purpose: Purpose,
    pub(super) text: &'a str,
    /// Rows of buttons under it, as the channel takes them.
    pub(super) buttons: Option<Value>,
    /// The message that it answers, as the channel has it.
    pub(super) reply_to: Option<&'a str>,
    pub(super) target_id: Option<Uuid>,
    pub(super) run: Option<OfRun<'a>>,
    pub(super) platform_subject_id: Option<&'a str>,
    pub(super) trace_id: Option<&'a str>,
    pub(super) idempotency_key: Option<&'a str>,
}

/// The run that says something.
#[derive(Clone, Copy)]
pub(super) struct OfRun<'a> {
    pub(super) run_id: Uuid,
    pub(super) agent_id: &'a str,
    /// The mode that it was created in.
    pub(super) mode: MigrationMode,
}

impl<'a> Draft<'a> {
    /// A text to a chat.
    pub(super) fn text(chat: &'a str, purpose: Purpose, text: &'a str) -> Self {
        Draft {
            chat,
            thread_id: None,
            kind: MessageKind::Send,
            purpose,
            text,
            buttons: None,
            reply_to: None,
            target_id: None,
            run: None,
            platform_subject_id: None,
            trace_id: None,
            idempotency_key: None,
        }
    }

    pub(super) fn body(&self, parts: &[Part]) -> Value {
        json!({
            "parts": parts.iter().map(Part::to_json).collect::<Vec<_>>(), "buttons": self.buttons, "reply_to": self.reply_to
        })
    }
}

/// Writes the message, and returns its id: queued, held or only recorded, as the modes have it. Nothing where its idempotency key was used before; the
/// caller must undo this then.
pub(super) fn put(
    caller: &Caller,
    contract: &ChannelContract,
    outbound: &Outbound,
    draft: &Draft,
) -> Outcome<Option<Uuid>> {
    let parts = parts(contract, outbound, draft)?;
    write(caller, contract.name.as_str(), outbound, draft, &draft.body(&parts), None)
}

/// The same of what the platform says by itself: where nothing is left to say, such as an answer that is a picture's address and no
/// word, nothing is said.
pub(super) fn say(
    caller: &Caller,
    contract: &ChannelContract,
    outbound: &Outbound,
    draft: &Draft,
) -> Outcome<Option<Uuid>> {
    // Found out before anything is written.
    match put(caller, contract, outbound, draft) {
        Err(Stop::Fault(problem)) if problem.code == ErrorCode::MessageEmpty => Ok(None),
        outcome => outcome,
    }
}

/// The parts that a message is sent in.
pub(super) fn parts(contract: &ChannelContract, outbound: &Outbound, draft: &Draft) -> Outcome<Vec<Part>> {
    let most = usize::try_from(outbound.max_message_bytes()).unwrap_or(usize::MAX);
    let parts = match draft.kind {
        MessageKind::Send | MessageKind::Edit => {
            layout::lay_out(contract.channel_type.as_str(), format_of(outbound, draft.purpose), most, draft.text)
        }
        MessageKind::Acknowledge => vec![Part { text: draft.text.to_owned(), parse_mode: None }],
        MessageKind::Delete => return Ok(Vec::new()),
    };
    if parts.is_empty() { fault(ErrorCode::MessageEmpty) } else { Ok(parts) }
}

/// What the platform itself says has no marks.
fn format_of(outbound: &Outbound, purpose: Purpose) -> awooop_contracts::model::channel::Format {
    if purpose.is_theirs() { outbound.format() } else { awooop_contracts::model::channel::Format::Plain }
}

/// The same of a body that was laid out before; `redrive_of` is the message whose it was.
pub(super) fn write(
    caller: &Caller,
    channel: &str,
    outbound: &Outbound,
    draft: &Draft,
    body: &Value,
    redrive_of: Option<Uuid>,
) -> Outcome<Option<Uuid>> {
    // As it is now: what acts for the platform has no mode of its own, and a run may have begun in another.
    let Some(project) = directory::project(&caller.project_id)? else { return fault(ErrorCode::TenantUnavailable) };
    let state = beginning(draft.purpose, project.mode, draft.run.map(|run| run.mode));
    let message_id = Uuid::now_v7();
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(message_id).into(),
        channel.into(),
        draft.chat.into(),
        draft.thread_id.into(),
        draft.kind.as_str().into(),
        draft.purpose.as_str().into(),
        body.to_string().into(),
        draft.target_id.map(pg_uuid).into(),
        draft.run.map(|run| pg_uuid(run.run_id)).into(),
        draft.run.map(|run| run.agent_id).into(),
        draft.platform_subject_id.into(),
        draft.trace_id.into(),
        draft.idempotency_key.into(),
        redrive_of.map(pg_uuid).into(),
        caller.principal_id.as_str().into(),
        i64::try_from(outbound.expires_seconds()).unwrap_or(i64::MAX).into(),
        terms::conversation_days(&caller.project_id)?.into(),
        state.as_str().into(),
    ];
    let statement = if state == MessageState::Queued { &QUEUE } else { &KEEP };
    if statement.with(|s| s.run(&parameters))? == 0 {
        return Ok(None);
    }
    let entry = audit::Entry {
        trace_id: draft.trace_id,
        agent_id: draft.run.map(|run| run.agent_id),
        platform_subject_id: draft.platform_subject_id,
        run_id: draft.run.map(|run| run.run_id),
        ..audit::Entry::default()
    };
    let entry = entry
        .with("message_id", message_id.to_string())
        .with("channel", channel)
        .with("purpose", draft.purpose.as_str())
        .with("state", state.as_str());
    audit::done(caller, "message_queued", entry)?;
    Ok(Some(message_id))
}

/// Holds a chat, if there was ever a message for it.
pub(super) fn hold_chat(project_id: &str, channel: &str, chat: &str) -> Outcome<()> {
    HOLD_CHAT.with(|s| s.run(&[project_id.into(), channel.into(), chat.into()])).map(drop)
}

/// Queues a message that was held.
pub(super) fn release(caller: &Caller, message_id: Uuid, channel: &str, chat: &str) -> Outcome<()> {
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(message_id).into(),
        channel.into(),
        chat.into(),
        caller.principal_id.as_str().into(),
    ];
    RELEASE.with(|s| s.run(&parameters)).map(drop)
}
