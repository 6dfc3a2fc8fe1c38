//! What comes back from a server, made fit for an agent to see: held to the tool's output schema, redacted, bounded.
//!
//! Redacted before it is cut: half a secret is none that a rule knows.

use awooop_contracts::model::ToolContract;
use awooop_policy::error::ErrorCode;
use awooop_policy::tool_result::{self, MAX_RESULT};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};

use crate::contracts::active::Loaded;
use crate::fault::Outcome;
use crate::guarded::{self, Worker};
use crate::redaction::{self, Family};

/// Base64 with its padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A result that an agent may see.
pub(super) struct Fit {
    pub(super) result: Value,
    /// How long it was, as JSON.
    pub(super) bytes: usize,
    pub(super) cut_bytes: usize,
    pub(super) redacted: bool,
    /// Whether it is what the tool's contract says a result is.
    pub(super) is_as_agreed: bool,
    /// Whether the server said that it is an error.
    pub(super) is_error: bool,
}

/// An answer that tells the agent, instead of a result, what went wrong.
pub(super) fn error(code: ErrorCode, about: &str) -> Value {
    let entry = code.entry();
    let text = format!("{}: {}{about}. {}", entry.code, entry.message, entry.hint);
    json!({"content": [{"type": "text", "text": text}], "isError": true})
}

/// What the server gave, made fit.
pub(super) fn fit(result: &Value, tool: &Loaded, contract: &ToolContract) -> Outcome<Fit> {
    let bytes = tool_result::length(result);
    let limit = usize::try_from(contract.max_result_bytes()).unwrap_or(MAX_RESULT).min(MAX_RESULT);
    let Some(normal) = agreed(result, tool)? else {
        let result = error(ErrorCode::McpResult, "");
        return Ok(Fit { result, bytes, cut_bytes: 0, redacted: false, is_as_agreed: false, is_error: true });
    };
    let is_error = normal["isError"] == true;
    let mut shown = normal.clone();
    let places: Vec<&str> =
        contract.sensitive_results.iter().flat_map(|places| places.as_slice()).map(|place| place.as_str()).collect();
    hide(&mut shown, &places);
    let shown = redact(shown)?;
    let redacted = shown != normal;
    let bounded = tool_result::bound(&shown, limit);
    // What was cut may not be what the schema promises any more; then it is no result of the tool's.
    if bounded.cut_bytes > 0 && !has_agreed_shape(&bounded.result, tool)? {
        let result = error(ErrorCode::McpCut, "");
        let cut_bytes = bytes.saturating_sub(tool_result::length(&result));
        return Ok(Fit { result, bytes, cut_bytes, redacted, is_as_agreed: true, is_error });
    }
    Ok(Fit { result: bounded.result, bytes, cut_bytes: bounded.cut_bytes, redacted, is_as_agreed: true, is_error })
}

/// The result with what the protocol knows, if it is what the tool's contract promises.
fn agreed(result: &Value, tool: &Loaded) -> Outcome<Option<Value>> {
    let Some(normal) = tool_result::normal(result) else { return Ok(None) };
    let data = normal["content"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|block| [&block["data"], &block["resource"]["blob"]].into_iter().filter(|data| !data.is_null()));
    let is_agreed = data.into_iter().all(is_binary) && has_agreed_shape(&normal, tool)?;
    Ok(is_agreed.then_some(normal))
}

/// Whether it is base64.
pub(super) fn is_binary(data: &Value) -> bool {
    data.as_str().is_some_and(|data| BASE64.decode(data).is_ok())
}

/// Whether a result that reports no error has the structured content that the tool's contract promises.
fn has_agreed_shape(result: &Value, tool: &Loaded) -> Outcome<bool> {
    let Some(schema) = &tool.output_schema else { return Ok(true) };
    if result["isError"] == true {
        return Ok(true);
    }
    let structured = &result["structuredContent"];
    guarded::or_fault(Worker::Validator, "a result", 0, || structured.is_object() && schema.is_valid(structured))
}

/// Takes out what the tool's contract calls sensitive, of the structured content and of texts that are the same as JSON.
fn hide(result: &mut Value, places: &[&str]) {
    if let Some(structured) = result.get_mut("structuredContent") {
        is_hidden(structured, places);
    }
    for block in result["content"].as_array_mut().into_iter().flatten() {
        hide_in_block(block, places);
    }
}

/// Hides what there is at these places; whether there was something.
fn is_hidden(value: &mut Value, places: &[&str]) -> bool {
    let mut found = false;
    for place in places {
        if let Some(value) = value.pointer_mut(place) {
            *value = Family::Secret.marker().into();
            found = true;
        }
    }
    found
}

/// The same in the texts of a block, or of a resource, that are JSON.
pub(super) fn hide_in_block(block: &mut Value, places: &[&str]) {
    if places.is_empty() {
        return;
    }
    let hidden_in = |text: &str| {
        let mut inner = serde_json::from_str::<Value>(text).ok()?;
        is_hidden(&mut inner, places).then(|| inner.to_string())
    };
    for place in ["/text", "/resource/text"] {
        if let Some(text) = block.pointer_mut(place)
            && let Some(hidden) = text.as_str().and_then(hidden_in)
        {
            *text = hidden.into();
        }
    }
    for place in ["/data", "/blob", "/resource/blob"] {
        if let Some(data) = block.pointer_mut(place)
            && let Some(hidden) = text_of(data).as_deref().and_then(hidden_in)
        {
            *data = STANDARD.encode(hidden).into();
        }
    }
}

/// Binary data that is text after all.
pub(super) fn text_of(data: &Value) -> Option<String> {
    BASE64.decode(data.as_str()?).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// The result redacted as the project has it, part by part: what says which part is which is the protocol's, and stays.
fn redact(mut result: Value) -> Outcome<Value> {
    for block in result["content"].as_array_mut().into_iter().flatten() {
        redact_block(block)?;
    }
    for (name, part) in result.as_object_mut().into_iter().flatten() {
        if !matches!(name.as_str(), "content" | "isError") {
            *part = redaction::shown_json(part)?;
        }
    }
    redact_across(&mut result)?;
    Ok(result)
}

/// A block of content redacted.
pub(super) fn redact_block(block: &mut Value) -> Outcome<()> {
    for (name, part) in block.as_object_mut().into_iter().flatten() {
        match name.as_str() {
            "type" => {}
            "data" => redact_data(part)?,
            "resource" => redact_resource(part)?,
            _ => *part = redaction::shown_json(part)?,
        }
    }
    Ok(())
}

/// A secret may be cut up, and lie in several texts. Where they read one after the other hold one, they become one.
fn redact_across(result: &mut Value) -> Outcome<()> {
    let Some(blocks) = result["content"].as_array_mut() else { return Ok(()) };
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    let all = texts.concat();
    let redacted = redaction::shown_text(&all)?;
    if texts.len() < 2 || redacted == all {
        return Ok(());
    }
    let mut whole = Some(redacted);
    blocks.retain_mut(|block| match (block["text"].is_string(), whole.take()) {
        (true, Some(text)) => {
            block["text"] = text.into();
            true
        }
        (true, None) => false,
        (false, text) => {
            whole = text;
            true
        }
    });
    Ok(())
}

/// Contents of a resource redacted.
pub(super) fn redact_resource(resource: &mut Value) -> Outcome<()> {
    for (name, part) in resource.as_object_mut().into_iter().flatten() {
        match name.as_str() {
            "blob" => redact_data(part)?,
            _ => *part = redaction::shown_json(part)?,
        }
    }
    Ok(())
}

/// Pictures and other binary data stay as they are; data that is text after all is redacted as that.
pub(super) fn redact_data(data: &mut Value) -> Outcome<()> {
    if let Some(text) = text_of(data) {
        let redacted = redaction::shown_text(&text)?;
        if redacted != text {
            *data = STANDARD.encode(redacted).into();
        }
    }
    Ok(())
}
