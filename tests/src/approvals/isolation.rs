//! Other tenants, and roles that have no business here: as the attacker, never as a superuser.

use serde_json::json;

use super::stage::{Desk, REFUND, refund};

#[test]
fn another_tenant_sees_decides_and_uses_nothing_and_is_told_nothing() {
    let (mut victim, mut attacker) = (Desk::new(), Desk::new());
    let (run, id, token) = victim.approved("A-1");
    let waiting_run = victim.run();
    let waiting = victim.request(&waiting_run, REFUND, refund("A-2"));
    let absent = "018f0000-0000-7000-8000-000000000000";
    let (cleo, worker) = (attacker.cleo.clone(), attacker.worker.clone());
    for operation in ["approval_status", "issue_approval", "reject_approval"] {
        let answers: Vec<String> = [id.as_str(), waiting.as_str(), absent]
            .into_iter()
            .map(|id| attacker.code(&cleo, operation, json!({"approval_id": id})))
            .collect();
        assert_eq!(answers, ["E-APPROVAL-001"; 3], "{operation}");
    }
    for operation in ["request_approval", "record_step"] {
        let arguments = match operation {
            "request_approval" => Desk::wanted(&run, REFUND, refund("A-1")),
            _ => Desk::step(&run, &token, refund("A-1")),
        };
        assert_eq!(attacker.code(&worker, operation, arguments), "E-RUN-003", "{operation}");
    }
    assert_eq!(attacker.does(&cleo, "list_approvals", json!({}))["items"], json!([]));
    // The victim's own key of another scope does nothing either.
    let reader = victim.office.key("reader", "approvals:read");
    for operation in ["issue_approval", "reject_approval"] {
        assert_eq!(victim.code(&reader, operation, json!({"approval_id": waiting})), "E-AUTH-003", "{operation}");
    }
    assert_eq!((victim.state(&id), victim.state(&waiting)), ("approved".to_owned(), "waiting".to_owned()));
}

#[test]
fn auditors_see_what_is_shown_and_not_the_arguments() {
    let mut desk = Desk::new();
    let run = desk.run();
    let id = desk.request(&run, REFUND, json!({"order": "A-1", "customer": {"name": "Ann Example"}}));
    let database = desk.office.sql("select current_database()");
    let (role, _) = crate::harness::platform::login(&["awooop_auditor"]);
    let config = crate::harness::server::config_for(&role, "secret", Some(&database));
    let mut auditor = crate::harness::Session::new(crate::harness::connect(&config));
    let shown = auditor.value(&format!("select shown::text from awooop.approval_request where approval_id = '{id}'"));
    assert!(shown.contains("A-1") && !shown.contains("Ann Example"), "{shown}");
    for column in ["arguments", "digest", "mac", "*"] {
        let sql = format!("select {column} from awooop.approval_request");
        assert_eq!(auditor.code(&sql), "42501", "{column}");
    }
    assert_eq!(auditor.code("select mac from awooop.approval_decision"), "42501");
    for sql in [
        "insert into awooop.approval_use default values",
        "update awooop.approval_request set approved_at = now()",
        "delete from awooop.approval_decision",
    ] {
        assert_eq!(auditor.code(sql), "42501", "{sql}");
    }
}
