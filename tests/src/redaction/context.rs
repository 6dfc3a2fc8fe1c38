//! What PostgreSQL would add to our lines in its log: the statement, and the statements and functions that it is part of,
//! with their literals.

use crate::harness::answer::eventually;
use crate::harness::{Options, OwnServer, Session, literal};

/// Runs `sql` within `project`: written out in a DO block, and from a text in one. Each has a secret in it.
fn nested(session: &mut Session, project: &str, sql: &str) {
    for (n, block) in [
        format!("begin perform ({sql}) /* CTXLEAK-static */; end"),
        format!("declare e jsonb; begin select ({sql}) into e /* CTXLEAK-into */; end"),
        format!("declare e jsonb; begin execute {} into e; end", literal(&format!("{sql} /* CTXLEAK-execute */"))),
    ]
    .into_iter()
    .enumerate()
    {
        session.run("begin");
        session.run(&format!("select awooop.enter_project('{project}')"));
        session.run(&format!("do $block{n}$ {block} $block{n}$"));
        session.run("commit");
    }
}

/// The log once it has `line` as often; nothing of a caller's statements is in it, of whatever line.
#[track_caller]
fn without_context(server: &OwnServer, line: &str, times: usize) {
    eventually(line, || server.log().matches(line).count() >= times);
    let log = server.log();
    for word in ["CTXLEAK", "CONTEXT:", "STATEMENT:", "hunter7"] {
        assert!(!log.contains(word), "{word} is in the log: {log}");
    }
}

#[test]
fn an_envelopes_event_does_not_bring_its_tags_as_context() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("writer", "active", "envelope:write");
    let mut session = server.connect("writer");
    let sql = r#"select awooop.build_envelope('agent', 'telegram', '886912345678',
                    extra_tags => '{"password": "CTXLEAKhunter7", "shop": "x"}')"#;
    nested(&mut session, &project, sql);
    without_context(&server, "provider_proxy_envelope_built", 3);
    assert!(server.log().contains(r#""password":"[REDACTED:secret]""#));
    // What was hidden is there again: an error of this session says where it happened.
    let failure = session.0.batch_execute("do $$ begin perform 1 / 0; end $$").expect_err("an error");
    let place = failure.as_db_error().and_then(|error| error.where_()).unwrap_or_default();
    assert!(place.contains("inline_code_block"), "{place}");
}

#[test]
fn what_a_standby_logs_instead_of_recording_it_has_no_context() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("weak", "active", "envelope:write");
    server.stop();
    let data = server.keyring().with_file_name("data");
    server.shell(&format!("touch '{}/standby.signal'", data.display()));
    server.restart();
    let mut session = server.connect("weak");
    assert_eq!(session.value("select pg_is_in_recovery()"), "t");
    nested(&mut session, &project, "select awooop.list_audit()");
    without_context(&server, "awooop_refused", 3);
    let mut admin = server.superuser();
    for block in [
        "begin perform awooop.authenticate('p', 'awk_p.CTXLEAKhunter7.x'); end",
        "begin execute 'select awooop.authenticate(''p'', ''awk_p.CTXLEAKhunter7.x'')'; end",
    ] {
        admin.run(&format!("do $$ {block} $$"));
    }
    without_context(&server, "awooop_failed_authentication", 2);
}

#[test]
fn a_cause_that_is_logged_for_a_caller_who_learns_nothing_of_it_has_no_context() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("member", "active", "envelope:write");
    let mut admin = server.superuser();
    // A column that no library of ours has made: it cannot be read.
    admin.run("alter table awooop.role_bindings alter scopes type integer[] using '{1}'::integer[]");
    // An error brings its statement into the log, for PostgreSQL's own reasons: this session keeps that out.
    admin.run("alter role member set log_min_error_statement = panic; alter role member set log_min_messages = log");
    let mut session = server.connect("member");
    let sql = format!("do $$ begin perform awooop.enter_project('{project}') /* CTXLEAK */; end $$");
    let failure = session.rows(&sql).expect_err("an internal error");
    assert_eq!(failure.code(), "E-SYS-002", "{failure:?}");
    without_context(&server, "awooop: internal error:", 1);
}

#[test]
fn a_log_that_is_not_sealed_is_told_of_without_context() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("member", "active", "agents:write");
    let mut admin = server.superuser();
    admin.run("select awooop.maintain()");
    server.connect("member").within(&project, "select awooop.create_agent('another')");
    // The guard against DML would refuse it.
    admin.run(&format!(
        "alter table awooop.audit_head disable trigger all; \
         update awooop.audit_head set tree_size = tree_size + 1 where project_id = '{project}'; \
         alter table awooop.audit_head enable trigger all"
    ));
    admin.run("do $$ begin perform awooop.maintain() /* CTXLEAK-static */; end $$");
    admin.run("do $$ begin execute 'select awooop.maintain() /* CTXLEAK-execute */'; end $$");
    without_context(&server, "is not sealed: ", 2);
}
