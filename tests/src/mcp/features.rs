//! Resources, prompts and completion of servers go through the gates as tools do.

use serde_json::{Value, json};

use super::offered::{
    COMPLETION, FEATURES, PROMPTS, RESOURCES, capabilities, grant, import, of, read, reviewed, shop, wanting, with,
};
use super::stage::{ALL, LOOK_UP, Shop, agent, definition, order};
use crate::harness::quiet::text;

#[track_caller]
fn denied(shop: &mut Shop, tool: &str, arguments: Value, code: &str, reason: &str) -> Value {
    let problem = shop.denied(Shop::wanted(tool, arguments));
    assert_eq!((&problem["code"], &problem["reason"]), (&json!(code), &json!(reason)), "{problem}");
    problem
}

#[test]
fn what_a_server_offers_besides_tools_is_proposed_reviewed_granted_and_switched_as_a_tool() {
    let mut shop = Shop::new();
    let (admin, ann) = (shop.admin.clone(), shop.office.ann.clone());
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-003", "unknown");
    let imported = import(&mut shop, &capabilities());
    for (tool, feature) in FEATURES.into_iter().zip(["resources", "prompts", "completion"]) {
        let entry = of(&imported, tool).clone();
        assert_eq!((&entry["state"], &entry["feature"]), (&json!("new"), &json!(feature)), "{imported}");
        let proposal = &entry["proposal"];
        assert_eq!((&proposal["side_effects"], &proposal["output_schema"]), (&json!("none"), &Value::Null));
        assert_eq!(proposal["may_ask"], Value::Null);
        let checked = shop.does(&ann, "validate_contract", json!({"kind": "tool", "document": proposal}));
        assert_eq!(checked["valid"], true, "{checked}");
    }
    assert_eq!(
        (&of(&imported, LOOK_UP)["feature"], &of(&imported, LOOK_UP)["state"]),
        (&json!("tool"), &json!("callable"))
    );
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-003", "no_active_contract");
    shop.activate(&reviewed(&imported, RESOURCES));
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-004", "not_granted");
    grant(&mut shop, RESOURCES, &Value::Null);
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-004", "tool_not_in_agent_contract");
    shop.activate(&wanting());
    let begun = shop.begin(RESOURCES, read("shop://a"));
    assert_eq!((&begun["upstream"]["feature"], &begun["tool"]), (&json!("resources"), &json!(RESOURCES)));
    assert_eq!(shop.begin(LOOK_UP, order("A-1"))["upstream"]["feature"], "tool");
    let explain = json!({"agent_id": "agent", "tool": RESOURCES, "arguments": read("shop://a")});
    let agent = shop.agent.clone();
    assert_eq!(shop.does(&agent, "mcp_explain", explain)["verdict"], "allowed");
    shop.does(&admin, "mcp_switch_tool", json!({"tool": RESOURCES, "enabled": false}));
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-003", "disabled");
    let registry = shop.does(&admin, "mcp_list_registry", json!({"server_id": "shop"}));
    let entry = of(&json!({"tools": registry["items"]}), RESOURCES).clone();
    assert_eq!((&entry["state"], &entry["feature"]), (&json!("disabled"), &json!("resources")));
}

#[test]
fn a_capability_that_is_no_more_is_a_feature_that_is_gone_and_a_list_of_tools_says_nothing_of_it() {
    let mut shop = shop();
    let admin = shop.admin.clone();
    // A list alone, as before.
    shop.import(&ALL.map(|tool| definition(tool.split_once("__").expect("a name").0)));
    shop.begin(RESOURCES, read("shop://a"));
    let imported = import(&mut shop, &json!({"tools": {}, "prompts": {}}));
    assert_eq!(of(&imported, RESOURCES)["state"], "gone");
    assert_eq!(of(&imported, PROMPTS)["state"], "callable");
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-003", "gone");
    import(&mut shop, &capabilities());
    shop.begin(RESOURCES, read("shop://a"));
    // Tools that are gone take nothing else with them.
    let document = json!({"tools": [], "capabilities": capabilities()});
    shop.does(&admin, "mcp_import_tools", json!({"server_id": "shop", "tools": document}));
    denied(&mut shop, LOOK_UP, order("A-1"), "E-MCP-GATE-003", "gone");
    shop.begin(RESOURCES, read("shop://a"));
    // Another place is another server.
    shop.does(&admin, "mcp_register_server", json!({"server_id": "shop", "address": "https://other.example/mcp"}));
    denied(&mut shop, PROMPTS, json!({"method": "prompts/list"}), "E-MCP-GATE-003", "gone");
    for bad in [json!({"capabilities": {}}), json!({"tools": [], "capabilities": []}), json!({"tools": {}})] {
        let import = json!({"server_id": "shop", "tools": bad});
        assert_eq!(shop.code(&admin, "mcp_import_tools", import), "E-MCP-004");
    }
}

#[test]
fn a_tool_that_is_called_as_a_feature_is_not_seen_as_one() {
    let mut shop = Shop::new();
    let names = ["mcp-resources", "mcp-prompts", "mcp-completion"];
    let imported = shop.import(&names.map(definition));
    for (name, feature) in names.into_iter().zip(FEATURES) {
        assert_eq!(of(&imported, feature), &Value::Null, "{imported}");
        let tools = imported["tools"].as_array().expect("a list");
        let seen = tools.iter().find(|tool| tool["upstream_name"] == name).expect("it");
        assert_eq!(seen["feature"], "tool");
        assert!(text(&seen["tool"]).starts_with(&format!("{name}-")), "{seen}");
    }
    // Both at once are two.
    let admin = shop.admin.clone();
    let document = json!({"tools": names.map(definition), "capabilities": capabilities()});
    let imported = shop.does(&admin, "mcp_import_tools", json!({"server_id": "shop", "tools": document}));
    assert_eq!(imported["tools"].as_array().expect("a list").iter().filter(|tool| tool["state"] == "new").count(), 6);
    let mut seen: Vec<String> =
        imported["tools"].as_array().expect("a list").iter().map(|tool| text(&tool["tool"])).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), imported["tools"].as_array().expect("a list").len());
}

#[test]
fn a_tool_that_was_seen_as_a_feature_before_there_were_any_gives_way_to_it() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    shop.import(&[definition("mcp-resources")]);
    shop.office.sql(&format!(
        "update awooop.mcp_tool set name = '{RESOURCES}'
         where project_id = '{project}' and upstream_name = 'mcp-resources' returning name"
    ));
    grant(&mut shop, RESOURCES, &Value::Null);
    let admin = shop.admin.clone();
    let document = json!({"tools": [definition("mcp-resources")], "capabilities": capabilities()});
    let imported = shop.does(&admin, "mcp_import_tools", json!({"server_id": "shop", "tools": document}));
    assert_eq!(
        (&of(&imported, RESOURCES)["feature"], &of(&imported, RESOURCES)["state"]),
        (&json!("resources"), &json!("new"))
    );
    let tools = imported["tools"].as_array().expect("a list");
    let moved = tools.iter().find(|tool| tool["feature"] == "tool" && tool["upstream_name"] == "mcp-resources");
    assert!(text(&moved.expect("the tool")["tool"]).starts_with("mcp-resources-"), "{imported}");
    // What was granted of the tool opens nothing of the feature before that is reviewed.
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-003", "no_active_contract");
}

#[test]
fn arguments_are_those_of_the_features_methods_whatever_a_contract_lets_through() {
    let mut shop = with(|_, mut contract| {
        contract["input_schema"] = json!({"type": "object"});
        contract
    });
    let wrong = [
        (RESOURCES, json!({})),
        (RESOURCES, json!({"method": "tools/call", "name": "refund", "arguments": {}})),
        (RESOURCES, json!({"method": "prompts/get", "name": "a"})),
        (RESOURCES, json!({"method": "resources/read"})),
        (RESOURCES, json!({"method": "resources/read", "uri": "shop://a", "more": 1})),
        (PROMPTS, json!({"method": "prompts/get", "name": "a", "arguments": {"a": 1}})),
        (COMPLETION, json!({"method": "completion/complete"})),
    ];
    for (tool, arguments) in wrong {
        denied(&mut shop, tool, arguments, "E-MCP-GATE-005", "tool_schema");
    }
    for (tool, arguments) in [
        (RESOURCES, json!({"method": "resources/list"})),
        (RESOURCES, json!({"method": "resources/templates/list", "cursor": "2"})),
        (PROMPTS, json!({"method": "prompts/list"})),
        (PROMPTS, json!({"method": "prompts/get", "name": "a", "arguments": {"a": "b"}})),
        (
            COMPLETION,
            json!({"method": "completion/complete", "ref": {"type": "ref/prompt", "name": "a"}, "argument": {"name": "b", "value": ""}}),
        ),
    ] {
        shop.begin(tool, arguments);
    }
}

#[test]
fn a_grant_narrows_what_is_read() {
    let mut shop = shop();
    let orders = json!({"type": "object", "properties": {"uri": {"pattern": "^shop://orders/"}}});
    grant(&mut shop, RESOURCES, &orders);
    shop.begin(RESOURCES, read("shop://orders/1"));
    let problem = denied(&mut shop, RESOURCES, read("shop://customers/1"), "E-MCP-GATE-005", "grant");
    assert_eq!(problem["errors"][0]["pointer"], "/uri");
    shop.begin(RESOURCES, json!({"method": "resources/list"}));
}

#[test]
fn reading_costs_and_counts_as_calls_of_tools_do() {
    let mut shop = with(|tool, mut contract| {
        if tool == RESOURCES {
            contract["call_cost_micro_usd"] = 500.into();
        }
        contract
    });
    let admin = shop.admin.clone();
    shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 700}));
    let begun = shop.begin(RESOURCES, read("shop://a"));
    denied(&mut shop, RESOURCES, read("shop://a"), "E-MCP-GATE-006", "no_room");
    let finished = shop.finish(&begun, "succeeded", json!({"contents": []}));
    assert_eq!((&finished["outcome"], &finished["micro_usd"]), (&json!("succeeded"), &json!(500)));
    let limited = json!({"agent_id": "agent", "tool": PROMPTS, "rate_count": 1, "rate_window_seconds": 60});
    shop.does(&admin, "mcp_grant_tool", limited);
    shop.begin(PROMPTS, json!({"method": "prompts/list"}));
    denied(&mut shop, PROMPTS, json!({"method": "prompts/list"}), "E-MCP-GATE-007", "grant");
}

#[test]
fn an_agent_is_told_which_features_it_may_use_and_sees_none_of_them_among_its_tools() {
    let mut shop = shop();
    let (key, admin) = (shop.agent.clone(), shop.admin.clone());
    let list = |shop: &mut Shop, page: Value| {
        let mut wanted = json!({"agent_id": "agent"});
        wanted.as_object_mut().expect("an object").extend(page.as_object().expect("an object").clone());
        shop.does(&key, "mcp_list_tools", wanted)
    };
    let all = list(&mut shop, json!({}));
    assert!(
        all["items"].as_array().expect("a list").iter().all(|tool| !FEATURES.contains(&tool["name"].as_str().unwrap()))
    );
    assert_eq!(all["items"].as_array().map(Vec::len), Some(3));
    let feature = |feature: &str, tool: &str| json!({"feature": feature, "server_id": "shop", "tool": tool});
    let expected =
        json!([feature("completion", COMPLETION), feature("prompts", PROMPTS), feature("resources", RESOURCES)]);
    assert_eq!(all["features"], expected);
    // On every page, whatever page it is.
    let first = list(&mut shop, json!({"page_size": 1}));
    let second = list(&mut shop, json!({"page_size": 1, "cursor": first["next_cursor"]}));
    assert_eq!((&first["features"], &second["features"]), (&expected, &expected));
    assert_ne!(first["items"], second["items"]);
    assert_eq!(list(&mut shop, json!({"server_id": "elsewhere"}))["features"], json!([]));
    shop.does(&admin, "mcp_revoke_grant", json!({"agent_id": "agent", "tool": PROMPTS}));
    shop.does(&admin, "mcp_switch_tool", json!({"tool": COMPLETION, "enabled": false}));
    assert_eq!(list(&mut shop, json!({}))["features"], json!([feature("resources", RESOURCES)]));
    shop.activate(&agent());
    assert_eq!(list(&mut shop, json!({}))["features"], json!([]));
}

#[test]
fn other_projects_have_their_own_features_or_none() {
    let (mut ours, mut theirs) = (shop(), Shop::new());
    let agent = theirs.agent.clone();
    let begun = ours.begin(RESOURCES, read("shop://a"));
    denied(&mut theirs, RESOURCES, read("shop://a"), "E-MCP-GATE-003", "unknown");
    assert_eq!(theirs.does(&agent, "mcp_list_tools", json!({"agent_id": "agent"}))["features"], json!([]));
    let ended = Shop::ended(&begun, "succeeded", json!({"contents": []}));
    assert_eq!(theirs.code(&agent, "mcp_finish_call", ended), "E-MCP-009");
}
