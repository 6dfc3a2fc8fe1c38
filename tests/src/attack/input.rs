//! Hostile values for every argument of every function a tenant, an operator or the gateway may call: no internal error,
//! no broken connection, no input in an error, nothing changed.

use awooop_policy::operation::OPERATIONS;

use crate::harness::platform::{call, gateway, login_in};
use crate::harness::quiet::{EVERY_SCOPE, quiet_database};
use crate::harness::tenant::api_key;
use crate::harness::{Failure, Project, Session, Tenant, literal};

/// What no error may repeat.
const MARKER: &str = "m4rk3r";

/// Hostile values for an argument of this SQL type, as SQL. Those of PostgreSQL's own types are values, not texts that
/// PostgreSQL itself would refuse and quote.
fn hostile(kind: &str) -> Vec<String> {
    let mut values: Vec<String> = match kind {
        "text" => {
            let mut texts: Vec<String> = [
                "",
                " ",
                MARKER,
                "m4rk3r'; drop table awooop.agents; --",
                "m4rk3r\\'\"`$$",
                "m4rk3r\u{1}\u{7f}\u{85}",
                "m4rk3r\n\r\t",
                "m4rk3r%s%n%1$s{}",
                "m4rk3r\u{202e}\u{feff}\u{10ffff}",
                "m4rk3r:m4rk3r:m4rk3r",
                "../../m4rk3r",
                "awk_m4rk3r.m4rk3r.m4rk3r",
                "awl_m4rk3r.m4rk3r.1.m4rk3r",
                "null",
                "NaN",
                "-1",
                "1e400",
            ]
            .iter()
            .map(|text| literal(text))
            .collect();
            texts.push(format!("repeat('{MARKER}', 200000)"));
            texts.push("chr(65533) || repeat(chr(128512), 300)".to_owned());
            texts
        }
        "jsonb" => [
            "null",
            "true",
            "1",
            "-0",
            "9007199254740993",
            "1e400",
            "-1e400",
            "1e-400",
            "0.1",
            "\"m4rk3r\"",
            "[]",
            "{}",
            "[[[[[[]]]]]]",
            "{\"m4rk3r\": \"m4rk3r\"}",
            "{\"\": 1}",
            "{\"a\": {\"m4rk3r\": 12345678901234567890}}",
            "{\"project_id\": \"m4rk3r\"}",
            "{\"a\": \"\\u2028\\ud83d\\ude00\"}",
        ]
        .iter()
        .map(|text| format!("{}::jsonb", literal(text)))
        .chain([
            "(repeat('[', 70) || repeat(']', 70))::jsonb".to_owned(),
            "(repeat('{\"m4rk3r\":', 1000) || '1' || repeat('}', 1000))::jsonb".to_owned(),
            "to_jsonb(repeat('m4rk3r', 200000))".to_owned(),
            "(select jsonb_object_agg('m4rk3r' || n, n) from generate_series(1, 1000) n)".to_owned(),
            "(select jsonb_agg(n) from generate_series(1, 100000) n)".to_owned(),
            "to_jsonb(10::numeric ^ 1000)".to_owned(),
            "to_jsonb('infinity'::timestamptz)".to_owned(),
        ])
        .collect(),
        "text[]" => [
            "'{}'",
            "array[null]",
            "array[null, 'm4rk3r']",
            "array['m4rk3r', 'm4rk3r']",
            "array[['a', 'b'], ['c', 'd']]",
            "'[5:6]={runs:read,m4rk3r}'",
            "array_fill('m4rk3r'::text, array[10000])",
            "array['']",
            "array[repeat('m4rk3r', 100000)]",
            "array_fill('x'::text, array[2, 2, 2, 2, 2, 2])",
        ]
        .iter()
        .map(|value| format!("{value}::text[]"))
        .collect(),
        "integer" => ["0", "-1", "2147483647", "(-2147483648)", "1"].map(str::to_owned).to_vec(),
        "bigint" => ["0", "-1", "9007199254740993", "9223372036854775807", "(-9223372036854775808)", "1"]
            .map(|number| format!("{number}::bigint"))
            .to_vec(),
        "boolean" => ["true", "false"].map(str::to_owned).to_vec(),
        "uuid" => [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "018f0000-0000-7000-8000-000000000000",
        ]
        .map(|id| format!("'{id}'::uuid"))
        .to_vec(),
        "timestamp with time zone" => [
            "infinity",
            "-infinity",
            "epoch",
            "294276-12-31 23:59:59.999999+00",
            "4713-01-01 00:00:00+00 BC",
            "0001-01-01 00:00:00+00",
            "10000-01-01 00:00:00+00",
            "2000-02-29 23:59:60+00",
        ]
        .map(|time| format!("'{time}'::timestamptz"))
        .to_vec(),
        other => panic!("no hostile values for the type {other}"),
    };
    values.push(format!("null::{kind}"));
    values
}

/// A function with its argument types, and an ordinary value for each.
struct Target {
    name: String,
    kinds: Vec<String>,
}

impl Target {
    fn ordinary(kind: &str) -> &'static str {
        match kind {
            "jsonb" => "'{}'::jsonb",
            "text[]" => "'{}'::text[]",
            "integer" => "5",
            "bigint" => "5::bigint",
            "boolean" => "true",
            "uuid" => "'018f0000-0000-7000-8000-000000000000'::uuid",
            "timestamp with time zone" => "now()",
            _ => "'x'",
        }
    }

    /// Every call with one hostile argument, then some with all hostile.
    fn calls(&self) -> Vec<String> {
        let mut calls = Vec::new();
        let mut call = |values: &[String]| calls.push(format!("select awooop.{}({})", self.name, values.join(", ")));
        let ordinary: Vec<String> = self.kinds.iter().map(|kind| Self::ordinary(kind).to_owned()).collect();
        for (n, kind) in self.kinds.iter().enumerate() {
            for value in hostile(kind) {
                let mut values = ordinary.clone();
                values[n] = value;
                call(&values);
            }
        }
        for round in 0..8 {
            let values: Vec<String> = self
                .kinds
                .iter()
                .enumerate()
                .map(|(n, kind)| {
                    let mut values = hostile(kind);
                    let chosen = (round * 7 + n * 3) % values.len();
                    values.swap_remove(chosen)
                })
                .collect();
            call(&values);
        }
        calls
    }
}

/// What the session's role may execute, by the catalogue.
fn targets(session: &mut Session) -> Vec<Target> {
    let sql = "select p.proname, coalesce((select string_agg(format_type(t, null), '|' order by n)
                      from unnest(p.proargtypes) with ordinality a (t, n)), '')
               from pg_proc p where p.pronamespace = 'awooop'::regnamespace and has_function_privilege(p.oid, 'execute')
               order by 1";
    let rows = session.rows(sql).unwrap();
    let target = |row: Vec<Option<String>>| {
        let mut row = row.into_iter().flatten();
        let (name, kinds) = (row.next().unwrap_or_default(), row.next().unwrap_or_default());
        Target { name, kinds: kinds.split('|').filter(|kind| !kind.is_empty()).map(str::to_owned).collect() }
    };
    rows.into_iter().map(target).collect()
}

/// An error that is ours, or one of PostgreSQL's that a caller can provoke; none repeats what was sent.
#[track_caller]
fn check(sql: &str, failure: &Failure) {
    let (start, _) = sql.split_at(sql.len().min(300));
    for text in [&failure.message, &failure.detail, &failure.hint] {
        assert!(!text.contains(MARKER), "{start}\nrepeats its input: {failure:?}");
    }
    let code = failure.code();
    assert!(code.starts_with("E-"), "{start}\nan error without a code of ours: {failure:?}");
    assert_ne!(code, "E-SYS-002", "{start}\n{failure:?}");
}

/// Sends every hostile call, each in a transaction that is rolled back.
fn sweep(session: &mut Session, bind: Option<&str>, skip: &[&str]) -> usize {
    let mut sent = 0;
    for target in targets(session).iter().filter(|target| !skip.contains(&target.name.as_str())) {
        for sql in target.calls() {
            session.run("begin");
            if let Some(project) = bind {
                session.run(&format!("select awooop.enter_project('{project}')"));
            }
            match session.rows(&sql) {
                Ok(rows) => {
                    let problem = rows.first().and_then(|row| row.first().cloned().flatten()).unwrap_or_default();
                    let refusal = problem.contains("urn:awooop:error");
                    assert!(!(refusal && problem.contains(MARKER)), "{}: a refusal repeats its input", target.name);
                }
                Err(failure) => check(&sql, &failure),
            }
            session.run("rollback");
            sent += 1;
        }
    }
    assert_eq!(session.value("select 1"), "1");
    sent
}

#[test]
fn no_value_a_tenant_sends_makes_an_internal_error() {
    let project = Project::new();
    let mut actor = project.actor();
    let sent = sweep(&mut actor.session, Some(&project.id), &[]);
    assert!(sent > 500, "{sent}");
}

#[test]
fn no_value_sent_without_a_context_makes_an_internal_error() {
    let mut actor = Project::new().actor();
    sweep(&mut actor.session, None, &[]);
}

#[test]
fn no_value_an_operator_sends_makes_an_internal_error() {
    let (_, mut operator) = login_in(Some(quiet_database()), &["awooop_operator"]);
    // Maintenance takes no arguments and is not the caller's to break.
    sweep(&mut operator, None, &["maintain", "reap_stale_runs"]);
}

#[test]
fn no_value_a_worker_sends_makes_an_internal_error() {
    let mut worker = crate::harness::platform::worker_in(quiet_database());
    sweep(&mut worker, None, &["maintain", "reap_stale_runs"]);
}

/// Argument documents for `awooop.call`, given an operation's own.
fn documents() -> Vec<String> {
    let mut documents: Vec<String> = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "null",
        "\"m4rk3r\"",
        "{}{}",
        "{} m4rk3r",
        "{\"m4rk3r\":1}",
        "{\"run_id\":\"m4rk3r\"}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":9007199254740993}",
        "{\"a\":1e400}",
        "{\"a\":-1e999}",
        "{\"a\":\"\\u0000m4rk3r\"}",
        "{\"a\":\"\\ud800\"}",
        "{'a':1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":01}",
        "{\"a\":1,}",
        "\u{feff}{}",
        "{\"a\":\"m4rk3r\n\"}",
        "{\"envelope\":\"m4rk3r\"}",
        "{\"envelope\":{\"m4rk3r\":1}}",
        "{\"envelope\":{},\"input\":[[[[]]]]}",
        "{\"page_size\":1e2}",
        "{\"page_size\":99999999999999999999}",
        "{\"cursor\":\"m4rk3r\"}",
        "{\"lease\":\"m4rk3r\",\"run_id\":\"m4rk3r\"}",
        "{\"scopes\":[\"m4rk3r\"],\"name\":\"m4rk3r\"}",
        "{\"scopes\":[null],\"name\":\"x\"}",
        "{\"scopes\":\"runs:read\",\"name\":\"x\"}",
        "{\"agent_id\":\"m4rk3r m4rk3r\"}",
        "{\"agent_id\":{\"m4rk3r\":1}}",
    ]
    .map(str::to_owned)
    .to_vec();
    documents.push(format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100)));
    documents.push("[".repeat(200_000));
    documents.push(format!("{{\"a\":\"{}\"}}", MARKER.repeat(200_000)));
    documents.push(format!("{{{}}}", (0..5000).map(|n| format!("\"{MARKER}{n}\":{n}")).collect::<Vec<_>>().join(",")));
    documents
}

#[test]
fn no_document_sent_through_the_gateways_door_makes_an_internal_error_or_comes_back() {
    let tenant = Tenant::new("active", EVERY_SCOPE);
    let key = api_key(&tenant.project, EVERY_SCOPE);
    let mut gateway = gateway();
    for operation in
        OPERATIONS.iter().map(|operation| operation.name).chain([MARKER, "", "call", "migrate", "whoami\n"])
    {
        for document in documents() {
            match call(&mut gateway, &tenant.project, &key, operation, &document) {
                Ok((status, body)) => {
                    assert!(status < 400 || !body.to_string().contains(MARKER), "{operation}: {body}")
                }
                Err(failure) => check(&format!("{operation} {document}"), &failure),
            }
        }
    }
}

#[test]
fn a_nul_or_text_that_is_not_utf8_does_not_reach_a_function() {
    let tenant = Tenant::new("active", EVERY_SCOPE);
    let key = api_key(&tenant.project, EVERY_SCOPE);
    let mut gateway = gateway();
    for (project, credential, arguments) in [
        ("a\0b", key.as_str(), "{}"),
        (tenant.project.as_str(), "a\0b", "{}"),
        (tenant.project.as_str(), key.as_str(), "{\"a\":\"\0\"}"),
    ] {
        let failure =
            call(&mut gateway, project, credential, "whoami", arguments).expect_err("PostgreSQL has no NUL in texts");
        assert_eq!(failure.sqlstate, "22021");
    }
    for bytes in ["E'\\xff'", "E'\\xc3\\x28'", "convert_from('\\xff', 'UTF8')", "E'\\xed\\xa0\\x80'", "chr(0)"] {
        let failure =
            gateway.failure(&format!("select status from awooop.call('{}', {bytes}, 'whoami')", tenant.project));
        assert!(["22021", "54000"].contains(&failure.sqlstate.as_str()), "{bytes}: {failure:?}");
    }
    assert_eq!(call(&mut gateway, &tenant.project, &key, "whoami", "{}").unwrap().0, 200);
}

#[test]
fn what_postgresql_itself_stops_is_no_internal_error() {
    let project = Project::new();
    let (mut actor, id) = (project.actor(), project.id.clone());
    let run = actor.create_id("");
    let envelope = literal(&actor.envelope().to_string());
    let create = format!("select awooop.create_run({envelope})");
    for (setting, sql, expected) in [
        ("begin read only", create.as_str(), "25006"),
        ("begin; set local statement_timeout = '1ms'", "select awooop.list_runs(), pg_sleep(1)", "57014"),
        ("begin; set local row_security = off", "select awooop.list_runs()", "42501"),
        ("begin; set local temp_buffers = 100", "select awooop.list_runs()", "0"),
    ] {
        actor.session.run(&format!("{setting}; select awooop.enter_project('{id}')"));
        let code = actor.session.ask(sql).map_or_else(|failure| failure.sqlstate, |_| "0".to_owned());
        actor.session.run("rollback");
        assert_eq!(code, expected, "{setting}");
    }
    // A row that another session holds: the lock's own error, whatever it waits in.
    let mut holder = project.admin();
    holder.run(&format!("begin; select 1 from awooop.run_state where run_id = '{run}' for update"));
    actor.session.run(&format!("begin; set local lock_timeout = '20ms'; select awooop.enter_project('{id}')"));
    assert_eq!(actor.session.failure(&format!("select awooop.cancel_run('{run}')")).sqlstate, "55P03");
    actor.session.run("rollback");
    holder.run("rollback");
    // What was revoked since an old snapshot was taken must not be believed: through either door nothing is decided there.
    for level in ["repeatable read", "serializable"] {
        actor.session.run(&format!("begin isolation level {level}; select awooop.enter_project('{id}')"));
        let code = actor.session.code(&format!("select awooop.get_run('{run}')"));
        assert_eq!(code, "E-TENANT-008", "{level}");
        actor.session.run("rollback");
        let mut gateway = crate::harness::platform_logins::gateway_login_in(&project.database);
        gateway.0.run(&format!("begin isolation level {level}"));
        let failure = gateway.try_call(&id, "awk_x.y.z", "whoami", "{}").unwrap_err();
        assert_eq!(failure.code(), "E-TENANT-008", "{level}");
    }
}

#[test]
fn an_installation_without_its_tables_says_so() {
    let (_, mut admin) = crate::harness::own_database();
    let name = crate::harness::unique("bare");
    admin.run(&format!("create database {name} template template0"));
    let mut bare = crate::harness::quiet::superuser_in(&name);
    bare.run("create extension pg_awooop");
    assert_eq!(bare.code("select awooop.health()"), "E-INSTALL-004");
    for sql in [
        "select awooop.enter_project('p')",
        "select awooop.create_project('p')",
        "select status from awooop.call('p', 'k', 'whoami')",
        "select awooop.maintain()",
        "select awooop.doctor()",
        "select awooop.operation_list()",
    ] {
        let answer = bare.ask(sql);
        if let Err(failure) = answer {
            assert!(failure.code().starts_with("E-") || failure.sqlstate == "42P01", "{sql}: {failure:?}");
        }
    }
}
