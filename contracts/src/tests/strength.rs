//! Whether the agreement of schemas and types proves anything: a schema that is changed in one place no longer agrees.

use serde_json::{Value, json};

use super::generator::{Generator, Random};
use super::{described, schema};
use crate::schema::CompiledSchema;
use crate::{Contract, Kind, strict};

/// Besides the documents on edges.
const DOCUMENTS: u64 = 500;

/// Every schema that differs from this one by a bound, word, pattern, requirement or closed level.
fn neighbours(schema: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut add = |place: &str, keyword: &str, value: Option<Value>| {
        let mut other = schema.clone();
        let part = other.pointer_mut(place).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => part.insert(keyword.to_owned(), value),
            None => part.remove(keyword),
        };
        found.push((format!("{place}/{keyword}"), other));
    };
    for (place, part) in described(schema).into_iter().filter(|(place, _)| place != "/$defs/embedded_schema") {
        for (keyword, value) in part.as_object().unwrap() {
            match (keyword.as_str(), value) {
                ("maximum" | "maxItems" | "maxProperties" | "maxLength", Value::Number(n)) => {
                    add(&place, keyword, Some(json!(n.as_u64().unwrap() - 1)));
                }
                ("minimum" | "minItems" | "minProperties" | "minLength", Value::Number(n)) => {
                    add(&place, keyword, Some(json!(n.as_u64().unwrap() + 1)));
                }
                ("enum", Value::Array(words)) => add(&place, keyword, Some(json!(words[..words.len() - 1]))),
                ("required", Value::Array(names)) => {
                    for gone in names {
                        let others: Vec<_> = names.iter().filter(|name| *name != gone).collect();
                        add(&place, keyword, Some(json!(others)));
                    }
                }
                (
                    "pattern" | "uniqueItems" | "additionalProperties" | "if" | "then" | "else" | "allOf" | "anyOf",
                    _,
                )
                | ("contains" | "dependentRequired" | "const" | "propertyNames", _) => add(&place, keyword, None),
                _ => {}
            }
        }
    }
    found
}

fn unnoticed_changes(kind: Kind) -> Vec<String> {
    let generator = Generator::new(kind);
    let at_random = (0..DOCUMENTS).map(|seed| generator.document(&mut Random(seed)));
    let documents: Vec<(Value, bool)> = generator
        .edges()
        .into_iter()
        .chain(at_random)
        .filter(|document| strict::check(document).is_ok())
        .map(|document| (Contract::typed(kind, &document).is_some(), document))
        .map(|(accepted, document)| (document, accepted))
        .collect();
    neighbours(&schema(kind))
        .into_iter()
        .filter(|(_, other)| {
            let other = CompiledSchema::new(other.clone()).unwrap();
            documents.iter().all(|(document, accepted)| other.is_valid(document) == *accepted)
        })
        .map(|(place, _)| format!("{kind:?} {place}"))
        .collect()
}

#[test]
fn a_change_of_any_rule_of_a_schema_is_noticed() {
    let missed: Vec<String> = Kind::ALL.iter().flat_map(|kind| unnoticed_changes(*kind)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}
