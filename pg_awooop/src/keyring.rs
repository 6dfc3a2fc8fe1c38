//! The keyring file: read from where a superuser's setting says, never shown.
//!
//! It belongs to the server's user, or to root, and nobody else may read it, as PostgreSQL asks of a server's key. It is
//! read again when it changed; nothing of it reaches a table, a log or an error.

use std::cell::RefCell;
use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::rc::Rc;

use awooop_policy::keyring::{Keyring, KeyringError, MAX_FILE, Use};
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Why there is no keyring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKeyring {
    /// The setting is empty.
    NotSet,
    /// There is no such file, or it cannot be read.
    Unreadable,
    /// Others than its owner may read or write it, or its owner is neither the server's user nor root.
    Open,
    /// It is not a keyring.
    Malformed(KeyringError),
    /// It has no current key of this use. (The keyring is there; nothing signs.)
    NothingSigns(Use),
}

impl NoKeyring {
    /// What is wrong, and what to do about it.
    pub(crate) fn finding(self) -> (String, String) {
        let (finding, remedy) = match self {
            NoKeyring::NotSet => (
                "no keyring is set, so no checkpoint of an audit log and no contract is signed or verified".to_owned(),
                "make one with `awooop-gateway keyring create`, and name it in awooop.keyring_file",
            ),
            NoKeyring::Unreadable => (
                "the keyring cannot be read, so no checkpoint of an audit log and no contract is signed or verified"
                    .to_owned(),
                "make the file, or let the server's user read it",
            ),
            NoKeyring::Open => (
                "the keyring is refused: others than the server's user may read or write it".to_owned(),
                "give it to the server's user with mode 0600 (or to root, with 0640 and that user's group), and consider \
                 its keys known to others",
            ),
            NoKeyring::Malformed(why) => {
                (format!("the keyring is refused: {why}"), "`awooop-gateway keyring list` reads it as the server does")
            }
            NoKeyring::NothingSigns(usage) => {
                let unsigned = match usage {
                    Use::Audit => "no checkpoint of an audit log is signed",
                    Use::Contract => "no contract can be published, signed or activated",
                    Use::Approval => "no approval is given",
                };
                (
                    format!("the keyring has no current {} key, so {unsigned}", usage.as_str()),
                    "add one with `awooop-gateway keyring add`, and make it current",
                )
            }
        };
        (finding, remedy.to_owned())
    }
}

pub(crate) fn define_settings() {
    GucRegistry::define_string_guc(
        c"awooop.keyring_file",
        c"The file that holds the platform's secret keys.",
        c"Its owner is the server's user or root, and nobody else may read it. Empty: no checkpoint or contract is signed.",
        &FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
}

/// What a file is known by: it is read again when any of this changed.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    path: CString,
    identity: (u64, u64, u64, i64, i64, i64, i64),
}

type Read = Result<Rc<Keyring>, NoKeyring>;

/// The keyring as the file has it now.
pub(crate) fn current() -> Read {
    thread_local! {
        static READ: RefCell<Option<(Stamp, Read)>> = const { RefCell::new(None) };
    }
    let path = FILE.get().filter(|path| !path.is_empty()).ok_or(NoKeyring::NotSet)?;
    let name = path.to_str().map_err(|_| NoKeyring::Unreadable)?;
    let metadata = fs::metadata(name).map_err(|_| NoKeyring::Unreadable)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE as u64 {
        return Err(NoKeyring::Unreadable);
    }
    if !is_private(&metadata) {
        return Err(NoKeyring::Open);
    }
    let m = &metadata;
    let identity = (m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
    let stamp = Stamp { path: path.clone(), identity };
    READ.with(|read| {
        if let Some((known, keyring)) = &*read.borrow()
            && *known == stamp
        {
            return keyring.clone();
        }
        let text = fs::read_to_string(name).map_err(|_| NoKeyring::Unreadable)?;
        let keyring = Keyring::parse(&text).map(Rc::new).map_err(NoKeyring::Malformed);
        *read.borrow_mut() = Some((stamp, keyring.clone()));
        keyring
    })
}

/// Why checkpoints or contracts are not signed.
pub(crate) fn what_is_missing() -> Vec<NoKeyring> {
    let keyring = match current() {
        Ok(keyring) => keyring,
        Err(why) => return vec![why],
    };
    let audit = keyring.audit_signer().is_none().then_some(NoKeyring::NothingSigns(Use::Audit));
    let contract = keyring.contract_signer().is_none().then_some(NoKeyring::NothingSigns(Use::Contract));
    let approval = keyring.approval_signer().is_none().then_some(NoKeyring::NothingSigns(Use::Approval));
    audit.into_iter().chain(contract).chain(approval).collect()
}

/// As PostgreSQL judges the file of a server's key: 0600 of the server's user, or 0640 of root.
fn is_private(metadata: &fs::Metadata) -> bool {
    thread_local! {
        // The server works in its data directory, which belongs to its user.
        static OURS: Option<u32> = fs::metadata(".").map(|directory| directory.uid()).ok();
    }
    let mode = metadata.mode();
    Some(metadata.uid()) == OURS.with(|ours| *ours) && mode & 0o077 == 0 || metadata.uid() == 0 && mode & 0o027 == 0
}
