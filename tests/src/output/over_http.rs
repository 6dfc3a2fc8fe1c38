//! A worker over HTTP: 200 for an answer, good or bad, and 422 where the run is over.

use serde_json::{Value, json};

use super::{answer, contracts};
use crate::http::scene::{Scene, new_run};

/// A run that the caller has claimed: arguments of its operations.
fn claimed(scene: &Scene) -> Value {
    new_run(&scene.caller);
    let claim = scene.caller.call("claim_runs", json!({"worker_id": "w"})).expect(200)["runs"][0].clone();
    json!({"run_id": claim["run_id"], "lease": claim["lease"]})
}

fn with(run: &Value, name: &str, value: Value) -> Value {
    let mut arguments = run.clone();
    arguments[name] = value;
    arguments
}

#[test]
fn damaged_outputs_are_read_and_three_failures_end_the_run() {
    let scene = Scene::new();
    contracts(&mut scene.project.admin(), &scene.project.id, &answer(), &json!({}), None);
    let (caller, run) = (&scene.caller, claimed(&scene));
    let damaged = "\u{feff}Of course!\n```json\n{'answer': \"yes\", // so\n score: 7,}\n```\n";
    let read = caller.call("validate_output", with(&run, "raw", json!(damaged))).expect(200);
    assert_eq!((&read["valid"], &read["document"]), (&json!(true), &json!({"answer": "yes", "score": 7})));
    for left in [2, 1] {
        let read = caller.call("validate_output", with(&run, "raw", json!("{\"answer\": \"cut o"))).expect(200);
        assert_eq!((&read["valid"], &read["attempts_left"]), (&json!(false), &json!(left)));
        assert_eq!(read["errors"][0]["keyword"], "truncated");
    }
    let last = caller.call("validate_output", with(&run, "raw", json!("")));
    assert_eq!(last.problem(), (422, "E-SCHEMA-001".into()));
    assert_eq!((&last.json()["attempts_left"], &last.json()["errors"][0]["keyword"]), (&json!(0), &json!("missing")));
    let shown = caller.call("get_run", json!({"run_id": run["run_id"]})).expect(200);
    assert_eq!((&shown["state"], &shown["error_code"]), (&json!("failed"), &json!("E-SCHEMA-001")));
    assert_eq!(caller.call("validate_output", with(&run, "raw", json!("{}"))).problem(), (409, "E-RUN-003".into()));
}

#[test]
fn a_result_that_does_not_match_is_refused_and_a_good_one_ends_the_run() {
    let scene = Scene::new();
    contracts(&mut scene.project.admin(), &scene.project.id, &answer(), &json!({}), None);
    let (caller, run) = (&scene.caller, claimed(&scene));
    let refused = caller.call("complete_run", with(&run, "result", json!({"answer": 1})));
    assert_eq!(refused.problem(), (422, "E-SCHEMA-004".into()));
    assert_eq!(refused.json()["attempts_left"], 2);
    let done = caller.call("complete_run", with(&run, "result", json!({"answer": "yes"}))).expect(200);
    assert_eq!(done["state"], "completed");
}

#[test]
fn a_text_that_fills_a_request_is_an_attempt() {
    let scene = Scene::new();
    contracts(&mut scene.project.admin(), &scene.project.id, &answer(), &json!({}), None);
    let (caller, run) = (&scene.caller, claimed(&scene));
    let read = caller.call("validate_output", with(&run, "raw", json!("x".repeat(1_000_000)))).expect(200);
    assert_eq!((&read["attempt"], &read["errors"][0]["keyword"]), (&json!(1), &json!("missing")));
}
