//! The tenants of a measurement: 100 projects, 10,000 subjects seen before, and a login or a key for each project.

use anyhow::{Result, ensure};
use postgres::{Client, Transaction};
use serde_json::{Value, json};

use crate::place::Place;

pub const PROJECTS: usize = 100;
pub const SUBJECTS_A_PROJECT: usize = 100;
pub const CLIENTS: usize = 8;
/// A login of the benchmark; the server is private to it.
pub const PASSWORD: &str = "benchmark";
pub const TENANT: &str = "bench_tenant";

/// Creates what is missing. Figures must not depend on what an earlier run left, so subjects start afresh.
pub fn prepare(place: &Place) -> Result<Client> {
    let mut admin = place.superuser()?;
    admin.batch_execute(&format!(
        "do $$ begin
             if not exists (select from pg_roles where rolname = '{TENANT}') then
                 create role {TENANT} login;
             end if;
         end $$;
         alter role {TENANT} password '{PASSWORD}';
         alter role awooop_gateway password '{PASSWORD}';
         create schema if not exists bench;
         grant usage on schema bench to {TENANT};
         drop table if exists bench.subjects;
         delete from awooop.platform_subjects where project_id like 'bench-%';"
    ))?;
    for n in 1..=PROJECTS {
        let project = format!("bench-{n}");
        if admin.query_opt("select from awooop.projects where project_id = $1", &[&project])?.is_none() {
            admin.execute("select awooop.create_project($1, migration_mode => 'shadow')", &[&project])?;
        }
        admin.execute("select awooop.bind_role($1, $2, '{envelope:write}')", &[&TENANT, &project])?;
    }
    admin.batch_execute(&format!(
        "insert into awooop.platform_subjects (project_id, channel_type, channel_user_id, channel_chat_id, display_name,
                                               roles, first_seen_at, last_seen_at)
         select 'bench-' || p, 'telegram', u::text, 'chat', 'name', '{{viewer}}', now(), now()
         from generate_series(1, {PROJECTS}) p, generate_series(1, {SUBJECTS_A_PROJECT}) u;
         -- The bare upsert's table: the same columns, key and fill factor, and nothing around it.
         create table bench.subjects (like awooop.platform_subjects including all) with (fillfactor = 70);
         insert into bench.subjects (project_id, channel_type, channel_user_id, channel_chat_id, display_name, roles,
                                     first_seen_at, last_seen_at)
         select project_id, channel_type, channel_user_id, channel_chat_id, display_name, roles, first_seen_at,
                last_seen_at from awooop.platform_subjects;
         grant select, insert, update on bench.subjects to {TENANT};"
    ))?;
    // VACUUM refuses to share the implicit transaction of a batch.
    for statement in ["vacuum analyze bench.subjects", "vacuum analyze awooop.platform_subjects", "checkpoint"] {
        admin.batch_execute(statement)?;
    }
    Ok(admin)
}

/// An API key for each project.
pub fn keys(admin: &mut Client) -> Result<Vec<String>> {
    let mut keys = Vec::with_capacity(PROJECTS);
    for n in 1..=PROJECTS {
        let mut transaction = admin.transaction()?;
        transaction.execute("select awooop.enter_project($1)", &[&format!("bench-{n}")])?;
        let key: String = transaction
            .query_one("select awooop.create_api_key('benchmark', '{envelope:write}') ->> 'api_key'", &[])?
            .get(0);
        transaction.commit()?;
        keys.push(key);
    }
    Ok(keys)
}

/// Lets the agent `agent` of a project run: registered, and with a contract that two have signed.
pub fn agent(admin: &mut Client, project: &str) -> Result<()> {
    let contract = json!({
        "kind": "agent", "contract_version": 1, "name": "agent", "purpose": "Is measured.", "autonomy": "read_only",
        "model": {"provider": "none", "name": "none", "max_output_tokens": 1}
    });
    activate(admin, project, &contract)
}

/// Makes a contract that two have signed the active one, where none of its name is.
pub fn activate(admin: &mut Client, project: &str, contract: &Value) -> Result<()> {
    let (kind, name) = (contract["kind"].as_str().unwrap_or_default(), contract["name"].as_str().unwrap_or_default());
    let active = "select from awooop.active_contracts where project_id = $1 and kind = $2 and name = $3";
    if admin.query_opt(active, &[&project, &kind, &name])?.is_some() {
        return Ok(());
    }
    let mut transaction = admin.transaction()?;
    transaction.execute("select awooop.enter_project($1)", &[&project])?;
    let revision: String = transaction
        .query_one("select awooop.draft_contract($1, $2) ->> 'revision_id'", &[&kind, &contract.to_string()])?
        .get(0);
    let step = |transaction: &mut Transaction, operation: &str| {
        transaction.execute(&format!("select awooop.{operation}($1::text::uuid)"), &[&revision])
    };
    step(&mut transaction, "publish_contract")?;
    let arguments = json!({"revision_id": revision}).to_string();
    for signer in ["left", "right"] {
        let sign = "select status from awooop.call($1, awooop.create_api_key('k', '{contracts:sign}',
                        principal_id => $2) ->> 'api_key', 'sign_contract', $3)";
        let status: i32 = transaction.query_one(sign, &[&project, &signer, &arguments])?.get(0);
        ensure!(status == 200, "the contract {kind}/{name} of {project} was not signed");
    }
    step(&mut transaction, "activate_contract")?;
    transaction.commit()?;
    ensure!(
        admin.query_opt(active, &[&project, &kind, &name])?.is_some(),
        "the contract {kind}/{name} of {project} is not active"
    );
    Ok(())
}

/// pgbench's choice of a subject: one in a hundred is new.
pub const CHOOSE_USER: &str = "\\set new random(1, 100)
\\if :new = 1
\\set u random(1000000, 2000000000)
\\else
\\set u random(1, 100)
\\endif
";
