//! Messages as people and programs see them: queue one, look at them, decide about one that is held, send one again.

use awooop_policy::argument::Arguments;
use awooop_policy::channel::outbox::{Decision, MessageKind, MessageState, Purpose};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;
use pgrx::spi::SpiTupleTable;
use serde_json::Value;
use uuid::Uuid;

use super::outbox::{self, Draft, OfRun};
use super::terms;
use crate::audit;
use crate::caller::Caller;
use crate::door::{Answer, page_after};
use crate::fault::{Outcome, Stop, fault, refuse};
use crate::principals;
use crate::redaction;
use crate::statement::{column, optional_uuid_column, pg_uuid, rfc3339, statements, uuid_column};
use crate::subtransaction::attempt;

/// A message's JSON but for its body; `m` is awooop.outbound_message.
macro_rules! message_json {
    () => {
        concat!(
            "json_build_object('message_id', m.message_id, 'channel', m.channel, 'channel_chat_id', m.channel_chat_id,
                'thread_id', m.thread_id, 'seq', m.seq, 'kind', m.kind, 'purpose', m.purpose, 'state', m.state,
                'target_id', m.target_id, 'run_id', m.run_id, 'agent_id', m.agent_id, 'trace_id', m.trace_id,
                'redrive_of', m.redrive_of, 'created_by', m.created_by, 'created_at', ",
            rfc3339!("m.created_at"),
            ", 'expires_at', ",
            rfc3339!("m.expires_at"),
            ", 'available_at', ",
            rfc3339!("m.available_at"),
            ", 'attempts', m.attempts, 'parts', jsonb_array_length(m.body -> 'parts'), 'parts_sent', m.parts_sent,
                'provider_message_ids', m.provider_message_ids, 'error', m.error, 'decided_by', m.decided_by,
                'ended_at', ",
            rfc3339!("m.ended_at"),
            ")::text"
        )
    };
}

statements! {
    SHOW: reading [TEXTOID, UUIDOID] = concat!(
        "select ", message_json!(), ", m.body::text, m.created_by, m.message_id::text
         from awooop.outbound_message m where m.project_id = $1 and m.message_id = $2");
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID, INT8OID] = concat!(
        "select ", message_json!(), ", m.body::text, m.created_by, m.message_id::text
         from awooop.outbound_message m
         where m.project_id = $1 and ($2 is null or m.state = $2) and ($3 is null or m.channel = $3)
           and ($4 is null or m.channel_chat_id = $4) and ($5 is null or m.run_id = $5) and ($6 is null or m.message_id < $6)
         order by m.message_id desc
         limit $7");
    BY_KEY: reading [TEXTOID, TEXTOID] =
        "select m.message_id, m.channel, m.channel_chat_id, m.body::text, m.thread_id, m.target_id
         from awooop.outbound_message m where m.project_id = $1 and m.idempotency_key = $2";
    LOCK: writing [TEXTOID, UUIDOID] =
        "select m.channel, m.channel_chat_id, m.state, m.created_by, m.kind, m.purpose, m.body::text, m.thread_id, m.target_id,
                m.run_id, m.agent_id, m.platform_subject_id, m.trace_id, coalesce(s.mode, ''),
                exists (select from awooop.outbound_message r where r.project_id = $1 and r.redrive_of = $2)
         from awooop.outbound_message m
         left join awooop.run_state s on s.project_id = $1 and s.run_id = m.run_id
         where m.project_id = $1 and m.message_id = $2 for no key update of m";
    DISCARD: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID] =
        "update awooop.outbound_message
         set state = 'discarded', decided_by = $3, error = $4::jsonb, ended_at = clock_timestamp()
         where project_id = $1 and message_id = $2";
}

/// A message under lock.
struct Locked {
    channel: String,
    chat: String,
    state: MessageState,
    created_by: String,
    kind: MessageKind,
    purpose: Purpose,
    body: String,
    thread_id: Option<String>,
    target_id: Option<Uuid>,
    run_id: Option<Uuid>,
    agent_id: Option<String>,
    platform_subject_id: Option<String>,
    trace_id: Option<String>,
    /// The mode of its run.
    mode: Option<MigrationMode>,
    is_redriven: bool,
}

fn lock(caller: &Caller, message_id: Uuid) -> Outcome<Locked> {
    let found = LOCK.with(|s| {
        s.row(&[caller.project_id.as_str().into(), pg_uuid(message_id).into()], |row| {
            Ok(Locked {
                channel: column(row, 1)?,
                chat: column(row, 2)?,
                // Words of the table's CHECKs.
                state: MessageState::parse(&column::<String>(row, 3)?).unwrap_or(MessageState::Discarded),
                created_by: column(row, 4)?,
                kind: MessageKind::parse(&column::<String>(row, 5)?).unwrap_or(MessageKind::Send),
                purpose: Purpose::parse(&column::<String>(row, 6)?).unwrap_or(Purpose::Message),
                body: column(row, 7)?,
                thread_id: row.get(8)?,
                target_id: optional_uuid_column(row, 9)?,
                run_id: optional_uuid_column(row, 10)?,
                agent_id: row.get(11)?,
                platform_subject_id: row.get(12)?,
                trace_id: row.get(13)?,
                mode: MigrationMode::parse(&column::<String>(row, 14)?),
                is_redriven: column(row, 15)?,
            })
        })
    })?;
    found.map_or_else(|| fault(ErrorCode::MessageUnknown), Ok)
}

/// Operation `queue_message`.
pub(crate) fn queue(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let name = arguments.text("channel");
    let channel = terms::channel(&caller.project_id, name)?;
    let (contract, outbound) = (channel.contract()?, channel.outbound()?);
    let target_id = arguments.optional_uuid("target_id");
    let mut draft = Draft::text(arguments.text("channel_chat_id"), Purpose::Message, arguments.text("text"));
    draft.thread_id = arguments.optional_text("thread_id");
    draft.idempotency_key = arguments.optional_text("idempotency_key");
    draft.target_id = target_id;
    if let Some(target_id) = target_id {
        draft.kind = MessageKind::Edit;
        // The chat before the message, as everybody does.
        outbox::hold_chat(&caller.project_id, name, draft.chat)?;
        let target = lock(caller, target_id)?;
        if (target.channel.as_str(), target.chat.as_str()) != (name, draft.chat) {
            return fault(ErrorCode::MessageUnknown);
        }
    }
    match attempt(|| outbox::put(caller, contract, outbound, &draft))? {
        Some(message_id) => Ok(Answer::created(with_created(&show(caller, message_id)?, true))),
        None => first(caller, &draft, name),
    }
}

/// The message that the key was used for first, if that asked for the same.
fn first(caller: &Caller, draft: &Draft, channel: &str) -> Outcome<Answer> {
    let key = [caller.project_id.as_str().into(), draft.idempotency_key.unwrap_or_default().into()];
    let found = BY_KEY.with(|s| {
        s.row(&key, |row| {
            Ok((
                uuid_column(row, 1)?,
                (column::<String>(row, 2)?, column::<String>(row, 3)?),
                column::<String>(row, 4)?,
                row.get::<String>(5)?,
                optional_uuid_column(row, 6)?,
            ))
        })
    })?;
    let Some((message_id, (its_channel, chat), body, thread_id, target_id)) = found else {
        return fault(ErrorCode::SystemRetry);
    };
    let channel_terms = terms::channel(&caller.project_id, channel)?;
    let parts = outbox::parts(channel_terms.contract()?, channel_terms.outbound()?, draft)?;
    let is_same = (its_channel.as_str(), chat.as_str()) == (channel, draft.chat)
        && thread_id.as_deref() == draft.thread_id
        && target_id == draft.target_id
        && serde_json::from_str::<Value>(&body)? == draft.body(&parts);
    if !is_same {
        return fault(ErrorCode::MessageKey);
    }
    Ok(Answer::ok(with_created(&show(caller, message_id)?, false)))
}

/// Operation `get_message`.
pub(crate) fn get(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    show(caller, arguments.uuid("message_id")).map(Answer::ok)
}

/// A message as its caller may see it.
pub(super) fn show(caller: &Caller, message_id: Uuid) -> Outcome<String> {
    let key = [caller.project_id.as_str().into(), pg_uuid(message_id).into()];
    match SHOW.with(|s| s.row(&key, Row::read))? {
        Some(row) => row.shown(caller),
        None => fault(ErrorCode::MessageUnknown),
    }
}

/// A message of a listing.
struct Row {
    summary: String,
    body: String,
    created_by: String,
    message_id: String,
}

impl Row {
    fn read(row: &SpiTupleTable) -> Result<Row, pgrx::spi::Error> {
        Ok(Row {
            summary: column(row, 1)?,
            body: column(row, 2)?,
            created_by: column(row, 3)?,
            message_id: column(row, 4)?,
        })
    }

    /// With its body: exact for whoever queued it, redacted for others.
    fn shown(&self, caller: &Caller) -> Outcome<String> {
        let is_own = self.created_by == caller.principal_id;
        let mut body: Value = serde_json::from_str(&self.body)?;
        // What a button stands for is its presser's to show, and nobody's to read.
        for button in body["buttons"].as_array_mut().into_iter().flatten().filter_map(Value::as_array_mut).flatten() {
            button.as_object_mut().map(|button| button.remove("data"));
        }
        let body = if is_own { body } else { redaction::shown_json(&body)? };
        let rest = self.summary.trim_end().strip_suffix('}').unwrap_or(&self.summary);
        Ok(format!("{rest},\"body\":{body},\"redacted\":{}}}", !is_own))
    }
}

/// Operation `list_messages`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let limit = arguments.integer("page_size");
    let rows = LIST.with(|s| {
        s.rows(
            &[
                caller.project_id.as_str().into(),
                arguments.optional_text("state").into(),
                arguments.optional_text("channel").into(),
                arguments.optional_text("channel_chat_id").into(),
                arguments.optional_uuid("run_id").map(pg_uuid).into(),
                page_after(arguments)?.into(),
                (limit + 1).into(),
            ],
            Row::read,
        )
    })?;
    let shown = rows.into_iter().map(|row| Ok((row.shown(caller)?, row.message_id))).collect::<Outcome<Vec<_>>>()?;
    Ok(Answer::page(shown, limit))
}

/// Operation `decide_message`.
pub(crate) fn decide(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let message_id = arguments.uuid("message_id");
    let message = lock(caller, message_id)?;
    if message.state != MessageState::Held {
        return fault(Problem::from(ErrorCode::MessageState).with("state", message.state.as_str()));
    }
    // Four eyes: what somebody wants said, somebody else lets out.
    let authors = principals::hands(&caller.project_id, std::slice::from_ref(&message.created_by))?;
    let own = principals::hands(&caller.project_id, std::slice::from_ref(&caller.principal_id))?;
    if message.created_by == caller.principal_id || own.iter().any(|hand| authors.contains(hand)) {
        return refuse(ErrorCode::ApprovalOwn);
    }
    let decision = arguments.text("decision");
    if decision == Decision::Send.as_str() {
        outbox::release(caller, message_id, &message.channel, &message.chat)?;
    } else {
        let error = serde_json::json!({
            "code": "discarded", "message": redaction::stored(arguments.optional_text("reason"))
        });
        DISCARD.with(|s| {
            s.run(&[
                caller.project_id.as_str().into(),
                pg_uuid(message_id).into(),
                caller.principal_id.as_str().into(),
                error.to_string().into(),
            ])
        })?;
    }
    let entry = message.entry().with("message_id", message_id.to_string()).with("decision", decision);
    audit::done(caller, "message_decided", entry)?;
    show(caller, message_id).map(Answer::ok)
}

/// Operation `redrive_message`.
pub(crate) fn redrive(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let message_id = arguments.uuid("message_id");
    let message = lock(caller, message_id)?;
    let is_over = matches!(message.state, MessageState::Dead | MessageState::Expired);
    if !is_over || message.is_redriven {
        let problem = Problem::from(ErrorCode::MessageState).with("state", message.state.as_str());
        return fault(problem.with("redriven", message.is_redriven));
    }
    let channel = terms::channel(&caller.project_id, &message.channel)?;
    let draft = Draft {
        thread_id: message.thread_id.as_deref(),
        kind: message.kind,
        target_id: message.target_id,
        run: message.of_run(),
        platform_subject_id: message.platform_subject_id.as_deref(),
        trace_id: message.trace_id.as_deref(),
        ..Draft::text(&message.chat, message.purpose, "")
    };
    let body: Value = serde_json::from_str(&message.body)?;
    let written = outbox::write(caller, &message.channel, channel.outbound()?, &draft, &body, Some(message_id))?;
    let written = written.ok_or(Stop::Fault(ErrorCode::SystemRetry.into()))?;
    Ok(Answer::created(with_created(&show(caller, written)?, true)))
}

impl Locked {
    /// What every audit row about this message says.
    fn entry(&self) -> audit::Entry<'_> {
        audit::Entry {
            trace_id: self.trace_id.as_deref(),
            agent_id: self.agent_id.as_deref(),
            platform_subject_id: self.platform_subject_id.as_deref(),
            run_id: self.run_id,
            ..audit::Entry::default()
        }
    }

    fn of_run(&self) -> Option<OfRun<'_>> {
        let (run_id, agent_id, mode) = (self.run_id?, self.agent_id.as_deref()?, self.mode?);
        Some(OfRun { run_id, agent_id, mode })
    }
}

fn with_created(message: &str, created: bool) -> String {
    format!("{},\"created\":{created}}}", message.trim_end().strip_suffix('}').unwrap_or(message))
}
