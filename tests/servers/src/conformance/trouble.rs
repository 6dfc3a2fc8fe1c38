//! Tools that make trouble on demand, and tools that tell what came of it: how often something was called, whether a
//! cancellation arrived. Those that need more than the protocol's library allows are answered by [`super::raw`], over
//! HTTP; over pipes they do what can be done here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{CallToolResult, JsonObject, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::changes::Changes;
use super::raw;
use crate::speak::{self, Outcome, nothing, tool};

/// A text from `big`, over pipes: there it has to be in memory at once.
const BIGGEST_IN_MEMORY: u64 = 256 << 20;

/// What has happened so far.
#[derive(Default)]
pub struct Trouble {
    counts: Mutex<Counts>,
    naps: Mutex<BTreeMap<String, Naps>>,
    failures: Mutex<BTreeMap<String, u64>>,
    added: Mutex<BTreeMap<String, Tool>>,
    /// Bytes of `big` that went out.
    pub big_bytes_sent: Arc<AtomicU64>,
}

#[derive(Default)]
struct Counts {
    calls: BTreeMap<String, u64>,
    lists: u64,
    sessions: u64,
}

#[derive(Clone, Copy, Default)]
struct Naps {
    begun: u64,
    finished: u64,
    cancelled: u64,
}

/// The tools of this module.
pub fn tools() -> Vec<Tool> {
    let key = json!({"type": "string", "description": "Tells several apart"});
    let name = json!({"type": "string", "minLength": 1, "maxLength": 128});
    let number = |description: &str| json!({"type": "integer", "minimum": 0, "description": description});
    let closed = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    let sleep = closed(json!({"ms": number("How long"), "key": key}), json!(["ms"]));
    let how = json!({"enum": raw::FAILURES, "description": "How to fail"});
    let flaky = closed(
        json!({"fail_first": number("How often to fail"), "key": key, "how": how}),
        json!(["fail_first", "key"]),
    );
    let events = json!({"type": "boolean", "description": "As an event stream"});
    let big = closed(json!({"bytes": number("How long a text"), "events": events}), json!(["bytes"]));
    let added = json!({"name": name, "description": {"type": "string"}, "input_schema": {"type": "object"}});
    let uri = json!({"uri": {"type": "string"}});
    vec![
        tool("sleep", "Takes as long as it is told, or until it is cancelled", sleep),
        tool("was_cancelled", "Tells what became of the calls of sleep", closed(json!({"key": key}), json!([]))),
        tool("flaky", "Fails as often as it is told before it succeeds", flaky),
        tool("big", "Answers with a text of any length", big),
        tool("big_number", "Answers with numbers that not everybody can hold", nothing()),
        tool("count", "Tells how often each tool was called, and the list was read", nothing()),
        tool("add_tool", "Adds a tool, or changes one that was added", closed(added, json!(["name"]))),
        tool("remove_tool", "Removes a tool that was added", closed(json!({"name": name}), json!(["name"]))),
        tool("touch_resource", "Tells that a resource has changed", closed(uri, json!(["uri"]))),
    ]
}

impl Trouble {
    /// Another call, whatever comes of it.
    pub fn called(&self, name: &str) {
        // Those who ask would otherwise change what they ask for.
        if !matches!(name, "count" | "was_cancelled") {
            *lock(&self.counts).calls.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// Somebody has read the list of tools.
    pub fn listed(&self) {
        lock(&self.counts).lists += 1;
    }

    /// Somebody has opened a session.
    pub fn session(&self) {
        lock(&self.counts).sessions += 1;
    }

    /// The tools that were added.
    pub fn added(&self) -> Vec<Tool> {
        lock(&self.added).values().cloned().collect()
    }

    /// Whether this call of `flaky` is one of those that fail, and which one it is.
    pub fn attempt(&self, key: &str, fail_first: u64) -> (bool, u64) {
        let mut failures = lock(&self.failures);
        let attempts = failures.entry(key.to_owned()).or_default();
        *attempts += 1;
        (*attempts <= fail_first, *attempts)
    }

    /// What a call comes to, if the tool is of this module.
    pub async fn call(
        &self,
        name: &str,
        arguments: &JsonObject,
        changes: &Changes,
        context: &RequestContext<RoleServer>,
    ) -> Option<Outcome> {
        Some(match name {
            "sleep" => self.sleep(arguments, context).await,
            "was_cancelled" => structured(self.slept(key(arguments))),
            "flaky" => self.flaky(arguments),
            "big" => big(arguments),
            "big_number" => speak::failed("over HTTP only: the library cannot write such numbers"),
            "count" => structured(self.told()),
            "add_tool" => self.add(arguments, changes).await,
            "remove_tool" => self.remove(arguments, changes).await,
            "touch_resource" => match speak::string(arguments, "uri") {
                Ok(uri) => {
                    changes.resource_changed(uri).await;
                    speak::text("Told everybody who wants to know.")
                }
                Err(error) => Err(error),
            },
            name if lock(&self.added).contains_key(name) => speak::text(format!("This is {name}.")),
            _ => return None,
        })
    }

    async fn sleep(&self, arguments: &JsonObject, context: &RequestContext<RoleServer>) -> Outcome {
        let time = Duration::from_millis(speak::count(arguments, "ms")?);
        let nap = Nap::begin(&self.naps, key(arguments));
        tokio::select! {
            () = tokio::time::sleep(time) => nap.finish(),
            () = context.ct.cancelled() => return speak::failed("It was cancelled."),
        }
        speak::text("It took as long as it was told.")
    }

    fn slept(&self, key: &str) -> Value {
        let naps = lock(&self.naps).get(key).copied().unwrap_or_default();
        let cancelled = naps.cancelled > 0;
        json!({"cancelled": cancelled, "begun": naps.begun, "finished": naps.finished, "times_cancelled": naps.cancelled})
    }

    fn flaky(&self, arguments: &JsonObject) -> Outcome {
        let (fails, attempt) = self.attempt(speak::string(arguments, "key")?, speak::count(arguments, "fail_first")?);
        if fails { Err(ErrorData::internal_error("not this time", None)) } else { speak::text(raw::succeeded(attempt)) }
    }

    fn told(&self) -> Value {
        let counts = lock(&self.counts);
        json!({
            "calls": counts.calls,
            "lists": counts.lists,
            "sessions": counts.sessions,
            "big_bytes_sent": self.big_bytes_sent.load(Ordering::Relaxed),
        })
    }

    async fn add(&self, arguments: &JsonObject, changes: &Changes) -> Outcome {
        let name = speak::string(arguments, "name")?.to_owned();
        let description = arguments.get("description").and_then(Value::as_str).unwrap_or("Was added").to_owned();
        let schema = speak::object(arguments.get("input_schema").cloned().unwrap_or_else(nothing));
        lock(&self.added).insert(name.clone(), Tool::new(name.clone(), description, schema));
        changes.tools_changed().await;
        speak::text(format!("There is {name} now."))
    }

    async fn remove(&self, arguments: &JsonObject, changes: &Changes) -> Outcome {
        let name = speak::string(arguments, "name")?;
        if lock(&self.added).remove(name).is_none() {
            return speak::failed(format!("No {name} was added."));
        }
        changes.tools_changed().await;
        speak::text(format!("There is no {name} any more."))
    }
}

/// A call of `sleep`. Whatever ends it before its time has cancelled it.
struct Nap<'a> {
    naps: &'a Mutex<BTreeMap<String, Naps>>,
    key: String,
    finished: bool,
}

impl<'a> Nap<'a> {
    fn begin(naps: &'a Mutex<BTreeMap<String, Naps>>, key: &str) -> Self {
        lock(naps).entry(key.to_owned()).or_default().begun += 1;
        Self { naps, key: key.to_owned(), finished: false }
    }

    fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Nap<'_> {
    fn drop(&mut self) {
        let mut naps = lock(self.naps);
        let naps = naps.entry(std::mem::take(&mut self.key)).or_default();
        if self.finished { naps.finished += 1 } else { naps.cancelled += 1 }
    }
}

fn big(arguments: &JsonObject) -> Outcome {
    let bytes = speak::count(arguments, "bytes")?;
    if bytes > BIGGEST_IN_MEMORY {
        return speak::failed("That is too much.");
    }
    speak::text("x".repeat(usize::try_from(bytes).unwrap_or(0)))
}

fn key(arguments: &JsonObject) -> &str {
    arguments.get("key").and_then(Value::as_str).unwrap_or_default()
}

fn structured(value: Value) -> Outcome {
    Ok(CallToolResult::structured(value).into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
