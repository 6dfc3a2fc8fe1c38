//! One call from beginning to end: the database judges it, the credential is read, the server is called, what it says meanwhile
//! is shown to the caller after the database has redacted it, and how it ended goes back to the database, whose words the caller
//! gets. A call that was begun is ended here, unless the process dies or a session is not heard of again after a question; then its
//! lease runs out.

mod end;
mod open;

use std::sync::{Arc, Mutex};

use awooop_policy::error::ErrorCode;
use rmcp::RoleServer;
use rmcp::model::{
    ErrorData, InputRequest, InputRequests, InputRequiredResult, InputResponses, JsonObject, MetaObject,
    ProtocolVersion, ServerResult,
};
use rmcp::service::RequestContext;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use tracing::warn;

use self::end::came;
pub(super) use self::open::Open;
use self::open::{QUESTION, Upstream};
use super::agent::{Core, Session};
use super::database::Refusal;
use super::presented::Presented;
use super::secret::Use;
use super::secret::mask::Mask;
use super::upstream::{Lane, Owner, Profile};
use super::wire::{self, Round};
use crate::fault;

/// Where a request may say more of a call than the protocol does: agent, envelope, run, lease, keys.
const CALL: &str = "io.awooop/call";
/// Which of it is taken.
const TAKEN: [&str; 7] = ["agent_id", "envelope", "run_id", "lease", "step_key", "call_key", "ask"];
/// Where the answer says which request for approval a call waits for.
const APPROVAL: &str = "io.awooop/approval";
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
    /// A wait for people.
    Waits(InputRequiredResult),
    /// The server's questions.
    Asks(InputRequiredResult, Suspended),
    /// A problem.
    Refused(Refusal),
}

/// A call that waits for the answers to its server's questions, so that it can be ended without them.
pub struct Suspended {
    call_id: String,
    lease: String,
    ticket: String,
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

/// Whoever calls, over which session.
pub struct Caller<'a> {
    /// The session, or the single request.
    pub session: &'a Session,
    /// Who it is said to be.
    pub presented: &'a Presented,
    /// The request.
    pub context: &'a RequestContext<RoleServer>,
}

impl Caller<'_> {
    /// Whether it speaks a revision in which it is asked by requests, and results have no states.
    pub fn is_legacy(&self) -> bool {
        self.context.protocol_version().is_none_or(|version| version < ProtocolVersion::V_2026_07_28)
    }

    /// Makes the call.
    pub async fn call(&self, mut wanted: Wanted) -> Result<Came, ErrorData> {
        let _under_way = self.session.core.begin();
        if !self.is_legacy() {
            return self.once(&wanted).await;
        }
        let memory = self.session.memory_of(&wanted);
        wanted.request_state = self.session.waiting(&memory);
        let mut asked = None;
        for round in 0..=ROUNDS {
            match self.once(&wanted).await? {
                Came::Waits(waits) => {
                    let words = waiting_in_words(&waits);
                    self.session.remember(memory, waits.request_state);
                    return Ok(Came::Result(words));
                }
                Came::Asks(asks, suspended) => {
                    asked = Some(suspended);
                    if round == ROUNDS {
                        break;
                    }
                    match self.ask(&asks.input_requests.unwrap_or_default()).await {
                        Ok(answers) => wanted.responses = Some(answers),
                        Err(unanswered) => {
                            self.give_up(asked).await;
                            return Err(unanswered);
                        }
                    }
                    wanted.request_state = asks.request_state;
                }
                Came::Refused(refusal) => {
                    self.give_up(asked).await;
                    return Ok(Came::Refused(refusal));
                }
                result => return Ok(result),
            }
        }
        self.give_up(asked).await;
        Ok(Came::Refused(ErrorCode::McpSuspended.into()))
    }

    /// Ends a call that its server has asked about, and that will not go on: nobody else knows of it, and its run would stay.
    async fn give_up(&self, asked: Option<Suspended>) {
        let Some(Suspended { call_id, lease, ticket }) = asked else { return };
        let open = Open { caller: self, call_id, lease, ticket, mask: Mask::new(&[]), said: Mutex::default() };
        // What cannot be told is in the log, and ends with its lease.
        let _ = open.finish("cancelled", Value::Null).await;
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
            let unanswered = || ErrorData::invalid_request("the question was not answered", None);
            let answer = tokio::select! {
                answer = timeout(QUESTION, self.context.peer.send_request(request)) => answer.map_err(|_| unanswered())?,
                () = self.context.ct.cancelled() => return Err(unanswered()),
            };
            let answer = answer.map_err(|_| unanswered())?;
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
                Ok(Came::Waits(asks))
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
        let (Some(upstream), Some(ticket), Some(lease)) = (
            begun.upstream,
            begun.ticket,
            begun.lease.or_else(|| given.map(str::to_owned)).or_else(|| self.presented.lease()),
        ) else {
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
                    return Ok(came(open.finish("unresolved", Value::Null).await));
                }
            },
            None => None,
        };
        open.mask = Mask::new(&hidden(secret.as_ref()));
        if let Some((_, value)) = &secret {
            show_where_it_must_not_be(core, value);
        }
        // Answers without a question would be arguments that no gate has seen.
        let responses = wanted.responses.clone().filter(|_| upstream.takes_answers);
        let round = Round { responses, state: upstream.state.clone() };
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
                Ok(came(open.finish("succeeded", result).await))
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
            owner: Some(Owner { peer: self.context.peer.clone(), watched: Arc::clone(&self.session.watched) }),
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
