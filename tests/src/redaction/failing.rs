//! The redactor fails: whatever goes wrong in it, nothing comes out unredacted, and nobody is told what it was looking at.
//! For builds with the feature `faults`, whose setting makes it panic with the statement in the message.

use serde_json::{Value, json};

use super::{EMAIL, TOKEN};
use crate::harness::answer::{eventually, literal};
use crate::harness::{Options, OwnServer, Session};

const SAID: &str = "PANIC-MARKER hunter7";

/// A server whose redactor fails on this, with a project that is `writer`'s and `reader`'s.
fn stage(fault: &str) -> (OwnServer, String, Session, Session) {
    let server = OwnServer::start(&Options::default());
    let scopes = "envelope:write,runs:read,runs:write,runs:work,redaction:admin";
    // No contract is published where the redactor cannot look for credentials in it: it fails from here on.
    let project = server.tenant("writer", "active", scopes);
    let mut admin = server.superuser();
    admin.run(&format!("create role reader login; select awooop.bind_role('reader', '{project}', '{{runs:read}}')"));
    admin.run(&format!("alter system set awooop.fault_on = '{fault}'"));
    admin.run("select pg_reload_conf()");
    eventually("the fault", || server.superuser().value("show awooop.fault_on") == fault);
    let (writer, reader) = (server.connect("writer"), server.connect("reader"));
    (server, project, writer, reader)
}

/// The server's log without the statements that PostgreSQL adds to errors.
fn told(server: &OwnServer) -> String {
    eventually("the failure in the log", || server.log().contains("awooop: the redactor failed at "));
    server.log()
}

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn a_redactor_that_panics_redacts_the_whole_text() {
    let (server, project, mut writer, _) = stage("a text");
    let said = literal(SAID);
    assert_eq!(writer.value(&format!("select awooop.redact({said})")), "[REDACTED:secret]");
    for document in [json!({"a": SAID}), json!([SAID]), json!(SAID), json!(7), Value::Null] {
        let sql = format!("select awooop.redact_json({})", literal(&document.to_string()));
        assert_eq!(writer.value(&sql), "\"[REDACTED:secret]\"");
    }
    let found = format!("select concat_ws(' ', family, rule, start, \"end\") from awooop.find_sensitive({said})");
    assert_eq!(writer.value(&found), "secret redactor-failed 1 21");
    // In a project, too.
    let within = writer.within(&project, &format!("select to_json(awooop.redact({said}))"));
    assert_eq!(within, "[REDACTED:secret]");
    // The session lives, and so do its transactions.
    assert_eq!(writer.value("select 1"), "1");
    let log = told(&server);
    assert!(log.contains("on a text of 20 bytes"), "{log}");
    for word in ["PANIC-MARKER", "hunter7", "on purpose", "panicked", "XX000"] {
        assert!(!log.contains(word), "{word} is in the log: {log}");
    }
}

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn what_is_stored_logged_and_shown_is_redacted_as_a_whole() {
    let (server, project, mut writer, mut reader) = stage("a text");
    let tags = literal(&json!({"note": SAID}).to_string());
    let envelope = writer.within(
        &project,
        &format!("select awooop.build_envelope('agent', 'sms', '886912345678', extra_tags => {tags})"),
    );
    let envelope = literal(&envelope.to_string());
    let input = literal(&json!({"note": SAID, "mail": EMAIL, "key": TOKEN}).to_string());
    let run =
        writer.within(&project, &format!("select awooop.create_run({envelope}, input => {input}, tags => {tags})"));
    let run = run["run_id"].as_str().unwrap_or_default().to_owned();
    let seen = reader.within(&project, &format!("select awooop.get_run('{run}')"));
    assert_eq!((&seen["redacted"], &seen["input"]), (&json!(true), &json!("[REDACTED:secret]")), "{seen}");
    let cancelled = writer.within(&project, &format!("select awooop.cancel_run('{run}', {})", literal(SAID)));
    assert_eq!(cancelled["error"]["message"], "[REDACTED:secret]");
    let log = told(&server);
    assert!(log.contains("\"tags\":\"[REDACTED:secret]\""), "{log}");
    let mut admin = server.superuser();
    let facts = admin.value("select string_agg(a::text, ' ') from awooop.audit_log a");
    for (whose, text) in [("the server's log", &log), ("the audit log", &facts)] {
        assert!(!text.contains("MARKER") && !text.contains(EMAIL) && !text.contains(TOKEN), "{whose}: {text}");
    }
}

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn nobody_but_a_superuser_makes_the_redactor_fail() {
    let (_server, _, mut writer, _) = stage("a text");
    for sql in ["set awooop.fault_on = ''", "select set_config('awooop.fault_on', '', false)"] {
        assert_eq!(writer.code(sql), "42501", "{sql}");
    }
}

#[test]
#[ignore = "needs a build with the feature `faults`; `cargo xtask test` makes one"]
fn rules_that_cannot_be_made_ready_show_nothing() {
    let (server, project, mut writer, _) = stage("rules");
    let set = format!("select awooop.set_redaction_rule('r', 'secret', {})", literal(SAID));
    let redact = format!("select to_json(awooop.redact({}))", literal(SAID));
    for sql in [set, redact] {
        let failure = writer.try_within(&project, &sql).expect_err("no redactor");
        assert_eq!(failure.code(), "E-SYS-002", "{sql}: {failure:?}");
        assert!(!format!("{failure:?}").contains("MARKER"), "{failure:?}");
    }
    assert!(told(&server).contains(" on rules of 20 bytes"));
    // Without a project there are no rules.
    assert_eq!(writer.value("select awooop.redact('ada@example.com')"), "[REDACTED:email]");
}
