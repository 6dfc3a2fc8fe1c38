//! The gateway as its callers, its operators and its attackers meet it: the real program before a real server.

mod authentication;
mod bad_input;
mod browser;
mod budget_fire;
mod budgets;
pub(crate) mod client;
mod crash;
mod day;
mod drain;
mod gateway_log;
mod idempotency;
mod isolation;
mod metrics;
mod openapi;
mod outage;
mod pressure;
mod problems;
mod protocol;
pub(crate) mod scene;
pub mod server_log;
mod statements;
mod traces;
