//! Schemas, types and fixtures against each other.

mod agreement;
mod edges;
mod fixtures;
mod generator;
mod house;
mod shape;
mod strength;

use serde_json::{Map, Value};

pub(crate) use fixtures::documents;
pub(crate) use generator::places;

use crate::Kind;

fn schema(kind: Kind) -> Value {
    crate::schema::of(kind).unwrap()
}

/// A part of a schema with what it refers to taken in; what stands beside the reference counts more.
fn resolved(root: &Value, part: &Value) -> Map<String, Value> {
    let Some(own) = part.as_object() else { return Map::new() };
    let mut whole = match own.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => resolved(root, root.pointer(pointer).unwrap()),
        None => Map::new(),
    };
    whole.extend(own.iter().map(|(keyword, value)| (keyword.clone(), value.clone())));
    whole
}

/// Every part of a schema that describes a value of the document, with its place: not what only restricts one.
fn described(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    descend(schema, String::new(), &mut found);
    found
}

fn descend<'a>(part: &'a Value, place: String, found: &mut Vec<(String, &'a Value)>) {
    let Some(keywords) = part.as_object() else { return };
    found.push((place.clone(), part));
    // A tenant's schema is described by the meta-schema.
    if place == "/$defs/embedded_schema" || is_embedded(part) {
        return;
    }
    for keyword in ["properties", "patternProperties", "$defs"] {
        for (name, inner) in keywords.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            descend(inner, format!("{place}/{keyword}/{}", crate::violation::escaped(name)), found);
        }
    }
    if let Some(items) = keywords.get("items") {
        descend(items, format!("{place}/items"), found);
    }
}

fn is_embedded(part: &Value) -> bool {
    part["$ref"] == "#/$defs/embedded_schema"
}
