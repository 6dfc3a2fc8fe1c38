//! The server that shows the credential it was called with: a test of a redactor that saw nothing would prove nothing.

use serde_json::{Value, json};

use crate::running::{CONFORMANCE, Client, Running, read_until};

const SECRET: &str = "sk-live-4f9d2c71b8e6a035";

fn bearer(server: &Running) -> Client {
    server.client().with("authorization", &format!("Bearer {SECRET}"))
}

fn shows(value: &Value) -> bool {
    value.to_string().contains(SECRET)
}

#[test]
fn a_bearer_token_is_shown_wherever_a_server_can_show_one() {
    let server = Running::start(CONFORMANCE, &["--echo-credential", "bearer"]);
    let client = bearer(&server);
    let plain = |via: &str| client.call("echo_secret_plain", json!({"via": via}));
    assert!(shows(&plain("result")["result"]["content"]));
    assert_eq!(plain("error")["result"]["isError"], true);
    assert!(shows(&plain("error")["result"]["content"]));
    assert!(shows(&plain("protocol_error")["error"]["message"]));
    assert!(shows(&plain("protocol_error")["error"]["data"]));
    assert!(shows(&plain("resource")["result"]["content"][0]["resource"]["text"]));
    let told = json!({"name": "echo_secret_plain", "arguments": {"via": "progress"}, "_meta": {"progressToken": 7}});
    let progress = client.ask("tools/call", told);
    assert_eq!(progress[0]["method"], "notifications/progress");
    assert!(shows(&progress[0]["params"]["message"]));
    assert!(shows(&client.call("echo_secret_json", json!({}))["result"]["structuredContent"]));
    let read = client.answer("resources/read", json!({"uri": "secret://plain/text"}));
    assert!(shows(&read["result"]["contents"][0]["text"]));
    let prompt = client.answer("prompts/get", json!({"name": "echo_secret", "arguments": {"disguise": "plain"}}));
    assert!(shows(&prompt["result"]["messages"]));
}

#[test]
fn a_log_line_shows_it_to_whoever_wants_log_lines() {
    let server = Running::start(CONFORMANCE, &["--echo-credential", "bearer"]);
    let client = bearer(&server);
    let mut call = json!({"name": "echo_secret_plain", "arguments": {"via": "log"}});
    assert!(!client.ask("tools/call", call.clone()).iter().any(shows));
    call["_meta"] = json!({"io.modelcontextprotocol/logLevel": "info"});
    let said = client.ask("tools/call", call);
    assert_eq!(said[0]["method"], "notifications/message");
    assert!(shows(&said[0]["params"]["data"]));
    let session = bearer(&server).with_session();
    let waiting = session.wait();
    session.call("echo_secret_plain", json!({"via": "log"}));
    assert!(read_until(waiting, "notifications/message").contains(SECRET));
}

#[test]
fn every_disguise_has_a_tool_a_resource_and_a_prompt() {
    let server = Running::start(CONFORMANCE, &["--echo-credential", "bearer"]);
    let client = bearer(&server);
    let listed = client.answer("tools/list", json!({})).to_string();
    let resources = client.answer("resources/list", json!({})).to_string();
    for disguise in ["plain", "base64", "url", "json", "split"] {
        let tool = format!("echo_secret_{disguise}");
        assert!(listed.contains(&tool));
        let shown = client.call(&tool, json!({}))["result"]["content"].as_array().expect("content").len();
        let uri = format!("secret://{disguise}/blob");
        assert!(resources.contains(&uri));
        let read = client.answer("resources/read", json!({"uri": uri}));
        assert_eq!(read["result"]["contents"].as_array().expect("contents").len(), shown);
        let asked = json!({"name": "echo_secret", "arguments": {"disguise": disguise}});
        let prompt = client.answer("prompts/get", asked);
        assert_eq!(prompt["result"]["messages"].as_array().expect("messages").len(), shown);
    }
}

#[test]
fn a_key_in_a_header_or_in_the_address_is_found_too() {
    let server = Running::start(CONFORMANCE, &["--echo-credential", "header:X-Api-Key"]);
    let client = server.client();
    assert_eq!(client.call("echo_secret_plain", json!({}))["result"]["isError"], true);
    assert!(shows(&client.with("x-api-key", SECRET).call("echo_secret_plain", json!({}))));
    let server = Running::start(CONFORMANCE, &["--echo-credential", "query:key"]);
    let client = server.client().at(&format!("/mcp?other=1&key={}", SECRET.replace('-', "%2D")));
    assert!(shows(&client.call("echo_secret_plain", json!({}))));
}
