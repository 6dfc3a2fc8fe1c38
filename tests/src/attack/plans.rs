//! Plans, portals and parallel workers that outlive the context they were made in. The attacker may read every table.

use super::{Neighbours, TENANT_TABLES, force_parallel};
use crate::harness::Project;
use crate::harness::platform::careless;
use crate::harness::quiet::superuser_in;

/// A login of two projects, which may read every table, with its projects.
fn two_faced() -> (Project, Project, crate::harness::Session) {
    let mut admin = superuser_in(&careless().database);
    let one = Project::in_database(&careless().database);
    let other = one.another(&mut admin);
    admin.run(&format!("grant {} to {}", careless().readers, one.role));
    let session = one.actor().session;
    (one, other, session)
}

const PROJECTS: &str = "select coalesce(string_agg(distinct project_id, ' '), '') from awooop.agents";

#[test]
fn without_a_context_no_table_has_a_row() {
    let mut here = Neighbours::readers();
    for table in TENANT_TABLES {
        assert_eq!(here.thief.session.value(&format!("select count(*) from awooop.{table}")), "0", "{table}");
    }
}

#[test]
fn in_its_context_a_tenant_sees_its_own_rows_only() {
    let mut here = Neighbours::readers();
    let own = here.thief.project.clone();
    let session = here.enter();
    for table in TENANT_TABLES {
        let sql = format!("select string_agg(distinct project_id, ' ') from awooop.{table}");
        assert_eq!(session.value(&sql), own, "{table}");
    }
    for parallel in [force_parallel(), "set enable_indexscan = off; set enable_bitmapscan = off".to_owned()] {
        session.run(&parallel);
        for table in TENANT_TABLES {
            let sql = format!("select string_agg(distinct project_id, ' ') from awooop.{table}");
            assert_eq!(session.value(&sql), own, "{table}");
        }
    }
}

#[test]
fn a_parallel_plan_has_the_context_of_its_leader() {
    let mut here = Neighbours::readers();
    let own = here.thief.project.clone();
    let session = here.enter();
    session.run(&force_parallel());
    let plan = format!("{:?}", session.rows(&format!("explain {PROJECTS}")).unwrap());
    assert!(plan.contains("Gather"), "the plan is not parallel: {plan}");
    assert_eq!(session.value(PROJECTS), own);
    session.run("commit");
    assert_eq!(session.value(PROJECTS), "");
}

#[test]
fn a_prepared_statement_shows_the_project_of_the_transaction_it_runs_in() {
    for mode in ["force_generic_plan", "force_custom_plan", "auto"] {
        let (one, other, mut session) = two_faced();
        session.run(&format!("set plan_cache_mode = {mode}"));
        session.run(&format!(
            "prepare sly as {PROJECTS}; prepare counted as select count(*) from awooop.agents where project_id = $1"
        ));
        for round in 0..7 {
            for project in [&one.id, &other.id] {
                session.run(&format!("begin; select awooop.enter_project('{project}')"));
                assert_eq!(&session.value("execute sly"), project, "{mode}, round {round}");
                let elsewhere = if project == &one.id { &other.id } else { &one.id };
                assert_eq!(session.value(&format!("execute counted('{elsewhere}')")), "0", "{mode}, round {round}");
                assert_eq!(session.value(&format!("execute counted('{project}')")), "1", "{mode}, round {round}");
                session.run("commit");
            }
            assert_eq!(session.value("execute sly"), "", "{mode}, round {round}");
        }
    }
}

#[test]
fn a_plpgsql_function_and_an_sql_function_keep_no_project_in_their_plans() {
    let (one, other, mut session) = two_faced();
    session.run(&format!(
        "create function pg_temp.kept() returns text language plpgsql as $$ begin return ({PROJECTS}); end $$;
         create function pg_temp.inlined() returns text language sql stable as $$ {PROJECTS} $$;
         create function pg_temp.lying() returns text language sql immutable as $$ select awooop.current_project_id() $$"
    ));
    for _ in 0..7 {
        for project in [&one.id, &other.id] {
            session.run(&format!("begin; select awooop.enter_project('{project}')"));
            assert_eq!(&session.value("select pg_temp.kept()"), project);
            assert_eq!(&session.value("select pg_temp.inlined()"), project);
            // What the attacker's own function claims about itself is its own affair, and changes no policy.
            let _ = session.value("select pg_temp.lying()");
            assert_eq!(&session.value(PROJECTS), project);
            session.run("commit");
        }
    }
}

#[test]
fn a_cursor_held_over_commit_has_the_rows_of_its_own_project_only() {
    let (one, other, mut session) = two_faced();
    session.run(&format!("begin; select awooop.enter_project('{}')", one.id));
    session.run("declare held cursor with hold for select project_id from awooop.agents");
    session.run("commit");
    session.run(&format!("begin; select awooop.enter_project('{}')", other.id));
    assert_eq!(session.value("fetch all from held"), one.id, "held rows are those of the project they were read in");
    session.run("commit; close held");
    // A cursor declared without a context has no rows, whenever they are fetched.
    session.run("begin; declare early cursor for select project_id from awooop.agents");
    session.run("declare early_held cursor with hold for select project_id from awooop.agents");
    session.run(&format!("savepoint here; select awooop.enter_project('{}')", one.id));
    let early = session.value("fetch all from early");
    assert!(early.is_empty() || early == one.id, "{early}");
    session.run("commit");
    let held = session.value("fetch all from early_held");
    assert!(held.is_empty() || held == one.id, "{held}");
}

#[test]
fn a_cursor_left_open_over_a_savepoint_is_shown_no_project_but_those_of_its_login() {
    let mut here = Neighbours::readers();
    let (own, victim) = (here.thief.project.clone(), here.victim.project.clone());
    let session = &mut here.thief.session;
    session.run("begin; declare straddling cursor for select project_id from awooop.agents order by 1");
    session.run(&format!("savepoint here; select awooop.enter_project('{own}')"));
    let first = session.value("fetch 1 from straddling");
    session.run("rollback to here");
    assert_eq!(session.code(&format!("select awooop.enter_project('{victim}')")), "E-TENANT-003");
    session.run("rollback to here");
    let second = session.ask("fetch all from straddling").unwrap_or_default();
    for seen in [first, second] {
        assert!(seen.is_empty() || seen == own, "{seen}");
    }
    session.run("rollback");
}

#[test]
fn a_table_made_in_one_project_is_all_that_is_taken_to_another() {
    let (one, other, mut session) = two_faced();
    session.run(&format!("begin; select awooop.enter_project('{}')", one.id));
    session.run("create temp table loot as select project_id from awooop.agents");
    session.run("create temp view lens as select project_id from awooop.agents");
    session.run("commit");
    session.run(&format!("begin; select awooop.enter_project('{}')", other.id));
    assert_eq!(session.value("select project_id from lens"), other.id);
    assert_eq!(session.value("select project_id from loot"), one.id, "what it read lawfully");
    session.run("commit");
    assert_eq!(session.value("select count(*) from lens"), "0");
}
