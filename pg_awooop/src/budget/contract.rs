//! What contracts say about budgets: the policy's limits, and an agent's own limit of a run and price of its model.

use awooop_contracts::model::policy::Periods;
use awooop_contracts::model::{AgentContract, PolicyContract};
use awooop_policy::budget::{EACH, Level, Limit, Period, Price, Source};

use super::{limits, prices};
use crate::caller::Caller;
use crate::fault::Outcome;

/// Makes the policy's limits the project's.
pub(crate) fn of_policy(caller: &Caller, policy: &PolicyContract) -> Outcome<()> {
    let mut found = Vec::new();
    let budgets = policy.budgets.clone().unwrap_or_default();
    let mut take = |level: Level, target: &str, periods: Option<&Periods>| {
        let Some(periods) = periods else { return };
        for (period, limit) in [
            (Period::Run, &periods.run),
            (Period::Day, &periods.day),
            (Period::Month, &periods.month),
            (Period::Lifetime, &periods.lifetime),
        ] {
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            found.extend(limit.map(|limit| Limit {
                level,
                target: target.to_owned(),
                period,
                source: Source::Policy,
                hard_tokens: limit.hard_tokens.map(|n| number(n.get())),
                hard_micro_usd: limit.hard_micro_usd.map(|n| number(n.get())),
                soft_percent: limit.soft_percent.map(|n| number(n.get())),
                burst_percent: limit.burst_percent.map(|n| number(n.get())),
            }));
        }
    };
    take(Level::Project, "", budgets.project.as_ref());
    take(Level::Agent, EACH, budgets.agent.as_ref());
    for (agent_id, periods) in budgets.agents.iter().flat_map(|agents| agents.entries()) {
        take(Level::Agent, agent_id.as_str(), Some(periods));
    }
    take(Level::Subject, EACH, budgets.subject.as_ref());
    limits::replace(caller, Source::Policy, None, &found)
}

/// Makes an agent's own limit of a run hold, and the prices that it names.
pub(crate) fn of_agent(caller: &Caller, agent: &AgentContract) -> Outcome<()> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let limit = agent.limits.as_ref().map(|limits| Limit {
        level: Level::Agent,
        target: agent.name.as_str().to_owned(),
        period: Period::Run,
        source: Source::Agent,
        hard_tokens: limits.max_tokens.map(|n| number(n.get())),
        hard_micro_usd: limits.max_cost_micro_usd.map(|n| number(n.get())),
        soft_percent: None,
        burst_percent: None,
    });
    let limit = limit.filter(|limit| limit.hard_tokens.is_some() || limit.hard_micro_usd.is_some());
    limits::replace(caller, Source::Agent, Some(agent.name.as_str()), &limit.into_iter().collect::<Vec<_>>())?;
    let fallbacks = agent.fallback_models.iter().flat_map(|models| models.as_slice());
    for model in std::iter::once(&agent.model).chain(fallbacks) {
        let Some(price) = model.price else { continue };
        let input_micro_usd = number(price.input_micro_usd_per_million_tokens.get());
        let cached = price.cached_input_micro_usd_per_million_tokens.map(|n| number(n.get()));
        let price = Price {
            input_micro_usd,
            cached_micro_usd: cached.unwrap_or(input_micro_usd),
            output_micro_usd: number(price.output_micro_usd_per_million_tokens.get()),
        };
        let name = format!("{}/{}", model.provider.as_str(), model.name.as_str());
        let known = prices::at(&caller.project_id, &name, super::terms::now())?;
        if known.is_none_or(|(known, _)| known != price) {
            prices::put(caller, &name, price, None)?;
        }
    }
    Ok(())
}
