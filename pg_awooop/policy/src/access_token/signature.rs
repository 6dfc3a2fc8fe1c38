//! Whether a token was signed by a key, and the same work where there is no such key.
//!
//! The key says which algorithms it is for; the header only says which of these it was. What a refusal takes does not tell
//! whether there is such an issuer or key: whatever failed, one key of every weight that the named algorithm has was tried.

use jsonwebtoken::{DecodingKey, crypto};
use sha2::{Digest, Sha256};

use super::Algorithm;
use super::jwk::{PublicKey, Weight};
use super::presented::Presented;

/// A message and a signature of the right length, for keys that nothing was presented for.
const NOTHING: &str = "nothing";

/// Whether the key has signed the token.
pub fn is_by(presented: &Presented, key: &PublicKey) -> bool {
    key.admits(presented.algorithm)
        && verifies(&key.key, presented.algorithm, presented.message, presented.signature).unwrap_or(false)
}

/// Does what else [`is_by`] would have done for the heaviest of keys: for a token that is refused, whatever the cause.
pub fn make_up_for(presented: Option<&Presented>, key: Option<&PublicKey>) {
    let algorithm = presented.map_or(Algorithm::Rs256, |presented| presented.algorithm);
    let (message, signature) =
        presented.map_or((NOTHING, NOTHING), |presented| (presented.message, presented.signature));
    let done = key.filter(|key| presented.is_some() && key.admits(algorithm)).map(|key| key.weight);
    for weight in weights(algorithm).iter().filter(|weight| Some(**weight) != done) {
        let verified = verifies(&decoy(*weight), algorithm, message, signature);
        // What came of it means nothing; that it was done must not be optimized away.
        std::hint::black_box(verified.unwrap_or(false));
    }
}

/// Whether the library can verify anything with it: a point may lie beside its curve.
pub(super) fn is_usable(key: &PublicKey) -> bool {
    let algorithm = Algorithm::ALL.iter().copied().find(|algorithm| key.admits(*algorithm));
    algorithm.is_some_and(|algorithm| verifies(&key.key, algorithm, NOTHING, "AA").is_some())
}

/// Whether the signature is the key's; nothing where it can't be asked.
fn verifies(key: &DecodingKey, algorithm: Algorithm, message: &str, signature: &str) -> Option<bool> {
    let algorithm = match algorithm {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    };
    crypto::verify(signature, message.as_bytes(), key, algorithm).ok()
}

fn weights(algorithm: Algorithm) -> &'static [Weight] {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => &[Weight::Rsa2048, Weight::Rsa3072, Weight::Rsa4096],
        Algorithm::Es256 => &[Weight::P256],
        Algorithm::Es384 => &[Weight::P384],
        Algorithm::EdDsa => &[Weight::Ed25519],
    }
}

/// A key that takes as long as any other of its weight. What it would verify does not matter, for nobody asks.
fn decoy(weight: Weight) -> DecodingKey {
    match weight {
        Weight::Rsa2048 => decoy_modulus(256),
        Weight::Rsa3072 => decoy_modulus(384),
        Weight::Rsa4096 => decoy_modulus(512),
        Weight::P256 => DecodingKey::from_ec_der(&P256_BASE),
        Weight::P384 => DecodingKey::from_ec_der(&P384_BASE),
        Weight::Ed25519 => DecodingKey::from_ed_der(&ED25519_BASE),
    }
}

/// An odd number of that many bytes with its highest bit set.
fn decoy_modulus(length: usize) -> DecodingKey {
    let mut bytes: Vec<u8> = (0_u8..).flat_map(|n| Sha256::digest([n])).take(length).collect();
    if let [first, .., last] = bytes.as_mut_slice() {
        *first |= 0x80;
        *last |= 1;
    }
    DecodingKey::from_rsa_raw_components(&bytes, &[1, 0, 1])
}

/// The base point of P-256 (SEC 2, 2.4.2), uncompressed.
const P256_BASE: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
    0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe,
    0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce,
    0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

/// The base point of P-384 (SEC 2, 2.5.1), uncompressed.
const P384_BASE: [u8; 97] = [
    0x04, 0xaa, 0x87, 0xca, 0x22, 0xbe, 0x8b, 0x05, 0x37, 0x8e, 0xb1, 0xc7, 0x1e, 0xf3, 0x20, 0xad, 0x74, 0x6e, 0x1d,
    0x3b, 0x62, 0x8b, 0xa7, 0x9b, 0x98, 0x59, 0xf7, 0x41, 0xe0, 0x82, 0x54, 0x2a, 0x38, 0x55, 0x02, 0xf2, 0x5d, 0xbf,
    0x55, 0x29, 0x6c, 0x3a, 0x54, 0x5e, 0x38, 0x72, 0x76, 0x0a, 0xb7, 0x36, 0x17, 0xde, 0x4a, 0x96, 0x26, 0x2c, 0x6f,
    0x5d, 0x9e, 0x98, 0xbf, 0x92, 0x92, 0xdc, 0x29, 0xf8, 0xf4, 0x1d, 0xbd, 0x28, 0x9a, 0x14, 0x7c, 0xe9, 0xda, 0x31,
    0x13, 0xb5, 0xf0, 0xb8, 0xc0, 0x0a, 0x60, 0xb1, 0xce, 0x1d, 0x7e, 0x81, 0x9d, 0x7a, 0x43, 0x1d, 0x7c, 0x90, 0xea,
    0x0e, 0x5f,
];

/// The base point of Ed25519 (RFC 8032, 5.1).
const ED25519_BASE: [u8; 32] = [
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
];

/// Whether the decoys of an algorithm are keys that the library computes with.
#[cfg(test)]
pub(super) fn decoys_are_usable(algorithm: Algorithm) -> bool {
    weights(algorithm).iter().all(|weight| verifies(&decoy(*weight), algorithm, NOTHING, "AA") == Some(false))
}
