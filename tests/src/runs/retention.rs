//! Runs are deleted by retention alone, once it is over.

use crate::harness::quiet::text;
use crate::harness::{Project, Session, own_database};

/// Plays the passing of a run's retention: the triggers let nobody change an ended run, so they are taken off for it.
/// That locks the table, so a test that does it takes a database of its own.
pub(crate) fn end_retention(admin: &mut Session, run: &str) {
    admin.run(&format!(
        "begin;
         alter table awooop.run_state disable trigger run_state_ended;
         update awooop.run_state set retain_until = clock_timestamp() - interval '1 second' where run_id = '{run}';
         alter table awooop.run_state enable always trigger run_state_ended;
         commit;"
    ));
}

#[test]
fn an_ended_run_is_kept_as_long_as_its_project_says() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id("");
    actor.call(&format!("select awooop.cancel_run('{run}')"));
    let days = admin.value(&format!(
        "select (extract(epoch from retain_until - finished_at) / 86400)::int::text
         from awooop.run_state where run_id = '{run}'"
    ));
    assert_eq!(days, "90");
}

#[test]
fn maintenance_deletes_a_run_whose_retention_is_over_and_no_other() {
    let project = Project::in_database(&own_database().0);
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let (over, kept, open) = (actor.create_id(""), actor.create_id(""), actor.create_id(""));
    for run in [&over, &kept] {
        actor.call(&format!("select awooop.cancel_run('{run}')"));
    }
    end_retention(&mut admin, &over);
    admin.run("select awooop.maintain()");
    assert_eq!(actor.code(&format!("select awooop.get_run('{over}')")), "E-RUN-001");
    assert_eq!(actor.state(&kept), "cancelled");
    assert_eq!(actor.state(&open), "pending");
    super::books::check(&mut admin, &project.id);
}

#[test]
fn two_rounds_of_maintenance_at_once_do_not_fail_and_delete_each_run_once() {
    let project = Project::in_database(&own_database().0);
    let (mut actor, mut admin) = (project.actor(), project.admin());
    for _ in 0..3 {
        let runs: Vec<String> = (0..10).map(|_| actor.create_id("")).collect();
        for run in &runs {
            actor.call(&format!("select awooop.cancel_run('{run}')"));
            end_retention(&mut admin, run);
        }
        crate::harness::at_once(
            4,
            |_| project.admin(),
            |_, admin: &mut Session| text(&admin.json("select to_json(awooop.maintain()::text)")),
        );
        assert_eq!(actor.call("select awooop.list_runs()")["items"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn the_deletion_of_a_run_is_in_the_audit_log() {
    let project = Project::in_database(&own_database().0);
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id("");
    actor.call(&format!("select awooop.cancel_run('{run}')"));
    end_retention(&mut admin, &run);
    admin.run("select awooop.maintain()");
    let audited = admin.value(&format!(
        "select count(*)::text from awooop.audit_log where run_id = '{run}' and action = 'run_deleted'"
    ));
    assert_eq!(audited, "1");
}
