//! `cargo xtask test`: everything continuous integration runs. Nothing stops at the first failure, every server that
//! was started is stopped and deleted, and the last line counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::clients::Clients;
use crate::extension::Purpose;
use crate::interrupt::Cleanup;
use crate::place::{Account, Place};
use crate::progress::Steps;
use crate::server::{Durability, Server};
use crate::sweep::sweep;
use crate::tally::Tally;
use crate::tree::{Major, Tree};
use crate::{gateway, lint, program, toolchain};

/// The server that the integration tests of one version share.
const SERVER: &str = "test";
/// The tests that need a build with faults in it; in the others they are ignored. In a run of all versions that build is the one between
/// the oldest and the newest, which are as everybody gets them.
const FAULTS: &[&str] = &["budgets::clock", "output::failing", "redaction::failing", "schemas::failing"];

/// What the gateway does with servers and clients, whatever version the database is of: tested on one.
const GATEWAYS_OWN: &[&str] = &[
    "mcp_gateway::conformance",
    "mcp_gateway::echoes",
    "mcp_gateway::isolation",
    "mcp_gateway::sdk",
    "mcp_gateway::upstream",
];

/// What a run of all versions leaves out between the oldest and the newest: programs in front of the database, and long random
/// work, which go through both of these.
const BETWEEN: &[&str] = &[
    "approvals::races",
    "audit_proof::proofs",
    "budgets::fire",
    "budgets::model",
    "budgets::rollover",
    "budgets::torn",
    "budgets::workers",
    "channels::telegram",
    "http::",
    "mcp_gateway::",
    "runs::model",
    "work::",
];

/// Runs it all, or what has `only` in its name, and says whether everything passed.
pub fn run(place: &Place, versions: &[Major], only: Option<&str>) -> Result<bool> {
    let mut tally = Tally::default();
    let faults = only.is_none_or(|only| FAULTS.iter().any(|test| test.contains(only)));
    let is_between = versions.len() > 1 && versions.contains(&Major::Pg16);
    let faulty = if is_between { Major::Pg16 } else { Major::Pg15 };
    let apart = faults && !is_between;
    let mut steps = Steps::new(if only.is_some() { 4 } else { 6 } + usize::from(apart) + 2 * versions.len());
    steps.step("looking for what has to be installed", || {
        toolchain::packages()?;
        toolchain::test_packages()
    })?;
    if only.is_none() {
        let done = steps.step("checking formatting, lints and generated documents", || lint::run(place, &mut tally));
        tally.expect("lint", done);
    }
    let done = steps.step("unit tests", || unit_tests(place, &mut tally, only));
    tally.expect("unit tests", done);
    let gateway = steps.step("building the gateway (about 2 minutes the first time)", || gateway::build(place));
    let gateway = tally.expect("building the gateway", gateway);
    let clients = steps
        .step("building MCP servers, and fetching MCP's clients and its conformance suite", || Clients::prepare(place));
    let clients = tally.expect("MCP servers and clients", clients);
    for major in versions {
        let about = format!("building the extension for PostgreSQL {major} and starting a server (minutes at first)");
        let _cleanup = remove_at_the_end(place, *major)?;
        let purpose = if faults && !apart && *major == faulty { Purpose::Faults } else { Purpose::Use };
        let server = steps.step(&about, || fresh_server(place, *major, purpose));
        let server = tally.expect(&format!("PostgreSQL {major}: extension and server"), server);
        let done =
            steps.step(&format!("integration tests on PostgreSQL {major}"), || match (&server, &gateway, &clients) {
                (Some(server), Some(gateway), Some(clients)) => {
                    let programs = (gateway.as_path(), clients);
                    integration_tests(place, server, programs, &mut tally, (only, versions.len() > 1))?;
                    match purpose {
                        Purpose::Faults => tests_of_faults(place, server, programs, &mut tally),
                        _ => Ok(()),
                    }
                }
                _ => anyhow::bail!("there is nothing to test against"),
            });
        tally.expect(&format!("PostgreSQL {major}: integration tests"), done);
    }
    if apart {
        let done = steps.step("building the extension with faults in it, and testing what becomes of them", || {
            let gateway = gateway.as_deref().context("there is no gateway to test with")?;
            let clients = clients.as_ref().context("there are no MCP servers to test with")?;
            let _cleanup = remove_at_the_end(place, faulty)?;
            let server = fresh_server(place, faulty, Purpose::Faults)?;
            tests_of_faults(place, &server, (gateway, clients), &mut tally)
        });
        tally.expect("faults", done);
    }
    if only.is_none() {
        let done = steps.step("running the demo and stopping it", || demo(place));
        tally.check("demo", done);
    }
    Ok(tally.close())
}

/// The README's other command, as a person runs it; what it printed must lead somewhere, and nothing may be left behind.
fn demo(place: &Place) -> Result<()> {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(std::env::current_exe()?);
        program::capture(command.args(arguments).current_dir(&place.checkout))
    };
    let printed = run(&["demo"]);
    let reached = printed.and_then(|printed| {
        for name in ["API documentation", "metrics"] {
            let line = printed.lines().find(|line| line.trim_start().starts_with(name));
            let url = line.and_then(|line| line.split_whitespace().find(|word| word.starts_with("http://")));
            let url = url.with_context(|| format!("the demo printed no address for {name}"))?;
            program::capture(Command::new("curl").args([
                "--fail",
                "--silent",
                "--location",
                "--output",
                "/dev/null",
                url,
            ]))?;
        }
        Ok(())
    });
    run(&["demo", "--stop"])?;
    reached?;
    let left = Server::new(place, "demo", Major::Pg15)?;
    anyhow::ensure!(!left.is_running(), "the demo's server still runs after --stop");
    Ok(())
}

fn unit_tests(place: &Place, tally: &mut Tally, only: Option<&str>) -> Result<()> {
    let mut pure = tests(place);
    pure.args(only);
    tally.cargo_test("unit", &mut pure)?;

    // The tests that need what is fetched here.
    let suite = tally.expect("fetching the JSON Schema Test Suite", toolchain::json_schema_test_suite());
    let canonicalizers = tally.expect("fetching other implementations of canonical JSON", toolchain::canonicalizers());
    let libraries = tally.expect("fetching other implementations of signed tokens", toolchain::token_libraries());
    if let (Some(suite), Some(canonicalizers), Some(libraries)) = (suite, canonicalizers, libraries) {
        let mut conformance = tests(place);
        conformance.arg("--lib").args(only).args(["--", "--ignored"]);
        conformance.env("AWOOOP_JSON_SCHEMA_TEST_SUITE", suite).env("AWOOOP_JCS_PACKAGES", canonicalizers);
        conformance.env("AWOOOP_TOKEN_LIBRARIES", libraries);
        tally.cargo_test("conformance", &mut conformance)?;
    }
    Ok(())
}

/// Tests of whatever packages, always chosen from the same: of others cargo would build the libraries with other features, once more.
/// The extension has none of its own: what can be decided without a server is in `awooop-policy`.
fn tests(place: &Place) -> Command {
    let mut cargo = program::cargo(&place.checkout);
    cargo.args(["test", "--no-fail-fast", "--workspace", "--exclude=pg_awooop"]);
    cargo
}

/// A server nobody else uses, without what an earlier run left in it.
fn fresh_server(place: &Place, major: Major, purpose: Purpose) -> Result<Server> {
    Server::new(place, SERVER, major)?.remove()?;
    Server::start_for(purpose, place, SERVER, major, Durability::None)
}

fn remove_at_the_end(place: &Place, major: Major) -> Result<Cleanup> {
    let server = Server::new(place, SERVER, major)?;
    let scratch = scratch(place, major)?;
    Ok(Cleanup::new(move || {
        sweep(&scratch);
        if let Err(error) = server.remove() {
            eprintln!("error: {error:#}");
        }
        let _ = std::fs::remove_dir_all(&scratch);
    }))
}

fn integration_tests(
    place: &Place,
    server: &Server,
    programs: (&Path, &Clients),
    tally: &mut Tally,
    (only, among_others): (Option<&str>, bool),
) -> Result<()> {
    let mut cargo = integration(place, server, programs)?;
    let left_out = match server.major {
        Major::Pg15 => &[],
        Major::Pg16 if among_others => BETWEEN,
        Major::Pg16 | Major::Pg18 => GATEWAYS_OWN,
    };
    cargo.args(only).arg("--").args(left_out.iter().flat_map(|module| ["--skip", module]));
    tally.cargo_test(&format!("PostgreSQL {}", server.major), &mut cargo)
}

/// The tests of a build with faults in it.
fn tests_of_faults(place: &Place, server: &Server, programs: (&Path, &Clients), tally: &mut Tally) -> Result<()> {
    let mut cargo = integration(place, server, programs)?;
    cargo.arg("--").args(FAULTS).arg("--ignored");
    tally.cargo_test("faults", &mut cargo)
}

/// A run of the integration tests.
fn integration(place: &Place, server: &Server, (gateway, clients): (&Path, &Clients)) -> Result<Command> {
    let account = Account::of_servers()?;
    let scratch = scratch(place, server.major)?;
    account.private_directory(&scratch)?;
    let mut cargo = tests(place);
    cargo.args(["--test", "integration"]);
    cargo.env("AWOOOP_TEST_URI", server.superuser_uri()?);
    cargo.env("AWOOOP_TEST_PG", server.major.number());
    cargo.env("AWOOOP_TEST_BIN", Tree::existing(place, server.major).bin);
    cargo.env("AWOOOP_TEST_GATEWAY", gateway).envs(clients.environment());
    cargo.env("AWOOOP_TEST_GATEWAY_URI", server.gateway_uri()?);
    cargo.env("AWOOOP_TEST_RUN_AS", account.name());
    cargo.env("AWOOOP_TEST_STATE", &scratch);
    Ok(cargo)
}

/// The directory that tests put servers of their own into.
fn scratch(place: &Place, major: Major) -> Result<PathBuf> {
    Ok(place.dir("scratch")?.join(major.number()))
}
