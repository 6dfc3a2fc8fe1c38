//! list_runs: pages by key, filters, cursors.

use serde_json::Value;

use crate::harness::quiet::text;
use crate::harness::{Actor, Project, contracts, literal};

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|run| text(&run["run_id"])).collect()
}

#[track_caller]
fn list(actor: &mut Actor, arguments: &str) -> Vec<String> {
    ids(&actor.call(&format!("select awooop.list_runs({arguments})")))
}

#[test]
fn pages_show_each_run_once_while_new_ones_arrive() {
    let mut actor = Project::new().actor();
    let mut made: Vec<String> = (0..25).map(|_| actor.create_id("")).collect();
    made.reverse();
    let (mut seen, mut cursor) = (Vec::new(), "null".to_owned());
    loop {
        let page = actor.call(&format!("select awooop.list_runs(page_size => 4, cursor => {cursor})"));
        seen.extend(ids(&page));
        actor.create(""); // newer than every page that follows
        match page["next_cursor"].as_str() {
            Some(next) => cursor = literal(next),
            None => break,
        }
    }
    assert_eq!(seen, made, "newest first, none twice, none hidden");
}

#[test]
fn a_last_page_that_is_exactly_full_has_no_next() {
    let mut actor = Project::new().actor();
    actor.create_many(4, "");
    let page = actor.call("select awooop.list_runs(page_size => 4)");
    assert_eq!((ids(&page).len(), &page["next_cursor"]), (4, &Value::Null));
    let page = actor.call("select awooop.list_runs(page_size => 3)");
    assert_eq!((ids(&page).len(), page["next_cursor"].is_string()), (3, true));
}

#[test]
fn every_filter_shows_what_it_names_and_nothing_else() {
    let project = Project::new();
    let (mut actor, mut admin) = (project.actor(), project.admin());
    contracts::add_agent(&mut admin, &project.id, "other");
    let envelope = |actor: &mut Actor, agent: &str, user: &str| {
        literal(&actor.call(&format!("select awooop.build_envelope('{agent}', 'telegram', '{user}')")).to_string())
    };
    let mut create = |agent: &str, user: &str| {
        let envelope = envelope(&mut actor, agent, user);
        text(&actor.call(&format!("select awooop.create_run({envelope})"))["run_id"])
    };
    let (a, b, c) = (create("agent", "7"), create("other", "7"), create("agent", "8"));
    actor.call(&format!("select awooop.cancel_run('{a}')"));
    assert_eq!(list(&mut actor, "state => 'cancelled'"), std::slice::from_ref(&a));
    assert_eq!(list(&mut actor, "state => 'pending'"), [c.clone(), b.clone()]);
    assert_eq!(list(&mut actor, "state => 'running'"), [""; 0]);
    assert_eq!(list(&mut actor, "agent_id => 'other'"), std::slice::from_ref(&b));
    assert_eq!(list(&mut actor, "agent_id => 'nobody'"), [""; 0]);
    let subject = format!("platform_subject_id => '{}:telegram:8'", project.id);
    assert_eq!(list(&mut actor, &subject), std::slice::from_ref(&c));
    assert_eq!(
        list(&mut actor, &format!("state => 'pending', agent_id => 'agent', {subject}")),
        std::slice::from_ref(&c)
    );
    let at = admin.value(&format!("select created_at::text from awooop.run_state where run_id = '{b}'"));
    let after: Vec<String> = list(&mut actor, &format!("created_after => '{at}'"));
    let before: Vec<String> = list(&mut actor, &format!("created_before => '{at}'"));
    assert!(after.contains(&b), "created_after includes its own moment");
    assert!(!before.contains(&b), "created_before does not");
    assert_eq!(after.len() + before.len(), 3);
    assert_eq!(list(&mut actor, "created_after => '9999-12-31'"), [""; 0]);
}

#[test]
fn a_cursor_that_this_listing_did_not_give_out_is_refused() {
    let mut actor = Project::new().actor();
    actor.create_many(3, "");
    for cursor in ["x", "1", "0197f0e0-0000-7000-8000-00000000000g", "null", "{}"] {
        let sql = format!("select awooop.list_runs(cursor => '{cursor}')");
        assert_eq!(actor.code(&sql), "E-INPUT-010", "{cursor}");
        assert_eq!(actor.code(&sql.replace("list_runs", "list_audit")), "E-INPUT-010", "{cursor}");
    }
    // Empty and over-long ones are no texts a cursor can be.
    assert_eq!(actor.code("select awooop.list_runs(cursor => '')"), "E-INPUT-001");
    assert_eq!(actor.code("select awooop.list_runs(cursor => repeat('a', 257))"), "E-INPUT-001");
}

#[test]
fn another_projects_cursor_shows_nothing_of_that_project() {
    let project = Project::new();
    let other = project.another(&mut project.admin());
    let (mut actor, mut stranger) = (project.actor(), other.actor());
    let mine = actor.create_id("");
    let theirs: Vec<String> = (0..3).map(|_| stranger.create_id("")).collect();
    for cursor in &theirs {
        match actor.attempt(&format!("select awooop.list_runs(cursor => '{cursor}')")) {
            Ok(page) => assert!(ids(&page).iter().all(|run| *run == mine), "{page}"),
            Err(failure) => assert_eq!(failure.code(), "E-INPUT-010"),
        }
    }
}

#[test]
fn bad_filters_are_named_and_not_guessed() {
    let mut actor = Project::new().actor();
    for (arguments, code) in [
        ("state => 'done'", "E-INPUT-001"),
        ("page_size => 0", "E-INPUT-001"),
        ("page_size => 201", "E-INPUT-001"),
        ("created_after => 'infinity'", "E-INPUT-001"),
        ("agent_id => 'a:b'", "E-INPUT-001"),
    ] {
        assert_eq!(actor.code(&format!("select awooop.list_runs({arguments})")), code, "{arguments}");
    }
}

#[test]
fn the_audit_log_pages_the_same_way() {
    let mut actor = Project::new().actor();
    actor.create_many(12, "");
    let (mut seen, mut cursor) = (Vec::new(), "null".to_owned());
    loop {
        let sql = format!("select awooop.list_audit('run_created', 5, {cursor})");
        let page = actor.call(&sql);
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| text(&row["run_id"])));
        actor.create("");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = literal(next),
            None => break,
        }
    }
    let distinct: std::collections::HashSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (12, 12));
}
