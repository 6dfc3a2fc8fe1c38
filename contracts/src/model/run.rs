//! The run contract: what a run takes in and must yield, how long it may take, how it is tried again.

use serde::{Deserialize, Serialize};

use super::collection::UniqueList;
use super::quantity::{Bytes, Count, Days, Seconds};
use super::shared::{ContractVersion, EmbeddedSchema, Labels, Retry};
use super::text::{JsonPointer, Line, Prose, RunContractName};
use super::words::words;

words! {
    /// The tag of this kind.
    pub enum RunTag { Run = "run", }
}

words! {
    /// Why an attempt failed.
    pub enum Cause {
        WorkerError = "worker_error",
        LeaseExpired = "lease_expired",
        ModelUnavailable = "model_unavailable",
        ToolUnavailable = "tool_unavailable",
        RateLimited = "rate_limited",
    }
}

words! {
    /// Whether a run needs an idempotency key.
    pub enum KeyUse {
        Optional = "optional",
        Required = "required",
    }
}

words! {
    /// What runs are counted together for.
    pub enum Per {
        Subject = "subject",
        Chat = "chat",
        Agent = "agent",
    }
}

words! {
    /// What happens to the run that is too many.
    pub enum WhenFull {
        Queue = "queue",
        Refuse = "refuse",
        CancelOldest = "cancel_oldest",
    }
}

/// A run contract; the schema says what each field means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunContract {
    pub kind: RunTag,
    pub contract_version: ContractVersion,
    pub name: RunContractName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Line<120>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Prose<4000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    pub input_schema: EmbeddedSchema,
    pub output_schema: EmbeddedSchema,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_input_bytes: Option<Bytes<2, 524_288>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_bytes: Option<Bytes<2, 524_288>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<Seconds<1, 604_800>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_seconds: Option<Seconds<5, 3600>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Count<0, 9>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_priority: Option<Count<0, 9>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_on: Option<UniqueList<Cause, 0, 5>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<KeyUse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<Count<1, 100_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<Days<1, 3650>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

defaults! { RunContract {
    max_input_bytes: u64 = 524_288;
    max_output_bytes: u64 = 524_288;
    deadline_seconds: u64 = 3600;
    lease_seconds: u64 = 60;
    priority: u64 = 5;
    max_priority: u64 = 9;
    idempotency_key: KeyUse = KeyUse::Optional;
    max_steps: u64 = 1000;
    interactive: bool = true;
} }

impl RunContract {
    /// What is worth another attempt.
    pub fn retry_on(&self) -> &[Cause] {
        self.retry_on.as_ref().map_or(Cause::ALL, UniqueList::as_slice)
    }
}

/// What is counted together, and what happens to the run that is too many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    pub per: Per,
    pub max_runs: Count<1, 1000>,
    pub when_full: WhenFull,
}

/// Which places of the two answers must be equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    pub pointers: UniqueList<JsonPointer, 1, 64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_case: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_space: Option<bool>,
}

defaults! { Comparison {
    ignore_case: bool = false;
    ignore_space: bool = true;
} }
