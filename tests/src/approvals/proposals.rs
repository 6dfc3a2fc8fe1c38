//! Suggest: what would be done is a proposal, which people can read and compare; approved, it yields what executes exactly
//! that, once.

use serde_json::{Value, json};

use super::stage::{Desk, NOTE, REFUND, agent, refund};
use crate::contracts::stage::Office;
use crate::harness::quiet::text;

fn suggesting() -> Desk {
    let mut desk = Desk::new();
    let project = desk.office.project.clone();
    desk.office.sql(&format!("select awooop.set_project_mode('{project}', 'suggest')"));
    desk
}

#[test]
fn a_proposal_is_read_compared_approved_and_done_once() {
    let mut desk = suggesting();
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-1"));
    let seen = desk.status(&id);
    assert_eq!((&seen["mode"], &seen["arguments"]), (&json!("suggest"), &refund("A-1")));
    assert!(text(&seen["summary"]).contains("proposes to call"), "{seen}");
    // Against what the legacy path would have done, say.
    let compared = json!({"approval_id": id, "arguments": {"order": "A-1", "amount": 25, "note": "x"}});
    let difference = desk.does(&cleo, "approval_status", compared)["difference"].clone();
    let changes = difference.as_array().expect("changes").len();
    assert_eq!(changes, 2, "{difference}");
    desk.approve(&cleo, &id);
    let run = desk.claim();
    let token = desk.token(&run, REFUND, refund("A-1"));
    let mut other = Desk::step(&run, &token, refund("A-1"));
    other["request"]["amount"] = 25.into();
    assert_eq!(desk.code(&worker, "record_step", other), "E-TOKEN-018");
    let step = Desk::step(&run, &token, refund("A-1"));
    assert_eq!(desk.does(&worker, "record_step", step.clone())["outcome"], "recorded");
    let mut again = step;
    again["step_key"] = "again".into();
    assert_eq!(desk.code(&worker, "record_step", again), "E-TOKEN-019");
    assert_eq!(
        desk.does(&worker, "list_approvals", json!({"mode": "suggest", "state": "used"}))["items"][0]["approval_id"],
        json!(id)
    );
}

#[test]
fn what_would_go_ahead_is_only_proposed_and_what_only_reads_goes_ahead() {
    let mut desk = suggesting();
    let worker = desk.worker.clone();
    let run = desk.run();
    let read = desk.does(&worker, "request_approval", Desk::wanted(&run, super::stage::LOOK_UP, refund("A-1")));
    assert_eq!(read["decision"], "allowed");
    let id = desk.request(&run, NOTE, refund("A-1"));
    let seen = desk.status(&id);
    // Whoever may decide at all, as the policy names nobody for it.
    assert_eq!((&seen["needed"], &seen["roles"]), (&json!(1), &Value::Null));
    let lea = desk.lea.clone();
    assert_eq!(desk.approve(&lea, &id)["approval"]["state"], "approved");
}

#[test]
fn an_agent_that_only_suggests_does_so_in_an_active_project() {
    let mut desk = Desk::of(Office::new(), &agent("suggest"), None);
    let run = desk.run();
    let id = desk.request(&run, NOTE, refund("A-1"));
    assert_eq!(desk.status(&id)["mode"], "suggest");
}

#[test]
fn a_proposal_expires() {
    let mut desk = Desk::alone();
    let project = desk.office.project.clone();
    desk.office.sql(&format!("select awooop.set_project_mode('{project}', 'suggest')"));
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-1"));
    desk.age(&id, "expires_at", 100_000);
    desk.office.sql("select awooop.maintain()");
    assert_eq!((desk.state(&id), desk.run_state(&run)), ("expired".to_owned(), "timed_out".to_owned()));
}
