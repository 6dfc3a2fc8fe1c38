//! A channel as it is: updates over HTTP, a sender in a gateway, and a server that answers as Telegram's Bot API.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::contracts::stage::Office;
use crate::harness::answer::eventually;
use crate::harness::gateway::HttpGateway;
use crate::harness::platform::{PASSWORD, platform_config};
use crate::harness::server::uri_for;
use crate::http::client::{Caller, Reply};
use crate::mcp_gateway::stage::{Fixture, Secrets};

pub const TOKEN: &str = "7654321:AAE-quiet-lantern_blue-heron";

pub struct Wire {
    pub stage: Stage,
    pub api: Fixture,
    pub gateway: HttpGateway,
    secrets: Secrets,
    database: String,
}

impl Wire {
    /// With a sender in the gateway.
    pub fn new() -> Self {
        Self::with(json!({}), &[])
    }

    /// With this in the channel's contract, before a Bot API with these options.
    pub fn with(more: Value, api: &[&str]) -> Self {
        let mut stage = Stage::of(Office::alone(), more);
        let database = stage.office.admin.value("select current_database()");
        let secrets = Secrets::new();
        secrets.put_at("shop/telegram", TOKEN);
        let api = Fixture::start("bot-api-server", &[&["--token", TOKEN], api].concat());
        let gateway = sending(&database, secrets.path(), &api.origin);
        Self { stage, api, gateway, secrets, database }
    }

    /// Another gateway with a sender.
    pub fn another(&self) -> HttpGateway {
        sending(&self.database, self.secrets.path(), &self.api.origin)
    }

    /// Puts another token into the place of the one there was.
    pub fn token(&self, token: &str) {
        self.secrets.put_at("shop/telegram", token);
    }

    /// What Telegram gets for an update that it brings with this secret.
    pub fn brings(&self, secret: &str, body: &str) -> Reply {
        bring(&self.gateway, &self.stage.office.project, secret, body)
    }

    /// The same for one that must be taken in.
    #[track_caller]
    pub fn comes(&self, update: &Value) -> Value {
        self.brings(&self.stage.secret, &update.to_string()).expect(200)
    }

    fn asks(&self, path: &str) -> Value {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let text =
            agent.get(format!("{}{path}", self.api.origin)).call().expect("an answer").body_mut().read_to_string();
        serde_json::from_str(&text.expect("a body")).expect("JSON")
    }

    /// Trouble for the next requests of the sender.
    pub fn trouble(&self, trouble: Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        agent.post(format!("{}/trouble", self.api.origin)).send(trouble.to_string()).expect("an answer");
    }

    /// What was done in the chats, in order.
    pub fn log(&self) -> Vec<Value> {
        self.asks("/log").as_array().cloned().unwrap_or_default()
    }

    /// How many requests the Bot API got.
    pub fn requests(&self) -> u64 {
        self.asks("/counts")["requests"].as_u64().unwrap_or_default()
    }

    /// Chat and text of what was sent, in order.
    pub fn sent(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let log = self.log();
        log.iter()
            .filter(|done| done["what"] == "sent")
            .map(|done| (text(&done["chat_id"]), text(&done["text"])))
            .collect()
    }

    /// Waits until so many messages have been sent.
    #[track_caller]
    pub fn wait_for(&self, n: usize) -> Vec<(String, String)> {
        eventually("the sending of messages", || self.sent().len() >= n);
        self.sent()
    }

    /// Waits until nothing waits to be sent any more.
    #[track_caller]
    pub fn wait_until_idle(&mut self) {
        let sql = "select coalesce(sum(queued), 0) from awooop.outbound_chat";
        eventually("the end of the queue", || self.stage.office.admin.value(sql) == "0");
    }
}

/// What Telegram gets for an update that it brings to that project with this secret.
pub fn bring(gateway: &HttpGateway, project: &str, secret: &str, body: &str) -> Reply {
    let path = format!("/v1/channels/telegram/{project}/webhook");
    let secret = ("X-Telegram-Bot-Api-Secret-Token", secret);
    Caller::new(gateway, "").send_with("POST", &path, body, &[secret])
}

/// A gateway in front of `database`; with a sender that speaks to that Bot API.
pub fn sending(database: &str, secrets: &str, telegram: &str) -> HttpGateway {
    platform_config("awooop_worker", None);
    let url = uri_for("awooop_worker", PASSWORD, database);
    let settings = [
        ("WORKER", "true"),
        ("WORKER_DATABASE_URL", url.as_str()),
        ("SECRETS_DIR", secrets),
        ("TELEGRAM_API_URL", telegram),
        ("POLL_MS", "20"),
    ];
    HttpGateway::start(database, &settings)
}
