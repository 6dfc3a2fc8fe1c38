//! A project with a channel of Telegram's, whoever brings its updates, works and sends.

use serde_json::{Value, json};

use crate::contracts::stage::Office;
use crate::harness::channels::{CHANNEL, open, telegram};
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::{Claim, claims, superuser_in, text};

pub const WORKS: &str = "runs:write,runs:work,runs:read,envelope:write,budgets:spend";
pub const SPEAKS: &str = "messages:write,conversations:read";
pub const SENDS: &str = "messages:send";

pub struct Stage {
    pub office: Office,
    /// The channel's secret.
    pub secret: String,
    /// Works on runs.
    pub worker: String,
    /// Queues messages and looks at conversations.
    pub speaker: String,
    /// Sends messages.
    pub sender: String,
    updates: u64,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(json!({}))
    }

    /// With this in the channel's contract.
    pub fn with(more: Value) -> Self {
        Self::of(Office::new(), more)
    }

    pub fn of(mut office: Office, more: Value) -> Self {
        let project = office.project.clone();
        open(&mut office.admin, &project, &telegram("agent", more));
        Self::reopened(office)
    }

    /// In a project that has the channel already.
    pub fn reopened(mut office: Office) -> Self {
        let project = office.project.clone();
        let secret = office.admin.within(
            &project,
            &format!("select awooop.create_api_key('bot', array['channels:ingest'], channel => '{CHANNEL}')"),
        );
        Self {
            secret: text(&secret["api_key"]),
            worker: office.key("worker", WORKS),
            speaker: office.key("speaker", SPEAKS),
            sender: office.key("sender", SENDS),
            office,
            updates: 0,
        }
    }

    /// An update's number that no other has.
    pub fn next(&mut self) -> u64 {
        self.updates += 1;
        self.updates
    }

    /// What comes of an update that is brought with the channel's secret.
    #[track_caller]
    pub fn comes(&mut self, update: &Value) -> Value {
        let secret = self.secret.clone();
        self.office.does(&secret, "ingest_event", json!({"event": update}))
    }

    /// Changes active contracts of that kind behind their signatures: nobody vouches for them until that is undone. Sessions begin
    /// anew, as one keeps what it has believed.
    pub fn rewrites(&mut self, kind: &str, from: &str, to: &str) {
        let project = self.office.project.clone();
        self.office.admin.run(&format!(
            "begin; alter table awooop.contract_revisions disable trigger all;
             update awooop.contract_revisions set document = replace(document, '{from}', '{to}')
             where project_id = '{project}' and kind = '{kind}';
             alter table awooop.contract_revisions enable trigger all; commit"
        ));
        let database = self.office.database();
        self.office.gateway = gateway_login_in(&database);
        self.office.admin = superuser_in(&database);
    }

    /// Puts the project into another mode.
    pub fn mode(&mut self, mode: &str) {
        let project = self.office.project.clone();
        self.office.admin.run(&format!("select awooop.set_project_mode('{project}', '{mode}')"));
    }

    /// Claims the run there is.
    #[track_caller]
    pub fn claim_run(&mut self) -> Claim {
        let worker = self.worker.clone();
        let answer = self.office.does(&worker, "claim_runs", json!({"worker_id": "w"}));
        claims(&answer).pop().unwrap_or_else(|| panic!("there was nothing to claim"))
    }

    /// Ends the run that there is with this result.
    #[track_caller]
    pub fn answer(&mut self, result: Value) -> String {
        let (claim, worker) = (self.claim_run(), self.worker.clone());
        let end = json!({"run_id": claim.run, "lease": claim.lease, "result": result});
        self.office.does(&worker, "complete_run", end);
        claim.run
    }

    /// Queues a message.
    #[track_caller]
    pub fn says(&mut self, chat: &str, words: &str) -> Value {
        let speaker = self.speaker.clone();
        self.office.does(&speaker, "queue_message", json!({"channel": CHANNEL, "channel_chat_id": chat, "text": words}))
    }

    /// Claims at most `n` messages.
    #[track_caller]
    pub fn claim(&mut self, n: usize) -> Vec<Value> {
        let sender = self.sender.clone();
        let answer = self.office.does(&sender, "claim_messages", json!({"sender_id": "s", "max_messages": n}));
        answer["messages"].as_array().cloned().unwrap_or_default()
    }

    /// Says what became of a claimed message; `more` are further arguments.
    pub fn mark(&mut self, claimed: &Value, report: &str, more: Value) -> Result<Value, String> {
        let mut arguments = json!({"message_id": claimed["message_id"], "lease": claimed["lease"], "report": report});
        for (name, value) in more.as_object().expect("members") {
            arguments[name] = value.clone();
        }
        let sender = self.sender.clone();
        let reply = self.office.ask(&sender, "mark_message", arguments)?;
        if reply.status < 300 { Ok(reply.body) } else { Err(text(&reply.body["code"])) }
    }

    /// Sends everything that can be sent, part by part; chat and text of each, in the order in which they left.
    #[track_caller]
    pub fn send_all(&mut self) -> Vec<(String, String)> {
        let mut sent = Vec::new();
        loop {
            let claimed = self.claim(100);
            if claimed.is_empty() {
                return sent;
            }
            for message in claimed {
                for part in message["parts"].as_array().expect("parts") {
                    sent.push((text(&message["channel_chat_id"]), text(&part["text"])));
                    let id = format!("{}", sent.len());
                    self.mark(&message, "sent", json!({"provider_message_id": id})).expect("it is marked");
                }
            }
        }
    }

    /// The message.
    #[track_caller]
    pub fn shown(&mut self, message: &Value) -> Value {
        let speaker = self.speaker.clone();
        self.office.does(&speaker, "get_message", json!({"message_id": message["message_id"]}))
    }

    /// All messages, oldest first: purpose, state and first text.
    #[track_caller]
    pub fn messages(&mut self) -> Vec<(String, String, String)> {
        let speaker = self.speaker.clone();
        let listed = self.office.does(&speaker, "list_messages", json!({"page_size": 200}));
        let mut messages: Vec<_> = listed["items"].as_array().expect("messages").clone();
        messages.reverse();
        let words = |m: &Value| m["body"]["parts"][0]["text"].as_str().unwrap_or_default().to_owned();
        messages.iter().map(|m| (text(&m["purpose"]), text(&m["state"]), words(m))).collect()
    }
}
