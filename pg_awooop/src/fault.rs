//! How an operation stops short of its answer: a fault raises and changes nothing, a refusal is an answer.

use awooop_policy::error::{ErrorCode, Problem};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, spi};

use crate::server_log;

/// Why an operation did not do what it was asked.
pub(crate) enum Stop {
    /// Bad input, no context, a bug: raised, so that nothing stays changed.
    Fault(Problem),
    /// A decision: audited, committed and returned.
    Refused(Problem),
}

pub(crate) type Outcome<T> = Result<T, Stop>;

/// A fault with this code.
pub(crate) fn fault<T>(problem: impl Into<Problem>) -> Outcome<T> {
    Err(Stop::Fault(problem.into()))
}

/// A refusal with this code.
pub(crate) fn refuse<T>(problem: impl Into<Problem>) -> Outcome<T> {
    Err(Stop::Refused(problem.into()))
}

/// The same where a refusal would commit half of what was done before it: as a fault, which undoes it.
pub(crate) fn whole<T>(outcome: Outcome<T>) -> Outcome<T> {
    match outcome {
        Err(Stop::Refused(problem)) => fault(problem),
        outcome => outcome,
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Stop::Fault(problem)
    }
}

/// An inner failure: the cause goes to the server's log, the caller learns nothing of it.
fn internal(cause: &dyn std::fmt::Display) -> Stop {
    server_log::write(PgSqlErrorCode::ERRCODE_SYSTEM_ERROR, format!("awooop: internal error: {cause}"));
    Stop::Fault(ErrorCode::SystemInternal.into())
}

impl From<spi::Error> for Stop {
    fn from(cause: spi::Error) -> Self {
        internal(&cause)
    }
}

impl From<serde_json::Error> for Stop {
    fn from(cause: serde_json::Error) -> Self {
        // Its own words may quote the document.
        let (kind, line, column) = (cause.classify(), cause.line(), cause.column());
        internal(&format!("JSON: {kind:?} error at line {line}, column {column}"))
    }
}

impl From<getrandom::Error> for Stop {
    fn from(cause: getrandom::Error) -> Self {
        internal(&cause)
    }
}

/// Raises the problem as an SQL error: MESSAGE begins with the code, DETAIL is JSON, HINT says what to do.
pub(crate) fn raise(problem: &Problem) -> ! {
    let entry = problem.code.entry();
    ErrorReport::new(sqlstate(entry.sqlstate), problem.sql_message(), "awooop")
        .set_detail(problem.sql_detail())
        .set_hint(entry.hint)
        .report(PgLogLevel::ERROR);
    unreachable!("report(ERROR) does not return")
}

/// The value, or the problem raised. For functions that are no operations, which have no refusals to return.
pub(crate) fn or_raise<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Ok(value) => value,
        Err(Stop::Fault(problem) | Stop::Refused(problem)) => raise(&problem),
    }
}

/// PostgreSQL packs the five characters of an SQLSTATE into six bits each.
fn sqlstate(text: &str) -> PgSqlErrorCode {
    let packed =
        text.bytes().rev().fold(0isize, |packed, byte| packed << 6 | isize::from(byte.wrapping_sub(b'0') & 0x3f));
    PgSqlErrorCode::from(packed)
}
