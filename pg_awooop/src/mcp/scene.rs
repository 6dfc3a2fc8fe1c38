//! Who calls what, and where: in a run that the caller holds, or in one of its own.

use awooop_policy::argument::Arguments;
use awooop_policy::envelope::{Envelope, platform_subject_id};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::trace::TraceParent;
use serde_json::Value;
use uuid::Uuid;

use super::call::{ONLY_STEP, journal_key};
use super::snapshot::Wanted;
use crate::approvals::Request;
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, fault, refuse};
use crate::runs::Held;
use crate::statement::statements;
use crate::tenant;

/// The channel of calls that no other channel is named for.
pub(super) const CHANNEL: &str = "mcp";

statements! {
    SUBJECT: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select true from awooop.platform_subjects
         where project_id = $1 and channel_type = $2 and channel_user_id = $3";
}

/// What is asked.
pub(super) struct Asked<'a> {
    pub(super) tool: &'a str,
    pub(super) arguments: &'a Value,
    pub(super) call_key: Option<&'a str>,
    pub(super) asks: bool,
    /// In whose name, and on whose behalf, where the caller says so.
    pub(super) agent_id: Option<&'a str>,
    pub(super) subject_id: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub(super) fn read(arguments: &'a Arguments) -> Self {
        let envelope = arguments.json("envelope");
        Asked {
            tool: arguments.text("tool"),
            arguments: arguments.json("arguments"),
            call_key: arguments.optional_text("call_key"),
            asks: arguments.boolean("ask"),
            agent_id: arguments.optional_text("agent_id").or(envelope["agent_id"].as_str()),
            subject_id: envelope["platform_subject_id"].as_str(),
        }
    }
}

/// Where the call is made.
pub(super) enum Scene {
    /// In a run that the caller holds.
    Run { run_id: Uuid, held: Held, step_key: String },
    /// In a run of its own, which the envelope names where the call goes on.
    Own { envelope: Box<Envelope> },
}

impl Scene {
    pub(super) fn run_id(&self) -> Option<Uuid> {
        match self {
            Scene::Run { run_id, .. } => Some(*run_id),
            Scene::Own { envelope } => envelope.run_id,
        }
    }

    pub(super) fn step_key(&self) -> &str {
        match self {
            Scene::Run { step_key, .. } => step_key,
            Scene::Own { .. } => ONLY_STEP,
        }
    }

    /// The step of the journal, and of approvals, that the call is.
    pub(super) fn journal_key(&self) -> String {
        journal_key(matches!(self, Scene::Own { .. }), self.step_key())
    }

    pub(super) fn agent_id(&self) -> &str {
        match self {
            Scene::Run { held, .. } => &held.agent_id,
            Scene::Own { envelope } => &envelope.agent_id,
        }
    }

    pub(super) fn subject_id(&self) -> &str {
        match self {
            Scene::Run { held, .. } => &held.platform_subject_id,
            Scene::Own { envelope } => &envelope.platform_subject_id,
        }
    }

    pub(super) fn trace_id(&self) -> &str {
        match self {
            Scene::Run { held, .. } => &held.trace_id,
            Scene::Own { envelope } => &envelope.trace_id,
        }
    }

    /// The call as the facts about it are collected.
    pub(super) fn wanted<'a>(&'a self, asked: &Asked<'a>) -> Wanted<'a> {
        let (channel_type, channel_user_id) = match self {
            Scene::Own { envelope } => (envelope.channel_type.as_str(), envelope.channel_user_id.as_str()),
            Scene::Run { .. } => ("", ""),
        };
        Wanted {
            agent_id: Some(self.agent_id()).filter(|agent_id| !agent_id.is_empty()),
            tool: asked.tool,
            arguments: asked.arguments,
            run_id: match self {
                Scene::Run { run_id, .. } => Some(*run_id),
                Scene::Own { .. } => None,
            },
            call_id: None,
            channel_type,
            channel_user_id,
            subject_id: self.subject_id(),
        }
    }

    /// What every audit row about the call says.
    pub(super) fn entry(&self) -> audit::Entry<'_> {
        audit::Entry {
            trace_id: Some(self.trace_id()),
            agent_id: Some(self.agent_id()),
            platform_subject_id: Some(self.subject_id()),
            run_id: self.run_id(),
            ..audit::Entry::default()
        }
    }
}

/// How a call that is there already goes on.
pub(super) enum Going {
    /// People have approved it.
    Approved(Box<Request>),
    /// Its server asked something back, and there is an answer.
    On,
    /// It was begun, and nobody has said how it ended.
    Again,
}

pub(super) fn invalid<T>(argument: &str, expected: &str) -> Outcome<T> {
    fault(Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", expected))
}

/// On whose behalf a call outside of a run is made. An agent that is not named is the gates' to tell.
pub(super) fn envelope(caller: &Caller, arguments: &Arguments) -> Outcome<Envelope> {
    let named = arguments.optional_text("agent_id").or(caller.agent_id.as_deref());
    if arguments.json("envelope").is_null() {
        return Ok(Envelope {
            project_id: caller.project_id.clone(),
            agent_id: named.unwrap_or_default().to_owned(),
            trace_id: TraceParent::continued(&tenant::traceparent().unwrap_or_default())?.to_string(),
            platform_subject_id: platform_subject_id(&caller.project_id, CHANNEL, &caller.principal_id),
            channel_type: CHANNEL.to_owned(),
            channel_user_id: caller.principal_id.clone(),
            channel_chat_id: None,
            run_id: None,
            policy_revision_id: None,
        });
    }
    let envelope = Envelope::from_json(arguments.json("envelope"))?;
    if envelope.project_id != caller.project_id {
        return refuse(ErrorCode::TenantEnvelope);
    }
    if envelope.run_id.is_some() {
        return invalid("envelope.run_id", "null: a call within a run names the run and its lease");
    }
    if named.is_some_and(|named| named != envelope.agent_id) {
        return invalid("agent_id", "the agent of the envelope");
    }
    let parameters = [
        caller.project_id.as_str().into(),
        envelope.channel_type.as_str().into(),
        envelope.channel_user_id.as_str().into(),
    ];
    if SUBJECT.with(|s| s.run(&parameters))? == 0 {
        return fault(ErrorCode::RunSubject);
    }
    Ok(envelope)
}
