//! An earlier export of the same log, to name the very row: a checkpoint tells that something below it changed, an
//! export tells what.

use std::collections::HashMap;

use uuid::Uuid;

use super::Hash;
use super::export::Line;
use super::finding::{Finding, Findings, Kind};

/// What was exported earlier, and how far the comparison is.
#[derive(Default)]
pub struct History {
    /// Place and hash by id.
    rows: HashMap<Uuid, (u64, Hash)>,
    seen: HashMap<Uuid, u64>,
    /// Rows that are not in the earlier export; inserted if one that is follows.
    unknown: Vec<(Uuid, u64)>,
    latest: u64,
    inserted: usize,
    /// Rows that did not stay where they were.
    elsewhere: Vec<Elsewhere>,
}

struct Elsewhere {
    audit_id: Uuid,
    before: u64,
    /// It has another number.
    displaced: bool,
    /// It stands behind a row that it stood before.
    out_of_order: bool,
}

impl History {
    /// Adds a line of the earlier export.
    pub fn remember(&mut self, line: &Line) {
        self.rows.insert(line.audit_id, (line.leaf_index, line.hash()));
    }

    /// Compares a line of the log as it is now.
    pub(super) fn compare(&mut self, line: &Line, findings: &mut Findings) {
        let id = line.audit_id;
        let Some(&(before, hash)) = self.rows.get(&id) else {
            self.unknown.push((id, line.leaf_index));
            return;
        };
        for (stranger, place) in std::mem::take(&mut self.unknown) {
            self.inserted += 1;
            findings.add(Finding::row(Kind::RowInserted, stranger, place));
        }
        if self.seen.insert(id, line.leaf_index).is_some() {
            findings.add(Finding::row(Kind::RowInserted, id, line.leaf_index));
        }
        // A line whose document is not its leaf's was reported already.
        if hash != line.hash() && line.hash() == line.leaf_hash {
            findings.add(Finding::row(Kind::RowAltered, id, before));
        }
        let (displaced, out_of_order) = (before != line.leaf_index, before < self.latest);
        if displaced || out_of_order {
            self.elsewhere.push(Elsewhere { audit_id: id, before, displaced, out_of_order });
        }
        self.latest = self.latest.max(before);
    }

    /// What can be said at the end only.
    pub(super) fn finish(self, findings: &mut Findings) {
        let mut missing: Vec<(u64, Uuid)> = self
            .rows
            .iter()
            .filter(|(id, _)| !self.seen.contains_key(id))
            .map(|(id, (place, _))| (*place, *id))
            .collect();
        missing.sort_unstable();
        // Where rows came or went, all that follow have another place; then only the order among them tells.
        let shifted = self.inserted > 0 || !missing.is_empty();
        for row in self.elsewhere {
            if if shifted { row.out_of_order } else { row.displaced } {
                findings.add(Finding::row(Kind::RowMoved, row.audit_id, row.before));
            }
        }
        for (place, id) in missing {
            findings.add(Finding::row(Kind::RowMissing, id, place));
        }
    }
}
