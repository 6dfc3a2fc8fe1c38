//! What an agent sees of tools: those that it might call, and nothing that a server wrote.

use serde_json::{Value, json};

use super::stage::{ERASE, LOOK_UP, NOTE, REFUND, Shop, definition};

fn names(listed: &Value) -> Vec<&str> {
    listed["items"].as_array().expect("a list").iter().filter_map(|tool| tool["name"].as_str()).collect()
}

#[test]
fn an_agent_sees_what_it_might_call_described_by_the_contracts() {
    let mut shop = Shop::new();
    let (agent, admin, project) = (shop.agent.clone(), shop.admin.clone(), shop.office.project.clone());
    let list = |shop: &mut Shop| shop.does(&agent, "mcp_list_tools", json!({"agent_id": "agent"}));
    let listed = list(&mut shop);
    assert_eq!(names(&listed), [LOOK_UP, NOTE, REFUND]);
    let look_up = &listed["items"][0];
    assert_eq!((&look_up["description"], &look_up["title"]), (&json!("As reviewed."), &json!("A tool of the shop")));
    assert_eq!(look_up["annotations"], json!({"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true}));
    assert!(!listed.to_string().contains("in the shop.\""), "the server's own words: {listed}");
    shop.does(&admin, "mcp_revoke_grant", json!({"agent_id": "agent", "tool": NOTE}));
    assert_eq!(names(&list(&mut shop)), [LOOK_UP, REFUND]);
    let mut drifted = definition("refund");
    drifted["title"] = "x".into();
    shop.import(&[definition("look_up"), drifted, definition("erase"), definition("note")]);
    assert_eq!(names(&list(&mut shop)), [LOOK_UP]);
    shop.does(&admin, "mcp_grant_tool", json!({"agent_id": "agent", "tool": NOTE}));
    shop.office.sql(&format!("select awooop.set_project_mode('{project}', 'shadow')"));
    assert_eq!(names(&list(&mut shop)), [LOOK_UP]);
    let other = shop.does(&agent, "mcp_list_tools", json!({"agent_id": "agent", "server_id": "elsewhere"}));
    assert_eq!(names(&other), Vec::<&str>::new());
    // Somebody else's agent, or none, is denied as a call of it would be.
    assert_eq!(shop.code(&agent, "mcp_list_tools", json!({"agent_id": "nobody"})), "E-MCP-GATE-002");
    assert_eq!(shop.code(&agent, "mcp_list_tools", json!({})), "E-MCP-GATE-002");
    assert!(!ERASE.is_empty());
}

#[test]
fn a_long_list_comes_in_pages_that_lose_and_repeat_nothing() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = shop.does(&agent, "mcp_list_tools", json!({"agent_id": "agent", "page_size": 1, "cursor": cursor}));
        seen.extend(names(&page).into_iter().map(str::to_owned));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, [LOOK_UP, NOTE, REFUND]);
}
