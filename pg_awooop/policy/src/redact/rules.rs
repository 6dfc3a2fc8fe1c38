//! The rules as data: the vendors' tokens, the names of services, the forms of telephone numbers, a project's own.

pub mod custom;
pub(crate) mod phone;
pub(crate) mod services;
pub(crate) mod vendor;

use super::rule::Rule;

/// Every rule that is found by its keyword.
pub(super) fn prefixed() -> impl Iterator<Item = &'static Rule> {
    vendor::ALL.iter().flat_map(|rules| rules.iter())
}

/// Every rule whose keyword stands inside what it finds.
pub(super) fn inner() -> impl Iterator<Item = &'static vendor::inner::Inner> {
    vendor::inner::INNER.iter()
}
