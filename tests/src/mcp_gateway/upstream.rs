//! What the gateway keeps to when it calls a server: time, size, retries, rest, concurrency, and where a connection may go.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;
use super::stage::{Desk, Fixture, Programs, SERVER, Setup, program};
use crate::harness::answer::eventually;
use crate::harness::at_once;

fn quick(contract: &mut Value) {
    contract["timeout_seconds"] = 1.into();
}

fn repeats(contract: &mut Value) {
    contract["timeout_seconds"] = 20.into();
    contract["side_effects"] = "none".into();
    contract["retry"] =
        json!({"max_attempts": 3, "first_delay_seconds": 1, "growth_percent": 100, "max_delay_seconds": 1});
}

fn outcome(desk: &mut Desk, tool: &str) -> Vec<String> {
    let calls = desk.calls().into_iter().filter(|call| call["tool"] == format!("{tool}__{SERVER}"));
    calls.map(|call| call["outcome"].as_str().unwrap_or("none").to_owned()).collect()
}

fn call(tool: &str, arguments: Value) -> Value {
    json!({"name": tool, "arguments": arguments})
}

#[test]
fn a_server_that_takes_too_long_is_cancelled_and_the_caller_told() {
    let mut desk = Desk::with(Setup { server: vec!["--trouble"], review: quick, ..Setup::default() });
    let begun = Instant::now();
    let error = desk.bot().error("tools/call", call("sleep", json!({"ms": 30_000, "key": "long"})));
    assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
    assert_eq!((&error["code"], &error["data"]["code"]), (&json!(-32603), &json!("E-MCP-015")), "{error}");
    assert_eq!(outcome(&mut desk, "sleep"), ["timed_out"]);
    let bot = desk.bot();
    crate::harness::answer::eventually("the server's hearing of it", || {
        bot.call("was_cancelled", json!({"key": "long"}))["structuredContent"]["cancelled"] == true
    });
}

#[test]
fn only_what_may_be_repeated_is_tried_again() {
    let mut desk = Desk::with(Setup { server: vec!["--trouble"], review: repeats, ..Setup::default() });
    let result = desk.bot().call("flaky", json!({"fail_first": 2, "key": "a", "how": "http_503"}));
    assert_ne!(result["isError"], json!(true), "{result}");
    assert_eq!(outcome(&mut desk, "flaky"), ["succeeded"]);

    let mut desk = Desk::troubled();
    let error = desk.bot().error("tools/call", call("flaky", json!({"fail_first": 1, "key": "a", "how": "http_503"})));
    assert_eq!(error["data"]["code"], "E-MCP-018", "{error}");
    let counted = desk.bot().call("count", json!({}));
    assert_eq!(counted["structuredContent"]["calls"]["flaky"], 1, "{counted}");
    assert_eq!(outcome(&mut desk, "flaky"), ["failed"]);
}

#[test]
fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let registration = json!({"max_response_bytes": 65_536});
    for events in [false, true] {
        let setup = Setup { server: vec!["--trouble"], registration: registration.clone(), ..Setup::default() };
        let mut desk = Desk::with(setup);
        let error = desk.bot().error("tools/call", call("big", json!({"bytes": 200_000_000, "events": events})));
        assert_eq!(error["data"]["code"], "E-MCP-018", "{error}");
        let counted = desk.bot().call("count", json!({}));
        let sent = counted["structuredContent"]["big_bytes_sent"].as_u64().expect("a number");
        assert!(sent < 50_000_000, "events: {events}, {counted}");
        // What fits is shown, cut to what an agent may see.
        let result = desk.bot().call("big", json!({"bytes": 40_000, "events": events}));
        assert!(result["content"][0]["text"].as_str().expect("a text").contains("[TRUNCATED:"), "{result}");
        assert_eq!(outcome(&mut desk, "big"), ["succeeded", "failed"]);
    }
}

#[test]
fn a_server_that_is_down_rests_and_comes_back_by_itself() {
    let mut desk = Desk::troubled();
    let url = desk.server.url.clone();
    desk.server.kill9();
    for _ in 0..7 {
        let error = desk.bot().error("tools/call", call("test_simple_text", json!({})));
        assert_eq!(error["data"]["code"], "E-MCP-017", "{error}");
    }
    assert!(outcome(&mut desk, "test_simple_text").iter().all(|outcome| outcome == "not_sent"));
    // Nothing was charged, and the runs have ended.
    assert!(desk.calls().iter().all(|call| call["used_micro_usd"] == 0));
    let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next()).expect("a port").to_owned();
    desk.server = Fixture::at(&format!("127.0.0.1:{port}"), "conformance-server", &["--trouble"]);
    let bot = desk.bot();
    // It is there again, and rests all the same.
    let direct = Client::new(&format!("127.0.0.1:{port}"), "").at("/mcp");
    assert_eq!(direct.call("test_simple_text", json!({}))["content"][0]["type"], "text");
    let error = bot.error("tools/call", call("test_simple_text", json!({})));
    assert_eq!(error["data"]["code"], "E-MCP-017", "{error}");
    eventually("the server's return", || {
        bot.request("tools/call", call("test_simple_text", json!({}))).response()["result"]["isError"] == false
    });
}

#[test]
fn no_more_calls_are_under_way_at_once_than_the_server_takes() {
    let setup = Setup { server: vec!["--trouble"], registration: json!({"max_concurrency": 2}), ..Setup::default() };
    let desk = Desk::with(setup);
    let begun = Instant::now();
    let (address, key) = (desk.gateway.address.clone(), desk.agent.clone());
    let bot = |_| Client::new(&address, &key).at(&format!("/v1/mcp/{SERVER}"));
    at_once(6, bot, |_, bot| {
        let result = bot.call("sleep", json!({"ms": 400, "key": "k"}));
        assert_ne!(result["isError"], json!(true), "{result}");
    });
    assert!(begun.elapsed() >= Duration::from_millis(1_150), "{:?}", begun.elapsed());
}

#[test]
fn a_host_in_a_private_network_is_called_only_when_an_operator_has_allowed_it() {
    let mut desk = Desk::new();
    let admin = desk.admin.clone();
    // Whoever calls it is counted, and gets nowhere.
    let listener = Redirects::to("http://127.0.0.1:9/mcp");
    let port = listener.address.port();
    let address = format!("http://localhost:{port}/mcp");
    desk.office.does(&admin, "mcp_register_server", json!({"server_id": "other", "address": address}));
    let import = |desk: &mut Desk| {
        let reply = desk.client(&admin).post("/v1/mcp/other/import", &json!({}), &[]);
        assert_eq!((reply.status, reply.json()["code"].as_str()), (503, Some("E-MCP-017")), "{}", reply.body);
    };
    import(&mut desk);
    assert_eq!(listener.asked(), 0, "it was called");
    // The same is called once its name is allowed.
    desk.office.sql("select awooop.allow_private_host('localhost', 'tests')");
    import(&mut desk);
    assert!(listener.asked() > 0, "it was not called");
    // Another name of an allowed address is another name.
    let asked = listener.asked();
    for host in ["127.0.0.2", "[::1]", "localhost.localdomain", "0.0.0.0"] {
        let address = format!("http://{host}:{port}/mcp");
        let admin = desk.admin.clone();
        desk.office.does(&admin, "mcp_register_server", json!({"server_id": "other", "address": address}));
        import(&mut desk);
    }
    assert_eq!(listener.asked(), asked);
}

#[test]
fn a_redirect_is_not_followed() {
    let beyond = Redirects::to("http://127.0.0.1:9/mcp");
    let redirects = Redirects::to(&beyond.url());
    let mut desk = Desk::new();
    let admin = desk.admin.clone();
    desk.office.does(&admin, "mcp_register_server", json!({"server_id": "other", "address": redirects.url()}));
    let reply = desk.client(&admin).post("/v1/mcp/other/import", &json!({}), &[]);
    assert_eq!(reply.status, 503, "{}", reply.body);
    assert!(redirects.asked() > 0);
    assert_eq!(beyond.asked(), 0, "it was followed, to a host that may be called");
}

#[test]
fn numbers_that_readers_disagree_about_are_shown_as_texts() {
    let desk = Desk::troubled();
    let result = desk.bot().call("big_number", json!({}));
    assert_ne!(result["isError"], json!(true), "{result}");
    assert!(result.to_string().contains("\"9007199254740993\""), "{result}");
}

#[test]
fn a_local_server_is_one_that_the_settings_name() {
    let programs = Programs::new(&json!({"command": program("conformance-server"), "args": ["--stdio"]}));
    let mut desk = Desk::with(programs.setup());
    let result = desk.bot().call("test_simple_text", json!({}));
    assert_ne!(result["isError"], json!(true), "{result}");
    let admin = desk.admin.clone();
    let other = json!({"server_id": "other", "address": "no-such-program", "transport": "local"});
    desk.office.does(&admin, "mcp_register_server", other);
    let reply = desk.client(&admin).post("/v1/mcp/other/import", &json!({}), &[]);
    assert_eq!(reply.json()["code"], "E-MCP-017", "{}", reply.body);
}

/// Whether a process is there, and no mere remainder of one.
fn lives(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_local_server_ends_with_all_that_it_has_started() {
    let helpers = std::env::temp_dir().join(crate::harness::unique("helpers"));
    let script = "sleep 300 </dev/null >/dev/null & echo $! >> $HELPERS; exec $SERVER --stdio";
    let programs = Programs::new(&json!({
        "command": "/bin/sh", "args": ["-c", script],
        "environment": {"PATH": "/usr/bin:/bin", "HELPERS": helpers, "SERVER": program("conformance-server")}
    }));
    let desk = Desk::with(programs.setup());
    let started = || -> Vec<String> {
        std::fs::read_to_string(&helpers).unwrap_or_default().lines().map(str::to_owned).collect()
    };
    // The import had a program of its own, and a call has one that stays for the next.
    let of_import = started();
    assert_eq!(of_import.len(), 1, "{of_import:?}");
    eventually("the end of what the import's program had started", || !lives(&of_import[0]));
    desk.bot().call("test_simple_text", json!({}));
    let of_call = started();
    assert!(of_call.len() == 2 && lives(&of_call[1]), "{of_call:?}");
    desk.gateway.signal("TERM");
    eventually("the end of what the call's program had started", || !lives(&of_call[1]));
    let _ = std::fs::remove_file(helpers);
}

/// Answers everything with a redirect, and counts who called.
struct Redirects {
    address: std::net::SocketAddr,
    asked: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Redirects {
    fn to(location: &str) -> Self {
        use std::io::{Read, Write};
        let answer = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&asked);
        // Ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::Relaxed)
    }
}
