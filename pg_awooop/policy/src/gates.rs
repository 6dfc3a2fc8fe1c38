//! The five gates that every call of a tool goes through, as one pure function over one snapshot of facts.
//!
//! 1 tenant, 2 agent, 3 tool, 4 budget and rate, 5 approval and credential. Every check is made and reported, in order; the
//! first that denies is the decision. What a call is told and what `mcp_explain` shows is therefore the same list. Nothing is
//! written here: what a call takes (a reservation, its place in a rate, an approval's use) is taken when all gates are open,
//! and where somebody was faster that is a denial with the code of the same gate.
//!
//! One check stands out of order: an agent whose calls were refused too often is refused before anything is said of tools and
//! arguments, so that neither can be guessed by trying.

mod facts;
#[cfg(test)]
mod tests;

pub use facts::{
    AgentFacts, Approval, ArgumentFacts, BudgetFacts, Facts, Found, GrantFacts, ProjectFacts, RateFacts, RunFacts,
    ServerFacts, ToolFacts,
};

use awooop_contracts::model::agent::{AgentContract, WantedTool};
use awooop_contracts::model::tool::{Risk, ToolContract};
use serde_json::{Map, Value, json};

use crate::approval::{Call, Need, need, risk, words};
use crate::error::{ErrorCode, Problem};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Deny,
    /// People decide.
    Ask,
    /// What it would be judged by is not there.
    Open,
}

impl Verdict {
    /// The word in SQL and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Deny => "deny",
            Verdict::Ask => "ask",
            Verdict::Open => "not_judged",
        }
    }
}

/// One check of one gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub gate: u8,
    /// The code with which it denies.
    pub code: ErrorCode,
    pub verdict: Verdict,
    /// What it found, in a word.
    pub reason: &'static str,
    /// And in figures.
    pub facts: Map<String, Value>,
}

impl Check {
    fn new(gate: u8, code: ErrorCode, verdict: Verdict, reason: &'static str) -> Self {
        Check { gate, code, verdict, reason, facts: Map::new() }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The problem with which it denies.
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::from(self.code).with("gate", self.gate).with("reason", self.reason);
        for (name, value) in &self.facts {
            problem = match name.as_str() {
                // The caller wrote the arguments; the log gets to know how many are wrong.
                "errors" => {
                    problem.telling(name, value.clone(), json!({"count": value.as_array().map_or(0, Vec::len)}))
                }
                _ => problem.with(name, value.clone()),
            };
        }
        problem
    }
}

/// All checks, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub checks: Vec<Check>,
    /// What people have to say to the call; nothing where an earlier gate has not let it through.
    pub need: Option<Need>,
    pub risk: Option<Risk>,
}

impl Judgement {
    /// The check that decides against the call, if one does.
    pub fn denial(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.verdict == Verdict::Deny)
    }

    /// Whether the call has to wait for people.
    pub fn asks(&self) -> bool {
        self.denial().is_none() && self.checks.iter().any(|check| check.verdict == Verdict::Ask)
    }
}

/// Judges a call.
pub fn judge(facts: &Facts) -> Judgement {
    let mut checks = vec![tenant(facts), agent(facts), attempts(facts), tool(facts)];
    let (granted, need, risk) = granted(facts);
    checks.push(granted);
    checks.push(arguments(facts));
    checks.push(budget(facts));
    checks.extend(rates(facts));
    checks.push(approval(facts, need.as_ref()));
    checks.push(credential(facts));
    let need = if checks.iter().any(|check| check.verdict == Verdict::Deny) { None } else { need };
    Judgement { checks, need, risk }
}

fn pass_or(gate: u8, code: ErrorCode, denied: Option<&'static str>) -> Check {
    match denied {
        Some(reason) => Check::new(gate, code, Verdict::Deny, reason),
        None => Check::new(gate, code, Verdict::Pass, "ok"),
    }
}

fn tenant(facts: &Facts) -> Check {
    let denied = match &facts.project {
        None => Some("unknown"),
        Some(project) if project.suspended => Some("suspended"),
        Some(project) if !project.mode.is_on_platform() => Some("legacy"),
        Some(_) => None,
    };
    pass_or(1, ErrorCode::GateTenant, denied)
}

fn agent(facts: &Facts) -> Check {
    let agent = &facts.agent;
    let denied = match (agent.id, agent.enabled) {
        (None, _) => Some("missing"),
        (Some(id), _) if agent.of_key.is_some_and(|of_key| of_key != id) => Some("key_of_another_agent"),
        (Some(_), None) => Some("unknown"),
        (Some(_), Some(false)) => Some("disabled"),
        (Some(_), Some(true)) => match agent.contract {
            Found::Active(_) => None,
            Found::Unproven => Some("contract_not_proven"),
            Found::None => Some("no_active_contract"),
        },
    };
    pass_or(2, ErrorCode::GateAgent, denied)
}

/// How often the agent was refused lately.
fn attempts(facts: &Facts) -> Check {
    let refusals = &facts.refusals;
    if refusals.is_full() { too_many(refusals) } else { Check::new(4, ErrorCode::GateRate, Verdict::Pass, "refusals") }
}

fn too_many(rate: &RateFacts) -> Check {
    Check::new(4, ErrorCode::GateRate, Verdict::Deny, rate.reason)
        .with("rate", rate.what)
        .with("count", rate.count)
        .with("window_seconds", rate.window_seconds)
        .with("retry_after_seconds", rate.retry_after_seconds)
}

fn tool(facts: &Facts) -> Check {
    let check = |reason| Check::new(3, ErrorCode::GateTool, Verdict::Deny, reason);
    let (Some(server), Some(tool)) = (&facts.server, &facts.tool) else { return check("unknown") };
    let contract = match facts.tool_contract {
        Found::Active(contract) => contract,
        Found::Unproven => return check("contract_not_proven"),
        Found::None => return check("no_active_contract"),
    };
    if !server.enabled {
        return check("server_disabled");
    }
    if !tool.enabled {
        return check("disabled");
    }
    if tool.gone {
        return check("gone");
    }
    // The contract says what was reviewed, the registry what the server says now.
    if contract.upstream_digest.as_str() != tool.digest || contract.upstream_name() != tool.upstream_name {
        return check("drifted").with("pinned", contract.upstream_digest.as_str()).with("seen", tool.digest);
    }
    Check::new(3, ErrorCode::GateTool, Verdict::Pass, "ok")
}

/// What the agent's contract says of a tool.
fn wanted<'a>(agent: &'a AgentContract, tool: &str) -> Option<&'a WantedTool> {
    agent.tools.iter().flat_map(|tools| tools.entries()).find(|(name, _)| name.as_str() == tool).map(|(_, tool)| tool)
}

/// What people would have to say to the call.
fn need_of(facts: &Facts, agent: &AgentContract, tool: &ToolContract) -> (Need, Risk) {
    let of_project = facts.policy.and_then(|policy| {
        let risks = policy.tool_risk.iter().flat_map(|risks| risks.entries());
        risks.into_iter().find(|(name, _)| name.as_str() == facts.tool_name).map(|(_, risk)| *risk)
    });
    let risk = risk(tool.risk, of_project);
    let wanted = wanted(agent, facts.tool_name);
    let call = Call {
        mode: facts.mode(),
        autonomy: agent.autonomy,
        wanted: wanted.map(|wanted| wanted.access),
        always_approve: wanted.is_some_and(WantedTool::always_approve),
        access: words::access(tool.side_effects),
        risk,
        rule: facts.policy.map(|policy| policy.calls.rule(risk)),
    };
    (need(&call), risk)
}

fn granted(facts: &Facts) -> (Check, Option<Need>, Option<Risk>) {
    let check = |verdict, reason| Check::new(3, ErrorCode::GateGrant, verdict, reason);
    let (Found::Active(agent), Found::Active(tool)) = (&facts.agent.contract, &facts.tool_contract) else {
        return (check(Verdict::Open, "no_contract"), None, None);
    };
    let (need, risk) = need_of(facts, agent, tool);
    let denied = match (&facts.grant, &need) {
        (None, _) => Some("not_granted"),
        (Some(grant), _) if grant.expired => Some("grant_expired"),
        (Some(_), Need::Denied(denial)) => Some(denial.as_str()),
        (Some(_), _) => None,
    };
    match denied {
        Some(reason) => (check(Verdict::Deny, reason), None, Some(risk)),
        None => (check(Verdict::Pass, "ok"), Some(need), Some(risk)),
    }
}

fn arguments(facts: &Facts) -> Check {
    let check = |verdict, reason| Check::new(3, ErrorCode::GateArguments, verdict, reason);
    let Found::Active(tool) = &facts.tool_contract else { return check(Verdict::Open, "no_contract") };
    let arguments = &facts.arguments;
    if arguments.bytes as u64 > tool.max_argument_bytes() {
        return check(Verdict::Deny, "too_large")
            .with("bytes", arguments.bytes)
            .with("limit_bytes", tool.max_argument_bytes());
    }
    for (errors, reason) in [(&arguments.errors, "tool_schema"), (&arguments.grant_errors, "grant")] {
        if !errors.is_empty() {
            return check(Verdict::Deny, reason).with("errors", errors.clone());
        }
    }
    check(Verdict::Pass, "ok")
}

fn budget(facts: &Facts) -> Check {
    let check = |verdict, reason| Check::new(4, ErrorCode::GateBudget, verdict, reason);
    match &facts.budget {
        BudgetFacts::Free => check(Verdict::Pass, "ok"),
        BudgetFacts::Refused(problem) => {
            let mut check = check(Verdict::Deny, "no_room").with("cause", problem.code.entry().code);
            check.facts.extend(problem.facts.clone());
            check
        }
    }
}

/// The limits of the run, then every rate, each a check of its own.
fn rates(facts: &Facts) -> Vec<Check> {
    let mut checks = Vec::new();
    if let (Some(run), Found::Active(agent)) = (&facts.run, &facts.agent.contract) {
        let limits = agent.limits.unwrap_or_default();
        let of_tool = wanted(agent, facts.tool_name).and_then(|wanted| wanted.max_calls_per_run);
        for (reason, had, most) in [
            ("max_tool_calls", run.calls, Some(limits.max_tool_calls())),
            ("max_calls_per_run", run.calls_of_tool, of_tool.map(|most| most.get())),
            ("max_parallel_tool_calls", run.under_way, Some(limits.max_parallel_tool_calls())),
        ] {
            let Some(most) = most else { continue };
            let verdict = if had < most { Verdict::Pass } else { Verdict::Deny };
            let check = Check::new(4, ErrorCode::GateRate, verdict, reason);
            checks.push(check.with("rate", "run").with("count", most).with("had", had));
        }
    }
    for rate in &facts.rates {
        checks.push(match rate.is_full() {
            true => too_many(rate),
            false => Check::new(4, ErrorCode::GateRate, Verdict::Pass, rate.reason).with("rate", rate.what),
        });
    }
    checks
}

fn approval(facts: &Facts, need: Option<&Need>) -> Check {
    let check = |verdict, reason| Check::new(5, ErrorCode::GateApproval, verdict, reason);
    match (need, facts.approval) {
        (None, _) => check(Verdict::Open, "denied_before"),
        (_, Approval::Bad(reason)) => check(Verdict::Deny, reason),
        (Some(Need::Nothing), _) => check(Verdict::Pass, "not_needed"),
        (Some(_), Approval::Given) => check(Verdict::Pass, "given"),
        (Some(Need::Approval(terms)), Approval::None) => {
            check(Verdict::Ask, "needed").with("approvers", terms.approvers).with("mode", terms.mode.as_str())
        }
        (Some(Need::Denied(_)), _) => check(Verdict::Open, "denied_before"),
    }
}

fn credential(facts: &Facts) -> Check {
    let check = |verdict, reason| Check::new(5, ErrorCode::GateCredential, verdict, reason);
    match facts.credential_is_own {
        None => check(Verdict::Pass, "none_needed"),
        Some(true) => check(Verdict::Pass, "reference"),
        Some(false) => check(Verdict::Deny, "namespace_of_another"),
    }
}

/// The denial of a call that all gates let through, and that found gone what it was to take: somebody was faster. What no gate judges
/// stays what it is.
pub fn late(problem: Problem) -> Problem {
    let cause = problem.code.entry().code;
    let (code, gate, reason) = match problem.code {
        ErrorCode::GateRate | ErrorCode::GateBudget | ErrorCode::GateApproval => return problem,
        ErrorCode::ApprovalCapacity => (ErrorCode::GateApproval, 5, "too_many_waiting"),
        _ if cause.starts_with("E-BUDGET") => (ErrorCode::GateBudget, 4, "no_room"),
        _ if cause.starts_with("E-TOKEN") || cause.starts_with("E-APPROVAL") => {
            (ErrorCode::GateApproval, 5, "not_good")
        }
        _ => return problem,
    };
    Problem { code, ..problem }.with("gate", gate).with("reason", reason).with("cause", cause)
}
