//! Projects and who may act for them: the operator's functions.

use serde_json::json;

use crate::harness::quiet::{quiet_database, superuser_in};
use crate::harness::server::config_for;
use crate::harness::{Project, Session, connect, own_database, superuser, unique};

/// A login that is an operator and no superuser.
fn operator() -> Session {
    let (role, mut admin) = (unique("operator"), superuser());
    admin.run(&format!("create role {role} login password 'secret' in role awooop_operator"));
    Session::new(connect(&config_for(&role, "secret", Some(quiet_database()))))
}

#[test]
fn an_operator_creates_a_project_in_legacy_mode_unless_told_otherwise() {
    let (mut operator, id) = (operator(), unique("p"));
    let project = operator.json(&format!("select awooop.create_project('{id}', 'Ewoooc')"));
    assert_eq!(project["migration_mode"], "legacy_awoooi_default");
    assert_eq!((&project["display_name"], &project["retention_days"]), (&json!("Ewoooc"), &json!(90)));
    assert_eq!(operator.code(&format!("select awooop.create_project('{id}')")), "E-TENANT-006");
    let audit = superuser_in(quiet_database()).json(&format!(
        "select json_agg(json_build_array(action, decision, door)) from awooop.audit_log where project_id = '{id}'"
    ));
    assert_eq!(audit, json!([["project_created", "done", "sql"]]));
}

#[test]
fn two_creators_of_one_project_are_told_who_was_first() {
    for _ in 0..5 {
        let id = unique("p");
        let sql = format!("select awooop.create_project('{id}')");
        let codes = crate::harness::at_once(
            4,
            |_| superuser_in(quiet_database()),
            |_, admin: &mut Session| admin.ask(&sql).map_or_else(|failure| failure.code(), |_| "made".to_owned()),
        );
        assert_eq!(codes.iter().filter(|code| *code == "made").count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| *code == "E-TENANT-006").count(), 3, "{codes:?}");
    }
}

#[test]
fn bad_projects_are_refused_with_the_argument_that_is_wrong() {
    let mut operator = operator();
    let id = unique("p");
    for (arguments, argument) in [
        (format!("'{id}', migration_mode => 'Active'"), "migration_mode"),
        (format!("'{id}', migration_mode => null"), "migration_mode"),
        (format!("'{id}', retention_days => 0"), "retention_days"),
        (format!("'{id}', retention_days => 36501"), "retention_days"),
        (format!("'{id}', E'two\\nlines'"), "display_name"),
        ("'.a'".to_owned(), "project_id"),
    ] {
        let failure = operator.failure(&format!("select awooop.create_project({arguments})"));
        assert_eq!(failure.code(), "E-INPUT-001", "{arguments}");
        assert!(failure.detail.contains(&format!("\"argument\":\"{argument}\"")), "{failure:?}");
    }
    assert_eq!(operator.code("select awooop.create_project(null)"), "E-INPUT-008");
    assert_eq!(operator.code("select awooop.set_project_mode('absent-project', 'shadow')"), "E-TENANT-002");
    assert_eq!(operator.code("select awooop.suspend_project('absent-project')"), "E-TENANT-002");
}

#[test]
fn a_mode_holds_from_the_next_statement_on_and_is_audited() {
    let project = Project::new();
    let (mut operator, mut actor) = (operator(), project.actor());
    operator.run(&format!("select awooop.set_project_mode('{}', 'shadow')", project.id));
    assert_eq!(actor.call("select awooop.whoami()")["migration_mode"], "shadow");
    assert_eq!(actor.create("")["mode"], "shadow");
    let facts = project.admin().json(&format!(
        "select facts from awooop.audit_log where project_id = '{}' and action = 'project_mode_set'",
        project.id
    ));
    assert_eq!(facts, json!({"from": "active", "to": "shadow"}));
}

#[test]
fn a_suspended_project_refuses_every_operation_and_audits_it() {
    let project = Project::new();
    let (mut operator, mut actor, mut admin) = (operator(), project.actor(), project.admin());
    let run = actor.create_id("");
    operator.run(&format!("select awooop.suspend_project('{}', 'unpaid')", project.id));
    let key = uuid::Uuid::now_v7();
    for sql in [
        "awooop.whoami()".to_owned(),
        "awooop.build_envelope('agent', 'telegram', '7')".into(),
        format!("awooop.get_run('{run}')"),
        format!("awooop.cancel_run('{run}')"),
        "awooop.list_runs()".into(),
        "awooop.claim_runs('w')".into(),
        format!("awooop.revoke_api_key('{key}')"),
    ] {
        assert_eq!(actor.code(&format!("select {sql}")), "E-TENANT-005", "{sql}");
    }
    let refused = admin.value(&format!(
        "select count(*)::text from awooop.audit_log where project_id = '{}' and code = 'E-TENANT-005'",
        project.id
    ));
    assert_eq!(refused, "7");
    operator.run(&format!("select awooop.suspend_project('{}', suspended => false)", project.id));
    assert_eq!(actor.state(&run), "pending");
}

#[test]
fn an_operator_administers_a_project_and_does_none_of_its_work() {
    let project = Project::new();
    let (mut operator, mut admin) = (operator(), project.admin());
    operator.within(&project.id, "select awooop.create_agent('second')");
    operator.within(&project.id, "select awooop.create_api_key('k', array['runs:read', 'runs:write'])");
    for sql in ["awooop.list_runs()", "awooop.claim_runs('w')", "awooop.build_envelope('agent', 'telegram', '7')"] {
        assert_eq!(operator.within(&project.id, &format!("select {sql}"))["code"], "E-AUTH-003", "{sql}");
    }
    let refused = admin.value(&format!(
        "select count(*)::text from awooop.audit_log where project_id = '{}' and code = 'E-AUTH-003'",
        project.id
    ));
    assert_eq!(refused, "3");
}

#[test]
fn a_tenant_is_no_operator() {
    let mut actor = Project::new().actor();
    for sql in [
        "awooop.create_project('x')",
        "awooop.set_project_mode('x', 'active')",
        "awooop.suspend_project('x')",
        "awooop.bind_role('x', 'x')",
        "awooop.set_operation('whoami', false)",
        "awooop.maintain()",
        "awooop.migrate()",
    ] {
        assert_eq!(actor.session.code(&format!("select {sql}")), "42501", "{sql}");
    }
}

#[test]
fn binding_again_changes_the_scopes_and_an_unbound_login_gets_nothing() {
    let project = Project::new();
    let other = Project::new();
    let (mut admin, mut actor) = (project.admin(), project.actor());
    let role = actor.session.value("select session_user");
    assert_eq!(actor.session.code(&format!("select awooop.enter_project('{}')", other.id)), "E-TENANT-003");
    assert_eq!(actor.session.code("select awooop.enter_project('absent-project')"), "E-TENANT-003");
    admin.run(&format!("select awooop.bind_role('{role}', '{}', array['runs:read'])", project.id));
    assert_eq!(actor.call("select awooop.whoami()")["scopes"], json!(["runs:read"]));
    assert_eq!(actor.code("select awooop.claim_runs('w')"), "E-AUTH-003");
    for (role, project, code) in [
        ("no_such_role", project.id.as_str(), "E-INPUT-001"),
        ("postgres", &project.id, "E-INPUT-001"),
        (&role, "absent-project", "E-TENANT-002"),
    ] {
        assert_eq!(admin.code(&format!("select awooop.bind_role('{role}', '{project}')")), code, "{role} {project}");
    }
    let unknown_scope = format!("select awooop.bind_role('{role}', '{}', array['*'])", project.id);
    assert_eq!(admin.code(&unknown_scope), "E-INPUT-001");
}

#[test]
fn a_pinned_login_is_in_its_project_without_a_word_and_in_no_other() {
    let project = Project::new();
    let (mut admin, mut before) = (project.admin(), project.actor());
    let other = project.another(&mut admin);
    let role = before.session.value("select session_user");
    admin.run(&format!("select awooop.bind_role('{role}', '{}', array['runs:read'], pin => true)", project.id));
    let mut session = project.actor().session;
    assert_eq!(session.value("select awooop.current_project_id()"), project.id);
    assert_eq!(session.json("select awooop.whoami()")["project_id"], project.id.as_str());
    assert_eq!(session.code(&format!("select awooop.enter_project('{}')", other.id)), "E-TENANT-004");
    assert_eq!(session.code("reset awooop.project_id"), "42501");
    admin.run(&format!("select awooop.bind_role('{role}', '{}', array['runs:read'], pin => false)", project.id));
    assert_eq!(project.actor().session.value("select awooop.current_project_id()"), "");
}

#[test]
fn an_operation_that_is_switched_off_is_refused_for_everybody_until_it_is_on_again() {
    let (database, mut admin) = own_database();
    let project = Project::in_database(&database);
    let mut actor = project.actor();
    admin.run("select awooop.set_operation('create_run', false, 'incident')");
    let envelope = actor.envelope();
    let create = format!("select awooop.create_run('{envelope}')");
    assert_eq!(actor.code(&create), "E-OP-002");
    assert_eq!(admin.within(&project.id, &create)["code"], "E-OP-002", "superusers too");
    assert_eq!(admin.value("select enabled from awooop.operation where name = 'create_run'"), "f");
    assert_eq!(actor.call("select awooop.list_runs()")["items"], json!([]), "the others are on");
    admin.run("select awooop.set_operation('create_run', true)");
    assert_eq!(actor.call(&create)["state"], "pending");
    assert_eq!(admin.code("select awooop.set_operation('no_such_operation', false)"), "E-OP-001");
}

#[test]
fn switching_an_operation_off_is_in_a_log_that_names_who_and_why() {
    let (_, mut admin) = own_database();
    admin.run("select awooop.set_operation('create_run', false, 'incident')");
    let row = admin.json("select to_json(o) from awooop.operation_override o where name = 'create_run'");
    assert_eq!((&row["reason"], &row["changed_by"]), (&json!("incident"), &json!("role:postgres")));
}
