//! Channels: what comes in from where people talk, who listens to it, and how what is said goes out.
//!
//! A channel's type says how its events are read (`telegram`, `webhook`) and how its messages are laid out (`text`); nothing
//! else knows one type from another. Reading, listening, laying out and pacing are pure; they run in the database, so that a
//! message is decided on in the transaction that it comes of.

pub mod answer;
pub mod incoming;
pub mod layout;
pub mod listen;
pub mod outbox;
pub mod pace;
pub mod question;
pub mod signature;
pub mod telegram;
pub mod text;
pub mod words;

use crate::error::Problem;
use incoming::Incoming;

/// The type of the channels of Telegram's Bot API.
pub const TELEGRAM: &str = "telegram";

/// Reads an event of a channel of this type. `identity` is the account that the platform answers as, which people address.
///
/// # Errors
/// Where it has nothing by which it could be known again.
pub fn read(channel_type: &str, identity: Option<&str>, event: &serde_json::Value) -> Result<Incoming, Problem> {
    match channel_type {
        TELEGRAM => telegram::read(identity, event),
        _ => incoming::read(event),
    }
}
