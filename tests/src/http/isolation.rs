//! Another tenant's run is not there, whatever is tried on it over HTTP.

use serde_json::json;

use super::scene::{Scene, books, claimed_run, key};
use crate::harness::Project;
use crate::harness::quiet::EVERY_SCOPE;

#[test]
fn another_tenants_run_is_not_found_by_any_operation() {
    let scene = Scene::new();
    let other = Project::in_database(&scene.project.database);
    let mut admin = scene.project.admin();
    let theirs = scene.caller.with_key(&key(&mut admin, &other.id, EVERY_SCOPE));
    let (run, lease) = claimed_run(&theirs);
    let (_, own_lease) = claimed_run(&scene.caller);
    let before = books(&mut admin, &other.id);
    let absent = "018f0000-0000-7000-8000-000000000000";
    for (operation, more, wanted) in [
        ("get_run", json!({}), 404),
        ("list_steps", json!({}), 404),
        ("cancel_run", json!({}), 404),
        // A lease that does not belong to the named run is refused before anybody looks for the run.
        ("heartbeat", json!({"lease": lease}), 409),
        ("record_step", json!({"lease": lease, "step_key": "s"}), 409),
        ("validate_output", json!({"lease": lease, "raw": "{}"}), 409),
        ("complete_run", json!({"lease": lease}), 409),
        ("fail_run", json!({"lease": lease}), 409),
        ("heartbeat", json!({"lease": own_lease}), 409),
        // One that says it does, in the caller's own project.
        ("heartbeat", json!({"lease": "forged"}), 409),
        ("record_step", json!({"lease": "forged", "step_key": "s"}), 404),
        ("validate_output", json!({"lease": "forged", "raw": "{}"}), 404),
        ("complete_run", json!({"lease": "forged"}), 404),
    ] {
        let on = |named: &str| {
            let mut arguments = more.clone();
            arguments["run_id"] = named.into();
            if arguments["lease"] == "forged" {
                arguments["lease"] = lease.replacen(&other.id, &scene.project.id, 1).replacen(&run, named, 1).into();
            }
            let reply = scene.caller.call(operation, arguments);
            (reply.status, reply.body)
        };
        let (status, body) = on(&run);
        assert_eq!(status, wanted, "{operation} {more}: {body}");
        // And nothing tells a run of somebody else from one of nobody.
        assert_eq!((status, body), on(absent), "{operation} {more}");
    }
    assert_eq!(books(&mut admin, &other.id), before, "another tenant's rows changed");
    for listing in ["list_runs", "list_audit", "list_api_keys"] {
        let shown = scene.caller.call(listing, json!({})).expect(200).to_string();
        assert!(!shown.contains(&other.id), "{listing}: {shown}");
        // The audit log of the caller has what the caller named.
        assert!(listing == "list_audit" || !shown.contains(&run), "{listing}: {shown}");
    }
    let theirs_of = format!("{}:telegram:7", other.id);
    for operation in ["grant_subject_role", "revoke_subject_role"] {
        let changed = scene.caller.call(operation, json!({"platform_subject_id": theirs_of, "role": "r"}));
        assert_eq!(changed.problem(), (404, "E-SUBJECT-001".into()));
    }
    let page = scene.caller.call("list_runs", json!({"platform_subject_id": theirs_of})).expect(200);
    assert_eq!(page["items"], json!([]));
}

#[test]
fn a_suspended_project_is_refused_and_a_resumed_one_served() {
    let scene = Scene::new();
    let mut admin = scene.project.admin();
    admin.run(&format!("select awooop.suspend_project('{}', 'unpaid')", scene.project.id));
    assert_eq!(scene.caller.call("list_runs", json!({})).problem(), (403, "E-TENANT-005".into()));
    admin.run(&format!("select awooop.suspend_project('{}', suspended => false)", scene.project.id));
    assert_eq!(scene.caller.call("list_runs", json!({})).status, 200);
    admin.run(&format!("select awooop.set_project_mode('{}', 'legacy_awoooi_default')", scene.project.id));
    let refused = scene.caller.call("build_envelope", super::scene::message("7"));
    assert_eq!(refused.problem(), (409, "E-TENANT-002".into()));
}
