//! Approvals for tests that are about something else: every operation on them, used once with what it must answer.

use serde_json::{Value, json};

use super::contracts::{Hand, activate, agent_contract};
use super::{Actor, Session, literal, quiet};

const TOOL: &str = "cancel__shop";

/// Lets the agent `name` call a tool, each time with somebody's approval.
#[track_caller]
pub fn allow_a_tool(admin: &mut Session, project: &str, name: &str) {
    let tool = json!({
        "kind": "tool", "contract_version": 1, "name": TOOL, "description": "Cancels an order.",
        "upstream_digest": format!("sha256:{}", "0".repeat(64)), "input_schema": {"type": "object"},
        "side_effects": "reversible", "risk": "medium"
    });
    activate(admin, project, &tool);
    let mut agent = agent_contract(name);
    agent["tools"] = json!({TOOL: {"access": "write", "always_approve": true}});
    activate(admin, project, &agent);
}

/// Uses every operation on approvals once at least. `does` carries an operation out and returns its answer; the agent of the
/// envelope may call a tool ([`allow_a_tool`]) and has no other work.
#[track_caller]
pub fn every_operation(envelope: &Value, mut does: impl FnMut(Hand, &str, Value) -> Value) {
    use Hand::{Left, Owner};
    for (operation, state) in [("reject_approval", "rejected"), ("issue_approval", "approved")] {
        let run = does(Owner, "create_run", json!({"envelope": envelope, "priority": 9}))["run_id"].clone();
        let lease = claim(&run, &mut does);
        let asked = does(
            Owner,
            "request_approval",
            json!({"run_id": run, "lease": lease, "step_key": "cancel", "tool": TOOL, "arguments": {"order": "A-1"},
                   "estimated_tokens": 1, "estimated_micro_usd": 2}),
        );
        let id = &asked["approval"]["approval_id"];
        let reason = json!({"approval_id": id, "digest": asked["approval"]["digest"], "reason": "seen"});
        assert_eq!(does(Left, operation, reason)["approval"]["state"], state);
        let compared = json!({"approval_id": id, "arguments": {"order": "A-2"}});
        let status = does(Owner, "approval_status", compared);
        assert_eq!((&status["state"], status["difference"].as_array().map(Vec::len)), (&json!(state), Some(1)));
        if operation == "issue_approval" {
            let lease = claim(&run, &mut does);
            let status = does(Owner, "approval_status", json!({"approval_id": id, "lease": lease}));
            let step = json!({"run_id": run, "lease": lease, "step_key": "cancel", "kind": "tool", "phase": "started",
                              "request": {"order": "A-1"}, "tool": TOOL, "approval_token": status["token"]["token"]});
            assert_eq!(does(Owner, "record_step", step)["outcome"], "recorded");
            assert_eq!(does(Owner, "approval_status", json!({"approval_id": id}))["use"]["outcome"], "under_way");
            does(Owner, "complete_run", json!({"run_id": run, "lease": lease}));
        }
    }
    let listed = does(Owner, "list_approvals", json!({"tool": TOOL, "page_size": 1}));
    assert_eq!(listed["items"][0]["state"], "used");
    let metrics = does(Owner, "approval_metrics", json!({}));
    let metrics = metrics.as_str().expect("a text");
    assert!(metrics.contains("state=\"used\"} 1\n") && metrics.contains("state=\"rejected\"} 1\n"), "{metrics}");
}

/// Asks for an approval in a run that somebody holds; the request's id.
#[track_caller]
pub fn ask(claim: &quiet::Claim, word: &str, does: &mut dyn FnMut(&str) -> Value) -> String {
    let arguments = literal(&json!({"order": word}).to_string());
    let asked = does(&claim.sql("request_approval", &format!(", '{word}', '{TOOL}', {arguments}")));
    assert_eq!(asked["decision"], "waiting", "{asked}");
    quiet::text(&asked["approval"]["approval_id"])
}

/// Somebody else approves it; the answer.
#[track_caller]
pub fn approve(admin: &mut Session, project: &str, id: &str) -> Value {
    admin.within(
        project,
        &format!(
            "select body::jsonb from awooop.call('{project}', awooop.create_api_key('k', '{{approvals:decide}}',
                 principal_id => 'approver') ->> 'api_key', 'issue_approval',
                 json_build_object('approval_id', '{id}', 'reason', 'fine')::text)"
        ),
    )
}

/// Puts rows into every table of approvals, with that word wherever a word may be. The agent `agent` of the actor's project
/// may call a tool from here on.
#[track_caller]
pub fn use_one(admin: &mut Session, actor: &mut Actor, word: &str) {
    let project = actor.project.clone();
    allow_a_tool(admin, &project, "agent");
    let run = actor.create_id(", priority => 9");
    let arguments = literal(&json!({"order": word}).to_string());
    let claim = actor.claim_one(word);
    assert_eq!(claim.run, run);
    let id = ask(&claim, word, &mut |sql| actor.call(sql));
    let approved = approve(admin, &project, &id);
    let token = quiet::text(&approved["token"]["token"]);
    let claim = actor.claim_one(word);
    assert_eq!(claim.run, run);
    let used = format!(
        ", '{word}', kind => 'tool', phase => 'started', request => {arguments}, tool => '{TOOL}', approval_token => '{token}'"
    );
    assert_eq!(actor.call(&claim.sql("record_step", &used))["outcome"], "recorded");
}

/// The lease of that run, which is what there is to claim.
#[track_caller]
fn claim(run: &Value, does: &mut impl FnMut(Hand, &str, Value) -> Value) -> String {
    let claims = quiet::claims(&does(Hand::Owner, "claim_runs", json!({"worker_id": "w", "max_runs": 1})));
    let claim = claims.into_iter().next().expect("something to claim");
    assert_eq!(json!(claim.run), *run);
    claim.lease
}
