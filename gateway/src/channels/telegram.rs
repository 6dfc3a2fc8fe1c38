//! Speaks to Telegram's Bot API: a message as its methods take it, and what its answers mean for whoever sent it. The types are
//! those of a library that follows the API. The token is part of each address, so no address is ever shown.

use std::time::Duration;

use frankenstein::ParseMode;
use frankenstein::methods::{AnswerCallbackQueryParams, DeleteMessageParams, EditMessageTextParams, SendMessageParams};
use frankenstein::types::{ChatId, InlineKeyboardButton, InlineKeyboardMarkup, ReplyMarkup, ReplyParameters};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sender::{Button, Message, Part, Report};

const CONNECT: Duration = Duration::from_secs(5);
/// The Bot API answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// An answer is a message of ours, and a few words more.
const LONGEST_ANSWER: usize = 256 * 1024;
/// How long to wait where it was too much, and nobody says how long, in seconds.
const AFTER_TOO_MUCH: u32 = 30;
/// Whatever is wrong with a token, trying again at once does not mend it.
const AFTER_UNAUTHORIZED: u32 = 60;

/// A Bot API at some address.
#[derive(Clone)]
pub struct Telegram {
    client: Client,
    base: String,
}

/// What a method was asked for, or why it could not be.
enum Asked {
    Done { message_id: Option<String> },
    Not(Report),
}

/// As much of an answer as anybody needs: of a sent message its number; other methods answer `true`.
#[derive(Deserialize)]
struct Known {
    message_id: Option<i64>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    result: Option<Value>,
}

impl Telegram {
    /// Connects to nothing yet.
    pub fn new(base: &str) -> Result<Telegram, reqwest::Error> {
        // Another part of the process may have chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .tcp_nodelay(true)
            .user_agent(concat!("awooop-gateway/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Telegram { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// Sends one part of a message, or does to the chat what the message is for.
    pub async fn send(&self, token: &SecretString, message: &Message, n: usize) -> Report {
        match self.ask(token, message, n).await {
            Ok(Asked::Done { message_id }) => Report::Sent { provider_message_id: message_id },
            Ok(Asked::Not(report)) | Err(report) => report,
        }
    }

    async fn ask(&self, token: &SecretString, message: &Message, n: usize) -> Result<Asked, Report> {
        let chat = || match message.channel_chat_id.parse() {
            Ok(id) => ChatId::Integer(id),
            Err(_) => ChatId::String(message.channel_chat_id.clone()),
        };
        let part = message.parts.get(n);
        // The n-th part changes what the n-th part before became; there may have been fewer.
        let target = message.target.get(n).and_then(|id| id.parse::<i32>().ok());
        match (message.kind.as_str(), target) {
            ("edit", Some(target)) => {
                let part = part.ok_or_else(|| Report::refused("no_part", "the message has no such part"))?;
                let params = EditMessageTextParams::builder()
                    .chat_id(chat())
                    .message_id(target)
                    .text(part.text.clone())
                    .maybe_parse_mode(parse_mode(part))
                    .maybe_reply_markup(keyboard(message, n))
                    .build();
                match self.method(token, "editMessageText", &params).await {
                    // It says what it should say already: an earlier attempt did it.
                    Asked::Not(Report::Refused { text, .. }) if text.contains("message is not modified") => {
                        Ok(Asked::Done { message_id: Some(target.to_string()) })
                    }
                    asked => Ok(asked),
                }
            }
            ("send" | "edit", _) => {
                let part = part.ok_or_else(|| Report::refused("no_part", "the message has no such part"))?;
                let params = SendMessageParams::builder()
                    .chat_id(chat())
                    .text(part.text.clone())
                    .maybe_parse_mode(parse_mode(part))
                    .maybe_message_thread_id(message.thread_id.as_deref().and_then(|id| id.parse().ok()))
                    .maybe_reply_parameters(reply(message, n))
                    .maybe_reply_markup(keyboard(message, n).map(ReplyMarkup::InlineKeyboardMarkup))
                    .build();
                Ok(self.method(token, "sendMessage", &params).await)
            }
            ("delete", Some(target)) => {
                let params = DeleteMessageParams::builder().chat_id(chat()).message_id(target).build();
                match self.method(token, "deleteMessage", &params).await {
                    Asked::Not(Report::Refused { text, .. }) if text.contains("message to delete not found") => {
                        Ok(Asked::Done { message_id: None })
                    }
                    asked => Ok(asked),
                }
            }
            ("acknowledge", _) => {
                let query = message.reply_to.clone().unwrap_or_default();
                let text = part.map(|part| part.text.clone()).filter(|text| !text.is_empty());
                let params = AnswerCallbackQueryParams::builder()
                    .callback_query_id(query)
                    .maybe_text(text)
                    .show_alert(true)
                    .build();
                match self.method(token, "answerCallbackQuery", &params).await {
                    // A button waits for its answer only so long.
                    Asked::Not(Report::Refused { .. }) => Ok(Asked::Done { message_id: None }),
                    asked => Ok(asked),
                }
            }
            _ => Err(Report::refused("kind", "the sender does not know how to do this")),
        }
    }

    async fn method(&self, token: &SecretString, method: &str, params: &impl Serialize) -> Asked {
        let Ok(body) = serde_json::to_vec(params) else {
            return Asked::Not(Report::refused("parameters", "the message cannot be written as the method takes it"));
        };
        let address = format!("{}/bot{}/{method}", self.base, token.expose_secret());
        let sent = self.client.post(address).header(CONTENT_TYPE, "application/json").body(body).send().await;
        match sent {
            // Of an error its kind alone: its words hold the address.
            Err(cause) if cause.is_timeout() => Asked::Not(Report::failed("timed_out", "no answer in time", None)),
            Err(cause) if cause.is_connect() => Asked::Not(Report::failed("unreachable", "no connection", None)),
            Err(_) => Asked::Not(Report::failed("broken_off", "the connection broke off", None)),
            Ok(response) => read(response).await,
        }
    }
}

/// What an answer means.
async fn read(mut response: Response) -> Asked {
    let status = response.status().as_u16();
    let in_header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() <= LONGEST_ANSWER => body.extend_from_slice(&piece),
            Ok(Some(_)) => return Asked::Not(Report::failed("answer_too_long", "the answer is too long", None)),
            Ok(None) => break,
            Err(_) => return Asked::Not(Report::failed("broken_off", "the answer broke off", None)),
        }
    }
    if status == 200 {
        // It was done, whatever else the answer says.
        let answered = serde_json::from_slice::<Answered>(&body).ok().and_then(|answered| answered.result);
        let known = answered.and_then(|result| serde_json::from_value::<Known>(result).ok());
        return Asked::Done { message_id: known.and_then(|known| known.message_id).map(|id| id.to_string()) };
    }
    // Whatever stands between may answer in its own form.
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let retry_after = seconds(&problem["parameters"]["retry_after"]).or(in_header);
    let text = problem["description"].as_str().unwrap_or_default().to_owned();
    let code = format!("http_{status}");
    Asked::Not(match status {
        429 => Report::Later { seconds: retry_after.unwrap_or(AFTER_TOO_MUCH), pauses_channel: false, code, text },
        401 | 404 => Report::Later { seconds: AFTER_UNAUTHORIZED, pauses_channel: true, code, text },
        500.. => Report::Failed { code, text, retry_after },
        _ => Report::Refused { code, text },
    })
}

/// Seconds to wait, rounded up, however long.
fn seconds(value: &Value) -> Option<u32> {
    // The cast saturates.
    value.as_f64().filter(|seconds| *seconds > 0.0).map(|seconds| seconds.ceil() as u32)
}

fn parse_mode(part: &Part) -> Option<ParseMode> {
    part.parse_mode.as_deref().and_then(|mode| mode.parse().ok())
}

/// The first part answers the message that was asked with; where that is gone, it is sent all the same.
fn reply(message: &Message, n: usize) -> Option<ReplyParameters> {
    let answered = message.reply_to.as_deref().filter(|_| n == 0)?.parse::<i32>().ok()?;
    Some(ReplyParameters::builder().message_id(answered).allow_sending_without_reply(true).build())
}

/// Buttons stand under the last part.
fn keyboard(message: &Message, n: usize) -> Option<InlineKeyboardMarkup> {
    let rows = message.buttons.as_ref().filter(|_| n + 1 == message.parts.len())?;
    let button = |button: &Button| {
        InlineKeyboardButton::builder().text(button.text.clone()).callback_data(button.data.clone()).build()
    };
    let rows = rows.iter().map(|row| row.iter().map(button).collect()).collect();
    Some(InlineKeyboardMarkup { inline_keyboard: rows, force_reply: None })
}
