//! Sixty-four at once: whatever they do to the same request, one outcome, and the books agree with it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stage::{DECIDES, Desk, ERASE, REFUND, refund};
use crate::harness::at_once;
use crate::harness::platform_logins::{Gateway, gateway_login_in};
use crate::harness::quiet::{claims, expire, superuser_in, text};

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

/// Claims the run once it is there and begins the call; until then, or until another has claimed it.
fn consume(
    gateway: &mut Gateway,
    (project, worker, order): (&str, &str, &str),
    until: Instant,
    is_claimed: &AtomicBool,
) -> String {
    let mut ask =
        |operation: &str, arguments: &Value| gateway.try_call(project, worker, operation, &arguments.to_string());
    while Instant::now() < until && !is_claimed.load(Ordering::Relaxed) {
        let claimed = ask("claim_runs", &json!({"worker_id": "w", "max_runs": 1})).map(|reply| claims(&reply.body));
        let Some(claim) = claimed.ok().and_then(|mut claims| claims.pop()) else {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        is_claimed.store(true, Ordering::Relaxed);
        let asked = ask("request_approval", &Desk::wanted(&claim, ERASE, refund(order)));
        let token = asked.ok().and_then(|reply| reply.body["token"]["token"].as_str().map(str::to_owned));
        let Some(token) = token else { return "no token".to_owned() };
        let mut step = Desk::step(&claim, &token, refund(order));
        step["tool"] = ERASE.into();
        return outcome(gateway, project, worker, "record_step", &step);
    }
    "nothing to do".to_owned()
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
    let project = desk.office.project.clone();
    crate::runs::books::check(&mut desk.office.admin, &project);
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
                if n % 2 == 1 {
                    step["step_key"] = format!("other-{n}").into();
                }
                outcome(gateway, &project, &worker, "record_step", &step)
            },
        );
        // Who comes to the same step is told that it was begun; who wants another with the same token is refused.
        let (mut same, mut other): (Vec<_>, Vec<_>) = outcomes.iter().enumerate().partition(|(n, _)| n % 2 == 0);
        same.retain(|(_, outcome)| *outcome != "replayed");
        other.retain(|(_, outcome)| !["E-TOKEN-019", "E-TOKEN-021"].contains(&outcome.as_str()));
        assert_eq!((same.len(), same[0].1.as_str(), other.len()), (1, "recorded", 0), "{outcomes:?}");
        assert_eq!(books(&mut desk, &id)["uses"], 1);
    }
}

#[test]
fn of_sixty_four_who_approve_reject_expire_cancel_and_consume_one_outcome_holds() {
    let mut desk = Desk::new();
    let (project, database) = (desk.office.project.clone(), desk.office.sql("select current_database()"));
    let (maker, worker) = (desk.maker.clone(), desk.worker.clone());
    // Of each lead's own.
    let leads: Vec<String> = ["lea", "leo", "lux"].iter().map(|lead| desk.office.key(lead, DECIDES)).collect();
    let mut seen = BTreeSet::new();
    for round in 0..9_u64 {
        // A request's time is never longer than its run's. They come long before it is over, afterwards, and just then.
        let (seconds, come_after) = [(60, 0), (2, 2050), (4, 3950)][usize::try_from(round % 3).unwrap_or_default()];
        let run = desk.run_for(seconds);
        let began = Instant::now();
        let order = format!("A-{round}");
        let id = desk.request(&run, ERASE, refund(&order));
        let is_claimed = AtomicBool::new(false);
        let outcomes = at_once(
            CLIENTS,
            |n| {
                let sessions = (gateway_login_in(&database), (n % 16 == 0).then(|| superuser_in(&database)));
                let apart = if round % 3 == 2 { u64::try_from(n).unwrap_or_default() * 2 } else { 0 };
                let come_at = come_after + apart;
                (sessions, began + Duration::from_millis(come_at))
            },
            |n, ((gateway, admin), come_at)| {
                std::thread::sleep(come_at.saturating_duration_since(Instant::now()));
                let decided = json!({"approval_id": id, "reason": "fine"});
                match n % 16 {
                    0 => {
                        let admin = admin.as_mut().expect("a session");
                        admin.json("select awooop.maintain()")["approvals_expired"].to_string()
                    }
                    1 if round == 6 => outcome(gateway, &project, &maker, "cancel_run", &json!({"run_id": run.run})),
                    2 if round % 3 != 0 || round == 6 => {
                        outcome(gateway, &project, &leads[n % 3], "reject_approval", &decided)
                    }
                    // Workers, who wait for the run and begin the call with whatever token there is.
                    3..=6 => {
                        let patience = if matches!(round, 0 | 3) { 30_000 } else { 900 };
                        let until = Instant::now() + Duration::from_millis(patience);
                        consume(gateway, (&project, &worker, &order), until, &is_claimed)
                    }
                    _ => outcome(gateway, &project, &leads[n % 3], "issue_approval", &decided),
                }
            },
        );
        let rows = books(&mut desk, &id);
        let state = desk.state(&id);
        let run_is = rows["run"].as_str().unwrap_or_default();
        let begun = outcomes.iter().filter(|outcome| *outcome == "recorded").count();
        assert_eq!((&rows["uses"], begun > 1), (&json!(begun), false), "{outcomes:?}");
        assert_eq!(begun == 1, state == "used", "{outcomes:?}");
        match state.as_str() {
            // Afterwards its own time is over, or who created it gave it up.
            "approved" | "used" => {
                assert_eq!(rows["approvals"], 2, "{rows}");
                assert!(["pending", "running", "timed_out", "cancelled"].contains(&run_is), "{rows}");
                if matches!(run_is, "pending" | "running") {
                    desk.cancel(&run);
                }
            }
            "rejected" => assert_eq!((run_is, &rows["rejections"]), ("cancelled", &json!(1)), "{rows}"),
            "expired" => assert_eq!((run_is, &rows["queued"]), ("timed_out", &json!(0)), "{rows}"),
            "cancelled" => assert_eq!((run_is, &rows["audited"]), ("cancelled", &json!(0)), "{rows}"),
            other => panic!("{other}: {rows} {outcomes:?}"),
        }
        if state != "cancelled" {
            assert_eq!(rows["audited"], 1, "{rows}");
        }
        match round {
            0 | 3 => assert_eq!(state, "used", "{outcomes:?}"),
            6 => assert_ne!(state, "expired", "{outcomes:?}"),
            1 | 4 | 7 => assert_eq!(state, "expired", "{outcomes:?}"),
            _ => {}
        }
        seen.insert(state);
    }
    assert!(seen.contains("expired") && seen.contains("used"), "{seen:?}");
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

#[test]
fn a_token_is_used_before_its_run_ends_or_not_at_all() {
    let mut desk = Desk::new();
    let (project, database) = (desk.office.project.clone(), desk.office.sql("select current_database()"));
    let (maker, worker) = (desk.maker.clone(), desk.worker.clone());
    for round in 0..6 {
        let order = format!("A-{round}");
        let (run, id, token) = desk.approved(&order);
        let outcomes = at_once(
            CLIENTS,
            |n| (gateway_login_in(&database), (n % 16 == 1).then(|| superuser_in(&database))),
            |n, (gateway, admin)| match n % 16 {
                0 => {
                    outcome(gateway, &project, &maker, "cancel_run", &json!({"run_id": run.run}));
                    String::new()
                }
                1 => {
                    let admin = admin.as_mut().expect("a session");
                    expire(admin, &run.run);
                    admin.run("select awooop.reap_stale_runs()");
                    String::new()
                }
                _ => {
                    let step = Desk::step(&run, &token, refund(&order));
                    outcome(gateway, &project, &worker, "record_step", &step)
                }
            },
        );
        let recorded = outcomes.iter().filter(|outcome| *outcome == "recorded").count();
        for outcome in &outcomes {
            assert!(["", "recorded", "replayed", "E-RUN-003"].contains(&outcome.as_str()), "{outcome}");
        }
        let rows = books(&mut desk, &id);
        assert_eq!((&rows["uses"], &rows["run"]), (&json!(recorded), &json!("cancelled")), "{rows}");
        // Whether it had its effect nobody knows any more.
        let used = desk.status(&id)["use"].clone();
        assert_eq!(used.is_null(), recorded == 0, "{used}");
        if recorded == 1 {
            assert_eq!(used["outcome"], "unknown");
        }
    }
}
