//! PostgreSQL's own features around the platform: what a tenant can do in the database anyway must give it nothing.

use crate::harness::quiet::EVERY_SCOPE;
use crate::harness::{Tenant, unique};

#[test]
fn a_tenant_gets_nothing_from_what_takes_a_superuser() {
    let mut tenant = Tenant::new("shadow", EVERY_SCOPE);
    let own = tenant.project.clone();
    for sql in [
        "set session_replication_role = replica",
        "set local session_replication_role = replica",
        "create event trigger t on ddl_command_start execute function pg_event_trigger_ddl_commands()",
        "create extension pg_awooop",
        "alter extension pg_awooop update",
        "drop extension pg_awooop cascade",
        "load '/tmp/evil.so'",
        "create function pg_temp.c() returns int language c as 'pg_awooop', 'awooop_call'",
        "create function pg_temp.c() returns int language internal as 'pg_backend_pid'",
        "copy (select 1) to program 'id'",
        "select pg_read_file('/etc/passwd')",
        "select pg_ls_dir('.')",
        "select lo_import('/etc/passwd')",
        "select lo_export(1, '/tmp/x')",
        "select pg_reload_conf()",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'",
        "select pg_promote()",
        "select pg_switch_wal()",
        "select pg_create_logical_replication_slot('s', 'pgoutput')",
        "create publication p for all tables",
        "alter system set work_mem = '1GB'",
        "set log_min_messages = debug5",
        "set awooop.event_log = off",
        "set awooop.database = 'x'",
        "alter schema awooop rename to mine",
        "create table awooop.mine ()",
        "drop schema awooop cascade",
        "alter table awooop.run_state add column c int",
        "alter table awooop.run_state disable trigger all",
        "alter table awooop.audit_log detach partition awooop.audit_log_default",
        "vacuum full awooop.run_state",
        "analyze awooop.run_state",
        "cluster awooop.run_state",
        "reindex table awooop.run_state",
        "refresh materialized view awooop.run_state",
        "security label on table awooop.run_state is 'x'",
    ] {
        let answer = tenant.session.ask(sql);
        if let Err(failure) = &answer {
            let code = failure.code();
            let refused = ["42501", "55P02", "22023", "0A000", "42704", "42809", "58P01", "42883", "42710"]
                .contains(&code.as_str());
            assert!(refused, "{sql}: {code} {failure:?}");
        } else {
            // Maintenance of what one does not own is skipped with a warning.
            assert!(sql.starts_with("analyze") || sql.starts_with("vacuum") || sql.contains("pg_terminate"), "{sql}");
        }
    }
    assert_eq!(tenant.within("select awooop.whoami()")["project_id"], own.as_str());
}

#[test]
fn a_listener_hears_nothing_of_another_tenant() {
    let (mut victim, mut spy) = (Tenant::new("active", EVERY_SCOPE), Tenant::new("active", EVERY_SCOPE));
    for channel in ["awooop", "runs", "run_ready", "run_state", "pg_awooop", &victim.project] {
        spy.session.run(&format!("listen \"{channel}\""));
    }
    let run = victim.run("");
    victim.within("select awooop.claim_runs('w')");
    victim.within(&format!("select awooop.cancel_run('{}')", run["run_id"].as_str().unwrap_or_default()));
    spy.session.run("select 1");
    let mut notifications = spy.session.0.notifications();
    let heard = postgres::fallible_iterator::FallibleIterator::next(&mut notifications.iter()).unwrap();
    assert!(heard.is_none(), "{heard:?}");
}

#[test]
fn a_forged_notification_moves_nothing() {
    let mut tenant = Tenant::new("active", EVERY_SCOPE);
    let run = tenant.run("");
    for channel in ["awooop", "runs", "awooop_claim", "awooop_reap"] {
        tenant.session.run(&format!("notify \"{channel}\", '{run}'"));
    }
    let shown = tenant.within(&format!("select awooop.get_run('{}')", run["run_id"].as_str().unwrap_or_default()));
    assert_eq!(shown["state"], "pending");
}

#[test]
fn a_large_object_of_one_tenant_is_closed_to_another() {
    let (mut one, mut other) = (Tenant::new("shadow", EVERY_SCOPE), Tenant::new("shadow", EVERY_SCOPE));
    let id = one.session.value("select lo_from_bytea(0, 'mine')");
    assert_eq!(other.session.code(&format!("select lo_get({id})")), "42501");
    assert_eq!(other.session.code(&format!("select lo_unlink({id})")), "42501");
    assert_eq!(
        one.session.value("select count(*) from pg_largeobject_metadata where lomowner = 'awooop_owner'::regrole"),
        "0"
    );
    one.session.run(&format!("select lo_unlink({id})"));
}

#[test]
fn a_do_block_and_a_procedure_have_no_more_rights_than_their_caller() {
    let (mut tenant, victim) = (Tenant::new("shadow", EVERY_SCOPE), Tenant::new("shadow", EVERY_SCOPE));
    let name = unique("proc");
    for sql in [
        format!("do $$ begin perform awooop.enter_project('{}'); end $$", victim.project),
        format!("do $$ begin execute 'select awooop.enter_project(''{}'')'; end $$", victim.project),
    ] {
        assert_eq!(tenant.session.code(&sql), "E-TENANT-003", "{sql}");
    }
    // One transaction after another in one statement: each binds anew, none keeps the one before.
    tenant.session.run(&format!(
        "create procedure pg_temp.{name}() language plpgsql as $$
         begin
             perform awooop.enter_project('{}');
             commit;
             if awooop.current_project_id() <> '' then raise exception 'the binding outlived its transaction'; end if;
         end $$",
        tenant.project
    ));
    tenant.session.run(&format!("call pg_temp.{name}()"));
}

#[test]
fn a_setting_of_the_session_does_not_change_what_an_operation_decides() {
    let mut tenant = Tenant::new("active", EVERY_SCOPE);
    let own = tenant.project.clone();
    for setting in [
        "timezone = 'Pacific/Kiritimati'",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "extra_float_digits = -15",
        "standard_conforming_strings = off",
        "transform_null_equals = on",
        "quote_all_identifiers = on",
        "array_nulls = off",
        "xmloption = document",
        "plan_cache_mode = force_custom_plan",
        "enable_indexscan = off",
        "jit_above_cost = 0",
        "work_mem = '64kB'",
        "client_encoding = 'LATIN1'",
        "search_path = ''",
        "default_tablespace = ''",
        "role = awooop_tenant",
    ] {
        let mut session = crate::harness::connect_as(&tenant.role, tenant.password);
        session.run(&format!("set {setting}"));
        let envelope = session.within(&own, "select awooop.build_envelope('agent', 'telegram', '7')");
        let run = session.within(&own, &format!("select awooop.create_run('{envelope}')"));
        let id = run["run_id"].as_str().unwrap_or_default().to_owned();
        let created = run["created_at"].as_str().unwrap_or_default().to_owned();
        assert!(created.ends_with('Z') && created.len() == 27, "{setting}: {created}");
        let list = session.within(&own, &format!("select awooop.list_runs(created_after => '{created}')"));
        assert_eq!(list["items"][0]["run_id"], id.as_str(), "{setting}");
        let claimed = session.within(&own, "select awooop.claim_runs('w')");
        let lease = claimed["runs"][0]["lease"].as_str().unwrap_or_default().to_owned();
        let done = session.within(&own, &format!("select awooop.complete_run('{id}', '{lease}', '\"x\"')"));
        assert_eq!(done["state"], "completed", "{setting}");
    }
    assert_eq!(tenant.within("select awooop.whoami()")["project_id"], own.as_str());
}
