//! Tools that cannot answer before the client has answered them (stateless): the first answer is a question, the client
//! calls again with what it was asked and the state it was given, until nothing is missing. Decides which question comes
//! when, and believes no state that it did not seal itself, for the same tool.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, InputRequests, InputRequiredResult, InputResponses,
    RequestStateCodec, SealOptions, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Map, Value, json};

use crate::speak::{self, Outcome, nothing, tool};

/// Seals the state that a client carries between two calls. It guards nothing but the tests' tools.
const SEALING_KEY: &[u8] = b"awooop conformance server: a key that protects nothing real";

/// A tool, and what it asks before it answers.
struct Script {
    name: &'static str,
    description: &'static str,
    /// What is asked, round by round: `{name: request}`.
    rounds: fn() -> Vec<Value>,
    /// Whether the client has to carry a sealed state.
    sealed: bool,
    /// The answer in the end.
    end: fn(&InputResponses) -> String,
}

const SCRIPTS: &[Script] = &[
    Script {
        name: "test_input_required_result_elicitation",
        description: "Asks the user for a name",
        rounds: || vec![json!({"user_name": form("What is your name?", "name", "string")})],
        sealed: false,
        end: |said| format!("Hello, {}!", field(said, "user_name", "/content/name")),
    },
    Script {
        name: "test_input_required_result_sampling",
        description: "Asks the client's model",
        rounds: || vec![json!({"capital_question": sample("What is the capital of France?")})],
        sealed: false,
        end: |said| format!("The model said: {}", field(said, "capital_question", "/content/text")),
    },
    Script {
        name: "test_input_required_result_list_roots",
        description: "Asks for the client's roots",
        rounds: || vec![json!({"client_roots": roots()})],
        sealed: false,
        end: |said| format!("Roots: {}", said.get("client_roots").and_then(|r| r.get("roots")).unwrap_or(&Value::Null)),
    },
    Script {
        name: "test_input_required_result_request_state",
        description: "Asks for a confirmation, and has the client carry a state",
        rounds: || vec![json!({"confirm": form("Please confirm", "ok", "boolean")})],
        sealed: true,
        end: |_| "state-ok".to_owned(),
    },
    Script {
        name: "test_input_required_result_tampered_state",
        description: "Asks for a confirmation, and refuses a state that was changed",
        rounds: || vec![json!({"confirm": form("Please confirm", "ok", "boolean")})],
        sealed: true,
        end: |_| "state-ok".to_owned(),
    },
    Script {
        name: "test_input_required_result_multiple_inputs",
        description: "Asks user, model and client at once",
        rounds: || {
            let name = form("What is your name?", "name", "string");
            vec![json!({"user_name": name, "greeting": sample("Generate a greeting"), "client_roots": roots()})]
        },
        sealed: true,
        end: |said| format!("{} things were said.", said.len()),
    },
    Script {
        name: "test_input_required_result_multi_round",
        description: "Asks one thing after the other",
        rounds: || {
            vec![
                json!({"step1": form("Step 1: What is your name?", "name", "string")}),
                json!({"step2": form("Step 2: What is your favorite color?", "color", "string")}),
            ]
        },
        sealed: true,
        end: |said| format!("The color is {}.", field(said, "step2", "/content/color")),
    },
    Script {
        name: "test_streaming_elicitation",
        description: "Asks the user for a value",
        rounds: || vec![json!({"streaming_elicitation": form("Provide a value", "value", "string")})],
        sealed: false,
        end: |said| format!("The value is {}.", field(said, "streaming_elicitation", "/content/value")),
    },
];

const BY_CAPABILITY: &str = "test_input_required_result_capabilities";
const NEEDS_A_MODEL: &str = "test_missing_capability";

/// The tools of this module.
pub fn tools() -> Vec<Tool> {
    let mut tools: Vec<Tool> = SCRIPTS.iter().map(|script| tool(script.name, script.description, nothing())).collect();
    tools.push(tool(BY_CAPABILITY, "Asks whatever the client says it can answer", nothing()));
    tools.push(tool(NEEDS_A_MODEL, "Needs a client with a model", nothing()));
    tools
}

/// What has been asked, and is sealed.
pub struct Questions {
    seal: RequestStateCodec,
}

impl Questions {
    /// With no question asked yet.
    pub fn new() -> Self {
        Self { seal: RequestStateCodec::new_unchecked(SEALING_KEY) }
    }

    /// What a call comes to, if the tool is of this module.
    pub fn call(&self, request: &CallToolRequestParams, context: &RequestContext<RoleServer>) -> Option<Outcome> {
        let can = context.client_capabilities().unwrap_or_default();
        match request.name.as_ref() {
            BY_CAPABILITY => Some(by_capability(request, &can)),
            NEEDS_A_MODEL => Some(needs_a_model(&can)),
            name => {
                let script = SCRIPTS.iter().find(|script| script.name == name)?;
                Some(self.follow(script, request))
            }
        }
    }

    fn follow(&self, script: &Script, request: &CallToolRequestParams) -> Outcome {
        let rounds = (script.rounds)();
        let said = request.input_responses.clone().unwrap_or_default();
        // Answers without the state they belong to are answers to nothing.
        let begun = !script.sealed || request.request_state.is_some();
        let round = match request.request_state.as_deref().filter(|_| script.sealed) {
            Some(state) => self.open(script.name, state)?,
            None => 0,
        };
        let asked = rounds.get(round).ok_or_else(not_sealed_here)?;
        let next = if begun && answered(asked, &said) { round + 1 } else { round };
        let Some(question) = rounds.get(next) else { return speak::text((script.end)(&said)) };
        let state = if script.sealed { Some(self.sealed(script.name, next)?) } else { None };
        ask(question.clone(), state).map(Into::into)
    }

    fn sealed(&self, tool: &str, round: usize) -> Result<String, ErrorData> {
        let bound = SealOptions::new().associated_data(tool.as_bytes());
        self.seal.seal_json_with(&round, &bound).map_err(|cause| ErrorData::internal_error(cause.to_string(), None))
    }

    fn open(&self, tool: &str, state: &str) -> Result<usize, ErrorData> {
        self.seal.open_json_with(state, tool.as_bytes()).map_err(|_| not_sealed_here())
    }
}

fn not_sealed_here() -> ErrorData {
    ErrorData::invalid_params("requestState was not sealed by this server for this tool", None)
}

/// The answer that is a question.
pub fn ask(question: Value, state: Option<String>) -> Result<InputRequiredResult, ErrorData> {
    let requests: InputRequests =
        serde_json::from_value(question).map_err(|cause| ErrorData::internal_error(cause.to_string(), None))?;
    Ok(InputRequiredResult::new(Some(requests), state))
}

/// Whether everything asked has an answer that can be one. Anything else that was said does not matter.
pub fn answered(asked: &Value, said: &InputResponses) -> bool {
    asked.as_object().is_some_and(|asked| asked.keys().all(|name| said.get(name).is_some_and(Value::is_object)))
}

/// A text out of an answer.
pub fn field<'a>(said: &'a InputResponses, name: &str, place: &str) -> &'a str {
    said.get(name).and_then(|answer| answer.pointer(place)).and_then(Value::as_str).unwrap_or("(nothing)")
}

fn by_capability(request: &CallToolRequestParams, can: &ClientCapabilities) -> Outcome {
    let mut asked = Map::new();
    if can.elicitation.is_some() {
        asked.insert("user_name".into(), form("What is your name?", "name", "string"));
    }
    if can.sampling.is_some() {
        asked.insert("greeting".into(), sample("Generate a greeting"));
    }
    if can.roots.is_some() {
        asked.insert("client_roots".into(), roots());
    }
    let asked = Value::Object(asked);
    let said = request.input_responses.as_ref();
    if asked == json!({}) || said.is_some_and(|said| answered(&asked, said)) {
        return speak::text("Nothing is left to ask.");
    }
    ask(asked, None).map(CallToolResponse::from)
}

fn needs_a_model(can: &ClientCapabilities) -> Outcome {
    if can.sampling.is_none() {
        let needed = ClientCapabilities::builder().enable_sampling().build();
        return Err(ErrorData::missing_required_client_capability(needed));
    }
    speak::text("The client has a model.")
}

/// Asks the user for one thing.
pub fn form(message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}})
}

fn sample(prompt: &str) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    json!({"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 50}})
}

fn roots() -> Value {
    json!({"method": "roots/list"})
}
