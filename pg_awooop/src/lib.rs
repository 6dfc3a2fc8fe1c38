//! AwoooP inside PostgreSQL.
//!
//! Every module is one capability: it holds its SQL-callable functions and its statements. What may happen is decided
//! in `awooop-policy`; this crate binds the tenant, collects the facts, carries the decision out under row-level
//! security and writes the audit row. Operations come in through two doors (`door`): SQL functions, and `awooop.call`
//! for the gateway.

use pgrx::prelude::*;

mod agents;
mod anomalies;
mod api_keys;
mod approvals;
mod audit;
#[cfg(feature = "bench")]
mod audit_bench;
mod authentication;
mod budget;
mod caller;
mod channels;
mod contracts;
mod directory;
mod doctor;
mod door;
mod envelope;
mod fault;
#[cfg(feature = "faults")]
mod faults;
mod guarded;
mod inspect;
mod install;
mod keyring;
mod maintenance;
mod mcp;
mod metrics;
mod operations;
mod partitions;
mod principals;
mod projects;
mod redaction;
mod registry;
mod rounds;
mod runs;
mod schemas;
mod server_log;
mod sessions;
mod setting;
mod shadow;
mod statement;
mod subjects;
mod subtransaction;
mod tenant;
mod tokens;
mod turn;

::pgrx::pg_module_magic!(name, version);

#[allow(non_snake_case)]
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // A backtrace in DETAIL would show a client the server's insides. The environment belongs to this process alone.
    // SAFETY: PostgreSQL's backends are single-threaded.
    unsafe { std::env::set_var("RUST_BACKTRACE", "0") };
    directory::register();
    tenant::define_settings();
    envelope::define_settings();
    keyring::define_settings();
    #[cfg(feature = "bench")]
    audit_bench::define_settings();
    #[cfg(feature = "faults")]
    faults::define_settings();
    maintenance::register();
    tenant::reserve_prefix();
}
