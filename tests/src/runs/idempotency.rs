//! One key, one run: whoever wins, however often it is sent, and for as long as the run lives.

use serde_json::Value;

use crate::harness::quiet::text;
use crate::harness::{Actor, Project, at_once, literal, own_database};

fn create(actor: &mut Actor, options: &str) -> Value {
    actor.create(options)
}

#[test]
fn the_same_request_with_the_same_key_returns_the_first_run() {
    let project = Project::new();
    let mut actor = project.actor();
    let options = r#", input => '{"q": "hello", "n": [1, 2.5, null]}', idempotency_key => 'k', tags => '{"a": "b"}'"#;
    let first = create(&mut actor, options);
    assert_eq!(first["created"], true);
    // Another envelope of the same message has another trace; the keys of its input may come in another order.
    let again = create(
        &mut actor,
        r#", input => '{"n": [1, 2.50, null], "q": "hello"}', idempotency_key => 'k', tags => '{"a": "b"}'"#,
    );
    assert_eq!(again["created"], false);
    assert_eq!(again["run_id"], first["run_id"]);
    assert_eq!(again["trace_id"], first["trace_id"], "the first run keeps its own trace");
    // It says what the run has become, whatever that is.
    let claim = actor.claim_one("w");
    actor.call(&claim.sql("complete_run", r#", '{"answer": 42}'"#));
    let later = create(&mut actor, options);
    assert_eq!((&later["created"], &later["state"]), (&false.into(), &"completed".into()));
    assert_eq!(later["result"]["answer"], 42);
    super::books::check(&mut project.admin(), &project.id);
}

#[test]
fn the_same_key_with_any_other_request_is_refused() {
    let mut actor = Project::new().actor();
    let first = create(&mut actor, ", idempotency_key => 'k'");
    let envelope = literal(&actor.envelope().to_string());
    let other_user = literal(&actor.call("select awooop.build_envelope('agent', 'telegram', '8')").to_string());
    let other_chat = literal(&actor.call("select awooop.build_envelope('agent', 'telegram', '7', 'chat')").to_string());
    for sql in [
        format!("awooop.create_run({envelope}, input => '[]', idempotency_key => 'k')"),
        format!("awooop.create_run({envelope}, priority => 6, idempotency_key => 'k')"),
        format!("awooop.create_run({envelope}, max_attempts => 4, idempotency_key => 'k')"),
        format!("awooop.create_run({envelope}, deadline_seconds => 60, idempotency_key => 'k')"),
        format!("awooop.create_run({envelope}, tags => '{{\"a\": \"b\"}}', idempotency_key => 'k')"),
        format!("awooop.create_run({other_user}, idempotency_key => 'k')"),
        format!("awooop.create_run({other_chat}, idempotency_key => 'k')"),
    ] {
        assert_eq!(actor.code(&format!("select {sql}")), "E-RUN-004", "{sql}");
    }
    let listed = actor.call("select awooop.list_runs()");
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["run_id"], first["run_id"]);
}

#[test]
fn without_a_key_every_request_is_a_run() {
    let mut actor = Project::new().actor();
    assert_ne!(actor.create_id(""), actor.create_id(""));
}

#[test]
fn a_key_belongs_to_its_project() {
    let project = Project::new();
    let other = project.another(&mut project.admin());
    let runs = [&project, &other].map(|project| create(&mut project.actor(), ", idempotency_key => 'k'"));
    assert_ne!(runs[0]["run_id"], runs[1]["run_id"]);
    assert!(runs.iter().all(|run| run["created"] == true));
}

#[test]
fn thirty_two_creators_with_one_key_make_one_run_and_all_get_it() {
    let project = Project::new();
    for round in 0..3 {
        let options = format!(", idempotency_key => 'k{round}'");
        let runs = at_once(32, |_| project.actor(), |_, actor: &mut Actor| create(actor, &options));
        let winners = runs.iter().filter(|run| run["created"] == true).count();
        assert_eq!(winners, 1, "round {round}");
        assert!(runs.iter().all(|run| run["run_id"] == runs[0]["run_id"]));
    }
    let mut admin = project.admin();
    assert_eq!(
        admin.value(&format!("select count(*)::text from awooop.run_state where project_id = '{}'", project.id)),
        "3"
    );
    super::books::check(&mut admin, &project.id);
}

#[test]
fn the_loser_with_another_request_is_refused_once_the_winner_commits() {
    let project = Project::new();
    for round in 0..5 {
        let outcomes = at_once(
            8,
            |_| project.actor(),
            |i, actor: &mut Actor| {
                let envelope = literal(&actor.envelope().to_string());
                actor.attempt(&format!(
                    "select awooop.create_run({envelope}, input => '{i}', idempotency_key => 'k{round}')"
                ))
            },
        );
        let made: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(made.len(), 1, "round {round}: {outcomes:?}");
        for failure in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(failure.code(), "E-RUN-004");
        }
    }
}

#[test]
fn the_loser_of_a_winner_that_rolls_back_makes_the_run() {
    let project = Project::new();
    let (mut winner, mut loser) = (project.actor(), project.actor());
    let envelope = literal(&winner.envelope().to_string());
    let sql = format!("select awooop.create_run({envelope}, idempotency_key => 'k')");
    winner.session.run("begin");
    winner.session.run(&format!("select awooop.enter_project('{}')", project.id));
    let given_up = winner.session.json(&sql);
    let waiting = std::thread::spawn(move || loser.call(&sql));
    super::races::wait_for_a_waiter(&mut project.admin(), &mut winner.session);
    winner.session.run("rollback");
    let made = waiting.join().unwrap();
    assert_eq!(made["created"], true);
    assert_ne!(made["run_id"], given_up["run_id"]);
}

#[test]
fn above_read_committed_nothing_is_created() {
    let project = Project::new();
    let (mut winner, mut loser) = (project.actor(), project.actor());
    let envelope = literal(&winner.envelope().to_string());
    let sql = format!("select awooop.create_run({envelope}, idempotency_key => 'k')");
    loser.session.run("begin isolation level repeatable read");
    loser.session.run(&format!("select awooop.enter_project('{}')", project.id));
    loser.session.run("select count(*) from pg_class");
    winner.call(&sql);
    assert_eq!(loser.session.code(&sql), "E-TENANT-008");
    loser.session.run("rollback");
    assert_eq!(loser.call(&sql)["created"], false);
}

#[test]
fn a_key_is_free_again_when_its_run_is_deleted_after_retention_and_not_before() {
    let project = Project::in_database(&own_database().0);
    let (mut actor, mut admin) = (project.actor(), project.admin());
    let first = text(&create(&mut actor, ", idempotency_key => 'k'")["run_id"]);
    actor.call(&format!("select awooop.cancel_run('{first}')"));
    assert_eq!(create(&mut actor, ", idempotency_key => 'k'")["run_id"], first.as_str());
    super::retention::end_retention(&mut admin, &first);
    admin.run("select awooop.maintain()");
    let second = create(&mut actor, ", idempotency_key => 'k'");
    assert_eq!(second["created"], true);
    assert_ne!(second["run_id"], first.as_str());
}
