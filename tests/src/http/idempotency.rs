//! Repeated requests: the header Idempotency-Key makes the first run the only one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Caller, Reply};
use super::scene::{Scene, envelope};
use crate::harness::at_once;
use crate::harness::quiet::text;

fn create(caller: &Caller, envelope: &Value, input: Value, key: &str) -> Reply {
    caller.call_with("create_run", json!({"envelope": envelope, "input": input}), &[("Idempotency-Key", key)])
}

#[test]
fn a_repeated_request_gets_the_first_run_and_another_one_is_refused() {
    let scene = Scene::new();
    let (caller, first_envelope) = (&scene.caller, envelope(&scene.caller));
    let first = create(caller, &first_envelope, json!({"n": 1}), "k").expect(201);
    let again = create(caller, &first_envelope, json!({"n": 1}), "k").expect(200);
    assert_eq!((&again["run_id"], &again["created"]), (&first["run_id"], &json!(false)));
    // A client that builds its envelope anew has another trace and means the same.
    assert_eq!(create(caller, &envelope(caller), json!({"n": 1}), "k").expect(200)["run_id"], first["run_id"]);
    // The header is the argument: a repeat may use either.
    let body = json!({"envelope": first_envelope, "input": {"n": 1}, "idempotency_key": "k"});
    assert_eq!(caller.call("create_run", body).expect(200)["run_id"], first["run_id"]);
    let before = scene.books();
    assert_eq!(create(caller, &first_envelope, json!({"n": 2}), "k").problem(), (422, "E-RUN-004".into()));
    assert_eq!(create(caller, &first_envelope, json!({}), "a\"b\\c").expect(201)["created"], true);
    assert_eq!(create(caller, &first_envelope, json!({}), "a\"b\\c").expect(200)["created"], false);
    for bad in ["", &"k".repeat(256)] {
        assert_eq!(create(caller, &first_envelope, json!({}), bad).problem(), (400, "E-INPUT-001".into()), "{bad:.3}");
    }
    let changed: Vec<_> = scene.books().into_iter().filter(|row| !before.contains(row)).collect();
    assert!(!changed.is_empty());
    let (runs, mut admin) = ("select count(*)::text from awooop.run_state where project_id", scene.project.admin());
    assert_eq!(admin.value(&format!("{runs} = '{}'", scene.project.id)), "2");
}

#[test]
fn the_same_request_sixteen_times_at_once_is_one_run() {
    let scene = Scene::with(&[("POOL_SIZE", "8")]);
    let envelope = envelope(&scene.caller);
    let answers = at_once(
        16,
        |_| Caller::new(&scene.gateway, &scene.caller.key),
        |_, caller| {
            let reply = create(caller, &envelope, json!({"n": 1}), "k");
            (reply.status, text(&reply.json()["run_id"]))
        },
    );
    let runs: BTreeSet<&String> = answers.iter().map(|(_, run)| run).collect();
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    let replayed = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!((runs.len(), made, replayed), (1, 1, 15), "{answers:?}");
}

#[test]
fn the_header_means_nothing_to_an_operation_that_takes_no_key() {
    let scene = Scene::new();
    let reply = scene.caller.call_with("build_envelope", super::scene::message("7"), &[("Idempotency-Key", "k")]);
    assert_eq!(reply.status, 200);
}
