//! What a project must show before it moves on, as the last policy has it.

use awooop_contracts::Contract;
use awooop_contracts::model::policy::Proof;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::mode::MigrationMode;
use serde_json::Value;

use super::report;
use crate::contracts::active;
use crate::fault::Outcome;

/// The problem of moving a project from one mode to another, where its policy asks for something that is not shown.
pub(crate) fn ensure_promotable(project_id: &str, from: MigrationMode, to: MigrationMode) -> Outcome<Option<Problem>> {
    // Going back needs nothing.
    if to <= from {
        return Ok(None);
    }
    let policy = active::last_policy(project_id)?;
    let Some(Contract::Policy(policy)) = policy.as_deref().map(|loaded| &loaded.contract) else { return Ok(None) };
    let Some(promotion) = policy.promotion else { return Ok(None) };
    let next = MigrationMode::ALL.into_iter().find(|mode| *mode > from);
    if next != Some(to) {
        let skipped = next.map(MigrationMode::as_str);
        return Ok(Some(
            Problem::from(ErrorCode::TenantPromotion).with("reason", "mode_skipped").with("next", skipped),
        ));
    }
    let proof = match to {
        MigrationMode::Suggest => promotion.suggest,
        MigrationMode::Active => promotion.active,
        MigrationMode::LegacyAwoooiDefault | MigrationMode::Shadow => None,
    };
    proof.map_or(Ok(None), |proof| unproved(project_id, &proof))
}

fn unproved(project_id: &str, proof: &Proof) -> Outcome<Option<Problem>> {
    let shown: Value = serde_json::from_str(&report::of(project_id, None, (None, None))?)?;
    let total = |member: &str| shown["total"][member].as_u64().unwrap_or_default();
    let (compared, agreed, days) = (total("compared"), total("agreed"), total("days"));
    // Of whole hundredths, not rounded.
    let agrees = agreed.saturating_mul(100) >= proof.agreement_percent.get().saturating_mul(compared);
    let problem = |reason: &str, needed: u64, shown: u64| {
        Problem::from(ErrorCode::TenantPromotion).with("reason", reason).with("needed", needed).with("shown", shown)
    };
    Ok(if compared < proof.compared.get() {
        Some(problem("compared", proof.compared.get(), compared))
    } else if days < proof.days() {
        Some(problem("days", proof.days(), days))
    } else if !agrees {
        Some(problem("agreement_percent", proof.agreement_percent.get(), agreed * 100 / compared.max(1)))
    } else {
        None
    })
}
