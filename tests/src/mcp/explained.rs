//! What `mcp_explain` says is what `mcp_begin_call` does, and saying it has no effect.

use serde_json::{Value, json};

use super::stage::{ALL, ERASE, LOOK_UP, NOTE, REFUND, Shop, order, policy};
use crate::harness::quiet::text;

#[test]
fn an_explanation_has_every_gate_and_agrees_with_what_happens() {
    let mut rated = policy();
    rated["rates"] = json!({"calls": {"agent": {"count": 3, "window_seconds": 3600}}});
    let mut shop = Shop::under(&rated);
    let (agent, admin) = (shop.agent.clone(), shop.admin.clone());
    let agree = |shop: &mut Shop| {
        for (tool, arguments) in [
            (LOOK_UP, order("A-1")),
            (LOOK_UP, json!({"order": 7})),
            (NOTE, order("A-1")),
            (REFUND, order("A-1")),
            (ERASE, order("A-1")),
            ("other__shop", order("A-1")),
            ("nothing", json!({})),
        ] {
            let explained = shop.does(&agent, "mcp_explain", Shop::wanted(tool, arguments.clone()));
            let reply = shop.ask(&agent, "mcp_begin_call", Shop::wanted(tool, arguments)).expect("an answer");
            let happened = match reply.body["code"].as_str() {
                Some(code) => ("denied".to_owned(), json!(code)),
                None => (text(&reply.body["verdict"]), Value::Null),
            };
            assert_eq!(
                (text(&explained["verdict"]), explained["code"].clone()),
                happened,
                "{explained}\n{}",
                reply.body
            );
            let gates: Vec<u64> =
                explained["gates"].as_array().unwrap().iter().filter_map(|g| g["gate"].as_u64()).collect();
            for gate in 1..=5 {
                assert!(gates.contains(&gate), "gate {gate} is missing: {explained}");
            }
        }
    };
    agree(&mut shop);
    agree(&mut shop);
    shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 100}));
    agree(&mut shop);
    shop.does(&admin, "mcp_switch_server", json!({"server_id": "shop", "enabled": false}));
    agree(&mut shop);
    let project = shop.office.project.clone();
    shop.office.sql(&format!("select awooop.suspend_project('{project}')"));
    agree(&mut shop);
}

#[test]
fn explaining_changes_nothing() {
    let mut shop = Shop::new();
    let (agent, project) = (shop.agent.clone(), shop.office.project.clone());
    let counted = |shop: &mut Shop| {
        [
            "audit_log",
            "mcp_call",
            "mcp_rate",
            "mcp_rate_hit",
            "run_state",
            "platform_subjects",
            "budget_escrow",
            "approval_request",
        ]
        .map(|table| {
            shop.office.sql(&format!(
                "select count(*) || coalesce(md5(string_agg(t::text, '' order by t::text)), '')
                 from awooop.{table} t where project_id = '{project}'"
            ))
        })
    };
    let before = counted(&mut shop);
    for tool in ALL.into_iter().chain(["other__shop"]) {
        shop.does(&agent, "mcp_explain", Shop::wanted(tool, order("A-1")));
    }
    assert_eq!(counted(&mut shop), before);
}

#[test]
fn in_sql_it_is_a_table_that_a_person_can_read() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    let table = shop.office.admin.within(
        &project,
        &format!(
            "select json_agg(json_build_array(gate, name, verdict, decides, reason))
             from awooop.mcp_explain_table('agent', '{ERASE}', '{{\"order\": \"A-1\"}}')"
        ),
    );
    let rows = table.as_array().expect("rows");
    assert!(rows.contains(&json!([3, "tool", "deny", true, "policy"])), "{table}");
    assert_eq!(rows.iter().filter(|row| row[3] == true).count(), 1);
    assert_eq!(rows[0], json!([1, "tenant", "pass", false, "ok"]));
}
