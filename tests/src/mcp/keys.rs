//! Keys that are bound to an agent speak for no other.

use serde_json::json;

use super::stage::{LOOK_UP, Shop, order};
use crate::harness::quiet::text;

#[test]
fn a_key_that_is_bound_to_an_agent_speaks_for_it_and_for_no_other() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    shop.office.admin.within(&project, "select awooop.create_agent('other')");
    let sql = "select awooop.create_api_key('k', '{tools:call,tools:read,runs:read}', agent_id => 'agent')";
    let bound = text(&shop.office.admin.within(&project, sql)["api_key"]);
    assert_eq!(shop.does(&bound, "whoami", json!({}))["agent_id"], "agent");
    // It need not say so.
    let begun = shop.does(&bound, "mcp_begin_call", json!({"tool": LOOK_UP, "arguments": order("A-1")}));
    assert_eq!(begun["verdict"], "allowed");
    assert_eq!(shop.does(&bound, "mcp_list_tools", json!({}))["items"].as_array().unwrap().len(), 3);
    let mut other = Shop::wanted(LOOK_UP, order("A-1"));
    other["agent_id"] = "other".into();
    let reply = shop.ask(&bound, "mcp_begin_call", other).expect("a refusal");
    assert_eq!(
        (&reply.body["code"], &reply.body["reason"]),
        (&json!("E-MCP-GATE-002"), &json!("key_of_another_agent"))
    );
    let unknown = "select awooop.create_api_key('k', '{tools:call}', agent_id => 'nobody')";
    assert_eq!(shop.office.admin.try_within(&project, unknown).expect_err("a fault").code(), "E-AGENT-001");
}

#[test]
fn a_key_that_is_bound_to_an_agent_does_nothing_but_call_and_look() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    for scope in
        ["keys:admin", "runs:work", "runs:write", "tools:admin", "approvals:decide", "budgets:spend", "envelope:write"]
    {
        let sql = format!("select awooop.create_api_key('k', '{{{scope},tools:call}}', agent_id => 'agent')");
        assert_eq!(shop.office.admin.try_within(&project, &sql).expect_err("a fault").code(), "E-INPUT-001", "{scope}");
    }
    let sql = "select awooop.create_api_key('k', '{tools:call}', agent_id => 'agent')";
    let id = text(&shop.office.admin.within(&project, sql)["key_id"]);
    // Its successor is bound as it was.
    let rotated = shop.office.admin.within(&project, &format!("select awooop.rotate_api_key('{id}')"));
    assert_eq!(rotated["agent_id"], "agent");
}
