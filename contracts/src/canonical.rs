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
mod tests;
