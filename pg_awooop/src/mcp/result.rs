//! What comes back from a server, made fit for an agent to see: held to the tool's output schema, redacted, bounded.
//!
//! Redacted before it is cut: half a secret is none that a rule knows.

use awooop_contracts::model::ToolContract;
use awooop_policy::error::ErrorCode;
use awooop_policy::tool_result::{self, MAX_RESULT};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::contracts::active::Loaded;
use crate::fault::Outcome;
use crate::guarded::{self, Worker};
use crate::redaction::{self, Family};

/// A result that an agent may see.
pub(super) struct Fit {
    pub(super) result: Value,
    /// How long it was, as JSON.
    pub(super) bytes: usize,
    pub(super) cut_bytes: usize,
    pub(super) redacted: bool,
    /// Whether it is what the tool's contract says a result is.
    pub(super) is_as_agreed: bool,
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
    if !result["content"].is_array() || !has_agreed_shape(result, tool)? {
        let result = error(ErrorCode::McpResult, "");
        return Ok(Fit { result, bytes, cut_bytes: 0, redacted: false, is_as_agreed: false });
    }
    let mut shown = result.clone();
    let places: Vec<&str> =
        contract.sensitive_results.iter().flat_map(|places| places.as_slice()).map(|place| place.as_str()).collect();
    hide(&mut shown, &places);
    let shown = redact(shown)?;
    let redacted = shown != *result;
    let bounded = tool_result::bound(&shown, limit);
    // What was cut may not be what the schema promises any more; then it is no structured result.
    if bounded.cut_bytes > 0 && !has_agreed_shape(&bounded.result, tool)? {
        let mut cut = shown;
        cut["isError"] = true.into();
        if let Some(members) = cut.as_object_mut() {
            members.remove("structuredContent");
        }
        let bounded = tool_result::bound(&cut, limit);
        let cut_bytes = bytes.saturating_sub(tool_result::length(&bounded.result));
        return Ok(Fit { result: bounded.result, bytes, cut_bytes, redacted, is_as_agreed: true });
    }
    Ok(Fit { result: bounded.result, bytes, cut_bytes: bounded.cut_bytes, redacted, is_as_agreed: true })
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
    if places.is_empty() {
        return;
    }
    let hidden = |value: &mut Value| {
        let mut found = false;
        for place in places {
            if let Some(value) = value.pointer_mut(place) {
                *value = Family::Secret.marker().into();
                found = true;
            }
        }
        found
    };
    if let Some(structured) = result.get_mut("structuredContent") {
        hidden(structured);
    }
    for block in result["content"].as_array_mut().into_iter().flatten() {
        let Some(Ok(mut inner)) = block["text"].as_str().map(serde_json::from_str::<Value>) else { continue };
        if hidden(&mut inner) {
            block["text"] = inner.to_string().into();
        }
    }
}

/// The result redacted as the project has it, part by part: what says which part is which is the protocol's, and stays.
fn redact(mut result: Value) -> Outcome<Value> {
    for block in result["content"].as_array_mut().into_iter().flatten() {
        for (name, part) in block.as_object_mut().into_iter().flatten() {
            match name.as_str() {
                "type" | "mimeType" => {}
                "data" => redact_data(part)?,
                "resource" => redact_resource(part)?,
                _ => *part = redaction::shown_json(part)?,
            }
        }
    }
    for (name, part) in result.as_object_mut().into_iter().flatten() {
        if !matches!(name.as_str(), "content" | "isError") {
            *part = redaction::shown_json(part)?;
        }
    }
    Ok(result)
}

fn redact_resource(resource: &mut Value) -> Outcome<()> {
    for (name, part) in resource.as_object_mut().into_iter().flatten() {
        match name.as_str() {
            "mimeType" => {}
            "blob" => redact_data(part)?,
            _ => *part = redaction::shown_json(part)?,
        }
    }
    Ok(())
}

/// Pictures and other binary data stay as they are; data that is text after all is redacted as that, and what is no base64 as any
/// text.
fn redact_data(data: &mut Value) -> Outcome<()> {
    match data.as_str().and_then(|text| STANDARD.decode(text).ok()).map(String::from_utf8) {
        None => *data = redaction::shown_json(data)?,
        Some(Ok(text)) => {
            let redacted = redaction::shown_text(&text)?;
            if redacted != text {
                *data = STANDARD.encode(redacted).into();
            }
        }
        Some(Err(_)) => {}
    }
    Ok(())
}
