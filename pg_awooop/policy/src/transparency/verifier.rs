//! Verifying a log without its database: an exported log, checkpoints that were held outside, public keys, and, where
//! there are, an earlier export and exports of what was detached.
//!
//! A line without a document is believed only as far as the log itself tells: a row of it, proved like any other, must
//! name that very leaf, with its id and hash, as detached ([`super::detachment`]).

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::checkpoint::{self, Checkpoint, Signature};
use super::detachment::{Detachment, LeafCollector};
use super::export::Line;
use super::finding::{Comparison, Finding, Findings, Kind};
use super::history::History;
use super::tree::Frontier;
use super::{Hash, hex};

/// What a verification without a database found.
#[derive(Clone, Debug)]
pub struct Report {
    pub project_id: Option<String>,
    pub tree_size: u64,
    pub root: Hash,
    /// Leaves below this one are as they were when a checkpoint that is trusted was signed; about those from here on, no
    /// checkpoint says anything.
    pub proved_to: u64,
    /// Whether it was asked only whether the export agrees with itself.
    pub consistency_only: bool,
    /// Documents that were hashed.
    pub rows: u64,
    /// Leaves whose rows were detached and dropped before the export, as the log tells.
    pub without_document: u64,
    /// The detachments that tell of them: the row's id and leaf, and what it tells.
    pub detached: Vec<(Uuid, u64, Detachment)>,
    pub checkpoints: u64,
    pub findings: Findings,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.findings.total() == 0
    }

    /// The report as JSON.
    pub fn to_json(&self) -> Value {
        let detached = |(audit_id, leaf_index, told): &(Uuid, u64, Detachment)| {
            json!({
                "audit_id": audit_id, "leaf_index": leaf_index, "table": told.table, "from": told.from, "to": told.to,
                "rows": told.leaves.count()
            })
        };
        json!({
            "ok": self.is_ok(), "project_id": self.project_id, "tree_size": self.tree_size, "root": hex(&self.root),
            "proved_to": self.proved_to, "consistency_only": self.consistency_only,
            "rows_checked": self.rows, "rows_without_document": self.without_document,
            "detached": self.detached.iter().map(detached).collect::<Vec<_>>(),
            "checkpoints_checked": self.checkpoints,
            "findings": self.findings.to_json(), "findings_total": self.findings.total()
        })
    }
}

/// Takes an exported log line by line.
pub struct LogVerifier {
    project_id: Option<String>,
    tree: Frontier,
    /// Where the next line belongs.
    place: u64,
    /// A line is missing or out of place: from here on no root can be compared.
    torn: bool,
    comparison: Comparison,
    /// Whether a checkpoint was given that is trusted.
    trusts: bool,
    consistency_only: bool,
    history: Option<History>,
    /// What rows of this log tell of, with the leaf that each stands at.
    told: HashMap<Uuid, (u64, Detachment)>,
    /// What lines say of themselves: by which row they were detached.
    claimed: HashMap<Uuid, Claim>,
    rows: u64,
    without_document: u64,
    checkpoints: u64,
    findings: Findings,
}

/// The lines that name one row as that of their detachment.
#[derive(Default)]
struct Claim {
    leaves: LeafCollector,
    /// Those without a document: first leaf, its id, and one more than the last.
    gone: Vec<(u64, Uuid, u64)>,
}

impl LogVerifier {
    /// A verifier that compares with these checkpoints (as [`checkpoint::open`] found them) and an earlier export.
    pub fn new(checkpoints: Vec<(Checkpoint, Signature)>, history: Option<History>) -> Self {
        let mut findings = Findings::default();
        let project = |checkpoint: &Checkpoint| checkpoint::project_of(&checkpoint.origin).map(str::to_owned);
        let good = checkpoints.iter().find(|(_, signature)| *signature == Signature::Good);
        let project_id = good.and_then(|(checkpoint, _)| project(checkpoint));
        let mut trusted = Vec::new();
        for (checkpoint, signature) in checkpoints {
            match signature {
                Signature::Good if project(&checkpoint) == project_id => trusted.push(checkpoint),
                Signature::Good => findings.add(Finding::tree(Kind::AnotherLog, checkpoint.size)),
                Signature::Bad => findings.add(Finding::tree(Kind::BadSignature, checkpoint.size)),
                Signature::UnknownKey => findings.add(Finding::tree(Kind::UnknownKey, checkpoint.size)),
            }
        }
        Self {
            project_id,
            tree: Frontier::default(),
            place: 0,
            torn: false,
            trusts: !trusted.is_empty(),
            consistency_only: false,
            comparison: Comparison::new(trusted),
            history,
            told: HashMap::new(),
            claimed: HashMap::new(),
            rows: 0,
            without_document: 0,
            checkpoints: 0,
            findings,
        }
    }

    /// The same, satisfied where no checkpoint is given that can be trusted: then only whether the export agrees with
    /// itself is verified.
    #[must_use]
    pub fn for_consistency_only(mut self) -> Self {
        self.consistency_only = true;
        self
    }

    /// The next line.
    pub fn line(&mut self, text: &str) {
        self.line_or_archived(text, |_| None);
    }

    /// The next line; one without a document gets that of its leaf in an archived export, if there is one.
    pub fn line_or_archived(&mut self, text: &str, archived: impl FnOnce(u64) -> Option<Line>) {
        let Some(mut line) = Line::parse(text) else {
            self.findings.add(Finding { leaf_index: Some(self.place), ..Finding::new(Kind::NotALine) });
            self.torn = true;
            self.place += 1;
            return;
        };
        if line.leaf_index > self.place {
            self.findings.add(Finding::range(Kind::LeafMissing, self.place, line.leaf_index));
            self.torn = true;
        } else if line.leaf_index < self.place {
            self.findings.add(Finding::row(Kind::RowMoved, line.audit_id, line.leaf_index));
            self.torn = true;
        }
        self.place = line.leaf_index.saturating_add(1);
        if line.document.is_none() {
            line.document =
                archived(line.leaf_index).and_then(|archived| archived.document).filter(|text| !text.is_empty());
        }
        self.row(&line);
        self.detached(&line);
        if let Some(history) = &mut self.history {
            history.compare(&line, &mut self.findings);
        }
        // What the row says now, not what the line says its leaf was: a changed row must change the root.
        if !self.torn && self.tree.push(line.hash()).is_ok() {
            self.checkpoints += self.comparison.at(&self.tree, &mut self.findings);
        }
    }

    fn row(&mut self, line: &Line) {
        match line.document.as_deref() {
            None => {
                self.without_document += 1;
                return;
            }
            Some("") => {
                self.findings.add(Finding::row(Kind::RowMissing, line.audit_id, line.leaf_index));
                return;
            }
            Some(_) => self.rows += 1,
        }
        if !line.is_whole() {
            self.findings.add(Finding::row(Kind::RowAltered, line.audit_id, line.leaf_index));
        }
        match (&self.project_id, line.project_id()) {
            (Some(ours), Some(theirs)) if *ours != theirs => {
                self.findings.add(Finding::row(Kind::AnotherLog, line.audit_id, line.leaf_index));
            }
            (None, theirs) => self.project_id = theirs,
            _ => {}
        }
    }

    /// What a line says about detachments: its own, or, as a row that tells of one, others'.
    fn detached(&mut self, line: &Line) {
        if let Some(told) = line.document.as_deref().filter(|_| line.is_whole()).and_then(Detachment::of_document) {
            self.told.insert(line.audit_id, (line.leaf_index, told));
        }
        let Some(by) = line.detached_by else {
            if line.document.is_none() {
                self.findings.add(Finding::row(Kind::RowMissing, line.audit_id, line.leaf_index));
            }
            return;
        };
        let claim = self.claimed.entry(by).or_default();
        claim.leaves.add(line.leaf_index, line.audit_id, &line.hash());
        if line.document.is_none() {
            match claim.gone.last_mut() {
                Some((.., to)) if *to == line.leaf_index => *to += 1,
                _ => claim.gone.push((line.leaf_index, line.audit_id, line.leaf_index.saturating_add(1))),
            }
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Report {
        let proved_to = self.comparison.agreed();
        if self.torn {
            self.comparison.finish_torn(self.place, &mut self.findings);
        } else {
            self.comparison.finish(&mut self.findings);
        }
        if let Some(history) = self.history.take() {
            history.finish(&mut self.findings);
        }
        let may_tell = |index: u64| !self.trusts || index < proved_to;
        let detached = settle(self.claimed, &self.told, may_tell, &mut self.findings);
        if !self.trusts && !self.consistency_only {
            self.findings.add(Finding::new(Kind::NoCheckpoint));
        }
        Report {
            project_id: self.project_id,
            tree_size: self.place,
            root: self.tree.root().unwrap_or_default(),
            proved_to,
            consistency_only: !self.trusts,
            rows: self.rows,
            without_document: self.without_document,
            detached,
            checkpoints: self.checkpoints,
            findings: self.findings,
        }
    }
}

/// Compares what lines without documents say with what rows of the log tell. A row tells of them if it came after them,
/// is proved itself, and names exactly them.
fn settle(
    claimed: HashMap<Uuid, Claim>,
    told: &HashMap<Uuid, (u64, Detachment)>,
    may_tell: impl Fn(u64) -> bool,
    findings: &mut Findings,
) -> Vec<(Uuid, u64, Detachment)> {
    let mut claimed: Vec<(Uuid, Claim)> = claimed.into_iter().filter(|(_, claim)| !claim.gone.is_empty()).collect();
    claimed.sort_by_key(|(_, claim)| claim.gone.first().map(|(from, ..)| *from));
    let mut detached = Vec::new();
    for (by, claim) in claimed {
        let leaves = claim.leaves.finish();
        match told.get(&by) {
            Some((index, told)) if told.leaves == leaves && told.may_be_told_at(*index) && may_tell(*index) => {
                detached.push((by, *index, told.clone()));
                continue;
            }
            Some((index, _)) => findings.add(Finding::row(Kind::ArchiveUnproved, by, *index)),
            None => {}
        }
        for (from, audit_id, to) in claim.gone {
            findings.add(if to - from == 1 {
                Finding::row(Kind::RowMissing, audit_id, from)
            } else {
                Finding::range(Kind::RowMissing, from, to)
            });
        }
    }
    detached
}

#[cfg(test)]
mod tests;
