//! Taking in what happened in a channel: mirrored once for ever, and a run made where somebody listens.
//!
//! Whatever comes of it, what was taken in is there: a run that may not be made is an outcome of the event, and no reason to send
//! it back to the channel, which would bring it again and again.

mod mirror;
mod together;

use std::borrow::Cow;

use awooop_contracts::model::channel::ChannelContract;
use awooop_policy::argument::Arguments;
use awooop_policy::channel;
use awooop_policy::channel::incoming::Incoming;
use awooop_policy::channel::listen::{self, Silence};
use awooop_policy::channel::outbox::Purpose;
use awooop_policy::channel::words::{self, Occasion};
use awooop_policy::envelope::{Envelope, platform_subject_id};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::gates::RateFacts;
use awooop_policy::mode::MigrationMode;
use awooop_policy::operation::Operation;
use awooop_policy::trace::TraceParent;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ask::{self, Press};
use super::feedback;
use super::outbox::{self, Draft};
use super::terms::{self, Channel};
use crate::audit;
use crate::caller::Caller;
use crate::contracts::active;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault, refuse, whole};
use crate::runs;
use crate::statement::{column, pg_uuid, statements};
use crate::subjects::{self, Sighting};
use crate::subtransaction::attempt;
use crate::{mcp, sessions, shadow, tenant};

pub(crate) use together::ingest_together;

/// How often one person is told that there will be no answer, so that nobody fills a chat with that.
const TOLD: (u64, u64) = (3, 60);
/// How often one person is listened to, where the policy does not say: so many messages in so many seconds.
const USUAL_OF_SENDER: (u64, u64) = (20, 60);

statements! {
    ROLES: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select roles from awooop.platform_subjects
         where project_id = $1 and channel_type = $2 and channel_user_id = $3";
    AWAIT: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, INT8OID] =
        "insert into awooop.channel_run
                (project_id, run_id, channel, channel_chat_id, thread_id, channel_message_id, event_id, tell_at)
         values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 second')";
}

/// What came of an event.
struct Came {
    outcome: Cow<'static, str>,
    run_id: Option<Uuid>,
    code: Option<String>,
}

impl Came {
    fn silent(why: Silence) -> Self {
        Came { outcome: why.as_str().into(), run_id: None, code: None }
    }

    fn to_json(&self, event_id: Uuid, duplicate: bool) -> Value {
        json!({
            "event_id": event_id, "duplicate": duplicate, "outcome": self.outcome, "run_id": self.run_id, "code": self.code
        })
    }
}

/// The channel that something happened in, for whoever may bring its events.
fn channel_of(caller: &Caller, arguments: &Arguments) -> Outcome<Channel> {
    if !caller.project.mode.is_on_platform() {
        return fault(ErrorCode::TenantUnavailable);
    }
    let name = match (caller.channel.as_deref(), arguments.optional_text("channel")) {
        (Some(own), Some(named)) if own != named => return refuse(ErrorCode::ChannelSecret),
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => return fault(Problem::from(ErrorCode::InputMissing).with("argument", "channel")),
    };
    let channel = terms::channel(&caller.project_id, name)?;
    channel.inbound()?;
    Ok(channel)
}

/// An event on its way in.
struct Arrival<'a> {
    caller: &'a Caller,
    contract: &'a ChannelContract,
    /// JSON.
    body: String,
    event: Incoming,
    event_id: Uuid,
    trace_id: String,
    subject_id: Option<String>,
}

/// Operation `ingest_event`.
pub(crate) fn ingest(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let channel = channel_of(caller, arguments)?;
    let (project_id, contract) = (caller.project_id.as_str(), channel.contract()?);
    let arrival = Arrival::new(caller, &channel, arguments.json("event"), tenant::traceparent().as_deref())?;
    if mirror::see(project_id, contract.name.as_str(), &[&arrival])?.is_empty() {
        let first = mirror::first(project_id, contract.name.as_str(), &arrival.event.external_id)?;
        return first.map_or_else(|| fault(ErrorCode::SystemRetry), |first| repeated(project_id, first));
    }
    // That it was seen is not kept without what came of it: the channel would bring it again in vain.
    let came = whole(arrival.heard())?;
    whole(mirror::keep(project_id, contract, &[(&arrival, &came)]))?;
    Ok(Answer::ok(came.to_json(arrival.event_id, false).to_string()))
}

/// What came of an event when it was taken in first.
fn repeated(project_id: &str, event_id: Uuid) -> Outcome<Answer> {
    // Its mirror's time may be over; that it was taken in stays.
    let forgotten = || Came { outcome: "forgotten".into(), run_id: None, code: None };
    let came = mirror::outcome(project_id, event_id)?.unwrap_or_else(forgotten);
    Ok(Answer::ok(came.to_json(event_id, true).to_string()))
}

impl<'a> Arrival<'a> {
    /// What the channel has brought, in that trace.
    fn new(caller: &'a Caller, channel: &'a Channel, body: &Value, trace: Option<&str>) -> Outcome<Self> {
        let (contract, inbound) = (channel.contract()?, channel.inbound()?);
        let most = usize::try_from(inbound.max_event_bytes()).unwrap_or(usize::MAX);
        let event = channel::read(contract.channel_type.as_str(), terms::identity(contract), body)?;
        let body = body.to_string();
        if body.len() > most {
            return fault(Problem::from(ErrorCode::InputTooLarge).with("argument", "event").with("limit_bytes", most));
        }
        let subject_id = event
            .sender
            .as_ref()
            .map(|sender| platform_subject_id(&caller.project_id, contract.channel_type.as_str(), &sender.id));
        let trace_id = TraceParent::continued(trace.unwrap_or_default())?.to_string();
        Ok(Arrival { caller, contract, body, event, event_id: Uuid::now_v7(), trace_id, subject_id })
    }
}

impl Arrival<'_> {
    /// Lets whoever listens hear it.
    fn heard(&self) -> Outcome<Came> {
        self.see_sender()?;
        if let Some(outcome) = self.pressed()? {
            return Ok(Came { outcome: outcome.into(), run_id: None, code: None });
        }
        let came = match listen::listener(self.contract, &self.event, &self.roles()?, self.age()) {
            Err(silence) => {
                if silence.is_told() && self.is_in_own_chat() {
                    self.tell_refused()?;
                }
                return Ok(Came::silent(silence));
            }
            Ok(agent_id) => attempt(|| match self.has_room()? {
                true => self.run(agent_id).map(Some),
                false => Ok(None),
            }),
        };
        match came {
            Ok(Some(run_id)) => Ok(Came { outcome: "run".into(), run_id: Some(run_id), code: None }),
            Ok(None) => Ok(Came::silent(Silence::Rate)),
            // Raised, so that the channel brings it again.
            Err(Stop::Fault(problem) | Stop::Refused(problem)) if is_ours(problem.code) => fault(problem),
            Err(Stop::Fault(problem) | Stop::Refused(problem)) => self.refused(&problem),
        }
    }

    /// What came of a pressed button, where it is one that somebody could press.
    fn pressed(&self) -> Outcome<Option<&'static str>> {
        let (Some(action), Some(chat), Some(sender), Some(subject_id)) =
            (&self.event.action, &self.event.chat, &self.event.sender, &self.subject_id)
        else {
            return Ok(None);
        };
        // Each is answered in the chat where people are asked.
        if !self.counts("press", subject_id, USUAL_OF_SENDER)? {
            return Ok(Some("rate"));
        }
        let press = Press {
            event_id: self.event_id,
            action_id: &action.id,
            data: &action.data,
            chat: &chat.id,
            channel_user_id: &sender.id,
            platform_subject_id: subject_id,
            trace_id: &self.trace_id,
        };
        ask::press(self.caller, self.contract, &press).map(Some)
    }

    /// The run that was asked for may not be: that is told, and recorded.
    fn refused(&self, problem: &Problem) -> Outcome<Came> {
        let entry = audit::Entry {
            trace_id: Some(&self.trace_id),
            platform_subject_id: self.subject_id.as_deref(),
            ..audit::Entry::default()
        };
        audit::refused(self.caller, "create_run", problem, entry.with("event_id", self.event_id.to_string()))?;
        self.tell_refused()?;
        Ok(Came { outcome: "refused".into(), run_id: None, code: Some(problem.code.entry().code.to_owned()) })
    }

    /// A person who was seen is a subject of the project, whatever they did.
    fn see_sender(&self) -> Outcome<()> {
        self.sighting().map_or(Ok(()), |sighting| subjects::notice(self.caller, &sighting, Some(&self.trace_id)))
    }

    /// Who was seen, and where they are reached if it was there.
    fn sighting(&self) -> Option<Sighting<'_>> {
        let sender = self.event.sender.as_ref().filter(|sender| !sender.is_bot)?;
        let own_chat = self.event.chat.as_ref().filter(|chat| !chat.is_group);
        Some(Sighting {
            channel_type: self.contract.channel_type.as_str(),
            channel_user_id: &sender.id,
            channel_chat_id: own_chat.map(|chat| chat.id.as_str()),
            display_name: sender.display_name.as_deref(),
        })
    }

    fn is_in_own_chat(&self) -> bool {
        self.event.chat.as_ref().is_some_and(|chat| !chat.is_group)
    }

    /// The sender's roles, where the channel asks for any.
    fn roles(&self) -> Outcome<Vec<String>> {
        let asks = self.contract.admission.as_ref().is_some_and(|admission| admission.roles.is_some());
        let (true, Some(sender)) = (asks, &self.event.sender) else { return Ok(Vec::new()) };
        let key = [
            self.caller.project_id.as_str().into(),
            self.contract.channel_type.as_str().into(),
            sender.id.as_str().into(),
        ];
        Ok(ROLES.with(|s| s.row(&key, |row| column::<Vec<String>>(row, 1)))?.unwrap_or_default())
    }

    /// Seconds since it happened.
    fn age(&self) -> i64 {
        let now = runs::created_ms(self.event_id) / 1000;
        self.event.occurred_at.map_or(0, |then| now.saturating_sub(then))
    }

    /// Counts the message for its sender and its channel; false where there were too many.
    fn has_room(&self) -> Outcome<bool> {
        let policy = active::last_policy(&self.caller.project_id)?;
        let of_policy = policy.as_ref().and_then(|loaded| match &loaded.contract {
            awooop_contracts::Contract::Policy(policy) => policy.rates.and_then(|rates| rates.messages),
            _ => None,
        });
        let terms = |rate: awooop_contracts::model::shared::Rate| (rate.count.get(), rate.window_seconds.get());
        let of_sender = of_policy.and_then(|counted| counted.subject).map_or(USUAL_OF_SENDER, terms);
        let subject = self.subject_id.as_deref().unwrap_or_default();
        let mut rates = vec![rate("subject", format!("message:subject:{subject}"), of_sender)];
        if let Some(of_project) = of_policy.and_then(|counted| counted.project) {
            rates.push(rate("project", "message:project".to_owned(), terms(of_project)));
        }
        if let Some(of_channel) = self.contract.inbound.as_ref().and_then(|inbound| inbound.rate) {
            rates.push(rate("channel", format!("message:channel:{}", self.contract.name.as_str()), terms(of_channel)));
        }
        mcp::has_room(&self.caller.project_id, &rates)
    }

    /// Counts something else for a person; false, and nothing counted, where there was too much of it.
    fn counts(&self, what: &str, subject: &str, most: (u64, u64)) -> Outcome<bool> {
        let rates = [rate("subject", format!("{what}:subject:{subject}"), most)];
        let room = attempt(|| Ok(mcp::has_room(&self.caller.project_id, &rates)?.then_some(())))?;
        Ok(room.is_some())
    }

    /// Makes the run, and notes where its answer goes.
    fn run(&self, agent_id: &str) -> Outcome<Uuid> {
        let (Some(sender), Some(chat)) = (&self.event.sender, &self.event.chat) else {
            return fault(ErrorCode::SystemInternal);
        };
        let project_id = self.caller.project_id.clone();
        let channel_type = self.contract.channel_type.as_str();
        let envelope = Envelope {
            platform_subject_id: platform_subject_id(&project_id, channel_type, &sender.id),
            project_id,
            agent_id: agent_id.to_owned(),
            trace_id: self.trace_id.clone(),
            channel_type: channel_type.to_owned(),
            channel_user_id: sender.id.clone(),
            channel_chat_id: Some(chat.id.clone()),
            run_id: None,
            policy_revision_id: None,
        };
        let members = json!({
            "envelope": envelope, "input": self.input(), "tags": self.tags(),
            "idempotency_key": format!("event:{}", self.event_id),
        });
        let Some(create) = Operation::named("create_run") else { return fault(ErrorCode::SystemInternal) };
        let members = members.as_object().cloned().unwrap_or_default();
        let answer = runs::create(self.caller, &Arguments::check(create.arguments, members)?)?;
        let run: Map<String, Value> = serde_json::from_str(&answer.body)?;
        let run_id = run.get("run_id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
        let Some(run_id) = run_id else { return fault(ErrorCode::SystemInternal) };
        let terms = active::terms(&self.caller.project_id, agent_id)?;
        let is_awaited = terms.run.as_ref().and_then(|run| run.run()).is_none_or(|run| run.interactive());
        let first_after = feedback::first_after(self.contract, self.caller.project.mode).filter(|_| is_awaited);
        AWAIT.with(|s| {
            s.run(&[
                self.caller.project_id.as_str().into(),
                pg_uuid(run_id).into(),
                self.contract.name.as_str().into(),
                chat.id.as_str().into(),
                self.event.thread_id.as_deref().into(),
                self.event.message_id.as_deref().into(),
                pg_uuid(self.event_id).into(),
                first_after.into(),
            ])
        })?;
        sessions::remember(
            &self.caller.project_id,
            self.contract.name.as_str(),
            &chat.id,
            "user",
            self.event.text.as_deref().unwrap_or_default(),
        )?;
        // As long as the legacy path answers: in suggest, what is shown there counts for going on to active.
        if self.caller.project.mode < MigrationMode::Active {
            let message_key = format!("{}:{}", self.contract.name.as_str(), self.event.external_id);
            shadow::open(&self.caller.project_id, &message_key, agent_id, run_id)?;
        }
        Ok(run_id)
    }

    /// What the agent gets: the text, and the files that the channel takes in, where there are any.
    fn input(&self) -> Value {
        let mut input = json!({"text": self.event.text.as_deref().unwrap_or_default()});
        let files: Vec<Value> = listen::taken_in(self.contract, &self.event).map(|file| file.to_json()).collect();
        if !files.is_empty() {
            input["attachments"] = files.into();
        }
        input
    }

    fn tags(&self) -> Value {
        let mut tags = json!({"channel": self.contract.name.as_str(), "event_id": self.event_id});
        if let Some(command) = &self.event.command {
            tags["command"] = command.name.as_str().into();
        }
        tags
    }

    /// Says that there will be no answer, where the channel can say something and the sender has not been told enough of it.
    fn tell_refused(&self) -> Outcome<()> {
        let (Some(chat), Some(outbound)) = (&self.event.chat, &self.contract.outbound) else { return Ok(()) };
        if !self.counts("told", self.subject_id.as_deref().unwrap_or_default(), TOLD)? {
            return Ok(());
        }
        let locale = terms::locale(&self.caller.project_id, self.contract)?;
        let draft = Draft {
            thread_id: self.event.thread_id.as_deref(),
            reply_to: self.event.message_id.as_deref(),
            trace_id: Some(&self.trace_id),
            platform_subject_id: self.subject_id.as_deref(),
            ..Draft::text(&chat.id, Purpose::Notice, words::text(self.contract, &locale, Occasion::Refused))
        };
        outbox::say(self.caller, self.contract, outbound, &draft).map(drop)
    }
}

fn rate(what: &'static str, key: String, (count, window_seconds): (u64, u64)) -> RateFacts {
    RateFacts { what, reason: "rate", key, count, window_seconds, retry_after_seconds: None }
}

/// Whether the fault is the platform's, and no answer to what was asked: it failed, or nobody can say now what its contracts say.
fn is_ours(code: ErrorCode) -> bool {
    code.entry().status >= 500 || code == ErrorCode::ContractSignature
}
