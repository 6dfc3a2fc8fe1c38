//! What MCP's tests are run with besides the gateway: servers to stand in front of, a gateway whose protections can be taken out,
//! the public conformance suite, and the official clients in Python and TypeScript. Packages are those of the lock files under
//! tests/, fetched once and kept in the user's cache by the digest of those files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::place::Place;
use crate::{program, toolchain};

/// Where it all is.
pub struct Clients {
    /// The directory that has the servers' programs.
    pub servers: PathBuf,
    /// The gateway with faults in it.
    pub faulty_gateway: PathBuf,
    /// The conformance suite, installed.
    pub conformance: PathBuf,
    /// The Python that has the official client.
    pub python: PathBuf,
    /// The official TypeScript clients, installed, with the script that uses them.
    pub typescript: PathBuf,
}

impl Clients {
    /// Builds and fetches what is missing.
    pub fn prepare(place: &Place) -> Result<Clients> {
        let (servers, faulty_gateway) = (servers(place)?, faulty_gateway(place)?);
        let tests = place.checkout.join("tests");
        Ok(Clients {
            servers,
            faulty_gateway,
            conformance: node_packages(&tests.join("conformance"))?,
            python: python_packages(&tests.join("clients/python"))?,
            typescript: node_packages(&tests.join("clients/typescript"))?,
        })
    }

    /// What the tests read of it.
    pub fn environment(&self) -> [(&'static str, &Path); 5] {
        [
            ("AWOOOP_TEST_SERVERS", &self.servers),
            ("AWOOOP_TEST_GATEWAY_FAULTS", &self.faulty_gateway),
            ("AWOOOP_TEST_CONFORMANCE", &self.conformance),
            ("AWOOOP_TEST_PYTHON", &self.python),
            ("AWOOOP_TEST_TYPESCRIPT", &self.typescript),
        ]
    }
}

/// Builds the servers as the tests themselves are built, which shares their libraries.
pub fn servers(place: &Place) -> Result<PathBuf> {
    let mut cargo = program::cargo(&place.checkout);
    cargo.args(["build", "--package", "awooop-mcp-servers", "--bins"]);
    program::run(&mut cargo).context("cannot build the MCP servers of the tests")?;
    Ok(place.target.join("debug"))
}

fn faulty_gateway(place: &Place) -> Result<PathBuf> {
    let mut cargo = program::cargo(&place.checkout);
    cargo.args(["build", "--package", "awooop-gateway", "--bins", "--features", "awooop-gateway/faults"]);
    program::run(&mut cargo).context("cannot build the gateway with faults")?;
    // The next build without faults takes its name.
    let copy = place.dir("bin")?.join("awooop-gateway-faults");
    let new = copy.with_extension("new");
    fs::copy(place.target.join("debug/awooop-gateway"), &new)?;
    fs::rename(&new, &copy)?;
    Ok(copy)
}

/// A directory in the cache for what is made from those files of `sources`, and whether it is there already. The directory
/// is made by `fill`, aside, so that half of one is never taken for a whole.
fn cached(sources: &Path, files: &[&str], fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let mut digest = Sha256::new();
    for file in files {
        digest.update(fs::read(sources.join(file)).with_context(|| format!("{}/{file}", sources.display()))?);
    }
    let name = sources.file_name().and_then(|name| name.to_str()).unwrap_or("packages");
    let digest = hex::encode(digest.finalize());
    let ready = toolchain::cache_dir()?.join(format!("{name}-{}", digest.get(..16).unwrap_or_default()));
    if ready.is_dir() {
        return Ok(ready);
    }
    let aside = ready.with_extension(std::process::id().to_string());
    let _ = fs::remove_dir_all(&aside);
    fs::create_dir_all(&aside)?;
    for file in files {
        fs::copy(sources.join(file), aside.join(file))?;
    }
    fill(&aside)?;
    match fs::rename(&aside, &ready) {
        // Another run was faster.
        Err(_) if ready.is_dir() => fs::remove_dir_all(&aside)?,
        other => other?,
    }
    Ok(ready)
}

fn node_packages(sources: &Path) -> Result<PathBuf> {
    let mut files = vec![".npmrc", "package.json", "package-lock.json"];
    // What uses the packages finds them beside itself.
    files.extend(["call_tools.js", "agent.ts"].into_iter().filter(|script| sources.join(script).exists()));
    cached(sources, &files, |dir| {
        toolchain::node()?;
        eprintln!("      fetching the packages of {}", sources.display());
        program::capture(Command::new("npm").args(["ci", "--silent"]).current_dir(dir)).map(|_| ())
    })
}

fn python_packages(sources: &Path) -> Result<PathBuf> {
    let dir = cached(sources, &["requirements.txt"], |dir| {
        eprintln!("      fetching the packages of {}", sources.display());
        let packages = dir.join("packages");
        let mut pip = Command::new(toolchain::python());
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--root-user-action=ignore",
            "--no-warn-script-location",
            "--target",
        ])
        .arg(&packages);
        program::capture(pip.arg("--requirement").arg(dir.join("requirements.txt"))).map(|_| ())
    })?;
    Ok(dir.join("packages"))
}
