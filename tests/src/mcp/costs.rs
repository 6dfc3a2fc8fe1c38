//! What a call costs: by its contract, by what was booked, and again each time that it is sent.

use serde_json::{Value, json};

use super::stage::{LOOK_UP, REFUND, Shop, claim, contract, ended, order, policy, reaped, run, said, within};
use crate::harness::quiet::text;

#[test]
fn what_a_call_cost_is_what_its_contract_says_unless_somebody_who_may_spend_says_otherwise() {
    let mut free = policy();
    free["calls"]["medium"] = json!({"decision": "allow"});
    let mut shop = Shop::under(&free);
    let (agent, admin, project) = (shop.agent.clone(), shop.admin.clone(), shop.office.project.clone());
    shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 1_000_000}));
    let spent = |shop: &mut Shop| {
        let status = shop.does(&admin, "budget_status", json!({}));
        status["total"]["spent"]["micro_usd"].as_i64()
    };
    let begun = shop.begin(REFUND, order("A-1"));
    let mut end = Shop::ended(&begun, "succeeded", said("done"));
    end["micro_usd"] = 0.into();
    assert_eq!(shop.code(&agent, "mcp_finish_call", end.clone()), "E-AUTH-003");
    // Nor does the reservation go by itself.
    let reservation = shop.office.sql(&format!(
        "select reservation_id from awooop.mcp_call where project_id = '{project}' and call_id = '{}'",
        text(&begun["call_id"])
    ));
    let spender = shop.office.key("bot", "tools:call,budgets:spend,budgets:read,runs:read");
    for (operation, arguments) in [
        ("release_budget", json!({"reservation_id": reservation})),
        ("settle_budget", json!({"reservation_id": reservation, "micro_usd": 0})),
    ] {
        assert_eq!(shop.code(&spender, operation, arguments), "E-BUDGET-012", "{operation}");
    }
    end["micro_usd"] = 700.into();
    assert_eq!(shop.does(&spender, "mcp_finish_call", end.clone())["micro_usd"], 700);
    assert_eq!(shop.does(&agent, "mcp_finish_call", end)["micro_usd"], 700);
    assert_eq!(spent(&mut shop), Some(700));
    // Within a run, and of a call that costs nothing by its contract.
    let worker = shop.worker.clone();
    let held = run(&mut shop);
    let begun = shop.does(&worker, "mcp_begin_call", within(&held, "a", LOOK_UP, order("A-1")));
    let mut end = ended(&begun, &held, "succeeded", said("found"));
    end["micro_usd"] = 40.into();
    assert_eq!(shop.does(&worker, "mcp_finish_call", end)["micro_usd"], 40);
    let paid = shop.does(&worker, "mcp_begin_call", within(&held, "b", REFUND, order("A-1")));
    shop.does(&worker, "mcp_finish_call", ended(&paid, &held, "not_sent", Value::Null));
    let paid = shop.does(&worker, "mcp_begin_call", within(&held, "c", REFUND, order("A-1")));
    let unresolved = shop.does(&worker, "mcp_finish_call", ended(&paid, &held, "unresolved", Value::Null));
    assert!(text(&unresolved["result"]["content"][0]["text"]).starts_with("E-MCP-GATE-009"), "{unresolved}");
    let paid = shop.does(&worker, "mcp_begin_call", within(&held, "d", REFUND, order("A-1")));
    shop.does(&worker, "mcp_finish_call", ended(&paid, &held, "failed", Value::Null));
    shop.does(&worker, "complete_run", json!({"run_id": held.run, "lease": held.lease}));
    assert_eq!(spent(&mut shop), Some(700 + 40 + 500));
}

#[test]
fn a_reservation_that_was_booked_meanwhile_is_told_as_it_was_booked() {
    let mut free = policy();
    free["calls"]["medium"] = json!({"decision": "allow"});
    let mut shop = Shop::under(&free);
    let (admin, worker) = (shop.admin.clone(), shop.worker.clone());
    shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 1_000_000}));
    let first = run(&mut shop);
    let begin =
        |shop: &mut Shop, key: &str| shop.does(&worker, "mcp_begin_call", within(&first, key, REFUND, order("A-1")));
    let (sent, unsent) = (begin(&mut shop, "1"), begin(&mut shop, "2"));
    // Nobody held the run for a while: what its calls had reserved was booked whole.
    reaped(&mut shop, &json!(first.run));
    let second = claim(&mut shop);
    let mut end = ended(&sent, &second, "succeeded", said("done"));
    end["micro_usd"] = 700.into();
    assert_eq!(shop.does(&worker, "mcp_finish_call", end)["micro_usd"], 700);
    let end = ended(&unsent, &second, "not_sent", Value::Null);
    assert_eq!(shop.does(&worker, "mcp_finish_call", end)["micro_usd"], 500);
    shop.does(&worker, "complete_run", json!({"run_id": second.run, "lease": second.lease}));
    let status = shop.does(&admin, "budget_status", json!({}));
    assert_eq!(status["total"]["spent"]["micro_usd"], 1200);
}

#[test]
fn a_call_that_goes_on_under_another_contract_is_held_to_that_one() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let mut wanted = Shop::wanted(LOOK_UP, order("A-1"));
    wanted["call_key"] = "k".into();
    shop.does(&agent, "mcp_begin_call", wanted.clone());
    let mut stricter = contract(LOOK_UP);
    stricter["sensitive_results"] = json!(["/name"]);
    stricter["call_cost_micro_usd"] = 30.into();
    shop.activate(&stricter);
    let again = shop.does(&agent, "mcp_begin_call", wanted);
    let finished = shop.finish(&again, "succeeded", said(&json!({"name": "Wang"}).to_string()));
    assert_eq!(finished["micro_usd"], 30);
    assert!(!finished.to_string().contains("Wang"), "{finished}");
}

#[test]
fn what_is_sent_again_costs_again() {
    let mut free = policy();
    free["calls"]["medium"] = json!({"decision": "allow"});
    let mut shop = Shop::of(crate::contracts::stage::Office::new(), &free, |tool| {
        let mut contract = contract(tool);
        if tool == REFUND {
            contract["idempotency"] = json!({"mode": "natural"});
        }
        contract
    });
    let (agent, admin) = (shop.agent.clone(), shop.admin.clone());
    shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 1200}));
    let mut wanted = Shop::wanted(REFUND, order("A-1"));
    wanted["call_key"] = "k".into();
    shop.does(&agent, "mcp_begin_call", wanted.clone());
    let again = shop.does(&agent, "mcp_begin_call", wanted.clone());
    assert_eq!(again["verdict"], "allowed");
    // There is no room for a third.
    assert_eq!(shop.denied(wanted)["code"], "E-MCP-GATE-006");
    assert_eq!(shop.finish(&again, "succeeded", said("done"))["micro_usd"], 1000);
    let call = shop.does(&agent, "mcp_list_calls", json!({}))["items"][0].clone();
    assert_eq!((&call["cost_micro_usd"], &call["used_micro_usd"]), (&json!(500), &json!(1000)));
}
