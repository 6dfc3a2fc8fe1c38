//! What the protocol promises, in each revision.

use serde_json::{Value, json};

use super::client::CURRENT;
use super::stage::{Desk, SERVER, Setup};

#[test]
fn tools_are_listed_by_the_contract_and_called_through_the_gates() {
    let mut desk = Desk::new();
    let all = desk.client(&desk.agent);
    let discovered = all.result("server/discover", json!({}));
    assert!(discovered["supportedVersions"].to_string().contains(CURRENT), "{discovered}");
    let names = |listed: &Value| -> Vec<String> {
        listed["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .map(|tool| tool["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    let listed = names(&all.result("tools/list", json!({})));
    assert!(listed.contains(&format!("test_simple_text__{SERVER}")), "{listed:?}");
    let own = names(&desk.bot().result("tools/list", json!({})));
    assert!(own.contains(&"test_simple_text".to_owned()), "{own:?}");
    for (client, name) in [(all, format!("test_simple_text__{SERVER}")), (desk.bot(), "test_simple_text".to_owned())] {
        let result = client.call(&name, json!({}));
        assert_eq!((&result["isError"], &result["content"][0]["type"]), (&json!(false), &json!("text")), "{result}");
    }
    let calls = desk.calls();
    assert_eq!(calls.iter().filter(|call| call["outcome"] == "succeeded").count(), 2, "{calls:?}");
}

#[test]
fn a_session_of_an_older_revision_does_the_same() {
    let desk = Desk::new();
    for version in ["2025-11-25", "2025-06-18"] {
        let session = desk.bot().session(version);
        assert_eq!(session.offered["protocolVersion"], version);
        let listed = session.result("tools/list", json!({}));
        assert!(listed.to_string().contains("test_simple_text"), "{listed}");
        let result = session.result("tools/call", json!({"name": "test_simple_text", "arguments": {}}));
        assert_eq!(result["content"][0]["type"], "text", "{result}");
    }
}

/// One page holds a hundred tools; these are those of two servers.
#[test]
fn the_list_of_all_servers_comes_in_pages_that_hold_every_tool_once() {
    let desk = Desk::with(Setup { annex: 80, ..Setup::default() });
    // Features are among what was granted, and no tools.
    let granted = desk.imported["tools"].as_array().expect("tools").iter().map(|tool| tool["tool"].to_string());
    let granted = granted.filter(|name| !name.starts_with("\"mcp-")).count();
    let client = desk.client(&desk.agent);
    let (tools, pages) = client.all("tools/list", "tools");
    let mut names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), tools.len()), (granted, granted), "{names:?}");
    assert!(pages > 1);
    let drawer = tools.iter().find(|tool| tool["name"] == "drawer_1__annex").expect("a drawer");
    assert_eq!(drawer["outputSchema"]["required"], json!(["open"]), "{drawer}");
    let wrong = client.error("tools/list", json!({"cursor": "elsewhere"}));
    assert_eq!(wrong["code"], -32602, "{wrong}");
}

#[test]
fn what_a_server_lists_in_pages_is_imported_and_listed_whole() {
    let whole = Desk::new();
    let paged = Desk::with(Setup { server: vec!["--page", "1"], ..Setup::default() });
    let count = |desk: &Desk| desk.imported["tools"].as_array().expect("tools").len();
    assert!(count(&paged) > 1 && count(&paged) == count(&whole), "{}", paged.imported);
    let (expected, one) = whole.client(&whole.agent).all("resources/list", "resources");
    for client in [paged.client(&paged.agent), paged.bot()] {
        let is_of_all = client.path() == "/v1/mcp";
        let (resources, pages) = client.all("resources/list", "resources");
        assert!(one == 1 && pages > 1 && resources.len() == expected.len(), "{pages}: {resources:?}");
        if is_of_all {
            assert_eq!(resources, expected);
        }
    }
    let wrong = paged.client(&paged.agent).error("resources/list", json!({"cursor": "elsewhere"}));
    assert_eq!(wrong["code"], -32602, "{wrong}");
}
