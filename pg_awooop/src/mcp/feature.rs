//! What comes back of a server's resources, prompts and completion, made fit for an agent to see: what it could not use is not listed,
//! and the rest is redacted and bounded as results of tools are.

use std::rc::Rc;

use awooop_contracts::model::ToolContract;
use awooop_contracts::schema::CompiledSchema;
use awooop_policy::error::ErrorCode;
use awooop_policy::feature::Method;
use awooop_policy::feature_result::{bound, is_cursor, normal, without_cursor};
use awooop_policy::tool_result::{MAX_RESULT, length};
use serde_json::{Value, json};

use super::arguments;
use super::call::Call;
use super::grants;
use super::result::{Fit, error, hide_in_block, is_binary, redact_block, redact_resource, text_of};
use crate::contracts::active::Loaded;
use crate::directory;
use crate::fault::Outcome;
use crate::guarded::{self, Worker};
use crate::redaction;

/// What narrows the agent's calls: the grant in force, or the one that the call began under where there is none any more.
fn narrowed(project_id: &str, call: &Call) -> Outcome<Option<Rc<CompiledSchema>>> {
    match directory::tools::grant(project_id, &call.agent_id, &call.tool)? {
        Some(granted) => arguments::constraints(&granted),
        None => grants::constraints_of(project_id, call.grant_id),
    }
}

/// What the server gave, made fit.
pub(super) fn fit(
    project_id: &str,
    call: &Call,
    method: Method,
    given: &Value,
    tool: &Loaded,
    contract: &ToolContract,
) -> Outcome<Fit> {
    let bytes = length(given);
    let limit = usize::try_from(contract.max_result_bytes()).unwrap_or(MAX_RESULT).min(MAX_RESULT);
    let refused = |code: ErrorCode, is_as_agreed: bool| {
        let result = error(code, "");
        let cut_bytes = if is_as_agreed { bytes.saturating_sub(length(&result)) } else { 0 };
        Fit { result, bytes, cut_bytes, redacted: false, is_as_agreed, is_error: !is_as_agreed }
    };
    let agreed = normal(method, given).filter(|normal| blobs(method, normal).into_iter().all(is_binary));
    let Some(mut seen) = agreed else { return Ok(refused(ErrorCode::McpResult, false)) };
    if !has_agreed_shape(&seen, tool)? {
        return Ok(refused(ErrorCode::McpResult, false));
    }
    keep_usable(method, &mut seen, tool, narrowed(project_id, call)?.as_deref())?;
    let places: Vec<&str> =
        contract.sensitive_results.iter().flat_map(|places| places.as_slice()).map(|place| place.as_str()).collect();
    // A number that is redacted is a text, and so none that the protocol knows.
    let Some(shown) = normal(method, &redact(method, seen.clone(), &places)?) else {
        return Ok(refused(ErrorCode::McpResult, false));
    };
    let shown = fit_cursor(method, shown)?;
    let bounded = bound(method, &shown, limit);
    if bounded.cut_bytes > 0 && !has_agreed_shape(&bounded.result, tool)? {
        return Ok(refused(ErrorCode::McpCut, true));
    }
    let redacted = shown != seen;
    Ok(Fit {
        result: bounded.result,
        bytes,
        cut_bytes: bounded.cut_bytes,
        redacted,
        is_as_agreed: true,
        is_error: false,
    })
}

/// What is to be binary data.
fn blobs(method: Method, normal: &Value) -> Vec<&Value> {
    let places: &[&str] = match method {
        Method::ResourcesRead => &["/blob"],
        Method::PromptsGet => &["/content/data", "/content/resource/blob"],
        _ => &[],
    };
    let items = normal.pointer(method.items()).and_then(Value::as_array).into_iter().flatten();
    items.flat_map(|item| places.iter().filter_map(|place| item.pointer(place))).collect()
}

/// Where the contract says what a result looks like, it says it of the whole.
fn has_agreed_shape(result: &Value, tool: &Loaded) -> Outcome<bool> {
    let Some(schema) = &tool.output_schema else { return Ok(true) };
    guarded::or_fault(Worker::Validator, "a result", 0, || schema.is_valid(result))
}

fn items_mut(method: Method, result: &mut Value) -> Option<&mut Vec<Value>> {
    result.pointer_mut(method.items()).and_then(Value::as_array_mut)
}

/// Takes out of a list what contract or grant would not let the agent use.
fn keep_usable(method: Method, result: &mut Value, tool: &Loaded, granted: Option<&CompiledSchema>) -> Outcome<()> {
    let Some(items) = items_mut(method, result) else { return Ok(()) };
    let mut kept = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        let is_usable = match method.use_of(&item) {
            Some(arguments) => arguments::are_admitted(tool, granted, &arguments)?,
            None => true,
        };
        if is_usable {
            kept.push(item);
        }
    }
    *items = kept;
    Ok(())
}

/// The result without what the contract calls sensitive, in texts that are JSON, and redacted as the project has it.
fn redact(method: Method, mut result: Value, places: &[&str]) -> Outcome<Value> {
    if let Some(items) = items_mut(method, &mut result) {
        for item in items.iter_mut() {
            match method {
                Method::ResourcesRead => {
                    hide_in_block(item, places);
                    redact_resource(item)?;
                }
                Method::PromptsGet => {
                    hide_in_block(&mut item["content"], places);
                    redact_block(&mut item["content"])?;
                }
                _ => *item = redaction::shown_json(item)?,
            }
        }
        match method {
            Method::ResourcesRead => redact_across(items, text_of_contents, |item, text| {
                if let Some(contents) = item.as_object_mut() {
                    contents.remove("blob");
                    contents.insert("text".to_owned(), text.into());
                }
            })?,
            Method::PromptsGet => redact_across(
                items,
                |item| match &item["content"] {
                    content if content["text"].is_string() => content["text"].as_str().map(str::to_owned),
                    content => text_of_contents(&content["resource"]),
                },
                |item, text| item["content"] = json!({"type": "text", "text": text}),
            )?,
            Method::Complete => {
                redact_across(items, |item| item.as_str().map(str::to_owned), |item, text| *item = text.into())?;
            }
            _ => {}
        }
    }
    for name in ["description", "_meta"] {
        if let Some(part) = result.get_mut(name) {
            *part = redaction::shown_json(part)?;
        }
    }
    Ok(result)
}

fn text_of_contents(contents: &Value) -> Option<String> {
    contents["text"].as_str().map(str::to_owned).or_else(|| text_of(&contents["blob"]))
}

/// A secret may be cut up, and lie in several texts. Where they read one after the other hold one, they become one.
fn redact_across(
    items: &mut Vec<Value>,
    read: impl Fn(&Value) -> Option<String>,
    write: impl Fn(&mut Value, String),
) -> Outcome<()> {
    let texts: Vec<Option<String>> = items.iter().map(&read).collect();
    let all: String = texts.iter().flatten().map(String::as_str).collect();
    let redacted = redaction::shown_text(&all)?;
    if texts.iter().flatten().nth(1).is_none() || redacted == all {
        return Ok(());
    }
    let mut whole = Some(redacted);
    let mut has_text = texts.iter().map(Option::is_some);
    items.retain_mut(|item| match (has_text.next() == Some(true), whole.take()) {
        (true, Some(text)) => {
            write(item, text);
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

/// The result with a cursor that can be sent back, or without one that cannot: with something hidden in it, it is another one.
fn fit_cursor(method: Method, result: Value) -> Outcome<Value> {
    let is_fit = match result["nextCursor"].as_str() {
        Some(cursor) => is_cursor(cursor) && redaction::shown_text(cursor)? == cursor,
        None => true,
    };
    Ok(if is_fit { result } else { without_cursor(method, result) })
}
