//! A database that does not answer at once: few wait, the others are told to come back, nothing piles up, and the
//! service is whole again as soon as the database is.

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use serde_json::json;

use super::scene::{Scene, message};
use crate::harness::Session;
use crate::harness::answer::eventually;
use crate::harness::gateway::waiting_for_a_lock;

/// Holds what every envelope of the channel user `user` must write.
fn hold(scene: &Scene, user: &str) -> Session {
    assert_eq!(scene.caller.call("build_envelope", message(user)).status, 200);
    let mut holder = scene.project.admin();
    holder.run("begin");
    let sql = "select count(*)::text from (select from awooop.platform_subjects";
    let held = holder.value(&format!("{sql} where channel_user_id = '{user}' for update) s"));
    assert_eq!(held, "1");
    holder
}

fn metric(scene: &Scene, name: &str) -> f64 {
    super::metrics::read(&scene.caller)[name]
}

#[test]
fn a_busy_database_lets_a_few_wait_and_turns_the_others_away_at_once() {
    let scene = Scene::alone(&[
        ("POOL_SIZE", "1"),
        ("QUEUE_SIZE", "1"),
        ("QUEUE_TIMEOUT_MS", "30000"),
        ("STATEMENT_TIMEOUT_MS", "40000"),
        ("REQUEST_TIMEOUT_MS", "40000"),
    ]);
    let (mut holder, mut admin) = (hold(&scene, "7"), scene.project.admin());
    let blocked = || scene.caller.call("build_envelope", message("7"));
    std::thread::scope(|scope| {
        let running = scope.spawn(blocked);
        waiting_for_a_lock(&mut admin, 1);
        let queued = scope.spawn(|| scene.caller.call("whoami", json!({})));
        eventually("the queue's place", || metric(&scene, "awooop_gateway_pool{state=\"waiting\"}") == 1.0);
        let begun = Instant::now();
        for _ in 0..20 {
            // Whoever it is for: the pool is one for all.
            let reply = scene.caller.call("whoami", json!({}));
            assert_eq!(reply.problem(), (503, "E-HTTP-005".into()));
            assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "turning twenty away took {:?}", begun.elapsed());
        assert_eq!(metric(&scene, "awooop_gateway_rejected_busy_total"), 20.0);
        assert_eq!(scene.caller.get("/healthz").status, 200);
        assert_eq!(scene.caller.get("/readyz").status, 200, "readiness does not wait behind requests");
        let sessions = "select count(*)::text from pg_stat_activity
                        where datname = current_database() and application_name = 'awooop-gateway'";
        assert_eq!(admin.value(sessions), "2", "requests turned away have no session");
        assert!(!running.is_finished() && !queued.is_finished(), "those let in still wait");
        holder.run("rollback");
        assert_eq!(running.join().expect("an answer").status, 200);
        assert_eq!(queued.join().expect("an answer").status, 200);
    });
    assert_eq!(blocked().status, 200);
    assert_eq!(metric(&scene, "awooop_gateway_pool{state=\"waiting\"}"), 0.0);
}

#[test]
fn a_request_waits_for_a_connection_no_longer_than_it_is_told_to() {
    let scene = Scene::alone(&[("POOL_SIZE", "1"), ("QUEUE_SIZE", "8"), ("QUEUE_TIMEOUT_MS", "100")]);
    let (mut holder, mut admin) = (hold(&scene, "7"), scene.project.admin());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| scene.caller.call("build_envelope", message("7")));
        waiting_for_a_lock(&mut admin, 1);
        let reply = scene.caller.call("whoami", json!({}));
        assert_eq!(reply.problem(), (503, "E-HTTP-005".into()));
        holder.run("rollback");
        assert_eq!(running.join().expect("an answer").status, 200);
    });
    assert_eq!(scene.caller.call("whoami", json!({})).status, 200);
}

#[test]
fn a_statement_that_takes_too_long_is_stopped_and_undone() {
    let scene = Scene::alone(&[("POOL_SIZE", "1"), ("STATEMENT_TIMEOUT_MS", "200")]);
    let (mut holder, envelope) = (scene.project.admin(), super::scene::envelope(&scene.caller));
    let before = scene.books();
    // The run's rows are written before its line in the audit log, which is what it then waits for.
    holder.run("begin; lock table awooop.audit_log in share mode");
    let create = json!({"envelope": envelope, "idempotency_key": "k"});
    for _ in 0..3 {
        let reply = scene.caller.call("create_run", create.clone());
        assert_eq!(reply.problem(), (504, "E-HTTP-004".into()));
    }
    holder.run("rollback");
    assert_eq!(scene.books(), before, "a stopped request left something behind");
    let made = scene.caller.call("create_run", create.clone()).expect(201);
    assert_eq!(scene.caller.call("create_run", create).expect(200)["run_id"], made["run_id"]);
}

#[test]
fn a_client_that_goes_away_costs_nobody_a_connection() {
    let scene = Scene::alone(&[("POOL_SIZE", "1"), ("QUEUE_TIMEOUT_MS", "8000")]);
    let (mut holder, mut admin) = (hold(&scene, "7"), scene.project.admin());
    let body = message("7").to_string();
    let lines = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let mut client = scene.caller.connect();
    client.write_all((scene.caller.head("POST /v1/platform/envelopes", &lines) + &body).as_bytes()).expect("sent");
    waiting_for_a_lock(&mut admin, 1);
    client.shutdown(Shutdown::Both).expect("hung up");
    drop(client);
    eventually("the request's end", || metric(&scene, "awooop_gateway_abandoned_total") == 1.0);
    holder.run("rollback");
    // The abandoned statement has ended by itself; its connection serves the next.
    assert_eq!(scene.caller.call("whoami", json!({})).status, 200);
    let sessions = "select count(*)::text from pg_stat_activity
                    where datname = current_database() and application_name = 'awooop-gateway'";
    assert_eq!(admin.value(sessions), "2");
}
