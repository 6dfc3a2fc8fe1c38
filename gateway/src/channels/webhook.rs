//! What channels bring: `POST /v1/channels/telegram/{project_id}/webhook`, and, signed, `POST
//! /v1/channels/webhook/{project_id}/{channel}`. The secret that Telegram repeats in a header, or the signature, is the credential
//! of the one statement, and the event goes into it as it came, alone or with others of its channel. Whoever is told 2xx can be sure that it is kept.

use std::sync::Arc;

use awooop_policy::channel::signature::is_signature;
use awooop_policy::error::{ErrorCode, Problem};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use hyper::body::{Body, Bytes};
use percent_encoding::percent_decode_str;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::gather::{Update, bring};
use crate::answer::Answer;
use crate::ask::{Question, ask};
use crate::forward;
use crate::gateway::Gateway;
use crate::trace::{RequestId, TraceParent};

/// Where Telegram shows the secret (core.telegram.org/bots/api#setwebhook).
static TELEGRAM_SECRET: HeaderName = HeaderName::from_static("x-telegram-bot-api-secret-token");
/// The headers of a signed webhook (standardwebhooks.com).
static WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
static WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
static WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const OPERATION: &str = "ingest_event";

/// The address of a channel's events.
pub enum Place {
    Telegram { project: String },
    Signed { project: String, channel: String },
}

impl Place {
    /// The place at this path, if it is one.
    pub fn of(path: &str) -> Option<Place> {
        let segment = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().ok()?;
            (!text.is_empty() && !text.contains('/')).then(|| text.into_owned())
        };
        let path = path.strip_prefix("/v1/channels/")?;
        if let Some(project) = path.strip_prefix("telegram/").and_then(|rest| rest.strip_suffix("/webhook")) {
            return Some(Place::Telegram { project: segment(project)? });
        }
        let (project, channel) = path.strip_prefix("webhook/")?.split_once('/')?;
        Some(Place::Signed { project: segment(project)?, channel: segment(channel)? })
    }

    /// Its route, for the log.
    pub const fn template(&self) -> &'static str {
        match self {
            Place::Telegram { .. } => "/v1/channels/telegram/{project_id}/webhook",
            Place::Signed { .. } => "/v1/channels/webhook/{project_id}/{channel}",
        }
    }

    /// Carries an update to the database.
    pub async fn answer<B>(
        &self,
        gateway: &Arc<Gateway>,
        head: &Parts,
        body: B,
        id: &RequestId,
        trace: &TraceParent,
    ) -> Answer
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if head.method != Method::POST {
            return Answer::from(Problem::from(ErrorCode::HttpMethod)).allowing(HeaderValue::from_static("POST"));
        }
        match timeout(gateway.settings.request_timeout(), self.carry(gateway, head, body, id, trace)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(problem)) => problem.into(),
            Err(_) => Problem::from(ErrorCode::HttpTimeout).into(),
        }
    }

    async fn carry<B>(
        &self,
        gateway: &Arc<Gateway>,
        head: &Parts,
        body: B,
        id: &RequestId,
        trace: &TraceParent,
    ) -> Result<Answer, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let text = forward::read_body(&head.headers, body, gateway.settings.body_limit_bytes).await?;
        // One value and no more: what follows it would be taken for further arguments.
        let event: &RawValue = serde_json::from_str(text.as_str()).map_err(|cause| {
            Problem::from(ErrorCode::InputNotJson).with("line", cause.line()).with("column", cause.column())
        })?;
        let shown = |name: &HeaderName| shown(&head.headers, name);
        let (status, body) = match self {
            Place::Telegram { project } => {
                let (credential, trace, request_id) = (shown(&TELEGRAM_SECRET), trace.as_str(), id.as_str());
                bring(gateway, Update { project, credential, event, trace, request_id }).await?
            }
            Place::Signed { project, channel } => {
                // The body byte by byte: it is what was signed.
                let args = json!({"channel": channel, "webhook_id": shown(&WEBHOOK_ID),
                                  "webhook_timestamp": shown(&WEBHOOK_TIMESTAMP), "body": text.as_str()});
                // Whatever the header has, it is a signature here and nothing else.
                let signature = shown(&WEBHOOK_SIGNATURE);
                let credential = if is_signature(signature) { signature } else { "v1," };
                let args = args.to_string();
                let question =
                    Question { project, credential, operation: OPERATION, args: &args, trace: trace.as_str() };
                ask(gateway, question, id.as_str()).await?
            }
        };
        Ok(Answer::new(status, body))
    }
}

/// What a header says. One that is there twice is none: nobody knows which one counts.
fn shown<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    let mut values = headers.get_all(name).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) => value,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_project_and_where_it_must_the_channel() {
        let project = |path: &str| match Place::of(path)? {
            Place::Telegram { project } => Some(project),
            Place::Signed { project, channel } => Some(format!("{project} {channel}")),
        };
        assert_eq!(project("/v1/channels/telegram/ewoooc/webhook").as_deref(), Some("ewoooc"));
        assert_eq!(project("/v1/channels/telegram/a%2Eb/webhook").as_deref(), Some("a.b"));
        assert_eq!(project("/v1/channels/webhook/ewoooc/desk").as_deref(), Some("ewoooc desk"));
        for path in [
            "/v1/channels/telegram//webhook",
            "/v1/channels/telegram/a/b/webhook",
            "/v1/channels/telegram/a%2Fb/webhook",
            "/v1/channels/telegram/a/webhook/",
            "/v1/channels/line/a/webhook",
            "/v1/channels/webhook/a",
            "/v1/channels/webhook/a/",
            "/v1/channels/webhook/a/b/c",
            "/v1/channels/telegram/%ff/webhook",
        ] {
            assert_eq!(project(path), None, "{path}");
        }
    }
}
