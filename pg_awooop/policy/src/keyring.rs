//! The keyring: the platform's secret keys, by id, in a JSON file that only the server's user can read.
//!
//! ```json
//! {"version": 1, "name": "awooop.example.org", "keys": [
//!   {"id": "audit-1", "use": "audit", "algorithm": "Ed25519", "state": "current", "secret": "base64 of 32 bytes"}]}
//! ```
//!
//! `name` stands in every checkpoint, so it should be the installation's own. A key is `standby` (others already
//! trust it), `current` (signs; one for each use) or `retired` (only verifies): rotation adds one, makes it current,
//! and retires the old. A retired audit key keeps its public half alone, so that whoever reads the file later cannot
//! sign in its name. A retired contract key has no such half, so it keeps its secret, without which nothing that it signed
//! could be verified: whoever reads the file can sign in its name, which is why a retired key is told of as such. The same
//! goes for an approval key, whose tokens are over with it: what it vouched for can still be looked at. No type
//! here that holds a secret can be printed, and no error quotes the file.

mod approval;
mod contract;
#[cfg(test)]
mod tests;

use std::fmt;

use awooop_contracts::parse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde_json::{Map, Value, json};
use signed_note::StandardVerifier;

pub use self::approval::{ApprovalSigner, Vouched};
pub use self::contract::{ContractSigner, MacVerdict};
use crate::name::NameRule;

/// Largest keyring file, in bytes.
pub const MAX_FILE: usize = 256 * 1024;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$inner])* $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Its word in the file and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            /// The one of that word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// What a key is for.
    Use {
        /// Signs checkpoints of audit logs: Ed25519.
        Audit = "audit",
        /// Signs contracts: HMAC-SHA-256.
        Contract = "contract",
        /// Signs approval tokens: JWT with HS256.
        Approval = "approval",
    }
}

words! {
    /// Where a key is in its life.
    State {
        Standby = "standby",
        Current = "current",
        Retired = "retired",
    }
}

impl Use {
    const fn algorithm(self) -> &'static str {
        match self {
            Use::Audit => "Ed25519",
            Use::Contract | Use::Approval => "HS256",
        }
    }
}

/// Why a text is no keyring, or a change of one is refused. Says where, never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringError {
    NotJson,
    Version,
    Name,
    Members,
    KeyId,
    Word,
    Algorithm,
    Secret,
    TwoCurrent,
    UnknownKey,
    KeyExists,
    Retired,
    Random,
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotJson => "it is not a JSON object without duplicate keys",
            Self::Version => "its version is not 1",
            Self::Name => "its name is empty or has spaces or a plus sign",
            Self::Members => "it lacks a member or has an unknown one",
            Self::KeyId => "a key's id has other characters than letters, digits, '.', '_' and '-', or stands twice",
            Self::Word => "a key's use or state is not one of the known words",
            Self::Algorithm => "a key's algorithm does not belong to its use",
            Self::Secret => "a key's secret or public part is not the base64 of 32 bytes, or is missing",
            Self::TwoCurrent => "two keys of one use are current",
            Self::UnknownKey => "it has no key of that id",
            Self::KeyExists => "it has a key of that id already",
            Self::Retired => "that key is retired, for good: add another",
            Self::Random => "the system gives no random numbers",
        })
    }
}

#[allow(clippy::large_enum_variant, reason = "a keyring has a handful of keys")]
enum Material {
    /// An Ed25519 key; a retired one has lost its secret half.
    Signing { secret: Option<SigningKey>, public: VerifyingKey },
    /// A key for HMAC-SHA-256.
    Symmetric([u8; 32]),
}

/// One key. It has no Debug, Display or Serialize.
pub struct Key {
    id: String,
    usage: Use,
    state: State,
    material: Material,
}

impl Key {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is for.
    pub fn usage(&self) -> Use {
        self.usage
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.state
    }
}

/// All keys. It has no Debug, Display or Serialize.
pub struct Keyring {
    name: String,
    keys: Vec<Key>,
}

/// The current audit key, about to sign.
pub struct AuditSigner<'a> {
    name: &'a str,
    key_id: u32,
    secret: &'a SigningKey,
    /// The id in the keyring.
    pub id: &'a str,
}

impl signed_note::Signer for AuditSigner<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn key_id(&self) -> u32 {
        self.key_id
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.secret.try_sign(message)?.to_vec())
    }
}

impl Keyring {
    /// A keyring with a current key of each use: `audit-1`, `contract-1`, `approval-1`.
    ///
    /// # Errors
    /// Where the name cannot stand in a checkpoint.
    pub fn create(name: &str) -> Result<Self, KeyringError> {
        if !signed_note::is_key_name_valid(name) || name.chars().any(char::is_control) {
            return Err(KeyringError::Name);
        }
        let mut keyring = Self { name: name.to_owned(), keys: Vec::new() };
        for (id, usage) in [("audit-1", Use::Audit), ("contract-1", Use::Contract), ("approval-1", Use::Approval)] {
            keyring.add(id, usage)?;
            keyring.make_current(id)?;
        }
        Ok(keyring)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// Where it is not a keyring.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let document = parse(text, MAX_FILE).map_err(|_| KeyringError::NotJson)?;
        let document = document.as_object().ok_or(KeyringError::NotJson)?;
        members(document, &["version", "name", "keys"], &[])?;
        if document["version"] != 1 {
            return Err(KeyringError::Version);
        }
        let name = document["name"].as_str().ok_or(KeyringError::Name)?;
        if !signed_note::is_key_name_valid(name) || name.chars().any(char::is_control) {
            return Err(KeyringError::Name);
        }
        let entries = document["keys"].as_array().ok_or(KeyringError::Members)?;
        let mut keyring = Self { name: name.to_owned(), keys: Vec::with_capacity(entries.len()) };
        for entry in entries {
            let key = read_key(entry)?;
            if keyring.find(&key.id).is_ok() {
                return Err(KeyringError::KeyId);
            }
            if key.state == State::Current && keyring.current(key.usage).is_some() {
                return Err(KeyringError::TwoCurrent);
            }
            keyring.keys.push(key);
        }
        Ok(keyring)
    }

    /// The file's text, secrets included.
    pub fn reveal(&self) -> String {
        let keys: Vec<Value> = self.keys.iter().map(write_key).collect();
        format!("{:#}\n", json!({"version": 1, "name": self.name, "keys": keys}))
    }

    /// The installation's name, which every checkpoint's origin begins with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The keys, to list them.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Makes a key with fresh random bits; it is on standby.
    ///
    /// # Errors
    /// Where the id is taken or not an id.
    pub fn add(&mut self, id: &str, usage: Use) -> Result<(), KeyringError> {
        if !NameRule::Id.admits(id) || id.len() > crate::name::MAX_ID {
            return Err(KeyringError::KeyId);
        }
        if self.find(id).is_ok() {
            return Err(KeyringError::KeyExists);
        }
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| KeyringError::Random)?;
        let material = material(usage, bytes);
        self.keys.push(Key { id: id.to_owned(), usage, state: State::Standby, material });
        Ok(())
    }

    /// Makes the key the one that signs; the one that did is retired.
    ///
    /// # Errors
    /// Where there is no such key, or it was retired: for good, as it may be retired because others know it.
    pub fn make_current(&mut self, id: &str) -> Result<(), KeyringError> {
        let at = self.find(id)?;
        if self.keys[at].state == State::Retired {
            return Err(KeyringError::Retired);
        }
        let usage = self.keys[at].usage;
        for key in self.keys.iter_mut().filter(|key| key.usage == usage && key.state == State::Current && key.id != id)
        {
            retire(key);
        }
        self.keys[at].state = State::Current;
        Ok(())
    }

    /// Takes the key out of use; it still verifies what it signed.
    ///
    /// # Errors
    /// Where there is no such key.
    pub fn retire(&mut self, id: &str) -> Result<(), KeyringError> {
        let at = self.find(id)?;
        retire(&mut self.keys[at]);
        Ok(())
    }

    /// The key that signs checkpoints, if there is one.
    pub fn audit_signer(&self) -> Option<AuditSigner<'_>> {
        let key = self.current(Use::Audit)?;
        let Material::Signing { secret: Some(secret), public } = &key.material else { return None };
        Some(AuditSigner { name: &self.name, key_id: note_id(&self.name, public), secret, id: &key.id })
    }

    /// The public audit keys, by id, in the form of C2SP signed-note: `name+hash+key`.
    pub fn audit_public_keys(&self) -> Vec<(&str, State, String)> {
        let public = |key: &'_ Key| match &key.material {
            Material::Signing { public, .. } => Some(signed_note::new_ed25519_verifier_key(&self.name, public)),
            Material::Symmetric(_) => None,
        };
        self.keys.iter().filter_map(|key| Some((key.id.as_str(), key.state, public(key)?))).collect()
    }

    /// What verifies checkpoints, whatever the state of the key.
    pub fn audit_verifiers(&self) -> Vec<StandardVerifier> {
        self.audit_public_keys().into_iter().filter_map(|(_, _, key)| StandardVerifier::new(&key).ok()).collect()
    }

    fn current(&self, usage: Use) -> Option<&Key> {
        self.keys.iter().find(|key| key.usage == usage && key.state == State::Current)
    }

    fn find(&self, id: &str) -> Result<usize, KeyringError> {
        self.keys.iter().position(|key| key.id == id).ok_or(KeyringError::UnknownKey)
    }
}

fn retire(key: &mut Key) {
    key.state = State::Retired;
    if let Material::Signing { secret, .. } = &mut key.material {
        *secret = None;
    }
}

fn material(usage: Use, bytes: [u8; 32]) -> Material {
    match usage {
        Use::Audit => {
            let secret = SigningKey::from_bytes(&bytes);
            Material::Signing { public: secret.verifying_key(), secret: Some(secret) }
        }
        Use::Contract | Use::Approval => Material::Symmetric(bytes),
    }
}

/// The key id of signed-note: the algorithm's number stands before the key.
fn note_id(name: &str, public: &VerifyingKey) -> u32 {
    signed_note::key_id(name, &[&[1], public.as_bytes().as_slice()].concat())
}

fn members(object: &Map<String, Value>, required: &[&str], optional: &[&str]) -> Result<(), KeyringError> {
    let known = |key: &String| required.contains(&key.as_str()) || optional.contains(&key.as_str());
    let complete = required.iter().all(|member| object.contains_key(*member));
    if complete && object.keys().all(known) { Ok(()) } else { Err(KeyringError::Members) }
}

fn read_key(entry: &Value) -> Result<Key, KeyringError> {
    let entry = entry.as_object().ok_or(KeyringError::Members)?;
    members(entry, &["id", "use", "algorithm", "state"], &["secret", "public"])?;
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let id = text("id").filter(|id| NameRule::Id.admits(id)).ok_or(KeyringError::KeyId)?;
    let usage = text("use").and_then(Use::parse).ok_or(KeyringError::Word)?;
    let state = text("state").and_then(State::parse).ok_or(KeyringError::Word)?;
    if text("algorithm") != Some(usage.algorithm()) {
        return Err(KeyringError::Algorithm);
    }
    let bytes = |name: &str| -> Result<Option<[u8; 32]>, KeyringError> {
        let Some(text) = text(name) else { return Ok(None) };
        let bytes = STANDARD.decode(text).map_err(|_| KeyringError::Secret)?;
        bytes.try_into().map(Some).map_err(|_| KeyringError::Secret)
    };
    let material = match (usage, bytes("secret")?, bytes("public")?) {
        (_, Some(secret), None) => material(usage, secret),
        (Use::Audit, None, Some(public)) if state == State::Retired => Material::Signing {
            secret: None,
            public: VerifyingKey::from_bytes(&public).map_err(|_| KeyringError::Secret)?,
        },
        _ => return Err(KeyringError::Secret),
    };
    Ok(Key { id: id.to_owned(), usage, state, material })
}

fn write_key(key: &Key) -> Value {
    let mut entry = json!({
        "id": key.id, "use": key.usage.as_str(), "algorithm": key.usage.algorithm(), "state": key.state.as_str()
    });
    match &key.material {
        Material::Signing { secret: Some(secret), .. } => entry["secret"] = STANDARD.encode(secret.to_bytes()).into(),
        Material::Signing { secret: None, public } => entry["public"] = STANDARD.encode(public.as_bytes()).into(),
        Material::Symmetric(bytes) => entry["secret"] = STANDARD.encode(bytes).into(),
    }
    entry
}
