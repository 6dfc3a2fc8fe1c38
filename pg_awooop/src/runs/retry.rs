//! How the runs of a contract are tried again.

use awooop_contracts::model::run::Cause;
use awooop_contracts::model::shared::Retry;
use uuid::Uuid;

use crate::caller::Caller;
use crate::contracts::active;
use crate::fault::Outcome;

/// The waits and causes of the run contract that a run was created under; the platform's own where it had none.
pub(super) fn of(caller: &Caller, run_revision_id: Option<Uuid>) -> Outcome<(Retry, Vec<Cause>)> {
    let Some(revision_id) = run_revision_id else { return Ok((Retry::default(), Cause::ALL.to_vec())) };
    let loaded = active::load(&caller.project_id, revision_id)?;
    let contract = loaded.run();
    let causes = contract.map_or(Cause::ALL, |contract| contract.retry_on());
    Ok((contract.and_then(|contract| contract.retry).unwrap_or_default(), causes.to_vec()))
}

/// What a worker's code counts as: one of the causes, or an error of the worker's own.
pub(super) fn cause(error_code: &str) -> Cause {
    Cause::parse(error_code).unwrap_or(Cause::WorkerError)
}
