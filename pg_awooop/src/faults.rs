//! Only in builds for tests of faults (feature `faults`): a setting that makes the redactor or the
//! validator panic. No other build has it.

use std::ffi::{CStr, CString};

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static FAULT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

pub(crate) fn define_settings() {
    GucRegistry::define_string_guc(
        c"awooop.fault_on",
        c"What to panic on: a text or rules (the redactor), a document (the validator).",
        c"Only in builds for tests of faults.",
        &FAULT,
        GucContext::Suset,
        GucFlags::default(),
    );
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
