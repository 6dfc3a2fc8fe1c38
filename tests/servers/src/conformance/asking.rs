//! Tools that ask the client in the middle of a call, and answer with what it said: a completion of its model, or
//! something that only its user knows. There are sessions for that; the stateless lifecycle has `input_required` instead.

use rmcp::RoleServer;
use rmcp::model::{
    CreateMessageRequestParams, ElicitRequestParams, ElicitationAction, JsonObject, SamplingMessage, Tool,
};
use rmcp::service::RequestContext;
use serde_json::{Value, json};

use crate::speak::{self, Outcome, nothing, tool};

/// The tools of this module.
pub fn tools() -> Vec<Tool> {
    let one = |name: &str, description: &str| json!({"type": "object", "properties": {name: {"type": "string", "description": description}}, "required": [name]});
    vec![
        tool("test_sampling", "Asks the client's model", one("prompt", "What to ask")),
        tool("test_elicitation", "Asks the client's user for a name and an address", one("message", "What to say")),
        tool("test_elicitation_sep1034_defaults", "Asks the client's user, with an answer to each question", nothing()),
        tool("test_elicitation_sep1330_enums", "Asks the client's user to choose, in five ways", nothing()),
    ]
}

/// What a call comes to, if the tool is of this module.
pub async fn call(name: &str, arguments: &JsonObject, context: &RequestContext<RoleServer>) -> Option<Outcome> {
    Some(match name {
        "test_sampling" => match speak::string(arguments, "prompt") {
            Ok(prompt) => sample(prompt, context).await,
            Err(error) => Err(error),
        },
        "test_elicitation" => match speak::string(arguments, "message") {
            Ok(message) => elicit("User response", message, contact(), context).await,
            Err(error) => Err(error),
        },
        "test_elicitation_sep1034_defaults" => {
            elicit("Elicitation completed", "Is that so?", defaults(), context).await
        }
        "test_elicitation_sep1330_enums" => elicit("Elicitation completed", "Which ones?", choices(), context).await,
        _ => return None,
    })
}

async fn sample(prompt: &str, context: &RequestContext<RoleServer>) -> Outcome {
    if context.client_capabilities().is_none_or(|can| can.sampling.is_none()) {
        return speak::failed("The client has no model to ask.");
    }
    let question = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    match context.peer.create_message(question).await {
        Ok(answer) => {
            let said = answer.message.content.first().and_then(|part| part.as_text()).map(|part| part.text.as_str());
            speak::text(format!("LLM response: {}", said.unwrap_or_default()))
        }
        Err(error) => speak::failed(format!("The client's model could not be asked: {error}")),
    }
}

async fn elicit(lead: &str, message: &str, properties: Asked, context: &RequestContext<RoleServer>) -> Outcome {
    if context.client_capabilities().is_none_or(|can| can.elicitation.is_none()) {
        return speak::failed("The client has no user to ask.");
    }
    let requested_schema = match serde_json::from_value(properties.schema()) {
        Ok(schema) => schema,
        Err(error) => return speak::failed(format!("not a form: {error}")),
    };
    let question =
        ElicitRequestParams::FormElicitationParams { meta: None, message: message.to_owned(), requested_schema };
    match context.peer.create_elicitation(question).await {
        Ok(answer) => {
            let action = match answer.action {
                ElicitationAction::Accept => "accept",
                ElicitationAction::Decline => "decline",
                _ => "cancel",
            };
            let content = answer.content.unwrap_or_else(|| json!({}));
            speak::text(format!("{lead}: action={action}, content={content}"))
        }
        Err(error) => speak::failed(format!("The client's user could not be asked: {error}")),
    }
}

/// The fields of a form, and which of them must be filled in.
struct Asked {
    fields: Value,
    required: &'static [&'static str],
}

impl Asked {
    fn schema(self) -> Value {
        let mut schema = json!({"type": "object", "properties": self.fields});
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        schema
    }
}

fn contact() -> Asked {
    let fields = json!({
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"}
    });
    Asked { fields, required: &["username", "email"] }
}

fn defaults() -> Asked {
    let fields = json!({
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true}
    });
    Asked { fields, required: &[] }
}

fn choices() -> Asked {
    let titled = |kind: &str| -> Vec<Value> {
        [("value1", "First"), ("value2", "Second"), ("value3", "Third")]
            .iter()
            .map(|(value, title)| json!({"const": value, "title": format!("{title} {kind}")}))
            .collect()
    };
    let options = json!(["option1", "option2", "option3"]);
    let fields = json!({
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}}
    });
    Asked { fields, required: &[] }
}
