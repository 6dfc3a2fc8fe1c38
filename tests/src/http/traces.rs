//! The two names of a request, in and out: its id, and the trace it belongs to.

use serde_json::json;

use super::scene::{Scene, message};
use crate::harness::quiet::text;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn inbound() -> String {
    format!("00-{TRACE}-00f067aa0ba902b7-01")
}

#[test]
fn an_inbound_trace_is_continued_in_the_envelope_the_run_and_the_audit_log() {
    let scene = Scene::new();
    let (caller, traceparent) = (&scene.caller, inbound());
    let traced = [("traceparent", traceparent.as_str())];
    let reply = caller.call_with("build_envelope", message("7"), &traced);
    assert_eq!(reply.header("traceparent"), traceparent);
    let envelope = reply.expect(200);
    let own = text(&envelope["trace_id"]);
    assert_eq!(own[3..35], *TRACE);
    assert_ne!(own, traceparent, "the envelope is a span of its own");
    let run = caller.call("create_run", json!({"envelope": envelope})).expect(201)["run_id"].clone();
    let shown = caller.call("get_run", json!({"run_id": run})).expect(200);
    assert_eq!(text(&shown["envelope"]["trace_id"])[3..35], *TRACE, "the trace stays with the run");
    // What is refused is found by the caller's trace, too.
    let reader = scene.caller_with("runs:read");
    assert_eq!(reader.call_with("cancel_run", json!({"run_id": run}), &traced).status, 403);
    let audit = caller.call("list_audit", json!({})).expect(200);
    let of = |action: &str| {
        let items = audit["items"].as_array().expect("items");
        let row = items.iter().find(|row| row["action"] == action).unwrap_or_else(|| panic!("no {action}: {audit}"));
        text(&row["trace_id"])
    };
    for action in ["run_created", "cancel_run"] {
        assert_eq!(of(action)[3..35], *TRACE, "{action}");
    }
}

#[test]
fn a_request_without_a_usable_trace_begins_one_that_the_database_uses() {
    let scene = Scene::new();
    let upper = inbound().to_uppercase();
    for given in [
        None,
        Some(""),
        Some("garbage"),
        Some(upper.as_str()),
        Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        Some("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ] {
        let headers: Vec<(&str, &str)> = given.map(|value| ("traceparent", value)).into_iter().collect();
        let reply = scene.caller.call_with("build_envelope", message("7"), &headers);
        let out = reply.header("traceparent").to_owned();
        assert_eq!(text(&reply.expect(200)["trace_id"])[3..35], out[3..35], "{given:?}");
        assert_ne!(out[3..35], *TRACE, "{given:?}");
    }
}

#[test]
fn a_request_keeps_the_id_it_came_with_in_answer_and_log() {
    let scene = Scene::new();
    let id = format!("order-{}_7.a", std::process::id());
    for (reply, status) in [
        (scene.caller.call_with("whoami", json!({}), &[("X-Request-Id", &id)]), 200),
        (scene.caller.send_with("GET", "/nowhere", "", &[("X-Request-Id", &id)]), 404),
        (scene.caller.send_with("GET", "/healthz", "", &[("X-Request-Id", &id)]), 200),
    ] {
        assert_eq!((reply.status, reply.header("x-request-id")), (status, id.as_str()));
    }
    crate::harness::answer::eventually("the lines in the log", || {
        scene.gateway.lines().iter().filter(|line| line["request_id"] == id).count() == 3
    });
    let mut fresh = std::collections::BTreeSet::new();
    for forged in ["", "a b", "x\"}{\"level\":\"ERROR", &"x".repeat(129)] {
        let reply = scene.caller.call_with("whoami", json!({}), &[("X-Request-Id", forged)]);
        let given = reply.header("x-request-id").to_owned();
        assert_eq!(given.len(), 36, "{forged:.20}");
        assert!(fresh.insert(given), "two requests have one id");
    }
}
