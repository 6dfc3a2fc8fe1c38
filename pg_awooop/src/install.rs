//! Installing and migrating: `create extension pg_awooop; select awooop.migrate();`.
//!
//! The extension's members are its functions and the creation of roles. Tables are made by `migrate` and belong to
//! awooop_owner; not being members, they are dumped with their rows, policies and grants.

use awooop_contracts::canonical::sha256;
use awooop_policy::error::{ErrorCode, Problem};
use pgrx::prelude::*;
use serde_json::json;

use crate::caller::Login;
use crate::fault::{Outcome, fault, or_raise};
use crate::partitions;

extension_sql_file!("../sql/roles.sql", name = "roles", bootstrap);
extension_sql_file!("../sql/privileges.sql", name = "privileges", finalize);

/// Frozen once released: each runs once, in this order.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_control_plane", include_str!("../../sql/migrations/0001_control_plane.sql")),
    ("0002_runs", include_str!("../../sql/migrations/0002_runs.sql")),
    ("0003_audit_proof", include_str!("../../sql/migrations/0003_audit_proof.sql")),
    ("0004_redaction", include_str!("../../sql/migrations/0004_redaction.sql")),
    ("0005_principal_makers", include_str!("../../sql/migrations/0005_principal_makers.sql")),
    ("0006_contracts", include_str!("../../sql/migrations/0006_contracts.sql")),
    ("0007_budgets", include_str!("../../sql/migrations/0007_budgets.sql")),
    ("0008_platform_budget", include_str!("../../sql/migrations/0008_platform_budget.sql")),
    ("0009_approvals", include_str!("../../sql/migrations/0009_approvals.sql")),
    ("0010_mcp", include_str!("../../sql/migrations/0010_mcp.sql")),
    ("0011_mcp_features", include_str!("../../sql/migrations/0011_mcp_features.sql")),
    ("0012_token_issuers", include_str!("../../sql/migrations/0012_token_issuers.sql")),
    ("0013_channels", include_str!("../../sql/migrations/0013_channels.sql")),
    ("0014_endpoints", include_str!("../../sql/migrations/0014_endpoints.sql")),
    ("0015_sessions", include_str!("../../sql/migrations/0015_sessions.sql")),
    ("0016_shadow", include_str!("../../sql/migrations/0016_shadow.sql")),
    ("0017_conversations", include_str!("../../sql/migrations/0017_conversations.sql")),
];

/// Re-applied by every migrate.
const CURRENT: &[&str] = &[include_str!("../../sql/current/policies.sql"), include_str!("../../sql/current/views.sql")];

/// Who reads the views. Granted when a view is made, never again: what a DBA revoked stays revoked.
const VIEW_READERS: &str = "awooop_tenant, awooop_operator, awooop_auditor, awooop_worker";

/// Brings the tables, policies and views to this library's version; a superuser's call, and harmless to repeat.
/// Returns `{"applied": [migrations applied now], "partitions_made": n}`.
#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn migrate() -> pgrx::JsonB {
    pgrx::JsonB(or_raise(migrate_all()))
}

fn migrate_all() -> Outcome<serde_json::Value> {
    // SAFETY: a catalogue look-up.
    if !unsafe { pg_sys::superuser() } {
        return fault(ErrorCode::InstallSuperuser);
    }
    let Some(owner) = Login::named("awooop_owner") else {
        return fault(Problem::from(ErrorCode::InstallRole).with("role", "awooop_owner"));
    };
    owner.acting(|| {
        Spi::run(
            "create table if not exists awooop.schema_version (
                 name       text        not null primary key,
                 checksum   text        not null,
                 applied_at timestamptz not null default clock_timestamp()
             );
             alter table awooop.schema_version enable row level security;
             alter table awooop.schema_version force row level security;
             drop policy if exists platform on awooop.schema_version;
             create policy platform on awooop.schema_version to awooop_owner using (true) with check (true);
             -- Two migrations at once would make everything twice.
             lock table awooop.schema_version in exclusive mode;",
        )?;
        let mut applied = Vec::new();
        for (name, sql) in MIGRATIONS {
            if apply(name, sql)? {
                applied.push(*name);
            }
        }
        let views = views()?;
        for sql in CURRENT {
            Spi::run(sql)?;
        }
        for view in self::views()?.into_iter().filter(|view| !views.contains(view)) {
            Spi::run(&format!("grant select on awooop.{} to {VIEW_READERS}", spi::quote_identifier(view)))?;
        }
        let made = partitions::ensure()?;
        Ok(json!({"applied": applied, "partitions_made": made}))
    })
}

/// Applies a migration that this database has not had; refuses one that differs from what it had.
fn apply(name: &str, sql: &str) -> Outcome<bool> {
    let checksum = sha256(sql.as_bytes());
    let recorded = Spi::connect(|client| {
        let table =
            client.select("select checksum from awooop.schema_version where name = $1", Some(1), &[name.into()])?;
        if table.is_empty() { Ok(None) } else { table.first().get_one::<String>() }
    })?;
    match recorded {
        Some(recorded) if recorded == checksum => Ok(false),
        Some(_) => fault(Problem::from(ErrorCode::InstallChanged).with("migration", name)),
        None => {
            Spi::run(sql)?;
            Spi::run_with_args(
                "insert into awooop.schema_version (name, checksum) values ($1, $2)",
                &[name.into(), checksum.into()],
            )?;
            Ok(true)
        }
    }
}

fn views() -> Outcome<Vec<String>> {
    Spi::connect(|client| {
        let mut table = client.select(
            "select c.relname::text from pg_catalog.pg_class c
             where c.relnamespace = 'awooop'::regnamespace and c.relkind = 'v'",
            None,
            &[],
        )?;
        let mut names = Vec::new();
        while table.next().is_some() {
            names.extend(table.get::<String>(1)?);
        }
        Ok(names)
    })
}

/// Whether `migrate` has made the tables.
pub(crate) fn is_migrated() -> bool {
    let found = Spi::connect(|client| {
        client.select("select to_regclass('awooop.audit_head') is not null", Some(1), &[])?.first().get_one::<bool>()
    });
    matches!(found, Ok(Some(true)))
}
