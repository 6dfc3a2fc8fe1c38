//! Bringing together what comes together. While updates of a channel are on their way to the database, those that come meanwhile
//! wait for a moment, and go in one statement: committing costs more than what it commits. The database takes in at once what it can
//! (`ingest_events`); what is left goes alone, as everything does where little comes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use awooop_policy::error::Problem;
use axum::http::StatusCode;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::ask::{Question, ask};
use crate::gateway::Gateway;

/// Statements of one channel that are under way before others wait for them.
const AT_ONCE: usize = 3;
/// How long one waits to go with others, before it goes alone all the same.
const PATIENCE: Duration = Duration::from_millis(100);
/// What goes in one statement at most.
const MOST: usize = 64;
const MOST_BYTES: usize = 256 * 1024;
/// How many go alone at once after a statement in which the database could take in next to nothing.
const ALONE: usize = 64;

/// Whose updates go together: those of one project, with one credential.
type Key = (String, String);

/// What waits, by channel.
#[derive(Default)]
pub struct Gathering(Mutex<HashMap<Key, Line>>);

#[derive(Default)]
struct Line {
    on_their_way: usize,
    waiting: VecDeque<Waiting>,
    /// The number of the next that waits.
    next: u64,
    /// So many need not wait, because they would in vain.
    alone: usize,
}

struct Waiting {
    number: u64,
    /// As it goes into the statement.
    text: String,
    trace: String,
    /// Nothing where it was not taken in.
    answer: oneshot::Sender<Option<Bytes>>,
}

/// An update that a channel brings.
pub struct Update<'a> {
    pub project: &'a str,
    pub credential: &'a str,
    pub event: &'a RawValue,
    pub trace: &'a str,
    pub request_id: &'a str,
}

/// A place on the way; whoever gives it up lets those go who wait.
struct Slot {
    gateway: Arc<Gateway>,
    key: Key,
}

/// A place among those that wait; whoever gives it up waits no longer.
struct Ticket {
    gateway: Arc<Gateway>,
    key: Key,
    number: u64,
}

enum Way {
    Now(Option<Slot>),
    Wait(Ticket, oneshot::Receiver<Option<Bytes>>),
}

#[derive(Deserialize)]
struct Answers {
    answers: Vec<Option<Box<RawValue>>>,
}

/// Brings an update to the database; its status and its body.
pub async fn bring(gateway: &Arc<Gateway>, update: Update<'_>) -> Result<(StatusCode, Bytes), Problem> {
    let _slot = match way(gateway, &update) {
        Way::Now(slot) => slot,
        Way::Wait(ticket, mut answer) => {
            let answer = match timeout(PATIENCE, &mut answer).await {
                Ok(answer) => answer.ok().flatten(),
                Err(_) if ticket.withdraw() => None,
                // It is under way: to bring it once more would only wait for that.
                Err(_) => answer.await.ok().flatten(),
            };
            if let Some(body) = answer {
                return Ok((StatusCode::OK, body));
            }
            None
        }
    };
    let args = format!("{{\"event\":{}}}", update.event.get());
    let question = Question {
        project: update.project,
        credential: update.credential,
        operation: "ingest_event",
        args: &args,
        trace: update.trace,
    };
    ask(gateway, question, update.request_id).await
}

/// Whether the update goes now, or waits for others.
fn way(gateway: &Arc<Gateway>, update: &Update<'_>) -> Way {
    let key = (update.project.to_owned(), update.credential.to_owned());
    gateway.gathering.with(|lines| {
        let line = lines.entry(key.clone()).or_default();
        if line.on_their_way < AT_ONCE {
            line.on_their_way += 1;
            return Way::Now(Some(Slot { gateway: Arc::clone(gateway), key }));
        }
        if line.alone > 0 || update.event.get().len() > MOST_BYTES / 4 {
            line.alone = line.alone.saturating_sub(1);
            return Way::Now(None);
        }
        let (answer, waits) = oneshot::channel();
        let text = format!("{{\"event\":{},\"traceparent\":\"{}\"}}", update.event.get(), update.trace);
        line.next += 1;
        let number = line.next;
        line.waiting.push_back(Waiting { number, text, trace: update.trace.to_owned(), answer });
        Way::Wait(Ticket { gateway: Arc::clone(gateway), key, number }, waits)
    })
}

impl Gathering {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Key, Line>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Line {
    /// Those that go together next.
    fn next(&mut self) -> Vec<Waiting> {
        let (mut together, mut bytes) = (Vec::new(), 0);
        while let Some(first) = self.waiting.front() {
            if together.len() == MOST || (bytes + first.text.len() > MOST_BYTES && !together.is_empty()) {
                break;
            }
            bytes += first.text.len();
            // Whoever has lost patience has gone alone.
            together.extend(self.waiting.pop_front().filter(|waiting| !waiting.answer.is_closed()));
        }
        together
    }
}

impl Ticket {
    /// Waits no longer; false where it is under way already.
    fn withdraw(&self) -> bool {
        self.gateway.gathering.with(|lines| {
            let Some(line) = lines.get_mut(&self.key) else { return false };
            let at = line.waiting.iter().position(|waiting| waiting.number == self.number);
            at.is_some_and(|at| line.waiting.remove(at).is_some())
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = self.gateway.gathering.with(|lines| {
            let Some(line) = lines.get_mut(&self.key) else { return Vec::new() };
            let next = line.next();
            if next.is_empty() {
                line.on_their_way -= 1;
                if line.on_their_way == 0 {
                    lines.remove(&self.key);
                }
            }
            next
        });
        if !next.is_empty() {
            let slot = Slot { gateway: Arc::clone(&self.gateway), key: std::mem::take(&mut self.key) };
            tokio::spawn(slot.carry(next));
        }
    }
}

impl Slot {
    /// Brings those to the database that waited, and tells each its answer.
    async fn carry(self, together: Vec<Waiting>) {
        let texts: Vec<&str> = together.iter().map(|waiting| waiting.text.as_str()).collect();
        let args = format!("{{\"events\":[{}]}}", texts.join(","));
        let (project, credential) = &self.key;
        let trace = together.first().map_or("", |waiting| waiting.trace.as_str());
        let question = Question { project, credential, operation: "ingest_events", args: &args, trace };
        let answers = match ask(&self.gateway, question, "").await {
            Ok((StatusCode::OK, body)) => {
                serde_json::from_slice(&body).map_or_else(|_| Vec::new(), |a: Answers| a.answers)
            }
            // Each is told what it is when it goes alone.
            _ => Vec::new(),
        };
        if answers.iter().flatten().count() * 2 < together.len() {
            self.gateway.gathering.with(|lines| {
                if let Some(line) = lines.get_mut(&self.key) {
                    line.alone = ALONE;
                }
            });
        }
        let mut answers = answers.into_iter();
        for waiting in together {
            let answer = answers.next().flatten().map(|answer| Bytes::from(answer.get().to_owned()));
            let _ = waiting.answer.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(bytes: usize) -> (Waiting, oneshot::Receiver<Option<Bytes>>) {
        let (answer, waits) = oneshot::channel();
        (Waiting { number: 0, text: "x".repeat(bytes), trace: String::new(), answer }, waits)
    }

    #[test]
    fn so_many_go_together_as_fit_and_none_that_has_gone_alone() {
        let mut line = Line::default();
        let mut receivers = Vec::new();
        for n in 0..100 {
            let (waiting, waits) = waiting(if n < 3 { MOST_BYTES / 2 } else { 10 });
            line.waiting.push_back(waiting);
            // The fifth has lost patience.
            receivers.extend((n != 4).then_some(waits));
        }
        let sizes: Vec<usize> = std::iter::from_fn(|| Some(line.next().len()).filter(|n| *n > 0)).collect();
        assert_eq!(sizes, [2, MOST, 33]);
        assert_eq!(sizes.iter().sum::<usize>(), receivers.len());
    }

    #[test]
    fn one_that_is_too_long_for_others_goes_all_the_same() {
        let mut line = Line::default();
        let (long, _waits) = waiting(2 * MOST_BYTES);
        line.waiting.push_back(long);
        assert_eq!(line.next().len(), 1);
    }
}
