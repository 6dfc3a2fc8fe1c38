//! The facts that a call is judged by, of one moment.
//!
//! What administrators change, and signed contracts, the session keeps until somebody changes any of it ([`directory`]); what
//! calls change one statement reads. That statement takes in whatever was committed before it, so if nothing of what is kept was
//! forgotten meanwhile, all of it was so at that moment.

use std::rc::Rc;

use awooop_contracts::model::shared::Rate;
use awooop_contracts::model::text::CredentialReference;
use awooop_contracts::model::{AgentContract, PolicyContract, ToolContract};
use awooop_contracts::{Contract, Kind};
use awooop_policy::budget::Who;
use awooop_policy::error::ErrorCode;
use awooop_policy::gates::{
    AgentFacts, Approval, ArgumentFacts, BudgetFacts, Facts, Found, GrantFacts, Judgement, ProjectFacts, RateFacts,
    ServerFacts, ToolFacts, judge,
};
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::arguments;
use super::rate;
use super::volatile::{self, Volatile};
use crate::approvals;
use crate::budget;
use crate::caller::Caller;
use crate::contracts::active::{self, Loaded};
use crate::directory::{self, tools::Grant, tools::Tool};
use crate::fault::{Outcome, Stop, fault};

/// Refused calls of an agent in any window of so many seconds.
const REFUSALS: (u64, u64) = (100, 60);
/// Calls of an agent that people are asked about, by one caller. People have only so much attention.
const ASKS: (u64, u64) = (200, 3600);
/// How often what is kept may be changed while a call is judged.
const MOST_ROUNDS: usize = 10;

/// A contract of the call, if it is there and vouched for.
pub(super) enum Proof {
    None,
    Unproven,
    Active(Rc<Loaded>),
}

impl Proof {
    fn of(project_id: &str, kind: Kind, name: &str) -> Outcome<Self> {
        match active::of(project_id, kind, name) {
            Ok(Some(loaded)) => Ok(Proof::Active(loaded)),
            Ok(None) => Ok(Proof::None),
            Err(Stop::Refused(_)) => Ok(Proof::Unproven),
            Err(stop) => Err(stop),
        }
    }

    pub(super) fn loaded(&self) -> Option<&Loaded> {
        match self {
            Proof::Active(loaded) => Some(loaded),
            _ => None,
        }
    }

    /// Its revision, where one is believed.
    pub(super) fn revision_id(&self) -> Option<Uuid> {
        self.loaded().map(|loaded| loaded.revision_id)
    }

    fn found<'a, T>(&'a self, read: impl Fn(&'a Contract) -> Option<&'a T>) -> Found<&'a T> {
        match self {
            Proof::Active(loaded) => read(&loaded.contract).map_or(Found::Unproven, Found::Active),
            Proof::Unproven => Found::Unproven,
            Proof::None => Found::None,
        }
    }

    fn as_agent(&self) -> Found<&AgentContract> {
        self.found(|contract| match contract {
            Contract::Agent(agent) => Some(&**agent),
            _ => None,
        })
    }

    fn as_tool(&self) -> Found<&ToolContract> {
        self.found(|contract| match contract {
            Contract::Tool(tool) => Some(&**tool),
            _ => None,
        })
    }
}

fn policy_of(loaded: Option<&Rc<Loaded>>) -> Option<&PolicyContract> {
    match &loaded?.contract {
        Contract::Policy(policy) => Some(policy),
        _ => None,
    }
}

/// Who wants to call what.
pub(super) struct Wanted<'a> {
    pub(super) agent_id: Option<&'a str>,
    pub(super) tool: &'a str,
    pub(super) arguments: &'a Value,
    /// The run that it is made in.
    pub(super) run_id: Option<Uuid>,
    /// The call, if it is there already.
    pub(super) call_id: Option<Uuid>,
    /// On whose behalf.
    pub(super) channel_type: &'a str,
    pub(super) channel_user_id: &'a str,
    pub(super) subject_id: &'a str,
}

/// Everything that is known of the call.
pub(super) struct Snapshot {
    pub(super) agent: Proof,
    pub(super) tool: Proof,
    policy: Option<Rc<Loaded>>,
    project: ProjectFacts,
    agent_id: Option<String>,
    of_key: Option<String>,
    agent_enabled: Option<bool>,
    tool_name: String,
    registered: Option<Rc<Tool>>,
    granted: Option<Rc<Grant>>,
    grant_expired: bool,
    own_namespaces: Vec<String>,
    rates: Vec<RateFacts>,
    refusals: RateFacts,
    asks: RateFacts,
    volatile: Volatile,
    budget: BudgetFacts,
    arguments: ArgumentFacts,
}

/// What the contracts and the grant count calls for.
fn rates_of(
    policy: Option<&PolicyContract>,
    tool: Found<&ToolContract>,
    grant: Option<&Grant>,
    wanted: &Wanted,
) -> Vec<RateFacts> {
    let mut rates = Vec::new();
    let mut add = |what: &'static str, key: String, rate: Option<(u64, u64)>| {
        if let Some((count, window_seconds)) = rate {
            rates.push(RateFacts { what, reason: what, key, count, window_seconds, retry_after_seconds: None });
        }
    };
    let of = |rate: Option<Rate>| rate.map(|rate| (rate.count.get(), rate.window_seconds.get()));
    if let Some(calls) = policy.and_then(|policy| policy.rates).and_then(|rates| rates.calls) {
        add("project", "project".to_owned(), of(calls.project));
        add("agent", format!("agent:{}", wanted.agent_id.unwrap_or_default()), of(calls.agent));
        add("subject", format!("subject:{}", wanted.subject_id), of(calls.subject));
        add("tool", format!("tool:{}", wanted.tool), of(calls.tool));
    }
    if let Found::Active(tool) = tool {
        add("tool", format!("contract:{}", wanted.tool), of(tool.rate));
    }
    if let Some(grant) = grant {
        let rate = grant.rate.map(|(count, seconds)| (count.unsigned_abs().into(), seconds.unsigned_abs().into()));
        add("grant", format!("grant:{}", grant.grant_id), rate);
    }
    rates
}

/// What is counted of an agent's calls by a caller: who calls in the name of an agent must not shut out others who do. A name
/// that is no agent's is not the agent's: who tries names is counted as one.
fn of_caller(
    what: &'static str,
    caller: &Caller,
    agent_id: Option<&str>,
    (count, window_seconds): (u64, u64),
) -> RateFacts {
    let key = format!("{what}:{}:{}", agent_id.unwrap_or_default(), caller.principal_id);
    RateFacts { what, reason: what, key, count, window_seconds, retry_after_seconds: None }
}

impl Snapshot {
    /// Collects everything.
    pub(super) fn take(caller: &Caller, wanted: &Wanted) -> Outcome<Self> {
        for _ in 0..MOST_ROUNDS {
            directory::watch();
            let generation = directory::generation();
            let snapshot = Self::collect(caller, wanted)?;
            if generation == directory::generation() {
                return Ok(snapshot);
            }
        }
        fault(ErrorCode::SystemRetry)
    }

    fn collect(caller: &Caller, wanted: &Wanted) -> Outcome<Self> {
        let project_id = caller.project_id.as_str();
        let (agent, agent_enabled) = match wanted.agent_id {
            Some(agent_id) => {
                (Proof::of(project_id, Kind::Agent, agent_id)?, directory::is_enabled(project_id, agent_id)?)
            }
            None => (Proof::None, None),
        };
        let tool = Proof::of(project_id, Kind::Tool, wanted.tool)?;
        let policy = active::last_policy(project_id)?;
        let registered = directory::tools::tool(project_id, wanted.tool)?;
        let granted = match wanted.agent_id {
            Some(agent_id) => directory::tools::grant(project_id, agent_id, wanted.tool)?,
            None => None,
        };
        let mut own_namespaces = directory::tools::namespaces(project_id)?.to_vec();
        own_namespaces.push(project_id.to_owned());
        let mut rates = rates_of(policy_of(policy.as_ref()), tool.as_tool(), granted.as_deref(), wanted);
        let known_agent = wanted.agent_id.filter(|_| agent_enabled.is_some());
        let mut refusals = of_caller("refusals", caller, known_agent, REFUSALS);
        let project = directory::project(project_id)?;
        let budget = budget_of(project_id, wanted)?;
        // Last, so that what was committed before it was taken in.
        let volatile = volatile::read(project_id, wanted, &mut rates, &mut refusals)?;
        // SAFETY: reads the clock.
        let now = unsafe { pg_sys::GetCurrentTimestamp() };
        Ok(Snapshot {
            arguments: arguments::judge(tool.loaded(), registered.as_deref(), granted.as_deref(), wanted.arguments)?,
            grant_expired: granted.as_ref().and_then(|grant| grant.expires_at).is_some_and(|at| at <= now),
            project: project
                .map_or(ProjectFacts { mode: caller.project.mode, suspended: caller.project.suspended }, |project| {
                    ProjectFacts { mode: project.mode, suspended: project.suspended }
                }),
            agent_id: wanted.agent_id.map(str::to_owned),
            of_key: caller.agent_id.clone(),
            tool_name: wanted.tool.to_owned(),
            agent,
            tool,
            policy,
            agent_enabled,
            registered,
            granted,
            own_namespaces,
            rates,
            refusals,
            asks: of_caller("asks", caller, known_agent, ASKS),
            volatile,
            budget,
        })
    }

    /// The facts, with what there is of an approval.
    pub(super) fn facts(&self, approval: Approval) -> Facts<'_> {
        Facts {
            project: Some(self.project),
            agent: AgentFacts {
                id: self.agent_id.as_deref(),
                of_key: self.of_key.as_deref(),
                enabled: self.agent_enabled,
                contract: self.agent.as_agent(),
            },
            tool_name: &self.tool_name,
            server: self.registered.as_ref().map(|tool| ServerFacts { enabled: tool.server_enabled }),
            tool: self.registered.as_ref().map(|tool| ToolFacts {
                upstream_name: &tool.upstream_name,
                digest: &tool.digest,
                enabled: tool.enabled,
                gone: tool.gone,
            }),
            tool_contract: self.tool.as_tool(),
            grant: self.granted.as_ref().map(|_| GrantFacts { expired: self.grant_expired }),
            policy: policy_of(self.policy.as_ref()),
            arguments: self.arguments.clone(),
            run: self.volatile.run,
            budget: self.budget.clone(),
            rates: self.rates.clone(),
            refusals: self.refusals.clone(),
            approval,
            credential_is_own: self.credential().map(|credential| self.is_own(&credential["reference"])),
        }
    }

    fn is_own(&self, reference: &Value) -> bool {
        let reference = reference.as_str().and_then(|text| CredentialReference::try_from(text.to_owned()).ok());
        reference.is_some_and(|reference| self.own_namespaces.iter().any(|own| own == reference.parts().0))
    }

    /// The rates that the call is counted for.
    pub(super) fn rates(&self) -> &[RateFacts] {
        &self.rates
    }

    /// What refused calls are counted for.
    pub(super) fn refusals(&self) -> &RateFacts {
        &self.refusals
    }

    pub(super) fn tool_contract(&self) -> Outcome<&ToolContract> {
        match self.tool.as_tool() {
            Found::Active(tool) => Ok(tool),
            _ => fault(ErrorCode::SystemInternal),
        }
    }

    /// Judges a call that does not go ahead now. What goes ahead is judged by its reservation; of the rest, what no budget has
    /// room for is told so before anything that comes after it, and people are asked about so much and no more.
    pub(super) fn judge_waiting(&self, caller: &Caller, wanted: &Wanted, facts: &mut Facts) -> Outcome<Judgement> {
        facts.budget = self.room(caller, wanted)?;
        let judgement = judge(facts);
        if !judgement.asks() {
            return Ok(judgement);
        }
        if let Some(seconds) = rate::wait(&caller.project_id, &self.asks)? {
            facts.rates.push(RateFacts { retry_after_seconds: Some(seconds), ..self.asks.clone() });
        } else if self.volatile.run.is_some_and(|run| run.under_way > 0) {
            // A run that waits is nobody's, and what its other calls come to would be lost.
            facts.approval = Approval::Bad("others_under_way");
        } else if approvals::crowd(caller)?.is_some() {
            facts.approval = Approval::Bad("too_many_waiting");
        }
        Ok(judge(facts))
    }

    /// What budgets say of the call, without a reservation: by what has been committed.
    fn room(&self, caller: &Caller, wanted: &Wanted) -> Outcome<BudgetFacts> {
        let (BudgetFacts::Free, Found::Active(tool)) = (&self.budget, self.tool.as_tool()) else {
            return Ok(self.budget.clone());
        };
        let cost = i64::try_from(tool.call_cost_micro_usd()).unwrap_or(i64::MAX);
        let agent_id = wanted.agent_id.unwrap_or_default();
        let lacks = budget::lacks_for_tool(caller, agent_id, wanted.subject_id, cost)?;
        Ok(lacks.map_or(BudgetFacts::Free, BudgetFacts::Refused))
    }

    /// What calls that people are asked about are counted for.
    pub(super) fn asks(&self) -> &RateFacts {
        &self.asks
    }

    /// Whether the platform has seen who the call is for.
    pub(super) fn subject_is_known(&self) -> bool {
        self.volatile.subject_is_known
    }

    pub(super) fn grant_id(&self) -> Uuid {
        self.granted.as_ref().map(|grant| grant.grant_id).unwrap_or_default()
    }

    pub(super) fn policy_revision_id(&self) -> Option<Uuid> {
        self.policy.as_ref().map(|policy| policy.revision_id)
    }

    pub(super) fn policy(&self) -> Option<&PolicyContract> {
        policy_of(self.policy.as_ref())
    }

    /// The tool and its server, of a call that the gates let through.
    pub(super) fn registered(&self) -> Outcome<&Tool> {
        self.registered.as_deref().map_or_else(|| fault(ErrorCode::SystemInternal), Ok)
    }

    /// What the server is shown: the tool's own credential, else the server's.
    pub(super) fn credential(&self) -> Option<Value> {
        if let Found::Active(ToolContract { credential: Some(credential), .. }) = self.tool.as_tool() {
            let (namespace, secret, key) = credential.reference.parts();
            return Some(json!({
                "reference": format!("k8s://{namespace}/{secret}/{key}"), "placement": credential.placement.as_str(),
                "name": credential.header_name.as_ref().map(|name| name.as_str())
            }));
        }
        let [reference, placement, name] = self.registered.as_ref()?.credential.as_ref()?;
        Some(json!({"reference": reference, "placement": placement, "name": name}))
    }

    /// What the decision is based on, for the record.
    pub(super) fn basis(&self) -> Value {
        json!({
            "mode": self.facts(Approval::None).mode().as_str(), "agent_revision_id": self.agent.revision_id(),
            "tool_revision_id": self.tool.revision_id(), "policy_revision_id": self.policy_revision_id(),
            "grant_id": self.granted.as_ref().map(|grant| grant.grant_id),
            "definition": self.registered.as_ref().map(|tool| &tool.digest),
            "rates": self.rates.iter().map(|rate| json!([rate.what, rate.count, rate.window_seconds])).collect::<Vec<_>>()
        })
    }
}

/// Whether a switch stops the work.
fn budget_of(project_id: &str, wanted: &Wanted) -> Outcome<BudgetFacts> {
    let run = wanted.run_id.map(|run_id| run_id.to_string());
    let who =
        Who { agent_id: wanted.agent_id.unwrap_or_default(), subject_id: wanted.subject_id, run_id: run.as_deref() };
    Ok(match budget::standing(project_id, &who)? {
        Some((_, problem)) => BudgetFacts::Refused(problem),
        None => BudgetFacts::Free,
    })
}
