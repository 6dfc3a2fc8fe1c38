//! What AwoooP accepts as a document, and how it names one.
//!
//! JSON readers disagree about duplicate keys and large numbers, and whoever signs or compares a document must not:
//! [`strict`] refuses what is ambiguous, [`canonical`] gives the one text (RFC 8785) and digest of what is left.
//!
//! A [`Contract`] is a document about a project, agent, policy, tool, channel or run. Each [`Kind`] has a JSON Schema,
//! which is the reference and the check ([`schema`]), and a type ([`model`]), which the code works with. They accept the
//! same documents. [`output`] reads what a language model returned as the document that a schema asks for.

pub mod canonical;
pub mod contract;
pub mod diff;
pub mod documentation;
pub mod kind;
pub mod links;
pub mod model;
pub mod output;
pub mod revision;
pub mod schema;
pub mod strict;
pub mod violation;

pub use canonical::{canonical_json, digest};
pub use contract::Contract;
pub use kind::Kind;
pub use strict::{Violation, check, parse};
pub use violation::SchemaViolation;

#[cfg(test)]
mod tests;
