//! Reading sealed rows back as the documents that were hashed, from the log or from a partition that was detached.

use std::collections::HashMap;

use awooop_policy::transparency::detachment::Detachment;
use awooop_policy::transparency::document::{AuditRow, facts_of_stored, leaf_hash};
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
    // With the leaf of the row that tells of it, sealed or waiting.
    ARCHIVES: reading [TEXTOID] = concat!(
        "select r.table_name, r.row_count, r.tree_size, r.audit_id, r.document,
                -- A table of that name that is attached again is the log's own.
                exists (select from pg_catalog.pg_class c where c.relnamespace = 'awooop'::regnamespace
                        and c.relname = r.table_name and c.relkind = 'r' and not c.relispartition),
                ", rfc3339!("r.range_from"), ", ", rfc3339!("r.range_to"), ",
                coalesce(l.leaf_hash, q.leaf_hash), l.leaf_index
         from awooop.audit_archive r
         left join awooop.audit_leaf l on l.project_id = r.project_id and l.audit_id = r.audit_id
         left join awooop.audit_pending q on q.project_id = r.project_id and q.audit_id = r.audit_id
         where r.project_id = $1 order by r.range_from, r.audit_id");
}

/// What there is of a sealed row.
pub(super) enum Held {
    /// Its document as it is now.
    Document(String),
    /// A row whose facts cannot have been written by us.
    Unwritable(String),
    /// It was detached, and its table is gone.
    Archived,
    /// Nothing, though it should be there.
    Absent,
}

/// A leaf, with what there is of its row.
pub(super) struct Leaf {
    pub(super) index: u64,
    pub(super) audit_id: Uuid,
    pub(super) hash: Hash,
    pub(super) held: Held,
    /// The row that tells of its detachment, where the table that was detached is gone.
    pub(super) detached_by: Option<Uuid>,
    recorded_at: Option<i64>,
}

/// A recorded detachment of a part of a project's log.
pub(super) struct Archive {
    pub(super) table: String,
    pub(super) rows: i64,
    pub(super) tree_size: i64,
    /// The row that tells of it, and its document.
    pub(super) audit_id: Uuid,
    document: String,
    /// Whether the table is still there.
    pub(super) present: bool,
    /// The range as RFC 3339.
    pub(super) range: (String, String),
    /// What the log tells of it: absent where the document is not that of a row of this log, is one of something else, or
    /// does not say what the record says. Then the record counts for nothing.
    pub(super) told: Option<Detachment>,
}

impl Archive {
    /// Whether the log tells that this leaf's row was detached with it.
    pub(super) fn has(&self, index: u64) -> bool {
        self.told.as_ref().is_some_and(|told| told.leaves.contains(index))
    }

    /// Compares the record with the row that tells of it, whose leaf is number `index`, or waits, and has this hash.
    fn proved(mut self, leaf: Option<Hash>, index: Option<u64>) -> Self {
        let told = Detachment::of_document(&self.document).filter(|told| {
            leaf == Some(leaf_hash(&self.document))
                && index.is_none_or(|index| told.may_be_told_at(index))
                && (&told.table, &told.from, &told.to) == (&self.table, &self.range.0, &self.range.1)
                && i64::try_from(told.leaves.count()) == Ok(self.rows)
        });
        self.told = told;
        self
    }
}

/// What was detached of the bound project's log, as it is recorded.
pub(super) fn archives(project_id: &str) -> Outcome<Vec<Archive>> {
    ARCHIVES.with(|s| {
        s.rows(&[project_id.into()], |row| {
            let leaf = row.get::<Vec<u8>>(9)?.as_deref().and_then(of_bytes);
            let index = row.get::<i64>(10)?.and_then(|index| u64::try_from(index).ok());
            let archive = Archive {
                table: column(row, 1)?,
                rows: column(row, 2)?,
                tree_size: column(row, 3)?,
                audit_id: uuid_column(row, 4)?,
                document: column(row, 5)?,
                present: column(row, 6)?,
                range: (column(row, 7)?, column(row, 8)?),
                told: None,
            };
            Ok(archive.proved(leaf, index))
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
                detached_by: None,
                recorded_at,
            })
        })
    })?;
    let mut gone: Vec<Vec<&mut Leaf>> = archives.iter().map(|_| Vec::new()).collect();
    for leaf in &mut leaves {
        // Where its table is, its row must be.
        let having = |present: bool| archives.iter().position(|a| a.present == present && a.has(leaf.index));
        let Some((archive, gone)) =
            having(true).or_else(|| having(false)).and_then(|n| archives.get(n).zip(gone.get_mut(n)))
        else {
            continue;
        };
        leaf.detached_by = (!archive.present).then_some(archive.audit_id);
        if matches!(leaf.held, Held::Absent) {
            gone.push(leaf);
        }
    }
    for (archive, gone) in archives.iter().zip(gone) {
        if gone.is_empty() {
            continue;
        }
        let wanted: Vec<Uuid> = gone.iter().map(|leaf| leaf.audit_id).collect();
        let mut found = if archive.present { from_table(project_id, &archive.table, &wanted)? } else { HashMap::new() };
        for leaf in gone {
            leaf.held = match found.remove(&leaf.audit_id) {
                Some((recorded_at, held)) if recorded_at == leaf.recorded_at => held,
                Some((_, Held::Document(document))) => Held::Unwritable(document),
                Some((_, held)) => held,
                None if archive.present => Held::Absent,
                None => told_by(archives, leaf).unwrap_or(Held::Archived),
            };
        }
    }
    Ok(leaves)
}

/// The document of a row that told of an earlier detachment and was detached itself: it is kept with the record.
fn told_by(archives: &[Archive], leaf: &Leaf) -> Option<Held> {
    let archive = archives.iter().find(|archive| archive.audit_id == leaf.audit_id)?;
    (leaf_hash(&archive.document) == leaf.hash).then(|| Held::Document(archive.document.clone()))
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
