//! Asking: what goes ahead, what is denied, what waits; and what the run does meanwhile.

use serde_json::{Value, json};

use super::stage::{Desk, ERASE, LOOK_UP, NOTE, REFUND, policy, refund};
use crate::harness::quiet::text;

#[test]
fn a_call_goes_ahead_is_denied_or_waits_by_agent_tool_mode_and_policy() {
    let mut desk = Desk::new();
    let (run, worker, project) = (desk.run(), desk.worker.clone(), desk.office.project.clone());
    for allowed in [LOOK_UP, NOTE] {
        let answer = desk.does(&worker, "request_approval", Desk::wanted(&run, allowed, refund("A-1")));
        assert_eq!(answer, json!({"decision": "allowed", "approval": null, "token": null}), "{allowed}");
    }
    assert_eq!(
        desk.code(&worker, "request_approval", Desk::wanted(&run, "other__shop", refund("A-1"))),
        "E-APPROVAL-002"
    );
    // Nothing of this was kept, and the run goes on.
    assert_eq!(desk.does(&worker, "list_approvals", json!({}))["items"], json!([]));
    assert_eq!(desk.run_state(&run), "running");
    // In an earlier mode the same call is denied, or only proposed.
    desk.office.sql(&format!("select awooop.set_project_mode('{project}', 'shadow')"));
    let denied = desk.ask(&worker, "request_approval", Desk::wanted(&run, REFUND, refund("A-1"))).unwrap();
    assert_eq!(
        (denied.status, &denied.body["code"], &denied.body["reason"]),
        (403, &json!("E-APPROVAL-003"), &json!("shadow"))
    );
    desk.office.sql(&format!("select awooop.set_project_mode('{project}', 'suggest')"));
    let answer = desk.does(&worker, "request_approval", Desk::wanted(&run, NOTE, refund("A-1")));
    assert_eq!((&answer["decision"], &answer["approval"]["mode"]), (&json!("waiting"), &json!("suggest")));
}

#[test]
fn an_agents_own_contract_may_want_every_call_of_a_tool_approved() {
    let mut contract = super::stage::agent("act");
    contract["tools"][LOOK_UP]["always_approve"] = true.into();
    let mut desk = Desk::of(crate::contracts::stage::Office::new(), &contract, Some(&policy()));
    let run = desk.run();
    let id = desk.request(&run, LOOK_UP, refund("A-1"));
    let seen = desk.status(&id);
    assert_eq!((&seen["needed"], &seen["roles"], &seen["mode"]), (&json!(1), &Value::Null, &json!("execute")));
}

#[test]
fn a_risk_that_the_policy_denies_is_denied_for_everybody() {
    let mut strict = policy();
    strict["tool_risk"] = json!({REFUND: "critical"});
    let mut desk = Desk::under(&strict);
    let (run, worker) = (desk.run(), desk.worker.clone());
    let denied = desk.ask(&worker, "request_approval", Desk::wanted(&run, REFUND, refund("A-1"))).unwrap();
    assert_eq!((&denied.body["code"], &denied.body["reason"]), (&json!("E-APPROVAL-003"), &json!("policy")));
    assert_eq!(desk.run_state(&run), "running");
}

#[test]
fn a_run_that_waits_has_given_up_its_lease_and_what_it_held_of_budgets() {
    let mut desk = Desk::new();
    let (worker, project) = (desk.worker.clone(), desk.office.project.clone());
    desk.office.admin.within(&project, "select awooop.set_budget('project', 'day', hard_tokens => 1000)");
    let run = desk.run();
    let charge = json!({"run_id": run.run, "lease": run.lease, "tokens": 10});
    desk.does(&worker, "settle_budget", charge.clone());
    let id = desk.request(&run, REFUND, refund("A-1"));
    assert_eq!(desk.run_state(&run), "waiting_approval");
    for (operation, arguments) in [
        ("heartbeat", json!({"run_id": run.run, "lease": run.lease})),
        ("record_step", json!({"run_id": run.run, "lease": run.lease, "step_key": "x", "kind": "tool"})),
        ("settle_budget", charge),
        ("complete_run", json!({"run_id": run.run, "lease": run.lease})),
    ] {
        assert_eq!(desk.code(&worker, operation, arguments), "E-RUN-003", "{operation}");
    }
    let held = desk.office.admin.within(&project, "select awooop.budget_status()");
    assert_eq!(held["total"]["reserved"]["tokens"], 0, "{held}");
    assert_eq!(held["total"]["spent"]["tokens"], 10, "{held}");
    assert_eq!(desk.office.admin.within(&project, "select awooop.budget_check()")["ok"], true);
    // The reaper leaves it alone, and nobody claims it.
    desk.office.sql("select awooop.reap_stale_runs()");
    let claimed = desk.does(&worker, "claim_runs", json!({"worker_id": "w", "max_runs": 10}));
    assert_eq!(claimed["runs"], json!([]));
    assert_eq!(desk.state(&id), "waiting");
}

#[test]
fn approval_puts_it_back_and_was_no_attempt() {
    let mut desk = Desk::new();
    let run = desk.run();
    let worker = desk.worker.clone();
    let step = json!({"run_id": run.run, "lease": run.lease, "step_key": "before", "kind": "note", "result": {"n": 1}});
    desk.does(&worker, "record_step", step);
    let id = desk.request(&run, REFUND, refund("A-1"));
    let cleo = desk.cleo.clone();
    let answer = desk.approve(&cleo, &id);
    assert_eq!(
        (&answer["approval"]["state"], &answer["approval"]["decisions"][0]["principal_id"]),
        (&json!("approved"), &json!("cleo"))
    );
    assert_eq!(desk.run_state(&run), "pending");
    let again = desk.claim();
    assert_eq!(again.run, run.run);
    assert_ne!(again.lease, run.lease);
    assert_eq!(again.json["attempt"], 1, "{}", again.json);
    assert_eq!(again.json["steps"][0]["step_key"], "before", "what was done is not done again: {}", again.json);
    let answer = desk.does(&worker, "request_approval", Desk::wanted(&again, REFUND, refund("A-1")));
    assert_eq!((&answer["decision"], &answer["approval"]["approval_id"]), (&json!("approved"), &json!(id)));
    assert_eq!(answer["token"]["claims"]["jti"], json!(id));
}

#[test]
fn rejection_cancels_the_run_and_expiry_times_it_out() {
    let mut desk = Desk::alone();
    let cleo = desk.cleo.clone();
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-1"));
    let answer = desk.reject(&cleo, &id);
    assert_eq!((&answer["approval"]["state"], &answer["token"]), (&json!("rejected"), &Value::Null));
    assert_eq!(desk.run_state(&run), "cancelled");
    assert_eq!(desk.audited(&id), ["approval_requested", "approval_rejected", "run_cancelled"]);
    // Nobody decides it any more; who rejected it is told the same again.
    assert_eq!(desk.code(&cleo, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-004");
    assert_eq!(desk.reject(&cleo, &id)["approval"]["state"], "rejected");

    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-2"));
    desk.age(&id, "expires_at", 100_000);
    assert_eq!(desk.office.admin.json("select awooop.maintain()")["approvals_expired"], 1);
    assert_eq!((desk.state(&id), desk.run_state(&run)), ("expired".to_owned(), "timed_out".to_owned()));
    assert_eq!(desk.audited(&id), ["approval_requested", "approval_expired", "run_timed_out"]);

    // The same where somebody comes too late, before maintenance does.
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-3"));
    desk.age(&id, "expires_at", 100_000);
    let late = desk.ask(&cleo, "issue_approval", json!({"approval_id": id})).unwrap();
    assert_eq!((&late.body["code"], &late.body["state"]), (&json!("E-APPROVAL-004"), &json!("expired")));
    assert_eq!((desk.state(&id), desk.run_state(&run)), ("expired".to_owned(), "timed_out".to_owned()));
}

#[test]
fn a_run_that_ends_takes_its_request_along() {
    let mut desk = Desk::new();
    let maker = desk.maker.clone();
    let run = desk.run();
    let id = desk.request(&run, REFUND, refund("A-1"));
    desk.does(&maker, "cancel_run", json!({"run_id": run.run}));
    assert_eq!(desk.state(&id), "cancelled");
    let cleo = desk.cleo.clone();
    assert_eq!(desk.code(&cleo, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-004");
    assert_eq!(desk.run_state(&run), "cancelled");
}

#[test]
fn who_asks_twice_asks_once() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let run = desk.run();
    let wanted = Desk::wanted(&run, REFUND, json!({"order": "A-1", "amount": 30}));
    let first = desk.ask(&worker, "request_approval", wanted.clone()).unwrap();
    // The answer was lost, and with it the lease: the same question has the same answer.
    let second = desk.ask(&worker, "request_approval", wanted).unwrap();
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.body["approval"]["approval_id"], second.body["approval"]["approval_id"]);
    let other = Desk::wanted(&run, REFUND, json!({"order": "A-1", "amount": 31}));
    assert_eq!(desk.code(&worker, "request_approval", other), "E-APPROVAL-012");
    assert_eq!(desk.code(&worker, "request_approval", Desk::wanted(&run, NOTE, refund("A-1"))), "E-APPROVAL-012");
    assert_eq!(desk.does(&worker, "list_approvals", json!({}))["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_nobody_could_call_is_refused_before_anybody_is_asked() {
    let mut desk = Desk::new();
    let worker = desk.worker.clone();
    let run = desk.run();
    for (arguments, expected) in [
        (json!({"amount": 30}), "E-APPROVAL-013"),
        (json!({"order": "A-1", "amount": "30"}), "E-APPROVAL-013"),
        (json!({"order": "A-1", "all": true}), "E-APPROVAL-013"),
        (json!([1]), "E-INPUT-001"),
        (json!("A-1"), "E-INPUT-001"),
    ] {
        assert_eq!(
            desk.code(&worker, "request_approval", Desk::wanted(&run, REFUND, arguments.clone())),
            expected,
            "{arguments}"
        );
    }
    let mut wrong = Desk::wanted(&run, REFUND, refund("A-1"));
    wrong["lease"] = format!("{}x", run.lease).into();
    assert_eq!(desk.code(&worker, "request_approval", wrong), "E-RUN-003");
    assert_eq!(desk.run_state(&run), "running");
}

#[test]
fn people_see_what_will_happen_redacted_and_the_parties_see_it_whole() {
    let mut desk = Desk::new();
    let run = desk.run();
    let arguments = json!({
        "order": "A-1", "amount": 30, "note": "card 4111 1111 1111 1111, ann@example.com", "customer": {"name": "Ann Example"}
    });
    let mut wanted = Desk::wanted(&run, REFUND, arguments.clone());
    wanted["estimated_micro_usd"] = 1_500_000.into();
    let worker = desk.worker.clone();
    let asked = desk.does(&worker, "request_approval", wanted);
    let id = text(&asked["approval"]["approval_id"]);
    assert_eq!((&asked["approval"]["arguments"], &asked["approval"]["redacted"]), (&arguments, &json!(false)));
    let seen = desk.status(&id);
    let whole = seen.to_string();
    for secret in ["4111", "ann@example.com", "Ann Example"] {
        assert!(!whole.contains(secret), "{whole}");
    }
    assert_eq!((&seen["redacted"], &seen["arguments"]["order"]), (&json!(true), &json!("A-1")));
    let summary = text(&seen["summary"]);
    for part in ["agent", REFUND, "A tool of the shop", "30", "can be undone", "medium", "1.50 USD"] {
        assert!(summary.contains(part), "{part} is not in: {summary}");
    }
    // What is compared is what may be seen.
    let cleo = desk.cleo.clone();
    let mut other = arguments;
    other["amount"] = 99.into();
    let compared = desk.does(&cleo, "approval_status", json!({"approval_id": id, "arguments": other}));
    assert!(compared["difference"].to_string().contains("/amount"), "{compared}");
}

#[test]
fn requests_are_listed_by_what_they_are_page_by_page() {
    let mut desk = Desk::new();
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    let mut ids = Vec::new();
    for (n, name) in [REFUND, ERASE, REFUND, ERASE, REFUND].into_iter().enumerate() {
        let run = desk.run();
        ids.push(desk.request(&run, name, refund(&format!("A-{n}"))));
    }
    desk.reject(&cleo, &ids[0]);
    let listed = |desk: &mut Desk, filter: Value| -> Vec<String> {
        let page = desk.does(&worker, "list_approvals", filter);
        page["items"].as_array().expect("items").iter().map(|item| text(&item["approval_id"])).collect()
    };
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(listed(&mut desk, json!({})), newest_first);
    assert_eq!(listed(&mut desk, json!({"state": "rejected"})), [ids[0].clone()]);
    assert_eq!(listed(&mut desk, json!({"tool": ERASE})), [ids[3].clone(), ids[1].clone()]);
    assert_eq!(listed(&mut desk, json!({"risk": "high", "state": "waiting", "mode": "execute"})).len(), 2);
    assert_eq!(listed(&mut desk, json!({"agent_id": "nobody"})), Vec::<String>::new());
    let mut seen = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = desk.does(&worker, "list_approvals", json!({"page_size": 2, "cursor": cursor}));
        let items = page["items"].as_array().expect("items").clone();
        assert!(items.len() <= 2 && items.iter().all(|item| item["waited_seconds"].is_i64()), "{page}");
        seen.extend(items.iter().map(|item| text(&item["approval_id"])));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, newest_first);
    assert_eq!(desk.code(&worker, "list_approvals", json!({"cursor": "x"})), "E-INPUT-010");
}

#[test]
fn a_call_that_needs_an_approval_is_not_begun_without_one() {
    let mut desk = Desk::new();
    let (worker, run) = (desk.worker.clone(), desk.run());
    let step = |tool: &str| {
        json!({"run_id": run.run, "lease": run.lease, "step_key": tool, "kind": "tool", "phase": "started", "tool": tool,
               "request": refund("A-1")})
    };
    let needed = desk.ask(&worker, "record_step", step(REFUND)).unwrap();
    assert_eq!((needed.status, &needed.body["code"]), (403, &json!("E-APPROVAL-016")));
    assert_eq!(desk.code(&worker, "record_step", step("other__shop")), "E-APPROVAL-002");
    for allowed in [LOOK_UP, NOTE] {
        assert_eq!(desk.does(&worker, "record_step", step(allowed))["outcome"], "recorded");
    }
    assert_eq!(desk.does(&worker, "list_steps", json!({"run_id": run.run}))["items"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_is_hidden_of_a_request_is_hidden_in_the_journal_too() {
    let mut desk = Desk::new();
    let (worker, cleo) = (desk.worker.clone(), desk.cleo.clone());
    let arguments = json!({"order": "A-1", "customer": {"name": "Ann Example"}});
    let run = desk.run();
    let id = desk.request(&run, REFUND, arguments.clone());
    desk.approve(&cleo, &id);
    let run = desk.claim();
    let token = desk.token(&run, REFUND, arguments.clone());
    desk.does(&worker, "record_step", Desk::step(&run, &token, arguments.clone()));
    let steps =
        |desk: &mut Desk, key: &str| desk.does(key, "list_steps", json!({"run_id": run.run}))["items"][0].clone();
    assert_eq!(steps(&mut desk, &worker)["request"], arguments);
    let reader = desk.office.key("reader", "runs:read");
    let seen = steps(&mut desk, &reader);
    assert!(!seen.to_string().contains("Ann Example") && seen["request"]["order"] == "A-1", "{seen}");
}

#[test]
fn a_request_expires_with_its_run_and_says_so() {
    let mut desk = Desk::alone();
    for by_maintenance in [true, false] {
        let run = desk.run_for(1);
        let id = desk.request(&run, REFUND, refund("A-1"));
        std::thread::sleep(std::time::Duration::from_millis(1100));
        desk.office.sql(if by_maintenance { "select awooop.maintain()" } else { "select awooop.reap_stale_runs()" });
        assert_eq!((desk.state(&id), desk.run_state(&run)), ("expired".to_owned(), "timed_out".to_owned()));
        assert!(desk.audited(&id).contains(&"approval_expired".to_owned()), "{by_maintenance}");
    }
}

#[test]
fn maintenance_goes_on_where_somebody_ended_a_run_by_hand() {
    let mut desk = Desk::alone();
    let run = desk.run_for(1);
    let id = desk.request(&run, REFUND, refund("A-1"));
    desk.office.admin.run(&format!(
        "update awooop.run_state set state = 'cancelled', finished_at = now(), retain_until = now() + interval '1 day'
         where run_id = '{}'",
        run.run
    ));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(desk.office.admin.json("select awooop.maintain()")["approvals_expired"], 1);
    assert_eq!((desk.state(&id), desk.run_state(&run)), ("expired".to_owned(), "cancelled".to_owned()));
}

#[test]
fn a_refused_decision_is_audited_with_its_request() {
    let mut desk = Desk::new();
    let run = desk.run();
    desk.role("worker", "clerk");
    let own = desk.office.key("worker", super::stage::DECIDES);
    let id = desk.request(&run, REFUND, refund("A-1"));
    assert_eq!(desk.code(&own, "issue_approval", json!({"approval_id": id})), "E-APPROVAL-005");
    assert_eq!(desk.audited(&id), ["approval_requested", "issue_approval"]);
}
