//! What changes while a client is there, and what there is besides tools at the address of all servers.

use serde_json::{Value, json};

use super::stage::{Desk, SERVER};
use crate::harness::answer::eventually;

fn revoke(desk: &mut Desk, tool: &str) {
    let admin = desk.admin.clone();
    desk.office.does(&admin, "mcp_revoke_grant", json!({"agent_id": "agent", "tool": format!("{tool}__{SERVER}")}));
}

#[test]
fn a_session_hears_that_its_tools_have_changed() {
    let mut desk = Desk::new();
    let session = desk.bot().session("2025-11-25");
    assert_eq!(session.offered["capabilities"]["tools"]["listChanged"], json!(true), "{}", session.offered);
    let stream = session.listen();
    // The list is looked at once before anything changes.
    let listed = session.result("tools/list", json!({})).to_string();
    assert!(listed.contains("\"test_simple_text\""), "{listed}");
    std::thread::scope(|scope| {
        scope.spawn(|| revoke_until_heard(&mut desk, &stream));
    });
    let listed = session.result("tools/list", json!({})).to_string();
    assert!(!listed.contains("\"test_simple_text\""), "{listed}");
}

#[test]
fn a_subscription_of_the_current_revision_hears_that_its_tools_have_changed() {
    let mut desk = Desk::new();
    let wanted = json!({"notifications": {"toolsListChanged": true}});
    let stream = desk.bot().listen("subscriptions/listen", wanted);
    eventually("the beginning of the subscription", || !stream.lock().expect("a list").is_empty());
    revoke_until_heard(&mut desk, &stream);
    let listed = desk.bot().result("tools/list", json!({})).to_string();
    assert!(!listed.contains("\"test_simple_text\""), "{listed}");
}

/// Revokes one grant after another until the session has heard of a change: the first may come before the first look.
fn revoke_until_heard(desk: &mut Desk, stream: &std::sync::Mutex<Vec<Value>>) {
    let mut tools = ["test_simple_text", "test_image_content", "test_audio_content", "test_error_handling"].into_iter();
    eventually("the change", || {
        if let Some(tool) = tools.next() {
            revoke(desk, tool);
        }
        stream.lock().expect("a list").iter().any(|said| said["method"] == "notifications/tools/list_changed")
    });
}

#[test]
fn what_is_not_granted_is_not_listed_and_not_read() {
    let mut desk = Desk::new();
    revoke(&mut desk, "mcp-resources");
    let bot = desk.bot();
    let offered = bot.result("server/discover", json!({}));
    assert!(offered["capabilities"].get("resources").is_none(), "{offered}");
    assert!(offered["capabilities"].get("prompts").is_some(), "{offered}");
    for (method, params) in [("resources/list", json!({})), ("resources/read", json!({"uri": "test://static-text"}))] {
        let error = bot.error(method, params);
        assert_eq!(error["data"]["code"], "E-MCP-GATE-004", "{error}");
    }
}

#[test]
fn at_the_address_of_all_servers_names_say_whose_they_are() {
    let desk = Desk::new();
    let all = desk.client(&desk.agent);
    let resources = all.result("resources/list", json!({}));
    let uri = resources["resources"][0]["uri"].as_str().expect("a resource").to_owned();
    assert!(uri.starts_with(&format!("{SERVER}+")), "{resources}");
    let read = all.result("resources/read", json!({"uri": uri}));
    assert_eq!(read["contents"][0]["uri"], uri, "{read}");
    let prompts = all.result("prompts/list", json!({}));
    let name = prompts["prompts"][0]["name"].as_str().expect("a prompt").to_owned();
    assert!(name.ends_with(&format!("__{SERVER}")), "{prompts}");
    let prompt = all.result("prompts/get", json!({"name": format!("test_simple_prompt__{SERVER}")}));
    assert!(prompt["messages"][0]["content"]["text"].is_string(), "{prompt}");
    for unknown in ["no-server", "nobody+test://x"] {
        let error = all.error("resources/read", json!({"uri": unknown}));
        assert!(error["code"].is_number(), "{error}");
    }
}

#[test]
fn a_session_hears_of_a_resource_that_it_subscribed_to() {
    let desk = Desk::troubled();
    let session = desk.bot().session("2025-11-25");
    let stream = session.listen();
    let uri = "test://watched-resource";
    session.result("resources/subscribe", json!({"uri": uri}));
    eventually("the change", || {
        session.result("tools/call", json!({"name": "touch_resource", "arguments": {"uri": uri}}));
        let heard = stream.lock().expect("a list");
        heard.iter().any(|said| said["method"] == "notifications/resources/updated" && said["params"]["uri"] == uri)
    });
    session.result("resources/unsubscribe", json!({"uri": uri}));
}
