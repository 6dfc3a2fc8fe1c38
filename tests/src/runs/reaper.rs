//! What time does to a run: leases expire, deadlines pass.

use crate::harness::Project;
use crate::harness::quiet::{expire, set_deadline};

#[test]
fn an_expired_lease_goes_back_to_the_queue_and_after_the_last_attempt_to_timed_out() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id(", max_attempts => 2");
    for (attempt, state, requeued) in [(1, "pending", 1), (2, "timed_out", 0)] {
        let claim = actor.claim_one("w");
        assert_eq!(claim.json["attempt"], attempt);
        expire(&mut admin, &run);
        let reaped = actor.reap();
        assert_eq!((&reaped["requeued"], &reaped["timed_out"]), (&requeued.into(), &(1 - requeued).into()));
        assert_eq!(actor.state(&run), state);
        super::books::check(&mut admin, &project.id);
    }
    let ended = actor.show(&run);
    assert_eq!((&ended["error"]["code"], &ended["error"]["attempt"]), (&"lease_expired".into(), &2.into()));
    assert_eq!(actor.reap()["timed_out"], 0, "it is reaped once");
    let causes = admin.json(&format!(
        "select json_agg(json_build_array(action, facts ->> 'cause', facts ->> 'worker_id', door, principal_id) order by audit_id)
         from awooop.audit_log where run_id = '{run}' and action in ('run_requeued', 'run_timed_out')"
    ));
    let of = |action: &str| serde_json::json!([action, "lease_expired", "w", "platform", "platform:reaper"]);
    assert_eq!(causes, serde_json::json!([of("run_requeued"), of("run_timed_out")]));
}

#[test]
fn a_passed_deadline_ends_a_run_in_every_open_state() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    for state in ["pending", "running", "waiting_tool", "waiting_approval"] {
        let run = actor.create_id("");
        if state != "pending" {
            assert_eq!(actor.claim_one("w").run, run);
        }
        if state.starts_with("waiting") {
            admin.run(&format!("update awooop.run_state set state = '{state}' where run_id = '{run}'"));
        }
        set_deadline(&mut admin, &run, -1000);
        assert_eq!(actor.reap()["timed_out"], 1, "{state}");
        assert_eq!(actor.show(&run)["error"]["code"], "deadline_passed", "{state}");
        assert_eq!(actor.state(&run), "timed_out", "{state}");
    }
    super::books::check(&mut admin, &project.id);
}

#[test]
fn an_expired_lease_of_a_run_that_waits_for_a_tool_goes_back_too() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id("");
    actor.claim_one("w");
    admin.run(&format!("update awooop.run_state set state = 'waiting_tool' where run_id = '{run}'"));
    expire(&mut admin, &run);
    assert_eq!(actor.reap()["requeued"], 1);
    assert_eq!(actor.state(&run), "pending");
    super::books::check(&mut admin, &project.id);
}

#[test]
fn a_lease_that_holds_is_left_alone() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create("");
    let claim = actor.claim_one("w");
    let reaped = actor.reap();
    assert_eq!((&reaped["requeued"], &reaped["timed_out"]), (&0.into(), &0.into()));
    assert_eq!(actor.call(&claim.sql("complete_run", ""))["state"], "completed");
    super::books::check(&mut admin, &project.id);
}

#[test]
fn reaping_in_a_project_leaves_other_projects_alone() {
    let project = Project::new();
    let other = project.another(&mut project.admin());
    let (mut actor, mut stranger, mut admin) = (project.actor(), other.actor(), project.admin());
    stranger.create("");
    let claim = stranger.claim_one("w");
    expire(&mut admin, &claim.run);
    actor.reap();
    assert_eq!(stranger.state(&claim.run), "running");
    stranger.reap();
    assert_eq!(stranger.state(&claim.run), "pending");
}

#[test]
fn a_project_reaps_its_own_run_however_many_others_are_stale() {
    let project = Project::in_database(&crate::harness::own_database().0);
    let other = project.another(&mut project.admin());
    let (mut actor, mut stranger, mut admin) = (project.actor(), other.actor(), project.admin());
    stranger.create_many(1100, "");
    for table in ["run_state", "run_ready"] {
        admin.run(&format!(
            "update awooop.{table} set deadline_at = now() - interval '1 day' where project_id = '{}'",
            other.id
        ));
    }
    actor.create("");
    let claim = actor.claim_one("w");
    expire(&mut admin, &claim.run);
    actor.reap();
    assert_eq!(actor.state(&claim.run), "pending", "a neighbour's backlog delays another project");
}

#[test]
fn a_suspended_projects_stale_runs_are_reaped_all_the_same() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id("");
    actor.claim_one("w");
    expire(&mut admin, &run);
    admin.run(&format!("select awooop.suspend_project('{}')", project.id));
    admin.run("select awooop.maintain()");
    admin.run(&format!("select awooop.suspend_project('{}', suspended => false)", project.id));
    assert_eq!(actor.state(&run), "pending");
}
