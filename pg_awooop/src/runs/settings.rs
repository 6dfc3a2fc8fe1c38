//! What a run is created with: what the caller asked for, within what its run contract allows.

use awooop_contracts::model::RunContract;
use awooop_contracts::model::run::KeyUse;
use awooop_contracts::schema::CompiledSchema;
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::json;
use uuid::Uuid;

use crate::contracts::active::Terms;
use crate::fault::{Outcome, fault};
use crate::guarded::{self, Worker};

/// How many errors of an input are told of.
const MOST_ERRORS: usize = 20;

/// What the columns of a new run say besides its envelope and input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) priority: i32,
    pub(super) max_attempts: i32,
    pub(super) deadline_seconds: i32,
    pub(super) lease_seconds: i32,
    /// `None` for no limit.
    pub(super) max_steps: Option<i32>,
    /// `None` for the project's.
    pub(super) retention_days: Option<i32>,
    pub(super) agent_revision_id: Uuid,
    pub(super) run_revision_id: Option<Uuid>,
    pub(super) policy_revision_id: Option<Uuid>,
    /// The platform's worker executes it.
    pub(super) has_endpoint: bool,
}

impl Settings {
    /// The settings of a run that is asked for with these arguments. Its input has been judged.
    pub(super) fn of(terms: &Terms, arguments: &Arguments) -> Outcome<Self> {
        let contract = terms.run.as_ref().and_then(|run| run.run());
        if let Some(contract) = contract {
            let schema = terms.run.as_ref().and_then(|run| run.input_schema.as_ref());
            judge(contract, schema, arguments)?;
        }
        let retry = contract.and_then(|contract| contract.retry).unwrap_or_default();
        let (priority, most_priority) = contract.map_or((5, 9), |c| (c.priority(), c.max_priority()));
        let deadline = contract.map_or(3600, RunContract::deadline_seconds);
        // Without a contract there is nothing to stay below.
        let within = |most: u64| contract.is_some().then_some(most);
        Ok(Self {
            priority: asked(arguments, "priority", priority, within(most_priority))?,
            max_attempts: asked(arguments, "max_attempts", retry.max_attempts(), within(retry.max_attempts()))?,
            deadline_seconds: asked(arguments, "deadline_seconds", deadline, within(deadline))?,
            lease_seconds: small(contract.map_or(60, RunContract::lease_seconds)),
            max_steps: contract.map(|contract| small(contract.max_steps())),
            retention_days: contract.and_then(|contract| contract.retention_days).map(|days| small(days.get())),
            agent_revision_id: terms.agent.revision_id,
            run_revision_id: terms.run.as_ref().map(|run| run.revision_id),
            policy_revision_id: terms.policy_revision_id,
            has_endpoint: terms.agent.agent().is_some_and(|agent| agent.endpoint.is_some()),
        })
    }
}

/// Refuses a run that its contract does not take in.
fn judge(contract: &RunContract, schema: Option<&CompiledSchema>, arguments: &Arguments) -> Outcome<()> {
    if contract.idempotency_key() == KeyUse::Required && arguments.optional_text("idempotency_key").is_none() {
        return fault(Problem::from(ErrorCode::RunKeyRequired).with("argument", "idempotency_key"));
    }
    let input = arguments.json("input");
    if input.to_string().len() as u64 > contract.max_input_bytes() {
        return fault(
            Problem::from(ErrorCode::InputTooLarge)
                .with("argument", "input")
                .with("limit_bytes", contract.max_input_bytes()),
        );
    }
    let Some(schema) = schema else { return Ok(()) };
    let violations = guarded::or_fault(Worker::Validator, "an input", 0, || match schema.is_valid(input) {
        true => Vec::new(),
        false => schema.violations(input, MOST_ERRORS),
    })?;
    if violations.is_empty() {
        return Ok(());
    }
    fault(Problem::from(ErrorCode::RunInput).with("errors", json!(violations)))
}

/// What the caller asked for, else `default`; more than `most` is refused.
fn asked(arguments: &Arguments, name: &str, default: u64, most: Option<u64>) -> Outcome<i32> {
    let Some(asked) = arguments.optional_integer(name) else { return Ok(small(default)) };
    let asked = u64::try_from(asked).unwrap_or_default();
    match most {
        Some(most) if asked > most => fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", name)
                .with("expected", format!("at most {most}, as the run contract says")),
        ),
        _ => Ok(small(asked)),
    }
}

/// Numbers of contracts and arguments have bounds far below this type's.
fn small(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
