//! Results of what a server offers besides tools: reduced to what the protocol knows of the method's result, and bounded.
//!
//! Texts are cut within themselves. Items of a list are there whole or not at all: half a resource is none that could be read.
//! How many are missing `_meta` says, under a name that no server can use.

use serde_json::{Map, Value, json};

use crate::feature::{MOST_CURSOR, Method};
use crate::tool_result::{Bounded, MARKER, block, escaped, length, shorten_text};

/// The names in `_meta` that are the platform's begin with this.
const OWN: &str = "io.awooop/";
/// What says that something is missing: `items`, how many of them; `more`, whether pages that follow cannot be asked for.
pub const TRUNCATED: &str = "io.awooop/truncated";
/// The most values of a completion, as the protocol has it.
const MOST_VALUES: usize = 100;

/// What each item of a result must have, and may have.
struct Shape {
    needed: &'static [&'static str],
    others: &'static [&'static str],
}

const RESOURCE: Shape = Shape {
    needed: &["uri", "name"],
    others: &["title", "description", "mimeType", "size", "icons", "annotations", "_meta"],
};
const TEMPLATE: Shape = Shape {
    needed: &["uriTemplate", "name"],
    others: &["title", "description", "mimeType", "icons", "annotations", "_meta"],
};
const PROMPT: Shape = Shape { needed: &["name"], others: &["title", "description", "arguments", "icons", "_meta"] };
const ARGUMENT: Shape = Shape { needed: &["name"], others: &["title", "description", "required"] };
const CONTENTS: Shape = Shape { needed: &["uri"], others: &["mimeType", "text", "blob", "_meta"] };

impl Method {
    /// Where in its result the items are.
    pub const fn items(self) -> &'static str {
        match self {
            Method::ResourcesList => "/resources",
            Method::ResourceTemplatesList => "/resourceTemplates",
            Method::ResourcesRead | Method::ResourcesSubscribe => "/contents",
            Method::PromptsList => "/prompts",
            Method::PromptsGet => "/messages",
            Method::Complete => "/completion/values",
        }
    }

    const fn is_paged(self) -> bool {
        matches!(self, Method::ResourcesList | Method::ResourceTemplatesList | Method::PromptsList)
    }
}

/// The result with what the protocol knows and nothing else. Nothing where it is no result of that method.
pub fn normal(method: Method, result: &Value) -> Option<Value> {
    let given = result.as_object()?;
    // Another type is no result yet.
    if given.get("resultType").is_some_and(|kind| kind != "complete") {
        return None;
    }
    let items = result.pointer(method.items())?.as_array()?;
    let each: Option<Vec<Value>> = items.iter().map(|item| one(method, item)).collect();
    let mut each = each?;
    let mut normal = match method {
        Method::Complete => {
            let mut completion = picked(&result["completion"], &["total", "hasMore"]);
            if each.len() > MOST_VALUES {
                each.truncate(MOST_VALUES);
                completion.insert("hasMore".into(), true.into());
            }
            completion.insert("values".into(), each.into());
            json!({"completion": completion})
        }
        _ => json!({method.items().trim_start_matches('/'): each}),
    };
    if method == Method::PromptsGet && result["description"].is_string() {
        normal["description"] = result["description"].clone();
    }
    if method.is_paged() && result["nextCursor"].is_string() {
        normal["nextCursor"] = result["nextCursor"].clone();
    }
    if method.is_paged() || method == Method::ResourcesRead {
        if let Some(milliseconds) = result["ttlMs"].as_i64() {
            normal["ttlMs"] = milliseconds.max(0).into();
        }
        // What one agent may see is nothing for a cache that others are served from.
        if given.contains_key("ttlMs") || given.contains_key("cacheScope") {
            normal["cacheScope"] = "private".into();
        }
    }
    if let Some(meta) = meta(&result["_meta"]) {
        normal["_meta"] = meta;
    }
    Some(normal)
}

/// What the server says of its own in `_meta`.
fn meta(given: &Value) -> Option<Value> {
    let members = given.as_object()?.iter().filter(|(name, _)| !name.starts_with(OWN));
    Some(Value::Object(members.map(|(name, member)| (name.clone(), member.clone())).collect()))
}

fn one(method: Method, item: &Value) -> Option<Value> {
    Some(match method {
        Method::ResourcesList => shaped(item, &RESOURCE)?.into(),
        Method::ResourceTemplatesList => shaped(item, &TEMPLATE)?.into(),
        Method::PromptsList => {
            let mut prompt = shaped(item, &PROMPT)?;
            if let Some(arguments) = prompt.get_mut("arguments") {
                let each: Option<Vec<Map<String, Value>>> =
                    arguments.as_array()?.iter().map(|argument| shaped(argument, &ARGUMENT)).collect();
                *arguments = each?.into();
            }
            prompt.into()
        }
        Method::ResourcesRead | Method::ResourcesSubscribe => {
            let contents = shaped(item, &CONTENTS)?;
            (contents.contains_key("text") != contents.contains_key("blob")).then_some(contents)?.into()
        }
        Method::PromptsGet => {
            let role = item["role"].as_str().filter(|role| matches!(*role, "user" | "assistant"))?;
            json!({"role": role, "content": block(&item["content"])?})
        }
        Method::Complete => item.is_string().then(|| item.clone())?,
    })
}

fn shaped(item: &Value, shape: &Shape) -> Option<Map<String, Value>> {
    let mut members = picked(item, shape.others);
    for name in shape.needed {
        members.insert((*name).to_owned(), item[name].is_string().then(|| item[name].clone())?);
    }
    Some(members)
}

/// The members of those names that are what they have to be.
fn picked(value: &Value, names: &[&str]) -> Map<String, Value> {
    let is_fit = |name: &str, member: &Value| match name {
        "size" | "total" => member.is_u64(),
        "required" | "hasMore" => member.is_boolean(),
        "icons" | "arguments" => member.is_array(),
        "annotations" | "_meta" => member.is_object(),
        _ => member.is_string(),
    };
    let members = value.as_object().into_iter().flatten();
    let members = members.filter(|(name, member)| names.contains(&name.as_str()) && is_fit(name, member));
    members.map(|(name, member)| (name.clone(), member.clone())).collect()
}

/// The result of the method, as [`normal`] has it, in at most `limit` bytes of JSON.
pub fn bound(method: Method, result: &Value, limit: usize) -> Bounded {
    let before = length(result);
    if before <= limit {
        return Bounded { result: result.clone(), cut_bytes: 0 };
    }
    let items = result.pointer(method.items()).and_then(Value::as_array).cloned().unwrap_or_default();
    let (mut frame, more) = frame(method, result, limit);
    let room = limit.saturating_sub(length(&told(method, frame.clone(), items.len(), true)));
    let kept = match method {
        Method::ResourcesRead => cut(&items, room, contents),
        Method::PromptsGet => cut(&items, room, message),
        _ => whole(&items, room),
    };
    let missing = items.len() - kept.len();
    if let Some(place) = frame.pointer_mut(method.items()) {
        *place = kept.into();
    }
    let bounded = if missing > 0 || more { told(method, frame, missing, more) } else { frame };
    let after = length(&bounded);
    Bounded { result: bounded, cut_bytes: before.saturating_sub(after) }
}

/// Everything but the items, in less than half of the limit; and whether pages that follow are lost by it.
fn frame(method: Method, result: &Value, limit: usize) -> (Value, bool) {
    let mut frame = result.clone();
    if let Some(place) = frame.pointer_mut(method.items()) {
        *place = json!([]);
    }
    // Its cursor may have been left out before.
    let mut more = result["_meta"][TRUNCATED]["more"] == true;
    if let Some(members) = frame.as_object_mut() {
        // The protocol's own, and small, or else it goes.
        members.retain(|name, member| name != "_meta" || length(member) < limit / 8);
        if let Some(Value::String(description)) = members.get_mut("description") {
            *description = shorten_text(description, limit / 4);
        }
        let fits = |cursor: &Value| length(cursor) <= limit / 4;
        more |= members.get("nextCursor").is_some_and(|cursor| !fits(cursor));
        members.retain(|name, member| name != "nextCursor" || fits(member));
    }
    (frame, more)
}

/// The result with what it says of what is missing.
fn told(method: Method, mut result: Value, items: usize, more: bool) -> Value {
    if !result["_meta"].is_object() {
        result["_meta"] = json!({});
    }
    result["_meta"][TRUNCATED] = json!({"items": items});
    if more {
        result["_meta"][TRUNCATED]["more"] = true.into();
    }
    if method == Method::Complete && items > 0 {
        result["completion"]["hasMore"] = true.into();
    }
    result
}

/// The result without its cursor, which says that there is more that cannot be asked for.
pub fn without_cursor(method: Method, mut result: Value) -> Value {
    match result.as_object_mut().and_then(|members| members.remove("nextCursor")) {
        Some(_) => told(method, result, 0, true),
        None => result,
    }
}

/// Whether the cursor can be sent back.
pub fn is_cursor(cursor: &str) -> bool {
    cursor.chars().count() <= MOST_CURSOR as usize
}

/// The items that there is room for, from the first one on. One for which there would be no room at all keeps none out.
fn whole(items: &[Value], room: usize) -> Vec<Value> {
    let (mut kept, mut left) = (Vec::new(), room);
    for item in items {
        let long = length(item) + 1;
        if long > room {
            continue;
        }
        if long > left {
            break;
        }
        left -= long;
        kept.push(item.clone());
    }
    kept
}

/// The items, each cut to its share of the room where it is too long.
fn cut(items: &[Value], room: usize, short: impl Fn(&Value, usize) -> Option<Value>) -> Vec<Value> {
    let (mut kept, mut left) = (Vec::new(), room);
    for (n, item) in items.iter().enumerate() {
        // Those behind it want to be seen, too.
        let share = left / (items.len() - n).clamp(1, 4);
        let shown = if length(item) < share { Some(item.clone()) } else { short(item, share) };
        if let Some(shown) = shown.filter(|shown| length(shown) < left) {
            left -= length(&shown) + 1;
            kept.push(shown);
        }
    }
    kept
}

/// Contents of a resource with less text, or with a line that says what was there.
fn contents(item: &Value, room: usize) -> Option<Value> {
    let mut short = picked(item, &["uri", "mimeType"]);
    short.insert("text".into(), "".into());
    let room = room.checked_sub(length(&Value::Object(short.clone())) + 1)?;
    let text = match (&item["text"], &item["blob"]) {
        (Value::String(text), _) => (room >= 2 * MARKER).then(|| shorten_text(text, room))?,
        (_, Value::String(blob)) => format!("[TRUNCATED: blob of {} bytes]", blob.len()),
        _ => return None,
    };
    (escaped(&text) <= room).then(|| {
        short.insert("text".into(), text.into());
        short.into()
    })
}

/// A message with less text, or with a line that says what was there.
fn message(item: &Value, room: usize) -> Option<Value> {
    let frame = |text: &str| json!({"role": item["role"], "content": {"type": "text", "text": text}});
    let room = room.checked_sub(length(&frame("")) + 1)?;
    let content = &item["content"];
    let text = match (content["type"].as_str()?, content["text"].as_str()) {
        ("text", Some(text)) => (room >= 2 * MARKER).then(|| shorten_text(text, room))?,
        (kind, _) => format!("[TRUNCATED: {kind} of {} bytes]", length(content)),
    };
    (escaped(&text) <= room).then(|| frame(&text))
}

#[cfg(test)]
mod tests;
