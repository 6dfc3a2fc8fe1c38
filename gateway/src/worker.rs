//! Executes agents behind HTTP: claims their runs, posts each to its agent with the journal so far and a token that is good for this
//! run alone, and brings what comes back to the database. What may be recorded, what an output must be, and whether the run is this
//! worker's still, the database decides with every write.

mod agent;
mod database;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tracing::{debug, info, warn};

use self::agent::{Agent, Failed, Reply};
use self::database::{Database, Ended, Run};
use crate::gateway::Gateway;
use crate::mcp::secret::Store;
use crate::outside::Outside;
use crate::places::Places;
use crate::start::StartError;

/// Runs that one claim may give.
const MOST_AT_ONCE: usize = 16;
/// After the database could not be asked.
const AFTER_A_FAILURE: Duration = Duration::from_secs(1);
/// Answers of an agent in one attempt, of which all but the last go on with what the database said.
const MOST_ROUNDS: usize = 20;

/// Executes runs of all projects.
pub struct Worker {
    database: Database,
    agent: Agent,
    places: Arc<Places>,
    idle: Duration,
}

impl Worker {
    /// Connects to nothing yet.
    pub fn new(gateway: Arc<Gateway>, address: SocketAddr) -> Result<Worker, StartError> {
        let settings = &gateway.settings;
        let secrets = Store::new(settings.mcp.secrets_dir.clone());
        let outside = Outside::new().map_err(|_| StartError::Tls)?;
        let address = settings.mcp.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        Ok(Worker {
            agent: Agent::new(outside, secrets, address),
            places: Places::new(settings.work.max_runs),
            idle: Duration::from_millis(settings.work.poll_ms),
            database: Database::new(gateway),
        })
    }

    /// Works until told to stop, and then until what is under way is done.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut under_way = JoinSet::new();
        while !*stop.borrow() {
            // As it is before the database is asked: what becomes free meanwhile changes what it would say.
            let (room, is_awaited) = (self.places.free().min(MOST_AT_ONCE), self.places.is_awaited());
            let claimed = if room == 0 { Some(0) } else { self.claim(room, &mut under_way).await };
            while under_way.try_join_next().is_some() {}
            let wait = match claimed {
                Some(0) => self.idle,
                Some(_) => continue,
                None => AFTER_A_FAILURE,
            };
            tokio::select! {
                _ = stop.changed() => {}
                () = sleep(wait) => {}
                // Whoever is done makes room, maybe for another run of the same project.
                () = self.places.freed(), if is_awaited && claimed.is_some() => {}
            }
        }
        info!(runs = under_way.len(), "the worker takes no more runs");
        while under_way.join_next().await.is_some() {}
    }

    /// Claims as many runs as there is room for, and begins them; how many, where the database could be asked.
    async fn claim(self: &Arc<Self>, room: usize, under_way: &mut JoinSet<()>) -> Option<usize> {
        let runs = match self.database.claim(room, &self.places).await {
            Ok(runs) => runs,
            Err(code) => {
                warn!(code, "no runs can be claimed");
                return None;
            }
        };
        let claimed = runs.len();
        for run in runs {
            let place = self.places.take(&run.project_id);
            let worker = Arc::clone(self);
            under_way.spawn(async move {
                worker.work_on(&run).await;
                drop(place);
            });
        }
        Some(claimed)
    }

    /// Executes a run, and keeps its lease meanwhile. Once the lease is lost, nothing more is done: another worker has the run.
    async fn work_on(&self, run: &Run) {
        tokio::select! {
            () = self.attempt(run) => {}
            () = self.keep(run) => debug!(run_id = run.run_id, "the lease is lost"),
        }
    }

    /// Keeps the lease, until it is lost.
    async fn keep(&self, run: &Run) {
        let every = run.lease_lasts() / 3;
        let mut beat = interval_at(Instant::now() + every, every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if self.database.heartbeat(run).await.is_lost() {
                return;
            }
        }
    }

    async fn attempt(&self, run: &Run) {
        let ended = match self.rounds(run).await {
            Ok(ended) => ended,
            Err(failed) => self.database.fail(run, &failed).await,
        };
        match ended {
            Ended::Said => {}
            Ended::Lost => debug!(run_id = run.run_id, "another worker has the run"),
            Ended::Unsaid(code) => {
                warn!(
                    code,
                    run_id = run.run_id,
                    "what became of a run could not be said; it goes on when its lease is over"
                );
            }
        }
    }

    /// Asks the agent, and again with what the database said to its answer.
    async fn rounds(&self, run: &Run) -> Result<Ended, Failed> {
        let mut said = Value::Null;
        for _ in 0..MOST_ROUNDS {
            let reply = self.agent.ask(run, &said).await?;
            for step in &reply.steps {
                match self.database.record_step(run, step).await? {
                    Some(ended) => return Ok(ended),
                    None => continue,
                }
            }
            let next = match reply.rest {
                Reply::Output(output) => self.database.complete(run, &output).await?,
                Reply::Raw(text) => self.database.validate(run, &text).await?,
                Reply::Wait(Some(wanted)) => self.database.request_approval(run, &wanted).await?,
                // It has asked by itself; if it has not, the run goes nowhere.
                Reply::Wait(None) if self.database.heartbeat(run).await.is_lost() => return Ok(Ended::Said),
                Reply::Wait(None) => {
                    return Err(Failed::finally("waits_for_nothing", "the agent waits, and nobody was asked"));
                }
                Reply::Failed(failed) => return Err(failed),
            };
            match next {
                database::Next::Ended(ended) => return Ok(ended),
                database::Next::Again(answer) => said = answer,
            }
        }
        Err(Failed::finally("too_many_rounds", "the agent came to no end"))
    }
}
