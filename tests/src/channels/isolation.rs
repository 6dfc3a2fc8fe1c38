//! What other tenants, a stolen secret and a stolen login get.

use serde_json::json;

use super::stage::Stage;
use crate::harness::channels::{CHANNEL, said};
use crate::harness::quiet::text;

#[test]
fn two_projects_with_equal_chats_share_nothing() {
    let (mut one, mut two) = (Stage::new(), Stage::new());
    let first = one.comes(&said(7, 42, "of the first"));
    let second = two.comes(&said(7, 42, "of the second"));
    assert_eq!(second["duplicate"], false);
    assert_ne!(first["event_id"], second["event_id"]);
    one.says("42", "first");
    two.says("42", "second");
    assert_eq!(one.send_all(), [("42".to_owned(), "first".to_owned())]);
    assert_eq!(two.send_all(), [("42".to_owned(), "second".to_owned())]);
    let reader = two.speaker.clone();
    let events = two.office.does(&reader, "list_events", json!({}))["items"].to_string();
    assert!(events.contains("of the second") && !events.contains("of the first"), "{events}");
    let messages = one.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[test]
fn a_channels_secret_brings_its_own_events_and_does_nothing_else() {
    let (mut stage, mut other) = (Stage::new(), Stage::new());
    let secret = stage.secret.clone();
    for (operation, arguments) in [
        ("list_events", json!({})),
        ("queue_message", json!({"channel": CHANNEL, "channel_chat_id": "1", "text": "x"})),
        ("claim_messages", json!({"sender_id": "s"})),
        ("list_runs", json!({})),
        ("create_api_key", json!({"name": "k", "scopes": ["channels:ingest"]})),
    ] {
        assert_eq!(stage.office.code(&secret, operation, arguments), "E-AUTH-003", "{operation}");
    }
    assert_eq!(stage.office.does(&secret, "whoami", json!({}))["channel"], CHANNEL);
    // In another project it is nothing at all.
    assert_eq!(other.office.code(&secret, "ingest_event", json!({"event": said(1, 2, "x")})), "E-AUTH-001");
    let key = stage.office.key("all", "channels:ingest");
    let named = stage.office.does(&key, "ingest_event", json!({"event": said(1, 2, "x"), "channel": CHANNEL}));
    assert_eq!(named["duplicate"], false);
}

#[test]
fn a_secret_is_rotated_revoked_and_never_widened() {
    let mut stage = Stage::new();
    let project = stage.office.project.clone();
    let id = text(&stage.office.does(&stage.secret.clone(), "whoami", json!({}))["key_id"]);
    let rotated =
        stage.office.admin.within(&project, &format!("select awooop.rotate_api_key('{id}', grace_seconds => 60)"));
    let new = text(&rotated["api_key"]);
    assert!(new.starts_with("awc_") && new.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
    stage.comes(&said(1, 2, "old"));
    assert_eq!(stage.office.does(&new, "ingest_event", json!({"event": said(2, 2, "new")}))["duplicate"], false);
    stage.office.admin.within(&project, &format!("select awooop.revoke_api_key('{id}')"));
    let old = stage.secret.clone();
    assert_eq!(stage.office.code(&old, "ingest_event", json!({"event": said(3, 2, "x")})), "E-AUTH-001");
    let widened = stage.office.admin.try_within(
        &project,
        &format!("select awooop.create_api_key('k', array['channels:ingest', 'runs:read'], channel => '{CHANNEL}')"),
    );
    assert_eq!(widened.expect_err("too much").code(), "E-INPUT-001");
    let stored = stage.office.admin.value(&format!(
        "select count(*) from awooop.api_keys where project_id = '{project}' and channel = '{CHANNEL}'
         and octet_length(digest) = 32"
    ));
    assert_eq!(stored, "2");
}
