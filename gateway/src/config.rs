//! What a person can set, by environment or by flag, and the limits that follow from it. Decides defaults and refuses
//! settings that contradict each other; leaves what they mean to the modules that use them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::audit::AuditCommand;
use crate::channels::settings::WorkerSettings;
use crate::contract::ContractCommand;
use crate::issuer_keys::settings::IssuerSettings;
use crate::keyring::KeyringCommand;
use crate::mcp::settings::McpSettings;

const EXAMPLES: &str = "\
Examples:
  AWOOOP_DATABASE_URL=postgres://awooop_gateway@db.internal/awooop awooop-gateway --listen 0.0.0.0:8080
  AWOOOP_DATABASE_URL='postgres://awooop_gateway@localhost/awooop?host=/run/postgresql' awooop-gateway
  awooop-gateway openapi > openapi.json

Every flag has an environment variable; a flag wins. Signals: SIGTERM and SIGINT drain and exit 0 (a second one exits
at once), SIGHUP reads the operations again.";

/// As many as a claim can speak of.
const MOST_PLACES: usize = 10_000;

/// The command line of `awooop-gateway`.
#[derive(Parser)]
#[command(name = "awooop-gateway", version, about = "Carries AwoooP's operations over HTTP", after_help = EXAMPLES)]
pub struct Cli {
    /// What to do; `serve` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to do it.
    #[command(flatten)]
    pub settings: Settings,
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve HTTP until told to stop (the default).
    Serve,
    /// Execute agents behind HTTP, and send messages of channels, until told to stop, without serving HTTP.
    Worker,
    /// Print the OpenAPI 3.1 document of the database's operations, and exit.
    Openapi,
    /// Print the version, and exit.
    Version,
    /// Make or change the file of the platform's secret keys. Needs no database.
    #[command(subcommand)]
    Keyring(KeyringCommand),
    /// Verify an exported audit log, or a proof. Needs no database.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Verify an exported contract. Needs no database.
    #[command(subcommand)]
    Contract(ContractCommand),
}

/// Every setting, with its default.
#[derive(Args, Clone)]
pub struct Settings {
    /// Where to connect, as the role awooop_gateway. Prefer the environment or a password file (PGPASSFILE): other
    /// users of the machine can read flags.
    #[arg(
        long,
        env = "AWOOOP_DATABASE_URL",
        default_value = "postgres://awooop_gateway@127.0.0.1:5432/awooop",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub database_url: DatabaseUrl,

    /// Address and port to listen on; port 0 takes a free one and logs it.
    #[arg(long, env = "AWOOOP_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT", global = true)]
    pub listen: SocketAddr,

    /// Threads that run requests; 0 means one for each core.
    #[arg(long, env = "AWOOOP_WORKERS", default_value_t = 0, value_name = "N", global = true)]
    pub workers: usize,

    /// Database connections for requests; one more is kept for readiness and the operation list.
    #[arg(long, env = "AWOOOP_POOL_SIZE", default_value_t = 8, value_name = "N", global = true)]
    pub pool_size: usize,

    /// Requests that may wait for a connection; the next one gets 503 at once.
    #[arg(long, env = "AWOOOP_QUEUE_SIZE", default_value_t = 64, value_name = "N", global = true)]
    pub queue_size: usize,

    /// How long a request may wait for a connection before it gets 503, in milliseconds.
    #[arg(long, env = "AWOOOP_QUEUE_TIMEOUT_MS", default_value_t = 1_000, value_name = "MS", global = true)]
    pub queue_timeout_ms: u64,

    /// How long one SQL statement may run (statement_timeout), in milliseconds.
    #[arg(long, env = "AWOOOP_STATEMENT_TIMEOUT_MS", default_value_t = 8_000, value_name = "MS", global = true)]
    pub statement_timeout_ms: u64,

    /// How long a request may take from its last header to its answer, in milliseconds.
    #[arg(long, env = "AWOOOP_REQUEST_TIMEOUT_MS", default_value_t = 10_000, value_name = "MS", global = true)]
    pub request_timeout_ms: u64,

    /// How long a client may take to send a request's headers, a kept connection may idle, and a client may take nothing
    /// of its answer, in milliseconds.
    #[arg(long, env = "AWOOOP_HEADER_TIMEOUT_MS", default_value_t = 30_000, value_name = "MS", global = true)]
    pub header_timeout_ms: u64,

    /// The largest request body, in bytes.
    #[arg(long, env = "AWOOOP_BODY_LIMIT_BYTES", default_value_t = 1 << 20, value_name = "BYTES", global = true)]
    pub body_limit_bytes: usize,

    /// Client connections held at once; further ones wait in the kernel's queue.
    #[arg(long, env = "AWOOOP_MAX_CONNECTIONS", default_value_t = 1_024, value_name = "N", global = true)]
    pub max_connections: usize,

    /// How long requests in flight may take to finish after SIGTERM, in seconds.
    #[arg(long, env = "AWOOOP_DRAIN_SECONDS", default_value_t = 20, value_name = "S", global = true)]
    pub drain_seconds: u64,

    /// How long to go on accepting after SIGTERM while /readyz already says 503, so that a load balancer can notice,
    /// in seconds.
    #[arg(long, env = "AWOOOP_DRAIN_DELAY_SECONDS", default_value_t = 0, value_name = "S", global = true)]
    pub drain_delay_seconds: u64,

    /// How often to read the operations again, in seconds.
    #[arg(long, env = "AWOOOP_RELOAD_SECONDS", default_value_t = 30, value_name = "S", global = true)]
    pub reload_seconds: u64,

    /// How much to log. One line a request is `info`.
    #[arg(long, env = "AWOOOP_LOG", value_enum, default_value_t = LogLevel::Info, value_name = "LEVEL", global = true)]
    pub log: LogLevel,

    /// Keys of access tokens' issuers.
    #[command(flatten)]
    pub issuers: IssuerSettings,

    /// MCP.
    #[command(flatten)]
    pub mcp: McpSettings,

    /// The work that the gateway does by itself.
    #[command(flatten)]
    pub work: WorkerSettings,
}

/// How much to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Only what needs a person.
    Error,
    /// And what may need one.
    Warn,
    /// And one line a request.
    Info,
    /// And what the gateway does in between.
    Debug,
}

/// A connection URL. It may hold a password, so it has no Debug, Display or Serialize.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    /// Whether it is a URL is found out when it is used: clap would print a rejected value.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(DatabaseUrl(text.to_owned()))
    }
}

impl DatabaseUrl {
    /// The URL, for the connection options alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl Settings {
    /// Says which settings contradict each other.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.pool_size == 0 || self.max_connections == 0 {
            return Err("--pool-size and --max-connections must be at least 1");
        }
        if self.statement_timeout_ms == 0 || self.request_timeout_ms == 0 || self.header_timeout_ms == 0 {
            return Err("a time limit of 0 would mean none at all");
        }
        if self.work.worker_pool_size == 0
            || self.work.max_sending == 0
            || self.work.max_runs == 0
            || self.work.poll_ms == 0
        {
            return Err("--worker-pool-size, --max-runs, --max-sending and --poll-ms must be at least 1");
        }
        if self.work.max_runs.max(self.work.max_sending) > MOST_PLACES {
            return Err("--max-runs and --max-sending must be at most 10000");
        }
        if self.reload_seconds == 0 {
            return Err("--reload-seconds must be at least 1");
        }
        if self.statement_timeout_ms > self.request_timeout_ms {
            return Err("--statement-timeout-ms must not exceed --request-timeout-ms: \
                        the statement would outlive its request");
        }
        Ok(())
    }

    /// The longest a request may wait for a connection.
    pub fn queue_timeout(&self) -> Duration {
        Duration::from_millis(self.queue_timeout_ms)
    }

    /// The longest a statement may run.
    pub fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }

    /// The longest a request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// The longest a client may take to send its headers, or leave its answer unread.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_may_stand_before_or_after_the_subcommand() {
        for line in [["gw", "--listen", "127.0.0.1:0", "serve"], ["gw", "serve", "--listen", "127.0.0.1:0"]] {
            let cli = Cli::try_parse_from(line).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(cli.settings.listen.port(), 0);
        }
    }

    #[test]
    fn a_statement_that_would_outlive_its_request_is_refused() {
        let cli = Cli::try_parse_from(["gw", "--request-timeout-ms", "100"]).unwrap_or_else(|e| panic!("{e}"));
        assert!(cli.settings.check().is_err());
        let cli = Cli::try_parse_from(["gw"]).unwrap_or_else(|e| panic!("{e}"));
        assert!(cli.settings.check().is_ok());
    }

    #[test]
    fn the_help_never_prints_a_connection_url_from_the_environment() {
        let url =
            Cli::command().get_arguments().find(|a| a.get_id() == "database_url").map(|a| a.is_hide_env_values_set());
        assert_eq!(url, Some(true));
    }
}
