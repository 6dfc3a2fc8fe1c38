//! The keys that an issuer publishes (RFC 7517), as far as they can verify a signature, and as text to be stored.
//!
//! A set is read as a whole: one that shows what must be secret, or in which one id stands for two keys, is refused whole, for
//! whoever publishes that has lost control of it. Keys for something else, or too weak, are passed over: a set often has keys
//! for encryption as well.

use awooop_contracts::parse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::Algorithm;
use super::presented::is_kid;

/// Longest key set, in bytes.
pub const MAX_SET: usize = 64 * 1024;
/// Most keys of one issuer.
pub const MOST_KEYS: usize = 16;
/// Members that only a private or a symmetric key has (RFC 7518, section 6).
const SECRET: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];

/// Why a key set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no JSON object with a list of keys, or too long.
    NotASet,
    /// It shows a private or a symmetric key.
    ShowsASecret,
    /// One id stands for two keys.
    SameIdTwice,
    /// There are more than are kept.
    TooMany,
}

impl Unfit {
    /// The reason in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unfit::NotASet => "not_a_set",
            Unfit::ShowsASecret => "shows_a_secret",
            Unfit::SameIdTwice => "same_id_twice",
            Unfit::TooMany => "too_many",
        }
    }
}

/// A public key of an issuer, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerKey {
    pub kid: String,
    /// What [`PublicKey::read`] takes: the members that make the key, and no others.
    pub jwk: String,
}

/// What kind of key it is, as far as verifying takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    Ed25519,
}

/// A key that verifies signatures.
pub struct PublicKey {
    pub(super) key: DecodingKey,
    pub(super) weight: Weight,
    /// The one algorithm that the issuer gave it, if it did.
    only: Option<Algorithm>,
}

impl PublicKey {
    /// The key of a stored text.
    pub fn read(jwk: &str) -> Option<Self> {
        match parse(jwk, MAX_SET).ok()? {
            Value::Object(members) => Self::of(&members),
            _ => None,
        }
    }

    /// Whether the key is for signatures of this kind.
    pub fn admits(&self, algorithm: Algorithm) -> bool {
        let of_its_kind: &[Algorithm] = match self.weight {
            Weight::Rsa2048 | Weight::Rsa3072 | Weight::Rsa4096 => &[Algorithm::Rs256, Algorithm::Ps256],
            Weight::P256 => &[Algorithm::Es256],
            Weight::P384 => &[Algorithm::Es384],
            Weight::Ed25519 => &[Algorithm::EdDsa],
        };
        of_its_kind.contains(&algorithm) && self.only.is_none_or(|only| only == algorithm)
    }

    /// The key that a member of a set is, if it is one that can be used.
    fn of(members: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let (key, weight) = match (text("kty")?, text("crv")) {
            ("RSA", None) => rsa(text("n")?, text("e")?)?,
            ("EC", Some("P-256")) => (point(text("x")?, text("y")?, 32)?, Weight::P256),
            ("EC", Some("P-384")) => (point(text("x")?, text("y")?, 48)?, Weight::P384),
            ("OKP", Some("Ed25519")) => {
                let x = decoded(text("x")?).filter(|x| x.len() == 32)?;
                (DecodingKey::from_ed_der(&x), Weight::Ed25519)
            }
            _ => return None,
        };
        let only = match members.get("alg") {
            None => None,
            Some(word) => Some(Algorithm::parse(word.as_str()?)?),
        };
        let key = Self { key, weight, only };
        Algorithm::ALL.iter().any(|algorithm| key.admits(*algorithm)).then_some(key).filter(super::signature::is_usable)
    }
}

/// The usable keys of a set.
///
/// # Errors
/// Why nothing of the set is taken.
pub fn read_set(text: &str) -> Result<Vec<IssuerKey>, Unfit> {
    let set = parse(text, MAX_SET).map_err(|_| Unfit::NotASet)?;
    let members = set.get("keys").and_then(Value::as_array).ok_or(Unfit::NotASet)?;
    let mut keys: Vec<IssuerKey> = Vec::new();
    for member in members {
        let member = member.as_object().ok_or(Unfit::NotASet)?;
        if SECRET.iter().any(|name| member.contains_key(*name)) || member.get("kty").is_some_and(|kty| kty == "oct") {
            return Err(Unfit::ShowsASecret);
        }
        let Some(key) = signing_key(member) else { continue };
        if keys.iter().any(|known| known.kid == key.kid) {
            return Err(Unfit::SameIdTwice);
        }
        keys.push(key);
    }
    if keys.len() > MOST_KEYS { Err(Unfit::TooMany) } else { Ok(keys) }
}

/// A member of a set that verifies signatures and has an id.
fn signing_key(member: &Map<String, Value>) -> Option<IssuerKey> {
    let kid = member.get("kid")?.as_str().filter(|kid| is_kid(kid))?;
    let is_for_signatures = member.get("use").is_none_or(|value| value == "sig")
        && member.get("key_ops").is_none_or(|value| {
            value.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
        });
    if !is_for_signatures {
        return None;
    }
    PublicKey::of(member)?;
    let made_of = ["alg", "crv", "e", "kty", "n", "x", "y"];
    let made_of = made_of.into_iter().filter_map(|name| Some((name.to_owned(), member.get(name)?.clone())));
    Some(IssuerKey { kid: kid.to_owned(), jwk: Value::Object(made_of.collect()).to_string() })
}

/// Of the usual sizes alone: how long a key of another takes would tell that it is there.
fn rsa(modulus: &str, exponent: &str) -> Option<(DecodingKey, Weight)> {
    let (modulus, exponent) = (number(modulus)?, number(exponent)?);
    let weight = match modulus.len() {
        256 => Weight::Rsa2048,
        384 => Weight::Rsa3072,
        512 => Weight::Rsa4096,
        _ => return None,
    };
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // With 1 everything is its own signature.
    let is_exponent = exponent.len() <= 4 && is_odd(&exponent) && exponent != [1];
    let is_key = modulus.first().is_some_and(|byte| byte & 0x80 != 0) && is_odd(&modulus) && is_exponent;
    is_key.then(|| (DecodingKey::from_rsa_raw_components(&modulus, &exponent), weight))
}

/// A point of a curve whose coordinates have this length, uncompressed (SEC 1).
fn point(x: &str, y: &str, length: usize) -> Option<DecodingKey> {
    let (x, y) = (decoded(x)?, decoded(y)?);
    let is_complete = x.len() == length && y.len() == length;
    is_complete.then(|| DecodingKey::from_ec_der(&[&[4], x.as_slice(), y.as_slice()].concat()))
}

/// A whole number without leading zeros.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = decoded(text)?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
