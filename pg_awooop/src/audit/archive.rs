//! Retention: a DBA detaches a month of the log once all of it is sealed under signed checkpoints.
//!
//! The leaves stay, so the tree, its checkpoints and every proof stay; the detached table keeps its guards and is
//! verified while it exists. That it was detached is a row of each project's log, sealed like any other, which names the
//! very leaves: a deletion cannot pass for retention without telling of itself.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::transparency::detachment::{ACTION, Detachment, LeafCollector, LeafSet};
use awooop_policy::transparency::of_bytes;
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::guard::Own;
use super::{Entry, guard};
use crate::caller::{Caller, Login};
use crate::fault::{Outcome, fault, or_raise, raise};
use crate::statement::{column, pg_uuid, uuid_column};
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
    let unsealed: i64 = rows.iter().map(|project| project.unsealed).sum();
    if unsealed > 0 {
        return fault(Problem::from(ErrorCode::AuditUnsealed).with("rows", unsealed));
    }
    lock_log()?;
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
        rows.iter().map(|project| json!({"project_id": project.project_id, "rows": project.leaves.count()})).collect();
    Ok(json!({"table": table, "from": partition.shown.0, "to": partition.shown.1, "projects": projects}))
}

/// Keeps everybody out of the log, or gives up.
fn lock_log() -> Outcome<()> {
    let sql = format!(
        "set local lock_timeout = '{LOCK_TIMEOUT}';
         lock table awooop.audit_log in access exclusive mode;
         set local lock_timeout = default;"
    );
    // The transaction is lost with the error that is caught here; another one takes its place.
    PgTryBuilder::new(|| Spi::run(&sql))
        .catch_when(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, |_| raise(&ErrorCode::AuditBusy.into()))
        .execute()?;
    Ok(())
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

/// What a project has in the partition.
struct ProjectRows {
    project_id: String,
    /// Rows without a leaf below a signed checkpoint.
    unsealed: i64,
    /// The size of the latest checkpoint.
    tree_size: i64,
    leaves: LeafSet,
}

/// All that is in the partition, by projects, a thousand rows at a time.
fn rows_of(table: &str) -> Outcome<Vec<ProjectRows>> {
    let sql = format!(
        "select a.project_id, l.leaf_index, l.audit_id, l.leaf_hash, c.tree_size
         from awooop.{table} a
         left join awooop.audit_leaf l
             on l.project_id = a.project_id and l.audit_id = a.audit_id and l.recorded_at = a.recorded_at
         left join (select project_id, max(tree_size) as tree_size from awooop.audit_checkpoint group by 1) c
             on c.project_id = a.project_id
         order by a.project_id, l.leaf_index"
    );
    let mut projects: Vec<(String, i64, i64, LeafCollector)> = Vec::new();
    Spi::connect(|client| {
        let mut cursor = client.open_cursor(sql.as_str(), &[]);
        loop {
            let mut rows = cursor.fetch(1000)?;
            if rows.is_empty() {
                return Ok::<_, spi::Error>(());
            }
            while rows.next().is_some() {
                let project_id: String = column(&rows, 1)?;
                let signed: i64 = column(&rows, 5)?;
                if projects.last().is_none_or(|(last, ..)| *last != project_id) {
                    projects.push((project_id, 0, signed, LeafCollector::default()));
                }
                let Some((_, unsealed, _, leaves)) = projects.last_mut() else { continue };
                let index = row_below(rows.get::<i64>(2)?, signed);
                match (index, rows.get::<Vec<u8>>(4)?.as_deref().and_then(of_bytes)) {
                    (Some(index), Some(leaf)) => leaves.add(index, uuid_column(&rows, 3)?, &leaf),
                    _ => *unsealed += 1,
                }
            }
        }
    })?;
    let finished = |(project_id, unsealed, tree_size, leaves): (String, i64, i64, LeafCollector)| ProjectRows {
        project_id,
        unsealed,
        tree_size,
        leaves: leaves.finish(),
    };
    Ok(projects.into_iter().map(finished).collect())
}

/// The leaf, if there is one and it is below what was signed.
fn row_below(index: Option<i64>, signed: i64) -> Option<u64> {
    u64::try_from(index.filter(|index| *index < signed)?).ok()
}

/// Writes the row that tells of the detachment, and the record that verification goes by.
fn record(table: &str, partition: &Partition, project: &ProjectRows) -> Outcome<()> {
    let platform = Caller::platform(&project.project_id, &format!("role:{}", Login::of_session().name()));
    let told = Detachment {
        table: table.to_owned(),
        from: partition.shown.0.clone(),
        to: partition.shown.1.clone(),
        leaves: project.leaves.clone(),
    };
    let entry = Entry { facts: told.facts(), ..Entry::default() };
    let (audit_id, document) = super::append_row(&platform, ACTION, "done", None, entry)?;
    let rows = i64::try_from(project.leaves.count()).unwrap_or(i64::MAX);
    guard::own(Own::Archive, || {
        Spi::run_with_args(
            "insert into awooop.audit_archive (project_id, audit_id, table_name, range_from, range_to, row_count,
                                               tree_size, document)
             values ($1, $2, $3, $4::timestamptz, $5::timestamptz, $6, $7, $8)",
            &[
                project.project_id.as_str().into(),
                pg_uuid(audit_id).into(),
                table.into(),
                partition.from.as_str().into(),
                partition.to.as_str().into(),
                rows.into(),
                project.tree_size.into(),
                document.into(),
            ],
        )
    })?;
    Ok(())
}
