//! The rules as data: the vendors' tokens, what the engine's code recognises, the names of services, context words, the
//! forms of telephone numbers, a project's own.

pub(crate) mod builtin;
pub(crate) mod context;
pub mod custom;
pub(crate) mod phone;
pub(crate) mod services;
pub(crate) mod vendor;

use super::Family;
use super::rule::Rule;

/// What a rule is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    pub id: &'static str,
    pub family: Family,
    /// What makes the scanner look, or the words that must stand near.
    pub keywords: Vec<&'static str>,
    /// What it looks like, and what it must pass besides.
    pub description: String,
    /// Texts in which it finds something, and texts in which it finds nothing.
    pub positive: &'static [&'static str],
    pub negative: &'static [&'static str],
}

/// Every rule of the engine: one for each kind of finding that it can make without a project's own rules.
pub fn all_rules() -> impl Iterator<Item = RuleInfo> {
    let builtin = builtin::all().map(|rule| RuleInfo {
        id: rule.id,
        family: rule.family,
        keywords: rule.keywords.iter().flat_map(|words| words.iter().copied()).collect(),
        description: format!("{} ({})", rule.shape, rule.check.name()),
        positive: rule.positive,
        negative: rule.negative,
    });
    let vendor = prefixed().chain(inner().map(|inner| &inner.rule)).map(|rule| RuleInfo {
        id: rule.id,
        family: rule.family,
        keywords: rule.keywords.to_vec(),
        description: format!("{} ({})", rule.shape, rule.validator.name()),
        positive: rule.positive,
        negative: rule.negative,
    });
    builtin.chain(vendor)
}

/// Every rule that is found by its keyword.
pub(super) fn prefixed() -> impl Iterator<Item = &'static Rule> {
    vendor::ALL.iter().flat_map(|rules| rules.iter())
}

/// Every rule whose keyword stands inside what it finds.
pub(super) fn inner() -> impl Iterator<Item = &'static vendor::inner::Inner> {
    vendor::inner::INNER.iter()
}
