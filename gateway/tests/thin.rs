//! The gateway is a carrier: it runs fourteen statements, names no table and decides nothing that policy decides. This
//! reads the sources and finds out.

#![allow(clippy::unwrap_used, reason = "clippy takes the functions that tests share for something else")]

use std::fs;
use std::path::Path;

/// All that the gateway's logins execute.
const ALLOWED: [&str; 14] = [
    "call",
    "operation_list",
    "health",
    "issuers_to_fetch",
    "store_issuer_keys",
    // As awooop_worker.
    "claim_messages",
    "mark_message",
    "claim_runs",
    "heartbeat",
    "record_step",
    "validate_output",
    "complete_run",
    "fail_run",
    "request_approval",
];

/// How a statement begins in a string constant.
const VERBS: [&str; 14] = [
    "select ",
    "insert ",
    "update ",
    "delete ",
    "merge ",
    "with ",
    "call ",
    "do ",
    "set ",
    "begin",
    "copy ",
    "listen ",
    "lock ",
    "truncate ",
];

const TABLES: [&str; 17] = [
    "run_state",
    "run_ready",
    "run_transition",
    "step_journal",
    "budget_ledger",
    "audit_log",
    "api_keys",
    "conversation_event",
    "outbound_message",
    "platform_subjects",
    "operation_override",
    "error_catalog",
    "mcp_server",
    "mcp_tool",
    "mcp_grant",
    "mcp_private_host",
    "token_issuer",
];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 15, "the sources are not where they were");
    found
}

fn word_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[test]
fn only_the_allowed_functions_are_named() {
    let mut named = Vec::new();
    for (file, text) in sources() {
        for (at, found) in text.match_indices("awooop.") {
            let function = word_at(&text[at + found.len()..]);
            assert!(ALLOWED.contains(&function) || function.is_empty(), "{file}: awooop.{function}");
            named.push(function.to_owned());
        }
    }
    for function in ALLOWED {
        assert!(named.iter().any(|one| one == function), "nothing runs awooop.{function}");
    }
}

#[test]
fn there_are_fourteen_statements_and_no_other_way_to_run_one() {
    let (mut statements, mut queries) = (Vec::new(), 0);
    for (file, text) in sources() {
        for verb in VERBS {
            let opening = format!("\"{verb}");
            for (at, _) in text.match_indices(&opening) {
                statements.push((file.clone(), text[at..].chars().take(60).collect::<String>()));
            }
        }
        queries += text.matches("sqlx::query(").count();
        for other in ["raw_sql", "query_scalar", "query_as", "query_with", "QueryBuilder", ".execute(", "PgListener"] {
            assert!(!text.contains(other), "{file} uses {other}");
        }
    }
    assert_eq!(statements.len(), 14, "{statements:#?}");
    assert!(statements.iter().all(|(_, literal)| literal.starts_with("\"select ")), "{statements:#?}");
    // One more is the first again, in a build with faults.
    assert_eq!(queries, 15);
}

#[test]
fn no_table_is_named() {
    for (file, text) in sources() {
        for table in TABLES {
            assert!(!text.contains(table), "{file} names the table {table}");
        }
    }
}

#[test]
fn a_secret_cannot_be_printed() {
    let mut seen = 0;
    for (file, text) in sources() {
        for name in ["Credential", "DatabaseUrl"] {
            let Some((before, _)) = text.split_once(&format!("pub struct {name}")) else {
                continue;
            };
            seen += 1;
            // The attributes of a type stand right before it.
            let attributes = before.rsplit("\n\n").next().unwrap_or_default();
            for form in ["Debug", "Display", "Serialize"] {
                assert!(
                    !attributes.lines().any(|line| line.starts_with("#[") && line.contains(form)),
                    "{file}: {name}"
                );
                assert!(!text.contains(&format!("{form} for {name}")), "{file}: {form} for {name}");
            }
        }
    }
    assert_eq!(seen, 2, "a type that holds a secret has moved");
}
