//! An attempt that leaves nothing behind, not even its locks, where it does not succeed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pgrx::prelude::*;

use crate::fault::Outcome;

/// Does `work` in a subtransaction: kept where it returns something, undone where it returns nothing or stops. An error
/// that PostgreSQL raises, such as a cancellation, undoes it as well, then goes on and ends the transaction. It must not
/// leave the subtransaction open: PostgreSQL would take it for a savepoint of the client's, and keep the transaction, with
/// its locks, for a `rollback` that a client outside of a transaction block never sends.
pub(crate) fn attempt<T>(work: impl FnOnce() -> Outcome<Option<T>>) -> Outcome<Option<T>> {
    // SAFETY: as plpgsql does it: memory context and resource owner are the caller's again after either end.
    let (context, owner) = unsafe {
        let before = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::CurrentMemoryContext = before.0;
        before
    };
    // pgrx has taken a raised error out of PostgreSQL's hands before it unwinds.
    let outcome = catch_unwind(AssertUnwindSafe(work));
    // SAFETY: as above; `work` ends the subtransactions that it begins.
    unsafe {
        if matches!(outcome, Ok(Ok(Some(_)))) {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::CurrentMemoryContext = context;
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::CurrentMemoryContext = context;
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome.unwrap_or_else(|error| resume_unwind(error))
}
