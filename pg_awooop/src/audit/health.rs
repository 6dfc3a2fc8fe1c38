//! Whether a log's head is what the sealer may go on from: the head of its leaves, and of what was signed. A head that is
//! not would be signed as if it were; so the sealer refuses, and `awooop.doctor()` says where.

use awooop_policy::transparency::of_bytes;
use awooop_policy::transparency::tree::{self, Frontier};
use pgrx::prelude::*;
use pgrx::spi::SpiTupleTable;

use super::prove::StoredTree;
use crate::fault::{Outcome, or_raise};
use crate::statement::{column, statements};
use crate::tenant;

/// Rows without leaf and queue entry that are counted one by one.
const MANY: i32 = 100;

statements! {
    HEAD: reading [TEXTOID] =
        "select h.tree_size, h.peaks, h.signed_size from awooop.audit_head h where h.project_id = $1";
    END_OF_LEAVES: reading [TEXTOID] =
        "select coalesce((select l.leaf_index + 1 from awooop.audit_leaf l where l.project_id = $1
                          order by l.leaf_index desc limit 1), 0)";
    LATEST_CHECKPOINT: reading [TEXTOID] =
        "select c.tree_size, c.root from awooop.audit_checkpoint c where c.project_id = $1
         order by c.tree_size desc limit 1";
    // A day: what happened to the queue happened to rows that had just come. awooop.audit_verify() looks at all. Ids
    // begin with their time, in milliseconds.
    UNQUEUED: reading [TEXTOID, INT4OID] =
        "select count(*) from (
             select from awooop.audit_log a
             where a.project_id = $1 and a.recorded_at > now() - interval '1 day'
               and a.audit_id >= (lpad(to_hex((extract(epoch from now() - interval '1 day') * 1000)::bigint), 12, '0')
                                  || repeat('0', 20))::uuid
               and not exists (select from awooop.audit_leaf l where l.project_id = $1 and l.audit_id = a.audit_id)
               and not exists (select from awooop.audit_pending q where q.project_id = $1 and q.audit_id = a.audit_id)
             limit $2) u";
}

/// What is stored as the head of a project's log.
pub(super) struct Head {
    pub(super) size: i64,
    pub(super) peaks: Vec<u8>,
    pub(super) signed_size: i64,
}

impl Head {
    /// From the columns `tree_size, peaks, signed_size`.
    pub(super) fn read(row: &SpiTupleTable) -> Result<Self, spi::Error> {
        Ok(Self { size: column(row, 1)?, peaks: column(row, 2)?, signed_size: column(row, 3)? })
    }
}

/// Why nothing can be sealed after a head.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Disagreement {
    /// There are more leaves, or fewer.
    Leaves,
    /// It is not what the leaves give.
    Head,
    /// What was signed is not what is stored.
    Checkpoint,
}

impl Disagreement {
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Disagreement::Leaves => "there are more or fewer leaves than its head counts",
            Disagreement::Head => "its head is not what its leaves give",
            Disagreement::Checkpoint => "its tree is not what its latest checkpoint signed",
        }
    }
}

/// The tree's right edge as the head has it, if leaves, nodes and the latest checkpoint agree with it.
pub(super) fn frontier(project_id: &str, head: &Head) -> Outcome<Result<Frontier, Disagreement>> {
    let size = u64::try_from(head.size).unwrap_or_default();
    let Some(tree) = Frontier::new(size, &head.peaks) else { return Ok(Err(Disagreement::Head)) };
    if END_OF_LEAVES.with(|s| s.row(&[project_id.into()], |row| column::<i64>(row, 1)))? != Some(head.size) {
        return Ok(Err(Disagreement::Leaves));
    }
    let latest = LATEST_CHECKPOINT.with(|s| {
        s.row(&[project_id.into()], |row| Ok((column::<i64>(row, 1)?, of_bytes(&column::<Vec<u8>>(row, 2)?))))
    })?;
    // Most of the time the head is what was signed, and nothing need be read.
    let (signed, root) = latest.unwrap_or_default();
    if signed < head.signed_size || signed > head.size {
        return Ok(Err(Disagreement::Checkpoint));
    }
    if signed == head.size {
        let agrees = signed == 0 || tree.root().ok() == root;
        return Ok(if agrees { Ok(tree) } else { Err(Disagreement::Checkpoint) });
    }
    let stored = StoredTree(project_id);
    if tree::root(size, &stored) != tree.root() {
        return Ok(Err(Disagreement::Head));
    }
    let signed = u64::try_from(signed).unwrap_or_default();
    if signed > 0 && tree::root(signed, &stored).ok() != root {
        return Ok(Err(Disagreement::Checkpoint));
    }
    Ok(Ok(tree))
}

/// What keeps logs from being sealed, in all projects: project, what is wrong, and what to do.
pub(crate) fn disagreements() -> Outcome<Vec<(String, String, &'static str)>> {
    let projects = Spi::connect(|client| {
        let mut rows = client.select("select a.project_id from awooop.audit_projects() a", None, &[])?;
        let mut projects = Vec::with_capacity(rows.len());
        while rows.next().is_some() {
            projects.push(column::<String>(&rows, 1)?);
        }
        Ok::<_, spi::Error>(projects)
    })?;
    let mut found = Vec::new();
    for project_id in projects {
        let (disagreement, unqueued) = tenant::within(&project_id, || {
            let head = HEAD.with(|s| s.row(&[project_id.as_str().into()], Head::read))?;
            let disagreement = match head {
                Some(head) => frontier(&project_id, &head)?.err(),
                None => None,
            };
            let parameters = [project_id.as_str().into(), MANY.into()];
            let unqueued = UNQUEUED.with(|s| s.row(&parameters, |row| column::<i64>(row, 1)))?.unwrap_or_default();
            Ok((disagreement, unqueued))
        })?;
        if let Some(disagreement) = disagreement {
            let finding = format!("the audit log is not sealed: {}", disagreement.in_words());
            found.push((
                project_id.clone(),
                finding,
                "awooop.audit_verify() says where; awooop.repair_audit_log() makes a head from intact leaves",
            ));
        }
        if unqueued > 0 {
            let more = if unqueued == i64::from(MANY) { " or more" } else { "" };
            found.push((
                project_id,
                format!("{unqueued}{more} audit rows of the last day have no leaf and wait for none"),
                "awooop.audit_verify() names them (row_inserted); awooop.repair_audit_log() puts those into the queue that \
                 you know to be true",
            ));
        }
    }
    Ok(found)
}

/// Every project that has a log. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn audit_projects() -> TableIterator<'static, (name!(project_id, String),)> {
    statements! {
        FIND: reading [] = "select h.project_id from awooop.audit_head h order by h.project_id";
    }
    let found = or_raise(FIND.with(|s| s.rows(&[], |row| column::<String>(row, 1))));
    TableIterator::new(found.into_iter().map(|project_id| (project_id,)))
}
