//! Everything that can be said about the code without running it. All checks run, whatever the first one says.

use anyhow::Result;

use crate::place::Place;
use crate::tally::Tally;
use crate::tree::{Major, Tree};
use crate::{docs, extension, program, toolchain};

/// The version of PostgreSQL that the extension's crate is checked for.
const CHECKED: Major = Major::Pg15;

pub fn run(place: &Place, tally: &mut Tally) -> Result<()> {
    toolchain::lint_components(&place.checkout)?;
    let tree = Tree::prepare(place, CHECKED)?;
    let cargo = |arguments: &[&str]| {
        let mut command = program::cargo(&place.checkout);
        command.args(arguments);
        command
    };

    eprintln!("      cargo fmt --check");
    tally.check("lint: formatting (run `cargo fmt --all`)", program::run(&mut cargo(&["fmt", "--all", "--check"])));

    eprintln!("      cargo metadata --locked");
    let metadata = program::capture(&mut cargo(&["metadata", "--locked", "--format-version=1"]));
    tally.check("lint: Cargo.lock fits Cargo.toml", metadata.map(drop));

    eprintln!("      cargo clippy, all crates but the extension");
    let mut clippy = cargo(&["clippy", "--workspace", "--exclude=pg_awooop", "--all-targets", "--", "-D", "warnings"]);
    tally.check("lint: clippy", program::run(&mut clippy));

    // Which no `--all-targets` means, because no `cargo test` runs them unless they are named.
    eprintln!("      cargo clippy, the integration tests");
    let mut clippy =
        cargo(&["clippy", "--workspace", "--exclude=pg_awooop", "--test=integration", "--", "-D", "warnings"]);
    tally.check("lint: clippy of the integration tests", program::run(&mut clippy));

    eprintln!("      cargo clippy, the extension for PostgreSQL {CHECKED}");
    let mut clippy = cargo(&["clippy", "--package=pg_awooop", "--all-targets", "--no-default-features", "--features"]);
    clippy.args([&CHECKED.feature(), "--", "-D", "warnings"]).envs(extension::pgrx_environment(place, &tree)?);
    tally.check("lint: clippy of the extension", program::run(&mut clippy));

    eprintln!("      generated documents");
    tally.check("lint: docs", docs::check(&place.checkout));
    Ok(())
}
