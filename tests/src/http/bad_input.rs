//! Hostile and broken input over HTTP gets its code, quotes nothing back and changes nothing.

use serde_json::{Value, json};

use super::scene::{Scene, claimed_run, envelope, new_run};
use crate::harness::Project;

const RUNS: &str = "/v1/platform/runs";

/// Bytes as the body of a request that JSON is promised in.
fn post(scene: &Scene, path: &str, body: &[u8]) -> super::client::Reply {
    let lines = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let mut bytes = scene.caller.head(&format!("POST {path}"), &lines).into_bytes();
    bytes.extend_from_slice(body);
    scene.caller.raw(&bytes)
}

#[test]
fn a_broken_body_gets_its_code_and_changes_nothing() {
    let scene = Scene::new();
    let envelope = envelope(&scene.caller).to_string();
    let before = scene.books();
    let with = |member: &str| format!("{{\"envelope\":{envelope},{member}}}").into_bytes();
    let text = |length: usize| format!("\"input\":\"{}\"", "MARKER".repeat(length / 6 + 1));
    for (what, body, status, code) in [
        ("no JSON", b"{\"envelope\":".to_vec(), 400, "E-INPUT-003"),
        ("no object", b"[1]".to_vec(), 400, "E-INPUT-003"),
        ("a text", b"\"MARKER\"".to_vec(), 400, "E-INPUT-003"),
        ("null", b"null".to_vec(), 400, "E-INPUT-003"),
        ("two documents", b"{} {}".to_vec(), 400, "E-INPUT-003"),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec(), 400, "E-INPUT-003"),
        ("a comment", with("/* MARKER */ \"input\":1"), 400, "E-INPUT-003"),
        ("a trailing comma", with("\"input\":1,"), 400, "E-INPUT-003"),
        ("single quotes", b"{'envelope': 1}".to_vec(), 400, "E-INPUT-003"),
        ("half a surrogate pair", with("\"input\":\"\\ud800\""), 400, "E-INPUT-003"),
        ("not a number", with("\"input\":NaN"), 400, "E-INPUT-003"),
        ("a raw control character", with("\"input\":\"MARKER\n\""), 400, "E-INPUT-003"),
        ("a key twice", with("\"input\":1,\"input\":2"), 400, "E-INPUT-004"),
        ("a key twice, escaped", with("\"input\":1,\"inp\\u0075t\":2"), 400, "E-INPUT-004"),
        ("a key twice, deep inside", with("\"input\":[{\"a\":{\"MARKER\":1,\"MARKER\":2}}]"), 400, "E-INPUT-004"),
        ("a number beyond 2^53", with("\"input\":9007199254740993"), 400, "E-INPUT-005"),
        ("a huge number", with("\"input\":1e999"), 400, "E-INPUT-005"),
        ("deep arrays", with(&format!("\"input\":{}{}", "[".repeat(99), "]".repeat(99))), 400, "E-INPUT-006"),
        ("bottomless arrays", with(&format!("\"input\":{}", "[".repeat(500_000))), 400, "E-INPUT-006"),
        ("a text of half a megabyte", with(&text(600_000)), 413, "E-INPUT-007"),
        ("a text of a megabyte", with(&text(1 << 20)), 413, "E-INPUT-007"),
        ("an escaped NUL", with("\"input\":\"\\u0000\""), 400, "E-INPUT-009"),
        ("a raw NUL", with("\"input\":\"\0\""), 400, "E-INPUT-009"),
        ("bytes that are not UTF-8", b"{\"input\":\"\xff\xfe\"}".to_vec(), 400, "E-INPUT-009"),
        ("an overlong form", b"{\"input\":\"\xc0\xaf\"}".to_vec(), 400, "E-INPUT-009"),
        ("an encoded surrogate", b"{\"input\":\"\xed\xa0\x80\"}".to_vec(), 400, "E-INPUT-009"),
        ("an unknown field", with("\"MARKER\":1"), 400, "E-INPUT-002"),
        ("another case", with("\"Input\":1"), 400, "E-INPUT-002"),
        ("a project in the body", with("\"project_id\":\"other\""), 400, "E-INPUT-002"),
        ("a credential in the body", with("\"credential\":\"MARKER\""), 400, "E-INPUT-002"),
        ("nothing", b"{}".to_vec(), 400, "E-INPUT-008"),
        ("a required null", b"{\"envelope\":null}".to_vec(), 400, "E-INPUT-008"),
        ("an array for an object", b"{\"envelope\":[]}".to_vec(), 400, "E-INPUT-001"),
        ("a text for a number", with("\"priority\":\"MARKER\""), 400, "E-INPUT-001"),
        ("a fraction", with("\"priority\":1.5"), 400, "E-INPUT-001"),
        ("a number out of range", with("\"priority\":10"), 400, "E-INPUT-001"),
        ("a label that is no text", with("\"tags\":{\"MARKER\":1}"), 400, "E-INPUT-001"),
    ] {
        let reply = post(&scene, RUNS, &body);
        assert_eq!(reply.problem(), (status, code.to_owned()), "{what}");
        assert!(!reply.body.contains("MARKER"), "{what} is quoted back: {}", reply.body);
    }
    assert_eq!(scene.books(), before, "refused input changed something");
    // The same request without the fault is taken: what was refused was the fault.
    assert_eq!(post(&scene, RUNS, &with("\"input\":1,\"priority\":9")).status, 201);
}

#[test]
fn a_broken_address_gets_its_code_and_changes_nothing() {
    let scene = Scene::new();
    let (run, lease) = claimed_run(&scene.caller);
    let before = scene.books();
    for (method, path, status, code) in [
        ("GET", "/v1/platform/runs/not-a-uuid", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs/%00", 400, "E-INPUT-009"),
        ("GET", "/v1/platform/runs/%ff%fe", 400, "E-INPUT-009"),
        ("GET", "/v1/platform/runs/%22%2C%22x%22%3A%22", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs/..%2f..%2fmetrics", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?page_size=0", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?page_size=201", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?page_size=ten", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?page_size=1.5", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?page_size=", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?page_size=007", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?page_size=9223372036854775808", 400, "E-INPUT-005"),
        ("GET", "/v1/platform/runs?page_size=1&page_size=2", 400, "E-INPUT-004"),
        ("GET", "/v1/platform/runs?page%5Fsize=1&page_size=2", 400, "E-INPUT-004"),
        ("GET", "/v1/platform/runs?MARKER=1", 400, "E-INPUT-002"),
        ("GET", "/v1/platform/runs?state=MARKER", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?state=%00", 400, "E-INPUT-009"),
        ("GET", "/v1/platform/runs?created_after=yesterday", 400, "E-INPUT-001"),
        ("GET", "/v1/platform/runs?cursor=MARKER", 400, "E-INPUT-010"),
        ("GET", "/v1/platform/runs?agent_id=a%22%7D%20%7B", 400, "E-INPUT-001"),
        ("GET", &format!("/v1/platform/runs?agent_id={}", "a".repeat(10_000)), 400, "E-INPUT-001"),
        ("PUT", "/v1/platform/agents/a%2Fb", 400, "E-INPUT-001"),
        ("PUT", "/v1/platform/agents/a:b", 400, "E-INPUT-001"),
        ("DELETE", "/v1/platform/api-keys/%27%20or%20true--", 404, "E-KEY-001"),
        // A query beside a body counts, and cannot give an argument twice.
        ("POST", &format!("/v1/platform/runs/{run}/cancel?MARKER=1"), 400, "E-INPUT-002"),
        ("POST", &format!("/v1/platform/runs/{run}/cancel?run_id={run}"), 400, "E-INPUT-004"),
        ("POST", &format!("/v1/platform/runs/{run}/complete?lease={lease}x"), 409, "E-RUN-003"),
    ] {
        let reply = scene.caller.raw(scene.caller.head(&format!("{method} {path}"), "").as_bytes());
        assert_eq!(reply.problem(), (status, code.to_owned()), "{method} {path:.90}");
        assert!(!reply.body.contains("MARKER"), "{path} is quoted back: {}", reply.body);
    }
    let changed: Vec<_> = scene.books().into_iter().filter(|table| !before.contains(table)).collect();
    assert!(
        changed.iter().all(|table| table.starts_with("audit_log: ") || table.starts_with("audit_pending: ")),
        "more than the refusal: {changed:?}"
    );
}

#[test]
fn headers_that_are_not_text_are_refused() {
    let scene = Scene::new();
    let before = scene.books();
    let body = json!({"envelope": {}}).to_string();
    for header in [&b"X-Project-Id: \xff\xfe"[..], b"Idempotency-Key: \xff\xfe"] {
        let lines = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        let head = scene.caller.head("POST /v1/platform/runs", &lines);
        let mut bytes = head.trim_end().as_bytes().to_vec();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(body.as_bytes());
        let reply = scene.caller.raw(&bytes);
        assert_eq!(reply.problem(), (400, "E-INPUT-009".into()), "{}", String::from_utf8_lossy(header));
    }
    assert_eq!(scene.books(), before);
}

#[test]
fn a_body_cannot_change_what_the_path_says() {
    let scene = Scene::new();
    let (run, other) = (new_run(&scene.caller), new_run(&scene.caller));
    let before = scene.books();
    let cancel = format!("{RUNS}/{run}/cancel");
    for body in [
        format!(r#"{{"run_id":"{other}"}}"#),
        format!(r#"{{"reason":"x","run_id":"{other}"}}"#),
        format!(r#"{{"run\u005fid":"{other}"}}"#),
        format!("\t\r\n {{ \"run_id\" : \"{other}\" }} "),
        r#"{"run_id":null}"#.to_owned(),
    ] {
        assert_eq!(scene.caller.send("POST", &cancel, &body).problem(), (400, "E-INPUT-004".into()), "{body}");
    }
    // Nor can it end the object that the gateway began, or begin another.
    for body in [
        format!(r#"}},{{"run_id":"{other}""#),
        format!(r#"{{}} , "run_id":"{other}""#),
        "{,}".to_owned(),
        ",".to_owned(),
        "}".to_owned(),
        "\u{a0}{}".to_owned(),
    ] {
        assert_eq!(scene.caller.send("POST", &cancel, &body).problem(), (400, "E-INPUT-003".into()), "{body}");
    }
    let key = [("Idempotency-Key", "of the header")];
    let twice = json!({"envelope": {}, "idempotency_key": "of the body"}).to_string();
    assert_eq!(scene.caller.send_with("POST", RUNS, &twice, &key).problem(), (400, "E-INPUT-004".into()));
    assert_eq!(scene.books(), before);
    for body in ["{}", "{ }", " \r\n\t{\t}\n", ""] {
        assert_eq!(scene.caller.send("POST", &cancel, body).status, 200, "{body:?}");
    }
    assert_eq!(scene.caller.call("get_run", json!({"run_id": other})).expect(200)["state"], "pending");
}

#[test]
fn an_envelope_of_another_project_or_of_nobody_is_refused() {
    let scene = Scene::new();
    let envelope = envelope(&scene.caller);
    let other = Project::in_database(&scene.project.database);
    let theirs = json!({"envelope": other.actor().envelope()});
    let before = scene.books();
    let changed = |name: &str, value: Value| {
        let mut envelope = envelope.clone();
        envelope[name] = value;
        scene.caller.call("create_run", json!({"envelope": envelope})).problem()
    };
    assert_eq!(scene.caller.call("create_run", theirs).problem(), (403, "E-TENANT-007".into()));
    assert_eq!(changed("project_id", json!("another")).0, 400, "project and subject contradict each other");
    assert_eq!(changed("agent_id", json!("nobody")), (404, "E-AGENT-001".into()));
    assert_eq!(changed("MARKER", json!(1)).0, 400);
    assert_eq!(changed("channel_user_id", json!("8")).0, 400, "subject and user contradict each other");
    let after = scene.books();
    let changed: Vec<_> = after.iter().filter(|table| !before.contains(table)).collect();
    assert!(
        changed.iter().all(|table| table.starts_with("audit_log: ") || table.starts_with("audit_pending: ")),
        "more than the refusal: {changed:?}"
    );
}
