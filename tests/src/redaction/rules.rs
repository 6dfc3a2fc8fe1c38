//! Rules of a project's own: what is taken, what is refused, how many there can be, and how long they may take.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{EMAIL, Stage, TOKEN, redacted_for};
use crate::harness::answer::{eventually, literal};
use crate::harness::{Actor, Project, Session, at_once};

fn set(rule: &str, family: &str, shape: &str) -> String {
    format!("select awooop.set_redaction_rule('{rule}', '{family}', {})", literal(shape))
}

fn count(admin: &mut Session, project: &str) -> usize {
    let sql = format!("select count(*) from awooop.redaction_rule where project_id = '{project}'");
    admin.value(&sql).parse().expect("a number")
}

#[test]
fn a_rule_marks_with_its_family_only_where_its_keyword_stands() {
    let mut actor = Project::new().actor();
    actor.call("select awooop.set_redaction_rule('order', 'national_id', 'EW-[0-9]{6}', array['order', '訂單'])");
    for (text, expected) in [
        ("order EW-123456 of 王", "order [REDACTED:national_id] of 王"),
        ("訂單 EW-123456、EW-654321", "訂單 [REDACTED:national_id]、[REDACTED:national_id]"),
        ("EW-123456 alone", "EW-123456 alone"),
        ("order EW-12345", "order EW-12345"),
    ] {
        assert_eq!(redacted_for(&mut actor, text), expected);
    }
    let found = actor.call("select json_agg(f) from awooop.find_sensitive('order EW-123456') f");
    assert_eq!(found, json!([{"family": "national_id", "rule": "order", "start": 7, "end": 16}]));
    let document = "{\"order\": \"EW-123456\", \"n\": [1.10, \"EW-7\"]}";
    let redacted = actor.call(&format!("select awooop.redact_json('{document}')::text"));
    assert_eq!(redacted, json!({"order": "[REDACTED:national_id]", "n": [1.1, "EW-7"]}));
    // What the families find is gone before a rule looks: it can't tell what stood there.
    actor.call(&set("wide", "email", "key ghp_[0-9a-z]+"));
    assert_eq!(redacted_for(&mut actor, &format!("a key {TOKEN} b")), "a key [REDACTED:vendor_token] b");
}

#[test]
fn setting_a_rule_again_changes_it_and_removing_it_ends_it() {
    let mut stage = Stage::new();
    let first = stage.creator.call(&set("r", "secret", "one"));
    assert_eq!((&first["keywords"], &first["shape"]), (&json!([]), &json!("one")));
    let second = stage.creator.call("select awooop.set_redaction_rule('r', 'email', 'two', array['t'])");
    assert_eq!(stage.creator.call("select awooop.get_redaction() -> 'rules'"), json!([second]));
    assert_eq!(redacted_for(&mut stage.other, "one two"), "one [REDACTED:email]");
    assert_eq!(stage.creator.call("select awooop.remove_redaction_rule('r')"), second);
    assert_eq!(redacted_for(&mut stage.other, "one two"), "one two");
    assert_eq!(stage.creator.code("select awooop.remove_redaction_rule('r')"), "E-REDACT-004");
    let facts = stage.stored(
        "select string_agg(action || ' ' || facts, '; ' order by audit_id) from awooop.audit_log
         where project_id = $p and action like 'redaction_rule%'",
    );
    assert_eq!(
        facts,
        "redaction_rule_set {\"family\": \"secret\", \"rule_id\": \"r\"}; \
         redaction_rule_set {\"family\": \"email\", \"rule_id\": \"r\"}; redaction_rule_removed {\"rule_id\": \"r\"}"
    );
}

#[test]
fn a_shape_that_cannot_be_used_is_a_fault_that_changes_nothing() {
    let mut stage = Stage::new();
    stage.creator.call(&set("kept", "secret", "kept"));
    let long = "字".repeat(1000);
    for shape in [
        "(",
        "[z-a]",
        "(?=a)",
        "(a)\\1",
        "a*",
        "",
        "x|",
        "^",
        "$",
        "(?i)",
        "\\w{1000}{1000}",
        "(((((a{9}){9}){9}){9}){9}){9}",
        &long,
        &"a".repeat(1001),
    ] {
        for rule in ["new", "kept"] {
            let failure = stage.creator.attempt(&set(rule, "secret", shape)).expect_err(shape);
            let code = failure.code();
            assert!(
                ["E-REDACT-002", "E-REDACT-005"].contains(&code.as_str())
                    || shape.is_empty()
                    || shape.len() == 1001 && code == "E-INPUT-001",
                "{shape}: {failure:?}"
            );
        }
    }
    let rules = stage.creator.call("select awooop.get_redaction() -> 'rules'");
    assert_eq!((rules.as_array().map(Vec::len), &rules[0]["shape"]), (Some(1), &json!("kept")));
    let rows = stage.stored("select count(*) from awooop.audit_log where project_id = $p and action like '%rule%'");
    assert_eq!(rows, "1");
}

#[test]
fn a_project_has_fifty_rules_and_no_more() {
    let mut stage = Stage::new();
    for n in 1..=50 {
        stage.creator.call(&set(&format!("r{n}"), "secret", &format!("shape{n}x")));
    }
    let before = stage.stored("select updated_at from awooop.projects where project_id = $p");
    let refused = stage.creator.call(&set("r51", "secret", "one-more"));
    assert_eq!((&refused["code"], &refused["limit"]), (&json!("E-REDACT-003"), &json!(50)));
    let after = stage.stored("select updated_at from awooop.projects where project_id = $p");
    assert_eq!(before, after, "a refusal writes its audit row and nothing else");
    let rows = stage.stored(
        "select count(*) from awooop.audit_log where project_id = $p and action = 'set_redaction_rule' and code = 'E-REDACT-003'",
    );
    assert_eq!(rows, "1");
    // One that exists can be changed; one that went makes room.
    stage.creator.call(&set("r50", "email", "changed"));
    stage.creator.call("select awooop.remove_redaction_rule('r1')");
    assert_eq!(stage.creator.call(&set("r51", "secret", "one-more"))["rule_id"], "r51");
    assert_eq!(
        redacted_for(&mut stage.other, "changed one-more shape1x"),
        "[REDACTED:email] [REDACTED:secret] shape1x"
    );
}

#[test]
fn rules_set_at_once_are_no_more_than_fifty() {
    let Stage { mut admin, project, mut creator, .. } = Stage::new();
    for n in 1..=46 {
        creator.call(&set(&format!("r{n}"), "secret", &format!("shape{n}x")));
    }
    let outcomes: Vec<Vec<String>> = at_once(
        8,
        |_| project.actor(),
        |i, actor: &mut Actor| {
            let set = |n| set(&format!("c{i}.{n}"), "secret", "shape");
            (0..3).map(|n| actor.call(&set(n))["code"].as_str().unwrap_or("set").to_owned()).collect()
        },
    );
    let all: Vec<&str> = outcomes.iter().flatten().map(String::as_str).collect();
    let of = |code: &str| all.iter().filter(|outcome| **outcome == code).count();
    assert_eq!((of("set"), of("E-REDACT-003"), count(&mut admin, &project.id)), (4, 20, 50), "{all:?}");
}

#[test]
fn whoever_waited_for_the_last_place_counts_again() {
    let mut stage = Stage::new();
    for n in 1..=49 {
        stage.creator.call(&set(&format!("r{n}"), "secret", &format!("shape{n}x")));
    }
    let Stage { mut creator, mut other, mut admin, project, .. } = stage;
    creator.session.run(&format!("begin; select awooop.enter_project('{}')", project.id));
    creator.session.run(&set("last", "secret", "last"));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| other.code(&set("late", "secret", "late")));
        let blocked = format!(
            "select count(*) from pg_stat_activity
             where wait_event_type = 'Lock' and query like '%late%' and datname = '{}'",
            project.database
        );
        eventually("the wait", || admin.value(&blocked) == "1");
        creator.session.run("commit");
        assert_eq!(waiting.join().expect("an answer"), "E-REDACT-003");
    });
    assert_eq!(count(&mut admin, &project.id), 50);
}

#[test]
fn a_rule_of_one_project_applies_in_no_other_and_is_unknown_there() {
    let one = Project::new();
    let mut other = one.another(&mut one.admin());
    let role = other.role.clone();
    let mut actor = one.actor();
    actor.call(&set("r", "secret", "EW-[0-9]+"));
    actor.call("select awooop.set_redaction_family('email', 'allow')");
    other.role = role;
    let mut foreign = other.actor();
    assert_eq!(foreign.code("select awooop.remove_redaction_rule('r')"), "E-REDACT-004");
    // One session, first here, then there, and back.
    let text = format!("EW-1 {EMAIL}");
    for _ in 0..3 {
        assert_eq!(redacted_for(&mut actor, &text), format!("[REDACTED:secret] {EMAIL}"));
        let elsewhere = actor.session.within(&other.id, &format!("select to_json(awooop.redact('{text}'))"));
        assert_eq!(elsewhere, "EW-1 [REDACTED:email]");
        assert_eq!(actor.session.value(&format!("select awooop.redact('{text}')")), "EW-1 [REDACTED:email]");
    }
}

#[test]
fn a_shape_made_to_backtrack_takes_no_longer_than_another() {
    let mut actor = Project::new().actor();
    for shape in ["(a+)+$", "(a|aa)+$", "(a|a?)+b", "(.*)*x{3}y", "(?:a{1,30}){1,30}b"] {
        let set = actor.attempt(&set("slow", "secret", shape));
        if let Err(failure) = set {
            assert!(["E-REDACT-002", "E-REDACT-006"].contains(&failure.code().as_str()), "{shape}: {failure:?}");
            continue;
        }
        let started = Instant::now();
        actor.call("select length(awooop.redact(repeat('a', 1000000) || '!'))");
        assert!(started.elapsed() < Duration::from_secs(10), "{shape}: {:?}", started.elapsed());
    }
}

#[test]
fn a_shape_that_matches_the_markers_themselves_comes_to_an_end() {
    let mut actor = Project::new().actor();
    for shape in [".", "#|[0-9]", "E", "\\]", "REDACTED"] {
        actor.call(&set("all", "email", shape));
        let redact = "awooop.redact_json('{\"exampl\": \"x E9]\", \"E9\": [1.10, true, null, \"\"], \"E8\": {}}')";
        let started = Instant::now();
        let once = actor.call(&format!("select {redact}"));
        assert_eq!(actor.call(&format!("select awooop.redact_json({redact})")), once, "{shape}");
        assert_eq!(once.as_object().map(serde_json::Map::len), Some(3), "{shape}: {once}");
        assert!(started.elapsed() < Duration::from_secs(5), "{shape}: {:?}", started.elapsed());
    }
}

#[test]
fn ids_and_keywords_that_are_no_names_are_refused() {
    let mut actor = Project::new().actor();
    for sql in [
        "select awooop.set_redaction_rule('a b', 'secret', 'x')",
        "select awooop.set_redaction_rule('', 'secret', 'x')",
        "select awooop.set_redaction_rule(null, 'secret', 'x')",
        "select awooop.set_redaction_rule('r', 'secret', null)",
        "select awooop.set_redaction_rule('r', 'secret', E'a\\nb')",
        "select awooop.set_redaction_rule('r', 'secret', 'x', array[''])",
        "select awooop.set_redaction_rule('r', 'secret', 'x', array[null])",
        "select awooop.set_redaction_rule('r', 'secret', 'x', array_fill('k'::text, array[21]))",
        "select awooop.set_redaction_rule('r', 'secret', 'x', array[repeat('k', 65)])",
        "select awooop.remove_redaction_rule(null)",
    ] {
        let failure = actor.attempt(sql).expect_err(sql);
        assert!(failure.code().starts_with("E-INPUT"), "{sql}: {failure:?}");
    }
    assert_eq!(actor.call("select awooop.get_redaction() -> 'rules'"), json!([]));
}
