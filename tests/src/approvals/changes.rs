//! What changes between a person's yes and the call: what is denied by then does not happen, and what the tool's contract says
//! anew is asked anew.

use serde_json::{Value, json};

use super::stage::{Desk, REFUND, agent, policy, refund, tool};
use crate::harness::quiet::text;

/// A desk whose contracts can be changed under its policy.
fn desk() -> Desk {
    let mut desk = Desk::new();
    for signer in ["bob", "eve"] {
        desk.role(signer, "security");
    }
    desk
}

#[test]
fn what_the_mode_the_agent_or_the_policy_has_come_to_deny_is_not_done() {
    let mut narrower = agent("act");
    narrower["tools"] = json!({super::stage::LOOK_UP: {"access": "read"}});
    let mut strict = policy();
    strict["calls"]["medium"] = json!({"decision": "deny"});
    for (change, reason) in [(None, "shadow"), (Some(narrower), "tool_not_in_agent_contract"), (Some(strict), "policy")]
    {
        let mut desk = desk();
        let (worker, project) = (desk.worker.clone(), desk.office.project.clone());
        let (run, id, token) = desk.approved("A-1");
        match change {
            Some(contract) => drop(desk.office.activated(&contract)),
            None => drop(desk.office.sql(&format!("select awooop.set_project_mode('{project}', 'shadow')"))),
        }
        let denied = desk.ask(&worker, "record_step", Desk::step(&run, &token, refund("A-1"))).unwrap();
        assert_eq!((&denied.body["code"], &denied.body["reason"]), (&json!("E-APPROVAL-003"), &json!(reason)));
        // It was not used, and is good again once it is allowed again, as long as it lasts.
        assert_eq!(desk.state(&id), "approved");
        if reason == "shadow" {
            desk.office.sql(&format!("select awooop.set_project_mode('{project}', 'active')"));
            let step = Desk::step(&run, &token, refund("A-1"));
            assert_eq!(desk.does(&worker, "record_step", step)["outcome"], "recorded");
        }
    }
}

#[test]
fn a_tool_whose_contract_has_changed_is_asked_about_anew() {
    let mut desk = desk();
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    let (run, id, token) = desk.approved("A-1");
    let waiting_run = desk.run();
    let waiting = desk.request(&waiting_run, REFUND, refund("A-2"));
    desk.office.activated(&tool(REFUND, "irreversible", "high"));
    assert_eq!(desk.code(&worker, "record_step", Desk::step(&run, &token, refund("A-1"))), "E-APPROVAL-015");
    let anew = desk.does(&worker, "request_approval", Desk::wanted(&run, REFUND, refund("A-1")));
    assert_eq!((&anew["decision"], &anew["approval"]["risk"]), (&json!("waiting"), &json!("high")));
    assert_ne!(text(&anew["approval"]["approval_id"]), id);
    // Nobody approves what the tool does no more; rejecting it is possible.
    assert_eq!(desk.code(&cleo, "issue_approval", json!({"approval_id": waiting})), "E-APPROVAL-015");
    assert_eq!(desk.reject(&cleo, &waiting)["approval"]["state"], "rejected");
}

#[test]
fn a_tool_without_a_contract_is_not_called() {
    let mut desk = desk();
    let (worker, ann, project) = (desk.worker.clone(), desk.office.ann.clone(), desk.office.project.clone());
    let (run, _, token) = desk.approved("A-1");
    let revision: Value = desk.office.sql(&format!(
        "select revision_id from awooop.active_contracts where project_id = '{project}' and kind = 'tool' and name = '{REFUND}'"
    )).into();
    desk.does(&ann, "revoke_contract", json!({"revision_id": revision, "reason": "no more"}));
    assert_eq!(desk.code(&worker, "record_step", Desk::step(&run, &token, refund("A-1"))), "E-APPROVAL-015");
    assert_eq!(desk.code(&worker, "request_approval", Desk::wanted(&run, REFUND, refund("A-1"))), "E-APPROVAL-002");
}
