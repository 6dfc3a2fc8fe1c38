//! No argument text, however hostile, makes `awooop.call` answer anything but a result, a refusal or a named fault.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use std::cell::RefCell;

use crate::harness::Project;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::{EVERY_SCOPE, text};

/// JSON that is valid, nearly valid, or nothing of the kind.
fn any_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e400".to_owned()),
        Just("-9007199254740993".to_owned()),
        Just("\"\\u0000\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("[[[[[[[[[[[[[[]]]]]]]]]]]]]]".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        "[^\\x00]{0,20}".prop_map(|text| Value::from(text).to_string()),
        Just(format!("\"{}\"", "a".repeat(300))),
    ];
    let key = prop_oneof![
        Just("agent_id"),
        Just("channel_type"),
        Just("channel_user_id"),
        Just("envelope"),
        Just("input"),
        Just("run_id"),
        Just("lease"),
        Just("step_key"),
        Just("result"),
        Just("request"),
        Just("worker_id"),
        Just("max_runs"),
        Just("page_size"),
        Just("cursor"),
        Just("created_after"),
        Just("scopes"),
        Just("name"),
        Just("key_id"),
        Just("tags"),
        Just("extra_tags"),
        Just("other_leases"),
        Just("unknown"),
    ];
    let object = prop::collection::vec((key, leaf), 0..6).prop_map(|members| {
        let members: Vec<String> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    });
    prop_oneof![8 => object, 1 => "[^\\x00]{0,40}", 1 => "\\{[^\\x00]{0,40}\\}"]
}

#[test]
fn no_argument_text_makes_an_internal_error() {
    let project = Project::new();
    let create = format!("select awooop.create_api_key('k', string_to_array('{EVERY_SCOPE}', ','))");
    let key = text(&project.actor().call(&create)["api_key"]);
    let gateway = RefCell::new(gateway_login_in(&project.database));
    let names: Vec<&str> = awooop_policy::operation::OPERATIONS.iter().map(|operation| operation.name).collect();
    let mut runner = TestRunner::new(Config { cases: 1500, failure_persistence: None, ..Config::default() });
    let cases = (prop::sample::select(names), any_text());
    let outcome = runner.run(&cases, |(operation, arguments)| {
        // The session itself panics at XX000 and at anything that shows the server's insides.
        match gateway.borrow_mut().try_call(&project.id, &key, operation, &arguments) {
            Ok(reply) => prop_assert!(reply.status < 300 || reply.body["code"].is_string(), "{reply:?}"),
            Err(failure) => prop_assert!(failure.code().starts_with("E-"), "{operation} {arguments}: {failure:?}"),
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn hostile_documents_get_their_code() {
    let project = Project::new();
    let create = format!("select awooop.create_api_key('k', string_to_array('{EVERY_SCOPE}', ','))");
    let key = text(&project.actor().call(&create)["api_key"]);
    let mut gateway = gateway_login_in(&project.database);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"worker_id\":\"{}\"}}", "a".repeat(1 << 20));
    for (arguments, code) in [
        ("", "E-INPUT-003"),
        ("[]", "E-INPUT-003"),
        ("null", "E-INPUT-003"),
        ("{} {}", "E-INPUT-003"),
        ("{\"worker_id\":\"a\"", "E-INPUT-003"),
        ("{\"worker_id\":\"a\",\"worker_id\":\"b\"}", "E-INPUT-004"),
        ("{\"worker_id\":\"a\",\"worker\\u005fid\":\"b\"}", "E-INPUT-004"),
        ("{\"max_runs\":1e400}", "E-INPUT-005"),
        ("{\"max_runs\":9007199254740993}", "E-INPUT-005"),
        (&deep, "E-INPUT-006"),
        (&large, "E-INPUT-007"),
        ("{\"worker_id\":\"\\u0000\"}", "E-INPUT-009"),
        ("{\"worker_id\":null}", "E-INPUT-008"),
        ("{}", "E-INPUT-008"),
        ("{\"worker_id\":\"a\",\"lease_seconds\":4}", "E-INPUT-001"),
        ("{\"worker_id\":7}", "E-INPUT-001"),
        ("{\"Worker_id\":\"a\"}", "E-INPUT-002"),
    ] {
        let failure = gateway.try_call(&project.id, &key, "claim_runs", arguments).unwrap_err();
        assert_eq!(failure.code(), code, "{:.60}", arguments);
        assert!(!failure.detail.contains("worker_id\":\"a"), "an error quotes its input: {failure:?}");
    }
    assert_eq!(gateway.try_call(&project.id, &key, "no_such", "{}").unwrap_err().code(), "E-OP-001");
}
