//! Reserving before work begins.

use serde_json::json;

use super::scene::{Spender, code};
use crate::harness::answer::{eventually, literal};
use crate::harness::{Project, own_database};

#[test]
fn what_does_not_fit_is_refused_whole_and_says_what_is_left() {
    let mut spender = Spender::new();
    spender.limit("month", 1000);
    let first = spender.hold(700);
    let refused = spender.reserve(301);
    assert_eq!(code(&refused), "E-BUDGET-001");
    assert_eq!(
        (&refused["level"], &refused["period"], &refused["unit"]),
        (&json!("project"), &json!("month"), &json!("tokens"))
    );
    assert_eq!(refused["left"], json!({"tokens": 300, "micro_usd": null}));
    assert!(refused["resets_at"].is_string(), "{refused}");
    assert_eq!(spender.tokens("month"), [0, 700, 0, 300]);
    spender.hold(300);
    assert_eq!(code(&spender.reserve(1)), "E-BUDGET-001");
    spender.settle(&first, 100);
    assert_eq!(spender.tokens("month"), [100, 300, 0, 600]);
    spender.hold(600);
    spender.check();
}

#[test]
fn every_limit_holds_for_itself_and_a_refusal_takes_nothing_of_any() {
    let mut spender = Spender::new();
    for set in [
        "select awooop.set_budget('project', 'day', hard_tokens => 1000)",
        "select awooop.set_budget('agent', 'month', '*', hard_tokens => 500)",
        "select awooop.set_budget('subject', 'lifetime', '*', hard_tokens => 200)",
    ] {
        spender.actor.call(set);
    }
    assert_eq!(code(&spender.reserve_as("7", 201, "")), "E-BUDGET-001");
    assert_eq!(spender.reserve_as("7", 200, "")["tokens"], 200);
    assert_eq!(spender.reserve_as("7", 1, "")["level"], "subject");
    assert_eq!(spender.reserve_as("8", 200, "")["tokens"], 200);
    let refused = spender.reserve_as("9", 101, "");
    assert_eq!((&refused["level"], &refused["left"]["tokens"]), (&json!("agent"), &json!(100)));
    assert_eq!(spender.tokens("day"), [0, 400, 0, 600]);
    spender.check();
}

#[test]
fn a_key_makes_a_repeat_the_first_reservation() {
    let mut spender = Spender::new();
    spender.limit("day", 100);
    let envelope = literal(&spender.actor.envelope().to_string());
    let reserve =
        |tokens: i64| format!("select awooop.reserve_budget({envelope}, tokens => {tokens}, idempotency_key => 'k')");
    let first = spender.actor.call(&reserve(80));
    let again = spender.actor.call(&reserve(80));
    assert_eq!((&first["created"], &again["created"]), (&json!(true), &json!(false)));
    assert_eq!(first["reservation_id"], again["reservation_id"]);
    assert_eq!(spender.actor.code(&reserve(81)), "E-BUDGET-008");
    assert_eq!(spender.tokens("day"), [0, 80, 0, 20]);
    spender.check();
}

#[test]
fn a_settlement_above_its_reservation_takes_what_is_left_and_books_the_rest_as_overrun() {
    let mut spender = Spender::new();
    spender.limit("day", 100);
    let (one, other) = (spender.hold(40), spender.hold(40));
    let settled = spender.settle(&one, 55);
    assert_eq!(settled["overrun"], json!({"tokens": 0, "micro_usd": 0}));
    assert_eq!(spender.tokens("day"), [55, 40, 0, 5]);
    let settled = spender.settle(&other, 60);
    assert_eq!(settled["overrun"]["tokens"], 15);
    assert_eq!(spender.tokens("day"), [100, 0, 15, 0]);
    assert_eq!(code(&spender.reserve(1)), "E-BUDGET-001");
    // The same report again is the same settlement; another one is refused.
    assert_eq!(spender.settle(&other, 60), settled);
    assert_eq!(spender.actor.code(&format!("select awooop.settle_budget('{other}', tokens => 61)")), "E-BUDGET-006");
    spender.check();
}

#[test]
fn what_is_released_is_free_again_and_what_ended_stays_ended() {
    let mut spender = Spender::new();
    spender.limit("lifetime", 100);
    let reservation = spender.hold(100);
    assert_eq!(spender.release(&reservation)["outcome"], "released");
    assert_eq!(spender.release(&reservation)["outcome"], "released");
    assert_eq!(
        spender.actor.code(&format!("select awooop.settle_budget('{reservation}', tokens => 1)")),
        "E-BUDGET-006"
    );
    assert_eq!(spender.tokens("lifetime"), [0, 0, 0, 100]);
    spender.hold(100);
    spender.check();
}

#[test]
fn a_reservation_that_nobody_reports_on_is_booked_whole() {
    // In the quiet database others maintain as well.
    let mut spender = Spender::of(&Project::in_database(&own_database().0));
    spender.limit("day", 100);
    let reservation =
        spender.reserve_as("7", 30, ", expires_seconds => 1")["reservation_id"].as_str().unwrap().to_owned();
    spender.hold(10);
    let mut admin = spender.project.admin();
    let due =
        format!("select expires_at <= clock_timestamp() from awooop.budget_escrow where escrow_id = '{reservation}'");
    eventually("the reservation is due", || admin.value(&due) == "t");
    assert_eq!(admin.value("select awooop.maintain() ->> 'reservations_expired'"), "1");
    assert_eq!(admin.value("select awooop.maintain() ->> 'reservations_expired'"), "0");
    assert_eq!(spender.tokens("day"), [30, 10, 0, 60]);
    assert_eq!(spender.actor.code(&format!("select awooop.release_budget('{reservation}')")), "E-BUDGET-006");
    spender.check();
}

#[test]
fn somebody_elses_reservation_is_as_unknown_as_none() {
    let mut spender = Spender::new();
    let reservation = spender.hold(10);
    let mut other = Spender::new();
    for id in [reservation.as_str(), "01990000-0000-7000-8000-000000000000"] {
        assert_eq!(other.actor.code(&format!("select awooop.settle_budget('{id}', tokens => 1)")), "E-BUDGET-005");
        assert_eq!(other.actor.code(&format!("select awooop.release_budget('{id}')")), "E-BUDGET-005");
    }
    spender.check();
}
