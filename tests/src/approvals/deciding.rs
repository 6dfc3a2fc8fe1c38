//! Deciding: who may, how many it takes, and that nobody decides what is their own.

use serde_json::{Value, json};

use super::stage::{DECIDES, Desk, ERASE, REFUND, WORKS, policy, refund};
use crate::harness::quiet::text;

#[test]
fn high_risk_takes_two_leads_and_each_counts_once() {
    let mut desk = Desk::new();
    let (lea, leo, cleo) = (desk.lea.clone(), desk.leo.clone(), desk.cleo.clone());
    let run = desk.run();
    let id = desk.request(&run, ERASE, refund("A-1"));
    let clerk = desk.ask(&cleo, "issue_approval", json!({"approval_id": id})).unwrap();
    assert_eq!((&clerk.body["code"], &clerk.body["roles"]), (&json!("E-APPROVAL-006"), &json!(["lead"])));
    let first = desk.approve(&lea, &id);
    assert_eq!((&first["approval"]["state"], &first["token"]), (&json!("waiting"), &Value::Null));
    assert_eq!(desk.run_state(&run), "waiting_approval");
    let twice = desk.ask(&lea, "issue_approval", json!({"approval_id": id})).unwrap();
    assert_eq!(
        (&twice.body["code"], &twice.body["counted"], &twice.body["needed"]),
        (&json!("E-APPROVAL-007"), &json!(1), &json!(2))
    );
    // By another credential of hers as well.
    let other = desk.office.key("lea", DECIDES);
    assert_eq!(desk.code(&other, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-007");
    let second = desk.approve(&leo, &id);
    assert_eq!(second["approval"]["state"], "approved");
    assert_eq!(second["token"]["claims"]["jti"], json!(id));
    assert_eq!(desk.run_state(&run), "pending");
    // Who has approved has the answer again, and nobody else.
    assert_eq!(desk.approve(&lea, &id)["approval"]["state"], "approved");
    let lux = desk.lux.clone();
    assert_eq!(desk.code(&lux, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-004");
    // With those who were refused: the clerk, and hers again.
    assert_eq!(
        desk.audited(&id),
        [
            "approval_requested",
            "issue_approval",
            "approval_given",
            "issue_approval",
            "issue_approval",
            "approval_given",
            "approval_granted"
        ]
    );
}

#[test]
fn one_lead_is_enough_to_reject() {
    let mut desk = Desk::new();
    let (lea, leo) = (desk.lea.clone(), desk.leo.clone());
    let run = desk.run();
    let id = desk.request(&run, ERASE, refund("A-1"));
    desk.approve(&lea, &id);
    desk.reject(&leo, &id);
    assert_eq!((desk.state(&id), desk.run_state(&run)), ("rejected".to_owned(), "cancelled".to_owned()));
}

#[test]
fn nobody_decides_what_they_asked_for_by_whatever_credential() {
    let mut desk = Desk::new();
    let run = desk.run();
    for own in ["worker", "maker"] {
        desk.role(own, "clerk");
    }
    let id = desk.request(&run, REFUND, refund("A-1"));
    // Whoever created the run, whoever asked, a second key of each, and a key that one of them made for another.
    let mut hands = vec![desk.office.key("worker", DECIDES), desk.office.key("maker", DECIDES)];
    let worker_admin = desk.office.key("worker", "keys:admin,approvals:decide,approvals:read");
    let made = desk.does(
        &worker_admin,
        "create_api_key",
        json!({"name": "k", "scopes": ["approvals:decide", "approvals:read"], "principal_id": "puppet"}),
    );
    desk.role("puppet", "clerk");
    hands.push(worker_admin);
    hands.push(text(&made["api_key"]));
    for key in hands {
        for operation in ["issue_approval", "reject_approval"] {
            assert_eq!(desk.code(&key, operation, json!({"approval_id": id})), "E-APPROVAL-005", "{operation}");
        }
    }
    // Without the scope not even that much is said.
    let reader = desk.office.key("reader", "approvals:read");
    assert_eq!(desk.code(&reader, "issue_approval", json!({"approval_id": id})), "E-AUTH-003");
    assert_eq!(desk.state(&id), "waiting");
}

#[test]
fn whose_key_or_role_is_gone_does_not_count() {
    let mut desk = Desk::new();
    let (lea, leo, lux) = (desk.lea.clone(), desk.leo.clone(), desk.lux.clone());
    let project = desk.office.project.clone();
    let run = desk.run();
    let id = desk.request(&run, ERASE, refund("A-1"));
    desk.approve(&lea, &id);
    desk.office.admin.within(&project, "select awooop.revoke_principal_role('lea', 'lead')");
    let second = desk.approve(&leo, &id);
    assert_eq!(second["approval"]["state"], "waiting", "hers counts no more: {second}");
    assert_eq!(desk.approve(&lux, &id)["approval"]["state"], "approved");
    desk.cancel(&run);

    let run = desk.run();
    let id = desk.request(&run, ERASE, refund("A-2"));
    desk.approve(&leo, &id);
    let key_id = leo.split('.').nth(1).expect("a key id").to_owned();
    desk.office.admin.within(&project, &format!("select awooop.revoke_api_key('{key_id}')"));
    assert_eq!(desk.approve(&lux, &id)["approval"]["state"], "waiting");
}

#[test]
fn who_decides_says_what_they_have_seen_and_where_the_policy_asks_why() {
    let mut strict = policy();
    strict["approvals"] = json!({"reason_required": true, "token_seconds": 60, "request_seconds": 120});
    let mut desk = Desk::under(&strict);
    let cleo = desk.cleo.clone();
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-1"));
    let seen = desk.status(&id);
    assert_eq!(seen["reason_required"], true);
    assert_eq!(desk.code(&cleo, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-010");
    let other = json!({"approval_id": id, "reason": "fine", "digest": "0".repeat(64)});
    assert_eq!(desk.code(&cleo, "issue_approval", other), "E-APPROVAL-008");
    let decided = json!({"approval_id": id, "reason": "ann@example.com is right", "digest": seen["digest"]});
    let answer = desk.does(&cleo, "issue_approval", decided);
    assert_eq!(answer["approval"]["state"], "approved");
    let claims = &answer["token"]["claims"];
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(60), "{claims}");
    let reason = text(&answer["approval"]["decisions"][0]["reason"]);
    assert!(reason.ends_with(" is right") && !reason.contains("ann@"), "{reason}");
}

#[test]
fn the_decision_is_of_the_request_and_not_of_what_the_policy_says_later() {
    let mut desk = Desk::new();
    let (lea, project) = (desk.lea.clone(), desk.office.project.clone());
    let run = desk.run();
    let id = desk.request(&run, ERASE, refund("A-1"));
    let mut lax = policy();
    lax["calls"]["high"] = json!({"decision": "approve", "approvers": 1, "roles": ["clerk"]});
    for principal in ["bob", "eve"] {
        desk.office.admin.within(&project, &format!("select awooop.grant_principal_role('{principal}', 'security')"));
    }
    desk.office.activated(&lax);
    assert_eq!(desk.approve(&lea, &id)["approval"]["state"], "waiting");
    let cleo = desk.cleo.clone();
    assert_eq!(desk.code(&cleo, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-006");
}

#[test]
fn sql_callers_decide_as_well() {
    let mut desk = Desk::new();
    let project = desk.office.project.clone();
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-1"));
    // A superuser stands for the operator, who is nobody's puppet, and still has no role.
    let refused = desk.office.admin.within(&project, &format!("select awooop.issue_approval('{id}')"));
    assert_eq!(refused["code"], "E-APPROVAL-006", "{refused}");
    let login = crate::harness::unique("decider");
    desk.office.admin.run(&format!("create role {login} login password 'secret'"));
    desk.office
        .admin
        .run(&format!("select awooop.bind_role('{login}', '{project}', '{{approvals:decide,approvals:read}}')"));
    desk.role(&format!("role.{login}"), "clerk");
    let database = desk.office.sql("select current_database()");
    let config = crate::harness::server::config_for(&login, "secret", Some(&database));
    let mut session = crate::harness::Session::new(crate::harness::connect(&config));
    let answer = session.within(&project, &format!("select awooop.issue_approval('{id}', reason => 'fine')"));
    assert_eq!(answer["approval"]["state"], "approved", "{answer}");
    let _ = WORKS;
}
