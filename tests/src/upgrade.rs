//! Installing, migrating again, and what an installation refuses.

use serde_json::json;

use crate::harness::own_server::DATABASE;
use crate::harness::quiet::superuser_in;
use crate::harness::{Options, OwnServer, Session, own_database, superuser, unique};

/// Everything about the schema that a migration could change: owners, rights, policies, triggers, columns.
pub(crate) fn schema_picture(admin: &mut Session) -> Vec<String> {
    let sql = "
        select 'relation ' || c.oid::regclass || ' ' || c.relkind::text || ' ' || pg_get_userbyid(c.relowner)
               || ' rls ' || c.relrowsecurity || c.relforcerowsecurity || ' ' || coalesce(c.reloptions::text, '')
        from pg_class c where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p', 'v', 'i', 'I')
        union all
        select 'right ' || c.oid::regclass || ' ' || a.grantee::regrole || ' ' || a.privilege_type || a.is_grantable
        from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'awooop'::regnamespace and a.grantee <> 0
        union all
        select 'right of a column ' || c.oid::regclass || '.' || t.attname || ' ' || a.grantee::regrole || a.privilege_type
        from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
        where c.relnamespace = 'awooop'::regnamespace
        union all
        select 'column ' || c.oid::regclass || '.' || t.attname || ' ' || format_type(t.atttypid, t.atttypmod)
               || t.attnotnull || t.attgenerated::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        from pg_class c join pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = t.attnum
        where c.relnamespace = 'awooop'::regnamespace and c.relkind in ('r', 'p', 'v')
        union all
        select 'policy ' || tablename || ' ' || policyname || ' ' || permissive || roles::text || cmd
               || coalesce(qual, '') || coalesce(with_check, '')
        from pg_policies where schemaname = 'awooop'
        union all
        select 'trigger ' || tgenabled::text || ' ' || pg_get_triggerdef(oid) from pg_trigger
        where tgrelid in (select oid from pg_class where relnamespace = 'awooop'::regnamespace) and not tgisinternal
        union all
        select 'constraint ' || conrelid::regclass || ' ' || conname || ' '
               -- PostgreSQL prints a dumped condition with other parentheses than the one it was given.
               || translate(pg_get_constraintdef(oid), '()', '')
        from pg_constraint where connamespace = 'awooop'::regnamespace and contype <> 'n'
        union all
        select 'index ' || indexdef from pg_indexes where schemaname = 'awooop'
        union all
        select 'function ' || p.oid::regprocedure || ' ' || pg_get_userbyid(p.proowner) || p.prosecdef || p.provolatile::text
               || coalesce(p.proconfig::text, '')
        from pg_proc p where p.pronamespace = 'awooop'::regnamespace
        union all
        select 'right of a function ' || p.oid::regprocedure || ' ' || case a.grantee when 0 then 'public' else a.grantee::regrole::text end
        from pg_proc p, aclexplode(p.proacl) a where p.pronamespace = 'awooop'::regnamespace
        union all
        select 'right of the schema ' || a.grantee::regrole || ' ' || a.privilege_type
        from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'awooop' and a.grantee <> 0
        union all
        select 'partition ' || inhrelid::regclass || ' of ' || inhparent::regclass || ' '
               || pg_get_expr(c.relpartbound, c.oid)
        from pg_inherits join pg_class c on c.oid = inhrelid
        where c.relnamespace = 'awooop'::regnamespace and c.relkind = 'r'
        order by 1";
    admin.rows(sql).unwrap().into_iter().flatten().flatten().collect()
}

#[test]
fn migrating_again_changes_nothing() {
    let (_, mut admin) = own_database();
    let before = schema_picture(&mut admin);
    for _ in 0..2 {
        let answer = admin.json("select awooop.migrate()");
        assert_eq!(answer, json!({"applied": [], "partitions_made": 0}));
    }
    assert_eq!(schema_picture(&mut admin), before);
}

#[test]
fn an_applied_migration_that_differs_is_refused_and_nothing_is_applied() {
    let (_, mut admin) = own_database();
    admin.run("update awooop.schema_version set checksum = repeat('0', 64) where name = '0002_runs'");
    admin.run("drop policy schedule on awooop.run_lease");
    let failure = admin.failure("select awooop.migrate()");
    assert_eq!(failure.code(), "E-INSTALL-002");
    assert!(failure.detail.contains("0002_runs"), "{failure:?}");
    let policies =
        admin.value("select count(*)::text from pg_policies where policyname = 'schedule' and tablename = 'run_lease'");
    assert_eq!(policies, "0", "a refused migration did something");
}

#[test]
fn what_a_dba_revoked_stays_revoked() {
    let (_, mut admin) = own_database();
    admin.run("revoke select on awooop.operation from awooop_tenant");
    admin.run("revoke select on awooop.audit_log from awooop_auditor");
    admin.run("revoke execute on function awooop.list_audit from awooop_tenant");
    admin.run("select awooop.set_operation('create_run', false, 'incident')");
    admin.run("select awooop.migrate()");
    for (role, sql) in [
        ("awooop_tenant", "select * from awooop.operation"),
        ("awooop_auditor", "select * from awooop.audit_log"),
        ("awooop_tenant", "select awooop.list_audit()"),
    ] {
        admin.run(&format!("set role {role}"));
        assert_eq!(admin.code(sql), "42501", "{role}: {sql}");
        admin.run("reset role");
    }
    assert_eq!(admin.value("select enabled from awooop.operation where name = 'create_run'"), "f");
}

#[test]
fn what_somebody_loosened_is_tight_again_after_a_migration() {
    let (_, mut admin) = own_database();
    let before = schema_picture(&mut admin);
    admin.run(
        "alter table awooop.run_state no force row level security;
         alter table awooop.worker disable row level security;
         drop policy tenant_isolation on awooop.api_keys;
         alter policy tenant_isolation on awooop.agents using (true);
         drop table awooop.audit_log_default;",
    );
    admin.run("select awooop.migrate()");
    assert_eq!(schema_picture(&mut admin), before);
}

#[test]
fn two_migrations_at_once_do_not_fail() {
    let (database, _) = own_database();
    let mut admin = superuser_in(&database);
    admin.run("drop table awooop.audit_log_default");
    crate::harness::at_once(
        4,
        |_| superuser_in(&database),
        |_, admin: &mut Session| admin.run("select awooop.migrate()"),
    );
    assert_eq!(admin.value("select to_regclass('awooop.audit_log_default') is not null"), "t");
}

#[test]
fn the_extension_cannot_be_dropped_from_under_its_tables() {
    let (_, mut admin) = own_database();
    assert_eq!(admin.code("drop extension pg_awooop"), "2BP01");
}

#[test]
fn before_the_first_migration_everything_says_what_to_do() {
    let server = OwnServer::start(&Options { install: false, ..Options::default() });
    let mut admin = server.superuser();
    admin.run("create extension pg_awooop");
    assert_eq!(admin.code("select awooop.health()"), "E-INSTALL-004");
    // None of these may be an internal error; the session checks that of every failure.
    for sql in [
        "select awooop.create_project('p')",
        "select awooop.enter_project('p')",
        "select * from awooop.call('p', 'awk_p.x.y', 'whoami', '{}', null)",
        "select * from awooop.operation_list()",
        "select awooop.maintain()",
        "select awooop.claim_runs('w')",
    ] {
        assert!(admin.ask(sql).is_err(), "{sql}");
    }
    admin.run("create role stranger login");
    admin.run("grant usage on schema awooop to stranger; grant execute on function awooop.migrate() to stranger");
    assert_eq!(server.connect("stranger").code("select awooop.migrate()"), "E-INSTALL-001");
    let applied = admin.json("select awooop.migrate()")["applied"].clone();
    assert_eq!(
        applied,
        json!([
            "0001_control_plane",
            "0002_runs",
            "0003_audit_proof",
            "0004_redaction",
            "0005_principal_makers",
            "0006_contracts",
            "0007_budgets",
            "0008_platform_budget",
            "0009_approvals",
            "0010_mcp",
            "0011_mcp_features",
            "0012_token_issuers",
            "0013_channels",
            "0014_endpoints",
            "0015_sessions",
            "0016_shadow",
            "0017_conversations"
        ])
    );
    assert_eq!(admin.json("select awooop.health()")["ready"], true);
}

#[test]
fn a_role_of_ours_that_exists_with_wrong_attributes_is_refused() {
    let server = OwnServer::start(&Options { install: false, ..Options::default() });
    let mut admin = server.superuser_in("postgres");
    for (role, wrong, right) in [
        ("awooop_owner", "bypassrls", "nobypassrls"),
        ("awooop_auditor", "superuser", "nosuperuser"),
        ("awooop_scheduler", "login", "nologin"),
        ("awooop_gateway", "nologin", "login"),
        ("awooop_operator", "createrole", "nocreaterole"),
        ("awooop_worker", "login replication", "noreplication"),
    ] {
        admin.run(&format!("create role {role} {wrong}"));
        let failure = server.superuser().failure("create extension pg_awooop");
        assert_eq!(failure.code(), "E-INSTALL-003", "{role} {wrong}");
        assert!(failure.detail.contains(role) && failure.hint.contains(role), "{failure:?}");
        admin.run(&format!("alter role {role} {right}"));
    }
    // With the right ones they are taken over, as from another database of the cluster.
    let mut session = server.superuser();
    session.run("create extension pg_awooop");
    session.run("select awooop.migrate()");
    assert_eq!(DATABASE, session.value("select current_database()"));
}

#[test]
fn a_database_that_is_not_utf8_is_refused() {
    let (mut admin, name) = (superuser(), unique("latin"));
    admin.run(&format!("create database {name} encoding 'LATIN1' locale 'C' template template0"));
    let failure = superuser_in(&name).failure("create extension pg_awooop");
    assert_eq!(failure.code(), "E-INSTALL-005");
}
