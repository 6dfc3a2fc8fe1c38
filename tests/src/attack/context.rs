//! Forging the tenant context of a server that preloads the library.

use postgres::NoTls;

use crate::harness::platform::{PASSWORD, login};
use crate::harness::server::config_for;
use crate::harness::{Session, Tenant, superuser, unique};

const SHOW: &str = "select awooop.current_project_id()";

#[test]
fn a_tenant_cannot_set_its_context_by_hand() {
    let mut tenant = Tenant::new("shadow", "runs:read");
    let victim = Tenant::new("shadow", "runs:read").project;
    for sql in [
        format!("set awooop.project_id = '{victim}'"),
        format!("set local awooop.project_id = '{victim}'"),
        format!("set session awooop.project_id to '{victim}'"),
        format!("select set_config('awooop.project_id', '{victim}', false)"),
        format!("select set_config('awooop.project_id', '{victim}', true)"),
        format!("select set_config('AWOOOP.Project_ID', '{victim}', true)"),
        format!("update pg_settings set setting = '{victim}' where name = 'awooop.project_id'"),
        format!("do $$ begin perform set_config('awooop.project_id', '{victim}', false); end $$"),
        format!("do $$ begin set local awooop.project_id = '{victim}'; end $$"),
        "reset awooop.project_id".to_owned(),
        "set awooop.project_id to default".to_owned(),
    ] {
        assert_eq!(tenant.session.code(&sql), "42501", "{sql}");
        assert_eq!(tenant.session.value(SHOW), "", "{sql}");
    }
}

#[test]
fn a_bound_tenant_cannot_change_its_context_by_hand() {
    let mut tenant = Tenant::new("shadow", "runs:read");
    let victim = Tenant::new("shadow", "runs:read").project;
    let own = tenant.project.clone();
    for sql in [
        format!("set local awooop.project_id = '{victim}'"),
        format!("select set_config('awooop.project_id', '{victim}', true)"),
        "set local awooop.project_id = ''".to_owned(),
        "reset awooop.project_id".to_owned(),
    ] {
        let session = &mut tenant.session;
        session.run(&format!("begin; select awooop.enter_project('{own}'); savepoint here"));
        assert_eq!(session.code(&sql), "42501", "{sql}");
        session.run("rollback to here");
        assert_eq!(session.value(SHOW), own, "{sql}");
        session.run("reset all");
        assert_eq!(session.value(SHOW), own, "after reset all");
        assert_eq!(session.code("discard all"), "25001");
        session.run("rollback");
        assert_eq!(session.value(SHOW), "");
    }
}

#[test]
fn a_tenant_cannot_bring_its_context_along_in_the_connection() {
    let tenant = Tenant::new("shadow", "runs:read");
    let victim = Tenant::new("shadow", "runs:read").project;
    for options in [
        format!("-c awooop.project_id={victim}"),
        format!("--awooop.project_id={victim}"),
        format!("-c Awooop.Project_Id={victim}"),
    ] {
        let mut config = config_for(&tenant.role, tenant.password, None);
        match config.options(&options).connect(NoTls) {
            Ok(client) => assert_eq!(Session::new(client).value(SHOW), "", "{options}"),
            Err(error) => assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{options}"),
        }
    }
}

#[test]
fn a_tenant_cannot_have_its_context_set_for_it() {
    let mut tenant = Tenant::new("shadow", "runs:read");
    let victim = Tenant::new("shadow", "runs:read").project;
    let (role, session) = (tenant.role.clone(), &mut tenant.session);
    let database = session.value("select current_database()");
    session.run("create function pg_temp.plain() returns text language sql as 'select awooop.current_project_id()'");
    for sql in [
        format!("alter role {role} set awooop.project_id = '{victim}'"),
        format!("alter role {role} in database {database} set awooop.project_id = '{victim}'"),
        format!("alter role all set awooop.project_id = '{victim}'"),
        format!("alter database {database} set awooop.project_id = '{victim}'"),
        format!("alter system set awooop.project_id = '{victim}'"),
        format!("alter function pg_temp.plain() set awooop.project_id = '{victim}'"),
        "alter function pg_temp.plain() set awooop.project_id from current".to_owned(),
        format!(
            "create function pg_temp.dressed() returns text language sql set awooop.project_id = '{victim}'
             as 'select awooop.current_project_id()'"
        ),
        format!("grant set on parameter awooop.project_id to {role}"),
        format!("set session_preload_libraries = '{victim}'"),
    ] {
        let code = session.code(&sql);
        assert!(["42501", "58P01"].contains(&code.as_str()), "{sql}: {code}");
    }
    let mut again = crate::harness::connect_as(&role, tenant.password);
    assert_eq!(again.value(SHOW), "");
    assert_eq!(
        again.value(
            "select count(*) from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
                            where r.rolname = current_user"
        ),
        "0"
    );
}

#[test]
fn a_database_of_ones_own_gives_no_right_to_set_the_context() {
    let (role, session) = login(&[]);
    drop(session);
    let mut admin = superuser();
    let database = unique("own");
    admin.run(&format!("create database {database} owner {role}"));
    let mut landlord = Session::new(config_for(&role, PASSWORD, Some(&database)).connect(NoTls).unwrap());
    assert_eq!(landlord.code(&format!("alter database {database} set awooop.project_id = 'p'")), "42501");
    assert_eq!(landlord.code("create extension pg_awooop"), "42501");
}

#[test]
fn a_transaction_stays_with_its_project_across_savepoints() {
    let mut tenant = Tenant::new("shadow", "runs:read");
    let (own, other) = (tenant.project.clone(), crate::harness::project("shadow"));
    superuser().run(&format!("select awooop.bind_role('{}', '{other}', array['runs:read'])", tenant.role));
    let session = &mut tenant.session;
    session.run(&format!("begin; select awooop.enter_project('{own}'); savepoint here"));
    // Entering it again changes nothing, and rolling that back neither.
    session.run(&format!("select awooop.enter_project('{own}'); rollback to here"));
    assert_eq!(session.value(SHOW), own);
    assert_eq!(session.code(&format!("select awooop.enter_project('{other}')")), "E-TENANT-004");
    session.run("rollback to here");
    assert_eq!(session.value(SHOW), own);
    session.run("release here; commit");
    assert_eq!(session.value(SHOW), "");
    // A binding that was rolled back is gone, and so is what was bound in an exception block.
    session.run(&format!("begin; savepoint here; select awooop.enter_project('{own}'); rollback to here"));
    assert_eq!(session.value(SHOW), "");
    session.run(&format!(
        "do $$ begin perform awooop.enter_project('{own}'); raise exception 'no'; exception when others then null; end $$"
    ));
    assert_eq!(session.value(SHOW), "");
    session.run("commit");
}

#[test]
fn a_project_that_is_not_ones_own_cannot_be_entered_and_its_existence_not_be_told() {
    let mut tenant = Tenant::new("shadow", "runs:read");
    let victim = crate::harness::project("shadow");
    let mut answers = Vec::new();
    for project in [victim.as_str(), "no-such-project", "", "a:b", "x'; drop table awooop.projects; --", "-"] {
        let sql = format!("select awooop.enter_project({})", crate::harness::literal(project));
        let failure = tenant.session.failure(&sql);
        assert_eq!(tenant.session.value(SHOW), "", "{project}");
        answers.push((failure.code(), failure.message, failure.detail, failure.hint));
    }
    assert_eq!(answers[0].0, "E-TENANT-003");
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(tenant.session.code("select awooop.enter_project(null)"), "E-TENANT-003");
    let caught = format!(
        "begin; do $$ begin perform awooop.enter_project('{victim}'); exception when others then null; end $$;
         select awooop.current_project_id()"
    );
    assert_eq!(tenant.session.value(&caught), "");
    tenant.session.run("commit");
}

#[test]
fn a_pinned_login_stays_in_its_project() {
    let (own, other, mut admin) = (crate::harness::project("shadow"), crate::harness::project("shadow"), superuser());
    let (role, session) = login(&[]);
    drop(session);
    admin.run(&format!("select awooop.bind_role('{role}', '{other}', array['runs:read'])"));
    admin.run(&format!("select awooop.bind_role('{role}', '{own}', array['runs:read'], pin => true)"));
    let mut session = crate::harness::connect_as(&role, PASSWORD);
    assert_eq!(session.value(SHOW), own);
    for sql in ["reset all", "discard all", "begin; rollback", "set session authorization default", "reset role"] {
        session.run(sql);
        assert_eq!(session.value(SHOW), own, "{sql}");
    }
    for sql in [
        "reset awooop.project_id",
        "set awooop.project_id = ''",
        "alter role current_user reset awooop.project_id",
        "select set_config('awooop.project_id', null, false)",
    ] {
        let _ = session.ask(sql);
        assert_eq!(session.value(SHOW), own, "{sql}");
    }
    assert_eq!(session.code(&format!("select awooop.enter_project('{other}')")), "E-TENANT-004");
    assert_eq!(session.json("select awooop.whoami()")["project_id"], own.as_str());
    let mut again = crate::harness::connect_as(&role, PASSWORD);
    assert_eq!(again.value(SHOW), own, "after it tried to take the pin back");
}

#[test]
fn a_role_that_was_set_is_not_the_one_that_is_asked() {
    let mut tenant = Tenant::new("shadow", "runs:read");
    let victim = Tenant::new("shadow", "runs:read");
    let session = &mut tenant.session;
    for role in [
        &victim.role,
        "awooop_owner",
        "awooop_scheduler",
        "awooop_operator",
        "awooop_auditor",
        "awooop_worker",
        "postgres",
    ] {
        assert_eq!(session.code(&format!("set role {role}")), "42501", "{role}");
        assert_eq!(session.code(&format!("set session authorization {role}")), "42501", "{role}");
    }
    session.run("set role awooop_tenant");
    assert_eq!(session.code(&format!("select awooop.enter_project('{}')", victim.project)), "E-TENANT-003");
    let own = tenant.project.clone();
    assert_eq!(
        session.within(&own, "select awooop.whoami()")["principal_id"],
        format!("role.{}", tenant.role).as_str()
    );
}

#[test]
fn a_login_that_is_bound_to_nothing_enters_nothing() {
    let (_, mut plain) = login(&[]);
    let (_, mut member) = login(&["awooop_tenant"]);
    let victim = crate::harness::project("shadow");
    assert_eq!(plain.code(&format!("select awooop.enter_project('{victim}')")), "42501");
    assert_eq!(plain.code(SHOW), "42501");
    assert_eq!(member.code(&format!("select awooop.enter_project('{victim}')")), "E-TENANT-003");
    assert_eq!(member.code("select awooop.list_runs()"), "E-TENANT-001");
}
