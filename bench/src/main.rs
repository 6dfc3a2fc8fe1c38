//! Benchmarks of AwoooP: each runs its peer in the same run and reports a ratio.
//!
//! `cargo xtask bench [NAME] [--json]` starts a durable private server and says where things are: AWOOOP_BENCH_URI (a
//! superuser's), AWOOOP_BENCH_BIN (PostgreSQL's programs), AWOOOP_BENCH_GATEWAY (the gateway's binary) and
//! AWOOOP_BENCH_STATE (a scratch directory). A benchmark that needs no server runs without. Figures depend on the
//! machine; ratios much less.

mod approvals;
mod audit;
mod budget;
mod channels;
mod envelope;
mod fixture;
mod gateway;
mod http;
mod mcp;
mod pgbench;
mod place;
mod redaction;
mod redaction_quality;
mod redaction_server;
mod redaction_speed;
mod report;
mod schema;

use anyhow::{Result, bail};
use clap::Parser;

use crate::place::Place;
use crate::report::Report;

#[derive(Parser)]
struct Arguments {
    /// Which benchmark: approvals, audit, budget, channels, envelope, gateway, mcp, redaction, redaction-quality, schema (all that the server's build allows when not given).
    name: Option<String>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How often each measurement is repeated; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

type Benchmark = (&'static str, fn(&Effort) -> Result<Report>);

const BENCHMARKS: &[Benchmark] = &[
    ("approvals", |effort| approvals::run(&Place::from_environment()?, effort)),
    ("audit", |effort| audit::run(&Place::from_environment()?, effort)),
    ("budget", |effort| budget::run(&Place::from_environment()?, effort)),
    ("channels", |effort| channels::run(&Place::from_environment()?, effort)),
    ("envelope", |effort| envelope::run(&Place::from_environment()?, effort)),
    ("gateway", |effort| gateway::run(&Place::from_environment()?, effort)),
    ("mcp", |effort| mcp::run(&Place::from_environment()?, effort)),
    ("redaction", redaction_speed::run),
    ("redaction-quality", |_| redaction_quality::run()),
    ("schema", |effort| schema::run(&Place::from_environment()?, effort)),
];

/// How much work a measurement is.
pub struct Effort {
    pub seconds: u64,
    pub rounds: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let effort = Effort { seconds: arguments.seconds, rounds: arguments.rounds.max(1) };
    let chosen: Vec<&Benchmark> =
        BENCHMARKS.iter().filter(|(name, _)| arguments.name.as_deref().is_none_or(|only| only == *name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = BENCHMARKS.iter().map(|(name, _)| *name).collect();
        bail!("no benchmark of that name; there are: {}", names.join(", "));
    }
    for (name, run) in chosen {
        if arguments.name.is_none() && !is_possible(name)? {
            continue;
        }
        eprintln!("benchmark {name}: {} rounds of {} s a measurement", effort.rounds, effort.seconds);
        let report = run(&effort)?;
        println!("{}", if arguments.json { report.json(name) } else { report.table(name) });
    }
    Ok(())
}

/// Whether the server has what a benchmark needs beyond the extension that everybody gets.
fn is_possible(name: &str) -> Result<bool> {
    match name {
        "audit" => audit::is_possible(&Place::from_environment()?),
        "schema" => schema::is_possible(&Place::from_environment()?),
        _ => Ok(true),
    }
}
