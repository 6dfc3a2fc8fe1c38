//! The tenants of a measurement: 100 projects, 10,000 subjects seen before, and a login or a key for each project.

use anyhow::Result;
use postgres::Client;

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
         delete from awooop.platform_subjects;"
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

/// pgbench's choice of a subject: one in a hundred is new.
pub const CHOOSE_USER: &str = "\\set new random(1, 100)
\\if :new = 1
\\set u random(1000000, 2000000000)
\\else
\\set u random(1, 100)
\\endif
";
