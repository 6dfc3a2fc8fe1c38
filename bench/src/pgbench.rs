//! Running pgbench: transactions per second of a script, prepared statements, 8 clients on 2 threads.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::fixture::CLIENTS;
use crate::place::Place;

/// Writes scripts for pgbench, one file each.
pub fn scripts(place: &Place, stem: &str, texts: &[String]) -> Result<Vec<PathBuf>> {
    texts
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let file = place.scratch.join(format!("{stem}-{n}.sql"));
            std::fs::write(&file, text)?;
            Ok(file)
        })
        .collect()
}

/// Transactions per second over `seconds`; where there are several scripts, each transaction takes one at random.
pub fn tps(place: &Place, uri: &str, scripts: &[PathBuf], synchronous: bool, seconds: u64) -> Result<f64> {
    tps_of(place, uri, scripts, synchronous, seconds, CLIENTS)
}

/// The same with another number of clients.
pub fn tps_of(
    place: &Place,
    uri: &str,
    scripts: &[PathBuf],
    synchronous: bool,
    seconds: u64,
    clients: usize,
) -> Result<f64> {
    let mut command = Command::new(place.programs.join("pgbench"));
    command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
    command.arg(format!("--client={clients}")).arg(format!("--time={seconds}"));
    for script in scripts {
        command.arg("--file").arg(script);
    }
    command.arg(uri);
    command.env("PGOPTIONS", format!("-c synchronous_commit={}", if synchronous { "on" } else { "off" }));
    let output = command.output().context("cannot run pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    text.lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("pgbench printed no tps: {text}"))
}
