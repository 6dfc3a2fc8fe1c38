//! Only in builds for tests of faults (feature `faults`): a setting that makes the redactor panic. No other build has it.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static REDACTOR: GucSetting<bool> = GucSetting::<bool>::new(false);

pub(crate) fn define_settings() {
    GucRegistry::define_bool_guc(
        c"awooop.fault_in_redactor",
        c"Makes the redactor panic.",
        c"Only in builds for tests of faults.",
        &REDACTOR,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// Panics if it is to, with the statement in its message: a panic may say anything.
#[allow(clippy::panic)]
pub(crate) fn in_the_redactor() {
    if REDACTOR.get() {
        // SAFETY: null, or a C string that lives through the statement.
        let statement = unsafe { pgrx::pg_sys::debug_query_string };
        let text =
            if statement.is_null() { None } else { unsafe { std::ffi::CStr::from_ptr(statement) }.to_str().ok() };
        panic!("a fault, on purpose, in {}", text.unwrap_or_default());
    }
}
