//! Who may speak at all: keys, hosts, origins, sessions, and where a client without a token is sent.

use serde_json::{Value, json};

use super::stage::{Desk, Setup};
use crate::harness::issuer::{AUDIENCE, Signer, claims, courier, key_set, store};
use crate::harness::{literal, unique};

#[test]
fn without_a_valid_key_nothing_is_said_but_where_to_get_a_token() {
    let desk = Desk::with(Setup {
        gateway: vec![
            ("PUBLIC_URL", "https://agents.example.com"),
            ("AUTHORIZATION_SERVERS", "https://login.example.com"),
        ],
        ..Setup::default()
    });
    for key in ["", "awk_nobody.k.s", &format!("{}x", desk.agent)] {
        let reply = desk.client(key).at("/v1/mcp/desk").request("tools/list", json!({}));
        assert_eq!(reply.status, 401, "{}", reply.body);
        let challenge = reply.header("www-authenticate");
        let expected = "resource_metadata=\"https://agents.example.com/.well-known/oauth-protected-resource/v1/mcp\"";
        assert!(challenge.starts_with("Bearer ") && challenge.contains(expected), "{challenge}");
        assert_eq!(reply.json()["code"], "E-AUTH-001");
    }
    let metadata = desk.client("").get("/.well-known/oauth-protected-resource/v1/mcp/desk").json();
    assert_eq!(metadata["resource"], "https://agents.example.com/v1/mcp");
    assert_eq!(metadata["authorization_servers"], json!(["https://login.example.com"]));
    assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
    let metadata = desk.client("").get("/.well-known/oauth-protected-resource").json();
    assert_eq!(metadata["resource"], "https://agents.example.com/v1/mcp");
}

#[test]
fn a_key_without_the_scope_is_told_which_one_it_takes() {
    let mut desk = Desk::new();
    let reads = desk.office.key("reader", "runs:read");
    let reply = desk.client(&reads).request("tools/list", json!({}));
    assert_eq!(reply.status, 403, "{}", reply.body);
    let challenge = reply.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"tools:call\""),
        "{challenge}"
    );
}

#[test]
fn a_page_of_another_origin_and_a_rebound_name_are_turned_away() {
    let desk =
        Desk::with(Setup { gateway: vec![("ALLOWED_ORIGINS", "https://app.example.com:443")], ..Setup::default() });
    let status = |name: &str, value: &str| desk.bot().with(name, value).request("tools/list", json!({})).status;
    assert_eq!(status("origin", "https://evil.example"), 403);
    assert_eq!(status("origin", "null"), 403);
    assert_eq!(status("origin", "https://app.example.com"), 200);
    assert_eq!(status("host", "evil.example"), 403);
    assert_eq!(status("host", "localhost"), 200);
}

#[test]
fn a_session_is_its_makers_alone() {
    let mut desk = Desk::new();
    let session = desk.bot().session("2025-11-25");
    let other = desk.office.key("other", crate::mcp::stage::CALLS);
    let id = session.id.clone();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let version = ("mcp-protocol-version", "2025-11-25");
    for stranger in [desk.client(&other).at("/v1/mcp/desk"), desk.client(&desk.agent).at("/v1/mcp")] {
        let path = if stranger_is_at_all(&stranger) { "/v1/mcp" } else { "/v1/mcp/desk" };
        let reply = stranger.post(path, &list, &[("mcp-session-id", &id), version]);
        assert_eq!((reply.status, reply.json()["code"].as_str()), (404, Some("E-MCP-030")), "{}", reply.body);
    }
    let unknown = desk.bot().post("/v1/mcp/desk", &list, &[("mcp-session-id", "no-such-session"), version]);
    assert_eq!(unknown.status, 404);
    assert!(session.result("tools/list", json!({}))["tools"].is_array());
}

fn stranger_is_at_all(client: &super::client::Client) -> bool {
    client.path() == "/v1/mcp"
}

#[test]
fn a_revoked_key_is_refused_in_the_middle_of_a_session() {
    let mut desk = Desk::new();
    let session = desk.bot().session("2025-11-25");
    assert!(session.result("tools/list", json!({}))["tools"].is_array());
    let key_id = desk.agent.rsplit('.').nth(1).expect("a key id").to_owned();
    let admin = desk.admin.clone();
    desk.office.does(&admin, "revoke_api_key", json!({"key_id": key_id}));
    let reply = session.request("tools/call", json!({"name": "test_simple_text", "arguments": {}}));
    let refused = reply.status == 401 || reply.response()["error"]["data"]["code"] == "E-AUTH-001";
    assert!(refused, "{}", reply.body);
    assert_eq!(desk.calls().len(), 0);
}

#[test]
fn no_token_of_the_caller_reaches_a_server() {
    // The server shows what it was sent as Authorization; nothing is sent where there is no credential.
    let desk = Desk::with(Setup { server: vec!["--echo-credential", "bearer"], ..Setup::default() });
    let result: Value = desk.bot().call("echo_secret_plain", json!({}));
    assert!(!result.to_string().contains("awk_"), "{result}");
    assert_eq!(result["isError"], json!(true), "{result}");
}

#[test]
fn an_access_token_for_this_resource_calls_and_one_for_another_does_not() {
    // Its server shows what it was sent as Authorization.
    let mut desk = Desk::with(Setup { server: vec!["--echo-credential", "bearer"], ..Setup::default() });
    let (signer, project) = (Signer::new("ES256"), desk.office.project.clone());
    let issuer = format!("https://{}.idp.example", unique("i").replace('_', "-"));
    let (quoted, keys) = (literal(&issuer), literal(&format!("{issuer}/keys")));
    let register = format!(
        "select awooop.set_token_issuer({quoted}, {keys}, '{AUDIENCE}', '{{tools:call,tools:read}}', agent_claim => 'agent')"
    );
    desk.office.admin.within(&project, &register);
    let courier = courier(&mut desk.office.admin);
    desk.office.gateway.0.json(&store(&courier, &project, &issuer, &key_set(&[&signer])));
    let mut good = claims(&issuer, "tools:call tools:read");
    good["agent"] = "agent".into();
    let call = |claims: &Value, tool: &str| {
        let client = desk.client(&signer.token(claims)).at("/v1/mcp/desk").with("x-project-id", &project);
        client.request("tools/call", json!({"name": tool, "arguments": {}}))
    };
    let ask = |claims: &Value| call(claims, "test_simple_text");
    let shown = call(&good, "echo_secret_plain").response();
    assert_eq!(shown["result"]["isError"], json!(true), "the token reached the server: {shown}");
    let called = ask(&good);
    assert_eq!(
        (called.status, &called.response()["result"]["content"][0]["type"]),
        (200, &json!("text")),
        "{}",
        called.body
    );
    for (claim, wrong) in
        [("aud", json!("https://other.example/mcp")), ("exp", json!(1)), ("iss", json!("https://evil.example"))]
    {
        let mut claims = good.clone();
        claims[claim] = wrong;
        let refused = ask(&claims);
        assert_eq!(refused.status, 401, "{claim}: {}", refused.body);
        assert!(refused.header("www-authenticate").contains("resource_metadata="), "{claim}");
    }
    let mut poor = good.clone();
    poor["scope"] = "tools:read".into();
    let refused = ask(&poor);
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.header("www-authenticate").contains("insufficient_scope"));
}
