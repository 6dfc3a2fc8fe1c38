//! What the audit log costs: runs created, claimed and completed per second with it, and without its rows.
//!
//! The extension has no switch for it. This runs on a build with the feature `bench`, which alone has a superuser's
//! setting that leaves audit rows out: the same server, the same library, the same statements, turn about. The other
//! ways to leave them out (a trigger or a rule that drops them) would keep most of what they cost. Sealing goes on
//! beside it, as in production, and counts.

use anyhow::{Result, bail};
use postgres::Client;

use crate::fixture::{CLIENTS, PASSWORD};
use crate::place::Place;
use crate::report::{Report, median};
use crate::{Effort, fixture, pgbench};

const TENANT: &str = "bench_worker";
/// Pairs of short measurements instead of each long one.
const PARTS: usize = 3;
/// The setting, by which a build for benchmarks is known.
pub const SETTING: &str = "awooop.bench_without_audit";

/// Each client has a project of its own, so that it claims the run that it created. Three transactions.
const RUN: &str = "\\set p :client_id + 1
select e.entered, awooop.create_run((select envelope from bench.envelope where project_id = e.entered)) is not null
from (select awooop.enter_project('bench-audit-' || :p::text) as entered offset 0) e;
select r ->> 'run_id' as run, r ->> 'lease' as lease
from (select awooop.enter_project('bench-audit-' || :p::text) as entered offset 0) e,
     jsonb_array_elements(case when e.entered is not null then awooop.claim_runs('bench') end -> 'runs') r \\gset
select e.entered, awooop.complete_run(:run::uuid, :lease::text, '{\"answer\": \"42\"}') is not null
from (select awooop.enter_project('bench-audit-' || :p::text) as entered offset 0) e;
";

pub fn run(place: &Place, effort: &Effort) -> Result<Report> {
    let mut admin = prepare(place)?;
    let uri = place.uri_of(TENANT, PASSWORD)?;
    let scripts = pgbench::scripts(place, "audit", &[RUN.to_owned()])?;
    let mut report = Report::default();
    for synchronous in [true, false] {
        let setting = if synchronous { "synchronous_commit on" } else { "synchronous_commit off" };
        let (mut with, mut without) = (Vec::new(), Vec::new());
        // Short rounds, and many: the machine's slow moments must not fall on one of the two.
        for _ in 0..effort.rounds * PARTS {
            for (audited, figures) in [(true, &mut with), (false, &mut without)] {
                rest(&mut admin)?;
                let value = if audited { "off" } else { "on" };
                admin.batch_execute(&format!("alter role {TENANT} set {SETTING} = {value}"))?;
                let before = rows(&mut admin)?;
                figures.push(pgbench::tps(place, &uri, &scripts, synchronous, effort.seconds.div_ceil(2))?);
                if (rows(&mut admin)? > before) != audited {
                    bail!("audit rows were written without the log, or not written with it");
                }
            }
        }
        let losses = with.iter().zip(&without).map(|(with, without)| 1.0 - with / without).collect();
        let (with, without) = (median(with), median(without));
        report.figure(format!("runs created, claimed, completed, {setting}"), with, "runs/s");
        report.figure(format!("the same without audit rows, {setting}"), without, "runs/s");
        let loss = median(losses);
        if synchronous {
            report.below(format!("lost to the audit log, {setting}"), loss, "", 0.15);
        } else {
            report.figure(format!("lost to the audit log, {setting}"), loss, "");
        }
    }
    let left: i64 = admin.query_one("select count(*) from awooop.audit_pending", &[])?.get(0);
    report.figure("rows that still waited for the sealer at the end", left as f64, "rows");
    Ok(report)
}

/// Whether the server's build can leave audit rows out.
pub fn is_possible(place: &Place) -> Result<bool> {
    let mut admin = place.superuser()?;
    // A setting of the library is known once the library is loaded.
    admin.query_one("select awooop.current_project_id()", &[])?;
    Ok(admin.query_opt("select from pg_settings where name = $1", &[&SETTING])?.is_some())
}

fn rows(admin: &mut Client) -> Result<i64> {
    // Counted by action: the platform's own rows (partitions, retention) may come at any time.
    Ok(admin.query_one("select count(*) from awooop.audit_log where action = 'run_created'", &[])?.get(0))
}

/// What a measurement left for the background must not fall into the next one.
fn rest(admin: &mut Client) -> Result<()> {
    while admin.query_one("select (awooop.maintain() ->> 'audit_rows_sealed')::bigint", &[])?.get::<_, i64>(0) > 0 {}
    for statement in ["vacuum awooop.audit_pending", "vacuum awooop.run_state", "vacuum awooop.run_ready", "checkpoint"]
    {
        admin.batch_execute(statement)?;
    }
    Ok(())
}

fn prepare(place: &Place) -> Result<Client> {
    if !is_possible(place)? {
        bail!("the server's build has no setting {SETTING}: run `cargo xtask bench audit`");
    }
    let mut admin = place.superuser()?;
    admin.batch_execute(&format!(
        "do $$ begin
             if not exists (select from pg_roles where rolname = '{TENANT}') then create role {TENANT} login; end if;
         end $$;
         alter role {TENANT} password '{PASSWORD}';
         create schema if not exists bench;
         grant usage on schema bench to {TENANT};
         drop table if exists bench.envelope;
         create table bench.envelope (project_id text primary key, envelope jsonb not null);
         grant select on bench.envelope to {TENANT};"
    ))?;
    for n in 1..=CLIENTS {
        let project = format!("bench-audit-{n}");
        if admin.query_opt("select from awooop.projects where project_id = $1", &[&project])?.is_none() {
            admin.execute("select awooop.create_project($1, migration_mode => 'active')", &[&project])?;
        }
        admin.execute("select awooop.bind_role($1, $2, '{runs:write,runs:work}')", &[&TENANT, &project])?;
        fixture::agent(&mut admin, &project)?;
        let mut transaction = admin.transaction()?;
        transaction.execute("select awooop.enter_project($1)", &[&project])?;
        transaction.execute(
            "insert into bench.envelope select $1, awooop.build_envelope('agent', 'telegram', '7', 'chat', 'name')",
            &[&project],
        )?;
        transaction.commit()?;
    }
    Ok(admin)
}
