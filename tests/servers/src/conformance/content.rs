//! Tools that answer at once: one for each kind of content, one that fails, one whose schema uses what JSON Schema 2020-12
//! has, and one with an argument that also travels as a header. Their names and texts are the suite's.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rmcp::ErrorData;
use rmcp::model::{ContentBlock, JsonObject, ResourceContents, Tool};
use serde_json::{Value, json};

use crate::speak::{self, Outcome, nothing, tool};

/// A PNG of one red point.
pub const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

const WITH_HEADER: &str = "test_custom_header";

/// The tools of this module.
pub fn tools() -> Vec<Tool> {
    vec![
        tool("test_simple_text", "Answers with a text", nothing()),
        tool("test_image_content", "Answers with an image", nothing()),
        tool("test_audio_content", "Answers with a sound", nothing()),
        tool("test_embedded_resource", "Answers with a resource", nothing()),
        tool("test_multiple_content_types", "Answers with a text, an image and a resource", nothing()),
        tool("test_error_handling", "Fails", nothing()),
        tool("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", schema_2020_12()),
        with_header(),
    ]
}

/// The tool of that name, if an argument of it also travels as a header, which is then checked before the call.
pub fn tool_with_header(name: &str) -> Option<Tool> {
    (name == WITH_HEADER).then(with_header)
}

fn with_header() -> Tool {
    let value = json!({"type": "string", "description": "Also in the header Mcp-Param-Value", "x-mcp-header": "Value"});
    let schema = json!({"type": "object", "properties": {"value": value}, "required": ["value"]});
    tool(WITH_HEADER, "Answers with its argument, which a header must repeat", schema)
}

fn schema_2020_12() -> Value {
    let address = json!({
        "$anchor": "address",
        "type": "object",
        "properties": {"street": {"type": "string"}, "city": {"type": "string"}}
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": address},
        "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
        "allOf": [{"anyOf": [{"required": ["name"]}, {"required": ["address"]}]}],
        "if": {"required": ["address"]},
        "then": {"properties": {"address": {"required": ["street"]}}},
        "else": {"required": ["name"]},
        "additionalProperties": false
    })
}

/// What a call comes to, if the tool is of this module.
pub fn call(name: &str, arguments: &JsonObject) -> Option<Outcome> {
    Some(match name {
        "test_simple_text" => speak::text("This is a simple text response for testing."),
        "test_image_content" => speak::content(vec![ContentBlock::image(PNG, "image/png")]),
        "test_audio_content" => speak::content(vec![ContentBlock::audio(silence(), "audio/wav")]),
        "test_embedded_resource" => {
            let text = "This is an embedded resource content.";
            speak::content(vec![resource("test://embedded-resource", "text/plain", text)])
        }
        "test_multiple_content_types" => speak::content(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(PNG, "image/png"),
            resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ]),
        "test_error_handling" => speak::failed("This tool intentionally returns an error for testing"),
        "json_schema_2020_12_tool" => match arguments.get("name").and_then(Value::as_str) {
            Some(name) => speak::text(format!("Hello, {name}!")),
            None => speak::text("Hello!"),
        },
        WITH_HEADER => speak::string(arguments, "value").map_or_else(Err::<_, ErrorData>, speak::text),
        _ => return None,
    })
}

fn resource(uri: &str, mime_type: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime_type))
}

/// A WAV file of a tenth of a second, mono, 8 kHz, 8 bits, in which nothing is to be heard.
fn silence() -> String {
    const SAMPLES: u32 = 800;
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + SAMPLES).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    // Uncompressed, one channel.
    wav.extend([1, 0, 1, 0]);
    // Samples and bytes a second, bytes a sample, bits a sample.
    wav.extend(8_000u32.to_le_bytes());
    wav.extend(8_000u32.to_le_bytes());
    wav.extend([1, 0, 8, 0]);
    wav.extend(b"data");
    wav.extend(SAMPLES.to_le_bytes());
    wav.extend([0x80; SAMPLES as usize]);
    BASE64_STANDARD.encode(wav)
}
