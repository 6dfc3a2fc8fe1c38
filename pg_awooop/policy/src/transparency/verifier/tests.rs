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
                detached_by: None,
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
        if sizes.is_empty() {
            verifier = verifier.for_consistency_only();
        }
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
    let lines: Vec<String> = Log::lines(&log.documents).iter().map(|l| l.replace("project_id", "Project_id")).collect();
    let mut verifier = LogVerifier::new(Vec::new(), None).for_consistency_only();
    lines.iter().for_each(|line| verifier.line(line));
    let report = verifier.finish();
    assert_eq!((report.findings.listed().len(), report.findings.total()), (MAX_FINDINGS, 300));
}

/// The log with leaves 5 to 9 and 12 told of as detached by its last row, and their lines without documents.
fn detached() -> (Log, Vec<String>) {
    let mut log = Log::new(20);
    let mut collector = LeafCollector::default();
    let gone = [5, 6, 7, 8, 9, 12];
    gone.iter().for_each(|n| collector.add(*n, Uuid::from_u128((*n).into()), &leaf_hash(&log.documents[*n as usize])));
    let told = Detachment { table: "t".into(), from: "a".into(), to: "b".into(), leaves: collector.finish() };
    let id = Uuid::from_u128(20);
    let row = json!({
        "action": super::super::detachment::ACTION, "decision": "done", "door": "platform", "audit_id": id,
        "project_id": "p", "facts": told.facts()
    });
    log.documents.push(row.to_string());
    let mut lines = Log::lines(&log.documents);
    for n in gone {
        let mut line = Line::parse(&lines[n as usize]).unwrap();
        (line.document, line.detached_by) = (None, Some(id));
        lines[n as usize] = line.to_json().to_string();
    }
    (log, lines)
}

fn changed(line: &mut String, change: impl FnOnce(&mut Line)) {
    let mut parsed = Line::parse(line).unwrap();
    change(&mut parsed);
    *line = parsed.to_json().to_string();
}

#[test]
fn lines_without_documents_are_those_that_the_log_itself_tells_of() {
    let (log, lines) = detached();
    assert_eq!(log.verify(&lines, &[21], true), []);
    assert_eq!(log.verify(&lines, &[10, 21], false), []);
    let unproved = vec![(Kind::ArchiveUnproved, Some(20)), (Kind::RowMissing, Some(5)), (Kind::RowMissing, Some(12))];
    assert_eq!(log.verify(&lines, &[20], false), unproved, "no checkpoint is above the row that tells");
    // One more is gone, whatever it says of itself.
    let telling = Some(Uuid::from_u128(20));
    for by in [None, Some(Uuid::max()), Some(Uuid::from_u128(3))] {
        let mut lines = lines.clone();
        changed(&mut lines[15], |line| (line.document, line.detached_by) = (None, by));
        assert_eq!(log.verify(&lines, &[21], true), [(Kind::RowMissing, Some(15))], "{by:?}");
    }
    let mut more = lines.clone();
    changed(&mut more[15], |line| (line.document, line.detached_by) = (None, telling));
    assert_eq!(log.verify(&more, &[21], false)[0], (Kind::ArchiveUnproved, Some(20)));
    // An id that is not the row's, one that is back with its document for another that is gone, a row that is gone
    // together with the one that tells.
    let mut renamed = lines.clone();
    changed(&mut renamed[6], |line| line.audit_id = Uuid::max());
    assert_eq!(log.verify(&renamed, &[21], false), unproved);
    let mut exchanged = lines.clone();
    changed(&mut exchanged[5], |line| (line.document, line.detached_by) = (Some(log.documents[5].clone()), None));
    changed(&mut exchanged[15], |line| (line.document, line.detached_by) = (None, telling));
    assert_eq!(log.verify(&exchanged, &[21], false)[0], (Kind::ArchiveUnproved, Some(20)));
    let mut untold = lines;
    changed(&mut untold[20], |line| line.document = None);
    let found = log.verify(&untold, &[21], false);
    assert_eq!(found, [(Kind::RowMissing, Some(20)), (Kind::RowMissing, Some(5)), (Kind::RowMissing, Some(12))]);
}

#[test]
fn an_export_without_any_documents_proves_no_row() {
    let log = Log::new(20);
    let mut lines = Log::lines(&log.documents);
    for (n, line) in lines.iter_mut().enumerate() {
        changed(line, |line| (line.document, line.audit_id) = (None, Uuid::from_u128(1000 + n as u128)));
    }
    let found = log.verify(&lines, &[20], false);
    assert!(found.len() == 20 && found.iter().all(|(kind, _)| *kind == Kind::RowMissing), "{found:?}");
}

#[test]
fn an_archived_export_gives_documents_back_and_must_be_what_was_sealed() {
    let (log, lines) = detached();
    let verify = |archived: &dyn Fn(u64) -> Option<Line>| {
        let mut verifier = LogVerifier::new(vec![log.checkpoint(21)], None);
        lines.iter().for_each(|line| verifier.line_or_archived(line, archived));
        verifier.finish()
    };
    let copy = Log::lines(&log.documents);
    let report = verify(&|index| Line::parse(&copy[usize::try_from(index).unwrap()]));
    assert_eq!((report.is_ok(), report.rows, report.without_document), (true, 21, 0));
    let report = verify(&|index| {
        let mut line = Line::parse(&copy[usize::try_from(index).unwrap()])?;
        line.document = line.document.map(|text| text.replace("\"n\":7", "\"n\":8"));
        Some(line)
    });
    let found = &report.findings.listed()[0];
    assert_eq!((found.kind, found.leaf_index), (Kind::RowAltered, Some(7)));
    let report = verify(&|_| None);
    assert_eq!((report.is_ok(), report.rows, report.without_document, report.detached.len()), (true, 15, 6, 1));
}

#[test]
fn nothing_is_proved_without_a_checkpoint() {
    let log = Log::new(20);
    let report = |verifier: LogVerifier, lines: &[String]| {
        let mut verifier = verifier;
        lines.iter().for_each(|line| verifier.line(line));
        verifier.finish()
    };
    for lines in [Vec::new(), Log::lines(&log.documents)] {
        let strict = report(LogVerifier::new(Vec::new(), None), &lines);
        assert_eq!(strict.findings.listed().iter().map(|f| f.kind).collect::<Vec<_>>(), [Kind::NoCheckpoint]);
        let lax = report(LogVerifier::new(Vec::new(), None).for_consistency_only(), &lines);
        assert_eq!((lax.is_ok(), lax.proved_to, lax.consistency_only), (true, 0, true));
    }
    let some = report(LogVerifier::new(vec![log.checkpoint(7)], None), &Log::lines(&log.documents));
    assert_eq!((some.is_ok(), some.proved_to, some.tree_size), (true, 7, 20));
}
