//! Claiming: each run once, in order, when it is due.

use std::collections::HashSet;

use crate::harness::quiet::{claims, set_deadline, text};
use crate::harness::{Actor, Project, at_once};

#[test]
fn sixteen_workers_claim_five_hundred_runs_each_exactly_once() {
    let project = Project::new();
    project.actor().create_many(500, "");
    let shares = at_once(
        16,
        |_| project.actor(),
        |i, actor: &mut Actor| {
            let mut mine = Vec::new();
            loop {
                let some = actor.claim(&format!("w{i}"), 7);
                if some.is_empty() {
                    return mine;
                }
                mine.extend(some.into_iter().map(|claim| (claim.run, claim.lease)));
            }
        },
    );
    let all: Vec<(String, String)> = shares.into_iter().flatten().collect();
    let runs: HashSet<&String> = all.iter().map(|(run, _)| run).collect();
    let leases: HashSet<&String> = all.iter().map(|(_, lease)| lease).collect();
    assert_eq!((all.len(), runs.len(), leases.len()), (500, 500, 500));
    super::books::check(&mut project.admin(), &project.id);
}

#[test]
fn a_higher_priority_goes_first_and_then_the_older() {
    let mut actor = Project::new().actor();
    let runs: Vec<String> = [5, 9, 5, 0, 9].map(|p| actor.create_id(&format!(", priority => {p}"))).into();
    let order: Vec<String> = actor.claim("w", 10).into_iter().map(|claim| claim.run).collect();
    assert_eq!(order, [1, 4, 0, 2, 3].map(|n: usize| runs[n].clone()));
}

#[test]
fn a_failed_attempt_waits_before_it_is_claimed_again() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id(", max_attempts => 3");
    for (attempt, wait) in [(1, 2.0), (2, 4.0)] {
        let claim = actor.claim_one("w");
        assert_eq!(claim.json["attempt"], attempt);
        let failed = actor.call(&claim.sql("fail_run", ", 'upstream_down', 'no answer'"));
        assert_eq!((&failed["state"], &failed["error_code"]), (&"pending".into(), &"upstream_down".into()));
        let seconds: f64 = admin
            .value(&format!(
                "select extract(epoch from available_at - updated_at)::text from awooop.run_state where run_id = '{run}'"
            ))
            .parse()
            .unwrap();
        assert!((seconds - wait).abs() < 0.01, "attempt {attempt} waits {seconds} s");
        assert!(actor.claim("w", 10).is_empty(), "it was claimed before its time");
        become_available(&mut admin, &run);
    }
    let last = actor.claim_one("w");
    assert_eq!(actor.call(&last.sql("fail_run", ""))["state"], "failed");
    super::books::check(&mut admin, &project.id);
}

/// Plays the passing of a back-off.
pub(super) fn become_available(admin: &mut crate::harness::Session, run: &str) {
    admin.run(&format!(
        "begin;
         update awooop.run_state set available_at = created_at where run_id = '{run}';
         update awooop.run_ready q set available_at = s.available_at from awooop.run_state s
         where q.run_id = '{run}' and s.run_id = '{run}';
         commit;"
    ));
}

#[test]
fn a_failure_that_may_not_be_retried_ends_the_run() {
    let mut actor = Project::new().actor();
    actor.create("");
    let claim = actor.claim_one("w");
    let failed = actor.call(&claim.sql("fail_run", ", 'bad_input', retryable => false"));
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&"failed".into(), &"bad_input".into()));
}

#[test]
fn a_lease_is_unguessable_and_only_its_digest_is_stored() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    actor.create_many(2, "");
    let claimed = actor.claim("w", 2);
    let secrets: Vec<&str> = claimed.iter().map(|claim| claim.lease.rsplit('.').next().unwrap()).collect();
    assert!(secrets.iter().all(|secret| secret.len() == 43), "256 bits in base64url");
    assert_ne!(secrets[0], secrets[1]);
    let tables = admin
        .rows("select oid::regclass::text from pg_class where relnamespace = 'awooop'::regnamespace and relkind = 'r'")
        .unwrap();
    for table in tables.into_iter().flatten().flatten() {
        for secret in &secrets {
            let found = admin.value(&format!("select count(*)::text from {table} t where t::text like '%{secret}%'"));
            assert_eq!(found, "0", "a lease's secret is in {table}");
        }
    }
    let stored =
        admin.value(&format!("select encode(digest, 'hex') from awooop.run_lease where run_id = '{}'", claimed[0].run));
    let digest = <sha2::Sha256 as sha2::Digest>::digest(secrets[0].as_bytes());
    assert_eq!(stored, hex::encode(digest));
}

#[test]
fn what_is_claimed_says_all_a_worker_needs() {
    let mut actor = Project::new().actor();
    let created = actor.create(r#", input => '{"q": 1}', tags => '{"a": "b"}'"#);
    let answer = actor.call("select awooop.claim_runs('w', 1, 30)");
    let claim = claims(&answer).pop().unwrap();
    assert_eq!(claim.json["input"]["q"], 1);
    assert_eq!(claim.json["tags"]["a"], "b");
    assert_eq!(claim.json["envelope"]["run_id"], created["run_id"]);
    assert_eq!(claim.json["envelope"]["trace_id"], created["trace_id"]);
    assert_eq!((&claim.json["epoch"], &claim.json["attempt"]), (&1.into(), &1.into()));
    assert_eq!(claim.json["steps"], serde_json::json!([]));
    assert!(text(&claim.json["lease_expires_at"]) < text(&claim.json["deadline_at"]));
}

#[test]
fn a_run_past_its_deadline_neither_is_claimed_nor_hides_one_that_can_be() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let overdue = actor.create_id(", priority => 9");
    let due = actor.create_id("");
    set_deadline(&mut admin, &overdue, -1000);
    let claimed: Vec<String> = actor.claim("w", 1).into_iter().map(|claim| claim.run).collect();
    assert_eq!(claimed, [due], "an empty answer means that there is nothing to do");
    assert_eq!(actor.reap()["timed_out"], 1);
    assert_eq!(actor.state(&overdue), "timed_out");
    super::books::check(&mut admin, &project.id);
}

#[test]
fn runs_of_an_agent_that_is_switched_off_wait_until_it_is_on_again() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id("");
    actor.call("select awooop.create_agent('agent', enabled => false)");
    assert_eq!(actor.claim("w", 5).len(), 0);
    assert_eq!(actor.state(&run), "pending");
    actor.call("select awooop.create_agent('agent', enabled => true)");
    // It was put back for a minute, and that was no attempt.
    admin.run(&format!("update awooop.run_ready set available_at = clock_timestamp() where run_id = '{run}'"));
    let claim = actor.claim_one("w");
    assert_eq!((&claim.run, &claim.json["attempt"]), (&run, &1.into()));
    super::books::check(&mut admin, &project.id);
}

#[test]
fn a_suspended_projects_runs_wait_until_it_is_resumed() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let run = actor.create_id("");
    admin.run(&format!("select awooop.suspend_project('{}', 'unpaid')", project.id));
    assert_eq!(actor.code("select awooop.claim_runs('w')"), "E-TENANT-005");
    admin.run(&format!("select awooop.suspend_project('{}', suspended => false)", project.id));
    assert_eq!(actor.claim_one("w").run, run);
}
