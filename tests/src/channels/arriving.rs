//! Updates that come in: each mirrored once for ever, and heard by whoever the channel's contract says.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::contracts::stage::Office;
use crate::harness::channels::{CHANNEL, counting, now, open, said, said_in_group, telegram};
use crate::harness::contracts::activate;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;
use crate::harness::{at_once, literal};

fn outcome(stage: &mut Stage, update: &Value) -> String {
    text(&stage.comes(update)["outcome"])
}

#[test]
fn a_message_becomes_a_mirror_a_subject_and_a_run_in_one_go() {
    let mut stage = Stage::new();
    let came = stage.comes(&said(7, 42, "My card is 4242 4242 4242 4242"));
    assert_eq!((&came["outcome"], &came["duplicate"], &came["code"]), (&json!("run"), &json!(false), &Value::Null));
    let claim = stage.claim_run();
    assert_eq!(claim.run, text(&came["run_id"]));
    // What the agent gets is exact; what is kept of the conversation is not.
    assert_eq!(claim.json["input"], json!({"text": "My card is 4242 4242 4242 4242"}));
    assert_eq!(claim.json["tags"], json!({"channel": CHANNEL, "event_id": came["event_id"]}));
    assert_eq!(claim.json["envelope"]["channel_chat_id"], "42");
    let speaker = stage.speaker.clone();
    let event = stage.office.does(&speaker, "list_events", json!({}))["items"][0].clone();
    assert_eq!(event["body"]["message"]["text"], "My card is [REDACTED:payment_card]");
    for (member, expected) in [
        ("external_id", json!("7")),
        ("kind", json!("message")),
        ("channel_user_id", json!("42")),
        ("channel_message_id", json!("1007")),
        ("run_id", came["run_id"].clone()),
        ("trace_id", claim.json["envelope"]["trace_id"].clone()),
    ] {
        assert_eq!(event[member], expected, "{member}");
    }
    let project = stage.office.project.clone();
    let subject = stage.office.admin.value(&format!(
        "select display_name || channel_chat_id from awooop.platform_subjects where project_id = '{project}'"
    ));
    assert_eq!(subject, "Ann42");
}

#[test]
fn an_update_on_which_the_projects_rules_take_too_much_work_is_taken_in_without_its_body() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    stage.office.admin.run(&format!(
        "insert into awooop.redaction_rule (project_id, rule_id, family, keywords, shape, changed_by)
         select '{project}', 'r' || n, 'secret', '{{}}', '(?:[a-e][a-j]{{1,200}}){{2}}[0-9A-Z]', 'x' from generate_series(1, 49) n"
    ));
    let letters = (1..=100_000_u64).map(|n| char::from(b'a' + (n * 7919 * n % 104_729 % 10) as u8)).collect::<String>();
    let came = stage.comes(&said_in_group(7, 42, -5, &letters));
    assert_eq!(came["outcome"], "not_spoken_to");
    let speaker = stage.speaker.clone();
    let event = stage.office.does(&speaker, "list_events", json!({}))["items"][0].clone();
    assert_eq!((&event["body"], &event["channel_user_id"]), (&json!("[REDACTED:secret]"), &json!("42")));
    assert_eq!(stage.comes(&said_in_group(7, 42, -5, &letters))["duplicate"], true);
}

#[test]
fn a_person_who_is_seen_again_within_a_minute_is_not_written_again_unless_something_about_them_is_new() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    let row = |stage: &mut Stage| {
        stage.office.admin.value(&format!(
            "select json_build_array(display_name, channel_chat_id, last_seen_at, xmin) from awooop.platform_subjects
             where project_id = '{project}'"
        ))
    };
    let spoken = |update: u64, name: &str| {
        let mut update = said_in_group(update, 42, -5, "hello");
        update["message"]["from"]["first_name"] = json!(name);
        update
    };
    stage.comes(&spoken(1, "Ann"));
    let first = row(&mut stage);
    stage.comes(&spoken(2, "Ann"));
    assert_eq!(row(&mut stage), first);
    stage.comes(&spoken(3, "Anna"));
    let renamed = row(&mut stage);
    assert!(renamed.starts_with("[\"Anna\", null, "), "{renamed}");
    // In a chat of their own: that is where they are reached.
    stage.comes(&said(4, 42, "hello"));
    let reached = row(&mut stage);
    assert!(reached.contains(", \"42\", "), "{reached}");
    stage.office.admin.run(&format!(
        "update awooop.platform_subjects set last_seen_at = last_seen_at - interval '2 minutes' where project_id = '{project}'"
    ));
    let before = row(&mut stage);
    stage.comes(&spoken(5, "Ann"));
    assert_ne!(row(&mut stage), before);
}

/// How often the chat was told that there will be no answer.
fn told(stage: &mut Stage) -> usize {
    stage.messages().iter().filter(|(_, _, words)| words.contains("sorry") || words.contains("Sorry")).count()
}

#[test]
fn whoever_nobody_listens_to_takes_nothing_from_those_who_are_listened_to() {
    let inbound = json!({
        "secret": "k8s://shop/telegram/secret", "verification": "header_token", "rate": {"count": 5, "window_seconds": 60}
    });
    let mut stage = Stage::with(json!({"inbound": inbound, "admission": {"who": "roles", "roles": ["staff"]}}));
    for n in 1..=30 {
        assert_eq!(outcome(&mut stage, &said(n, 666, "let me in")), "not_admitted");
    }
    assert_eq!(told(&mut stage), 3, "{:?}", stage.messages());
    let project = stage.office.project.clone();
    assert_eq!(outcome(&mut stage, &said(31, 7, "hello")), "not_admitted");
    let grant = format!("select awooop.grant_subject_role('{project}:telegram:7', 'staff')");
    stage.office.admin.within(&project, &grant);
    for n in 32..=36 {
        assert_eq!(outcome(&mut stage, &said(n, 7, "hello")), "run");
    }
    assert_eq!(outcome(&mut stage, &said(37, 7, "hello")), "rate");
}

#[test]
fn runs_that_are_refused_are_told_so_a_few_times_and_recorded_each_time() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    let contract = json!({
        "kind": "run", "contract_version": 1, "name": "short", "output_schema": {},
        "input_schema": {"type": "object", "properties": {"text": {"maxLength": 5}}}
    });
    activate(&mut stage.office.admin, &project, &contract);
    let mut agent = crate::harness::contracts::agent_contract("agent");
    agent["run_contract"] = "short".into();
    activate(&mut stage.office.admin, &project, &agent);
    for n in 1..=30 {
        assert_eq!(outcome(&mut stage, &said(n, 42, "far too long for that")), "refused");
    }
    assert_eq!(told(&mut stage), 3, "{:?}", stage.messages());
    let recorded = format!(
        "select (select count(*) from awooop.conversation_event where project_id = '{project}' and outcome = 'refused') || ' ' ||
                (select count(*) from awooop.audit_log where project_id = '{project}' and action = 'create_run'
                 and code is not null)"
    );
    assert_eq!(stage.office.admin.value(&recorded), "30 30");
    assert_eq!(outcome(&mut stage, &said(31, 42, "short")), "run");
}

#[test]
fn an_update_that_comes_again_changes_nothing_whatever_it_says_then() {
    let mut stage = Stage::new();
    let first = stage.comes(&said(7, 42, "one"));
    for again in [said(7, 42, "one"), said(7, 99, "another")] {
        let second = stage.comes(&again);
        assert_eq!((&second["duplicate"], &second["event_id"]), (&json!(true), &first["event_id"]));
        assert_eq!((&second["run_id"], &second["outcome"]), (&first["run_id"], &json!("run")));
    }
    let project = literal(&stage.office.project);
    let count = |stage: &mut Stage, table: &str| {
        stage.office.admin.value(&format!("select count(*) from awooop.{table} where project_id = {project}"))
    };
    assert_eq!(count(&mut stage, "conversation_event"), "1");
    assert_eq!(count(&mut stage, "run_state"), "1");
    assert_eq!(count(&mut stage, "platform_subjects"), "1");
}

#[test]
fn of_many_who_bring_one_update_at_once_one_does() {
    let mut stage = Stage::new();
    let (project, secret) = (stage.office.project.clone(), stage.secret.clone());
    let database = stage.office.admin.value("select current_database()");
    let arguments = json!({"event": said(7, 42, "hello")}).to_string();
    let came = at_once(
        8,
        |_| gateway_login_in(&database),
        |_, gateway| gateway.try_call(&project, &secret, "ingest_event", &arguments).expect("an answer").body,
    );
    assert_eq!(came.iter().filter(|body| body["duplicate"] == false).count(), 1, "{came:?}");
    assert!(came.iter().all(|body| body["run_id"] == came[0]["run_id"] && body["run_id"].is_string()));
    let runs =
        stage.office.admin.value(&format!("select count(*) from awooop.run_state where project_id = '{project}'"));
    assert_eq!(runs, "1");
}

#[test]
fn everything_that_happens_is_mirrored_and_only_messages_are_heard() {
    let mut stage = Stage::with(json!({"listener": {"agent": "agent", "groups": "when_mentioned"}}));
    let ann = json!({"id": 42, "is_bot": false, "first_name": "Ann"});
    let group = json!({"id": -100, "type": "supergroup", "title": "Shop"});
    let mut edited = said(1, 42, "changed");
    edited["edited_message"] = edited["message"].take();
    edited.as_object_mut().expect("members").remove("message");
    let mut of_a_bot = said(2, 43, "beep");
    of_a_bot["message"]["from"]["is_bot"] = true.into();
    let mut joined = said_in_group(3, 42, -100, "");
    joined["message"]["new_chat_members"] = json!([ann]);
    let mut topic = said_in_group(4, 42, -100, "");
    topic["message"]["forum_topic_created"] = json!({"name": "t", "icon_color": 1});
    let mut mentioned = said_in_group(5, 42, -100, "@shop_bot help");
    mentioned["message"]["entities"] = json!([{"type": "mention", "offset": 0, "length": 9}]);
    let mut old = said(6, 42, "hello");
    old["message"]["date"] = (now() - 100_000).into();
    let callback = json!({"update_id": 8, "callback_query": {"id": "c", "from": ann, "chat_instance": "1", "data": "x:y",
        "message": {"message_id": 5, "date": 1, "chat": group}}});
    let mut photo = said(9, 42, "");
    photo["message"]["photo"] = json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]);
    for (update, expected_kind, expected) in [
        (edited, "edited", "not_a_message"),
        (of_a_bot, "message", "from_a_bot"),
        (joined, "membership", "not_a_message"),
        (topic, "service", "not_a_message"),
        (mentioned, "message", "run"),
        (said_in_group(7, 42, -100, "not for you"), "message", "not_spoken_to"),
        (old, "message", "too_old"),
        (callback, "action", "no_such_button"),
        (photo, "message", "nothing_taken_in"),
        (json!({"update_id": 10, "newer_than_this": {"deep": [{"x": 1}]}}), "unknown", "not_a_message"),
    ] {
        assert_eq!(outcome(&mut stage, &update), expected, "{update}");
        let speaker = stage.speaker.clone();
        let event = stage.office.does(&speaker, "list_events", json!({"page_size": 1}))["items"][0].clone();
        assert_eq!(event["kind"], expected_kind, "{update}");
        assert_eq!(event["external_id"], update["update_id"].to_string());
        // Kept whole: there is nothing to redact in these.
        assert_eq!(event["body"], update);
    }
}

#[test]
fn files_and_commands_go_where_the_contract_sends_them() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    crate::harness::contracts::add_agent(&mut stage.office.admin, &project, "orders");
    let contract = telegram(
        "agent",
        json!({
            "listener": {"agent": "agent", "commands": {"/order": "orders"}},
            "attachments": {"media_types": ["image/*"], "max_bytes": 100}
        }),
    );
    open(&mut stage.office.admin, &project, &contract);
    assert_eq!(outcome(&mut stage, &said(1, 42, "/order 7")), "run");
    let claim = stage.claim_run();
    assert_eq!((&claim.json["agent_id"], &claim.json["tags"]["command"]), (&json!("orders"), &json!("/order")));
    let mut photo = said(2, 42, "");
    photo["message"]["photo"] =
        json!([{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "file_size": 9}]);
    assert_eq!(outcome(&mut stage, &photo), "run");
    let input = stage.claim_run().json["input"].clone();
    assert_eq!(
        input["attachments"][0],
        json!({"kind": "photo", "file_id": "f", "media_type": "image/jpeg", "name": null, "bytes": 9})
    );
}

#[test]
fn a_run_that_may_not_be_is_an_outcome_and_the_person_is_told() {
    let mut stage = Stage::with(json!({"admission": {"who": "roles", "roles": ["staff"]}}));
    assert_eq!(outcome(&mut stage, &said(1, 42, "hello")), "not_admitted");
    let project = stage.office.project.clone();
    stage.office.admin.within(&project, &format!("select awooop.grant_subject_role('{project}:telegram:42', 'staff')"));
    assert_eq!(outcome(&mut stage, &said(2, 42, "hello")), "run");
    stage.office.admin.run(&format!(
        "select awooop.enter_project('{project}'); update awooop.agents set enabled = false where project_id = '{project}'"
    ));
    let came = stage.comes(&said(3, 42, "hello"));
    assert_eq!(
        (&came["outcome"], &came["code"], &came["run_id"]),
        (&json!("refused"), &json!("E-AGENT-003"), &Value::Null)
    );
    let told = stage.messages();
    let notices: Vec<_> = told.iter().filter(|(purpose, ..)| purpose == "notice").collect();
    assert_eq!(notices.len(), 2, "{told:?}");
    assert!(
        notices.iter().all(|(_, state, words)| state == "queued" && words == "Sorry, this cannot be answered here.")
    );
    let refused = stage.office.admin.value(&format!(
        "select code from awooop.audit_log where project_id = '{project}' and action = 'create_run' and decision = 'refused'"
    ));
    assert_eq!(refused, "E-AGENT-003");
}

#[test]
fn a_sender_who_says_too_much_is_mirrored_and_not_heard() {
    let mut stage = Stage::with(json!({"inbound": {
        "secret": "k8s://shop/telegram/secret", "verification": "header_token", "rate": {"count": 30, "window_seconds": 60}
    }}));
    let mut heard = 0;
    for _ in 0..25 {
        let update = stage.next();
        heard += usize::from(outcome(&mut stage, &said(update, 42, "again")) == "run");
    }
    assert_eq!(heard, 20);
    // Another is heard, as long as the channel has room.
    let of_others = (0..12).filter(|n| {
        let update = stage.next();
        outcome(&mut stage, &said(update, 50 + n, "hello")) == "run"
    });
    assert_eq!(of_others.count(), 10);
    let project = stage.office.project.clone();
    let mirrored = stage
        .office
        .admin
        .value(&format!("select count(*) from awooop.conversation_event where project_id = '{project}'"));
    assert_eq!(mirrored, "37");
}

#[test]
fn what_cannot_be_taken_in_is_refused_with_what_is_wrong() {
    let mut stage = Stage::with(json!({"inbound": {
        "secret": "k8s://shop/telegram/secret", "verification": "header_token", "max_event_bytes": 400
    }}));
    let (secret, project) = (stage.secret.clone(), stage.office.project.clone());
    let mut code = |arguments: Value| stage.office.code(&secret, "ingest_event", arguments);
    assert_eq!(code(json!({"event": {"message": {}}})), "E-INPUT-001");
    assert_eq!(code(json!({"event": said(1, 2, &"x".repeat(400))})), "E-INPUT-007");
    assert_eq!(code(json!({"event": said(1, 2, "x"), "channel": "other"})), "E-CHANNEL-004");
    assert_eq!(code(json!({})), "E-INPUT-008");
    let revision =
        format!("select revision_id from awooop.active_contracts where project_id = '{project}' and kind = 'channel'");
    let revision = stage.office.admin.value(&revision);
    let ann = stage.office.ann.clone();
    stage.office.does(&ann, "revoke_contract", json!({"revision_id": revision, "reason": "over"}));
    assert_eq!(stage.office.code(&secret, "ingest_event", json!({"event": said(1, 2, "x")})), "E-CHANNEL-001");
    let kept = stage
        .office
        .admin
        .value(&format!("select count(*) from awooop.conversation_seen where project_id = '{project}'"));
    assert_eq!(kept, "0");
}

#[test]
fn what_nobody_hears_is_taken_in_at_once_and_the_rest_is_left_to_come_alone() {
    let mut stage = Stage::new();
    let (secret, project) = (stage.secret.clone(), stage.office.project.clone());
    let known = said_in_group(1, 42, -9, "hello");
    stage.comes(&known);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let wrong = json!({"message": {"text": "without an id"}});
    let press = json!({"update_id": 9, "callback_query": {"id": "c", "from": {"id": 42, "is_bot": false, "first_name": "Ann"},
        "chat_instance": "1", "data": "x", "message": {"message_id": 1, "date": 1, "chat": {"id": -9, "type": "supergroup"}}}});
    let events = [
        said_in_group(2, 42, -9, "my card is 4242 4242 4242 4242"),
        known,
        said_in_group(3, 43, -9, "somebody who was not seen before"),
        said(4, 42, "to the bot itself"),
        wrong,
        press,
        said_in_group(5, 42, -9, "again"),
        said_in_group(5, 42, -9, "again"),
    ];
    let brought: Vec<Value> = events.iter().map(|event| json!({"event": event, "traceparent": trace})).collect();
    let answers = stage.office.does(&secret, "ingest_events", json!({"events": brought}))["answers"].clone();
    let taken: Vec<bool> = answers.as_array().expect("answers").iter().map(|answer| !answer.is_null()).collect();
    assert_eq!(taken, [true, false, false, false, false, false, true, false], "{answers}");
    assert_eq!((&answers[0]["outcome"], &answers[0]["duplicate"]), (&json!("not_spoken_to"), &json!(false)));
    let kept = format!(
        "select string_agg(external_id || ' ' || (body #>> '{{message,text}}') || ' ' || (trace_id like '{}%'), ','
                           order by external_id::int)
         from awooop.conversation_event where project_id = '{project}' and external_id <> '1'",
        &trace[..35]
    );
    assert_eq!(stage.office.admin.value(&kept), "2 my card is [REDACTED:payment_card] true,5 again true");
    // What was left is as if it had never come.
    for (event, outcome) in [(&events[2], "not_spoken_to"), (&events[3], "run"), (&events[6], "not_spoken_to")] {
        let came = stage.comes(event);
        assert_eq!((&came["outcome"], &came["duplicate"]), (&json!(outcome), &json!(event == &events[6])));
    }
    for wrong in [json!([1]), json!({}), json!([{"event": 1}]), json!(vec![json!({"event": {"update_id": 1}}); 101])] {
        assert_eq!(stage.office.code(&secret, "ingest_events", json!({"events": wrong})), "E-INPUT-001");
    }
    let elsewhere = json!({"events": [], "channel": "another"});
    assert_eq!(stage.office.code(&secret, "ingest_events", elsewhere), "E-CHANNEL-004");
    assert_eq!(stage.office.does(&secret, "ingest_events", json!({"events": []})), json!({"answers": []}));
}

#[test]
fn a_project_that_is_not_on_the_platform_takes_nothing_in() {
    let mut stage = Stage::new();
    stage.mode("legacy_awoooi_default");
    let secret = stage.secret.clone();
    assert_eq!(stage.office.code(&secret, "ingest_event", json!({"event": said(1, 2, "x")})), "E-TENANT-002");
}

#[test]
fn an_update_that_cannot_be_judged_now_is_taken_in_when_it_comes_again() {
    let mut stage = Stage::of(Office::alone(), json!({}));
    let project = stage.office.project.clone();
    activate(
        &mut stage.office.admin,
        &project,
        &counting(json!({"odd": {"threshold": 9, "window_seconds": 60, "action": "record"}})),
    );
    stage.rewrites("policy", "lead", "dael");
    // How much of it there may be, the policy says.
    let message = said(1, 42, "hello");
    let secret = stage.secret.clone();
    assert_eq!(stage.office.code(&secret, "ingest_event", json!({"event": message})), "E-CONTRACT-008");
    let seen = format!("select count(*) from awooop.conversation_seen where project_id = '{project}'");
    assert_eq!(stage.office.admin.value(&seen), "0");
    stage.rewrites("policy", "dael", "lead");
    assert_eq!(stage.comes(&message)["outcome"], "run");
}
