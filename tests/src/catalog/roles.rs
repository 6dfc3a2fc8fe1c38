//! The roles, and what they may do with the schema.

use super::{names, texts};
use crate::harness::server::environment;
use crate::harness::{Options, OwnServer, superuser};

#[test]
fn a_role_of_the_platform_has_no_power_over_the_cluster_and_only_two_log_in() {
    let mut admin = superuser();
    let roles = texts(
        &mut admin,
        "select rolname::text, rolcanlogin, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication
         from pg_roles where rolname like 'awooop\\_%' and rolname not like '%test%' order by 1",
    );
    let found: Vec<(&str, &str, &str)> =
        roles.iter().map(|row| (row[0].as_str(), row[1].as_str(), row[2].as_str())).collect();
    assert_eq!(
        found,
        [
            ("awooop_auditor", "f", "f"),
            ("awooop_gateway", "t", "f"),
            ("awooop_operator", "f", "f"),
            ("awooop_owner", "f", "f"),
            ("awooop_scheduler", "f", "f"),
            ("awooop_tenant", "f", "f"),
            ("awooop_worker", "t", "f"),
        ]
    );
}

#[test]
fn on_a_fresh_server_the_roles_have_no_members_but_the_owner_that_makes_tenants() {
    let server = OwnServer::start(&Options::default());
    let members = texts(
        &mut server.superuser(),
        "select r.rolname::text, m.rolname::text, a.admin_option from pg_auth_members a
         join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member
         where r.rolname like 'awooop%' or m.rolname like 'awooop%'",
    );
    assert_eq!(members, [["awooop_tenant", "awooop_owner", "t"]]);
}

#[test]
fn an_existing_role_with_too_much_power_is_refused_at_installation() {
    let server = OwnServer::start(&Options { install: false, ..Options::default() });
    let mut admin = server.superuser();
    admin.run("create role awooop_owner");
    for (attribute, back) in [
        ("superuser", "nosuperuser"),
        ("bypassrls", "nobypassrls"),
        ("createrole", "nocreaterole"),
        ("replication", "noreplication"),
        ("login", "nologin"),
    ] {
        admin.run(&format!("alter role awooop_owner {attribute}"));
        assert_eq!(admin.code("create extension pg_awooop"), "E-INSTALL-003", "{attribute}");
        admin.run(&format!("alter role awooop_owner {back}"));
    }
    // Whoever is a member of the owner is the owner.
    admin.run("create role accomplice; grant awooop_owner to accomplice");
    assert_eq!(admin.code("create extension pg_awooop"), "E-INSTALL-003");
    admin.run("revoke awooop_owner from accomplice; grant accomplice to awooop_owner");
    assert_eq!(admin.code("create extension pg_awooop"), "E-INSTALL-003");
    admin.run("revoke accomplice from awooop_owner");
    // Whoever owns the schema may drop what is in it.
    admin.run("create schema awooop authorization accomplice");
    assert_eq!(admin.code("create extension pg_awooop"), "E-INSTALL-006");
    admin.run("drop schema awooop");
    admin.run("create extension pg_awooop; select awooop.migrate()");
}

#[test]
fn nobody_but_the_owner_makes_objects_in_the_schema_and_public_has_nothing() {
    let mut admin = superuser();
    let rights = texts(
        &mut admin,
        "select coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), string_agg(a.privilege_type, ',' order by 1)
         from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'awooop' and a.grantee <> n.nspowner
         group by 1 order by 1",
    );
    for row in &rights {
        let expected = if row[0] == "awooop_owner" { "CREATE,USAGE" } else { "USAGE" };
        assert!(row[1].split(',').all(|right| expected.contains(right)), "{row:?}");
        assert!(row[0].starts_with("awooop_"), "{row:?}");
    }
    assert_eq!(rights.len(), 7);
    assert_eq!(
        names(
            &mut admin,
            "select defaclrole::regrole::text from pg_default_acl where defaclnamespace = 'awooop'::regnamespace"
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        admin.value(
            "select rolsuper from pg_namespace n join pg_roles r on r.oid = n.nspowner where nspname = 'awooop'"
        ),
        "t"
    );
}

#[test]
fn the_logins_of_the_platform_keep_credentials_out_of_the_servers_log() {
    let settings = texts(
        &mut superuser(),
        "select r.rolname::text, s.setting from pg_db_role_setting d join pg_roles r on r.oid = d.setrole,
                unnest(d.setconfig) s (setting)
         where r.rolname in ('awooop_gateway', 'awooop_worker') and d.setdatabase = 0 order by 1, 2",
    );
    let mut wanted =
        vec!["log_parameter_max_length=0", "log_parameter_max_length_on_error=0", "plan_cache_mode=force_generic_plan"];
    if environment("AWOOOP_TEST_PG") != "15" {
        wanted.push("auto_explain.log_parameter_max_length=0");
    }
    for login in ["awooop_gateway", "awooop_worker"] {
        for setting in &wanted {
            assert!(
                settings.contains(&vec![login.to_owned(), (*setting).to_owned()]),
                "{login} lacks {setting}: {settings:?}"
            );
        }
    }
}
