//! Work that must not fail and may have a fault: over what callers write, by code that is large. What a panic says may quote
//! what was written, so nobody gets to read it; where it happened is logged.

use std::panic::AssertUnwindSafe;

use awooop_policy::error::ErrorCode;
use pgrx::PgSqlErrorCode;
use pgrx::PgTryBuilder;
use pgrx::pg_sys::panic::CaughtError;

use crate::fault::{Outcome, fault};
use crate::server_log;

/// Who does the work.
#[derive(Clone, Copy)]
pub(crate) enum Worker {
    Redactor,
    Validator,
}

impl Worker {
    fn as_str(self) -> &'static str {
        match self {
            Worker::Redactor => "the redactor",
            Worker::Validator => "the validator",
        }
    }
}

/// As [`guarded`]; where it panics, that is an inner failure.
pub(crate) fn or_fault<T>(worker: Worker, what: &'static str, length: usize, work: impl FnOnce() -> T) -> Outcome<T> {
    guarded(worker, what, length, work).map_or_else(|| fault(ErrorCode::SystemInternal), Ok)
}

/// Does something with `what`, which is `length` bytes long; nothing where that panics. PostgreSQL's own errors, a
/// cancellation among them, go on.
pub(crate) fn guarded<T>(worker: Worker, what: &'static str, length: usize, work: impl FnOnce() -> T) -> Option<T> {
    PgTryBuilder::new(AssertUnwindSafe(|| {
        #[cfg(feature = "faults")]
        crate::faults::panic_on(what);
        Some(work())
    }))
    .catch_rust_panic(|cause| {
        if let CaughtError::RustPanic { ereport, .. } = cause {
            let (worker, file, line) = (worker.as_str(), ereport.file(), ereport.line_number());
            server_log::write(
                PgSqlErrorCode::ERRCODE_SYSTEM_ERROR,
                format!("awooop: {worker} failed at {file}:{line} on {what} of {length} bytes"),
            );
        }
        None
    })
    .execute()
}
