//! The official clients, as anybody installs them: they list tools, call one, and read a denial.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::stage::{Desk, SERVER};
use crate::harness::server::environment;

/// Runs a client; what it printed.
#[track_caller]
fn run(mut client: Command, desk: &Desk, more: &[&str]) -> Value {
    let url = format!("http://{}/v1/mcp", desk.gateway.address);
    let good = format!("test_simple_text__{SERVER}");
    let denied = format!("test_sampling__{SERVER}");
    client.args([url.as_str(), desk.agent.as_str()]).args(more).args([good.as_str(), "{}", denied.as_str(), "{}"]);
    client.args(["no_such_tool__desk", "{}"]);
    let output = client.output().expect("the client runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        said.lines().last().unwrap_or_else(|| panic!("it says nothing: {}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[track_caller]
fn check(said: &Value, what: &str) {
    let text = said.to_string();
    assert!(text.contains("test_simple_text__desk"), "{what} lists no tools: {text}");
    let calls = said["calls"].as_array().unwrap_or_else(|| panic!("{what}: {text}"));
    assert_eq!(calls[0]["isError"], json!(false), "{what}: {text}");
    assert_eq!(calls[0]["content"][0]["type"], "text", "{what}: {text}");
    assert!(calls[1]["isError"] == true && calls[1].to_string().contains("E-MCP-GATE-005"), "{what}: {text}");
    assert!(calls[2]["isError"] == true && calls[2].to_string().contains("E-MCP-GATE-003"), "{what}: {text}");
}

#[test]
fn the_python_client_lists_and_calls_tools_in_both_lifecycles() {
    let desk = Desk::new();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/python/call_tools.py");
    for lifecycle in ["stateless", "sessions"] {
        // The one that the packages were installed with.
        let debians = PathBuf::from("/usr/bin/python3");
        let mut python = Command::new(if debians.exists() { debians } else { "python3".into() });
        python.env("PYTHONPATH", environment("AWOOOP_TEST_PYTHON")).arg(&script);
        check(&run(python, &desk, &["--lifecycle", lifecycle]), &format!("Python, {lifecycle}"));
    }
}

#[test]
fn the_typescript_clients_list_and_call_tools_in_both_lifecycles() {
    let desk = Desk::new();
    let node = PathBuf::from(environment("AWOOOP_TEST_CONFORMANCE")).join("node_modules/node/bin/node");
    for (sdk, lifecycle) in [("2", "stateless"), ("2", "sessions"), ("1", "sessions")] {
        let mut client = Command::new(&node);
        client.arg(PathBuf::from(environment("AWOOOP_TEST_TYPESCRIPT")).join("call_tools.js"));
        let said = run(client, &desk, &["--lifecycle", lifecycle, "--sdk", sdk]);
        check(&said, &format!("TypeScript {sdk}, {lifecycle}"));
    }
}
