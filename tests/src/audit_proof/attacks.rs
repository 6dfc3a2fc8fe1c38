//! A superuser changes what was sealed, with every trigger switched off: clumsily, and so thoroughly that everything in
//! the database agrees. The first is found by the database itself and named to the row; the second by whoever holds a
//! checkpoint, as a range, and by whoever holds an export too, to the row (`offline`).

use super::stage::{EARLY, ROWS, Stage, found};
use crate::harness::quiet::text;

/// A leaf between the two checkpoints.
const VICTIM: u64 = 33;

const NOTHING: &[(String, u64)] = &[];

fn victim(stage: &mut Stage) -> String {
    let id = stage.id(VICTIM);
    format!("where project_id = '{}' and audit_id = '{id}'", stage.project)
}

#[test]
fn an_untouched_log_verifies_against_every_checkpoint() {
    let mut stage = Stage::new();
    for held in stage.held.clone() {
        let answer = stage.verify(Some(&held));
        assert_eq!((&answer["ok"], &answer["held_checkpoint"]), (&true.into(), &"good".into()), "{answer}");
        assert_eq!((answer["rows_checked"].as_u64(), answer["checkpoints_checked"].as_u64()), (Some(ROWS), Some(2)));
    }
    // It grows, and the old checkpoints still hold.
    stage.write(700);
    stage.checkpoint();
    for held in stage.held.clone() {
        assert_eq!(stage.findings(Some(&held)), NOTHING);
    }
}

#[test]
fn an_edited_row_is_named_whatever_was_edited() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    for change in [
        "facts = facts || '{\"enabled\": false}'",
        // The same number to every reader of JSON.
        "facts = '{\"enabled\": 1.0}'",
        "action = 'agent_deleted'",
        "decision = 'refused'",
        "code = 'E-RUN-001'",
        "principal_id = 'somebody.else'",
        "door = 'http'",
        "trace_id = ''",
        "agent_id = null",
        "platform_subject_id = 'a:b:c'",
        "run_id = gen_random_uuid()",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "recorded_at = recorded_at - interval '3 years'",
        "recorded_at = 'infinity'",
    ] {
        stage.admin.run("create temp table original as select * from awooop.audit_log");
        stage.as_attacker(&format!("update awooop.audit_log set {change} {row}"));
        assert_eq!(stage.findings(None), found("row_altered", VICTIM), "{change}");
        let named = stage.verify(None)["findings"][0]["audit_id"].clone();
        assert_eq!(text(&named), stage.id(VICTIM));
        stage.as_attacker(&format!(
            "delete from awooop.audit_log {row}; insert into awooop.audit_log select * from original {row}"
        ));
        stage.admin.run("drop table original");
        assert_eq!(stage.findings(None), NOTHING, "{change} and back");
    }
}

#[test]
fn a_deleted_and_an_inserted_row_are_named() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    stage.as_attacker(&format!(
        "create table public.kept as select * from awooop.audit_log {row}; delete from awooop.audit_log {row}"
    ));
    assert_eq!(stage.findings(None), found("row_missing", VICTIM));
    stage.as_attacker("insert into awooop.audit_log select * from public.kept");
    assert_eq!(stage.findings(None), NOTHING);
    let stranger = "018f0000-0000-7000-8000-000000000000";
    stage.as_attacker(&format!(
        "update public.kept set audit_id = '{stranger}'; insert into awooop.audit_log select * from public.kept"
    ));
    let answer = stage.verify(None);
    assert_eq!(answer["findings_total"], 1, "{answer}");
    assert_eq!(
        (text(&answer["findings"][0]["kind"]), text(&answer["findings"][0]["audit_id"])),
        ("row_inserted".into(), stranger.into())
    );
}

#[test]
fn a_second_row_under_a_sealed_rows_id_is_found() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    stage.as_attacker(&format!(
        "create table public.copy as select * from awooop.audit_log {row};
         update public.copy set recorded_at = recorded_at + interval '1 day', action = 'forged';
         insert into awooop.audit_log select * from public.copy"
    ));
    let answer = stage.verify(None);
    assert_eq!(
        (text(&answer["findings"][0]["kind"]), text(&answer["findings"][0]["audit_id"])),
        ("row_inserted".into(), stage.id(VICTIM))
    );
}

#[test]
fn rows_in_each_others_place_are_named() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    // Both among the leaves of one stored node.
    stage.as_attacker(&format!(
        "update awooop.audit_leaf set leaf_index = 1000 where project_id = '{project}' and leaf_index = {VICTIM};
         update awooop.audit_leaf set leaf_index = {VICTIM} where project_id = '{project}' and leaf_index = 38;
         update awooop.audit_leaf set leaf_index = 38 where project_id = '{project}' and leaf_index = 1000;"
    ));
    let findings = stage.findings(None);
    // Complete nodes end at 48; the checkpoint of all 50 leaves sees it as well.
    assert_eq!(findings[0], ("checkpoint_differs".into(), EARLY), "{findings:?}");
    assert_eq!(findings[1..], [("row_moved".into(), VICTIM), ("row_moved".into(), 38)], "{findings:?}");
}

#[test]
fn a_changed_leaf_node_head_or_checkpoint_is_found_in_its_place() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    let swap = |stage: &mut Stage, table: &str, set: &str, and: &str| {
        stage.as_attacker(&format!(
            "drop table if exists public.kept; create table public.kept as select * from awooop.{table} where project_id = '{project}';
             update awooop.{table} set {set} where project_id = '{project}' {and}"
        ));
        let findings = stage.findings(None);
        stage.as_attacker(&format!(
            "delete from awooop.{table} where project_id = '{project}'; insert into awooop.{table} select * from public.kept"
        ));
        assert_eq!(stage.findings(None), NOTHING, "{table} as it was");
        findings
    };
    let zeros = format!("'\\x{}'", "00".repeat(32));
    let leaf = swap(&mut stage, "audit_leaf", &format!("leaf_hash = {zeros}"), &format!("and leaf_index = {VICTIM}"));
    let expected: Vec<(String, u64)> =
        vec![("row_altered".into(), VICTIM), ("checkpoint_differs".into(), EARLY), ("leaf_altered".into(), 32)];
    assert_eq!(leaf, expected);
    let node = swap(&mut stage, "audit_node", &format!("node_hash = {zeros}"), "and level = 4 and node_index = 1");
    assert_eq!(node, found("leaf_altered", 16));
    let head = swap(&mut stage, "audit_head", &format!("tree_size = {}, signed_size = 0", ROWS - 1), "");
    assert_eq!(head, found("head_differs", ROWS - 1));
    let root = swap(&mut stage, "audit_checkpoint", &format!("root = {zeros}"), &format!("and tree_size = {EARLY}"));
    assert!(
        root.contains(&("checkpoint_differs".into(), 0)) && root.contains(&("another_log".into(), EARLY)),
        "{root:?}"
    );
    let note = "note = replace(note, E'\\n20\\n', E'\\n21\\n')";
    let note = swap(&mut stage, "audit_checkpoint", note, &format!("and tree_size = {EARLY}"));
    assert!(note.contains(&("bad_signature".into(), EARLY)), "{note:?}");
}

#[test]
fn a_deleted_leaf_is_found_and_so_is_a_cut_end() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    stage.as_attacker(&format!(
        "delete from awooop.audit_leaf where project_id = '{project}' and leaf_index = {VICTIM}"
    ));
    let findings = stage.findings(None);
    assert_eq!(findings[0], ("leaf_missing".into(), VICTIM), "{findings:?}");
    assert!(findings.iter().any(|(kind, _)| kind == "row_inserted"), "its row is nobody's now: {findings:?}");
    stage.as_attacker(&format!("delete from awooop.audit_leaf where project_id = '{project}' and leaf_index >= 45"));
    assert!(stage.findings(None).contains(&("leaf_missing".into(), 45)));
    // The sealer leaves such a log alone, and goes on with others.
    stage.write(1);
    let sealed = stage.admin.json("select awooop.maintain()");
    assert_eq!(sealed["audit_rows_sealed"], 0);
}

/// What a thorough attacker leaves behind: without a checkpoint from outside, nothing is wrong; with one, something is.
#[track_caller]
fn only_a_held_checkpoint_tells(stage: &mut Stage) {
    assert_eq!(stage.findings(None), NOTHING, "everything in the database agrees");
    let [early, late] = stage.held.clone();
    // The change lies behind the first checkpoint and before the second: that is the range it is in.
    assert_eq!(stage.findings(Some(&early)), NOTHING);
    let answer = stage.verify(Some(&late));
    let finding = &answer["findings"][0];
    assert_eq!(text(&finding["kind"]), "checkpoint_differs", "{answer}");
    assert_eq!((&finding["from_leaf"], &finding["to_leaf"]), (&0.into(), &ROWS.into()));
}

#[test]
fn a_rewritten_row_is_found_by_a_held_checkpoint() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    stage.as_attacker(&format!("update awooop.audit_log set action = 'forged' {row}"));
    stage.cover_up();
    only_a_held_checkpoint_tells(&mut stage);
}

#[test]
fn a_removed_row_is_found_by_a_held_checkpoint() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    stage.as_attacker(&format!("delete from awooop.audit_log {row}; delete from awooop.audit_leaf {row}"));
    stage.cover_up();
    // One more takes its place: the size alone would tell.
    stage.write(1);
    stage.checkpoint();
    only_a_held_checkpoint_tells(&mut stage);
}

#[test]
fn an_inserted_row_is_found_by_a_held_checkpoint() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    let project = stage.project.clone();
    stage.as_attacker(&format!(
        "create table public.copy as select * from awooop.audit_log {row};
         update public.copy set audit_id = '018f0000-0000-7000-8000-000000000000';
         insert into awooop.audit_log select * from public.copy;
         update awooop.audit_leaf set leaf_index = leaf_index + 2000 where project_id = '{project}' and leaf_index >= {VICTIM};
         insert into awooop.audit_leaf select project_id, {VICTIM}, audit_id, recorded_at, sha256('') from public.copy"
    ));
    stage.cover_up();
    only_a_held_checkpoint_tells(&mut stage);
}

#[test]
fn reordered_rows_are_found_by_a_held_checkpoint() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    stage.as_attacker(&format!(
        "update awooop.audit_leaf set leaf_index = 1000 where project_id = '{project}' and leaf_index = {VICTIM};
         update awooop.audit_leaf set leaf_index = {VICTIM} where project_id = '{project}' and leaf_index = 45;
         update awooop.audit_leaf set leaf_index = 45 where project_id = '{project}' and leaf_index = 1000;"
    ));
    stage.cover_up();
    only_a_held_checkpoint_tells(&mut stage);
}

#[test]
fn a_rolled_back_log_is_found_by_a_held_checkpoint() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    // As a restored backup would have it: the state of the first checkpoint, whole.
    stage.as_attacker(&format!(
        "delete from awooop.audit_log a using awooop.audit_leaf l
             where l.project_id = '{project}' and a.project_id = '{project}' and a.audit_id = l.audit_id and l.leaf_index >= {EARLY};
         delete from awooop.audit_leaf where project_id = '{project}' and leaf_index >= {EARLY};"
    ));
    stage.cover_up();
    let [early, late] = stage.held.clone();
    assert_eq!(stage.findings(None), NOTHING);
    assert_eq!(stage.findings(Some(&early)), NOTHING);
    assert_eq!(stage.findings(Some(&late)), found("rolled_back", ROWS));
    // Growing again does not hide it.
    stage.write(ROWS);
    stage.checkpoint();
    assert_eq!(stage.findings(Some(&early)), NOTHING);
    assert_eq!(stage.findings(Some(&late)), found("checkpoint_differs", 0));
}

#[test]
fn a_server_that_is_made_to_sign_a_forged_log_itself_is_found_by_a_held_checkpoint() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    stage.as_attacker(&format!("update awooop.audit_log set action = 'forged' {row}"));
    // Nobody reads the key: the stored checkpoints are gone, and the server's own maintenance signs.
    stage.cover_up();
    stage.write(1);
    let forged = stage.checkpoint();
    assert!(forged.contains("\n51\n"), "{forged}");
    assert_eq!(stage.doctor(), "", "everything in the server agrees");
    let answer = stage.verify(Some(&forged));
    assert_eq!((&answer["ok"], &answer["held_checkpoint"]), (&true.into(), &"good".into()), "{answer}");
    only_a_held_checkpoint_tells(&mut stage);
}

#[test]
fn a_checkpoint_that_was_mailed_is_still_the_one_that_is_held() {
    let mut stage = Stage::new();
    let mailed = stage.held[1].replace('\n', "\r\n");
    let answer = stage.verify(Some(&mailed));
    assert_eq!((&answer["ok"], &answer["held_checkpoint"]), (&true.into(), &"good".into()), "{answer}");
    let row = victim(&mut stage);
    stage.as_attacker(&format!("update awooop.audit_log set action = 'forged' {row}"));
    stage.cover_up();
    assert_eq!(stage.findings(Some(&mailed))[0].0, "checkpoint_differs");
}

#[test]
fn a_stolen_key_makes_good_checkpoints_and_still_not_the_one_that_is_held() {
    let mut stage = Stage::new();
    let row = victim(&mut stage);
    let stolen = stage.keyring();
    stage.as_attacker(&format!("update awooop.audit_log set action = 'forged' {row}"));
    stage.cover_up_with(Some(&stolen));
    only_a_held_checkpoint_tells(&mut stage);
    // What is not protected: a checkpoint that was fetched only now is as good as any.
    let now = text(&stage.actor.call("select awooop.audit_checkpoint()")["checkpoint"]);
    assert_eq!(stage.findings(Some(&now)), NOTHING);
}

#[test]
fn a_row_that_waits_is_protected_from_edits_alone_and_a_row_above_the_checkpoint_from_less() {
    let mut stage = Stage::new();
    stage.write(2);
    let project = stage.project.clone();
    let waiting =
        stage.admin.value(&format!("select audit_id from awooop.audit_pending where project_id = '{project}' limit 1"));
    let row = format!("where project_id = '{project}' and audit_id = '{waiting}'");
    stage.as_attacker(&format!("update awooop.audit_log set action = 'forged' {row}"));
    let answer = stage.verify(None);
    assert_eq!(
        (text(&answer["findings"][0]["kind"]), text(&answer["findings"][0]["audit_id"])),
        ("row_altered".into(), waiting.clone())
    );
    assert_eq!(answer["pending"], 2);
    // It is sealed as what it was when it was written, so the edit shows for ever.
    stage.checkpoint();
    assert_eq!(stage.findings(None), found("row_altered", stage.findings(None)[0].1));
    // What is not protected: newer than the held checkpoint, and everything about it rewritten.
    stage.cover_up();
    let late = stage.held[1].clone();
    assert_eq!(stage.findings(Some(&late)), NOTHING);
}

#[test]
fn a_checkpoint_that_is_not_this_logs_is_refused_or_reported() {
    let mut stage = Stage::new();
    let mut other = Stage::new();
    let theirs = other.checkpoint();
    for text in [theirs.as_str(), "", "x", "a\n\nb"] {
        let sql = format!("select awooop.audit_verify({})", crate::harness::literal(text));
        assert_eq!(stage.actor.code(&sql), "E-AUDIT-005", "{text:.20}");
    }
    let changed = stage.held[1].replace("\n50\n", "\n49\n");
    assert!(stage.findings(Some(&changed)).contains(&("bad_signature".into(), 49)));
}

#[test]
fn nobody_changes_what_was_sealed_by_any_dml() {
    let mut stage = Stage::new();
    let project = stage.project.clone();
    stage.write(1);
    // A superuser, with replication's way around triggers.
    stage.admin.run("set session_replication_role = replica");
    for (table, column) in [
        ("audit_log", "action"),
        ("audit_leaf", "leaf_hash"),
        ("audit_node", "node_hash"),
        ("audit_checkpoint", "note"),
    ] {
        for sql in [
            format!("update awooop.{table} set {column} = {column} where project_id = '{project}'"),
            format!("delete from awooop.{table} where project_id = '{project}'"),
        ] {
            assert_eq!(stage.admin.code(&sql), "E-AUDIT-001", "{sql}");
        }
    }
    for sql in [
        format!("update awooop.audit_pending set leaf_hash = leaf_hash where project_id = '{project}'"),
        format!("delete from awooop.audit_head where project_id = '{project}'"),
    ] {
        assert_eq!(stage.admin.code(&sql), "E-AUDIT-001", "{sql}");
    }
    for role in ["none", "awooop_owner"] {
        stage.admin.run(&format!("set role {role}"));
        for table in [
            "audit_log",
            "audit_leaf",
            "audit_node",
            "audit_checkpoint",
            "audit_archive",
            "audit_pending",
            "audit_head",
        ] {
            assert_eq!(stage.admin.code(&format!("truncate awooop.{table}")), "E-AUDIT-001", "{role}: {table}");
        }
    }
    stage.admin.run("reset role");
    // The tables' owner, in the project's own context.
    stage.admin.run("begin");
    stage.admin.run(&format!("select awooop.enter_project('{project}')"));
    stage.admin.run("set local role awooop_owner");
    for table in ["audit_log", "audit_leaf", "audit_node", "audit_checkpoint"] {
        stage.admin.run("savepoint here");
        assert_eq!(stage.admin.code(&format!("delete from awooop.{table}")), "E-AUDIT-001", "the owner: {table}");
        stage.admin.run("rollback to here");
    }
    stage.admin.run("rollback");
}
