//! The agent contract: what an agent is for, its model and tools, and how far it may act by itself.

use serde::{Deserialize, Serialize};

use super::collection::{Table, UniqueList};
use super::quantity::{BoundedMicroUsd, BoundedTokens, Bytes, Count, MOST, MicroUsd, Seconds, Thousandths};
use super::shared::{ContractVersion, EmbeddedSchema, Labels, Roles};
use super::text::{Address, AgentId, CredentialReference, Line, ModelProvider, Prose, RunContractName, ToolName};
use super::words::words;

words! {
    /// The tag of this kind.
    pub enum AgentTag { Agent = "agent", }
}

words! {
    /// How far the agent may act by itself, a later word allowing more.
    pub enum Autonomy {
        ReadOnly = "read_only",
        Suggest = "suggest",
        Act = "act",
    }
}

words! {
    /// What a tool is wanted for, or does.
    pub enum Access {
        Read = "read",
        Write = "write",
    }
}

/// An agent contract; the schema says what each field means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct AgentContract {
    pub kind: AgentTag,
    pub contract_version: ContractVersion,
    pub name: AgentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Line<120>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    pub purpose: Prose<2000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Prose<32_768>>,
    pub model: Model,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_models: Option<UniqueList<Model, 1, 3>>,
    pub autonomy: Autonomy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Table<ToolName, WantedTool, 1, 128>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Roles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_contract: Option<RunContractName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<EmbeddedSchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

checked!(AgentContract);

impl AgentContract {
    /// An agent that only reads wants no tool for writing.
    fn holds(&self) -> bool {
        let mut wanted = self.tools.iter().flat_map(|tools| tools.entries().values());
        self.autonomy != Autonomy::ReadOnly || wanted.all(|tool| tool.access == Access::Read)
    }
}

/// A model of a provider, and how it is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub provider: ModelProvider,
    pub name: Line<128>,
    pub max_output_tokens: BoundedTokens<1, 1_000_000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_thousandths: Option<Thousandths<0, 2000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<Seconds<1, 3600>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

defaults! { Model {
    timeout_seconds: u64 = 120;
} }

/// What a million tokens of one sort cost.
pub type TokenPrice = BoundedMicroUsd<0, 1_000_000_000_000>;

/// What tokens cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub input_micro_usd_per_million_tokens: TokenPrice,
    pub output_micro_usd_per_million_tokens: TokenPrice,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_input_micro_usd_per_million_tokens: Option<TokenPrice>,
}

/// How the agent wants to use a tool.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedTool {
    pub access: Access,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls_per_run: Option<Count<1, 10_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub always_approve: Option<bool>,
}

defaults! { WantedTool {
    always_approve: bool = false;
} }

/// What one run may use up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<Count<0, 10_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_parallel_tool_calls: Option<Count<1, 64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_model_calls: Option<Count<1, 10_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<BoundedTokens<1, MOST>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost_micro_usd: Option<MicroUsd>,
}

defaults! { Limits {
    max_tool_calls: u64 = 50;
    max_parallel_tool_calls: u64 = 8;
    max_model_calls: u64 = 50;
} }

/// Where the agent is executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    pub url: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<Seconds<1, 3600>>,
}

defaults! { Endpoint {
    timeout_seconds: u64 = 300;
} }

/// What is shown to the model of what was said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_messages: Option<Count<0, 500>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<Bytes<0, 1_048_576>>,
}

defaults! { History {
    max_messages: u64 = 20;
    max_bytes: u64 = 32_768;
} }
