//! Sixty-four at once: whatever they do to the same request, one outcome, and the books agree with it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stage::{DECIDES, Desk, ERASE, REFUND, refund};
use crate::harness::at_once;
use crate::harness::platform_logins::{Gateway, gateway_login_in};
use crate::harness::quiet::{superuser_in, text};

const CLIENTS: usize = 64;

/// What each of them got: a status of the request or the run, or a code.
fn outcome(gateway: &mut Gateway, project: &str, key: &str, operation: &str, arguments: &Value) -> String {
    match gateway.try_call(project, key, operation, &arguments.to_string()) {
        Ok(reply) => {
            let body = &reply.body;
            let said = [&body["code"], &body["outcome"], &body["approval"]["state"], &body["state"]];
            said.into_iter().find_map(Value::as_str).unwrap_or("done").to_owned()
        }
        Err(failure) => {
            assert!(!matches!(failure.sqlstate.as_str(), "40P01" | "XX000"), "{failure:?}");
            failure.code()
        }
    }
}

fn counted(outcomes: Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_insert(0) += 1;
    }
    counts
}

/// The rows about a request say one thing: its state, its run's, its decisions, its uses and the audit log.
#[track_caller]
fn books(desk: &mut Desk, id: &str) -> Value {
    let rows = desk.office.admin.json(&format!(
        "select json_build_object(
             'ends', num_nonnulls(r.approved_at, r.rejected_at, r.expired_at, r.cancelled_at),
             'run', s.state,
             'queued', (select count(*) from awooop.run_ready q where q.run_id = r.run_id),
             'approvals', (select count(*) from awooop.approval_decision d where d.approval_id = r.approval_id and d.decision = 'approve'),
             'rejections', (select count(*) from awooop.approval_decision d where d.approval_id = r.approval_id and d.decision = 'reject'),
             'uses', (select count(*) from awooop.approval_use u where u.approval_id = r.approval_id),
             'started', (select count(*) from awooop.step_journal j where j.run_id = r.run_id and j.phase = 'started'),
             'audited', (select count(*) from awooop.audit_log a
                         where a.project_id = r.project_id and a.facts ->> 'approval_id' = r.approval_id::text
                           and a.action in ('approval_granted', 'approval_rejected', 'approval_expired')))
         from awooop.approval_request r join awooop.run_state s on s.project_id = r.project_id and s.run_id = r.run_id
         where r.approval_id = '{id}'"
    ));
    assert_eq!(rows["ends"], 1, "{rows}");
    assert_eq!(rows["uses"], rows["started"], "{rows}");
    rows
}

#[test]
fn of_sixty_four_who_use_a_token_one_does() {
    let mut desk = Desk::new();
    let (project, database, worker) =
        (desk.office.project.clone(), desk.office.sql("select current_database()"), desk.worker.clone());
    for round in 0..3 {
        let order = format!("A-{round}");
        let (run, id, token) = desk.approved(&order);
        let outcomes = at_once(
            CLIENTS,
            |_| gateway_login_in(&database),
            |n, gateway| {
                let mut step = Desk::step(&run, &token, refund(&order));
                step["step_key"] = format!("call-{n}").into();
                outcome(gateway, &project, &worker, "record_step", &step)
            },
        );
        let counts = counted(outcomes);
        assert_eq!(counts, BTreeMap::from([("recorded".to_owned(), 1), ("E-TOKEN-019".to_owned(), CLIENTS - 1)]));
        assert_eq!(books(&mut desk, &id)["uses"], 1);
    }
}

#[test]
fn of_sixty_four_who_approve_reject_cancel_and_let_expire_one_outcome_holds() {
    let mut desk = Desk::alone();
    let (project, database) = (desk.office.project.clone(), desk.office.sql("select current_database()"));
    let maker = desk.maker.clone();
    // Of each lead's own.
    let leads: Vec<String> = ["lea", "leo", "lux"].iter().map(|lead| desk.office.key(lead, DECIDES)).collect();
    let mut seen = BTreeMap::new();
    for round in 0..6 {
        let run = desk.run();
        let id = desk.request(&run, ERASE, refund(&format!("A-{round}")));
        if round % 2 == 0 {
            // The time is over while they come.
            desk.age(&id, "expires_at", 86_400 - 1);
        }
        let outcomes = at_once(
            CLIENTS,
            |_| (gateway_login_in(&database), superuser_in(&database)),
            |n, (gateway, admin)| {
                let decided = json!({"approval_id": id, "reason": "fine"});
                match n % 16 {
                    0 => admin.json("select awooop.maintain()")["approvals_expired"].to_string(),
                    1 if round == 5 => outcome(gateway, &project, &maker, "cancel_run", &json!({"run_id": run.run})),
                    2 => outcome(gateway, &project, &leads[n % 3], "reject_approval", &decided),
                    _ => outcome(gateway, &project, &leads[n % 3], "issue_approval", &decided),
                }
            },
        );
        let rows = books(&mut desk, &id);
        let state = desk.state(&id);
        match state.as_str() {
            "approved" => {
                assert_eq!(rows["approvals"], 2, "{rows}");
                match rows["run"].as_str() {
                    // Who created the run gave it up after it was approved.
                    Some("cancelled") if round == 5 => assert_eq!(rows["queued"], 0, "{rows}"),
                    _ => {
                        assert_eq!((&rows["run"], &rows["queued"]), (&json!("pending"), &json!(1)), "{rows}");
                        desk.cancel(&run);
                    }
                }
            }
            "rejected" => assert_eq!((&rows["run"], &rows["rejections"]), (&json!("cancelled"), &json!(1)), "{rows}"),
            "expired" => assert_eq!((&rows["run"], &rows["queued"]), (&json!("timed_out"), &json!(0)), "{rows}"),
            "cancelled" => assert_eq!((&rows["run"], &rows["audited"]), (&json!("cancelled"), &json!(0)), "{rows}"),
            other => panic!("{other}: {rows} {outcomes:?}"),
        }
        if state != "cancelled" {
            assert_eq!(rows["audited"], 1, "{rows}");
        }
        *seen.entry(state).or_insert(0) += 1;
    }
    assert!(!seen.is_empty());
}

#[test]
fn two_leads_who_approve_at_the_same_moment_are_two() {
    let mut desk = Desk::new();
    let (project, database) = (desk.office.project.clone(), desk.office.sql("select current_database()"));
    let keys = [desk.lea.clone(), desk.leo.clone()];
    for round in 0..8 {
        let run = desk.run();
        let id = desk.request(&run, ERASE, refund(&format!("A-{round}")));
        let mut outcomes = at_once(
            2,
            |_| gateway_login_in(&database),
            |n, gateway| outcome(gateway, &project, &keys[n], "issue_approval", &json!({"approval_id": id})),
        );
        outcomes.sort();
        assert_eq!(outcomes, ["approved", "waiting"]);
        assert_eq!(books(&mut desk, &id)["approvals"], 2);
        let maker = desk.maker.clone();
        desk.does(&maker, "cancel_run", json!({"run_id": run.run}));
    }
}

#[test]
fn of_many_who_ask_for_the_same_call_at_once_one_request_comes() {
    let mut desk = Desk::new();
    let (project, database, worker) =
        (desk.office.project.clone(), desk.office.sql("select current_database()"), desk.worker.clone());
    let run = desk.run();
    let wanted = Desk::wanted(&run, REFUND, refund("A-1"));
    let ids = at_once(
        16,
        |_| gateway_login_in(&database),
        |_, gateway| {
            let reply = gateway.call(&project, &worker, "request_approval", &wanted.to_string());
            text(&reply.body["approval"]["approval_id"])
        },
    );
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(desk.does(&worker, "list_approvals", json!({}))["items"].as_array().map(Vec::len), Some(1));
}
