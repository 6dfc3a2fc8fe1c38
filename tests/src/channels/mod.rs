//! Channels: what comes in once, what goes out in order, and what never does.

mod arriving;
mod asking;
mod chats;
mod holding;
mod isolation;
mod sending;
pub mod signed;
pub mod stage;
mod telegram;
mod waiting;
mod wire;
