//! The public conformance suite of MCP, through the gateway: with a key, contracts, grants, and every gate in its place. The
//! suite sends no key, so a proxy of the tests puts one before each request; nothing else stands between.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::stage::{Desk, Fixture, SERVER, Setup};
use crate::harness::server::environment;
use crate::harness::unique;

/// Runs the requirement set of a revision; the checks that failed, and how many scenarios there were.
fn run(requirements: &str) -> (Vec<String>, usize) {
    // What the suite calls a valid origin is a page of this machine.
    let origins = ("ALLOWED_ORIGINS", "http://localhost:*,http://127.0.0.1:*");
    let desk = Desk::with(Setup { gateway: vec![origins], ..Setup::default() });
    let upstream = format!("http://{}", desk.gateway.address);
    let key = format!("Authorization=Bearer {}", desk.agent);
    let proxy = Fixture::start("header-proxy", &["--upstream", &upstream, "--header", &key]);
    let url = format!("{}/v1/mcp/{SERVER}", proxy.origin);
    let installed = PathBuf::from(environment("AWOOOP_TEST_CONFORMANCE")).join("node_modules");
    let results = std::env::temp_dir().join(unique("conformance"));
    let mut suite = Command::new(installed.join("node/bin/node"));
    suite.arg(installed.join("@modelcontextprotocol/conformance/dist/index.js"));
    suite.args(["server", "--url", &url, "--requirements", requirements, "--output-dir"]).arg(&results);
    let output = suite.output().expect("the suite runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let required = required(&installed, requirements);
    let (failed, scenarios) = read(&results, &required);
    let _ = std::fs::remove_dir_all(&results);
    assert!(scenarios > 0, "the suite did not run: {said}");
    if !failed.is_empty() {
        eprintln!("{said}");
    }
    (failed, scenarios)
}

/// The scenarios that a revision's requirement set asks of servers; the suite runs others as well, which are extensions.
fn required(installed: &Path, requirements: &str) -> Vec<String> {
    let file = installed.join(format!("@modelcontextprotocol/conformance/requirements/{requirements}.yaml"));
    let text = std::fs::read_to_string(file).expect("the requirement set");
    let (_, servers) = text.split_once("\nserver:\n").expect("what it asks of servers");
    servers.lines().map_while(|line| line.trim().strip_prefix("- ")).map(str::to_owned).collect()
}

/// What the suite wrote of each required scenario: `server-{scenario}-{time}/checks.json`, a list of checks.
fn read(results: &Path, required: &[String]) -> (Vec<String>, usize) {
    let mut failed = Vec::new();
    let mut scenarios = 0;
    for entry in std::fs::read_dir(results).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_required = |scenario: &String| {
            // What follows the name is the time.
            let rest = name.strip_prefix("server-").and_then(|name| name.strip_prefix(scenario.as_str()));
            rest.is_some_and(|rest| rest.starts_with("-20"))
        };
        let Ok(text) = std::fs::read_to_string(entry.path().join("checks.json")) else { continue };
        if !required.iter().any(is_required) {
            continue;
        }
        let checks: Value = serde_json::from_str(&text).expect("JSON");
        scenarios += 1;
        for check in checks.as_array().expect("checks") {
            if check["status"] == "FAILURE" {
                failed.push(format!(
                    "{}: {} {}",
                    entry.file_name().to_string_lossy(),
                    check["id"],
                    check["errorMessage"]
                ));
            }
        }
    }
    (failed, scenarios)
}

#[test]
fn every_scenario_of_the_current_revision_passes_through_the_gateway() {
    let (failed, scenarios) = run("2026-07-28");
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(scenarios, 37);
}

#[test]
fn every_scenario_of_the_revision_before_passes_through_the_gateway() {
    let (failed, scenarios) = run("2025-11-25");
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(scenarios, 30);
}
