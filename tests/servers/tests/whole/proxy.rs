//! The proxy that adds headers.

use serde_json::json;

use crate::running::{CONFORMANCE, PROXY, Running, eventually, last};

fn in_front_of(server: &Running, options: &[&str]) -> Running {
    let upstream = format!("http://{}", server.address);
    let mut all = vec!["--upstream", &upstream];
    all.extend(options);
    Running::start(PROXY, &all)
}

#[test]
fn a_client_without_a_key_gets_through_with_the_proxys() {
    let server = Running::start(CONFORMANCE, &["--require-header", "Authorization=Bearer right"]);
    let proxy = in_front_of(&server, &["--header", "Authorization=Bearer right"]);
    assert!(proxy.client().call("test_simple_text", json!({}))["result"].is_object());
    assert!(proxy.session().call("test_simple_text", json!({}))["result"].is_object());
    let client = proxy.client().with("authorization", "Bearer wrong");
    assert!(client.call("test_simple_text", json!({}))["result"].is_object(), "the proxy's is the one that counts");
}

#[test]
fn the_host_is_the_clients_unless_another_is_set() {
    let server = Running::start(CONFORMANCE, &[]);
    let foreign = |proxy: &Running| {
        let client = proxy.client();
        let body = client.message("tools/list", json!({})).to_string();
        let headers: String = client
            .headers_for(&json!({"method": "tools/list"}))
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        let text =
            format!("POST /mcp HTTP/1.1\r\nhost: evil.example\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
        crate::running::read_until(client.raw(&text), "\r\n")
    };
    assert!(foreign(&in_front_of(&server, &[])).contains("403"));
    assert!(foreign(&in_front_of(&server, &["--host", "localhost"])).contains("200"));
}

#[test]
fn events_come_through_one_by_one_and_hanging_up_does_too() {
    let server = Running::start(CONFORMANCE, &["--trouble"]);
    let proxy = in_front_of(&server, &[]);
    let client = proxy.client();
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listening = client.begin(&client.message("subscriptions/listen", filter));
    crate::running::read_until(listening, "notifications/subscriptions/acknowledged");
    let sleep = client.message("tools/call", json!({"name": "sleep", "arguments": {"ms": 600_000}}));
    let stream = client.begin(&sleep);
    eventually("the beginning", || client.told("was_cancelled", json!({}))["begun"] == 1);
    drop(stream);
    eventually("the cancellation", || client.told("was_cancelled", json!({}))["cancelled"] == true);
}

#[test]
fn what_breaks_behind_the_proxy_breaks_in_front_of_it() {
    let server = Running::start(CONFORMANCE, &["--trouble"]);
    let proxy = in_front_of(&server, &[]);
    let client = proxy.client();
    let call = |how: &str| {
        let arguments = json!({"fail_first": 1, "key": how, "how": how});
        client.message("tools/call", json!({"name": "flaky", "arguments": arguments}))
    };
    assert_eq!(client.post(&call("http_503")).status(), 503);
    assert!(client.try_post(&call("dropped")).is_err());
    assert!(client.post(&call("cut_off")).body_mut().read_to_string().is_err());
    assert!(last(client.post(&call("cut_off")))["result"].is_object());
}

#[test]
fn an_upstream_that_does_not_listen_is_said_so() {
    let server = Running::start(CONFORMANCE, &[]);
    let proxy = in_front_of(&server, &[]);
    drop(server);
    let client = proxy.client();
    assert_eq!(client.post(&client.message("tools/list", json!({}))).status(), 502);
}
