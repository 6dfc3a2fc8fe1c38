//! Signed tokens in the compact form of JWS (RFC 7515), with HS256 and nothing else.
//!
//! A header says `alg`, `kid` and perhaps `typ`; one that says anything more is refused, and each kind of it by its own code:
//! most attacks on tokens are headers that choose how they are to be verified. What is not even a token is refused before
//! anything of it is decoded.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::error::ErrorCode;

/// Longer than any token of ours.
pub const MAX_TOKEN: usize = 4096;
/// Headers that name a key, or where to get one.
const KEYS: [&str; 6] = ["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"];

/// What a `kid` leads to.
pub enum Found<'a> {
    Key(&'a [u8]),
    /// It was rotated out.
    Retired,
    Unknown,
}

/// Signs a payload.
///
/// # Errors
/// Where the library can't; it can.
pub fn sign(kid: &str, secret: &[u8], payload: &[u8]) -> Result<String, ErrorCode> {
    let header = json!({"alg": "HS256", "kid": kid, "typ": "JWT"}).to_string();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature =
        EncodingKey::from_secret(secret).and_then(|key| crypto::sign(message.as_bytes(), &key, Algorithm::HS256));
    let signature = signature.map_err(|_| ErrorCode::SystemInternal)?;
    Ok(format!("{message}.{signature}"))
}

/// The payload of a token that one of our keys has signed.
///
/// # Errors
/// Why it is none.
pub fn open<'a>(token: &str, key: impl FnOnce(&str) -> Found<'a>) -> Result<Vec<u8>, ErrorCode> {
    if token.len() > MAX_TOKEN {
        return Err(ErrorCode::TokenMalformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(ErrorCode::TokenMalformed)?;
    let (header, payload) = message.split_once('.').ok_or(ErrorCode::TokenMalformed)?;
    if payload.contains('.') {
        return Err(ErrorCode::TokenMalformed);
    }
    let kid = kid(&decoded(header)?)?;
    let secret = match key(&kid) {
        Found::Key(secret) => secret,
        Found::Retired => return Err(ErrorCode::TokenKeyRetired),
        Found::Unknown => return Err(ErrorCode::TokenKeyUnknown),
    };
    // Strictly, before the library has its own idea of what it is.
    let (length, payload) = (decoded(signature)?.len(), decoded(payload)?);
    let is_ours = DecodingKey::from_secret(secret)
        .and_then(|key| crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256))
        .unwrap_or(false);
    if length == 32 && is_ours { Ok(payload) } else { Err(ErrorCode::TokenSignature) }
}

/// A part of a token. The engine refuses padding, other alphabets and bits that are left over.
fn decoded(part: &str) -> Result<Vec<u8>, ErrorCode> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| ErrorCode::TokenMalformed)
}

/// The key's id, of a header in which everything is as it must be.
fn kid(header: &[u8]) -> Result<String, ErrorCode> {
    let text = std::str::from_utf8(header).map_err(|_| ErrorCode::TokenMalformed)?;
    let header = awooop_contracts::parse(text, MAX_TOKEN).map_err(|_| ErrorCode::TokenMalformed)?;
    let header = header.as_object().ok_or(ErrorCode::TokenMalformed)?;
    if header.get("alg") != Some(&Value::from("HS256")) {
        return Err(ErrorCode::TokenAlgorithm);
    }
    if header.contains_key("crit") {
        return Err(ErrorCode::TokenCritical);
    }
    if KEYS.iter().any(|name| header.contains_key(*name)) {
        return Err(ErrorCode::TokenKeyInHeader);
    }
    let known = |(name, value): (&String, &Value)| match name.as_str() {
        "alg" | "kid" => value.is_string(),
        "typ" => value == "JWT",
        _ => false,
    };
    if !header.iter().all(known) {
        return Err(ErrorCode::TokenHeader);
    }
    let kid = header.get("kid").and_then(Value::as_str).ok_or(ErrorCode::TokenKeyUnknown)?;
    Ok(kid.to_owned())
}

#[cfg(test)]
mod tests;
