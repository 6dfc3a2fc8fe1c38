//! HTTP itself, from clients that are slow, greedy or odd.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::parse;
use super::scene::Scene;

#[test]
fn a_client_that_never_finishes_its_headers_is_cut_off() {
    let scene = Scene::with(&[("HEADER_TIMEOUT_MS", "300"), ("MAX_CONNECTIONS", "4")]);
    let begun = Instant::now();
    // As many as may be connected, each with half a head.
    let mut slow: Vec<_> = (0..4).map(|_| scene.caller.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("sent");
    }
    for stream in &mut slow {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "they were let wait {:?}", begun.elapsed());
    // There is room again; an idle connection is closed, too.
    assert_eq!(scene.caller.get("/healthz").status, 200);
    let mut idle = scene.caller.connect();
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0, "an idle connection was answered");
}

#[test]
fn a_client_that_never_reads_its_answers_is_cut_off() {
    let scene = Scene::with(&[("HEADER_TIMEOUT_MS", "300"), ("MAX_CONNECTIONS", "1")]);
    let request = format!("GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", scene.gateway.address);
    let mut greedy = scene.caller.connect();
    // Answers for far more than the kernel holds for somebody who does not read.
    greedy.write_all(request.repeat(1000).as_bytes()).expect("sent");
    // The only place is free again, without the greedy client's doing anything.
    assert_eq!(scene.caller.get("/healthz").status, 200);
    drop(greedy);
}

#[test]
fn a_client_that_never_finishes_its_body_holds_no_database_connection() {
    let scene = Scene::with(&[("POOL_SIZE", "1"), ("REQUEST_TIMEOUT_MS", "400"), ("STATEMENT_TIMEOUT_MS", "400")]);
    let lines = "Content-Type: application/json\r\nContent-Length: 100\r\n";
    let mut slow = scene.caller.connect();
    slow.write_all((scene.caller.head("POST /v1/platform/runs", lines) + "{").as_bytes()).expect("sent");
    assert_eq!(scene.caller.call("whoami", json!({})).status, 200, "somebody else waits for it");
    let mut answer = Vec::new();
    let _ = slow.read_to_end(&mut answer);
    assert_eq!(parse(&answer).problem(), (504, "E-HTTP-004".into()));
    // One that hangs up in the middle has said nothing.
    let before = scene.books();
    let mut cut = scene.caller.connect();
    cut.write_all((scene.caller.head("POST /v1/platform/runs", lines) + "{").as_bytes()).expect("sent");
    cut.shutdown(std::net::Shutdown::Write).expect("half closed");
    let _ = cut.read_to_end(&mut Vec::new());
    assert_eq!(scene.books(), before);
}

#[test]
fn a_head_that_is_too_large_or_malformed_is_refused() {
    let scene = Scene::new();
    let many: String = (0..500).map(|n| format!("X-{n}: a\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "a".repeat(60_000));
    let status = |bytes: String| {
        let answer = scene.caller.exchange(bytes.as_bytes());
        parse(&answer).status
    };
    let head = |lines: &str| scene.caller.head("GET /v1/platform/whoami", lines);
    assert_eq!(status(head(&many)), 431);
    assert_eq!(status(head(&large)), 431);
    for broken in [
        "GARBAGE\r\n\r\n".to_owned(),
        "GET /healthz HTTP/9.9\r\n\r\n".to_owned(),
        "GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        head("X-Nul: a\0b\r\n"),
        head(" folded: a\r\n"),
        head("No colon\r\n"),
        head("Content-Length: 1\r\nContent-Length: 2\r\n"),
        head("Content-Length: -1\r\n"),
        head("Transfer-Encoding: gzip\r\n"),
    ] {
        assert_eq!(status(broken.clone()), 400, "{broken}");
    }
    assert_eq!(scene.caller.get("/healthz").status, 200);
}

#[test]
fn requests_sent_in_one_breath_are_answered_in_order() {
    let scene = Scene::new();
    let request = |path: &str, last: bool| {
        let close = if last { "Connection: close\r\n" } else { "" };
        let key = &scene.caller.key;
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{close}\r\n")
    };
    let bytes = request("/v1/platform/whoami", false) + &request("/nowhere", false) + &request("/healthz", true);
    let answer = scene.caller.exchange(bytes.as_bytes());
    let text = String::from_utf8_lossy(&answer);
    let statuses: Vec<&str> = text.lines().filter_map(|line| line.split("HTTP/1.1 ").nth(1)).collect();
    assert_eq!(statuses, ["200 OK", "404 Not Found", "200 OK"], "{text}");
    assert!(text.ends_with("{\"alive\":true}"));
}

#[test]
fn two_lengths_for_one_body_smuggle_no_request() {
    let scene = Scene::new();
    let smuggled = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Ignored: {}\r\n\r\n", scene.caller.key);
    let lines = format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", smuggled.len() + 5);
    // Without `Connection: close`, so that what follows the body would be the next request.
    let head = scene.caller.head("POST /v1/platform/runs", &lines).replace("Connection: close\r\n", "");
    let answer = scene.caller.exchange((head + "0\r\n\r\n" + &smuggled).as_bytes());
    let text = String::from_utf8_lossy(&answer);
    assert!(!text.contains("alive"), "a request was smuggled: {text}");
}

#[test]
fn head_and_options_behave() {
    let scene = Scene::new();
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs/"] {
        let (head, get) =
            (scene.caller.raw(scene.caller.head(&format!("HEAD {path}"), "").as_bytes()), scene.caller.get(path));
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    // An operation runs for its own method alone.
    let head = scene.caller.raw(scene.caller.head("HEAD /v1/platform/runs", "").as_bytes());
    assert_eq!((head.status, head.body.as_str()), (405, ""));
    assert!(head.header("allow").contains("GET"), "{head:?}");
    let any = scene.caller.exchange(scene.caller.head("OPTIONS *", "").as_bytes());
    assert!([400, 404, 405].contains(&parse(&any).status), "{}", String::from_utf8_lossy(&any));
    let proxied = scene.caller.exchange(scene.caller.head("GET http://example.com/v1/platform/whoami", "").as_bytes());
    assert!([200, 400, 404].contains(&parse(&proxied).status));
    let tunnel = scene.caller.exchange(scene.caller.head("CONNECT example.com:443", "").as_bytes());
    assert!([400, 404, 405].contains(&parse(&tunnel).status), "{}", String::from_utf8_lossy(&tunnel));
}
