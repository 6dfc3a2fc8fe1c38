//! What the logs and errors of the redaction operations say when their arguments hold secrets: nothing of them.

use serde_json::json;

use super::TOKEN;
use crate::harness::answer::{eventually, literal};
use crate::harness::gateway::HttpGateway;
use crate::harness::platform::call_code;
use crate::harness::{Options, OwnServer, Session};
use crate::http::client::Caller;
use crate::http::scene::project_on;

/// Enough that the server tells of every statement and error, with what was bound to it.
const TALKATIVE: &str = "log_statement = all
log_min_duration_statement = 0
log_min_messages = debug1
log_min_error_statement = debug1
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
debug_print_plan = on";

const SHAPE: &str = "(unclosed-MARKER-shape";

#[test]
fn arguments_with_secrets_reach_neither_an_error_nor_a_log() {
    let server = OwnServer::start(&Options { settings: TALKATIVE.to_owned(), ..Options::default() });
    let (_, key) = project_on(&server);
    let gateway = HttpGateway::start_on(&server, &[("LOG", "debug")]);
    let caller = Caller::new(&gateway, &key);
    let long = "MARKER".repeat(400);
    for (operation, arguments, code) in [
        ("set_redaction_rule", json!({"rule_id": TOKEN, "family": "secret", "shape": SHAPE}), "E-REDACT-002"),
        ("set_redaction_rule", json!({"rule_id": "r", "family": "secret", "shape": "MARKER*|"}), "E-REDACT-002"),
        ("set_redaction_rule", json!({"rule_id": "r", "family": TOKEN, "shape": "MARKER"}), ""),
        ("set_redaction_rule", json!({"rule_id": "r", "family": "secret", "shape": long}), ""),
        ("set_redaction_rule", json!({"rule_id": "r", "family": "secret", "shape": "x", "keywords": [TOKEN, 7]}), ""),
        ("set_redaction_rule", json!({"rule_id": "r", "family": "secret", "shape": "x", "MARKER": TOKEN}), ""),
        ("set_redaction_family", json!({"family": TOKEN, "mode": "allow"}), ""),
        ("set_redaction_family", json!({"family": "email", "mode": TOKEN}), ""),
        ("set_redaction_family", json!({"family": "vendor_token", "mode": "allow"}), "E-REDACT-001"),
        ("remove_redaction_rule", json!({"rule_id": TOKEN}), "E-REDACT-004"),
        ("get_redaction", json!({"MARKER": TOKEN}), ""),
    ] {
        let reply = caller.call(operation, arguments.clone());
        let (status, found) = reply.problem();
        assert!((400..=409).contains(&status), "{arguments}: {reply:?}");
        assert!(if code.is_empty() { found.starts_with("E-INPUT") } else { found == code }, "{arguments}: {reply:?}");
        assert!(!reply.body.contains(TOKEN) && !reply.body.contains("MARKER"), "{reply:?}");
    }
    // What is taken is not told either.
    let taken = json!({"rule_id": "r", "family": "secret", "shape": format!("{TOKEN}MARKER"), "keywords": ["MARKER"]});
    caller.call("set_redaction_rule", taken).expect(200);
    caller.call("remove_redaction_rule", json!({"rule_id": "r"})).expect(200);
    let mut admin = server.superuser();
    admin.run("select 'the end of the log'");
    eventually("the end of the log", || server.log().contains("the end of the log"));
    for (whose, log) in [("the server's", server.log()), ("the gateway's", gateway.log())] {
        assert!(!log.contains(TOKEN) && !log.contains("MARKER"), "an argument is in {whose} log");
    }
    assert!(server.log().contains("awooop.call($1, $2, $3, $4, $5)"), "the log tells of statements");
}

#[test]
fn in_sql_an_error_quotes_no_argument_whoever_makes_it() {
    let project = crate::harness::Project::new();
    let mut actor = project.actor();
    for sql in [
        format!("select awooop.set_redaction_rule('{TOKEN} ', 'secret', 'x')"),
        format!("select awooop.set_redaction_rule('r', '{TOKEN}', 'x')"),
        format!("select awooop.set_redaction_rule('r', 'secret', {})", literal(SHAPE)),
        format!("select awooop.set_redaction_rule('r', 'secret', 'x', array['{TOKEN}', null])"),
        format!("select awooop.set_redaction_family('{TOKEN}', 'allow')"),
        format!("select awooop.set_redaction_family('email', '{TOKEN}')"),
        format!("select awooop.remove_redaction_rule('{TOKEN}')"),
    ] {
        let failure = actor.attempt(&sql).expect_err(&sql);
        let said = format!("{failure:?}");
        assert!(failure.code().starts_with("E-") && !said.contains("ghp_") && !said.contains("MARKER"), "{said}");
    }
}

#[test]
fn a_document_that_cannot_be_read_is_not_repeated() {
    let mut session: Session = crate::harness::platform::login_in(None, &["awooop_tenant"]).1;
    let project = crate::harness::Project::new();
    let mut gateway = crate::harness::platform_logins::gateway_login_in(&project.database);
    let key = project.actor().call("select awooop.create_api_key('k', '{redaction:admin}')")["api_key"].clone();
    let key = key.as_str().unwrap_or_default();
    for arguments in
        [format!("{{\"rule_id\": \"{TOKEN}\""), format!("{{\"{TOKEN}\": 1, \"{TOKEN}\": 2}}"), TOKEN.to_owned()]
    {
        let code = call_code(&mut gateway.0, &project.id, key, "set_redaction_rule", &arguments);
        assert!(code.starts_with("E-INPUT"), "{code}");
        let failure =
            crate::harness::platform::call(&mut gateway.0, &project.id, key, "set_redaction_rule", &arguments);
        assert!(!format!("{failure:?}").contains("ghp_"), "{failure:?}");
    }
    assert_eq!(session.value("select awooop.redact('{\"a\":')"), "{\"a\":");
}
