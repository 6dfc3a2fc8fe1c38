//! Telegram, both ways: updates over HTTP, and messages that reach a Bot API whatever it does meanwhile.

use serde_json::{Value, json};

use super::wire::{TOKEN, Wire, bring};
use crate::harness::answer::eventually;
use crate::harness::channels::{CHANNEL, said, said_in_group};
use crate::harness::quiet::text;
use crate::harness::{at_once, literal};

#[test]
fn an_update_becomes_a_run_and_its_answer_reaches_the_chat() {
    let mut wire = Wire::new();
    let came = wire.comes(&said(1, 42, "Where is my order?"));
    assert_eq!((&came["outcome"], &came["duplicate"]), (&json!("run"), &json!(false)));
    assert_eq!(wire.comes(&said(1, 42, "Where is my order?"))["duplicate"], true);
    let run = wire.stage.answer(json!({"text": "It arrives tomorrow."}));
    assert_eq!(came["run_id"], run);
    assert_eq!(wire.wait_for(1), [("42".to_owned(), "It arrives tomorrow.".to_owned())]);
    let log = wire.log();
    assert_eq!(log[0]["reply_to"], 1001);
    wire.wait_until_idle();
    let speaker = wire.stage.speaker.clone();
    let sent = wire.stage.office.does(&speaker, "list_messages", json!({"run_id": run}))["items"][0].clone();
    assert_eq!(
        (&sent["state"], &sent["provider_message_ids"]),
        (&json!("sent"), &json!([log[0]["message_id"].to_string()]))
    );
    assert_eq!(wire.gateway.log().matches(TOKEN).count(), 0);
}

#[test]
fn the_webhook_takes_one_update_from_whoever_has_the_secret_and_nothing_else() {
    let wire = Wire::new();
    let secret = wire.stage.secret.clone();
    let update = said(1, 42, "hello").to_string();
    for wrong in ["", "awc_AAAA", &secret[..secret.len() - 1], "a b"] {
        assert_eq!(wire.brings(wrong, &update).problem(), (401, "E-AUTH-001".to_owned()), "{wrong}");
    }
    // What follows the update would be arguments of our own.
    for body in ["", "{", "[1", &format!("{update},\"channel\":\"x\""), &format!("{update} {update}"), "\u{0}"] {
        assert_eq!(wire.brings(&secret, body).status, 400, "{body}");
    }
    for body in [r#"{"update_id": 1, "update_id": 2}"#, r#"{"update_id": 18446744073709551616}"#, "{}", "7"] {
        assert_eq!(wire.brings(&secret, body).status, 400, "{body}");
    }
    let path = format!("/v1/channels/telegram/{}/webhook", wire.stage.office.project);
    let caller = crate::http::client::Caller::new(&wire.gateway, &secret);
    assert_eq!(caller.send("GET", &path, "").problem(), (405, "E-HTTP-002".to_owned()));
    // The header is the credential, and no other is.
    assert_eq!(caller.send("POST", &path, &update).problem(), (401, "E-AUTH-001".to_owned()));
    let elsewhere = caller.send_with(
        "POST",
        "/v1/channels/telegram/other/webhook",
        &update,
        &[("X-Telegram-Bot-Api-Secret-Token", &secret)],
    );
    assert_eq!(elsewhere.problem(), (401, "E-AUTH-001".to_owned()));
    assert_eq!(wire.brings(&secret, &format!(" {update}\n")).expect(200)["duplicate"], false);
    assert!(!wire.gateway.log().contains(&secret));
}

#[test]
fn pauses_errors_and_lost_answers_delay_a_message_and_lose_none() {
    let mut wire = Wire::new();
    wire.trouble(json!({"kind": "429", "retry_after": 1, "chat_id": "1"}));
    wire.trouble(json!({"kind": "500", "chat_id": "2"}));
    wire.trouble(json!({"kind": "hang_up", "chat_id": "3"}));
    wire.trouble(json!({"kind": "done_and_hung_up", "chat_id": "4"}));
    for chat in ["1", "2", "3", "4", "5"] {
        for n in 0..3 {
            wire.stage.says(chat, &format!("{chat}-{n}"));
        }
    }
    wire.wait_until_idle();
    let sent = wire.sent();
    for chat in ["1", "2", "3", "5"] {
        let of_chat: Vec<_> = sent.iter().filter(|(to, _)| to == chat).map(|(_, words)| words.clone()).collect();
        assert_eq!(of_chat, [format!("{chat}-0"), format!("{chat}-1"), format!("{chat}-2")]);
    }
    // Nobody knew that it had arrived: it may come twice, and in order.
    let of_chat: Vec<_> = sent.iter().filter(|(to, _)| to == "4").map(|(_, words)| words.as_str()).collect();
    assert_eq!(of_chat, ["4-0", "4-0", "4-1", "4-2"]);
    let states = wire.stage.messages();
    assert!(states.iter().all(|(_, state, _)| state == "sent"), "{states:?}");
}

#[test]
fn an_answer_that_never_comes_is_waited_for_so_long_and_holds_its_own_chat_alone() {
    let mut wire = Wire::new();
    wire.trouble(json!({"kind": "hang", "chat_id": "1"}));
    wire.trouble(json!({"kind": "done_and_hang", "chat_id": "2"}));
    let mut first = Vec::new();
    for chat in ["1", "2", "3"] {
        first.push(wire.stage.says(chat, &format!("{chat}-0")));
        wire.stage.says(chat, &format!("{chat}-1"));
    }
    eventually("the chat that answers", || wire.sent().iter().filter(|(to, _)| to == "3").count() == 2);
    let of = |wire: &Wire, chat: &str| -> Vec<String> {
        wire.sent().into_iter().filter(|(to, _)| to == chat).map(|(_, words)| words).collect()
    };
    assert_eq!((of(&wire, "1"), of(&wire, "2")), (Vec::new(), vec!["2-0".to_owned()]), "they are waited for");
    eventually("the end of patience", || wire.stage.shown(&first[0])["error"]["code"] == "timed_out");
    wire.wait_until_idle();
    // What was done without a word comes again, before what follows it.
    assert_eq!(
        (of(&wire, "1"), of(&wire, "2")),
        (vec!["1-0".into(), "1-1".into()], vec!["2-0".into(), "2-0".into(), "2-1".into()])
    );
    assert!(wire.stage.messages().iter().all(|(_, state, _)| state == "sent"));
}

#[test]
fn a_pause_is_as_long_as_whoever_answers_says_in_whichever_form() {
    let mut wire = Wire::new();
    wire.trouble(json!({"kind": "429", "retry_after": 70_000, "chat_id": "1"}));
    wire.trouble(json!({"kind": "too_much", "retry_after": 500, "chat_id": "2"}));
    wire.trouble(json!({"kind": "429", "chat_id": "3"}));
    for (chat, seconds) in [("1", 70_000), ("2", 500), ("3", 30)] {
        let message = wire.stage.says(chat, "hello");
        eventually("the pause", || wire.stage.shown(&message)["error"]["code"] == "http_429");
        let wait = wire.stage.office.admin.value(&format!(
            "select round(extract(epoch from available_at - clock_timestamp()) / 10) * 10 from awooop.outbound_message
             where message_id = {}",
            literal(&text(&message["message_id"]))
        ));
        assert_eq!(wait.parse::<f64>().expect("seconds"), f64::from(seconds), "chat {chat}");
    }
}

#[test]
fn updates_that_come_at_once_in_any_order_and_again_are_each_taken_in_once() {
    let mut wire = Wire::new();
    // People whose names are known already, and some who are not.
    for user in 1..=4 {
        wire.comes(&said_in_group(user, user, -9, "hello"));
    }
    let mut updates: Vec<Value> = Vec::new();
    for n in 10..90_u64 {
        updates.push(match n % 8 {
            7 => said(n, 100 + n, "to the bot itself"),
            6 => said_in_group(n, 50 + n, -9, "who is that?"),
            _ => said_in_group(n, n % 4 + 1, -9, "to each other"),
        });
    }
    // Later ones first, and each twice.
    updates.reverse();
    let twice = [updates.clone(), updates.clone()].concat();
    let (secret, project) = (wire.stage.secret.clone(), wire.stage.office.project.clone());
    let gateway = &wire.gateway;
    let outcomes = at_once(
        16,
        |n| twice.iter().skip(n).step_by(16).map(Value::to_string).collect::<Vec<_>>(),
        |_, own| own.iter().map(|update| bring(gateway, &project, &secret, update).expect(200)).collect::<Vec<_>>(),
    );
    let outcomes: Vec<Value> = outcomes.into_iter().flatten().collect();
    assert_eq!(outcomes.iter().filter(|came| came["duplicate"] == false).count(), updates.len());
    assert_eq!(outcomes.len(), 2 * updates.len());
    let mirrored = wire.stage.office.admin.value(&format!(
        "select count(*) || ' ' || count(distinct external_id) || ' ' || count(distinct trace_id) || ' '
                || count(*) filter (where outcome = 'not_spoken_to') || ' ' || count(*) filter (where outcome = 'run')
         from awooop.conversation_event where project_id = '{project}' and external_id::int >= 10"
    ));
    assert_eq!(mirrored, "80 80 80 70 10");
    // Some of them in one transaction: the gateway has brought them together.
    let together = wire.stage.office.admin.value(&format!(
        "select count(*) > count(distinct xmin::text) from awooop.conversation_event
         where project_id = '{project}' and external_id::int >= 10"
    ));
    assert_eq!(together, "t");
    let people = format!("select count(*) from awooop.platform_subjects where project_id = '{project}'");
    assert_eq!(wire.stage.office.admin.value(&people), "24");
}

#[test]
fn what_can_never_be_sent_is_dead_and_says_why_and_the_chat_goes_on() {
    let mut wire = Wire::new();
    let blocked = wire.stage.says("403", "to somebody who blocked us");
    let unknown = wire.stage.says("404", "to nowhere");
    let fine = wire.stage.says("1", "to somebody");
    wire.wait_until_idle();
    for (message, code, words) in [
        (blocked, "http_403", "Forbidden: bot was blocked by the user"),
        (unknown, "http_400", "Bad Request: chat not found"),
    ] {
        let shown = wire.stage.shown(&message);
        assert_eq!((&shown["state"], &shown["attempts"]), (&json!("dead"), &json!(1)));
        assert_eq!(shown["error"], json!({"code": code, "message": words}));
    }
    assert_eq!(wire.stage.shown(&fine)["state"], "sent");
}

#[test]
fn a_token_that_is_not_there_or_not_taken_holds_the_channel_until_it_is() {
    let mut wire = Wire::new();
    wire.token("7654321:AAE-another-token-altogether");
    let message = wire.stage.says("1", "hello");
    eventually("the pause", || wire.stage.shown(&message)["error"]["code"] == "http_401");
    let shown = wire.stage.shown(&message);
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("queued"), &json!(0)));
    wire.token(TOKEN);
    wire.stage.office.admin.run(
        "update awooop.outbound_channel set paused_until = '-infinity';
         update awooop.outbound_chat set ready_at = clock_timestamp()",
    );
    wire.wait_for(1);
    assert!(!wire.gateway.log().contains("AAE-another"));
}

#[test]
fn text_arrives_whole_in_parts_and_marked_as_it_was() {
    let mut contract = json!({"outbound": {
        "identity": "@shop_bot", "credential": "k8s://shop/telegram/token", "format": "markdown", "max_message_bytes": 65536,
        "rate": {"count": 1000, "window_seconds": 1}, "chat_rate": {"count": 1000, "window_seconds": 1}
    }});
    let mut wire = Wire::with(contract.take(), &[]);
    let paragraph = "**Bold.** Plain 😀 words, `code_1` and [a link](https://example.org/a_(b)).\n\n";
    wire.stage.says("1", &paragraph.repeat(200));
    wire.wait_until_idle();
    let sent = wire.log();
    assert!(sent.len() > 2, "{}", sent.len());
    let words: String = sent.iter().map(|part| text(&part["text"])).collect::<Vec<_>>().join("\n\n");
    assert_eq!(words, "Bold. Plain 😀 words, code_1 and a link.\n\n".repeat(200).trim_end());
    let marks: usize = sent.iter().map(|part| part["entities"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(marks, 600);
    assert!(sent.iter().all(|part| text(&part["text"]).encode_utf16().count() <= 4096));
    assert!(sent.iter().all(|part| part["entities"].as_array().map_or(0, Vec::len) <= 100));
}

#[test]
fn a_message_is_changed_in_place() {
    let mut wire = Wire::new();
    let first = wire.stage.says("1", "one");
    let speaker = wire.stage.speaker.clone();
    for words in ["two", "two", "three"] {
        let change =
            json!({"channel": CHANNEL, "channel_chat_id": "1", "text": words, "target_id": first["message_id"]});
        wire.stage.office.does(&speaker, "queue_message", change);
    }
    wire.wait_until_idle();
    let done: Vec<_> = wire.log().iter().map(|done| (text(&done["what"]), text(&done["text"]))).collect();
    let expected = [("sent", "one"), ("edited", "two"), ("edited", "three")];
    assert_eq!(done, expected.map(|(what, words)| (what.to_owned(), words.to_owned())));
    assert!(wire.stage.messages().iter().all(|(_, state, _)| state == "sent"));
}

#[test]
fn two_senders_and_a_killed_one_keep_the_order_and_send_everything() {
    let mut wire = Wire::new();
    let other = wire.another();
    let chats: Vec<String> = (1..=10).map(|n| n.to_string()).collect();
    for n in 0..10 {
        for chat in &chats {
            wire.stage.says(chat, &n.to_string());
        }
        if n == 5 {
            other.kill9();
        }
    }
    // What it had on its way is sent again when its time is over.
    wire.stage.office.admin.run(
        "update awooop.outbound_chat set leased_until = clock_timestamp() where leased_until > clock_timestamp() + interval '50 s'",
    );
    wire.wait_until_idle();
    let sent = wire.sent();
    for chat in &chats {
        let mut of_chat: Vec<_> = sent.iter().filter(|(to, _)| to == chat).map(|(_, n)| n.clone()).collect();
        of_chat.dedup();
        assert_eq!(of_chat, (0..10).map(|n| n.to_string()).collect::<Vec<_>>(), "{chat}");
    }
}

#[test]
fn a_gateway_that_is_told_to_stop_finishes_what_is_on_its_way() {
    let mut wire = Wire::new();
    wire.trouble(json!({"kind": "slow", "ms": 400, "times": 5}));
    for chat in 1..=5 {
        wire.stage.says(&chat.to_string(), "hello");
    }
    eventually("the requests", || wire.requests() >= 5);
    wire.gateway.signal("TERM");
    eventually("the end", || wire.gateway.ended().is_some());
    assert_eq!(wire.sent().len(), 5);
    let states: Vec<_> = wire.stage.messages().into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, ["sent"; 5]);
}

#[test]
fn the_pace_of_the_contract_keeps_the_bot_api_from_asking_for_pauses() {
    let mut wire = Wire::with(
        json!({"outbound": {
            "identity": "@shop_bot", "credential": "k8s://shop/telegram/token",
            "rate": {"count": 40, "window_seconds": 1}, "chat_rate": {"count": 2, "window_seconds": 1}
        }}),
        // A little more than the contract, for what the way takes.
        &["--per-second", "46", "--chat-per-second", "3"],
    );
    for n in 0..4 {
        for chat in 0..30 {
            wire.stage.says(&chat.to_string(), &n.to_string());
        }
    }
    wire.wait_until_idle();
    let sent = wire.sent();
    assert_eq!(sent.len(), 120);
    let log: Vec<Value> = wire.log();
    let took = log[119]["at_ms"].as_u64().expect("a time") - log[0]["at_ms"].as_u64().expect("a time");
    assert!((2_900..6_000).contains(&took), "{took} ms");
}
