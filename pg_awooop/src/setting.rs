//! Settings of PostgreSQL that hold for one piece of work.

use std::ffi::CStr;

use pgrx::pg_sys;

use crate::fault::Outcome;

/// Does `work` under a setting that any user may set. An error that is raised in between undoes the setting with the
/// transaction, or the subtransaction.
pub(crate) fn during<T>(name: &CStr, value: &CStr, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    // SAFETY: both texts live through the call, which copies them.
    let level = unsafe {
        let level = pg_sys::NewGUCNestLevel();
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
        level
    };
    let outcome = work();
    // SAFETY: the level that was opened above.
    unsafe { pg_sys::AtEOXact_GUC(true, level) };
    outcome
}
