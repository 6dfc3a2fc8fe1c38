//! The credential that came with a request, shown in disguise: what a gateway must find before the caller sees it. A tool
//! for each disguise shows it in a result, an error, progress, a log line or a resource; resources and a prompt do too.

use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use rmcp::model::{
    CallToolResult, ContentBlock, GetPromptRequestParams, GetPromptResult, JsonObject, Prompt, PromptArgument,
    ReadResourceResult, Resource, ResourceContents, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::disguise::Disguise;
use super::{meanwhile, prompts};
use crate::speak::{self, Outcome, tool};

const PROMPT: &str = "echo_secret";

/// Where the credential comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `Authorization: Bearer …`
    Bearer,
    /// A header of its own.
    Header(String),
    /// A parameter of the address.
    Query(String),
    /// The environment, of a server that is spoken to over pipes.
    Environment(String),
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "bearer" => Ok(Place::Bearer),
            Some(("header", name)) if !name.is_empty() => Ok(Place::Header(name.to_owned())),
            Some(("query", name)) if !name.is_empty() => Ok(Place::Query(name.to_owned())),
            Some(("env", name)) if !name.is_empty() => Ok(Place::Environment(name.to_owned())),
            _ => Err("bearer, header:NAME, query:NAME or env:NAME is wanted"),
        }
    }
}

impl Place {
    /// What came there.
    fn secret(&self, context: &RequestContext<RoleServer>) -> Option<String> {
        let request = context.extensions.get::<Parts>();
        match self {
            Place::Bearer => {
                let value = request?.headers.get(AUTHORIZATION)?.to_str().ok()?;
                let (scheme, secret) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim().to_owned())
            }
            Place::Header(name) => request?.headers.get(name)?.to_str().ok().map(str::to_owned),
            Place::Query(name) => {
                let mut pairs = request?.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
                let (_, value) = pairs.find(|(key, _)| key == name)?;
                Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
            }
            Place::Environment(name) => std::env::var(name).ok(),
        }
    }
}

/// The tools of this module.
pub fn tools() -> Vec<Tool> {
    let schema = || {
        json!({
            "type": "object",
            "properties": {"via": {
                "enum": ["result", "error", "protocol_error", "progress", "log", "resource"],
                "description": "How to show it; in the result where this is not said"
            }},
            "additionalProperties": false
        })
    };
    vec![
        tool("echo_secret_plain", "Shows the credential it was called with, as it is", schema()),
        tool("echo_secret_base64", "Shows the credential it was called with in base64, in many ways", schema()),
        tool("echo_secret_url", "Shows the credential it was called with, percent-encoded", schema()),
        tool("echo_secret_json", "Shows the credential it was called with, deep in JSON and escaped", schema()),
        tool("echo_secret_split", "Shows the credential it was called with in several parts", schema()),
    ]
}

/// What a call comes to, if the tool is of this module.
pub async fn call(
    place: &Place,
    name: &str,
    arguments: &JsonObject,
    context: &RequestContext<RoleServer>,
) -> Option<Outcome> {
    let disguise = Disguise::named(name.strip_prefix("echo_secret_")?)?;
    let Some(secret) = place.secret(context) else {
        return Some(speak::failed("No credential came with the request."));
    };
    let texts = disguise.texts(&secret);
    let shown: Vec<ContentBlock> = texts.iter().map(ContentBlock::text).collect();
    Some(match arguments.get("via").and_then(Value::as_str).unwrap_or("result") {
        "result" => {
            let mut result = CallToolResult::success(shown);
            result.structured_content = disguise.structured(&secret);
            Ok(result.into())
        }
        "error" => {
            let mut result = CallToolResult::error(shown);
            result.structured_content = disguise.structured(&secret);
            Ok(result.into())
        }
        "protocol_error" => {
            let data = json!({"shown": texts, "structured": disguise.structured(&secret)});
            Err(ErrorData::internal_error(texts.join(""), Some(data)))
        }
        "progress" => {
            for (place, text) in texts.into_iter().enumerate() {
                meanwhile::tell_progress(place as f64, text, context).await;
            }
            speak::text("Shown in progress.")
        }
        "log" => {
            for text in texts {
                meanwhile::log(&text, rmcp::model::LoggingLevel::Debug, context).await;
            }
            speak::text("Shown in log lines.")
        }
        "resource" => {
            let mut blocks = contents(&texts, "text", "secret://here");
            blocks.extend(contents(&texts, "blob", "secret://here"));
            speak::content(blocks.into_iter().map(ContentBlock::resource).collect())
        }
        _ => Err(ErrorData::invalid_params("via is none of those", None)),
    })
}

/// The resources of this module.
pub fn resources() -> Vec<Resource> {
    let mut resources = Vec::new();
    for disguise in Disguise::ALL {
        for form in ["text", "blob"] {
            let name = disguise.name();
            let resource = Resource::new(format!("secret://{name}/{form}"), format!("secret-{name}-{form}"));
            resources
                .push(resource.with_description("The credential it is asked for with").with_mime_type("text/plain"));
        }
    }
    resources
}

/// One resource, if it is of this module.
pub fn read(place: &Place, uri: &str, context: &RequestContext<RoleServer>) -> Option<ReadResourceResult> {
    let (name, form) = uri.strip_prefix("secret://")?.split_once('/')?;
    let disguise = Disguise::named(name).filter(|_| matches!(form, "text" | "blob"))?;
    let texts = disguise.texts(&place.secret(context).unwrap_or_default());
    Some(ReadResourceResult::new(contents(&texts, form, uri)))
}

fn contents(texts: &[String], form: &str, uri: &str) -> Vec<ResourceContents> {
    let one = |text: &String| match form {
        "blob" => ResourceContents::blob(BASE64_STANDARD.encode(text), uri).with_mime_type("text/plain"),
        _ => ResourceContents::text(text, uri),
    };
    texts.iter().map(one).collect()
}

/// The prompt of this module.
pub fn prompt() -> Prompt {
    let names: Vec<&str> = Disguise::ALL.iter().map(|disguise| disguise.name()).collect();
    let argument = PromptArgument::new("disguise").with_description(names.join(", ")).with_required(true);
    Prompt::new(PROMPT, Some("Shows the credential it is asked for with"), Some(vec![argument]))
}

/// The prompt, if it is the one of this module.
pub fn get_prompt(
    place: &Place,
    request: &GetPromptRequestParams,
    context: &RequestContext<RoleServer>,
) -> Option<Result<GetPromptResult, ErrorData>> {
    if request.name != PROMPT {
        return None;
    }
    let wanted = request.arguments.as_ref().and_then(|arguments| arguments.get("disguise"));
    let Some(disguise) = wanted.and_then(Value::as_str).and_then(Disguise::named) else {
        return Some(Err(ErrorData::invalid_params("disguise is none of those", None)));
    };
    let texts = disguise.texts(&place.secret(context).unwrap_or_default());
    Some(Ok(GetPromptResult::new(texts.into_iter().map(prompts::said).collect())))
}
