//! More than one schema, and a length: a document must meet all of it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{anything, compiled, read, read_by};
use crate::output::{MAX_ERRORS, MAX_OUTPUT_BYTES, Repair, Requirement};
use crate::schema::CompiledSchema;

fn named(name: &str) -> CompiledSchema {
    compiled(json!({ "type": "object", "required": [name], "properties": { name: { "type": "integer" } } }))
}

fn pairs(raw: &str, schemas: &[&CompiledSchema]) -> Vec<(String, String)> {
    read_by(raw, schemas).unwrap_err().into_iter().map(|error| (error.keyword, error.pointer)).collect()
}

fn pair(keyword: &str, pointer: &str) -> (String, String) {
    (keyword.to_owned(), pointer.to_owned())
}

#[test]
fn every_schema_must_accept_a_document_and_the_errors_are_of_all() {
    let (a, b) = (named("a"), named("b"));
    let both = [&a, &b];
    assert_eq!(read_by("```json\n{'a': 1, 'b': 2}\n```", &both).unwrap().document, json!({"a": 1, "b": 2}));
    assert_eq!(pairs("{\"a\": 1}", &both), [pair("required", "")]);
    assert_eq!(pairs("{\"b\": 1}", &both), [pair("required", "")]);
    assert_eq!(pairs("{\"a\": \"1\", \"b\": \"2\"}", &both), [pair("type", "/a"), pair("type", "/b")]);
    assert_eq!(pairs("{\"a\": \"1\"}", &[&a, &a]), [pair("type", "/a")], "two that demand the same say it once");
    // A document that only one of them accepts is no answer; one that both accept is, wherever it stands.
    assert_eq!(read_by("{\"a\": 1} or rather {\"a\": 1, \"b\": 2}", &both).unwrap().document, json!({"a": 1, "b": 2}));
}

#[test]
fn a_schema_with_much_to_say_leaves_room_for_the_others() {
    let wordy = compiled(json!({ "type": "array", "items": { "type": "integer" } }));
    let terse = compiled(json!({ "maxItems": 3 }));
    let raw = json!(vec!["x"; 50]).to_string();
    let errors = pairs(&raw, &[&wordy, &terse]);
    assert!(errors.len() <= MAX_ERRORS && errors.contains(&pair("maxItems", "")), "{errors:?}");
    assert_eq!(pairs(&raw, &[&wordy, &anything()]).len(), MAX_ERRORS, "one that accepts takes no room");
}

#[test]
fn without_a_schema_any_document_will_do_and_nothing_is_closed() {
    for (raw, document) in [("{a: 1,}", json!({"a": 1})), ("```\n[1]\n```", json!([1])), ("7", json!(7))] {
        assert_eq!(read_by(raw, &[]).unwrap().document, document);
    }
    for (raw, keyword) in [("no document", "missing"), ("{\"a\": 1", "truncated"), ("", "missing")] {
        assert_eq!(pairs(raw, &[])[0].0, keyword, "{raw}");
    }
}

#[test]
fn one_schema_without_room_is_enough_to_close_a_bracket() {
    let (open, full) = (named("a"), compiled(json!({ "type": "object", "maxProperties": 1 })));
    assert!(read("{\"a\": 1 ", &open).is_err());
    for schemas in [[&open, &full], [&full, &open]] {
        assert_eq!(read_by("{\"a\": 1 ", &schemas).unwrap().repairs, [Repair::ClosingBracket]);
        assert_eq!(pairs("{\"b\": 1 ", &schemas), [pair("required", "")]);
    }
}

#[test]
fn the_length_is_that_of_the_documents_text() {
    let limit = |raw: &str, max_bytes| super::super::read(raw, Requirement { schemas: &[&named("n")], max_bytes });
    let around = format!("{}```\n{{\"n\":   12}}\n```", "words ".repeat(50));
    assert_eq!(limit(&around, 8).unwrap().document, json!({"n": 12}));
    let errors = limit(&around, 7).unwrap_err();
    assert_eq!((errors.len(), errors[0].keyword.as_str(), errors[0].pointer.as_str()), (1, "size", ""));
    assert!(errors[0].message.contains("at most 7 bytes"), "{}", errors[0].message);
    let both = limit("{\"n\": \"long\"}", 7).unwrap_err();
    assert_eq!(both.iter().map(|error| error.keyword.as_str()).collect::<Vec<_>>(), ["size", "type"]);
}

fn schema() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        Just(json!({ "required": ["a"] })),
        Just(json!({ "required": ["b"] })),
        Just(json!({ "maxProperties": 1 })),
        Just(json!({ "properties": { "a": { "type": "integer" } }, "additionalProperties": false })),
        Just(json!({ "properties": { "b": { "minimum": 2 } } })),
        Just(json!({ "type": "object" })),
        Just(json!(true)),
        Just(json!(false)),
    ];
    prop::collection::vec(part, 0..3).prop_map(|parts| json!({ "allOf": parts }))
}

fn document() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[ab]", prop_oneof![(0..4).prop_map(Value::from), Just(json!("x"))], 0..3)
        .prop_map(|members| json!(members))
}

proptest! {
    #[test]
    fn several_schemas_are_what_each_of_them_says(schemas in prop::collection::vec(schema(), 0..4), document in document()) {
        // A schema of no parts would be `{"allOf": []}`, which is none.
        let schemas: Vec<CompiledSchema> = schemas
            .into_iter()
            .map(|schema| compiled(if schema["allOf"] == json!([]) { json!({}) } else { schema }))
            .collect();
        let schemas: Vec<&CompiledSchema> = schemas.iter().collect();
        let required = Requirement { schemas: &schemas, max_bytes: MAX_OUTPUT_BYTES };
        let accepted = schemas.iter().all(|schema| schema.is_valid(&document));
        prop_assert_eq!(required.errors(&document).is_empty(), accepted);
        prop_assert!(required.errors(&document).len() <= MAX_ERRORS);
        let read = super::super::read(&document.to_string(), required);
        prop_assert_eq!(read.is_ok(), accepted);
        // Each error is one that a schema finds by itself.
        for error in read.err().unwrap_or_default() {
            let told = schemas.iter().any(|schema| {
                let alone = Requirement { schemas: &[schema], max_bytes: MAX_OUTPUT_BYTES };
                alone.errors(&document).contains(&error)
            });
            prop_assert!(told);
        }
    }
}
