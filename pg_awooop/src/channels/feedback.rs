//! Telling people who wait that it goes on: one message, changed in place at growing intervals, and taken back when the answer
//! comes. What is told when is a row of the run; whoever comes to it first tells it.

use awooop_contracts::model::channel::{ChannelContract, Feedback, Outbound};
use awooop_policy::channel::outbox::{MessageKind, Purpose};
use awooop_policy::channel::words::{self, Occasion};
use awooop_policy::mode::MigrationMode;
use awooop_policy::run_fsm::RunState;
use pgrx::prelude::*;
use uuid::Uuid;

use super::answer;
use super::outbox::{self, Draft, OfRun};
use super::terms::{self, Standing};
use crate::caller::Caller;
use crate::fault::{Outcome, or_raise};
use crate::statement::{column, optional_uuid_column, pg_uuid, statements, uuid_column};
use crate::turn;

statements! {
    DUE: reading [INT4OID] = "select d.project_id, d.run_id from awooop.due_feedback($1) d";
    // SKIP LOCKED: whoever holds it is telling it, or ending the run.
    LOCK: writing [TEXTOID, UUIDOID] =
        "select c.channel, c.channel_chat_id, c.thread_id, c.channel_message_id, c.told, c.feedback_id, s.state, s.mode,
                s.agent_id, s.platform_subject_id, s.trace_id
         from awooop.channel_run c join awooop.run_state s on s.project_id = $1 and s.run_id = $2
         where c.project_id = $1 and c.run_id = $2 and c.tell_at <= clock_timestamp()
         for no key update of c skip locked";
    TOLD: writing [TEXTOID, UUIDOID, INT4OID, UUIDOID, INT8OID] =
        "update awooop.channel_run
         set told = $3, feedback_id = $4, tell_at = clock_timestamp() + $5 * interval '1 second'
         where project_id = $1 and run_id = $2";
    POSTPONE: writing [TEXTOID, UUIDOID] =
        "update awooop.channel_run set tell_at = clock_timestamp() + interval '1 minute' where project_id = $1 and run_id = $2";
    // It is not on its way yet, so nobody has to see it.
    DROP_QUEUED: writing [TEXTOID, UUIDOID] =
        "with dropped as (
             update awooop.outbound_message m
             set state = 'discarded', ended_at = clock_timestamp(), error = '{\"code\": \"answered\", \"message\": null}'
             where m.project_id = $1 and m.run_id = $2 and m.purpose = 'feedback' and m.state = 'queued' and m.attempts = 0
             returning m.channel, m.channel_chat_id
         )
         update awooop.outbound_chat c set queued = c.queued - d.n
         from (select channel, channel_chat_id, count(*)::int as n from dropped group by 1, 2) d
         where c.project_id = $1 and c.channel = d.channel and c.channel_chat_id = d.channel_chat_id";
    IS_SAID: reading [TEXTOID, UUIDOID] =
        "select state in ('queued', 'sent') from awooop.outbound_message where project_id = $1 and message_id = $2";
}

/// When somebody who waits is told first, in seconds; never where nobody is told.
pub(super) fn first_after(contract: &ChannelContract, mode: MigrationMode) -> Option<i64> {
    let feedback = contract.feedback.clone().unwrap_or_default();
    let is_told = contract.outbound.is_some() && feedback.max_messages() > 0 && mode > MigrationMode::Shadow;
    is_told.then(|| i64::try_from(feedback.first_after_seconds()).unwrap_or(i64::MAX))
}

/// A run that somebody waits for.
struct Waiting {
    channel: String,
    chat: String,
    thread_id: Option<String>,
    message_id: Option<String>,
    told: i32,
    feedback_id: Option<Uuid>,
    state: Option<RunState>,
    mode: MigrationMode,
    agent_id: String,
    platform_subject_id: String,
    trace_id: String,
}

/// Tells those who have waited long enough. Waits for nobody.
pub(crate) fn tell_due() -> Outcome<i64> {
    turn::each_due(&DUE, tell)
}

fn tell(project_id: &str, run_id: Uuid) -> Outcome<bool> {
    let key = [project_id.into(), pg_uuid(run_id).into()];
    let found = LOCK.with(|s| {
        s.row(&key, |row| {
            Ok(Waiting {
                channel: column(row, 1)?,
                chat: column(row, 2)?,
                thread_id: row.get(3)?,
                message_id: row.get(4)?,
                told: column(row, 5)?,
                feedback_id: optional_uuid_column(row, 6)?,
                state: RunState::parse(&column::<String>(row, 7)?),
                mode: MigrationMode::parse(&column::<String>(row, 8)?).unwrap_or(MigrationMode::Shadow),
                agent_id: column(row, 9)?,
                platform_subject_id: column(row, 10)?,
                trace_id: column(row, 11)?,
            })
        })
    })?;
    let Some(waiting) = found else { return Ok(false) };
    let Some(state) = waiting.state else { return Ok(false) };
    if !answer::can_answer(project_id, run_id)? {
        return Ok(false);
    }
    let caller = Caller::platform(project_id, "platform:feedback");
    let standing = terms::standing(project_id, &waiting.channel)?;
    if matches!(standing, Standing::Unvouched) {
        return postpone(project_id, run_id).map(|()| false);
    }
    if state.is_final() {
        // Its answer could not be told when it ended.
        return answer::of_ended_run(&caller, run_id, state).map(|()| true);
    }
    let next = match standing {
        Standing::Active(channel) => match channel.contract()? {
            contract @ ChannelContract { outbound: Some(outbound), .. } => {
                waiting.say(&caller, contract, outbound, run_id)?
            }
            _ => None,
        },
        Standing::Gone | Standing::Unvouched => None,
    };
    let (feedback_id, wait) = match next {
        Some((feedback_id, wait)) => (Some(feedback_id), Some(wait)),
        None => (waiting.feedback_id, None),
    };
    TOLD.with(|s| {
        s.run(&[
            project_id.into(),
            pg_uuid(run_id).into(),
            (waiting.told + 1).into(),
            feedback_id.map(pg_uuid).into(),
            wait.into(),
        ])
    })?;
    Ok(true)
}

/// Comes back to a run in a minute: what its channel may be told nobody can say now.
pub(super) fn postpone(project_id: &str, run_id: Uuid) -> Outcome<()> {
    POSTPONE.with(|s| s.run(&[project_id.into(), pg_uuid(run_id).into()])).map(drop)
}

impl Waiting {
    /// Says it, or that it still goes on; the message that says so, and the seconds until the next time, where there is one.
    fn say(
        &self,
        caller: &Caller,
        contract: &ChannelContract,
        outbound: &Outbound,
        run_id: Uuid,
    ) -> Outcome<Option<(Uuid, i64)>> {
        let feedback = contract.feedback.clone().unwrap_or_default();
        let most = i32::try_from(feedback.max_messages()).unwrap_or(i32::MAX);
        if self.told >= most {
            return Ok(None);
        }
        let occasion = match self.state {
            Some(RunState::WaitingApproval) => Occasion::WaitingApproval,
            _ if self.told == 0 => Occasion::First,
            _ => Occasion::Again,
        };
        let locale = terms::locale(&caller.project_id, contract)?;
        let text = words::text(contract, &locale, occasion);
        // One that could not be sent is in nobody's chat to be changed.
        let said_before = match self.feedback_id {
            Some(feedback_id) if is_said(&caller.project_id, feedback_id)? => Some(feedback_id),
            _ => None,
        };
        let draft = Draft {
            thread_id: self.thread_id.as_deref(),
            reply_to: self.message_id.as_deref(),
            kind: if said_before.is_some() { MessageKind::Edit } else { MessageKind::Send },
            target_id: said_before,
            run: Some(OfRun { run_id, agent_id: &self.agent_id, mode: self.mode }),
            platform_subject_id: Some(&self.platform_subject_id),
            trace_id: Some(&self.trace_id),
            ..Draft::text(&self.chat, Purpose::Feedback, text)
        };
        let said = outbox::say(caller, contract, outbound, &draft)?;
        let wait = interval(&feedback, self.told + 1);
        Ok(said_before.or(said).map(|feedback_id| (feedback_id, wait)))
    }
}

/// Whether a message is in the chat, or on its way there.
fn is_said(project_id: &str, message_id: Uuid) -> Outcome<bool> {
    let key = [project_id.into(), pg_uuid(message_id).into()];
    Ok(IS_SAID.with(|s| s.row(&key, |row| column::<bool>(row, 1)))? == Some(true))
}

/// How long after the n-th time the next is, in seconds.
fn interval(feedback: &Feedback, n: i32) -> i64 {
    let (growth, most) = (feedback.growth_percent(), feedback.max_interval_seconds());
    let mut seconds = feedback.first_after_seconds();
    for _ in 0..n.clamp(0, 64) {
        seconds = (seconds.saturating_mul(growth) / 100).min(most);
    }
    i64::try_from(seconds.min(most)).unwrap_or(i64::MAX)
}

/// Takes back what was told of a run that has just ended. Its chat is free, or the caller waits for it.
pub(super) fn take_back(
    caller: &Caller,
    contract: &ChannelContract,
    outbound: &Outbound,
    chat: &str,
    run: OfRun,
    feedback_id: Uuid,
) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    let run_key = [project_id.into(), pg_uuid(run.run_id).into()];
    outbox::hold_chat(project_id, contract.name.as_str(), chat)?;
    DROP_QUEUED.with(|s| s.run(&run_key))?;
    if !is_said(project_id, feedback_id)? {
        return Ok(());
    }
    let draft = Draft {
        kind: MessageKind::Delete,
        target_id: Some(feedback_id),
        run: Some(run),
        ..Draft::text(chat, Purpose::Feedback, "")
    };
    outbox::put(caller, contract, outbound, &draft).map(drop)
}

/// Runs of which somebody should be told that they go on, in all projects. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn due_feedback(at_most: i32) -> TableIterator<'static, (name!(project_id, String), name!(run_id, pgrx::Uuid))> {
    statements! {
        FIND: reading [INT4OID] =
            "select project_id, run_id from awooop.channel_run where tell_at <= clock_timestamp() order by tell_at limit $1";
    }
    let due =
        or_raise(FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, uuid_column(row, 2)?)))));
    TableIterator::new(due.into_iter().map(|(project_id, run_id)| (project_id, pg_uuid(run_id))))
}
