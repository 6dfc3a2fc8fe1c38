//! Answers keep to the schemas that the API documents, and the schemas take what the operations take.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::harness::contracts::{self, Hand};
use crate::harness::platform_logins::{Gateway, gateway_login_in};
use crate::harness::quiet::{EVERY_SCOPE, superuser_in, text};
use crate::harness::{Project, literal};
use crate::harness::{approvals, budgets, channels, issuer, tools};

struct Schemas {
    arguments: BTreeMap<String, Validator>,
    results: BTreeMap<String, Validator>,
}

fn schemas(gateway: &mut Gateway) -> Schemas {
    let listed =
        gateway.0.rows("select name, args_schema::text, result_schema::text from awooop.operation_list()").unwrap();
    let (mut arguments, mut results) = (BTreeMap::new(), BTreeMap::new());
    for row in listed {
        let [Some(name), Some(args), Some(result)] = <[Option<String>; 3]>::try_from(row).unwrap() else {
            panic!("an operation without name or schema")
        };
        let compile = |text: &str| {
            let schema: Value = serde_json::from_str(text).unwrap();
            jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
            jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
        };
        arguments.insert(name.clone(), compile(&args));
        results.insert(name.clone(), compile(&result));
    }
    Schemas { arguments, results }
}

/// One caller over HTTP's door, whose every answer is held to its schema.
struct Client {
    gateway: Gateway,
    schemas: Schemas,
    project: String,
    database: String,
    key: String,
    used: BTreeSet<String>,
}

impl Client {
    fn new() -> Self {
        let project = Project::new();
        let create = format!("select awooop.create_api_key('all', string_to_array('{EVERY_SCOPE}', ','))");
        let key = superuser_in(&project.database).within(&project.id, &create);
        let mut gateway = gateway_login_in(&project.database);
        let schemas = schemas(&mut gateway);
        Self {
            gateway,
            schemas,
            project: project.id,
            database: project.database,
            key: text(&key["api_key"]),
            used: BTreeSet::new(),
        }
    }

    /// A further key of the project.
    fn another_key(&self, scopes: &str) -> String {
        let create = format!("select awooop.create_api_key('more', string_to_array('{scopes}', ','))");
        text(&superuser_in(&self.database).within(&self.project, &create)["api_key"])
    }

    #[track_caller]
    fn call(&mut self, operation: &str, arguments: Value) -> Value {
        let errors: Vec<String> =
            self.schemas.arguments[operation].iter_errors(&arguments).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "the schema of {operation} refuses {arguments}: {errors:?}");
        let reply = self.gateway.call(&self.project, &self.key, operation, &arguments.to_string());
        assert!(reply.status < 300, "{operation}: {reply:?}");
        let errors: Vec<String> = self.schemas.results[operation]
            .iter_errors(&reply.body)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{operation} answered {}\n{errors:?}", reply.body);
        self.used.insert(operation.to_owned());
        reply.body
    }
}

#[test]
fn every_operations_answer_keeps_to_its_result_schema() {
    let mut client = Client::new();
    client.call("whoami", json!({}));
    client.call("create_agent", json!({"agent_id": "bot", "display_name": "Bot", "enabled": true}));
    client.call("create_agent", json!({"agent_id": "bot"}));
    let hands: Vec<String> = (0..2).map(|_| client.another_key(EVERY_SCOPE)).collect();
    let by = |client: &mut Client, hand: Hand, operation: &str, arguments: Value| {
        let own = client.key.clone();
        match hand {
            Hand::Owner => {}
            Hand::Left => client.key.clone_from(&hands[0]),
            Hand::Right => client.key.clone_from(&hands[1]),
        }
        let answer = client.call(operation, arguments);
        client.key = own;
        answer
    };
    contracts::every_operation("bot", |hand, operation, arguments| by(&mut client, hand, operation, arguments));
    let envelope = client.call(
        "build_envelope",
        json!({"agent_id": "bot", "channel_type": "telegram", "channel_user_id": "a:7", "channel_chat_id": "-1",
               "display_name": "Ada", "extra_tags": {"k": "v"}}),
    );
    let subject = client.call("upsert_platform_subject", json!({"channel_type": "line", "channel_user_id": "u"}));
    let role = json!({"platform_subject_id": subject["platform_subject_id"], "role": "approver"});
    client.call("grant_subject_role", role.clone());
    client.call("revoke_subject_role", role);
    let create = json!({"envelope": envelope, "input": [1, {"a": null}], "idempotency_key": "k", "priority": 0,
                        "max_attempts": 20, "deadline_seconds": 604_800, "tags": {"a": "b"}});
    let run = client.call("create_run", create.clone());
    assert_eq!(client.call("create_run", create)["created"], false);
    client.call("list_runs", json!({}));
    client.call("get_run", json!({"run_id": run["run_id"]}));
    client.call("claim_runs", json!({"worker_id": "w", "max_runs": 100, "lease_seconds": 5}));
    client.call("claim_runs", json!({"worker_id": "w"}));
    let retried = client.call("create_run", json!({"envelope": envelope}));
    let claim = client.call("claim_runs", json!({"worker_id": "w"}))["runs"][0].clone();
    assert_eq!(claim["run_id"], retried["run_id"]);
    let (id, lease) = (&claim["run_id"], &claim["lease"]);
    client.call("heartbeat", json!({"run_id": id, "lease": lease, "lease_seconds": 3600, "other_leases": [lease]}));
    for phase in ["started", "started", "completed"] {
        client.call(
            "record_step",
            json!({"run_id": id, "lease": lease, "step_key": "s", "kind": "llm", "phase": phase, "request": {}}),
        );
    }
    for raw in ["{answer: 1,}", "no document", "{\"a\": 1"] {
        client.call("validate_output", json!({"run_id": id, "lease": lease, "raw": raw}));
    }
    client.call("list_steps", json!({"run_id": id, "page_size": 1}));
    client.call("fail_run", json!({"run_id": id, "lease": lease, "error_code": "x", "message": "two\nlines"}));
    let last = client.call("create_run", json!({"envelope": envelope}));
    let claim = client.call("claim_runs", json!({"worker_id": "w"}))["runs"][0].clone();
    client.call("complete_run", json!({"run_id": claim["run_id"], "lease": claim["lease"], "result": 0.5}));
    client.call("get_run", json!({"run_id": last["run_id"]}));
    client.call("cancel_run", json!({"run_id": run["run_id"], "reason": "enough"}));
    client.call("list_runs", json!({"page_size": 1, "created_after": "2020-01-31T08:00:00+08:00"}));
    let key = client.call(
        "create_api_key",
        json!({"name": "n", "scopes": ["runs:read"], "expires_in_seconds": 60, "principal_id": "ada"}),
    );
    let key = client.call("rotate_api_key", json!({"key_id": key["key_id"], "grace_seconds": 60}));
    client.call("list_api_keys", json!({}));
    client.call("revoke_api_key", json!({"key_id": key["key_id"]}));
    client.call("list_api_keys", json!({}));
    client.call("list_audit", json!({"page_size": 200}));
    client.call("list_audit", json!({"page_size": 1}));
    superuser_in(&client.database).run("select awooop.maintain()");
    let held = client.call("audit_checkpoint", json!({}));
    client.call("audit_verify", json!({"checkpoint": held["checkpoint"]}));
    let exported = client.call("export_audit", json!({"page_size": 2}));
    client.call("audit_proof", json!({"audit_id": exported["items"][1]["audit_id"], "from_size": 1}));
    client.call("audit_proof", json!({"from_size": 3, "tree_size": held["tree_size"]}));
    for (family, mode) in [("ip", "redact"), ("phone", "allow"), ("secret", "redact")] {
        client.call("set_redaction_family", json!({"family": family, "mode": mode}));
    }
    client.call("set_redaction_rule", json!({"rule_id": "r.1", "family": "ip", "shape": "x", "keywords": ["x", "王"]}));
    client.call("set_redaction_rule", json!({"rule_id": "r.2", "family": "secret", "shape": "y"}));
    client.call("get_redaction", json!({}));
    client.call("remove_redaction_rule", json!({"rule_id": "r.1"}));
    budgets::every_operation(&envelope, |operation, arguments| client.call(operation, arguments));
    let project = client.project.clone();
    approvals::allow_a_tool(&mut superuser_in(&client.database), &project, "bot");
    approvals::every_operation(&envelope, |hand, operation, arguments| by(&mut client, hand, operation, arguments));
    tools::review_a_tool(&mut superuser_in(&client.database), &project, "bot");
    issuer::every_operation(|operation, arguments| client.call(operation, arguments));
    tools::every_operation("bot", |operation, arguments| client.call(operation, arguments));
    let mut admin = superuser_in(&client.database);
    channels::every_operation(&mut admin, &project, "bot", |hand, operation, arguments| {
        by(&mut client, hand, operation, arguments)
    });
    let all: BTreeSet<String> = client.schemas.results.keys().cloned().collect();
    assert_eq!(client.used, all, "an operation was never called");
}

#[test]
fn refusals_and_faults_are_problem_documents() {
    let mut client = Client::new();
    let problem = jsonschema::validator_for(&awooop_policy::error::problem_schema()).unwrap();
    let arguments = json!({"run_id": uuid::Uuid::now_v7(), "lease": "x"});
    let reply = client.gateway.call(&client.project, &client.key, "complete_run", &arguments.to_string());
    assert_eq!((reply.status, &reply.body["status"]), (409, &json!(409)));
    assert!(problem.is_valid(&reply.body), "{reply:?}");
}

#[test]
fn the_argument_schema_and_the_operation_agree_on_examples() {
    let mut client = Client::new();
    let user = json!({"agent_id": "agent", "channel_type": "telegram", "channel_user_id": "7"});
    let with = |key: &str, value: Value| {
        let mut arguments = user.clone();
        arguments[key] = value;
        ("build_envelope", arguments)
    };
    let mut differ = Vec::new();
    for (operation, arguments) in [
        with("display_name", json!("x".repeat(256))),
        with("display_name", json!("x".repeat(257))),
        with("display_name", json!("字".repeat(256))),
        with("display_name", json!("")),
        with("channel_user_id", json!("a\tb")),
        with("channel_user_id", json!("a\u{85}b")),
        with("channel_user_id", json!(7)),
        with("agent_id", json!("-a")),
        with("agent_id", json!("a\n")),
        with("agent_id", json!("ä")),
        with("extra_tags", json!({"k": 1})),
        with("extra_tags", json!({"a b": "v"})),
        with("extra_tags", json!({"k": "line\nbreak"})),
        with("extra_tags", json!({"k".repeat(65): "v"})),
        with("unknown", json!(1)),
        ("list_runs", json!({"page_size": 200})),
        ("list_runs", json!({"page_size": 201})),
        ("list_runs", json!({"page_size": 1.0})),
        ("list_runs", json!({"page_size": 1.5})),
        ("list_runs", json!({"page_size": "1"})),
        ("list_runs", json!({"state": "running"})),
        ("list_runs", json!({"state": "done"})),
        ("list_runs", json!({"created_after": "2026-02-28T08:00:00Z"})),
        ("list_runs", json!({"created_after": "2026-02-30T08:00:00Z"})),
        ("list_runs", json!({"created_after": "2026-02-28"})),
        ("create_api_key", json!({"name": "n", "scopes": ["runs:read"]})),
        ("create_api_key", json!({"name": "n", "scopes": ["everything"]})),
        ("create_api_key", json!({"name": "n", "scopes": "runs:read"})),
        ("whoami", json!({})),
        ("whoami", json!({"a": 1})),
    ] {
        let by_schema = client.schemas.arguments[operation].is_valid(&arguments);
        let by_call = client.gateway.try_call(&client.project, &client.key, operation, &arguments.to_string());
        let accepted = by_call.as_ref().is_ok_and(|reply| reply.status < 300);
        if by_schema != accepted {
            differ.push(format!("{operation} {arguments}: the schema says {by_schema}, the call {accepted}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn null_stands_for_an_absent_argument_through_both_doors() {
    let mut client = Client::new();
    let reply = client.gateway.call(&client.project, &client.key, "list_runs", r#"{"state": null, "page_size": null}"#);
    assert_eq!(reply.status, 200);
    let sql = format!("select awooop.list_runs(state => null, page_size => null, cursor => {})", "null");
    let project = Project::new();
    assert_eq!(project.actor().call(&sql)["items"], json!([]));
    assert_eq!(literal("a'b"), "'a''b'");
}
