//! What the server remembers: what is in its chats, what was done there and when, and what trouble it is to make.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Limits;

const SECOND: Duration = Duration::from_secs(1);

/// What a request gets in place of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    Status(u16, Option<u64>),
    /// Somebody in between says that it is too much, in their own form.
    TooMuch(u64),
    /// The connection is closed before anything is done.
    HangUp,
    /// Nothing is done, and nothing said for longer than anybody waits.
    Hang,
    /// It is done, and nothing said for as long.
    DoneAndHang,
    /// It is done, and the connection closed.
    DoneAndHungUp,
    /// It takes so many milliseconds longer.
    Slow(u64),
}

/// A message in a chat.
#[derive(Clone, Debug)]
pub struct Sent {
    pub text: String,
    pub parse_mode: Value,
}

pub struct State {
    limits: Limits,
    started: Instant,
    last_id: i64,
    pub requests: usize,
    limited: usize,
    refused: usize,
    pub log: Vec<Value>,
    pub chats: BTreeMap<String, BTreeMap<i64, Sent>>,
    times: VecDeque<Instant>,
    times_of_chat: BTreeMap<String, VecDeque<Instant>>,
    troubles: VecDeque<(Trouble, Option<String>, u64)>,
}

impl State {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            started: Instant::now(),
            last_id: 0,
            requests: 0,
            limited: 0,
            refused: 0,
            log: Vec::new(),
            chats: BTreeMap::new(),
            times: VecDeque::new(),
            times_of_chat: BTreeMap::new(),
            troubles: VecDeque::new(),
        }
    }

    /// Takes trouble that somebody wants.
    pub fn wants(&mut self, params: &Value) {
        let number = |name: &str| params[name].as_u64();
        let trouble = match params["kind"].as_str().unwrap_or_default() {
            "hang_up" => Trouble::HangUp,
            "hang" => Trouble::Hang,
            "done_and_hang" => Trouble::DoneAndHang,
            "done_and_hung_up" => Trouble::DoneAndHungUp,
            "slow" => Trouble::Slow(number("ms").unwrap_or(100)),
            "too_much" => Trouble::TooMuch(number("retry_after").unwrap_or(1)),
            status => Trouble::Status(status.parse().unwrap_or(500), number("retry_after")),
        };
        let chat = params["chat_id"].as_str().map(str::to_owned);
        self.troubles.push_back((trouble, chat, number("times").unwrap_or(1)));
    }

    /// The trouble that this request gets.
    pub fn trouble(&mut self, params: &Value) -> Option<Trouble> {
        let chat = chat_of(params);
        let at = self.troubles.iter().position(|(_, of, _)| of.as_ref().is_none_or(|of| *of == chat))?;
        let (trouble, _, times) = self.troubles.get_mut(at)?;
        let trouble = *trouble;
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.troubles.remove(at);
        }
        Some(trouble)
    }

    /// Whether there is room for one more message now; else how long to wait.
    pub fn has_room(&mut self, chat: &str) -> Result<(), u64> {
        let now = Instant::now();
        let of_chat = self.times_of_chat.entry(chat.to_owned()).or_default();
        for times in [&mut self.times, of_chat] {
            while times.front().is_some_and(|time| now.duration_since(*time) > SECOND) {
                times.pop_front();
            }
        }
        let full = |times: &VecDeque<Instant>, limit: usize| limit > 0 && times.len() >= limit;
        if full(&self.times, self.limits.per_second) || full(of_chat, self.limits.chat_per_second) {
            self.limited += 1;
            return Err(1);
        }
        self.times.push_back(now);
        of_chat.push_back(now);
        Ok(())
    }

    pub fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// Remembers that something was done.
    pub fn note(&mut self, what: &str, chat: &str, mut more: Value) {
        more["what"] = what.into();
        more["chat_id"] = chat.into();
        more["at_ms"] = u64::try_from(self.started.elapsed().as_millis()).unwrap_or_default().into();
        self.log.push(more);
    }

    pub fn count_refusal(&mut self) {
        self.refused += 1;
    }

    pub fn counts(&self) -> Value {
        json!({"requests": self.requests, "done": self.log.len(), "limited": self.limited, "refused": self.refused})
    }
}

/// The chat that a request is about, as text.
pub fn chat_of(params: &Value) -> String {
    match &params["chat_id"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
