//! Another channel: a signed webhook, in and out. The other side signs and verifies with the library that the specification's
//! authors publish.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use standardwebhooks::Webhook;
use ureq::http::HeaderMap;

use super::stage::Stage;
use super::wire::sending;
use crate::contracts::stage::Office;
use crate::harness::answer::eventually;
use crate::harness::channels::{open, telegram};
use crate::harness::gateway::HttpGateway;
use crate::harness::listener::{Listener, Post};
use crate::harness::quiet::text;
use crate::http::client::{Caller, Reply};
use crate::mcp_gateway::stage::Secrets;

const DESK: &str = "desk";

/// A channel whose events come signed.
pub fn contract(address: &str) -> Value {
    let mut contract = telegram("agent", json!({}));
    if !address.is_empty() {
        contract["outbound"]["address"] = address.into();
    }
    contract["name"] = DESK.into();
    contract["channel_type"] = "webhook".into();
    contract["inbound"]["verification"] = "hmac_sha256".into();
    contract["outbound"]["format"] = "markdown".into();
    contract
}

struct Signed {
    stage: Stage,
    gateway: HttpGateway,
    secret: String,
}

impl Signed {
    fn new() -> Self {
        let mut stage = Stage::of(Office::new(), json!({}));
        let project = stage.office.project.clone();
        open(&mut stage.office.admin, &project, &contract(""));
        let gateway = HttpGateway::start(&stage.office.database(), &[]);
        let secret = secret_of(&mut stage, DESK);
        Self { stage, gateway, secret }
    }

    /// What the sender gets for this.
    fn posts(&self, channel: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
        let path = format!("/v1/channels/webhook/{}/{channel}", self.stage.office.project);
        Caller::new(&self.gateway, "").send_with("POST", &path, body, headers)
    }

    /// The same for something that is signed now, with a secret.
    fn signs(&self, secret: &str, id: &str, body: &str, seconds_ago: i64) -> Reply {
        let (timestamp, signature) = signed(secret, id, body, seconds_ago);
        let timestamp = timestamp.to_string();
        let headers = [("webhook-id", id), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
        self.posts(DESK, body, &headers)
    }
}

fn secret_of(stage: &mut Stage, channel: &str) -> String {
    let project = stage.office.project.clone();
    let made = stage.office.admin.within(
        &project,
        &format!("select awooop.create_api_key('desk', array['channels:ingest'], channel => '{channel}')"),
    );
    text(&made["api_key"])
}

fn signed(secret: &str, id: &str, body: &str, seconds_ago: i64) -> (i64, String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
    let at = i64::try_from(now).expect("seconds") - seconds_ago;
    let webhook = Webhook::new(secret).expect("a secret that the library takes");
    (at, webhook.sign(id, at, body.as_bytes()).expect("a signature"))
}

const HELLO: &str = r#"{"chat_id": "c-1", "user_id": "u-1", "text": "Where is my order?",  "display_name": "Ann"}"#;

#[test]
fn what_is_signed_is_taken_in_once_and_becomes_a_run() {
    let mut at = Signed::new();
    assert!(at.secret.starts_with("whsec_"), "{}", at.secret);
    let came = at.signs(&at.secret, "msg-1", HELLO, 0).expect(200);
    assert_eq!((&came["outcome"], &came["duplicate"]), (&json!("run"), &json!(false)));
    // The same again, and another body under the same id: it was taken in.
    for body in [HELLO, r#"{"chat_id": "c-2", "user_id": "u-2", "text": "other"}"#] {
        let again = at.signs(&at.secret, "msg-1", body, 0).expect(200);
        assert_eq!((&again["event_id"], &again["duplicate"]), (&came["event_id"], &json!(true)));
    }
    let claim = at.stage.claim_run();
    assert_eq!((&claim.json["run_id"], &claim.json["input"]["text"]), (&came["run_id"], &json!("Where is my order?")));
    assert_eq!(claim.json["envelope"]["channel_type"], "webhook");
    let speaker = at.stage.speaker.clone();
    let event = at.stage.office.does(&speaker, "list_events", json!({"channel": DESK}))["items"][0].clone();
    assert_eq!((&event["external_id"], &event["channel_chat_id"]), (&json!("msg-1"), &json!("c-1")));
}

#[test]
fn what_is_not_signed_by_the_channels_secret_or_not_now_is_not_taken_in() {
    let at = Signed::new();
    let (mut other, project) = (Signed::new(), at.stage.office.project.clone());
    let (now, signature) = signed(&at.secret, "msg-1", HELLO, 0);
    let now = now.to_string();
    let good: [(&str, &str); 3] =
        [("webhook-id", "msg-1"), ("webhook-timestamp", &now), ("webhook-signature", &signature)];
    let altered = |n: usize, value: &'static str| {
        let mut headers = good;
        headers[n].1 = value;
        headers
    };
    let later = HELLO.replace("order", "money");
    for (what, reply) in [
        ("another body", at.posts(DESK, &later, &good)),
        ("the same JSON in other bytes", at.posts(DESK, &HELLO.replace(",  ", ", "), &good)),
        ("another id", at.posts(DESK, HELLO, &altered(0, "msg-2"))),
        ("another time", at.posts(DESK, HELLO, &altered(1, "1700000000"))),
        ("no signature", at.posts(DESK, HELLO, &good[..2])),
        ("a signature twice", at.posts(DESK, HELLO, &[good[0], good[1], good[2], good[2]])),
        ("the secret itself", at.posts(DESK, HELLO, &[good[0], good[1], ("webhook-signature", &at.secret)])),
        (
            "a channel's other secret",
            at.posts(DESK, HELLO, &[good[0], good[1], ("webhook-signature", &at.stage.secret)]),
        ),
        ("another channel", at.posts("shop-bot", HELLO, &good)),
        ("another project's secret", at.signs(&other.secret, "msg-1", HELLO, 0)),
        ("another project", other.posts(DESK, HELLO, &good)),
    ] {
        assert_eq!(reply.problem(), (401, "E-AUTH-001".to_owned()), "{what}");
    }
    for (what, seconds_ago) in [("kept for too long", 301), ("of the future", -301)] {
        let reply = at.signs(&at.secret, "msg-1", HELLO, seconds_ago);
        assert_eq!(reply.problem().1, "E-CHANNEL-011", "{what}");
    }
    assert_eq!(at.signs(&at.secret, "msg-1", "{\"a\": 1, \"a\": 2}", 0).problem().1, "E-INPUT-004");
    assert_eq!(at.signs(&at.secret, "msg-1", "[1]", 0).problem().1, "E-INPUT-003");
    let count = format!("select count(*) from awooop.conversation_event where project_id = '{project}'");
    assert_eq!(other.stage.office.admin.value(&count), "0");
    // And nobody can sign but by what the secret is.
    let stolen = other.stage.office.admin.value(&format!(
        "select encode(digest, 'base64') from awooop.api_keys where project_id = '{project}' and channel = '{DESK}'"
    ));
    assert_eq!(at.signs(&format!("whsec_{stolen}"), "msg-1", HELLO, 0).status, 401);
    assert_eq!(at.signs(&at.secret, "msg-1", HELLO, 0).status, 200);
}

#[test]
fn a_secret_is_rotated_with_a_grace_and_revoked_at_once() {
    let mut at = Signed::new();
    let project = at.stage.office.project.clone();
    let id =
        at.stage.office.admin.value(&format!(
            "select key_id from awooop.api_keys where project_id = '{project}' and channel = '{DESK}'"
        ));
    let rotated =
        at.stage.office.admin.within(&project, &format!("select awooop.rotate_api_key('{id}', grace_seconds => 60)"));
    let new = text(&rotated["api_key"]);
    assert!(new.starts_with("whsec_") && new != at.secret);
    assert_eq!(at.signs(&at.secret, "m-1", HELLO, 0).status, 200);
    assert_eq!(at.signs(&new, "m-2", HELLO, 0).status, 200);
    at.stage.office.admin.within(&project, &format!("select awooop.revoke_api_key('{id}')"));
    assert_eq!(at.signs(&at.secret, "m-3", HELLO, 0).status, 401);
    assert_eq!(at.signs(&new, "m-3", HELLO, 0).status, 200);
}

/// What the other side makes of a post: it verifies, as whoever has the secret does.
#[track_caller]
fn verified(post: &Post, secret: &str) -> Value {
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| (name, post.header(name)));
    let map: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .collect();
    Webhook::new(secret).expect("a secret").verify(post.body.as_bytes(), &map).expect("a signature that holds");
    serde_json::from_str(&post.body).expect("JSON")
}

const OUT: &str = "whsec_c2lnbmVkLXdpdGgtdGhpcy1zZWNyZXQtb2YtdGhlLWRlc2s=";

/// Somebody whose webhook takes messages, and a gateway that sends them.
struct Receiver {
    stage: Stage,
    listener: Listener,
    secrets: Secrets,
    gateway: HttpGateway,
}

impl Receiver {
    /// One that answers with these in turn, and from then on with the last.
    fn start(is_allowed: bool, statuses: &'static [u16]) -> Self {
        let mut stage = Stage::of(Office::alone(), json!({}));
        let turn = AtomicUsize::new(0);
        let listener = Listener::start(move |_| {
            let turn = turn.fetch_add(1, Ordering::Relaxed).min(statuses.len() - 1);
            Some((statuses[turn], "{}".to_owned()))
        });
        let project = stage.office.project.clone();
        open(&mut stage.office.admin, &project, &contract(&format!("{}/hooks", listener.url)));
        if is_allowed {
            stage.office.sql("select awooop.allow_private_host('127.0.0.1', 'tests')");
        }
        let secrets = Secrets::new();
        secrets.put_at("shop/telegram", OUT);
        let gateway = sending(&stage.office.database(), secrets.path(), "http://127.0.0.1:1");
        Self { stage, listener, secrets, gateway }
    }

    #[track_caller]
    fn says(&mut self, words: &str) -> Value {
        let speaker = self.stage.speaker.clone();
        let message = json!({"channel": DESK, "channel_chat_id": "c-1", "text": words});
        self.stage.office.does(&speaker, "queue_message", message)
    }
}

#[test]
fn what_is_said_is_posted_signed_in_order_and_again_until_it_is_taken() {
    let mut desk = Receiver::start(true, &[500, 429, 200]);
    for words in ["**first**", "second"] {
        desk.says(words);
    }
    eventually("the posts", || desk.listener.posts().len() >= 4);
    let posts = desk.listener.posts();
    let said: Vec<Value> = posts.iter().map(|post| verified(post, OUT)).collect();
    let texts: Vec<_> = said.iter().map(|said| text(&said["text"])).collect();
    assert_eq!(texts, ["**first**", "**first**", "**first**", "second"]);
    assert_eq!((&said[0]["type"], &said[0]["chat_id"]), (&json!("message.send"), &json!("c-1")));
    assert_eq!(posts[0].path, "/hooks");
    // By its id whoever gets it twice can tell.
    let ids: Vec<_> = posts.iter().map(|post| post.header("webhook-id")).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    eventually("the end", || desk.stage.messages().iter().all(|(_, state, _)| state == "sent"));
    let log = desk.gateway.log();
    assert!(!log.contains("c2lnbmVk") && !log.contains("second"), "{log}");
    assert!(posts.iter().all(|post| !post.body.contains("c2lnbmVk")));
    drop(desk.secrets);
}

#[test]
fn what_a_webhook_refuses_is_dead_and_a_private_host_takes_an_operators_word() {
    let mut desk = Receiver::start(true, &[410]);
    let queued = desk.says("hello");
    eventually("the end", || desk.stage.shown(&queued)["state"] == "dead");
    assert_eq!(desk.stage.shown(&queued)["error"]["code"], "http_410");
    let mut unallowed = Receiver::start(false, &[200]);
    let queued = unallowed.says("hello");
    eventually("the failure", || !unallowed.stage.shown(&queued)["error"].is_null());
    assert_eq!(unallowed.stage.shown(&queued)["error"]["code"], "address_forbidden");
    assert_eq!(unallowed.listener.posts().len(), 0);
}
