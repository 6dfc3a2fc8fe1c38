//! Only in builds for tests of faults (feature `faults`): a setting that makes the redactor panic. No other build has it.

use std::ffi::{CStr, CString};

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static REDACTOR: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

pub(crate) fn define_settings() {
    GucRegistry::define_string_guc(
        c"awooop.fault_in_redactor",
        c"What the redactor panics on: a text, or rules.",
        c"Only in builds for tests of faults.",
        &REDACTOR,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// Panics if it is to on `what`, with the statement in its message: a panic may say anything.
#[allow(clippy::panic)]
pub(crate) fn in_the_redactor(what: &str) {
    if REDACTOR.get().is_some_and(|on| on.as_bytes() == what.as_bytes()) {
        // SAFETY: null, or a C string that lives through the statement.
        let statement = unsafe { pgrx::pg_sys::debug_query_string };
        let text = if statement.is_null() { None } else { unsafe { CStr::from_ptr(statement) }.to_str().ok() };
        panic!("a fault, on purpose, in {}", text.unwrap_or_default());
    }
}
