//! One call from beginning to end: the database judges it, the credential is read, the server is called, what it says meanwhile
//! is shown to the caller after the database has redacted it, and how it ended goes back to the database, whose words the caller
//! gets. A call that was begun is always ended, unless the process dies; then its lease runs out.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use awooop_policy::error::ErrorCode;
use rmcp::RoleServer;
use rmcp::model::{
    ClientRequest, ErrorCode as RpcCode, ErrorData, InputRequest, InputRequests, InputRequiredResult, InputResponses,
    JsonObject, MetaObject, ProtocolVersion, RequestMetaObject, ServerResult,
};
use rmcp::service::{PeerRequestOptions, RequestContext};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::agent::{Core, Session};
use super::database::Refusal;
use super::presented::Presented;
use super::relay::Relay;
use super::secret::Use;
use super::secret::mask::Mask;
use super::upstream::{Fault, Lane, Leave, Profile, Server};
use super::wire::{self, Round};
use crate::fault;

/// Where a request may say more of a call than the protocol does: agent, envelope, run, lease, keys.
const CALL: &str = "io.awooop/call";
/// Which of it is taken.
const TAKEN: [&str; 7] = ["agent_id", "envelope", "run_id", "lease", "step_key", "call_key", "ask"];
/// Where the answer says which request for approval a call waits for.
const APPROVAL: &str = "io.awooop/approval";
/// How long the end of a call is tried to be told while the database is away.
const TOLD_AGAIN: [u64; 5] = [50, 200, 500, 1_000, 2_000];
/// Rounds of questions that are asked of a session of the older protocol.
const ROUNDS: usize = 10;

/// What a caller wants.
pub struct Wanted {
    /// `{tool}__{server}`, or the name of a feature.
    pub tool: String,
    /// Its arguments.
    pub arguments: JsonObject,
    /// What the caller brings back from the round before.
    pub request_state: Option<String>,
    /// Its answers to the server's questions.
    pub responses: Option<InputResponses>,
    /// The resource that the session hears of once the call has succeeded.
    pub subscribe: Option<String>,
}

/// What came of it.
pub enum Came {
    /// A result, as the database shows it.
    Result(Value),
    /// Questions, or a wait for people.
    Asks(InputRequiredResult),
    /// A problem.
    Refused(Refusal),
}

/// Of `mcp_begin_call`.
#[derive(Deserialize)]
struct Begun {
    verdict: String,
    call_id: String,
    lease: Option<String>,
    ticket: Option<String>,
    upstream: Option<Upstream>,
    credential: Option<Use>,
    approval: Option<Value>,
    request_state: Option<String>,
    result: Option<Value>,
}

#[derive(Deserialize)]
struct Upstream {
    #[serde(flatten)]
    server: Server,
    tool: String,
    feature: String,
    timeout_seconds: u64,
    max_attempts: u64,
    first_delay_seconds: u64,
    growth_percent: u64,
    max_delay_seconds: u64,
    idempotency_key: Option<String>,
    state: Option<String>,
}

/// Of `mcp_finish_call`.
#[derive(Deserialize)]
struct Finished {
    result: Option<Value>,
}

/// Of `mcp_suspend_call`.
#[derive(Deserialize)]
struct Suspended {
    request_state: String,
    questions: Option<Value>,
}

/// Whoever calls, over which session.
pub struct Caller<'a> {
    /// The session, or the single request.
    pub session: &'a Session,
    /// Who it is said to be.
    pub presented: &'a Presented,
    /// The request.
    pub context: &'a RequestContext<RoleServer>,
}

/// A call that the database has let through.
pub(super) struct Open<'a> {
    pub(super) caller: &'a Caller<'a>,
    pub(super) call_id: String,
    pub(super) lease: String,
    pub(super) ticket: String,
    pub(super) mask: Mask,
    /// What the server has said in this call, as it said it: the credential may be cut up over several messages.
    said: Mutex<String>,
}

impl Caller<'_> {
    /// Whether it speaks a revision in which it is asked by requests, and results have no states.
    pub fn is_legacy(&self) -> bool {
        self.context.protocol_version().is_none_or(|version| version < ProtocolVersion::V_2026_07_28)
    }

    /// Makes the call.
    pub async fn call(&self, mut wanted: Wanted) -> Result<Came, ErrorData> {
        let _under_way = self.session.core.begin();
        let is_legacy = self.is_legacy();
        let memory = is_legacy.then(|| self.session.memory_of(&wanted));
        if let Some(memory) = &memory {
            wanted.request_state = self.session.waiting(memory);
        }
        for _ in 0..ROUNDS {
            let came = self.once(&wanted).await?;
            let (Came::Asks(asks), Some(memory)) = (&came, &memory) else { return Ok(came) };
            let Some(questions) = &asks.input_requests else {
                self.session.remember(*memory, asks.request_state.clone());
                return Ok(Came::Result(waiting_in_words(asks)));
            };
            wanted.responses = Some(self.ask(questions).await?);
            wanted.request_state.clone_from(&asks.request_state);
        }
        Ok(Came::Refused(ErrorCode::McpSuspended.into()))
    }

    /// Asks a session of the older protocol what a server of the newer one wants to know.
    async fn ask(&self, questions: &InputRequests) -> Result<InputResponses, ErrorData> {
        let mut responses = InputResponses::new();
        for (key, question) in questions {
            let request = match question.clone() {
                InputRequest::CreateMessage(request) => request.into(),
                InputRequest::Elicitation(request) => request.into(),
                InputRequest::ListRoots(request) => request.into(),
                _ => return Err(ErrorData::invalid_request("a question that this session cannot be asked", None)),
            };
            let answer = self.context.peer.send_request(request).await;
            let answer = answer.map_err(|_| ErrorData::invalid_request("the question was not answered", None))?;
            responses.insert(key.clone(), serde_json::to_value(answer).unwrap_or_default());
        }
        Ok(responses)
    }

    async fn once(&self, wanted: &Wanted) -> Result<Came, ErrorData> {
        let args = self.begin_arguments(wanted);
        let begun: Begun = match self.session.core.database.ask(self.presented, "mcp_begin_call", &args).await {
            Ok(begun) => begun,
            Err(refusal) => return Ok(Came::Refused(refusal)),
        };
        match begun.verdict.as_str() {
            "allowed" => self.carry_out(begun, wanted).await,
            "replayed" => Ok(Came::Result(begun.result.unwrap_or_default())),
            "waiting" => {
                let mut asks = InputRequiredResult::new(None, begun.request_state);
                let mut meta = MetaObject::default();
                meta.insert(APPROVAL.into(), begun.approval.unwrap_or_default());
                asks.meta = Some(meta);
                Ok(Came::Asks(asks))
            }
            _ => Ok(Came::Result(unknown_in_words())),
        }
    }

    fn begin_arguments(&self, wanted: &Wanted) -> Value {
        let mut args = Map::new();
        if let Some(Value::Object(given)) = self.context.meta.get(CALL) {
            let taken = given.iter().filter(|(name, _)| TAKEN.contains(&name.as_str()));
            args.extend(taken.map(|(name, value)| (name.clone(), value.clone())));
        }
        if let Some(agent) = self.presented.agent() {
            args.insert("agent_id".into(), agent.into());
        }
        if let Some(state) = &wanted.request_state {
            args.insert("request_state".into(), state.as_str().into());
        }
        args.insert("tool".into(), wanted.tool.as_str().into());
        args.insert("arguments".into(), Value::Object(wanted.arguments.clone()));
        Value::Object(args)
    }

    async fn carry_out(&self, begun: Begun, wanted: &Wanted) -> Result<Came, ErrorData> {
        let given = self.context.meta.get(CALL).and_then(|call| call.get("lease")).and_then(Value::as_str);
        let (Some(upstream), Some(ticket), Some(lease)) =
            (begun.upstream, begun.ticket, begun.lease.or_else(|| given.map(str::to_owned)))
        else {
            return Err(ErrorData::internal_error("the call was let through without saying where to", None));
        };
        let mut open =
            Open { caller: self, call_id: begun.call_id, lease, ticket, mask: Mask::new(&[]), said: Mutex::default() };
        let core = &self.session.core;
        let secret = match &begun.credential {
            Some(used) => match core.upstreams.secret(used).await {
                Ok(value) => Some((used.clone(), value)),
                Err(why) => {
                    warn!(call_id = open.call_id, why = why.as_str(), "a credential cannot be had");
                    return Ok(open.finish("unresolved", Value::Null).await.into_came());
                }
            },
            None => None,
        };
        open.mask = Mask::new(&hidden(secret.as_ref()));
        if let Some((_, value)) = &secret {
            show_where_it_must_not_be(core, value);
        }
        let round = Round { responses: wanted.responses.clone(), state: upstream.state.clone() };
        let answered = open.exchange(&upstream, begun.credential.as_ref(), wanted, round).await;
        // A rotation while the call was under way: the server may have been shown the next value.
        open.mask = self.mask_again(secret.as_ref()).await.unwrap_or(open.mask);
        match answered {
            Ok(ServerResult::InputRequiredResult(asks)) => open.suspend(asks).await,
            Ok(result) => {
                let result = match &wanted.subscribe {
                    // To whoever keeps the books it is a reading of nothing yet.
                    Some(_) => json!({"contents": []}),
                    None => wire::bare(serde_json::to_value(result).unwrap_or_default()),
                };
                Ok(open.finish("succeeded", result).await.into_came())
            }
            Err(fault) => open.fail(fault, wanted).await,
        }
    }

    async fn mask_again(&self, secret: Option<&(Use, SecretString)>) -> Option<Mask> {
        let (used, before) = secret?;
        let after = self.session.core.upstreams.secret(used).await.ok()?;
        let mut values = hidden(Some(&(used.clone(), before.clone())));
        values.extend(hidden(Some(&(used.clone(), after))));
        Some(Mask::new(&values))
    }

    /// Connections that this caller's calls go over, and what is said of it when one is made.
    fn lane(&self) -> (&Lane, Profile) {
        if !self.is_legacy() {
            return (&self.session.core.shared, Profile::default());
        }
        let profile = Profile {
            capabilities: self.context.client_capabilities().unwrap_or_default(),
            owner: Some(self.context.peer.clone()),
            log_level: self.session.log_level(),
        };
        (&self.session.own, profile)
    }
}

/// What a careless build would do, in a build with faults.
fn show_where_it_must_not_be(core: &Core, value: &SecretString) {
    if fault::is("logged") {
        warn!(credential = value.expose_secret(), "a credential was read");
    }
    if fault::is("labelled") {
        core.database.0.metrics.meters(value.expose_secret()).count(200, 0.0);
    }
}

fn hidden(secret: Option<&(Use, SecretString)>) -> Vec<SecretString> {
    secret.map(|(used, value)| used.hidden(value)).unwrap_or_default()
}

impl Open<'_> {
    /// Hides the call's credential in what the server says, and what it has said before counts.
    pub(super) fn hide(&self, message: &mut Value) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        self.mask.hide_after(&mut said, message);
    }

    async fn exchange(
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
        loop {
            let outcome = self.attempt(upstream, credential, wanted, &round, &leave, ends).await;
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
            Err(fault) if fault.is_the_servers() => trial.failed(),
            Err(Fault::Cancelled) => drop(trial),
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
        ends: Instant,
    ) -> Result<ServerResult, Fault> {
        let caller = self.caller;
        let core = &caller.session.core;
        let (lane, profile) = caller.lane();
        let connecting =
            lane.connection(&core.upstreams, caller.presented.project(), &upstream.server, credential, &profile);
        let connection = timeout_at(ends, connecting).await.map_err(|_| Fault::NotSent)??;
        let request = self.request(upstream, wanted, round).map_err(|_| Fault::NotSent)?;
        let options = PeerRequestOptions::no_options().with_meta(self.meta(connection.is_stateless()));
        let sent = timeout_at(ends, connection.send(request, options)).await.map_err(|_| Fault::NotSent)?;
        let (handle, mut events) = sent.map_err(|error| Fault::of_request(&error))?;
        let mut handle = handle;
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
                Some(event) = events.recv() => relay.show(event).await,
                () = caller.context.ct.cancelled() => {
                    let _ = handle.cancel(Some("the caller no longer wants it".into())).await;
                    return Err(Fault::Cancelled);
                }
                () = tokio::time::sleep_until(ends) => {
                    let _ = handle.cancel(Some("the time is up".into())).await;
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

    async fn suspend(self, mut asks: InputRequiredResult) -> Result<Came, ErrorData> {
        // A server may want nothing but to be asked again.
        let questions = asks.input_requests.take().filter(|questions| !questions.is_empty());
        let mut questions = questions.and_then(|questions| serde_json::to_value(questions).ok()).unwrap_or_default();
        self.hide(&mut questions);
        wire::exact(&mut questions);
        let args = json!({
            "call_id": self.call_id, "lease": self.lease, "ticket": self.ticket,
            "upstream_state": asks.request_state, "questions": questions
        });
        let suspended: Result<Suspended, Refusal> =
            self.caller.session.core.database.ask(self.caller.presented, "mcp_suspend_call", &args).await;
        match suspended {
            Ok(suspended) => {
                let questions: Option<InputRequests> =
                    suspended.questions.and_then(|questions| serde_json::from_value(questions).ok());
                let questions = questions.filter(|questions| !questions.is_empty());
                Ok(Came::Asks(InputRequiredResult::new(questions, Some(suspended.request_state))))
            }
            Err(refusal) => {
                // The server may not ask this: the call is over.
                let _ = self.finish("failed", Value::Null).await;
                Ok(Came::Refused(refusal))
            }
        }
    }

    /// Says how the call ended. The caller gets the database's words for it.
    async fn finish(&self, outcome: &str, mut result: Value) -> Result<Finished, Refusal> {
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

    async fn fail(self, fault: Fault, wanted: &Wanted) -> Result<Came, ErrorData> {
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
trait IntoCame {
    fn into_came(self) -> Came;
}

impl IntoCame for Result<Finished, Refusal> {
    fn into_came(self) -> Came {
        match self {
            Ok(finished) => Came::Result(finished.result.unwrap_or_default()),
            Err(refusal) => Came::Refused(refusal),
        }
    }
}

fn words_of(result: Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or("the call did not come to a result").to_owned()
}

fn as_error(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": true})
}

fn unknown_in_words() -> Value {
    as_error("This call was begun before, and nobody knows whether it had its effect. Look before you call again.")
}

/// A session of the older protocol has no states: the same call goes on once people have agreed.
fn waiting_in_words(asks: &InputRequiredResult) -> Value {
    let approval = asks.meta.as_ref().and_then(|meta| meta.get(APPROVAL)).cloned().unwrap_or_default();
    let mut result = as_error(
        "E-MCP-GATE-008: people have been asked to approve this call. Call the tool again with the same arguments once they have; \
         nothing has been done yet.",
    );
    let mut meta = Map::new();
    meta.insert(APPROVAL.into(), approval);
    result["_meta"] = Value::Object(meta);
    result
}
