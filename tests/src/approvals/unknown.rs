//! A server that is killed between the approval and the end of the call: the action is begun once, and where nobody knows
//! whether it had its effect, that is what is shown. On a server of the test's own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use awooop_policy::keyring::{Keyring, Use};
use serde_json::{Value, json};

use super::stage::{Desk, policy, refund};
use crate::contracts::stage::Office;
use crate::harness::platform_logins::Gateway;
use crate::harness::quiet::{expire, text};
use crate::harness::{Options, OwnServer};

/// Sessions that were lost are made anew.
fn reconnect(desk: &mut Desk, server: &OwnServer) {
    desk.office.admin = server.superuser();
    desk.office.gateway = Gateway(server.connect("awooop_gateway"));
}

#[test]
fn an_action_that_a_dead_worker_began_is_unknown_and_not_begun_again() {
    let server = OwnServer::start(&Options::default());
    let mut desk = Desk::with(Office::on(&server), &policy());
    let worker = desk.worker.clone();
    // Approved, and killed before anything was begun: it is approved still, and used once.
    let (run, id, token) = desk.approved("A-1");
    server.kill9();
    server.restart();
    reconnect(&mut desk, &server);
    assert_eq!(desk.state(&id), "approved");
    let step = Desk::step(&run, &token, refund("A-1"));
    assert_eq!(desk.does(&worker, "record_step", step.clone())["outcome"], "recorded");
    // Begun, and killed: begun it stays.
    server.kill9();
    server.restart();
    reconnect(&mut desk, &server);
    assert_eq!(desk.status(&id)["use"]["outcome"], "under_way");
    expire(&mut desk.office.admin, &run.run);
    assert_eq!(desk.status(&id)["use"]["outcome"], "unknown");
    desk.office.sql("select awooop.reap_stale_runs()");
    desk.office.sql(&format!("update awooop.run_ready set available_at = now() where run_id = '{}'", run.run));
    let next = desk.claim();
    // The next attempt comes to the same step, and is told; it cannot begin it again, with the token or a new one.
    let asked = desk.does(&worker, "request_approval", Desk::wanted(&next, super::stage::REFUND, refund("A-1")));
    assert_eq!((&asked["decision"], &asked["approval"]["use"]["outcome"]), (&json!("used"), &json!("unknown")));
    assert_eq!(desk.does(&worker, "record_step", Desk::step(&next, &token, refund("A-1")))["outcome"], "unknown");
    let mut other = Desk::step(&next, &token, refund("A-1"));
    other["step_key"] = "again".into();
    assert_eq!(desk.code(&worker, "record_step", other), "E-TOKEN-019");
}

#[test]
fn killed_at_any_moment_a_token_is_used_once_or_not_at_all() {
    let server = OwnServer::start(&Options::default());
    let mut desk = Desk::with(Office::on(&server), &policy());
    let worker = desk.worker.clone();
    for round in 0..4_u64 {
        let order = format!("A-{round}");
        let (run, id, token) = desk.approved(&order);
        let done = AtomicBool::new(false);
        let told: Vec<String> = std::thread::scope(|scope| {
            let users: Vec<_> = (0..4)
                .map(|_| {
                    let mut gateway = Gateway(server.connect("awooop_gateway"));
                    let (project, worker, done) = (desk.office.project.clone(), worker.clone(), &done);
                    let step = Desk::step(&run, &token, refund(&order));
                    scope.spawn(move || {
                        let mut recorded = Vec::new();
                        while !done.load(Ordering::Relaxed) {
                            let sql = "select body from awooop.call($1, $2, 'record_step', $3)";
                            match gateway.0.0.query_one(sql, &[&project, &worker, &step.to_string()]) {
                                Ok(row) if row.get::<_, String>(0).contains("\"recorded\"") => {
                                    recorded.push(text(&step["step_key"]));
                                }
                                Ok(_) => {}
                                // The server has gone.
                                Err(_) => break,
                            }
                        }
                        recorded
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(3 * round));
            server.kill9();
            done.store(true, Ordering::Relaxed);
            users.into_iter().flat_map(|user| user.join().expect("a client")).collect()
        });
        server.restart();
        reconnect(&mut desk, &server);
        assert!(told.len() <= 1, "{told:?}");
        let rows = desk.office.admin.json(&format!(
            "select json_build_object(
                 'uses', (select count(*) from awooop.approval_use where approval_id = '{id}'),
                 'steps', (select count(*) from awooop.step_journal where run_id = '{}'),
                 'same', (select bool_and(exists (select from awooop.step_journal j where j.run_id = u.run_id
                                                    and j.step_key = u.step_key))
                          from awooop.approval_use u where approval_id = '{id}'))",
            run.run
        ));
        assert_eq!(rows["uses"], rows["steps"], "{rows}");
        // What somebody was told happened, did.
        assert!(rows["uses"].as_u64().unwrap_or_default() >= told.len() as u64, "{rows} {told:?}");
        if rows["uses"] == 0 {
            let step = Desk::step(&run, &token, refund(&order));
            assert_eq!(desk.does(&worker, "record_step", step)["outcome"], "recorded");
        } else {
            assert_eq!(rows["same"], true);
        }
    }
}

fn change(server: &OwnServer, change: impl FnOnce(&mut Keyring)) {
    let mut keyring = server.read_keyring();
    change(&mut keyring);
    server.write_keyring(&keyring.reveal());
}

#[test]
fn a_token_of_a_key_that_was_rotated_out_is_asked_for_again_and_without_a_key_nothing_is_decided() {
    let server = OwnServer::start(&Options::default());
    let mut desk = Desk::with(Office::on(&server), &policy());
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    let (run, _, token) = desk.approved("A-1");
    let waiting_run = desk.run();
    let waiting = desk.request(&waiting_run, super::stage::REFUND, refund("A-2"));
    change(&server, |keyring| {
        keyring.add("approval-2", Use::Approval).unwrap();
        keyring.make_current("approval-2").unwrap();
    });
    let step = Desk::step(&run, &token, refund("A-1"));
    assert_eq!(desk.code(&worker, "record_step", step), "E-TOKEN-004");
    // What was asked and approved under the old key still stands; the token is made with the new one.
    let anew = desk.token(&run, super::stage::REFUND, refund("A-1"));
    assert_ne!(anew, token);
    assert_eq!(desk.does(&worker, "record_step", Desk::step(&run, &anew, refund("A-1")))["outcome"], "recorded");
    let both = server.read_keyring().reveal();
    let without = |keep: &dyn Fn(&str) -> bool| {
        let mut keyring: Value = serde_json::from_str(&both).unwrap();
        keyring["keys"].as_array_mut().unwrap().retain(|key| keep(key["id"].as_str().unwrap_or_default()));
        keyring.to_string()
    };
    // The key that vouches for the request has gone: nobody decides what nobody vouches for.
    server.write_keyring(&without(&|id| id != "approval-1"));
    assert_eq!(desk.code(&cleo, "issue_approval", json!({"approval_id": waiting})), "E-APPROVAL-014");
    server.write_keyring(&without(&|id| !id.starts_with("approval")));
    let next = desk.run();
    let wanted = Desk::wanted(&next, super::stage::REFUND, refund("A-3"));
    assert_eq!(desk.code(&worker, "request_approval", wanted), "E-APPROVAL-009");
    assert_eq!(desk.run_state(&next), "running");
    server.write_keyring(&both);
    assert_eq!(desk.approve(&cleo, &waiting)["approval"]["state"], "approved");
}

#[test]
fn a_rotation_in_between_takes_nobodys_yes_away() {
    let server = OwnServer::start(&Options::default());
    let mut desk = Desk::with(Office::on(&server), &policy());
    let (lea, leo) = (desk.lea.clone(), desk.leo.clone());
    let run = desk.run();
    let id = desk.request(&run, super::stage::ERASE, refund("A-1"));
    desk.approve(&lea, &id);
    change(&server, |keyring| {
        keyring.add("approval-2", Use::Approval).unwrap();
        keyring.make_current("approval-2").unwrap();
    });
    assert_eq!(desk.approve(&leo, &id)["approval"]["state"], "approved");
}
