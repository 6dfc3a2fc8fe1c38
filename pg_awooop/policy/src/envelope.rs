//! The platform envelope: who says what to which agent, on whose behalf, under which trace.
//!
//! Its JSON form is exactly nine keys, nulls included. Tags travel beside it. Other operations take an envelope as it
//! is, so reading one back is as strict as building it.

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::{ErrorCode, Problem};
use crate::name::{MAX_CHANNEL_ID, MAX_ID, NameRule};
use crate::trace::TraceParent;

/// The nine fields, in the order they are written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Envelope {
    pub project_id: String,
    pub agent_id: String,
    /// A `traceparent`.
    pub trace_id: String,
    /// `{project_id}:{channel_type}:{channel_user_id}`.
    pub platform_subject_id: String,
    pub channel_type: String,
    pub channel_user_id: String,
    pub channel_chat_id: Option<String>,
    /// Null until `create_run` gives one.
    pub run_id: Option<Uuid>,
    /// The active revision of the project's policy contract, null where none is active.
    pub policy_revision_id: Option<String>,
}

/// The keys of an envelope's JSON form.
pub const KEYS: [&str; 9] = [
    "project_id",
    "agent_id",
    "trace_id",
    "platform_subject_id",
    "channel_type",
    "channel_user_id",
    "channel_chat_id",
    "run_id",
    "policy_revision_id",
];

/// The id of a person on a channel, within a project. Project and channel type hold no `:`, so it reads back one way.
pub fn platform_subject_id(project_id: &str, channel_type: &str, channel_user_id: &str) -> String {
    format!("{project_id}:{channel_type}:{channel_user_id}")
}

impl Envelope {
    /// Reads an envelope that a caller passed on.
    ///
    /// # Errors
    /// [`ErrorCode::InputUnknown`], [`ErrorCode::InputMissing`] or [`ErrorCode::InputInvalid`] with the field's name.
    pub fn from_json(value: &Value) -> Result<Self, Problem> {
        let Value::Object(members) = value else {
            return Err(invalid("envelope", "the object awooop.build_envelope returned"));
        };
        if members.keys().any(|key| !KEYS.contains(&key.as_str())) {
            return Err(Problem::from(ErrorCode::InputUnknown)
                .with("argument", "envelope")
                .with("accepted", KEYS.map(Value::from).to_vec()));
        }
        if let Some(missing) = KEYS.iter().find(|key| !members.contains_key(**key)) {
            return Err(Problem::from(ErrorCode::InputMissing).with("argument", format!("envelope.{missing}")));
        }
        let envelope = Envelope {
            project_id: text(members, "project_id", NameRule::Id, MAX_ID)?,
            agent_id: text(members, "agent_id", NameRule::Id, MAX_ID)?,
            trace_id: text(members, "trace_id", NameRule::Line, 55)?,
            platform_subject_id: text(members, "platform_subject_id", NameRule::Line, MAX_CHANNEL_ID + 2 * MAX_ID + 2)?,
            channel_type: text(members, "channel_type", NameRule::Id, MAX_ID)?,
            channel_user_id: text(members, "channel_user_id", NameRule::Line, MAX_CHANNEL_ID)?,
            channel_chat_id: optional(members, "channel_chat_id", NameRule::Line, MAX_CHANNEL_ID)?,
            run_id: match optional(members, "run_id", NameRule::Line, 36)? {
                None => None,
                Some(id) => Some(Uuid::try_parse(&id).map_err(|_| invalid("envelope.run_id", "a UUID or null"))?),
            },
            policy_revision_id: optional(members, "policy_revision_id", NameRule::Line, MAX_CHANNEL_ID)?,
        };
        envelope.check()?;
        Ok(envelope)
    }

    /// What holds between the fields, whoever wrote them.
    fn check(&self) -> Result<(), Problem> {
        if TraceParent::parse(&self.trace_id).is_none() {
            return Err(invalid("envelope.trace_id", "a traceparent: 00-{32 hex}-{16 hex}-01"));
        }
        let subject = platform_subject_id(&self.project_id, &self.channel_type, &self.channel_user_id);
        if self.platform_subject_id != subject {
            return Err(invalid(
                "envelope.platform_subject_id",
                "{project_id}:{channel_type}:{channel_user_id} of the same envelope",
            ));
        }
        Ok(())
    }

    /// The JSON form: nine keys.
    ///
    /// # Errors
    /// Never for an envelope; the signature is serde's.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

fn text(members: &Map<String, Value>, key: &str, rule: NameRule, max: usize) -> Result<String, Problem> {
    optional(members, key, rule, max)?
        .ok_or_else(|| Problem::from(ErrorCode::InputMissing).with("argument", format!("envelope.{key}")))
}

fn optional(members: &Map<String, Value>, key: &str, rule: NameRule, max: usize) -> Result<Option<String>, Problem> {
    match members.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if rule.admits(text) && text.chars().count() <= max => Ok(Some(text.clone())),
        Some(_) => Err(invalid(&format!("envelope.{key}"), &format!("{}, at most {max} characters", rule.in_words()))),
    }
}

fn invalid(argument: &str, expected: &str) -> Problem {
    Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Value {
        json!({
            "project_id": "ewoooc", "agent_id": "support", "channel_type": "telegram", "channel_user_id": "a:7",
            "trace_id": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "platform_subject_id": "ewoooc:telegram:a:7",
            "channel_chat_id": null, "run_id": null, "policy_revision_id": null
        })
    }

    #[test]
    fn an_envelope_reads_back_as_it_was_written() {
        let written = Envelope::from_json(&sample()).unwrap().to_json().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), sample());
    }

    #[test]
    fn an_envelope_with_any_key_changed_added_or_gone_is_refused() {
        for key in KEYS {
            let mut less = sample();
            less.as_object_mut().unwrap().remove(key);
            assert_eq!(Envelope::from_json(&less).unwrap_err().code, ErrorCode::InputMissing, "{key}");
            let mut wrong = sample();
            wrong[key] = json!(7);
            assert_eq!(Envelope::from_json(&wrong).unwrap_err().code, ErrorCode::InputInvalid, "{key}");
        }
        let mut more = sample();
        more["tags"] = json!({});
        assert_eq!(Envelope::from_json(&more).unwrap_err().code, ErrorCode::InputUnknown);
        let mut forged = sample();
        forged["platform_subject_id"] = json!("ewoooc:telegram:8");
        assert_eq!(Envelope::from_json(&forged).unwrap_err().code, ErrorCode::InputInvalid);
        assert_eq!(Envelope::from_json(&json!([])).unwrap_err().code, ErrorCode::InputInvalid);
    }
}
