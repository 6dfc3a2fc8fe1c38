//! What contracts say of budgets holds, and nobody loosens it alone.

use serde_json::json;

use super::scene::{Spender, code};
use crate::harness::contracts::{activate, agent_contract};

#[test]
fn a_policys_budgets_hold_beside_what_an_administrator_sets_and_the_strictest_decides() {
    let mut spender = Spender::new();
    let policy = json!({
        "kind": "policy", "contract_version": 1, "name": "default",
        "activation": {"default": {"approvers": 2, "roles": ["platform_owner"]}},
        "calls": {
            "low": {"decision": "allow"}, "medium": {"decision": "allow"},
            "high": {"decision": "deny"}, "critical": {"decision": "deny"}
        },
        "budgets": {
            "project": {"month": {"hard_tokens": 1000, "soft_percent": 50, "burst_percent": 10}},
            "agent": {"day": {"hard_tokens": 300}},
            "agents": {"vip": {"day": {"hard_tokens": 900}}},
            "subject": {"lifetime": {"hard_tokens": 200}}
        }
    });
    activate(&mut spender.project.admin(), &spender.project.id, &policy);
    // Looser than the contract changes nothing; stricter does.
    spender.actor.call("select awooop.set_budget('subject', 'lifetime', '*', hard_tokens => 5000)");
    assert_eq!(spender.reserve_as("7", 201, "")["left"]["tokens"], 200);
    spender.actor.call("select awooop.set_budget('subject', 'lifetime', '*', hard_tokens => 150)");
    assert_eq!(spender.reserve_as("7", 151, "")["left"]["tokens"], 150);
    assert_eq!(spender.reserve_as("7", 150, "")["tokens"], 150);
    assert_eq!(spender.reserve_as("8", 150, "")["tokens"], 150);
    let refused = spender.reserve_as("9", 1, "");
    assert_eq!(
        (code(&refused), &refused["level"], &refused["target"]),
        ("E-BUDGET-001", &json!("agent"), &json!("agent"))
    );
    let status = spender.status();
    let month = status["limits"].as_array().unwrap().iter().find(|limit| limit["period"] == "month").unwrap();
    assert_eq!((&month["sources"], &month["tokens"]["hard"]), (&json!(["policy"]), &json!(1000)));
    assert_eq!((&month["tokens"]["soft"], &month["tokens"]["flight"]), (&json!(500), &json!(1100)));
    let removal = "select awooop.set_budget('project', 'month')";
    assert_eq!(spender.actor.code(removal), "E-BUDGET-010", "what a contract says, no operation removes");
    spender.check();
}

#[test]
fn an_agents_contract_limits_its_runs_and_brings_its_models_prices() {
    let mut spender = Spender::new();
    let mut contract = agent_contract("agent");
    contract["limits"] = json!({"max_tokens": 500, "max_cost_micro_usd": 4000});
    contract["model"]["price"] = json!({
        "input_micro_usd_per_million_tokens": 3_000_000, "output_micro_usd_per_million_tokens": 15_000_000,
        "cached_input_micro_usd_per_million_tokens": 300_000
    });
    activate(&mut spender.project.admin(), &spender.project.id, &contract);
    let prices = spender.actor.call("select awooop.list_prices()")["items"].clone();
    assert_eq!(
        (&prices[0]["model"], &prices[0]["cached_micro_usd"]),
        (&json!("anthropic/claude-sonnet-4-5"), &json!(300_000))
    );
    let run = spender.run("");
    let usage = ", model => 'anthropic/claude-sonnet-4-5', input_tokens => 300, output_tokens => 100";
    assert_eq!(spender.charge_with(&run, usage)["micro_usd"], 900 + 1500);
    let stopped = spender.charge_with(&run, usage);
    assert_eq!((code(&stopped), &stopped["overrun"]), ("E-BUDGET-004", &json!({"tokens": 300, "micro_usd": 800})));
    spender.check();
    // The same contract again brings no new price; another price begins now, and the old one stays.
    activate(&mut spender.project.admin(), &spender.project.id, &contract);
    assert_eq!(spender.actor.call("select awooop.list_prices()")["items"].as_array().map(Vec::len), Some(1));
    contract["model"]["price"]["output_micro_usd_per_million_tokens"] = json!(20_000_000);
    contract["limits"] = json!({"max_tokens": 5000});
    activate(&mut spender.project.admin(), &spender.project.id, &contract);
    assert_eq!(spender.actor.call("select awooop.list_prices()")["items"].as_array().map(Vec::len), Some(2));
    let run = spender.run("");
    assert_eq!(spender.charge_with(&run, usage)["micro_usd"], 900 + 2000);
    spender.check();
}

#[test]
fn a_projects_contract_says_where_its_days_begin() {
    let mut spender = Spender::new();
    spender.limit("day", 100);
    spender.hold(1);
    let contract = json!({
        "kind": "project", "contract_version": 1, "name": spender.project.id, "migration_mode": "active",
        "owners": [{"principal_id": "mei.lin", "responsibility": "accountable"}], "time_zone": "Asia/Taipei"
    });
    activate(&mut spender.project.admin(), &spender.project.id, &contract);
    let status = spender.status();
    assert_eq!(status["time_zone"], "Asia/Taipei");
    let start = status["limits"][0]["window_start"].as_str().unwrap();
    assert!(start.ends_with("T16:00:00.000000Z"), "midnight in Taipei: {start}");
    assert_eq!(spender.tokens("day")[1], 1);
    spender.check();
}
