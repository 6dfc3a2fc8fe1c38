//! Who may call the functions, and under which plans.

use super::{EMAIL, TOKEN, redact};
use crate::harness::answer::literal;
use crate::harness::platform::{gateway, login, worker_in};
use crate::harness::server::environment;
use crate::harness::{Project, Session, superuser};

/// The three functions on one text.
fn calls() -> [String; 3] {
    let text = literal(&format!("{EMAIL} {TOKEN}"));
    [
        format!("select awooop.redact({text})"),
        format!("select awooop.redact_json(to_jsonb({text}::text))"),
        format!("select string_agg(family, ' ') from awooop.find_sensitive({text})"),
    ]
}

#[test]
fn tenants_operators_auditors_and_workers_may_redact_without_a_context() {
    let database = superuser().value("select current_database()");
    let mut sessions: Vec<Session> =
        ["awooop_tenant", "awooop_operator", "awooop_auditor"].map(|group| login(&[group]).1).into();
    sessions.push(worker_in(&database));
    for session in &mut sessions {
        let answers = calls().map(|sql| session.value(&sql));
        let redacted = "[REDACTED:email] [REDACTED:vendor_token]";
        assert_eq!(answers, [redacted.to_owned(), format!("\"{redacted}\""), "email vendor_token".to_owned()]);
    }
}

#[test]
fn a_login_with_no_role_and_the_gateways_may_not() {
    let (_, mut nobody) = login(&[]);
    for mut session in [gateway(), std::mem::replace(&mut nobody, superuser())] {
        for sql in calls() {
            assert_eq!(session.code(&sql), "42501", "{sql}");
        }
    }
}

#[test]
fn a_parallel_plan_redacts_with_the_projects_settings_as_well() {
    let mut actor = Project::new().actor();
    actor.call("select awooop.set_redaction_rule('r', 'secret', 'pg_cl[a-z]+')");
    let debug = if environment("AWOOOP_TEST_PG") == "15" { "force_parallel_mode" } else { "debug_parallel_query" };
    actor.session.run(&format!(
        "set {debug} = on; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
         set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 4"
    ));
    let sql = "select count(*) from pg_class where awooop.redact(relname::text) like '[REDACTED:secret]%'
               and (select string_agg(family, '') from awooop.find_sensitive(relname::text)) = 'secret'
               and awooop.redact_json(to_jsonb(relname::text)) #>> '{}' like '[REDACTED:secret]%'";
    assert_eq!(actor.call(sql), actor.call("select count(*) from pg_class where relname like 'pg_cl%'"));
    assert_eq!(redact(&mut actor.session, "pg_class"), "pg_class", "outside the project its rule is none");
}

#[test]
fn a_read_only_transaction_can_redact() {
    let mut actor = Project::new().actor();
    actor.session.run("set default_transaction_read_only = on");
    let text = literal(EMAIL);
    assert_eq!(actor.call(&format!("select awooop.redact({text})")), "[REDACTED:email]");
}
