//! Three failures in all: counted for the run, whoever works on it, and ended in the transaction of the third.

use serde_json::{Value, json};

use super::{answer, hand_on, journaled, judge, judging, project, project_with, told, working};
use crate::harness::answer::literal;

#[test]
fn the_third_failure_ends_the_run_in_the_same_transaction() {
    let project = project();
    let (mut actor, claim) = working(&project);
    assert_eq!(told(&judge(&mut actor, &claim, "{answer: 1}")), (false, 2));
    assert_eq!(told(&judge(&mut actor, &claim, "{answer: 'so'}")), (true, 2));
    let second = judge(&mut actor, &claim, "{answer: 1}");
    assert_eq!((told(&second), &second["attempt"]), ((false, 1), &json!(3)));
    let refusal = judge(&mut actor, &claim, "{answer: 1, why: 'so'}");
    assert_eq!((&refusal["code"], &refusal["status"]), (&json!("E-SCHEMA-001"), &json!(422)), "{refusal}");
    assert_eq!((&refusal["attempts_left"], &refusal["attempt"]), (&json!(0), &json!(4)));
    assert_eq!(refusal["errors"].as_array().map(Vec::len), Some(2));
    assert_eq!(refusal["errors"][0].as_object().map(serde_json::Map::len), Some(5), "{refusal}");
    let run = actor.show(&claim.run);
    assert_eq!((&run["state"], &run["error_code"]), (&json!("failed"), &json!("E-SCHEMA-001")));
    assert_eq!(run["error"]["errors"].as_array().map(Vec::len), Some(2));
    assert_eq!(journaled(&project, &claim.run), "awooop:output/1 awooop:output/2 awooop:output/3 awooop:output/4");
    // The state, the journal, the refusal and the failure in the log: one transaction wrote them.
    let written = format!(
        "select count(distinct xmin::text) || ' ' || string_agg(what, ' ' order by what) from (
             select s.xmin, 'state ' || state as what from awooop.run_state s where run_id = '{0}'
             union all select j.xmin, 'journal' from awooop.step_journal j
                 where run_id = '{0}' and step_key = 'awooop:output/4'
             union all select a.xmin, action || ' ' || decision from awooop.audit_log a
                 where run_id = '{0}' and (code = 'E-SCHEMA-001' or action = 'run_failed')) w",
        claim.run
    );
    let wanted = "1 journal run_failed done state failed validate_output refused";
    assert_eq!(project.admin().value(&written), wanted);
    assert_eq!(actor.code(&judging(&claim, "{answer: 'late'}", "")), "E-RUN-003");
    assert_eq!(actor.code(&claim.sql("complete_run", ", '{\"answer\": \"late\"}'")), "E-RUN-003");
}

#[test]
fn a_worker_that_takes_over_goes_on_counting_and_sees_what_failed() {
    let project = project();
    let (mut actor, first) = working(&project);
    judge(&mut actor, &first, "first");
    let second = hand_on(&project, &mut actor, &first.run);
    let step = &second.json["steps"][0];
    assert_eq!((&step["kind"], &step["step_key"]), (&json!("output"), &json!("awooop:output/1")), "{step}");
    assert_eq!((told(&step["result"]), &step["result"]["errors"][0]["keyword"]), ((false, 2), &json!("missing")));
    assert_eq!(told(&judge(&mut actor, &second, "second")), (false, 1));
    let third = hand_on(&project, &mut actor, &first.run);
    assert_eq!(third.json["steps"].as_array().map(Vec::len), Some(2));
    assert_eq!(judge(&mut actor, &third, "third")["code"], "E-SCHEMA-001");
    assert_eq!(actor.state(&first.run), "failed");
}

#[test]
fn what_a_killed_worker_committed_counts_and_what_it_did_not_is_none() {
    let project = project();
    let (mut doomed, first) = working(&project);
    judge(&mut doomed, &first, "committed");
    doomed.session.run(&format!("begin; select awooop.enter_project('{}')", project.id));
    doomed.session.run(&judging(&first, "not committed", ""));
    let pid = doomed.session.value("select pg_backend_pid()");
    project.admin().run(&format!("select pg_terminate_backend({pid}, 60000)"));
    let mut next = project.actor();
    let second = hand_on(&project, &mut next, &first.run);
    assert_eq!(second.json["steps"].as_array().map(Vec::len), Some(1));
    assert_eq!(next.call(&judging(&second, "committed", ", 1"))["attempts_left"], 2);
    let read = next.call(&judging(&second, "another", ", 2"));
    assert_eq!(told(&read), (false, 1));
    assert_eq!(journaled(&project, &first.run), "awooop:output/1 awooop:output/2");
}

#[test]
fn a_lost_answer_costs_nothing() {
    let project = project();
    let (mut actor, claim) = working(&project);
    let failed = actor.call(&judging(&claim, "no", ", 1"));
    assert_eq!(told(&failed), (false, 2));
    let accepted = actor.call(&judging(&claim, "{answer: 'yes'}", ", attempt => 2"));
    assert_eq!(told(&accepted), (true, 2));
    let next = hand_on(&project, &mut actor, &claim.run);
    for claim in [&next, &next] {
        assert_eq!(actor.call(&judging(claim, "no", ", 1")), failed);
        assert_eq!(actor.call(&judging(claim, "{answer: 'yes'}", ", 2")), accepted);
    }
    assert_eq!(journaled(&project, &claim.run), "awooop:output/1 awooop:output/2");
    // Without a number it is another attempt, whatever it says.
    assert_eq!(told(&judge(&mut actor, &next, "no")), (false, 1));
}

#[test]
fn an_attempts_number_stands_for_one_text_and_none_is_left_out() {
    let project = project();
    let (mut actor, claim) = working(&project);
    for beyond in ["2", "1000"] {
        let failure = actor.attempt(&judging(&claim, "no", &format!(", {beyond}"))).unwrap_err();
        let detail: Value = serde_json::from_str(&failure.detail).unwrap();
        assert_eq!((failure.code().as_str(), &detail["argument"]), ("E-INPUT-001", &json!("attempt")));
    }
    actor.call(&judging(&claim, "no", ", 1"));
    assert_eq!(actor.code(&judging(&claim, "no ", ", 1")), "E-RUN-005");
    for bad in ["0", "-1", "1001"] {
        assert_eq!(actor.code(&judging(&claim, "no", &format!(", {bad}"))), "E-INPUT-001", "{bad}");
    }
    assert_eq!(journaled(&project, &claim.run), "awooop:output/1");
}

#[test]
fn an_output_that_was_rolled_back_was_none() {
    let project = project();
    let (mut actor, claim) = working(&project);
    actor.session.run(&format!("begin; select awooop.enter_project('{}')", project.id));
    assert_eq!(told(&actor.session.json(&judging(&claim, "no", ""))), (false, 2));
    assert_eq!(told(&actor.session.json(&judging(&claim, "no", ""))), (false, 1));
    assert_eq!(actor.session.json(&judging(&claim, "no", ""))["code"], "E-SCHEMA-001");
    let shown = actor.session.json(&format!("select awooop.get_run('{}')", claim.run));
    assert_eq!(shown["state"], "failed", "within the transaction");
    actor.session.run("rollback");
    assert_eq!((actor.state(&claim.run).as_str(), journaled(&project, &claim.run).as_str()), ("running", ""));
    assert_eq!(told(&judge(&mut actor, &claim, "no")), (false, 2));
}

#[test]
fn outputs_are_steps_and_count_against_the_most_that_the_contract_allows() {
    let project = project_with(&answer(), &json!({"max_steps": 2}), None);
    let (mut actor, claim) = working(&project);
    actor.call(&claim.sql("record_step", ", 'ask'"));
    assert_eq!(told(&judge(&mut actor, &claim, "{answer: 'yes'}")), (true, 3));
    assert_eq!(actor.code(&judging(&claim, "{answer: 'yes'}", "")), "E-RUN-011");
    assert_eq!(actor.show(&claim.run)["error_code"], "E-RUN-011");
    // Completing is no step.
    let (mut actor, claim) = working(&project);
    actor.call(&claim.sql("record_step", ", 'ask'"));
    actor.call(&claim.sql("record_step", ", 'answer'"));
    assert_eq!(super::complete(&mut actor, &claim, &json!({"answer": "yes"}))["state"], "completed");
}

#[test]
fn no_step_of_a_worker_forges_an_output_or_takes_its_place() {
    let project = project();
    let (mut actor, claim) = working(&project);
    for key in ["awooop:output/1", "awooop:output/2", "awooop:", "awooop:anything"] {
        let sql = claim.sql("record_step", &format!(", {}, kind => 'output'", literal(key)));
        let failure = actor.attempt(&sql).unwrap_err();
        let detail: Value = serde_json::from_str(&failure.detail).unwrap();
        assert_eq!((failure.code().as_str(), &detail["argument"]), ("E-INPUT-001", &json!("step_key")), "{key}");
    }
    // Others are the worker's own, and count for nothing.
    for key in ["awooop", "output/1", "Awooop:output/1", " awooop:output/1"] {
        let step = format!(", {}, '{{\"valid\": false}}', kind => 'output'", literal(key));
        assert_eq!(actor.call(&claim.sql("record_step", &step))["outcome"], "recorded", "{key}");
    }
    let read = judge(&mut actor, &claim, "no");
    assert_eq!((told(&read), &read["attempt"]), ((false, 2), &json!(1)));
}
