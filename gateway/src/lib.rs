//! Carries AwoooP's operations over HTTP.
//!
//! One request becomes one SQL statement (updates of one channel may share one: [`channels::gather`]), and the bytes that
//! come back go to the client as they are. Who may do what, what an argument may be, and what an answer looks like is
//! decided in the database; the gateway decides only what a carrier must: how much it reads, how long it waits, how many
//! it lets in, and how it stops.
//!
//! A request passes through the modules in this order: [`serve`] accepts it, [`observe`] names it and counts it,
//! [`registry`] finds its operation, [`forward`] carries it through the [`pool`], [`answer`] sends what came back, and
//! [`problem`] says what went wrong. [`pages`] are the addresses that are not operations. [`keyring`], [`audit`] and
//! [`contract`] are commands of the same binary that need neither HTTP nor a database.

pub mod answer;
pub mod ask;
pub mod audit;
pub mod channels;
pub mod config;
pub mod contract;
pub mod docs;
pub mod drain;
pub mod fault;
pub mod forward;
pub mod gateway;
pub mod issuer_keys;
pub mod keyring;
pub mod log;
#[allow(deprecated, reason = "clients and servers of the older revisions need what the current one gives up")]
pub mod mcp;
pub mod metrics;
pub mod observe;
pub mod openapi;
pub mod operation;
mod outside;
pub mod pages;
mod places;
pub mod pool;
pub mod problem;
pub mod readiness;
pub mod registry;
pub mod serve;
pub mod stalled;
pub mod start;
pub mod trace;
pub mod work;
pub mod worker;

pub use start::run;
