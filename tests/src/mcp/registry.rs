//! Servers and their tools: imported, pinned, and disabled when they change.

use serde_json::{Value, json};

use super::stage::{LOOK_UP, NOTE, Shop, contract, definition, order, pinned};
use crate::harness::quiet::text;

fn of<'a>(imported: &'a Value, tool: &str) -> &'a Value {
    let tools = imported["tools"].as_array().expect("a list");
    tools.iter().find(|one| one["tool"] == tool).unwrap_or_else(|| panic!("{tool} is not in {imported}"))
}

#[test]
fn a_tool_that_changes_is_disabled_says_what_changed_and_is_back_when_the_change_is_approved() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let mut changed = definition("look_up");
    changed["description"] = "Looks up, and tells the marketing department.".into();
    changed["inputSchema"]["properties"]["cc"] = json!({"type": "string"});
    let imported = shop.import(&[changed.clone(), definition("note"), definition("refund"), definition("erase")]);
    let drifted = of(&imported, LOOK_UP);
    assert_eq!((&drifted["state"], &drifted["digest"]), (&json!("drifted"), &json!(pinned(&changed))));
    let paths: Vec<&str> = drifted["changes"].as_array().unwrap().iter().filter_map(|c| c["path"].as_str()).collect();
    assert!(paths.contains(&"/description") && paths.contains(&"/inputSchema/properties/cc"), "{drifted}");
    assert_eq!(of(&imported, NOTE)["state"], "callable");
    assert_eq!(shop.denied(Shop::wanted(LOOK_UP, order("A-1")))["reason"], "drifted");
    let listed = shop.does(&admin, "mcp_list_registry", json!({}));
    assert_eq!(of(&json!({"tools": listed["items"]}), LOOK_UP)["changes"], drifted["changes"]);
    // Who reviews it begins with what the server says.
    let mut reviewed = drifted["proposal"].clone();
    assert_eq!((&reviewed["upstream_digest"], &reviewed["side_effects"]), (&drifted["digest"], &json!("none")));
    reviewed["risk"] = "low".into();
    shop.activate(&reviewed);
    shop.begin(LOOK_UP, order("A-1"));
    let listed = shop.does(&admin, "mcp_list_registry", json!({"server_id": "shop"}));
    let tool = of(&json!({"tools": listed["items"]}), LOOK_UP).clone();
    assert_eq!((&tool["state"], &tool["changes"]), (&json!("callable"), &json!([])));
    // The next change is told against what was reviewed last.
    let mut again = changed;
    again["title"] = "Look up".into();
    let imported = shop.import(&[again]);
    let changes = of(&imported, LOOK_UP)["changes"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");
}

#[test]
fn whatever_changes_in_a_definition_is_a_drift_and_its_spelling_is_not() {
    let mut shop = Shop::new();
    let state = |shop: &mut Shop, definition: &str| {
        let (admin, project) = (shop.admin.clone(), shop.office.project.clone());
        let arguments = format!("{{\"server_id\": \"shop\", \"tools\": [{definition}]}}");
        let reply = shop.office.gateway.try_call(&project, &admin, "mcp_import_tools", &arguments).expect("an answer");
        text(&of(&reply.body, LOOK_UP)["state"])
    };
    let plain = definition("look_up").to_string();
    assert_eq!(state(&mut shop, &plain), "callable");
    // Order of keys and white space mean nothing.
    let reordered = format!("  {} ", plain.replace("\"name\":\"look_up\"", " \"name\" : \"look_up\" "));
    assert_eq!(state(&mut shop, &reordered), "callable");
    let change = |place: &str, value: Value| {
        let mut definition = definition("look_up");
        let (parent, name) = place.rsplit_once('/').expect("a place");
        definition.pointer_mut(parent).expect("a parent")[name] = value;
        definition.to_string()
    };
    for changed in [
        change("/title", json!("x")),
        change("/inputSchema/properties/order/maxLength", json!(41)),
        change("/outputSchema", json!({"type": "object"})),
        change("/annotations/readOnlyHint", json!(false)),
        change("/_meta", json!({"a": 1})),
        change("/icons", json!([])),
    ] {
        assert_eq!(state(&mut shop, &changed), "drifted", "{changed}");
        assert_eq!(state(&mut shop, &plain), "callable");
    }
}

#[test]
fn hostile_names_are_seen_under_names_that_every_model_takes_and_found_again() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let names = [
        "a__b",
        "__",
        "orders/look up",
        "查詢訂單",
        "look_up ",
        &"x".repeat(200),
        "note-0123456789abcdef",
        "drop table;--",
    ];
    let mut tools: Vec<Value> = names.iter().map(|name| definition(name)).collect();
    tools.extend(["look_up", "note", "refund", "erase"].map(definition));
    let imported = shop.import(&tools);
    let mut seen = std::collections::HashSet::new();
    for name in names {
        let tool = imported["tools"].as_array().unwrap().iter().find(|tool| tool["upstream_name"] == name).expect("it");
        let exposed = text(&tool["tool"]);
        assert!(exposed.len() <= 64 && exposed.ends_with("__shop") && seen.insert(exposed.clone()), "{exposed}");
        assert!(exposed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{exposed}");
        assert_eq!(tool["proposal"]["upstream_name"], name);
        let checked = json!({"kind": "tool", "document": tool["proposal"]});
        let ann = shop.office.ann.clone();
        assert_eq!(shop.does(&ann, "validate_contract", checked)["valid"], true, "{tool}");
    }
    // One of them is reviewed, granted and called.
    let odd =
        imported["tools"].as_array().unwrap().iter().find(|tool| tool["upstream_name"] == "查詢訂單").unwrap().clone();
    let mut reviewed = odd["proposal"].clone();
    (reviewed["side_effects"], reviewed["risk"]) = (json!("none"), json!("low"));
    shop.activate(&reviewed);
    let mut agent = super::stage::agent();
    agent["tools"][text(&odd["tool"])] = json!({"access": "read"});
    shop.activate(&agent);
    shop.does(&admin, "mcp_grant_tool", json!({"agent_id": "agent", "tool": odd["tool"]}));
    assert_eq!(shop.begin(&text(&odd["tool"]), order("A-1"))["upstream"]["tool"], "查詢訂單");
}

#[test]
fn what_cannot_be_read_of_a_list_is_named_and_the_rest_is_taken() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let list = json!([
        definition("note"),
        {"name": "a"},
        {"inputSchema": {"type": "object"}},
        {"name": "", "inputSchema": {"type": "object"}},
        {"name": "x".repeat(300), "inputSchema": {"type": "object"}},
        {"name": "a", "inputSchema": {"type": "string"}},
        7,
        definition("refund"),
        {"name": "look_up", "inputSchema": {"type": "array"}},
        definition("refund"),
        definition("erase")
    ]);
    let imported = shop.does(&admin, "mcp_import_tools", json!({"server_id": "shop", "tools": list}));
    assert_eq!(imported["unreadable"], json!([1, 2, 3, 4, 5, 6, 7, 8, 9]));
    shop.begin(NOTE, order("A-1"));
    // A tool that is there twice, or cannot be read any more, is gone.
    for tool in [super::stage::REFUND, LOOK_UP] {
        assert_eq!(shop.denied(Shop::wanted(tool, order("A-1")))["reason"], "gone", "{tool}");
    }
    assert_eq!(shop.code(&admin, "mcp_import_tools", json!({"server_id": "shop", "tools": {}})), "E-MCP-004");
    let unknown = json!({"server_id": "elsewhere", "tools": []});
    assert_eq!(shop.code(&admin, "mcp_import_tools", unknown), "E-MCP-001");
    assert_eq!(shop.does(&admin, "mcp_list_registry", json!({}))["items"].as_array().unwrap().len(), 4);
}

#[test]
fn another_address_is_another_server_until_its_tools_are_imported() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let at = |address: &str| json!({"server_id": "shop", "address": address, "title": "The shop"});
    shop.does(&admin, "mcp_register_server", at("https://shop.example/mcp"));
    shop.begin(LOOK_UP, order("A-1"));
    shop.does(&admin, "mcp_register_server", at("https://elsewhere.example/mcp"));
    assert_eq!(shop.denied(Shop::wanted(LOOK_UP, order("A-1")))["reason"], "gone");
    shop.import(&[definition("look_up")]);
    assert_eq!(shop.begin(LOOK_UP, order("A-1"))["upstream"]["address"], "https://elsewhere.example/mcp");
}

#[test]
fn an_address_brings_no_credential_and_leads_to_nothing_but_http() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let register =
        |address: &str, transport: &str| json!({"server_id": "new", "address": address, "transport": transport});
    for (address, transport) in [
        ("ftp://example.com", "http"),
        ("file:///etc/passwd", "http"),
        ("https://user:secret@example.com/mcp", "http"),
        ("https://example.com/mcp?api_key=ghp_0123456789abcdefghijABCDEFGHIJ012345", "http"),
        ("example.com", "http"),
        ("/bin/sh -c id", "local"),
        ("../orders", "local"),
    ] {
        assert_eq!(shop.code(&admin, "mcp_register_server", register(address, transport)), "E-MCP-003", "{address}");
    }
    for name in ["a__b", "a_", "a.b", "a123456789012345678901234"] {
        let mut named = register("https://example.com/mcp", "http");
        named["server_id"] = name.into();
        assert_eq!(shop.code(&admin, "mcp_register_server", named), "E-MCP-002", "{name}");
    }
    shop.does(&admin, "mcp_register_server", register("orders", "local"));
}

#[test]
fn a_servers_credential_is_a_reference_of_the_projects_own() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let with = |members: Value| {
        let mut server = json!({"server_id": "new", "address": "https://example.com/mcp"});
        for (name, value) in members.as_object().expect("an object") {
            server[name] = value.clone();
        }
        server
    };
    for bad in [
        json!({"credential_reference": "hunter2", "credential_placement": "bearer"}),
        json!({"credential_reference": "k8s://elsewhere/api/token", "credential_placement": "bearer"}),
        json!({"credential_reference": "k8s://shop/api/token"}),
        json!({"credential_placement": "bearer"}),
        json!({"credential_reference": "k8s://shop/api/token", "credential_placement": "header"}),
        json!({"credential_reference": "k8s://shop/api/token", "credential_placement": "bearer", "credential_name": "x"}),
        json!({"credential_reference": "k8s://shop/api/token", "credential_placement": "environment", "credential_name": "TOKEN"}),
    ] {
        assert_eq!(shop.code(&admin, "mcp_register_server", with(bad.clone())), "E-INPUT-001", "{bad}");
    }
    let good = json!({"credential_reference": "k8s://shop/api/token", "credential_placement": "query", "credential_name": "key"});
    let server = shop.does(&admin, "mcp_register_server", with(good));
    assert_eq!(server["credential"], json!({"reference": "k8s://shop/api/token", "placement": "query", "name": "key"}));
    let upstream = shop.does(&admin, "mcp_upstream", json!({"server_id": "new"}));
    assert_eq!((&upstream["credential"], &upstream["private_host_allowed"]), (&server["credential"], &json!(false)));
}

#[test]
fn private_hosts_are_allowed_by_name_by_operators_alone() {
    let mut shop = Shop::new();
    let admin = shop.admin.clone();
    let host = crate::harness::unique("shop") + ".internal";
    let server = json!({"server_id": "inner", "address": format!("http://{host}:9000/mcp")});
    shop.does(&admin, "mcp_register_server", server);
    let allowed = |shop: &mut Shop| {
        shop.does(&admin, "mcp_upstream", json!({"server_id": "inner"}))["private_host_allowed"].clone()
    };
    assert_eq!(allowed(&mut shop), false);
    shop.office.sql(&format!("select awooop.allow_private_host('{}', 'ours')", host.to_uppercase()));
    assert_eq!(allowed(&mut shop), true);
    shop.office.sql(&format!("select awooop.allow_private_host('{host}', allowed => false)"));
    assert_eq!(allowed(&mut shop), false);
    assert_eq!(contract(NOTE)["risk"], "low");
}
