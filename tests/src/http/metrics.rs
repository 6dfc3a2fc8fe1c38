//! What Prometheus reads: counters that move with what happened, and labels that no caller can make grow.

use std::collections::{BTreeMap, BTreeSet};

use awooop_policy::operation::OPERATIONS;
use serde_json::json;

use super::client::Caller;
use super::scene::{Scene, claimed_run};

/// Every sample by its name and labels.
#[track_caller]
pub fn read(caller: &Caller) -> BTreeMap<String, f64> {
    let page = caller.get("/metrics");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/plain; version=0.0.4"), "{page:?}");
    let mut samples = BTreeMap::new();
    for line in page.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let value: f64 = value.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(samples.insert(name.to_owned(), value).is_none(), "{name} stands twice");
    }
    samples
}

fn requests(operation: &str, class: &str) -> String {
    format!("awooop_gateway_requests_total{{class=\"{class}\",operation=\"{operation}\"}}")
}

#[test]
fn counters_move_with_what_happened() {
    let scene = Scene::alone(&[]);
    let before = read(&scene.caller);
    for _ in 0..3 {
        assert_eq!(scene.caller.call("whoami", json!({})).status, 200);
    }
    let wrong = scene.caller.with_key(&format!("{}x", scene.caller.key));
    (0..2).for_each(|_| assert_eq!(wrong.call("whoami", json!({})).status, 401));
    assert_eq!(scene.caller.send("POST", "/v1/platform/runs", "{").status, 400);
    assert_eq!(scene.caller.send("GET", "/v1/nowhere", "").status, 404);
    let after = read(&scene.caller);
    let moved = |name: &str| after[name] - before[name];
    assert_eq!(moved(&requests("whoami", "2xx")), 3.0);
    assert_eq!(moved(&requests("whoami", "4xx")), 2.0);
    assert_eq!(moved(&requests("create_run", "4xx")), 1.0);
    assert_eq!(moved(&requests("-", "4xx")), 1.0);
    assert_eq!(moved("awooop_gateway_failed_authentications_total{outcome=\"refused\"}"), 2.0);
    assert_eq!(moved("awooop_gateway_failed_authentications_total{outcome=\"throttled\"}"), 0.0);
    assert_eq!(moved("awooop_gateway_request_seconds_count{operation=\"whoami\"}"), 5.0);
    assert_eq!(moved("awooop_gateway_request_seconds_bucket{operation=\"whoami\",le=\"+Inf\"}"), 5.0);
    assert!(moved("awooop_gateway_request_seconds_sum{operation=\"whoami\"}") > 0.0);
    assert_eq!(after["awooop_gateway_pool{state=\"limit\"}"], 4.0);
    assert!(after["process_resident_memory_bytes"] > 0.0);
    // A minute may end meanwhile, which begins the count again.
    assert!((0..60).any(|_| wrong.call("whoami", json!({})).status == 429), "nothing is throttled");
    assert!(read(&scene.caller)["awooop_gateway_failed_authentications_total{outcome=\"throttled\"}"] > 0.0);
}

#[test]
fn no_label_says_who_or_what_it_was() {
    let scene = Scene::new();
    let (run, _) = claimed_run(&scene.caller);
    assert_eq!(scene.caller.call("get_run", json!({"run_id": run})).status, 200);
    for n in 0..5 {
        assert_eq!(scene.caller.send("GET", &format!("/v1/guess/{n}"), "").status, 404);
        let odd = scene.caller.head(&format!("ODD{n} /v1/platform/runs"), "");
        assert_eq!(scene.caller.raw(odd.as_bytes()).status, 405);
    }
    let mut known: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    known.extend(["-", "1xx", "2xx", "3xx", "4xx", "5xx", "refused", "throttled"]);
    known.extend(["limit", "open", "idle", "in_use", "waiting"]);
    for name in read(&scene.caller).into_keys() {
        let Some((_, labels)) = name.split_once('{') else { continue };
        for label in labels.trim_end_matches('}').split(',') {
            let (label, value) = label.split_once("=\"").expect("a label");
            let value = value.trim_end_matches('"');
            let bound = label == "le" && (value == "+Inf" || value.parse::<f64>().is_ok());
            assert!(bound || known.contains(value), "{name}");
        }
    }
}
