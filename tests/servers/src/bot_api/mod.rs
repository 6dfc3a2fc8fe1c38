//! A server that answers as Telegram's Bot API is documented to (core.telegram.org/bots/api): the methods that a sender needs, with
//! the limits and the mistakes that it tells of, and trouble on demand. It remembers what reached its chats, in which order.
//!
//! | address | what |
//! |---|---|
//! | `POST /bot{token}/{method}` | `sendMessage`, `editMessageText`, `deleteMessage`, `answerCallbackQuery` |
//! | `GET /log` | what was done in the chats, in order |
//! | `POST /trouble` | `{kind, times, chat_id, retry_after}`: what the next requests get instead |
//! | `GET /counts` | how many requests came, and how many got what |

pub mod entities;
mod method;
mod state;

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::state::{State, Trouble};
use crate::serve::{Body, Door, HungUp, json as answer_json, plain};

/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(600);

/// What the server keeps to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages in any second, of all chats; none where it is 0.
    pub per_second: usize,
    /// Messages to one chat in any second.
    pub chat_per_second: usize,
}

/// The server.
pub struct BotApi {
    token: String,
    state: Mutex<State>,
}

impl BotApi {
    /// With nothing in its chats; it takes this token and no other.
    pub fn new(token: String, limits: Limits) -> Self {
        Self { token, state: Mutex::new(State::new(limits)) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn method(&self, method: &str, params: &Value) -> Result<Response<Body>, HungUp> {
        let trouble = self.with(|state| {
            state.requests += 1;
            state.trouble(params)
        });
        match trouble {
            None => {}
            Some(Trouble::HangUp) => return Err(HungUp),
            Some(Trouble::Hang) => {
                sleep(FOR_EVER).await;
                return Err(HungUp);
            }
            Some(Trouble::TooMuch(seconds)) => {
                let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "<html>Too many requests</html>");
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
                return Ok(response);
            }
            Some(Trouble::Status(status, retry_after)) => return Ok(refusal(status, "Trouble", retry_after)),
            Some(Trouble::DoneAndHang) => {
                let _ = self.with(|state| method::carry_out(state, method, params));
                sleep(FOR_EVER).await;
                return Err(HungUp);
            }
            // It is done, and nobody hears of it.
            Some(Trouble::DoneAndHungUp) => {
                let _ = self.with(|state| method::carry_out(state, method, params));
                return Err(HungUp);
            }
            Some(Trouble::Slow(milliseconds)) => sleep(Duration::from_millis(milliseconds)).await,
        }
        Ok(match self.with(|state| method::carry_out(state, method, params)) {
            Ok(result) => answer_json(json!({"ok": true, "result": result}).to_string()),
            Err(why) => refusal(why.status, &why.description, why.retry_after),
        })
    }
}

fn refusal(status: u16, description: &str, retry_after: Option<u64>) -> Response<Body> {
    let mut body = json!({"ok": false, "error_code": status, "description": description});
    if let Some(seconds) = retry_after {
        body["parameters"] = json!({"retry_after": seconds});
    }
    let mut response = answer_json(body.to_string());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

impl Door for BotApi {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| HungUp)?.to_bytes();
        let path = head.uri.path().to_owned();
        let params: Value = serde_json::from_slice(&body).unwrap_or_default();
        match (head.method, path.as_str()) {
            (Method::GET, "/log") => Ok(answer_json(self.with(|state| Value::from(state.log.clone())).to_string())),
            (Method::GET, "/counts") => Ok(answer_json(self.with(|state| state.counts()).to_string())),
            (Method::POST, "/trouble") => {
                self.with(|state| state.wants(&params));
                Ok(plain(StatusCode::OK, "so be it"))
            }
            (Method::POST, path) => {
                let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/')) else {
                    return Ok(refusal(404, "Not Found", None));
                };
                if token != self.token {
                    return Ok(refusal(401, "Unauthorized", None));
                }
                self.method(method, &params).await
            }
            _ => Ok(refusal(404, "Not Found", None)),
        }
    }
}

/// Serves until standard input ends.
pub async fn serve(listen: crate::serve::Listen, api: BotApi) -> io::Result<()> {
    crate::serve::serve(listen, api).await
}
