//! An outside issuer of access tokens: keys that it makes for itself, the set that it publishes, the tokens that it signs.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Signer as _;
use rsa::pkcs1v15::SigningKey as Pkcs1;
use rsa::pss::SigningKey as Pss;
use rsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

use super::answer::literal;
use super::tenant::unique;
use super::{Actor, Session};

/// What every issuer's tokens are for.
pub const AUDIENCE: &str = "https://gateway.example/mcp";

enum Secret {
    Rsa,
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// One key of an issuer, with the algorithm that it signs by.
pub struct Signer {
    pub kid: String,
    pub algorithm: &'static str,
    secret: Secret,
}

/// Base64url as it stands in tokens and keys.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    i64::try_from(since.as_secs()).expect("a time")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

/// The RSA key of this process: making one takes its time.
fn rsa_key() -> &'static rsa::PrivateKey {
    static KEY: OnceLock<rsa::PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| rsa::PrivateKey::new(&mut getrandom::SysRng, 2048).expect("a key"))
}

impl Signer {
    /// A new key; those of RSA are one, under an id of its own.
    pub fn new(algorithm: &'static str) -> Self {
        // Nearly every number of that many bytes is a key of the curve.
        let secret = match algorithm {
            "RS256" | "PS256" => Secret::Rsa,
            "ES256" => Secret::P256(p256::ecdsa::SigningKey::from_slice(&random::<32>()).expect("a key")),
            "ES384" => Secret::P384(p384::ecdsa::SigningKey::from_slice(&random::<48>()).expect("a key")),
            "EdDSA" => Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(&random::<32>())),
            other => panic!("nobody signs by {other}"),
        };
        Self { kid: unique("kid"), algorithm, secret }
    }

    /// A new key that takes the id of another.
    pub fn under(algorithm: &'static str, kid: &str) -> Self {
        Self { kid: kid.to_owned(), ..Self::new(algorithm) }
    }

    /// The public key as it is published.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.secret {
            Secret::Rsa => {
                let [n, e] = [rsa_key().n_bytes(), rsa_key().e_bytes()].map(encoded);
                json!({"kty": "RSA", "n": n, "e": e})
            }
            Secret::P256(key) => point("P-256", key.verifying_key().to_sec1_point(false).as_bytes()),
            Secret::P384(key) => point("P-384", key.verifying_key().to_sec1_point(false).as_bytes()),
            Secret::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(key.verifying_key().as_bytes())})
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm.into();
        jwk
    }

    /// Signs any message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Rsa if self.algorithm == "RS256" => {
                Pkcs1::<sha2::Sha256>::new(rsa_key().clone()).sign(message).to_vec()
            }
            Secret::Rsa => Pss::<sha2::Sha256>::new(rsa_key().clone()).sign(message).to_vec(),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }

    /// A token with any header and payload, signed.
    pub fn signed(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(payload));
        let signature = encoded(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// A token of the usual header.
    pub fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt"});
        self.signed(&header.to_string(), &claims.to_string())
    }
}

fn point(curve: &str, uncompressed: &[u8]) -> Value {
    let (x, y) = uncompressed[1..].split_at(uncompressed.len() / 2);
    json!({"kty": "EC", "crv": curve, "x": encoded(x), "y": encoded(y)})
}

/// What a good token of `issuer` says, for the next five minutes.
pub fn claims(issuer: &str, scope: &str) -> Value {
    json!({"iss": issuer, "aud": AUDIENCE, "sub": "ada", "exp": now() + 300, "iat": now(), "scope": scope})
}

/// The set of these keys, as it is published.
pub fn key_set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}).to_string()
}

/// The credential of a new courier; `admin` is an operator or a superuser.
#[track_caller]
pub fn courier(admin: &mut Session) -> String {
    let made = admin.json(&format!("select awooop.create_issuer_courier('{}', 'a test')", unique("courier")));
    made["courier"].as_str().expect("a credential").to_owned()
}

/// SQL that brings a key set into the database.
pub fn store(courier: &str, project: &str, issuer: &str, jwks: &str) -> String {
    let [courier, project, issuer, jwks] = [courier, project, issuer, jwks].map(literal);
    format!("select awooop.store_issuer_keys({courier}, {project}, {issuer}, {jwks})")
}

/// Uses every operation on issuers once at least. `does` carries an operation out and returns its answer.
#[track_caller]
pub fn every_operation(mut does: impl FnMut(&str, Value) -> Value) {
    let issuer = "https://idp.example/realms/shop";
    let registered = does(
        "set_token_issuer",
        json!({"issuer": issuer, "jwks_uri": "https://idp.example/keys", "audience": AUDIENCE, "scopes": ["tools:call"],
               "agent_claim": "agent", "subject_claim": "email", "project_claim": "tenant", "reason": "the shop's own"}),
    );
    assert_eq!((&registered["subject_claim"], &registered["keys"]), (&json!("email"), &json!([])));
    assert_eq!(does("list_token_issuers", json!({}))["items"], json!([registered]));
    let removed = does("remove_token_issuer", json!({"issuer": issuer, "reason": "sold"}));
    assert_eq!(removed["removed"], true);
}

/// Registers an issuer with a key for the actor; `word` is in what takes any text.
#[track_caller]
pub fn register_one(admin: &mut Session, actor: &mut Actor, word: &str) {
    let issuer = format!("https://{word}.example");
    let registered = actor.call(&format!(
        "select awooop.set_token_issuer('{issuer}', '{issuer}/keys', '{AUDIENCE}', '{{runs:read}}', reason => '{word}')"
    ));
    assert_eq!(registered["issuer"], issuer.as_str(), "{registered}");
    let set = key_set(&[&Signer::under("EdDSA", word)]);
    let courier = courier(admin);
    assert_eq!(admin.json(&store(&courier, &actor.project, &issuer, &set))["keys"], 1);
}
