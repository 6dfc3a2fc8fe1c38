//! A DBA who edits rows: what never changes cannot be changed, and what was slipped in with the guards off counts for
//! nothing.

use serde_json::{Value, json};

use super::stage::{Desk, ERASE, REFUND, refund};
use crate::harness::literal;

#[test]
fn requests_decisions_and_uses_are_neither_changed_nor_deleted() {
    // TRUNCATE locks whole tables.
    let mut desk = Desk::alone();
    let worker = desk.worker.clone();
    let (run, id, token) = desk.approved("A-1");
    desk.does(&worker, "record_step", Desk::step(&run, &token, refund("A-1")));
    let id = literal(&id);
    for (sql, table) in [
        ("update {} set arguments = '{}'", "approval_request"),
        ("update {} set shown = '{}'", "approval_request"),
        ("update {} set approvers = 1", "approval_request"),
        ("update {} set approved_at = null, token_until = null", "approval_request"),
        ("update {} set token_until = token_until + interval '1 hour'", "approval_request"),
        ("update {} set principal_id = 'lea'", "approval_decision"),
        ("update {} set decision = 'reject'", "approval_decision"),
        ("update {} set used_at = now()", "approval_use"),
        ("delete from {}", "approval_request"),
        ("delete from {}", "approval_decision"),
        ("delete from {}", "approval_use"),
    ] {
        let sql = format!("{} where approval_id = {id}", sql.replacen("{}", &format!("awooop.{table}"), 1));
        assert_eq!(desk.office.admin.failure(&sql).code(), "E-APPROVAL-011", "{sql}");
        let as_replica = format!("begin; set local session_replication_role = replica; {sql}");
        assert_eq!(desk.office.admin.failure(&as_replica).code(), "E-APPROVAL-011", "{as_replica}");
        desk.office.admin.run("rollback");
    }
    for table in ["approval_request", "approval_decision", "approval_use"] {
        assert_eq!(desk.office.admin.failure(&format!("truncate awooop.{table} cascade")).code(), "E-APPROVAL-011");
    }
}

#[test]
fn a_decision_that_was_slipped_in_counts_for_nothing() {
    let mut desk = Desk::new();
    let (project, lea) = (desk.office.project.clone(), desk.lea.clone());
    let run = desk.run();
    let id = desk.request(&run, ERASE, refund("A-1"));
    desk.office.admin.run(&format!(
        "insert into awooop.approval_decision (project_id, approval_id, decision_id, decision, principal_id, credential,
                                               decided_at, key_id, mac)
         select '{project}', '{id}', gen_random_uuid(), 'approve', 'leo', 'role:leo', now(), 'approval-1', sha256('x')"
    ));
    assert_eq!(desk.approve(&lea, &id)["approval"]["state"], "waiting");
    // Nor does hers, copied to another request or under another name.
    let other_run = desk.run();
    let other = desk.request(&other_run, ERASE, refund("A-1"));
    for (principal, target) in [("lea", &other), ("leo", &id)] {
        desk.office.admin.run(&format!(
            "insert into awooop.approval_decision (project_id, approval_id, decision_id, decision, principal_id, credential,
                                                   decided_at, key_id, mac)
             select project_id, '{target}', gen_random_uuid(), decision, '{principal}', credential, decided_at, key_id, mac
             from awooop.approval_decision where approval_id = '{id}' and principal_id = 'lea'"
        ));
    }
    let leo = desk.leo.clone();
    assert_eq!(desk.approve(&leo, &other)["approval"]["state"], "waiting");
    assert_eq!(desk.approve(&leo, &id)["approval"]["state"], "approved");
}

#[test]
fn a_request_called_approved_by_hand_yields_no_token() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-1"));
    // Updating what is open is what the platform itself does, so this much anybody with the rights can do.
    desk.office.admin.run(&format!(
        "update awooop.approval_request set approved_at = now(), token_until = now() + interval '1 hour', grant_key = 'approval-1', grant_mac = mac where approval_id = '{id}'"
    ));
    desk.office.admin.run(&format!(
        "begin;
         update awooop.run_state set state = 'pending' where run_id = '{}';
         insert into awooop.run_ready (project_id, run_id, priority, available_at, deadline_at)
         select project_id, run_id, priority, available_at, deadline_at from awooop.run_state where run_id = '{0}';
         commit;",
        run.run
    ));
    let run = desk.claim();
    let answer = desk.does(&worker, "request_approval", Desk::wanted(&run, REFUND, refund("A-1")));
    assert_eq!(answer["token"], Value::Null, "{answer}");
}

#[test]
fn a_request_that_was_changed_is_neither_decided_nor_good_for_anything() {
    let mut desk = Desk::alone();
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    for edit in [
        "arguments = '{\"order\": \"A-1\", \"amount\": 3000}'",
        "shown = '{\"order\": \"A-1\", \"amount\": 1}'",
        "summary = 'The agent asks to do nothing.'",
        "roles = null",
        "asked_by = 'somebody'",
        "token_seconds = 86400",
    ] {
        let run = desk.run();
        let id = desk.request(&run, REFUND, refund("A-1"));
        desk.edit(&format!("update awooop.approval_request set {edit}"), &id);
        assert_eq!(desk.code(&cleo, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-014", "{edit}");
        assert_eq!(desk.state(&id), "waiting");
        let maker = desk.maker.clone();
        desk.does(&maker, "cancel_run", json!({"run_id": run.run}));
    }
    // Approved before, changed after: the token that was out there opens nothing, and no other is made.
    let (run, id, token) = desk.approved("A-1");
    desk.edit("update awooop.approval_request set arguments = '{\"order\": \"A-1\", \"amount\": 3000}'", &id);
    let step = Desk::step(&run, &token, refund("A-1"));
    assert_eq!(desk.code(&worker, "record_step", step), "E-TOKEN-020");
    let status = desk.does(&worker, "approval_status", json!({"approval_id": id, "lease": run.lease}));
    assert_eq!(status["token"], Value::Null);
}

#[test]
fn with_the_use_deleted_by_force_the_journal_still_knows_the_step() {
    let mut desk = Desk::alone();
    let worker = desk.worker.clone();
    let (run, id, token) = desk.approved("A-1");
    let step = Desk::step(&run, &token, refund("A-1"));
    desk.does(&worker, "record_step", step.clone());
    desk.office.admin.run(&format!(
        "begin; alter table awooop.approval_use disable trigger user;
         delete from awooop.approval_use where approval_id = '{id}'; commit;"
    ));
    assert_eq!(desk.does(&worker, "record_step", step)["outcome"], "replayed");
}

#[test]
fn they_go_with_their_run() {
    let mut desk = Desk::alone();
    let (worker, project) = (desk.worker.clone(), desk.office.project.clone());
    let (run, id, token) = desk.approved("A-1");
    desk.does(&worker, "record_step", Desk::step(&run, &token, refund("A-1")));
    desk.does(&worker, "complete_run", json!({"run_id": run.run, "lease": run.lease}));
    crate::runs::retention::end_retention(&mut desk.office.admin, &run.run);
    desk.office.sql("select awooop.maintain()");
    let left = desk.office.sql(&format!(
        "select (select count(*) from awooop.approval_request where project_id = '{project}')
              + (select count(*) from awooop.approval_decision where project_id = '{project}')
              + (select count(*) from awooop.approval_use where project_id = '{project}')"
    ));
    assert_eq!(left, "0", "{id}");
}
