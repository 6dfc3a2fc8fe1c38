//! Everything killed every few seconds under load: gateways, workers with their senders, the server's background worker, and with it
//! now and then the server. Then the books are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stage::run_contract;
use crate::contracts::stage::Office;
use crate::faults::maintained_server;
use crate::harness::OwnServer;
use crate::harness::channels::{counting, open, said, telegram};
use crate::harness::contracts::{activate, agent_contract};
use crate::harness::gateway::{HttpGateway, gateway_uri, program};
use crate::harness::listener::Listener;
use crate::harness::own_server::signal;
use crate::harness::platform::PASSWORD;
use crate::harness::quiet::text;
use crate::http::client::Caller;
use crate::mcp_gateway::stage::{Fixture, Secrets};

const TOKEN: &str = "7654321:AAE-quiet-lantern_blue-heron";
const CLIENTS: u64 = 4;
const CHATS: u64 = 8;
const WORKERS: usize = 2;
/// Longer than the lease of a message, several times.
const PATIENCE: Duration = Duration::from_secs(240);

/// How long the fire lasts; for minutes where somebody asks for that (AWOOOP_TEST_FIRE_SECONDS).
fn lasts() -> Duration {
    let told = std::env::var("AWOOOP_TEST_FIRE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(told.unwrap_or(20))
}

/// A `gateway worker`, killed when dropped.
struct Worker(Child);

impl Worker {
    fn start(scene: &Scene) -> Self {
        let mut command = program(&scene.gateway);
        command.arg("worker").env("AWOOOP_WORKER_DATABASE_URL", &scene.worker).env("AWOOOP_POLL_MS", "20");
        command.env("AWOOOP_SECRETS_DIR", scene.secrets.path()).env("AWOOOP_TELEGRAM_API_URL", &scene.api.origin);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a worker"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Scene {
    server: OwnServer,
    secrets: Secrets,
    api: Fixture,
    gateway: String,
    worker: String,
    /// Kept for as long as the agent is to answer.
    _agent: Listener,
}

/// A project whose channel is listened to by an agent behind HTTP; the channel's secret.
fn project(server: &OwnServer, agent: &Listener, mode: &str) -> (Office, String) {
    let mut office = Office::on(server);
    let project = office.project.clone();
    let retry = json!({"max_attempts": 20, "first_delay_seconds": 1, "growth_percent": 100});
    activate(&mut office.admin, &project, &run_contract(json!({"lease_seconds": 5, "retry": retry})));
    let mut contract = agent_contract("agent");
    contract["run_contract"] = "answer".into();
    contract["endpoint"] = json!({"url": format!("{}/agent", agent.url), "timeout_seconds": 5});
    activate(&mut office.admin, &project, &contract);
    // On a slow machine somebody waits for half a minute: what they are told then would stand between the answers.
    let retry = json!({"feedback": {"max_messages": 0}, "outbound": {
        "identity": "@shop_bot", "credential": "k8s://shop/telegram/token", "chat_rate": {"count": 1000, "window_seconds": 1},
        "rate": {"count": 1000, "window_seconds": 1}, "retry": {"max_attempts": 20, "first_delay_seconds": 1}
    }});
    open(&mut office.admin, &project, &telegram("agent", retry));
    let mut policy = counting(json!({}));
    policy.as_object_mut().expect("members").remove("anomalies");
    policy["rates"] = json!({"messages": {"subject": {"count": 100_000, "window_seconds": 60}}});
    activate(&mut office.admin, &project, &policy);
    office.sql(&format!("select awooop.set_project_mode('{project}', '{mode}')::text"));
    let made = "select awooop.create_api_key('bot', array['channels:ingest'], channel => 'shop-bot')";
    let secret = text(&office.admin.within(&project, made)["api_key"]);
    (office, secret)
}

impl Scene {
    fn new() -> (Self, [(Office, String); 2]) {
        let server = maintained_server();
        server.superuser().run(&format!("alter role awooop_worker password '{PASSWORD}'"));
        let turn = AtomicUsize::new(0);
        let agent = Listener::start(move |post| {
            if turn.fetch_add(1, Ordering::Relaxed) % 10 == 9 {
                return Some((503, "{}".to_owned()));
            }
            // Whoever posted it was killed in the middle.
            let asked: Value = serde_json::from_str(&post.body).ok()?;
            let words = format!("re: {}", asked["input"]["text"].as_str().unwrap_or_default());
            let step = json!({"step_key": "model", "kind": "llm", "tokens": 3});
            Some((200, json!({"steps": [step], "output": {"answer": words}}).to_string()))
        });
        let projects = ["active", "shadow"].map(|mode| project(&server, &agent, mode));
        server.superuser().run("select awooop.allow_private_host('127.0.0.1', 'tests')");
        let secrets = Secrets::new();
        secrets.put_at("shop/telegram", TOKEN);
        let scene = Self {
            gateway: gateway_uri(&server),
            worker: server.uri("awooop_worker", PASSWORD),
            api: Fixture::start("bot-api-server", &["--token", TOKEN]),
            secrets,
            server,
            _agent: agent,
        };
        (scene, projects)
    }

    /// Chat and text of what reached the chats, in order.
    fn sent(&self) -> BTreeMap<String, Vec<String>> {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let log = agent.get(format!("{}/log", self.api.origin)).call().expect("an answer").body_mut().read_to_string();
        let log: Value = serde_json::from_str(&log.expect("a body")).expect("JSON");
        let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for done in log.as_array().expect("a log").iter().filter(|done| done["what"] == "sent") {
            sent.entry(text(&done["chat_id"])).or_default().push(text(&done["text"]));
        }
        sent
    }
}

/// Brings an update until somebody has taken it in.
fn bring(gateway: &RwLock<Arc<HttpGateway>>, project: &str, secret: &str, update: &Value) {
    let path = format!("/v1/channels/telegram/{project}/webhook");
    let headers = [("Content-Type", "application/json"), ("X-Telegram-Bot-Api-Secret-Token", secret)];
    let begun = Instant::now();
    loop {
        let now = Arc::clone(&gateway.read().expect("a gateway"));
        match Caller::new(&now, "").try_plain("POST", &path, &headers, &update.to_string()) {
            Ok(reply) if reply.status == 200 => return,
            Ok(reply) => assert!(reply.status >= 500, "{reply:?}"),
            Err(_) => {}
        }
        assert!(begun.elapsed() < PATIENCE, "nobody takes it in");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Kills one thing after another, and starts what does not start by itself.
fn burn(scene: &Scene, gateway: &RwLock<Arc<HttpGateway>>, workers: &mut [Worker], until: Instant) -> usize {
    let mut kills = 0;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1500));
        match kills % 5 {
            0 | 2 => {
                let next = HttpGateway::launch(&scene.gateway, &[]);
                std::mem::replace(&mut *gateway.write().expect("a gateway"), Arc::new(next)).kill9();
            }
            1 => workers[kills % WORKERS] = Worker::start(scene),
            3 => workers[(kills / 5) % WORKERS] = Worker::start(scene),
            // A background worker told to end is started again; one that is killed takes the server with it.
            _ => {
                let how = if kills % 10 == 4 { "KILL" } else { "TERM" };
                let pid =
                    "select coalesce(min(pid), 0) from pg_stat_activity where backend_type = 'awooop maintenance'";
                match scene.server.superuser().value(pid).parse() {
                    Ok(0) | Err(_) => {}
                    Ok(pid) => signal(pid, how),
                }
            }
        }
        kills += 1;
    }
    kills
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_whatever_is_killed() {
    let (scene, [(mut office, secret), (mut shadow, shadow_secret)]) = Scene::new();
    let gateway = RwLock::new(Arc::new(HttpGateway::start_on(&scene.server, &[])));
    let mut workers: Vec<Worker> = (0..WORKERS).map(|_| Worker::start(&scene)).collect();
    let stop = AtomicBool::new(false);
    let (project, shadow_project) = (office.project.clone(), shadow.project.clone());
    let (brought, kills) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..=CLIENTS)
            .map(|client| {
                let (gateway, stop) = (&gateway, &stop);
                // The last one talks to the project in shadow.
                let (project, secret) =
                    if client < CLIENTS { (&project, &secret) } else { (&shadow_project, &shadow_secret) };
                scope.spawn(move || {
                    let mut brought = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        let (update, chat) = (client * 1_000_000 + brought, client * CHATS + brought % CHATS + 1);
                        bring(gateway, project, secret, &said(update, chat, &format!("{update}")));
                        brought += 1;
                        std::thread::sleep(Duration::from_millis(60));
                    }
                    brought
                })
            })
            .collect();
        let until = Instant::now() + lasts();
        let burning = AssertUnwindSafe(|| burn(&scene, &gateway, &mut workers, until));
        let kills = catch_unwind(burning);
        // Whatever became of it, the clients come to an end.
        stop.store(true, Ordering::Relaxed);
        let kills = kills.unwrap_or_else(|cause| resume_unwind(cause));
        let brought: Vec<u64> =
            clients.into_iter().map(|client| client.join().unwrap_or_else(|cause| resume_unwind(cause))).collect();
        (brought, kills)
    });
    assert!(kills >= 8, "{kills} kills");
    // What was killed with the server has its connections gone.
    let mut admin = scene.server.superuser();
    let open = "select (select count(*) from awooop.run_state
                           where state not in ('completed', 'failed', 'cancelled', 'timed_out')) || ' '
                       || (select coalesce(sum(queued), 0) from awooop.outbound_chat)";
    let begun = Instant::now();
    while admin.value(open) != "0 0" {
        assert!(begun.elapsed() < PATIENCE, "it does not come to an end: {}", admin.value(open));
        std::thread::sleep(Duration::from_millis(200));
    }
    let told = |admin: &mut crate::harness::Session, sql: &str, project: &str| {
        admin.value(&sql.replace("$1", &format!("'{project}'")))
    };
    for (project, brought) in
        [(&project, brought[..CLIENTS as usize].iter().sum::<u64>()), (&shadow_project, brought[CLIENTS as usize])]
    {
        let expected = brought.to_string();
        for (what, sql) in [
            ("mirrored", "select count(*) from awooop.conversation_event where project_id = $1"),
            (
                "mirrored once",
                "select count(distinct external_id) from awooop.conversation_event where project_id = $1",
            ),
            ("runs", "select count(*) from awooop.run_state where project_id = $1 and state = 'completed'"),
            (
                "ends",
                "select count(*) from awooop.audit_log where project_id = $1 and action = 'run_completed' and decision = 'done'",
            ),
            ("answers", "select count(*) from awooop.outbound_message where project_id = $1 and purpose = 'answer'"),
            ("tokens", "select (sum(spent_tokens) / 3)::int8 from awooop.budget_ledger where project_id = $1"),
        ] {
            assert_eq!(told(&mut admin, sql, project), expected, "{what} after {kills} kills");
        }
    }
    let states = "select string_agg(distinct state, ' ') from awooop.outbound_message where project_id = $1";
    assert_eq!(told(&mut admin, states, &project), "sent");
    assert_eq!(told(&mut admin, states, &shadow_project), "recorded");
    // In each chat what was queued, in that order; what was sent again came before whatever followed it.
    let sent = scene.sent();
    let chats: BTreeSet<String> = (1..=CLIENTS * CHATS).map(|chat| chat.to_string()).collect();
    assert!(sent.keys().all(|chat| chats.contains(chat)), "something left a project in shadow: {:?}", sent.keys());
    for (chat, mut texts) in sent {
        texts.dedup();
        let queued = admin.value(&format!(
            "select json_agg(body #>> '{{parts,0,text}}' order by seq)::text from awooop.outbound_message
             where project_id = '{project}' and channel_chat_id = '{chat}'"
        ));
        assert_eq!(
            json!(texts).to_string(),
            serde_json::from_str::<Value>(&queued).expect("JSON").to_string(),
            "{chat}"
        );
    }
    for office in [&mut office, &mut shadow] {
        // Its sessions went with the server.
        let mut after = Office::again(office, &scene.server);
        let checked = after.key("checker", "budgets:read,audit:read");
        assert_eq!(after.does(&checked, "budget_check", json!({}))["ok"], true);
        admin.run("select awooop.maintain()");
        let verified = after.does(&checked, "audit_verify", json!({}));
        assert_eq!(verified["ok"], true, "{verified}");
    }
}
