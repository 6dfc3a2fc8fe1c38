//! What is read of a text, and what is told of one that is not the answer.

use serde_json::{Value, json};

use super::{complete, contracts, judge, project, project_with, told, working};
use crate::harness::Project;

#[test]
fn every_damage_that_models_do_is_mended_and_named() {
    let project = project();
    let (mut actor, claim) = working(&project);
    let document = json!({"answer": "yes", "score": 7});
    for (raw, repairs) in [
        (r#"{"answer":"yes","score":7}"#, &[][..]),
        ("\u{feff}{\"answer\":\"yes\",\"score\":7}", &["byte_order_mark"]),
        ("```json\n{\"answer\": \"yes\", \"score\": 7}\n```", &["surroundings"]),
        ("Sure! Here it is:\n{\"answer\": \"yes\", \"score\": 7}\nAnything else?", &["surroundings"]),
        ("<think>{\"answer\": 1}</think>{\"answer\": \"yes\", \"score\": 7}", &["surroundings"]),
        (r#"{"answer": "yes", "score": 7,}"#, &["trailing_comma"]),
        ("{'answer': 'yes', 'score': 7}", &["single_quotes"]),
        ("{“answer”: “yes”, “score”: 7}", &["smart_quotes"]),
        ("{answer: \"yes\", score: 7} ", &["unquoted_key"]),
        ("{\"answer\": \"yes\", /* of ten */ \"score\": 7}", &["comment"]),
        (r#""{\"answer\": \"yes\", \"score\": 7}""#, &["double_encoded"]),
        // Nothing more fits into it, so nothing can have been cut off.
        ("{\"answer\": \"yes\", \"score\": 7 ", &["closing_bracket"]),
        (
            "\u{feff}Here:\n```json\n{'answer': 'yes', score: 7,}\n```",
            &["byte_order_mark", "surroundings", "trailing_comma", "single_quotes", "unquoted_key"],
        ),
    ] {
        let read = judge(&mut actor, &claim, raw);
        assert_eq!((&read["valid"], &read["document"]), (&json!(true), &document), "{raw}: {read}");
        assert_eq!((&read["repairs"], &read["errors"]), (&json!(repairs), &json!([])), "{raw}");
        assert_eq!(read["attempts_left"], 3, "an accepted output uses nothing up");
    }
    assert_eq!(complete(&mut actor, &claim, &document)["state"], "completed");
}

#[test]
fn what_is_wrong_is_told_with_place_rule_expectation_and_a_sentence() {
    let project = project();
    let mut actor = project.actor();
    for (raw, pointer, keyword) in [
        ("", "", "missing"),
        ("I am sorry, I can't.", "", "missing"),
        ("{\"answer\": \"yes\", \"sco", "", "truncated"),
        ("{\"answer\": \"ye", "/answer", "truncated"),
        ("```json\n{\"answer\": \"yes\"", "", "truncated"),
        ("<think>The user wants", "", "truncated"),
        ("{\"answer\": \"a\"} or {\"answer\": \"b\"}", "", "ambiguous"),
        ("{\"answer\": \"a\", \"answer\": \"b\"}", "/answer", "json"),
        ("{\"answer\": NaN}", "/answer", "json"),
        ("{\"score\": 7}", "", "required"),
        ("{\"answer\": 7}", "/answer", "type"),
        ("{\"answer\": \"yes\", \"score\": 11}", "/score", "maximum"),
        ("{\"answer\": \"yes\", \"why\": 1}", "/why", "additionalProperties"),
        ("[]", "", "type"),
    ] {
        actor.create("");
        let claim = actor.claim_one("w");
        let read = judge(&mut actor, &claim, raw);
        assert_eq!((told(&read), &read["document"]), ((false, 2), &Value::Null), "{raw}: {read}");
        let errors = read["errors"].as_array().expect("errors");
        assert_eq!(
            (errors.len(), &errors[0]["pointer"], &errors[0]["keyword"]),
            (1, &json!(pointer), &json!(keyword)),
            "{raw}: {read}"
        );
        for member in ["expected", "got", "message"] {
            assert!(errors[0][member].as_str().is_some_and(|text| !text.is_empty()), "{raw}: {read}");
        }
    }
}

#[test]
fn an_answer_must_satisfy_the_run_contract_and_the_agents() {
    let agent = json!({"type": "object", "properties": {"answer": {"minLength": 3}, "score": {"minimum": 5}}});
    let project = project_with(&answer_or_score(), &json!({}), Some(&agent));
    let (mut actor, claim) = working(&project);
    assert_eq!(told(&judge(&mut actor, &claim, "{answer: 'yes', score: 7}")), (true, 3));
    let read = judge(&mut actor, &claim, "{answer: 'no', score: 11}");
    let mut errors: Vec<String> = read["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| {
            format!(
                "{} {}",
                error["pointer"].as_str().unwrap_or_default(),
                error["keyword"].as_str().unwrap_or_default()
            )
        })
        .collect();
    errors.sort();
    assert_eq!(errors, ["/answer minLength", "/score maximum"]);
    assert_eq!(judge(&mut actor, &claim, "{answer: 'no', score: 7}")["errors"][0]["keyword"], "minLength");
}

fn answer_or_score() -> Value {
    json!({"type": "object", "properties": {"score": {"maximum": 10}}})
}

#[test]
fn without_a_schema_any_document_is_an_answer() {
    let project = Project::new();
    let (mut actor, claim) = working(&project);
    for (raw, document) in
        [("{a: 1,}", json!({"a": 1})), ("```\n[1, 'b']\n```", json!([1, "b"])), ("null", Value::Null)]
    {
        assert_eq!(judge(&mut actor, &claim, raw)["document"], document);
    }
    assert_eq!(judge(&mut actor, &claim, "nothing")["errors"][0]["keyword"], "missing");
    assert_eq!(complete(&mut actor, &claim, &json!("anything"))["state"], "completed");
}

#[test]
fn an_answer_that_is_too_long_is_told_so() {
    let project = project_with(&json!({"type": "string"}), &json!({"max_output_bytes": 20}), None);
    let (mut actor, claim) = working(&project);
    assert_eq!(
        told(&judge(&mut actor, &claim, &format!("{}\n```\n\"0123456789\"\n```", "prose ".repeat(99)))),
        (true, 3)
    );
    let read = judge(&mut actor, &claim, "\"0123456789012345678\"");
    assert_eq!((&read["errors"][0]["keyword"], &read["errors"][0]["pointer"]), (&json!("size"), &json!("")), "{read}");
    // A text beyond everything that is read is an output, too, that the model is told about.
    let read = judge(&mut actor, &claim, &"錯".repeat(400_000));
    assert_eq!((told(&read), &read["errors"][0]["keyword"]), ((false, 1), &json!("size")));
}

#[test]
fn a_run_is_judged_by_the_contracts_that_it_was_created_under() {
    let project = project();
    let (mut actor, claim) = working(&project);
    contracts(&mut project.admin(), &project.id, &json!({"type": "integer"}), &json!({}), None);
    assert_eq!(told(&judge(&mut actor, &claim, "{answer: 'yes'}")), (true, 3));
    assert_eq!(told(&judge(&mut actor, &claim, "7")), (false, 2));
    let (mut actor, claim) = working(&project);
    assert_eq!(told(&judge(&mut actor, &claim, "7")), (true, 3));
    assert_eq!(told(&judge(&mut actor, &claim, "{answer: 'yes'}")), (false, 2));
}

#[test]
fn a_document_comes_back_with_its_values_as_they_were() {
    let project = project_with(&json!({}), &json!({}), None);
    let (mut actor, claim) = working(&project);
    for raw in [
        "9007199254740992",
        "-0.5e-3",
        r#"{"deep": [[[{"x": null}]]], "": "ключ \"' \\ \u0001", "王": 0.1}"#,
        r#""email a@b.tw, card 4111 1111 1111 1111""#,
    ] {
        let read = judge(&mut actor, &claim, raw);
        assert_eq!(read["document"], serde_json::from_str::<Value>(raw).expect("JSON"), "{raw}");
    }
}
