//! Ending a call: how it ended goes to the database, and the caller gets its words for it.

use std::time::Duration;

use awooop_policy::error::ErrorCode;
use rmcp::model::{ErrorCode as RpcCode, ErrorData, InputRequests, InputRequiredResult};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing::warn;

use super::open::Open;
use super::{Came, Suspended, Wanted};
use crate::mcp::database::Refusal;
use crate::mcp::upstream::Fault;
use crate::mcp::wire;

/// How long the end of a call is tried to be told while the database is away.
const TOLD_AGAIN: [u64; 5] = [50, 200, 500, 1_000, 2_000];

/// Of `mcp_finish_call`.
#[derive(Deserialize)]
pub(super) struct Finished {
    result: Option<Value>,
}

/// Of `mcp_suspend_call`.
#[derive(Deserialize)]
struct Kept {
    request_state: String,
    questions: Option<Value>,
}

impl Open<'_> {
    pub(super) async fn suspend(self, mut asks: InputRequiredResult) -> Result<Came, ErrorData> {
        // What a server wants back is kept as it is, and so must not hold what is kept nowhere.
        if asks.request_state.as_ref().is_some_and(|state| self.mask.hide_text(state) != *state) {
            return Ok(came(self.finish("failed", Value::Null).await));
        }
        // A server may want nothing but to be asked again.
        let questions = asks.input_requests.take().filter(|questions| !questions.is_empty());
        let mut questions = questions.and_then(|questions| serde_json::to_value(questions).ok()).unwrap_or_default();
        self.hide(&mut questions);
        wire::exact(&mut questions);
        let args = json!({
            "call_id": self.call_id, "lease": self.lease, "ticket": self.ticket,
            "upstream_state": asks.request_state, "questions": questions
        });
        let kept: Result<Kept, Refusal> =
            self.caller.session.core.database.ask(self.caller.presented, "mcp_suspend_call", &args).await;
        match kept {
            Ok(kept) => {
                let questions: Option<InputRequests> =
                    kept.questions.and_then(|questions| serde_json::from_value(questions).ok());
                let questions = questions.filter(|questions| !questions.is_empty());
                let suspended = Suspended { call_id: self.call_id, lease: self.lease, ticket: self.ticket };
                Ok(Came::Asks(InputRequiredResult::new(questions, Some(kept.request_state)), suspended))
            }
            Err(refusal) => {
                // The server may not ask this: the call is over.
                let _ = self.finish("failed", Value::Null).await;
                Ok(Came::Refused(refusal))
            }
        }
    }

    /// Says how the call ended. The caller gets the database's words for it.
    pub(super) async fn finish(&self, outcome: &str, mut result: Value) -> Result<Finished, Refusal> {
        self.hide(&mut result);
        wire::exact(&mut result);
        let args = json!({
            "call_id": self.call_id, "lease": self.lease, "ticket": self.ticket, "outcome": outcome, "result": result
        });
        let core = &self.caller.session.core;
        let mut waits = TOLD_AGAIN.iter();
        loop {
            let told = core.database.ask(self.caller.presented, "mcp_finish_call", &args).await;
            match (told, waits.next()) {
                // What a call came to must not be lost over a database that is away for a moment.
                (Err(refusal), Some(wait))
                    if refusal.status() >= 500 || refusal.code() == ErrorCode::SystemRetry.entry().code =>
                {
                    sleep(Duration::from_millis(*wait)).await;
                }
                (told, _) => {
                    if let Err(refusal) = &told {
                        warn!(
                            call_id = self.call_id,
                            outcome,
                            code = refusal.code(),
                            "the end of a call could not be told"
                        );
                    }
                    return told;
                }
            }
        }
    }

    pub(super) async fn fail(self, fault: Fault, wanted: &Wanted) -> Result<Came, ErrorData> {
        let finished = self.finish(fault.outcome(), Value::Null).await;
        let words = match finished {
            Ok(finished) => words_of(finished.result.unwrap_or_default()),
            Err(refusal) => return Ok(Came::Refused(refusal)),
        };
        let code = words.split(':').next().unwrap_or_default().to_owned();
        let mut data = json!({"code": code});
        let rpc = match fault {
            // The server can do nothing for a client that cannot do this; its client is to know what.
            Fault::Lacking(capabilities) => {
                data["requiredCapabilities"] = capabilities.to_json();
                RpcCode::MISSING_REQUIRED_CLIENT_CAPABILITY
            }
            // What the protocol has codes for, a client is to know by them.
            Fault::Refused(code @ (-32602 | -32601 | -32002)) => {
                if let Some(uri) = wanted.arguments.get("uri") {
                    data["uri"] = uri.clone();
                }
                RpcCode(code)
            }
            _ => RpcCode::INTERNAL_ERROR,
        };
        Err(ErrorData::new(rpc, words, Some(data)))
    }
}

/// The end of a call as the caller gets it.
pub(super) fn came(finished: Result<Finished, Refusal>) -> Came {
    match finished {
        Ok(finished) => Came::Result(finished.result.unwrap_or_default()),
        Err(refusal) => Came::Refused(refusal),
    }
}

fn words_of(result: Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or("the call did not come to a result").to_owned()
}
