//! The result of a run satisfies what its outputs must: there is no way around the three.

use serde_json::{Value, json};

use super::{complete, journaled, judge, judging, project, told, working};

#[test]
fn a_result_that_does_not_match_is_refused_and_counts() {
    let project = project();
    let (mut actor, claim) = working(&project);
    let refusal = complete(&mut actor, &claim, &json!({"answer": 7}));
    assert_eq!((&refusal["code"], &refusal["status"]), (&json!("E-SCHEMA-004"), &json!(422)), "{refusal}");
    assert_eq!((&refusal["attempts_left"], &refusal["attempt"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&refusal["errors"][0]["pointer"], &refusal["errors"][0]["keyword"]),
        (&json!("/answer"), &json!("type"))
    );
    assert!(refusal["errors"][0]["message"].is_string());
    assert_eq!(actor.state(&claim.run), "running", "the worker may try again");
    assert_eq!(told(&judge(&mut actor, &claim, "no")), (false, 1));
    let last = complete(&mut actor, &claim, &json!({}));
    assert_eq!((&last["code"], &last["attempts_left"]), (&json!("E-SCHEMA-001"), &json!(0)), "{last}");
    assert_eq!(actor.show(&claim.run)["error_code"], "E-SCHEMA-001");
    assert_eq!(journaled(&project, &claim.run), "awooop:output/1 awooop:output/2 awooop:output/3");
    let through = "select string_agg((request ->> 'through') || ' ' || (request ->> 'raw'), '; ' order by seq)
                   from awooop.step_journal where run_id = ";
    assert_eq!(
        project.admin().value(&format!("{through}'{}'", claim.run)),
        "complete_run {\"answer\":7}; validate_output no; complete_run {}"
    );
}

#[test]
fn no_result_is_null_and_null_must_match_as_well() {
    let project = project();
    let (mut actor, claim) = working(&project);
    assert_eq!(actor.call(&claim.sql("complete_run", ""))["code"], "E-SCHEMA-004");
    assert_eq!(actor.call(&claim.sql("complete_run", ", null"))["code"], "E-SCHEMA-004");
    assert_eq!(actor.call(&claim.sql("complete_run", ", 'null'"))["code"], "E-SCHEMA-001");
}

#[test]
fn what_was_accepted_completes_the_run_and_completing_may_be_repeated() {
    let project = project();
    let (mut actor, claim) = working(&project);
    judge(&mut actor, &claim, "no");
    let document = judge(&mut actor, &claim, "Here: {'answer': 'yes', 'score': 7.0,}")["document"].clone();
    let done = complete(&mut actor, &claim, &document);
    assert_eq!((&done["state"], &done["result"]), (&json!("completed"), &document));
    assert_eq!(complete(&mut actor, &claim, &document)["finished_at"], done["finished_at"]);
    assert_eq!(complete(&mut actor, &claim, &json!("anything"))["result"], document, "the first result stands");
    assert_eq!(actor.code(&judging(&claim, "no", "")), "E-RUN-003");
    assert_eq!(journaled(&project, &claim.run), "awooop:output/1 awooop:output/2");
}

#[test]
fn a_refused_result_is_on_record() {
    let project = project();
    let (mut actor, claim) = working(&project);
    complete(&mut actor, &claim, &json!({"answer": "x".repeat(41), "hunter": 4711}));
    let facts: Value = project.admin().json(&format!(
        "select facts from awooop.audit_log where run_id = '{}' and action = 'complete_run' and decision = 'refused'
            and code = 'E-SCHEMA-004'",
        claim.run
    ));
    assert_eq!((&facts["attempt"], &facts["attempts_left"]), (&json!(1), &json!(2)));
    let mut rules: Vec<String> =
        facts["errors"].as_array().unwrap().iter().map(|error| error["keyword"].as_str().unwrap().to_owned()).collect();
    rules.sort();
    assert_eq!(rules, ["additionalProperties", "maxLength"]);
}
