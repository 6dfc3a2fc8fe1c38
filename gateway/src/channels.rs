//! Carries what people say in channels to the database, and what is to be said to them from there. Decides nothing: what comes
//! in is one statement in the name of whoever has the channel's secret; what goes out, when and in which order the database says,
//! and hears what became of it. How a channel is spoken to is all that is known here.

pub mod gather;
pub mod sender;
pub mod settings;
mod signed;
mod telegram;
pub mod webhook;
