//! Workers over the API, in Python and in TypeScript, with an HTTP client and the official MCP client.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::quiet::text;
use crate::harness::server::environment;
use crate::mcp::stage::WORKS;
use crate::mcp_gateway::stage::{Desk, SERVER};

/// Has an agent work on two runs; the runs as they ended.
#[track_caller]
fn works(mut agent: Command, desk: &mut Desk) -> Vec<Value> {
    let key = desk.office.key("worker", WORKS);
    let mut runs = Vec::new();
    for words in ["one", "two"] {
        let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
        let envelope = desk.office.does(&key, "build_envelope", envelope);
        let run = json!({"envelope": envelope, "input": {"text": words}});
        runs.push(desk.office.does(&key, "create_run", run)["run_id"].clone());
    }
    let gateway = format!("http://{}", desk.gateway.address);
    let tool = format!("test_simple_text__{SERVER}");
    let output = agent.args([&gateway, &key, &tool, "--runs", "2"]).output().expect("the agent runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim().replace(' ', ""), r#"{"ended":["completed","completed"]}"#);
    runs.iter().map(|run| desk.office.does(&key, "get_run", json!({"run_id": run}))).collect()
}

#[track_caller]
fn check(desk: &mut Desk, runs: &[Value]) {
    for (run, words) in runs.iter().zip(["one", "two"]) {
        let answer = text(&run["result"]["answer"]);
        assert!(answer.starts_with(words) && answer.len() > words.len() + 1, "{answer}");
    }
    // The calls are the runs' own, and what the model used is charged to them.
    let calls = desk.calls();
    for run in runs {
        assert!(
            calls.iter().any(|call| call["run_id"] == run["run_id"] && call["outcome"] == "succeeded"),
            "{calls:?}"
        );
        let (project, id) = (&desk.office.project, text(&run["run_id"]));
        let sql = format!(
            "select sum(spent_tokens) from awooop.budget_ledger where project_id = '{project}' and escrow_id = '{id}'"
        );
        assert_eq!(desk.office.sql(&sql), "42");
    }
}

#[test]
fn an_agent_in_python_works_with_an_http_client_and_the_mcp_client_alone() {
    let mut desk = Desk::new();
    let debians = PathBuf::from("/usr/bin/python3");
    let mut python = Command::new(if debians.exists() { debians } else { "python3".into() });
    python.env("PYTHONPATH", environment("AWOOOP_TEST_PYTHON"));
    python.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/python/agent.py"));
    let runs = works(python, &mut desk);
    check(&mut desk, &runs);
}

#[test]
fn an_agent_in_typescript_works_with_fetch_and_the_mcp_client_alone() {
    let mut desk = Desk::new();
    let mut node =
        Command::new(PathBuf::from(environment("AWOOOP_TEST_CONFORMANCE")).join("node_modules/node/bin/node"));
    node.arg(PathBuf::from(environment("AWOOOP_TEST_TYPESCRIPT")).join("agent.ts"));
    let runs = works(node, &mut desk);
    check(&mut desk, &runs);
}
