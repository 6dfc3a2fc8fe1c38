//! The canonical form against RFC 8785 and against other implementations of it.

mod documents;
mod numbers;
mod others;
mod vectors;

use super::*;
use serde_json::json;

/// The canonical form of a text.
fn canonical(text: &str) -> String {
    canonical_json(&serde_json::from_str(text).unwrap()).unwrap()
}

#[test]
fn keys_sort_by_utf16_and_numbers_print_as_ecmascript_does() {
    // The two sort examples differ between UTF-8 and UTF-16 order: U+FB33 and U+1F600 (RFC 8785, section 3.2.3).
    let value = json!({"\u{fb33}": 1, "\u{1f600}": 2, "\r": 3, "1": 4, "z": [1e21, 1e-7, 100_000.0, -0.0, 0.1]});
    assert_eq!(
        canonical_json(&value).unwrap(),
        "{\"\\r\":3,\"1\":4,\"z\":[1e+21,1e-7,100000,0,0.1],\"\u{1f600}\":2,\"\u{fb33}\":1}"
    );
}

#[test]
fn a_document_has_one_digest_however_it_is_written() {
    let a: Value = serde_json::from_str(r#"{"b":1.0,"a":"\u0041"}"#).unwrap();
    let b: Value = serde_json::from_str("{ \"a\" : \"A\", \"b\" : 1 }").unwrap();
    assert_eq!(digest(&a).unwrap(), digest(&b).unwrap());
    assert_ne!(digest(&a).unwrap(), digest(&json!({"a": "A", "b": 2})).unwrap());
}
