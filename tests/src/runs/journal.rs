//! The step journal: recorded once, replayed ever after.

use serde_json::{Value, json};

use crate::harness::quiet::{Claim, expire};
use crate::harness::{Actor, Project, at_once};

fn step(actor: &mut Actor, claim: &Claim, rest: &str) -> Value {
    actor.call(&claim.sql("record_step", rest))
}

/// Takes the run from its worker, as time does, and gives it to the next.
fn hand_on(project: &Project, actor: &mut Actor, run: &str) -> Claim {
    expire(&mut project.admin(), run);
    actor.reap();
    actor.claim_one("next")
}

#[test]
fn a_recorded_step_is_replayed_with_its_first_result() {
    let project = Project::new();
    let mut actor = project.actor();
    actor.create("");
    let claim = actor.claim_one("w");
    let first = step(&mut actor, &claim, r#", 'ask', '{"a": 1}', '{"q": 1}', 'llm'"#);
    assert_eq!((&first["outcome"], &first["seq"]), (&json!("recorded"), &json!(1)));
    let again = step(&mut actor, &claim, r#", 'ask', '{"a": 2}', '{"q": 1}', 'llm'"#);
    assert_eq!((&again["outcome"], &again["result"]), (&json!("replayed"), &json!({"a": 1})));
    assert_eq!(again["recorded_at"], first["recorded_at"]);
    let next = hand_on(&project, &mut actor, &claim.run);
    let replayed = step(&mut actor, &next, r#", 'ask', '{"a": 3}', '{"q": 1}', 'llm'"#);
    assert_eq!((&replayed["outcome"], &replayed["result"]), (&json!("replayed"), &json!({"a": 1})));
}

#[test]
fn a_step_key_stands_for_one_request() {
    let project = Project::new();
    let mut actor = project.actor();
    actor.create("");
    let claim = actor.claim_one("w");
    step(&mut actor, &claim, r#", 'ask', '1', '{"q": 1}'"#);
    assert_eq!(actor.code(&claim.sql("record_step", r#", 'ask', '1', '{"q": 2}'"#)), "E-RUN-005");
    // The order of members and the writing of a number make no other request.
    assert_eq!(step(&mut actor, &claim, r#", 'ask', '1', '{"q": 1.0}'"#)["outcome"], "replayed");
    // No request on either side compares with anything.
    assert_eq!(step(&mut actor, &claim, ", 'ask'")["outcome"], "replayed");
}

#[test]
fn a_step_that_an_earlier_attempt_started_is_unknown_until_somebody_completes_it() {
    let project = Project::new();
    let mut actor = project.actor();
    actor.create(", max_attempts => 5");
    let first = actor.claim_one("w");
    let started = ", 'pay', phase => 'started', request => '{\"amount\": 5}'";
    assert_eq!(step(&mut actor, &first, started)["outcome"], "recorded");
    assert_eq!(step(&mut actor, &first, started)["outcome"], "replayed", "the same attempt may ask again");
    let second = hand_on(&project, &mut actor, &first.run);
    let unknown = step(&mut actor, &second, started);
    assert_eq!((&unknown["outcome"], &unknown["phase"]), (&json!("unknown"), &json!("started")));
    let third = hand_on(&project, &mut actor, &first.run);
    assert_eq!(step(&mut actor, &third, started)["outcome"], "unknown", "asking did not make it known");
    // Whoever found out what happened records it.
    let found = step(&mut actor, &third, ", 'pay', '\"paid\"', '{\"amount\": 5}'");
    assert_eq!((&found["outcome"], &found["seq"]), (&json!("recorded"), &json!(2)));
    let replayed = step(&mut actor, &third, started);
    assert_eq!((&replayed["outcome"], &replayed["result"]), (&json!("replayed"), &json!("paid")));
}

#[test]
fn the_next_worker_is_handed_every_step_in_order() {
    let project = Project::new();
    let mut actor = project.actor();
    actor.create("");
    let first = actor.claim_one("w");
    for key in ["b", "a", "c"] {
        step(&mut actor, &first, &format!(", '{key}', '\"{key}!\"'"));
    }
    step(&mut actor, &first, ", 'd', phase => 'started'");
    let next = hand_on(&project, &mut actor, &first.run);
    let steps: Vec<(Value, Value, Value)> = next.json["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["step_key"].clone(), step["phase"].clone(), step["result"].clone()))
        .collect();
    let wanted: Vec<(Value, Value, Value)> = [
        ("b", "completed", json!("b!")),
        ("a", "completed", json!("a!")),
        ("c", "completed", json!("c!")),
        ("d", "started", Value::Null),
    ]
    .map(|(key, phase, result)| (json!(key), json!(phase), result))
    .into();
    assert_eq!(steps, wanted);
    super::books::check(&mut project.admin(), &project.id);
}

#[test]
fn one_lease_used_by_eight_threads_records_each_step_once_and_numbers_without_a_gap() {
    let project = Project::new();
    let mut actor = project.actor();
    actor.create("");
    let claim = actor.claim_one("w");
    let outcomes = at_once(
        8,
        |_| project.actor(),
        |i, actor: &mut Actor| -> Vec<(String, Value)> {
            (0..10)
                .map(|n| {
                    let key = format!("s{}", (n + i) % 10);
                    let outcome = step(actor, &claim, &format!(", '{key}', '{i}'"));
                    (key, outcome)
                })
                .collect()
        },
    );
    let recorded = outcomes.iter().flatten().filter(|(_, step)| step["outcome"] == "recorded").count();
    assert_eq!(recorded, 10);
    for (key, outcome) in outcomes.iter().flatten() {
        let first = outcomes.iter().flatten().find(|(k, step)| k == key && step["outcome"] == "recorded").unwrap();
        assert_eq!(outcome["result"], first.1["result"], "everybody got what was recorded of {key}");
    }
    super::books::check(&mut project.admin(), &project.id);
}

#[test]
fn a_journal_is_read_page_by_page() {
    let mut actor = Project::new().actor();
    actor.create("");
    let claim = actor.claim_one("w");
    for n in 1..=7 {
        step(&mut actor, &claim, &format!(", 's{n}', '{n}', '{{\"n\": {n}}}'"));
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = actor.call(&format!("select awooop.list_steps('{}', {after}, 3)", claim.run));
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["request"]["n"], item["seq"]);
            seen.push(item["seq"].as_i64().unwrap());
        }
        match page["next_cursor"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    let absent = uuid::Uuid::now_v7();
    assert_eq!(actor.code(&format!("select awooop.list_steps('{absent}')")), "E-RUN-001");
}

#[test]
fn a_result_is_kept_exactly_as_it_was_given() {
    let mut actor = Project::new().actor();
    actor.create("");
    let claim = actor.claim_one("w");
    for (n, result) in [
        r#""email a@b.tw, card 4111 1111 1111 1111""#,
        "9007199254740992",
        "-0.5e-3",
        r#"{"deep": [[[{"x": null}]]], "": "ключ"}"#,
        "false",
        r#""""#,
    ]
    .iter()
    .enumerate()
    {
        let given: Value = serde_json::from_str(result).unwrap();
        step(&mut actor, &claim, &format!(", 's{n}', '{result}'"));
        let replayed = step(&mut actor, &claim, &format!(", 's{n}'"));
        assert_eq!(replayed["result"], given);
    }
}
