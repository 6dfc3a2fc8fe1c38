//! Each kind of refusal leaves exactly one committed row. Scope, suspension and switched-off operations are counted in
//! `authorization`; here are the others.

use crate::harness::platform::{call_code, platform_config, worker_in};
use crate::harness::quiet::expire;
use crate::harness::server::connect;
use crate::harness::{Actor, Project, Session, literal, own_database};

/// A database, a superuser in it, and a tenant.
fn stage() -> (String, Session, Actor) {
    let (database, admin) = own_database();
    let actor = Project::in_database(&database).actor();
    (database, admin, actor)
}

fn refused(admin: &mut Session, project: &str, action: &str, code: &str) -> String {
    admin.value(&format!(
        "select count(*) from awooop.audit_log
         where project_id = '{project}' and action = '{action}' and code = '{code}' and decision = 'refused'"
    ))
}

fn total(admin: &mut Session) -> (String, String) {
    let log = admin.value("select count(*) from awooop.audit_log where decision = 'refused'");
    (log, admin.value("select count(*) from awooop.failed_authentication_log"))
}

#[test]
fn an_escalation_is_on_record_once_and_changes_nothing_else() {
    let (_, mut admin, actor) = stage();
    let weak = crate::harness::unique("weak");
    admin.run(&format!("create role {weak} login password 'secret'"));
    admin.run(&format!("select awooop.bind_role('{weak}', '{}', array['keys:admin'])", actor.project));
    admin.run(&format!("set session authorization {weak}"));
    let answer = admin.within(&actor.project, "select awooop.create_api_key('k', array['runs:work'])");
    admin.run("reset session authorization");
    assert_eq!(answer["code"], "E-AUTH-004");
    assert_eq!(refused(&mut admin, &actor.project, "create_api_key", "E-AUTH-004"), "1");
    assert_eq!(admin.value("select count(*) from awooop.api_keys"), "0");
}

#[test]
fn an_envelope_of_another_project_is_on_record_once() {
    let (database, mut admin, mut actor) = stage();
    let mut other = Project::in_database(&database).actor();
    let envelope = literal(&other.envelope().to_string());
    assert_eq!(actor.code(&format!("select awooop.create_run({envelope})")), "E-TENANT-007");
    assert_eq!(refused(&mut admin, &actor.project, "create_run", "E-TENANT-007"), "1");
    assert_eq!(refused(&mut admin, &other.project, "create_run", "E-TENANT-007"), "0");
}

#[test]
fn a_reservation_that_does_not_fit_is_on_record_once_and_books_nothing() {
    let (_, mut admin, mut actor) = stage();
    actor.call("select awooop.set_budget('project', 'day', hard_tokens => 10)");
    let envelope = literal(&actor.envelope().to_string());
    assert_eq!(actor.code(&format!("select awooop.reserve_budget({envelope}, tokens => 11)")), "E-BUDGET-001");
    assert_eq!(refused(&mut admin, &actor.project, "reserve_budget", "E-BUDGET-001"), "1");
    assert_eq!(actor.code(&format!("select awooop.create_run({envelope}, reserve_tokens => 11)")), "E-BUDGET-001");
    assert_eq!(refused(&mut admin, &actor.project, "create_run", "E-BUDGET-001"), "1");
    assert_eq!(admin.value("select count(*) from awooop.budget_ledger"), "0");
    assert_eq!(admin.value("select count(*) from awooop.run_state"), "0");
}

#[test]
fn a_stale_lease_is_on_record_once_for_each_write_it_tried() {
    let (database, mut admin, mut actor) = stage();
    let run = actor.create_id("");
    let claim = actor.claim_one("worker");
    expire(&mut admin, &run);
    for (operation, rest) in [
        ("heartbeat", ""),
        ("record_step", ", 's'"),
        ("validate_output", ", '{}'"),
        ("complete_run", ""),
        ("fail_run", ""),
    ] {
        assert_eq!(actor.code(&claim.sql(operation, rest)), "E-RUN-003");
        assert_eq!(refused(&mut admin, &actor.project, operation, "E-RUN-003"), "1", "{operation} by a tenant");
        let mut worker = worker_in(&database);
        assert_eq!(worker.json(&claim.sql(operation, rest))["code"], "E-RUN-003");
        assert_eq!(refused(&mut admin, &actor.project, operation, "E-RUN-003"), "2", "{operation} by the worker");
    }
    let charge = format!("select awooop.settle_budget(run_id => '{run}', lease => '{}', tokens => 1)", claim.lease);
    assert_eq!(actor.code(&charge), "E-RUN-003");
    assert_eq!(refused(&mut admin, &actor.project, "settle_budget", "E-RUN-003"), "1", "settle_budget by a tenant");
    assert_eq!(worker_in(&database).json(&charge)["code"], "E-RUN-003");
    assert_eq!(refused(&mut admin, &actor.project, "settle_budget", "E-RUN-003"), "2", "settle_budget by the worker");
    let facts = format!(
        "select count(*) from awooop.audit_log where decision = 'refused' and run_id = '{run}' and project_id = '{}'",
        actor.project
    );
    assert_eq!(admin.value(&facts), "12");
}

#[test]
fn a_failed_authentication_is_on_record_once() {
    let (database, mut admin, actor) = stage();
    let mut gateway = Session::new(connect(&platform_config("awooop_gateway", Some(&database))));
    for (n, credential) in
        ["", "awk_x", &format!("awk_{}.AAAAAAAAAAAAAAAA.{}", actor.project, "A".repeat(43))].iter().enumerate()
    {
        assert_eq!(call_code(&mut gateway, &actor.project, credential, "whoami", "{}"), "E-AUTH-001");
        assert_eq!(total(&mut admin), ("0".to_owned(), (n + 1).to_string()));
    }
    let mut worker = worker_in(&database);
    let sql = "select awooop.heartbeat('018f0000-0000-7000-8000-000000000000', 'awl_nothing')";
    assert_eq!(worker.json(sql)["code"], "E-RUN-003");
    assert_eq!(total(&mut admin).1, "4");
}

#[test]
fn a_flood_of_failures_is_counted_and_not_recorded_one_by_one() {
    let (database, mut admin, actor) = stage();
    let key = admin.within(&actor.project, "select awooop.create_api_key('k', '{}')")["api_key"].clone();
    let mut gateway = Session::new(connect(&platform_config("awooop_gateway", Some(&database))));
    let mut throttled = 0;
    for _ in 0..100 {
        match call_code(&mut gateway, &actor.project, "guess", "whoami", "{}").as_str() {
            "E-AUTH-001" => {}
            "E-AUTH-002" => throttled += 1,
            other => panic!("{other}"),
        }
    }
    // A minute may end in between, and begins a new count.
    let recorded: u32 = total(&mut admin).1.parse().unwrap();
    assert!(throttled >= 60 && recorded <= 40, "{throttled} throttled, {recorded} recorded");
    assert_eq!(admin.value("select sum(failures) from awooop.failed_authentication"), "100");
    let key = key.as_str().unwrap_or_default();
    assert_eq!(call_code(&mut gateway, &actor.project, key, "whoami", "{}"), "", "a valid key is never throttled");
}

#[test]
fn a_fault_leaves_no_row() {
    let (_, mut admin, mut actor) = stage();
    let before = admin.value("select count(*) from awooop.audit_log");
    for sql in [
        "select awooop.get_run('018f0000-0000-7000-8000-000000000000')",
        "select awooop.create_agent('a b')",
        "select awooop.list_runs(cursor => 'x')",
        "select awooop.grant_subject_role('a:b:c', 'x')",
        "select awooop.revoke_api_key('x')",
    ] {
        assert!(actor.attempt(sql).is_err(), "{sql}");
    }
    assert_eq!(admin.value("select count(*) from awooop.audit_log"), before);
}
