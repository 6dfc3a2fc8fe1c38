//! MCP through the gateway: the real gateway, real MCP servers behind it as processes of their own, and clients of the protocol.
//! What the gates decide is tested in `mcp`; here it is what the gateway does with it.

mod client;
pub mod stage;

mod auth;
mod changes;
mod conformance;
mod credentials;
mod echoes;
mod isolation;
mod protocol;
mod sdk;
mod upstream;
mod waiting;
