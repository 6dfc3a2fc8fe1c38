//! What goes out: in the order in which it was queued, in parts, in the form of its channel, once for an idempotency key.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::harness::at_once;
use crate::harness::channels::{CHANNEL, open, said, telegram};
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;

#[test]
fn a_runs_answer_goes_where_it_was_asked_for() {
    let mut stage = Stage::new();
    stage.comes(&said(1, 42, "hello"));
    let run = stage.answer(json!({"answer": "It is on its way."}));
    let claimed = stage.claim(10);
    assert_eq!(claimed.len(), 1);
    let message = &claimed[0];
    for (member, expected) in [
        ("channel", json!(CHANNEL)),
        ("channel_type", json!("telegram")),
        ("channel_chat_id", json!("42")),
        ("kind", json!("send")),
        ("reply_to", json!("1001")),
        ("parts", json!([{"text": "It is on its way.", "parse_mode": null}])),
        ("identity", json!("@shop_bot")),
        ("credential", json!("k8s://shop/telegram/token")),
        ("attempt", json!(1)),
    ] {
        assert_eq!(message[member], expected, "{member}");
    }
    stage.mark(message, "sent", json!({"provider_message_id": "555"})).expect("it is marked");
    let shown = stage.shown(message);
    assert_eq!((&shown["state"], &shown["provider_message_ids"]), (&json!("sent"), &json!(["555"])));
    assert_eq!((&shown["run_id"], &shown["purpose"]), (&json!(run), &json!("answer")));
    let audited = stage.office.admin.value(&format!(
        "select string_agg(action, ' ' order by audit_id) from awooop.audit_log where run_id = '{run}' and action like 'message%'"
    ));
    assert_eq!(audited, "message_queued message_sent");
}

#[test]
fn whoever_waits_is_told_how_it_ended_where_there_is_no_answer() {
    let mut stage = Stage::new();
    let worker = stage.worker.clone();
    stage.comes(&said(1, 42, "a"));
    let claim = stage.claim_run();
    stage.office.does(&worker, "fail_run", json!({"run_id": claim.run, "lease": claim.lease, "retryable": false}));
    stage.comes(&said(2, 42, "b"));
    let claim = stage.claim_run();
    crate::harness::quiet::set_deadline(&mut stage.office.admin, &claim.run, -1);
    stage.office.admin.run("select awooop.maintain()");
    // Nothing to say is not said.
    stage.comes(&said(3, 42, "c"));
    stage.answer(json!({"text": " "}));
    let told: Vec<String> = stage.messages().into_iter().map(|(_, _, words)| words).collect();
    assert_eq!(told, ["Sorry, that did not work out.", "Sorry, that took too long."]);
}

#[test]
fn messages_of_a_chat_leave_one_after_the_other_in_the_order_of_their_commits() {
    let mut stage = Stage::new();
    for n in 0..3 {
        for chat in ["1", "2"] {
            stage.says(chat, &format!("{chat}-{n}"));
        }
    }
    let claimed = stage.claim(10);
    // The first of each, and nothing more of either until it is sent.
    let first: Vec<_> = claimed.iter().map(|m| text(&m["parts"][0]["text"])).collect();
    assert_eq!(first, ["1-0", "2-0"]);
    assert_eq!(stage.claim(10), Vec::<Value>::new());
    stage.mark(&claimed[0], "failed", json!({"error_code": "500"})).expect("it is marked");
    stage.mark(&claimed[1], "sent", json!({})).expect("it is marked");
    // The first chat waits for its first message; the second goes on.
    let next = stage.claim(10);
    assert_eq!(next.iter().map(|m| text(&m["parts"][0]["text"])).collect::<Vec<_>>(), ["2-1"]);
    stage.mark(&next[0], "sent", json!({})).expect("it is marked");
    let project = stage.office.project.clone();
    stage
        .office
        .admin
        .run(&format!("update awooop.outbound_chat set ready_at = clock_timestamp() where project_id = '{project}'"));
    let rest = stage.send_all();
    let of = |chat: &str| rest.iter().filter(|(to, _)| to == chat).map(|(_, words)| words.as_str()).collect::<Vec<_>>();
    assert_eq!(of("1"), ["1-0", "1-1", "1-2"]);
    assert_eq!(of("2"), ["2-2"]);
}

#[test]
fn writers_at_once_get_places_without_gaps_and_nothing_is_lost() {
    let mut stage = Stage::new();
    let (project, key) = (stage.office.project.clone(), stage.speaker.clone());
    let database = stage.office.admin.value("select current_database()");
    at_once(
        8,
        |_| gateway_login_in(&database),
        |n, gateway| {
            for m in 0..10 {
                let message =
                    json!({"channel": CHANNEL, "channel_chat_id": "1", "text": format!("{n}-{m}")}).to_string();
                let reply = gateway.try_call(&project, &key, "queue_message", &message).expect("an answer");
                assert_eq!(reply.status, 201, "{}", reply.body);
            }
        },
    );
    let sent = stage.send_all();
    assert_eq!(sent.len(), 80);
    for n in 0..8 {
        let own: Vec<_> =
            sent.iter().filter(|(_, words)| words.starts_with(&format!("{n}-"))).map(|(_, w)| w.clone()).collect();
        assert_eq!(own, (0..10).map(|m| format!("{n}-{m}")).collect::<Vec<_>>());
    }
    let queued = stage
        .office
        .admin
        .value(&format!("select last_seq || ' ' || queued from awooop.outbound_chat where project_id = '{project}'"));
    assert_eq!(queued, "80 0");
}

#[test]
fn a_long_text_leaves_in_parts_and_goes_on_where_it_stopped() {
    let mut stage = Stage::new();
    let words: String = (0..2000).map(|n| format!("word{n:04} ")).collect();
    stage.says("1", words.trim());
    let first = stage.claim(1).remove(0);
    let parts = first["parts"].as_array().expect("parts").clone();
    assert_eq!(parts.len(), 5);
    assert!(parts.iter().all(|part| text(&part["text"]).len() <= 4096));
    let marked = stage.mark(&first, "sent", json!({"provider_message_id": "1"})).expect("it is marked");
    assert_eq!((&marked["state"], &marked["parts_sent"]), (&json!("queued"), &json!(1)));
    // The sender dies; the next one knows what was sent.
    let project = stage.office.project.clone();
    stage.office.admin.run(&format!(
        "update awooop.outbound_chat set leased_until = clock_timestamp() - interval '1 second' where project_id = '{project}'"
    ));
    let second = stage.claim(1).remove(0);
    assert_eq!((&second["parts_sent"], &second["attempt"]), (&json!(1), &json!(2)));
    assert_eq!(stage.mark(&first, "sent", json!({})), Err("E-CHANNEL-006".to_owned()));
    for n in 2..=5 {
        stage.mark(&second, "sent", json!({"provider_message_id": n.to_string()})).expect("it is marked");
    }
    assert_eq!(stage.shown(&second)["provider_message_ids"], json!(["1", "2", "3", "4", "5"]));
    let together: String = parts.iter().map(|part| text(&part["text"])).collect::<Vec<_>>().join(" ");
    assert_eq!(together, words.trim());
}

#[test]
fn text_has_the_marks_of_its_contracts_format() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    for (format, words, expected) in [
        ("markdown", "**1.5** (x)", json!({"text": "*1\\.5* \\(x\\)", "parse_mode": "MarkdownV2"})),
        ("html", "<b>1 &lt; 2</b> & 3", json!({"text": "<b>1 &lt; 2</b> &amp; 3", "parse_mode": "HTML"})),
        ("plain", "**1.5** <b>", json!({"text": "**1.5** <b>", "parse_mode": null})),
    ] {
        let mut contract = telegram("agent", json!({}));
        contract["outbound"]["format"] = format.into();
        open(&mut stage.office.admin, &project, &contract);
        stage.says("1", words);
        let claimed = stage.claim(1).remove(0);
        assert_eq!(claimed["parts"][0], expected);
        stage.mark(&claimed, "sent", json!({})).expect("it is marked");
    }
}

#[test]
fn an_idempotency_key_is_good_for_one_message() {
    let mut stage = Stage::new();
    let speaker = stage.speaker.clone();
    let message = json!({"channel": CHANNEL, "channel_chat_id": "1", "text": "once", "idempotency_key": "k"});
    let first = stage.office.does(&speaker, "queue_message", message.clone());
    let again = stage.office.does(&speaker, "queue_message", message.clone());
    assert_eq!((&again["message_id"], &again["created"]), (&first["message_id"], &json!(false)));
    for (member, value) in [("text", "twice"), ("channel_chat_id", "2"), ("thread_id", "7")] {
        let mut other = message.clone();
        other[member] = value.into();
        assert_eq!(stage.office.code(&speaker, "queue_message", other), "E-CHANNEL-009", "{member}");
    }
    assert_eq!(stage.send_all().len(), 1);
}

#[test]
fn a_message_is_changed_in_place_by_what_the_channel_knows_it_by() {
    let mut stage = Stage::new();
    let first = stage.says("1", "Working on it");
    let speaker = stage.speaker.clone();
    let change =
        json!({"channel": CHANNEL, "channel_chat_id": "1", "text": "Still at it", "target_id": first["message_id"]});
    stage.office.does(&speaker, "queue_message", change.clone());
    let sent = stage.claim(1).remove(0);
    stage.mark(&sent, "sent", json!({"provider_message_id": "55"})).expect("it is marked");
    let edit = stage.claim(1).remove(0);
    assert_eq!((&edit["kind"], &edit["target"]), (&json!("edit"), &json!(["55"])));
    stage.mark(&edit, "sent", json!({})).expect("it is marked");
    let mut elsewhere = change;
    elsewhere["channel_chat_id"] = "2".into();
    assert_eq!(stage.office.code(&speaker, "queue_message", elsewhere), "E-CHANNEL-005");
}

#[test]
fn an_answer_of_which_nothing_is_left_to_say_ends_its_run_and_is_not_sent() {
    let mut contract = telegram("agent", json!({}));
    contract["outbound"]["format"] = "markdown".into();
    let mut stage = Stage::with(json!({"outbound": contract["outbound"]}));
    stage.comes(&said(1, 42, "hello"));
    let run = stage.answer(json!("[a]: https://shop.example/chart.png"));
    let state = stage.office.admin.value(&format!("select state from awooop.run_state where run_id = '{run}'"));
    assert_eq!(state, "completed");
    assert_eq!(stage.send_all(), Vec::<(String, String)>::new());
}
