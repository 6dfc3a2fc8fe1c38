//! The peer of `cargo xtask bench schema`: pg_jsonschema, built for release by its own settings and installed beside the
//! extension. It is in no package registry, so a person brings its sources, and names them in [`SOURCES`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::extension::pgrx_environment;
use crate::place::Place;
use crate::tree::Tree;
use crate::{program, toolchain};

/// The variable with the directory of a checkout of pg_jsonschema.
const SOURCES: &str = "AWOOOP_BENCH_PG_JSONSCHEMA";
/// The commit that was measured last; an earlier one has no compiled form.
const COMMIT: &str = "a5a6306e3a039b0f980489362ebaea35103830c6";

/// Where the peer's sources are; what to do when they are nowhere.
pub fn sources() -> Result<PathBuf> {
    let Some(named) = std::env::var_os(SOURCES) else {
        bail!(
            "{SOURCES} is not set. pg_jsonschema is in no package registry: get its sources (`git clone \
             https://github.com/supabase/pg_jsonschema && git -C pg_jsonschema checkout {COMMIT}`), \
             and run this again with {SOURCES}=<their directory>"
        );
    };
    let sources = std::path::absolute(named)?;
    if !sources.join("pg_jsonschema.control").is_file() {
        bail!("{SOURCES} names {}, which is no checkout of pg_jsonschema", sources.display());
    }
    Ok(sources)
}

/// Builds the peer and installs it into the tree.
pub fn install(place: &Place, tree: &Tree, sources: &Path) -> Result<()> {
    let _lock = place.lock("the peer")?;
    let pgrx = toolchain::cargo_pgrx_of(place, &pgrx_version(sources)?)?;
    let mut command = Command::new(pgrx);
    program::without_cargo_variables(&mut command);
    command.current_dir(sources).args(["pgrx", "install", "--release"]);
    command.arg("--pg-config").arg(tree.program("pg_config"));
    command.args(["--no-default-features", "--features", &tree.major.feature()]);
    command.env("CARGO_TARGET_DIR", place.dir("peer")?);
    command.envs(pgrx_environment(place, tree)?);
    program::run(&mut command).context("cannot build pg_jsonschema")
}

/// The version of pgrx in its lock file: cargo-pgrx has to be of the same.
fn pgrx_version(sources: &Path) -> Result<String> {
    let lock = sources.join("Cargo.lock");
    let text = fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    version_in(&text).map(str::to_owned).with_context(|| format!("{} names no version of pgrx", lock.display()))
}

fn version_in(lock: &str) -> Option<&str> {
    let (_, rest) = lock.split_once("name = \"pgrx\"\nversion = \"")?;
    rest.split_once('"').map(|(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_peer_is_built_with_the_version_of_pgrx_that_it_asks_for() {
        let lock =
            "name = \"pgrx-macros\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"pgrx\"\nversion = \"0.16.1\"\n";
        assert_eq!(version_in(lock), Some("0.16.1"));
        assert_eq!(version_in("name = \"serde\""), None);
    }
}
