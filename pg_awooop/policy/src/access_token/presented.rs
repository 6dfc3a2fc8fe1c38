//! A token as it is presented, read and not yet believed: the compact form of JWS (RFC 7515) with a header in which
//! everything is as it must be.
//!
//! Most attacks on tokens are headers that choose how they are to be verified. So a header that brings a key, says where to
//! get one, or wants to be understood in a way of its own makes the token none at all.

use awooop_contracts::parse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Algorithm, MAX_TOKEN};
use crate::name::NameRule;

/// Longest id of a key.
pub const MAX_KID: usize = 128;
/// Members of a header that no access token has for a good reason: keys and where they are, another reading of the token, and
/// a token within it.
const REFUSED: [&str; 9] = ["b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip"];
/// What a header may say that it is: an access token, or any.
const TYPES: [&str; 3] = ["at+jwt", "application/at+jwt", "JWT"];

/// What a token says of itself. No Debug: it is as good as the token.
pub struct Presented<'a> {
    /// What is signed.
    pub(super) message: &'a str,
    pub(super) signature: &'a str,
    pub(super) algorithm: Algorithm,
    kid: String,
    claims: Map<String, Value>,
}

/// Whether a credential is meant as a token: three parts of base64url, of which the first begins as an object does.
pub fn looks_like_one(credential: &str) -> bool {
    let mut parts = credential.split('.');
    let is_part = |part: Option<&str>| {
        part.is_some_and(|text| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
    };
    let are_parts = is_part(parts.next()) && is_part(parts.next()) && is_part(parts.next());
    are_parts && parts.next().is_none() && credential.starts_with("ey")
}

impl<'a> Presented<'a> {
    /// Reads a token; nothing where it is none.
    pub fn read(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header = object(header)?;
        if REFUSED.iter().any(|name| header.contains_key(*name)) || !header.get("typ").is_none_or(is_type) {
            return None;
        }
        let algorithm = Algorithm::parse(header.get("alg")?.as_str()?)?;
        let kid = header.get("kid")?.as_str().filter(|kid| is_kid(kid))?.to_owned();
        Some(Self { message, signature, algorithm, kid, claims: object(payload)? })
    }

    /// The id of the key that is said to have signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Who is said to have issued it; empty where nobody is.
    pub fn issuer(&self) -> &str {
        self.text("iss")
    }

    /// The project that it is said to be for; empty where none is. A hint, until the token is proven.
    pub fn project(&self) -> &str {
        self.text("project_id")
    }

    pub(super) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Whether this can be the id of a key.
pub(super) fn is_kid(kid: &str) -> bool {
    NameRule::Line.admits(kid) && kid.chars().count() <= MAX_KID
}

fn is_type(value: &Value) -> bool {
    value.as_str().is_some_and(|word| TYPES.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// A part that is an object. The engine refuses padding, other alphabets and bits that are left over; the reader refuses
/// members that are there twice.
fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    match parse(std::str::from_utf8(&bytes).ok()?, MAX_TOKEN) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}
