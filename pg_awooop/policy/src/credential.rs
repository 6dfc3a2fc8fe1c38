//! The text forms of what proves a caller's right: API keys, secrets of channels, leases of runs and messages, tickets of calls,
//! and couriers of issuers' keys.
//!
//! Keys and leases name their project and a public id, a channel's secret and a courier an id; all end in a 256-bit secret from
//! the operating system. The database keeps only the SHA-256 of the whole text; nothing that holds the text can be printed by
//! accident.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::name::{MAX_ID, NameRule};

const API_KEY_PREFIX: &str = "awk_";
const CHANNEL_PREFIX: &str = "awc_";
const LEASE_PREFIX: &str = "awl_";
const MESSAGE_PREFIX: &str = "awm_";
const TICKET_PREFIX: &str = "awt_";
const BUTTON_PREFIX: &str = "awb_";
const COURIER_PREFIX: &str = "awi_";
/// 32 bytes in base64url without padding.
const SECRET_LEN: usize = 43;
/// 12 bytes in base64url without padding.
const KEY_ID_LEN: usize = 16;

/// SHA-256 of a credential's text, the only form that is stored.
#[derive(Clone, Copy)]
pub struct CredentialDigest([u8; 32]);

impl CredentialDigest {
    /// The digest of this text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `stored` is this digest, in time that does not depend on where they differ.
    pub fn matches(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

/// A credential in clear, on its way to the one caller who may have it. No Debug, Display or Serialize.
pub struct Issued {
    /// The public part.
    pub id: String,
    text: String,
}

impl Issued {
    /// What to store.
    pub fn digest(&self) -> CredentialDigest {
        CredentialDigest::of(&self.text)
    }

    /// The text, to be shown once.
    pub fn reveal(self) -> String {
        self.text
    }
}

/// The public parts of a presented API key, `awk_{project}.{key id}.{secret}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyParts<'a> {
    pub project_id: &'a str,
    pub key_id: &'a str,
}

/// A new API key of the project.
///
/// # Errors
/// When there is no randomness to be had.
pub fn new_api_key(project_id: &str) -> Result<Issued, getrandom::Error> {
    let id = random::<12>()?;
    let text = format!("{API_KEY_PREFIX}{project_id}.{id}.{}", random::<32>()?);
    Ok(Issued { id, text })
}

/// Reads the public parts of an API key; `None` if it cannot be one.
pub fn api_key_parts(text: &str) -> Option<ApiKeyParts<'_>> {
    let mut parts = text.strip_prefix(API_KEY_PREFIX)?.rsplitn(3, '.');
    let (secret, key_id, project_id) = (parts.next()?, parts.next()?, parts.next()?);
    let plausible = is_base64url(secret, SECRET_LEN) && is_base64url(key_id, KEY_ID_LEN) && is_project(project_id);
    plausible.then_some(ApiKeyParts { project_id, key_id })
}

/// A new secret of a channel, `awc_{key id}{secret}`: what Telegram takes for a webhook's secret token has no other characters than
/// these, so it does not name its project; the address that it comes to does.
///
/// # Errors
/// When there is no randomness to be had.
pub fn new_channel_secret() -> Result<Issued, getrandom::Error> {
    let id = random::<12>()?;
    let text = format!("{CHANNEL_PREFIX}{id}{}", random::<32>()?);
    Ok(Issued { id, text })
}

/// Reads the public id of a channel's secret; `None` if it cannot be one.
pub fn channel_secret_id(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(CHANNEL_PREFIX)?;
    is_base64url(rest, KEY_ID_LEN + SECRET_LEN).then(|| &rest[..KEY_ID_LEN])
}

/// The public parts of a lease, `awl_{project}.{run id}.{epoch}.{secret}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseParts<'a> {
    pub project_id: &'a str,
    pub run_id: Uuid,
    pub epoch: i32,
}

/// The secret of a lease before its run and epoch are known. No Debug, Display or Serialize.
pub struct LeaseSecret(String);

impl LeaseSecret {
    /// A new secret.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn new() -> Result<Self, getrandom::Error> {
        random::<32>().map(Self)
    }

    /// What to store; run and epoch are columns beside it.
    pub fn digest(&self) -> CredentialDigest {
        CredentialDigest::of(&self.0)
    }

    /// The lease's text, for the worker that claimed the run.
    pub fn into_lease(self, project_id: &str, run_id: Uuid, epoch: i32) -> String {
        format!("{LEASE_PREFIX}{project_id}.{}.{epoch}.{}", run_id.as_hyphenated(), self.0)
    }

    /// The text of a lease of a message, for the sender that claimed it.
    pub fn into_message_lease(self, project_id: &str, message_id: Uuid, epoch: i32) -> String {
        format!("{MESSAGE_PREFIX}{project_id}.{}.{epoch}.{}", message_id.as_hyphenated(), self.0)
    }
}

/// Reads a lease: its public parts and the digest of its secret; `None` if it cannot be one.
pub fn lease_parts(text: &str) -> Option<(LeaseParts<'_>, CredentialDigest)> {
    parts_of_lease(text.strip_prefix(LEASE_PREFIX)?)
}

/// The same of a lease of a message, whose id is where that of the run would be.
pub fn message_lease_parts(text: &str) -> Option<(LeaseParts<'_>, CredentialDigest)> {
    parts_of_lease(text.strip_prefix(MESSAGE_PREFIX)?)
}

fn parts_of_lease(rest: &str) -> Option<(LeaseParts<'_>, CredentialDigest)> {
    let mut parts = rest.rsplitn(4, '.');
    let (secret, epoch, run_id, project_id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if !is_base64url(secret, SECRET_LEN) || !is_project(project_id) || run_id.len() != 36 {
        return None;
    }
    let epoch = epoch.parse().ok().filter(|n| *n > 0)?;
    let run_id = Uuid::try_parse(run_id).ok()?;
    Some((LeaseParts { project_id, run_id, epoch }, CredentialDigest::of(secret)))
}

/// A new ticket of a call of a tool, `awt_{secret}`: who was told to make the call says with it how it ended.
///
/// # Errors
/// When there is no randomness to be had.
pub fn new_ticket() -> Result<Issued, getrandom::Error> {
    Ok(Issued { id: String::new(), text: format!("{TICKET_PREFIX}{}", random::<32>()?) })
}

/// A new courier's credential, `awi_{id}.{secret}`: who brings issuers' key sets into the database proves with it that an
/// operator has entrusted it with that.
///
/// # Errors
/// When there is no randomness to be had.
pub fn new_courier() -> Result<Issued, getrandom::Error> {
    let id = random::<12>()?;
    let text = format!("{COURIER_PREFIX}{id}.{}", random::<32>()?);
    Ok(Issued { id, text })
}

/// A new secret of a button in a chat, `awb_{secret}`: short enough for what Telegram takes behind one.
///
/// # Errors
/// When there is no randomness to be had.
pub fn new_button() -> Result<Issued, getrandom::Error> {
    Ok(Issued { id: String::new(), text: format!("{BUTTON_PREFIX}{}", random::<32>()?) })
}

/// Reads the public id of a courier's credential; `None` if it cannot be one.
pub fn courier_id(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(COURIER_PREFIX)?.split_once('.')?;
    (is_base64url(id, KEY_ID_LEN) && is_base64url(secret, SECRET_LEN)).then_some(id)
}

/// A secret that a key of the platform's makes of a new public id, in the form of whoever it is for.
///
/// # Errors
/// When there is no randomness to be had.
pub fn made_of_a_key(make: impl FnOnce(&str) -> String) -> Result<Issued, getrandom::Error> {
    let id = random::<12>()?;
    let text = make(&id);
    Ok(Issued { id, text })
}

fn random<const N: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn is_base64url(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_project(text: &str) -> bool {
    text.len() <= MAX_ID && NameRule::Id.admits(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_names_its_project_even_when_that_has_dots() {
        for project in ["ewoooc", "a.b-c_d", "9"] {
            let key = new_api_key(project).unwrap();
            let (id, digest) = (key.id.clone(), key.digest());
            let text = key.reveal();
            let parts = api_key_parts(&text).unwrap();
            assert_eq!((parts.project_id, parts.key_id), (project, id.as_str()));
            assert!(CredentialDigest::of(&text).matches(digest.as_bytes()));
            assert!(!CredentialDigest::of(&format!("{text}x")).matches(digest.as_bytes()));
        }
    }

    #[test]
    fn a_lease_names_project_run_and_epoch() {
        let (run, secret) = (Uuid::now_v7(), LeaseSecret::new().unwrap());
        let digest = secret.digest();
        let text = secret.into_lease("a.b", run, 3);
        let (parts, read) = lease_parts(&text).unwrap();
        assert_eq!(parts, LeaseParts { project_id: "a.b", run_id: run, epoch: 3 });
        assert!(read.matches(digest.as_bytes()));
        assert!(lease_parts(&text.replace(".3.", ".0.")).is_none());
        assert!(lease_parts(&text.replace(".3.", ".-1.")).is_none());
    }

    #[test]
    fn a_channels_secret_is_one_word_of_what_telegram_takes_and_nothing_else_reads_it() {
        let secret = new_channel_secret().unwrap();
        let (id, digest) = (secret.id.clone(), secret.digest());
        let text = secret.reveal();
        assert_eq!(channel_secret_id(&text), Some(id.as_str()));
        assert!(text.len() <= 256 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        assert!(CredentialDigest::of(&text).matches(digest.as_bytes()));
        assert!(api_key_parts(&text).is_none() && lease_parts(&text).is_none());
        assert_eq!(channel_secret_id(&text[..text.len() - 1]), None);
    }

    #[test]
    fn a_lease_of_a_message_is_none_of_a_run() {
        let (message, secret) = (Uuid::now_v7(), LeaseSecret::new().unwrap());
        let digest = secret.digest();
        let text = secret.into_message_lease("a.b", message, 7);
        let (parts, read) = message_lease_parts(&text).unwrap();
        assert_eq!(parts, LeaseParts { project_id: "a.b", run_id: message, epoch: 7 });
        assert!(read.matches(digest.as_bytes()));
        assert!(lease_parts(&text).is_none());
    }

    #[test]
    fn a_courier_names_itself_and_nothing_else() {
        let courier = new_courier().unwrap();
        let (id, digest) = (courier.id.clone(), courier.digest());
        let text = courier.reveal();
        assert_eq!(courier_id(&text), Some(id.as_str()));
        assert!(CredentialDigest::of(&text).matches(digest.as_bytes()));
        assert!(api_key_parts(&text).is_none());
        assert_eq!(courier_id(&text[..text.len() - 1]), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in "(awk_|awl_|awi_|awc_|awm_)?\\PC{0,160}") {
            let _ = (api_key_parts(&text), lease_parts(&text), courier_id(&text));
            let _ = (channel_secret_id(&text), message_lease_parts(&text));
        }
    }
}
