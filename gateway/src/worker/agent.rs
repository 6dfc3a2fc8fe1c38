//! What an agent is sent, and what it may answer: `docs/AGENTS.md` says both in full.

use std::time::Duration;

use awooop_policy::trace::TraceParent;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::database::Run;
use crate::mcp::secret::Store;
use crate::outside::{Outside, Post};

/// An answer has steps and an output; each may be as long as the database takes.
const LONGEST_ANSWER: usize = 4 << 20;

/// Posts runs to agents.
pub struct Agent {
    outside: Outside,
    secrets: Store,
    /// Where an agent finds this gateway.
    gateway: String,
}

/// Why an attempt failed.
#[derive(Debug)]
pub struct Failed {
    pub code: String,
    pub message: String,
    pub retryable: bool,
}

impl Failed {
    /// It may work another time.
    pub fn now(code: &str, message: &str) -> Failed {
        Failed { code: code.to_owned(), message: message.to_owned(), retryable: true }
    }

    /// It never will.
    pub fn finally(code: &str, message: &str) -> Failed {
        Failed { code: code.to_owned(), message: message.to_owned(), retryable: false }
    }
}

/// A step that the agent has made, with what it has used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub step_key: String,
    #[serde(default)]
    pub result: Value,
    #[serde(default)]
    pub request: Value,
    pub kind: Option<String>,
    pub phase: Option<String>,
    pub tokens: Option<i64>,
    pub micro_usd: Option<i64>,
    pub model: Option<String>,
    pub input_tokens: Option<i64>,
    pub cached_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
}

/// A call that needs people.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub step_key: String,
    pub tool: String,
    #[serde(default)]
    pub arguments: Value,
}

/// What an agent answers with, beside steps.
pub enum Reply {
    Output(Value),
    /// A model's raw text.
    Raw(String),
    /// The run waits: for people who are to be asked about a call, or whom the agent has asked by itself.
    Wait(Option<Wanted>),
    Failed(Failed),
}

/// The whole answer.
pub struct Answer {
    pub steps: Vec<Step>,
    pub rest: Reply,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Waits {
    For(Wanted),
    Just(#[allow(dead_code, reason = "true, and nothing else")] bool),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trouble {
    code: Option<String>,
    message: Option<String>,
    #[serde(default)]
    retryable: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    steps: Vec<Step>,
    // Absent, or there: null is an output like others.
    #[serde(default, deserialize_with = "there")]
    output: Option<Value>,
    raw: Option<String>,
    wait: Option<Waits>,
    error: Option<Trouble>,
}

fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Agent {
    pub fn new(outside: Outside, secrets: Store, gateway: String) -> Agent {
        Agent { outside, secrets, gateway }
    }

    /// Posts the run, with what the database said to the answer before; the agent's answer.
    pub async fn ask(&self, run: &Run, said: &Value) -> Result<Answer, Failed> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(reference) = &run.endpoint.credential {
            let secret = self.secrets.read(reference).await.map_err(|why| Failed::now("credential", why.as_str()))?;
            let shown = HeaderValue::from_str(&format!("Bearer {}", secret.expose_secret()));
            let mut shown = shown.map_err(|_| Failed::now("credential", "it is no header"))?;
            shown.set_sensitive(true);
            headers.insert(AUTHORIZATION, shown);
        }
        if let Ok(trace) =
            HeaderValue::from_str(run.trace().filter(|trace| TraceParent::parse(trace).is_some()).unwrap_or_default())
        {
            headers.insert("traceparent", trace);
        }
        let body = json!({
            "run_id": run.run_id, "project_id": run.project_id, "agent_id": run.agent_id, "attempt": run.attempt,
            "mode": run.mode, "envelope": run.envelope, "input": run.input, "tags": run.tags, "steps": run.steps,
            "history": run.endpoint.history, "deadline_at": run.deadline_at, "token": run.lease,
            "gateway": self.gateway, "answer": said
        });
        let post = Post {
            address: &run.endpoint.url,
            private_host_allowed: run.endpoint.private_host_allowed,
            headers,
            body: body.to_string().into_bytes(),
            patience: Duration::from_secs(run.endpoint.timeout_seconds),
            most_bytes: LONGEST_ANSWER,
        };
        let answered =
            self.outside.post(post).await.map_err(|why| Failed::now(why.as_str(), "the agent did not answer"))?;
        match answered.status {
            200 => read(&answered.body),
            429 => Err(Failed::now("rate_limited", "the agent has too much to do")),
            500.. => Err(Failed::now("worker_error", "the agent answered with an error")),
            status => Err(Failed::finally("agent_refused", &format!("the agent answered with status {status}"))),
        }
    }
}

fn read(body: &[u8]) -> Result<Answer, Failed> {
    let unreadable = || Failed::now("unreadable", "the agent's answer is not one that a worker understands");
    let written: Written = serde_json::from_slice(body).map_err(|_| unreadable())?;
    let rest = match (written.output, written.raw, written.wait, written.error) {
        (Some(output), None, None, None) => Reply::Output(output),
        (None, Some(text), None, None) => Reply::Raw(text),
        (None, None, Some(Waits::For(wanted)), None) => Reply::Wait(Some(wanted)),
        (None, None, Some(Waits::Just(true)), None) => Reply::Wait(None),
        (None, None, None, Some(trouble)) => Reply::Failed(Failed {
            code: trouble.code.filter(|code| is_code(code)).unwrap_or_else(|| "worker_error".to_owned()),
            message: trouble.message.unwrap_or_default().chars().filter(|c| *c != '\0').take(2000).collect(),
            retryable: trouble.retryable,
        }),
        _ => return Err(unreadable()),
    };
    Ok(Answer { steps: written.steps, rest })
}

fn is_code(code: &str) -> bool {
    let mut bytes = code.bytes();
    code.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_one_thing() {
        let kind = |body: &str| match read(body.as_bytes()) {
            Ok(answer) => match answer.rest {
                Reply::Output(output) => format!("output {output} after {}", answer.steps.len()),
                Reply::Raw(text) => format!("raw {text}"),
                Reply::Wait(Some(wanted)) => format!("wait for {}", wanted.tool),
                Reply::Wait(None) => "wait".to_owned(),
                Reply::Failed(failed) => format!("{} {}", failed.code, failed.retryable),
            },
            Err(failed) => failed.code,
        };
        assert_eq!(kind(r#"{"output": null}"#), "output null after 0");
        assert_eq!(
            kind(r#"{"steps": [{"step_key": "a", "tokens": 3}], "output": {"x": 1}}"#),
            r#"output {"x":1} after 1"#
        );
        assert_eq!(kind(r#"{"raw": "{}"}"#), "raw {}");
        assert_eq!(kind(r#"{"wait": true}"#), "wait");
        assert_eq!(kind(r#"{"wait": {"step_key": "s", "tool": "t__p"}}"#), "wait for t__p");
        assert_eq!(kind(r#"{"error": {"code": "no model", "retryable": true}}"#), "worker_error true");
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"wait": false}"#,
            r#"{"output": 1, "wait": true}"#,
            r#"{"other": 1}"#,
            r#"{"steps": [{}], "output": 1}"#,
        ] {
            assert_eq!(kind(bad), "unreadable", "{bad}");
        }
    }
}
