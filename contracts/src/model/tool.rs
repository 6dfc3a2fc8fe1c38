//! The tool contract: what a tool does, what harm it can do, and what it is pinned to.

use serde::{Deserialize, Serialize};

use super::agent::Access;
use super::collection::UniqueList;
use super::quantity::{Bytes, MicroUsd, Seconds};
use super::shared::{ContractVersion, Labels, ObjectSchema, Rate, Retry};
use super::text::{CredentialReference, HeaderName, JsonPointer, Line, Prose, Sha256, ToolName};
use super::words::words;

words! {
    /// The tag of this kind.
    pub enum ToolTag { Tool = "tool", }
}

words! {
    /// What a call changes.
    pub enum SideEffects {
        None = "none",
        Reversible = "reversible",
        Irreversible = "irreversible",
    }
}

words! {
    /// How much harm a wrong call does.
    pub enum Risk {
        Low = "low",
        Medium = "medium",
        High = "high",
        Critical = "critical",
    }
}

words! {
    /// What a repeated call does.
    pub enum IdempotencyMode {
        None = "none",
        Natural = "natural",
        Key = "key",
    }
}

words! {
    /// Where a credential goes in a call.
    pub enum Placement {
        Bearer = "bearer",
        Basic = "basic",
        Header = "header",
    }
}

words! {
    /// What a server may ask of the caller while a call of its tool is under way.
    pub enum Question {
        Elicitation = "elicitation",
        Sampling = "sampling",
        Roots = "roots",
    }
}

/// A tool contract; the schema says what each field means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ToolContract {
    pub kind: ToolTag,
    pub contract_version: ContractVersion,
    pub name: ToolName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Line<120>>,
    pub description: Prose<4000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_name: Option<Line<256>>,
    pub upstream_digest: Sha256,
    pub input_schema: ObjectSchema,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<ObjectSchema>,
    pub side_effects: SideEffects,
    pub risk: Risk,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<Seconds<1, 600>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_argument_bytes: Option<Bytes<2, 524_288>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_result_bytes: Option<Bytes<256, 16_384>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_cost_micro_usd: Option<MicroUsd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive_arguments: Option<UniqueList<JsonPointer, 1, 32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive_results: Option<UniqueList<JsonPointer, 1, 32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_ask: Option<UniqueList<Question, 1, 3>>,
}

checked!(ToolContract);

defaults! { ToolContract {
    timeout_seconds: u64 = 30;
    max_argument_bytes: u64 = 65_536;
    max_result_bytes: u64 = 16_384;
    call_cost_micro_usd: u64 = 0;
} }

impl ToolContract {
    /// What cannot be undone is of high risk, and what acts again is not tried again.
    fn holds(&self) -> bool {
        let grave = self.side_effects != SideEffects::Irreversible || self.risk >= Risk::High;
        grave && (self.retry.is_none() || self.may_repeat())
    }

    /// What access an agent needs to call it.
    pub fn access(&self) -> Access {
        if self.side_effects == SideEffects::None { Access::Read } else { Access::Write }
    }

    /// Whether a call whose outcome is unknown may be made again.
    pub fn may_repeat(&self) -> bool {
        let idempotent = self.idempotency.as_ref().is_some_and(|i| i.mode != IdempotencyMode::None);
        self.side_effects == SideEffects::None || idempotent
    }

    /// The tool as its provider names it.
    pub fn upstream_name(&self) -> &str {
        self.upstream_name.as_ref().map_or(self.name.tool(), Line::as_str)
    }
}

/// What a repeated call does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Idempotency {
    pub mode: IdempotencyMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_argument: Option<Line<128>>,
}

checked!(Idempotency);

impl Idempotency {
    fn holds(&self) -> bool {
        (self.mode == IdempotencyMode::Key) == self.key_argument.is_some()
    }
}

/// A reference, and where its value goes in the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Credential {
    pub reference: CredentialReference,
    pub placement: Placement,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_name: Option<HeaderName>,
}

checked!(Credential);

impl Credential {
    fn holds(&self) -> bool {
        (self.placement == Placement::Header) == self.header_name.is_some()
    }
}
