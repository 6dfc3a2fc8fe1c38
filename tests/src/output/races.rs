//! One lease in many hands: what is judged at once is counted one by one.

use serde_json::{Value, json};

use super::{journaled, judging, project, working};
use crate::harness::{Actor, at_once};

/// What each of eight callers got for texts of their own.
fn at_the_same_moment(project: &crate::harness::Project, sql: impl Fn(usize) -> String + Sync) -> Vec<Value> {
    at_once(8, |_| project.actor(), |i, actor: &mut Actor| actor.call(&sql(i)))
}

fn with_code<'a>(answers: &'a [Value], code: &str) -> Vec<&'a Value> {
    answers.iter().filter(|answer| answer["code"] == code).collect()
}

#[test]
fn eight_failures_at_once_are_three_and_one_ends_the_run() {
    let project = project();
    for round in 0..8 {
        let (mut actor, claim) = working(&project);
        // Every other caller fails by way of complete_run.
        let answers = at_the_same_moment(&project, |i| match i % 2 {
            0 => judging(&claim, &format!("no {i}"), ""),
            _ => claim.sql("complete_run", &format!(", '{i}'")),
        });
        assert_eq!(with_code(&answers, "E-SCHEMA-001").len(), 1, "{round}: {answers:?}");
        assert_eq!(with_code(&answers, "E-RUN-003").len(), 5, "{round}: {answers:?}");
        let mut left: Vec<i64> = answers.iter().filter_map(|answer| answer["attempts_left"].as_i64()).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2], "{round}: {answers:?}");
        assert_eq!(journaled(&project, &claim.run), "awooop:output/1 awooop:output/2 awooop:output/3");
        assert_eq!(actor.state(&claim.run), "failed");
    }
    crate::runs::books::check(&mut project.admin(), &project.id);
}

#[test]
fn one_attempt_sent_eight_times_at_once_is_one() {
    let project = project();
    let (_, claim) = working(&project);
    let answers = at_the_same_moment(&project, |_| judging(&claim, "no", ", 1"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0]["attempts_left"], 2);
    assert_eq!(journaled(&project, &claim.run), "awooop:output/1");
}

#[test]
fn completing_while_outputs_fail_leaves_one_end() {
    let project = project();
    for round in 0..8 {
        let (mut actor, claim) = working(&project);
        let answers = at_the_same_moment(&project, |i| match i {
            3 => claim.sql("complete_run", ", '{\"answer\": \"yes\"}'"),
            _ => judging(&claim, &format!("no {i}"), ""),
        });
        let failed = with_code(&answers, "E-SCHEMA-001").len();
        let state = actor.state(&claim.run);
        assert_eq!(state, if failed == 1 { "failed" } else { "completed" }, "{round}: {answers:?}");
        assert!(failed <= 1 && journaled(&project, &claim.run).split(' ').count() <= 3, "{round}: {answers:?}");
    }
}

#[test]
fn a_transaction_that_looks_at_an_old_snapshot_gets_none() {
    let project = project();
    let (mut actor, claim) = working(&project);
    let mut old = project.actor();
    old.session.run(&format!(
        "begin isolation level repeatable read; select awooop.enter_project('{}'); select count(*) from pg_class",
        project.id
    ));
    super::judge(&mut actor, &claim, "no");
    super::judge(&mut actor, &claim, "no");
    assert_eq!(old.session.code(&judging(&claim, "no", "")), "E-TENANT-008");
    old.session.run("rollback");
    assert_eq!(super::judge(&mut actor, &claim, "no")["code"], json!("E-SCHEMA-001"));
    assert_eq!(journaled(&project, &claim.run), "awooop:output/1 awooop:output/2 awooop:output/3");
}
