//! Who takes part in the story of a message besides the gateway: an agent behind HTTP, a server that answers as Telegram's Bot API,
//! and a worker between them.

use anyhow::Result;

use super::process::{Process, mount};
use crate::place::Place;
use crate::program;
use crate::server::Server;

/// What the agent wants to be shown.
const AGENT_TOKEN: &str = "clerk-listens-to-awooop";
/// What the Bot API knows the bot by.
const BOT_TOKEN: &str = "8100200300:a-bot-of-this-demo-alone";
/// How long the worker waits where there was nothing to do.
const POLL_MS: &str = "50";

pub struct Crew {
    server: Server,
    agent: Process,
    bot_api: Process,
    worker: Process,
}

impl Crew {
    pub fn of(server: &Server) -> Crew {
        let process = |name| Process::of(server, name);
        Crew { server: server.clone(), agent: process("clerk"), bot_api: process("bot-api"), worker: process("worker") }
    }

    /// Builds the programs that the demo has around the gateway.
    pub fn build(place: &Place) -> Result<()> {
        program::run(program::cargo(&place.checkout).args(["build", "--package", "awooop-mcp-servers", "--bins"]))
    }

    /// Leaves them running: the gateway listens at `url`, and its program is the worker's.
    pub fn start(&self, place: &Place, gateway: &std::path::Path, url: &str) -> Result<()> {
        self.agent.serve(place, "clerk-agent", |command, _| {
            command.arg("--require-header").arg(format!("Authorization=Bearer {AGENT_TOKEN}"));
        })?;
        self.bot_api.serve(place, "bot-api-server", |command, _| {
            command.args(["--token", BOT_TOKEN]);
        })?;
        mount(&self.server, ["ewoooc", "clerk", "token"], AGENT_TOKEN)?;
        mount(&self.server, ["ewoooc", "telegram", "bot-token"], BOT_TOKEN)?;
        let (database, bot_api) = (self.server.worker_uri()?, self.bot_api.url()?);
        let gateways = self.server.gateway_uri()?;
        self.worker.start(gateway, |command| {
            command.arg("worker").env("AWOOOP_DATABASE_URL", gateways);
            command.env("AWOOOP_WORKER_DATABASE_URL", database).env("AWOOOP_PUBLIC_URL", url);
            command.env("AWOOOP_TELEGRAM_API_URL", bot_api).env("AWOOOP_POLL_MS", POLL_MS);
            command.env("AWOOOP_SECRETS_DIR", self.server.secrets());
        })?;
        Ok(())
    }

    /// Where runs are posted to.
    pub fn agent_url(&self) -> Result<String> {
        Ok(format!("{}/agent", self.agent.url()?))
    }

    pub fn bot_api_url(&self) -> Result<String> {
        self.bot_api.url()
    }

    pub fn stop(&self) -> Result<()> {
        self.worker.stop()?;
        self.bot_api.stop()?;
        self.agent.stop()
    }

    /// What the worker has logged.
    pub fn log(&self) -> std::path::PathBuf {
        self.worker.log()
    }
}
