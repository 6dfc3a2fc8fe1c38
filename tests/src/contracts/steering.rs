//! What is active steers the platform: who can run, under which policy, with what input, how long, how often.

use serde_json::{Value, json};

use super::stage::{Office, agent, policy, run_contract};
use crate::harness::platform_logins::worker_login;
use crate::harness::quiet::{claims, expire, text};
use crate::harness::{Session, literal};

/// SQL that creates a run of `bot`.
fn create(session: &mut Session, project: &str, options: &str) -> Result<Value, String> {
    let envelope = session.within(project, "select awooop.build_envelope('bot', 'telegram', '7')");
    let sql = format!("select awooop.create_run({}{options})", literal(&envelope.to_string()));
    match session.try_within(project, &sql) {
        Ok(answer) if answer["code"].is_string() && answer["run_id"].is_null() => Err(text(&answer["code"])),
        Ok(answer) => Ok(answer),
        Err(failure) => Err(failure.code()),
    }
}

/// An office whose agent `bot` follows a run contract with these further members.
fn office_with(members: &Value) -> Office {
    let mut office = Office::new();
    let mut run = run_contract("answer");
    for (name, value) in members.as_object().unwrap() {
        run[name] = value.clone();
    }
    office.activated(&run);
    let mut bot = agent("bot", "Answers.");
    bot["run_contract"] = "answer".into();
    office.activated(&bot);
    office
}

const INPUT: &str = ", input => '{\"text\": \"hello\"}'";

#[test]
fn an_agent_without_an_active_contract_cannot_run_and_one_with_it_is_registered() {
    let mut office = Office::new();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    assert_eq!(create(&mut office.admin, &project, "").unwrap_err(), "E-AGENT-001");
    office.admin.within(&project, "select awooop.create_agent('bot')");
    assert_eq!(create(&mut office.admin, &project, "").unwrap_err(), "E-AGENT-004");
    let id = office.signed(&agent("bot", "Answers."));
    assert_eq!(create(&mut office.admin, &project, "").unwrap_err(), "E-AGENT-004");
    office.does(&ann, "activate_contract", json!({"revision_id": id}));
    let run = create(&mut office.admin, &project, "").unwrap();
    assert_eq!(run["state"], "pending");
    let pinned = format!("select agent_revision_id from awooop.run_state where run_id = '{}'", text(&run["run_id"]));
    assert_eq!(office.sql(&pinned), text(&id));
    // Activating the contract of an agent that nobody registered registers it.
    office.activated(&agent("new", "Answers."));
    let registered = format!("select enabled from awooop.agents where project_id = '{project}' and agent_id = 'new'");
    assert_eq!(office.sql(&registered), "t");
    assert_eq!(office.sql(&format!(
        "select count(*) from awooop.audit_log where project_id = '{project}' and action = 'create_run' and code = 'E-AGENT-004'
         and decision = 'refused'"
    )), "2", "refusals are on record");
}

#[test]
fn a_run_follows_the_contract_it_was_created_under() {
    let mut office = Office::new();
    let project = office.project.clone();
    let first = office.activated(&agent("bot", "One."));
    let run = create(&mut office.admin, &project, "").unwrap();
    let second = office.activated(&agent("bot", "Two."));
    let later = create(&mut office.admin, &project, "").unwrap();
    for (run, revision) in [(&run, &first), (&later, &second)] {
        let pinned =
            format!("select agent_revision_id from awooop.run_state where run_id = '{}'", text(&run["run_id"]));
        assert_eq!(office.sql(&pinned), text(revision));
    }
    let sql = format!(
        "update awooop.run_state set agent_revision_id = '{}' where run_id = '{}'",
        text(&second),
        text(&run["run_id"])
    );
    assert_eq!(office.admin.code(&sql), "E-RUN-007");
}

#[test]
fn envelopes_carry_the_policy_in_force_and_a_run_the_one_it_was_created_under() {
    let mut office = Office::new();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    office.activated(&agent("bot", "Answers."));
    let mut session = crate::harness::quiet::superuser_in(&office.sql("select current_database()"));
    let build = "select awooop.build_envelope('bot', 'telegram', '7')";
    let before = session.within(&project, build);
    assert_eq!(before["policy_revision_id"], Value::Null);
    let in_force = office.activated(&policy(1, &["security"]));
    let after = session.within(&project, build);
    assert_eq!((&after["policy_revision_id"], after.as_object().unwrap().len()), (&in_force, 9));
    // An envelope from before, or one that says what it likes, is under the policy that is in force now.
    let mut forged = before.clone();
    forged["policy_revision_id"] = "01900000-0000-7000-8000-000000000000".into();
    for envelope in [before, forged] {
        let run = session.within(&project, &format!("select awooop.create_run({})", literal(&envelope.to_string())));
        assert_eq!(run["envelope"]["policy_revision_id"], in_force, "{run}");
    }
    office.does(&ann, "revoke_contract", json!({"revision_id": in_force}));
    assert_eq!(session.within(&project, build)["policy_revision_id"], Value::Null);
    assert_eq!(create(&mut session, &project, "").unwrap_err(), "E-POLICY-001");
}

#[test]
fn what_a_contract_needs_must_be_active_before_it() {
    let mut office = Office::new();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let mut bot = agent("bot", "Answers.");
    bot["run_contract"] = "answer".into();
    let id = json!({"revision_id": office.signed(&bot)});
    let refusal = office.ask(&ann, "activate_contract", id.clone()).unwrap().body;
    let missing = json!([{"pointer": "/run_contract", "kind": "run", "name": "answer"}]);
    assert_eq!((&refusal["code"], &refusal["missing"]), (&json!("E-CONTRACT-011"), &missing));
    let run = office.activated(&run_contract("answer"));
    office.does(&ann, "activate_contract", id);
    assert!(create(&mut office.admin, &project, INPUT).is_ok());
    office.does(&ann, "revoke_contract", json!({"revision_id": run}));
    assert_eq!(create(&mut office.admin, &project, INPUT).unwrap_err(), "E-CONTRACT-011");
}

#[test]
fn an_input_that_the_run_contract_does_not_take_creates_no_run() {
    let mut office = office_with(&json!({"max_input_bytes": 40}));
    let (project, admin) = (office.project.clone(), &mut office.admin);
    let envelope = literal(&admin.within(&project, "select awooop.build_envelope('bot', 'telegram', '7')").to_string());
    let failure = admin
        .try_within(&project, &format!("select awooop.create_run({envelope}, input => '{{\"text\": 7123456}}')"))
        .unwrap_err();
    assert_eq!(failure.code(), "E-SCHEMA-003");
    let detail: Value = serde_json::from_str(&failure.detail).unwrap();
    let errors =
        json!([{"pointer": "/text", "keyword": "type", "expected": "a string", "got": "a number of more digits"}]);
    assert_eq!(detail["errors"], errors, "no value of the input");
    assert_eq!(create(admin, &project, "").unwrap_err(), "E-SCHEMA-003", "the empty object has no text");
    let long = format!(", input => '{{\"text\": \"{}\"}}'", "x".repeat(40));
    assert_eq!(create(admin, &project, &long).unwrap_err(), "E-INPUT-007");
    assert_eq!(admin.value(&format!("select count(*) from awooop.run_state where project_id = '{project}'")), "0");
    assert_eq!(create(admin, &project, INPUT).unwrap()["state"], "pending");
}

#[test]
fn the_run_contract_sets_priority_attempts_deadline_and_key_and_what_may_be_asked_for() {
    let mut office = office_with(&json!({
        "priority": 3, "max_priority": 6, "deadline_seconds": 100, "retry": {"max_attempts": 2},
        "idempotency_key": "required", "lease_seconds": 7
    }));
    let (project, admin) = (office.project.clone(), &mut office.admin);
    assert_eq!(create(admin, &project, INPUT).unwrap_err(), "E-RUN-010");
    let with_key = |key: &str, more: &str| format!("{INPUT}, idempotency_key => '{key}'{more}");
    let run = create(admin, &project, &with_key("a", "")).unwrap();
    assert_eq!((&run["priority"], &run["max_attempts"]), (&json!(3), &json!(2)));
    let deadline = |admin: &mut Session, run: &Value| {
        admin.value(&format!(
            "select extract(epoch from deadline_at - created_at)::int from awooop.run_state where run_id = '{}'",
            text(&run["run_id"])
        ))
    };
    assert_eq!(deadline(admin, &run), "100");
    for (option, asked, allowed) in [
        ("priority", 6, true),
        ("priority", 7, false),
        ("max_attempts", 1, true),
        ("max_attempts", 3, false),
        ("deadline_seconds", 5, true),
        ("deadline_seconds", 101, false),
    ] {
        let answer = create(admin, &project, &with_key(&format!("{option}{asked}"), &format!(", {option} => {asked}")));
        assert_eq!(
            answer.map(|_| ()),
            if allowed { Ok(()) } else { Err("E-INPUT-001".to_owned()) },
            "{option} {asked}"
        );
    }
    let claimed = claims(&admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
    let lease = |admin: &mut Session| {
        admin.value(&format!(
            "select (round(extract(epoch from expires_at - clock_timestamp())) <= 7) || ' ' || lease_seconds
             from awooop.run_lease where run_id = '{}'",
            claimed.run
        ))
    };
    assert_eq!(lease(admin), "true 7");
    admin.within(&project, &claimed.sql("heartbeat", ""));
    assert_eq!(lease(admin), "true 7", "a heartbeat keeps it as long as it was given for");
}

#[test]
fn failures_are_tried_again_for_the_causes_and_after_the_waits_of_the_contract() {
    let mut office = office_with(&json!({
        "retry": {"max_attempts": 3, "first_delay_seconds": 50, "growth_percent": 100},
        "retry_on": ["model_unavailable"]
    }));
    let (project, admin) = (office.project.clone(), &mut office.admin);
    let mut failed = |code: &str| {
        create(admin, &project, INPUT).unwrap();
        let claim = claims(&admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
        let run = admin.within(&project, &claim.sql("fail_run", &format!(", '{code}', retryable => true")));
        let wait = format!(
            "select round(extract(epoch from available_at - updated_at)) from awooop.run_state where run_id = '{}'",
            claim.run
        );
        (text(&run["state"]), admin.value(&wait))
    };
    assert_eq!(failed("model_unavailable"), ("pending".to_owned(), "50".to_owned()));
    assert_eq!(failed("tool_unavailable").0, "failed");
    assert_eq!(failed("my_own_code").0, "failed", "an error of the worker's own is not among the causes");
    // A lost worker is not among them either.
    create(admin, &project, INPUT).unwrap();
    let claim = claims(&admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
    expire(admin, &claim.run);
    admin.within(&project, "select awooop.reap_stale_runs()");
    assert_eq!(admin.within(&project, &format!("select awooop.get_run('{}')", claim.run))["state"], "timed_out");
}

#[test]
fn a_run_that_records_more_steps_than_its_contract_allows_has_failed() {
    let mut office = office_with(&json!({"max_steps": 2}));
    let (project, admin) = (office.project.clone(), &mut office.admin);
    create(admin, &project, INPUT).unwrap();
    let claim = claims(&admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
    for step in ["a", "b"] {
        let recorded = admin.within(&project, &claim.sql("record_step", &format!(", '{step}'")));
        assert_eq!(recorded["outcome"], "recorded");
    }
    let replayed = admin.within(&project, &claim.sql("record_step", ", 'a'"));
    assert_eq!(replayed["outcome"], "replayed", "a step that is there already is no further one");
    let refusal = admin.within(&project, &claim.sql("record_step", ", 'c'"));
    assert_eq!((&refusal["code"], &refusal["limit"]), (&json!("E-RUN-011"), &json!(2)));
    let run = admin.within(&project, &format!("select awooop.get_run('{}')", claim.run));
    assert_eq!((&run["state"], &run["error_code"]), (&json!("failed"), &json!("E-RUN-011")));
    let steps = admin.within(&project, &format!("select awooop.list_steps('{}')", claim.run));
    assert_eq!(steps["items"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_finished_run_is_kept_as_long_as_its_contract_says() {
    let mut office = office_with(&json!({"retention_days": 3}));
    let (project, admin) = (office.project.clone(), &mut office.admin);
    let run = text(&create(admin, &project, INPUT).unwrap()["run_id"]);
    admin.within(&project, &format!("select awooop.cancel_run('{run}')"));
    let kept = format!(
        "select round(extract(epoch from retain_until - finished_at) / 86400) from awooop.run_state where run_id = '{run}'"
    );
    assert_eq!(admin.value(&kept), "3");
}

#[test]
fn revoking_an_agents_contract_stops_its_runs_wherever_they_are() {
    let mut office = Office::new();
    let (ann, project, database) =
        (office.ann.clone(), office.project.clone(), office.sql("select current_database()"));
    let id = office.activated(&agent("bot", "Answers."));
    let admin = &mut office.admin;
    create(admin, &project, "").unwrap();
    let running = claims(&admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
    create(admin, &project, "").unwrap();
    let completing = claims(&admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
    let waiting = text(&create(admin, &project, "").unwrap()["run_id"]);
    office.does(&ann, "revoke_contract", json!({"revision_id": id, "reason": "it misbehaves"}));
    let admin = &mut office.admin;
    // Those that wait are never given out, those under way end with their worker's next word.
    let mut worker = worker_login(&database);
    let stepped = worker.json(&running.sql("record_step", ", 's'"));
    assert_eq!(stepped["code"], "E-AGENT-004");
    let completed = admin.within(&project, &completing.sql("complete_run", ", '{}'"));
    assert_eq!(completed["code"], "E-AGENT-004");
    assert_eq!(admin.within(&project, "select awooop.claim_runs('w', 10)")["runs"], json!([]));
    for run in [&running.run, &completing.run, &waiting] {
        let shown = admin.within(&project, &format!("select awooop.get_run('{run}')"));
        assert_eq!((&shown["state"], &shown["error_code"]), (&json!("failed"), &json!("E-AGENT-004")), "{shown}");
    }
    assert_eq!(office.audited("run_stopped"), "3");
    assert_eq!(create(&mut office.admin, &project, "").unwrap_err(), "E-AGENT-004");
}

#[test]
fn a_run_under_revoked_contracts_ends_though_others_are_active_now() {
    for revoked in ["agent", "run"] {
        let mut office = Office::new();
        let (ann, project) = (office.ann.clone(), office.project.clone());
        let mut bot = agent("bot", "Answers.");
        bot["run_contract"] = "answer".into();
        let run_revision = office.activated(&run_contract("answer"));
        let agent_revision = office.activated(&bot);
        create(&mut office.admin, &project, INPUT).unwrap();
        let claim = claims(&office.admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
        let waiting = text(&create(&mut office.admin, &project, INPUT).unwrap()["run_id"]);
        let (id, again) =
            if revoked == "agent" { (agent_revision, bot) } else { (run_revision, run_contract("answer")) };
        office.does(&ann, "revoke_contract", json!({"revision_id": id}));
        office.activated(&again);
        let admin = &mut office.admin;
        assert_eq!(admin.within(&project, &claim.sql("heartbeat", ""))["code"], "E-AGENT-004", "{revoked}");
        assert_eq!(admin.within(&project, &claim.sql("record_step", ", 's'"))["code"], "E-AGENT-004", "{revoked}");
        // What it stops stands in nobody's way: a claim goes on to what can be given out.
        let later = text(&create(admin, &project, INPUT).unwrap()["run_id"]);
        let next = claims(&admin.within(&project, "select awooop.claim_runs('w')")).pop().unwrap();
        assert_eq!(next.run, later, "{revoked}");
        assert_eq!(admin.within(&project, &format!("select awooop.get_run('{waiting}')"))["state"], "failed");
    }
}

#[test]
fn a_repeated_request_gets_its_first_run_whatever_contracts_came_since() {
    let mut office = office_with(&json!({}));
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let with_key = format!("{INPUT}, idempotency_key => 'k'");
    let first = create(&mut office.admin, &project, &with_key).unwrap();
    let mut strict = run_contract("answer");
    strict["input_schema"]["properties"]["text"]["maxLength"] = 1.into();
    let id = office.activated(&strict);
    assert_eq!(create(&mut office.admin, &project, INPUT).unwrap_err(), "E-SCHEMA-003");
    let again = create(&mut office.admin, &project, &with_key).unwrap();
    assert_eq!((&again["created"], &again["run_id"]), (&json!(false), &first["run_id"]));
    office.does(&ann, "revoke_contract", json!({"revision_id": id}));
    assert_eq!(create(&mut office.admin, &project, &with_key).unwrap()["created"], false);
    let other = INPUT.replace("hello", "x") + ", idempotency_key => 'k'";
    assert_eq!(create(&mut office.admin, &project, &other).unwrap_err(), "E-RUN-004");
}

#[test]
fn a_session_that_has_seen_a_contract_learns_of_its_end_at_once() {
    let mut office = Office::new();
    let (ann, project) = (office.ann.clone(), office.project.clone());
    let id = office.activated(&agent("bot", "Answers."));
    let mut session = crate::harness::quiet::superuser_in(&office.sql("select current_database()"));
    assert!(create(&mut session, &project, "").is_ok());
    office.does(&ann, "revoke_contract", json!({"revision_id": id}));
    assert_eq!(create(&mut session, &project, "").unwrap_err(), "E-AGENT-004");
    office.activated(&agent("bot", "Answers again."));
    assert!(create(&mut session, &project, "").is_ok());
}
