//! What was detached of a log, as the log itself tells of it: a row `audit_partition_detached` names the very leaves, and
//! the digest of their numbers, ids and hashes. Nothing that is not hashed into the log, such as times and counts kept
//! beside it, decides whether a row may be gone.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Hash, hex, unhex};

/// The action of the rows that tell of a detachment.
pub const ACTION: &str = "audit_partition_detached";

/// A detached part of a project's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detachment {
    pub table: String,
    /// The partition's bounds, as RFC 3339.
    pub from: String,
    pub to: String,
    pub leaves: LeafSet,
}

impl Detachment {
    /// The facts of the row that tells of it.
    pub fn facts(&self) -> Map<String, Value> {
        let ranges: Vec<[u64; 2]> = self.leaves.ranges.iter().map(|(from, to)| [*from, *to]).collect();
        let facts = json!({
            "table": self.table, "from": self.from, "to": self.to, "rows": self.leaves.count(), "leaves": ranges,
            "digest": hex(&self.leaves.digest)
        });
        facts.as_object().cloned().unwrap_or_default()
    }

    /// Reads the document of the row that tells of it; `None` where it is a row of something else, or no such document
    /// as was ever written.
    pub fn of_document(document: &str) -> Option<Self> {
        let row: Value = serde_json::from_str(document).ok()?;
        let told = row["action"] == ACTION && row["decision"] == "done" && row["door"] == "platform";
        let facts = row["facts"].as_object().filter(|_| told)?;
        let text = |name: &str| facts.get(name)?.as_str().map(str::to_owned);
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for range in facts.get("leaves")?.as_array()? {
            let [from, to] = range.as_array()?.as_slice() else { return None };
            let (from, to) = (from.as_u64()?, to.as_u64()?);
            if from >= to || ranges.last().is_some_and(|(_, end)| *end >= from) {
                return None;
            }
            ranges.push((from, to));
        }
        let leaves = LeafSet { ranges, digest: unhex(&text("digest")?)? };
        let counted = facts.get("rows")?.as_u64() == Some(leaves.count()) && leaves.count() > 0;
        counted.then_some(Self { table: text("table")?, from: text("from")?, to: text("to")?, leaves })
    }

    /// Whether leaf `index` may tell of it: a row is written after what it tells of was sealed.
    pub fn may_be_told_at(&self, index: u64) -> bool {
        index >= self.leaves.end()
    }
}

/// Leaves by their numbers, and what they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafSet {
    /// From this one to before that one, ascending, none touching the next.
    ranges: Vec<(u64, u64)>,
    /// SHA-256 over each leaf's number (8 bytes, the highest first), id (16) and hash (32), in the order of the numbers.
    digest: Hash,
}

impl LeafSet {
    /// Whether a leaf is one of them.
    pub fn contains(&self, index: u64) -> bool {
        let next = self.ranges.partition_point(|(from, _)| *from <= index);
        next.checked_sub(1).and_then(|n| self.ranges.get(n)).is_some_and(|(_, to)| index < *to)
    }

    /// From which to before which, each.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// How many they are.
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|(from, to)| to - from).sum()
    }

    /// One more than the last one's number.
    pub fn end(&self) -> u64 {
        self.ranges.last().map_or(0, |(_, to)| *to)
    }
}

/// Collects leaves that pass by in the order of their numbers.
#[derive(Clone, Default)]
pub struct LeafCollector {
    ranges: Vec<(u64, u64)>,
    digest: Sha256,
}

impl LeafCollector {
    /// The next one.
    pub fn add(&mut self, index: u64, audit_id: Uuid, leaf: &Hash) {
        match self.ranges.last_mut() {
            Some((_, to)) if *to == index => *to += 1,
            _ => self.ranges.push((index, index.saturating_add(1))),
        }
        self.digest.update(index.to_be_bytes());
        self.digest.update(audit_id.as_bytes());
        self.digest.update(leaf);
    }

    /// What passed by.
    pub fn finish(self) -> LeafSet {
        LeafSet { ranges: self.ranges, digest: self.digest.finalize().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(indexes: &[u64]) -> LeafSet {
        let mut collector = LeafCollector::default();
        indexes.iter().for_each(|n| collector.add(*n, Uuid::from_u128((*n).into()), &[7; 32]));
        collector.finish()
    }

    fn document(facts: &Value) -> String {
        json!({"action": ACTION, "decision": "done", "door": "platform", "facts": facts}).to_string()
    }

    #[test]
    fn what_a_row_tells_is_read_back_from_its_document() {
        let leaves = set(&[3, 4, 5, 9, 11, 12]);
        assert_eq!(leaves.ranges(), [(3, 6), (9, 10), (11, 13)]);
        assert_eq!((leaves.count(), leaves.end()), (6, 13));
        let inside: Vec<u64> = (0..20).filter(|n| leaves.contains(*n)).collect();
        assert_eq!(inside, [3, 4, 5, 9, 11, 12]);
        let told = Detachment { table: "t".into(), from: "a".into(), to: "b".into(), leaves };
        assert_eq!(Detachment::of_document(&document(&told.facts().into())), Some(told.clone()));
        assert!(told.may_be_told_at(13) && !told.may_be_told_at(12) && !told.may_be_told_at(7));
    }

    #[test]
    fn a_row_of_something_else_tells_of_nothing() {
        let facts: Value =
            Detachment { table: "t".into(), from: "a".into(), to: "b".into(), leaves: set(&[3, 4]) }.facts().into();
        for (name, value) in [
            ("rows", json!(3)),
            ("leaves", json!([[3, 3]])),
            ("leaves", json!([[3, 4], [4, 5]])),
            ("leaves", json!([[4, 5], [3, 4]])),
            ("leaves", json!([])),
            ("digest", json!("00")),
            ("table", json!(null)),
        ] {
            let mut changed = facts.clone();
            changed[name] = value;
            assert_eq!(Detachment::of_document(&document(&changed)), None, "{name}");
        }
        let other = document(&facts).replace(ACTION, "agent_created");
        assert_eq!(Detachment::of_document(&other), None);
        assert_eq!(Detachment::of_document(&document(&facts).replace("\"done\"", "\"refused\"")), None);
        assert_eq!(Detachment::of_document(&document(&facts).replace("platform", "http")), None);
    }

    #[test]
    fn the_digest_is_of_numbers_ids_and_hashes() {
        let leaf = |index, id, hash| {
            let mut collector = LeafCollector::default();
            collector.add(index, Uuid::from_u128(id), &[hash; 32]);
            collector.finish()
        };
        assert_ne!(leaf(1, 2, 3).digest, leaf(4, 2, 3).digest);
        assert_ne!(leaf(1, 2, 3).digest, leaf(1, 4, 3).digest);
        assert_ne!(leaf(1, 2, 3).digest, leaf(1, 2, 4).digest);
        assert_eq!(leaf(1, 2, 3), leaf(1, 2, 3));
    }
}
