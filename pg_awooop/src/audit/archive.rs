//! Retention: a DBA detaches a month of the log once all of it is sealed under signed checkpoints.
//!
//! The leaves stay, so the tree, its checkpoints and every proof stay; the detached table keeps its guards and is
//! verified while it exists. That it was detached is a row of each project's log, sealed like any other: a deletion
//! cannot pass for retention without telling of itself.

use awooop_policy::error::{ErrorCode, Problem};
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::Entry;
use crate::caller::{Caller, Login};
use crate::fault::{Outcome, fault, or_raise};
use crate::statement::{column, pg_uuid};
use crate::tenant;

/// How long detaching may wait for transactions that use the log; meanwhile everybody else waits behind it.
const LOCK_TIMEOUT: &str = "2s";

/// Detaches a month's partition of the audit log, such as `audit_log_2026_01`, whose month is over and whose every row is
/// sealed under a signed checkpoint. The table stays, guarded as before; export it, verify it, drop it. A superuser's
/// call. Returns `{"table", "from", "to", "projects": [{"project_id", "rows"}]}`.
#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn detach_audit_partition(partition: Option<&str>) -> pgrx::JsonB {
    pgrx::JsonB(or_raise(detach(partition.unwrap_or_default())))
}

struct Partition {
    /// As a timestamptz literal.
    from: String,
    to: String,
    /// As RFC 3339.
    shown: (String, String),
}

fn detach(table: &str) -> Outcome<Value> {
    // SAFETY: a catalogue look-up. A superuser's rights are needed: the rows of all projects are looked through.
    if !unsafe { pg_sys::superuser() } {
        return fault(ErrorCode::InstallSuperuser);
    }
    if tenant::current().is_some() {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    let Some(owner) = Login::named("awooop_owner") else {
        return fault(Problem::from(ErrorCode::InstallRole).with("role", "awooop_owner"));
    };
    let Some(partition) = find(table)? else { return fault(ErrorCode::AuditPartition) };
    // The long look through the month first, while everybody writes; under the lock only what came since.
    let sizes = tree_sizes()?;
    let rows = rows_of(table)?;
    let unsealed: i64 = rows.iter().map(|project| project.rows - project.sealed).sum();
    if unsealed > 0 {
        return fault(Problem::from(ErrorCode::AuditUnsealed).with("rows", unsealed));
    }
    Spi::run(&format!(
        "set local lock_timeout = '{LOCK_TIMEOUT}';
         lock table awooop.audit_log in access exclusive mode;
         set local lock_timeout = default;"
    ))?;
    let late = came_since(&partition, sizes)?;
    if late > 0 {
        return fault(Problem::from(ErrorCode::AuditUnsealed).with("rows", late));
    }
    owner.acting(|| {
        for project in &rows {
            tenant::within(&project.project_id, || record(table, &partition, project))?;
        }
        // Detaching takes the triggers along that came from the parent.
        Ok(Spi::run(&format!(
            "alter table awooop.audit_log detach partition awooop.{table};
             create trigger append_only before update or delete on awooop.{table}
                 for each row execute function awooop.refuse_append_only();
             alter table awooop.{table} enable always trigger append_only;"
        ))?)
    })?;
    let projects: Vec<Value> =
        rows.iter().map(|project| json!({"project_id": project.project_id, "rows": project.rows})).collect();
    Ok(json!({"table": table, "from": partition.shown.0, "to": partition.shown.1, "projects": projects}))
}

/// The attached partition of that name, if it is a month's and the month is over.
fn find(table: &str) -> Outcome<Option<Partition>> {
    let sql = r"
        with bound as (
            select regexp_match(pg_catalog.pg_get_expr(c.relpartbound, c.oid),
                                'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') as ends
            from pg_catalog.pg_class c
            join pg_catalog.pg_inherits i on i.inhrelid = c.oid and i.inhparent = 'awooop.audit_log'::regclass
            where c.relnamespace = 'awooop'::regnamespace and c.relname = $1 and c.relname ~ '^audit_log_[0-9]{4}_[0-9]{2}$'
        )
        select ends[1], ends[2], to_char(ends[1]::timestamptz at time zone 'UTC', 'YYYY-MM-DD\THH24:MI:SS.US\Z'),
               to_char(ends[2]::timestamptz at time zone 'UTC', 'YYYY-MM-DD\THH24:MI:SS.US\Z')
        from bound where ends[2]::timestamptz <= pg_catalog.clock_timestamp()"
        .replace(r"\T", "\"T\"")
        .replace(r"\Z", "\"Z\"");
    Spi::connect(|client| {
        let mut found = client.select(sql.as_str(), Some(1), &[table.into()])?;
        if found.next().is_none() {
            return Ok(None);
        }
        Ok(Some(Partition {
            from: column(&found, 1)?,
            to: column(&found, 2)?,
            shown: (column(&found, 3)?, column(&found, 4)?),
        }))
    })
}

/// The size of each project's tree.
fn tree_sizes() -> Outcome<(Vec<String>, Vec<i64>)> {
    Spi::connect(|client| {
        let mut found = client.select("select project_id, tree_size from awooop.audit_head", None, &[])?;
        let (mut projects, mut sizes) = (Vec::new(), Vec::new());
        while found.next().is_some() {
            projects.push(column::<String>(&found, 1)?);
            sizes.push(column::<i64>(&found, 2)?);
        }
        Ok((projects, sizes))
    })
}

/// Rows of the month that a transaction from back then committed only now: they wait, or were sealed since the trees had
/// these sizes.
fn came_since(partition: &Partition, (projects, sizes): (Vec<String>, Vec<i64>)) -> Outcome<i64> {
    let sql = "select (select count(*) from awooop.audit_pending q
                       where q.recorded_at >= $1::timestamptz and q.recorded_at < $2::timestamptz)
                    + (select count(*) from unnest($3::text[], $4::bigint[]) s (project_id, tree_size)
                       join awooop.audit_leaf l on l.project_id = s.project_id and l.leaf_index >= s.tree_size
                       where l.recorded_at >= $1::timestamptz and l.recorded_at < $2::timestamptz)";
    let parameters = [partition.from.as_str().into(), partition.to.as_str().into(), projects.into(), sizes.into()];
    Spi::connect(|client| {
        let found = client.select(sql, Some(1), &parameters)?.first();
        column::<i64>(&found, 1)
    })
    .map_err(Into::into)
}

struct ProjectRows {
    project_id: String,
    rows: i64,
    /// How many of them are leaves below a signed checkpoint.
    sealed: i64,
    tree_size: i64,
}

fn rows_of(table: &str) -> Outcome<Vec<ProjectRows>> {
    let sql = format!(
        "select a.project_id, count(*), count(*) filter (where l.leaf_index < c.tree_size), max(c.tree_size)
         from awooop.{table} a
         left join awooop.audit_leaf l
             on l.project_id = a.project_id and l.audit_id = a.audit_id and l.recorded_at = a.recorded_at
         left join (select project_id, max(tree_size) as tree_size from awooop.audit_checkpoint group by 1) c
             on c.project_id = a.project_id
         group by a.project_id order by a.project_id"
    );
    Spi::connect(|client| {
        let mut found = client.select(sql.as_str(), None, &[])?;
        let mut rows = Vec::new();
        while found.next().is_some() {
            rows.push(ProjectRows {
                project_id: column(&found, 1)?,
                rows: column(&found, 2)?,
                sealed: column(&found, 3)?,
                tree_size: column(&found, 4)?,
            });
        }
        Ok(rows)
    })
}

/// Writes the row that tells of the detachment, and the record that verification goes by.
fn record(table: &str, partition: &Partition, project: &ProjectRows) -> Outcome<()> {
    let platform = Caller::platform(&project.project_id, &format!("role:{}", Login::of_session().name()));
    let entry = Entry::default()
        .with("table", table)
        .with("from", partition.shown.0.as_str())
        .with("to", partition.shown.1.as_str())
        .with("rows", project.rows);
    let audit_id = super::append(&platform, "audit_partition_detached", "done", None, entry)?;
    Spi::run_with_args(
        "insert into awooop.audit_archive (project_id, audit_id, table_name, range_from, range_to, row_count, tree_size)
         values ($1, $2, $3, $4::timestamptz, $5::timestamptz, $6, $7)",
        &[
            project.project_id.as_str().into(),
            pg_uuid(audit_id).into(),
            table.into(),
            partition.from.as_str().into(),
            partition.to.as_str().into(),
            project.rows.into(),
            project.tree_size.into(),
        ],
    )?;
    Ok(())
}
