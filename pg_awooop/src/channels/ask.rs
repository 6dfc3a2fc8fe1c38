//! Asking for approvals in a chat: the question with its buttons, what a pressed one decides, and how it came out.
//!
//! A button is good in its chat alone, for each person once. It decides nothing by itself: whoever pressed it decides, as the
//! principal that they are, by the same rules as through any other door.

use awooop_contracts::Kind;
use awooop_contracts::model::channel::{ApprovalChat, ChannelContract};
use awooop_policy::approval::RequestState;
use awooop_policy::argument::Arguments;
use awooop_policy::channel::outbox::{MessageKind, Purpose};
use awooop_policy::channel::question::{self, Asked, Told};
use awooop_policy::credential::{CredentialDigest, new_button};
use awooop_policy::error::ErrorCode;
use awooop_policy::operation::Operation;
use awooop_policy::scope::{Scope, ScopeSet};
use serde_json::json;
use uuid::Uuid;

use super::outbox::{self, Draft, OfRun};
use super::terms::{self, Channel};
use crate::approvals::{self, Question};
use crate::audit;
use crate::caller::{Caller, Door};
use crate::contracts::active;
use crate::fault::{Outcome, Stop, fault};
use crate::principals;
use crate::statement::{column, pg_uuid, statements, uuid_column};
use crate::subtransaction::attempt;

statements! {
    CHANNEL_OF_RUN: reading [TEXTOID, UUIDOID] =
        "select channel from awooop.channel_run where project_id = $1 and run_id = $2";
    CHANNELS: reading [TEXTOID] =
        "select name from awooop.active_contracts where project_id = $1 and kind = 'channel' order by name";
    KEEP: writing [TEXTOID, BYTEAOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID, UUIDOID] =
        "insert into awooop.channel_button
                (project_id, digest, channel, channel_chat_id, approval_id, decision, message_id)
         values ($1, $2, $3, $4, $5, $6, $7)";
    FIND: reading [TEXTOID, BYTEAOID, TEXTOID, TEXTOID] =
        "select approval_id, decision from awooop.channel_button
         where project_id = $1 and digest = $2 and channel = $3 and channel_chat_id = $4";
    PRESS: writing [TEXTOID, BYTEAOID, TEXTOID, UUIDOID] =
        "insert into awooop.channel_press (project_id, digest, platform_subject_id, event_id) values ($1, $2, $3, $4)
         on conflict do nothing";
    ASKED: reading [TEXTOID, UUIDOID] =
        "select distinct channel, channel_chat_id, message_id from awooop.channel_button
         where project_id = $1 and approval_id = $2";
    PERSON: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select coalesce(principal_id, ''), roles, roles_from from awooop.platform_subjects
         where project_id = $1 and channel_type = $2 and channel_user_id = $3";
}

/// Asks the people of a chat about a request, where a channel's contract says in which.
pub(crate) fn ask_in_chat(caller: &Caller, approval_id: Uuid) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    let Some(asked) = approvals::question(project_id, approval_id)? else { return Ok(()) };
    let Some(channel) = channel_for(project_id, asked.run_id)? else { return Ok(()) };
    let contract = channel.contract()?;
    let (Some(chat), Some(outbound)) = (&contract.approvals, &contract.outbound) else { return Ok(()) };
    let locale = terms::locale(project_id, contract)?;
    let buttons = [("approve", new_button()?), ("reject", new_button()?)];
    let digests = buttons.each_ref().map(|(decision, button)| (*decision, *button.digest().as_bytes()));
    let row = buttons.map(
        |(decision, button)| json!({"text": question::button(&locale, decision == "approve"), "data": button.reveal()}),
    );
    let text = question::text(&locale, &as_asked(&asked, &asked.summary(project_id, &locale)?));
    let draft = Draft {
        buttons: Some(json!([row])),
        trace_id: Some(&asked.trace_id),
        platform_subject_id: Some(&asked.platform_subject_id),
        run: Some(of_run(&asked)),
        ..Draft::text(chat.channel_chat_id.as_str(), Purpose::Approval, &text)
    };
    let Some(message_id) = outbox::put(caller, contract, outbound, &draft)? else { return Ok(()) };
    for (decision, digest) in digests {
        KEEP.with(|s| {
            s.run(&[
                project_id.into(),
                digest.as_slice().into(),
                contract.name.as_str().into(),
                chat.channel_chat_id.as_str().into(),
                pg_uuid(approval_id).into(),
                decision.into(),
                pg_uuid(message_id).into(),
            ])
        })?;
    }
    Ok(())
}

fn of_run(asked: &Question) -> OfRun<'_> {
    OfRun { run_id: asked.run_id, agent_id: &asked.agent_id, mode: asked.mode }
}

fn as_asked<'a>(asked: &'a Question, summary: &'a str) -> Asked<'a> {
    Asked { summary, state: asked.state, approved: asked.approved, needed: asked.needed, roles: asked.roles.as_deref() }
}

/// The channel whose people are asked: the run's own, where it has such a chat, else the first that has.
fn channel_for(project_id: &str, run_id: Uuid) -> Outcome<Option<Channel>> {
    let own =
        CHANNEL_OF_RUN.with(|s| s.row(&[project_id.into(), pg_uuid(run_id).into()], |row| column::<String>(row, 1)))?;
    let others = CHANNELS.with(|s| s.rows(&[project_id.into()], |row| column::<String>(row, 1)))?;
    for name in own.into_iter().chain(others) {
        // A contract that is not vouched for asks nobody.
        if !active::is_vouched(project_id, Kind::Channel, &name).unwrap_or_default() {
            continue;
        }
        if let Some(channel) = terms::active_channel(project_id, &name)?
            && channel.contract()?.approvals.is_some()
        {
            return Ok(Some(channel));
        }
    }
    Ok(None)
}

/// Tells the people who decide that a counter has crossed its threshold, where a channel's contract says in which chat.
pub(crate) fn notify_deciders(caller: &Caller, counter: &str, target: &str, count: i64) -> Outcome<()> {
    let Some(channel) = channel_for(&caller.project_id, Uuid::nil())? else { return Ok(()) };
    let contract = channel.contract()?;
    let (Some(chat), Some(outbound)) = (&contract.approvals, &contract.outbound) else { return Ok(()) };
    let of = if target.is_empty() { String::new() } else { format!(" ({target})") };
    let text = format!("{counter}{of}: {count}");
    let draft = Draft::text(chat.channel_chat_id.as_str(), Purpose::Notice, &text);
    outbox::put(caller, contract, outbound, &draft).map(drop)
}

/// Says in the chats where a request was asked about what has become of it.
pub(crate) fn tell_of_approval(caller: &Caller, approval_id: Uuid) -> Outcome<()> {
    let project_id = caller.project_id.as_str();
    let places = ASKED.with(|s| {
        s.rows(&[project_id.into(), pg_uuid(approval_id).into()], |row| {
            Ok((column::<String>(row, 1)?, column::<String>(row, 2)?, uuid_column(row, 3)?))
        })
    })?;
    for (name, chat, message_id) in places {
        let (Some(channel), Some(asked)) =
            (terms::active_channel(project_id, &name)?, approvals::question(project_id, approval_id)?)
        else {
            continue;
        };
        let contract = channel.contract()?;
        let Some(outbound) = &contract.outbound else { continue };
        // As long as it waits, the buttons stay.
        if asked.state == RequestState::Waiting {
            continue;
        }
        let locale = terms::locale(project_id, contract)?;
        let text = question::text(&locale, &as_asked(&asked, &asked.summary(project_id, &locale)?));
        let draft = Draft {
            kind: MessageKind::Edit,
            target_id: Some(message_id),
            trace_id: Some(&asked.trace_id),
            platform_subject_id: Some(&asked.platform_subject_id),
            run: Some(of_run(&asked)),
            ..Draft::text(&chat, Purpose::Approval, &text)
        };
        outbox::put(caller, contract, outbound, &draft)?;
    }
    Ok(())
}

/// A pressed button, and who pressed it where.
pub(super) struct Press<'a> {
    pub(super) event_id: Uuid,
    /// By which the channel is told that it was taken in.
    pub(super) action_id: &'a str,
    pub(super) data: &'a str,
    pub(super) chat: &'a str,
    pub(super) channel_user_id: &'a str,
    pub(super) platform_subject_id: &'a str,
    pub(super) trace_id: &'a str,
}

/// Decides what the button stands for, and tells whoever pressed it; what came of it, for the event.
pub(super) fn press(caller: &Caller, contract: &ChannelContract, press: &Press) -> Outcome<&'static str> {
    let (outcome, told) = match &contract.approvals {
        Some(chat) => decide(caller, contract, chat, press)?,
        None => ("no_such_button", Told::Over),
    };
    if let Some(outbound) = &contract.outbound {
        let locale = terms::locale(&caller.project_id, contract)?;
        let draft = Draft {
            kind: MessageKind::Acknowledge,
            reply_to: Some(press.action_id),
            trace_id: Some(press.trace_id),
            platform_subject_id: Some(press.platform_subject_id),
            ..Draft::text(press.chat, Purpose::Approval, told.text(&locale))
        };
        outbox::put(caller, contract, outbound, &draft)?;
    }
    Ok(outcome)
}

fn decide(
    caller: &Caller,
    contract: &ChannelContract,
    chat: &ApprovalChat,
    press: &Press,
) -> Outcome<(&'static str, Told)> {
    let project_id = caller.project_id.as_str();
    let digest = CredentialDigest::of(press.data);
    let key =
        [project_id.into(), digest.as_bytes().as_slice().into(), contract.name.as_str().into(), press.chat.into()];
    let button = FIND.with(|s| s.row(&key, |row| Ok((uuid_column(row, 1)?, column::<String>(row, 2)?))))?;
    let Some((approval_id, decision)) = button else { return Ok(("no_such_button", Told::Over)) };
    let Some(asked) = approvals::question(project_id, approval_id)? else { return Ok(("no_such_button", Told::Over)) };
    let person = person(project_id, contract, press)?;
    let may = chat.roles.as_slice().iter().any(|role| person.roles.iter().any(|held| held == role.as_str()));
    let is_own =
        asked.platform_subject_id == press.platform_subject_id && !approvals::requester_may_approve(project_id)?;
    let as_person = Caller {
        channel: Some(contract.name.as_str().to_owned()),
        subject: Some(press.platform_subject_id.to_owned()),
        ..Caller::new(
            project_id,
            person.principal_id.clone(),
            ScopeSet::of(Scope::ApprovalsDecide),
            Door::Http,
            caller.project,
        )
    };
    if !may || is_own {
        let code = if is_own { ErrorCode::ApprovalOwn } else { ErrorCode::ApprovalRole };
        refused(&as_person, &decision, &code.into(), approval_id, press)?;
        return Ok(("not_theirs_to_decide", Told::NotYours));
    }
    if asked.reason_required {
        return Ok(("reason_required", Told::Reason));
    }
    let decided = attempt(|| {
        let pressed = [
            project_id.into(),
            digest.as_bytes().as_slice().into(),
            press.platform_subject_id.into(),
            pg_uuid(press.event_id).into(),
        ];
        if PRESS.with(|s| s.run(&pressed))? == 0 {
            return Ok(None);
        }
        person.ensure_principal(project_id)?;
        let operation = if decision == "approve" { "issue_approval" } else { "reject_approval" };
        let Some(operation) = Operation::named(operation) else { return fault(ErrorCode::SystemInternal) };
        let members = json!({"approval_id": approval_id}).as_object().cloned().unwrap_or_default();
        let arguments = Arguments::check(operation.arguments, members)?;
        if decision == "approve" {
            approvals::issue(&as_person, &arguments)?;
        } else {
            approvals::reject(&as_person, &arguments)?;
        }
        Ok(Some(()))
    });
    Ok(match decided {
        Ok(Some(())) if decision == "approve" => ("approved", Told::Approved),
        Ok(Some(())) => ("rejected", Told::Rejected),
        Ok(None) => ("decided_already", Told::Twice),
        Err(Stop::Fault(problem)) if problem.code.entry().status >= 500 => return Err(Stop::Fault(problem)),
        Err(Stop::Fault(problem) | Stop::Refused(problem)) => {
            refused(&as_person, &decision, &problem, approval_id, press)?;
            match problem.code {
                ErrorCode::ApprovalEnded => ("over", Told::Over),
                ErrorCode::ApprovalTwice => ("decided_already", Told::Twice),
                ErrorCode::ApprovalOwn | ErrorCode::ApprovalRole => ("not_theirs_to_decide", Told::NotYours),
                ErrorCode::ApprovalReason => ("reason_required", Told::Reason),
                _ => ("refused", Told::Failed),
            }
        }
    })
}

fn refused(
    caller: &Caller,
    decision: &str,
    problem: &awooop_policy::error::Problem,
    approval_id: Uuid,
    press: &Press,
) -> Outcome<()> {
    let action = if decision == "approve" { "issue_approval" } else { "reject_approval" };
    let entry = audit::Entry {
        trace_id: Some(press.trace_id),
        platform_subject_id: Some(press.platform_subject_id),
        ..audit::Entry::default()
    };
    audit::refused(caller, action, problem, entry.with("approval_id", approval_id.to_string()))
}

/// Whoever pressed a button, as a principal of the project.
struct Person {
    principal_id: String,
    /// Known by other credentials as well; what is theirs is said there.
    is_linked: bool,
    roles: Vec<String>,
    roles_from: Option<String>,
}

fn person(project_id: &str, contract: &ChannelContract, press: &Press) -> Outcome<Person> {
    let channel_type = contract.channel_type.as_str();
    let key = [project_id.into(), channel_type.into(), press.channel_user_id.into()];
    let found = PERSON.with(|s| {
        s.row(&key, |row| Ok((column::<String>(row, 1)?, column::<Vec<String>>(row, 2)?, row.get::<String>(3)?)))
    })?;
    let (linked, roles, roles_from) = found.unwrap_or_default();
    let is_linked = !linked.is_empty();
    let principal_id = if is_linked { linked } else { format!("subject:{channel_type}:{}", press.channel_user_id) };
    Ok(Person { principal_id, is_linked, roles, roles_from })
}

impl Person {
    /// A person who is nobody else is a principal of their own, with the roles that they have as a subject.
    fn ensure_principal(&self, project_id: &str) -> Outcome<()> {
        if self.is_linked {
            return Ok(());
        }
        principals::follow_subject(project_id, &self.principal_id, &self.roles, self.roles_from.as_deref())
    }
}
