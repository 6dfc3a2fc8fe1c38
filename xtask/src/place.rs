//! Where things are: the checkout, the directory for what is built and run outside it, and the operating-system user
//! that runs servers.
//!
//! Installation trees and data directories live outside the checkout, because PostgreSQL refuses to run as root and
//! the user it then runs as may not be able to read the checkout. Every checkout has a directory of its own, so two
//! of them never share a server.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Uid, User};
use sha2::{Digest, Sha256};

/// The user that runs servers when this program runs as root; Debian's PostgreSQL packages create it.
const SERVER_USER: &str = "postgres";

pub struct Place {
    /// The checkout's root.
    pub checkout: PathBuf,
    /// Trees, servers, logs: `AWOOOP_STATE_DIR`, or a directory under /var/tmp.
    pub state: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
}

impl Place {
    /// Finds the checkout, and makes the state directory if there is none.
    pub fn open() -> Result<Self> {
        // Files made here must be readable by the user that runs servers; what is secret gets its own mode.
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let checkout = Path::new(&manifest).parent().context("this crate has no parent directory")?;
        let checkout = checkout.canonicalize().context("cannot find the checkout")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => std::path::absolute(dir)?,
            None => checkout.join("target"),
        };
        let state = match std::env::var_os("AWOOOP_STATE_DIR") {
            Some(dir) => std::path::absolute(dir)?,
            None => default_state_dir(&checkout),
        };
        own_directory(&state)?;
        Ok(Place { checkout, state, target })
    }

    /// A directory directly under the state directory.
    pub fn dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.state.join(name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(dir)
    }

    /// Keeps other runs in this checkout out of `what` until the value is dropped.
    pub fn lock(&self, what: &str) -> Result<File> {
        let path = self.dir("locks")?.join(what);
        let file = File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        if file.try_lock().is_err() {
            eprintln!("      waiting for another `cargo xtask` that works on {what}");
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }
}

fn default_state_dir(checkout: &Path) -> PathBuf {
    let digest = Sha256::digest(checkout.as_os_str().as_encoded_bytes());
    let short = hex::encode(&digest[..4]);
    PathBuf::from(format!("/var/tmp/awooop-{}-{short}", Uid::effective()))
}

/// Makes a directory that only this user can write to. In a directory that everybody may write to somebody else may
/// have made it first; then nothing in it can be trusted.
fn own_directory(dir: &Path) -> Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    match DirBuilder::new().mode(0o755).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot make {}", dir.display()));
        }
        _ => {}
    }
    let metadata = fs::symlink_metadata(dir)?;
    if !metadata.is_dir() || metadata.uid() != Uid::effective().as_raw() || metadata.mode() & 0o022 != 0 {
        bail!("{} is not a directory of yours alone: remove it, or name another in AWOOOP_STATE_DIR", dir.display());
    }
    Ok(())
}

/// The user that servers run as: the one who calls, or another when that is root.
#[derive(Clone, Debug)]
pub struct Account {
    other: Option<(String, Uid, Gid)>,
}

impl Account {
    pub fn of_servers() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Account { other: None });
        }
        let user = User::from_name(SERVER_USER)
            .context("cannot read the user database")?
            .with_context(|| format!("there is no user `{SERVER_USER}`: install the package postgresql-common"))?;
        Ok(Account { other: Some((user.name, user.uid, user.gid)) })
    }

    /// Its name, or nothing when it is the caller.
    pub fn name(&self) -> &str {
        self.other.as_ref().map_or("", |(name, _, _)| name)
    }

    /// A command of this user with a fresh environment: nothing of the caller's (locale, RUST_BACKTRACE, PG*) may
    /// change what a server does.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("HOME", directory);
        command.current_dir(directory);
        if let Some((_, uid, gid)) = &self.other {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Makes a directory that this user (and root) alone can enter.
    pub fn private_directory(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        self.give(dir)
    }

    /// Hands a file or directory to this user.
    pub fn give(&self, path: &Path) -> Result<()> {
        if let Some((_, uid, gid)) = &self.other {
            std::os::unix::fs::chown(path, Some(uid.as_raw()), Some(gid.as_raw()))
                .with_context(|| format!("cannot hand over {}", path.display()))?;
        }
        Ok(())
    }
}

/// Writes a file that only the caller can read.
pub fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// A password nobody has to remember: 128 random bits in hexadecimal.
pub fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_checkouts_have_two_state_directories() {
        assert_ne!(default_state_dir(Path::new("/a/awooop")), default_state_dir(Path::new("/b/awooop")));
    }

    #[test]
    fn a_directory_others_can_write_to_is_refused() {
        let dir = std::env::temp_dir().join(format!("awooop-place-{}", std::process::id()));
        own_directory(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = own_directory(&dir).is_err();
        fs::remove_dir(&dir).unwrap();
        assert!(refused);
    }

    #[test]
    fn passwords_differ() {
        assert_ne!(random_password().unwrap(), random_password().unwrap());
    }
}
