//! A tenant's own objects before the platform's: none of them decides what is redacted.

use super::{EMAIL, TOKEN, redacted_for};
use crate::harness::Project;
use crate::harness::quiet::superuser_in;

#[test]
fn temporary_tables_that_allow_everything_are_not_read() {
    let project = Project::new();
    let mut actor = project.actor();
    actor.session.run(&format!(
        "create temp table redaction_family as
             select '{0}'::text as project_id, f as family, 'allow'::text as mode
             from unnest(array['email', 'phone', 'secret', 'vendor_token']) f;
         create temp table redaction_rule as
             select '{0}'::text as project_id, 'evil'::text as rule_id, 'ip'::text as family, '{{}}'::text[] as keywords,
                    'hello'::text as shape;
         create function pg_temp.current_project_id() returns text language sql as $$ select 'stolen' $$;
         create function pg_temp.redact(text) returns text language sql as $$ select $1 $$;
         create domain pg_temp.text as pg_catalog.text check (false);
         set search_path = pg_temp, pg_catalog, awooop",
        project.id
    ));
    let redacted = redacted_for(&mut actor, &format!("hello {EMAIL} {TOKEN}"));
    assert_eq!(redacted, "hello [REDACTED:email] [REDACTED:vendor_token]");
    let settings = actor.call("select awooop.get_redaction()");
    assert_eq!((&settings["families"][0]["mode"], &settings["rules"]), (&"redact".into(), &serde_json::json!([])));
}

#[test]
fn operators_that_stand_first_in_the_callers_path_are_not_run() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), superuser_in(&project.database));
    let schema = crate::harness::unique("evil");
    admin.run(&format!("create schema {schema}; grant all on schema {schema} to public"));
    actor.session.run(&format!(
        "create function {schema}.never(text, text) returns boolean language plpgsql as
             $$ begin raise 'the attacker runs as %', current_user; end $$;
         create operator {schema}.= (function = {schema}.never, leftarg = text, rightarg = text);
         create operator {schema}.<> (function = {schema}.never, leftarg = text, rightarg = text);
         set search_path = {schema}, pg_catalog, awooop"
    ));
    actor.call("select awooop.set_redaction_rule('r', 'secret', 'EW-[0-9]+')");
    actor.call("select awooop.set_redaction_family('email', 'allow')");
    assert_eq!(redacted_for(&mut actor, &format!("EW-1 {EMAIL}")), format!("[REDACTED:secret] {EMAIL}"));
    actor.call("select awooop.get_redaction()");
    actor.call("select awooop.remove_redaction_rule('r')");
}

#[test]
fn a_tenant_whom_a_careless_dba_let_write_the_tables_allows_nothing_for_others() {
    use crate::harness::platform::{careless, careless_tenant};
    let (_, mut thief, _) = careless_tenant(&careless().writers);
    let (_, mut victim, _) = careless_tenant(&careless().readers);
    let foreign = format!("insert into awooop.redaction_family values ('{}', 'email', 'allow', 'x')", victim.project);
    assert_eq!(thief.code(&foreign), "42501");
    victim.call("select awooop.set_redaction_rule('r', 'secret', 'EW-[0-9]+')");
    thief.call("with gone as (delete from awooop.redaction_rule returning 1) select count(*) from gone");
    assert_eq!(redacted_for(&mut victim, &format!("EW-1 {EMAIL}")), "[REDACTED:secret] [REDACTED:email]");
    let own = thief.project.clone();
    let credential = format!("insert into awooop.redaction_family values ('{own}', 'vendor_token', 'allow', 'x')");
    assert_eq!(thief.code(&credential), "23514");
    assert_eq!(redacted_for(&mut thief, TOKEN), "[REDACTED:vendor_token]");
}
