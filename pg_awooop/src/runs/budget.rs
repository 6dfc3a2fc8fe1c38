//! What budgets need to know of runs: who holds one.

use awooop_policy::credential::CredentialDigest;
use awooop_policy::error::ErrorCode;
use uuid::Uuid;

use super::lease::{self, Locked};
use crate::caller::Caller;
use crate::fault::{Outcome, refuse};

/// Locks the run for a worker whose lease holds, and whose agent may work.
pub(crate) fn hold_for_budget(caller: &Caller, run_id: Uuid, lease: &str) -> Outcome<Locked> {
    lease::hold(caller, run_id, lease)
}

/// The same for one that reports what it has used: that is booked before its agent's contract is asked for.
pub(crate) fn hold_for_charge(caller: &Caller, run_id: Uuid, lease: &str) -> Outcome<Locked> {
    let locked = lease::lock(caller, run_id, lease)?;
    if locked.holds { Ok(locked) } else { refuse(ErrorCode::RunLease) }
}

/// Refuses a run whose agent's contract is not in force; one that lost it ends here and now.
pub(crate) fn ensure_licensed(caller: &Caller, run_id: Uuid, locked: &Locked) -> Outcome<()> {
    lease::ensure_holds(caller, run_id, locked)
}

/// Epoch and digest of a lease, if it is one for this run of the caller's project.
pub(crate) fn lease_of(caller: &Caller, run_id: Uuid, lease: &str) -> Option<(i32, CredentialDigest)> {
    lease::for_run(caller, run_id, lease).map(|(parts, digest)| (parts.epoch, digest))
}
