//! Charging runs, and stopping them.

use serde_json::json;

use super::scene::{Spender, code};

#[test]
fn a_run_is_charged_from_its_escrow_and_gives_the_rest_back() {
    let mut spender = Spender::new();
    spender.limit("month", 100_000);
    let run = spender.run("");
    for _ in 0..5 {
        assert_eq!(spender.charge(&run, 100)["outcome"], "charged");
    }
    let [spent, reserved, ..] = spender.tokens("month");
    assert_eq!(spent, 500);
    assert!(reserved > 0, "a chunk is held");
    spender.check();
    spender.complete(&run);
    assert_eq!(spender.tokens("month"), [500, 0, 0, 99_500]);
    spender.check();
}

#[test]
fn the_charge_that_no_limit_has_room_for_is_booked_and_stops_the_run() {
    let mut spender = Spender::new();
    spender.limit("day", 1000);
    let run = spender.run("");
    spender.charge(&run, 900);
    let call = spender.reserve_in(&run, 50, "");
    assert_eq!(call["tokens"], 50, "{call}");
    let stopped = spender.charge(&run, 200);
    assert_eq!(code(&stopped), "E-BUDGET-004", "{stopped}");
    assert_eq!(stopped["overrun"]["tokens"], 150);
    // State, lease, calls and reservations ended with it.
    let shown = spender.actor.call(&format!("select awooop.get_run('{}')", run.run));
    assert_eq!((&shown["state"], &shown["error"]["code"]), (&json!("failed"), &json!("E-BUDGET-004")));
    assert_eq!(shown["error"]["overrun"]["tokens"], 150);
    assert_eq!(spender.tokens("day"), [1000, 0, 150, 0]);
    spender.check();
    // The worker's next call is told so.
    assert_eq!(code(&spender.charge(&run, 1)), "E-RUN-003");
    let id = call["reservation_id"].as_str().unwrap();
    let settle = format!("select awooop.settle_budget('{id}', tokens => 1, lease => '{}')", run.lease);
    assert_eq!(spender.actor.code(&settle), "E-RUN-003");
    let stopped = spender.status()["stopped_runs"].clone();
    assert_eq!((&stopped[0]["run_id"], &stopped[0]["code"]), (&json!(run.run), &json!("E-BUDGET-004")));
    spender.check();
}

#[test]
fn calls_within_a_run_reserve_settle_and_release() {
    let mut spender = Spender::new();
    spender.limit("day", 10_000);
    let run = spender.run("");
    let id =
        |answer: &serde_json::Value| answer["reservation_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let (one, other, third) = (
        id(&spender.reserve_in(&run, 100, ", idempotency_key => 'a'")),
        id(&spender.reserve_in(&run, 100, "")),
        id(&spender.reserve_in(&run, 100, "")),
    );
    assert_eq!(id(&spender.reserve_in(&run, 100, ", idempotency_key => 'a'")), one);
    spender.check();
    let lease = run.lease.clone();
    let mut settle = |id: &str, tokens: i64| {
        spender.actor.call(&format!("select awooop.settle_budget('{id}', tokens => {tokens}, lease => '{lease}')"))
    };
    assert_eq!(settle(&one, 60)["outcome"], "settled");
    assert_eq!(settle(&one, 60)["outcome"], "settled");
    assert_eq!(settle(&other, 130)["overrun"]["tokens"], 0);
    spender.actor.call(&format!("select awooop.release_budget('{third}', '{lease}')"));
    spender.check();
    // What is still open when the run ends is booked whole.
    let open = id(&spender.reserve_in(&run, 40, ""));
    spender.complete(&run);
    assert_eq!(spender.tokens("day"), [60 + 130 + 40, 0, 0, 10_000 - 230]);
    assert!(!open.is_empty());
    spender.check();
}

#[test]
fn a_crashed_holders_chunk_comes_back_exactly_once() {
    let mut spender = Spender::new();
    spender.limit("day", 10_000);
    let run = spender.run("");
    spender.charge(&run, 100);
    spender.reserve_in(&run, 50, "");
    let mut admin = spender.project.admin();
    crate::harness::quiet::expire(&mut admin, &run.run);
    let reap = "select awooop.reap_stale_runs()";
    assert_eq!(spender.actor.call(reap)["requeued"], 1);
    assert_eq!(spender.actor.call(reap)["requeued"], 0);
    assert_eq!(spender.tokens("day"), [150, 0, 0, 9850]);
    spender.check();
    // The one that lost it charges nothing; the next one goes on.
    assert_eq!(code(&spender.charge(&run, 10)), "E-RUN-003");
    let next = spender.actor.claim_one("next");
    spender.charge(&next, 10);
    spender.complete(&next);
    assert_eq!(spender.tokens("day"), [160, 0, 0, 9840]);
    spender.check();
}

#[test]
fn a_step_is_charged_once_however_often_it_is_recorded() {
    let mut spender = Spender::new();
    spender.actor.call("select awooop.set_price('m', 3000000, 15000000, 300000)");
    let run = spender.run("");
    let record = format!(
        "select awooop.record_step('{}', '{}', 'ask', '{{}}', model => 'm', input_tokens => 1000, cached_tokens => 10,
                output_tokens => 100)",
        run.run, run.lease
    );
    assert_eq!(spender.actor.call(&record)["outcome"], "recorded");
    assert_eq!(spender.actor.call(&record)["outcome"], "replayed");
    let ledger = spender.actor.call(&format!("select awooop.list_ledger('{}')", run.run));
    let settled: Vec<_> = ledger["items"].as_array().unwrap().iter().filter(|e| e["entry"] == "settle").collect();
    assert_eq!(settled.len(), 1);
    assert_eq!((&settled[0]["tokens"], &settled[0]["micro_usd"]), (&json!(1110), &json!(3000 + 3 + 1500)));
    assert_eq!((&settled[0]["model"], &settled[0]["input_tokens"]), (&json!("m"), &json!(1000)));
    spender.check();
}

#[test]
fn a_charge_with_a_key_is_the_same_charge() {
    let mut spender = Spender::new();
    let run = spender.run("");
    let with_key = |tokens: i64| format!(", tokens => {tokens}, idempotency_key => 'k'");
    for _ in 0..3 {
        assert_eq!(spender.charge_with(&run, &with_key(10))["tokens"], 10);
    }
    let (id, lease) = (&run.run, &run.lease);
    let other = format!("select awooop.settle_budget(run_id => '{id}', lease => '{lease}'{})", with_key(11));
    assert_eq!(spender.actor.code(&other), "E-BUDGET-008");
    assert_eq!(spender.total()[0], 10);
    spender.check();
}

#[test]
fn a_run_keeps_its_own_limit() {
    let mut spender = Spender::new();
    spender.actor.call("select awooop.set_budget('agent', 'run', '*', hard_tokens => 100)");
    let (one, other) = (spender.run(""), spender.run(""));
    spender.charge(&one, 100);
    let stopped = spender.charge(&one, 1);
    assert_eq!((code(&stopped), &stopped["overrun"]["tokens"]), ("E-BUDGET-004", &json!(1)));
    assert_eq!(spender.charge(&other, 60)["outcome"], "charged");
    assert_eq!(code(&spender.reserve_in(&other, 41, "")), "E-BUDGET-001");
    spender.check();
}
