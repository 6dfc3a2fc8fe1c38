//! What AwoooP accepts as a document, and how it names one.
//!
//! JSON readers disagree about duplicate keys and large numbers, and whoever signs or compares a document must not:
//! [`strict`] refuses what is ambiguous, [`canonical`] gives the one text (RFC 8785) and digest of what is left.

pub mod canonical;
pub mod strict;

pub use canonical::{canonical_json, digest};
pub use strict::{Violation, check, parse};
