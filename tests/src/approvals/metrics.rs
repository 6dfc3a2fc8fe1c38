//! What Prometheus is told of approvals.

use serde_json::json;

use super::stage::{Desk, REFUND, refund};
use crate::harness::quiet::text;

#[test]
fn metrics_count_waiting_approved_rejected_expired_used_and_replayed() {
    let mut desk = Desk::alone();
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    let (run, _, token) = desk.approved("A-1");
    desk.does(&worker, "record_step", Desk::step(&run, &token, refund("A-1")));
    for n in 0..2 {
        let mut step = Desk::step(&run, &token, refund("A-1"));
        step["step_key"] = format!("again-{n}").into();
        assert_eq!(desk.code(&worker, "record_step", step), "E-TOKEN-019");
    }
    desk.approved("A-2");
    for order in ["A-3", "A-4", "A-5"] {
        let run = desk.run();
        let id = desk.request(&run, REFUND, refund(order));
        match order {
            "A-3" => drop(desk.reject(&cleo, &id)),
            "A-4" => {
                desk.age(&id, "expires_at", 100_000);
                desk.office.sql("select awooop.maintain()");
            }
            _ => desk.age(&id, "asked_at", 50),
        }
    }
    let reader = desk.office.key("reader", "approvals:read");
    let metrics = text(&desk.does(&reader, "approval_metrics", json!({})));
    let project = desk.office.project.clone();
    for (state, count) in
        [("waiting", 1), ("approved", 1), ("used", 1), ("lapsed", 0), ("rejected", 1), ("expired", 1), ("cancelled", 0)]
    {
        let line = format!("awooop_approvals{{project=\"{project}\",state=\"{state}\"}} {count}");
        assert!(metrics.lines().any(|found| found == line), "{line} is not in:\n{metrics}");
    }
    assert!(metrics.contains(&format!("awooop_approval_replays_total{{project=\"{project}\"}} 2")), "{metrics}");
    let longest =
        metrics.lines().find_map(|line| line.strip_prefix("awooop_approval_longest_wait_seconds{")).expect("the wait");
    let seconds: i64 = longest.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!((50..600).contains(&seconds), "{longest}");
}
