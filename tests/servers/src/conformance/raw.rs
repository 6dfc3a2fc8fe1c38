//! Answers that no well-behaved library gives, written by hand before the protocol's library sees the request: a 503, a
//! connection that breaks, a result that never fits into memory, numbers beyond what a double holds.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode, header};
use serde_json::{Value, json};

use super::trouble::Trouble;
use crate::serve::{self, Body, HungUp};

/// The ways in which `flaky` fails.
pub const FAILURES: [&str; 4] = ["http_503", "json_rpc_error", "dropped", "cut_off"];

/// How much of `big` is written at once.
const PIECE: usize = 16 * 1024;

/// What is said about numbers, as it has to be written.
const NUMBERS: &str = "{\"above_double\":9007199254740993,\"below_double\":-9007199254740993,\
                       \"above_64_bits\":123456789012345678901234567890,\"precise\":0.1234567890123456789012345}";

/// The text of a call of `flaky` that succeeds.
pub fn succeeded(attempt: u64) -> String {
    format!("It succeeded at attempt {attempt}.")
}

/// The answer to a request, if it is one of those.
pub fn answer(trouble: &Trouble, parts: &Parts, body: &[u8]) -> Option<Result<Response<Body>, HungUp>> {
    let message: Value = serde_json::from_slice(body).ok()?;
    if message["method"] != "tools/call" {
        return None;
    }
    let call = Call { id: &message["id"], stateless: is_stateless(parts) };
    let arguments = &message["params"]["arguments"];
    match message["params"]["name"].as_str()? {
        name @ "flaky" => {
            let (fails, attempt) = trouble.attempt(arguments["key"].as_str()?, arguments["fail_first"].as_u64()?);
            trouble.called(name);
            if !fails {
                return Some(Ok(call.result(&json!([text(&succeeded(attempt))]).to_string(), None)));
            }
            Some(fail(&call, arguments["how"].as_str().unwrap_or(FAILURES[0])))
        }
        name @ "big" => {
            let bytes = arguments["bytes"].as_u64()?;
            trouble.called(name);
            let events = arguments["events"].as_bool().unwrap_or(false);
            Some(Ok(call.big(bytes, events, Arc::clone(&trouble.big_bytes_sent))))
        }
        name @ "big_number" => {
            trouble.called(name);
            let content = json!([text(NUMBERS)]).to_string();
            Some(Ok(call.result(&content, Some(NUMBERS))))
        }
        _ => None,
    }
}

/// Whether the request is of the revision whose results say that they are complete.
pub fn is_stateless(parts: &Parts) -> bool {
    parts.headers.get("mcp-protocol-version").is_some_and(|version| version.as_bytes() >= b"2026-07-28".as_slice())
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn fail(call: &Call<'_>, how: &str) -> Result<Response<Body>, HungUp> {
    match how {
        "json_rpc_error" => {
            let error = json!({"code": -32603, "message": "not this time"});
            Ok(serve::json(json!({"jsonrpc": "2.0", "id": call.id, "error": error}).to_string()))
        }
        "dropped" => Err(HungUp),
        "cut_off" => {
            let body =
                Letters { first: Some(call.head().into()), left: 64, last: Last::BreakOff, sent: Arc::default() };
            let mut response = serve::json("");
            *response.body_mut() = body.boxed();
            Ok(response)
        }
        _ => Ok(serve::plain(StatusCode::SERVICE_UNAVAILABLE, "not now")),
    }
}

/// The request to answer.
struct Call<'a> {
    id: &'a Value,
    stateless: bool,
}

impl Call<'_> {
    /// A result, its parts given as they are to be written.
    fn result(&self, content: &str, structured: Option<&str>) -> Response<Body> {
        let kind = if self.stateless { "\"resultType\":\"complete\"," } else { "" };
        let structured = structured.map(|value| format!(",\"structuredContent\":{value}")).unwrap_or_default();
        let id = self.id;
        serve::json(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{kind}\"content\":{content}{structured}}}}}"
        ))
    }

    /// The beginning of a result, up to the letters of its only text.
    fn head(&self) -> String {
        let kind = if self.stateless { "\"resultType\":\"complete\"," } else { "" };
        let id = self.id;
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{kind}\"content\":[{{\"type\":\"text\",\"text\":\"")
    }

    fn big(&self, bytes: u64, events: bool, sent: Arc<AtomicU64>) -> Response<Body> {
        let (kind, before, after) =
            if events { ("text/event-stream", "event: message\ndata: ", "\n\n") } else { ("application/json", "", "") };
        let first = format!("{before}{}", self.head());
        let last = format!("\"}}]}}}}{after}");
        let body = Letters { first: Some(first.into()), left: bytes, last: Last::Say(last.into()), sent };
        let mut response = Response::new(body.boxed());
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        response
    }
}

/// A body of so many letters between a beginning and an end, made as fast as it is read.
struct Letters {
    first: Option<Bytes>,
    left: u64,
    last: Last,
    sent: Arc<AtomicU64>,
}

enum Last {
    Say(Bytes),
    BreakOff,
    BrokenOff,
    Nothing,
}

impl HttpBody for Letters {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        static LETTERS: [u8; PIECE] = [b'x'; PIECE];
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if this.left > 0 {
            let now = usize::try_from(this.left).unwrap_or(PIECE).min(PIECE);
            this.left -= now as u64;
            this.sent.fetch_add(now as u64, Ordering::Relaxed);
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&LETTERS[..now])))));
        }
        Poll::Ready(match std::mem::replace(&mut this.last, Last::Nothing) {
            Last::Say(last) => Some(Ok(Frame::data(last))),
            // What comes before has to go out first: that is done when a body has nothing to say for now.
            Last::BreakOff => {
                this.last = Last::BrokenOff;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Last::BrokenOff => Some(Err(io::Error::other("broken off"))),
            Last::Nothing => None,
        })
    }
}
