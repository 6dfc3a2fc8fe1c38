//! What a run came to, told where it was asked for: in the transaction that ends the run.

use awooop_policy::channel::answer;
use awooop_policy::channel::outbox::Purpose;
use awooop_policy::channel::words::{self, Occasion};
use awooop_policy::error::ErrorCode;
use awooop_policy::mode::MigrationMode;
use awooop_policy::run_fsm::RunState;
use serde_json::Value;
use uuid::Uuid;

use super::feedback;
use super::outbox::{self, Draft, OfRun};
use super::terms::{self, Standing};
use crate::caller::Caller;
use crate::fault::{Outcome, fault};
use crate::sessions;
use crate::statement::{column, optional_uuid_column, pg_uuid, statements};

statements! {
    // It needs no more telling that it goes on.
    ANSWERED: writing [TEXTOID, UUIDOID] =
        "update awooop.channel_run c set tell_at = null
         from awooop.run_state s
         where c.project_id = $1 and c.run_id = $2 and s.project_id = $1 and s.run_id = $2
         returning c.channel, c.channel_chat_id, c.thread_id, c.channel_message_id, s.agent_id, s.platform_subject_id,
                   s.trace_id, s.mode, s.result::text, c.feedback_id";
    // Where it was asked, and where people are asked about it still.
    IS_FREE: writing [TEXTOID, UUIDOID] =
        "with told as materialized (
             select r.channel, r.channel_chat_id from awooop.channel_run r where r.project_id = $1 and r.run_id = $2
             union
             select b.channel, b.channel_chat_id
             from awooop.approval_request q
                  join awooop.channel_button b on b.project_id = $1 and b.approval_id = q.approval_id
             where q.project_id = $1 and q.run_id = $2 and q.approved_at is null and q.rejected_at is null
               and q.expired_at is null and q.cancelled_at is null
         ), free as (
             select c.channel_chat_id from awooop.outbound_chat c
             where c.project_id = $1 and (c.channel, c.channel_chat_id) in (select t.channel, t.channel_chat_id from told t)
             for no key update skip locked
         )
         select (select count(*) from free)
                = (select count(*) from awooop.outbound_chat c join told t using (channel, channel_chat_id)
                   where c.project_id = $1)";
}

/// Whether a run can end without waiting for somebody who holds a chat in which that is told.
pub(crate) fn can_answer(project_id: &str, run_id: Uuid) -> Outcome<bool> {
    let key = [project_id.into(), pg_uuid(run_id).into()];
    Ok(IS_FREE.with(|s| s.row(&key, |row| column::<bool>(row, 1)))?.unwrap_or(true))
}

/// A run that has just ended, and where its answer goes.
struct Ended {
    channel: String,
    chat: String,
    thread_id: Option<String>,
    message_id: Option<String>,
    agent_id: String,
    platform_subject_id: String,
    trace_id: String,
    mode: MigrationMode,
    result: Option<String>,
    feedback_id: Option<Uuid>,
}

/// Queues the answer of a run that has just ended, where it was asked for in a channel that can be answered.
pub(crate) fn of_ended_run(caller: &Caller, run_id: Uuid, state: RunState) -> Outcome<()> {
    let ended = ANSWERED.with(|s| {
        s.row(&[caller.project_id.as_str().into(), pg_uuid(run_id).into()], |row| {
            Ok(Ended {
                channel: column(row, 1)?,
                chat: column(row, 2)?,
                thread_id: row.get(3)?,
                message_id: row.get(4)?,
                agent_id: column(row, 5)?,
                platform_subject_id: column(row, 6)?,
                trace_id: column(row, 7)?,
                mode: MigrationMode::parse(&column::<String>(row, 8)?).unwrap_or(MigrationMode::Shadow),
                result: row.get(9)?,
                feedback_id: optional_uuid_column(row, 10)?,
            })
        })
    })?;
    let Some(ended) = ended else { return Ok(()) };
    let channel = match terms::standing(&caller.project_id, &ended.channel)? {
        Standing::Active(channel) => channel,
        // One whose contract is gone says nothing more, and keeps no run from ending.
        Standing::Gone => return Ok(()),
        Standing::Unvouched => return feedback::postpone(&caller.project_id, run_id),
    };
    let contract = channel.contract()?;
    let Some(outbound) = &contract.outbound else { return Ok(()) };
    let run = OfRun { run_id, agent_id: &ended.agent_id, mode: ended.mode };
    if let Some(feedback_id) = ended.feedback_id {
        feedback::take_back(caller, contract, outbound, &ended.chat, run, feedback_id)?;
    }
    let result: Value = match &ended.result {
        Some(result) => serde_json::from_str(result)?,
        None => Value::Null,
    };
    let (purpose, text) = match state {
        RunState::Completed => match answer::text(&result) {
            Some(text) => (Purpose::Answer, text.to_owned()),
            // The agent had nothing to say.
            None => return Ok(()),
        },
        RunState::TimedOut => (Purpose::Notice, told(caller, contract, Occasion::TimedOut)?),
        RunState::Failed | RunState::Cancelled => (Purpose::Notice, told(caller, contract, Occasion::Failed)?),
        _ => return fault(ErrorCode::SystemInternal),
    };
    let draft = Draft {
        thread_id: ended.thread_id.as_deref(),
        reply_to: ended.message_id.as_deref(),
        run: Some(run),
        platform_subject_id: Some(&ended.platform_subject_id),
        trace_id: Some(&ended.trace_id),
        ..Draft::text(&ended.chat, purpose, &text)
    };
    outbox::say(caller, contract, outbound, &draft)?;
    // What nobody is told in shadow was not said.
    match purpose == Purpose::Answer && ended.mode > MigrationMode::Shadow {
        true => sessions::remember(&caller.project_id, &ended.channel, &ended.chat, "assistant", &text),
        false => Ok(()),
    }
}

fn told(
    caller: &Caller,
    contract: &awooop_contracts::model::channel::ChannelContract,
    occasion: Occasion,
) -> Outcome<String> {
    let locale = terms::locale(&caller.project_id, contract)?;
    Ok(words::text(contract, &locale, occasion).to_owned())
}
