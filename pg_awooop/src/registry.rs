//! The lists of the library as SQL rows: operations, errors, transitions, platform tables. The views of sql/current
//! read them, and the gateway makes its routes from the first.

use awooop_policy::error::ErrorCode;
use awooop_policy::operation::OPERATIONS;
use awooop_policy::run_fsm::TRANSITIONS;
use awooop_policy::scope::Scope;
use pgrx::prelude::*;
use serde_json::json;

use crate::fault::or_raise;
use crate::statement::{column, statements};

statements! {
    SWITCHED_OFF: reading [] = "select name from awooop.operation_override where not enabled";
    MIGRATIONS: reading [] = "select count(*) from awooop.schema_version";
}

/// Every operation: scope, route, JSON Schemas of arguments and result, and whether it is switched on.
#[allow(clippy::type_complexity)]
#[pg_extern(stable, parallel_restricted, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn operation_list() -> TableIterator<
    'static,
    (
        name!(name, &'static str),
        name!(scope, Option<&'static str>),
        name!(method, &'static str),
        name!(path, &'static str),
        name!(summary, &'static str),
        name!(description, &'static str),
        name!(success_status, i32),
        name!(args_schema, pgrx::JsonB),
        name!(result_schema, pgrx::JsonB),
        name!(enabled, bool),
    ),
> {
    let off = or_raise(SWITCHED_OFF.with(|s| s.rows(&[], |row| column::<String>(row, 1))));
    TableIterator::new(OPERATIONS.iter().map(move |operation| {
        (
            operation.name,
            operation.scope.map(Scope::as_str),
            operation.method,
            operation.path,
            operation.summary,
            operation.description,
            i32::from(operation.status),
            pgrx::JsonB(operation.arguments_schema()),
            pgrx::JsonB((operation.result)()),
            !off.iter().any(|name| name == operation.name),
        )
    }))
}

/// Every error and refusal.
#[allow(clippy::type_complexity)]
#[pg_extern(immutable, parallel_safe)]
fn error_entries() -> TableIterator<
    'static,
    (
        name!(code, &'static str),
        name!(sqlstate, &'static str),
        name!(http_status, i32),
        name!(message, &'static str),
        name!(hint, &'static str),
    ),
> {
    TableIterator::new(ErrorCode::ALL.iter().map(|code| {
        let e = code.entry();
        (e.code, e.sqlstate, i32::from(e.status), e.message, e.hint)
    }))
}

/// Everything that can happen to a run.
#[pg_extern(immutable, parallel_safe)]
fn run_transitions()
-> TableIterator<'static, (name!(from_state, &'static str), name!(to_state, &'static str), name!(event, &'static str))>
{
    TableIterator::new(TRANSITIONS.iter().map(|t| (t.from.as_str(), t.to.as_str(), t.event)))
}

/// The tables without a project, each with the reason why it has none.
const PLATFORM_TABLES: &[(&str, &str)] = &[
    ("schema_version", "which migrations this database has had: of the installation, not of a tenant"),
    ("operation_override", "which operations are switched off, for everybody"),
    ("failed_authentication", "counts of failures: nobody proved to be of a project"),
    ("failed_authentication_log", "single failures: nobody proved to be of a project"),
    ("budget_platform", "the ceiling for all projects together"),
    ("budget_platform_due", "what the pots of the ceiling owe: of all projects together"),
    ("budget_platform_pot", "what nobody has taken of the ceiling"),
    ("budget_platform_switch", "whether budgets are paused or killed, for everybody"),
    ("budget_platform_told", "of which windows of the ceiling the soft limit was told"),
    ("budget_platform_window", "the windows of the ceiling"),
    ("issuer_courier", "who may bring issuers' key sets into the database: the platform's, for all projects"),
    (
        "mcp_private_host",
        "which private hosts MCP servers may have: what the gateway reaches is the platform's, not a tenant's",
    ),
    ("legacy_namespace", "whose the keys without a project are: one project's of all, so nobody's own row"),
    ("worker", "where each platform worker goes on in its round over the projects"),
];

/// The tables without a project, each with its reason: a closed list.
#[pg_extern(immutable, parallel_safe)]
fn platform_tables() -> TableIterator<'static, (name!(table_name, &'static str), name!(reason, &'static str))> {
    TableIterator::new(PLATFORM_TABLES.iter().copied())
}

/// Whether the database can serve, for a readiness probe: `{"ready", "version", "schema_version", "in_recovery"}`.
/// Raises `E-INSTALL-004` before `awooop.migrate()` has run.
#[pg_extern(stable, parallel_restricted, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn health() -> pgrx::JsonB {
    if !crate::install::is_migrated() {
        crate::fault::raise(&ErrorCode::InstallNotMigrated.into());
    }
    let migrations = or_raise(MIGRATIONS.with(|s| s.row(&[], |row| column::<i64>(row, 1)))).unwrap_or_default();
    // SAFETY: reads shared state of this server.
    let in_recovery = unsafe { pg_sys::RecoveryInProgress() };
    pgrx::JsonB(json!({
        "ready": true, "version": env!("CARGO_PKG_VERSION"), "schema_version": migrations, "in_recovery": in_recovery
    }))
}
