//! The server's log: lines of our own, which no client gets.

use std::ffi::c_char;
use std::ptr;

use pgrx::prelude::*;

/// Writes a line of level LOG to the server's log alone, and nothing else: PostgreSQL would add the statement and, for
/// one that another runs (in PL/pgSQL, in DO), the context, and the literals of both are the caller's text as it was
/// written. Every line of ours goes through here.
pub(crate) fn write(code: PgSqlErrorCode, line: String) {
    let _hidden = Hidden::new();
    pgrx::ereport!(PgLogLevel::LOG_SERVER_ONLY, code, line);
}

/// While it lives, PostgreSQL knows neither the statement nor what it is a part of.
struct Hidden {
    statement: *const c_char,
    context: *mut pg_sys::ErrorContextCallback,
}

impl Hidden {
    fn new() -> Self {
        // SAFETY: variables of this backend's only thread, which it reads while it writes a line.
        unsafe {
            Hidden {
                statement: ptr::replace(&raw mut pg_sys::debug_query_string, ptr::null()),
                context: ptr::replace(&raw mut pg_sys::error_context_stack, ptr::null_mut()),
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // SAFETY: as above; they point to what they pointed to before, and all of that outlives this call.
        unsafe {
            pg_sys::debug_query_string = self.statement;
            pg_sys::error_context_stack = self.context;
        }
    }
}
