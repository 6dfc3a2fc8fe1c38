//! Contracts from a draft to what is active: their lives, signatures, races, what they steer, and what an attacker or a
//! DBA who edits rows can make of them.

mod drafts;
mod effects;
mod files;
mod races;
mod rewriting;
mod rotation;
mod signing;
pub(crate) mod stage;
mod steering;
