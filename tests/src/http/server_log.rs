//! PostgreSQL's log and views, with every logging setting on: the keys and leases that went through the gateway are not
//! in them, neither in clear nor as the bytes that a printed plan has for a constant.

use serde_json::json;

use super::client::Caller;
use super::scene::{claimed_run, message, project_on};
use crate::harness::answer::eventually;
use crate::harness::gateway::{HttpGateway, waiting_for_a_lock};
use crate::harness::quiet::text;
use crate::harness::server::environment;
use crate::harness::{Options, OwnServer, Session};

/// Everything that makes the server talkative, for everybody.
pub const TALKATIVE: &str = "
log_statement = all
log_min_duration_statement = 0
log_min_messages = debug5
log_min_error_statement = debug5
log_error_verbosity = verbose
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_duration = on
log_parser_stats = on
log_planner_stats = on
log_executor_stats = on
log_connections = on
log_disconnections = on
log_replication_commands = on
log_lock_waits = on
log_temp_files = 0
log_checkpoints = on
deadlock_timeout = 50ms
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
debug_pretty_print = off
trace_notify = on
trace_sort = on
compute_query_id = on
track_activities = on
track_activity_query_size = 16kB
track_functions = all
application_name = talkative
";

/// A text as a printed plan has it.
fn as_bytes(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(" ")
}

/// What the server's log says once it has caught up, on one line: printed plans are broken into short ones.
fn whole_log(server: &OwnServer, admin: &mut Session) -> String {
    admin.run("select 'the end of the log'");
    let mut log = String::new();
    eventually("the end of the log", || {
        log = server.log();
        log.contains("the end of the log")
    });
    log.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything a caller does with secrets: right ones, wrong ones, refused and failing. The secrets.
fn use_secrets(caller: &Caller, admin: &mut Session) -> Vec<String> {
    let (run, lease) = claimed_run(caller);
    let held = json!({"run_id": run, "lease": lease, "other_leases": [lease]});
    assert_eq!(caller.call("heartbeat", held).status, 200);
    let step = json!({"run_id": run, "lease": lease, "step_key": "s"});
    assert_eq!(caller.call("record_step", step).status, 200);
    let issued = caller.call("create_api_key", json!({"name": "n", "scopes": ["runs:read"]})).expect(201);
    let rotated = caller.call("rotate_api_key", json!({"key_id": issued["key_id"]})).expect(201);
    let (issued, rotated) = (text(&issued["api_key"]), text(&rotated["api_key"]));
    assert_eq!(caller.with_key(&rotated).call("whoami", json!({})).status, 200);
    // Refused: a rotated key, a key with a character too many, a lease likewise.
    assert_eq!(caller.with_key(&issued).call("whoami", json!({})).status, 401);
    let wrong = format!("{}WRONGKEY", caller.key);
    assert_eq!(caller.with_key(&wrong).call("whoami", json!({})).status, 401);
    let lost = format!("{lease}WRONGLEASE");
    assert_eq!(caller.call("complete_run", json!({"run_id": run, "lease": lost})).status, 409);
    // Faults, with a key and a lease beside what is wrong.
    let broken = json!({"run_id": run, "lease": lease, "step_key": 7, "unknown": lease});
    assert_eq!(caller.call("record_step", broken).status, 400);
    let path = format!("/v1/platform/runs/{run}/complete");
    assert_eq!(caller.send("POST", &path, &format!("{{\"lease\":\"{lease}\"")).status, 400);
    admin.run("alter table awooop.step_journal add constraint no_bomb check (step_key <> 'bomb') not valid");
    let bomb = json!({"run_id": run, "lease": lease, "step_key": "bomb"});
    assert_eq!(caller.call("record_step", bomb).problem(), (500, "E-SYS-002".into()));
    admin.run("alter table awooop.step_journal drop constraint no_bomb");
    assert_eq!(caller.call("complete_run", json!({"run_id": run, "lease": lease})).status, 200);
    vec![caller.key.clone(), lease, issued, rotated, "WRONGKEY".to_owned(), "WRONGLEASE".to_owned()]
}

#[track_caller]
fn has_none(log: &str, secrets: &[String]) {
    for secret in secrets {
        // The last part alone is what must not be known.
        let secret = secret.rsplit_once('.').map_or(secret.as_str(), |(_, last)| last);
        for (form, wanted) in [("in clear", secret.to_owned()), ("as bytes", as_bytes(secret))] {
            if let Some(at) = log.find(&wanted) {
                let before: String = log[..at].chars().rev().take(500).collect::<Vec<_>>().into_iter().rev().collect();
                panic!("a secret is in the server's log {form}, after {before}");
            }
        }
    }
}

#[test]
fn no_key_and_no_lease_reaches_a_log_that_has_every_setting_on() {
    let server = OwnServer::start(&Options { settings: TALKATIVE.to_owned(), ..Options::default() });
    let (_, key) = project_on(&server);
    let gateway = HttpGateway::start_on(&server, &[]);
    let caller = Caller::new(&gateway, &key);
    let mut admin = server.superuser();
    let secrets = use_secrets(&caller, &mut admin);
    // Proves that the log would show it: the same parameter in a login without our settings.
    let control = "control.CONTROLSECRET";
    admin.0.query_one("select $1::text", &[&control]).expect("a row");
    let log = whole_log(&server, &mut admin);
    assert!(log.contains("CONTROLSECRET") && log.contains(&as_bytes("CONTROLSECRET")), "the log is not talkative");
    assert!(log.contains("awooop.call($1, $2, $3, $4, $5)") && log.contains("{PLANNEDSTMT"), "nor about the gateway");
    assert!(log.contains("no_bomb"), "the fault is in the log");
    has_none(&log, &secrets);
}

/// Whether this installation of PostgreSQL has the contributed modules; the ones of 16 and 18 come without.
fn has_auto_explain() -> bool {
    let pg_config = std::path::Path::new(&environment("AWOOOP_TEST_BIN")).join("pg_config");
    let output = std::process::Command::new(pg_config).arg("--pkglibdir").output().unwrap();
    std::path::Path::new(String::from_utf8(output.stdout).unwrap().trim()).join("auto_explain.so").exists()
}

#[test]
fn no_key_and_no_lease_reaches_the_log_of_explained_statements() {
    if !has_auto_explain() {
        // What keeps it quiet from 16 on is held by catalog::roles.
        assert_ne!(environment("AWOOOP_TEST_PG"), "15", "Debian's server comes with auto_explain");
        return;
    }
    let settings = "
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
auto_explain.log_settings = on
auto_explain.log_nested_statements = on
";
    let server = OwnServer::start(&Options { settings: settings.to_owned(), ..Options::default() });
    let (_, key) = project_on(&server);
    let gateway = HttpGateway::start_on(&server, &[]);
    let caller = Caller::new(&gateway, &key);
    let mut admin = server.superuser();
    let secrets = use_secrets(&caller, &mut admin);
    let log = whole_log(&server, &mut admin);
    assert!(log.contains("Query Text: select status, body from awooop.call"), "nothing is explained");
    has_none(&log, &secrets);
}

#[test]
fn no_key_is_seen_in_the_views_while_its_request_runs() {
    let server = OwnServer::start(&Options { settings: TALKATIVE.to_owned(), ..Options::default() });
    let (_, key) = project_on(&server);
    let gateway = HttpGateway::start_on(&server, &[]);
    let caller = Caller::new(&gateway, &key);
    let (mut holder, mut admin) = (server.superuser(), server.superuser());
    assert_eq!(caller.call("build_envelope", message("7")).status, 200);
    holder.run("begin; select count(*) from (select from awooop.platform_subjects for update) s");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| caller.call("build_envelope", message("7")).status);
        waiting_for_a_lock(&mut admin, 1);
        for view in ["pg_stat_activity", "pg_locks", "pg_prepared_statements"] {
            let shown = admin.value(&format!("select string_agg(v::text, ' ') from {view} v"));
            has_none(&shown, std::slice::from_ref(&key));
        }
        let queries = admin.value("select string_agg(query, ' ') from pg_stat_activity where wait_event_type = 'Lock'");
        assert_eq!(queries, "select status, body from awooop.call($1, $2, $3, $4, $5)");
        // Long enough for the server to log the wait.
        eventually("the log of the wait", || server.log().contains("still waiting for"));
        // Cut in the middle: the error has a context of nested statements.
        admin.run("select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");
        assert_eq!(waiting.join().expect("an answer"), 504);
        holder.run("rollback");
    });
    let log = whole_log(&server, &mut admin);
    assert!(log.contains("canceling statement due to user request"));
    has_none(&log, &[key]);
}
