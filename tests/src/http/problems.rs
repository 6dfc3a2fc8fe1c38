//! What goes wrong before the database is asked, and how it is said (RFC 9457): nowhere, wrong method, wrong media type,
//! too large. None of it changes anything.

use serde_json::json;

use super::client::parse;
use super::scene::{Scene, message};

const JSON_BODY: &str = "Content-Type: application/json\r\n";

#[test]
fn an_address_that_is_nowhere_is_404() {
    let scene = Scene::new();
    for path in ["/", "/nowhere", "/v1/platform", "/v1/platform/runs/", "/v1//platform/runs", "/V1/platform/runs"] {
        let reply = scene.caller.send("GET", path, "");
        assert_eq!(reply.problem(), (404, "E-HTTP-001".into()), "{path}");
    }
    let long = format!("/v1/{}", "a".repeat(20_000));
    assert_eq!(scene.caller.send("GET", &long, "").problem(), (404, "E-HTTP-001".into()));
}

#[test]
fn an_address_says_which_methods_it_takes() {
    let scene = Scene::new();
    for (method, path, allowed) in [
        ("PUT", "/v1/platform/runs", vec!["GET", "POST"]),
        ("PATCH", "/v1/platform/runs", vec!["GET", "POST"]),
        ("OPTIONS", "/v1/platform/runs", vec!["GET", "POST"]),
        ("GET", "/v1/platform/envelopes", vec!["POST"]),
        ("POST", "/v1/platform/whoami", vec!["GET"]),
        ("POST", "/healthz", vec!["GET", "HEAD"]),
        ("DELETE", "/metrics", vec!["GET", "HEAD"]),
        ("PUT", "/openapi.json", vec!["GET", "HEAD"]),
        ("OPTIONS", "/docs/", vec!["GET", "HEAD"]),
    ] {
        let reply = scene.caller.raw(scene.caller.head(&format!("{method} {path}"), "").as_bytes());
        assert_eq!(reply.problem(), (405, "E-HTTP-002".into()), "{method} {path}");
        let mut allow: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow, allowed, "{method} {path}");
    }
    let reply = scene.caller.raw(scene.caller.head("BREW /v1/platform/runs", "").as_bytes());
    assert_eq!(reply.problem().0, 405, "a method that nobody has heard of");
}

#[test]
fn a_body_that_is_not_labelled_json_is_415() {
    let scene = Scene::new();
    let (before, body) = (scene.books(), message("8").to_string());
    let authorization = format!("Bearer {}", scene.caller.key);
    for kind in ["text/plain", "text/json", "application/x-www-form-urlencoded", "application/jsonx", "application"] {
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", kind)];
        let reply = scene.caller.plain("POST", "/v1/platform/envelopes", &headers, &body);
        assert_eq!(reply.problem(), (415, "E-HTTP-003".into()), "{kind}");
    }
    let unlabelled = scene.caller.head("POST /v1/platform/envelopes", &format!("Content-Length: {}\r\n", body.len()));
    assert_eq!(scene.caller.raw((unlabelled + &body).as_bytes()).problem(), (415, "E-HTTP-003".into()));
    assert_eq!(scene.books(), before);
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"] {
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", kind)];
        assert_eq!(scene.caller.plain("POST", "/v1/platform/envelopes", &headers, &body).status, 200, "{kind}");
    }
}

#[test]
fn a_body_beyond_the_limit_is_413_however_it_is_sent() {
    let scene = Scene::with(&[("BODY_LIMIT_BYTES", "1000")]);
    let before = scene.books();
    let too_large = |bytes: Vec<u8>| {
        let reply = scene.caller.raw(&bytes);
        assert_eq!(reply.problem(), (413, "E-INPUT-007".into()));
        assert_eq!(reply.json()["limit_bytes"], 1000);
    };
    let head = |more: &str| scene.caller.head("POST /v1/platform/envelopes", &format!("{JSON_BODY}{more}"));
    // Announced: nothing of it need arrive.
    too_large(head("Content-Length: 1001\r\n").into_bytes());
    too_large((head("Content-Length: 1001\r\n") + &"x".repeat(1001)).into_bytes());
    too_large(head("Content-Length: 9223372036854775807\r\n").into_bytes());
    // In chunks, whose sum nobody announced.
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    too_large((head("Transfer-Encoding: chunked\r\n") + &chunk.repeat(3) + "0\r\n\r\n").into_bytes());
    assert_eq!(scene.books(), before);
    // A client that asks first is told without sending.
    let asking = head("Content-Length: 5000\r\nExpect: 100-continue\r\n");
    too_large(asking.into_bytes());

    // At the limit it is read.
    let mut body = message("8").to_string();
    body.push_str(&" ".repeat(1000 - body.len()));
    assert_eq!(scene.caller.send("POST", "/v1/platform/envelopes", &body).status, 200);
    let chunked = body.as_bytes().chunks(100).map(|part| format!("64\r\n{}\r\n", String::from_utf8_lossy(part)));
    let chunked: String = chunked.collect();
    let sent = head("Transfer-Encoding: chunked\r\n") + &chunked + "0\r\n\r\n";
    assert!(scene.caller.raw(sent.as_bytes()).body.contains("\"platform_subject_id\""));
}

#[test]
fn a_client_that_sends_far_too_much_still_reads_why() {
    let scene = Scene::new();
    // Sends all of it before it reads: a gateway that closes too soon would reset the connection and the answer with it.
    let body = "x".repeat(3 << 20);
    let head = format!("{JSON_BODY}Content-Length: {}\r\n", body.len());
    for _ in 0..5 {
        let bytes = scene.caller.head("POST /v1/platform/envelopes", &head) + &body;
        assert_eq!(parse(&scene.caller.exchange(bytes.as_bytes())).problem(), (413, "E-INPUT-007".into()));
    }
}

#[test]
fn a_body_where_none_belongs_is_not_read() {
    let scene = Scene::new();
    let body = r#"{"state": "running"}"#;
    let head = scene.caller.head("GET /v1/platform/runs", &format!("{JSON_BODY}Content-Length: {}\r\n", body.len()));
    assert_eq!(scene.caller.raw((head + body).as_bytes()).status, 200);
    // And an operation that takes a body is content without one, where nothing in it is required.
    let run = super::scene::new_run(&scene.caller);
    assert_eq!(scene.caller.send("POST", &format!("/v1/platform/runs/{run}/cancel"), "").status, 200);
    assert_eq!(scene.caller.call("claim_runs", json!({})).problem(), (400, "E-INPUT-008".into()));
}
