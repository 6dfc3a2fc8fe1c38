//! Checking an answer of `audit_proof` without its database: that a row is in the log that a held checkpoint signs, or that
//! one checkpoint's log is the beginning of another's.

use serde_json::{Value, json};
use signed_note::StandardVerifier;
use uuid::Uuid;

use super::checkpoint::{self, Checkpoint, Signature};
use super::export::Line;
use super::tree;
use super::{Hash, hex, unhex};

/// What a proof proves, each part of it against checkpoints of one log with good signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// Which log: `{installation}/audit/{project}`.
    pub origin: String,
    pub tree_size: u64,
    pub inclusion: Option<Included>,
    /// The size of the smaller tree that is this one's beginning.
    pub from_size: Option<u64>,
}

/// What is in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Included {
    /// A row: its exact document, and the id in it.
    Row { leaf_index: u64, audit_id: Uuid, document: String },
    /// A leaf's hash, and nothing about what was hashed: the answer has no document. Its id is not proved, so it is not
    /// here.
    Leaf { leaf_index: u64, leaf_hash: Hash },
}

impl Proved {
    /// Whether it is all that the answer can prove: not so where a document is missing.
    pub fn is_whole(&self) -> bool {
        !matches!(self.inclusion, Some(Included::Leaf { .. }))
    }

    /// What is proved, as JSON.
    pub fn to_json(&self) -> Value {
        let inclusion = self.inclusion.as_ref().map(|included| match included {
            Included::Row { leaf_index, audit_id, document } => {
                json!({"leaf_index": leaf_index, "audit_id": audit_id, "document": document})
            }
            Included::Leaf { leaf_index, leaf_hash } => {
                json!({"leaf_index": leaf_index, "leaf_hash": hex(leaf_hash), "document": null})
            }
        });
        let consistency = self.from_size.map(|from| json!({"from_size": from, "to_size": self.tree_size}));
        json!({
            "origin": self.origin, "tree_size": self.tree_size, "inclusion": inclusion, "consistency": consistency
        })
    }
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproved {
    /// The text is not an answer of `audit_proof`, or one that proves nothing.
    NotAProof,
    /// The document is not the leaf's, or not of the log that the checkpoint signs.
    Document,
    /// The hashes do not lead from the leaf to the checkpoint's root.
    Inclusion,
    /// The hashes do not lead from the older checkpoint to the newer one.
    Consistency,
    /// None of the checkpoints given is of the size that the proof needs, or its signature is not good.
    Checkpoint,
}

/// Checks an answer of `audit_proof` against checkpoints that the caller holds, in whatever order.
///
/// # Errors
/// What does not hold; of several checkpoints of one size, what did not hold with the one that came nearest.
pub fn check_proof(answer: &str, held: &[String], keys: &[StandardVerifier]) -> Result<Proved, Unproved> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| Unproved::NotAProof)?;
    let proof = Answer::read(&answer).ok_or(Unproved::NotAProof)?;
    let held: Vec<Checkpoint> = held
        .iter()
        .filter_map(|text| checkpoint::open(text, keys).ok())
        .filter(|(_, signature)| *signature == Signature::Good)
        .map(|(checkpoint, _)| checkpoint)
        .collect();
    let mut why = Unproved::Checkpoint;
    for newer in held.iter().filter(|checkpoint| checkpoint.size == proof.tree_size) {
        match proof.against(newer, &held) {
            Ok(proved) => return Ok(proved),
            // A checkpoint that is missing says less than one that was there.
            Err(Unproved::Checkpoint) => {}
            Err(other) => why = other,
        }
    }
    Err(why)
}

/// An answer that proves something.
struct Answer {
    tree_size: u64,
    inclusion: Option<(Line, Vec<Hash>)>,
    consistency: Option<(u64, Vec<Hash>)>,
}

impl Answer {
    fn read(answer: &Value) -> Option<Self> {
        // Both are there in every answer; what is not asked for is null, and nothing else is.
        let part = |name: &str| match answer.get(name)? {
            Value::Null => Some(None),
            part => part.is_object().then_some(Some(part)),
        };
        let (inclusion, consistency) = (part("inclusion")?, part("consistency")?);
        if inclusion.is_none() && consistency.is_none() {
            return None;
        }
        let inclusion = match inclusion {
            None => None,
            Some(part) => Some((Line::from_json(part)?, hashes(part)?)),
        };
        let consistency = match consistency {
            None => None,
            Some(part) => Some((part["from_size"].as_u64()?, hashes(part)?)),
        };
        Some(Self { tree_size: answer["tree_size"].as_u64()?, inclusion, consistency })
    }

    fn against(&self, newer: &Checkpoint, held: &[Checkpoint]) -> Result<Proved, Unproved> {
        let inclusion = self.inclusion.as_ref().map(|(line, path)| included(line, path, newer)).transpose()?;
        let mut from_size = None;
        if let Some((from, path)) = &self.consistency {
            let mut why = Unproved::Checkpoint;
            let older = |checkpoint: &&Checkpoint| checkpoint.size == *from && checkpoint.origin == newer.origin;
            for older in held.iter().filter(older) {
                if tree::is_consistent(path, newer.size, newer.root, *from, older.root) {
                    from_size = Some(*from);
                    break;
                }
                why = Unproved::Consistency;
            }
            if from_size.is_none() {
                return Err(why);
            }
        }
        Ok(Proved { origin: newer.origin.clone(), tree_size: newer.size, inclusion, from_size })
    }
}

fn included(line: &Line, path: &[Hash], newer: &Checkpoint) -> Result<Included, Unproved> {
    let ours = || line.project_id().as_deref() == checkpoint::project_of(&newer.origin);
    if line.document.is_some() && !(line.is_whole() && ours()) {
        return Err(Unproved::Document);
    }
    if !tree::includes(path, newer.size, newer.root, line.leaf_index, line.hash()) {
        return Err(Unproved::Inclusion);
    }
    let (leaf_index, leaf_hash) = (line.leaf_index, line.leaf_hash);
    Ok(match &line.document {
        Some(document) => Included::Row { leaf_index, audit_id: line.audit_id, document: document.clone() },
        None => Included::Leaf { leaf_index, leaf_hash },
    })
}

fn hashes(part: &Value) -> Option<Vec<Hash>> {
    part.get("hashes")?.as_array()?.iter().map(|hash| unhex(hash.as_str()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Keyring;
    use crate::transparency::document::leaf_hash;
    use crate::transparency::tree::{Broken, Frontier, Stored};

    struct Leaves(Vec<Hash>);

    impl Stored for Leaves {
        fn read(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Broken> {
            // Ten leaves complete no node that is stored.
            let at = |n: u64| self.0.get(usize::try_from(n).ok()?).copied();
            (first..first + count).map(|n| at(n).filter(|_| level == 0).ok_or(Broken)).collect()
        }
    }

    /// A log of ten rows of a project, and checkpoints of it.
    struct Log(Keyring, Vec<String>);

    impl Log {
        fn new(project: &str) -> Self {
            let document = |n: u128| json!({"audit_id": Uuid::from_u128(n), "project_id": project, "n": n}).to_string();
            Self(Keyring::create("n").unwrap(), (0..10).map(document).collect())
        }

        fn leaves(&self) -> Leaves {
            Leaves(self.1.iter().map(|document| leaf_hash(document)).collect())
        }

        fn checkpoint(&self, project: &str, size: usize) -> String {
            let mut tree = Frontier::default();
            for leaf in &self.leaves().0[..size] {
                let _ = tree.push(*leaf).unwrap().count();
            }
            checkpoint::sign(project, size as u64, tree.root().unwrap(), &self.0.audit_signer().unwrap()).unwrap()
        }

        fn answer(&self, leaf: Option<u64>, from: Option<u64>) -> Value {
            let list = |hashes: Vec<Hash>| hashes.iter().map(hex).collect::<Vec<_>>();
            let inclusion = leaf.map(|n| {
                let document = self.1[usize::try_from(n).unwrap()].clone();
                let line = Line {
                    leaf_index: n,
                    audit_id: Uuid::from_u128(n.into()),
                    leaf_hash: leaf_hash(&document),
                    document: Some(document),
                    detached_by: None,
                };
                let mut inclusion = line.to_json();
                inclusion["hashes"] = list(tree::prove_inclusion(10, n, &self.leaves()).unwrap()).into();
                inclusion
            });
            let consistency = from.map(|from| {
                json!({"from_size": from, "hashes": list(tree::prove_consistency(10, from, &self.leaves()).unwrap())})
            });
            json!({"tree_size": 10, "inclusion": inclusion, "consistency": consistency})
        }

        fn check(&self, answer: &Value, held: &[String]) -> Result<Proved, Unproved> {
            check_proof(&answer.to_string(), held, &self.0.audit_verifiers())
        }
    }

    #[test]
    fn what_is_proved_is_said() {
        let log = Log::new("p");
        let held = [log.checkpoint("p", 4), log.checkpoint("p", 10)];
        let proved = log.check(&log.answer(Some(7), Some(4)), &held).unwrap();
        assert_eq!((proved.origin.as_str(), proved.tree_size, proved.from_size), ("n/audit/p", 10, Some(4)));
        let row = Included::Row { leaf_index: 7, audit_id: Uuid::from_u128(7), document: log.1[7].clone() };
        assert_eq!(proved.inclusion, Some(row));
        assert_eq!(proved.to_json()["consistency"], json!({"from_size": 4, "to_size": 10}));
        assert_eq!(log.check(&log.answer(Some(7), Some(4)), &held[1..]), Err(Unproved::Checkpoint));
    }

    #[test]
    fn an_answer_that_proves_nothing_is_no_proof() {
        let log = Log::new("p");
        let held = [log.checkpoint("p", 10)];
        let good = log.answer(Some(7), None);
        let with = |name: &str, value: Value| {
            let mut answer = good.clone();
            answer[name] = value;
            answer
        };
        for answer in [
            json!({"tree_size": 10}),
            json!({"tree_size": 10, "inclusion": null, "consistency": null}),
            json!({"tree_size": 10, "inclusion": good["inclusion"]}),
            json!([]),
            with("inclusion", json!("x")),
            with("inclusion", json!([])),
            with("inclusion", json!({})),
            with("inclusion", json!(null)),
            with("consistency", json!(true)),
            with("consistency", json!({"from_size": "4", "hashes": []})),
            with("tree_size", json!(10.5)),
        ] {
            assert_eq!(log.check(&answer, &held), Err(Unproved::NotAProof), "{answer}");
        }
    }

    #[test]
    fn without_a_document_a_hash_is_proved_and_no_row() {
        let log = Log::new("p");
        let held = [log.checkpoint("p", 10)];
        let mut answer = log.answer(Some(7), None);
        answer["inclusion"]["document"] = Value::Null;
        answer["inclusion"]["audit_id"] = Uuid::max().to_string().into();
        let proved = log.check(&answer, &held).unwrap();
        assert!(!proved.is_whole());
        assert_eq!(proved.inclusion, Some(Included::Leaf { leaf_index: 7, leaf_hash: leaf_hash(&log.1[7]) }));
        assert!(!proved.to_json().to_string().contains(&Uuid::max().to_string()), "the id is not proved");
        answer["inclusion"]["document"] = "".into();
        assert_eq!(log.check(&answer, &held), Err(Unproved::Document));
    }

    #[test]
    fn the_document_is_of_the_checkpoints_project() {
        let log = Log::new("q");
        assert_eq!(log.check(&log.answer(Some(7), None), &[log.checkpoint("p", 10)]), Err(Unproved::Document));
        assert!(log.check(&log.answer(Some(7), None), &[log.checkpoint("q", 10)]).is_ok());
    }

    #[test]
    fn the_order_of_the_checkpoints_is_nobodys_business_and_both_ends_are_one_logs() {
        let log = Log::new("p");
        let answer = log.answer(Some(7), Some(4));
        // Of the same sizes: another project's, signed by the same key, and a fork of the same name.
        let mut fork = Log(Keyring::parse(&log.0.reveal()).unwrap(), log.1.clone());
        fork.1[2] = "{}".to_owned();
        let ours = [log.checkpoint("p", 4), log.checkpoint("p", 10)];
        let others =
            [log.checkpoint("q", 4), log.checkpoint("q", 10), fork.checkpoint("p", 4), fork.checkpoint("p", 10)];
        let mut held: Vec<String> = others.iter().chain(&ours).cloned().collect();
        assert!(log.check(&answer, &held).is_ok());
        held.reverse();
        assert!(log.check(&answer, &held).is_ok());
        let mixed = [log.checkpoint("q", 4), log.checkpoint("p", 10)];
        assert_eq!(log.check(&answer, &mixed), Err(Unproved::Checkpoint), "the older one is another log's");
        let forked = [fork.checkpoint("p", 4), log.checkpoint("p", 10)];
        assert_eq!(log.check(&answer, &forked), Err(Unproved::Consistency));
    }
}
