//! Documents as PostgreSQL stores them: the verdict is that of their text, or there is none.

use jsonschema::json::Node;
use jsonschema_value::jsonb::encode::{NumericForm, encode, encode_numeric_text_scalar};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::schema::CompiledSchema;
use crate::schema::stored::Document;
use crate::{schema::graph::size, strict};

const LONGEST: usize = 8 << 20;

fn compiled(schema: Value) -> CompiledSchema {
    CompiledSchema::new(schema).unwrap()
}

/// A number as PostgreSQL stores it, in each of the ways that it has.
fn numbers(text: &str) -> [Vec<u8>; 3] {
    [NumericForm::Short, NumericForm::Long, NumericForm::ShortVarlena]
        .map(|form| encode_numeric_text_scalar(text, form))
}

#[test]
fn a_number_is_read_as_its_text_is() {
    let same = |jsonb: &[u8], text: &str| {
        let read = Document::read(jsonb).map(|document| document.root().to_value().into_owned());
        assert_eq!(read, Some(strict::parse(text, 99).unwrap()), "{text}");
    };
    for text in [
        "0",
        "-1",
        "1.0",
        "7.00",
        "10000",
        "9007199254740992",
        "-9007199254740992",
        "0.1",
        "-12345.678901",
        "99999.999",
        "0.0000001",
        "0.30000000000000004",
        "121.56542680000001",
        "1732345678.1234567",
    ] {
        for jsonb in numbers(text) {
            same(&jsonb, text);
        }
    }
    // Read as a binary fraction, each is another number, some of them whole ones.
    for text in ["1.00000000000000001", "9007199254740991.25", "0.10000000000000000001"] {
        same(&encode_numeric_text_scalar(text, NumericForm::Long), text);
    }
    // What the text is refused for, or as long as.
    for text in [
        "9007199254740993",
        "-9007199254740993",
        "9007199254740991.5",
        "9007199254740992.3",
        "9007199254740993.0",
        "1e16",
        "1e400",
        "1e-400",
    ] {
        assert!(Document::read(&encode_numeric_text_scalar(text, NumericForm::Long)).is_none(), "{text}");
    }
}

#[test]
fn what_is_too_deep_too_long_or_too_costly_is_left_to_the_text() {
    let any = compiled(json!(true));
    let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(any.is_valid_stored(&encode(&deep(strict::MAX_DEPTH)), LONGEST), Some(true));
    assert_eq!(any.is_valid_stored(&encode(&deep(strict::MAX_DEPTH + 1)), LONGEST), None);
    assert_eq!(any.is_valid_stored(&encode(&json!("\u{1}".repeat(20_000))), 100_000), None);
    // Definitions of which each refers to itself twice, on a document that is as deep as may be.
    let branching = compiled(json!({"items": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}}));
    assert_eq!(branching.is_valid_stored(&encode(&deep(60)), LONGEST), None);
    let list = compiled(json!({"items": {"$ref": "#"}, "type": "array"}));
    assert_eq!(list.is_valid_stored(&encode(&json!([[], [[]]])), LONGEST), Some(true));
    assert_eq!(list.is_valid_stored(&encode(&json!([[], [7]])), LONGEST), Some(false));
}

#[test]
fn what_is_no_jsonb_is_left_alone() {
    let whole = encode(&json!({"a": [1, 2.5, "text"], "b": {"c": null}}));
    assert!(Document::read(&whole).is_some());
    for length in 0..whole.len() {
        assert!(Document::read(&whole[..length]).is_none(), "{length}");
    }
}

/// Documents and the schemas that tell them apart by every kind of keyword.
fn schemas() -> Vec<Value> {
    vec![
        json!({"type": ["object", "integer"]}),
        json!({"enum": [1, "a", null, [0.5], {"a": 1}]}),
        json!({"const": 0.5}),
        json!({"multipleOf": 0.25, "minimum": -3}),
        json!({"uniqueItems": true}),
        json!({"maxLength": 2, "pattern": "^a"}),
        json!({"properties": {"a": {"type": "number"}}, "additionalProperties": {"type": ["string", "array"]}}),
        json!({"propertyNames": {"maxLength": 1}, "maxProperties": 2}),
        json!({"contains": {"const": 1}, "minContains": 1, "maxContains": 2}),
        json!({"patternProperties": {"^a": false}, "unevaluatedProperties": {"type": "boolean"}}),
        json!({"prefixItems": [{"type": "integer"}], "unevaluatedItems": {"not": {"type": "null"}}}),
        json!({"anyOf": [{"items": {"$ref": "#"}, "type": "array"}, {"maximum": 5}, {"minLength": 1}]}),
        json!({"if": {"required": ["a"]}, "then": {"minProperties": 2}, "else": {"type": ["object", "array"]}}),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-6i64..7).prop_map(Value::from),
        (-(1i64 << 53)..=(1i64 << 53)).prop_map(Value::from),
        prop::sample::select(vec![0.5, 0.25, -1.5, 1.0, 0.1]).prop_map(Value::from),
        (-1e6..1e6).prop_map(Value::from),
        "[ab\u{e9}\u{1f600}]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 80, 40, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..40).prop_map(Value::from),
            prop::collection::btree_map("[ab]{0,2}", inner, 0..40)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn the_verdict_is_that_of_the_text(document in any_json()) {
        let jsonb = encode(&document);
        let read = Document::read(&jsonb).unwrap();
        prop_assert_eq!(read.size, size(&document));
        prop_assert_eq!(read.root().to_value().into_owned(), document.clone());
        for schema in schemas() {
            let compiled = compiled(schema);
            let text = compiled.is_valid(&document);
            prop_assert_eq!(compiled.is_valid_stored(&jsonb, LONGEST), Some(text), "{}", compiled.as_value());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Document::read(&bytes);
    }
}
