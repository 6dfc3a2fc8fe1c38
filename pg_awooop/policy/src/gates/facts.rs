//! What the gates judge by: one snapshot of it, read before anything is decided.

use awooop_contracts::model::{AgentContract, PolicyContract, ToolContract};
use serde_json::Value;

use crate::error::Problem;
use crate::mode::MigrationMode;

/// A contract that is needed.
#[derive(Clone, Copy, Debug)]
pub enum Found<T> {
    /// None is active.
    None,
    /// One is, by the rows; the keyring does not vouch for it.
    Unproven,
    Active(T),
}

#[derive(Clone, Copy, Debug)]
pub struct ProjectFacts {
    pub mode: MigrationMode,
    pub suspended: bool,
}

#[derive(Clone, Debug)]
pub struct AgentFacts<'a> {
    /// Whose call it is said to be.
    pub id: Option<&'a str>,
    /// The only agent that the caller's key may speak for, where it is bound to one.
    pub of_key: Option<&'a str>,
    /// Nothing where no such agent is registered.
    pub enabled: Option<bool>,
    pub contract: Found<&'a AgentContract>,
}

#[derive(Clone, Copy, Debug)]
pub struct ServerFacts {
    pub enabled: bool,
}

/// A tool as the registry has it.
#[derive(Clone, Copy, Debug)]
pub struct ToolFacts<'a> {
    pub upstream_name: &'a str,
    /// Of what its server says of it now, `sha256:` and 64 digits.
    pub digest: &'a str,
    pub enabled: bool,
    /// Its server does not list it any more.
    pub gone: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct GrantFacts {
    pub expired: bool,
}

#[derive(Clone, Debug, Default)]
pub struct ArgumentFacts {
    /// Of the arguments' JSON.
    pub bytes: usize,
    /// What the tool's schema has against them.
    pub errors: Vec<Value>,
    /// What the grant's has.
    pub grant_errors: Vec<Value>,
}

/// The run that the call is made in.
#[derive(Clone, Copy, Debug)]
pub struct RunFacts {
    /// The mode that it was created in: it goes on in that, or in a more cautious one.
    pub mode: MigrationMode,
    /// Calls that it has had, of all tools, and of this one; and those that have not ended.
    pub calls: u64,
    pub calls_of_tool: u64,
    pub under_way: u64,
}

#[derive(Clone, Debug)]
pub enum BudgetFacts {
    /// Nothing is against it yet; its reservation decides.
    Free,
    Refused(Problem),
}

/// A limit of so many calls in any window.
#[derive(Clone, Debug)]
pub struct RateFacts {
    /// The word for it: project, agent, subject, tool, grant, refusals.
    pub what: &'static str,
    /// The reason that a denial by it gives.
    pub reason: &'static str,
    /// What it counts for, within the project.
    pub key: String,
    pub count: u64,
    pub window_seconds: u64,
    /// When there is room again; nothing where there is.
    pub retry_after_seconds: Option<u64>,
}

impl RateFacts {
    pub fn is_full(&self) -> bool {
        self.retry_after_seconds.is_some()
    }
}

/// What there is of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    None,
    /// Of exactly this call, not used yet.
    Given,
    /// One was brought that is not good, for this reason.
    Bad(&'static str),
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Nothing where there is no such project.
    pub project: Option<ProjectFacts>,
    pub agent: AgentFacts<'a>,
    /// `{tool}__{provider}`, as the caller named it.
    pub tool_name: &'a str,
    pub server: Option<ServerFacts>,
    pub tool: Option<ToolFacts<'a>>,
    pub tool_contract: Found<&'a ToolContract>,
    pub grant: Option<GrantFacts>,
    /// The policy that is in force, or was last.
    pub policy: Option<&'a PolicyContract>,
    pub arguments: ArgumentFacts,
    /// Nothing for a call that makes a run of its own.
    pub run: Option<RunFacts>,
    pub budget: BudgetFacts,
    pub rates: Vec<RateFacts>,
    pub refusals: RateFacts,
    pub approval: Approval,
    /// Whether the credential's reference is in a namespace of the project; nothing where none is needed.
    pub credential_is_own: Option<bool>,
}

impl Facts<'_> {
    /// The mode that the call is made in.
    pub fn mode(&self) -> MigrationMode {
        let of_project = self.project.map_or(MigrationMode::LegacyAwoooiDefault, |project| project.mode);
        self.run.map_or(of_project, |run| run.mode.min(of_project))
    }
}
