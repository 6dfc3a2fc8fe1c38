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

#[test]
fn steps_charge_what_they_used_until_one_stops_the_run() {
    let mut spender = Spender::new();
    spender.limit("day", 1000);
    let run = spender.run("");
    let step = |n: i64, tokens: i64| run.sql("record_step", &format!(", 'step-{n}', '{{}}', tokens => {tokens}"));
    for n in 0..9 {
        assert_eq!(spender.actor.call(&step(n, 100))["outcome"], "recorded");
        assert_eq!(spender.actor.call(&step(n, 100))["outcome"], "replayed");
    }
    spender.check();
    assert_eq!(spender.tokens("day")[0], 900);
    let stopped = spender.actor.call(&step(9, 300));
    assert_eq!((code(&stopped), &stopped["overrun"]["tokens"]), ("E-BUDGET-004", &json!(200)));
    // What the step did is known, and what it used is booked.
    let steps = spender.actor.call(&format!("select awooop.list_steps('{}')", run.run));
    assert_eq!(steps["items"].as_array().map(Vec::len), Some(10));
    assert_eq!(spender.tokens("day"), [1000, 0, 200, 0]);
    spender.check();
}

#[test]
fn a_step_whose_price_nobody_knows_is_not_recorded_and_is_charged_when_somebody_says_it() {
    let mut spender = Spender::new();
    spender.actor.call("select awooop.set_budget('project', 'day', hard_micro_usd => 1000)");
    let run = spender.run("");
    let step = |rest: &str| run.sql("record_step", &format!(", 'ask', '{{}}', model => 'm', input_tokens => 10{rest}"));
    assert_eq!(code(&spender.actor.call(&step(""))), "E-BUDGET-007");
    let steps = spender.actor.call(&format!("select awooop.list_steps('{}')", run.run));
    assert_eq!(steps["items"], json!([]));
    assert_eq!(spender.actor.call(&step(", micro_usd => 70"))["outcome"], "recorded");
    assert_eq!(spender.status()["total"]["spent"]["micro_usd"], 70);
    spender.check();
}

#[test]
fn the_charge_that_stopped_a_run_is_not_answered_as_if_it_had_not() {
    let mut spender = Spender::new();
    spender.limit("day", 100);
    let run = spender.run("");
    let keyed = |tokens: i64, key: &str| format!(", tokens => {tokens}, idempotency_key => '{key}'");
    assert_eq!(spender.charge_with(&run, &keyed(40, "a"))["outcome"], "charged");
    assert_eq!(spender.charge_with(&run, &keyed(40, "a"))["outcome"], "charged");
    assert_eq!(spender.tokens("day")[0], 40);
    assert_eq!(code(&spender.charge_with(&run, &keyed(90, "b"))), "E-BUDGET-004");
    assert_eq!(code(&spender.charge_with(&run, &keyed(90, "b"))), "E-RUN-003");
    // Who has no lease learns of no key what it was for.
    spender.limit("day", 1000);
    let held = spender.run("");
    spender.charge_with(&held, &keyed(1, "c"));
    let forged = crate::harness::quiet::Claim { lease: format!("{}x", held.lease), ..held };
    for tokens in [1, 2] {
        assert_eq!(code(&spender.charge_with(&forged, &keyed(tokens, "c"))), "E-RUN-003");
    }
    spender.check();
}

#[test]
fn a_runs_own_soft_limit_tells_once() {
    let mut spender = Spender::new();
    let run = spender.run("");
    let limit =
        format!("select awooop.set_budget('run', 'run', '{}', hard_tokens => 1000, soft_percent => 50)", run.run);
    spender.actor.call(&limit);
    let told = "select (awooop.list_audit(action => 'budget_soft_limit') -> 'items')";
    spender.charge(&run, 499);
    assert_eq!(spender.actor.call(told), json!([]), "not before it is reached");
    for _ in 0..3 {
        spender.charge(&run, 100);
    }
    let rows = spender.actor.call(told);
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let facts = &rows[0]["facts"];
    assert_eq!(
        (&facts["level"], &facts["period"], &rows[0]["run_id"]),
        (&json!("run"), &json!("run"), &json!(run.run))
    );
    spender.check();
}

#[test]
fn a_switch_for_a_person_or_a_run_stops_what_is_under_way() {
    for level in ["subject", "run"] {
        let mut spender = Spender::new();
        let run = spender.run("");
        spender.charge(&run, 1);
        let target = match level {
            "run" => run.run.clone(),
            _ => spender.actor.envelope()["platform_subject_id"].as_str().expect("a subject").to_owned(),
        };
        spender.actor.call(&format!("select awooop.switch_budget('{level}', 'killed', '{target}', 'enough')"));
        let stopped = spender.charge(&run, 1);
        assert_eq!(code(&stopped), "E-BUDGET-003", "{level}: {stopped}");
        assert_eq!(spender.actor.state(&run.run), "failed", "{level}");
        spender.check();
    }
}

#[test]
fn the_ledger_names_the_key_of_what_is_reserved_within_a_run() {
    let mut spender = Spender::new();
    let run = spender.run("");
    spender.reserve_in(&run, 10, ", idempotency_key => 'k'");
    // The same key of a charge is another thing.
    spender.charge_with(&run, ", tokens => 5, idempotency_key => 'k'");
    let ledger = spender.actor.call(&format!("select awooop.list_ledger('{}')", run.run));
    let keyed: Vec<(&str, i64)> = ledger["items"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["idempotency_key"] == "k")
        .map(|entry| (entry["entry"].as_str().unwrap_or_default(), entry["tokens"].as_i64().unwrap_or_default()))
        .collect();
    assert_eq!(keyed, [("reserve", 10), ("settle", 5)]);
    spender.check();
}
