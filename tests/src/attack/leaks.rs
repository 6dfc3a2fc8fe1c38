//! Reading a neighbour's rows past row-level security: predicates that talk, plans that count, statistics, views,
//! COPY, errors. The attacker may read every table.

use super::{Neighbours, SECRET, TENANT_TABLES};
use crate::harness::{Session, unique};

/// Everything the session is told while `sql` runs: rows, and the errors.
fn heard(session: &mut Session, sql: &str) -> String {
    match session.rows(sql) {
        Ok(rows) => format!("{rows:?}"),
        Err(failure) => format!("{failure:?}"),
    }
}

#[test]
fn a_cheap_function_in_a_predicate_is_not_shown_another_tenants_rows() {
    let mut here = Neighbours::readers();
    let (own, victim) = (here.thief.project.clone(), here.victim.project.clone());
    let session = here.enter();
    // What the function sees it writes down, so that a row filtered out later is known too.
    session.run(
        "create temp table seen (what text);
         create function pg_temp.leak(what text) returns boolean language plpgsql cost 0.0001 as $$
         begin insert into pg_temp.seen values (what); return true; end $$",
    );
    for table in TENANT_TABLES {
        session.run("savepoint here");
        for predicate in [
            "pg_temp.leak(t.project_id)".to_owned(),
            format!("pg_temp.leak(t.project_id) and t.project_id = '{victim}'"),
            format!("case when t.project_id = '{victim}' then pg_temp.leak(t.project_id) else true end"),
            format!("(t.project_id = '{victim}' or pg_temp.leak(t::text))"),
            format!("1 / (case when t.project_id = '{victim}' then 0 else 1 end) = 1"),
            format!("cast(case when t.project_id = '{victim}' then t.project_id else '1' end as int) = 1"),
        ] {
            // api_keys and run_lease are readable here as a whole, so the row as text shows everything.
            session.run(&format!("select count(*) from awooop.{table} t where {predicate}"));
        }
        session.run(&format!(
            "select count(*) from awooop.{table} t join awooop.projects p on pg_temp.leak(t.project_id)"
        ));
        session.run(&format!("select pg_temp.leak(t.project_id), count(*) from awooop.{table} t group by 1 having pg_temp.leak(min(t.project_id))"));
    }
    assert_eq!(session.value(&format!("select count(*) from seen where what not like '%{own}%'")), "0");
    assert_eq!(session.value(&format!("select count(*) from seen where what like '%{victim}%'")), "0");
    assert_ne!(session.value("select count(*) from seen"), "0", "the function was asked about its own rows");
}

#[test]
fn an_operator_of_the_attackers_own_does_not_replace_the_policys() {
    let mut here = Neighbours::readers();
    let (own, schema) = (here.thief.project.clone(), unique("evil"));
    here.admin.run(&format!("create schema {schema}; grant all on schema {schema} to public"));
    here.thief.session.run(&format!(
        "create function {schema}.always(text, text) returns boolean language sql immutable as 'select true';
         create operator {schema}.= (function = {schema}.always, leftarg = text, rightarg = text);
         create function {schema}.current_project_id() returns text language sql as 'select null::text';
         set search_path = {schema}, pg_catalog"
    ));
    let session = here.enter();
    for table in TENANT_TABLES {
        let sql = format!("select string_agg(distinct project_id, ' ') from awooop.{table} t where t.project_id = 'x'");
        assert_eq!(session.value(&sql), own, "{table}");
    }
}

#[test]
fn explain_tells_sizes_and_nothing_else_of_a_neighbour() {
    let mut here = Neighbours::readers();
    let victim = here.victim.project.clone();
    here.admin.run("analyze");
    let session = here.enter();
    for table in TENANT_TABLES {
        for options in ["analyze, verbose", "analyze, verbose, buffers, format json", "verbose, generic_plan"] {
            let sql = format!("explain ({options}) select * from awooop.{table} t");
            session.run("savepoint here");
            let told = heard(session, &sql);
            session.run("rollback to here");
            assert!(!told.contains(SECRET) && !told.contains(&victim), "{sql}: {told}");
        }
    }
}

#[test]
fn statistics_show_no_value_of_a_table_under_row_security() {
    let mut here = Neighbours::readers();
    here.admin.run("analyze");
    let victim = here.victim.project.clone();
    let session = here.enter();
    assert_eq!(session.value("select count(*) from pg_stats where schemaname = 'awooop'"), "0");
    assert_eq!(session.value("select count(*) from pg_stats_ext where schemaname = 'awooop'"), "0");
    for sql in [
        "select * from pg_statistic",
        "select * from pg_statistic_ext_data",
        "select * from pg_authid",
        "select pg_read_file('postgresql.conf')",
        "select * from pg_hba_file_rules",
    ] {
        session.run("savepoint here");
        assert_eq!(session.code(sql), "42501", "{sql}");
        session.run("rollback to here");
    }
    for view in [
        "pg_stat_user_tables",
        "pg_statio_user_tables",
        "pg_stat_user_indexes",
        "pg_stat_user_functions",
        "pg_locks",
        "pg_stat_activity",
        "pg_prepared_statements",
        "pg_cursors",
        "pg_prepared_xacts",
        "pg_stat_progress_copy",
    ] {
        let told = heard(session, &format!("select * from {view}"));
        assert!(!told.contains(SECRET), "{view}");
        assert!(!told.contains(&victim), "{view}: {told}");
    }
}

#[test]
fn another_logins_statement_is_not_shown() {
    let mut here = Neighbours::readers();
    here.victim.session.run(&format!("select '{SECRET}-running'"));
    let session = here.enter();
    let told = heard(
        session,
        "select usename, query from pg_stat_activity union all select usename, query from
                               pg_stat_get_activity(null) a join pg_user u on u.usesysid = a.usesysid",
    );
    assert!(!told.contains(&format!("{SECRET}-running")), "{told}");
}

#[test]
fn copy_obeys_row_security() {
    let mut here = Neighbours::readers();
    let victim = here.victim.project.clone();
    let session = here.enter();
    for table in TENANT_TABLES {
        let mut copied = String::new();
        let sql = format!("copy (select * from awooop.{table}) to stdout");
        let mut reader = session.0.copy_out(&sql).unwrap();
        std::io::Read::read_to_string(&mut reader, &mut copied).unwrap();
        drop(reader);
        assert!(!copied.is_empty() && !copied.contains(&victim), "{table}");
        let mut whole = String::new();
        session.run("savepoint here");
        if let Ok(mut reader) = session.0.copy_out(&format!("copy awooop.{table} to stdout")) {
            std::io::Read::read_to_string(&mut reader, &mut whole).unwrap();
        }
        session.run("rollback to here");
        assert!(!whole.contains(&victim), "{table}");
        session.run("savepoint here");
        assert_eq!(session.code(&format!("copy awooop.{table} to '/tmp/loot'")), "42501");
        session.run("rollback to here; savepoint here");
        assert_eq!(session.code(&format!("copy awooop.{table} to program 'cat'")), "42501");
        session.run("rollback to here");
    }
}

#[test]
fn functions_that_run_queries_run_them_under_row_security() {
    let mut here = Neighbours::readers();
    let victim = here.victim.project.clone();
    let session = here.enter();
    for sql in [
        "select schema_to_xml('awooop', true, false, '')",
        "select table_to_xml('awooop.run_state', true, false, '')",
        "select query_to_xml('select * from awooop.audit_log', true, false, '')",
        "select cursor_to_xml('c', 100, true, false, '')",
        "select ts_stat('select to_tsvector(project_id) from awooop.agents')",
        "select * from awooop.agents tablesample bernoulli (100)",
        "select * from awooop.agents tablesample system (100)",
        "select t.* from awooop.agents t where ctid = any (array(select format('(0,%s)', n)::tid from generate_series(0, 200) n))",
        "select t.*, tableoid::regclass from awooop.audit_log t",
        "table awooop.run_state",
        "select * from only awooop.run_state",
        "with recursive r as (select * from awooop.run_lease union select * from r) select * from r",
        "select (select json_agg(s) from awooop.step_journal s), (select jsonb_agg(k) from awooop.api_keys k)",
        "select * from awooop.projects for key share",
    ] {
        session.run("savepoint here; declare c cursor for select * from awooop.agents");
        let told = heard(session, sql);
        session.run("rollback to here");
        assert!(!told.contains(&victim), "{sql}: {told}");
    }
}

#[test]
fn partitions_are_no_way_round_the_parent() {
    let mut here = Neighbours::readers();
    let (own, victim) = (here.thief.project.clone(), here.victim.project.clone());
    let partitions = here
        .admin
        .rows("select c.oid::regclass::text from pg_class c where c.relispartition and c.relkind = 'r'")
        .unwrap();
    assert!(!partitions.is_empty());
    let session = here.enter();
    for name in partitions.into_iter().flatten().flatten() {
        let told = heard(session, &format!("select string_agg(distinct project_id, ' ') from {name}"));
        assert!(!told.contains(&victim), "{name}: {told} (own: {own})");
    }
}

#[test]
fn row_security_cannot_be_switched_off() {
    let mut here = Neighbours::readers();
    let session = here.enter();
    session.run("set local row_security = off");
    for table in TENANT_TABLES {
        session.run("savepoint here");
        assert_eq!(session.code(&format!("select * from awooop.{table}")), "42501", "{table}");
        session.run("rollback to here; savepoint here");
    }
    // Operations answer, or say no: they never run without it.
    assert_eq!(session.code("select awooop.list_runs()"), "42501");
}

#[test]
fn a_view_shows_each_reader_the_readers_own_project() {
    let mut here = Neighbours::readers();
    let (own, victim, view) = (here.thief.project.clone(), here.victim.project.clone(), unique("view"));
    // The victim makes views and opens them to everybody; the attacker looks through them.
    for (kind, options) in
        [("plain", ""), ("invoker", "with (security_invoker = true)"), ("barrier", "with (security_barrier)")]
    {
        here.victim.session.run(&format!(
            "create view playground.{view}_{kind} {options} as select project_id, count(*) from awooop.agents group by 1;
             grant select on playground.{view}_{kind} to public"
        ));
        let told = heard(&mut here.thief.session, &format!("select * from playground.{view}_{kind}"));
        assert!(!told.contains(&victim), "{kind} without a context: {told}");
        let session = here.enter();
        let told = heard(session, &format!("select * from playground.{view}_{kind}"));
        session.run("commit");
        assert!(told.contains(&own) && !told.contains(&victim), "{kind}: {told}");
    }
}
