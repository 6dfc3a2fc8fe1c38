//! Where this machine gets its Debian packages from, so that a chroot gets them from the same place.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::program;

/// A source of packages.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    pub uri: String,
    pub suite: String,
    pub components: String,
}

/// The host's sources of one Debian release: its main suite and the updates to it.
pub fn sources(release: &str) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    let mut files = vec![Path::new("/etc/apt/sources.list").to_owned()];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => found.extend(one_line(&text)),
            Some("sources") => found.extend(stanzas(&text)),
            _ => {}
        }
    }
    found.retain(|source| source.suite == release || source.suite.strip_prefix(release).is_some_and(is_update));
    anyhow::ensure!(
        found.iter().any(|source| source.suite == release),
        "apt on this machine has no source for Debian {release}"
    );
    Ok(found)
}

fn is_update(suffix: &str) -> bool {
    matches!(suffix, "-updates" | "-security")
}

/// Gives a chroot the host's sources, proxy and certificates.
pub fn configure(root: &Path, sources: &[Source]) -> Result<()> {
    let lines: Vec<String> = sources.iter().map(|s| format!("deb {} {} {}\n", s.uri, s.suite, s.components)).collect();
    fs::write(root.join("etc/apt/sources.list"), lines.concat())?;
    let settings = program::capture(Command::new("apt-config").arg("dump"))?;
    let proxies: Vec<&str> = settings.lines().filter(|line| line.contains("::Proxy ")).collect();
    fs::write(root.join("etc/apt/apt.conf.d/99host"), proxies.join("\n") + "\n")?;
    for file in ["etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"] {
        let host = Path::new("/").join(file);
        if host.exists() {
            if let Some(dir) = root.join(file).parent() {
                fs::create_dir_all(dir)?;
            }
            fs::copy(&host, root.join(file)).with_context(|| format!("cannot copy {}", host.display()))?;
        }
    }
    Ok(())
}

/// `deb [options] uri suite component ...`
fn one_line(text: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.trim().strip_prefix("deb ") else {
            continue;
        };
        let rest = match rest.trim_start().strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        if let [uri, suite, components @ ..] = &words[..] {
            found.push(Source { uri: (*uri).to_owned(), suite: (*suite).to_owned(), components: components.join(" ") });
        }
    }
    found
}

/// Paragraphs of `Types:`, `URIs:`, `Suites:`, `Components:`.
fn stanzas(text: &str) -> Vec<Source> {
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut found = Vec::new();
    for stanza in text.join("\n").split("\n\n") {
        let field = |name: &str| {
            let value = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.unwrap_or_default().trim().to_owned()
        };
        if !field("Types").split_whitespace().any(|kind| kind == "deb") || field("Enabled") == "no" {
            continue;
        }
        for uri in field("URIs").split_whitespace() {
            for suite in field("Suites").split_whitespace() {
                found.push(Source { uri: uri.to_owned(), suite: suite.to_owned(), components: field("Components") });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(suite: &str) -> Source {
        Source { uri: "http://mirror.test/debian".into(), suite: suite.into(), components: "main contrib".into() }
    }

    #[test]
    fn both_formats_are_read() {
        let list = "# deb x y z\ndeb [arch=amd64 signed-by=/k] http://mirror.test/debian bookworm main contrib\ndeb-src a b c\n";
        assert_eq!(one_line(list), [source("bookworm")]);
        let sources = "Types: deb deb-src\n# a comment\nURIs: http://mirror.test/debian\n\
                       Suites: bookworm bookworm-updates\nComponents: main contrib\n\nTypes: deb-src\nURIs: x\nSuites: y\n";
        assert_eq!(stanzas(sources), [source("bookworm"), source("bookworm-updates")]);
    }
}
