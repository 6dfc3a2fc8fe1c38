//! Developer commands of AwoooP: `cargo xtask --help`.
//!
//! A module is one concept: `place` (directories and users), `toolchain` (what must be installed), `tree` (private
//! installations of PostgreSQL), `extension` (building into them), `server` and `gateway` (running them), and one
//! module for each command that does more than call those (`peer` is what `bench` compares with).

mod bench;
mod clients;
mod demo;
mod docs;
mod extension;
mod gateway;
mod image;
mod interrupt;
mod lint;
mod peer;
mod place;
mod program;
mod progress;
mod server;
mod suite;
mod sweep;
mod tally;
mod toolchain;
mod tree;

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::gateway::Gateway;
use crate::place::Place;
use crate::server::{Durability, Server};
use crate::tally::Tally;
use crate::tree::Major;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of AwoooP.", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a private server and the gateway and run a tenant's day on them, every call shown.
    Demo {
        /// Stop what the demo left running.
        #[arg(long)]
        stop: bool,
    },
    /// Run everything that continuous integration runs.
    Test {
        /// Versions of PostgreSQL to test on (all of them when not given).
        #[arg(long)]
        pg: Vec<Major>,
        /// Only tests with this in their name, and no lints.
        #[arg(long, value_name = "FILTER")]
        only: Option<String>,
    },
    /// Run the benchmarks on a private server.
    Bench {
        /// One of them; all when not given.
        name: Option<String>,
        /// Print the results as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check formatting, lints and generated documents.
    Lint,
    /// Write the documents that are made from the code.
    Docs {
        /// Only say whether they are up to date.
        #[arg(long)]
        check: bool,
    },
    /// Carry out the Dockerfile in chroots, and use the images (as root; about 15 minutes).
    ImageCheck,
    /// A private PostgreSQL server with the extension installed and migrated.
    #[command(subcommand)]
    Db(Db),
    /// The gateway in the background, against such a server.
    #[command(subcommand)]
    Gateway(GatewayCommand),
}

#[derive(Subcommand)]
enum Db {
    /// Build what is not built and start the server; a running one gets the new build.
    Start(Which),
    /// Stop the server (of all versions when --pg is not given).
    Stop {
        #[arg(long, default_value = "dev")]
        name: String,
        #[arg(long)]
        pg: Option<Major>,
        /// Stop every server and gateway of this checkout.
        #[arg(long, conflicts_with_all = ["name", "pg"])]
        all: bool,
    },
    /// Open psql as superuser; what follows `--` goes to psql.
    Psql {
        #[command(flatten)]
        which: Which,
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Print a superuser's connection URI, alone on a line.
    Uri(Which),
}

#[derive(Subcommand)]
enum GatewayCommand {
    /// Build it and start it; a running one gets the new build.
    Start(Which),
    /// Stop it.
    Stop(Which),
    /// Print its base URL, alone on a line; it is started if it does not run.
    Url(Which),
}

/// Which server a command is about.
#[derive(Args)]
struct Which {
    /// Servers with different names have nothing in common.
    #[arg(long, default_value = "dev")]
    name: String,
    /// Version of PostgreSQL.
    #[arg(long, default_value = "15")]
    pg: Major,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = interrupt::install().and_then(|()| run(arguments.command));
    interrupt::checkpoint();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked, and says whether all was well.
fn run(command: Command) -> Result<bool> {
    let place = Place::open()?;
    match command {
        Command::Demo { stop: false } => demo::run(&place)?,
        Command::Demo { stop: true } => demo::stop(&place)?,
        Command::Test { pg, only } => {
            let versions = if pg.is_empty() { Major::ALL.to_vec() } else { pg };
            return suite::run(&place, &versions, only.as_deref());
        }
        Command::Bench { name, json } => bench::run(&place, name.as_deref(), json)?,
        Command::ImageCheck => image::run(&place)?,
        Command::Lint => {
            let mut tally = Tally::default();
            lint::run(&place, &mut tally)?;
            return Ok(tally.close());
        }
        Command::Docs { check: true } => docs::check(&place.checkout)?,
        Command::Docs { check: false } => docs::write(&place.checkout)?,
        Command::Db(command) => db(&place, command)?,
        Command::Gateway(command) => gateway(&place, command)?,
    }
    Ok(true)
}

fn db(place: &Place, command: Db) -> Result<()> {
    match command {
        Db::Start(which) => {
            let server = Server::start(place, &which.name, which.pg, Durability::Full)?;
            eprintln!("server {} runs on port {}; its log: {}", server.label(), server.port()?, server.log().display());
            Ok(())
        }
        Db::Stop { name, pg, all } => {
            for server in Server::all(place)? {
                if all || server.name == name && pg.is_none_or(|major| major == server.major) {
                    Gateway::of(server.clone()).stop()?;
                    server.stop()?;
                }
            }
            Ok(())
        }
        Db::Psql { which, arguments } => {
            let server = Server::ensure_running(place, &which.name, which.pg)?;
            Err(server.psql()?.args(arguments).exec().into())
        }
        Db::Uri(which) => {
            println!("{}", Server::ensure_running(place, &which.name, which.pg)?.superuser_uri()?);
            Ok(())
        }
    }
}

fn gateway(place: &Place, command: GatewayCommand) -> Result<()> {
    match command {
        GatewayCommand::Start(which) => {
            let gateway = start_gateway(place, &which)?;
            eprintln!("the gateway answers at {}; its log: {}", gateway.url()?, gateway.log().display());
        }
        GatewayCommand::Stop(which) => Gateway::of(Server::new(place, &which.name, which.pg)?).stop()?,
        GatewayCommand::Url(which) => {
            let gateway = Gateway::of(Server::new(place, &which.name, which.pg)?);
            let gateway = if gateway.is_running() { gateway } else { start_gateway(place, &which)? };
            println!("{}", gateway.url()?);
        }
    }
    Ok(())
}

fn start_gateway(place: &Place, which: &Which) -> Result<Gateway> {
    let program = gateway::build(place)?;
    let gateway = Gateway::of(Server::ensure_running(place, &which.name, which.pg)?);
    gateway.start(place, &program)?;
    Ok(gateway)
}
