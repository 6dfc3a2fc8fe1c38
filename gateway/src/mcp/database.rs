//! Asks the database, in the name of a request's caller, and reads what it answered. Every decision about a call is in those
//! answers.

use std::sync::Arc;

use awooop_policy::error::{ErrorCode, Problem};
use axum::http::StatusCode;
use hyper::body::Bytes;
use rmcp::model::{CallToolResult, ContentBlock, ErrorData, MetaObject};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::presented::Presented;
use crate::answer::Answer;
use crate::ask::{Question, ask};
use crate::gateway::Gateway;

/// Members of a problem document that are not facts of the occurrence.
const ORDINARY: [&str; 5] = ["type", "title", "status", "code", "hint"];
/// Where the whole problem document is, beside its words.
const PROBLEM: &str = "io.awooop/problem";

/// The database, asked by the gateway.
#[derive(Clone)]
pub struct Database(pub Arc<Gateway>);

impl Database {
    /// Asks for an operation, and reads its answer.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        caller: &Presented,
        operation: &str,
        args: &Value,
    ) -> Result<T, Refusal> {
        let args = args.to_string();
        let question = Question {
            project: caller.project(),
            credential: caller.reveal(),
            operation,
            args: &args,
            trace: caller.trace(),
        };
        let (status, body) = ask(&self.0, question, caller.request_id()).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| ErrorCode::SystemInternal.into());
        }
        match serde_json::from_slice(&body) {
            Ok(document) => Err(Refusal(document)),
            Err(_) => Err(ErrorCode::SystemInternal.into()),
        }
    }
}

/// A problem, as the database or the gateway says it.
pub struct Refusal(Map<String, Value>);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        match problem.to_document() {
            Value::Object(document) => Refusal(document),
            _ => Refusal(Map::new()),
        }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Refusal {
        Problem::from(code).into()
    }
}

impl Refusal {
    fn text(&self, member: &str) -> &str {
        self.0.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its code, `E-AREA-NNN`.
    pub fn code(&self) -> &str {
        self.text("code")
    }

    /// The HTTP status that goes with it.
    pub fn status(&self) -> u64 {
        self.0.get("status").and_then(Value::as_u64).unwrap_or(500)
    }

    /// Whether it is a decision about the call, which a model can do something about, and no fault of the request or the platform.
    fn is_decision(&self) -> bool {
        ["E-MCP-GATE-", "E-BUDGET-", "E-APPROVAL-", "E-RUN-"].iter().any(|area| self.code().starts_with(area))
    }

    fn words(&self) -> String {
        let facts: Map<String, Value> = self
            .0
            .iter()
            .filter(|(name, _)| !ORDINARY.contains(&name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let facts = if facts.is_empty() { String::new() } else { format!(" {}", Value::Object(facts)) };
        format!("{}: {}. {}{facts}", self.code(), self.text("title"), self.text("hint"))
    }

    /// As a tool's result where a model can read it, else as an error of the protocol.
    pub fn into_result(self) -> Result<CallToolResult, ErrorData> {
        if !self.is_decision() {
            return Err(self.into_error());
        }
        let mut result = CallToolResult::error(vec![ContentBlock::text(self.words())]);
        let mut meta = MetaObject::default();
        meta.insert(PROBLEM.into(), Value::Object(self.0));
        result.meta = Some(meta);
        Ok(result)
    }

    /// As an answer of HTTP.
    pub fn into_answer(self) -> Answer {
        let status = u16::try_from(self.status()).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let body = Value::Object(self.0).to_string();
        Answer::new(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Bytes::from(body))
    }

    /// As an error of the protocol.
    pub fn into_error(self) -> ErrorData {
        let message = self.words();
        let data = Some(json!({"code": self.code(), "hint": self.text("hint"), "problem": self.0}));
        match self.status() {
            500.. => ErrorData::internal_error(message, data),
            401 | 403 | 429 => ErrorData::invalid_request(message, data),
            _ => ErrorData::invalid_params(message, data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_a_result_that_a_model_can_read() {
        let problem = Problem::from(ErrorCode::GateArguments).with("errors", json!(["/order"]));
        let result = Refusal::from(problem).into_result().unwrap();
        let shown = serde_json::to_value(result).unwrap();
        assert_eq!(shown["isError"], true);
        let text = shown["content"][0]["text"].as_str().unwrap();
        assert!(
            text.starts_with("E-MCP-GATE-005: ") && text.contains("/order") && text.contains("Correct them"),
            "{text}"
        );
        assert_eq!(shown["_meta"][PROBLEM]["code"], "E-MCP-GATE-005");
    }

    #[test]
    fn what_the_caller_did_wrong_and_what_went_wrong_here_are_errors() {
        for (code, expected) in
            [(ErrorCode::InputInvalid, -32602), (ErrorCode::HttpBusy, -32603), (ErrorCode::AuthScope, -32600)]
        {
            let error = Refusal::from(code).into_result().unwrap_err();
            assert_eq!(error.code.0, expected);
            assert_eq!(error.data.unwrap()["code"], code.entry().code);
        }
    }
}
