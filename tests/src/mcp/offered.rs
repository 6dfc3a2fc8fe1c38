//! A shop whose server offers resources, prompts and completion, all of which the agent may use.

use serde_json::{Value, json};

use super::stage::{ALL, Shop, agent, definition};
use crate::harness::quiet::text;

pub const RESOURCES: &str = "mcp-resources__shop";
pub const PROMPTS: &str = "mcp-prompts__shop";
pub const COMPLETION: &str = "mcp-completion__shop";
pub const FEATURES: [&str; 3] = [RESOURCES, PROMPTS, COMPLETION];

/// What the server says of itself.
pub fn capabilities() -> Value {
    json!({"tools": {}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}, "logging": {}})
}

/// Takes in the server's tools, and what else it offers by these capabilities.
#[track_caller]
pub fn import(shop: &mut Shop, capabilities: &Value) -> Value {
    let admin = shop.admin.clone();
    let tools = ALL.map(|tool| definition(tool.split_once("__").expect("a name").0));
    let document = json!({"tools": tools, "capabilities": capabilities});
    shop.does(&admin, "mcp_import_tools", json!({"server_id": "shop", "tools": document}))
}

/// What an import said of a tool.
pub fn of<'a>(imported: &'a Value, tool: &str) -> &'a Value {
    let tools = imported["tools"].as_array().expect("a list");
    tools.iter().find(|one| one["tool"] == tool).unwrap_or(&Value::Null)
}

/// The contract that a reviewer makes of a proposal.
pub fn reviewed(imported: &Value, tool: &str) -> Value {
    let mut contract = of(imported, tool)["proposal"].clone();
    contract["risk"] = "low".into();
    contract
}

/// The agent that wants all of it.
pub fn wanting() -> Value {
    let mut agent = agent();
    for feature in FEATURES {
        agent["tools"][feature] = json!({"access": "read"});
    }
    agent
}

/// With contracts and grants for everything.
pub fn shop() -> Shop {
    with(|_, contract| contract)
}

/// The same with contracts that differ from what was proposed.
pub fn with(change: impl Fn(&str, Value) -> Value) -> Shop {
    let mut shop = Shop::new();
    let imported = import(&mut shop, &capabilities());
    for feature in FEATURES {
        shop.activate(&change(feature, reviewed(&imported, feature)));
        grant(&mut shop, feature, &Value::Null);
    }
    shop.activate(&wanting());
    shop
}

#[track_caller]
pub fn grant(shop: &mut Shop, tool: &str, constraints: &Value) {
    let admin = shop.admin.clone();
    shop.does(&admin, "mcp_grant_tool", json!({"agent_id": "agent", "tool": tool, "constraints": constraints}));
}

/// Makes a call that must be allowed, and ends it with what the server gave; the answer.
#[track_caller]
pub fn asked(shop: &mut Shop, tool: &str, arguments: Value, result: Value) -> Value {
    let begun = shop.begin(tool, arguments);
    shop.finish(&begun, "succeeded", result)
}

pub fn read(uri: &str) -> Value {
    json!({"method": "resources/read", "uri": uri})
}

/// The code in the error that an agent is told instead of a result.
#[track_caller]
pub fn told(finished: &Value) -> String {
    assert_eq!(finished["result"]["isError"], true, "{finished}");
    text(&finished["result"]["content"][0]["text"]).split(':').next().unwrap_or_default().to_owned()
}
