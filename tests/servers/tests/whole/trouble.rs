//! The server that makes trouble: it must really make it, and know what came of it.

use std::io::Read;
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use crate::running::{CONFORMANCE, Client, Running, eventually, last, read_until};

fn troublesome() -> Running {
    Running::start(CONFORMANCE, &["--trouble"])
}

#[test]
fn a_flaky_tool_fails_as_often_as_it_is_told_in_each_way() {
    let server = troublesome();
    for client in [server.client(), server.session()] {
        let call = |how: &str| {
            let key = format!("{how}{}", client.stateless);
            let arguments = json!({"fail_first": 1, "key": key, "how": how});
            client.message("tools/call", json!({"name": "flaky", "arguments": arguments}))
        };
        assert_eq!(client.post(&call("http_503")).status(), 503);
        let asked = call("json_rpc_error");
        let error = last(client.post(&asked));
        assert_eq!((&error["error"]["code"], &error["id"]), (&json!(-32603), &asked["id"]));
        assert!(client.try_post(&call("dropped")).is_err());
        let mut cut = client.post(&call("cut_off"));
        assert_eq!(cut.status(), 200);
        assert!(cut.body_mut().read_to_string().is_err());
        for how in ["http_503", "json_rpc_error", "dropped", "cut_off"] {
            let answer = last(client.post(&call(how)));
            assert_eq!(answer["result"]["content"][0]["text"], "It succeeded at attempt 2.");
        }
    }
}

#[test]
fn a_big_result_is_as_big_as_it_is_told() {
    let server = troublesome();
    for events in [false, true] {
        let answer = server.client().call("big", json!({"bytes": 1_000_000, "events": events}));
        assert_eq!(answer["result"]["content"][0]["text"].as_str().expect("a text").len(), 1_000_000);
    }
}

#[test]
fn a_big_result_is_made_only_as_far_as_it_is_read() {
    let server = troublesome();
    let client = server.client();
    let whole: u64 = 4 << 30;
    let mut stream = client.begin(&client.message("tools/call", json!({"name": "big", "arguments": {"bytes": whole}})));
    stream.read_exact(&mut [0; 65_536]).expect("the beginning");
    stream.shutdown(Shutdown::Both).expect("an end");
    drop(stream);
    let sent = client.told("count", json!({}))["big_bytes_sent"].as_u64().expect("a number");
    assert!((1..whole / 16).contains(&sent), "{sent}");
}

#[test]
fn numbers_come_that_a_double_cannot_hold() {
    let server = troublesome();
    let client = server.client();
    let mut response = client.post(&client.message("tools/call", json!({"name": "big_number", "arguments": {}})));
    let text = response.body_mut().read_to_string().expect("a body");
    let (_, structured) = text.split_once("structuredContent").expect("structured content");
    for number in ["9007199254740993", "123456789012345678901234567890"] {
        assert!(structured.contains(number), "{structured}");
    }
}

/// Begins a long sleep, and waits until it has begun. The connection, and the request's id.
fn asleep(client: &Client, key: &str) -> (TcpStream, Value) {
    let arguments = json!({"ms": 600_000, "key": key});
    let message = client.message("tools/call", json!({"name": "sleep", "arguments": arguments}));
    let stream = client.begin(&message);
    eventually("the sleep's beginning", || client.told("was_cancelled", json!({"key": key}))["begun"] == 1);
    (stream, message["id"].clone())
}

#[test]
fn a_stateless_caller_who_hangs_up_has_cancelled() {
    let server = troublesome();
    let client = server.client();
    let (stream, _) = asleep(&client, "a");
    assert_eq!(client.told("was_cancelled", json!({"key": "a"}))["cancelled"], false);
    drop(stream);
    eventually("the cancellation", || client.told("was_cancelled", json!({"key": "a"}))["cancelled"] == true);
}

#[test]
fn a_caller_with_a_session_cancels_by_saying_so_and_not_by_hanging_up() {
    let server = troublesome();
    let client = server.session();
    let (stream, id) = asleep(&client, "b");
    drop(stream);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    assert_eq!(client.told("was_cancelled", json!({"key": "b"}))["cancelled"], false);
    assert_eq!(client.post(&cancel).status(), 202);
    eventually("the cancellation", || client.told("was_cancelled", json!({"key": "b"}))["cancelled"] == true);
}

#[test]
fn a_sleep_that_nobody_cancels_is_finished() {
    let server = troublesome();
    let client = server.client();
    client.call("sleep", json!({"ms": 1, "key": "c"}));
    let naps = client.told("was_cancelled", json!({"key": "c"}));
    assert_eq!((&naps["finished"], &naps["cancelled"]), (&json!(1), &json!(false)));
}

#[test]
fn calls_lists_and_sessions_are_counted() {
    let server = troublesome();
    let (client, session) = (server.client(), server.session());
    client.call("test_simple_text", json!({}));
    session.call("test_simple_text", json!({}));
    client.call("big", json!({"bytes": 1}));
    client.answer("tools/list", json!({}));
    let told = client.told("count", json!({}));
    assert_eq!(told["calls"], json!({"test_simple_text": 2, "big": 1}));
    assert_eq!((&told["lists"], &told["sessions"]), (&json!(1), &json!(1)));
}

#[test]
fn an_added_tool_is_listed_callable_and_announced_to_everybody() {
    let server = troublesome();
    let (client, session) = (server.client(), server.session());
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listening = client.begin(&client.message("subscriptions/listen", filter));
    let waiting = session.wait();
    read_until(listening.try_clone().expect("a connection"), "notifications/subscriptions/acknowledged");
    client.call("add_tool", json!({"name": "surprise", "description": "Not there before"}));
    read_until(listening, "notifications/tools/list_changed");
    read_until(waiting, "notifications/tools/list_changed");
    assert!(client.answer("tools/list", json!({})).to_string().contains("Not there before"));
    assert_eq!(client.call("surprise", json!({}))["result"]["content"][0]["text"], "This is surprise.");
    client.call("remove_tool", json!({"name": "surprise"}));
    assert!(client.call("surprise", json!({}))["error"].is_object());
}

#[test]
fn a_resource_that_is_touched_is_announced_to_those_who_watch_it() {
    let server = troublesome();
    let session = server.session();
    session.answer("resources/subscribe", json!({"uri": "test://static-text"}));
    let waiting = session.wait();
    session.call("touch_resource", json!({"uri": "test://static-binary"}));
    session.call("touch_resource", json!({"uri": "test://static-text"}));
    let seen = read_until(waiting, "notifications/resources/updated");
    assert!(seen.contains("test://static-text") && !seen.contains("test://static-binary"), "{seen}");
}

#[test]
fn a_slow_server_takes_its_time_over_every_call() {
    let server = Running::start(CONFORMANCE, &["--slow", "200", "--trouble"]);
    for (tool, arguments) in [("test_simple_text", json!({})), ("big", json!({"bytes": 1}))] {
        let begun = std::time::Instant::now();
        server.client().call(tool, arguments);
        assert!(begun.elapsed().as_millis() >= 200, "{tool}");
    }
}
