use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const BOT: Option<&str> = Some("@shop_bot");

fn private() -> Value {
    json!({"id": 42, "type": "private", "first_name": "Ann"})
}

fn group() -> Value {
    json!({"id": -1001234567890_i64, "type": "supergroup", "title": "Shop"})
}

fn ann() -> Value {
    json!({"id": 42, "is_bot": false, "first_name": "Ann", "last_name": "Lee", "username": "ann"})
}

fn message(mut more: Value, chat: Value) -> Value {
    let mut message = json!({"message_id": 9, "date": 1_700_000_000, "chat": chat, "from": ann()});
    for (name, value) in more.as_object_mut().unwrap() {
        message[name] = value.take();
    }
    json!({"update_id": 77, "message": message})
}

fn kind(update: &Value) -> EventKind {
    read(BOT, update).unwrap().kind
}

#[test]
fn a_message_is_read_with_its_place_sender_and_time() {
    let event = read(BOT, &message(json!({"text": "Where is my order?"}), private())).unwrap();
    assert_eq!(event.external_id, "77");
    assert_eq!(event.kind, EventKind::Message);
    assert_eq!(event.chat, Some(Chat { id: "42".into(), is_group: false }));
    let sender = event.sender.unwrap();
    assert_eq!((sender.id.as_str(), sender.display_name.as_deref(), sender.is_bot), ("42", Some("Ann Lee"), false));
    assert_eq!((event.message_id.as_deref(), event.occurred_at), (Some("9"), Some(1_700_000_000)));
    assert_eq!(event.text.as_deref(), Some("Where is my order?"));
    assert!(!event.is_addressed);
}

#[test]
fn what_happened_in_a_chat_is_told_from_what_was_said_in_it() {
    for (member, expected) in [
        (json!({"new_chat_members": [ann()]}), EventKind::Membership),
        (json!({"left_chat_member": ann()}), EventKind::Membership),
        (json!({"new_chat_title": "Hi"}), EventKind::Service),
        (json!({"forum_topic_created": {"name": "a", "icon_color": 1}, "message_thread_id": 3}), EventKind::Service),
        (json!({"pinned_message": {}}), EventKind::Service),
        (json!({"text": "x", "sender_chat": group()}), EventKind::Post),
        (json!({"text": "x", "message_thread_id": 3, "is_topic_message": true}), EventKind::Message),
    ] {
        assert_eq!(kind(&message(member.clone(), group())), expected, "{member}");
    }
    let topic = read(BOT, &message(json!({"text": "x", "message_thread_id": 3}), group())).unwrap();
    assert_eq!(topic.thread_id.as_deref(), Some("3"));
    let edited =
        json!({"update_id": 1, "edited_message": {"message_id": 9, "date": 1, "chat": private(), "text": "y"}});
    assert_eq!(kind(&edited), EventKind::Edited);
    let joined = json!({"update_id": 1, "my_chat_member": {"chat": group(), "from": ann(), "date": 1,
        "old_chat_member": {"status": "left"}, "new_chat_member": {"status": "member"}}});
    assert_eq!(kind(&joined), EventKind::Membership);
    assert_eq!(kind(&json!({"update_id": 1, "something_new": {"chat": group()}})), EventKind::Unknown);
    assert_eq!(kind(&json!({"update_id": 1})), EventKind::Unknown);
}

#[test]
fn a_pressed_button_is_read_with_who_pressed_it_where() {
    let update = json!({"update_id": 5, "callback_query": {"id": "cb", "from": ann(), "chat_instance": "1", "data": "a:1",
        "message": {"message_id": 12, "date": 1, "chat": group(), "message_thread_id": 8}}});
    let event = read(BOT, &update).unwrap();
    assert_eq!(event.kind, EventKind::Action);
    assert_eq!(event.action, Some(Action { id: "cb".into(), data: "a:1".into() }));
    assert_eq!((event.sender.unwrap().id.as_str(), event.chat.unwrap().id.as_str()), ("42", "-1001234567890"));
    assert_eq!((event.message_id.as_deref(), event.thread_id.as_deref()), (Some("12"), Some("8")));
}

#[test]
fn files_are_read_once_with_their_media_type() {
    let photo = json!({"caption": "see", "photo": [
        {"file_id": "small", "file_unique_id": "a", "width": 1, "height": 1, "file_size": 10},
        {"file_id": "large", "file_unique_id": "b", "width": 9, "height": 9, "file_size": 90}]});
    let event = read(BOT, &message(photo, private())).unwrap();
    assert_eq!(event.text.as_deref(), Some("see"));
    let files: Vec<_> = event.attachments.iter().map(|a| (a.file_id.as_str(), a.media_type.as_deref())).collect();
    assert_eq!(files, [("large", Some("image/jpeg"))]);
    let document = json!({"document": {"file_id": "d", "file_unique_id": "a", "file_name": "bill.pdf",
        "mime_type": "application/PDF", "file_size": 5}});
    let event = read(BOT, &message(document, private())).unwrap();
    assert_eq!(event.attachments[0].media_type.as_deref(), Some("application/pdf"));
    assert_eq!((event.attachments[0].name.as_deref(), event.attachments[0].bytes), (Some("bill.pdf"), Some(5)));
    let animation = json!({"animation": {"file_id": "g", "file_unique_id": "a"}, "document": {"file_id": "g"}});
    assert_eq!(read(BOT, &message(animation, private())).unwrap().attachments.len(), 1);
}

#[test]
fn the_account_is_addressed_by_its_name_by_a_command_or_by_an_answer_and_by_nothing_else() {
    let addressed = |more: Value| read(BOT, &message(more, group())).unwrap().is_addressed;
    // The emoji is two units, and four bytes: offsets are in units.
    assert!(addressed(
        json!({"text": "😀 @Shop_Bot help", "entities": [{"type": "mention", "offset": 3, "length": 9}]})
    ));
    assert!(addressed(
        json!({"text": "/order@shop_bot", "entities": [{"type": "bot_command", "offset": 0, "length": 15}]})
    ));
    assert!(addressed(
        json!({"text": "yes", "reply_to_message": {"from": {"id": 1, "is_bot": true, "username": "shop_bot"}}})
    ));
    assert!(!addressed(json!({"text": "/order@other_bot"})));
    assert!(!addressed(json!({"text": "@shop_bot without an entity"})));
    assert!(!addressed(json!({"text": "@shop_bots", "entities": [{"type": "mention", "offset": 0, "length": 10}]})));
    assert!(!addressed(json!({"text": "a", "entities": [{"type": "mention", "offset": 9, "length": 99}]})));
}

#[test]
fn an_update_without_an_id_is_refused() {
    for update in [json!({}), json!({"update_id": "7"}), json!([]), json!(null), json!({"update_id": 1.5})] {
        assert_eq!(read(BOT, &update).unwrap_err().facts["argument"], "event.update_id");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("message".to_owned()),
        Just("callback_query".to_owned()),
        Just("chat".to_owned()),
        Just("from".to_owned()),
        Just("id".to_owned()),
        Just("text".to_owned()),
        Just("entities".to_owned()),
        Just("photo".to_owned()),
        Just("data".to_owned()),
        "[a-z_]{1,12}",
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_an_update_holds_it_is_read_and_never_lost(id: u32, body in any_json()) {
        let mut update = if body.is_object() { body } else { json!({"message": body}) };
        update["update_id"] = id.into();
        prop_assert_eq!(read(BOT, &update).unwrap().external_id, id.to_string());
    }
}
