//! What becomes of a message: its pace, pauses, attempts, dead letters, its end, and whoever may say so.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::contracts::stage::Office;
use crate::harness::channels::CHANNEL;
use crate::harness::platform::worker_in;
use crate::harness::quiet::text;

fn soon(stage: &mut Stage) {
    let project = stage.office.project.clone();
    stage.office.admin.run(&format!(
        "update awooop.outbound_chat set ready_at = clock_timestamp() where project_id = '{project}' and queued > 0"
    ));
}

#[test]
fn a_message_that_fails_is_tried_again_as_often_as_the_contract_says_and_can_be_sent_anew() {
    let mut stage = Stage::new();
    let message = stage.says("1", "hello");
    stage.says("1", "behind it");
    for attempt in 1..=3 {
        soon(&mut stage);
        let claimed = stage.claim(10);
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0]["attempt"], attempt);
        let more =
            json!({"error_code": "http_500", "error": "token 123456789:AAHfiqksKZ8WmR2zSjiQ7_v4TMAKdiHm9T0 refused"});
        let marked = stage.mark(&claimed[0], "failed", more).expect("it is marked");
        assert_eq!(marked["state"], if attempt < 3 { "queued" } else { "dead" });
    }
    let dead = stage.shown(&message);
    assert_eq!((&dead["state"], &dead["error"]["code"]), (&json!("dead"), &json!("http_500")));
    assert!(!text(&dead["error"]["message"]).contains("AAHfiqks"), "{dead}");
    // What was behind it goes on, and the dead one goes behind that when it is sent anew: once.
    let speaker = stage.speaker.clone();
    let redrive = json!({"message_id": message["message_id"]});
    let anew = stage.office.does(&speaker, "redrive_message", redrive.clone());
    assert_eq!((&anew["state"], &anew["attempts"]), (&json!("queued"), &json!(0)));
    assert_eq!(stage.office.code(&speaker, "redrive_message", redrive), "E-CHANNEL-007");
    let sent: Vec<_> = stage.send_all().into_iter().map(|(_, words)| words).collect();
    assert_eq!(sent, ["behind it", "hello"]);
    assert_eq!(
        stage.office.code(&speaker, "redrive_message", json!({"message_id": anew["message_id"]})),
        "E-CHANNEL-007"
    );
}

#[test]
fn a_pause_that_the_channel_asks_for_is_no_attempt_and_holds_for_as_much_as_it_says() {
    let mut stage = Stage::new();
    for chat in ["1", "2"] {
        stage.says(chat, "hello");
    }
    let claimed = stage.claim(1).remove(0);
    let later = stage.mark(&claimed, "later", json!({"retry_after_seconds": 30})).expect("it is marked");
    assert_eq!((&later["state"], &later["attempts"]), (&json!("queued"), &json!(0)));
    // The other chat goes on.
    let other = stage.claim(10);
    assert_eq!(other.len(), 1);
    assert_ne!(other[0]["channel_chat_id"], claimed["channel_chat_id"]);
    let all = json!({"retry_after_seconds": 40, "pauses_channel": true});
    stage.mark(&other[0], "later", all).expect("it is marked");
    soon(&mut stage);
    assert_eq!(stage.claim(10), Vec::<Value>::new());
    let project = stage.office.project.clone();
    let paused = stage.office.admin.value(&format!(
        "select paused_until > clock_timestamp() + interval '35 seconds' from awooop.outbound_channel where project_id = '{project}'"
    ));
    assert_eq!(paused, "t");
}

#[test]
fn turns_are_given_out_at_the_pace_of_the_channel_and_of_the_chat() {
    let mut stage = Stage::with(json!({"outbound": {
        "identity": "@shop_bot", "credential": "k8s://shop/telegram/token",
        "rate": {"count": 10, "window_seconds": 1}, "chat_rate": {"count": 4, "window_seconds": 60}
    }}));
    for chat in 0..20 {
        stage.says(&chat.to_string(), "hello");
    }
    let claimed = stage.claim(100);
    let waits: Vec<i64> = claimed.iter().map(|m| m["send_after_ms"].as_i64().expect("a number")).collect();
    // A second's worth, one every tenth of it.
    assert_eq!(waits.len(), 11, "{waits:?}");
    // To the millisecond, of which each is the floor.
    assert!(waits.windows(2).all(|pair| (99..=101).contains(&(pair[1] - pair[0]))), "{waits:?}");
    for message in &claimed {
        stage.mark(message, "sent", json!({})).expect("it is marked");
    }
    // One of a chat at once with its turn; the next in a quarter of the window.
    for _ in 0..2 {
        stage.says("0", "more");
    }
    let project = stage.office.project.clone();
    stage
        .office
        .admin
        .run(&format!("update awooop.outbound_channel set turn_at = '-infinity' where project_id = '{project}'"));
    let of_chat = |claimed: &[Value]| claimed.iter().filter(|m| m["channel_chat_id"] == "0").count();
    assert_eq!(of_chat(&stage.claim(100)), 0);
    let ready = stage.office.admin.value(&format!(
        "select extract(epoch from ready_at - clock_timestamp()) between 10 and 15 from awooop.outbound_chat
         where project_id = '{project}' and channel_chat_id = '0'"
    ));
    assert_eq!(ready, "t");
}

#[test]
fn a_message_that_nobody_could_send_in_time_expires_and_lets_the_next_go() {
    let mut stage = Stage::new();
    let message = stage.says("1", "too late");
    stage.says("1", "in time");
    let id = text(&message["message_id"]);
    stage
        .office
        .admin
        .run(&format!("update awooop.outbound_message set expires_at = clock_timestamp() where message_id = '{id}'"));
    assert_eq!(stage.send_all(), []);
    assert_eq!(stage.send_all(), [("1".to_owned(), "in time".to_owned())]);
    assert_eq!(stage.shown(&message)["state"], "expired");
}

#[test]
fn a_lease_is_good_for_its_message_and_its_time_alone() {
    let mut stage = Stage::new();
    stage.says("1", "a");
    stage.says("2", "b");
    let claimed = stage.claim(2);
    let mut swapped = claimed[0].clone();
    swapped["lease"] = claimed[1]["lease"].clone();
    assert_eq!(stage.mark(&swapped, "sent", json!({})), Err("E-CHANNEL-006".to_owned()));
    let mut forged = claimed[0].clone();
    let lease = text(&claimed[0]["lease"]);
    forged["lease"] = format!("{}{}", &lease[..lease.len() - 43], "A".repeat(43)).into();
    assert_eq!(stage.mark(&forged, "sent", json!({})), Err("E-CHANNEL-006".to_owned()));
    stage.mark(&claimed[0], "sent", json!({})).expect("it is marked");
    assert_eq!(stage.mark(&claimed[0], "sent", json!({})), Err("E-CHANNEL-006".to_owned()));
}

#[test]
fn the_platforms_sender_goes_round_the_projects_and_marks_what_it_leased() {
    // It takes what any project of the database has.
    let mut office = Office::alone();
    let database = office.database();
    let mut stages = [Stage::of(office, json!({})), Stage::of(Office::in_database(&database), json!({}))];
    for stage in &mut stages {
        stage.says("1", "hello");
    }
    let mut worker = worker_in(&database);
    let own = [stages[0].office.project.clone(), stages[1].office.project.clone()];
    let mut sent = Vec::new();
    for _ in 0..20 {
        let answer = worker.json("select awooop.claim_messages('round')");
        let Some(message) = answer["messages"].as_array().and_then(|messages| messages.first()).cloned() else { break };
        let (id, lease, project) =
            (text(&message["message_id"]), text(&message["lease"]), text(&message["project_id"]));
        // It has that project and no other, and there is nothing else that its lease is good for.
        assert_eq!(
            worker.json(&format!("select awooop.mark_message('{id}', 'awm_x', 'sent')"))["code"],
            "E-CHANNEL-006"
        );
        assert_eq!(worker.code("select awooop.queue_message('shop-bot', '1', 'x')"), "42501");
        let marked = worker.json(&format!("select awooop.mark_message('{id}', '{lease}', 'sent')"));
        assert_eq!(marked["state"], "sent", "{marked}");
        sent.push(project);
    }
    assert!(own.iter().all(|project| sent.contains(project)), "{sent:?}");
}

#[test]
fn what_expires_behind_a_message_shortens_no_pause_of_it() {
    let mut stage = Stage::new();
    stage.says("1", "a");
    let second = stage.says("1", "b");
    let claimed = stage.claim(1).remove(0);
    stage.mark(&claimed, "later", json!({"retry_after_seconds": 3600})).expect("it is marked");
    let id = text(&second["message_id"]);
    let over = format!("update awooop.outbound_message set expires_at = clock_timestamp() where message_id = '{id}'");
    stage.office.admin.run(&over);
    stage.office.admin.run("select awooop.maintain()");
    assert_eq!(stage.shown(&second)["state"], "expired");
    assert_eq!(stage.claim(10), Vec::<Value>::new());
    let project = stage.office.project.clone();
    let ready = format!(
        "select ready_at > clock_timestamp() + interval '59 minutes' from awooop.outbound_chat where project_id = '{project}'"
    );
    assert_eq!(stage.office.admin.value(&ready), "t");
}

#[test]
fn of_a_senders_places_one_project_gets_no_more_than_leaves_some_to_others() {
    let mut office = Office::alone();
    let database = office.database();
    let mut stages = [Stage::of(office, json!({})), Stage::of(Office::in_database(&database), json!({}))];
    for stage in &mut stages {
        for chat in 1..=8 {
            stage.says(&chat.to_string(), "hello");
        }
    }
    let projects = [stages[0].office.project.clone(), stages[1].office.project.clone()];
    let mut worker = worker_in(&database);
    let mut held = json!({});
    let mut given = Vec::new();
    loop {
        let claim = format!("select awooop.claim_messages('s', 8, places => 8, holding => '{held}')");
        let answer = worker.json(&claim);
        let messages = answer["messages"].as_array().expect("messages").clone();
        let Some(first) = messages.first() else { break };
        let project = text(&first["project_id"]);
        held[&project] = json!(held[&project].as_u64().unwrap_or_default() + messages.len() as u64);
        given.push((project, messages.len()));
    }
    // Six to whoever came first, one to the other; the last is a third project's.
    assert_eq!(given.iter().map(|(_, many)| many).collect::<Vec<_>>(), [&6, &1], "{given:?}");
    assert!(projects.iter().all(|project| held[project].is_u64()), "{held}");
    assert_eq!(worker.json("select awooop.claim_messages('s', 8)")["messages"].as_array().map(Vec::len), Some(2));
    let bad = format!("select awooop.claim_messages('s', 8, places => 8, holding => '{}')", json!({"x": -1}));
    assert_eq!(worker.code(&bad), "E-INPUT-001");
}

#[test]
fn a_tenant_that_keeps_a_chat_locked_stalls_nobody_else() {
    let mut stage = Stage::new();
    stage.says("1", "a");
    let claimed = stage.claim(1).remove(0);
    let project = stage.office.project.clone();
    let mut tenant = stage.office.admin_again();
    tenant.run(&format!(
        "begin; select awooop.enter_project('{project}'); select awooop.queue_message('{CHANNEL}', '1', 'held')"
    ));
    // Whoever sends is told to come again, and maintenance passes by.
    let failure = stage.mark(&claimed, "sent", json!({})).expect_err("the chat is held");
    assert!(failure.starts_with("E-SYS-001"), "{failure}");
    stage.office.admin.run("set statement_timeout = '20s'; select awooop.maintain(); reset statement_timeout");
    tenant.run("rollback");
    stage.mark(&claimed, "sent", json!({})).expect("it is marked");
}

#[test]
fn no_dml_says_something_else_afterwards() {
    // TRUNCATE locks whole tables.
    let mut stage = Stage::of(Office::alone(), json!({}));
    let message = stage.says("1", "said");
    stage.send_all();
    let id = text(&message["message_id"]);
    for sql in [
        format!("update awooop.outbound_message set body = '{{}}' where message_id = '{id}'"),
        format!("update awooop.outbound_message set state = 'queued', ended_at = null where message_id = '{id}'"),
        format!("update awooop.outbound_message set channel_chat_id = '2' where message_id = '{id}'"),
        format!("delete from awooop.outbound_message where message_id = '{id}'"),
        "truncate awooop.outbound_message".to_owned(),
    ] {
        assert_eq!(stage.office.admin.code(&sql), "E-CHANNEL-010", "{sql}");
    }
}

#[test]
fn what_was_said_of_a_part_can_be_said_again_and_loses_no_other() {
    let mut stage = Stage::new();
    stage.says("42", &format!("{}\n\n{}", "a".repeat(4000), "b".repeat(4000)));
    let claimed = stage.claim(1).pop().expect("the message");
    let first = |stage: &mut Stage| stage.mark(&claimed, "sent", json!({"part": 0, "provider_message_id": "1"}));
    assert_eq!(first(&mut stage).expect("it is marked")["parts_sent"], 1);
    // The sender did not hear it.
    let again = first(&mut stage).expect("it is known");
    assert_eq!((&again["parts_sent"], &again["state"]), (&json!(1), &json!("queued")));
    assert!(again["send_after_ms"].is_u64(), "the next part has its turn: {again}");
    let ahead = stage.mark(&claimed, "sent", json!({"part": 2})).expect_err("there is one between");
    assert!(ahead.starts_with("E-INPUT-001"), "{ahead}");
    let last = stage.mark(&claimed, "sent", json!({"part": 1, "provider_message_id": "2"})).expect("it is marked");
    assert_eq!(last["state"], "sent");
    assert_eq!(stage.shown(&claimed)["provider_message_ids"], json!(["1", "2"]));
}

#[test]
fn what_became_of_a_message_is_known_although_its_project_was_suspended_meanwhile() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    stage.says("1", "short");
    stage.says("2", &format!("{}\n\n{}", "a".repeat(4000), "b".repeat(4000)));
    let claimed = stage.claim(2);
    stage.office.admin.run(&format!("select awooop.suspend_project('{project}', reason => 'the test')"));
    let ended = stage.mark(&claimed[0], "sent", json!({"provider_message_id": "1"})).expect("it is marked");
    assert_eq!(ended["state"], "sent");
    let part = stage.mark(&claimed[1], "sent", json!({"part": 0, "provider_message_id": "2"})).expect("it is marked");
    assert_eq!((&part["parts_sent"], &part["send_after_ms"]), (&json!(1), &Value::Null), "the rest waits: {part}");
    let sender = stage.sender.clone();
    assert_eq!(stage.office.code(&sender, "claim_messages", json!({"sender_id": "s"})), "E-TENANT-005");
    stage.office.admin.run(&format!("select awooop.suspend_project('{project}', suspended => false)"));
    soon(&mut stage);
    assert_eq!(stage.claim(2)[0]["parts_sent"], 1);
}
