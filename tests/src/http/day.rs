//! A tenant's day over HTTP: every operation at its address, with its documented status and an answer that keeps to its
//! schema; and what SQL callers get is the same.

use std::collections::BTreeSet;

use awooop_policy::operation::{OPERATIONS, Operation};
use serde_json::{Value, json};

use super::client::Caller;
use super::scene::{Scene, message};
use crate::harness::contracts::{self, Hand};
use crate::harness::quiet::{EVERY_SCOPE, text};
use crate::harness::{approvals, budgets, channels, issuer, tools};

/// A caller who is held to the documentation of each operation.
struct Tenant<'a> {
    caller: &'a Caller,
    used: BTreeSet<&'static str>,
}

impl Tenant<'_> {
    #[track_caller]
    fn does(&mut self, operation: &str, arguments: Value) -> Value {
        let operation = Operation::named(operation).expect("an operation");
        self.used.insert(operation.name);
        self.answered(operation.name, arguments, operation.status)
    }

    #[track_caller]
    fn answered(&self, operation: &str, arguments: Value, status: u16) -> Value {
        let reply = self.caller.call(operation, arguments);
        let result = Operation::named(operation).map(|operation| (operation.result)()).unwrap_or_default();
        let media = result["contentMediaType"].as_str().unwrap_or("application/json");
        assert_eq!(reply.header("content-type"), media, "{operation}: {reply:?}");
        assert_eq!(reply.header("cache-control"), "no-store", "an answer may hold a key");
        let body = reply.expect(status);
        let schema = (Operation::named(operation).expect("an operation").result)();
        let schema = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
        let errors: Vec<String> =
            schema.iter_errors(&body).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{operation} answered {body}\n{errors:?}");
        body
    }
}

#[test]
fn every_operation_answers_at_its_address_as_documented() {
    let scene = Scene::new();
    let mut tenant = Tenant { caller: &scene.caller, used: BTreeSet::new() };

    let me = tenant.does("whoami", json!({}));
    assert_eq!((&me["project_id"], &me["door"]), (&json!(scene.project.id), &json!("http")));
    tenant.does("create_agent", json!({"agent_id": "order-bot", "display_name": "Orders"}));
    let hands = [scene.caller_with(EVERY_SCOPE), scene.caller_with("contracts:sign")];
    contracts::every_operation("order-bot", |hand, operation, arguments| match hand {
        Hand::Owner => tenant.does(operation, arguments),
        Hand::Left | Hand::Right => {
            let caller = &hands[usize::from(hand == Hand::Right)];
            let mut signer = Tenant { caller, used: std::mem::take(&mut tenant.used) };
            let answer = signer.does(operation, arguments);
            tenant.used = signer.used;
            answer
        }
    });
    let envelope = tenant.does(
        "build_envelope",
        json!({"agent_id": "order-bot", "channel_type": "telegram", "channel_user_id": "551:1", "channel_chat_id": "-1",
               "display_name": "Ada \"L\" / 王", "extra_tags": {"shop": "ewoooc"}}),
    );
    let subject = tenant.does("upsert_platform_subject", json!({"channel_type": "line", "channel_user_id": "U1"}));
    let id = &subject["platform_subject_id"];
    let granted = tenant.does("grant_subject_role", json!({"platform_subject_id": id, "role": "approver"}));
    assert_eq!(granted["roles"], json!(["viewer", "approver"]));
    let taken = tenant.does("revoke_subject_role", json!({"platform_subject_id": id, "role": "approver"}));
    assert_eq!(taken["roles"], json!(["viewer"]));

    let input = json!({"text": "two \u{1f375} please", "n": [1, 0.5, -9007199254740991i64, null, {"deep": {}}]});
    let request = json!({"envelope": envelope, "input": input, "idempotency_key": "update-1", "tags": {"a": "b"}});
    let run = tenant.does("create_run", request.clone());
    assert_eq!(tenant.answered("create_run", request, 200)["created"], false);
    let other = tenant.does("create_run", json!({"envelope": envelope}));

    let claims = tenant.does("claim_runs", json!({"worker_id": "w", "max_runs": 10}))["runs"].clone();
    assert_eq!((claims.as_array().map(Vec::len), &claims[0]["run_id"]), (Some(2), &run["run_id"]));
    assert_eq!(claims[0]["input"], input, "an input comes through unchanged");
    let (run, lease) = (&claims[0]["run_id"], &claims[0]["lease"]);
    for (phase, outcome) in [("started", "recorded"), ("completed", "recorded"), ("completed", "replayed")] {
        let step = json!({"run_id": run, "lease": lease, "step_key": "quote", "kind": "llm", "phase": phase,
                          "request": {"q": 1}, "result": {"price": 7}});
        assert_eq!(tenant.does("record_step", step)["outcome"], outcome);
    }
    let output = json!({"run_id": run, "lease": lease, "raw": "```json\n{'sent': True}\n```", "attempt": 1});
    assert_eq!(tenant.does("validate_output", output)["document"], json!({"sent": true}));
    let output = json!({"run_id": run, "lease": lease, "raw": "sent"});
    assert_eq!(tenant.does("validate_output", output)["attempts_left"], 2);
    let leases = json!({"run_id": run, "lease": lease, "lease_seconds": 120, "other_leases": [claims[1]["lease"]]});
    assert_eq!(tenant.does("heartbeat", leases)["held"].as_array().map(Vec::len), Some(2));
    let failed = json!({"run_id": other["run_id"], "lease": claims[1]["lease"], "error_code": "no_stock"});
    assert_eq!(tenant.does("fail_run", failed)["state"], "pending");
    let cancelled = tenant.does("cancel_run", json!({"run_id": other["run_id"], "reason": "sold out"}));
    assert_eq!(cancelled["state"], "cancelled");
    let done = tenant.does("complete_run", json!({"run_id": run, "lease": lease, "result": {"sent": true}}));
    assert_eq!(done["state"], "completed");
    assert_eq!(tenant.does("get_run", json!({"run_id": run}))["result"], json!({"sent": true}));
    let listed = tenant.does("list_runs", json!({"state": "completed", "agent_id": "order-bot", "page_size": 1}));
    assert_eq!(listed["items"][0]["run_id"], *run);
    let steps = tenant.does("list_steps", json!({"run_id": run, "after_seq": 0}));
    assert_eq!(steps["items"].as_array().map(Vec::len), Some(4));

    let issued = tenant.does("create_api_key", json!({"name": "till 1", "scopes": ["runs:read"]}));
    let rotated = tenant.does("rotate_api_key", json!({"key_id": issued["key_id"], "grace_seconds": 0}));
    tenant.does("revoke_api_key", json!({"key_id": rotated["key_id"]}));
    let keys = tenant.does("list_api_keys", json!({})).to_string();
    assert!(keys.contains(&text(&issued["key_id"])) && !keys.contains("awk_"), "a listing of keys: {keys}");
    let audit = tenant.does("list_audit", json!({"action": "run_completed"}));
    assert_eq!((&audit["items"][0]["door"], &audit["items"][0]["run_id"]), (&json!("http"), run));

    // The shared server's background worker seals in a few seconds, this at once.
    scene.project.admin().run("select awooop.maintain()");
    let checkpoint = tenant.does("audit_checkpoint", json!({}));
    let verified = tenant.does("audit_verify", json!({"checkpoint": checkpoint["checkpoint"]}));
    assert_eq!((&verified["ok"], &verified["tree_size"]), (&json!(true), &checkpoint["tree_size"]), "{verified}");
    let exported = tenant.does("export_audit", json!({"from_leaf": 1, "page_size": 1}));
    assert_eq!(exported["next_cursor"], 2);
    let proof = tenant.does("audit_proof", json!({"audit_id": exported["items"][0]["audit_id"], "from_size": 1}));
    assert_eq!(proof["inclusion"]["document"], exported["items"][0]["document"]);

    let family = tenant.does("set_redaction_family", json!({"family": "email", "mode": "allow"}));
    assert_eq!(family, json!({"family": "email", "mode": "allow", "credential": false}));
    let rule = json!({"rule_id": "orders", "family": "secret", "shape": "EW-[0-9]{8}", "keywords": ["EW-"]});
    let rule = tenant.does("set_redaction_rule", rule);
    let shown = tenant.does("get_redaction", json!({}));
    assert_eq!((&shown["families"][0], &shown["rules"]), (&family, &json!([rule])));
    assert_eq!(tenant.does("remove_redaction_rule", json!({"rule_id": "orders"})), rule);

    budgets::every_operation(&envelope, |operation, arguments| tenant.does(operation, arguments));
    approvals::allow_a_tool(&mut scene.project.admin(), &scene.project.id, "order-bot");
    approvals::every_operation(&envelope, |hand, operation, arguments| match hand {
        Hand::Owner => tenant.does(operation, arguments),
        Hand::Left | Hand::Right => {
            let mut other = Tenant { caller: &hands[0], used: std::mem::take(&mut tenant.used) };
            let answer = other.does(operation, arguments);
            tenant.used = other.used;
            answer
        }
    });

    tools::review_a_tool(&mut scene.project.admin(), &scene.project.id, "order-bot");
    issuer::every_operation(|operation, arguments| tenant.does(operation, arguments));
    tools::every_operation("order-bot", |operation, arguments| tenant.does(operation, arguments));

    let (mut admin, project) = (scene.project.admin(), scene.project.id.clone());
    channels::every_operation(&mut admin, &project, "order-bot", |hand, operation, arguments| match hand {
        Hand::Owner => tenant.does(operation, arguments),
        Hand::Left | Hand::Right => {
            let mut other = Tenant { caller: &hands[0], used: std::mem::take(&mut tenant.used) };
            let answer = other.does(operation, arguments);
            tenant.used = other.used;
            answer
        }
    });

    let all: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(tenant.used, all, "an operation was not asked for");
}

#[test]
fn sql_callers_and_http_callers_see_the_same_documents() {
    let scene = Scene::new();
    let mut actor = scene.project.actor();
    let envelope = scene.caller.call("build_envelope", message("7")).expect(200);
    let create = json!({"envelope": envelope, "input": {"a": [1, 2.50, "é"]}, "tags": {"k": "v"}});
    let run = text(&scene.caller.call("create_run", create).expect(201)["run_id"]);
    let claim = actor.claim_one("w");
    actor.call("select awooop.set_price('m', 3000000, 15000000)");
    actor.call(&claim.sql("record_step", ", 's', '{\"x\": 1e2}', model => 'm', input_tokens => 7, output_tokens => 1"));
    actor.call(&claim.sql("complete_run", ", '[0.10]'"));
    let sql = [
        ("get_run", json!({"run_id": run}), format!("get_run('{run}')")),
        ("list_steps", json!({"run_id": run}), format!("list_steps('{run}')")),
        ("list_runs", json!({"page_size": 7}), "list_runs(page_size => 7)".to_owned()),
        ("list_api_keys", json!({}), "list_api_keys()".to_owned()),
        ("list_ledger", json!({"escrow_id": run}), format!("list_ledger('{run}')")),
        ("list_prices", json!({"model": "m"}), "list_prices('m')".to_owned()),
        ("budget_check", json!({}), "budget_check()".to_owned()),
        ("list_audit", json!({"page_size": 100}), "list_audit(page_size => 100)".to_owned()),
    ];
    for (operation, arguments, sql) in sql {
        let over_http = scene.caller.call(operation, arguments).expect(200);
        assert_eq!(over_http, actor.call(&format!("select awooop.{sql}")), "{operation}");
    }
    let (http, sql) = (scene.caller.call("whoami", json!({})).expect(200), actor.call("select awooop.whoami()"));
    assert_eq!(http["project_id"], sql["project_id"]);
    assert_eq!((&http["door"], &sql["door"]), (&json!("http"), &json!("sql")));
}

#[test]
fn a_listing_can_be_paged_through_and_filtered_over_http() {
    let scene = Scene::new();
    let mut made: Vec<String> = (0..5).map(|_| super::scene::new_run(&scene.caller)).collect();
    made.reverse();
    let (mut seen, mut arguments) = (Vec::new(), json!({"page_size": 2}));
    loop {
        let page = scene.caller.call("list_runs", arguments.clone()).expect(200);
        seen.extend(page["items"].as_array().expect("items").iter().map(|run| text(&run["run_id"])));
        if page["next_cursor"].is_null() {
            break;
        }
        arguments["cursor"] = page["next_cursor"].clone();
    }
    assert_eq!(seen, made, "newest first, each once");
    // A plus sign and a colon in a query survive the way.
    for (filter, count) in [
        ("created_after=2001-01-01T00:00:00%2B02:00&created_before=2999-01-01T00:00:00Z", 5),
        ("created_before=2001-01-01T00:00:00Z", 0),
        ("platform_subject_id=nobody", 0),
        ("state=running", 0),
        ("&&state=pending&", 5),
    ] {
        let page = scene.caller.send("GET", &format!("/v1/platform/runs?{filter}"), "").expect(200);
        assert_eq!(page["items"].as_array().map(Vec::len), Some(count), "{filter}");
    }
}
