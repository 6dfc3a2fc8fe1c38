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

fn command(place: &Place, uri: &str, scripts: &[PathBuf], synchronous: bool, seconds: u64, clients: usize) -> Command {
    let mut command = Command::new(place.programs.join("pgbench"));
    command.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
    command.arg(format!("--client={clients}")).arg(format!("--time={seconds}"));
    for script in scripts {
        command.arg("--file").arg(script);
    }
    command.arg(uri);
    command.env("PGOPTIONS", format!("-c synchronous_commit={}", if synchronous { "on" } else { "off" }));
    command
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
    let output = command(place, uri, scripts, synchronous, seconds, clients).output().context("cannot run pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    text.lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("pgbench printed no tps: {text}"))
}

/// The same once sessions have been at work for `warm` seconds: a gateway's know the projects that they serve, pgbench's know
/// none when they begin.
pub fn warm_tps(place: &Place, uri: &str, scripts: &[PathBuf], warm: u64, seconds: u64, clients: usize) -> Result<f64> {
    let mut command = command(place, uri, scripts, true, warm + seconds, clients);
    let output = command.arg("--progress=1").output().context("cannot run pgbench")?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("pgbench failed: {text}");
    }
    // progress: 5.0 s, 6148.8 tps, …
    let of = |line: &str| -> Option<f64> {
        line.strip_prefix("progress: ")?.split(", ").nth(1)?.strip_suffix(" tps")?.parse().ok()
    };
    let each: Vec<f64> = text.lines().filter_map(of).collect();
    let last = &each[each.len().saturating_sub(usize::try_from(seconds)?)..];
    anyhow::ensure!(!last.is_empty(), "pgbench printed no progress: {text}");
    Ok(last.iter().sum::<f64>() / last.len() as f64)
}
