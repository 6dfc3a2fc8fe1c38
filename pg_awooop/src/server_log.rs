//! The server's log: lines of our own, which no client gets.

use std::ptr;

use pgrx::prelude::*;

/// Writes a line of level LOG to the server's log alone, and nothing else: PostgreSQL would add the statement, whose
/// literals are the caller's text as it was written.
pub(crate) fn write(code: PgSqlErrorCode, line: String) {
    // SAFETY: a variable of this backend's only thread; the log reads it while a line is written. A LOG does not raise.
    let statement = unsafe { ptr::replace(&raw mut pg_sys::debug_query_string, ptr::null()) };
    pgrx::ereport!(PgLogLevel::LOG_SERVER_ONLY, code, line);
    // SAFETY: as above; it points to what it pointed to before.
    unsafe { pg_sys::debug_query_string = statement };
}
