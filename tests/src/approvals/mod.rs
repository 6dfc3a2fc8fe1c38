//! Approvals: what needs one, who gives it, what the token that comes of it is good for, and that each is used once,
//! whatever races, crashes and edited rows there are.

mod changes;
mod deciding;
mod isolation;
mod metrics;
mod proposals;
mod races;
mod requests;
mod rewriting;
pub mod stage;
mod tokens;
mod unknown;
