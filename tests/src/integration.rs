//! Whole-system tests: a real PostgreSQL server, a real gateway, real processes killed for real.
//!
//! `cargo xtask test` starts a server for each supported version and runs these against it; the environment
//! (see `harness::server`) says where it is. Tests share the server and the database: each makes projects, logins and
//! runs of its own. A test that changes something for everybody takes a database of its own
//! (`harness::own_database`). Attacks run as the attacker's role.
#![cfg(test)]

mod approvals;
mod attack;
mod audit_proof;
mod budgets;
mod catalog;
mod channels;
mod contracts;
mod conversations;
mod doctor;
mod dump_restore;
mod envelope;
mod faults;
mod harness;
mod http;
mod keys;
mod mcp;
mod mcp_gateway;
mod output;
mod projects;
mod redaction;
mod runs;
mod schemas;
mod strict_input;
mod tokens;
mod upgrade;
mod work;
