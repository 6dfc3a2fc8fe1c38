//! Budgets for tests that are about something else: every operation on them, used once with what it must answer.

use serde_json::{Value, json};

/// Uses every operation on budgets once at least, and the arguments of runs that are about them. `does` carries an
/// operation out, for the same caller each time, and returns its answer. The agent of the envelope has no other work.
#[track_caller]
pub fn every_operation(envelope: &Value, mut does: impl FnMut(&str, Value) -> Value) {
    let price = does(
        "set_price",
        json!({"model": "m", "input_micro_usd": 3_000_000, "output_micro_usd": 15_000_000, "cached_micro_usd": 300_000}),
    );
    assert_eq!(does("list_prices", json!({"model": "m", "page_size": 1}))["items"], json!([price]));
    let set = does(
        "set_budget",
        json!({"level": "project", "period": "day", "hard_tokens": 10_000, "hard_micro_usd": 50_000,
               "soft_percent": 50, "burst_percent": 10}),
    );
    assert_eq!((&set["source"], &set["removed"]), (&json!("operation"), &json!(false)));
    let of_each_run = json!({"level": "agent", "target": "*", "period": "run", "hard_tokens": 5000});
    does("set_budget", of_each_run);
    let subject = &envelope["platform_subject_id"];
    let pause = json!({"level": "subject", "target": subject, "state": "paused", "reason": "a look at the bill"});
    assert_eq!(does("switch_budget", pause.clone()), pause);
    let resumed = does("switch_budget", json!({"level": "subject", "target": subject, "state": "active"}));
    assert_eq!((&resumed["state"], &resumed["reason"]), (&json!("active"), &Value::Null));
    let held = outside_of_a_run(envelope, &mut does);
    within_a_run(envelope, &mut does);
    let status = does("budget_status", json!({"level": "project"}));
    let limit = &status["limits"][0];
    for (part, tokens, micro_usd) in
        [("spent", 1217, 4471), ("reserved", 0, 0), ("overrun", 0, 100), ("left", 8783, 45_429)]
    {
        let shown = (&limit["tokens"][part], &limit["micro_usd"][part]);
        assert_eq!(shown, (&json!(tokens), &json!(micro_usd)), "{part}: {status}");
    }
    let gauges = does("budget_metrics", json!({}));
    let gauges = gauges.as_str().expect("a text");
    assert!(gauges.contains("# TYPE awooop_budget_spent gauge\nawooop_budget_spent{project=\""), "{gauges}");
    assert!(gauges.contains("level=\"project\",target=\"\",period=\"day\",unit=\"tokens\"} 1217\n"), "{gauges}");
    let checked = does("budget_check", json!({}));
    assert_eq!((&checked["ok"], &checked["differences"]), (&json!(true), &json!([])), "{checked}");
    let ledger = does("list_ledger", json!({"escrow_id": held, "after_seq": 0, "page_size": 10}));
    let entries: Vec<&Value> =
        ledger["items"].as_array().expect("entries").iter().map(|entry| &entry["entry"]).collect();
    assert_eq!(entries, ["reserve", "settle", "release", "adjust"]);
    let removed = does("set_budget", json!({"level": "agent", "target": "*", "period": "run"}));
    assert_eq!(removed["removed"], true);
}

/// Returns the reservation that was settled and adjusted.
fn outside_of_a_run(envelope: &Value, does: &mut impl FnMut(&str, Value) -> Value) -> Value {
    let held = does(
        "reserve_budget",
        json!({"envelope": envelope, "model": "m", "input_tokens": 1000, "cached_tokens": 0, "output_tokens": 100,
               "kind": "llm", "expires_seconds": 60, "idempotency_key": "call-1"}),
    );
    assert_eq!((&held["tokens"], &held["micro_usd"]), (&json!(1100), &json!(4500)));
    let id = held["reservation_id"].clone();
    let used = json!({"reservation_id": id, "tokens": 1000, "micro_usd": 4000});
    assert_eq!(does("settle_budget", used)["overrun"], json!({"tokens": 0, "micro_usd": 0}));
    let unused = does("reserve_budget", json!({"envelope": envelope, "tokens": 10, "micro_usd": 1}));
    let released = does("release_budget", json!({"reservation_id": unused["reservation_id"]}));
    assert_eq!(released["outcome"], "released");
    let bill = json!({"escrow_id": id, "reason": "the bill", "micro_usd": 100, "idempotency_key": "bill-1"});
    assert_eq!(does("adjust_budget", bill), json!({"escrow_id": id, "tokens": 0, "micro_usd": 100}));
    id
}

fn within_a_run(envelope: &Value, does: &mut impl FnMut(&str, Value) -> Value) {
    let create = json!({"envelope": envelope, "reserve_tokens": 2000, "reserve_micro_usd": 1000, "priority": 9});
    let run = does("create_run", create)["run_id"].clone();
    let claims = does("claim_runs", json!({"worker_id": "w", "max_runs": 10}))["runs"].clone();
    let claim = claims.as_array().into_iter().flatten().find(|claim| claim["run_id"] == run).expect("the run");
    let lease = &claim["lease"];
    // 160 tokens, for 300 + 15 + 150.
    does(
        "record_step",
        json!({"run_id": run, "lease": lease, "step_key": "ask", "kind": "llm", "model": "m", "input_tokens": 100,
               "cached_tokens": 50, "output_tokens": 10}),
    );
    does("record_step", json!({"run_id": run, "lease": lease, "step_key": "look", "tokens": 0, "micro_usd": 0}));
    let mut within = envelope.clone();
    within["run_id"] = run.clone();
    let call = does("reserve_budget", json!({"envelope": within, "lease": lease, "tokens": 100, "micro_usd": 10}));
    let id = &call["reservation_id"];
    let used = json!({"reservation_id": id, "run_id": run, "lease": lease, "tokens": 50, "micro_usd": 5});
    assert_eq!(does("settle_budget", used)["outcome"], "settled");
    let charge = json!({"run_id": run, "lease": lease, "tokens": 7, "micro_usd": 1, "idempotency_key": "charge-1"});
    assert_eq!(does("settle_budget", charge)["outcome"], "charged");
    assert_eq!(does("complete_run", json!({"run_id": run, "lease": lease}))["state"], "completed");
}
