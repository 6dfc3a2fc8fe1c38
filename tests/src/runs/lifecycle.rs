//! The life of a run as its caller sees it.

use awooop_policy::run_fsm::RunState;

use crate::harness::quiet::text;
use crate::harness::{Project, contracts};

#[test]
fn a_new_run_is_pending_with_a_version_7_id_and_the_envelopes_trace() {
    let mut actor = Project::new().actor();
    let envelope = actor.envelope();
    let run = actor.call(&format!("select awooop.create_run('{envelope}')"));
    let id = uuid::Uuid::try_parse(&text(&run["run_id"])).unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!((&run["state"], &run["attempts"]), (&"pending".into(), &0.into()));
    assert_eq!(run["trace_id"], envelope["trace_id"]);
    assert_eq!(run["envelope"]["run_id"], run["run_id"], "create_run alone gives the run its id");
    let mut kept = run["envelope"].clone();
    kept["run_id"] = serde_json::Value::Null;
    assert_eq!(kept, envelope);
    let shown = actor.show(&text(&run["run_id"]));
    assert_eq!(shown["run_id"], run["run_id"]);
    assert!(shown.get("created").is_none());
}

#[test]
fn the_creation_time_is_the_one_in_the_id() {
    let project = Project::new();
    let run = project.actor().create_id("");
    let (seconds, nanos) = uuid::Uuid::try_parse(&run).unwrap().get_timestamp().unwrap().to_unix();
    let millis = project.admin().value(&format!(
        "select (extract(epoch from created_at) * 1000)::bigint::text from awooop.run_state where run_id = '{run}'"
    ));
    assert_eq!(millis, (seconds * 1000 + u64::from(nanos) / 1_000_000).to_string());
}

#[test]
fn audit_rows_of_a_run_carry_its_trace_agent_and_subject() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create(", max_attempts => 2");
    let claim = actor.claim_one("w");
    actor.call(&claim.sql("fail_run", ""));
    super::claims::become_available(&mut admin, &claim.run);
    let claim = actor.claim_one("w");
    actor.call(&claim.sql("complete_run", ""));
    let audit = admin.json(&format!(
        "select json_agg(json_build_array(action, trace_id, agent_id, platform_subject_id) order by audit_id)
         from awooop.audit_log where run_id = '{}'",
        claim.run
    ));
    let row =
        |action: &str| serde_json::json!([action, run["trace_id"], "agent", format!("{}:telegram:7", project.id)]);
    let wanted = ["run_created", "run_claimed", "run_attempt_failed", "run_claimed", "run_completed"].map(row);
    assert_eq!(audit, serde_json::json!(wanted));
}

#[test]
fn a_run_can_be_cancelled_in_every_open_state_and_again_without_effect() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    for state in RunState::ALL.into_iter().filter(|state| !state.is_final()) {
        let run = actor.create_id("");
        if state != RunState::Pending {
            actor.claim_one("w");
        }
        if matches!(state, RunState::WaitingTool | RunState::WaitingApproval) {
            admin.run(&format!("update awooop.run_state set state = '{}' where run_id = '{run}'", state.as_str()));
        }
        let first = actor.call(&format!("select awooop.cancel_run('{run}', 'why')"));
        assert_eq!((&first["state"], &first["error_code"]), (&"cancelled".into(), &"cancelled".into()));
        assert_eq!(actor.call(&format!("select awooop.cancel_run('{run}', 'again')")), first);
    }
    super::books::check(&mut admin, &project.id);
}

#[test]
fn a_run_that_has_ended_cannot_be_cancelled() {
    let mut actor = Project::new().actor();
    actor.create("");
    let claim = actor.claim_one("w");
    actor.call(&claim.sql("complete_run", ""));
    let cancel = format!("select awooop.cancel_run('{}')", claim.run);
    assert_eq!(actor.code(&cancel), "E-RUN-006");
    assert_eq!(actor.state(&claim.run), "completed");
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut actor = Project::new().actor();
    let absent = uuid::Uuid::now_v7();
    for operation in ["get_run", "cancel_run", "list_steps"] {
        assert_eq!(actor.code(&format!("select awooop.{operation}('{absent}')")), "E-RUN-001", "{operation}");
    }
}

#[test]
fn a_run_needs_a_registered_enabled_agent_with_an_active_contract() {
    let project = Project::new();
    let mut actor = project.actor();
    let envelope = actor.call("select awooop.build_envelope('nobody', 'telegram', '7')");
    let create = format!("select awooop.create_run('{envelope}')");
    assert_eq!(actor.code(&create), "E-AGENT-001");
    actor.call("select awooop.create_agent('nobody', enabled => false)");
    assert_eq!(actor.code(&create), "E-AGENT-003");
    actor.call("select awooop.create_agent('nobody')");
    assert_eq!(actor.call(&create)["code"], "E-AGENT-004");
    contracts::activate(&mut project.admin(), &project.id, &contracts::agent_contract("nobody"));
    assert_eq!(actor.call(&create)["state"], "pending");
}

#[test]
fn limits_of_a_run_are_kept_at_both_ends() {
    let mut actor = Project::new().actor();
    let envelope = actor.envelope();
    for (option, lowest, highest) in [("priority", 0, 9), ("max_attempts", 1, 20), ("deadline_seconds", 1, 604_800)] {
        for (value, accepted) in [(lowest - 1, false), (lowest, true), (highest, true), (highest + 1, false)] {
            let sql = format!("select awooop.create_run('{envelope}', {option} => {value})");
            match actor.attempt(&sql) {
                Ok(run) => assert!(accepted, "{option} {value}: {run}"),
                Err(failure) => {
                    assert_eq!(failure.code(), "E-INPUT-001");
                    assert!(!accepted && failure.detail.contains(option), "{failure:?}");
                }
            }
        }
    }
}
