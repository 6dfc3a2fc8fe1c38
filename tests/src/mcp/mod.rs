//! The MCP gateway's side in the database: registry, gates, calls.

mod asked;
mod calls;
mod costs;
mod explained;
mod feature_results;
mod features;
mod gates;
mod isolation;
mod keys;
mod listed;
mod offered;
mod rates;
mod registry;
mod relayed;
mod results;
mod rewriting;
pub mod stage;
