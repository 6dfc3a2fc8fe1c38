//! The tokens that vendors issue, known by a prefix or by their structure: one row a kind, in files by trade.
//!
//! A row is an id, the keywords, what the match must pass, the shape, then texts in which it finds something and texts
//! in which it finds nothing. All examples are made up; they are cut into pieces so that no scanner of secrets takes
//! these files for a leak.
//!
//! Where a prefix is distinctive the shape is generous: vendors have changed lengths before, and a token one character
//! longer must not slip through. Where the prefix is short and ordinary words could go on from it, the length is exact
//! and the rest must look random.

use crate::redact::rule::Rule;

/// Rows to rules.
macro_rules! rules {
    ($family:ident: $($id:literal, $keywords:expr, $validator:expr, $($shape:literal)+,
        finds [$($($found:literal)+),+ $(,)?], passes [$($($passed:literal)+),+ $(,)?];)+) => {
        &[$($crate::redact::rule::Rule {
            id: $id,
            family: $crate::redact::family::Family::$family,
            keywords: $keywords,
            shape: concat!($($shape),+),
            validator: $validator,
            positive: &[$(concat!($($found),+)),+],
            negative: &[$(concat!($($passed),+)),+],
        }),+]
    };
}

mod ai;
mod cloud;
mod code;
mod commerce;
mod communication;
mod data;
mod identity;
pub(crate) mod inner;
mod observability;
mod private_key;
mod saas;
#[cfg(test)]
mod tests;
mod unprefixed;

/// Every rule whose keyword stands at the beginning of the token.
pub(super) const ALL: &[&[Rule]] = &[
    ai::RULES,
    cloud::RULES,
    code::RULES,
    commerce::RULES,
    communication::RULES,
    data::RULES,
    identity::RULES,
    observability::RULES,
    private_key::RULES,
    saas::RULES,
    unprefixed::RULES,
];
