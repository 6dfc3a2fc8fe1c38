//! Two projects with the same names see nothing of each other.

use serde_json::{Value, json};

use super::stage::{LOOK_UP, REFUND, Shop, definition, order, said};

#[test]
fn projects_with_servers_tools_and_agents_of_the_same_names_have_each_their_own() {
    let (mut ours, mut theirs) = (Shop::new(), Shop::new());
    let (admin, agent) = (theirs.admin.clone(), theirs.agent.clone());
    theirs.does(&admin, "mcp_register_server", json!({"server_id": "shop", "address": "https://their.example/mcp"}));
    theirs.import(&super::stage::ALL.map(|tool| definition(tool.split_once("__").expect("a name").0)));
    theirs.does(&admin, "mcp_switch_tool", json!({"tool": REFUND, "enabled": false}));
    assert_eq!(ours.begin(LOOK_UP, order("A-1"))["upstream"]["address"], "https://shop.example/mcp");
    assert_eq!(theirs.begin(LOOK_UP, order("A-1"))["upstream"]["address"], "https://their.example/mcp");
    // Another project's call, state or lease is none.
    let begun = ours.begin(LOOK_UP, order("A-2"));
    assert_eq!(theirs.code(&agent, "mcp_finish_call", Shop::ended(&begun, "succeeded", said("x"))), "E-MCP-009");
    let our_agent = ours.agent.clone();
    let asked = ours.does(&our_agent, "mcp_begin_call", Shop::wanted(REFUND, order("A-1")));
    let mut stolen = Shop::wanted(REFUND, order("A-1"));
    stolen["request_state"] = asked["request_state"].clone();
    assert_eq!(theirs.code(&agent, "mcp_begin_call", stolen), "E-MCP-011");
    let inside = json!({"tool": LOOK_UP, "arguments": order("A-1"), "run_id": begun["run_id"], "lease": begun["lease"], "step_key": "x"});
    assert_eq!(theirs.code(&agent, "mcp_begin_call", inside), "E-RUN-003");
    let listed = theirs.does(&agent, "mcp_list_calls", json!({}));
    assert_eq!(listed["items"].as_array().expect("a list").len(), 1);
    // A rate that one has used up is not the other's.
    assert_eq!(ours.finish(&begun, "succeeded", said("x"))["outcome"], "succeeded");
}

#[test]
fn without_the_scope_nothing_is_called_granted_or_looked_at() {
    let mut shop = Shop::new();
    let weak = shop.office.key("weak", "runs:read");
    for (operation, arguments) in [
        ("mcp_begin_call", Shop::wanted(LOOK_UP, order("A-1"))),
        ("mcp_list_tools", json!({"agent_id": "agent"})),
        ("mcp_explain", Shop::wanted(LOOK_UP, order("A-1"))),
        ("mcp_list_calls", json!({})),
        ("mcp_grant_tool", json!({"agent_id": "agent", "tool": LOOK_UP})),
        ("mcp_import_tools", json!({"server_id": "shop", "tools": []})),
        ("mcp_upstream", json!({"server_id": "shop"})),
        ("mcp_register_server", json!({"server_id": "shop", "address": "https://evil.example/mcp"})),
    ] {
        assert_eq!(shop.code(&weak, operation, arguments), "E-AUTH-003", "{operation}");
    }
    // Who may call may not administer.
    let agent = shop.agent.clone();
    let grant: Value = json!({"agent_id": "agent", "tool": LOOK_UP});
    assert_eq!(shop.code(&agent, "mcp_grant_tool", grant), "E-AUTH-003");
}
