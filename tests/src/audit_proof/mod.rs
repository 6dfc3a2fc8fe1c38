//! The audit log as what it is meant to be: proof. Rows are sealed once, whatever commits when; a change below a
//! checkpoint that somebody holds outside the database is found, whoever made it; what was detached still verifies.

mod attacks;
mod detachments;
mod durability;
mod guards;
mod keys;
mod offline;
mod proofs;
mod retention;
mod sealing;
mod stage;
mod tool;
