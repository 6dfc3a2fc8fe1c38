//! Keys that are bound to an agent speak for no other.

use serde_json::json;

use super::stage::{CALLS, LOOK_UP, Shop, order};
use crate::harness::quiet::text;

#[test]
fn a_key_that_is_bound_to_an_agent_speaks_for_it_and_for_no_other() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    shop.office.admin.within(&project, "select awooop.create_agent('other')");
    let sql = format!("select awooop.create_api_key('k', string_to_array('{CALLS}', ','), agent_id => 'agent')");
    let bound = text(&shop.office.admin.within(&project, &sql)["api_key"]);
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
    let unknown = format!("select awooop.create_api_key('k', '{{tools:call}}', agent_id => 'nobody')");
    assert_eq!(shop.office.admin.try_within(&project, &unknown).expect_err("a fault").code(), "E-AGENT-001");
}

#[test]
fn a_bound_key_makes_none_that_speaks_for_others() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    shop.office.admin.within(&project, "select awooop.create_agent('other')");
    let sql = "select awooop.create_api_key('k', '{keys:admin,tools:call}', agent_id => 'agent')";
    let bound = text(&shop.office.admin.within(&project, sql)["api_key"]);
    let new = |agent: serde_json::Value| json!({"name": "more", "scopes": ["tools:call"], "agent_id": agent});
    assert_eq!(shop.code(&bound, "create_api_key", new(json!("other"))), "E-AUTH-004");
    // Where nothing is said it is bound as its maker is.
    let made = shop.does(&bound, "create_api_key", new(serde_json::Value::Null));
    assert_eq!(made["agent_id"], "agent");
    let rotated = shop.does(&bound, "rotate_api_key", json!({"key_id": made["key_id"]}));
    assert_eq!(rotated["agent_id"], "agent");
}
