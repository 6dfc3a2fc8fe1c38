//! Shadow: runs without effects beside the legacy path, how well the two agree, and what a project must show to move on.

use serde_json::{Value, json};

use crate::channels::stage::Stage;
use crate::contracts::stage::Office;
use crate::harness::channels::{CHANNEL, counting, said};
use crate::harness::contracts::activate;
use crate::harness::quiet::{claims, text};
use crate::mcp::stage::{LOOK_UP, NOTE, Shop};

/// A run in shadow of a message; the key `maker` may create runs.
#[track_caller]
fn shadow_execute(office: &mut Office, maker: &str, message_key: &str, chat: &str) -> Value {
    let envelope =
        json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7", "channel_chat_id": chat});
    let envelope = office.does(maker, "build_envelope", envelope);
    let arguments = json!({"envelope": envelope, "message_key": message_key, "input": {"text": "Where is it?"}});
    office.does(maker, "shadow_execute", arguments)
}

/// What both paths made of messages; the first is ours.
#[track_caller]
fn both(stage: &mut Stage, message_key: &str, ours: Value, legacy: Value) -> Value {
    let worker = stage.worker.clone();
    shadow_execute(&mut stage.office, &worker, message_key, "42");
    stage.answer(ours);
    stage.office.does(&worker, "report_legacy_outcome", json!({"message_key": message_key, "outcome": legacy}))
}

#[test]
fn a_run_in_shadow_has_no_effect_whatever_mode_its_project_is_in() {
    let mut shop = Shop::new();
    let worker = shop.worker.clone();
    let run = shadow_execute(&mut shop.office, &worker, "update-1", "42");
    assert_eq!(run["mode"], "shadow");
    let again = shadow_execute(&mut shop.office, &worker, "update-1", "42");
    assert_eq!((&again["run_id"], &again["created"]), (&run["run_id"], &json!(false)));
    let claim = claims(&shop.does(&worker, "claim_runs", json!({"worker_id": "w"}))).pop().expect("the run");
    let call = |tool: &str| json!({"tool": tool, "arguments": {"order": "A-1"}});
    let refused = shop.ask(&claim.lease, "mcp_begin_call", call(NOTE)).expect("a refusal").body;
    assert_eq!((&refused["code"], &refused["reason"]), (&json!("E-MCP-GATE-004"), &json!("shadow")));
    assert_eq!(shop.does(&claim.lease, "mcp_begin_call", call(LOOK_UP))["verdict"], "allowed");
    let end = json!({"run_id": claim.run, "lease": claim.lease, "result": {"answer": "On its way."}});
    shop.does(&worker, "complete_run", end);
    let legacy = json!({"message_key": "update-1", "outcome": {"answer": "On  its way."}});
    let compared = shop.does(&worker, "report_legacy_outcome", legacy);
    assert_eq!((&compared["agrees"], &compared["differing"]), (&json!(true), &json!([])));
    let project = shop.office.project.clone();
    let kept = shop.office.sql(&format!(
        "select outcome ->> 'answer' || ' ' || run_state from awooop.shadow_case where project_id = '{project}'"
    ));
    assert_eq!(kept, "On its way. completed");
}

#[test]
fn what_shadow_alone_refuses_is_no_anomaly() {
    let mut policy = crate::mcp::stage::policy();
    policy["anomalies"] = json!({"refused_calls": {"threshold": 5, "window_seconds": 600, "action": "suspend_agent"}});
    let mut shop = Shop::under(&policy);
    let worker = shop.worker.clone();
    shadow_execute(&mut shop.office, &worker, "update-1", "42");
    let claim = claims(&shop.does(&worker, "claim_runs", json!({"worker_id": "w"}))).pop().expect("the run");
    for (tool, code, counted) in [(NOTE, "E-MCP-GATE-004", "0"), ("nothing__shop", "E-MCP-GATE-003", "1")] {
        let call = json!({"tool": tool, "arguments": {"order": "A-1"}});
        assert_eq!(shop.code(&claim.lease, "mcp_begin_call", call), code);
        let project = shop.office.project.clone();
        let sql = format!("select coalesce(sum(count), 0) from awooop.anomaly_counter where project_id = '{project}'");
        assert_eq!(shop.office.sql(&sql), counted, "{tool}");
    }
}

#[test]
fn what_both_paths_came_to_is_compared_by_agent_and_day_whichever_is_known_first() {
    let mut stage = Stage::new();
    let (worker, reader) = (stage.worker.clone(), stage.office.key("reader", "runs:read"));
    assert_eq!(both(&mut stage, "m-1", json!("yes"), json!("yes"))["agrees"], true);
    assert_eq!(both(&mut stage, "m-2", json!("yes"), json!("no"))["agrees"], false);
    // The legacy path may be first.
    stage.office.does(&worker, "report_legacy_outcome", json!({"message_key": "m-3", "outcome": "yes"}));
    shadow_execute(&mut stage.office, &worker, "m-3", "42");
    stage.answer(json!("yes"));
    // A run that failed agrees with nothing.
    shadow_execute(&mut stage.office, &worker, "m-4", "42");
    let claim = stage.claim_run();
    stage.office.does(&worker, "fail_run", json!({"run_id": claim.run, "lease": claim.lease, "retryable": false}));
    stage.office.does(&worker, "report_legacy_outcome", json!({"message_key": "m-4", "outcome": {"result": null}}));
    // Nothing to compare with yet.
    shadow_execute(&mut stage.office, &worker, "m-5", "42");
    stage.answer(json!("yes"));
    let report = stage.office.does(&reader, "shadow_report", json!({}));
    let day = &report["days"][0];
    for (member, expected) in [
        ("agent_id", json!("agent")),
        ("messages", json!(5)),
        ("runs", json!(5)),
        ("legacy", json!(4)),
        ("compared", json!(4)),
        ("agreed", json!(2)),
        ("failed", json!(1)),
    ] {
        assert_eq!(day[member], expected, "{member}: {report}");
    }
    assert_eq!(report["total"]["agreement_percent"].as_f64(), Some(50.0));
    let differing: Vec<_> =
        report["differing"].as_array().expect("cases").iter().map(|case| text(&case["message_key"])).collect();
    assert_eq!(differing, ["m-4", "m-2"]);
    // Saying it again changes nothing; saying something else is refused.
    let again = json!({"message_key": "m-1", "outcome": "yes"});
    assert_eq!(stage.office.does(&worker, "report_legacy_outcome", again)["agrees"], true);
    let other = json!({"message_key": "m-1", "outcome": "no"});
    assert_eq!(stage.office.code(&worker, "report_legacy_outcome", other), "E-SHADOW-001");
    let none = stage.office.does(&reader, "shadow_report", json!({"agent_id": "agent", "to_day": "2020-01-31"}));
    assert_eq!(none["days"], json!([]));
    assert_eq!(stage.office.code(&reader, "shadow_report", json!({"from_day": "2026-02-30"})), "E-INPUT-001");
}

#[test]
fn what_comes_by_a_channel_is_compared_as_long_as_the_legacy_path_answers() {
    let mut stage = Stage::new();
    let worker = stage.worker.clone();
    for (update, mode, agrees) in [(1, "shadow", json!(true)), (2, "suggest", json!(true)), (3, "active", Value::Null)]
    {
        stage.mode(mode);
        stage.comes(&said(update, 42, "hello"));
        stage.answer(json!("Hi"));
        let message_key = format!("{CHANNEL}:{update}");
        let report = json!({"message_key": message_key, "outcome": "Hi"});
        assert_eq!(stage.office.does(&worker, "report_legacy_outcome", report)["agrees"], agrees, "{mode}");
    }
}

#[test]
fn where_a_run_contract_says_to_look_the_rest_may_differ() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    let run = json!({
        "kind": "run", "contract_version": 1, "name": "answer", "input_schema": {}, "output_schema": {},
        "comparison": {"pointers": ["/intent", "/order"], "ignore_case": true}
    });
    activate(&mut stage.office.admin, &project, &run);
    let mut agent = crate::harness::contracts::agent_contract("agent");
    agent["run_contract"] = "answer".into();
    activate(&mut stage.office.admin, &project, &agent);
    let ours = json!({"intent": "Refund", "order": 7, "answer": "one way to say it"});
    let compared = both(&mut stage, "m-1", ours.clone(), json!({"intent": "refund", "order": 7, "answer": "another"}));
    assert_eq!(compared["agrees"], true);
    let compared = both(&mut stage, "m-2", ours, json!({"intent": "refund", "order": 8}));
    assert_eq!(compared["differing"], json!(["/order"]));
}

#[test]
fn what_a_channel_brings_in_shadow_is_a_case_by_itself() {
    let mut stage = Stage::new();
    stage.mode("shadow");
    stage.comes(&said(7, 42, "hello"));
    stage.answer(json!("an answer"));
    let worker = stage.worker.clone();
    let legacy = json!({"message_key": format!("{CHANNEL}:7"), "outcome": "an answer"});
    assert_eq!(stage.office.does(&worker, "report_legacy_outcome", legacy)["agrees"], true);
    let reader = stage.office.key("reader", "runs:read");
    let report = stage.office.does(&reader, "shadow_report", json!({}));
    assert_eq!((&report["mode"], &report["days"][0]["recorded_messages"]), (&json!("shadow"), &json!(1)));
}

#[test]
fn a_project_moves_on_when_it_has_shown_what_its_policy_asks_for_and_each_refusal_is_audited() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    stage.mode("shadow");
    let mut policy = counting(json!({}));
    policy.as_object_mut().expect("members").remove("anomalies");
    policy["promotion"] = json!({
        "suggest": {"compared": 2, "agreement_percent": 60},
        "active": {"compared": 3, "agreement_percent": 60, "days": 2}
    });
    activate(&mut stage.office.admin, &project, &policy);
    let to = |stage: &mut Stage, mode: &str| {
        let answer = stage.office.admin.json(&format!("select awooop.set_project_mode('{project}', '{mode}')"));
        match answer["code"].as_str() {
            Some(code) => format!("{code} {}", text(&answer["reason"])),
            None => text(&answer["migration_mode"]),
        }
    };
    assert_eq!(to(&mut stage, "active"), "E-TENANT-009 mode_skipped");
    assert_eq!(to(&mut stage, "suggest"), "E-TENANT-009 compared");
    both(&mut stage, "m-1", json!("yes"), json!("yes"));
    both(&mut stage, "m-2", json!("yes"), json!("no"));
    assert_eq!(to(&mut stage, "suggest"), "E-TENANT-009 agreement_percent");
    both(&mut stage, "m-3", json!("yes"), json!("yes"));
    assert_eq!(to(&mut stage, "suggest"), "suggest");
    assert_eq!(to(&mut stage, "active"), "E-TENANT-009 days");
    stage.office.admin.run(&format!(
        "update awooop.shadow_case set opened_at = opened_at - interval '1 day'
         where project_id = '{project}' and message_key = 'm-1'"
    ));
    assert_eq!(to(&mut stage, "active"), "active");
    // Back needs nothing, and then everything again.
    assert_eq!(to(&mut stage, "shadow"), "shadow");
    assert_eq!(to(&mut stage, "active"), "E-TENANT-009 mode_skipped");
    let audited = stage.office.admin.value(&format!(
        "select count(*) filter (where decision = 'refused') || ' ' || count(*) filter (where decision = 'done')
         from awooop.audit_log where project_id = '{project}' and action = 'project_mode_set' and facts ->> 'to' <> 'shadow'"
    ));
    assert_eq!(audited, "5 2");
}

#[test]
fn cases_are_kept_as_long_as_conversations() {
    let mut stage = Stage::new();
    both(&mut stage, "m-1", json!("yes"), json!("yes"));
    let project = stage.office.project.clone();
    let count = format!("select count(*) from awooop.shadow_case where project_id = '{project}'");
    stage.office.admin.run("select awooop.maintain()");
    assert_eq!(stage.office.admin.value(&count), "1");
    stage
        .office
        .admin
        .run(&format!("update awooop.shadow_case set retain_until = clock_timestamp() where project_id = '{project}'"));
    stage.office.admin.run("select awooop.maintain()");
    assert_eq!(stage.office.admin.value(&count), "0");
}
