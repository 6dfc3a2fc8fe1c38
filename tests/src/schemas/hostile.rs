//! Schemas and documents that are made to take long, to take memory, or to make the server reach out: each ends, with a
//! refusal or a verdict, within memory that one backend may well use.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::harness::{Session, literal, superuser};

/// What a backend may grow by, in KiB, whatever it is given.
const MOST_GROWTH: u64 = 192 * 1024;

/// The error code, or the keywords of the errors, of checking a document.
fn verdict(session: &mut Session, schema: &str, document: &str) -> String {
    let sql = format!(
        "select coalesce(string_agg(distinct keyword, ','), 'valid') from awooop.json_schema_errors({}, {})",
        literal(schema),
        literal(document)
    );
    session.ask(&sql).unwrap_or_else(|failure| failure.code())
}

/// The most memory that the session's backend has used, in KiB.
fn peak(session: &mut Session) -> u64 {
    let pid = session.value("select pg_backend_pid()");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs on this machine");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// `inner` between so many openings and closings; as a value it would be too deep for the test itself.
fn nested(levels: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

/// Each definition refers twice to the next: two to the power of `length` subschemas for one value.
fn doubling(length: usize) -> Value {
    let reference = |n: usize| json!({"$ref": format!("#/$defs/d{n}")});
    let mut definitions = serde_json::Map::new();
    for n in 0..length {
        definitions.insert(format!("d{n}"), json!({"allOf": [reference(n + 1), reference(n + 1)]}));
    }
    definitions.insert(format!("d{length}"), json!({"type": "string"}));
    json!({"$ref": "#/$defs/d0", "$defs": definitions})
}

#[test]
fn a_hostile_schema_or_document_ends_in_bounded_time_and_memory() {
    let mut session = superuser();
    // What takes longer than this has no bound; it is no measure of speed.
    session.run("set statement_timeout = '60s'");
    let before = peak(&mut session);
    let branching = json!({
        "$defs": {"tree": {"anyOf": [
            {"type": "object", "properties": {"l": {"$ref": "#/$defs/tree"}, "r": {"$ref": "#/$defs/tree"}}, "required": ["x"]},
            {"type": "object", "properties": {"l": {"$ref": "#/$defs/tree"}, "r": {"$ref": "#/$defs/tree"}}, "required": ["y"]}
        ]}},
        "$ref": "#/$defs/tree"
    });
    let deep_tree = nested(20, r#"{"x": 1, "l": "#, "{}", "}");
    let backtracking = json!({"pattern": "^(a+)+$"});
    let objects: Vec<Value> = (0..20_000).map(|n| json!({"n": n, "same": "value"})).collect();
    let cases = [
        ("doubling references", doubling(40), json!("x"), "E-SCHEMA-002"),
        ("a reference to itself", json!({"$ref": "#"}), json!(1), "E-SCHEMA-002"),
        ("a huge pattern", json!({"pattern": "(?:(?:a{1,1000}){1,1000}){1,1000}"}), json!("a"), "E-SCHEMA-002"),
        ("a pattern that others go back in", backtracking, json!(format!("{}!", "a".repeat(100_000))), "pattern"),
        ("a look-around", json!({"pattern": "(?=a)b"}), json!("a"), "E-SCHEMA-002"),
        ("many parts", json!({"allOf": vec![json!({"type": "object"}); 10_000]}), json!(1), "E-SCHEMA-002"),
        ("unique objects", json!({"uniqueItems": true}), Value::from(objects), "valid"),
    ];
    for (what, schema, document, expected) in cases {
        let found = verdict(&mut session, &schema.to_string(), &document.to_string());
        assert!(found == expected || expected == "valid" && found == "budget", "{what}: {found}");
    }
    let deep = nested(2_000, "{\"not\": ", "true", "}");
    assert_eq!(verdict(&mut session, &deep, "1"), "E-INPUT-006");
    assert_eq!(verdict(&mut session, "true", &nested(2_000, "[", "1", "]")), "E-INPUT-006");
    let found = verdict(&mut session, &branching.to_string(), &deep_tree);
    assert!(found.contains("budget") || found.contains("anyOf") || found == "valid", "a branching recursion: {found}");
    let growth = peak(&mut session) - before;
    assert!(growth < MOST_GROWTH, "the backend grew by {growth} KiB");
}

#[test]
fn no_reference_makes_the_server_reach_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("it does not wait");
    let at = listener.local_addr().expect("an address");
    let mut session = superuser();
    for schema in [
        json!({"$ref": format!("http://{at}/schema.json")}),
        json!({"$schema": format!("http://{at}/meta.json")}),
        json!({"properties": {"a": {"$dynamicRef": format!("http://{at}/schema.json#node")}}}),
        json!({"$id": format!("http://{at}/"), "allOf": [{"$ref": "other.json"}]}),
        json!({"$ref": "file:///etc/passwd"}),
    ] {
        assert_eq!(verdict(&mut session, &schema.to_string(), r#"{"a": 1}"#), "E-SCHEMA-002", "{schema}");
    }
    assert_eq!(listener.accept().map(drop).unwrap_err().kind(), ErrorKind::WouldBlock, "something was fetched");
}
