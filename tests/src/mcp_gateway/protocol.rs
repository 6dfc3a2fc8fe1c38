//! What the protocol promises, in each revision.

use serde_json::{Value, json};

use super::client::CURRENT;
use super::stage::{Desk, SERVER};

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
