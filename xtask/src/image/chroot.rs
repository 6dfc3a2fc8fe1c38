//! A Debian system in a directory, and running commands in it.
//!
//! Every command gets a mount and a process namespace of its own. What it mounts and what it leaves running ends with
//! it, however it ends, so there is nothing to unmount and nothing to look for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::apt::{self, Source};
use crate::program;

/// The release that the images are made from.
const RELEASE: &str = "bookworm";

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Debian in a directory.
#[derive(Clone)]
pub struct Chroot {
    pub root: PathBuf,
    /// The environment of every command.
    pub variables: Vec<(String, String)>,
    pub user: String,
    pub directory: String,
    /// Directories of the host that commands see read-only, and where.
    binds: Vec<(PathBuf, String)>,
}

impl Chroot {
    /// A minimal Debian, like the image `debian:bookworm-slim`.
    pub fn bootstrap(root: &Path) -> Result<Chroot> {
        let sources = apt::sources(RELEASE)?;
        let mirror = sources.iter().find(|source| source.suite == RELEASE).context("no mirror")?;
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", "--include=ca-certificates", RELEASE]).arg(root).arg(&mirror.uri);
        program::run(&mut debootstrap)?;
        Chroot::at(root, &sources)
    }

    /// A copy of another.
    pub fn copy(original: &Chroot, root: &Path) -> Result<Chroot> {
        program::run(Command::new("cp").args(["--archive", "--reflink=auto"]).arg(&original.root).arg(root))?;
        Chroot::at(root, &apt::sources(RELEASE)?)
    }

    fn at(root: &Path, sources: &[Source]) -> Result<Chroot> {
        apt::configure(root, sources)?;
        Ok(Chroot {
            root: root.to_owned(),
            variables: vec![("PATH".to_owned(), DEFAULT_PATH.to_owned())],
            user: "root".to_owned(),
            directory: "/".to_owned(),
            binds: Vec::new(),
        })
    }

    /// Makes it like the image `rust`: a C toolchain from Debian, and the host's Rust, read-only.
    pub fn add_rust(&mut self) -> Result<()> {
        program::run(&mut self.command(
            "apt-get update && apt-get install -y --no-install-recommends \
             build-essential curl git libssl-dev pkg-config",
        ))?;
        let sysroot = program::capture(Command::new("rustc").args(["--print", "sysroot"]))?;
        self.binds.push((PathBuf::from(sysroot), "/usr/local/rust".to_owned()));
        self.set("PATH", &format!("/usr/local/rust/bin:/usr/local/cargo/bin:{DEFAULT_PATH}"));
        self.set("CARGO_HOME", "/usr/local/cargo");
        fs::create_dir_all(self.root.join("usr/local/cargo"))?;
        // Where the host's cargo gets its crates from.
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
        if let Some(config) = home.map(|home| home.join("config.toml")).filter(|config| config.exists()) {
            fs::copy(config, self.root.join("usr/local/cargo/config.toml"))?;
        }
        Ok(())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// A shell command in it, as its user, in its directory, with its environment alone.
    pub fn command(&self, script: &str) -> Command {
        self.arguments(&["/bin/sh", "-c", script])
    }

    /// A program in it with its arguments.
    pub fn arguments(&self, words: &[&str]) -> Command {
        let mut prepare = String::from(
            "set -e\n\
             mount --rbind /dev \"$ROOT/dev\"\n\
             mount -t proc proc \"$ROOT/proc\"\n",
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c"]);
        for (number, (host, inside)) in self.binds.iter().enumerate() {
            prepare.push_str(&format!(
                "mkdir -p \"$ROOT{inside}\"\nmount --bind \"$BIND{number}\" \"$ROOT{inside}\"\n\
                 mount -o remount,ro,bind \"$ROOT{inside}\"\n"
            ));
            command.env(format!("BIND{number}"), host);
        }
        // Each of these replaces the one before: the program is the first process of its namespace, as in a container.
        prepare.push_str("exec chroot \"$ROOT\" env -i \"$@\"");
        command.arg(prepare).arg("sh").env("ROOT", &self.root);
        command.args(self.variables.iter().map(|(name, value)| format!("{name}={value}")));
        command.args(["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", &self.directory]);
        if self.user != "root" {
            let (reuid, regid) = (format!("--reuid={}", self.user), format!("--regid={}", self.user));
            command.args(["setpriv", &reuid, &regid, "--init-groups", "--inh-caps=-all", "--"]);
        }
        command.args(words);
        command
    }

    /// Copies from the host into it, as COPY does: of a directory the contents, made where it is not there.
    pub fn bring(&self, source: &Path, destination: &str, without: &[String]) -> Result<()> {
        let inside = Path::new("/").join(&self.directory).join(destination);
        let target = self.root.join(inside.strip_prefix("/").unwrap_or(&inside));
        if source.is_dir() {
            fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
            let excludes: Vec<String> = without.iter().map(|name| format!("--exclude=./{name}")).collect();
            let script =
                "from=$1 to=$2; shift 2; tar -C \"$from\" \"$@\" -cf - . | tar -C \"$to\" --no-same-owner -xf -";
            let mut tar = Command::new("sh");
            tar.args(["-c", script, "sh"]).arg(source).arg(&target).args(excludes);
            return program::run(&mut tar);
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
        Ok(())
    }
}
