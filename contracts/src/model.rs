//! The six contracts as types. What such a value says is within every bound of its schema: each bound, pattern and rule
//! between fields is part of a type or of its construction.
//!
//! The types are read by [`reader`], which is as strict as JSON Schema where serde's own readers are not, so a contract
//! is made by [`crate::Contract::parse`] and not with `serde_json::from_str`.

#[macro_use]
mod defaults;
pub mod agent;
pub mod channel;
pub mod collection;
pub mod policy;
pub mod project;
pub mod quantity;
pub mod reader;
pub mod redaction;
pub mod run;
pub mod shared;
pub mod text;
pub mod tool;
pub mod words;

pub use agent::AgentContract;
pub use channel::ChannelContract;
pub use policy::PolicyContract;
pub use project::ProjectContract;
pub use redaction::Family;
pub use run::RunContract;
pub use tool::ToolContract;
