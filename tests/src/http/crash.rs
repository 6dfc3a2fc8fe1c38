//! A gateway that is killed in the middle: the database's books are right, nothing is lost, and another gateway goes on.

use serde_json::{Value, json};

use super::scene::{Scene, claimed_run, envelope};
use crate::harness::gateway::{HttpGateway, waiting_for_a_lock};
use crate::harness::quiet::text;

/// Kills the gateway while `create_run` with the key `k` waits for the audit log; the session that holds it.
fn kill_in_mid_request(scene: &Scene, request: &Value) -> crate::harness::Session {
    let (mut holder, mut admin) = (scene.project.admin(), scene.project.admin());
    holder.run("begin; lock table awooop.audit_log in share mode");
    std::thread::scope(|scope| {
        let authorization = format!("Bearer {}", scene.caller.key);
        let (caller, body) = (&scene.caller, request.to_string());
        let cut = scope.spawn(move || {
            let headers = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
            caller.try_plain("POST", "/v1/platform/runs", &headers, &body).map(|reply| reply.status)
        });
        waiting_for_a_lock(&mut admin, 1);
        scene.gateway.kill9();
        assert!(cut.join().expect("the client ends").is_err(), "nobody answered");
    });
    holder
}

fn runs(scene: &Scene) -> String {
    let sql = format!("select count(*)::text from awooop.run_state where project_id = '{}'", scene.project.id);
    scene.project.admin().value(&sql)
}

#[test]
fn a_request_cut_by_a_killed_gateway_is_repeated_through_another_and_makes_one_run() {
    let scene = Scene::alone(&[]);
    let request = json!({"envelope": envelope(&scene.caller), "idempotency_key": "k"});
    let mut holder = kill_in_mid_request(&scene, &request);
    let second = HttpGateway::start(&scene.project.database, &[("REQUEST_TIMEOUT_MS", "40000")]);
    let caller = scene.caller.at(&second);
    // The repeat comes while the server still works on the first, whose client is gone.
    let answer = std::thread::scope(|scope| {
        let repeat = scope.spawn(|| caller.call("create_run", request.clone()));
        waiting_for_a_lock(&mut scene.project.admin(), 2);
        holder.run("rollback");
        repeat.join().expect("an answer")
    });
    assert!([200, 201].contains(&answer.status), "{answer:?}");
    let again = caller.call("create_run", request).expect(200);
    assert_eq!(again["run_id"], answer.json()["run_id"]);
    assert_eq!(runs(&scene), "1");
    let claimed = caller.call("claim_runs", json!({"worker_id": "w", "max_runs": 9})).expect(200);
    assert_eq!(claimed["runs"].as_array().map(Vec::len), Some(1), "the run is not lost, nor there twice");
    assert_eq!(claimed["runs"][0]["run_id"], again["run_id"]);
}

#[test]
fn a_request_that_the_server_gave_up_with_the_gateway_left_nothing() {
    let scene = Scene::alone(&[]);
    let request = json!({"envelope": envelope(&scene.caller), "idempotency_key": "k"});
    let before = scene.books();
    let mut holder = kill_in_mid_request(&scene, &request);
    // As an administrator, or the statement's own time limit, would.
    holder.run(
        "select pg_terminate_backend(pid, 30000) from pg_stat_activity
         where datname = current_database() and application_name = 'awooop-gateway'; rollback",
    );
    assert_eq!(scene.books(), before, "half a request was committed");
    let second = HttpGateway::start(&scene.project.database, &[]);
    assert_eq!(scene.caller.at(&second).call("create_run", request).expect(201)["created"], true);
    assert_eq!(runs(&scene), "1");
}

#[test]
fn a_workers_lease_goes_on_through_another_gateway() {
    let scene = Scene::new();
    let (run, lease) = claimed_run(&scene.caller);
    let step = json!({"run_id": run, "lease": lease, "step_key": "charge", "result": {"receipt": 7}});
    assert_eq!(scene.caller.call("record_step", step).expect(200)["outcome"], "recorded");
    scene.gateway.kill9();
    let second = HttpGateway::start(&scene.project.database, &[]);
    let caller = scene.caller.at(&second);
    let held = caller.call("heartbeat", json!({"run_id": run, "lease": lease})).expect(200);
    assert_eq!((&held["held"][0]["run_id"], &held["lost"]), (&json!(run), &json!([])));
    // The worker does not know whether its step arrived; it does not run again.
    let repeat = json!({"run_id": run, "lease": lease, "step_key": "charge", "result": {"receipt": 8}});
    let replayed = caller.call("record_step", repeat).expect(200);
    assert_eq!((&replayed["outcome"], &replayed["result"]), (&json!("replayed"), &json!({"receipt": 7})));
    let done = caller.call("complete_run", json!({"run_id": run, "lease": lease})).expect(200);
    assert_eq!(text(&done["state"]), "completed");
}
