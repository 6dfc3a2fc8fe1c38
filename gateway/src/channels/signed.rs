//! Sends messages to webhooks, signed as Standard Webhooks has it (standardwebhooks.com): one post for each part, to the address
//! that the channel's contract names, and nowhere else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use awooop_policy::channel::signature::{self, secret_of};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::sender::{Message, Report};
use crate::outside::{Answered, Outside, Post};

/// Whoever takes a message keeps it and answers; what they do with it comes later.
const PATIENCE: Duration = Duration::from_secs(20);
const LONGEST_ANSWER: usize = 64 * 1024;
/// How long the channel waits where nobody can sign.
const WITHOUT_SECRET: u32 = 60;
/// How long it waits where it is asked to, and not told for how long.
const USUAL_PAUSE: u32 = 30;

/// Sends to webhooks.
pub struct Signed {
    outside: Outside,
}

/// What an answer may say: by what the channel knows the part from here on; else it is the post's own id.
#[derive(Deserialize)]
struct Known {
    message_id: Option<String>,
}

impl Signed {
    pub fn new(outside: Outside) -> Signed {
        Signed { outside }
    }

    /// Posts one part of a message, or what is to be done to one.
    pub async fn send(&self, secret: &SecretString, message: &Message, n: usize) -> Report {
        let Some(address) = &message.address else {
            return Report::refused("no_address", "the channel's contract names no address");
        };
        let Some(key) = secret_of(secret.expose_secret()) else {
            return Report::Later {
                seconds: WITHOUT_SECRET,
                pauses_channel: true,
                code: "credential".to_owned(),
                text: "it is no whsec_ secret".to_owned(),
            };
        };
        // The same each time that the part is sent: whoever gets it twice can tell.
        let id = format!("{}.{n}", message.message_id);
        let body = json!({
            "type": format!("message.{}", message.kind), "project_id": message.project_id, "channel": message.channel,
            "message_id": message.message_id, "part": n, "parts": message.parts.len(), "chat_id": message.channel_chat_id,
            "thread_id": message.thread_id, "reply_to": message.reply_to,
            "text": message.parts.get(n).map(|part| part.text.as_str()),
            "buttons": message.buttons.as_ref().filter(|_| n + 1 >= message.parts.len()),
            "target": message.target.get(n)
        })
        .to_string();
        let post = Post {
            address,
            private_host_allowed: message.private_host_allowed,
            headers: headers(&key, &id, &body),
            body: body.into_bytes(),
            patience: PATIENCE,
            most_bytes: LONGEST_ANSWER,
        };
        match self.outside.post(post).await {
            Ok(answered) => read(&answered, id),
            Err(why) => Report::failed(why.as_str(), "the webhook did not answer", None),
        }
    }
}

/// The headers of a post that is sent now.
fn headers(key: &[u8], id: &str, body: &str) -> HeaderMap {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
    let signed = signature::Message { id, timestamp: &now, body: body.as_bytes() }.sign(key);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", now.as_str()), ("webhook-signature", signed.as_str())]
    {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// What an answer means for the message.
fn read(answered: &Answered, id: String) -> Report {
    let pause = answered.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
    let code = format!("http_{}", answered.status);
    match answered.status {
        200..=299 => {
            let known = serde_json::from_slice::<Known>(&answered.body).ok().and_then(|known| known.message_id);
            let is_id = |id: &String| !id.is_empty() && id.chars().count() <= 256 && !id.chars().any(char::is_control);
            Report::Sent { provider_message_id: Some(known.filter(is_id).unwrap_or(id)) }
        }
        429 | 503 => Report::Later {
            seconds: pause.unwrap_or(USUAL_PAUSE).max(1),
            pauses_channel: true,
            code,
            text: "the webhook asks for a pause".to_owned(),
        },
        408 | 409 | 425 | 500.. => Report::failed(&code, "the webhook answered with an error", pause),
        _ => Report::refused(&code, "the webhook does not take the message"),
    }
}
