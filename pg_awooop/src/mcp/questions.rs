//! What a server asks of the caller: let through where the tool's contract says so, redacted, never cut, and on record with its call.

use awooop_contracts::Contract;
use awooop_contracts::model::tool::Question;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::server_message::{self, MAX_QUESTIONS};
use awooop_policy::tool_result::length;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::result::redact_data;
use crate::caller::Caller;
use crate::fault::{Outcome, fault};
use crate::redaction;

/// How often a server may ask something in a call, in whatever way.
pub(super) const MOST_ASKED: i32 = 32;
/// What is kept of everything that is asked at once, in bytes.
const MOST_KEPT: usize = 4096;

/// Questions that the caller may see.
pub(super) struct Asked {
    pub(super) questions: Map<String, Value>,
}

impl Asked {
    /// What was asked, by the server's keys; a server that asks something else asks nothing.
    pub(super) fn read(given: &Value) -> Outcome<Self> {
        match server_message::questions(given) {
            Some(questions) => Ok(Asked { questions }),
            None => {
                wrong("1 to 16 questions by their keys, each with a method that a server may ask by and its params")
            }
        }
    }

    /// A single question, which has no key.
    pub(super) fn one(given: &Value) -> Outcome<Self> {
        match server_message::question(given) {
            Some(question) => Ok(Asked { questions: Map::from_iter([(String::new(), question)]) }),
            None => wrong("a question with a method that a server may ask by, and its params"),
        }
    }

    fn kinds(&self) -> Vec<Question> {
        let mut kinds: Vec<Question> = self.questions.values().filter_map(server_message::kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Their kinds, for the record.
    pub(super) fn words(&self) -> Value {
        self.kinds().into_iter().map(Question::as_str).collect()
    }

    /// Why they may not be asked, if the contract by which the call was sent does not say that they may.
    pub(super) fn denial(&self, caller: &Caller, call: &Call) -> Outcome<Option<Problem>> {
        let tool = call.tool(&caller.project_id)?;
        let Contract::Tool(contract) = &tool.contract else { return fault(ErrorCode::SystemInternal) };
        let denied = self.kinds().into_iter().find(|kind| !server_message::may_ask(contract, *kind));
        Ok(denied.map(|kind| Problem::from(ErrorCode::McpMayNotAsk).with("kind", kind.as_str())))
    }

    /// Redacts them as the project has it.
    pub(super) fn redacted(mut self) -> Outcome<Self> {
        for (key, question) in &mut self.questions {
            // The answer goes by it: hidden, it is another one.
            if redaction::shown_text(key)? != *key {
                return wrong("keys that hold nothing to be hidden");
            }
            let params = question.get_mut("params").and_then(Value::as_object_mut);
            for part in params.into_iter().flat_map(|params| params.values_mut()) {
                // By itself: a number of tokens is no token.
                *part = redaction::shown_json(part)?;
                redact_binary(part)?;
            }
        }
        if self.questions.values().map(length).sum::<usize>() > MAX_QUESTIONS {
            return fault(Problem::from(ErrorCode::InputTooLarge).with("limit_bytes", MAX_QUESTIONS));
        }
        Ok(self)
    }

    /// What is kept of them with the call.
    pub(super) fn kept(&self) -> Vec<Value> {
        let share = MOST_KEPT / self.questions.len().max(1);
        self.questions.values().map(|question| server_message::kept(question, share)).collect()
    }
}

/// Data that is text after all, wherever it is.
fn redact_binary(part: &mut Value) -> Outcome<()> {
    match part {
        Value::Array(items) => items.iter_mut().try_for_each(redact_binary),
        Value::Object(members) => members.iter_mut().try_for_each(|(name, member)| match name.as_str() {
            "data" | "blob" if member.is_string() => redact_data(member),
            _ => redact_binary(member),
        }),
        _ => Ok(()),
    }
}

/// What a server says is something else.
pub(super) fn wrong<T>(expected: &str) -> Outcome<T> {
    fault(Problem::from(ErrorCode::McpMessage).with("expected", expected))
}

/// Refuses a server that has asked often enough.
pub(super) fn ensure_room(call: &Call) -> Outcome<()> {
    if call.suspensions.saturating_add(call.questions) >= MOST_ASKED {
        return fault(Problem::from(ErrorCode::McpSuspended).with("limit", json!(MOST_ASKED)));
    }
    Ok(())
}
