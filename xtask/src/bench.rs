//! `cargo xtask bench`: a private server, as durable as a real one, for the benchmarks of the crate `awooop-bench`, which
//! start gateways of their own with the settings they measure. Everything is a release build; the server is stopped
//! afterwards.

use anyhow::Result;

use crate::extension::Purpose;
use crate::interrupt::Cleanup;
use crate::place::{Account, Place};
use crate::progress::Steps;
use crate::server::{Durability, Server};
use crate::tree::{Major, Tree};
use crate::{gateway, program};

const SERVER: &str = "bench";

/// Needs a build that can leave audit rows out. No other is one: the audit log has no switch.
const ON_A_BUILD_OF_ITS_OWN: &str = "audit";

/// Runs the benchmark of that name, or all of them. The results go to standard output.
pub fn run(place: &Place, name: Option<&str>, json: bool) -> Result<()> {
    if name != Some(ON_A_BUILD_OF_ITS_OWN) {
        on_a_build(place, Purpose::Use, name, json)?;
    }
    if name.is_none_or(|name| name == ON_A_BUILD_OF_ITS_OWN) {
        on_a_build(place, Purpose::Bench, Some(ON_A_BUILD_OF_ITS_OWN), json)?;
    }
    Ok(())
}

fn on_a_build(place: &Place, purpose: Purpose, name: Option<&str>, json: bool) -> Result<()> {
    let mut steps = Steps::new(4);
    let server = Server::new(place, SERVER, Major::Pg15)?;
    let _cleanup = Cleanup::new(move || {
        if let Err(error) = server.stop() {
            eprintln!("error: {error:#}");
        }
    });
    let server = steps.step("building the extension for release, starting a server", || {
        Server::start_for(purpose, place, SERVER, Major::Pg15, Durability::Full)
    })?;
    let gateway = steps.step("building the gateway for release", || gateway::build(place))?;
    let bench = |subcommand: &str| {
        let mut cargo = program::cargo(&place.checkout);
        cargo.args([subcommand, "--release", "--package", "awooop-bench"]);
        cargo
    };
    steps.step("building the benchmarks", || program::run(&mut bench("build")))?;

    let account = Account::of_servers()?;
    let scratch = server.dir.join("bench");
    account.private_directory(&scratch)?;
    let mut command = bench("run");
    command.args(["--quiet", "--"]).args(name).args(json.then_some("--json"));
    command.env("AWOOOP_BENCH_URI", server.superuser_uri()?);
    command.env("AWOOOP_BENCH_BIN", Tree::existing(place, server.major).bin);
    command.env("AWOOOP_BENCH_GATEWAY", gateway);
    command.env("AWOOOP_BENCH_STATE", scratch);
    steps.step("measuring", || {
        let status = program::each_line(&mut command, |line| println!("{line}"))?;
        anyhow::ensure!(status.success(), "the benchmark failed: {status}");
        Ok(())
    })
}
