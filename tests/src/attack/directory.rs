//! What a session keeps about projects, bindings and keys: it must never outlive the change that made it wrong, nor
//! take what was rolled back for true.

use crate::harness::platform::{call_code, gateway};
use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::tenant::api_key;
use crate::harness::{Session, Tenant, own_database, superuser};

const TOUCH: &str = "select awooop.create_agent('agent')";

/// The code of the answer, empty when it was done.
fn code(session: &mut Session, sql: &str) -> String {
    match session.ask(sql) {
        Ok(body) => serde_json::from_str::<serde_json::Value>(&body).unwrap()["code"].as_str().unwrap_or("").to_owned(),
        Err(failure) => failure.code(),
    }
}

/// A tenant whose open transaction has done the same thing several times, so that no lock is new to it.
fn settled() -> Tenant {
    let mut tenant = Tenant::new("active", EVERY_SCOPE);
    let own = tenant.project.clone();
    tenant.session.run(&format!("begin; select awooop.enter_project('{own}')"));
    for _ in 0..8 {
        assert_eq!(code(&mut tenant.session, TOUCH), "");
    }
    tenant
}

#[test]
fn a_project_suspended_meanwhile_is_suspended_in_an_open_transaction_too() {
    let mut tenant = settled();
    superuser().run(&format!("select awooop.suspend_project('{}')", tenant.project));
    assert_eq!(code(&mut tenant.session, TOUCH), "E-TENANT-005");
}

#[test]
fn a_binding_narrowed_meanwhile_is_narrow_in_an_open_transaction_too() {
    let mut tenant = settled();
    superuser().run(&format!("select awooop.bind_role('{}', '{}', array['runs:read'])", tenant.role, tenant.project));
    assert_eq!(code(&mut tenant.session, TOUCH), "E-AUTH-003");
}

#[test]
fn an_operation_switched_off_meanwhile_is_off_in_an_open_transaction_too() {
    let (database, mut admin) = own_database();
    let mut actor = crate::harness::Project::in_database(&database).actor();
    let own = actor.project.clone();
    actor.session.run(&format!("begin; select awooop.enter_project('{own}')"));
    for _ in 0..8 {
        assert_eq!(code(&mut actor.session, TOUCH), "");
    }
    admin.run("select awooop.set_operation('create_agent', false)");
    assert_eq!(code(&mut actor.session, TOUCH), "E-OP-002");
}

#[test]
fn a_key_revoked_meanwhile_is_dead_in_an_open_transaction_too() {
    let mut tenant = Tenant::new("active", EVERY_SCOPE);
    let key = api_key(&tenant.project, EVERY_SCOPE);
    let id = key.rsplit('.').nth(1).unwrap_or_default().to_owned();
    let mut gateway = gateway();
    gateway.run("begin");
    for operation in ["whoami", "list_api_keys", "whoami", "list_api_keys", "whoami"] {
        assert_eq!(call_code(&mut gateway, &tenant.project, &key, operation, "{}"), "");
    }
    tenant.within(&format!("select awooop.revoke_api_key('{id}')"));
    for operation in ["whoami", "list_api_keys"] {
        assert_eq!(call_code(&mut gateway, &tenant.project, &key, operation, "{}"), "E-AUTH-001", "{operation}");
    }
    gateway.run("rollback");
}

#[test]
fn a_change_takes_hold_in_the_next_transaction_of_every_session() {
    let mut tenant = Tenant::new("active", EVERY_SCOPE);
    let (key, mut admin) = (api_key(&tenant.project, EVERY_SCOPE), superuser());
    let own = tenant.project.clone();
    let mut sessions: Vec<Session> =
        (0..3).map(|_| crate::harness::connect_as(&tenant.role, tenant.password)).collect();
    let mut gateways = [gateway(), gateway()];
    for round in 0..5 {
        for (suspended, expected) in [(true, "E-TENANT-005"), (false, "")] {
            admin.run(&format!("select awooop.suspend_project('{own}', suspended => {suspended})"));
            for session in &mut sessions {
                let answer = session.within(&own, TOUCH);
                assert_eq!(answer["code"].as_str().unwrap_or(""), expected, "round {round}");
            }
            for gateway in &mut gateways {
                assert_eq!(call_code(gateway, &own, &key, "whoami", "{}"), expected, "round {round}");
            }
        }
    }
    tenant.within(&format!("select awooop.revoke_api_key('{}')", key.rsplit('.').nth(1).unwrap_or_default()));
    for gateway in &mut gateways {
        assert_eq!(call_code(gateway, &own, &key, "whoami", "{}"), "E-AUTH-001");
    }
}

#[test]
fn what_was_rolled_back_is_not_kept() {
    let mut tenant = Tenant::new("active", "keys:admin,runs:read");
    let own = tenant.project.clone();
    let mut spy = gateway();
    // A key that never was: seen as valid by the transaction that made it, and by nobody after it.
    tenant.session.run(&format!("begin; select awooop.enter_project('{own}'); savepoint here"));
    let made = tenant.session.json("select awooop.create_api_key('k', array['runs:read'])");
    let key = made["api_key"].as_str().unwrap_or_default().to_owned();
    let check = format!("select awooop.authenticate('{own}', '{key}')");
    assert_eq!(tenant.session.json(&check)["ok"], true);
    tenant.session.run("rollback to here");
    assert_eq!(tenant.session.json(&check)["ok"], false, "a key made in a savepoint that was rolled back");
    tenant.session.run("rollback");
    assert_eq!(tenant.session.json(&check)["ok"], false);
    assert_eq!(call_code(&mut spy, &own, &key, "whoami", "{}"), "E-AUTH-001");
    // A binding that never was.
    let (mut admin, other) = (superuser(), crate::harness::project("active"));
    let role = tenant.role.clone();
    admin.run(&format!(
        "begin; select awooop.bind_role('{role}', '{other}', array['runs:read']); set session authorization {role}"
    ));
    assert_eq!(admin.value(&format!("select awooop.enter_project('{other}')")), other);
    assert_eq!(code(&mut admin, "select awooop.list_runs()"), "");
    admin.run("rollback");
    admin.run(&format!("set session authorization {role}"));
    assert_eq!(admin.code(&format!("select awooop.enter_project('{other}')")), "E-TENANT-003");
}

#[test]
fn a_session_that_changes_its_user_does_not_keep_the_other_users_rights() {
    let (strong, weak) = (Tenant::new("active", EVERY_SCOPE), Tenant::new("active", "runs:read"));
    let mut session = superuser();
    session.run(&format!("set session authorization {}", strong.role));
    assert_eq!(session.within(&strong.project, TOUCH)["code"], serde_json::Value::Null);
    session.run(&format!("set session authorization {}", weak.role));
    assert_eq!(session.code(&format!("select awooop.enter_project('{}')", strong.project)), "E-TENANT-003");
    assert_eq!(session.within(&weak.project, TOUCH)["code"], "E-AUTH-003");
}

#[test]
fn a_snapshot_older_than_the_change_keeps_nothing_for_later() {
    let tenant = Tenant::new("active", EVERY_SCOPE);
    let (own, mut admin) = (tenant.project.clone(), superuser());
    let mut session = crate::harness::connect_as(&tenant.role, tenant.password);
    session.run("begin isolation level repeatable read; select 1");
    admin.run(&format!("select awooop.suspend_project('{own}')"));
    // The old snapshot may still see the project as it was; the next transaction may not.
    let _ = session.ask(&format!("select awooop.enter_project('{own}')"));
    let _ = session.ask("select awooop.list_runs()");
    session.run("rollback");
    assert_eq!(session.within(&own, "select awooop.list_runs()")["code"], "E-TENANT-005");
}

#[test]
fn the_inner_half_of_entering_a_project_proves_as_much_as_the_whole() {
    let (mut tenant, victim) = (Tenant::new("active", EVERY_SCOPE), Tenant::new("active", EVERY_SCOPE));
    let inner = superuser().value("select to_regprocedure('awooop.prove_right(text)') is not null");
    if inner == "t" {
        let own = tenant.project.clone();
        let sql = format!("select awooop.prove_right('{}')", victim.project);
        let code = tenant.session.code(&sql);
        assert!(["42501", "E-TENANT-003"].contains(&code.as_str()), "{code}");
        tenant.session.run(&format!("begin; select awooop.enter_project('{own}')"));
        let code = tenant.session.code(&sql);
        assert!(["42501", "E-TENANT-004"].contains(&code.as_str()), "{code}");
        tenant.session.run("rollback");
        assert_eq!(tenant.session.value("select awooop.current_project_id()"), "");
    }
}
