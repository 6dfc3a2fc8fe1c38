//! What is stored exact, and shown exact only to whom it belongs: its creator, and the worker that has it.

use serde_json::{Value, json};

use super::{EMAIL, Stage, TOKEN};
use crate::harness::Actor;
use crate::harness::answer::literal;
use crate::harness::platform::{call, login_in, worker_in};
use crate::harness::platform_logins::gateway_login_in;
use crate::harness::quiet::{Claim, claims, text};

/// What a run is given, and what is left of it for others. Both as PostgreSQL prints them.
const EXACT: &str = r#"{"n": [1.5, 20000000000000.25, null], "say": "ada.lovelace@example.com has ghp_0123456789abcdefghijABCDEFGHIJ012345", "deep": {"password": "correct-horse-7-battery"}}"#;
const SHOWN: &str = r#"{"n": [1.5, 20000000000000.25, null], "say": "[REDACTED:email] has [REDACTED:vendor_token]", "deep": {"password": "[REDACTED:secret]"}}"#;
const TAGS: &str = r#"{"by": "ada.lovelace@example.com"}"#;
const TAGS_SHOWN: &str = r#"{"by": "[REDACTED:email]"}"#;

/// A run that has a step and a result, and its claim.
struct Done {
    run: String,
    claim: Claim,
}

fn create(stage: &mut Stage, rest: &str) -> String {
    stage.creator.create_id(&format!(", input => '{EXACT}', tags => '{TAGS}'{rest}"))
}

fn done(stage: &mut Stage) -> Done {
    assert!(EXACT.contains(EMAIL) && EXACT.contains(TOKEN));
    let run = create(stage, "");
    let claim = stage.worker.claim_one("w");
    assert_eq!(claim.run, run);
    stage.worker.call(&claim.sql("record_step", &format!(", 's', '{EXACT}', '{EXACT}'")));
    stage.worker.call(&claim.sql("complete_run", &format!(", '{EXACT}'")));
    Done { run, claim }
}

/// Members of the answer of `sql`, as PostgreSQL prints them.
#[track_caller]
fn members(actor: &mut Actor, sql: &str, names: &[&str]) -> Vec<String> {
    let list: Vec<String> = names.iter().map(|name| format!("(a -> '{name}')::text")).collect();
    let answer = actor.call(&format!("select json_build_array({}) from {sql} a", list.join(", ")));
    answer.as_array().expect("members").iter().map(|member| member.as_str().unwrap_or("null").to_owned()).collect()
}

#[test]
fn what_a_run_was_given_and_made_is_stored_exact() {
    let mut stage = Stage::new();
    let done = done(&mut stage);
    let row = format!("from awooop.run_state where project_id = $p and run_id = '{}'", done.run);
    for (column, expected) in [("input", EXACT), ("tags", TAGS), ("result", EXACT)] {
        assert_eq!(stage.stored(&format!("select {column}::text {row}")), literal_jsonb(&mut stage, expected));
    }
    let step = format!("from awooop.step_journal where project_id = $p and run_id = '{}'", done.run);
    for column in ["request", "result"] {
        assert_eq!(stage.stored(&format!("select {column}::text {step}")), literal_jsonb(&mut stage, EXACT));
    }
}

#[track_caller]
fn literal_jsonb(stage: &mut Stage, document: &str) -> String {
    stage.admin.value(&format!("select {}::jsonb::text", literal(document)))
}

#[test]
fn creator_and_worker_see_a_run_exact_and_everybody_else_redacted() {
    let mut stage = Stage::new();
    let done = done(&mut stage);
    let get = format!("awooop.get_run('{}')", done.run);
    let steps = format!("jsonb_array_elements(awooop.list_steps('{}') -> 'items')", done.run);
    let (exact, shown) = (literal_jsonb(&mut stage, EXACT), literal_jsonb(&mut stage, SHOWN));
    for actor in [&mut stage.creator, &mut stage.worker] {
        let seen = members(actor, &get, &["input", "tags", "result", "redacted"]);
        assert_eq!(seen, [exact.as_str(), TAGS, &exact, "false"]);
        assert_eq!(members(actor, &steps, &["request", "result"]), [exact.as_str(), &exact]);
    }
    let seen = members(&mut stage.other, &get, &["input", "tags", "result", "redacted"]);
    assert_eq!(seen, [shown.as_str(), TAGS_SHOWN, &shown, "true"]);
    assert_eq!(members(&mut stage.other, &steps, &["request", "result"]), [shown.as_str(), &shown]);
    // Everything else is the same for all.
    let (mut one, mut two) = (stage.creator.show(&done.run), stage.other.show(&done.run));
    for member in ["input", "tags", "result", "redacted"] {
        one[member].take();
        two[member].take();
    }
    assert_eq!(one, two);
}

#[test]
fn an_administrator_is_somebody_else() {
    let mut stage = Stage::new();
    let done = done(&mut stage);
    let (_, mut operator) = login_in(Some(&stage.project.database), &["awooop_operator"]);
    for session in [&mut operator, &mut stage.admin] {
        match session.try_within(&stage.project.id, &format!("select awooop.get_run('{}')", done.run)) {
            Ok(run) if run["code"].is_null() => {
                assert_eq!((&run["redacted"], &run["tags"]), (&json!(true), &json!({"by": "[REDACTED:email]"})));
            }
            Ok(refusal) => assert_eq!(refusal["code"], "E-AUTH-003"),
            Err(failure) => assert!(failure.code().starts_with("E-"), "{failure:?}"),
        }
    }
}

#[test]
fn over_http_each_key_is_a_principal_of_its_own() {
    let mut stage = Stage::new();
    let mut gateway = gateway_login_in(&stage.project.database);
    let project = stage.project.id.clone();
    let mut key = |rest: &str| {
        let scopes = "'{runs:read,runs:write,runs:work}'";
        text(&stage.creator.call(&format!("select awooop.create_api_key('k', {scopes}{rest})"))["api_key"])
    };
    let (creator, same, worker, other) =
        (key(", principal_id => 'ada'"), key(", principal_id => 'ada'"), key(""), key(""));
    let envelope = stage.creator.envelope();
    let input: Value = serde_json::from_str(EXACT).expect("JSON");
    let request =
        json!({"envelope": envelope, "input": input, "tags": {"by": EMAIL}, "idempotency_key": "k"}).to_string();
    let run = gateway.call(&project, &creator, "create_run", &request).body;
    assert_eq!((&run["input"], &run["redacted"], &run["created"]), (&input, &json!(false), &json!(true)));
    let claimed = gateway.call(&project, &worker, "claim_runs", "{\"worker_id\": \"w\"}").body["runs"][0].clone();
    assert_eq!((&claimed["input"], &claimed["tags"]), (&input, &json!({"by": EMAIL})));
    let step =
        json!({"run_id": run["run_id"], "lease": claimed["lease"], "step_key": "s", "request": input, "result": input});
    gateway.call(&project, &worker, "record_step", &step.to_string());
    let this = json!({"run_id": run["run_id"]}).to_string();
    let shown: Value = serde_json::from_str(SHOWN).expect("JSON");
    for (key, exact) in [(&creator, true), (&same, true), (&worker, true), (&other, false)] {
        let seen = gateway.call(&project, key, "get_run", &this).body;
        assert_eq!((&seen["input"], &seen["redacted"]), (if exact { &input } else { &shown }, &json!(!exact)));
        let steps = gateway.call(&project, key, "list_steps", &this).body;
        assert_eq!(steps["items"][0]["request"], if exact { input.clone() } else { shown.clone() });
        assert_eq!(steps["items"][0]["result"], if exact { input.clone() } else { shown.clone() });
        // Asked for again under the same idempotency key.
        let again = gateway.call(&project, key, "create_run", &request);
        assert_eq!(
            (again.status, &again.body["created"], &again.body["redacted"]),
            (200, &json!(false), &json!(!exact))
        );
        assert_eq!(again.body["input"], if exact { input.clone() } else { shown.clone() });
        assert_eq!(again.body.to_string().contains(TOKEN), exact);
    }
    let cancelled = gateway.call(&project, &other, "cancel_run", &this).body;
    assert_eq!((&cancelled["state"], &cancelled["input"]), (&json!("cancelled"), &shown));
    let again = gateway.call(&project, &other, "cancel_run", &this).body;
    assert_eq!((&again["redacted"], &again["tags"]), (&json!(true), &json!({"by": "[REDACTED:email]"})));
    assert_eq!(gateway.call(&project, &creator, "cancel_run", &this).body["input"], input);
    for operation in ["list_runs", "list_audit"] {
        let listed = call(&mut gateway.0, &project, &other, operation, "{}").map(|(_, body)| body.to_string());
        assert!(!listed.unwrap_or_default().contains(TOKEN), "{operation}");
    }
}

#[test]
fn whoever_cancels_or_asks_again_in_sql_sees_what_get_run_would_show() {
    let mut stage = Stage::new();
    let run = create(&mut stage, ", idempotency_key => 'k'");
    let envelope = literal(&stage.creator.envelope().to_string());
    let again =
        format!("select awooop.create_run({envelope}, input => '{EXACT}', tags => '{TAGS}', idempotency_key => 'k')");
    for (actor, exact) in [(&mut stage.creator, true), (&mut stage.other, false)] {
        let same = actor.call(&again);
        assert_eq!(
            (&same["run_id"], &same["created"], &same["redacted"]),
            (&json!(run), &json!(false), &json!(!exact))
        );
        assert_eq!(same.to_string().contains(EMAIL), exact, "{same}");
    }
    let cancelled = stage.other.call(&format!("select awooop.cancel_run('{run}')"));
    assert_eq!((&cancelled["state"], &cancelled["redacted"]), (&json!("cancelled"), &json!(true)));
    assert!(!cancelled.to_string().contains(EMAIL), "{cancelled}");
}

#[test]
fn a_claim_is_exact_with_every_step_and_a_lease_makes_its_worker_a_party() {
    let mut stage = Stage::new();
    let run = create(&mut stage, "");
    assert!(stage.worker.show(&run)["redacted"] == true, "not claimed yet");
    let first = stage.worker.claim_one("w");
    let input: Value = serde_json::from_str(EXACT).expect("JSON");
    assert_eq!((&first.json["input"], &first.json["tags"]), (&input, &json!({"by": EMAIL})));
    assert_eq!(stage.worker.show(&run)["input"], input);
    let step = stage.worker.call(&first.sql("record_step", &format!(", 's', '{EXACT}', '{EXACT}'")));
    assert_eq!(step["result"], input);
    crate::harness::quiet::expire(&mut stage.admin, &run);
    stage.creator.reap();
    stage.stored(&format!("update awooop.run_ready set available_at = clock_timestamp() where run_id = '{run}'"));
    let mut platform = worker_in(&stage.project.database);
    let second = eventually_claimed(&mut platform, &run);
    assert_eq!((&second.json["input"], &second.json["steps"][0]["result"]), (&input, &input));
    // The run went to somebody else: the first worker is a stranger again.
    assert_eq!(stage.worker.show(&run)["redacted"], true);
    let replayed = platform.json(&second.sql("record_step", &format!(", 's', '{EXACT}'")));
    assert_eq!((&replayed["outcome"], &replayed["result"]), (&json!("replayed"), &input));
}

/// The platform worker goes round the projects, and so meets other tests' runs first.
#[track_caller]
fn eventually_claimed(worker: &mut crate::harness::Session, run: &str) -> Claim {
    let mut mine = None;
    crate::harness::answer::eventually("the claim", || {
        let claimed = claims(&worker.json("select awooop.claim_runs('redaction', 1)"));
        mine = claimed.into_iter().find(|claim| claim.run == run);
        mine.is_some()
    });
    mine.expect("a claim")
}

#[test]
fn a_project_that_allows_a_family_shows_it_to_its_own_and_never_a_credential() {
    let mut stage = Stage::new();
    let done = done(&mut stage);
    stage.other.call("select awooop.set_redaction_family('email', 'allow')");
    stage.other.call("select awooop.set_redaction_rule('deep', 'national_id', 'has')");
    let seen = stage.other.show(&done.run);
    assert_eq!(seen["input"]["say"], format!("{EMAIL} [REDACTED:national_id] [REDACTED:vendor_token]"));
    assert_eq!((&seen["tags"]["by"], &seen["redacted"]), (&json!(EMAIL), &json!(true)));
    let _ = done.claim;
}

#[test]
fn an_auditor_reads_no_exact_column_and_every_other() {
    let mut stage = Stage::new();
    let done = done(&mut stage);
    let (_, mut auditor) = login_in(Some(&stage.project.database), &["awooop_auditor"]);
    let exact = [
        ("run_state", vec!["input", "tags", "result", "request_digest"]),
        ("step_journal", vec!["request", "result", "request_digest"]),
    ];
    for (table, hidden) in exact {
        let columns = stage.admin.rows(&format!(
            "select attname from pg_attribute where attrelid = 'awooop.{table}'::regclass and attnum > 0 and not attisdropped"
        ));
        let columns: Vec<String> = columns.expect("columns").into_iter().flatten().flatten().collect();
        assert!(columns.len() > 10 && hidden.iter().all(|name| columns.iter().any(|column| column == name)));
        for column in &columns {
            let answer = auditor.ask(&format!("select {column} from awooop.{table} where run_id = '{}'", done.run));
            match hidden.contains(&column.as_str()) {
                true => assert_eq!(answer.expect_err(column).sqlstate, "42501", "{table}.{column}"),
                false => assert!(answer.is_ok(), "{table}.{column}: {answer:?}"),
            }
        }
        // Nor by way of the whole row, a condition, an order or a partition.
        for sql in [
            format!("select * from awooop.{table}"),
            format!("select t from awooop.{table} t"),
            format!("select to_jsonb(t) from awooop.{table} t"),
            format!("select 1 from awooop.{table} where {}::text like '%ghp%'", hidden[0]),
            format!("select 1 from awooop.{table} order by {}", hidden[0]),
            format!("select * from awooop.{table}_default"),
        ] {
            let failure = auditor.failure(&sql);
            assert!(["42501", "42P01"].contains(&failure.sqlstate.as_str()), "{sql}: {failure:?}");
        }
    }
    for table in ["redaction_family", "redaction_rule", "run_ready", "audit_log"] {
        auditor.run(&format!("select count(*) from awooop.{table}"));
    }
    assert_eq!(auditor.code(&format!("select awooop.get_run('{}')", done.run)), "42501");
}

#[test]
fn an_auditor_sees_runs_and_steps_redacted() {
    let mut stage = Stage::new();
    let done = done(&mut stage);
    let (_, mut auditor) = login_in(Some(&stage.project.database), &["awooop_auditor"]);
    let project = &stage.project.id;
    let mut inspect = |operation: &str, arguments: Value| {
        auditor.json(&format!(
            "select awooop.inspect_project('{project}', '{operation}', {})",
            literal(&arguments.to_string())
        ))
    };
    let shown: Value = serde_json::from_str(SHOWN).expect("JSON");
    let run = inspect("get_run", json!({"run_id": done.run}));
    assert_eq!((&run["input"], &run["result"], &run["redacted"]), (&shown, &shown, &json!(true)));
    let steps = inspect("list_steps", json!({"run_id": done.run}));
    assert_eq!((&steps["items"][0]["request"], &steps["items"][0]["result"]), (&shown, &shown));
    assert_eq!(inspect("list_runs", json!({}))["items"][0]["run_id"], json!(done.run));
    assert_eq!(
        auditor.code(&format!(
            "select awooop.inspect_project('{project}', 'cancel_run', '{{\"run_id\":\"{}\"}}')",
            done.run
        )),
        "E-OP-001"
    );
}
