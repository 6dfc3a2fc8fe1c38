//! Forging the context before the library is there: on a server that does not preload it, anybody may set a setting of
//! that name, for PostgreSQL does not know it yet. Loading the library must throw that away.

use postgres::NoTls;

use crate::harness::{Options, OwnServer, Session};

struct Stage {
    server: OwnServer,
    own: String,
    victim: String,
}

/// A server with two tenants, of which the first may read every table, so that row-level security alone stands between
/// it and the other.
fn stage() -> Stage {
    let server = OwnServer::start(&Options { preload: false, ..Options::default() });
    let own = server.tenant("thief", "active", "runs:read,runs:write,envelope:write");
    let victim = server.tenant("owner", "active", "runs:read,runs:write,envelope:write");
    server.superuser().run("grant select on all tables in schema awooop to thief");
    Stage { server, own, victim }
}

const COUNT: &str = "select count(*) from awooop.agents";

/// What `thief` sees after `forge` in a fresh session, in which nothing has loaded the library yet.
fn sees_after(stage: &Stage, forge: &str) -> Result<String, String> {
    let mut thief = stage.server.connect("thief");
    for statement in forge.split(';').filter(|sql| !sql.trim().is_empty()) {
        if let Err(failure) = thief.ask(statement) {
            return Err(failure.code());
        }
    }
    thief.ask(COUNT).map_err(|failure| failure.code())
}

#[test]
fn what_was_set_before_the_library_loaded_shows_no_row() {
    let stage = stage();
    let victim = &stage.victim;
    for forge in [
        format!("set awooop.project_id = '{victim}'"),
        format!("begin; set local awooop.project_id = '{victim}'"),
        format!("begin; savepoint a; set local awooop.project_id = '{victim}'; savepoint b"),
        format!("begin; set awooop.project_id = 'x'; savepoint a; set local awooop.project_id = '{victim}'; release a"),
        format!("select set_config('awooop.project_id', '{victim}', false)"),
        format!("set awooop.project_id = '{victim}'; set plan_cache_mode = force_generic_plan; prepare p as {COUNT}"),
        format!("set awooop.project_id = '{victim}'; prepare p as {COUNT}; execute p; execute p"),
        format!("begin; set awooop.project_id = '{victim}'; declare c cursor with hold for {COUNT}; commit"),
        format!("set awooop.project_id = '{victim}'; discard plans; reset role"),
        format!("set \"awooop.project_id\" = '{victim}'; set \"AWOOOP.PROJECT_ID\" = '{victim}'"),
        format!(
            "create function pg_temp.f() returns bigint language sql set awooop.project_id = '{victim}' as '{COUNT}'"
        ),
        format!("alter role thief set awooop.project_id = '{victim}'"),
    ] {
        let seen = sees_after(&stage, &forge);
        assert!(seen == Ok("0".to_owned()) || seen == Err("42501".to_owned()), "{forge}: {seen:?}");
    }
    startup_options_show_no_row(&stage);
    the_first_statement_that_loads_the_library_shows_no_row(&stage);
    a_binding_made_after_a_forgery_is_the_proved_one(&stage);
    parallel_workers_do_not_believe_the_forgery(&stage);
}

fn startup_options_show_no_row(stage: &Stage) {
    let mut config = stage.server.config("thief");
    let config = config.options(&format!("-c awooop.project_id={}", stage.victim));
    let mut thief = Session::new(config.connect(NoTls).expect("an unknown setting is only a placeholder"));
    assert_eq!(thief.value(COUNT), "0");
    assert_eq!(thief.value("select awooop.current_project_id()"), "");
    // Nor does it come back with a reset: the startup packet's value is what RESET goes back to.
    let _ = thief.ask("reset awooop.project_id");
    thief.run("reset all");
    thief.run("discard all");
    assert_eq!(thief.value(COUNT), "0");
}

fn the_first_statement_that_loads_the_library_shows_no_row(stage: &Stage) {
    let victim = &stage.victim;
    for first in [
        "select awooop.current_project_id()".to_owned(),
        format!("select current_setting('awooop.project_id') = '{victim}' and awooop.current_project_id() <> ''"),
        format!("select count(*) from awooop.agents where project_id = '{victim}'"),
        "select awooop.list_runs()".to_owned(),
    ] {
        let mut thief = stage.server.connect("thief");
        thief.run(&format!("set awooop.project_id = '{victim}'"));
        let answer = thief.ask(&first).unwrap_or_else(|failure| failure.code());
        assert!(["", "0", "f", "E-TENANT-001"].contains(&answer.as_str()), "{first}: {answer}");
        assert_eq!(thief.code(&format!("set awooop.project_id = '{victim}'")), "42501");
        assert_eq!(thief.value(COUNT), "0");
    }
}

fn a_binding_made_after_a_forgery_is_the_proved_one(stage: &Stage) {
    let mut thief = stage.server.connect("thief");
    thief.run(&format!("begin; set local awooop.project_id = '{}'", stage.victim));
    let own = thief.ask(&format!("select awooop.enter_project('{}')", stage.own));
    assert_eq!(own.as_deref().ok(), Some(stage.own.as_str()));
    assert_eq!(thief.value("select string_agg(distinct project_id, ' ') from awooop.agents"), stage.own);
    thief.run("commit");
    assert_eq!(thief.value("select awooop.current_project_id()"), "", "the forgery came back");
}

fn parallel_workers_do_not_believe_the_forgery(stage: &Stage) {
    let mut thief = stage.server.connect("thief");
    let parallel = super::force_parallel();
    thief.run(&format!("set awooop.project_id = '{}'; {parallel}", stage.victim));
    assert_eq!(thief.value(COUNT), "0");
    assert_eq!(thief.value("select awooop.current_project_id()"), "");
}

#[test]
fn no_policy_reads_the_setting_itself() {
    // Only the extension's own function decides; a policy that read the setting itself would believe anybody.
    let believers = crate::harness::superuser().value(
        "select count(*) from pg_policies where schemaname = 'awooop'
         and (qual like '%current_setting%' or with_check like '%current_setting%')",
    );
    assert_eq!(believers, "0");
}
