//! Channels: what people say to agents, and what they are told.
//!
//! Something that happened is taken in once (`ingest`): mirrored, and a run made where the channel's contract says who listens. What
//! is to be said is written by the transaction that decides on it (`outbox`, and `answer` when a run ends); a sender claims it
//! (`claim`), sends it, and says what became of it (`mark`). People are asked in chats (`ask`), and told that it goes on (`feedback`). What is sent where, in which order and how fast is decided here; how a
//! channel is spoken to the sender knows.
//!
//! Locks are taken in the order: run, chat, message. Whoever works for the platform never waits for a chat that somebody holds.

mod answer;
mod ask;
mod claim;
mod events;
mod feedback;
mod guard;
mod ingest;
mod mark;
mod messages;
mod outbox;
mod retention;
mod signed;
mod terms;

pub(crate) use answer::{can_answer, of_ended_run};
pub(crate) use ask::{ask_in_chat, notify_deciders, tell_of_approval};
pub(crate) use claim::{across_projects, claim, in_bound_project};
pub(crate) use events::list as list_events;
pub(crate) use feedback::tell_due;
pub(crate) use ingest::{ingest, ingest_together};
pub(crate) use mark::{lease_of, mark};
pub(crate) use messages::{decide, get, list, queue, redrive};
pub(crate) use retention::{expire_due_messages, forget_due};
pub(crate) use signed::{new_secret, prove as prove_signed};
pub(crate) use terms::{chat_of_run, conversation_days, sessions_of};
