//! References that lead to a value, to another one, and to none: each call reads what is there now.

use serde_json::json;

use super::stage::{Desk, Programs, SECRET, Setup, program};

#[test]
fn a_rotation_is_picked_up_by_the_next_call_and_a_missing_secret_sends_nothing() {
    let required = format!("X-Api-Key={SECRET}");
    let mut desk = Desk::with(Setup {
        server: vec!["--require-header", &required],
        credential: Some(("header", Some("X-Api-Key"))),
        ..Setup::default()
    });
    let bot = desk.bot();
    let call = || json!({"name": "test_simple_text", "arguments": {}});
    assert_eq!(bot.result("tools/call", call())["isError"], json!(false));
    desk.secrets.put("another-key-that-the-server-refuses");
    let refused = bot.error("tools/call", call());
    // The server turns the gateway away before any call is sent.
    assert_eq!(refused["data"]["code"], "E-MCP-017", "{refused}");
    desk.secrets.put(SECRET);
    assert_eq!(bot.result("tools/call", call())["isError"], json!(false));
    desk.secrets.remove();
    let missing = bot.result("tools/call", call());
    assert_eq!(missing["isError"], json!(true), "{missing}");
    assert!(missing["content"][0]["text"].as_str().is_some_and(|text| text.starts_with("E-MCP-GATE-009")), "{missing}");
    let outcomes: Vec<_> = desk.calls().iter().map(|call| call["outcome"].clone()).collect();
    assert_eq!(outcomes, ["unresolved", "succeeded", "not_sent", "succeeded"]);
}

#[test]
fn each_placement_puts_the_value_where_it_says() {
    for (placement, name, place) in [
        ("bearer", None, "bearer"),
        ("header", Some("X-Api-Key"), "header:x-api-key"),
        ("query", Some("key"), "query:key"),
    ] {
        let desk = Desk::with(Setup {
            server: vec!["--echo-credential", place],
            credential: Some((placement, name)),
            ..Setup::default()
        });
        // It came: what came is hidden.
        let shown = desk.bot().call("echo_secret_plain", json!({}));
        assert!(shown.to_string().contains("[REDACTED:credential]"), "{placement}: {shown}");
    }
}

#[test]
fn a_local_server_has_its_credential_in_its_environment_and_what_it_shows_of_it_is_hidden() {
    let arguments = json!(["--stdio", "--echo-credential", "env:NOTES_TOKEN"]);
    let programs = Programs::new(&json!({"command": program("conformance-server"), "args": arguments}));
    let desk = Desk::with(Setup { credential: Some(("environment", Some("NOTES_TOKEN"))), ..programs.setup() });
    for disguise in ["plain", "base64", "split"] {
        let shown = desk.bot().call(&format!("echo_secret_{disguise}"), json!({})).to_string();
        assert!(shown.contains("[REDACTED:credential]"), "{disguise}: {shown}");
        assert!(!super::echoes::readings(&shown).iter().any(|reading| reading.contains(SECRET)), "{shown}");
    }
}
