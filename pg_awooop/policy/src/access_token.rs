//! Access tokens of an outside issuer (OAuth 2.1; RFC 9068, RFC 7519): what one looks like, whose keys verify it, and what
//! it lets its holder do here.
//!
//! A project registers issuers ([`registration`]). Their key sets are read strictly ([`jwk`]), and only what can verify a
//! signature is kept. A token is read before anything is believed of it ([`presented`]), its signature is checked by a key
//! that the issuer published and by no algorithm but that key's ([`signature`]), and its claims are held against what was
//! registered ([`terms`]). Nothing here says why a token was refused: whoever presents one learns only that it was.

pub mod jwk;
pub mod presented;
pub mod registration;
pub mod signature;
pub mod terms;

use awooop_contracts::words;

/// Longer than any token that is worth reading.
pub const MAX_TOKEN: usize = 8 * 1024;
/// By how much clocks may differ, in seconds.
pub const LEEWAY: i64 = 5;
/// How long a key set is good for after it was fetched, in seconds: an issuer that nobody has heard of for a day may have
/// withdrawn a key.
pub const KEYS_ARE_GOOD_FOR: i64 = 24 * 60 * 60;

words! {
    /// How a token may be signed: with a private key that only the issuer has. Nothing symmetric is among them, for whoever
    /// could verify with such a key could sign with it.
    pub enum Algorithm {
        /// RSA with PKCS #1 v1.5.
        Rs256 = "RS256",
        /// RSA with PSS.
        Ps256 = "PS256",
        /// ECDSA on P-256.
        Es256 = "ES256",
        /// ECDSA on P-384.
        Es384 = "ES384",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

#[cfg(test)]
mod tests;
