//! Both lifecycles, pipes, what a server insists on, and its end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::running::{CONFORMANCE, Running, last};

#[test]
fn a_server_outlives_no_test() {
    assert!(Running::start(CONFORMANCE, &[]).abandon());
}

#[test]
fn a_tool_answers_with_and_without_a_session() {
    let server = Running::start(CONFORMANCE, &[]);
    let text = "This is a simple text response for testing.";
    let stateless = server.client().call("test_simple_text", json!({}));
    assert_eq!(stateless["result"]["content"][0]["text"], text);
    assert_eq!(stateless["result"]["resultType"], "complete");
    let with_session = server.session().call("test_simple_text", json!({}));
    assert_eq!(with_session["result"]["content"][0]["text"], text);
    assert!(with_session["result"].get("resultType").is_none());
}

#[test]
fn each_revision_that_has_sessions_is_spoken() {
    let server = Running::start(CONFORMANCE, &[]);
    for revision in ["2025-06-18", "2025-11-25"] {
        let mut client = server.client();
        client.stateless = false;
        let hello =
            json!({"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let answer = client.post(&client.message("initialize", hello));
        assert!(answer.headers().contains_key("mcp-session-id"));
        assert_eq!(last(answer)["result"]["protocolVersion"], revision);
    }
}

#[test]
fn nothing_is_switched_on_by_default() {
    let listed = Running::start(CONFORMANCE, &[]).client().answer("tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().expect("tools");
    assert!(tools.len() > 20);
    let name = |tool: &Value| tool["name"].as_str().unwrap().to_owned();
    assert!(tools.iter().map(name).all(|name| name.starts_with("test_") || name == "json_schema_2020_12_tool"));
}

#[test]
fn a_request_without_the_required_header_is_refused() {
    let server = Running::start(CONFORMANCE, &["--require-header", "X-Api-Key=right"]);
    let client = server.client();
    let message = client.message("tools/list", json!({}));
    let refused = client.post(&message);
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().contains_key("www-authenticate"));
    assert_eq!(client.clone().with("x-api-key", "wrong").post(&message).status(), 401);
    assert_eq!(client.with("x-api-key", "right").post(&message).status(), 200);
}

#[test]
fn a_server_of_before_2026_refuses_stateless_requests_and_gives_sessions() {
    let server = Running::start(CONFORMANCE, &["--sessions-only"]);
    let client = server.client();
    assert_eq!(client.post(&client.message("server/discover", json!({}))).status(), 400);
    assert!(server.session().call("test_simple_text", json!({}))["result"].is_object());
}

#[test]
fn a_server_of_the_current_revision_alone_refuses_what_was_before() {
    let server = Running::start(CONFORMANCE, &["--current-only", "--json"]);
    let mut client = server.client();
    assert_eq!(client.post(&client.message("tools/list", json!({}))).status(), 200);
    client.stateless = false;
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    assert_eq!(client.post(&client.message("initialize", hello)).status(), 400);
}

#[test]
fn a_stateless_server_gives_no_session() {
    let server = Running::start(CONFORMANCE, &["--stateless-only", "--json"]);
    let mut client = server.client();
    let answer = client.post(&client.message("tools/list", json!({})));
    assert_eq!(answer.headers()["content-type"], "application/json");
    client.stateless = false;
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let answer = client.post(&client.message("initialize", hello));
    assert!(!answer.headers().contains_key("mcp-session-id"));
    assert_eq!(last(answer)["result"]["protocolVersion"], "2025-11-25");
}

#[test]
fn the_same_tools_are_there_over_pipes() {
    let mut command = Command::new(CONFORMANCE);
    command.args(["--stdio", "--echo-credential", "env:SHOP_TOKEN"]).env("SHOP_TOKEN", "pipe-secret-123");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a program");
    let mut input = child.stdin.take().expect("its input");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let mut ask = |message: Value, answered: bool| {
        writeln!(input, "{message}").expect("sent");
        let mut line = String::new();
        if answered {
            output.read_line(&mut line).expect("a line");
        }
        serde_json::from_str::<Value>(&line).unwrap_or_default()
    };
    let hello = ask(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}), true);
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25");
    ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), false);
    let call = json!({"name": "echo_secret_plain", "arguments": {}});
    let answer = ask(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}), true);
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("pipe-secret-123"));
    drop(input);
    assert!(child.wait().expect("a child").success(), "it ends with its input");
}
