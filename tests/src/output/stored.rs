//! What stays of an output: exact for those who work on the run, redacted for everybody else, and nothing of it in the
//! audit log, the run's error and the server's log.

use serde_json::{Value, json};

use super::{answer, complete, contracts, judge, judging, project, working};
use crate::harness::answer::eventually;
use crate::harness::gateway::HttpGateway;
use crate::harness::quiet::text;
use crate::harness::{Options, OwnServer};
use crate::http::client::Caller;
use crate::http::scene::project_on;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
const EMAIL: &str = "ada.lovelace@example.com";

/// Texts that fail, with secrets as values, as names and around the document, and a number that is told as it is.
fn secrets() -> [String; 3] {
    [
        format!("I used {TOKEN} for {EMAIL}. MARKER"),
        format!("{{\"answer\": \"{TOKEN} MARKER\", \"{TOKEN}\": \"{EMAIL}\", \"x/{EMAIL}\": 1, \"score\": 47112}}"),
        format!("```json\n{{'answer': ['{TOKEN}', 'MARKER'], 'score': 'MARKER', '{EMAIL}': '{TOKEN}"),
    ]
}

fn hidden(what: &str, text: &str) {
    for secret in [TOKEN, EMAIL, "MARKER", "47112"] {
        assert!(!text.contains(secret), "{secret} is in {what}: {text}");
    }
}

#[test]
fn nothing_of_an_output_is_in_the_runs_error_or_the_audit_log() {
    let project = project();
    for through_complete_run in [false, true] {
        for last in secrets() {
            let (mut actor, claim) = working(&project);
            for raw in ["no", "no", &last] {
                if through_complete_run {
                    // The document itself where it is one, else its text.
                    let result = serde_json::from_str(raw).unwrap_or_else(|_| json!([raw]));
                    complete(&mut actor, &claim, &result);
                } else {
                    judge(&mut actor, &claim, raw);
                }
            }
            let mut admin = project.admin();
            let run = format!("where run_id = '{}'", claim.run);
            let error = admin.value(&format!("select error from awooop.run_state {run}"));
            assert!(error.contains("E-SCHEMA-001"), "{error}");
            hidden("the run's error", &error);
            hidden("what readers see", &actor.show(&claim.run)["error"].to_string());
            hidden(
                "the audit log",
                &admin.value(&format!("select string_agg(a::text, E'\\n') from awooop.audit_log a {run}")),
            );
        }
    }
}

#[test]
fn the_worker_gets_names_and_numbers_back_and_others_do_not() {
    let project = project();
    let (mut actor, claim) = working(&project);
    let read = judge(&mut actor, &claim, &secrets()[1]);
    let errors = read["errors"].to_string();
    assert!(errors.contains(TOKEN) && errors.contains("47112") && !errors.contains("MARKER"), "{errors}");
    let page = format!("select awooop.list_steps('{}')", claim.run);
    let exact = actor.call(&page)["items"][0].clone();
    assert_eq!((&exact["request"]["raw"], &exact["result"]), (&json!(secrets()[1]), &read));
    // Somebody else of the project.
    let mut admin = project.admin();
    let role = crate::harness::unique("other");
    admin.run(&format!("create role {role} login password 'secret'"));
    admin.run(&format!("select awooop.bind_role('{role}', '{}', '{{runs:read}}')", project.id));
    let config = crate::harness::server::config_for(&role, "secret", Some(&project.database));
    let mut other = crate::harness::Session::new(crate::harness::connect(&config));
    let shown = other.within(&project.id, &page)["items"][0].to_string();
    assert!(!shown.contains(TOKEN) && !shown.contains(EMAIL) && shown.contains("[REDACTED:vendor_token]"), "{shown}");
    // And through row-level security, nobody of another project anything.
    let mut stranger = crate::harness::Project::new().actor();
    assert_eq!(stranger.code(&page), "E-RUN-001");
}

/// Enough that the server tells of every statement and error, with what was bound to it.
const TALKATIVE: &str = "log_statement = all
log_min_duration_statement = 0
log_min_messages = debug1
log_min_error_statement = debug1
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1";

#[test]
fn nothing_of_an_output_is_in_a_log() {
    let server = OwnServer::start(&Options { settings: TALKATIVE.to_owned(), ..Options::default() });
    let (project, key) = project_on(&server);
    contracts(&mut server.superuser(), &project, &answer(), &json!({}), None);
    let gateway = HttpGateway::start_on(&server, &[("LOG", "debug")]);
    let caller = Caller::new(&gateway, &key);
    let envelope = caller.call("build_envelope", crate::http::scene::message("7")).expect(200);
    caller.call("create_run", json!({"envelope": envelope})).expect(201);
    let claim = caller.call("claim_runs", json!({"worker_id": "w"})).expect(200)["runs"][0].clone();
    let with = |more: Value| {
        let mut arguments = json!({"run_id": claim["run_id"], "lease": claim["lease"]});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let [first, second, third] = secrets();
    caller.call("validate_output", with(json!({"raw": first, "attempt": 1}))).expect(200);
    // Faults, whose errors are logged.
    for (raw, attempt) in [(&second, 1), (&second, 7), (&second, 0)] {
        assert!(
            (400..=409).contains(&caller.call("validate_output", with(json!({"raw": raw, "attempt": attempt}))).status)
        );
    }
    let result = serde_json::from_str::<Value>(&second).unwrap();
    assert_eq!(caller.call("complete_run", with(json!({"result": result}))).problem(), (422, "E-SCHEMA-004".into()));
    assert_eq!(caller.call("validate_output", with(json!({"raw": third}))).problem(), (422, "E-SCHEMA-001".into()));
    server.superuser().run("select 'the end of the log'");
    eventually("the end of the log", || server.log().contains("the end of the log"));
    hidden("the server's log", &server.log());
    hidden("the gateway's log", &gateway.log());
    assert_eq!(text(&caller.call("get_run", json!({"run_id": claim["run_id"]})).expect(200)["state"]), "failed");
}

#[test]
fn a_text_is_kept_as_it_was_sent() {
    let project = project();
    let (mut actor, claim) = working(&project);
    let raw = "\u{feff}\u{1}\t\r\n'\\u0000' \"王\" \\ $$ 😀 \u{7f}";
    judge(&mut actor, &claim, raw);
    let kept = project.admin().json(&format!(
        "select request from awooop.step_journal where run_id = '{}' and step_key = 'awooop:output/1'",
        claim.run
    ));
    assert_eq!(kept, json!({"raw": raw, "through": "validate_output"}));
    assert_eq!(actor.call(&judging(&claim, raw, ", 1"))["attempts_left"], 2, "and compared so");
}
