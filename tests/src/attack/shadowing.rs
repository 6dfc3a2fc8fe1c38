//! Names that shadow the platform's: schemas put before pg_catalog, temporary objects, functions that run as somebody
//! else. Nothing the attacker defines may run with the platform's rights.

use crate::harness::platform::{careless, careless_tenant};
use crate::harness::quiet::superuser_in;
use crate::harness::{Actor, Session, literal, unique};

/// Every operation a tenant needs for a run's life, through one session: none may run the attacker's code.
fn a_runs_life(actor: &mut Actor) {
    let options = format!(", idempotency_key => '{}', tags => '{{\"a\": \"b\"}}'", unique("again"));
    let run = actor.create_id(&options);
    assert_eq!(actor.create_id(&options), run);
    let claim = actor.claim_one("worker");
    actor.call(&claim.sql("heartbeat", ""));
    actor.call(&claim.sql("record_step", ", 'step', '{}'"));
    actor.call(&claim.sql("record_step", ", 'step', '{}'"));
    actor.call(&claim.sql("fail_run", ""));
    let other = actor.create_id("");
    let claim = actor.claim_one("worker");
    assert_eq!(claim.run, other);
    actor.call(&claim.sql("complete_run", ", '{}'"));
    for sql in [
        "select awooop.list_runs(created_after => '2020-01-01', page_size => 1)".to_owned(),
        format!("select awooop.list_steps('{run}')"),
        format!("select awooop.cancel_run('{run}')"),
        "select awooop.upsert_platform_subject('telegram', '9', display_name => 'x')".to_owned(),
        format!("select awooop.grant_subject_role('{}:telegram:9', 'approver')", actor.project),
        "select awooop.list_api_keys()".to_owned(),
        "select awooop.list_audit()".to_owned(),
        "select awooop.reap_stale_runs()".to_owned(),
        "select awooop.whoami()".to_owned(),
    ] {
        assert_eq!(actor.call(&sql)["code"].as_str(), None, "{sql}");
    }
    let key = actor.call("select awooop.create_api_key('k', array['runs:read'])");
    let (id, text) = (key["key_id"].as_str().unwrap_or_default(), key["api_key"].as_str().unwrap_or_default());
    assert_eq!(actor.call(&format!("select awooop.authenticate('{}', '{text}')", actor.project))["ok"], true);
    actor.call(&format!("select awooop.rotate_api_key('{id}')"));
    actor.call(&format!("select awooop.revoke_api_key('{id}')"));
}

/// A schema with functions and operators like those the platform's statements use; each notes as whom it ran.
fn booby_trap(session: &mut Session, schema: &str) {
    session
        .run(&format!("create table {schema}.visit (who text, what text); grant insert on {schema}.visit to public"));
    let mut trap = |name: &str, arguments: &str, returns: &str, value: &str| {
        session.run(&format!(
            "create function {schema}.{name}({arguments}) returns {returns} language plpgsql as $$
             begin insert into {schema}.visit values (current_user, '{name}'); return {value}; end $$"
        ));
    };
    trap("now", "", "timestamptz", "pg_catalog.now()");
    trap("clock_timestamp", "", "timestamptz", "pg_catalog.clock_timestamp()");
    trap("format", "text, text", "text", "$1");
    trap("to_char", "timestamp, text", "text", "'2020-01-01T00:00:00.000000Z'");
    trap("to_timestamp", "double precision", "timestamptz", "pg_catalog.now()");
    trap("to_regclass", "text", "regclass", "null");
    trap("json_build_object", "variadic anyarray", "json", "'{}'");
    trap("date_trunc", "text, timestamptz", "timestamptz", "$2");
    trap("equal", "text, text", "boolean", "true");
    trap("equal", "uuid, uuid", "boolean", "true");
    trap("equal", "bytea, bytea", "boolean", "true");
    trap("equal", "integer, integer", "boolean", "true");
    trap("later", "timestamptz, timestamptz", "boolean", "true");
    trap("joined", "text, text", "text", "''");
    for (operator, function, kind) in [
        ("=", "equal", "text"),
        ("=", "equal", "uuid"),
        ("=", "equal", "bytea"),
        ("=", "equal", "integer"),
        (">", "later", "timestamptz"),
        ("<=", "later", "timestamptz"),
        ("||", "joined", "text"),
    ] {
        session.run(&format!(
            "create operator {schema}.{operator} (function = {schema}.{function}, leftarg = {kind}, rightarg = {kind})"
        ));
    }
    session.run(&format!(
        "create domain {schema}.timestamptz as pg_catalog.timestamptz; create domain {schema}.jsonb as pg_catalog.text"
    ));
}

#[test]
fn no_statement_of_the_platform_runs_what_stands_first_in_the_callers_path() {
    let (mut actor, mut admin, schema) = (stage(), superuser_in(&careless().database), unique("evil"));
    admin.run(&format!("create schema {schema}; grant all on schema {schema} to public"));
    booby_trap(&mut actor.session, &schema);
    for path in [format!("{schema}, pg_catalog"), format!("{schema}, pg_catalog, awooop, public, pg_temp")] {
        actor.session.run(&format!("set search_path = {path}"));
        a_runs_life(&mut actor);
        actor.session.run("discard plans");
    }
    let visits = admin.rows(&format!("select distinct who, what from {schema}.visit")).unwrap();
    assert_eq!(visits, Vec::<Vec<Option<String>>>::new(), "the attacker's code ran inside the platform's");
}

fn stage() -> Actor {
    careless_tenant(&careless().readers).1
}

#[test]
fn temporary_objects_do_not_shadow_the_platforms() {
    let mut actor = stage();
    for table in super::TENANT_TABLES {
        actor.session.run(&format!("create temp table {table} as select 1 as project_id"));
    }
    actor.session.run(
        "create function pg_temp.current_project_id() returns text language sql as $$ select 'stolen' $$;
         create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select 'epoch'::timestamptz $$;
         create domain pg_temp.text as pg_catalog.text check (false);
         create domain pg_temp.jsonb as pg_catalog.text check (false);
         create domain pg_temp.uuid as pg_catalog.text check (false);
         set search_path = pg_temp, pg_catalog, awooop",
    );
    a_runs_life(&mut actor);
}

#[test]
fn a_function_that_runs_as_its_owner_does_not_lend_the_owners_project() {
    let (mut lender, mut thief, name) = (stage(), stage(), unique("lend"));
    let project = lender.project.clone();
    lender.session.run(&format!(
        "create function playground.{name}_enter() returns text language sql security definer
             as $$ select awooop.enter_project('{project}') $$;
         create function playground.{name}_list() returns jsonb language sql security definer
             as $$ select awooop.list_runs() $$;
         create function playground.{name}_read() returns bigint language sql security definer
             as $$ select count(*) from awooop.agents where project_id = '{project}' $$"
    ));
    assert_eq!(thief.session.code(&format!("select playground.{name}_enter()")), "E-TENANT-003");
    assert_eq!(thief.session.code(&format!("select playground.{name}_list()")), "E-TENANT-001");
    assert_eq!(thief.session.value(&format!("select playground.{name}_read()")), "0");
    let own = thief.project.clone();
    assert_eq!(thief.session.within(&own, &format!("select playground.{name}_read()")), 0);
    // In the thief's own context the wrapper answers for the thief's project, whoever owns it.
    let runs = thief.session.within(&own, &format!("select playground.{name}_list()"));
    assert_eq!(runs["items"].as_array().map(Vec::len), Some(0));
}

#[test]
fn texts_that_look_like_sql_are_texts() {
    let mut actor = stage();
    for text in
        ["'; drop table awooop.agents; --", "\\'; select 1", "$$ $1 $$", "%s %I %L %n", "{\"a\":1}", "\u{202e}abc"]
    {
        let user = literal(text);
        let subject =
            actor.call(&format!("select awooop.upsert_platform_subject('telegram', {user}, display_name => {user})"));
        assert_eq!((subject["channel_user_id"].as_str(), subject["display_name"].as_str()), (Some(text), Some(text)));
        let id = literal(subject["platform_subject_id"].as_str().unwrap_or_default());
        let role = actor.call(&format!("select awooop.grant_subject_role({id}, 'approver')"));
        assert_eq!(role["channel_user_id"].as_str(), Some(text));
        let none = actor.call(&format!("select awooop.list_runs(platform_subject_id => {id})"));
        assert_eq!(none["items"].as_array().map(Vec::len), Some(0), "{text}");
    }
    assert_eq!(actor.call("select awooop.create_agent('agent')")["agent_id"], "agent");
}
