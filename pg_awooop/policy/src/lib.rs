//! AwoooP's decisions that need no I/O.
//!
//! What may happen is decided here, as pure functions over plain data, and carried out inside PostgreSQL by the
//! extension: the state machine of runs, the operations with their scopes and arguments, the envelope, the shape of
//! credentials, what is redacted, whose signatures a contract needs, what a budget has room for, the closed table of errors, and what makes the audit
//! log provable: its documents, its Merkle tree, its checkpoints and the keys that sign them.

pub mod access_token;
pub mod approval;
pub mod argument;
pub mod backoff;
pub mod budget;
pub mod channel;
pub mod comparison;
pub mod contract;
pub mod credential;
pub mod envelope;
pub mod error;
pub mod feature;
pub mod feature_result;
pub mod gates;
pub mod journal;
pub mod keyring;
pub mod language;
pub mod mode;
pub mod name;
pub mod operation;
pub mod output_attempts;
pub mod redact;
pub mod run_fsm;
pub mod scope;
pub mod server_message;
pub mod session;
pub mod share;
pub mod tool_name;
pub mod tool_result;
pub mod trace;
pub mod transparency;
pub mod upstream;
