//! The run engine: the state machine, claims and leases, the journal, idempotency, races and listings.
//!
//! All of it in a database that no maintenance worker serves (`harness::quiet`), as a bound login; only the passing of
//! time is played by a superuser.

pub(crate) mod books;

mod claims;
mod fairness;
mod fencing;
mod held;
mod idempotency;
mod journal;
mod lifecycle;
mod listing;
mod model;
mod races;
mod reaper;
pub(crate) mod retention;
mod schemas;
mod transitions;
