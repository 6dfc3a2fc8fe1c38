//! The few words that every server says: a tool with its schema, an answer that is text, an argument that is missing.

use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, JsonObject, Tool};
use serde_json::Value;

/// What a call of a tool comes to.
pub type Outcome = Result<CallToolResponse, ErrorData>;

/// A tool. `input` is its schema, or its properties alone where that is all there is to say.
pub fn tool(name: &'static str, description: &'static str, input: Value) -> Tool {
    Tool::new(name, description, object(input))
}

/// The schema of no arguments.
pub fn nothing() -> Value {
    serde_json::json!({"type": "object", "properties": {}})
}

/// A value that is an object, as one.
pub fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

/// An answer that is one text.
pub fn text(text: impl Into<String>) -> Outcome {
    content(vec![ContentBlock::text(text)])
}

/// An answer of several parts.
pub fn content(blocks: Vec<ContentBlock>) -> Outcome {
    Ok(CallToolResult::success(blocks).into())
}

/// The tool ran, and failed.
pub fn failed(text: impl Into<String>) -> Outcome {
    Ok(CallToolResult::error(vec![ContentBlock::text(text)]).into())
}

/// An argument that is a string.
pub fn string<'a>(arguments: &'a JsonObject, name: &str) -> Result<&'a str, ErrorData> {
    arguments
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| ErrorData::invalid_params(format!("{name} must be a string"), None))
}

/// An argument that is a whole number, not below zero.
pub fn count(arguments: &JsonObject, name: &str) -> Result<u64, ErrorData> {
    arguments
        .get(name)
        .and_then(Value::as_u64)
        .ok_or_else(|| ErrorData::invalid_params(format!("{name} must be a whole number, not below 0"), None))
}
