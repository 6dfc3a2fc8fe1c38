//! The six kinds of contract, and the schema of each.

use crate::model::words::words;

words! {
    /// What a contract is about.
    pub enum Kind {
        /// A tenant: its mode, owners, regions, retention.
        Project = "project",
        /// An agent: its purpose, model, tools, autonomy.
        Agent = "agent",
        /// What a project allows: approvals, redaction, budgets, rates.
        Policy = "policy",
        /// A tool: its schemas, side effects, risk, pinned digest.
        Tool = "tool",
        /// A way in and out for people.
        Channel = "channel",
        /// What a run takes in and must yield.
        Run = "run",
    }
}

impl Kind {
    /// The text of the kind's JSON Schema, as in contracts/schemas.
    pub const fn schema_text(self) -> &'static str {
        match self {
            Self::Project => include_str!("../schemas/project.schema.json"),
            Self::Agent => include_str!("../schemas/agent.schema.json"),
            Self::Policy => include_str!("../schemas/policy.schema.json"),
            Self::Tool => include_str!("../schemas/tool.schema.json"),
            Self::Channel => include_str!("../schemas/channel.schema.json"),
            Self::Run => include_str!("../schemas/run.schema.json"),
        }
    }

    /// The text of an example that uses everything the kind has.
    pub const fn full_example(self) -> &'static str {
        match self {
            Self::Project => include_str!("../fixtures/project/valid/full.json"),
            Self::Agent => include_str!("../fixtures/agent/valid/full.json"),
            Self::Policy => include_str!("../fixtures/policy/valid/full.json"),
            Self::Tool => include_str!("../fixtures/tool/valid/full.json"),
            Self::Channel => include_str!("../fixtures/channel/valid/full.json"),
            Self::Run => include_str!("../fixtures/run/valid/full.json"),
        }
    }
}
