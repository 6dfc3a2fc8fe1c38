//! Tools for tests that are about something else: every operation on them, used once with what it must answer.

use awooop_contracts::digest;
use serde_json::{Value, json};

use super::contracts::{activate, agent_contract};
use super::{Actor, Session, literal};

const SERVER: &str = "desk";
const TOOL: &str = "look_up__desk";

fn definition() -> Value {
    json!({"name": "look_up", "inputSchema": {"type": "object", "properties": {"order": {"type": "string"}}}})
}

/// Lets the agent `name` call a tool that only reads, by contract. The rest is [`every_operation`]'s to say.
#[track_caller]
pub fn review_a_tool(admin: &mut Session, project: &str, name: &str) {
    let hex: String = digest(&definition()).expect("a digest").iter().map(|byte| format!("{byte:02x}")).collect();
    let tool = json!({
        "kind": "tool", "contract_version": 1, "name": TOOL, "description": "Looks an order up.",
        "upstream_digest": format!("sha256:{hex}"), "input_schema": {"type": "object"}, "side_effects": "none", "risk": "low",
        "rate": {"count": 100, "window_seconds": 60}
    });
    activate(admin, project, &tool);
    let mut agent = agent_contract(name);
    agent["tools"] = json!({TOOL: {"access": "read"}});
    activate(admin, project, &agent);
}

/// Uses every operation on servers, tools, grants and calls once at least. `does` carries an operation out and returns its
/// answer; the agent `name` may call a tool ([`review_a_tool`]).
#[track_caller]
pub fn every_operation(name: &str, mut does: impl FnMut(&str, Value) -> Value) {
    let server = json!({"server_id": SERVER, "address": "https://desk.example/mcp", "title": "The desk"});
    assert_eq!(does("mcp_register_server", server)["enabled"], true);
    for enabled in [false, true] {
        let switch = json!({"server_id": SERVER, "enabled": enabled, "reason": "repairs"});
        assert_eq!(does("mcp_switch_server", switch)["enabled"], enabled);
    }
    assert_eq!(does("mcp_list_servers", json!({}))["items"][0]["server_id"], SERVER);
    assert_eq!(does("mcp_upstream", json!({"server_id": SERVER}))["address"], "https://desk.example/mcp");
    let imported = does(
        "mcp_import_tools",
        json!({"server_id": SERVER, "tools": [definition(), {"name": "new", "inputSchema": {"type": "object"}}]}),
    );
    assert_eq!((&imported["tools"][0]["state"], &imported["tools"][1]["state"]), (&json!("callable"), &json!("new")));
    assert_eq!(does("mcp_list_registry", json!({"server_id": SERVER, "page_size": 1}))["items"][0]["tool"], TOOL);
    for enabled in [false, true] {
        let state = if enabled { "callable" } else { "disabled" };
        assert_eq!(does("mcp_switch_tool", json!({"tool": TOOL, "enabled": enabled}))["state"], state);
    }
    let grant = json!({"agent_id": name, "tool": TOOL, "constraints": {"type": "object"}, "rate_count": 9,
                       "rate_window_seconds": 60, "expires_in_seconds": 600, "reason": "support"});
    does("mcp_grant_tool", grant.clone());
    assert!(
        does("mcp_revoke_grant", json!({"agent_id": name, "tool": TOOL, "reason": "over"}))["revoked_at"].is_string()
    );
    does("mcp_grant_tool", grant);
    assert_eq!(
        does("mcp_list_grants", json!({"agent_id": name, "tool": TOOL}))["items"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(does("mcp_list_tools", json!({"agent_id": name}))["items"][0]["name"], TOOL);
    let call = json!({"agent_id": name, "tool": TOOL, "arguments": {"order": "A-1"}});
    assert_eq!(does("mcp_explain", call.clone())["verdict"], "allowed");
    let mut begun = does("mcp_begin_call", call.clone());
    let report = json!({"progress": 1, "total": 2});
    let relayed = does(
        "mcp_relay",
        json!({"call_id": begun["call_id"], "lease": begun["lease"], "ticket": begun["ticket"], "kind": "progress", "message": report}),
    );
    assert_eq!(relayed["message"], report);
    let suspended = does(
        "mcp_suspend_call",
        json!({"call_id": begun["call_id"], "lease": begun["lease"], "ticket": begun["ticket"], "upstream_state": "s"}),
    );
    let mut on = call;
    on["request_state"] = suspended["request_state"].clone();
    begun = does("mcp_begin_call", on);
    assert_eq!((&begun["verdict"], &begun["upstream"]["state"]), (&json!("allowed"), &json!("s")));
    let result = json!({"content": [{"type": "text", "text": "sent"}]});
    let end = json!({"call_id": begun["call_id"], "lease": begun["lease"], "ticket": begun["ticket"], "outcome": "succeeded", "result": result});
    assert_eq!(does("mcp_finish_call", end)["result"], result);
    assert_eq!(does("mcp_list_calls", json!({"agent_id": name, "tool": TOOL}))["items"][0]["outcome"], "succeeded");
}

/// Puts rows into every table of tools, with that word wherever a word may be. The agent `agent` of the actor's project may
/// call a tool that only reads from here on.
#[track_caller]
pub fn call_one(admin: &mut Session, actor: &mut Actor, word: &str) {
    let project = actor.project.clone();
    review_a_tool(admin, &project, "agent");
    let definitions = literal(&json!([definition()]).to_string());
    let arguments = literal(&json!({"order": word}).to_string());
    for sql in [
        format!("select awooop.mcp_register_server('{SERVER}', 'https://desk.example/{word}', title => '{word}')"),
        format!("select awooop.mcp_import_tools('{SERVER}', {definitions})"),
        format!("select awooop.mcp_grant_tool('agent', '{TOOL}', reason => '{word}')"),
    ] {
        let answer = actor.call(&sql);
        assert!(answer["code"].is_null(), "{sql}: {answer}");
    }
    let begun = actor.call(&format!(
        "select awooop.mcp_begin_call('{TOOL}', {arguments}, agent_id => 'agent', call_key => '{word}')"
    ));
    assert_eq!(begun["verdict"], "allowed", "{begun}");
}
