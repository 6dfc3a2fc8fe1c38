//! Verifying a log without its database: an exported log, checkpoints that were held outside, public keys, and, where
//! there is one, an earlier export.

use serde_json::{Value, json};
use signed_note::StandardVerifier;

use super::checkpoint::{self, Checkpoint, Signature};
use super::export::Line;
use super::finding::{Comparison, Finding, Findings, Kind};
use super::history::History;
use super::tree::{self, Frontier};
use super::{Hash, hex, unhex};

/// What a verification without a database found.
#[derive(Clone, Debug)]
pub struct Report {
    pub project_id: Option<String>,
    pub tree_size: u64,
    pub root: Hash,
    /// Documents that were hashed.
    pub rows: u64,
    /// Leaves whose rows were detached and dropped before the export, as it says.
    pub without_document: u64,
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
        json!({
            "ok": self.is_ok(), "project_id": self.project_id, "tree_size": self.tree_size, "root": hex(&self.root),
            "rows_checked": self.rows, "rows_without_document": self.without_document,
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
    history: Option<History>,
    rows: u64,
    without_document: u64,
    checkpoints: u64,
    findings: Findings,
}

impl LogVerifier {
    /// A verifier that compares with these checkpoints (as [`checkpoint::open`] found them) and an earlier export.
    pub fn new(checkpoints: Vec<(Checkpoint, Signature)>, history: Option<History>) -> Self {
        let mut findings = Findings::default();
        let project = |checkpoint: &Checkpoint| checkpoint::project_of(&checkpoint.origin).map(str::to_owned);
        let project_id = checkpoints.first().and_then(|(checkpoint, _)| project(checkpoint));
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
            comparison: Comparison::new(trusted),
            history,
            rows: 0,
            without_document: 0,
            checkpoints: 0,
            findings,
        }
    }

    /// The next line.
    pub fn line(&mut self, text: &str) {
        let Some(line) = Line::parse(text) else {
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
        self.row(&line);
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
            None => self.without_document += 1,
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

    /// What was found.
    pub fn finish(mut self) -> Report {
        if self.torn {
            self.comparison.finish_torn(self.place, &mut self.findings);
        } else {
            self.comparison.finish(&mut self.findings);
        }
        if let Some(history) = self.history.take() {
            history.finish(&mut self.findings);
        }
        Report {
            project_id: self.project_id,
            tree_size: self.place,
            root: self.tree.root().unwrap_or_default(),
            rows: self.rows,
            without_document: self.without_document,
            checkpoints: self.checkpoints,
            findings: self.findings,
        }
    }
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproved {
    /// The text is not an answer of `audit_proof`.
    NotAProof,
    /// The document is not the leaf's.
    Document,
    /// The hashes do not lead from the leaf to the checkpoint's root.
    Inclusion,
    /// The hashes do not lead from the older checkpoint to the newer one.
    Consistency,
    /// None of the checkpoints given is of the size that the proof needs, or its signature is not good.
    Checkpoint,
}

/// Checks an answer of `audit_proof` against checkpoints that the caller holds. Returns the document that is proved to
/// be in the log, if the answer has one.
///
/// # Errors
/// What does not hold.
pub fn check_proof(answer: &str, held: &[String], keys: &[StandardVerifier]) -> Result<Option<String>, Unproved> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| Unproved::NotAProof)?;
    let size = answer["tree_size"].as_u64().ok_or(Unproved::NotAProof)?;
    let held = |size: u64| {
        let opened = held.iter().filter_map(|text| checkpoint::open(text, keys).ok());
        let mut good = opened.filter(|(_, signature)| *signature == Signature::Good).map(|(checkpoint, _)| checkpoint);
        good.find(|checkpoint| checkpoint.size == size).ok_or(Unproved::Checkpoint)
    };
    let newer = held(size)?;
    let mut proved = None;
    if let Some(inclusion) = answer["inclusion"].as_object() {
        let line = Line::parse(&answer["inclusion"].to_string()).ok_or(Unproved::NotAProof)?;
        let project = checkpoint::project_of(&newer.origin);
        let named = line.project_id();
        if !line.is_whole() || named.is_some() && named.as_deref() != project {
            return Err(Unproved::Document);
        }
        let path = hashes(inclusion.get("hashes"))?;
        if !tree::includes(&path, size, newer.root, line.leaf_index, line.hash()) {
            return Err(Unproved::Inclusion);
        }
        proved = line.document;
    }
    if let Some(consistency) = answer["consistency"].as_object() {
        let from = consistency.get("from_size").and_then(Value::as_u64).ok_or(Unproved::NotAProof)?;
        let path = hashes(consistency.get("hashes"))?;
        if !tree::is_consistent(&path, size, newer.root, from, held(from)?.root) {
            return Err(Unproved::Consistency);
        }
    }
    Ok(proved)
}

fn hashes(value: Option<&Value>) -> Result<Vec<Hash>, Unproved> {
    let list = value.and_then(Value::as_array).ok_or(Unproved::NotAProof)?;
    list.iter().map(|hash| hash.as_str().and_then(unhex).ok_or(Unproved::NotAProof)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Keyring;
    use crate::transparency::document::leaf_hash;
    use crate::transparency::finding::MAX_FINDINGS;
    use uuid::Uuid;

    struct Log {
        keyring: Keyring,
        documents: Vec<String>,
    }

    impl Log {
        fn new(rows: u128) -> Self {
            let document = |n| format!("{{\"audit_id\":\"{}\",\"project_id\":\"p\",\"n\":{n}}}", Uuid::from_u128(n));
            Self { keyring: Keyring::create("n").unwrap(), documents: (0..rows).map(document).collect() }
        }

        fn lines(documents: &[String]) -> Vec<String> {
            let line = |(index, document): (usize, &String)| {
                let id: Value = serde_json::from_str(document).unwrap();
                let audit_id = Uuid::try_parse(id["audit_id"].as_str().unwrap()).unwrap();
                let line = Line {
                    leaf_index: index as u64,
                    audit_id,
                    leaf_hash: leaf_hash(document),
                    document: Some(document.clone()),
                };
                line.to_json().to_string()
            };
            documents.iter().enumerate().map(line).collect()
        }

        fn checkpoint(&self, size: usize) -> (Checkpoint, Signature) {
            let mut tree = Frontier::default();
            for document in &self.documents[..size] {
                let _ = tree.push(leaf_hash(document)).unwrap().count();
            }
            let signer = self.keyring.audit_signer().unwrap();
            let note = checkpoint::sign("p", size as u64, tree.root().unwrap(), &signer).unwrap();
            checkpoint::open(&note, &self.keyring.audit_verifiers()).unwrap()
        }

        /// Kinds and places found in `lines` against checkpoints of these sizes, with the log itself as history or not.
        fn verify(&self, lines: &[String], sizes: &[usize], with_history: bool) -> Vec<(Kind, Option<u64>)> {
            let history = with_history.then(|| {
                let mut history = History::default();
                Self::lines(&self.documents).iter().for_each(|line| history.remember(&Line::parse(line).unwrap()));
                history
            });
            let checkpoints = sizes.iter().map(|size| self.checkpoint(*size)).collect();
            let mut verifier = LogVerifier::new(checkpoints, history);
            lines.iter().for_each(|line| verifier.line(line));
            let report = verifier.finish();
            report.findings.listed().iter().map(|f| (f.kind, f.leaf_index.or(f.from_leaf).or(f.tree_size))).collect()
        }
    }

    #[test]
    fn an_untouched_log_has_no_findings() {
        let log = Log::new(40);
        assert_eq!(log.verify(&Log::lines(&log.documents), &[1, 7, 40, 40], true), []);
        assert_eq!(log.verify(&Log::lines(&log.documents), &[], false), []);
    }

    #[test]
    fn a_change_that_keeps_the_export_consistent_lies_between_two_checkpoints_and_the_history_names_it() {
        let log = Log::new(40);
        let mut edited = log.documents.clone();
        edited[20] = edited[20].replace("\"n\":20", "\"n\":21");
        let mut removed = log.documents.clone();
        removed.remove(20);
        let mut inserted = log.documents.clone();
        inserted.insert(20, Log::new(99).documents[90].clone());
        let mut swapped = log.documents.clone();
        swapped.swap(20, 22);
        for (changed, named) in [
            (edited, vec![(Kind::RowAltered, Some(20))]),
            (removed, vec![(Kind::RowMissing, Some(20))]),
            (inserted, vec![(Kind::RowInserted, Some(20))]),
            (swapped, vec![(Kind::RowMoved, Some(22)), (Kind::RowMoved, Some(20))]),
        ] {
            let lines = Log::lines(&changed);
            assert_eq!(log.verify(&lines, &[10, 30], false), [(Kind::CheckpointDiffers, Some(10))]);
            assert_eq!(log.verify(&lines, &[10], true), named);
        }
    }

    #[test]
    fn a_clumsy_change_is_named_without_any_history() {
        let log = Log::new(40);
        let lines = Log::lines(&log.documents);
        let mut edited = lines.clone();
        edited[20] = edited[20].replace("n\\\":20", "n\\\":21");
        assert_eq!(log.verify(&edited, &[], false), [(Kind::RowAltered, Some(20))]);
        let mut removed = lines.clone();
        removed.remove(20);
        let expected = [(Kind::LeafMissing, Some(20)), (Kind::CheckpointDiffers, Some(10))];
        assert_eq!(log.verify(&removed, &[10, 30], false), expected);
        assert_eq!(log.verify(&lines[..30], &[30, 40], false), [(Kind::RolledBack, Some(40))]);
        let mut garbled = lines.clone();
        garbled[3] = "{".to_owned();
        assert_eq!(log.verify(&garbled, &[], false), [(Kind::NotALine, Some(3))]);
    }

    #[test]
    fn a_checkpoint_that_is_not_the_logs_own_counts_for_nothing() {
        let log = Log::new(3);
        let (checkpoint, _) = log.checkpoint(2);
        for (signature, kind) in [(Signature::Bad, Kind::BadSignature), (Signature::UnknownKey, Kind::UnknownKey)] {
            let report = LogVerifier::new(vec![(checkpoint.clone(), signature)], None).finish();
            assert_eq!(report.findings.listed()[0].kind, kind);
        }
        let other = Checkpoint { origin: "n/audit/q".to_owned(), ..checkpoint };
        let mut verifier = LogVerifier::new(vec![(other, Signature::Good)], None);
        verifier.line(&Log::lines(&log.documents)[0]);
        assert_eq!(verifier.finish().findings.listed()[0].kind, Kind::AnotherLog);
    }

    #[test]
    fn findings_are_bounded_and_counted() {
        let log = Log::new(300);
        let lines: Vec<String> =
            Log::lines(&log.documents).iter().map(|l| l.replace("project_id", "Project_id")).collect();
        let mut verifier = LogVerifier::new(Vec::new(), None);
        lines.iter().for_each(|line| verifier.line(line));
        let report = verifier.finish();
        assert_eq!((report.findings.listed().len(), report.findings.total()), (MAX_FINDINGS, 300));
    }
}
