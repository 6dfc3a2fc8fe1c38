//! The command `keyring`: makes and changes the file of secret keys that the database server reads. Needs no database,
//! prints no secret, and leaves what a keyring is to the policy.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use awooop_policy::keyring::{Keyring, KeyringError, MAX_FILE, Use};
use clap::{Args, Subcommand};

use crate::start::StartError;

/// What to do with a keyring.
#[derive(Clone, PartialEq, Eq, Subcommand)]
pub enum KeyringCommand {
    /// Make a keyring with a current audit key and a current contract key, in a file that must not exist yet.
    Create {
        #[command(flatten)]
        file: File,
        /// What the installation is called in its checkpoints, such as a host name; it should never change.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Add a key on standby: let verifiers know it before it signs.
    Add {
        #[command(flatten)]
        file: File,
        /// What the key is called in the keyring.
        #[arg(long, value_name = "ID")]
        id: String,
        /// audit (Ed25519), contract or approval (HMAC).
        #[arg(long = "use", value_name = "USE", value_parser = usage)]
        usage: Use,
    },
    /// Make a key the one that signs; the one that did is retired.
    Current {
        #[command(flatten)]
        file: File,
        /// The key.
        #[arg(long, value_name = "ID")]
        id: String,
    },
    /// Take a key out of use for good; it still verifies, an audit key without its secret half.
    Retire {
        #[command(flatten)]
        file: File,
        /// The key.
        #[arg(long, value_name = "ID")]
        id: String,
    },
    /// List the keys, without secrets.
    List {
        #[command(flatten)]
        file: File,
    },
    /// Print the public audit keys, one a line, for those who verify.
    Public {
        #[command(flatten)]
        file: File,
    },
}

/// Where the keyring is.
#[derive(Clone, PartialEq, Eq, Args)]
pub struct File {
    /// The keyring's file; the database server's user must own it (or root, with mode 0640).
    #[arg(long = "file", env = "AWOOOP_KEYRING_FILE", value_name = "FILE")]
    path: PathBuf,
}

fn usage(word: &str) -> Result<Use, String> {
    Use::parse(word).ok_or_else(|| {
        let words: Vec<&str> = Use::ALL.iter().map(|usage| usage.as_str()).collect();
        format!("one of: {}", words.join(", "))
    })
}

/// Does what the command says.
pub fn run(command: &KeyringCommand) -> Result<(), StartError> {
    match command {
        KeyringCommand::Create { file, name } => {
            let keyring = Keyring::create(name).map_err(StartError::Keyring)?;
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file.path);
            made.and_then(|mut made| made.write_all(keyring.reveal().as_bytes())).map_err(StartError::File)
        }
        KeyringCommand::Add { file, id, usage } => change(&file.path, |keyring| keyring.add(id, *usage)),
        KeyringCommand::Current { file, id } => change(&file.path, |keyring| keyring.make_current(id)),
        KeyringCommand::Retire { file, id } => change(&file.path, |keyring| keyring.retire(id)),
        KeyringCommand::List { file } => {
            let keyring = read(&file.path)?;
            let lines = keyring
                .keys()
                .iter()
                .map(|key| format!("{}\t{}\t{}\n", key.id(), key.usage().as_str(), key.state().as_str()));
            print(&lines.collect::<String>())
        }
        KeyringCommand::Public { file } => {
            let keyring = read(&file.path)?;
            print(&keyring.audit_public_keys().iter().map(|(_, _, key)| format!("{key}\n")).collect::<String>())
        }
    }
}

fn print(text: &str) -> Result<(), StartError> {
    // Unlike println!, this survives a reader that has read enough.
    io::stdout().write_all(text.as_bytes()).map_err(StartError::System)
}

/// The keyring in a file that only its owner and group can read, as the database server asks of it: what anybody can read
/// or change vouches for nothing.
pub(crate) fn read_private(path: &Path) -> Result<Keyring, StartError> {
    let file = fs::File::open(path).map_err(StartError::File)?;
    if file.metadata().map_err(StartError::File)?.mode() & 0o027 != 0 {
        return Err(StartError::Input("the keyring is refused: others than its owner may read or write it"));
    }
    let mut text = String::new();
    file.take(MAX_FILE as u64 + 1).read_to_string(&mut text).map_err(StartError::File)?;
    Keyring::parse(&text).map_err(StartError::Keyring)
}

fn read(path: &Path) -> Result<Keyring, StartError> {
    Keyring::parse(&fs::read_to_string(path).map_err(StartError::File)?).map_err(StartError::Keyring)
}

/// Changes the keyring: a new file takes the old one's place, its owner and its mode, so that whoever reads it meanwhile
/// reads one or the other.
fn change(path: &Path, change: impl FnOnce(&mut Keyring) -> Result<(), KeyringError>) -> Result<(), StartError> {
    let mut keyring = read(path)?;
    change(&mut keyring).map_err(StartError::Keyring)?;
    let replace = || {
        let before = fs::metadata(path)?;
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let written = file.write_all(keyring.reveal().as_bytes()).and_then(|()| {
            file.set_permissions(before.permissions())?;
            let ours = file.metadata()?;
            if (ours.uid(), ours.gid()) != (before.uid(), before.gid()) {
                chown(&new, Some(before.uid()), Some(before.gid()))?;
            }
            file.sync_all()?;
            fs::rename(&new, path)
        });
        if written.is_err() {
            // A half-written keyring would be in the way of the next change.
            let _ = fs::remove_file(&new);
        }
        written
    };
    replace().map_err(StartError::File)
}
