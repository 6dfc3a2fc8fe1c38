//! What is redacted before it is stored, whatever the project allows: messages of errors, reasons, facts of the audit
//! log, tags in the server's log.

use serde_json::{Value, json};

use super::{EMAIL, Stage, TOKEN};
use crate::harness::answer::{eventually, literal};
use crate::harness::{Options, OwnServer, own_database};

const SAID: &str = "ada.lovelace@example.com sent ghp_0123456789abcdefghijABCDEFGHIJ012345 and 7";
const REDACTED: &str = "[REDACTED:email] sent [REDACTED:vendor_token] and 7";

/// A stage whose project shows whatever it can.
fn generous() -> Stage {
    let mut stage = Stage::new();
    for family in ["email", "phone", "payment_card", "national_id"] {
        stage.creator.call(&format!("select awooop.set_redaction_family('{family}', 'allow')"));
    }
    stage
}

#[test]
fn a_workers_message_is_stored_redacted_whether_the_run_is_tried_again_or_not() {
    let mut stage = generous();
    assert!(SAID.contains(EMAIL) && SAID.contains(TOKEN));
    for retryable in ["true", "false"] {
        let run = stage.creator.create_id("");
        let claim = stage.worker.claim_one("w");
        assert_eq!(claim.run, run);
        let failed = stage.worker.call(&claim.sql("fail_run", &format!(", 'upstream', '{SAID}', {retryable}")));
        let error = json!({"code": "upstream", "message": REDACTED, "attempt": 1});
        assert_eq!(failed["error"], error);
        assert_eq!(stage.creator.show(&run)["error"], error);
        let row =
            stage.stored(&format!("select error from awooop.run_state where project_id = $p and run_id = '{run}'"));
        assert_eq!(serde_json::from_str::<Value>(&row).ok(), Some(error));
        if retryable == "true" {
            stage.creator.call(&format!("select awooop.cancel_run('{run}')"));
        }
    }
}

#[test]
fn the_reasons_of_a_switch_and_of_an_adjustment_are_stored_redacted() {
    let mut stage = generous();
    let switched = stage.creator.call(&format!("select awooop.switch_budget('agent', 'paused', 'sleeper', '{SAID}')"));
    assert_eq!(switched["reason"], REDACTED);
    assert_eq!(stage.stored("select reason from awooop.budget_switch where project_id = $p"), REDACTED);
    let envelope = literal(&stage.creator.envelope().to_string());
    let reserved = stage.creator.call(&format!("select awooop.reserve_budget({envelope}, tokens => 5)"));
    let id = reserved["reservation_id"].as_str().expect("a reservation").to_owned();
    stage.creator.call(&format!("select awooop.settle_budget('{id}', tokens => 5)"));
    stage.creator.call(&format!("select awooop.adjust_budget('{id}', '{SAID}', 1)"));
    let noted = stage.stored("select note from awooop.budget_ledger where project_id = $p and entry = 'adjust'");
    assert_eq!(noted, REDACTED);
}

#[test]
fn the_reason_of_a_cancellation_is_stored_redacted() {
    let mut stage = generous();
    let run = stage.creator.create_id("");
    let cancelled = stage.creator.call(&format!("select awooop.cancel_run('{run}', '{SAID}')"));
    assert_eq!(cancelled["error"], json!({"code": "cancelled", "message": REDACTED}));
    let row = stage.stored(&format!(
        "select error ->> 'message' from awooop.run_state where project_id = $p and run_id = '{run}'"
    ));
    assert_eq!(row, REDACTED);
    // A message that names its secret, and none at all.
    let run = stage.creator.create_id("");
    let cancelled =
        stage.creator.call(&format!("select awooop.cancel_run('{run}', 'password: correct-horse-7-battery')"));
    assert_eq!(cancelled["error"]["message"], "password: [REDACTED:secret]");
    let run = stage.creator.create_id("");
    assert_eq!(stage.creator.call(&format!("select awooop.cancel_run('{run}')"))["error"]["message"], Value::Null);
}

#[test]
fn a_reason_in_the_audit_log_is_redacted_in_the_nine_families_whatever_the_project_allows_or_adds() {
    let mut stage = generous();
    stage.creator.call("select awooop.set_redaction_family('ip', 'redact')");
    stage.creator.call("select awooop.set_redaction_rule('hide', 'secret', 'by the operator|suspend')");
    let said = format!("{SAID}, call 0912-345-678 or 203.0.113.77, by the operator");
    let project = stage.project.id.clone();
    stage.admin.run(&format!("select awooop.suspend_project('{project}', reason => {})", literal(&said)));
    let fact = stage.stored(
        "select facts ->> 'reason' from awooop.audit_log where project_id = $p and action = 'project_suspended'",
    );
    // Nor does a project hide its doings behind a rule of its own, or a family that is off by default.
    assert_eq!(fact, format!("{REDACTED}, call [REDACTED:phone] or 203.0.113.77, by the operator"));
    let anywhere = format!(
        "select count(*) from awooop.audit_log where audit_log::text like any (array['%{EMAIL}%', '%{TOKEN}%'])"
    );
    assert_eq!(stage.admin.value(&anywhere), "0");
}

#[test]
fn no_text_of_a_caller_reaches_the_audit_log_unredacted() {
    let (database, mut admin) = own_database();
    let mut stage = Stage::of(crate::harness::Project::in_database(&database));
    let (said, project) = (literal(SAID), stage.project.id.clone());
    let creator = &mut stage.creator;
    creator.call(&format!("select awooop.create_agent('agent', display_name => {said})"));
    creator.call(&format!("select awooop.upsert_platform_subject('telegram', '9', {said}, {said})"));
    let key = creator.call(&format!("select awooop.create_api_key({said}, '{{}}')"));
    creator.call(&format!("select awooop.rotate_api_key('{}')", key["key_id"].as_str().unwrap_or_default()));
    let tags = literal(&json!({"note": SAID}).to_string());
    let input = literal(&json!({"note": SAID}).to_string());
    let run = creator.create_id(&format!(", input => {input}, tags => {tags}, idempotency_key => {said}"));
    let claim = stage.worker.claim_one("w");
    stage.worker.call(&claim.sql("record_step", &format!(", 's', {input}, {input}")));
    stage.worker.call(&claim.sql("fail_run", &format!(", 'x', {said}")));
    stage.other.call(&format!("select awooop.cancel_run('{run}', {said})"));
    stage.creator.call(&format!("select awooop.set_redaction_rule('r', 'secret', {})", literal(TOKEN)));
    stage.creator.call("select awooop.remove_redaction_rule('r')");
    admin.run(&format!("select awooop.set_operation('whoami', false, {said})"));
    admin.run(&format!("select awooop.suspend_project('{project}', reason => {said})"));
    let rows = admin.value("select string_agg(a::text, chr(10)) from awooop.audit_log a");
    assert!(rows.lines().count() > 12 && rows.contains(REDACTED), "{rows}");
    for secret in [EMAIL, TOKEN, "ghp_"] {
        assert!(!rows.contains(secret), "{secret} is in the audit log: {rows}");
    }
}

#[test]
fn the_tags_of_an_envelopes_event_are_logged_redacted_and_its_identifiers_as_they_are() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("writer", "active", "envelope:write,redaction:admin");
    let mut session = server.connect("writer");
    session.within(&project, "select awooop.set_redaction_family('email', 'allow')");
    let tags = literal(&json!({"note": SAID, "password": "correct-horse-7-battery", "shop": "ewoooc"}).to_string());
    let sql = format!("select awooop.build_envelope('agent', 'sms', '886912345678', extra_tags => {tags})");
    session.within(&project, &sql);
    let event = || {
        let log = server.log();
        let line = log.lines().filter_map(|line| line.split_once("LOG:  provider_proxy_envelope_built ")).next();
        line.and_then(|(_, event)| serde_json::from_str::<Value>(event).ok())
    };
    eventually("the event", || event().is_some());
    let event = event().unwrap_or_default();
    assert_eq!(event["tags"], json!({"note": REDACTED, "password": "[REDACTED:secret]", "shop": "ewoooc"}));
    assert_eq!(event["platform_subject_id"], format!("{project}:sms:886912345678"));
    assert!(!server.log().contains(TOKEN));
}
