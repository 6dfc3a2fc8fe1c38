//! Whose request it is: the project from header or key, keys that stopped working, and failures that tell nothing apart.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Caller, Reply};
use super::scene::{Scene, key};
use crate::harness::quiet::{Project, text};

const WHOAMI: &str = "/v1/platform/whoami";

fn project_in(reply: &Reply) -> String {
    text(&reply.expect(200)["project_id"])
}

#[test]
fn the_project_is_the_headers_or_else_the_keys() {
    let scene = Scene::alone(&[]);
    let other = Project::in_database(&scene.project.database);
    let caller = &scene.caller;
    assert_eq!(project_in(&caller.call("whoami", json!({}))), scene.project.id);
    let named = |project: &str| caller.call_with("whoami", json!({}), &[("X-Project-Id", project)]);
    assert_eq!(project_in(&named(&scene.project.id)), scene.project.id);
    let wrong = caller.with_key(&format!("{}x", caller.key)).call("whoami", json!({}));
    assert_eq!(wrong.problem(), (401, "E-AUTH-001".into()));
    for project in [other.id.as_str(), "absent", "not:a:project", "'; drop table", &"p".repeat(5000)] {
        let reply = named(project);
        assert_eq!(reply.problem(), (401, "E-AUTH-001".into()), "{project:.40}");
        assert_eq!(reply.body, wrong.body, "{project:.40}");
    }
    // A key of the other project opens the other project and no more.
    let theirs = caller.with_key(&key(&mut scene.project.admin(), &other.id, "runs:read"));
    assert_eq!(project_in(&theirs.call("whoami", json!({}))), other.id);
    let reply = theirs.call_with("whoami", json!({}), &[("X-Project-Id", &scene.project.id)]);
    assert_eq!((reply.status, &reply.body), (401, &wrong.body));
}

#[test]
fn every_failure_of_authentication_is_the_same_answer() {
    let scene = Scene::alone(&[]);
    let (caller, mut admin) = (&scene.caller, scene.project.admin());
    let issue = |more: Value| {
        let mut arguments = json!({"name": "k", "scopes": ["runs:read"]});
        arguments.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let issued = caller.call("create_api_key", arguments).expect(201);
        (text(&issued["key_id"]), text(&issued["api_key"]))
    };
    let works = |key: &str| caller.with_key(key).call("whoami", json!({})).status;
    let (expiring, revoked, rotated) = (issue(json!({"expires_in_seconds": 600})), issue(json!({})), issue(json!({})));
    let graced = issue(json!({}));
    for (_, key) in [&expiring, &revoked, &rotated, &graced] {
        assert_eq!(works(key), 200);
    }
    admin.run(&format!("update awooop.api_keys set expires_at = now() where key_id = '{}'", expiring.0));
    caller.call("revoke_api_key", json!({"key_id": revoked.0})).expect(200);
    let successor = text(&caller.call("rotate_api_key", json!({"key_id": rotated.0})).expect(201)["api_key"]);
    let late = caller.call("rotate_api_key", json!({"key_id": graced.0, "grace_seconds": 600})).expect(201);
    assert_eq!([works(&successor), works(&graced.1), works(&text(&late["api_key"]))], [200; 3]);

    let (stem, secret) = caller.key.rsplit_once('.').expect("three parts");
    let wrong = format!("{stem}.{}", secret.chars().rev().collect::<String>());
    let unknown = format!("awk_{}.{}.{secret}", scene.project.id, "A".repeat(16));
    let bearer = |key: &str| format!("Bearer {key}");
    let given: Vec<(&str, Vec<String>)> = vec![
        ("expired", vec![bearer(&expiring.1)]),
        ("revoked", vec![bearer(&revoked.1)]),
        ("rotated", vec![bearer(&rotated.1)]),
        ("wrong secret", vec![bearer(&wrong)]),
        ("unknown key", vec![bearer(&unknown)]),
        ("longer", vec![bearer(&format!("{}x", caller.key))]),
        ("upper case", vec![bearer(&caller.key.to_uppercase())]),
        ("no header", vec![]),
        ("empty", vec![String::new()]),
        ("no token", vec!["Bearer".to_owned()]),
        ("another scheme", vec![format!("Basic {}", caller.key)]),
        ("no scheme", vec![caller.key.clone()]),
        ("two headers", vec![bearer(&caller.key), bearer(&caller.key)]),
        ("two keys", vec![format!("Bearer {} {}", caller.key, caller.key)]),
        ("huge", vec![bearer(&"x".repeat(20_000))]),
    ];
    let mut answers = BTreeSet::new();
    for (what, authorization) in &given {
        let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
        let reply = caller.plain("GET", WHOAMI, &headers, "");
        assert_eq!(reply.problem(), (401, "E-AUTH-001".into()), "{what}");
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{what}");
        answers.insert(reply.body);
    }
    // What was asked for does not show through either: a bad body, another's run, an operation that is off.
    let stranger = caller.with_key(&wrong);
    for reply in [
        stranger.send("POST", "/v1/platform/runs", "{"),
        stranger.call("get_run", json!({"run_id": super::scene::new_run(caller)})),
        stranger.send("GET", "/v1/platform/runs?unknown=1", ""),
    ] {
        answers.insert(reply.body);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let failures = admin.value("select sum(failures)::text from awooop.failed_authentication");
    assert_eq!(failures, (given.len() + 3).to_string(), "each failure is counted once");
}

#[test]
fn a_flood_of_failures_is_told_to_wait_and_a_valid_key_is_served() {
    let scene = Scene::alone(&[]);
    let wrong = scene.caller.with_key(&format!("{}x", scene.caller.key));
    // A minute may end meanwhile, which begins the count again.
    let throttled = (0..60).map(|_| wrong.call("whoami", json!({}))).find(|reply| reply.status != 401);
    let throttled = throttled.expect("a flood is throttled");
    assert_eq!(throttled.problem(), (429, "E-AUTH-002".into()));
    let wait: u64 = throttled.header("retry-after").parse().expect("seconds");
    assert_eq!(throttled.json()["retry_after_seconds"], wait);
    assert!((1..=60).contains(&wait));
    assert_eq!(scene.caller.call("whoami", json!({})).status, 200);
}

#[test]
fn a_key_without_the_scope_is_told_which_it_takes_and_the_refusal_is_recorded() {
    let scene = Scene::new();
    let reader: Caller = scene.caller_with("runs:read");
    let (before, mut admin) = (scene.books(), scene.project.admin());
    let reply = reader.call("build_envelope", super::scene::message("8"));
    assert_eq!(reply.problem(), (403, "E-AUTH-003".into()));
    assert_eq!(reply.json()["required_scope"], "envelope:write");
    let changed: Vec<_> = scene.books().into_iter().filter(|table| !before.contains(table)).collect();
    // The row, and nothing else.
    let names: Vec<&str> = changed.iter().filter_map(|table| table.split(": ").next()).collect();
    assert_eq!(names, ["audit_log"], "{changed:?}");
    let recorded = admin.json(&format!(
        "select json_agg(json_build_array(action, door, code)) from awooop.audit_log
         where project_id = '{}' and decision = 'refused'",
        scene.project.id
    ));
    assert_eq!(recorded, json!([["build_envelope", "http", "E-AUTH-003"]]));
}
