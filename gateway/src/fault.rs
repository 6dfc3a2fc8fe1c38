//! Protections that can be taken out, one at a time, in a build that was made to test the tests: with the feature `faults`, and
//! `AWOOOP_FAULT` naming one. In every other build all of them are in.

use std::sync::LazyLock;

static OUT: LazyLock<Option<String>> =
    LazyLock::new(|| if cfg!(feature = "faults") { std::env::var("AWOOOP_FAULT").ok() } else { None });

/// Whether the protection of that name is taken out.
pub fn is(name: &str) -> bool {
    cfg!(feature = "faults") && OUT.as_deref() == Some(name)
}
