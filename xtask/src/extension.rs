//! Building the extension and installing it into a private tree.
//!
//! Generating the SQL script takes seconds even when nothing changed, so the sources are compared with a stamp first.
//! The stamp also says whether only code changed (a server needs a restart) or the schema too (a private server is
//! made anew: between two builds of one version there is no upgrade path).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::place::Place;
use crate::tree::Tree;
use crate::{program, toolchain};

/// What the extension is made from.
const SOURCES: &[&str] = &["Cargo.toml", "Cargo.lock", "contracts", "pg_awooop", "sql"];

/// An installed build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Changes with every installation of the library: its size and date.
    pub library: String,
    /// Changes with what `create extension` and `awooop.migrate()` put into a database.
    pub schema: String,
}

/// What a build is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To develop and test with, and for the demo: optimized less, built sooner.
    Use,
    /// What everybody gets, to measure.
    Release,
    /// With the settings that only benchmarks have.
    Bench,
    /// With the settings that make parts of it fail on purpose.
    Faults,
}

impl Purpose {
    fn profile(self) -> &'static str {
        match self {
            Purpose::Use | Purpose::Faults => "checked",
            Purpose::Release | Purpose::Bench => "release",
        }
    }

    fn features(self, tree: &Tree) -> String {
        match self {
            Purpose::Use | Purpose::Release => tree.major.feature(),
            Purpose::Bench => format!("{},bench", tree.major.feature()),
            Purpose::Faults => format!("{},faults", tree.major.feature()),
        }
    }
}

/// Makes the installed extension the one of the sources, for this purpose.
pub fn install(place: &Place, tree: &Tree, purpose: Purpose) -> Result<Build> {
    let _lock = place.lock("the extension")?;
    let stamp = place.dir("stamps")?.join(tree.major.feature());
    let features = purpose.features(tree);
    let sources = format!("{} {features} {}", sources_digest(place, tree)?, purpose.profile());
    if fs::read_to_string(&stamp).is_ok_and(|text| text == sources)
        && let Ok(build) = installed(place, tree)
    {
        return Ok(build);
    }
    // Gone while the build runs: a failed one must not look finished.
    let _ = fs::remove_file(&stamp);
    let pgrx = toolchain::cargo_pgrx(place)?;
    let mut command = std::process::Command::new(pgrx);
    program::without_cargo_variables(&mut command);
    command.current_dir(&place.checkout).args([
        "pgrx",
        "install",
        "--profile",
        purpose.profile(),
        "--package",
        "pg_awooop",
    ]);
    command.arg("--pg-config").arg(tree.program("pg_config"));
    command.args(["--no-default-features", "--features", &features]);
    // One directory for all versions: cargo keeps what differs apart, and what does not is built once. Apart from the
    // rest of the workspace, because cargo-pgrx adds linker flags to everything it builds.
    command.env("CARGO_TARGET_DIR", place.target.join("pgrx"));
    for (name, value) in pgrx_environment(place, tree)? {
        command.env(name, value);
    }
    program::run(&mut command).with_context(|| format!("cannot build the extension for PostgreSQL {}", tree.major))?;
    fs::write(&stamp, sources)?;
    installed(place, tree)
}

/// The build that is installed in a tree, whatever the sources say by now.
pub fn installed(place: &Place, tree: &Tree) -> Result<Build> {
    let library = tree.config("--pkglibdir")?.join("pg_awooop.so");
    let scripts = tree.config("--sharedir")?.join("extension");
    let mut schema = Sha256::new();
    for entry in sorted(&scripts)? {
        if entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pg_awooop--")) {
            schema.update(fs::read(&entry)?);
        }
    }
    add_directory(&mut schema, &place.checkout.join("sql"))?;
    let metadata = fs::metadata(&library).with_context(|| format!("cannot read {}", library.display()))?;
    let library = format!("{}.{}.{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    Ok(Build { library, schema: hex::encode(schema.finalize()) })
}

/// What pgrx's build scripts need to find the tree. Always the same for one version, because a change makes them run
/// again.
pub fn pgrx_environment(place: &Place, tree: &Tree) -> Result<Vec<(&'static str, PathBuf)>> {
    let home = place.dir("pgrx")?.join(tree.major.feature());
    fs::create_dir_all(&home)?;
    let pg_config = tree.program("pg_config");
    // Its build script watches this file's date, so it is written once.
    let config = home.join("config.toml");
    let text = format!("[configs]\n{} = {:?}\n", tree.major.feature(), pg_config.display().to_string());
    if fs::read_to_string(&config).ok().as_ref() != Some(&text) {
        fs::write(&config, text)?;
    }
    Ok(vec![("PGRX_HOME", home), ("PGRX_PG_CONFIG_PATH", pg_config)])
}

fn sources_digest(place: &Place, tree: &Tree) -> Result<String> {
    let mut digest = Sha256::new();
    digest.update(program::capture(std::process::Command::new("rustc").arg("--version"))?);
    digest.update(tree.config("--version")?.as_os_str().as_encoded_bytes());
    digest.update(tree.program("pg_config").as_os_str().as_encoded_bytes());
    for source in SOURCES {
        add_directory(&mut digest, &place.checkout.join(source))?;
    }
    Ok(hex::encode(digest.finalize()))
}

fn add_directory(digest: &mut Sha256, path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in sorted(path)? {
            add_directory(digest, &entry)?;
        }
    } else if path.is_file() {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        digest.update(path.as_os_str().as_encoded_bytes());
        digest.update(content.len().to_be_bytes());
        digest.update(content);
    }
    Ok(())
}

fn sorted(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_changes_the_digest() {
        let dir = std::env::temp_dir().join(format!("awooop-digest-{}", std::process::id()));
        fs::create_dir_all(dir.join("sub")).unwrap();
        let digest_with = |text: &str| {
            fs::write(dir.join("sub/file.sql"), text).unwrap();
            let mut digest = Sha256::new();
            add_directory(&mut digest, &dir).unwrap();
            hex::encode(digest.finalize())
        };
        let (one, two, again) = (digest_with("a"), digest_with("b"), digest_with("a"));
        fs::remove_dir_all(&dir).unwrap();
        assert!(one != two && one == again);
    }
}
