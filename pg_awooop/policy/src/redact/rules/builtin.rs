//! What the engine finds without a vendor's rule, as data: one row for each kind of finding that its code can make.
//!
//! The code names a row where it notes a finding, so that there is none without family, description and examples. The
//! examples run through the engine: each positive is found under that very rule, no negative is.

mod credentials;
mod network;
mod people;
#[cfg(test)]
mod tests;

pub(crate) use credentials::*;
pub(crate) use network::*;
pub(crate) use people::*;

use crate::redact::family::Family;

/// A kind of finding that code recognises.
#[derive(Debug)]
pub(crate) struct Builtin {
    /// Unique, in kebab case.
    pub(crate) id: &'static str,
    pub(crate) family: Family,
    /// What makes the engine look, or the words that must stand before.
    pub(crate) keywords: &'static [&'static [&'static str]],
    /// What it looks like, in words.
    pub(crate) shape: &'static str,
    pub(crate) check: Check,
    /// Texts in which the rule finds something.
    pub(crate) positive: &'static [&'static str],
    /// Texts in which it finds nothing.
    pub(crate) negative: &'static [&'static str],
}

/// What a candidate must pass besides its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The shape says enough.
    Shape,
    /// The last label is no file's ending.
    TopLevelDomain,
    /// Lengths of the national numbering plans.
    NumberingPlan,
    /// A word before it says what it is.
    Context,
    /// Issuer's range and check digit (ISO/IEC 7812-1).
    Luhn,
    /// Check digits of an account number (ISO 7064, MOD 97-10).
    Mod97,
    /// Check digit of the Taiwanese identity card.
    TaiwanId,
    /// Areas, groups and serials that are assigned.
    SsnAreas,
    /// The head is a JOSE header (RFC 7515).
    JoseHeader,
    /// It decodes to what it should hold.
    Decodes,
    /// Nobody would write it by hand.
    Entropy,
    /// Neither placeholder, template, reference nor code.
    NoPlaceholder,
    /// It parses as an address that is no version.
    Address,
    /// Double SHA-256, or Bech32's code.
    Checksum,
}

impl Check {
    /// What it asks for, in a few words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Check::Shape => "shape alone",
            Check::TopLevelDomain => "a top-level domain",
            Check::NumberingPlan => "a numbering plan's lengths",
            Check::Context => "a word before it",
            Check::Luhn => "issuer's range and Luhn's check digit",
            Check::Mod97 => "MOD 97-10",
            Check::TaiwanId => "Taiwan's check digit",
            Check::SsnAreas => "areas that are assigned",
            Check::JoseHeader => "a JOSE header",
            Check::Decodes => "what it decodes to",
            Check::Entropy => "a random look",
            Check::NoPlaceholder => "no placeholder",
            Check::Address => "an address that parses",
            Check::Checksum => "a checksum",
        }
    }
}

/// Rows to statics, and a list of them.
macro_rules! builtin_rules {
    ($($name:ident = $family:ident $id:literal, $keywords:expr, $shape:literal, $check:ident,
        finds [$($($found:literal)+),+ $(,)?], passes [$($($passed:literal)+),+ $(,)?];)+) => {
        $(pub(crate) static $name: $crate::redact::rules::builtin::Builtin =
            $crate::redact::rules::builtin::Builtin {
                id: $id,
                family: $crate::redact::family::Family::$family,
                keywords: $keywords,
                shape: $shape,
                check: $crate::redact::rules::builtin::Check::$check,
                positive: &[$(concat!($($found),+)),+],
                negative: &[$(concat!($($passed),+)),+],
            };)+
        pub(super) static RULES: &[&$crate::redact::rules::builtin::Builtin] = &[$(&$name),+];
    };
}
use builtin_rules;

/// Every row.
pub(crate) fn all() -> impl Iterator<Item = &'static Builtin> {
    people::RULES.iter().chain(credentials::RULES).chain(network::RULES).copied()
}
