//! What a channel brings: `POST /v1/channels/telegram/{project_id}/webhook`. The secret that Telegram repeats in a header is the
//! credential of the one statement, and the update goes into it as it came. Whoever is told 2xx can be sure that it is kept.

use awooop_policy::error::{ErrorCode, Problem};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method};
use hyper::body::{Body, Bytes};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::ask::{Question, ask};
use crate::forward;
use crate::gateway::Gateway;
use crate::trace::{RequestId, TraceParent};

/// Where Telegram shows the secret (core.telegram.org/bots/api#setwebhook).
static TELEGRAM_SECRET: HeaderName = HeaderName::from_static("x-telegram-bot-api-secret-token");
const OPERATION: &str = "ingest_event";

/// The address of a channel's events.
pub struct Place {
    project: String,
}

impl Place {
    /// The place at this path, if it is one.
    pub fn of(path: &str) -> Option<Place> {
        let project = path.strip_prefix("/v1/channels/telegram/")?.strip_suffix("/webhook")?;
        let project = percent_decode_str(project).decode_utf8().ok()?;
        (!project.is_empty() && !project.contains('/')).then(|| Place { project: project.into_owned() })
    }

    /// Its route, for the log.
    pub const fn template() -> &'static str {
        "/v1/channels/telegram/{project_id}/webhook"
    }

    /// Carries an update to the database.
    pub async fn answer<B>(
        &self,
        gateway: &Gateway,
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
        gateway: &Gateway,
        head: &Parts,
        body: B,
        id: &RequestId,
        trace: &TraceParent,
    ) -> Result<Answer, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut shown = head.headers.get_all(&TELEGRAM_SECRET).iter();
        let secret = match (shown.next().and_then(|value| value.to_str().ok()), shown.next()) {
            (Some(secret), None) => secret,
            _ => "",
        };
        let text = forward::read_body(&head.headers, body, gateway.settings.body_limit_bytes).await?;
        // One value and no more: what follows it would be taken for further arguments.
        let update: &RawValue = serde_json::from_str(text.as_str()).map_err(|cause| {
            Problem::from(ErrorCode::InputNotJson).with("line", cause.line()).with("column", cause.column())
        })?;
        let args = format!("{{\"event\":{}}}", update.get());
        let question = Question {
            project: &self.project,
            credential: secret,
            operation: OPERATION,
            args: &args,
            trace: trace.as_str(),
        };
        let (status, body) = ask(gateway, question, id.as_str()).await?;
        Ok(Answer::new(status, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_project_and_nothing_else() {
        let project = |path: &str| Place::of(path).map(|place| place.project);
        assert_eq!(project("/v1/channels/telegram/ewoooc/webhook").as_deref(), Some("ewoooc"));
        assert_eq!(project("/v1/channels/telegram/a%2Eb/webhook").as_deref(), Some("a.b"));
        for path in [
            "/v1/channels/telegram//webhook",
            "/v1/channels/telegram/a/b/webhook",
            "/v1/channels/telegram/a%2Fb/webhook",
            "/v1/channels/telegram/a/webhook/",
            "/v1/channels/line/a/webhook",
            "/v1/channels/telegram/%ff/webhook",
        ] {
            assert_eq!(project(path), None, "{path}");
        }
    }
}
