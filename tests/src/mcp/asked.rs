//! Calls that people decide about: the call waits, and goes on in the same conversation once they have agreed.

use serde_json::{Value, json};

use super::stage::{self, LOOK_UP, REFUND, Shop, order, said};
use crate::harness::quiet::text;

/// A refund that waits.
#[track_caller]
fn waiting(shop: &mut Shop, id: &str) -> Value {
    let agent = shop.agent.clone();
    let asked = shop.does(&agent, "mcp_begin_call", Shop::wanted(REFUND, order(id)));
    assert_eq!(
        (&asked["verdict"], &asked["upstream"], &asked["credential"]),
        (&json!("waiting"), &Value::Null, &Value::Null)
    );
    asked
}

/// The same call with its state.
fn on(asked: &Value, arguments: Value) -> Value {
    let mut wanted = Shop::wanted(REFUND, arguments);
    wanted["request_state"] = asked["request_state"].clone();
    wanted
}

#[test]
fn a_call_waits_for_people_and_goes_on_with_its_state_once_they_agree() {
    let mut shop = Shop::new();
    let (agent, worker) = (shop.agent.clone(), shop.worker.clone());
    let asked = waiting(&mut shop, "A-1");
    assert!(text(&asked["approval"]["summary"]).contains("The agent agent asks to call refund__shop"), "{asked}");
    assert_eq!(shop.state(&asked["run_id"]), "waiting_approval");
    // Nothing is decided: it goes on waiting, and is the same request.
    let still = shop.does(&agent, "mcp_begin_call", on(&asked, order("A-1")));
    assert_eq!(
        (&still["verdict"], &still["approval"]["approval_id"]),
        (&json!("waiting"), &asked["approval"]["approval_id"])
    );
    shop.approve(&asked["approval"]);
    // The run is its caller's alone.
    assert_eq!(shop.does(&worker, "claim_runs", json!({"worker_id": "w", "max_runs": 5}))["runs"], json!([]));
    let begun = shop.does(&agent, "mcp_begin_call", on(&asked, order("A-1")));
    assert_eq!((&begun["verdict"], &begun["call_id"]), (&json!("allowed"), &asked["call_id"]));
    assert_eq!(shop.state(&asked["run_id"]), "running");
    let finished = shop.finish(&begun, "succeeded", said("refunded"));
    assert_eq!((&finished["outcome"], &finished["micro_usd"]), (&json!("succeeded"), &json!(500)));
    assert_eq!(shop.state(&asked["run_id"]), "completed");
    let status = json!({"approval_id": asked["approval"]["approval_id"]});
    assert_eq!(shop.does(&agent, "approval_status", status)["state"], "used");
    // Once.
    let replayed = shop.does(&agent, "mcp_begin_call", on(&asked, order("A-1")));
    assert_eq!((&replayed["verdict"], &replayed["result"]), (&json!("replayed"), &said("refunded")));
}

#[test]
fn a_state_is_good_for_its_call_and_its_caller_alone() {
    let mut shop = Shop::new();
    let asked = waiting(&mut shop, "A-1");
    shop.approve(&asked["approval"]);
    let agent = shop.agent.clone();
    // For other arguments or another tool it is no approval.
    let other = shop.denied(on(&asked, order("A-2")));
    assert_eq!((&other["code"], &other["reason"]), (&json!("E-MCP-GATE-008"), &json!("other_call")));
    let mut tool = Shop::wanted(LOOK_UP, order("A-1"));
    tool["request_state"] = asked["request_state"].clone();
    assert_eq!(shop.denied(tool)["reason"], "other_call");
    // Somebody else's, or one that was tampered with, is none.
    let thief = shop.office.key("thief", stage::CALLS);
    assert_eq!(shop.code(&thief, "mcp_begin_call", on(&asked, order("A-1"))), "E-MCP-011");
    let state = text(&asked["request_state"]);
    let (statement, rest) = state.split_once('.').expect("parts");
    let mut bent = asked.clone();
    let flipped: String = statement.chars().rev().collect();
    for forged in [
        format!("{flipped}.{rest}"),
        format!("{statement}.{}", rest.to_uppercase()),
        state.replace('.', ""),
        format!("{state}A"),
    ] {
        bent["request_state"] = forged.into();
        assert_eq!(shop.code(&agent, "mcp_begin_call", on(&bent, order("A-1"))), "E-MCP-011");
    }
    assert_eq!(shop.does(&agent, "mcp_begin_call", on(&asked, order("A-1")))["verdict"], "allowed");
}

#[test]
fn what_people_reject_or_let_expire_is_denied() {
    let mut shop = Shop::alone();
    let clerk = shop.clerk.clone();
    let asked = waiting(&mut shop, "A-1");
    shop.does(&clerk, "reject_approval", json!({"approval_id": asked["approval"]["approval_id"], "reason": "no"}));
    assert_eq!(shop.state(&asked["run_id"]), "cancelled");
    let denied = shop.denied(on(&asked, order("A-1")));
    assert_eq!(
        (&denied["code"], &denied["reason"], &denied["gate"]),
        (&json!("E-MCP-GATE-008"), &json!("rejected"), &json!(5))
    );
    let asked = waiting(&mut shop, "A-2");
    shop.edit_approval(&asked["approval"], "expires_at = clock_timestamp() - interval '1 second'");
    let denied = shop.denied(on(&asked, order("A-2")));
    assert_eq!((&denied["code"], &denied["reason"]), (&json!("E-MCP-GATE-008"), &json!("expired")));
}

#[test]
fn people_are_asked_about_so_much_and_no_more() {
    let mut shop = Shop::new();
    let project = json!({
        "kind": "project", "contract_version": 1, "name": shop.office.project, "migration_mode": "active",
        "owners": [{"principal_id": "ann", "responsibility": "accountable"}], "capacity": {"max_waiting_approvals": 2}
    });
    shop.activate(&project);
    let (agent, clerk) = (shop.agent.clone(), shop.clerk.clone());
    let first = waiting(&mut shop, "A-1");
    waiting(&mut shop, "A-2");
    let denied = shop.denied(Shop::wanted(REFUND, order("A-3")));
    assert_eq!((&denied["code"], &denied["reason"]), (&json!("E-MCP-GATE-008"), &json!("too_many_waiting")));
    let explained = shop.does(&agent, "mcp_explain", Shop::wanted(REFUND, order("A-3")));
    assert_eq!((&explained["verdict"], &explained["code"]), (&json!("denied"), &denied["code"]));
    // A run asks no more than a call does.
    let worker = shop.worker.clone();
    let run = stage::run(&mut shop);
    let request =
        json!({"run_id": run.run, "lease": run.lease, "step_key": "x", "tool": REFUND, "arguments": order("A-4")});
    assert_eq!(shop.code(&worker, "request_approval", request), "E-APPROVAL-017");
    // With one of them decided there is room again.
    shop.does(&clerk, "reject_approval", json!({"approval_id": first["approval"]["approval_id"], "reason": "no"}));
    waiting(&mut shop, "A-5");
}

#[test]
fn an_agent_asks_people_so_often_and_no_more() {
    let mut shop = Shop::new();
    let project = shop.office.project.clone();
    waiting(&mut shop, "A-1");
    let agent = shop.agent.clone();
    // As if it had asked as often as it may, just now.
    shop.office.sql(&format!(
        "with asked as (
             update awooop.mcp_rate set calls = calls + 199 where project_id = '{project}' and key like 'asks:agent:%'
             returning key, calls
         )
         insert into awooop.mcp_rate_hit (project_id, key, call, at)
         select '{project}', key, n, clock_timestamp() from asked, generate_series(2, calls) n returning call"
    ));
    let denied = shop.denied(Shop::wanted(REFUND, order("A-2")));
    assert_eq!((&denied["code"], &denied["reason"]), (&json!("E-MCP-GATE-007"), &json!("asks")));
    let explained = shop.does(&agent, "mcp_explain", Shop::wanted(REFUND, order("A-2")));
    assert_eq!(explained["code"], "E-MCP-GATE-007");
    // What needs nobody goes on.
    shop.begin(LOOK_UP, order("A-1"));
}

#[test]
fn a_call_from_before_is_told_of_to_nobody_who_may_not_call() {
    let mut shop = Shop::new();
    let (agent, project) = (shop.agent.clone(), shop.office.project.clone());
    let mut keyed = Shop::wanted(LOOK_UP, order("A-1"));
    keyed["call_key"] = "k".into();
    let begun = shop.does(&agent, "mcp_begin_call", keyed.clone());
    shop.finish(&begun, "succeeded", said("found"));
    assert_eq!(shop.does(&agent, "mcp_begin_call", keyed.clone())["verdict"], "replayed");
    let asked = waiting(&mut shop, "A-2");
    // In another agent's name it is another call.
    shop.office.admin.within(&project, "select awooop.create_agent('other')");
    let mut other = keyed.clone();
    other["agent_id"] = "other".into();
    assert_eq!(shop.code(&agent, "mcp_begin_call", other), "E-MCP-012");
    let mut other = on(&asked, order("A-2"));
    other["agent_id"] = "other".into();
    assert_eq!(shop.code(&agent, "mcp_begin_call", other), "E-MCP-012");
    shop.office.admin.within(&project, "select awooop.create_agent('agent', enabled => false)");
    for wanted in [keyed, on(&asked, order("A-2"))] {
        let denied = shop.denied(wanted);
        assert_eq!((&denied["code"], &denied["reason"]), (&json!("E-MCP-GATE-002"), &json!("disabled")));
    }
}

#[test]
fn what_was_approved_is_judged_again_when_it_begins() {
    let mut shop = Shop::new();
    let (admin, agent) = (shop.admin.clone(), shop.agent.clone());
    let asked = waiting(&mut shop, "A-1");
    shop.approve(&asked["approval"]);
    shop.does(&admin, "mcp_revoke_grant", json!({"agent_id": "agent", "tool": REFUND}));
    let denied = shop.denied(on(&asked, order("A-1")));
    assert_eq!((&denied["code"], &denied["reason"]), (&json!("E-MCP-GATE-004"), &json!("not_granted")));
    shop.does(&admin, "mcp_grant_tool", json!({"agent_id": "agent", "tool": REFUND}));
    shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 100}));
    assert_eq!(shop.denied(on(&asked, order("A-1")))["code"], "E-MCP-GATE-006");
    // A denial has used nothing: with room again it goes on.
    shop.does(&admin, "set_budget", json!({"level": "project", "period": "day", "hard_micro_usd": 1000}));
    assert_eq!(shop.does(&agent, "mcp_begin_call", on(&asked, order("A-1")))["verdict"], "allowed");
}

#[test]
fn within_a_run_the_run_waits_and_whoever_claims_it_goes_on_with_the_same_step() {
    let mut shop = Shop::new();
    let worker = shop.worker.clone();
    let run = stage::run(&mut shop);
    // While another of its calls is under way it does not wait: nobody would hold it, and the result would be lost.
    let other =
        json!({"run_id": run.run, "lease": run.lease, "step_key": "find", "tool": LOOK_UP, "arguments": order("A-1")});
    let begun = shop.does(&worker, "mcp_begin_call", other);
    let early =
        json!({"run_id": run.run, "lease": run.lease, "step_key": "early", "tool": REFUND, "arguments": order("A-1")});
    let denied = shop.ask(&worker, "mcp_begin_call", early).expect("a refusal").body;
    assert_eq!((&denied["code"], &denied["reason"]), (&json!("E-MCP-GATE-008"), &json!("others_under_way")));
    let end = json!({"call_id": begun["call_id"], "lease": run.lease, "ticket": begun["ticket"], "outcome": "succeeded",
                     "result": said("found")});
    shop.does(&worker, "mcp_finish_call", end);
    let wanted = |lease: &str, id: &str| json!({"run_id": run.run, "lease": lease, "step_key": "refund", "tool": REFUND, "arguments": order(id)});
    let asked = shop.does(&worker, "mcp_begin_call", wanted(&run.lease, "A-1"));
    assert_eq!(asked["verdict"], "waiting");
    // The answer was lost, and the lease went with the request.
    let again = shop.does(&worker, "mcp_begin_call", wanted(&run.lease, "A-1"));
    assert_eq!((&again["verdict"], &again["call_id"]), (&json!("waiting"), &asked["call_id"]));
    shop.approve(&asked["approval"]);
    // Whoever held it then is told to wait until somebody holds it.
    assert_eq!(shop.does(&worker, "mcp_begin_call", wanted(&run.lease, "A-1"))["verdict"], "waiting");
    let next = stage::claim(&mut shop);
    assert_eq!(next.run, run.run);
    assert_eq!(shop.code(&worker, "mcp_begin_call", wanted(&next.lease, "A-2")), "E-MCP-012");
    let begun = shop.does(&worker, "mcp_begin_call", wanted(&next.lease, "A-1"));
    assert_eq!((&begun["verdict"], &begun["call_id"]), (&json!("allowed"), &asked["call_id"]));
    let end = json!({"call_id": begun["call_id"], "lease": next.lease, "ticket": begun["ticket"], "outcome": "succeeded", "result": said("done")});
    shop.does(&worker, "mcp_finish_call", end);
    let replayed = shop.does(&worker, "mcp_begin_call", wanted(&next.lease, "A-1"));
    assert_eq!((&replayed["verdict"], &replayed["result"]), (&json!("replayed"), &said("done")));
    shop.does(&worker, "complete_run", json!({"run_id": run.run, "lease": next.lease}));
}

#[test]
fn a_server_that_asks_something_back_gets_its_own_state_with_the_answer() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let suspend = json!({"call_id": begun["call_id"], "lease": begun["lease"], "ticket": begun["ticket"], "upstream_state": "server's \"own\" state"});
    let suspended = shop.does(&agent, "mcp_suspend_call", suspend);
    let mut wanted = Shop::wanted(LOOK_UP, order("A-1"));
    wanted["request_state"] = suspended["request_state"].clone();
    let on = shop.does(&agent, "mcp_begin_call", wanted.clone());
    assert_eq!(
        (&on["verdict"], &on["call_id"], &on["upstream"]["state"]),
        (&json!("allowed"), &begun["call_id"], &json!("server's \"own\" state"))
    );
    // The lease from before is over, and the call is ended once.
    assert_eq!(shop.code(&agent, "mcp_finish_call", Shop::ended(&begun, "succeeded", said("x"))), "E-RUN-003");
    // It asks again: the answer to the question before is none to this one.
    let suspend = json!({"call_id": on["call_id"], "lease": on["lease"], "ticket": on["ticket"]});
    let second = shop.does(&agent, "mcp_suspend_call", suspend);
    assert_eq!(shop.code(&agent, "mcp_begin_call", wanted.clone()), "E-MCP-011");
    wanted["request_state"] = second["request_state"].clone();
    let on = shop.does(&agent, "mcp_begin_call", wanted.clone());
    assert_eq!((&on["verdict"], &on["upstream"]["state"]), (&json!("allowed"), &Value::Null));
    shop.finish(&on, "succeeded", said("found"));
    assert_eq!(shop.does(&agent, "mcp_begin_call", wanted)["verdict"], "replayed");
}

#[test]
fn a_question_within_a_run_is_answered_there_and_every_answer_counts() {
    let mut rated = stage::policy();
    rated["rates"] = json!({"calls": {"agent": {"count": 3, "window_seconds": 3600}}});
    let mut shop = Shop::under(&rated);
    let worker = shop.worker.clone();
    let run = stage::run(&mut shop);
    let mut wanted =
        json!({"run_id": run.run, "lease": run.lease, "step_key": "find", "tool": LOOK_UP, "arguments": order("A-1")});
    let mut begun = shop.does(&worker, "mcp_begin_call", wanted.clone());
    for n in 0..2 {
        let suspend = json!({"call_id": begun["call_id"], "lease": run.lease, "ticket": begun["ticket"],
                             "upstream_state": format!("q{n}")});
        wanted["request_state"] = shop.does(&worker, "mcp_suspend_call", suspend)["request_state"].clone();
        // Its state names the step.
        let mut elsewhere = wanted.clone();
        elsewhere["step_key"] = "other".into();
        assert_eq!(shop.code(&worker, "mcp_begin_call", elsewhere), "E-MCP-011");
        wanted["step_key"] = Value::Null;
        begun = shop.does(&worker, "mcp_begin_call", wanted.clone());
        assert_eq!((&begun["verdict"], &begun["step_key"]), (&json!("allowed"), &json!("find")));
        assert_eq!(begun["upstream"]["state"], format!("q{n}"));
    }
    let suspend = json!({"call_id": begun["call_id"], "lease": run.lease, "ticket": begun["ticket"]});
    wanted["request_state"] = shop.does(&worker, "mcp_suspend_call", suspend)["request_state"].clone();
    let full = shop.ask(&worker, "mcp_begin_call", wanted).expect("a refusal").body;
    assert_eq!((&full["code"], &full["reason"]), (&json!("E-MCP-GATE-007"), &json!("agent")));
}

#[test]
fn what_a_server_wants_to_have_back_is_bounded_and_so_is_how_often() {
    let mut shop = Shop::new();
    let agent = shop.agent.clone();
    let begun = shop.begin(LOOK_UP, order("A-1"));
    let suspend = |state: String| json!({"call_id": begun["call_id"], "lease": begun["lease"], "ticket": begun["ticket"], "upstream_state": state});
    assert_eq!(shop.code(&agent, "mcp_suspend_call", suspend("查".repeat(20_000))), "E-INPUT-001");
    for _ in 0..32 {
        shop.does(&agent, "mcp_suspend_call", suspend("s".repeat(32 * 1024)));
    }
    assert_eq!(shop.code(&agent, "mcp_suspend_call", suspend("s".to_owned())), "E-MCP-021");
}

#[test]
fn of_many_who_begin_an_approved_call_at_once_one_does() {
    let mut shop = Shop::new();
    let asked = waiting(&mut shop, "A-1");
    shop.approve(&asked["approval"]);
    let arguments = on(&asked, order("A-1")).to_string();
    let (project, agent, database) = (shop.office.project.clone(), shop.agent.clone(), shop.office.database());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (project, agent, arguments, database) =
                (project.clone(), agent.clone(), arguments.clone(), database.clone());
            std::thread::spawn(move || {
                let mut gateway = crate::harness::platform_logins::gateway_login_in(&database);
                gateway.try_call(&project, &agent, "mcp_begin_call", &arguments).expect("an answer").body
            })
        })
        .collect();
    let bodies: Vec<Value> = threads.into_iter().map(|thread| thread.join().expect("a thread")).collect();
    // A refund may not be made twice: whoever came later is told that nobody knows yet.
    let count = |verdict: &str| bodies.iter().filter(|body| body["verdict"] == verdict).count();
    assert_eq!((count("allowed"), count("unknown")), (1, 7), "{bodies:?}");
    assert_eq!(shop.audited("approval_used").len(), 1);
}
