//! What rules of a project may cost: found out when they are set, counted when they are used, and cancelled when somebody
//! waits no longer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Stage;
use crate::harness::answer::literal;
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::text;

/// Dear in spite of its looks: almost every character leads to a state of its own.
const DEAR: &str = "(?:[a-e][a-j]{1,200}){2}[0-9A-Z]";

/// Letters on which it is dear, as an SQL expression.
fn letters(length: usize) -> String {
    format!(
        "(select string_agg(chr(97 + (n::bigint * 7919 * n % 104729 % 10)::int), '') from generate_series(1, {length}) n)"
    )
}

fn set(shape: &str) -> String {
    format!("select awooop.set_redaction_rule('r', 'secret', {})", literal(shape))
}

/// Rules that some other library took: a superuser writes them.
fn force_rules(stage: &mut Stage, shape: &str, how_many: usize) {
    let project = stage.project.id.clone();
    stage.admin.run(&format!(
        "insert into awooop.redaction_rule (project_id, rule_id, family, keywords, shape, changed_by)
         select '{project}', 'r' || n, 'secret', '{{}}', {}, 'x' from generate_series(1, {how_many}) n",
        literal(shape)
    ));
}

#[test]
fn a_rule_that_is_dear_is_refused_when_it_is_set_and_one_that_is_too_large_is_called_so() {
    let mut stage = Stage::new();
    for (shape, code) in [
        (DEAR, "E-REDACT-006"),
        ("(?:[A-E][A-J]{1,200}){2}[0-9]", "E-REDACT-006"),
        ("a.*b|a", "E-REDACT-006"),
        ("\\w{1000}{1000}", "E-REDACT-005"),
        ("(((((a{9}){9}){9}){9}){9}){9}", "E-REDACT-005"),
        ("(", "E-REDACT-002"),
        ("a*", "E-REDACT-002"),
    ] {
        let started = Instant::now();
        let failure = stage.creator.attempt(&set(shape)).expect_err(shape);
        assert_eq!(failure.code(), code, "{shape}: {failure:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{shape}: {:?}", started.elapsed());
    }
    assert_eq!(stage.creator.call("select awooop.get_redaction() -> 'rules'"), json!([]));
}

#[test]
fn rules_that_take_too_much_end_in_an_error_through_both_doors_and_never_in_a_text() {
    let mut stage = Stage::new();
    let input = stage.admin.value(&format!("select json_build_object('note', {})", letters(100_000)));
    let run = stage.creator.create_id(&format!(", input => {}", literal(&input)));
    let key = "select awooop.create_api_key('k', '{runs:read}')";
    let key = text(&stage.creator.call(key)["api_key"]);
    force_rules(&mut stage, DEAR, 49);
    let (said, started) = (letters(100_000), Instant::now());
    for sql in [
        format!("select to_json(awooop.redact({said}))"),
        format!("select awooop.redact_json(to_jsonb({said}))"),
        format!("select count(*) from awooop.find_sensitive({said})"),
        format!("select awooop.get_run('{run}')"),
    ] {
        assert_eq!(stage.other.code(&sql), "E-REDACT-007", "{sql}");
    }
    let mut gateway = gateway_login_in(&stage.project.database);
    let arguments = json!({"run_id": run}).to_string();
    let failure = gateway.try_call(&stage.project.id, &key, "get_run", &arguments).expect_err("too much work");
    assert_eq!(failure.code(), "E-REDACT-007");
    // Six texts, where one took eleven seconds.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // Shorter texts, and who sees the run exact, are as before.
    assert_eq!(stage.other.call("select to_json(awooop.redact('abc'))"), "abc");
    assert_eq!(stage.creator.call(&format!("select awooop.get_run('{run}') -> 'redacted'")), json!(false));
}

#[test]
fn work_on_rules_and_on_long_texts_can_be_cancelled() {
    let mut stage = Stage::new();
    force_rules(&mut stage, "x[a-z]*y[0-9]", 50);
    stage.other.session.run("create temp table note (body text, document jsonb)");
    let many = "insert into note select repeat('word x and y ', 1500000), to_jsonb(repeat('word x and y ', 1500000))";
    stage.other.session.run(many);
    stage.other.session.run("set statement_timeout = '200ms'");
    for sql in [
        "select to_json(length(awooop.redact(body))) from note",
        "select to_json(length(awooop.redact_json(document)::text)) from note",
        "select count(*) from note, awooop.find_sensitive(body)",
    ] {
        let started = Instant::now();
        assert_eq!(stage.other.code(sql), "57014", "{sql}");
        assert!(started.elapsed() < Duration::from_secs(4), "{sql}: {:?}", started.elapsed());
    }
    stage.other.session.run("reset statement_timeout");
    assert_eq!(stage.other.call("select to_json(awooop.redact('xay7'))"), "[REDACTED:secret]");
}

#[test]
fn a_rule_matches_neither_in_a_marker_nor_across_one() {
    let mut stage = Stage::new();
    let mut made: Vec<Value> = Vec::new();
    for shape in ["E.*", "[A-Z].*", "REDACTED"] {
        stage.creator.call(&set(shape));
        let said = literal("see [REDACTED:email] or ada@example.com, please");
        made.push(stage.other.call(&format!("select to_json(awooop.redact({said}))")));
        let found = "select count(*) from awooop.find_sensitive('[REDACTED:email] [REDACTED:phone#2]')";
        assert_eq!(stage.other.call(found), 0, "{shape}");
    }
    assert_eq!(made, vec![json!("see [REDACTED:email] or [REDACTED:email], please"); 3]);
}
