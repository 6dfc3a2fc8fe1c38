//! The two statements of the sender, as the role awooop_worker: what to send, and what became of it.

use std::sync::Arc;

use serde::Deserialize;
use sqlx::Row as _;

use super::{Message, Report};
use crate::gateway::Gateway;
use crate::places::Places;
use crate::pool::{Failure, Statement};
use crate::problem;

const CLAIM: &str = "select awooop.claim_messages($1, $2, $3, $4, $5::jsonb)::text";
const MARK: &str = "select awooop.mark_message($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9)::text";

/// Why what became of a message could not be said.
pub enum Unmarked {
    /// It is not this sender's any more.
    Refused(String),
    /// It may work another time.
    Failed(String),
}

/// The database, as the sender asks it.
pub struct Database {
    gateway: Arc<Gateway>,
    sender_id: String,
}

#[derive(Deserialize)]
struct Claimed {
    messages: Option<Vec<Message>>,
    code: Option<String>,
}

#[derive(Deserialize)]
struct Marked {
    send_after_ms: Option<u64>,
    code: Option<String>,
}

impl Database {
    /// Connects to nothing yet.
    pub fn new(gateway: Arc<Gateway>) -> Database {
        Database { sender_id: gateway.settings.work.id(), gateway }
    }

    /// At most `room` messages that have their turn.
    pub async fn claim(&self, room: usize, lease_seconds: i32, places: &Places) -> Result<Vec<Message>, String> {
        let room = i32::try_from(room).unwrap_or(1);
        let statement = sqlx::query(CLAIM).bind(&self.sender_id).bind(room).bind(lease_seconds);
        let text = self.ask(statement.bind(places.all()).bind(places.held().to_string())).await?;
        let claimed: Claimed = serde_json::from_str(&text).map_err(|_| "unreadable".to_owned())?;
        match (claimed.messages, claimed.code) {
            (Some(messages), _) => Ok(messages),
            (None, code) => Err(code.unwrap_or_else(|| "unreadable".to_owned())),
        }
    }

    /// Says what became of that part; when the next one has its turn, in milliseconds. Saying it again changes nothing.
    pub async fn mark(&self, message: &Message, part: usize, report: &Report) -> Result<Option<u64>, Unmarked> {
        let statement = sqlx::query(MARK).bind(&message.message_id).bind(&message.lease);
        let seconds = |seconds: u32| i32::try_from(seconds.min(86_400)).unwrap_or(86_400);
        let none = None::<String>;
        let statement = match report {
            Report::Sent { provider_message_id } => statement
                .bind("sent")
                .bind(provider_message_id.clone())
                .bind(None::<i32>)
                .bind(false)
                .bind(none.clone())
                .bind(none),
            Report::Later { seconds: wait, pauses_channel, code, text } => statement
                .bind("later")
                .bind(none)
                .bind(Some(seconds(*wait)))
                .bind(*pauses_channel)
                .bind(Some(code.clone()))
                .bind(Some(shortened(text))),
            Report::Failed { code, text, retry_after } => statement
                .bind("failed")
                .bind(none)
                .bind(retry_after.map(seconds))
                .bind(false)
                .bind(Some(code.clone()))
                .bind(Some(shortened(text))),
            Report::Refused { code, text } => statement
                .bind("refused")
                .bind(none)
                .bind(None::<i32>)
                .bind(false)
                .bind(Some(code.clone()))
                .bind(Some(shortened(text))),
        };
        let statement = statement.bind(i32::try_from(part).ok());
        let text = self.ask(statement).await.map_err(Unmarked::Failed)?;
        match serde_json::from_str(&text) {
            Ok(Marked { code: Some(code), .. }) => Err(Unmarked::Refused(code)),
            Ok(Marked { send_after_ms, .. }) => Ok(send_after_ms),
            Err(_) => Err(Unmarked::Failed("unreadable".to_owned())),
        }
    }

    async fn ask(&self, statement: Statement<'_>) -> Result<String, String> {
        let code = |failure: &Failure| problem::of_failure(failure, None).code.entry().code.to_owned();
        let row = self.gateway.work.fetch_one(statement).await.map_err(|failure| code(&failure))?;
        row.try_get(0).map_err(|cause| code(&Failure::Statement(cause)))
    }
}

/// As much of an error's words as is kept, without what no text may have.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(500).collect()
}
