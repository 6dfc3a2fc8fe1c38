//! Only in builds for tests of faults (feature `faults`): a setting that makes the redactor or the validator panic, and one
//! that puts the clock of budgets forward or back. No other build has them.

use std::ffi::{CStr, CString};

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static FAULT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static CLOCK_SHIFT: GucSetting<i32> = GucSetting::<i32>::new(0);

pub(crate) fn define_settings() {
    GucRegistry::define_string_guc(
        c"awooop.fault_on",
        c"What to panic on: a text or rules (the redactor), a document (the validator).",
        c"Only in builds for tests of faults.",
        &FAULT,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"awooop.clock_shift",
        c"How far budgets' clock is wrong, in seconds.",
        c"Only in builds for tests of faults.",
        &CLOCK_SHIFT,
        -100_000_000,
        100_000_000,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// A time as a wrong clock tells it, in microseconds.
pub(crate) fn wrong_time(micros: i64) -> i64 {
    micros + i64::from(CLOCK_SHIFT.get()) * 1_000_000
}

/// Panics if it is to on `what`, with the statement in its message: a panic may say anything.
#[allow(clippy::panic)]
pub(crate) fn panic_on(what: &str) {
    if FAULT.get().is_some_and(|on| on.as_bytes() == what.as_bytes()) {
        // SAFETY: null, or a C string that lives through the statement.
        let statement = unsafe { pgrx::pg_sys::debug_query_string };
        let text = if statement.is_null() { None } else { unsafe { CStr::from_ptr(statement) }.to_str().ok() };
        panic!("a fault, on purpose, in {}", text.unwrap_or_default());
    }
}
