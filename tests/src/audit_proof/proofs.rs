//! Proofs, checkpoints and exports: what their operations answer, to whom.

use std::sync::atomic::{AtomicBool, Ordering};

use awooop_policy::transparency::proof::{Included, Unproved, check_proof};
use serde_json::Value;

use super::stage::{EARLY, ROWS, Stage};
use crate::harness::literal;
use crate::harness::platform::login_in;
use crate::harness::quiet::text;

#[test]
fn every_row_is_proved_in_every_signed_tree_that_has_it() {
    let mut stage = Stage::new();
    stage.write(300);
    let held = [stage.held[0].clone(), stage.held[1].clone(), stage.checkpoint()];
    let keys = stage.keyring().audit_verifiers();
    for leaf in [0, 1, EARLY - 1, EARLY, 33, ROWS, ROWS + 299] {
        let id = stage.id(leaf);
        for size in [EARLY, ROWS, ROWS + 300] {
            let sql = format!("select awooop.audit_proof('{id}', tree_size => {size})");
            if leaf >= size {
                assert_eq!(stage.actor.code(&sql), "E-AUDIT-003");
                continue;
            }
            let proof = stage.actor.call(&sql);
            let proved = check_proof(&proof.to_string(), &held, &keys).unwrap().inclusion;
            let Some(Included::Row { leaf_index, audit_id, document }) = proved else { panic!("{proved:?}") };
            assert_eq!((leaf_index, audit_id.to_string()), (leaf, id.clone()));
            assert_eq!(serde_json::from_str::<Value>(&document).unwrap()["audit_id"], id.as_str());
            // Another document, another place: no proof.
            let mut forged = proof.clone();
            forged["inclusion"]["document"] = document.replace("done", "refused").into();
            assert_eq!(check_proof(&forged.to_string(), &held, &keys), Err(Unproved::Document));
            let mut moved = proof;
            moved["inclusion"]["leaf_index"] = ((leaf + 1) % size).into();
            assert_eq!(check_proof(&moved.to_string(), &held, &keys), Err(Unproved::Inclusion));
        }
    }
    let first = stage.id(0);
    let latest = stage.actor.call(&format!("select awooop.audit_proof('{first}')"));
    assert_eq!((&latest["tree_size"], latest["checkpoint"].is_string()), (&(ROWS + 300).into(), true));
    let grew = stage.actor.call(&format!("select awooop.audit_proof(from_size => {EARLY}, tree_size => {ROWS})"));
    let proved = check_proof(&grew.to_string(), &held, &keys).unwrap();
    assert_eq!((proved.tree_size, proved.from_size, proved.inclusion), (ROWS, Some(EARLY), None));
    assert_eq!(check_proof(&grew.to_string(), &held[1..], &keys), Err(Unproved::Checkpoint));
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let mut stage = Stage::new();
    stage.write(1);
    let waiting =
        stage.admin.value(&format!("select audit_id from awooop.audit_pending where project_id = '{}'", stage.project));
    for (sql, code) in [
        (format!("select awooop.audit_proof('{waiting}')"), "E-AUDIT-002"),
        ("select awooop.audit_proof('018f0000-0000-7000-8000-000000000000')".to_owned(), "E-AUDIT-002"),
        ("select awooop.audit_proof()".to_owned(), "E-INPUT-008"),
        (format!("select awooop.audit_proof(from_size => {})", ROWS + 1), "E-AUDIT-003"),
        (format!("select awooop.audit_proof(from_size => 1, tree_size => {})", ROWS + 1), "E-AUDIT-003"),
        ("select awooop.audit_checkpoint(7)".to_owned(), "E-AUDIT-004"),
        // Logs grow beyond what an integer counts.
        ("select awooop.audit_checkpoint(3000000000)".to_owned(), "E-AUDIT-004"),
        (format!("select awooop.audit_proof(from_size => {EARLY}, tree_size => 3000000000)"), "E-AUDIT-003"),
        ("select awooop.audit_checkpoint(281474976710657)".to_owned(), "E-INPUT-001"),
    ] {
        assert_eq!(stage.actor.code(&sql), code, "{sql}");
    }
    assert_eq!(stage.actor.call("select awooop.export_audit(3000000000)")["items"], serde_json::json!([]));
    let early = stage.actor.call(&format!("select awooop.audit_checkpoint({EARLY})"));
    assert_eq!(text(&early["checkpoint"]), stage.held[0]);
    let project = stage.project.clone();
    stage.as_attacker(&format!("delete from awooop.audit_node where project_id = '{project}'"));
    assert_eq!(stage.actor.code("select awooop.audit_proof(from_size => 1)"), "E-AUDIT-006");
}

#[test]
fn an_export_pages_through_every_leaf_and_says_what_is_missing() {
    let mut stage = Stage::new();
    let (mut from, mut lines) = (0, Vec::new());
    loop {
        let page = stage.actor.call(&format!("select awooop.export_audit({from}, 7)"));
        lines.extend(page["items"].as_array().unwrap().iter().map(Value::to_string));
        match page["next_cursor"].as_u64() {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(lines, stage.exported);
    let id = stage.id(3);
    stage.as_attacker(&format!("delete from awooop.audit_log where audit_id = '{id}'"));
    let page = stage.actor.call("select awooop.export_audit(3, 1)");
    assert_eq!(page["items"][0]["document"], "", "no document, and not because it was detached");
}

#[test]
fn each_sees_its_own_log_and_an_auditor_each() {
    let mut stage = Stage::new();
    let mut other = crate::harness::Project::in_database(&stage.database).actor();
    stage.admin.run("select awooop.maintain()");
    let theirs = stage.id(3);
    assert_eq!(other.code(&format!("select awooop.audit_proof('{theirs}')")), "E-AUDIT-002");
    let verified = other.call("select awooop.audit_verify()");
    assert_eq!((&verified["project_id"], &verified["ok"]), (&other.project.as_str().into(), &true.into()));
    let held = literal(&stage.held[1]);
    assert_eq!(other.code(&format!("select awooop.audit_verify({held})")), "E-AUDIT-005");

    let (_, mut auditor) = login_in(Some(&stage.database), &["awooop_auditor"]);
    for project in [&stage.project, &other.project] {
        for operation in ["audit_verify", "audit_checkpoint", "export_audit", "list_audit"] {
            let answer = auditor.json(&format!("select awooop.inspect_project('{project}', '{operation}')"));
            assert!(answer.is_object() && answer.get("code").is_none(), "{operation}: {answer}");
        }
    }
    let arguments = literal(&serde_json::json!({"audit_id": theirs}).to_string());
    let proof =
        auditor.json(&format!("select awooop.inspect_project('{}', 'audit_proof', {arguments})", stage.project));
    assert_eq!(proof["inclusion"]["leaf_index"], 3);
    for (sql, code) in [
        ("select awooop.inspect_project('nobody', 'audit_verify')", "E-TENANT-002"),
        ("select awooop.inspect_project('nobody', 'create_agent', '{\"agent_id\": \"a\"}')", "E-OP-001"),
        ("select awooop.audit_verify()", "42501"),
    ] {
        assert_eq!(auditor.code(sql), code, "{sql}");
    }
    let (_, mut operator) = login_in(Some(&stage.database), &["awooop_operator"]);
    assert_eq!(operator.code("select awooop.inspect_project('nobody', 'audit_verify')"), "42501");
}

/// Kilobytes of its own (no shared buffers) that a backend holds.
fn own_memory(pid: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn verifying_a_large_log_takes_it_a_page_at_a_time() {
    let mut stage = Stage::new();
    for _ in 0..4 {
        stage.write(10_000);
    }
    stage.checkpoint();
    let held = literal(&stage.held[1]);
    let actor =
        &mut crate::harness::Actor {
            session: crate::harness::Session::new(crate::harness::server::connect(
                &crate::harness::server::config_for(&stage.role(), "secret", Some(&stage.database)),
            )),
            project: stage.project.clone(),
        };
    // What a session keeps of its first call is not what is asked here.
    actor.call("select awooop.export_audit()");
    let pid = actor.session.value("select pg_backend_pid()");
    let (before, over) = (own_memory(&pid).unwrap(), AtomicBool::new(false));
    let (answer, most) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = own_memory(&pid).unwrap_or_default().max(most);
            }
            most
        });
        let answer = actor.call(&format!("select awooop.audit_verify({held})"));
        over.store(true, Ordering::Relaxed);
        (answer, watch.join().unwrap())
    });
    assert_eq!((&answer["ok"], &answer["rows_checked"]), (&true.into(), &40_050.into()), "{answer}");
    // The documents alone are fourteen megabytes.
    assert!(most < before + 8_000, "{before} kB before, {most} kB at most");
}
