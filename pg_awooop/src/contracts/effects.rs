//! What the activation of a contract changes at once, in the same transaction. Each fact keeps one home: a project's mode
//! and retention are columns of its row, what it redacts are rows of its own; the contract sets them, and while it is
//! active nobody else moves them past what it says.

use awooop_contracts::model::{PolicyContract, ProjectContract};
use awooop_contracts::{Contract, Kind};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;

use super::{active, check};
use crate::caller::Caller;
use crate::fault::{Outcome, refuse};
use crate::{agents, budget, projects, redaction};

/// Does what becomes true with the contract.
pub(super) fn of_activation(caller: &Caller, contract: &Contract) -> Outcome<()> {
    match contract {
        Contract::Agent(agent) => {
            agents::ensure(caller, agent.name.as_str(), agent.title.as_ref().map(|title| title.as_str()))?;
            budget::of_agent(caller, agent)
        }
        Contract::Project(project) => {
            let days = project.retention.as_ref().map(|retention| retention.run_days());
            projects::follow_contract(caller, furthest(project), days)?;
            match &project.time_zone {
                Some(_) => budget::set_time_zone(caller, project.time_zone()),
                None => Ok(()),
            }
        }
        Contract::Policy(policy) => of_policy(caller, policy),
        Contract::Tool(_) | Contract::Channel(_) | Contract::Run(_) => Ok(()),
    }
}

fn of_policy(caller: &Caller, policy: &PolicyContract) -> Outcome<()> {
    budget::of_policy(caller, policy)?;
    let Some(settings) = &policy.redaction else { return Ok(()) };
    let families = redaction::Family::ALL.into_iter().map(|family| {
        // Both sets of families are the same words.
        let mode = awooop_contracts::model::Family::parse(family.as_str())
            .map(|family| settings.families.unwrap_or_default().mode(family).as_str());
        (family.as_str().to_owned(), mode.unwrap_or("redact").to_owned())
    });
    let rules = settings.rules.iter().flat_map(|rules| rules.entries()).map(|(name, rule)| redaction::Rule {
        rule_id: name.as_str().to_owned(),
        family: rule.family.as_str().to_owned(),
        keywords: rule.keywords.iter().flat_map(|list| list.as_slice()).map(|word| word.as_str().to_owned()).collect(),
        shape: rule.shape.as_str().to_owned(),
    });
    redaction::replace(caller, families.collect(), rules.collect())
}

fn furthest(project: &ProjectContract) -> MigrationMode {
    // Both are the same words.
    MigrationMode::parse(project.migration_mode.as_str()).unwrap_or(MigrationMode::LegacyAwoooiDefault)
}

/// The furthest mode that the project may be in, where its last contract says so.
pub(crate) fn furthest_mode(project_id: &str) -> Outcome<Option<MigrationMode>> {
    let project = active::last(project_id, Kind::Project, project_id)?;
    Ok(project.and_then(|loaded| match &loaded.contract {
        Contract::Project(project) => Some(furthest(project)),
        _ => None,
    }))
}

/// Refuses to change by a single hand what the last policy says about redaction.
pub(crate) fn ensure_redaction_is_free(project_id: &str) -> Outcome<()> {
    let policy = active::last(project_id, Kind::Policy, check::POLICY)?;
    let is_set = policy.is_some_and(|loaded| match &loaded.contract {
        Contract::Policy(policy) => policy.redaction.is_some(),
        _ => false,
    });
    if is_set { refuse(sealed("policy", check::POLICY)) } else { Ok(()) }
}

/// The problem of changing what a contract says.
pub(crate) fn sealed(kind: &str, name: &str) -> Problem {
    Problem::from(ErrorCode::ContractSealed).with("contract", format!("{kind}/{name}"))
}
