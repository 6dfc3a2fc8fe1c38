//! The policy contract: approvals, redaction, budgets, rates, quiet hours, anomalies.

use serde::{Deserialize, Serialize};

use super::collection::{Table, UniqueList};
use super::quantity::{Count, Days, MicroUsd, Percent, Seconds, Tokens};
use super::shared::{ContractVersion, Labels, Rate, Roles};
use super::text::{
    AgentId, CounterName, Line, ModelProvider, PolicyName, Prose, RuleId, TimeOfDay, TimeZone, ToolName,
};
use super::tool::Risk;
use super::words::words;

pub use super::redaction::{Families, Family, FamilyMode};

words! {
    /// The tag of this kind.
    pub enum PolicyTag { Policy = "policy", }
}

words! {
    /// What happens to a call.
    pub enum Decision {
        Allow = "allow",
        Approve = "approve",
        Deny = "deny",
    }
}

words! {
    /// What waits for the end of quiet hours.
    pub enum Deferrable {
        OutboundMessages = "outbound_messages",
        ProgressFeedback = "progress_feedback",
        ApprovalRequests = "approval_requests",
        WriteCalls = "write_calls",
    }
}

words! {
    /// A day of the week.
    pub enum Day {
        Monday = "mon",
        Tuesday = "tue",
        Wednesday = "wed",
        Thursday = "thu",
        Friday = "fri",
        Saturday = "sat",
        Sunday = "sun",
    }
}

words! {
    /// What an anomaly sets off, a later word more than an earlier one.
    pub enum AnomalyAction {
        Record = "record",
        Notify = "notify",
        SuspendAgent = "suspend_agent",
        SuspendProject = "suspend_project",
    }
}

/// A policy contract; the schema says what each field means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyContract {
    pub kind: PolicyTag,
    pub contract_version: ContractVersion,
    pub name: PolicyName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Line<120>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Prose<4000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    pub activation: Activation,
    pub calls: Calls,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_risk: Option<Table<ToolName, Risk, 1, 256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Budgets>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_providers: Option<UniqueList<ModelProvider, 1, 32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomalies: Option<Table<CounterName, Anomaly, 1, 64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
}

/// How many distinct people or services must agree, and in which roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Count<1, 10>>,
    pub roles: Roles,
}

defaults! { Quorum {
    approvers: u64 = 2;
} }

/// The quorum of each kind of contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    pub default: Quorum,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Quorum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Quorum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Quorum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Quorum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Quorum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Quorum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_days: Option<Days<1, 365>>,
}

defaults! { Activation {
    signature_days: u64 = 30;
} }

impl Activation {
    /// The quorum that contracts of this kind need.
    pub fn quorum(&self, kind: crate::Kind) -> &Quorum {
        let own = match kind {
            crate::Kind::Project => &self.project,
            crate::Kind::Agent => &self.agent,
            crate::Kind::Policy => &self.policy,
            crate::Kind::Tool => &self.tool,
            crate::Kind::Channel => &self.channel,
            crate::Kind::Run => &self.run,
        };
        own.as_ref().unwrap_or(&self.default)
    }
}

/// Whether a call goes ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct CallRule {
    pub decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Count<1, 10>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Roles>,
}

checked!(CallRule);

impl CallRule {
    fn holds(&self) -> bool {
        let asks = self.decision == Decision::Approve;
        self.approvers.is_some() == asks && self.roles.is_some() == asks
    }
}

/// A rule for each level of risk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Calls {
    pub low: CallRule,
    pub medium: CallRule,
    pub high: CallRule,
    pub critical: CallRule,
}

checked!(Calls);

impl Calls {
    /// Nothing critical goes ahead without a person.
    fn holds(&self) -> bool {
        self.critical.decision != Decision::Allow
    }

    /// The rule for calls of this risk.
    pub fn rule(&self, risk: Risk) -> &CallRule {
        match risk {
            Risk::Low => &self.low,
            Risk::Medium => &self.medium,
            Risk::High => &self.high,
            Risk::Critical => &self.critical,
        }
    }
}

/// Requests for approval, and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_seconds: Option<Seconds<60, 604_800>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_seconds: Option<Seconds<30, 86_400>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind_after_seconds: Option<Seconds<60, 604_800>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester_may_approve: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_required: Option<bool>,
}

defaults! { Approvals {
    request_seconds: u64 = 86_400;
    token_seconds: u64 = 900;
    requester_may_approve: bool = false;
    reason_required: bool = false;
} }

/// Families of sensitive text, and rules of the project's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub families: Option<Families>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Table<RuleId, RedactionRule, 1, 50>>,
}

/// What the shape matches is replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedactionRule {
    pub family: Family,
    pub shape: Line<1000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<UniqueList<Line<64>, 1, 20>>,
}

/// A hard limit, at how much of it owners are told, and how far above it what is under way may go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Limit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_micro_usd: Option<MicroUsd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard_tokens: Option<Tokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_percent: Option<Percent<1, 99>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst_percent: Option<Percent<1, 100>>,
}

checked!(Limit);

impl Limit {
    fn holds(&self) -> bool {
        self.hard_micro_usd.is_some() || self.hard_tokens.is_some()
    }
}

/// A limit for each period, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Periods {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Limit>,
}

checked!(Periods);

impl Periods {
    fn holds(&self) -> bool {
        [self.run, self.day, self.month, self.lifetime].iter().any(Option::is_some)
    }
}

/// Limits by scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Periods>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Periods>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agents: Option<Table<AgentId, Periods, 1, 200>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Periods>,
}

/// A rate for each thing that is counted for, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Counted {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Rate>,
}

checked!(Counted);

impl Counted {
    fn holds(&self) -> bool {
        [self.project, self.agent, self.subject, self.tool].iter().any(Option::is_some)
    }
}

/// How often things may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Counted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Counted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Counted>,
}

/// When people are left alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZone>,
    pub windows: UniqueList<Window, 1, 21>,
    pub defer: UniqueList<Deferrable, 1, 4>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_priority: Option<Count<0, 9>>,
}

/// From a time to a time, on the days on which it begins; where `until` is not later, it ends on the next day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    pub days: UniqueList<Day, 1, 7>,
    pub from: TimeOfDay,
    pub until: TimeOfDay,
}

/// What must be shown before a later mode, of at least one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Promotion {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggest: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<Proof>,
}

checked!(Promotion);

impl Promotion {
    fn holds(&self) -> bool {
        self.suggest.is_some() || self.active.is_some()
    }
}

/// How well runs in shadow must agree with the legacy path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub compared: Count<1, 1_000_000>,
    pub agreement_percent: Percent<1, 100>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<Days<1, 30>>,
}

defaults! { Proof {
    days: u64 = 1;
} }

/// A threshold in a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anomaly {
    pub threshold: Count<1, 1_000_000>,
    pub window_seconds: Seconds<1, 604_800>,
    pub action: AnomalyAction,
}
