//! The sealer: gives committed rows that have no leaf yet their place in their project's Merkle tree, and signs a
//! checkpoint of what came of it.
//!
//! What waits is in `audit_pending`, written by the statement that wrote the row, so a row that commits late, in whatever
//! order, or that comes back with a restored database is simply there, and nothing about it is guessed from times or
//! transaction ids. One sealer at a time works on a project, by a lock on the tree's head that others pass over: nobody
//! waits for it, and it waits for nobody. The order in which rows are sealed is the log's order.

use std::time::{Duration, Instant};

use awooop_policy::transparency::checkpoint;
use awooop_policy::transparency::of_bytes;
use awooop_policy::transparency::tree::Frontier;
use pgrx::prelude::*;

use super::guard::{self, Own};
use super::health::{self, Head};
use crate::fault::{Outcome, or_raise};
use crate::keyring;
use crate::server_log;
use crate::statement::{column, statements};
use crate::tenant;

/// Rows that one statement seals.
const BATCH: i64 = 2000;
/// Projects that one round looks at; the next goes on.
const PROJECTS: i32 = 1000;
/// How long one round may take: maintenance has other things to do.
const ROUND: Duration = Duration::from_secs(2);

statements! {
    UNSEALED: reading [INT4OID, BOOLOID] = "select u.project_id from awooop.unsealed_projects($1, $2) u";
    OPEN_HEAD: writing [TEXTOID] =
        "insert into awooop.audit_head (project_id) values ($1) on conflict (project_id) do nothing";
    LOCK_HEAD: writing [TEXTOID] =
        "select h.tree_size, h.peaks, h.signed_size from awooop.audit_head h where h.project_id = $1
         for no key update skip locked";
    HAS_HEAD: reading [TEXTOID] = "select exists (select from awooop.audit_head where project_id = $1)";
    // A row that has a leaf already (somebody put it into the queue again) gets no second one.
    SEAL: writing [TEXTOID, INT8OID, INT8OID] =
        "with taken as (
             delete from awooop.audit_pending q
             using (select p.audit_id from awooop.audit_pending p where p.project_id = $1
                    order by p.audit_id limit $3 for update skip locked) next
             where q.project_id = $1 and q.audit_id = next.audit_id
             returning q.audit_id, q.recorded_at, q.leaf_hash
         ), placed as (
             select t.*, $2 + row_number() over (order by t.audit_id) - 1 as leaf_index from taken t
             where not exists (select from awooop.audit_leaf l where l.project_id = $1 and l.audit_id = t.audit_id)
         ), sealed as (
             insert into awooop.audit_leaf (project_id, leaf_index, audit_id, recorded_at, leaf_hash)
             select $1, p.leaf_index, p.audit_id, p.recorded_at, p.leaf_hash from placed p
             returning leaf_index, leaf_hash
         )
         select s.leaf_hash from sealed s order by s.leaf_index";
    ADD_NODES: writing [TEXTOID, INT4ARRAYOID, INT8ARRAYOID, BYTEAOID] =
        "insert into awooop.audit_node (project_id, level, node_index, node_hash)
         select $1, n.level, n.node_index, substring($4 from 32 * (n.at::integer - 1) + 1 for 32)
         from unnest($2, $3) with ordinality n (level, node_index, at)
         on conflict (project_id, level, node_index) do nothing";
    MOVE_HEAD: writing [TEXTOID, INT8OID, BYTEAOID, INT8OID] =
        "update awooop.audit_head set tree_size = $2, peaks = $3, signed_size = $4 where project_id = $1";
    ADD_CHECKPOINT: writing [TEXTOID, INT8OID, BYTEAOID, TEXTOID, TEXTOID] =
        "insert into awooop.audit_checkpoint (project_id, tree_size, root, note, key_id) values ($1, $2, $3, $4, $5)
         on conflict (project_id, tree_size) do nothing";
}

/// What a round sealed.
#[derive(Default)]
pub(crate) struct Sealed {
    pub(crate) rows: u64,
    pub(crate) checkpoints: u64,
}

/// The head of a new project's log.
pub(crate) fn open_head(project_id: &str) -> Outcome<()> {
    OPEN_HEAD.with(|s| s.run(&[project_id.into()]))?;
    Ok(())
}

/// One round over the projects where something waits, those that wait longest first.
pub(crate) fn seal_due() -> Outcome<Sealed> {
    let began = Instant::now();
    let signs = keyring::current().is_ok_and(|keyring| keyring.audit_signer().is_some());
    let projects = UNSEALED.with(|s| s.rows(&[PROJECTS.into(), signs.into()], |row| column::<String>(row, 1)))?;
    let mut sealed = Sealed::default();
    for project_id in projects {
        if began.elapsed() > ROUND {
            break;
        }
        tenant::within(&project_id, || seal(&project_id, began, &mut sealed))?;
    }
    Ok(sealed)
}

fn seal(project_id: &str, began: Instant, sealed: &mut Sealed) -> Outcome<()> {
    // A project that came into being otherwise than by create_project.
    if HAS_HEAD.with(|s| s.row(&[project_id.into()], |row| column::<bool>(row, 1)))? == Some(false) {
        open_head(project_id)?;
    }
    let head = LOCK_HEAD.with(|s| s.row(&[project_id.into()], Head::read))?;
    // Another sealer has it.
    let Some(head) = head else { return Ok(()) };
    let mut signed = head.signed_size;
    // After the lock, in statements of its own: it must see what the sealer before this one committed.
    let mut tree = match health::frontier(project_id, &head)? {
        Ok(tree) => tree,
        Err(disagreement) => {
            server_log::write(
                PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
                format!("awooop: the audit log of project {project_id} is not sealed: {}", disagreement.in_words()),
            );
            return Ok(());
        }
    };
    loop {
        let take = || {
            SEAL.with(|s| {
                s.rows(&[project_id.into(), size_of(&tree).into(), BATCH.into()], |row| column::<Vec<u8>>(row, 1))
            })
        };
        let leaves = guard::own(Own::Seal, take)?;
        let taken = leaves.len();
        add(project_id, &mut tree, leaves)?;
        sealed.rows += taken as u64;
        if i64::try_from(taken) != Ok(BATCH) || began.elapsed() > ROUND {
            break;
        }
    }
    if size_of(&tree) > signed && sign(project_id, &tree)? {
        signed = size_of(&tree);
        sealed.checkpoints += 1;
    }
    move_head(project_id, &tree, signed)
}

/// Stores what the tree's right edge is, and up to where it is signed.
pub(super) fn move_head(project_id: &str, tree: &Frontier, signed: i64) -> Outcome<()> {
    guard::own(Own::Head, || {
        MOVE_HEAD
            .with(|s| s.run(&[project_id.into(), size_of(tree).into(), tree.peaks().as_slice().into(), signed.into()]))
    })?;
    Ok(())
}

pub(super) fn size_of(tree: &Frontier) -> i64 {
    i64::try_from(tree.size()).unwrap_or(i64::MAX)
}

/// Adds leaves to the tree and stores the nodes that they complete.
pub(super) fn add(project_id: &str, tree: &mut Frontier, leaves: Vec<Vec<u8>>) -> Outcome<()> {
    let (mut levels, mut indexes, mut hashes) = (Vec::<i32>::new(), Vec::<i64>::new(), Vec::<u8>::new());
    for leaf in leaves {
        // A check constraint holds them at 32 bytes.
        let leaf = of_bytes(&leaf).unwrap_or_default();
        for node in tree.push(leaf).into_iter().flatten() {
            levels.push(node.level.into());
            indexes.push(i64::try_from(node.index).unwrap_or(i64::MAX));
            hashes.extend(node.hash);
        }
    }
    if !levels.is_empty() {
        guard::own(Own::Nodes, || {
            ADD_NODES.with(|s| s.run(&[project_id.into(), levels.into(), indexes.into(), hashes.as_slice().into()]))
        })?;
    }
    Ok(())
}

/// Signs and stores a checkpoint of the tree, if there is a key. Says whether it did.
///
/// Nobody else sees it before this transaction's commit, and nobody sees the commit before it is durable, with all that
/// is in the WAL before it: the commits of the rows that were sealed. Where commits are not waited for, a checkpoint
/// could leave this server, and a crash then take back what it signs: an honest log would look rolled back.
fn sign(project_id: &str, tree: &Frontier) -> Outcome<bool> {
    let Ok(keyring) = keyring::current() else { return Ok(false) };
    let (Some(signer), Ok(root)) = (keyring.audit_signer(), tree.root()) else { return Ok(false) };
    let Ok(note) = checkpoint::sign(project_id, tree.size(), root, &signer) else { return Ok(false) };
    commit_durably();
    guard::own(Own::Checkpoint, || {
        ADD_CHECKPOINT.with(|s| {
            s.run(&[project_id.into(), size_of(tree).into(), root.as_slice().into(), note.into(), signer.id.into()])
        })
    })?;
    Ok(true)
}

/// Makes this transaction's commit wait until it is durable here, whatever `synchronous_commit` is or is set to later,
/// and, where there are synchronous standbys, on them.
pub(crate) fn commit_durably() {
    // SAFETY: sets a flag of the transaction's, and reads a setting.
    let waits = unsafe {
        pg_sys::ForceSyncCommit();
        pg_sys::synchronous_commit >= pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_REMOTE_FLUSH.cast_signed()
    };
    if !waits {
        tenant::set_local(c"synchronous_commit", "on");
    }
}

/// Projects whose audit rows wait to be sealed, since when, those that wait longest first; and, where `signing`, those
/// whose latest checkpoint is behind. Belongs to awooop_scheduler; it hands out ids and times only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn unsealed_projects(
    at_most: i32,
    signing: bool,
) -> TableIterator<'static, (name!(project_id, String), name!(waiting_since, Option<TimestampWithTimeZone>))> {
    statements! {
        // One look into the index for each project, however long its queue is.
        FIND: reading [INT4OID, BOOLOID] =
            "with recursive waiting as (
                 (select q.project_id, q.audit_id, q.recorded_at from awooop.audit_pending q
                  order by q.project_id, q.audit_id limit 1)
                 union all
                 select n.project_id, n.audit_id, n.recorded_at
                 from waiting w
                 cross join lateral (select q.project_id, q.audit_id, q.recorded_at from awooop.audit_pending q
                                     where q.project_id > w.project_id
                                     order by q.project_id, q.audit_id limit 1) n
             ), due as (
                 select w.project_id, w.recorded_at from waiting w
                 union all
                 select h.project_id, null from awooop.audit_head h
                 where $2 and h.signed_size < h.tree_size
                   and not exists (select from waiting w where w.project_id = h.project_id)
             )
             select project_id, recorded_at from due order by recorded_at nulls last limit $1";
    }
    TableIterator::new(or_raise(FIND.with(|s| {
        s.rows(&[at_most.into(), signing.into()], |row| {
            Ok((column::<String>(row, 1)?, row.get::<TimestampWithTimeZone>(2)?))
        })
    })))
}
