//! Reading sealed rows back as the documents that were hashed, from the log or from a partition that was detached.

use std::collections::HashMap;

use awooop_policy::transparency::document::{AuditRow, facts_of_stored};
use awooop_policy::transparency::{Hash, of_bytes};
use pgrx::prelude::*;
use pgrx::spi::SpiTupleTable;
use uuid::Uuid;

use crate::fault::Outcome;
use crate::statement::{column, pg_uuid, rfc3339, statements, uuid_column};

/// The columns of a row `a` that [`document`] reads, and microseconds since 1970 of its time.
macro_rules! row_columns {
    () => {
        "a.action, a.decision, a.code, a.principal_id, a.door, a.trace_id, a.agent_id, a.platform_subject_id, a.run_id,
         a.facts::text"
    };
}
pub(super) use row_columns;

/// Microseconds since 1970; NULL for infinity, which no row of ours has.
macro_rules! microseconds {
    ($column:literal) => {
        concat!("case when isfinite(", $column, ") then (extract(epoch from ", $column, ") * 1000000)::bigint end")
    };
}
pub(super) use microseconds;

statements! {
    // LIMIT keeps the planner from anything but one look into one partition for each leaf.
    LEAVES: reading [TEXTOID, INT8OID, INT8OID, INT8OID] = concat!(
        "select l.leaf_index, l.audit_id, ", microseconds!("l.recorded_at"), ", l.leaf_hash, ", row_columns!(), "
         from awooop.audit_leaf l
         left join lateral (
             select r.* from awooop.audit_log r
             where r.project_id = $1 and r.audit_id = l.audit_id and r.recorded_at = l.recorded_at limit 1
         ) a on true
         where l.project_id = $1 and l.leaf_index >= $2 and l.leaf_index < $3
         order by l.leaf_index limit $4");
    ARCHIVES: reading [TEXTOID] = concat!(
        "select r.table_name, ", microseconds!("r.range_from"), ", ", microseconds!("r.range_to"), ", r.row_count,
                r.tree_size, r.audit_id,
                -- A table of that name that is attached again is the log's own.
                exists (select from pg_catalog.pg_class c where c.relnamespace = 'awooop'::regnamespace
                        and c.relname = r.table_name and c.relkind = 'r' and not c.relispartition),
                ", rfc3339!("r.range_from"), ", ", rfc3339!("r.range_to"), "
         from awooop.audit_archive r where r.project_id = $1 order by r.range_from");
}

/// What there is of a sealed row.
pub(super) enum Held {
    /// Its document as it is now.
    Document(String),
    /// A row whose facts cannot have been written by us.
    Unwritable(String),
    /// It was detached, and its table is gone.
    Archived(usize),
    /// Nothing, though it should be there.
    Absent,
}

/// A leaf, with what there is of its row.
pub(super) struct Leaf {
    pub(super) index: u64,
    pub(super) audit_id: Uuid,
    pub(super) hash: Hash,
    pub(super) held: Held,
    recorded_at: Option<i64>,
}

/// A detached part of a project's log.
pub(super) struct Archive {
    pub(super) table: String,
    from: i64,
    to: i64,
    pub(super) rows: i64,
    pub(super) tree_size: i64,
    pub(super) audit_id: Uuid,
    /// Whether the table is still there.
    pub(super) present: bool,
    /// The range as RFC 3339.
    pub(super) range: (String, String),
}

/// What was detached of the bound project's log.
pub(super) fn archives(project_id: &str) -> Outcome<Vec<Archive>> {
    ARCHIVES.with(|s| {
        s.rows(&[project_id.into()], |row| {
            Ok(Archive {
                table: column(row, 1)?,
                from: row.get::<i64>(2)?.unwrap_or(i64::MIN),
                to: row.get::<i64>(3)?.unwrap_or(i64::MAX),
                rows: column(row, 4)?,
                tree_size: column(row, 5)?,
                audit_id: uuid_column(row, 6)?,
                present: column(row, 7)?,
                range: (column(row, 8)?, column(row, 9)?),
            })
        })
    })
}

/// At most `limit` leaves from `from` to before `to`, in order.
pub(super) fn leaves(project_id: &str, from: u64, to: u64, limit: i64, archives: &[Archive]) -> Outcome<Vec<Leaf>> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut leaves = LEAVES.with(|s| {
        s.rows(&[project_id.into(), number(from).into(), number(to).into(), limit.into()], |row| {
            let (audit_id, recorded_at) = (uuid_column(row, 2)?, row.get::<i64>(3)?);
            Ok(Leaf {
                index: u64::try_from(column::<i64>(row, 1)?).unwrap_or_default(),
                audit_id,
                hash: of_bytes(&column::<Vec<u8>>(row, 4)?).unwrap_or_default(),
                held: held(row, 5, project_id, audit_id, recorded_at)?,
                recorded_at,
            })
        })
    })?;
    for (n, archive) in archives.iter().enumerate() {
        let theirs = |leaf: &Leaf| {
            matches!(leaf.held, Held::Absent)
                && leaf.recorded_at.is_some_and(|at| (archive.from..archive.to).contains(&at))
        };
        let wanted: Vec<Uuid> = leaves.iter().filter(|leaf| theirs(leaf)).map(|leaf| leaf.audit_id).collect();
        if wanted.is_empty() {
            continue;
        }
        let mut found = if archive.present { from_table(project_id, &archive.table, &wanted)? } else { HashMap::new() };
        for leaf in leaves.iter_mut().filter(|leaf| theirs(leaf)) {
            leaf.held = match found.remove(&leaf.audit_id) {
                Some((recorded_at, held)) if recorded_at == leaf.recorded_at => held,
                Some((_, Held::Document(document))) => Held::Unwritable(document),
                Some((_, held)) => held,
                None if archive.present => Held::Absent,
                None => Held::Archived(n),
            };
        }
    }
    Ok(leaves)
}

/// Rows of a detached partition, by id, each with its time.
fn from_table(project_id: &str, table: &str, wanted: &[Uuid]) -> Outcome<HashMap<Uuid, (Option<i64>, Held)>> {
    // The name is what a check constraint lets into audit_archive: letters, digits and underscores.
    let sql = format!(
        concat!(
            "select 0, a.audit_id, ",
            microseconds!("a.recorded_at"),
            ", null, ",
            row_columns!(),
            " from awooop.{} a where a.project_id = $1 and a.audit_id = any($2)"
        ),
        spi::quote_identifier(table)
    );
    let ids: Vec<pgrx::Uuid> = wanted.iter().copied().map(pg_uuid).collect();
    Spi::connect(|client| {
        let mut rows = client.select(sql.as_str(), None, &[project_id.into(), ids.into()])?;
        let mut found = HashMap::with_capacity(wanted.len());
        while rows.next().is_some() {
            let (audit_id, recorded_at) = (uuid_column(&rows, 2)?, rows.get::<i64>(3)?);
            found.insert(audit_id, (recorded_at, held(&rows, 5, project_id, audit_id, recorded_at)?));
        }
        Ok(found)
    })
}

/// The document of the row whose columns ([`row_columns`]) begin at `first`; absent where they are all NULL.
pub(super) fn held(
    row: &SpiTupleTable,
    first: usize,
    project_id: &str,
    audit_id: Uuid,
    recorded_at: Option<i64>,
) -> Result<Held, spi::Error> {
    let Some(action) = row.get::<String>(first)? else {
        return Ok(Held::Absent);
    };
    let text = |n: usize| row.get::<String>(first + n);
    let (decision, door, printed) = (column::<String>(row, first + 1)?, column::<String>(row, first + 4)?, text(9)?);
    let printed = printed.unwrap_or_default();
    let canonical = facts_of_stored(&printed);
    let run_id = row.get::<pgrx::Uuid>(first + 8)?.map(|id| Uuid::from_bytes(*id.as_bytes()));
    let document = AuditRow {
        project_id,
        audit_id,
        recorded_at: recorded_at.unwrap_or_default(),
        action: &action,
        decision: &decision,
        code: text(2)?.as_deref(),
        principal_id: text(3)?.as_deref(),
        door: &door,
        trace_id: text(5)?.as_deref(),
        agent_id: text(6)?.as_deref(),
        platform_subject_id: text(7)?.as_deref(),
        run_id,
        facts: canonical.as_deref().unwrap_or(&printed),
    }
    .document()
    .unwrap_or_default();
    Ok(if canonical.is_some() { Held::Document(document) } else { Held::Unwritable(document) })
}
