//! What a channel's active contract says, and what holds where it says nothing.

use std::rc::Rc;

use awooop_contracts::model::ProjectContract;
use awooop_contracts::model::channel::{ChannelContract, ChannelSessions, Inbound, Outbound};
use awooop_contracts::model::shared::Retry;
use awooop_contracts::{Contract, Kind};
use awooop_policy::channel::TELEGRAM;
use awooop_policy::channel::pace::{self, Pace};
use awooop_policy::error::ErrorCode;
use uuid::Uuid;

use crate::contracts::active::{self, Loaded};
use crate::fault::{Outcome, Stop, fault};
use crate::statement::{column, pg_uuid, statements};

/// Messages of one account, and of one chat, where the contract does not say: what Telegram says of its bots
/// (core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this), which is little for others.
const USUAL: (u64, u64) = (30, 1);
const USUAL_OF_CHAT: (u64, u64) = (1, 1);
const USUAL_OF_GROUP: (u64, u64) = (20, 60);

statements! {
    CHAT_OF_RUN: reading [TEXTOID, UUIDOID] =
        "select channel, channel_chat_id from awooop.channel_run where project_id = $1 and run_id = $2";
}

/// A channel of the project, as its active contract has it.
pub(super) struct Channel(Rc<Loaded>);

/// The channel of that name.
pub(super) fn channel(project_id: &str, name: &str) -> Outcome<Channel> {
    match active_channel(project_id, name)? {
        Some(channel) => Ok(channel),
        None => fault(ErrorCode::ChannelUnknown),
    }
}

/// The same, if there is one that the keyring vouches for.
pub(super) fn active_channel(project_id: &str, name: &str) -> Outcome<Option<Channel>> {
    Ok(match standing(project_id, name)? {
        Standing::Active(channel) => Some(channel),
        Standing::Gone | Standing::Unvouched => None,
    })
}

/// How a channel stands.
pub(super) enum Standing {
    Active(Channel),
    /// It has no contract, or no more.
    Gone,
    /// It has one that the keyring does not vouch for now: nothing is done by it, and nothing lost.
    Unvouched,
}

/// How the channel of that name stands.
pub(super) fn standing(project_id: &str, name: &str) -> Outcome<Standing> {
    let loaded = match active::of(project_id, Kind::Channel, name) {
        Err(Stop::Refused(_)) => return Ok(Standing::Unvouched),
        loaded => loaded?,
    };
    let channel = loaded.filter(|loaded| matches!(loaded.contract, Contract::Channel(_))).map(Channel);
    Ok(channel.map_or(Standing::Gone, Standing::Active))
}

impl Channel {
    pub(super) fn contract(&self) -> Outcome<&ChannelContract> {
        match &self.0.contract {
            Contract::Channel(contract) => Ok(contract),
            _ => fault(ErrorCode::SystemInternal),
        }
    }

    /// How its events come in.
    pub(super) fn inbound(&self) -> Outcome<&Inbound> {
        self.contract()?.inbound.as_ref().map_or_else(|| fault(ErrorCode::ChannelIn), Ok)
    }

    /// How its messages go out.
    pub(super) fn outbound(&self) -> Outcome<&Outbound> {
        self.contract()?.outbound.as_ref().map_or_else(|| fault(ErrorCode::ChannelOut), Ok)
    }
}

/// The account that the platform answers as.
pub(super) fn identity(contract: &ChannelContract) -> Option<&str> {
    contract.outbound.as_ref().map(|outbound| outbound.identity.as_str())
}

/// How fast the channel's messages leave.
pub(super) fn pace_of_channel(outbound: &Outbound) -> Pace {
    let (count, window) = pace::terms(outbound.rate.as_ref(), USUAL);
    Pace::even(count, window)
}

/// How fast those to one chat do.
pub(super) fn pace_of_chat(channel_type: &str, outbound: &Outbound, chat: &str) -> Pace {
    // Telegram's groups and channels have ids below zero.
    let is_group = channel_type == TELEGRAM && chat.starts_with('-');
    let usual = if is_group { USUAL_OF_GROUP } else { USUAL_OF_CHAT };
    let (count, window) = pace::terms(outbound.chat_rate.as_ref(), usual);
    Pace::bursting(count, window)
}

/// How often a message is tried.
pub(super) fn retry(outbound: &Outbound) -> Retry {
    outbound.retry.unwrap_or_default()
}

/// What the channel's contract says of sessions, where there is one.
pub(crate) fn sessions_of(project_id: &str, name: &str) -> Outcome<Option<ChannelSessions>> {
    match active_channel(project_id, name)? {
        Some(channel) => Ok(channel.contract()?.sessions),
        None => Ok(None),
    }
}

/// Channel and chat of a run that came of a message.
pub(crate) fn chat_of_run(project_id: &str, run_id: Uuid) -> Outcome<Option<(String, String)>> {
    CHAT_OF_RUN
        .with(|s| s.row(&[project_id.into(), pg_uuid(run_id).into()], |row| Ok((column(row, 1)?, column(row, 2)?))))
}

/// How long what was said is kept, in days.
pub(crate) fn conversation_days(project_id: &str) -> Outcome<i64> {
    let days = of_project(project_id, |project| project.retention.unwrap_or_default().conversation_days())?;
    Ok(days.and_then(|days| i64::try_from(days).ok()).unwrap_or(90))
}

/// The language of what the platform itself says in the channel.
pub(super) fn locale(project_id: &str, contract: &ChannelContract) -> Outcome<String> {
    if let Some(locale) = &contract.locale {
        return Ok(locale.as_str().to_owned());
    }
    Ok(of_project(project_id, |project| project.locale().to_owned())?.unwrap_or_default())
}

fn of_project<T>(project_id: &str, read: impl FnOnce(&ProjectContract) -> T) -> Outcome<Option<T>> {
    let loaded = active::vouched(project_id, Kind::Project, project_id)?;
    Ok(loaded.and_then(|loaded| match &loaded.contract {
        Contract::Project(project) => Some(read(project)),
        _ => None,
    }))
}
