//! A backup: dumped, restored into an empty server, it is the same database and behaves the same.
//!
//! The steps are those of the DBA's guide: roles by pg_dumpall (or the logins made by hand), then pg_restore or psql.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::answer::literal;
use crate::harness::approvals;
use crate::harness::issuer::{self, AUDIENCE, Signer};
use crate::harness::own_server::DATABASE;
use crate::harness::platform_logins::Gateway;
use crate::harness::quiet::{Claim, EVERY_SCOPE, claims, expire, text};
use crate::harness::{Options, OwnServer, Session};
use crate::runs::books;
use crate::upgrade::schema_picture;

/// A server with something of everything, and what the tests need to know of it.
struct Source {
    server: OwnServer,
    project: String,
    neighbour: String,
    key: String,
    revoked_key: String,
    /// Of a run that is under way.
    lease: Claim,
    idempotent_run: String,
    create: String,
    /// Of the audit log, kept outside.
    checkpoint: String,
    /// Open when the dump was made: a reservation, and a call of the run that is under way.
    reservation: String,
    call: String,
    /// What budget_status shows.
    budget: Value,
    /// A request that waits for people.
    approval: String,
    /// An access token of an issuer, and who brought that one's keys.
    token: String,
    courier: String,
}

fn fill() -> Source {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("tenant_a", "active", EVERY_SCOPE);
    let neighbour = server.tenant("tenant_b", "shadow", EVERY_SCOPE);
    let (mut admin, mut session) = (server.superuser(), server.connect("tenant_a"));
    let mut within = |sql: &str| session.within(&project, sql);
    let envelope =
        literal(&within("select awooop.build_envelope('agent', 'telegram', 'a:7', 'c', 'Ada \"L\" \\')").to_string());
    let create = format!(
        "select awooop.create_run({envelope}, input => '{{\"q\": \"tab\\tnewline\\n\"}}', idempotency_key => 'k')"
    );
    let idempotent_run = text(&within(&create)["run_id"]);
    within(&format!("select awooop.cancel_run('{idempotent_run}')"));
    let claimed = |within: &mut dyn FnMut(&str) -> Value| {
        within(&format!("select awooop.create_run({envelope}, max_attempts => 2)"));
        claims(&within("select awooop.claim_runs('w', 1, 3600)")).pop().unwrap()
    };
    let done = claimed(&mut within);
    within(&done.sql("record_step", r#", 's', '{"n": 1}', '{"q": 2}', 'llm'"#));
    within(&done.sql("complete_run", r#", '{"answer": "42"}'"#));
    let failed = claimed(&mut within);
    within(&failed.sql("fail_run", ", 'x', 'broken', false"));
    let late = claimed(&mut within);
    expire(&mut admin, &late.run);
    within("select awooop.reap_stale_runs()");
    let again = claims(&within("select awooop.claim_runs('w')")).pop().unwrap();
    expire(&mut admin, &again.run);
    within("select awooop.reap_stale_runs()");
    let lease = claimed(&mut within);
    within(&lease.sql("record_step", ", 'begun', phase => 'started'"));
    approvals::allow_a_tool(&mut admin, &project, "agent");
    let asking = claimed(&mut within);
    let approval = approvals::ask(&asking, "A-1", &mut within);
    within(&format!("select awooop.create_run({envelope}, priority => 9)"));
    admin.run("select awooop.set_platform_budget('lifetime', hard_tokens => 100000)");
    admin.run("select awooop.set_platform_budget('day', hard_tokens => 50000)");
    let [reservation, call] = spend(&mut within, &lease);
    let budget = within(BUDGET);
    // Some of the audit log is sealed and signed, the rest waits.
    admin.run("select awooop.maintain()");
    let checkpoint = text(&within("select awooop.audit_checkpoint()")["checkpoint"]);
    let key =
        text(&within(&format!("select awooop.create_api_key('k', string_to_array('{EVERY_SCOPE}', ','))"))["api_key"]);
    let revoked = within("select awooop.create_api_key('old', array['runs:read'])");
    within(&format!("select awooop.revoke_api_key('{}')", text(&revoked["key_id"])));
    let (signer, issuer) = (Signer::new("ES256"), "https://idp.example");
    within(&format!("select awooop.set_token_issuer('{issuer}', '{issuer}/keys', '{AUDIENCE}', '{{runs:read}}')"));
    let courier = issuer::courier(&mut admin);
    admin.run(&issuer::store(&courier, &project, issuer, &issuer::key_set(&[&signer])));
    let token = signer.token(&issuer::claims(issuer, "runs:read"));
    let theirs = server.connect("tenant_b").within(&neighbour, "select awooop.build_envelope('agent', 'line', 'u')");
    server.connect("tenant_b").within(&neighbour, &format!("select awooop.create_run('{theirs}')"));
    admin.run("select awooop.set_operation('grant_subject_role', false, 'incident')");
    admin.run("revoke select on awooop.operation from awooop_tenant");
    admin.run("revoke execute on function awooop.list_audit from awooop_tenant");
    admin.run("select * from awooop.call('x', 'awk_x.y.z', 'whoami', '{}', null)");
    let revoked_key = text(&revoked["api_key"]);
    Source {
        server,
        project,
        neighbour,
        key,
        revoked_key,
        lease,
        idempotent_run,
        create,
        checkpoint,
        reservation,
        call,
        budget,
        approval,
        token,
        courier,
    }
}

/// What is used of every limit, and what is left.
const BUDGET: &str =
    "select json_agg(json_build_object('level', l ->> 'level', 'target', l ->> 'target', 'period', l ->> 'period',
                          'tokens', (l -> 'tokens') - '{forecast,exhausted_at}'::text[]))
                      from jsonb_array_elements(awooop.budget_status() -> 'limits') l";

/// Spends of budgets in every way that leaves something open; a reservation, and a call of the run.
fn spend(within: &mut dyn FnMut(&str) -> Value, run: &Claim) -> [String; 2] {
    for sql in [
        "select awooop.set_budget('project', 'lifetime', hard_tokens => 10000, soft_percent => 80)",
        "select awooop.set_budget('project', 'month', hard_tokens => 9000, burst_percent => 10)",
        "select awooop.set_budget('agent', 'month', '*', hard_tokens => 8000)",
        "select awooop.set_budget('subject', 'month', '*', hard_tokens => 8500)",
        "select awooop.set_budget('agent', 'day', 'agent', hard_tokens => 7000)",
        "select awooop.set_price('m', 3000000, 15000000)",
        "select awooop.switch_budget('agent', 'paused', 'sleeper', 'asleep')",
    ] {
        within(sql);
    }
    let mut envelope = within("select awooop.build_envelope('agent', 'telegram', 'a:7')");
    let reserve = |envelope: &Value, rest: &str| {
        format!("select awooop.reserve_budget({}, {rest})", literal(&envelope.to_string()))
    };
    let [settled, open] = [200, 300].map(|tokens| {
        let held = within(&reserve(&envelope, &format!("tokens => {tokens}, expires_seconds => 86400")));
        text(&held["reservation_id"])
    });
    within(&format!("select awooop.settle_budget('{settled}', model => 'm', input_tokens => 150)"));
    within(&format!("select awooop.adjust_budget('{settled}', 'the bill', 7)"));
    let (id, lease) = (&run.run, &run.lease);
    within(&format!(
        "select awooop.settle_budget(run_id => '{id}', tokens => 400, lease => '{lease}', idempotency_key => 'c')"
    ));
    envelope["run_id"] = id.as_str().into();
    let call = within(&reserve(&envelope, &format!("tokens => 50, lease => '{lease}', idempotency_key => 'r'")));
    // A limit that is below what has been granted, one that is gone, and one that is gone after it was used.
    within("select awooop.set_budget('subject', 'month', '*')");
    within("select awooop.set_budget('agent', 'day', 'agent', hard_tokens => 600)");
    within("select awooop.set_budget('agent', 'month', '*')");
    [open, text(&call["reservation_id"])]
}

/// Budgets go on where they were: the same is left, the same calls are under way, and no unit more is admitted.
fn budget_goes_on(source: &Source, within: &mut dyn FnMut(&str) -> Value) {
    let check = |within: &mut dyn FnMut(&str) -> Value| {
        let checked = within("select awooop.budget_check()");
        assert_eq!((&checked["ok"], &checked["differences"]), (&true.into(), &Value::Array(vec![])), "{checked}");
    };
    check(within);
    assert_eq!(within(BUDGET), source.budget);
    let envelope = literal(&within("select awooop.build_envelope('agent', 'telegram', 'a:7')").to_string());
    let reserve = |within: &mut dyn FnMut(&str) -> Value, tokens: i64| {
        within(&format!("select awooop.reserve_budget({envelope}, tokens => {tokens})"))
    };
    let refused = reserve(within, 1);
    assert_eq!((&refused["code"], &refused["left"]["tokens"]), (&"E-BUDGET-001".into(), &0.into()), "{refused}");
    within("select awooop.set_budget('agent', 'day', 'agent')");
    let left = 9000 - (150 + 7) - 300;
    let refused = reserve(within, 9000);
    assert_eq!(refused["code"], "E-BUDGET-001", "{refused}");
    // What is under way is settled: the run, its call, the reservation.
    let (run, lease) = (&source.lease.run, &source.lease.lease);
    let charge = |tokens: i64, key: &str| {
        format!(
            "select awooop.settle_budget(run_id => '{run}', tokens => {tokens}, lease => '{lease}', idempotency_key => '{key}')"
        )
    };
    assert_eq!(within(&charge(400, "c"))["tokens"], 400, "a charge that was made is the same charge");
    assert_eq!(within(&charge(100, "d"))["outcome"], "charged");
    let settle = format!("select awooop.settle_budget('{}', tokens => 45, lease => '{lease}')", source.call);
    assert_eq!(within(&settle)["outcome"], "settled");
    check(within);
    let release = format!("select awooop.release_budget('{}')", source.reservation);
    assert_eq!(within(&release)["outcome"], "released");
    check(within);
    assert_eq!(within(&source.lease.sql("complete_run", ""))["state"], "completed");
    let left = left + 300 - 400 - 100 - 45;
    let refused = reserve(within, left + 1);
    assert_eq!((&refused["code"], &refused["left"]["tokens"]), (&"E-BUDGET-001".into(), &left.into()), "{refused}");
    let all = text(&reserve(within, left)["reservation_id"]);
    assert_eq!(reserve(within, 1)["code"], "E-BUDGET-001");
    within(&format!("select awooop.release_budget('{all}')"));
    check(within);
}

/// Both databases have the same schema; a failure says what is only in one.
#[track_caller]
fn same_schema(target: &OwnServer, source: &OwnServer) {
    let (restored, dumped) = (schema_picture(&mut target.superuser()), schema_picture(&mut source.superuser()));
    let lost: Vec<&String> = dumped.iter().filter(|line| !restored.contains(line)).collect();
    let new: Vec<&String> = restored.iter().filter(|line| !dumped.contains(line)).collect();
    assert!(lost.is_empty() && new.is_empty(), "lost: {lost:#?}\nnew: {new:#?}");
}

/// What data alone does not bring into a migrated database: what is there, and what is counted from the ledgers.
const LEFT_OUT: [&str; 5] = [
    "awooop.schema_version",
    "awooop.budget_platform_due",
    "awooop.budget_platform_pot",
    "awooop.budget_platform_told",
    "awooop.budget_platform_window",
];

/// The rows of every table, as digests; partitions one by one.
fn rows(admin: &mut Session, leave_out: &[&str]) -> Vec<(String, String)> {
    let tables = admin
        .rows(
            "select c.oid::regclass::text from pg_class c
               where relnamespace = 'awooop'::regnamespace and relkind = 'r' order by 1",
        )
        .unwrap();
    tables
        .into_iter()
        .flatten()
        .flatten()
        .filter(|table| !leave_out.contains(&table.as_str()))
        .map(|table| {
            let sql = format!(
                "select count(*) || ' ' || coalesce(md5(string_agg(t::text, ';' order by t::text)), '') from {table} t"
            );
            let digest = admin.value(&sql);
            (table, digest)
        })
        .collect()
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Feeds `input` to a program that must not complain.
#[track_caller]
fn feed(command: &mut Command, input: &[u8]) {
    if let Err(complaint) = try_feed(command, input) {
        panic!("{command:?}: {complaint}");
    }
}

/// Feeds `input` to a program; what it complains of where it fails.
fn try_feed(command: &mut Command, input: &[u8]) -> Result<(), String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = std::io::Write::write_all(&mut pipe, &input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it was fed");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Everything that must work in a restored database as it would have in the first.
fn behaves(source: &Source, server: &OwnServer) {
    // The keys come another way than the data.
    server.write_keyring(&source.server.read_keyring().reveal());
    let mut admin = server.superuser();
    let (mut tenant, mut neighbour) = (server.connect("tenant_a"), server.connect("tenant_b"));
    // Isolation.
    assert_eq!(tenant.code(&format!("select awooop.enter_project('{}')", source.neighbour)), "E-TENANT-003");
    let theirs = neighbour.within(&source.neighbour, "select awooop.list_runs()");
    assert_eq!(theirs["items"].as_array().unwrap().len(), 1);
    assert_eq!(tenant.code("select * from awooop.run_state"), "42501");
    admin.run("set role awooop_owner");
    for table in ["run_state", "api_keys", "audit_log", "step_journal", "platform_subjects"] {
        assert_eq!(admin.value(&format!("select count(*)::text from awooop.{table}")), "0", "{table} without context");
    }
    admin.run("reset role");
    // Keys, as the gateway presents them.
    let mut gateway = Gateway(server.connect("awooop_gateway"));
    let me = gateway.call(&source.project, &source.key, "whoami", "{}");
    assert_eq!((me.status, &me.body["project_id"]), (200, &source.project.clone().into()));
    assert_eq!(gateway.call(&source.project, &source.revoked_key, "whoami", "{}").status, 401);
    let me = gateway.call(&source.project, &source.token, "whoami", "{}");
    assert_eq!((me.status, &me.body["scopes"]), (200, &serde_json::json!(["runs:read"])), "an access token");
    let list = format!("select awooop.issuers_to_fetch('{}')", source.courier);
    assert_eq!(gateway.0.json(&list)["issuers"].as_array().map(Vec::len), Some(1));
    let off = gateway.call(
        &source.project,
        &source.key,
        "grant_subject_role",
        r#"{"platform_subject_id": "a", "role": "b"}"#,
    );
    assert_eq!(off.body["code"], "E-OP-002", "an operation that was switched off");
    // What a DBA revoked.
    assert_eq!(tenant.code("select * from awooop.operation"), "42501");
    assert_eq!(tenant.code("select awooop.list_audit()"), "42501");
    // Runs go on where they were.
    let mut within = |sql: &str| tenant.within(&source.project, sql);
    let known = within(&source.create);
    assert_eq!((&known["created"], text(&known["run_id"])), (&false.into(), source.idempotent_run.clone()));
    assert_eq!(within(&source.lease.sql("record_step", ", 'begun', phase => 'started'"))["outcome"], "replayed");
    // What is left of the platform's ceiling is counted from the ledgers again.
    admin.run("select awooop.maintain()");
    let mut platform_agrees = || {
        let checked = admin.json("select awooop.platform_budget_check()");
        assert_eq!((&checked["ok"], checked["windows"].as_array().map(Vec::len)), (&true.into(), Some(3)), "{checked}");
    };
    platform_agrees();
    budget_goes_on(source, &mut within);
    platform_agrees();
    let next = claims(&within("select awooop.claim_runs('w', 5)"));
    assert_eq!(next.len(), 1);
    // What was asked is still vouched for, and what comes of it is good.
    let approved = approvals::approve(&mut server.superuser(), &source.project, &source.approval);
    assert_eq!(approved["approval"]["state"], "approved", "{approved}");
    assert!(approved["token"]["token"].is_string(), "{approved}");
    assert_eq!(within(&next[0].sql("record_step", ", 's'"))["outcome"], "recorded");
    assert_eq!(within(&next[0].sql("complete_run", ""))["state"], "completed");
    let person = within("select awooop.upsert_platform_subject('telegram', 'a:7')");
    assert_ne!(person["first_seen_at"], person["last_seen_at"], "a known person is still known");
    // What no DML may do.
    for sql in [
        "update awooop.audit_log set facts = '{}'",
        "delete from awooop.step_journal",
        "truncate awooop.audit_log",
        "update awooop.run_state set state = 'pending' where state = 'running'",
        "update awooop.run_state set state = 'completed' where state = 'pending'",
        "update awooop.run_state set priority = 1 where state = 'completed'",
        "delete from awooop.run_state where state = 'completed'",
        "update awooop.budget_counter set granted_tokens = granted_tokens + 1",
        "update awooop.budget_counter_lane set reserved_tokens = 0",
        "insert into awooop.budget_counter_lane select (jsonb_populate_record(l, '{\"lane\": 99}')).* from awooop.budget_counter_lane l",
        "delete from awooop.budget_escrow",
        "truncate awooop.budget_reservation",
        "delete from awooop.budget_ledger",
        "update awooop.budget_price set input_micro_usd = 0",
    ] {
        let Err(failure) = admin.ask(sql) else {
            assert!(sql.contains("where state = 'running'") || sql.contains("'pending'"), "{sql} was possible");
            continue;
        };
        assert!(failure.code().starts_with("E-"), "{sql}: {failure:?}");
    }
    for project in [&source.project, &source.neighbour] {
        books::check(&mut admin, project);
    }
    // The audit log is the one that was sealed, and goes on.
    admin.run("select awooop.maintain()");
    assert_eq!(admin.value("select count(*) from awooop.audit_pending"), "0");
    let held = literal(&serde_json::json!({"checkpoint": source.checkpoint}).to_string());
    let verified = admin.json(&format!("select awooop.inspect_project('{}', 'audit_verify', {held})", source.project));
    assert_eq!((&verified["ok"], &verified["held_checkpoint"]), (&true.into(), &"good".into()), "{verified}");
    assert_eq!(admin.json("select awooop.migrate()"), serde_json::json!({"applied": [], "partitions_made": 0}));
    assert_eq!(admin.value("select string_agg(finding, ';') from awooop.doctor() where area <> 'setting'"), "");
}

fn empty_server() -> OwnServer {
    OwnServer::start(&Options { install: false, ..Options::default() })
}

#[test]
fn a_dump_in_custom_format_restores_into_an_empty_server_without_any_role_in_it() {
    let source = fill();
    let dump = output(source.server.client_program("pg_dump").args(["--format=custom", DATABASE]));
    let target = empty_server();
    feed(target.client_program("pg_restore").args(["--exit-on-error", "--dbname", DATABASE]), &dump);
    let mut admin = target.superuser();
    assert_eq!(rows(&mut admin, &[]), rows(&mut source.server.superuser(), &[]));
    same_schema(&target, &source.server);
    // Logins are the cluster's, so no database's dump has them; their bindings are rows and came along.
    for tenant in ["tenant_a", "tenant_b"] {
        admin.run(&format!("create role {tenant} login; grant awooop_tenant to {tenant}"));
    }
    behaves(&source, &target);
}

#[test]
fn a_plain_dump_with_the_clusters_roles_restores_into_an_empty_server() {
    let source = fill();
    let roles = output(source.server.client_program("pg_dumpall").arg("--roles-only"));
    let dump = output(source.server.client_program("pg_dump").arg(DATABASE));
    let target = empty_server();
    // The superuser that restores exists already, as it does in every server.
    let roles: String = String::from_utf8(roles).unwrap().replace("CREATE ROLE postgres;\n", "");
    let psql = || {
        let mut psql = target.client_program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", DATABASE]);
        psql
    };
    feed(&mut psql(), roles.as_bytes());
    feed(&mut psql(), &dump);
    assert_eq!(rows(&mut target.superuser(), &[]), rows(&mut source.server.superuser(), &[]));
    same_schema(&target, &source.server);
    behaves(&source, &target);
}

#[test]
fn the_data_alone_restores_into_a_migrated_database_with_every_trigger_on() {
    let source = fill();
    // Rows go to the partitions that the target has; which migrations it has had, it knows itself.
    let mut dump = source.server.client_program("pg_dump");
    dump.args(["--data-only", "--load-via-partition-root", "--schema=awooop", "--exclude-table=awooop.schema_version"]);
    let dump = output(dump.arg(DATABASE));
    let target = OwnServer::start(&Options::default());
    let mut psql = target.client_program("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--dbname", DATABASE]);
    feed(&mut psql, &dump);
    let mut admin = target.superuser();
    assert_eq!(rows(&mut admin, &LEFT_OUT), rows(&mut source.server.superuser(), &LEFT_OUT));
    for tenant in ["tenant_a", "tenant_b"] {
        admin.run(&format!("create role {tenant} login; grant awooop_tenant to {tenant}"));
    }
    // Rights are no data: the DBA revokes again.
    admin.run("revoke select on awooop.operation from awooop_tenant");
    admin.run("revoke execute on function awooop.list_audit from awooop_tenant");
    behaves(&source, &target);
}

#[test]
fn a_dump_that_grants_more_than_was_granted_does_not_restore() {
    let source = fill();
    let mut dump = source.server.client_program("pg_dump");
    dump.args(["--data-only", "--load-via-partition-root", "--schema=awooop", "--exclude-table=awooop.schema_version"]);
    let dump = String::from_utf8(output(dump.arg(DATABASE))).expect("a dump is text");
    let target = OwnServer::start(&Options::default());
    let restore = |dump: &str| {
        let mut psql = target.client_program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", "--dbname", DATABASE]);
        try_feed(&mut psql, dump.as_bytes())
    };
    for (table, column) in [
        ("budget_counter_lane", "granted_tokens"),
        ("budget_escrow", "granted_tokens"),
        ("budget_reservation", "tokens"),
    ] {
        let complaint = restore(&inflated(&dump, table, column)).expect_err(table);
        assert!(complaint.contains("E-BUDGET-009"), "{table}: {complaint}");
    }
    // More counters than there were.
    let complaint = restore(&inflated(&dump, "budget_counter", "counter_id")).expect_err("a counter too many");
    assert!(complaint.contains("E-BUDGET-009"), "{complaint}");
    restore(&dump).expect("as it was dumped, it is restored");
    // A second time there is something already.
    assert!(restore(&dump).is_err());
}

/// The dump with a million more in a column of each of a table's rows that has anything there.
fn inflated(dump: &str, table: &str, column: &str) -> String {
    let head = format!("COPY awooop.{table} (");
    let (before, rest) = dump.split_once(&head).expect("the table is dumped");
    let (columns, rows) = rest.split_once(") FROM stdin;\n").expect("its columns");
    let (rows, after) = rows.split_once("\\.\n").expect("its end");
    let at = columns.split(", ").position(|name| name == column).expect("the column");
    let mut changed = 0;
    let rows: Vec<String> = rows
        .lines()
        .map(|row| {
            let mut fields: Vec<String> = row.split('\t').map(str::to_owned).collect();
            let number: i64 = fields[at].parse().expect("a number");
            if number > 0 {
                fields[at] = (number + 1_000_000).to_string();
                changed += 1;
            }
            fields.join("\t")
        })
        .collect();
    assert!(changed > 0, "{table} has no {column}");
    format!("{before}{head}{columns}) FROM stdin;\n{}\n\\.\n{after}", rows.join("\n"))
}

#[test]
fn a_restored_pin_holds_when_the_dump_creates_the_database() {
    let server = OwnServer::start(&Options::default());
    let project = server.tenant("pinned", "active", "runs:read");
    server.superuser().run(&format!("select awooop.bind_role('pinned', '{project}', array['runs:read'], pin => true)"));
    let roles = output(server.client_program("pg_dumpall").arg("--roles-only"));
    let dump = output(server.client_program("pg_dump").args(["--create", DATABASE]));
    let target = empty_server();
    target.superuser_in("postgres").run(&format!("drop database {DATABASE} with (force)"));
    let psql = || {
        let mut psql = target.client_program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", "postgres"]);
        psql
    };
    feed(&mut psql(), String::from_utf8(roles).unwrap().replace("CREATE ROLE postgres;\n", "").as_bytes());
    feed(&mut psql(), &dump);
    let mut pinned = target.connect("pinned");
    assert_eq!(pinned.value("select awooop.current_project_id()"), project);
    assert_eq!(pinned.json("select awooop.whoami()")["project_id"], project.as_str());
}
