//! The one text of a JSON value (RFC 8785, JSON Canonicalization Scheme) and its SHA-256.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A SHA-256 over a canonical text.
pub type DocumentDigest = [u8; 32];

/// The canonical text of a value that [`crate::strict`] accepted.
///
/// # Errors
/// Only where the value holds a number that JSON cannot write, which a parsed value never does.
pub fn canonical_json(value: &Value) -> Result<String, serde_json::Error> {
    serde_jcs::to_string(value)
}

/// SHA-256 of the canonical text: equal for two documents that mean the same, however they were written.
///
/// # Errors
/// As [`canonical_json`].
pub fn digest(value: &Value) -> Result<DocumentDigest, serde_json::Error> {
    Ok(Sha256::digest(canonical_json(value)?.as_bytes()).into())
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
}
