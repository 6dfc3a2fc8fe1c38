//! Whether a document whose last brackets are missing is whole all the same.
//!
//! A text that ends behind `{"a": 1` may have been cut off before `, "b": 2}`. Nobody can tell from the text; the schema
//! can: where it leaves no room for one more member or item in anything that is open, closing the brackets is the only
//! way to make a valid document of the text, and nothing can be lost by it. Of several schemas, one that leaves no room
//! is enough: all must accept the document.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::schema::CompiledSchema;

/// How many parts of the schema are looked at.
const MAX_PARTS: usize = 256;

/// Whether the schemas leave no room in any of the arrays and objects that these pointers name.
pub(super) fn is_full(schemas: &[&CompiledSchema], document: &Value, open: &[String]) -> bool {
    let schemas: Vec<&Value> =
        schemas.iter().map(|schema| schema.as_value()).filter(|schema| !names_itself(schema)).collect();
    open.iter().all(|pointer| schemas.iter().any(|schema| is_container_full(schema, document, pointer)))
}

/// Whether the schema may say `$id`, which would change where its references lead. Nothing is closed by such a one.
fn names_itself(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.contains_key("$id") || members.values().any(names_itself),
        Value::Array(items) => items.iter().any(names_itself),
        _ => false,
    }
}

fn is_container_full(schema: &Value, document: &Value, pointer: &str) -> bool {
    let mut value = document;
    let mut parts = applied(schema, vec![schema]);
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        let (inner, next) = match value {
            Value::Object(members) => (parts_of_member(&parts, &name), members.get(&name)),
            Value::Array(items) => {
                let at = name.parse().unwrap_or(usize::MAX);
                (parts_of_item(&parts, at), items.get(at))
            }
            _ => return false,
        };
        let Some(next) = next else { return false };
        (parts, value) = (applied(schema, inner), next);
    }
    parts.iter().any(|part| match value {
        Value::Object(members) => no_member_fits(part, members),
        Value::Array(items) => no_item_fits(part, items.len()),
        _ => false,
    })
}

/// These parts and all that every document must satisfy as well because of them.
fn applied<'a>(root: &'a Value, mut open: Vec<&'a Value>) -> Vec<&'a Map<String, Value>> {
    let mut seen = BTreeSet::new();
    let mut parts = Vec::new();
    while let Some(part) = open.pop() {
        let Some(keywords) = part.as_object() else { continue };
        if parts.len() == MAX_PARTS || !seen.insert(std::ptr::from_ref(part)) {
            continue;
        }
        parts.push(keywords);
        let reference = keywords.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
        if let Some(pointer) = reference.filter(|pointer| !pointer.contains('%')) {
            open.extend(root.pointer(pointer));
        }
        open.extend(keywords.get("allOf").and_then(Value::as_array).into_iter().flatten());
    }
    parts
}

fn parts_of_member<'a>(parts: &[&'a Map<String, Value>], name: &str) -> Vec<&'a Value> {
    parts.iter().filter_map(|part| part.get("properties")?.get(name)).collect()
}

fn parts_of_item<'a>(parts: &[&'a Map<String, Value>], at: usize) -> Vec<&'a Value> {
    let part = |part: &&'a Map<String, Value>| {
        let first = part.get("prefixItems").and_then(Value::as_array);
        first.and_then(|first| first.get(at)).or_else(|| part.get("items"))
    };
    parts.iter().filter_map(part).collect()
}

fn no_member_fits(part: &Map<String, Value>, members: &Map<String, Value>) -> bool {
    let at_most = part.get("maxProperties").and_then(Value::as_u64);
    let named = part.get("properties").and_then(Value::as_object);
    let is_closed = part.get("additionalProperties") == Some(&Value::Bool(false))
        && part.get("patternProperties").and_then(Value::as_object).is_none_or(Map::is_empty)
        && named.is_none_or(|named| named.keys().all(|name| members.contains_key(name)));
    is_closed || at_most.is_some_and(|most| members.len() as u64 >= most)
}

fn no_item_fits(part: &Map<String, Value>, length: usize) -> bool {
    let at_most = part.get("maxItems").and_then(Value::as_u64);
    let first = part.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
    let is_closed = part.get("items") == Some(&Value::Bool(false)) && length >= first;
    is_closed || at_most.is_some_and(|most| length as u64 >= most)
}
