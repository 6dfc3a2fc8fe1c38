//! An agent behind HTTP, as the platform's worker posts runs to: the shop's clerk, who answers questions with the shop's tools. It
//! calls them through the gateway, in the run, with nothing but the token that came with it. Which tool answers a question its
//! words say ([`question`]): where other agents ask a model it looks them up, so that a demonstration comes to the same every time.

mod question;

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::header_value::Header;
use crate::serve::{Body, Door, HungUp, json as answer_json, plain};
use question::Question;

/// The revision of MCP that it speaks: one without sessions.
const VERSION: &str = "2026-07-28";
/// How long it waits for a tool.
const PATIENCE: Duration = Duration::from_secs(20);

/// The agent.
pub struct Clerk {
    client: Client<HttpConnector, Full<Bytes>>,
    required: Option<Header>,
}

/// What it reads of a run.
#[derive(Deserialize)]
struct Asked {
    input: Input,
    token: String,
    gateway: String,
}

#[derive(Deserialize)]
struct Input {
    text: String,
}

/// Why a tool said nothing that it could tell the person.
enum Nothing {
    /// People are asked first: the run waits, and is posted again.
    PeopleDecide,
    /// The call was denied, or failed.
    Failed(String),
    /// There was no way to the gateway, or it said something else than MCP.
    Unreachable(String),
}

impl Clerk {
    /// One who insists on that header, where there is one.
    pub fn new(required: Option<Header>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), required }
    }

    /// What comes of a run, in the form that the platform's worker reads.
    async fn work(&self, asked: &Asked) -> Value {
        let question = Question::read(&asked.input.text);
        let failed = |retryable: bool, message: String| json!({"error": {"code": "tool_unavailable", "message": message, "retryable": retryable}});
        match self.call(asked, &question).await {
            Ok(found) => json!({"output": {"answer": question.answer(&found)}}),
            Err(Nothing::PeopleDecide) => json!({"wait": true}),
            Err(Nothing::Failed(why)) => failed(false, why),
            Err(Nothing::Unreachable(why)) => failed(true, why),
        }
    }

    /// What the tool of a question found.
    async fn call(&self, asked: &Asked, question: &Question) -> Result<Value, Nothing> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": question.tool, "arguments": question.arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": VERSION,
                "io.modelcontextprotocol/clientInfo": {"name": "clerk", "version": env!("CARGO_PKG_VERSION")},
                "io.modelcontextprotocol/clientCapabilities": {},
                // The same step in every attempt: what it found once is not looked up again.
                "io.awooop/call": {"step_key": "look_up"}
            }
        }});
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/v1/mcp", asked.gateway))
            .header(AUTHORIZATION, format!("Bearer {}", asked.token))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", VERSION)
            .header("mcp-method", "tools/call")
            .header("mcp-name", question.tool)
            .body(Full::from(body.to_string()));
        let unreachable = |why: &dyn std::fmt::Display| Nothing::Unreachable(why.to_string());
        let answered = async {
            let response = self.client.request(request.map_err(|why| unreachable(&why))?).await;
            let body = response.map_err(|why| unreachable(&why))?.into_body().collect().await;
            Ok(body.map_err(|why| unreachable(&why))?.to_bytes())
        };
        let bytes = timeout(PATIENCE, answered).await.map_err(|why| unreachable(&why))??;
        read(&bytes).ok_or_else(|| Nothing::Unreachable("the gateway speaks no MCP".to_owned())).and_then(found)
    }
}

/// The message of a body: the body itself, or the last event of a stream.
fn read(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?;
    let message = text.lines().rev().find_map(|line| line.strip_prefix("data:")).unwrap_or(text);
    serde_json::from_str(message).ok()
}

fn found(message: Value) -> Result<Value, Nothing> {
    if !message["error"].is_null() {
        return Err(Nothing::Failed(message["error"]["message"].to_string()));
    }
    let result = &message["result"];
    if result["resultType"] == "input_required" {
        return Err(Nothing::PeopleDecide);
    }
    if result["isError"] == true {
        return Err(Nothing::Failed(result["content"][0]["text"].as_str().unwrap_or_default().to_owned()));
    }
    Ok(result["structuredContent"].clone())
}

impl Door for Clerk {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        if request.uri().path() != "/agent" || request.method() != Method::POST {
            return Ok(plain(StatusCode::NOT_FOUND, "the agent is at /agent"));
        }
        if self.required.as_ref().is_some_and(|header| !header.is_in(request.headers())) {
            return Ok(plain(StatusCode::UNAUTHORIZED, "a credential is missing, or is another one"));
        }
        let body = request.into_body().collect().await.map_err(|_| HungUp)?.to_bytes();
        match serde_json::from_slice::<Asked>(&body) {
            Ok(asked) => Ok(answer_json(self.work(&asked).await.to_string())),
            Err(why) => Ok(plain(StatusCode::BAD_REQUEST, format!("that is no run with a text: {why}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_from_a_body_and_from_a_stream() {
        let whole = br#"{"result": {"structuredContent": {"n": 1}}}"#;
        let stream = b"event: message\ndata: {\"method\": \"notifications/progress\"}\n\nevent: message\ndata: {\"result\": {\"structuredContent\": {\"n\": 1}}}\n\n";
        for body in [&whole[..], &stream[..]] {
            assert!(found(read(body).expect("a message")).is_ok_and(|found| found == json!({"n": 1})));
        }
        assert_eq!(read(b"<html>"), None);
    }

    #[test]
    fn who_has_to_be_asked_first_and_what_was_denied_are_told_apart() {
        let waits = found(json!({"result": {"resultType": "input_required", "requestState": "x"}}));
        assert!(matches!(waits, Err(Nothing::PeopleDecide)));
        let denied = json!({"result": {"isError": true, "content": [{"type": "text", "text": "E-MCP-GATE-004: no"}]}});
        assert!(matches!(found(denied), Err(Nothing::Failed(why)) if why.starts_with("E-MCP-GATE-004")));
        assert!(matches!(found(json!({"error": {"code": -32603, "message": "no"}})), Err(Nothing::Failed(_))));
    }
}
