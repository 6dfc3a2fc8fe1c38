//! Attacks that dress a deletion up as retention: against the database's own verification, and against the verifier that
//! has an export only. What may be gone is what a row of the log names, leaf by leaf.

use awooop_policy::transparency::detachment::{Detachment, LeafCollector};
use awooop_policy::transparency::document::{AuditRow, canonical_facts, leaf_hash};
use awooop_policy::transparency::{hex, unhex};
use serde_json::{Value, json};
use uuid::Uuid;

use super::offline::{Outside, gateway};
use super::retention::{OLD, detach, long_ago, month_of_2020};
use super::stage::{ROWS, Stage, found, place};
use crate::harness::quiet::text;

/// A stage with a month of five rows, leaves 50 to 54, detached, told of in leaf 55, and dropped; a checkpoint above that,
/// and the export of before.
fn detached() -> (Stage, String, Vec<String>) {
    let mut stage = Stage::new();
    long_ago(&mut stage, 5);
    stage.checkpoint();
    let before = stage.export();
    assert_eq!(detach(&mut stage.admin), "");
    let held = stage.checkpoint();
    stage.admin.run(&format!("create table public.kept as table awooop.{OLD}; drop table awooop.{OLD}"));
    let answer = stage.verify(Some(&held));
    assert_eq!((&answer["ok"], &answer["rows_archived"]), (&true.into(), &5.into()), "{answer}");
    (stage, held, before)
}

/// What the verifier without a database finds in these lines, with its exit code.
fn outside(outside: &Outside, lines: &[String], checkpoint: &str, more: &[&str]) -> (Value, Vec<(String, u64)>) {
    let (export, held) = (outside.keep("lines", &lines.join("\n")), outside.keep("held", checkpoint));
    let mut arguments =
        vec!["audit", "verify", "--export", &export, "--checkpoint", &held, "--public-key", &outside.key];
    arguments.extend(more);
    let output = gateway(&arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let findings: Vec<(String, u64)> = report["findings"].as_array().unwrap().iter().map(place).collect();
    assert_eq!(output.status.code(), Some(i32::from(!findings.is_empty())), "{report}");
    (report, findings)
}

#[test]
fn a_record_that_names_the_deleted_row_itself_covers_for_nothing() {
    let mut stage = Stage::new();
    let files = Outside::of(&mut stage);
    let (project, id, held) = (stage.project.clone(), stage.id(33), stage.held[1].clone());
    stage.as_attacker(&format!(
        "delete from awooop.audit_log where project_id = '{project}' and audit_id = '{id}';
         insert into awooop.audit_archive (project_id, audit_id, table_name, range_from, range_to, row_count, tree_size)
         select project_id, audit_id, '{OLD}', recorded_at, recorded_at + interval '1 microsecond', 1, 50
         from awooop.audit_leaf where project_id = '{project}' and audit_id = '{id}'"
    ));
    let unproved = [("row_missing".to_owned(), 33), ("archive_unproved".to_owned(), 50)];
    assert_eq!(stage.findings(Some(&held)), unproved);
    let lines = stage.export();
    assert_eq!(outside(&files, &lines, &held, &[]).1[0], ("row_missing".to_owned(), 33));
    // Its document as it was does not make it a row that tells of a detachment, and one that does is not its leaf's.
    let true_one: Value = serde_json::from_str(&stage.exported[33]).unwrap();
    let mut told: Value = serde_json::from_str(true_one["document"].as_str().unwrap()).unwrap();
    told["action"] = "audit_partition_detached".into();
    told["door"] = "platform".into();
    let range = "select to_char(range_from at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
                        to_char(range_to at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
                 from awooop.audit_archive";
    let range = stage.admin.rows(range).unwrap().remove(0);
    told["facts"] = json!({
        "table": OLD, "from": range[0], "to": range[1], "rows": 1, "leaves": [[33, 34]], "digest": "00".repeat(32)
    });
    for document in [true_one["document"].as_str().unwrap().to_owned(), told.to_string()] {
        let literal = crate::harness::literal(&document);
        stage.as_attacker(&format!("update awooop.audit_archive set document = {literal}"));
        assert_eq!(stage.findings(Some(&held)), unproved, "{document}");
    }
}

#[test]
fn a_leaf_that_is_moved_into_a_detached_months_time_is_still_missing() {
    let (mut stage, held, _) = detached();
    let files = Outside::of(&mut stage);
    let (project, id) = (stage.project.clone(), stage.id(33));
    // One archived row is back, so that the count is right; the deleted row's leaf lies in the month, by its time.
    stage.as_attacker(&format!(
        "insert into awooop.audit_log select * from public.kept limit 1;
         delete from awooop.audit_log where project_id = '{project}' and audit_id = '{id}';
         update awooop.audit_leaf set recorded_at = '2020-01-20' where project_id = '{project}' and audit_id = '{id}'"
    ));
    assert_eq!(stage.findings(Some(&held)), found("row_missing", 33));
    let lines = stage.export();
    assert_eq!(outside(&files, &lines, &held, &[]).1[0], ("row_missing".to_owned(), 33));
}

#[test]
fn a_detached_leaf_that_was_changed_is_not_what_the_log_tells_of() {
    let (mut stage, _, _) = detached();
    let project = stage.project.clone();
    let stranger = "018f0000-0000-7000-8000-000000000000";
    stage.as_attacker(&format!(
        "update awooop.audit_leaf set audit_id = '{stranger}' where project_id = '{project}' and leaf_index = 52"
    ));
    let findings = stage.findings(None);
    assert!(findings.iter().any(|(kind, _)| kind == "archive_unproved"), "{findings:?}");
}

#[test]
fn a_row_under_the_id_of_an_archived_one_is_found() {
    let (mut stage, held, _) = detached();
    let (project, id) = (stage.project.clone(), stage.id(52));
    // A plain INSERT: every trigger is on.
    stage.admin.run(&format!(
        "insert into awooop.audit_log (project_id, audit_id, recorded_at, action, decision, door, facts)
         values ('{project}', '{id}', now(), 'forged', 'done', 'sql', '{{}}')"
    ));
    let answer = stage.verify(Some(&held));
    assert_eq!(answer["findings_total"], 1, "{answer}");
    let finding = &answer["findings"][0];
    assert_eq!((text(&finding["kind"]), text(&finding["audit_id"])), ("row_inserted".to_owned(), id));
}

#[test]
fn a_row_of_another_month_in_a_detached_table_is_found() {
    let mut stage = Stage::new();
    long_ago(&mut stage, 5);
    stage.checkpoint();
    assert_eq!(detach(&mut stage.admin), "");
    let (project, id) = (stage.project.clone(), stage.id(33));
    // It was taken out of the log, as if it had gone with the month.
    stage.as_attacker(&format!(
        "insert into awooop.{OLD} select * from awooop.audit_log where project_id = '{project}' and audit_id = '{id}';
         delete from awooop.audit_log where project_id = '{project}' and audit_id = '{id}'"
    ));
    let findings = stage.findings(None);
    assert_eq!(findings[0], ("row_missing".to_owned(), 33), "{findings:?}");
    assert_eq!(findings[1].0, "row_inserted", "{findings:?}");
}

#[test]
fn an_export_may_lack_the_documents_that_the_log_tells_of_and_no_others() {
    let (mut stage, held, before) = detached();
    let files = Outside::of(&mut stage);
    let lines = stage.export();
    let (report, findings) = outside(&files, &lines, &held, &[]);
    assert_eq!(findings, []);
    assert_eq!((&report["rows_without_document"], &report["proved_to"]), (&5.into(), &(ROWS + 6).into()));
    let told = &report["detached"][0];
    assert_eq!((&told["table"], &told["rows"], &told["leaf_index"]), (&OLD.into(), &5.into(), &(ROWS + 5).into()));
    let earlier = files.keep("earlier", &before.join("\n"));
    assert_eq!(outside(&files, &lines, &held, &["--earlier", &earlier]).1, []);
    // Their contents, from the export of before.
    let (report, findings) = outside(&files, &lines, &held, &["--archive", &earlier]);
    assert_eq!((findings.len(), &report["rows_without_document"], &report["rows_checked"]), (0, &0.into(), &56.into()));
    let forged: Vec<String> = before.iter().map(|line| line.replace("\\\"old\\\"", "\\\"new\\\"")).collect();
    let forged = files.keep("forged", &forged.join("\n"));
    assert_eq!(outside(&files, &lines, &held, &["--archive", &forged]).1[0], ("row_altered".to_owned(), 50));
    // One more without a document, and all of them with ids that never were.
    let without = |line: &String, by: Value, id: Option<&str>| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        (line["document"], line["detached_by"]) = (Value::Null, by);
        if let Some(id) = id {
            line["audit_id"] = id.into();
        }
        line.to_string()
    };
    let telling: Value = serde_json::from_str(&lines[55]).unwrap();
    for by in [Value::Null, telling["audit_id"].clone()] {
        let mut lines = lines.clone();
        lines[33] = without(&lines[33], by, None);
        for more in [&[][..], &["--earlier", &earlier]] {
            let findings = outside(&files, &lines, &held, more).1;
            assert!(findings.contains(&("row_missing".to_owned(), 33)), "{findings:?}");
        }
    }
    let id = |n: usize| format!("018f0000-0000-7000-8000-{n:012}");
    let nothing: Vec<String> =
        lines.iter().enumerate().map(|(n, line)| without(line, Value::Null, Some(&id(n)))).collect();
    let (report, _) = outside(&files, &nothing, &held, &[]);
    assert_eq!((&report["ok"], &report["findings_total"]), (&false.into(), &56.into()), "{report}");
    assert_eq!(outside(&files, &nothing, &held, &["--earlier", &earlier]).0["ok"], false);
}

/// A row of February 2020, leaf 53, that tells of the detachment of January's leaves 50 to 52, and the record of it; as
/// they would be if it had happened then. Returns the row's document.
fn detached_long_ago(stage: &mut Stage) -> String {
    long_ago(stage, 3);
    month_of_2020(stage, 2);
    stage.checkpoint();
    let project = stage.project.clone();
    let mut leaves = LeafCollector::default();
    for line in &stage.export()[50..] {
        let line: Value = serde_json::from_str(line).unwrap();
        let id = Uuid::parse_str(&text(&line["audit_id"])).unwrap();
        leaves.add(line["leaf_index"].as_u64().unwrap(), id, &unhex(&text(&line["leaf_hash"])).unwrap());
    }
    let [from, to] = ["01", "02"].map(|month| format!("2020-{month}-01T00:00:00.000000Z"));
    let told = Detachment { table: OLD.to_owned(), from, to, leaves: leaves.finish() };
    let facts = canonical_facts(told.facts()).unwrap();
    let row = AuditRow {
        project_id: &project,
        audit_id: Uuid::now_v7(),
        // 2020-02-15.
        recorded_at: 1_581_724_800_000_000,
        action: "audit_partition_detached",
        decision: "done",
        code: None,
        principal_id: None,
        door: "platform",
        trace_id: None,
        agent_id: None,
        platform_subject_id: None,
        run_id: None,
        facts: &facts,
    };
    let (document, id) = (row.document().unwrap(), row.audit_id);
    stage.admin.run(&format!(
        "insert into awooop.audit_log (project_id, audit_id, recorded_at, action, decision, door, facts)
             values ('{project}', '{id}', '2020-02-15', 'audit_partition_detached', 'done', 'platform', '{facts}');
         insert into awooop.audit_pending (project_id, audit_id, recorded_at, leaf_hash)
             values ('{project}', '{id}', '2020-02-15', '\\x{}')",
        hex(&leaf_hash(&document))
    ));
    let literal = crate::harness::literal(&document);
    stage.as_attacker(&format!(
        "insert into awooop.audit_archive (project_id, audit_id, table_name, range_from, range_to, row_count, tree_size, document)
             values ('{project}', '{id}', '{OLD}', '2020-01-01', '2020-02-01', 3, 53, {literal});
         alter table awooop.audit_log detach partition awooop.{OLD};
         drop table awooop.{OLD}"
    ));
    document
}

#[test]
fn a_row_that_told_of_a_detachment_may_be_detached_itself() {
    let mut stage = Stage::new();
    let files = Outside::of(&mut stage);
    let document = detached_long_ago(&mut stage);
    stage.checkpoint();
    assert_eq!(stage.findings(None), []);
    stage.admin.run("select awooop.detach_audit_partition('audit_log_2020_02')");
    stage.admin.run("drop table awooop.audit_log_2020_02");
    let held = stage.checkpoint();
    // Its document is kept with the record, and so it still tells.
    let answer = stage.verify(Some(&held));
    assert_eq!((&answer["ok"], &answer["rows_archived"]), (&true.into(), &3.into()), "{answer}");
    let lines = stage.export();
    assert_eq!(serde_json::from_str::<Value>(&lines[53]).unwrap()["document"], document.as_str());
    let (report, findings) = outside(&files, &lines, &held, &[]);
    assert_eq!((findings.len(), &report["rows_without_document"]), (0, &3.into()), "{report}");
    // And what the record says is worth nothing where it is not its leaf.
    let forged = crate::harness::literal(&document.replace("[50,53]", "[33,34],[50,52]"));
    stage.as_attacker(&format!("update awooop.audit_archive set document = {forged} where row_count = 3"));
    let findings = stage.findings(Some(&held));
    assert!(
        findings.contains(&("row_missing".to_owned(), 50)) && findings.contains(&("archive_unproved".to_owned(), 53))
    );
}
