//! The channel contract: how events come in, who listens, how messages go out, what people are told.

use serde::{Deserialize, Serialize};

use super::collection::{Table, UniqueList};
use super::quantity::{Bytes, Count, Percent, Seconds};
use super::shared::{ContractVersion, Labels, Rate, Retry, Roles};
use super::text::{
    Address, AgentId, ChannelName, ChannelType, Command, CredentialReference, HeaderName, Line, Locale, MediaType,
    Prose,
};
use super::words::words;

words! {
    /// The tag of this kind.
    pub enum ChannelTag { Channel = "channel", }
}

words! {
    /// How an event proves that it comes from the channel.
    pub enum Verification {
        HeaderToken = "header_token",
        HmacSha256 = "hmac_sha256",
        Polling = "polling",
    }
}

words! {
    /// When the agent listens in chats of several people.
    pub enum Groups {
        Never = "never",
        WhenMentioned = "when_mentioned",
        Always = "always",
    }
}

words! {
    /// Who may talk to the agent.
    pub enum Who {
        Anyone = "anyone",
        Roles = "roles",
    }
}

words! {
    /// How text is marked up.
    pub enum Format {
        Plain = "plain",
        Markdown = "markdown",
        Html = "html",
    }
}

/// A channel contract; the schema says what each field means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ChannelContract {
    pub kind: ChannelTag,
    pub contract_version: ContractVersion,
    pub name: ChannelName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Line<120>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Prose<4000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    pub channel_type: ChannelType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound: Option<Inbound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listener: Option<Listener>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound: Option<Outbound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalChat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<ChannelSessions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Attachments>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<bool>,
}

checked!(ChannelContract);

defaults! { ChannelContract {
    quiet_hours: bool = true;
} }

impl ChannelContract {
    /// Something comes in or goes out, what comes in has a listener, what is said needs a way out.
    fn holds(&self) -> bool {
        let (comes, goes) = (self.inbound.is_some(), self.outbound.is_some());
        let polls = self.inbound.as_ref().is_some_and(|inbound| inbound.verification == Verification::Polling);
        (comes || goes)
            && comes == self.listener.is_some()
            && (goes || self.feedback.is_none())
            && ((comes && goes) || self.approvals.is_none())
            && (goes || !polls)
    }
}

/// How an event proves that it comes from the channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Inbound {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<CredentialReference>,
    pub verification: Verification,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_name: Option<HeaderName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_event_bytes: Option<Bytes<256, 1_048_576>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<Seconds<1, 604_800>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

checked!(Inbound);

defaults! { Inbound {
    max_event_bytes: u64 = 262_144;
    max_age_seconds: u64 = 86_400;
} }

impl Inbound {
    /// Who comes with an event shows a secret; who is asked for events does not.
    fn holds(&self) -> bool {
        match self.verification {
            Verification::Polling => self.secret.is_none() && self.header_name.is_none(),
            Verification::HeaderToken | Verification::HmacSha256 => self.secret.is_some(),
        }
    }
}

/// The agent that an event goes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub agent: AgentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<Table<Command, AgentId, 1, 32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
}

defaults! { Listener {
    groups: Groups = Groups::Never;
} }

/// Who may talk to the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Admission {
    pub who: Who,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Roles>,
}

checked!(Admission);

impl Admission {
    fn holds(&self) -> bool {
        (self.who == Who::Roles) == self.roles.is_some()
    }
}

/// As whom, and how messages are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub identity: Line<128>,
    pub credential: CredentialReference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_message_bytes: Option<Bytes<64, 65_536>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_rate: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_seconds: Option<Seconds<60, 604_800>>,
}

defaults! { Outbound {
    format: Format = Format::Plain;
    max_message_bytes: u64 = 4096;
    expires_seconds: u64 = 86_400;
} }

/// What people are told while a run takes long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feedback {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_after_seconds: Option<Seconds<5, 3600>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth_percent: Option<Percent<100, 1000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_interval_seconds: Option<Seconds<5, 86_400>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_messages: Option<Count<0, 50>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<Texts>,
}

defaults! { Feedback {
    first_after_seconds: u64 = 30;
    growth_percent: u64 = 200;
    max_interval_seconds: u64 = 600;
    max_messages: u64 = 5;
    typing: bool = true;
} }

/// One text for each occasion, at least one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Texts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Line<500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Line<500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_approval: Option<Line<500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Line<500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timed_out: Option<Line<500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Line<500>>,
}

checked!(Texts);

impl Texts {
    fn holds(&self) -> bool {
        let texts = [&self.first, &self.again, &self.waiting_approval, &self.failed, &self.timed_out, &self.refused];
        texts.iter().any(|text| text.is_some())
    }
}

/// Where approvers are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalChat {
    pub channel_chat_id: Line<256>,
    pub roles: Roles,
}

/// What is remembered of a conversation on this channel, at least one of both.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ChannelSessions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<Seconds<60, 2_592_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<Bytes<1024, 1_048_576>>,
}

checked!(ChannelSessions);

impl ChannelSessions {
    fn holds(&self) -> bool {
        self.idle_seconds.is_some() || self.max_bytes.is_some()
    }
}

/// Files that people send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachments {
    pub media_types: UniqueList<MediaType, 1, 32>,
    pub max_bytes: Bytes<1, 104_857_600>,
}
