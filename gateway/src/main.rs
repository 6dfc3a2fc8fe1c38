use std::process::ExitCode;

use clap::Parser;

/// A request makes and drops a few dozen small allocations on whichever worker thread runs it; mimalloc does that
/// without the lock traffic of the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    awooop_gateway::run(awooop_gateway::config::Cli::parse())
}
