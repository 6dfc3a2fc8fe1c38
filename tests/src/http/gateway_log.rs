//! The gateway's log: one JSON line a request, and in none of them a key, a lease, a body, a query or a path.

use serde_json::json;

use super::scene::{Scene, claimed_run};

#[test]
fn the_log_has_a_line_for_each_request_and_nothing_that_the_caller_said() {
    let scene = Scene::alone(&[("LOG", "debug")]);
    let (caller, mut admin) = (&scene.caller, scene.project.admin());
    let (run, lease) = claimed_run(caller);
    let said = |status: u16, reply: super::client::Reply| assert_eq!(reply.status, status, "{reply:?}");
    // Successes.
    said(200, caller.call("whoami", json!({})));
    let step = json!({"run_id": run, "lease": lease, "step_key": "MARKER", "result": {"MARKER": "MARKER"}});
    said(200, caller.call("record_step", step));
    let issued = caller.call("create_api_key", json!({"name": "MARKER", "scopes": []})).expect(201);
    said(200, caller.send("GET", "/v1/platform/runs?agent_id=MARKER", ""));
    // Refusals, for which a key and a lease are presented that are wrong.
    said(401, caller.with_key("awk_MARKER.MARKER.MARKER").call("whoami", json!({})));
    said(401, caller.call_with("whoami", json!({}), &[("X-Project-Id", "MARKER")]));
    said(409, caller.call("complete_run", json!({"run_id": run, "lease": format!("{lease}x")})));
    said(403, scene.caller_with("runs:read").call("build_envelope", super::scene::message("MARKER")));
    // Faults, the gateway's own and the database's.
    said(404, caller.send("GET", "/MARKER?MARKER=MARKER", ""));
    said(405, caller.send("PUT", "/v1/platform/runs?MARKER", "MARKER"));
    said(400, caller.send("POST", "/v1/platform/runs", "{\"MARKER\": \"MARKER\""));
    said(400, caller.send("GET", "/v1/platform/runs/MARKER?MARKER=1", ""));
    said(415, caller.plain("POST", "/v1/platform/runs", &[("Content-Type", "MARKER")], "MARKER"));
    let odd = caller.exchange(caller.head("MARKER /v1/platform/runs", "X-MARKER: MARKER\r\n").as_bytes());
    assert!(odd.starts_with(b"HTTP/1.1 405"));
    assert!(caller.exchange(b"MARKER MARKER\r\n\r\n").starts_with(b"HTTP/1.1 400"));
    // A fault that nobody foresaw, whose message and DETAIL quote the row.
    admin.run("alter table awooop.platform_subjects add check (channel_user_id not like 'MARKER%') not valid");
    let fault = caller.call("build_envelope", super::scene::message("MARKER-1"));
    assert_eq!(fault.problem(), (500, "E-SYS-002".into()));

    let line_of = |id: &str| scene.gateway.lines().into_iter().find(|line| line["request_id"] == id);
    let id = fault.header("x-request-id").to_owned();
    crate::harness::answer::eventually("the line of the last request", || {
        scene.gateway.lines().iter().filter(|line| line["request_id"] == id).count() == 2
    });
    let log = scene.gateway.log();
    let secret = caller.key.rsplit_once('.').expect("three parts").1;
    let new_secret = issued["api_key"].as_str().and_then(|key| key.rsplit_once('.')).expect("three parts").1;
    let lease_secret = lease.rsplit_once('.').map_or(lease.as_str(), |(_, secret)| secret);
    for (what, text) in [
        ("what the caller sent", "MARKER"),
        ("a key's secret", secret),
        ("a new key's secret", new_secret),
        ("a lease", lease_secret),
        ("an authorization header", "Bearer"),
        ("a query", "agent_id="),
        ("a run's id", &run),
        ("the password of the database", "secret"),
        ("the connection URL", "postgresql:"),
    ] {
        assert!(!log.contains(text), "the log has {what}:\n{log}");
    }
    // What the client is not told, the log says under the same id.
    let cause = line_of(&id).expect("a line");
    assert!(cause["cause"].as_str().is_some_and(|cause| cause.starts_with("SQLSTATE 23514")), "{cause}");
    let requests: Vec<_> = scene.gateway.lines().into_iter().filter(|line| line["message"] == "request").collect();
    for line in &requests {
        for member in ["timestamp", "level", "method", "route", "operation", "status", "duration_us", "trace_id"] {
            assert!(!line[member].is_null(), "no {member}: {line}");
        }
    }
    let of = |method: &str, route: &str, status: u64| {
        requests.iter().any(|line| line["method"] == method && line["route"] == route && line["status"] == status)
    };
    assert!(of("GET", "/v1/platform/runs/{run_id}", 400), "a route is its template");
    assert!(of("GET", "-", 404) && of("OTHER", "-", 405), "an unknown address or method is not repeated");
}
