//! A lease as a credential: whoever executes an agent has it, and it is good for that run alone.

use serde_json::{Value, json};

use crate::channels::stage::Stage;
use crate::harness::channels::said;
use crate::harness::quiet::{expire, text};
use crate::mcp::stage::{LOOK_UP, Shop};

#[test]
fn whoever_shows_a_runs_lease_works_in_that_run_without_naming_it() {
    let mut stage = Stage::new();
    stage.comes(&said(1, 42, "hello"));
    let claim = stage.claim_run();
    let lease = claim.lease.clone();
    let mut does = |operation: &str, arguments: Value| stage.office.does(&lease, operation, arguments);
    let who = does("whoami", json!({}));
    assert_eq!((&who["agent_id"], &who["run_id"]), (&json!("agent"), &json!(claim.run)));
    assert_eq!(does("get_run", json!({}))["input"], json!({"text": "hello"}));
    assert_eq!(does("record_step", json!({"step_key": "s", "result": 7}))["outcome"], "recorded");
    assert_eq!(does("list_steps", json!({}))["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(does("get_session", json!({}))["messages"][0]["text"], "hello");
    assert_eq!(does("put_session", json!({"state": {"order": 7}}))["state"], json!({"order": 7}));
    let reserve = json!({"envelope": claim.json["envelope"], "tokens": 5, "idempotency_key": "k"});
    let reserved = does("reserve_budget", reserve);
    assert_eq!(reserved["created"], true, "{reserved}");
    assert_eq!(does("get_run", json!({"run_id": claim.run}))["run_id"], json!(claim.run));
}

#[test]
fn a_lease_opens_no_other_run_no_other_project_and_nothing_that_a_worker_answers_for() {
    let (mut stage, mut other) = (Stage::new(), Stage::new());
    stage.comes(&said(1, 42, "one"));
    let first = stage.claim_run();
    stage.comes(&said(2, 42, "two"));
    let second = stage.claim_run();
    for operation in ["get_run", "list_steps", "record_step", "get_session", "put_session"] {
        let mut arguments = json!({"run_id": second.run});
        for (name, value) in [("record_step", "step_key"), ("put_session", "state")] {
            if operation == name {
                arguments[value] = "s".into();
            }
        }
        assert_eq!(stage.office.code(&first.lease, operation, arguments), "E-RUN-003", "{operation}");
    }
    let chat = json!({"channel": "shop-bot", "channel_chat_id": "43"});
    let shown = stage.office.does(&first.lease, "get_session", chat);
    assert_eq!(shown["channel_chat_id"], "42", "the run's own chat, whatever is named");
    for (operation, arguments) in [
        ("complete_run", json!({"result": 1})),
        ("fail_run", json!({})),
        ("heartbeat", json!({})),
        ("cancel_run", json!({})),
        ("claim_runs", json!({"worker_id": "w"})),
        ("list_runs", json!({})),
        ("create_run", json!({"envelope": {}})),
        ("queue_message", json!({"channel": "shop-bot", "channel_chat_id": "42", "text": "x"})),
        ("create_api_key", json!({"name": "k", "scopes": ["runs:read"]})),
        ("list_audit", json!({})),
        ("end_session", json!({"channel": "shop-bot", "channel_chat_id": "42"})),
    ] {
        assert_eq!(stage.office.code(&first.lease, operation, arguments), "E-AUTH-003", "{operation}");
    }
    assert_eq!(other.office.code(&first.lease, "whoami", json!({})), "E-AUTH-001");
    let forged = format!("{}x", &first.lease[..first.lease.len() - 1]);
    assert_eq!(stage.office.code(&forged, "whoami", json!({})), "E-AUTH-001");
}

#[test]
fn a_lease_that_is_over_opens_nothing() {
    let mut stage = Stage::new();
    let worker = stage.worker.clone();
    stage.comes(&said(1, 42, "hello"));
    let first = stage.claim_run();
    expire(&mut stage.office.admin, &first.run);
    assert_eq!(stage.office.code(&first.lease, "get_run", json!({})), "E-AUTH-001", "its time is over");
    stage.office.admin.run("select awooop.maintain()");
    let ready = format!("update awooop.run_ready set available_at = clock_timestamp() where run_id = '{}'", first.run);
    stage.office.admin.run(&ready);
    let second = stage.claim_run();
    assert_eq!(second.run, first.run);
    assert_eq!(stage.office.code(&first.lease, "get_run", json!({})), "E-AUTH-001", "another worker has the run");
    stage.office.does(&second.lease, "get_run", json!({}));
    let end = json!({"run_id": second.run, "lease": second.lease, "result": 1});
    stage.office.does(&worker, "complete_run", end);
    assert_eq!(stage.office.code(&second.lease, "get_run", json!({})), "E-AUTH-001", "the run has ended");
}

#[test]
fn tools_are_called_in_the_run_and_no_approval_is_decided_with_its_lease() {
    let mut shop = Shop::new();
    let worker = shop.worker.clone();
    let envelope = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
    let envelope = shop.does(&worker, "build_envelope", envelope);
    let run = shop.does(&worker, "create_run", json!({"envelope": envelope}))["run_id"].clone();
    let claimed = shop.does(&worker, "claim_runs", json!({"worker_id": "w"}));
    let lease = text(&claimed["runs"][0]["lease"]);
    let call = json!({"tool": LOOK_UP, "arguments": {"order": "A-1"}, "step_key": "first"});
    let begun = shop.does(&lease, "mcp_begin_call", call);
    assert_eq!((&begun["verdict"], &begun["run_id"]), (&json!("allowed"), &run));
    let end = json!({"call_id": begun["call_id"], "ticket": begun["ticket"], "outcome": "succeeded",
                     "result": {"content": [{"type": "text", "text": "sent"}]}});
    shop.does(&lease, "mcp_finish_call", end);
    assert_eq!(shop.does(&lease, "mcp_list_tools", json!({}))["items"].as_array().map(Vec::len), Some(3));
    let refund = json!({"tool": "refund__shop", "arguments": {"order": "A-1"}, "step_key": "second"});
    let waits = shop.ask(&lease, "mcp_begin_call", refund).expect("an answer").body;
    assert!(waits.to_string().contains("approval_id"), "{waits}");
    assert_eq!(shop.code(&lease, "list_approvals", json!({})), "E-AUTH-001");
}

#[test]
fn a_lease_is_worth_no_more_than_the_key_that_claimed_it() {
    let mut stage = Stage::new();
    let worker = stage.worker.clone();
    stage.comes(&said(1, 42, "hello"));
    let claim = stage.claim_run();
    stage.office.does(&claim.lease, "get_run", json!({}));
    let key = text(&stage.office.does(&worker, "whoami", json!({}))["key_id"]);
    let project = stage.office.project.clone();
    stage.office.admin.within(&project, &format!("select awooop.revoke_api_key('{key}')"));
    assert_eq!(stage.office.code(&claim.lease, "get_run", json!({})), "E-AUTH-001");
}
