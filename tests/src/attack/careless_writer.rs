//! A tenant to whom a DBA granted every row operation on every table: its own project it can spoil, nobody else's.

use super::{Neighbours, TENANT_TABLES};
use crate::harness::Session;

/// Row counts of the victim, by table.
fn counts(admin: &mut Session, project: &str) -> Vec<String> {
    TENANT_TABLES
        .iter()
        .map(|table| {
            admin.value(&format!(
                "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '')
                 from awooop.{table} t where project_id = '{project}'"
            ))
        })
        .collect()
}

#[test]
fn a_writer_of_every_table_changes_no_row_of_another_project() {
    let mut here = Neighbours::writers();
    let (own, victim) = (here.thief.project.clone(), here.victim.project.clone());
    let before = counts(&mut here.admin, &victim);
    let session = here.enter();
    for table in TENANT_TABLES {
        for sql in [
            format!("update awooop.{table} set project_id = '{own}' where project_id = '{victim}'"),
            format!("update awooop.{table} set project_id = '{victim}'"),
            format!("delete from awooop.{table} where project_id = '{victim}'"),
            format!("insert into awooop.{table} select * from awooop.{table} where project_id = '{victim}'"),
            format!("delete from awooop.{table} t using awooop.projects p where p.project_id = '{victim}'"),
            format!(
                "merge into awooop.{table} t using (select '{victim}' as id) v on t.project_id = v.id
                 when matched then delete"
            ),
            format!("select * from awooop.{table} where project_id = '{victim}' for update"),
            format!("truncate awooop.{table}"),
            format!("lock table awooop.{table} in access exclusive mode nowait"),
        ] {
            session.run("savepoint here");
            let done = session.0.simple_query(&sql);
            session.run("rollback to here");
            if let Ok(messages) = done {
                let touched = messages
                    .iter()
                    .any(|message| matches!(message, postgres::SimpleQueryMessage::CommandComplete(n) if *n > 0));
                assert!(!touched || sql.starts_with("lock"), "{sql}");
            }
        }
    }
    session.run("commit");
    assert_eq!(counts(&mut here.admin, &victim), before);
}

/// Rows a writer invents for a project: valid in themselves, so that only row-level security can refuse them.
fn invented(project: &str) -> Vec<String> {
    let digest = "decode(repeat('ab', 32), 'hex')";
    vec![
        format!("insert into awooop.projects (project_id, migration_mode, retention_days) values ('{project}', 'active', 1)"),
        format!("insert into awooop.principals (project_id, principal_id, kind) values ('{project}', 'thief', 'person')"),
        format!("insert into awooop.agents (project_id, agent_id, enabled) values ('{project}', 'thief', true)"),
        format!(
            "insert into awooop.role_bindings (project_id, role_name, principal_id, scopes)
             values ('{project}', current_user, 'role.thief', '{{runs:read}}')"
        ),
        format!(
            "insert into awooop.api_keys (project_id, key_id, principal_id, name, digest, scopes)
             values ('{project}', 'forged', 'role.thief', 'forged', {digest}, '{{runs:read}}')"
        ),
        format!(
            "insert into awooop.token_issuer (project_id, issuer, jwks_uri, host, audience, scopes, subject_claim, registered_by)
             values ('{project}', 'https://evil.example', 'https://evil.example', 'evil.example', 'urn:a:b', '{{runs:read}}',
                     'sub', 'role:postgres')"
        ),
        format!(
            "insert into awooop.token_issuer_key (project_id, issuer, kid, jwk)
             values ('{project}', 'https://evil.example', 'forged', '{{}}')"
        ),
        format!(
            "insert into awooop.run_ready (project_id, run_id, priority, available_at)
             values ('{project}', gen_random_uuid(), 9, now())"
        ),
        format!(
            "insert into awooop.run_lease (project_id, run_id, epoch, digest, worker_id, principal_id, granted_at, expires_at)
             values ('{project}', gen_random_uuid(), 1, {digest}, 'w', 'p', now(), now())"
        ),
        format!(
            "insert into awooop.audit_log (project_id, audit_id, recorded_at, action, decision, door, facts)
             values ('{project}', gen_random_uuid(), now(), 'forged', 'done', 'sql', '{{}}')"
        ),
        format!(
            "insert into awooop.audit_pending (project_id, audit_id, recorded_at, leaf_hash)
             values ('{project}', gen_random_uuid(), now(), {digest})"
        ),
        format!(
            "insert into awooop.audit_leaf (project_id, leaf_index, audit_id, recorded_at, leaf_hash)
             values ('{project}', 0, gen_random_uuid(), now(), {digest})"
        ),
        format!(
            "insert into awooop.audit_node (project_id, level, node_index, node_hash) values ('{project}', 4, 0, {digest})"
        ),
        format!(
            "insert into awooop.audit_checkpoint (project_id, tree_size, root, note, key_id)
             values ('{project}', 1, {digest}, 'forged', 'forged')"
        ),
        format!(
            "insert into awooop.audit_archive (project_id, audit_id, table_name, range_from, range_to, row_count, tree_size)
             values ('{project}', gen_random_uuid(), 'audit_log_2020_01', now(), now(), 1, 1)"
        ),
        format!(
            "insert into awooop.step_journal (project_id, run_id, run_created_at, step_key, phase, seq, kind, epoch,
                                              request_digest)
             values ('{project}', gen_random_uuid(), now(), 'forged', 'completed', 1, 'step', 1, {digest})"
        ),
        format!(
            "insert into awooop.platform_subjects (project_id, channel_type, channel_user_id, roles, first_seen_at,
                                                   last_seen_at)
             values ('{project}', 'telegram', '7', '{{owner}}', now(), now())
             on conflict (project_id, channel_type, channel_user_id) do update set roles = excluded.roles"
        ),
    ]
}

#[test]
fn a_row_for_another_project_is_refused_alike_whether_that_project_exists() {
    let mut here = Neighbours::writers();
    let victim = here.victim.project.clone();
    let session = here.enter();
    for (real, absent) in invented(&victim).iter().zip(invented("no-such-project")) {
        let mut answer = |sql: &str| {
            session.run("savepoint here");
            let failure = session.failure(sql);
            session.run("rollback to here");
            (failure.sqlstate, failure.message, failure.detail)
        };
        let (known, unknown) = (answer(real), answer(&absent));
        assert_eq!(known.0, "42501", "{real}: {known:?}");
        assert_eq!(known, unknown, "{real}");
    }
}

#[test]
fn a_unique_key_does_not_tell_of_another_projects_row() {
    let mut here = Neighbours::writers();
    let (own, victim) = (here.thief.project.clone(), here.victim.project.clone());
    // Ids and keys that the victim has, in the thief's own project: each is free there.
    let run = here.admin.value(&format!("select run_id from awooop.run_state where project_id = '{victim}' limit 1"));
    let key = here.admin.value(&format!("select key_id from awooop.api_keys where project_id = '{victim}' limit 1"));
    let audit =
        here.admin.value(&format!("select audit_id from awooop.audit_log where project_id = '{victim}' limit 1"));
    let session = here.enter();
    session.run(&format!(
        "insert into awooop.run_state select (jsonb_populate_record(s, jsonb_build_object('run_id', '{run}',
             'idempotency_key', 'free'))).* from awooop.run_state s limit 1"
    ));
    session.run(&format!(
        "insert into awooop.api_keys select (jsonb_populate_record(k, jsonb_build_object('key_id', '{key}'))).*
         from awooop.api_keys k limit 1"
    ));
    session.run(&format!(
        "insert into awooop.audit_log select (jsonb_populate_record(a, jsonb_build_object('audit_id', '{audit}'))).*
         from awooop.audit_log a limit 1"
    ));
    assert_eq!(session.value(&format!("select project_id from awooop.run_state where run_id = '{run}'")), own);
}

#[test]
fn a_foreign_key_finds_no_row_of_another_project() {
    let mut here = Neighbours::writers();
    let victim = here.victim.project.clone();
    // An agent and a subject that only the victim has cannot be named by the thief's runs.
    here.victim.call("select awooop.create_agent('private')");
    here.victim.call("select awooop.build_envelope('private', 'telegram', 'private')");
    let session = here.enter();
    for (column, value) in [("agent_id", "private"), ("channel_user_id", "private")] {
        session.run("savepoint here");
        let failure = session.failure(&format!(
            "insert into awooop.run_state select (jsonb_populate_record(s, jsonb_build_object('run_id', gen_random_uuid(),
                 'idempotency_key', 'free', '{column}', '{value}'))).* from awooop.run_state s limit 1"
        ));
        session.run("rollback to here");
        assert_eq!(failure.sqlstate, "23503");
        assert!(!failure.detail.contains(&victim), "{failure:?}");
    }
    // A table of the attacker's own that refers to the platform's would find rows without row-level security.
    session.run("savepoint here");
    let sql = "create temp table probe (project_id text references awooop.projects)";
    assert!(["42501", "42P16"].contains(&session.code(sql).as_str()));
    session.run("rollback to here");
    let sql = "create table playground.probe (project_id text references awooop.projects)";
    assert_eq!(session.code(sql), "42501");
}

#[test]
fn platform_tables_stay_out_of_reach() {
    let mut here = Neighbours::writers();
    let session = here.enter();
    for table in
        ["schema_version", "operation_override", "failed_authentication", "failed_authentication_log", "worker"]
    {
        assert_eq!(session.value(&format!("select count(*) from awooop.{table}")), "0", "{table}");
        session.run(&format!("delete from awooop.{table}"));
        session.run("savepoint here");
    }
    for sql in [
        "insert into awooop.operation_override (name, enabled, changed_by) values ('create_run', false, 'thief')",
        "insert into awooop.schema_version (name, checksum) values ('9999', '')",
        "insert into awooop.worker (role_name, worker_id, last_project, last_claim_at) values ('a', 'b', 'c', now())",
        "insert into awooop.failed_authentication (bucket, minute, failures, last_at) values (1, now(), 1000000, now())",
    ] {
        session.run("savepoint here");
        assert_eq!(session.code(sql), "42501", "{sql}");
        session.run("rollback to here");
    }
    session.run("commit");
    assert_ne!(here.admin.value("select count(*) from awooop.schema_version"), "0");
}

#[test]
fn row_operations_are_no_way_to_make_objects_that_run_as_others() {
    let mut here = Neighbours::writers();
    let session = here.enter();
    for sql in [
        "create trigger t before insert on awooop.run_state for each row execute function suppress_redundant_updates_trigger()",
        "create rule r as on insert to awooop.run_state do instead nothing",
        "create policy mine on awooop.run_state using (true)",
        "create index on awooop.run_state (result)",
        "create table awooop.mine (n int)",
        "create view awooop.mine as select 1",
        "create function awooop.mine() returns int language sql as 'select 1'",
        "alter table awooop.run_state disable trigger all",
        "alter table awooop.run_state no force row level security",
        "alter table awooop.run_state owner to current_user",
        "drop table awooop.run_ready",
        "alter function awooop.current_project_id() immutable",
        "create or replace function awooop.current_project_id() returns text language sql as $$ select 'x' $$",
        "comment on table awooop.run_state is 'mine'",
        "grant select on awooop.run_state to public",
    ] {
        session.run("savepoint here");
        let code = session.ask(sql).map_or_else(|failure| failure.code(), |_| "done".to_owned());
        session.run("rollback to here");
        // Granting what one may not hand on is a warning, and nothing.
        assert!(code == "42501" || (code == "done" && sql.starts_with("grant")), "{sql}: {code}");
    }
}
