//! The gateway's login, stolen: without a caller's credential it can do nothing for any tenant.

use crate::harness::platform::{call, call_code, gateway, platform_config};
use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::server::connect;
use crate::harness::tenant::api_key;
use crate::harness::{Session, Tenant, literal, project, superuser};

/// What the gateway may execute.
const ALLOWED: [&str; 5] = ["call", "health", "issuers_to_fetch", "operation_list", "store_issuer_keys"];

#[test]
fn a_stolen_gateway_login_may_execute_five_functions_and_no_other() {
    let mut gateway = gateway();
    // No nulls: a strict function of a null is folded away before anybody looks at rights.
    let functions = superuser()
        .rows(
            "select p.proname, format('select awooop.%I(%s)', p.proname, coalesce((select string_agg(case t::regtype::text
                        when 'text[]' then '''{}''' when 'jsonb' then '''{}''' when 'timestamp with time zone' then 'now()'
                        when 'uuid' then 'gen_random_uuid()' when 'boolean' then 'true' when 'integer' then '1' when 'bigint' then '1'
                        else '''x''' end || '::' || format_type(t, null), ', ' order by n)
                    from unnest(p.proargtypes) with ordinality a (t, n)), ''))
             from pg_proc p where p.pronamespace = 'awooop'::regnamespace and p.prokind = 'f'
               and p.prorettype <> 'trigger'::regtype",
        )
        .unwrap();
    assert!(functions.len() > 30);
    for row in functions {
        let [Some(name), Some(sql)] = row.as_slice() else { panic!("{row:?}") };
        if !ALLOWED.contains(&name.as_str()) {
            assert_eq!(gateway.code(sql), "42501", "{sql}");
        }
    }
    // Two of them take a courier's credential, which comes from an operator.
    for sql in ["issuers_to_fetch('x')", "store_issuer_keys('x', 'x', 'x', 'x')"] {
        assert_eq!(gateway.json(&format!("select awooop.{sql}"))["code"], "E-ISSUER-005", "{sql}");
    }
    assert_eq!(gateway.json("select awooop.health()")["ready"], true);
    assert_ne!(gateway.value("select count(*) from awooop.operation_list()"), "0");
}

#[test]
fn a_stolen_gateway_login_reads_and_writes_no_table_view_or_sequence() {
    let mut gateway = gateway();
    let relations = superuser().rows("select relname from pg_class where relnamespace = 'awooop'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'f')");
    for relation in relations.unwrap().into_iter().flatten().flatten() {
        for sql in [
            format!("select * from awooop.{relation}"),
            format!("select count(*) from awooop.{relation}"),
            format!("delete from awooop.{relation}"),
            format!("insert into awooop.{relation} default values"),
            format!("truncate awooop.{relation}"),
            format!("copy awooop.{relation} to stdout"),
            format!("lock table awooop.{relation} in access share mode"),
        ] {
            let code = gateway.code(&sql);
            let not_a_table = ["42809", "25P01", "0A000", "55000"].contains(&code.as_str());
            assert!(code == "42501" || not_a_table, "{sql}: {code}");
        }
    }
    for sql in [
        "create table awooop.t ()",
        "create table public.t ()",
        "create schema s",
        "set role awooop_owner",
        "set role awooop_tenant",
        "set role awooop_operator",
        "set role awooop_worker",
    ] {
        assert_eq!(gateway.code(sql), "42501", "{sql}");
    }
}

/// Credentials that are none.
fn bad_credentials(key: &str, project: &str) -> Vec<String> {
    let (head, secret) = key.rsplit_once('.').unwrap_or_default();
    vec![
        String::new(),
        "awk_".to_owned(),
        format!("awk_{project}"),
        format!("awk_{project}.."),
        format!("{head}."),
        format!("{head}.{}", "A".repeat(43)),
        format!("{head}.{secret}A"),
        format!("{head}.{}", &secret[1..]),
        format!("Bearer {key}"),
        key.to_uppercase(),
        format!("{key}\n"),
        format!("{key}' or '1'='1"),
        format!("awl_{project}.018f0000-0000-7000-8000-000000000000.1.{}", "A".repeat(43)),
        "%".to_owned(),
        "x".repeat(1 << 20),
        "awk_".to_owned() + &".".repeat(100_000),
    ]
}

#[test]
fn a_stolen_gateway_login_without_a_credential_does_nothing_for_any_tenant() {
    let victim = Tenant::new("active", EVERY_SCOPE);
    let key = api_key(&victim.project, EVERY_SCOPE);
    let (mut gateway, mut admin) = (gateway(), superuser());
    let before = admin.value(&format!("select count(*) from awooop.audit_log where project_id = '{}'", victim.project));
    let mut answers = Vec::new();
    for credential in bad_credentials(&key, &victim.project) {
        for named in [victim.project.as_str(), "", "no-such-project", "*"] {
            for operation in ["whoami", "list_runs", "create_api_key", "no_such_operation"] {
                let (status, body) = call(&mut gateway, named, &credential, operation, "{}").unwrap();
                assert!(["E-AUTH-001", "E-AUTH-002"].contains(&body["code"].as_str().unwrap_or_default()), "{body}");
                assert!([401, 429].contains(&status));
                if status == 401 {
                    answers.push(body.to_string());
                }
            }
        }
    }
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 1, "failures of authentication differ: {answers:?}");
    let after = admin.value(&format!("select count(*) from awooop.audit_log where project_id = '{}'", victim.project));
    assert_eq!(after, before);
    assert_eq!(
        call(&mut gateway, &victim.project, &key, "whoami", "{}").unwrap().0,
        200,
        "a valid key is never throttled"
    );
}

#[test]
fn expired_and_revoked_keys_answer_like_unknown_ones() {
    let mut victim = Tenant::new("active", EVERY_SCOPE);
    let mut gateway = gateway();
    let (revoked, expired) = (api_key(&victim.project, "runs:read"), api_key(&victim.project, "runs:read"));
    let id = |key: &str| key.rsplit('.').nth(1).unwrap_or_default().to_owned();
    victim.within(&format!("select awooop.revoke_api_key('{}')", id(&revoked)));
    superuser().run(&format!("update awooop.api_keys set expires_at = now() where key_id = '{}'", id(&expired)));
    let unknown = format!("awk_{}.AAAAAAAAAAAAAAAA.{}", victim.project, "A".repeat(43));
    let mut answers: Vec<_> = [&revoked, &expired, &unknown]
        .into_iter()
        .map(|key| call(&mut gateway, &victim.project, key, "list_runs", "{}").unwrap())
        .collect();
    assert_eq!(answers[0].0, 401);
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn the_arguments_of_an_unproved_caller_are_not_looked_at() {
    let mut gateway = gateway();
    let name = project("active");
    for arguments in ["{", "[]", "{\"a\":1,\"a\":2}", &"[".repeat(100_000), "", "null"] {
        assert_eq!(call_code(&mut gateway, &name, "nothing", "create_run", arguments), "E-AUTH-001");
    }
}

#[test]
fn a_call_cannot_change_to_another_project_within_a_transaction() {
    let (one, other) = (project("active"), project("active"));
    let (first, second) = (api_key(&one, "runs:read"), api_key(&other, "runs:read"));
    let mut gateway = gateway();
    gateway.run("begin");
    assert_eq!(call_code(&mut gateway, &one, &first, "whoami", "{}"), "");
    assert_eq!(call_code(&mut gateway, &other, &second, "whoami", "{}"), "E-TENANT-004");
    gateway.run("rollback");
    // Nor after a failure in between.
    gateway.run("begin");
    assert_eq!(call_code(&mut gateway, &one, &first, "whoami", "{}"), "");
    assert_eq!(call_code(&mut gateway, &one, "awk_wrong", "whoami", "{}"), "E-AUTH-001");
    assert_eq!(call_code(&mut gateway, &other, &second, "whoami", "{}"), "E-TENANT-004");
    gateway.run("rollback");
}

#[test]
fn a_binding_does_not_outlive_the_call_of_its_transaction() {
    let name = project("active");
    let key = api_key(&name, EVERY_SCOPE);
    let mut gateway = gateway();
    assert_eq!(call_code(&mut gateway, &name, &key, "whoami", "{}"), "");
    assert_eq!(gateway.value("select current_setting('awooop.project_id')"), "");
    assert_eq!(call_code(&mut gateway, &name, "", "whoami", "{}"), "E-AUTH-001");
    // A key left over from another caller's call proves nothing in the same transaction either.
    gateway.run("begin");
    assert_eq!(call_code(&mut gateway, &name, &key, "whoami", "{}"), "");
    assert_eq!(call_code(&mut gateway, &name, "", "list_runs", "{}"), "E-AUTH-001");
    gateway.run("rollback");
}

#[test]
fn credentials_are_seen_in_no_other_session_of_the_login() {
    let name = project("active");
    let key = api_key(&name, EVERY_SCOPE);
    let (mut gateway, mut spy) = (gateway(), gateway());
    assert_eq!(call_code(&mut gateway, &name, &key, "whoami", "{}"), "");
    let seen = spy.rows("select query from pg_stat_activity where usename = current_user").unwrap();
    assert!(!format!("{seen:?}").contains(&key), "{seen:?}");
    let settings = spy.value(
        "select current_setting('log_parameter_max_length') || current_setting('log_parameter_max_length_on_error')",
    );
    assert_eq!(settings, "00");
}

#[test]
fn another_callers_trace_is_not_continued() {
    let name = project("active");
    let key = api_key(&name, EVERY_SCOPE);
    let mut gateway = gateway();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    gateway.run(&format!("set awooop.traceparent = '00-{trace}-00f067aa0ba902b7-01'"));
    let arguments = r#"{"agent_id":"agent","channel_type":"telegram","channel_user_id":"7"}"#;
    let (_, envelope) = call(&mut gateway, &name, &key, "build_envelope", arguments).unwrap();
    assert!(!envelope["trace_id"].as_str().unwrap_or_default().contains(trace), "{envelope}");
}

#[test]
fn a_stolen_gateway_login_cannot_reach_another_database_s_tenants() {
    let (database, mut admin) = crate::harness::own_database();
    admin.run("select awooop.create_project('elsewhere', migration_mode => 'active')");
    let here = project("active");
    let key = api_key(&here, EVERY_SCOPE);
    let mut there = Session::new(connect(&platform_config("awooop_gateway", Some(&database))));
    assert_eq!(call_code(&mut there, "elsewhere", &key, "whoami", "{}"), "E-AUTH-001");
    assert_eq!(call_code(&mut there, "", &key, "whoami", "{}"), "E-AUTH-001");
    let sql = format!("select status from awooop.call({}, '', 'whoami')", literal("elsewhere"));
    assert_eq!(there.value(&sql), "401");
}
