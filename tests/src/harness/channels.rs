//! Channels for tests: their contracts, updates of Telegram's Bot API, and every operation on them used once.

use serde_json::{Value, json};

use super::contracts::{Hand, activate};
use super::{Actor, Session, literal};

/// The channel that the tests have.
pub const CHANNEL: &str = "shop-bot";
/// The account that it answers as.
pub const ACCOUNT: &str = "@shop_bot";

/// A channel of Telegram's whose agent is `agent`; members of `more` are put in, or in place of what is there.
pub fn telegram(agent: &str, more: Value) -> Value {
    let mut contract = json!({
        "kind": "channel", "contract_version": 1, "name": CHANNEL, "channel_type": "telegram",
        "inbound": {"secret": "k8s://shop/telegram/secret", "verification": "header_token"},
        "listener": {"agent": agent},
        "outbound": {
            "identity": ACCOUNT, "credential": "k8s://shop/telegram/token", "chat_rate": {"count": 1000, "window_seconds": 1},
            "rate": {"count": 1000, "window_seconds": 1}, "retry": {"max_attempts": 3, "first_delay_seconds": 1}
        }
    });
    for (name, value) in more.as_object().expect("members") {
        contract[name] = value.clone();
    }
    contract
}

/// Makes a channel's contract the active one, in a project that has the credentials of `k8s://shop`.
#[track_caller]
pub fn open(admin: &mut Session, project: &str, contract: &Value) {
    admin.run(&format!("select awooop.set_credential_namespaces('{project}', array['shop'])"));
    activate(admin, project, contract);
}

/// What somebody says to the account in a chat of their own.
pub fn said(update: u64, user: u64, text: &str) -> Value {
    json!({"update_id": update, "message": {
        "message_id": update + 1000, "date": now(), "text": text,
        "chat": {"id": user, "type": "private", "first_name": "Ann"},
        "from": {"id": user, "is_bot": false, "first_name": "Ann", "language_code": "en"}
    }})
}

/// What somebody says in a group.
pub fn said_in_group(update: u64, user: u64, group: i64, text: &str) -> Value {
    let mut said = said(update, user, text);
    said["message"]["chat"] = json!({"id": group, "type": "supergroup", "title": "Shop"});
    said
}

/// Seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time after 1970").as_secs()
}

/// Uses every operation on channels once at least. `does` carries an operation out and returns its answer. The agent `name` can
/// run, and its project is in active.
#[track_caller]
pub fn every_operation(admin: &mut Session, project: &str, name: &str, mut by: impl FnMut(Hand, &str, Value) -> Value) {
    let mode = |admin: &mut Session, mode: &str| {
        admin.run(&format!("select awooop.set_project_mode('{project}', '{mode}')"));
    };
    open(admin, project, &telegram(name, json!({})));
    mode(admin, "suggest");
    let held = by(Hand::Owner, "queue_message", json!({"channel": CHANNEL, "channel_chat_id": "9", "text": "Hm"}));
    let decision = json!({"message_id": held["message_id"], "decision": "discard", "reason": "not so"});
    assert_eq!(by(Hand::Left, "decide_message", decision)["state"], "discarded");
    mode(admin, "active");
    let mut does = |operation: &str, arguments: Value| by(Hand::Owner, operation, arguments);
    let event = json!({"channel": CHANNEL, "event": said(1, 42, "Where is my order?")});
    let taken_in = does("ingest_event", event.clone());
    assert_eq!((&taken_in["outcome"], &taken_in["duplicate"]), (&json!("run"), &json!(false)));
    assert_eq!(does("ingest_event", event)["duplicate"], true);
    let chatter = json!({"event": said_in_group(2, 42, -9, "to each other")});
    let together = does("ingest_events", json!({"channel": CHANNEL, "events": [chatter]}));
    assert_eq!(together["answers"].as_array().map(Vec::len), Some(1));
    let subject = format!("{project}:telegram:42");
    let linked = does("link_subject", json!({"platform_subject_id": subject}));
    assert_eq!(linked["principal_id"], Value::Null);
    let events = does("list_events", json!({"channel": CHANNEL, "channel_chat_id": "42"}));
    assert_eq!(events["items"][0]["event_id"], taken_in["event_id"]);
    let message = json!({"channel": CHANNEL, "channel_chat_id": "42", "text": "Hello", "idempotency_key": "hello"});
    let queued = does("queue_message", message);
    assert_eq!((&queued["state"], &queued["created"]), (&json!("queued"), &json!(true)));
    let claimed = does("claim_messages", json!({"sender_id": "s", "max_messages": 1}))["messages"][0].clone();
    assert_eq!(claimed["message_id"], queued["message_id"]);
    let sent = json!({"message_id": claimed["message_id"], "lease": claimed["lease"], "report": "refused",
                      "error_code": "blocked", "error": "the bot was blocked by the user"});
    assert_eq!(does("mark_message", sent)["state"], "dead");
    assert_eq!(does("list_messages", json!({"state": "dead"}))["items"][0]["message_id"], queued["message_id"]);
    let again = does("redrive_message", json!({"message_id": queued["message_id"]}));
    assert_eq!(again["redrive_of"], queued["message_id"]);
    assert_eq!(does("get_message", json!({"message_id": again["message_id"]}))["state"], "queued");
    remembered_and_compared(name, &mut does);
    activate(
        admin,
        project,
        &counting(json!({"oddities": {"threshold": 1, "window_seconds": 60, "action": "record"}})),
    );
    let counted = by(Hand::Owner, "count_anomaly", json!({"counter": "oddities", "by": 2}));
    assert_eq!((&counted["count"], &counted["crossed"]), (&json!(2), &json!(true)));
    assert_eq!(by(Hand::Owner, "list_anomalies", json!({"open": true}))["items"][0]["counter"], "oddities");
}

/// A policy whose counters are these.
pub fn counting(anomalies: Value) -> Value {
    json!({
        "kind": "policy", "contract_version": 1, "name": "default", "anomalies": anomalies,
        "activation": {"default": {"approvers": 2, "roles": ["security"]}},
        "calls": {
            "low": {"decision": "allow"}, "medium": {"decision": "allow"},
            "high": {"decision": "approve", "approvers": 1, "roles": ["lead"]}, "critical": {"decision": "deny"}
        }
    })
}

/// Sessions, and runs in shadow, in the chat where somebody has just spoken to the agent `name`.
#[track_caller]
fn remembered_and_compared(name: &str, does: &mut impl FnMut(&str, Value) -> Value) {
    let chat = json!({"channel": CHANNEL, "channel_chat_id": "42"});
    let with = |member: &str, value: Value| {
        let mut arguments = chat.clone();
        arguments[member] = value;
        arguments
    };
    assert_eq!(does("get_session", chat.clone())["messages"][0]["text"], "Where is my order?");
    assert_eq!(does("put_session", with("state", json!({"order": 7})))["state"], json!({"order": 7}));
    assert_eq!(does("end_session", chat.clone())["ended"], 1);
    let envelope = does(
        "build_envelope",
        json!({"agent_id": name, "channel_type": "telegram", "channel_user_id": "42", "channel_chat_id": "42"}),
    );
    let shadow = json!({"envelope": envelope, "message_key": "update-9", "input": {"text": "Hello"}});
    let run = does("shadow_execute", shadow);
    let reported = does("report_legacy_outcome", json!({"message_key": "update-9", "outcome": {"answer": "Hi"}}));
    assert_eq!((&reported["run_id"], &reported["agrees"]), (&run["run_id"], &Value::Null));
    assert_eq!(does("shadow_report", json!({}))["days"][0]["legacy"], 1);
}

/// Puts rows into every table of channels, with that word wherever a word may be. The agent `agent` of the actor's project can run.
#[track_caller]
pub fn converse(admin: &mut Session, actor: &mut Actor, word: &str) {
    let contract = telegram("agent", json!({"approvals": {"channel_chat_id": "-5", "roles": ["lead"]}}));
    open(admin, &actor.project, &contract);
    let event = literal(&said(1, 42, word).to_string());
    for sql in [
        format!("select awooop.ingest_event({event}, '{CHANNEL}')"),
        format!("select awooop.queue_message('{CHANNEL}', '42', '{word}', idempotency_key => '{word}')"),
        format!(
            "select awooop.shadow_execute(awooop.build_envelope('agent', 'telegram', '42'), '{word}', input => '\"{word}\"')"
        ),
        format!("select awooop.report_legacy_outcome('{word}', '\"{word}\"')"),
    ] {
        let answer = actor.call(&sql);
        assert!(answer["code"].is_null(), "{sql}: {answer}");
    }
    // Counting takes a policy, which the tests that use this have none of.
    let project = literal(&actor.project);
    admin.run(&format!(
        "insert into awooop.anomaly_counter (project_id, counter, target, is_legacy, bucket_at, count, expires_at)
             values ({project}, '{word}', '{word}', false, now(), 1, now() + interval '1 day');
         insert into awooop.anomaly_event (project_id, anomaly_id, counter, target, count, threshold, window_seconds, action,
                                           crossed_at)
             values ({project}, gen_random_uuid(), '{word}', '{word}', 2, 1, 60, 'record', now())"
    ));
}

/// Says of every button of the project that somebody has pressed it.
pub fn press_all(admin: &mut Session, project: &str) {
    admin.run(&format!(
        "insert into awooop.channel_press (project_id, digest, platform_subject_id, event_id)
         select project_id, digest, project_id || ':telegram:42', message_id from awooop.channel_button
         where project_id = '{project}'"
    ));
}
