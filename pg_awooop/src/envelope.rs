//! The provider proxy: from a channel's message to the platform envelope.
//!
//! The subject upsert is its only business write. The project's mode has been read with the caller; the envelope is
//! given only to projects that are at least in `shadow`.

use awooop_policy::argument::Arguments;
use awooop_policy::envelope::{Envelope, platform_subject_id};
use awooop_policy::error::ErrorCode;
use awooop_policy::trace::TraceParent;
use pgrx::prelude::*;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::caller::Caller;
use crate::contracts;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::subjects::{self, Sighting};
use crate::tenant;
use crate::{redaction, server_log};

static EVENT_LOG: GucSetting<bool> = GucSetting::<bool>::new(true);

pub(crate) fn define_settings() {
    GucRegistry::define_bool_guc(
        c"awooop.event_log",
        c"Writes platform events such as provider_proxy_envelope_built to the server's log.",
        c"Each is one line of level LOG: the event's name, then a JSON object.",
        &EVENT_LOG,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// Operation `build_envelope`.
pub(crate) fn build(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    if !caller.project.mode.is_on_platform() {
        return fault(ErrorCode::TenantUnavailable);
    }
    let sighting = Sighting::from_arguments(arguments);
    let trace_id = TraceParent::continued(&tenant::traceparent().unwrap_or_default())?.to_string();
    let envelope = Envelope {
        project_id: caller.project_id.clone(),
        agent_id: arguments.text("agent_id").to_owned(),
        trace_id,
        platform_subject_id: platform_subject_id(&caller.project_id, sighting.channel_type, sighting.channel_user_id),
        channel_type: sighting.channel_type.to_owned(),
        channel_user_id: sighting.channel_user_id.to_owned(),
        channel_chat_id: sighting.channel_chat_id.map(str::to_owned),
        run_id: None,
        policy_revision_id: contracts::active::policy(&caller.project_id)?.map(|policy| policy.revision_id.to_string()),
    };
    subjects::see(caller, &sighting, Some(&envelope.trace_id), Some(&envelope.agent_id))?;
    if EVENT_LOG.get() {
        log_built(&envelope, arguments.json("extra_tags"))?;
    }
    Ok(Answer::ok(envelope.to_json()?))
}

/// What the log says of a built envelope.
#[derive(Serialize)]
struct Built<'a> {
    project_id: &'a str,
    agent_id: &'a str,
    channel_type: &'a str,
    platform_subject_id: &'a str,
    /// The first 32 characters.
    trace_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Box<RawValue>>,
}

/// The log event of a built envelope: identifiers as they are, tags redacted. JSON keeps a user id with quotes or controls from forging a line.
fn log_built(envelope: &Envelope, tags: &Value) -> Outcome<()> {
    let tags = match tags.as_object() {
        Some(members) if !members.is_empty() => Some(redaction::logged(tags)?),
        _ => None,
    };
    let event = serde_json::to_string(&Built {
        project_id: &envelope.project_id,
        agent_id: &envelope.agent_id,
        channel_type: &envelope.channel_type,
        platform_subject_id: &envelope.platform_subject_id,
        trace_id: envelope.trace_id.get(..32).unwrap_or_default(),
        tags,
    })?;
    let line = format!("provider_proxy_envelope_built {event}");
    server_log::write(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, line);
    Ok(())
}
