//! Sends messages: claims what has its turn, sends each part when it has its own, and says what became of it. A message of which
//! the answer got lost is sent again, by whoever claims it next: at least once, and in the order of its chat.

mod database;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};

pub use self::database::Database;
use super::signed::Signed;
use super::telegram::Telegram;
use crate::gateway::Gateway;
use crate::mcp::secret::Store;
use crate::outside::Outside;
use crate::places::Places;
use crate::start::StartError;

/// How long each message is this sender's alone: longer than a channel takes to answer.
const LEASE_SECONDS: i32 = 30;
/// How long after its turn a part may be begun, so that it has ended before the lease.
const MOST_LATE: Duration = Duration::from_secs(10);
/// Messages that one claim may give.
const MOST_AT_ONCE: usize = 100;
/// How long a message waits where its credential is not there.
const WITHOUT_CREDENTIAL: u32 = 30;
/// After the database could not be asked.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);
/// How often it is tried to say what became of a message.
const MOST_MARKS: u32 = 8;

/// A message that was claimed.
#[derive(Deserialize)]
pub struct Message {
    pub message_id: String,
    pub lease: String,
    pub send_after_ms: u64,
    pub channel_type: String,
    pub channel_chat_id: String,
    pub thread_id: Option<String>,
    pub kind: String,
    pub parts: Vec<Part>,
    pub buttons: Option<Vec<Vec<Button>>>,
    pub reply_to: Option<String>,
    pub parts_sent: usize,
    pub target: Vec<String>,
    pub credential: String,
    pub address: Option<String>,
    pub private_host_allowed: bool,
    pub project_id: String,
    pub channel: String,
}

/// One part of a message.
#[derive(Deserialize)]
pub struct Part {
    pub text: String,
    pub parse_mode: Option<String>,
}

/// A button under a message.
#[derive(Deserialize, Serialize)]
pub struct Button {
    pub text: String,
    pub data: String,
}

/// What became of a part.
pub enum Report {
    Sent {
        provider_message_id: Option<String>,
    },
    /// The channel asks for a pause.
    Later {
        seconds: u32,
        pauses_channel: bool,
        code: String,
        text: String,
    },
    /// It may work another time.
    Failed {
        code: String,
        text: String,
        retry_after: Option<u32>,
    },
    /// It never will.
    Refused {
        code: String,
        text: String,
    },
}

impl Report {
    pub(super) fn refused(code: &str, text: &str) -> Report {
        Report::Refused { code: code.to_owned(), text: text.to_owned() }
    }

    pub(super) fn failed(code: &str, text: &str, retry_after: Option<u32>) -> Report {
        Report::Failed { code: code.to_owned(), text: text.to_owned(), retry_after }
    }
}

/// Sends messages of all projects.
pub struct Sender {
    database: Database,
    secrets: Store,
    telegram: Telegram,
    signed: Signed,
    places: Arc<Places>,
    idle: Duration,
}

impl Sender {
    /// Connects to nothing yet.
    pub fn new(gateway: Arc<Gateway>) -> Result<Sender, StartError> {
        let settings = &gateway.settings.work;
        let telegram = Telegram::new(&settings.telegram_api_url).map_err(|_| StartError::Tls)?;
        Ok(Sender {
            secrets: Store::new(gateway.settings.mcp.secrets_dir.clone()),
            telegram,
            signed: Signed::new(Outside::new().map_err(|_| StartError::Tls)?),
            places: Places::new(settings.max_sending),
            idle: Duration::from_millis(settings.poll_ms),
            database: Database::new(gateway),
        })
    }

    /// Sends until told to stop, and then until what is on its way has arrived.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut on_their_way = JoinSet::new();
        while !*stop.borrow() {
            // As it is before the database is asked: what becomes free meanwhile changes what it would say.
            let (room, is_awaited) = (self.places.free().min(MOST_AT_ONCE), self.places.is_awaited());
            let claimed = if room == 0 { Some(0) } else { self.claim(room, &mut on_their_way).await };
            while on_their_way.try_join_next().is_some() {}
            let wait = match claimed {
                Some(0) => self.idle,
                Some(_) => continue,
                None => AFTER_A_FAILURE,
            };
            tokio::select! {
                _ = stop.changed() => {}
                () = sleep(wait) => {}
                // Whoever is done makes room, and its chat may have more.
                () = self.places.freed(), if is_awaited && claimed.is_some() => {}
            }
        }
        info!(messages = on_their_way.len(), "the sender takes no more messages");
        while on_their_way.join_next().await.is_some() {}
    }

    /// Claims as many messages as there is room for, and sets them on their way; how many, where the database could be asked.
    async fn claim(self: &Arc<Self>, room: usize, on_their_way: &mut JoinSet<()>) -> Option<usize> {
        // The lease is as old as the question, however long the answer took.
        let asked = Instant::now();
        let messages = match self.database.claim(room, LEASE_SECONDS, &self.places).await {
            Ok(messages) => messages,
            Err(code) => {
                warn!(code, "no messages can be claimed");
                return None;
            }
        };
        let claimed = messages.len();
        for message in messages {
            let place = self.places.take(&message.project_id);
            let sender = Arc::clone(self);
            on_their_way.spawn(async move {
                sender.deliver(message, asked).await;
                drop(place);
            });
        }
        Some(claimed)
    }

    /// Sends what is left of a message that was claimed then, each part in its turn.
    async fn deliver(&self, message: Message, asked: Instant) {
        let mut turn = Instant::now() + Duration::from_millis(message.send_after_ms);
        let mut until = asked + MOST_LATE;
        // What takes something back, or answers a button, has at most one part.
        for n in message.parts_sent..message.parts.len().max(1) {
            sleep_until(turn).await;
            // Whoever was stopped for so long sends nothing behind the back of who has the chat now.
            if Instant::now() > until {
                debug!(message_id = message.message_id, "the lease is over");
                return;
            }
            let report = match self.secrets.read(&message.credential).await {
                Ok(token) => self.send(&token, &message, n).await,
                Err(why) => Report::Later {
                    seconds: WITHOUT_CREDENTIAL,
                    pauses_channel: true,
                    code: "credential".to_owned(),
                    text: why.as_str().to_owned(),
                },
            };
            let was_sent = matches!(report, Report::Sent { .. });
            let asked = Instant::now();
            let Some(next_in_ms) = self.mark(&message, n, &report).await.filter(|_| was_sent) else { return };
            turn = Instant::now() + Duration::from_millis(next_in_ms);
            until = asked + Duration::from_millis(next_in_ms) + MOST_LATE;
        }
    }

    async fn send(&self, token: &SecretString, message: &Message, n: usize) -> Report {
        match message.channel_type.as_str() {
            awooop_policy::channel::TELEGRAM => self.telegram.send(token, message, n).await,
            _ => self.signed.send(token, message, n).await,
        }
    }

    /// Says what became of a part; when the next one has its turn, where there is one.
    async fn mark(&self, message: &Message, n: usize, report: &Report) -> Option<u64> {
        for attempt in 1..=MOST_MARKS {
            match self.database.mark(message, n, report).await {
                Ok(next_in_ms) => return next_in_ms,
                Err(database::Unmarked::Refused(code)) => {
                    debug!(code, message_id = message.message_id, "another sender has the message");
                    return None;
                }
                Err(database::Unmarked::Failed(code)) => {
                    warn!(code, message_id = message.message_id, "what became of a message is not known yet");
                    sleep(AFTER_A_FAILURE * attempt).await;
                }
            }
        }
        None
    }
}
