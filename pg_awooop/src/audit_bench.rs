//! Only in builds for `cargo xtask bench audit` (feature `bench`): a setting that leaves audit rows out, to measure what
//! they cost. No other build has it, so that there is no way to switch the audit log off.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static WITHOUT_AUDIT: GucSetting<bool> = GucSetting::<bool>::new(false);

pub(crate) fn define_settings() {
    GucRegistry::define_bool_guc(
        c"awooop.bench_without_audit",
        c"Leaves out audit rows.",
        c"Only in builds for benchmarks.",
        &WITHOUT_AUDIT,
        GucContext::Suset,
        GucFlags::default(),
    );
}

pub(crate) fn is_without_audit() -> bool {
    WITHOUT_AUDIT.get()
}
