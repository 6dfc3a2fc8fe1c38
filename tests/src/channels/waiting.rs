//! People who wait are told that it goes on: in one message, changed in place, gone when the answer comes.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::contracts::stage::Office;
use crate::harness::at_once;
use crate::harness::channels::said;
use crate::harness::contracts::{activate, agent_contract};
use crate::harness::quiet::{superuser_in, text};
use crate::work::stage::run_contract;

/// Lets so many seconds pass for whoever waits.
fn pass(stage: &mut Stage) {
    stage.office.admin.run("update awooop.channel_run set tell_at = clock_timestamp() where tell_at is not null");
    stage.office.admin.run("select awooop.maintain()");
}

/// Seconds until somebody who waits is told again.
fn next(stage: &mut Stage, run: &str) -> String {
    stage.office.admin.value(&format!(
        "select round(extract(epoch from tell_at - clock_timestamp()))::int from awooop.channel_run where run_id = '{run}'"
    ))
}

fn waiting(more: Value) -> (Stage, String) {
    let mut stage = Stage::of(Office::alone(), more);
    let came = stage.comes(&said(1, 42, "hello"));
    let run = text(&came["run_id"]);
    (stage, run)
}

#[test]
fn they_are_told_after_half_a_minute_and_at_growing_intervals_in_one_message() {
    let (mut stage, run) = waiting(json!({}));
    assert_eq!(next(&mut stage, &run), "30");
    stage.office.admin.run("select awooop.maintain()");
    assert_eq!(stage.claim(10), Vec::<Value>::new());
    let mut waits = Vec::new();
    for _ in 0..6 {
        pass(&mut stage);
        waits.push(next(&mut stage, &run));
        let claimed = stage.claim(10);
        for message in &claimed {
            stage.mark(message, "sent", json!({"provider_message_id": "77"})).expect("it is marked");
        }
        if waits.len() > 1 && !claimed.is_empty() {
            assert_eq!((&claimed[0]["kind"], &claimed[0]["target"]), (&json!("edit"), &json!(["77"])));
        }
    }
    assert_eq!(waits, ["60", "120", "240", "480", "600", ""]);
    let told: Vec<_> = stage.messages().into_iter().map(|(_, _, words)| words).collect();
    assert_eq!(told[0], "Still working on it; this takes a moment.");
    assert_eq!(told[1..], ["Still working on it."; 4]);
    // The answer comes: what was told is taken back first.
    stage.answer(json!("Here it is."));
    let claimed = stage.claim(10);
    assert_eq!((&claimed[0]["kind"], &claimed[0]["target"]), (&json!("delete"), &json!(["77"])));
    stage.mark(&claimed[0], "sent", json!({})).expect("it is marked");
    assert_eq!(stage.send_all(), [("42".to_owned(), "Here it is.".to_owned())]);
}

#[test]
fn what_was_not_on_its_way_when_the_answer_came_is_never_seen() {
    let (mut stage, _) = waiting(json!({}));
    pass(&mut stage);
    stage.answer(json!("Here it is."));
    assert_eq!(stage.send_all(), [("42".to_owned(), "Here it is.".to_owned())]);
}

#[test]
fn the_contract_says_when_how_often_and_in_which_words() {
    let texts = json!({"first": "Moment!", "again": "Noch einen!", "waiting_approval": "Das prüft jemand."});
    let (mut stage, run) = waiting(json!({"feedback": {
        "first_after_seconds": 10, "growth_percent": 150, "max_interval_seconds": 20, "max_messages": 3, "texts": texts
    }}));
    assert_eq!(next(&mut stage, &run), "10");
    let waits: Vec<_> = (0..4)
        .map(|_| {
            pass(&mut stage);
            next(&mut stage, &run)
        })
        .collect();
    assert_eq!(waits, ["15", "20", "20", ""]);
    let told: Vec<_> = stage.messages().into_iter().map(|(_, _, words)| words).collect();
    assert_eq!(told, ["Moment!", "Noch einen!", "Noch einen!"]);
}

#[test]
fn of_several_who_come_to_it_at_once_one_tells() {
    let (mut stage, _) = waiting(json!({}));
    let database = stage.office.admin.value("select current_database()");
    stage.office.admin.run("update awooop.channel_run set tell_at = clock_timestamp()");
    at_once(6, |_| superuser_in(&database), |_, admin| admin.run("select awooop.maintain()"));
    assert_eq!(stage.messages().len(), 1);
}

#[test]
fn nobody_is_told_in_shadow_nor_where_the_contract_says_never() {
    for (mode, more) in [("shadow", json!({})), ("active", json!({"feedback": {"max_messages": 0}}))] {
        let mut stage = Stage::of(Office::alone(), more);
        stage.mode(mode);
        stage.comes(&said(1, 42, "hello"));
        pass(&mut stage);
        assert_eq!(stage.messages(), [], "{mode}");
    }
}

#[test]
fn nobody_is_told_about_a_run_that_nobody_waits_for() {
    let mut office = Office::alone();
    let project = office.project.clone();
    activate(&mut office.admin, &project, &run_contract(json!({"interactive": false})));
    let mut contract = agent_contract("agent");
    contract["run_contract"] = "answer".into();
    activate(&mut office.admin, &project, &contract);
    let mut stage = Stage::of(office, json!({}));
    let came = stage.comes(&said(1, 42, "hello"));
    assert_eq!(next(&mut stage, &text(&came["run_id"])), "");
}

#[test]
fn word_that_never_reached_the_chat_is_not_changed_but_said_anew() {
    let (mut stage, _) = waiting(json!({}));
    pass(&mut stage);
    let first = stage.claim(1).remove(0);
    stage.mark(&first, "refused", json!({"error_code": "blocked"})).expect("it is marked");
    pass(&mut stage);
    let second = stage.claim(1).remove(0);
    assert_eq!(second["kind"], "send");
    stage.mark(&second, "sent", json!({"provider_message_id": "78"})).expect("it is marked");
    stage.answer(json!("Here it is."));
    let claimed = stage.claim(1).remove(0);
    assert_eq!((&claimed["kind"], &claimed["target"]), (&json!("delete"), &json!(["78"])));
}

#[test]
fn an_answer_whose_channel_nobody_vouches_for_waits_until_somebody_does() {
    let (mut stage, run) = waiting(json!({}));
    stage.rewrites("channel", "@shop_bot", "@shop_tob");
    // Nobody is told that it goes on either, and nothing is forgotten.
    pass(&mut stage);
    assert_eq!((stage.messages(), next(&mut stage, &run).as_str()), (Vec::new(), "60"));
    stage.answer(json!("Here it is."));
    pass(&mut stage);
    assert_eq!((stage.messages(), next(&mut stage, &run).as_str()), (Vec::new(), "60"));
    stage.rewrites("channel", "@shop_tob", "@shop_bot");
    pass(&mut stage);
    assert_eq!(next(&mut stage, &run), "");
    pass(&mut stage);
    assert_eq!(stage.send_all(), [("42".to_owned(), "Here it is.".to_owned())]);
}
