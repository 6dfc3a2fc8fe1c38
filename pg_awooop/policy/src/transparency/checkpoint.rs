//! Checkpoints: what the log was at one moment, signed, in the text format of C2SP tlog-checkpoint. Any witness or
//! verifier of such logs reads them.
//!
//! ```text
//! awooop.example.org/audit/ewoooc
//! 923748
//! nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=
//!
//! — awooop.example.org 4ZmLJMB6K…
//! ```

use signed_note::{Note, NoteError, StandardVerifier, VerificationError, Verifiers};
use tlog_tiles::checkpoint::Checkpoint as TlogCheckpoint;
use tlog_tiles::tlog;

use super::Hash;
use crate::keyring::AuditSigner;

/// Largest checkpoint, in bytes.
pub const MAX_CHECKPOINT: usize = 4000;

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: `{installation}/audit/{project}`.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// Whether a checkpoint's signature is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// One of the keys made it.
    Good,
    /// A key of that name is known, and did not make it.
    Bad,
    /// None of the keys is the signer's.
    UnknownKey,
}

/// The text is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCheckpoint;

/// The first line of a project's checkpoints.
pub fn origin(installation: &str, project_id: &str) -> String {
    format!("{installation}/audit/{project_id}")
}

/// The project that an origin names.
pub fn project_of(origin: &str) -> Option<&str> {
    origin.rsplit_once("/audit/").map(|(_, project_id)| project_id)
}

/// A signed checkpoint of a project's log.
///
/// # Errors
/// Where the origin cannot stand in one.
pub fn sign(project_id: &str, size: u64, root: Hash, signer: &AuditSigner) -> Result<String, NoCheckpoint> {
    let origin = origin(signed_note::Signer::name(signer), project_id);
    let text = TlogCheckpoint::new(&origin, size, tlog::Hash(root), "").map_err(|_| NoCheckpoint)?.to_bytes();
    let mut note = Note::new(&text, &[]).map_err(|_| NoCheckpoint)?;
    note.add_sigs(&[signer]).map_err(|_| NoCheckpoint)?;
    String::from_utf8(note.to_bytes()).map_err(|_| NoCheckpoint)
}

/// Reads a checkpoint and looks at its signature.
///
/// # Errors
/// Where the text is no checkpoint.
pub fn open(text: &str, keys: &[StandardVerifier]) -> Result<(Checkpoint, Signature), NoCheckpoint> {
    if text.len() > MAX_CHECKPOINT {
        return Err(NoCheckpoint);
    }
    // A copy that went through a mailbox has other line ends, and more or fewer of them at its end.
    let text = format!("{}\n", text.replace("\r\n", "\n").trim_end_matches(['\n', '\r']));
    let note = Note::from_bytes(text.as_bytes()).map_err(|_| NoCheckpoint)?;
    let tree = TlogCheckpoint::from_bytes(note.text()).map_err(|_| NoCheckpoint)?;
    if tree.size() > super::tree::MAX_SIZE {
        return Err(NoCheckpoint);
    }
    let signature = match note.verify(&Keys(keys)) {
        Ok(_) => Signature::Good,
        Err(NoteError::UnverifiedNote) => Signature::UnknownKey,
        Err(_) => Signature::Bad,
    };
    Ok((Checkpoint { origin: tree.origin().to_owned(), size: tree.size(), root: tree.hash().0 }, signature))
}

/// A public key in the form that `awooop-gateway keyring public` prints.
pub fn public_key(text: &str) -> Option<StandardVerifier> {
    StandardVerifier::new(text.trim()).ok()
}

struct Keys<'a>(&'a [StandardVerifier]);

impl Verifiers for Keys<'_> {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn signed_note::Verifier, VerificationError> {
        let known = |key: &&StandardVerifier| {
            signed_note::Verifier::name(*key) == name && signed_note::Verifier::key_id(*key) == id
        };
        let found = self.0.iter().find(known).map(|key| key as &dyn signed_note::Verifier);
        found.ok_or_else(|| VerificationError::UnknownKey { name: name.to_owned(), id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Keyring;

    fn signed() -> (Keyring, String) {
        let keyring = Keyring::create("awooop.test").unwrap();
        let note = sign("ewoooc", 7, [3; 32], &keyring.audit_signer().unwrap()).unwrap();
        (keyring, note)
    }

    #[test]
    fn a_checkpoint_is_a_signed_note_that_says_what_was_signed() {
        let (keyring, note) = signed();
        assert!(note.starts_with("awooop.test/audit/ewoooc\n7\nAwMD"), "{note}");
        assert!(note.contains("\n\n— awooop.test "), "{note}");
        let (checkpoint, signature) = open(&note, &keyring.audit_verifiers()).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root, signature), (7, [3; 32], Signature::Good));
        assert_eq!(project_of(&checkpoint.origin), Some("ewoooc"));
        assert_eq!(open(note.trim_end(), &keyring.audit_verifiers()).unwrap().1, Signature::Good);
    }

    #[test]
    fn a_checkpoint_that_went_through_a_mailbox_is_the_same() {
        let (keyring, note) = signed();
        let mailed = note.replace('\n', "\r\n");
        for text in [mailed.clone(), mailed.trim_end().to_owned(), format!("{mailed}\r\n")] {
            let (checkpoint, signature) = open(&text, &keyring.audit_verifiers()).unwrap();
            assert_eq!((checkpoint.size, checkpoint.root, signature), (7, [3; 32], Signature::Good));
        }
    }

    #[test]
    fn a_changed_checkpoint_has_a_bad_signature_and_a_strangers_an_unknown_key() {
        let (keyring, note) = signed();
        let keys = keyring.audit_verifiers();
        assert_eq!(open(&note.replace("\n7\n", "\n8\n"), &keys).unwrap().1, Signature::Bad);
        assert_eq!(open(&note.replace("ewoooc", "other"), &keys).unwrap().1, Signature::Bad);
        assert_eq!(open(&note, &signed().0.audit_verifiers()).unwrap().1, Signature::UnknownKey);
        for text in ["", "a\n\nb", "a\n1\n", "a\nx\nAwMD\n\n— a AAAAAAAA\n"] {
            assert_eq!(open(text, &keys), Err(NoCheckpoint), "{text}");
        }
    }

    #[test]
    fn a_checkpoint_of_a_retired_key_stays_good() {
        let (mut keyring, note) = signed();
        keyring.add("audit-2", crate::keyring::Use::Audit).unwrap();
        keyring.make_current("audit-2").unwrap();
        assert_eq!(open(&note, &keyring.audit_verifiers()).unwrap().1, Signature::Good);
    }
}
