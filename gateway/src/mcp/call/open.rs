//! Sending a call that the database has let through: a place among those under way, attempts, time, and what the server says
//! meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ClientRequest, ErrorData, RequestMetaObject, ServerResult};
use rmcp::service::{PeerRequestOptions, RequestHandle};
use serde::Deserialize;
use serde_json::Value;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Caller, Wanted};
use crate::mcp::relay::Relay;
use crate::mcp::secret::Use;
use crate::mcp::secret::mask::Mask;
use crate::mcp::upstream::{Event, Fault, Leave, Server};
use crate::mcp::wire::{self, Round};

/// How long a person may take over a question of a server's.
pub(super) const QUESTION: Duration = Duration::from_secs(600);
/// Bytes of texts that take a noticeable time to be looked through.
const LONG: usize = 64 * 1024;
/// How long it is tried to tell a server that a call is given up.
const TELLING: Duration = Duration::from_secs(5);

/// Where a call goes, and how it may be sent.
#[derive(Deserialize)]
pub(super) struct Upstream {
    #[serde(flatten)]
    pub(super) server: Server,
    tool: String,
    feature: String,
    timeout_seconds: u64,
    max_attempts: u64,
    first_delay_seconds: u64,
    growth_percent: u64,
    max_delay_seconds: u64,
    idempotency_key: Option<String>,
    /// Whether it goes on with the answer to what the server has asked; a database of before does not say so.
    #[serde(default)]
    pub(super) takes_answers: bool,
    pub(super) state: Option<String>,
}

/// A call that the database has let through.
pub(in crate::mcp) struct Open<'a> {
    pub(in crate::mcp) caller: &'a Caller<'a>,
    pub(in crate::mcp) call_id: String,
    pub(in crate::mcp) lease: String,
    pub(in crate::mcp) ticket: String,
    pub(super) mask: Mask,
    /// What the server has said in this call, as it said it: the credential may be cut up over several messages.
    pub(super) said: Mutex<String>,
}

impl Open<'_> {
    /// Hides the call's credential in what the server says, and what it has said before counts.
    pub(in crate::mcp) fn hide(&self, message: &mut Value) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // What takes long to read holds up nobody else.
        if said.len() + wire::weight(message) > LONG {
            block_in_place(|| self.mask.hide_after(&mut said, message));
        } else {
            self.mask.hide_after(&mut said, message);
        }
    }

    pub(super) async fn exchange(
        &self,
        upstream: &Upstream,
        credential: Option<&Use>,
        wanted: &Wanted,
        round: Round,
    ) -> Result<ServerResult, Fault> {
        let ends = Instant::now() + Duration::from_secs(upstream.timeout_seconds);
        let core = &self.caller.session.core;
        let patience = ends.saturating_duration_since(Instant::now());
        let cancelled = self.caller.context.ct.cancelled();
        let leave = tokio::select! {
            leave = core.upstreams.leave(self.caller.presented.project(), &upstream.server, patience) => leave.ok_or(Fault::NotSent)?,
            () = cancelled => return Err(Fault::NotSent),
        };
        let mut delay = Duration::from_secs(upstream.first_delay_seconds);
        let mut attempt = 1;
        let mut was_sent = false;
        loop {
            let outcome = self.attempt(upstream, credential, wanted, &round, &leave, ends).await;
            was_sent |= !outcome.as_ref().is_err_and(|fault| fault.was_not_sent());
            let outcome = match outcome {
                // An earlier attempt may have had its effect.
                Err(fault) if fault.was_not_sent() && was_sent => Err(Fault::Broken),
                other => other,
            };
            match outcome {
                Err(fault) if fault.may_pass() && attempt < upstream.max_attempts && Instant::now() + delay < ends => {}
                other => return other,
            }
            tokio::select! {
                () = sleep(delay) => {}
                () = self.caller.context.ct.cancelled() => return Err(Fault::Cancelled),
            }
            attempt += 1;
            delay = (delay * u32::try_from(upstream.growth_percent).unwrap_or(100) / 100)
                .min(Duration::from_secs(upstream.max_delay_seconds));
        }
    }

    async fn attempt(
        &self,
        upstream: &Upstream,
        credential: Option<&Use>,
        wanted: &Wanted,
        round: &Round,
        leave: &Leave,
        ends: Instant,
    ) -> Result<ServerResult, Fault> {
        let trial = leave.attempt().ok_or(Fault::NotSent)?;
        let outcome = self.send(upstream, credential, wanted, round.clone(), ends).await;
        match &outcome {
            // Somebody had not the patience to see what it would have done.
            Err(_) if self.caller.context.ct.is_cancelled() => drop(trial),
            Err(fault) if fault.is_the_servers() => trial.failed(),
            Err(Fault::Cancelled | Fault::Withheld) => drop(trial),
            _ => trial.answered(),
        }
        outcome
    }

    async fn send(
        &self,
        upstream: &Upstream,
        credential: Option<&Use>,
        wanted: &Wanted,
        round: Round,
        mut ends: Instant,
    ) -> Result<ServerResult, Fault> {
        let caller = self.caller;
        let core = &caller.session.core;
        let (lane, profile) = caller.lane();
        let connecting =
            lane.connection(&core.upstreams, caller.presented.project(), &upstream.server, credential, &profile);
        let connection = tokio::select! {
            made = timeout_at(ends, connecting) => made.map_err(|_| Fault::NotSent)??,
            () = caller.context.ct.cancelled() => return Err(Fault::NotSent),
        };
        let request = self.request(upstream, wanted, round).map_err(|_| Fault::Withheld)?;
        let options = PeerRequestOptions::no_options().with_meta(self.meta(connection.is_stateless()));
        let sent = timeout_at(ends, connection.send(request, options)).await.map_err(|_| Fault::NotSent)?;
        let (mut handle, mut events) = sent.map_err(|error| Fault::of_request(&error))?;
        let relay = Relay { open: self };
        loop {
            tokio::select! {
                biased;
                answer = &mut handle.rx => {
                    let answer = answer.map_err(|_| Fault::Broken)?.map_err(|error| Fault::of_request(&error))?;
                    connection.caught_up().await;
                    relay.show_late(&mut events).await;
                    if let Some(uri) = &wanted.subscribe {
                        caller.session.subscribed(uri, &connection);
                    }
                    return Ok(answer);
                }
                Some(event) = events.recv() => {
                    let heard = Instant::now();
                    // A person takes longer than a server; the server's time stands still meanwhile.
                    let patience = if matches!(event, Event::Question(..)) { heard + QUESTION } else { ends };
                    tokio::select! {
                        () = relay.show(event) => ends += heard.elapsed(),
                        () = caller.context.ct.cancelled() => {
                            give_up(handle, "the caller no longer wants it");
                            return Err(Fault::Cancelled);
                        }
                        () = tokio::time::sleep_until(patience) => {
                            give_up(handle, "the time is up");
                            return Err(Fault::TimedOut);
                        }
                    }
                }
                () = caller.context.ct.cancelled() => {
                    give_up(handle, "the caller no longer wants it");
                    return Err(Fault::Cancelled);
                }
                () = tokio::time::sleep_until(ends) => {
                    give_up(handle, "the time is up");
                    return Err(Fault::TimedOut);
                }
            }
        }
    }

    fn request(&self, upstream: &Upstream, wanted: &Wanted, round: Round) -> Result<ClientRequest, ErrorData> {
        let mut arguments = wanted.arguments.clone();
        if upstream.feature != "tool" {
            return wire::feature_request(arguments, round);
        }
        // The same for every sending of the call, so that the server knows a repeated one.
        if let Some(name) = &upstream.idempotency_key {
            arguments.entry(name.clone()).or_insert_with(|| self.call_id.as_str().into());
        }
        Ok(wire::tool_call(&upstream.tool, arguments, round))
    }

    /// What a server is told of the caller: its trace, and what it is able to do. Nothing of who it is.
    fn meta(&self, is_stateless: bool) -> RequestMetaObject {
        let mut meta = RequestMetaObject::default();
        meta.0.set_traceparent(self.caller.presented.trace());
        if is_stateless {
            let capabilities = self.caller.context.client_capabilities().unwrap_or_default();
            meta.set_client_capabilities(capabilities);
            if let Some(level) = self.caller.context.meta.log_level() {
                meta.set_log_level(level);
            }
        }
        meta
    }
}

/// Tells the server, for which nobody waits: one that does not listen would hold up the end of the call.
fn give_up(handle: RequestHandle<RoleClient>, reason: &'static str) {
    tokio::spawn(timeout(TELLING, handle.cancel(Some(reason.to_owned()))));
}
