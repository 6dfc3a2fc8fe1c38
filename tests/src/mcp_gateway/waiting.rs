//! Calls that people must approve, and servers that ask something back: the same conversation goes on.

use serde_json::{Value, json};

use super::client::Client;
use super::stage::{Desk, Setup};
use crate::harness::answer::eventually;

/// Somebody has to agree to it.
fn medium(contract: &mut Value) {
    if contract["name"] == "test_simple_text__desk" {
        contract["risk"] = "medium".into();
    }
}

fn desk() -> Desk {
    Desk::with(Setup { review: medium, ..Setup::default() })
}

fn approve(desk: &mut Desk, approval: &Value) {
    let clerk = desk.clerk.clone();
    desk.office.does(&clerk, "issue_approval", json!({"approval_id": approval["approval_id"]}));
}

fn again(client: &Client, state: &Value) -> Value {
    client.request("tools/call", json!({"name": "test_simple_text", "arguments": {}, "requestState": state})).response()
}

#[test]
fn a_call_that_people_must_approve_goes_on_in_the_same_conversation() {
    let mut desk = desk();
    let bot = desk.bot();
    let waits = bot.call("test_simple_text", json!({}));
    assert_eq!(waits["resultType"], "input_required", "{waits}");
    assert!(waits.get("inputRequests").is_none_or(Value::is_null), "{waits}");
    let state = &waits["requestState"];
    let still = again(&bot, state);
    assert_eq!(still["result"]["resultType"], "input_required", "{still}");
    approve(&mut desk, &waits["_meta"]["io.awooop/approval"]);
    let done = again(&bot, state);
    assert_eq!(done["result"]["isError"], json!(false), "{done}");
    assert_eq!(desk.calls().len(), 1);
    // Once is once: what came of it is shown again, and the server is not called.
    let twice = again(&bot, state);
    assert_eq!(twice["result"]["content"], done["result"]["content"], "{twice}");
    assert_eq!(desk.calls().len(), 1);
}

#[test]
fn a_state_that_was_tampered_with_or_is_anothers_is_refused() {
    let mut desk = desk();
    let bot = desk.bot();
    let waits = bot.call("test_simple_text", json!({}));
    let state = waits["requestState"].as_str().expect("a state").to_owned();
    approve(&mut desk, &waits["_meta"]["io.awooop/approval"]);
    let mut bent = state.clone();
    let last = bent.pop().expect("a character");
    bent.push(if last == 'A' { 'B' } else { 'A' });
    let refused = again(&bot, &bent.into());
    assert_eq!(refused["error"]["data"]["code"], "E-MCP-011", "{refused}");
    let other = desk.office.key("other", crate::mcp::stage::CALLS);
    let stranger = desk.client(&other).at("/v1/mcp/desk").with("x-agent-id", "agent");
    let refused = again(&stranger, &state.into());
    assert!(refused["error"]["data"]["code"].as_str().is_some_and(|code| code.starts_with("E-MCP-0")), "{refused}");
}

#[test]
fn a_session_of_an_older_revision_calls_again_with_the_same_arguments() {
    let mut desk = desk();
    let session = desk.bot().session("2025-11-25");
    let call = || json!({"name": "test_simple_text", "arguments": {}});
    let waits = session.result("tools/call", call());
    assert_eq!(waits["isError"], json!(true), "{waits}");
    assert!(waits["content"][0]["text"].as_str().is_some_and(|text| text.contains("E-MCP-GATE-008")), "{waits}");
    let still = session.result("tools/call", call());
    assert_eq!(
        still["_meta"]["io.awooop/approval"]["approval_id"],
        waits["_meta"]["io.awooop/approval"]["approval_id"]
    );
    approve(&mut desk, &waits["_meta"]["io.awooop/approval"]);
    let done = session.result("tools/call", call());
    assert_eq!(done["isError"], json!(false), "{done}");
    assert_eq!(desk.calls().len(), 1);
}

#[test]
fn a_servers_questions_reach_the_caller_and_its_answers_the_server() {
    let desk = Desk::new();
    let bot = desk.bot();
    let call = json!({"name": "test_input_required_result_request_state", "arguments": {}});
    let asks = bot.result("tools/call", call.clone());
    assert_eq!(asks["resultType"], "input_required", "{asks}");
    let key = asks["inputRequests"].as_object().and_then(|all| all.keys().next()).expect("a question").clone();
    let mut with_answer = call;
    with_answer["requestState"] = asks["requestState"].clone();
    with_answer["inputResponses"] = json!({key: {"action": "accept", "content": {"ok": true}}});
    let done = bot.result("tools/call", with_answer);
    assert_eq!(done["isError"], json!(false), "{done}");
}

#[test]
fn an_answer_to_nothing_does_not_reach_the_server() {
    let mut desk = Desk::with(Setup {
        review: |contract| {
            if contract["name"] == "test_input_required_result_elicitation__desk" {
                contract["risk"] = "medium".into();
            }
        },
        ..Setup::default()
    });
    let bot = desk.bot();
    let mut call = json!({"name": "test_input_required_result_elicitation", "arguments": {}});
    let waits = bot.result("tools/call", call.clone());
    approve(&mut desk, &waits["_meta"]["io.awooop/approval"]);
    // The server would take it for the answer to the question that it has not asked yet.
    call["requestState"] = waits["requestState"].clone();
    call["inputResponses"] = json!({"user_name": {"action": "accept", "content": {"name": "Mallory"}}});
    let asks = bot.result("tools/call", call.clone());
    assert_eq!(asks["resultType"], "input_required", "{asks}");
    assert!(asks["inputRequests"]["user_name"].is_object(), "{asks}");
    call["requestState"] = asks["requestState"].clone();
    call["inputResponses"] = json!({"user_name": {"action": "accept", "content": {"name": "Ann"}}});
    let done = bot.result("tools/call", call);
    assert!(done.to_string().contains("Hello, Ann!"), "{done}");
}

/// A server of the current revision alone, which asks with its answers, and a client of an older one, which is asked by requests.
fn asking_with_its_answers(review: fn(&mut Value)) -> Desk {
    Desk::with(Setup { server: vec!["--current-only"], review, ..Setup::default() })
}

#[test]
fn a_session_is_asked_what_a_server_of_the_current_revision_wants_to_know() {
    let mut desk = asking_with_its_answers(|_| {});
    let session = desk.bot().session("2025-11-25");
    let plain = session.result("tools/call", json!({"name": "test_simple_text", "arguments": {}}));
    assert_eq!(plain["isError"], json!(false), "{plain}");
    for name in ["test_input_required_result_elicitation", "test_input_required_result_multi_round"] {
        let (response, heard) = session.converse("tools/call", json!({"name": name, "arguments": {}}), |asked| {
            assert_eq!(asked["method"], "elicitation/create", "{asked}");
            json!({"action": "accept", "content": {"name": "Ann", "color": "blue"}})
        });
        assert_eq!(response["result"]["isError"], json!(false), "{response}");
        assert!(heard.iter().any(|said| said["method"] == "elicitation/create"), "{heard:?}");
    }
    assert!(desk.calls().iter().all(|call| call["outcome"] == "succeeded"), "{:?}", desk.calls());
}

#[test]
fn a_question_that_a_session_does_not_answer_ends_the_call() {
    let mut desk = asking_with_its_answers(|_| {});
    let session = desk.bot().session("2025-11-25");
    let call = json!({"name": "test_input_required_result_elicitation", "arguments": {}});
    let (response, _) = session.converse(
        "tools/call",
        call,
        |_| json!({"error": {"code": -32000, "message": "Nobody is at the keyboard"}}),
    );
    assert!(response.get("error").is_some(), "{response}");
    let calls = desk.calls();
    assert_eq!((&calls[0]["state"], &calls[0]["outcome"]), (&json!("finished"), &json!("cancelled")), "{calls:?}");
    let run = format!("select awooop.get_run({}::uuid)", calls[0]["run_id"].to_string().replace('"', "'"));
    let project = desk.office.project.clone();
    assert_eq!(desk.office.admin.within(&project, &run)["state"], "failed");
}

#[test]
fn a_call_that_may_not_go_on_with_the_answer_ends() {
    let mut desk = asking_with_its_answers(|contract| {
        contract["rate"] = json!({"count": 1, "window_seconds": 3600});
    });
    let session = desk.bot().session("2025-11-25");
    let call = json!({"name": "test_input_required_result_elicitation", "arguments": {}});
    let (response, _) =
        session.converse("tools/call", call, |_| json!({"action": "accept", "content": {"name": "Ann"}}));
    assert!(response.to_string().contains("E-MCP-GATE-007"), "{response}");
    let calls = desk.calls();
    assert_eq!((&calls[0]["state"], &calls[0]["outcome"]), (&json!("finished"), &json!("cancelled")), "{calls:?}");
}

#[test]
fn a_session_is_asked_by_requests_of_its_own() {
    let desk = Desk::new();
    let session = desk.bot().session("2025-11-25");
    let call = json!({"name": "test_elicitation", "arguments": {"message": "Who are you?"}});
    let (response, heard) = session.converse("tools/call", call, |asked| {
        assert_eq!(asked["method"], "elicitation/create", "{asked}");
        json!({"action": "accept", "content": {"username": "ann", "email": "ann@example.com"}})
    });
    assert_eq!(response["result"]["isError"], json!(false), "{response}");
    assert_eq!(heard.iter().filter(|said| said["method"] == "elicitation/create").count(), 1, "{heard:?}");
}

#[test]
fn a_server_asks_nothing_that_its_tools_contract_does_not_allow() {
    let mut desk = Desk::with(Setup {
        review: |contract| {
            contract.as_object_mut().expect("an object").remove("may_ask");
        },
        ..Setup::default()
    });
    let session = desk.bot().session("2025-11-25");
    let call = json!({"name": "test_elicitation", "arguments": {"message": "Your password?"}});
    let (response, heard) = session.converse("tools/call", call, |_| json!({"action": "accept", "content": {}}));
    assert!(heard.iter().all(|said| said["method"] != "elicitation/create"), "{heard:?}");
    assert!(response.to_string().contains("rror"), "{response}");
    let refused = desk
        .bot()
        .request("tools/call", json!({"name": "test_input_required_result_request_state", "arguments": {}}))
        .response();
    assert!(refused.to_string().contains("E-MCP-022"), "{refused}");
    assert!(desk.calls().iter().all(|call| call["state"] == "finished"));
}

#[test]
fn a_client_that_goes_away_cancels_its_call() {
    let mut desk = Desk::troubled();
    let session = desk.bot().session("2025-11-25");
    std::thread::scope(|scope| {
        let call = json!({"name": "sleep", "arguments": {"ms": 30_000, "key": "gone"}});
        let waiting = scope.spawn(|| session.request("tools/call", call));
        let bot = desk.bot();
        eventually("the call's beginning", || {
            bot.call("was_cancelled", json!({"key": "gone"}))["structuredContent"]["begun"] == 1
        });
        session.notify("notifications/cancelled", json!({"requestId": 7, "reason": "enough"}));
        eventually("the server's hearing of it", || {
            bot.call("was_cancelled", json!({"key": "gone"}))["structuredContent"]["cancelled"] == true
        });
        drop(waiting);
    });
    let calls = desk.calls();
    let slept = calls.iter().find(|call| call["tool"] == "sleep__desk").expect("the call");
    assert_eq!(slept["outcome"], "cancelled", "{slept}");
}

#[test]
fn a_client_of_the_current_revision_that_hangs_up_cancels_its_call() {
    let mut desk = Desk::troubled();
    let bot = desk.bot();
    let call = json!({"name": "sleep", "arguments": {"ms": 30_000, "key": "hung"}});
    assert!(bot.hangs_up("tools/call", call, std::time::Duration::from_secs(2)));
    eventually("the server's hearing of it", || {
        bot.call("was_cancelled", json!({"key": "hung"}))["structuredContent"]["cancelled"] == true
    });
    eventually("the end of the call", || {
        desk.calls().iter().any(|call| call["tool"] == "sleep__desk" && call["outcome"] == "cancelled")
    });
}
