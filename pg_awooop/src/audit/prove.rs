//! Operations `audit_checkpoint`, `audit_proof` and `export_audit`: what lets others check the log without trusting this
//! database.

use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::transparency::export::Line;
use awooop_policy::transparency::tree::{self, Broken, Stored};
use awooop_policy::transparency::{Hash, hex, of_bytes};
use serde_json::{Value, json};

use super::rows::{self, Held, Leaf};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, rfc3339, statements};

statements! {
    // The latest, or the one of a size.
    CHECKPOINT: reading [TEXTOID, INT8OID] = concat!(
        "select c.tree_size, c.root, c.note, c.key_id, ", rfc3339!("c.signed_at"), "
         from awooop.audit_checkpoint c where c.project_id = $1 and ($2 is null or c.tree_size = $2)
         order by c.tree_size desc limit 1");
    LEAF_OF_ROW: reading [TEXTOID, UUIDOID] =
        "select l.leaf_index from awooop.audit_leaf l where l.project_id = $1 and l.audit_id = $2";
    TREE_SIZE: reading [TEXTOID] = "select h.tree_size from awooop.audit_head h where h.project_id = $1";
    READ_LEAVES: reading [TEXTOID, INT8OID, INT8OID] =
        "select l.leaf_hash from awooop.audit_leaf l
         where l.project_id = $1 and l.leaf_index >= $2 and l.leaf_index < $2 + $3 order by l.leaf_index";
    READ_NODES: reading [TEXTOID, INT4OID, INT8OID, INT8OID] =
        "select n.node_hash from awooop.audit_node n
         where n.project_id = $1 and n.level = $2 and n.node_index >= $3 and n.node_index < $3 + $4
         order by n.node_index";
}

/// A stored checkpoint.
struct Signed {
    size: u64,
    root: String,
    note: String,
    key_id: String,
    signed_at: String,
}

fn stored_checkpoint(project_id: &str, size: Option<u64>) -> Outcome<Option<Signed>> {
    let size = size.map(|size| i64::try_from(size).unwrap_or(i64::MAX));
    CHECKPOINT.with(|s| {
        s.row(&[project_id.into(), size.into()], |row| {
            Ok(Signed {
                size: u64::try_from(column::<i64>(row, 1)?).unwrap_or_default(),
                root: of_bytes(&column::<Vec<u8>>(row, 2)?).as_ref().map(hex).unwrap_or_default(),
                note: column(row, 3)?,
                key_id: column(row, 4)?,
                signed_at: column(row, 5)?,
            })
        })
    })
}

/// Operation `audit_checkpoint`.
pub(crate) fn checkpoint(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let Some(signed) = stored_checkpoint(&caller.project_id, size(arguments, "tree_size"))? else {
        return fault(ErrorCode::AuditNoCheckpoint);
    };
    let answer = json!({
        "tree_size": signed.size, "root": signed.root, "checkpoint": signed.note, "key_id": signed.key_id,
        "signed_at": signed.signed_at
    });
    Ok(Answer::ok(answer.to_string()))
}

/// An argument that counts leaves.
fn size(arguments: &Arguments, name: &str) -> Option<u64> {
    arguments.json(name).is_number().then(|| u64::try_from(arguments.integer(name)).unwrap_or_default())
}

/// Operation `audit_proof`.
pub(crate) fn proof(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let audit_id = arguments.optional_uuid("audit_id");
    let from = size(arguments, "from_size");
    if audit_id.is_none() && from.is_none() {
        return fault(Problem::from(ErrorCode::InputMissing).with("argument", "audit_id or from_size"));
    }
    let index = match audit_id {
        None => None,
        Some(id) => {
            match LEAF_OF_ROW.with(|s| s.row(&[project_id.into(), pg_uuid(id).into()], |row| column::<i64>(row, 1)))? {
                None => return fault(ErrorCode::AuditUnknown),
                Some(index) => Some(u64::try_from(index).unwrap_or_default()),
            }
        }
    };
    let whole = TREE_SIZE.with(|s| s.row(&[project_id.into()], |row| column::<i64>(row, 1)))?.unwrap_or_default();
    let whole = u64::try_from(whole).unwrap_or_default();
    // The smallest tree that will do.
    let least = index.map_or(1, |index| index + 1).max(from.unwrap_or(1));
    let signed = stored_checkpoint(project_id, size(arguments, "tree_size"))?;
    let tree_size = match (size(arguments, "tree_size"), &signed) {
        (Some(size), _) => size,
        (None, Some(signed)) if signed.size >= least => signed.size,
        (None, _) => whole,
    };
    if tree_size < least || tree_size > whole {
        return fault(Problem::from(ErrorCode::AuditSize).with("tree_size", whole));
    }
    let stored = StoredTree(project_id);
    let torn = |_: Broken| Problem::from(ErrorCode::AuditTorn);
    let list = |hashes: Vec<Hash>| hashes.iter().map(hex).collect::<Vec<_>>();
    let root = tree::root(tree_size, &stored).map_err(torn)?;
    let inclusion = match index {
        None => Value::Null,
        Some(index) => {
            let archives = rows::archives(project_id)?;
            let Some(leaf) = rows::leaves(project_id, index, index + 1, 1, &archives)?.pop() else {
                return fault(ErrorCode::AuditTorn);
            };
            let mut line = line(leaf).to_json();
            line["hashes"] = list(tree::prove_inclusion(tree_size, index, &stored).map_err(torn)?).into();
            line
        }
    };
    let consistency = match from {
        None => Value::Null,
        Some(from) => json!({
            "from_size": from, "from_root": hex(&tree::root(from, &stored).map_err(torn)?),
            "hashes": list(tree::prove_consistency(tree_size, from, &stored).map_err(torn)?)
        }),
    };
    let note = signed.filter(|signed| signed.size == tree_size).map(|signed| signed.note);
    let answer = json!({
        "tree_size": tree_size, "root": hex(&root), "checkpoint": note, "inclusion": inclusion,
        "consistency": consistency
    });
    Ok(Answer::ok(answer.to_string()))
}

/// Operation `export_audit`.
pub(crate) fn export(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let from = u64::try_from(arguments.integer("from_leaf")).unwrap_or_default();
    let limit = arguments.integer("page_size");
    let archives = rows::archives(&caller.project_id)?;
    let mut leaves = rows::leaves(&caller.project_id, from, u64::MAX, limit + 1, &archives)?;
    let more = i64::try_from(leaves.len()).is_ok_and(|found| found > limit);
    leaves.truncate(usize::try_from(limit).unwrap_or_default());
    let next = leaves.last().filter(|_| more).map(|leaf| leaf.index + 1);
    let items: Vec<Value> = leaves.into_iter().map(|leaf| line(leaf).to_json()).collect();
    Ok(Answer::ok(json!({"items": items, "next_cursor": next}).to_string()))
}

fn line(leaf: Leaf) -> Line {
    let document = match leaf.held {
        Held::Document(document) | Held::Unwritable(document) => Some(document),
        Held::Archived => None,
        // No document is empty: a verifier reports the row as missing.
        Held::Absent => Some(String::new()),
    };
    let detached_by = leaf.detached_by;
    Line { leaf_index: leaf.index, audit_id: leaf.audit_id, leaf_hash: leaf.hash, document, detached_by }
}

/// The hashes of the bound project's tree.
pub(super) struct StoredTree<'a>(pub(super) &'a str);

impl Stored for StoredTree<'_> {
    fn read(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Broken> {
        let (first, count) = (i64::try_from(first).map_err(|_| Broken)?, i64::try_from(count).map_err(|_| Broken)?);
        let read = if level == 0 {
            READ_LEAVES.with(|s| s.rows(&[self.0.into(), first.into(), count.into()], |row| column::<Vec<u8>>(row, 1)))
        } else {
            let level = i32::from(level);
            READ_NODES.with(|s| {
                s.rows(&[self.0.into(), level.into(), first.into(), count.into()], |row| column::<Vec<u8>>(row, 1))
            })
        };
        let hashes = read.map_err(|_| Broken)?;
        hashes.iter().map(|hash| of_bytes(hash).ok_or(Broken)).collect()
    }
}
