//! Modes: what is recorded and never sent, and what waits for somebody.

use serde_json::json;

use super::stage::Stage;
use crate::harness::channels::said;
use crate::harness::quiet::text;

#[test]
fn nothing_is_sent_from_shadow_neither_then_nor_later() {
    let mut stage = Stage::new();
    stage.mode("shadow");
    stage.comes(&said(1, 42, "hello"));
    stage.answer(json!("an answer"));
    stage.says("42", "on its own");
    assert_eq!(stage.claim(10), Vec::<serde_json::Value>::new());
    // A run that began in shadow stays there, whatever the project is by the time that it ends.
    stage.comes(&said(2, 42, "again"));
    stage.mode("active");
    stage.answer(json!("late answer"));
    assert_eq!(stage.claim(10), Vec::<serde_json::Value>::new());
    let states: Vec<_> = stage.messages().into_iter().map(|(_, state, words)| (state, words)).collect();
    let recorded = |words: &str| ("recorded".to_owned(), words.to_owned());
    assert_eq!(states, [recorded("an answer"), recorded("on its own"), recorded("late answer")]);
    // What waits when the project goes back to shadow waits on.
    stage.says("42", "queued before");
    stage.mode("shadow");
    assert_eq!(stage.claim(10), Vec::<serde_json::Value>::new());
    stage.mode("active");
    assert_eq!(stage.send_all(), [("42".to_owned(), "queued before".to_owned())]);
}

#[test]
fn in_suggest_an_answer_waits_for_somebody_who_is_not_its_author() {
    let mut stage = Stage::new();
    stage.mode("suggest");
    let decider = stage.office.key("lea", "approvals:decide,conversations:read");
    let self_approver = stage.office.key("worker", "approvals:decide");
    stage.comes(&said(1, 42, "hello"));
    stage.answer(json!("a suggestion"));
    stage.comes(&said(2, 42, "more"));
    stage.answer(json!("another"));
    assert_eq!(stage.send_all(), []);
    let listed = stage.office.does(&decider, "list_messages", json!({"state": "held"}));
    let held: Vec<_> = listed["items"].as_array().expect("messages").iter().map(|m| m["message_id"].clone()).collect();
    assert_eq!(held.len(), 2);
    let decide =
        |id: &serde_json::Value, decision: &str| json!({"message_id": id, "decision": decision, "reason": "x"});
    assert_eq!(stage.office.code(&self_approver, "decide_message", decide(&held[1], "send")), "E-APPROVAL-005");
    assert_eq!(stage.office.does(&decider, "decide_message", decide(&held[0], "discard"))["state"], "discarded");
    let sent = stage.office.does(&decider, "decide_message", decide(&held[1], "send"));
    assert_eq!((text(&sent["state"]), text(&sent["decided_by"])), ("queued".to_owned(), "lea".to_owned()));
    assert_eq!(stage.office.code(&decider, "decide_message", decide(&held[1], "send")), "E-CHANNEL-007");
    assert_eq!(stage.send_all(), [("42".to_owned(), "a suggestion".to_owned())]);
}

#[test]
fn what_is_left_of_a_message_is_not_sent_once_the_project_is_back_in_shadow() {
    let mut stage = Stage::new();
    stage.says("42", &format!("{}\n\n{}", "a".repeat(4000), "b".repeat(4000)));
    let claimed = stage.claim(1).pop().expect("the message");
    stage.mode("shadow");
    let marked = stage.mark(&claimed, "sent", json!({"part": 0})).expect("it is marked");
    assert_eq!((&marked["state"], &marked["send_after_ms"]), (&json!("queued"), &serde_json::Value::Null));
    assert_eq!(stage.claim(10), Vec::<serde_json::Value>::new());
    stage.mode("active");
    let again = stage.claim(10).pop().expect("the rest of it");
    assert_eq!((&again["message_id"], &again["parts_sent"]), (&claimed["message_id"], &json!(1)));
}
