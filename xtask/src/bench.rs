//! `cargo xtask bench`: a private server, as durable as a real one, for the benchmarks of the crate `awooop-bench`, which
//! start gateways of their own with the settings they measure. Everything is a release build; the server is stopped
//! afterwards.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::extension::Purpose;
use crate::interrupt::Cleanup;
use crate::place::{Account, Place};
use crate::progress::Steps;
use crate::server::{Durability, Server};
use crate::tree::{Major, Tree};
use crate::{gateway, peer, program};

const SERVER: &str = "bench";
/// How long a benchmark may print nothing.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Benchmarks that measure no server.
const SERVERLESS: &[&str] = &["redaction-quality"];
/// Needs a build that can leave audit rows out. No other is one: the audit log has no switch.
const ON_A_BUILD_OF_ITS_OWN: &str = "audit";
/// Needs another extension to compare with, of which somebody has to bring the sources.
const BESIDE_A_PEER: &str = "schema";

/// Runs the benchmark of that name, or all of them. The results go to standard output.
pub fn run(place: &Place, name: Option<&str>, json: bool) -> Result<()> {
    if name.is_some_and(|name| SERVERLESS.contains(&name)) {
        return measure(&mut command(place, name, json));
    }
    if name != Some(ON_A_BUILD_OF_ITS_OWN) {
        on_a_build(place, Purpose::Release, name, json)?;
    }
    if name.is_none_or(|name| name == ON_A_BUILD_OF_ITS_OWN) {
        on_a_build(place, Purpose::Bench, Some(ON_A_BUILD_OF_ITS_OWN), json)?;
    }
    Ok(())
}

fn on_a_build(place: &Place, purpose: Purpose, name: Option<&str>, json: bool) -> Result<()> {
    let peer = peer_of(name)?;
    let mut steps = Steps::new(4 + usize::from(peer.is_some()));
    let server = Server::new(place, SERVER, Major::Pg15)?;
    let _cleanup = Cleanup::new(move || {
        if let Err(error) = server.stop() {
            eprintln!("error: {error:#}");
        }
    });
    let server = steps.step("building the extension for release, starting a server", || {
        Server::start_for(purpose, place, SERVER, Major::Pg15, Durability::Full)
    })?;
    let gateway = steps.step("building the gateway for release", || gateway::build_for_release(place))?;
    steps.step("building the benchmarks", || {
        let mut servers = program::cargo(&place.checkout);
        program::run(servers.args([
            "build",
            "--release",
            "--package",
            "awooop-mcp-servers",
            "--bin",
            "echo-server",
            "--bin",
            "bot-api-server",
        ]))?;
        program::run(&mut cargo(place, "build"))
    })?;

    let tree = Tree::existing(place, server.major);
    if let Some(sources) = peer {
        steps
            .step("building pg_jsonschema for release (minutes at first)", || peer::install(place, &tree, &sources))?;
    }

    let account = Account::of_servers()?;
    let scratch = server.dir.join("bench");
    account.private_directory(&scratch)?;
    let mut command = command(place, name, json);
    command.env("AWOOOP_BENCH_URI", server.superuser_uri()?);
    command.env("AWOOOP_BENCH_BIN", tree.bin);
    command.env("AWOOOP_BENCH_GATEWAY", gateway);
    command.env("AWOOOP_BENCH_STATE", scratch);
    command.env("AWOOOP_BENCH_ECHO", place.target.join("release/echo-server"));
    steps.step("measuring", || measure(&mut command))
}

/// The sources of the peer, where it is measured: if nobody brought them, a run of all benchmarks goes without.
fn peer_of(name: Option<&str>) -> Result<Option<PathBuf>> {
    match name {
        Some(BESIDE_A_PEER) => peer::sources().map(Some),
        Some(_) => Ok(None),
        None => Ok(peer::sources().inspect_err(|error| eprintln!("      without `{BESIDE_A_PEER}`: {error}")).ok()),
    }
}

fn cargo(place: &Place, subcommand: &str) -> Command {
    let mut cargo = program::cargo(&place.checkout);
    cargo.args([subcommand, "--release", "--package", "awooop-bench"]);
    cargo
}

/// The benchmarks' program with its arguments.
fn command(place: &Place, name: Option<&str>, json: bool) -> Command {
    let mut command = cargo(place, "run");
    command.args(["--quiet", "--"]).args(name).args(json.then_some("--json"));
    command
}

fn measure(command: &mut Command) -> Result<()> {
    let status = program::each_line(command, PATIENCE, |line| println!("{line}"))?;
    anyhow::ensure!(status.success(), "the benchmark failed: {status}");
    Ok(())
}
