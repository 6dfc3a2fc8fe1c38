//! The statements of the worker, as the role awooop_worker. Every one after the claim shows the run's lease, and does nothing once
//! that is lost.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::Row as _;
use tokio::time::sleep;

use super::agent::{Failed, Step, Wanted};
use crate::gateway::Gateway;
use crate::places::Places;
use crate::pool::{Failure, Statement};
use crate::problem;

const CLAIM: &str = "select awooop.claim_runs($1, $2, with_endpoint => true, places => $3, holding => $4::jsonb)::text";
const HEARTBEAT: &str = "select awooop.heartbeat($1::uuid, $2)::text";
const STEP: &str = "select awooop.record_step($1::uuid, $2, $3, result => $4::jsonb, request => $5::jsonb, kind => $6,
    phase => $7, tokens => $8, micro_usd => $9, model => $10, input_tokens => $11, cached_tokens => $12,
    output_tokens => $13)::text";
const VALIDATE: &str = "select awooop.validate_output($1::uuid, $2, $3)::text";
const COMPLETE: &str = "select awooop.complete_run($1::uuid, $2, $3::jsonb)::text";
const FAIL: &str = "select awooop.fail_run($1::uuid, $2, $3, $4, $5)::text";
const APPROVAL: &str = "select awooop.request_approval($1::uuid, $2, $3, $4, $5::jsonb)::text";

/// How often a write is tried that the database could not be asked for.
const MOST_TRIES: u32 = 6;
const AFTER_A_FAILURE: Duration = Duration::from_millis(500);

/// A run that was claimed.
#[derive(Deserialize)]
pub struct Run {
    pub run_id: String,
    pub project_id: String,
    pub agent_id: String,
    pub lease: String,
    pub attempt: i64,
    pub mode: String,
    pub envelope: Value,
    pub input: Value,
    pub tags: Value,
    pub steps: Value,
    pub deadline_at: String,
    pub lease_seconds: u64,
    pub endpoint: Endpoint,
}

/// Where its agent is.
#[derive(Deserialize)]
pub struct Endpoint {
    pub url: String,
    pub credential: Option<String>,
    pub timeout_seconds: u64,
    pub private_host_allowed: bool,
    pub history: Value,
}

impl Run {
    /// The trace that it is part of.
    pub fn trace(&self) -> Option<&str> {
        self.envelope.get("trace_id").and_then(Value::as_str)
    }

    /// How long its lease lasts without a heartbeat.
    pub fn lease_lasts(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.max(1))
    }
}

/// How the work on a run ended for this worker.
pub enum Ended {
    /// The database knows what became of it.
    Said,
    /// It is not this worker's any more.
    Lost,
    /// It could not be said.
    Unsaid(String),
}

/// What follows an answer of the agent's.
pub enum Next {
    Ended(Ended),
    /// The agent is asked again, with this.
    Again(Value),
}

/// What came of a heartbeat.
pub enum Beat {
    Kept,
    Lost,
    /// The database could not be asked: the lease may hold.
    Unknown,
}

impl Beat {
    pub fn is_lost(&self) -> bool {
        matches!(self, Beat::Lost)
    }
}

/// The database, as the worker asks it.
pub struct Database {
    gateway: Arc<Gateway>,
    worker_id: String,
}

#[derive(Deserialize)]
struct Claimed {
    runs: Option<Vec<Run>>,
    code: Option<String>,
}

/// What the database said: its document, or a problem's code.
enum Said {
    Done(Value),
    Refused(String, Value),
}

/// A problem where the run is another worker's, or has ended.
fn is_over(code: &str) -> bool {
    matches!(code, "E-RUN-003" | "E-RUN-006")
}

impl Database {
    /// Connects to nothing yet.
    pub fn new(gateway: Arc<Gateway>) -> Database {
        Database { worker_id: gateway.settings.work.id(), gateway }
    }

    /// At most `room` runs of agents behind HTTP.
    pub async fn claim(&self, room: usize, places: &Places) -> Result<Vec<Run>, String> {
        let statement = sqlx::query(CLAIM).bind(&self.worker_id).bind(i32::try_from(room).unwrap_or(1));
        let text = self.ask(statement.bind(places.all()).bind(places.held().to_string())).await?;
        let claimed: Claimed = serde_json::from_str(&text).map_err(|_| "unreadable".to_owned())?;
        match (claimed.runs, claimed.code) {
            (Some(runs), _) => Ok(runs),
            (None, code) => Err(code.unwrap_or_else(|| "unreadable".to_owned())),
        }
    }

    /// Keeps the lease.
    pub async fn heartbeat(&self, run: &Run) -> Beat {
        match self.ask(sqlx::query(HEARTBEAT).bind(&run.run_id).bind(&run.lease)).await {
            Err(_) => Beat::Unknown,
            Ok(text) => {
                let answer: Value = serde_json::from_str(&text).unwrap_or_default();
                let lost = answer["lost"].as_array().is_some_and(|lost| !lost.is_empty());
                if lost || answer.get("code").is_some() { Beat::Lost } else { Beat::Kept }
            }
        }
    }

    /// Records a step with what it has used; how the work ended, where it did.
    pub async fn record_step(&self, run: &Run, step: &Step) -> Result<Option<Ended>, Failed> {
        let said = self
            .write(|| {
                sqlx::query(STEP)
                    .bind(&run.run_id)
                    .bind(&run.lease)
                    .bind(&step.step_key)
                    .bind(step.result.to_string())
                    .bind(step.request.to_string())
                    .bind(step.kind.as_deref().unwrap_or("step"))
                    .bind(step.phase.as_deref().unwrap_or("completed"))
                    .bind(step.tokens)
                    .bind(step.micro_usd)
                    .bind(step.model.as_deref())
                    .bind(step.input_tokens)
                    .bind(step.cached_tokens)
                    .bind(step.output_tokens)
            })
            .await;
        match said {
            Ok(Said::Done(_)) => Ok(None),
            Ok(Said::Refused(code, _)) if is_over(&code) => Ok(Some(Ended::Lost)),
            // The charge that crosses a limit has ended the run.
            Ok(Said::Refused(code, _)) if matches!(code.as_str(), "E-BUDGET-003" | "E-BUDGET-004") => {
                Ok(Some(Ended::Said))
            }
            Ok(Said::Refused(code, _)) => Err(Failed::finally("step_refused", &code)),
            Err(code) => Ok(Some(Ended::Unsaid(code))),
        }
    }

    /// Ends the run with its output, or says what is wrong with that.
    pub async fn complete(&self, run: &Run, output: &Value) -> Result<Next, Failed> {
        let text = output.to_string();
        let said = self.write(|| sqlx::query(COMPLETE).bind(&run.run_id).bind(&run.lease).bind(text.clone())).await;
        match said {
            Ok(Said::Done(_)) => Ok(Next::Ended(Ended::Said)),
            // Another attempt is left: the agent hears what was wrong.
            Ok(Said::Refused(code, problem)) if code == "E-SCHEMA-004" => Ok(Next::Again(json!({"refused": problem}))),
            // The third has ended the run.
            Ok(Said::Refused(code, _)) if code == "E-SCHEMA-001" => Ok(Next::Ended(Ended::Said)),
            Ok(Said::Refused(code, _)) if is_over(&code) => Ok(Next::Ended(Ended::Lost)),
            Ok(Said::Refused(code, _)) => Err(Failed::finally("output_refused", &code)),
            Err(code) => Ok(Next::Ended(Ended::Unsaid(code))),
        }
    }

    /// Has a model's raw text read, and ends the run with what it says.
    pub async fn validate(&self, run: &Run, raw: &str) -> Result<Next, Failed> {
        let said = self.write(|| sqlx::query(VALIDATE).bind(&run.run_id).bind(&run.lease).bind(raw)).await;
        match said {
            Ok(Said::Done(answer)) if answer["valid"] == true => self.complete(run, &answer["document"]).await,
            Ok(Said::Done(answer)) => Ok(Next::Again(json!({"refused": answer}))),
            Ok(Said::Refused(code, _)) if is_over(&code) => Ok(Next::Ended(Ended::Lost)),
            Ok(Said::Refused(code, _)) if code == "E-SCHEMA-001" => Ok(Next::Ended(Ended::Said)),
            Ok(Said::Refused(code, _)) => Err(Failed::finally("output_refused", &code)),
            Err(code) => Ok(Next::Ended(Ended::Unsaid(code))),
        }
    }

    /// Asks people about a call; the agent goes on at once where nobody needs to be asked, or somebody has agreed already.
    pub async fn request_approval(&self, run: &Run, wanted: &Wanted) -> Result<Next, Failed> {
        let arguments = if wanted.arguments.is_null() { "{}".to_owned() } else { wanted.arguments.to_string() };
        let said = self
            .write(|| {
                sqlx::query(APPROVAL)
                    .bind(&run.run_id)
                    .bind(&run.lease)
                    .bind(&wanted.step_key)
                    .bind(&wanted.tool)
                    .bind(arguments.clone())
            })
            .await;
        match said {
            Ok(Said::Done(answer)) if answer["decision"] == "waiting" => Ok(Next::Ended(Ended::Said)),
            Ok(Said::Done(answer)) => Ok(Next::Again(answer)),
            Ok(Said::Refused(code, _)) if is_over(&code) => Ok(Next::Ended(Ended::Lost)),
            Ok(Said::Refused(_, problem)) => Ok(Next::Again(json!({"refused": problem}))),
            Err(code) => Ok(Next::Ended(Ended::Unsaid(code))),
        }
    }

    /// Says that the attempt failed.
    pub async fn fail(&self, run: &Run, failed: &Failed) -> Ended {
        let said = self
            .write(|| {
                sqlx::query(FAIL)
                    .bind(&run.run_id)
                    .bind(&run.lease)
                    .bind(&failed.code)
                    .bind(&failed.message)
                    .bind(failed.retryable)
            })
            .await;
        match said {
            Ok(Said::Done(_)) => Ended::Said,
            Ok(Said::Refused(..)) => Ended::Lost,
            Err(code) => Ended::Unsaid(code),
        }
    }

    /// Runs a statement that may be repeated: the database answers a repeated write of a lease as the first.
    async fn write<'q>(&self, statement: impl Fn() -> Statement<'q>) -> Result<Said, String> {
        let mut last = String::new();
        for attempt in 1..=MOST_TRIES {
            match self.ask(statement()).await {
                Ok(text) => {
                    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
                    match answer.get("code").and_then(Value::as_str).filter(|_| answer.get("type").is_some()) {
                        Some(code) if is_passing(code) => last = code.to_owned(),
                        Some(code) => return Ok(Said::Refused(code.to_owned(), answer)),
                        None => return Ok(Said::Done(answer)),
                    }
                }
                // A fault is an answer as well; another moment makes it no better.
                Err(code) if !is_passing(&code) => {
                    let problem = json!({"code": code});
                    return Ok(Said::Refused(code, problem));
                }
                Err(code) => last = code,
            }
            sleep(AFTER_A_FAILURE * attempt).await;
        }
        Err(last)
    }

    async fn ask(&self, statement: Statement<'_>) -> Result<String, String> {
        let code = |failure: &Failure| problem::of_failure(failure, None).code.entry().code.to_owned();
        let row = self.gateway.work.fetch_one(statement).await.map_err(|failure| code(&failure))?;
        row.try_get(0).map_err(|cause| code(&Failure::Statement(cause)))
    }
}

/// Whether the same may work in another moment.
fn is_passing(code: &str) -> bool {
    awooop_policy::error::ErrorCode::parse(code).is_none_or(|code| code.entry().status >= 500)
}
