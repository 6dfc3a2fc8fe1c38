//! Operation `audit_verify`: hashes the whole log again, a page at a time.
//!
//! What is compared with what: each row with its leaf, each row that waits with the leaf in the queue, rows that have
//! neither with nothing, leaves with the stored nodes, roots with the stored checkpoints and their signatures, and with
//! the one checkpoint that the caller holds. All but the last is in this database, and who may rewrite everything in it
//! may make all of it agree; the last is what finds that.

use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use awooop_policy::transparency::checkpoint::{self, Checkpoint, Signature};
use awooop_policy::transparency::detachment::LeafCollector;
use awooop_policy::transparency::document::leaf_hash;
use awooop_policy::transparency::finding::{Comparison, Finding, Findings, Kind, MAX_FINDINGS};
use awooop_policy::transparency::tree::{Frontier, Node, combine, stored_on};
use awooop_policy::transparency::{Hash, hex, of_bytes};
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows::{self, Archive, Held, Leaf, held, microseconds, row_columns};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::keyring;
use crate::statement::{column, pg_uuid, statements, uuid_column};

/// Leaves of one page; a multiple of 16, so that a page ends where a node does.
const PAGE: i64 = 512;
/// A gap in the leaves up to this is bridged, so that what follows is still compared in its place.
const BRIDGE: u64 = 100_000;

statements! {
    // The log is named so that this transaction holds its lock before it reads what was detached: nothing is detached
    // from under it.
    STATE: reading [TEXTOID] =
        "select coalesce((select h.tree_size from awooop.audit_head h where h.project_id = $1), 0),
                coalesce((select h.peaks from awooop.audit_head h where h.project_id = $1), ''),
                coalesce((select l.leaf_index + 1 from awooop.audit_leaf l where l.project_id = $1
                          order by l.leaf_index desc limit 1), 0),
                coalesce((select c.tree_size from awooop.audit_checkpoint c where c.project_id = $1
                          order by c.tree_size desc limit 1), 0),
                exists (select from awooop.audit_log a where a.project_id = $1)";
    NODES: reading [TEXTOID, INT4OID, INT8OID, INT8OID] =
        "select n.node_index, n.node_hash from awooop.audit_node n
         where n.project_id = $1 and n.level = $2 and n.node_index >= $3 and n.node_index < $4";
    CHECKPOINTS: reading [TEXTOID, INT8OID, INT8OID] =
        "select c.tree_size, c.root, c.note from awooop.audit_checkpoint c
         where c.project_id = $1 and c.tree_size > $2 and c.tree_size <= $3 order by c.tree_size";
    ROW_AT_ANY_TIME: reading [TEXTOID, UUIDOID] =
        "select exists (select from awooop.audit_log a where a.project_id = $1 and a.audit_id = $2)";
    WAITING: reading [TEXTOID, UUIDOID, INT8OID] = concat!(
        "select q.audit_id, ", microseconds!("q.recorded_at"), ", q.leaf_hash, ", row_columns!(), "
         from awooop.audit_pending q
         left join lateral (
             select r.* from awooop.audit_log r
             where r.project_id = $1 and r.audit_id = q.audit_id and r.recorded_at = q.recorded_at limit 1
         ) a on true
         where q.project_id = $1 and ($2 is null or q.audit_id > $2)
         order by q.audit_id limit $3");
    // Rows that nothing sealed and nothing waits to seal, but for those that were reported at their leaf: its row has
    // another time.
    STRAYS: reading [TEXTOID, INT4OID, UUIDARRAYOID] =
        "select a.audit_id from awooop.audit_log a
         where a.project_id = $1
           and not exists (select from awooop.audit_leaf l
                           where l.project_id = $1 and l.audit_id = a.audit_id and l.recorded_at = a.recorded_at)
           and not exists (select from awooop.audit_pending q
                           where q.project_id = $1 and q.audit_id = a.audit_id and q.recorded_at = a.recorded_at)
           and a.audit_id <> all ($3)
         limit $2";
}

/// The state that a verification is of: rows that come later are another's.
struct State {
    head_size: u64,
    peaks: Vec<u8>,
    /// One more than the largest leaf's number.
    end: u64,
    largest_checkpoint: u64,
}

/// Operation `audit_verify`.
pub(crate) fn verify(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let keys = keyring::current().map(|keyring| keyring.audit_verifiers()).unwrap_or_default();
    let held = match arguments.optional_text("checkpoint") {
        None => None,
        Some(text) => match checkpoint::open(text, &keys) {
            Ok((held, signature)) if checkpoint::project_of(&held.origin) == Some(project_id) => {
                Some((held, signature))
            }
            _ => return fault(ErrorCode::AuditNotACheckpoint),
        },
    };
    let unsigned = |n: i64| u64::try_from(n).unwrap_or_default();
    let state = STATE.with(|s| {
        s.row(&[project_id.into()], |row| {
            Ok(State {
                head_size: unsigned(column(row, 1)?),
                peaks: column(row, 2)?,
                end: unsigned(column(row, 3)?),
                largest_checkpoint: unsigned(column(row, 4)?),
            })
        })
    })?;
    let Some(state) = state else { return fault(ErrorCode::SystemInternal) };
    let mut walk = Walk {
        project_id,
        archives: rows::archives(project_id)?,
        archived: 0,
        detached: Vec::new(),
        elsewhere: Vec::new(),
        tree: Frontier::default(),
        explained: 0,
        rows: 0,
        checkpoints: 0,
        findings: Findings::default(),
        held: Comparison::new(Vec::new()),
        stored: Comparison::new(Vec::new()),
    };
    walk.detached = walk.archives.iter().map(|_| LeafCollector::default()).collect();
    let signature = held.as_ref().map(|(_, signature)| *signature);
    if let Some((held, signature)) = held {
        match signature {
            // Somebody gave the caller something else than a checkpoint of ours.
            Signature::Bad => walk.findings.add(Finding::tree(Kind::BadSignature, held.size)),
            Signature::UnknownKey => walk.findings.add(Finding::tree(Kind::UnknownKey, held.size)),
            Signature::Good => {}
        }
        walk.held.expect(held);
    }
    walk.leaves(&state, &keys)?;
    walk.ends(&state)?;
    let waiting = walk.waiting()?;
    walk.strays()?;
    let archived = walk.archives();
    let answer = json!({
        "ok": walk.findings.total() == 0, "project_id": project_id, "tree_size": state.end,
        "root": hex(&walk.tree.root().unwrap_or_default()), "pending": waiting, "rows_checked": walk.rows,
        "rows_archived": walk.archived, "checkpoints_checked": walk.checkpoints,
        "held_checkpoint": signature.map(|signature| match signature {
            Signature::Good => "good",
            Signature::Bad => "bad_signature",
            Signature::UnknownKey => "unknown_key",
        }),
        "archived": archived, "findings": walk.findings.to_json(), "findings_total": walk.findings.total()
    });
    Ok(Answer::ok(answer.to_string()))
}

struct Walk<'a> {
    project_id: &'a str,
    archives: Vec<Archive>,
    /// Leaves whose rows went with them.
    archived: u64,
    /// The leaves that each of them names, as they are now.
    detached: Vec<LeafCollector>,
    /// Rows that were reported at their leaf because they stand at another time.
    elsewhere: Vec<pgrx::Uuid>,
    tree: Frontier,
    /// Up to here, nodes that differ are explained by a finding about leaves.
    explained: u64,
    rows: u64,
    checkpoints: u64,
    findings: Findings,
    /// Apart, because a stored checkpoint must not vouch for what the held one is asked about.
    held: Comparison,
    stored: Comparison,
}

impl Walk<'_> {
    fn leaves(&mut self, state: &State, keys: &[signed_note::StandardVerifier]) -> Outcome<()> {
        loop {
            let from = self.tree.size();
            let page = rows::leaves(self.project_id, from, state.end, PAGE, &self.archives)?;
            let (Some(last), full) = (page.last().map(|leaf| leaf.index), i64::try_from(page.len()) == Ok(PAGE)) else {
                return Ok(());
            };
            if last - from > BRIDGE {
                let first = page.iter().find(|leaf| leaf.index - from > BRIDGE).map_or(last, |leaf| leaf.index);
                self.findings.add(Finding::range(Kind::LeafMissing, from, first));
                return Ok(());
            }
            self.expect_stored(from, last + 1, keys)?;
            let (mut completed, mut hashes) = (Vec::new(), Vec::with_capacity(page.len()));
            for leaf in page {
                if leaf.index > self.tree.size() {
                    self.findings.add(Finding::range(Kind::LeafMissing, self.tree.size(), leaf.index));
                    while self.tree.size() < leaf.index {
                        self.push([0; 32], &mut completed, &mut hashes);
                    }
                    self.explained = leaf.index;
                }
                self.row(&leaf)?;
                self.push(leaf.hash, &mut completed, &mut hashes);
            }
            self.nodes(from, &completed, &hashes)?;
            if !full {
                return Ok(());
            }
        }
    }

    fn push(&mut self, leaf: Hash, completed: &mut Vec<Node>, hashes: &mut Vec<Hash>) {
        hashes.push(leaf);
        completed.extend(self.tree.push(leaf).into_iter().flatten());
        self.checkpoints += self.stored.at(&self.tree, &mut self.findings);
        self.held.at(&self.tree, &mut self.findings);
    }

    /// The stored checkpoints of the sizes that the next page reaches.
    fn expect_stored(&mut self, from: u64, to: u64, keys: &[signed_note::StandardVerifier]) -> Outcome<()> {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let stored = CHECKPOINTS.with(|s| {
            s.rows(&[self.project_id.into(), number(from).into(), number(to).into()], |row| {
                Ok((column::<i64>(row, 1)?, column::<Vec<u8>>(row, 2)?, column::<String>(row, 3)?))
            })
        })?;
        for (size, root, note) in stored {
            let size = u64::try_from(size).unwrap_or_default();
            let root = of_bytes(&root).unwrap_or_default();
            let said = checkpoint::open(&note, keys).ok();
            match &said {
                // Without a keyring nothing can be said about signatures.
                Some((_, Signature::UnknownKey)) if keys.is_empty() => {}
                Some((_, Signature::UnknownKey)) => self.findings.add(Finding::tree(Kind::UnknownKey, size)),
                Some((_, Signature::Bad)) | None => self.findings.add(Finding::tree(Kind::BadSignature, size)),
                Some((_, Signature::Good)) => {}
            }
            let same = said.is_some_and(|(said, _)| {
                said.size == size && said.root == root && checkpoint::project_of(&said.origin) == Some(self.project_id)
            });
            if !same {
                self.findings.add(Finding::tree(Kind::AnotherLog, size));
            }
            self.stored.expect(Checkpoint { origin: String::new(), size, root });
        }
        Ok(())
    }

    /// A sealed row against its leaf.
    fn row(&mut self, leaf: &Leaf) -> Outcome<()> {
        for (archive, leaves) in self.archives.iter().zip(&mut self.detached) {
            if archive.has(leaf.index) {
                leaves.add(leaf.index, leaf.audit_id, &leaf.hash);
            }
        }
        let kind = match &leaf.held {
            Held::Document(document) => {
                self.rows += 1;
                (leaf_hash(document) != leaf.hash).then_some(Kind::RowAltered)
            }
            Held::Unwritable(_) => Some(Kind::RowAltered),
            Held::Archived => {
                self.archived += 1;
                None
            }
            Held::Absent => {
                let elsewhere = ROW_AT_ANY_TIME.with(|s| {
                    s.row(&[self.project_id.into(), pg_uuid(leaf.audit_id).into()], |row| column::<bool>(row, 1))
                })?;
                if elsewhere == Some(true) {
                    // Beyond what an answer lists, one finding more or less says nothing.
                    if self.elsewhere.len() < MAX_FINDINGS {
                        self.elsewhere.push(pg_uuid(leaf.audit_id));
                    }
                    Some(Kind::RowAltered)
                } else {
                    Some(Kind::RowMissing)
                }
            }
        };
        if let Some(kind) = kind {
            self.findings.add(Finding::row(kind, leaf.audit_id, leaf.index));
        }
        Ok(())
    }

    /// The nodes that a page completed against the stored ones.
    fn nodes(&mut self, from: u64, completed: &[Node], hashes: &[Hash]) -> Outcome<()> {
        let to = self.tree.size();
        for level in (4..=48).step_by(4) {
            let (first, end) = (stored_on(level, from), stored_on(level, to));
            if first == end {
                continue;
            }
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let stored: Vec<(i64, Vec<u8>)> = NODES.with(|s| {
                s.rows(
                    &[self.project_id.into(), i32::from(level).into(), number(first).into(), number(end).into()],
                    |row| Ok((column(row, 1)?, column(row, 2)?)),
                )
            })?;
            for node in completed.iter().filter(|node| node.level == level) {
                let known =
                    stored.iter().find(|(index, _)| *index == number(node.index)).map(|(_, hash)| hash.as_slice());
                if known == Some(&node.hash[..]) {
                    continue;
                }
                let (begin, end) = (node.index << level, (node.index + 1) << level);
                // Higher nodes differ with the lowest; one that differs alone was changed itself.
                if begin < self.explained {
                    continue;
                }
                self.explained = end;
                let block = usize::try_from(begin.saturating_sub(from)).unwrap_or(usize::MAX);
                let swapped = (level == 4 && begin >= from)
                    .then(|| swap_that_gives(hashes.get(block..block + 16)?, &of_bytes(known?)?))
                    .flatten();
                match swapped {
                    Some((one, other)) => {
                        self.moved(begin + one)?;
                        self.moved(begin + other)?;
                    }
                    None => self.findings.add(Finding::range(Kind::LeafAltered, begin, end)),
                }
            }
        }
        Ok(())
    }

    fn moved(&mut self, index: u64) -> Outcome<()> {
        if let Some(leaf) = rows::leaves(self.project_id, index, index + 1, 1, &self.archives)?.pop() {
            self.findings.add(Finding::row(Kind::RowMoved, leaf.audit_id, index));
        }
        Ok(())
    }

    /// The right edge: the head, checkpoints of larger trees, leaves that the head knew.
    fn ends(&mut self, state: &State) -> Outcome<()> {
        let reached = self.tree.size();
        if reached < state.end || reached < state.head_size {
            self.findings.add(Finding::range(Kind::LeafMissing, reached, state.end.max(state.head_size)));
        } else if state.head_size != reached || self.findings.total() == 0 && state.peaks != self.tree.peaks() {
            self.findings.add(Finding::tree(Kind::HeadDiffers, state.head_size));
        }
        if state.largest_checkpoint > reached {
            self.findings.add(Finding::tree(Kind::RolledBack, state.largest_checkpoint));
        }
        std::mem::replace(&mut self.held, Comparison::new(Vec::new())).finish(&mut self.findings);
        Ok(())
    }

    /// Rows that wait to be sealed, against the leaves they were queued with. Returns how many there are.
    fn waiting(&mut self) -> Outcome<u64> {
        let (mut after, mut count) = (None::<Uuid>, 0);
        loop {
            let page = WAITING.with(|s| {
                s.rows(&[self.project_id.into(), after.map(pg_uuid).into(), PAGE.into()], |row| {
                    let (audit_id, recorded_at) = (uuid_column(row, 1)?, row.get::<i64>(2)?);
                    let held = held(row, 4, self.project_id, audit_id, recorded_at)?;
                    Ok((audit_id, of_bytes(&column::<Vec<u8>>(row, 3)?), held))
                })
            })?;
            after = page.last().map(|(audit_id, ..)| *audit_id);
            let full = i64::try_from(page.len()) == Ok(PAGE);
            for (audit_id, leaf, held) in page {
                count += 1;
                let kind = match held {
                    Held::Document(document) if Some(leaf_hash(&document)) == leaf => continue,
                    Held::Absent => Kind::RowMissing,
                    _ => Kind::RowAltered,
                };
                self.findings.add(Finding::unsealed(kind, audit_id));
            }
            if !full {
                return Ok(count);
            }
        }
    }

    fn strays(&mut self) -> Outcome<()> {
        // One more than an answer lists; how many there are beyond that is not counted.
        let limit = i32::try_from(MAX_FINDINGS).unwrap_or_default() + 1;
        let reported = std::mem::take(&mut self.elsewhere);
        let parameters = [self.project_id.into(), limit.into(), reported.into()];
        let mut strays = STRAYS.with(|s| s.rows(&parameters, |row| uuid_column(row, 1)))?;
        for archive in self.archives.iter().filter(|archive| archive.present) {
            // The leaves that were detached with this table, and no others.
            let (from, to): (Vec<i64>, Vec<i64>) = archive
                .told
                .iter()
                .flat_map(|told| told.leaves.ranges())
                .map(|(from, to)| (i64::try_from(*from).unwrap_or(i64::MAX), i64::try_from(*to).unwrap_or(i64::MAX)))
                .unzip();
            let sql = format!(
                "select a.audit_id from awooop.{} a where a.project_id = $1
                 and not exists (select from awooop.audit_leaf l
                                 where l.project_id = $1 and l.audit_id = a.audit_id and l.recorded_at = a.recorded_at
                                   and exists (select from unnest($3::bigint[], $4::bigint[]) r (from_leaf, to_leaf)
                                               where l.leaf_index >= r.from_leaf and l.leaf_index < r.to_leaf))
                 limit $2",
                spi::quote_identifier(&archive.table)
            );
            Spi::connect(|client| {
                let parameters = [self.project_id.into(), limit.into(), from.into(), to.into()];
                let mut rows = client.select(sql.as_str(), None, &parameters)?;
                while rows.next().is_some() {
                    strays.push(uuid_column(&rows, 1)?);
                }
                Ok::<(), spi::Error>(())
            })?;
        }
        for audit_id in strays {
            self.findings.add(Finding::unsealed(Kind::RowInserted, audit_id));
        }
        Ok(())
    }

    /// What was detached, and whether the log tells of exactly these leaves.
    fn archives(&mut self) -> Value {
        for (archive, leaves) in self.archives.iter().zip(std::mem::take(&mut self.detached)) {
            if archive.told.as_ref().map(|told| &told.leaves) != Some(&leaves.finish()) {
                let size = u64::try_from(archive.tree_size).unwrap_or_default();
                self.findings
                    .add(Finding { audit_id: Some(archive.audit_id), ..Finding::tree(Kind::ArchiveUnproved, size) });
            }
        }
        self.archives
            .iter()
            .map(|archive| {
                json!({
                    "audit_id": archive.audit_id, "table": archive.table, "from": archive.range.0, "to": archive.range.1, "rows": archive.rows,
                    "present": archive.present
                })
            })
            .collect()
    }
}

/// The two of sixteen leaves that, exchanged, give the node: which rows stand in each other's place.
fn swap_that_gives(leaves: &[Hash], node: &Hash) -> Option<(u64, u64)> {
    let mut leaves = leaves.to_vec();
    for one in 0..leaves.len() {
        for other in one + 1..leaves.len() {
            leaves.swap(one, other);
            if combine(leaves.clone()) == *node {
                return Some((one as u64, other as u64));
            }
            leaves.swap(one, other);
        }
    }
    None
}
