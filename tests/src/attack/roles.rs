//! Roles beyond their rights: tenants that administer, operators that read, auditors that write, scopes that grow.

use crate::harness::platform::login;
use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::{Session, Tenant, project, superuser, unique};

/// What administers the platform, with arguments that would do.
fn administration(project: &str) -> Vec<String> {
    vec![
        format!("select awooop.create_project('{}')", unique("stolen")),
        format!("select awooop.set_project_mode('{project}', 'active')"),
        format!("select awooop.suspend_project('{project}')"),
        format!("select awooop.bind_role(current_user, '{project}', array['runs:read'])"),
        "select awooop.set_operation('create_run', false)".to_owned(),
        "select awooop.doctor()".to_owned(),
        "select awooop.migrate()".to_owned(),
        "select awooop.maintain()".to_owned(),
        "select awooop.health()".to_owned(),
        format!("select status from awooop.call('{project}', 'x', 'whoami')"),
        "select awooop.next_ready_project('')".to_owned(),
        "select * from awooop.due_runs(10)".to_owned(),
        "select * from awooop.expired_runs(10)".to_owned(),
        "select * from awooop.due_reservations(10)".to_owned(),
        "select * from awooop.due_approvals(10)".to_owned(),
        "select awooop.create_issuer_courier('mine')".to_owned(),
        "select awooop.revoke_issuer_courier('mine')".to_owned(),
        "select * from awooop.issuer_key_sources()".to_owned(),
        "select awooop.issuers_to_fetch('x')".to_owned(),
        format!("select awooop.store_issuer_keys('x', '{project}', 'x', '{{}}')"),
        format!("select awooop.set_time_zone('{project}', 'Asia/Taipei')"),
    ]
}

#[test]
fn a_tenant_cannot_administer_the_platform_or_use_the_gateways_door() {
    let mut tenant = Tenant::new("shadow", EVERY_SCOPE);
    let own = tenant.project.clone();
    for sql in administration(&own) {
        assert_eq!(tenant.session.code(&sql), "42501", "{sql}");
        assert_eq!(
            tenant.session.try_within(&own, &sql).map_err(|failure| failure.code()),
            Err("42501".to_owned()),
            "{sql}"
        );
    }
}

#[test]
fn a_login_without_any_grant_can_do_nothing() {
    let (_, mut plain) = login(&[]);
    for sql in administration(&project("shadow")) {
        assert_eq!(plain.code(&sql), "42501", "{sql}");
    }
    for view in ["operation", "error_catalog", "run_transition", "platform_table", "run_state", "projects"] {
        assert_eq!(plain.code(&format!("select * from awooop.{view}")), "42501", "{view}");
    }
}

#[test]
fn a_tenant_touches_no_table_directly() {
    let mut tenant = Tenant::new("shadow", EVERY_SCOPE);
    let own = tenant.project.clone();
    for table in super::TENANT_TABLES.into_iter().chain(["schema_version", "worker", "operation_override"]) {
        for sql in [
            format!("select * from awooop.{table}"),
            format!("explain select * from awooop.{table}"),
            format!("delete from awooop.{table}"),
            format!("update awooop.{table} set project_id = 'x'"),
            format!("copy awooop.{table} to stdout"),
            format!("insert into awooop.{table} default values"),
            format!("truncate awooop.{table}"),
            format!(
                "create table pg_temp.mine (like awooop.{table}); create table pg_temp.child () inherits (awooop.{table})"
            ),
            format!("lock table awooop.{table} in access share mode"),
        ] {
            let code = tenant.session.try_within(&own, &sql).map_err(|failure| failure.code());
            let unknown_column = sql.starts_with("update") && code == Err("42703".to_owned());
            assert!(code == Err("42501".to_owned()) || unknown_column, "{sql}: {code:?}");
        }
    }
}

#[test]
fn an_operator_neither_reads_a_tenants_rows_nor_does_its_work() {
    let mut tenant = Tenant::new("active", EVERY_SCOPE);
    let run = tenant.run("");
    let run = run["run_id"].as_str().unwrap_or_default();
    let envelope = tenant.envelope("7");
    let claim = &tenant.within("select awooop.claim_runs('worker')")["runs"][0];
    let lease = claim["lease"].as_str().unwrap_or_default();
    let (_, mut operator) = login(&["awooop_operator"]);
    for sql in [
        format!("select awooop.get_run('{run}')"),
        "select awooop.list_runs()".to_owned(),
        format!("select awooop.list_steps('{run}')"),
        format!("select awooop.create_run('{envelope}')"),
        format!("select awooop.cancel_run('{run}')"),
        "select awooop.claim_runs('operator')".to_owned(),
        format!("select awooop.heartbeat('{run}', '{lease}')"),
        format!("select awooop.record_step('{run}', '{lease}', 's')"),
        format!("select awooop.complete_run('{run}', '{lease}')"),
        format!("select awooop.fail_run('{run}', '{lease}')"),
        "select awooop.build_envelope('agent', 'telegram', '7')".to_owned(),
        "select awooop.upsert_platform_subject('telegram', '7')".to_owned(),
    ] {
        let answer = operator.within(&tenant.project, &sql);
        assert_eq!(answer["code"], "E-AUTH-003", "{sql}");
    }
    for table in super::TENANT_TABLES {
        assert_eq!(operator.code(&format!("select * from awooop.{table}")), "42501", "{table}");
    }
    assert_eq!(operator.code("select awooop.claim_runs('operator')"), "E-TENANT-001");
    assert_eq!(operator.code("select awooop.migrate()"), "42501");
    assert_eq!(operator.code(&format!("select status from awooop.call('{}', 'x', 'whoami')", tenant.project)), "42501");
    assert_eq!(operator.code("alter table awooop.run_state disable row level security"), "42501");
}

#[test]
fn an_operator_cannot_pin_a_login() {
    let (_, mut operator) = login(&["awooop_operator"]);
    let (role, _) = login(&[]);
    let name = project("shadow");
    let sql = format!("select awooop.bind_role('{role}', '{name}', array['runs:read'], pin => true)");
    assert_eq!(operator.code(&sql), "E-INPUT-001");
    assert_eq!(
        superuser().value(&format!("select count(*) from awooop.role_bindings where role_name = '{role}'")),
        "0"
    );
}

#[test]
fn an_auditor_reads_every_project_and_writes_nothing() {
    let mut tenant = Tenant::new("active", EVERY_SCOPE);
    tenant.run("");
    let (_, mut auditor) = login(&["awooop_auditor"]);
    let sql = format!("select count(*) from awooop.run_state where project_id = '{}'", tenant.project);
    assert_eq!(auditor.value(&sql), "1");
    for table in super::TENANT_TABLES {
        for sql in [
            format!("delete from awooop.{table}"),
            format!("truncate awooop.{table}"),
            format!("insert into awooop.{table} default values"),
            format!("update awooop.{table} set project_id = project_id"),
            format!("select * from awooop.{table} for update"),
        ] {
            assert_eq!(auditor.code(&sql), "42501", "{sql}");
        }
    }
    for sql in [
        format!("select awooop.enter_project('{}')", tenant.project),
        "select awooop.list_runs()".to_owned(),
        "select awooop.claim_runs('auditor')".to_owned(),
        "select awooop.reap_stale_runs()".to_owned(),
        "select awooop.maintain()".to_owned(),
        "select digest from awooop.api_keys".to_owned(),
        "select * from awooop.api_keys".to_owned(),
        "select digest from awooop.run_lease".to_owned(),
        "select * from awooop.run_lease".to_owned(),
        "select k::text from awooop.api_keys k".to_owned(),
        "set awooop.project_id = 'x'".to_owned(),
    ] {
        assert_eq!(auditor.code(&sql), "42501", "{sql}");
    }
}

#[test]
fn nobody_is_made_auditor_and_tenant_at_once() {
    let (auditor, _) = login(&["awooop_auditor"]);
    let (name, mut admin) = (project("shadow"), superuser());
    let group = unique("group");
    admin.run(&format!(
        "create role {group}; grant awooop_auditor to {group}; create role {group}_member login in role {group}"
    ));
    for role in [auditor.as_str(), "awooop_auditor", &group, &format!("{group}_member")] {
        let sql = format!("select awooop.bind_role('{role}', '{name}', array['runs:read'])");
        assert_eq!(admin.code(&sql), "E-INPUT-001", "{role}");
    }
}

#[test]
fn a_tenant_who_becomes_auditor_can_no_longer_act_for_its_project() {
    let mut tenant = Tenant::new("shadow", EVERY_SCOPE);
    superuser().run(&format!("grant awooop_auditor to {}", tenant.role));
    let own = tenant.project.clone();
    let answer = tenant.session.try_within(&own, "select awooop.create_agent('written-by-an-auditor')");
    let written = answer.is_ok_and(|body| body["code"].is_null());
    superuser().run(&format!("revoke awooop_auditor from {}", tenant.role));
    assert!(!written, "an auditor wrote");
}

#[test]
fn the_platforms_own_roles_are_not_bound_to_a_project() {
    let (name, mut admin) = (project("shadow"), superuser());
    for role in
        ["awooop_owner", "awooop_scheduler", "awooop_gateway", "awooop_worker", "awooop_tenant", "awooop_operator"]
    {
        // In a transaction that is rolled back: binding one would open the platform to a tenant.
        admin.run("begin");
        let answer = admin.ask(&format!("select awooop.bind_role('{role}', '{name}', array['runs:read'])"));
        admin.run("rollback");
        let code = answer.map(|_| "bound".to_owned()).unwrap_or_else(|failure| failure.code());
        assert_eq!(code, "E-INPUT-001", "{role}");
    }
}

#[test]
fn a_key_cannot_hand_out_scopes_it_does_not_have() {
    let mut tenant = Tenant::new("shadow", "keys:admin,runs:read");
    for scopes in ["runs:write", "runs:read,runs:write", EVERY_SCOPE, "keys:admin,runs:work"] {
        let sql = format!("select awooop.create_api_key('k', string_to_array('{scopes}', ','))");
        assert_eq!(tenant.within(&sql)["code"], "E-AUTH-004", "{scopes}");
    }
    for scopes in ["*", "", "RUNS:READ", "runs:read,nonsense", "runs:*"] {
        let sql = format!("select awooop.create_api_key('k', array['{scopes}'])");
        let own = tenant.project.clone();
        let failure = tenant.session.try_within(&own, &sql).expect_err("no such scope");
        assert_eq!(failure.code(), "E-INPUT-001", "{scopes}");
    }
    assert!(tenant.within("select awooop.create_api_key('k', array['runs:read', 'keys:admin'])")["code"].is_null());
}

#[test]
fn rotating_a_stronger_key_does_not_give_its_scopes() {
    let mut tenant = Tenant::new("shadow", "keys:admin");
    let strong = crate::harness::tenant::api_key(&tenant.project, EVERY_SCOPE);
    let id = strong.rsplit('.').nth(1).unwrap_or_default().to_owned();
    assert_eq!(tenant.within(&format!("select awooop.rotate_api_key('{id}')"))["code"], "E-AUTH-004");
    let keys = format!("select count(*) from awooop.api_keys where project_id = '{}'", tenant.project);
    assert_eq!(superuser().value(&keys), "1", "a refused rotation left a key behind");
}

#[test]
fn a_tenant_cannot_pass_its_membership_on() {
    let mut tenant = Tenant::new("shadow", EVERY_SCOPE);
    let (other, _) = login(&[]);
    for sql in [
        format!("grant awooop_tenant to {other}"),
        format!("grant awooop_operator to {}", tenant.role),
        format!("grant awooop_auditor to {}", tenant.role),
        format!("alter role {} superuser", tenant.role),
        format!("alter role {} bypassrls", tenant.role),
        format!("alter role {other} password 'x'"),
        "create role another".to_owned(),
        "alter role awooop_gateway password 'x'".to_owned(),
        "drop owned by awooop_owner".to_owned(),
        "reassign owned by awooop_owner to current_user".to_owned(),
        "grant execute on function awooop.migrate() to public".to_owned(),
    ] {
        let before = granted(&mut tenant.session);
        let code = tenant.session.ask(&sql).map_or_else(|failure| failure.code(), |_| "done".to_owned());
        assert!(code == "42501" || code == "42704" || granted(&mut tenant.session) == before, "{sql}: {code}");
    }
}

/// Everything that says who may do what.
fn granted(session: &mut Session) -> String {
    session.value(
        "select md5((select string_agg(m::text, ',' order by m::text) from pg_auth_members m where m.member =
                        (select oid from pg_roles where rolname = current_user))
                    || (select string_agg(p.proacl::text, ',' order by p.oid) from pg_proc p
                        where p.pronamespace = 'awooop'::regnamespace))",
    )
}
