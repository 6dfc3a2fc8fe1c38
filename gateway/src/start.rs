//! From the command line to a running gateway, and its exit code.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use awooop_contracts::SchemaViolation;
use awooop_policy::keyring::KeyringError;
use tokio::runtime::{Builder, Runtime};
use tracing::info;

use crate::config::{Cli, Command, Settings};
use crate::drain::{Stop, keep_operations_current};
use crate::gateway::Gateway;
use crate::observe::Door;
use crate::pool::Failure;
use crate::work::Work;
use crate::{audit, contract, issuer_keys, keyring, log, openapi, problem, registry, serve};

/// Why the gateway did not start.
pub enum StartError {
    /// Settings contradict each other.
    Settings(&'static str),
    /// The connection URL is none. It may hold a password, so nothing of it is said.
    DatabaseUrl,
    /// The runtime or a signal handler could not be had.
    System(io::Error),
    /// The address cannot be listened on.
    Listen(io::Error),
    /// The TLS library does not start.
    Tls,
    /// A metric could not be registered.
    Metrics(prometheus::Error),
    /// The operations could not be read.
    Operations(Failure),
    /// A file could not be read or written.
    File(io::Error),
    /// A file is no keyring, or the change of one is refused.
    Keyring(KeyringError),
    /// What a command was given is not what it takes.
    Input(&'static str),
    /// A file is no exported contract.
    Export(SchemaViolation),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Settings(why) | StartError::Input(why) => f.write_str(why),
            StartError::File(cause) => write!(f, "the file cannot be used: {cause}"),
            StartError::Export(why) => write!(f, "the file is no exported contract: {why}"),
            StartError::Keyring(why) => write!(f, "the keyring is refused: {why}"),
            StartError::DatabaseUrl => f.write_str("the database URL is not one: postgres://user@host:5432/database"),
            StartError::System(cause) => write!(f, "the system refused: {cause}"),
            StartError::Listen(cause) => write!(f, "cannot listen: {cause}"),
            StartError::Tls => f.write_str("TLS cannot be used: are there root certificates?"),
            StartError::Metrics(cause) => write!(f, "a metric is wrong: {cause}"),
            StartError::Operations(failure) => {
                let entry = problem::of_failure(failure, None).code.entry();
                write!(f, "the operations cannot be read: {} {}", entry.code, entry.message)
            }
        }
    }
}

/// Does what the command line says.
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command.unwrap_or(Command::Serve) {
        Command::Version => {
            println!("awooop-gateway {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Command::Keyring(command) => keyring::run(&command),
        Command::Audit(command) => return verified(audit::run(&command)),
        Command::Contract(command) => return verified(contract::run(&command)),
        Command::Openapi => print_openapi(cli.settings),
        Command::Serve => until_stopped(cli.settings, serve_operations),
        Command::Worker => until_stopped(cli.settings, work_alone),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("awooop-gateway: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The exit code of a verification: 1 where something is wrong, 2 where there was nothing to verify or to verify with.
fn verified(outcome: Result<bool, StartError>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("awooop-gateway: {why}");
            ExitCode::from(2)
        }
    }
}

fn print_openapi(settings: Settings) -> Result<(), StartError> {
    let _log = log::start(settings.log).map_err(StartError::System)?;
    let gateway = Gateway::new(settings)?;
    let rows = runtime(1)?.block_on(async {
        let rows = registry::load(&gateway.control).await;
        gateway.control.close().await;
        rows
    });
    let document = openapi::document(&rows.map_err(StartError::Operations)?);
    // Unlike println!, this survives a reader that has read enough.
    writeln!(io::stdout(), "{document:#}").map_err(StartError::System)
}

fn until_stopped<F>(settings: Settings, work: impl FnOnce(Settings) -> F) -> Result<(), StartError>
where
    F: Future<Output = Result<(), StartError>>,
{
    settings.check().map_err(StartError::Settings)?;
    let _log = log::start(settings.log).map_err(StartError::System)?;
    let runtime = runtime(settings.workers)?;
    let outcome = runtime.block_on(work(settings));
    // Whatever did not finish while draining is given up here.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

async fn serve_operations(settings: Settings) -> Result<(), StartError> {
    let stop = Stop::listen().map_err(StartError::System)?;
    let gateway = Arc::new(Gateway::new(settings)?);
    let door = Arc::new(Door::new(Arc::clone(&gateway))?);
    let listener = serve::listen(gateway.settings.listen).map_err(StartError::Listen)?;
    let address = listener.local_addr().map_err(StartError::Listen)?;
    info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    let work = if gateway.settings.work.worker { Some(Work::begin(&gateway, address)?) } else { None };
    // It ends while HTTP drains: agents that are executed here may have more to ask until then.
    let working = match work {
        Some(work) => {
            Some(tokio::spawn(until_told(Stop::listen().map_err(StartError::System)?, work, Arc::clone(&gateway))))
        }
        None => None,
    };
    // Started even when the database is away: the gateway then says 503 and comes to life with it.
    let reading = tokio::spawn(keep_operations_current(Arc::clone(&gateway)));
    let fetching = tokio::spawn(issuer_keys::keep_current(Arc::clone(&gateway)));
    serve::serve(Arc::clone(&gateway), door, listener, stop).await;
    if let Some(working) = working {
        let _ = working.await;
    }
    reading.abort();
    fetching.abort();
    gateway.pool.close().await;
    gateway.control.close().await;
    Ok(())
}

/// The work alone, until told to stop.
async fn work_alone(settings: Settings) -> Result<(), StartError> {
    let stop = Stop::listen().map_err(StartError::System)?;
    let gateway = Arc::new(Gateway::new(settings)?);
    let work = Work::begin(&gateway, gateway.settings.listen)?;
    info!(worker_id = gateway.settings.work.id(), version = env!("CARGO_PKG_VERSION"), "working");
    until_told(stop, work, gateway).await;
    Ok(())
}

async fn until_told(mut stop: Stop, work: Work, gateway: Arc<Gateway>) {
    stop.wait().await;
    work.end(&gateway, &mut stop).await;
}

fn runtime(workers: usize) -> Result<Runtime, StartError> {
    let mut builder = Builder::new_multi_thread();
    if workers > 0 {
        builder.worker_threads(workers);
    }
    builder.thread_name("gateway").enable_all().build().map_err(StartError::System)
}
