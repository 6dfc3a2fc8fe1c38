//! The server of the benchmarks.

use serde_json::json;

use crate::running::{ECHO, Running};

#[test]
fn it_echoes_as_json_without_a_session_and_as_events_with_one() {
    let server = Running::start(ECHO, &[]);
    let client = server.client();
    let call = json!({"name": "echo", "arguments": {"text": "回聲"}});
    let response = client.post(&client.message("tools/call", call));
    assert_eq!(response.headers()["content-type"], "application/json");
    for client in [client, server.session()] {
        assert_eq!(client.call("echo", json!({"text": "回聲"}))["result"]["content"][0]["text"], "回聲");
    }
}
