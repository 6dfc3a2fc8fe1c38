//! What `awooop.json_schema_errors` will show.

use serde_json::json;

use crate::schema::{SchemaError, errors};

#[test]
fn an_error_names_place_rule_and_what_to_do() {
    let schema = json!({
        "properties": { "a/b": { "$ref": "#/$defs/short" }, "n": { "minimum": 1 } },
        "required": ["z"],
        "additionalProperties": false,
        "$defs": { "short": { "type": "string", "maxLength": 3 } }
    });
    let mut rows = errors(&schema, &json!({"a/b": "secret", "n": 0, "x": 1}), 9).unwrap();
    rows.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    let row =
        |pointer: &str, keyword: &str, schema_pointer: &str, expected: &str, got: &str, message: &str| SchemaError {
            pointer: pointer.into(),
            keyword: keyword.into(),
            schema_pointer: schema_pointer.into(),
            expected: expected.into(),
            got: got.into(),
            message: message.into(),
        };
    assert_eq!(
        rows,
        [
            row(
                "",
                "required",
                "/required",
                "the property z",
                "an object without it",
                "Add the property z to the document."
            ),
            row(
                "/a~1b",
                "maxLength",
                "/$defs/short/maxLength",
                "at most 3 characters",
                "a string of 6 characters",
                "Change /a~1b: expected at most 3 characters, got a string of 6 characters."
            ),
            row("/n", "minimum", "/properties/n/minimum", "at least 1", "0", "Change /n: expected at least 1, got 0."),
            row(
                "/x",
                "additionalProperties",
                "/additionalProperties",
                "no such property",
                "an unknown property",
                "Remove /x: the schema has no such property."
            ),
        ]
    );
}

#[test]
fn a_valid_document_has_no_rows_and_a_limit_holds() {
    let schema = json!({ "items": { "type": "string" } });
    assert_eq!(errors(&schema, &json!(["a"]), 9).unwrap(), []);
    assert_eq!(errors(&schema, &json!([1, 2, 3]), 2).unwrap().len(), 2);
    assert_eq!(errors(&schema, &json!([1]), 0).unwrap(), []);
    assert!(errors(&json!({ "type": "text" }), &json!(1), 9).is_err());
    assert!(errors(&json!({ "$ref": "https://example.com/schema" }), &json!(1), 9).is_err());
}
