//! The MCP gateway's side in the database: registry, gates, calls.

mod asked;
mod calls;
mod costs;
mod explained;
mod gates;
mod isolation;
mod keys;
mod listed;
mod rates;
mod registry;
mod results;
mod rewriting;
pub mod stage;
