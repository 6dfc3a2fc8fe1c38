//! Reads updates of Telegram's Bot API (core.telegram.org/bots/api#update): what kind of event it is, who did it where, and
//! whether they spoke to us. It takes what it needs and looks at nothing else, so that an update with members that are newer
//! than this reader is read all the same; what it does not know at all is of kind `unknown`, and kept whole.

use serde_json::Value;

use super::incoming::{self, Action, Attachment, Chat, EventKind, Incoming, Sender};
use crate::error::{ErrorCode, Problem};

/// What an update has one of, beside its id.
const MESSAGES: [(&str, EventKind); 7] = [
    ("message", EventKind::Message),
    ("edited_message", EventKind::Edited),
    ("channel_post", EventKind::Post),
    ("edited_channel_post", EventKind::Edited),
    ("business_message", EventKind::Message),
    ("edited_business_message", EventKind::Edited),
    ("guest_message", EventKind::Unknown),
];
const MEMBERSHIPS: [&str; 3] = ["my_chat_member", "chat_member", "chat_join_request"];
/// Members of a message that say that somebody came or left.
const COMINGS: [&str; 2] = ["new_chat_members", "left_chat_member"];
/// Members of a message that say that something else happened in the chat.
const SERVICES: [&str; 24] = [
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "pinned_message",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
    "boost_added",
    "chat_background_set",
    "proximity_alert_triggered",
    "write_access_allowed",
];
/// Members of a message that are files, with the media type that one has of which nothing is said.
const FILES: [(&str, Option<&str>); 8] = [
    ("document", None),
    ("video", Some("video/mp4")),
    ("animation", Some("video/mp4")),
    ("audio", Some("audio/mpeg")),
    ("voice", Some("audio/ogg")),
    ("video_note", Some("video/mp4")),
    ("sticker", Some("image/webp")),
    ("live_photo", Some("video/mp4")),
];

/// Reads an update.
///
/// # Errors
/// Where it has no `update_id`: nothing by which it would be known again.
pub fn read(identity: Option<&str>, update: &Value) -> Result<Incoming, Problem> {
    let Some(external_id) = update.get("update_id").and_then(Value::as_i64) else {
        return Err(Problem::from(ErrorCode::InputInvalid)
            .with("argument", "event.update_id")
            .with("expected", "the whole number that every update of the Bot API has"));
    };
    let mut event = Incoming::unknown(external_id.to_string());
    if let Some((message, kind)) = MESSAGES.iter().find_map(|(name, kind)| Some((update.get(*name)?, *kind))) {
        read_message(&mut event, identity, message, kind);
    } else if let Some(callback) = update.get("callback_query") {
        read_callback(&mut event, callback);
    } else if let Some(change) = MEMBERSHIPS.iter().find_map(|name| update.get(*name)) {
        read_place(&mut event, change);
        event.kind = EventKind::Membership;
    } else if let Some(reaction) = update.get("message_reaction") {
        read_place(&mut event, reaction);
        event.sender = reaction.get("user").and_then(sender);
        event.message_id = number(reaction, "message_id");
        event.kind = EventKind::Reaction;
    }
    Ok(event)
}

fn read_message(event: &mut Incoming, identity: Option<&str>, message: &Value, kind: EventKind) {
    read_place(event, message);
    event.message_id = number(message, "message_id");
    event.thread_id = number(message, "message_thread_id");
    let has = |name: &&str| message.get(*name).is_some();
    event.kind = match kind {
        EventKind::Message if COMINGS.iter().any(has) => EventKind::Membership,
        EventKind::Message if SERVICES.iter().any(has) => EventKind::Service,
        // Somebody who writes in a chat's or a channel's name is no person that could be answered.
        EventKind::Message if message.get("sender_chat").is_some() => EventKind::Post,
        kind => kind,
    };
    let said = ["text", "caption"].into_iter().find_map(|name| message.get(name).and_then(Value::as_str));
    event.text = said.filter(|text| !text.trim().is_empty()).map(str::to_owned);
    event.command = said.and_then(incoming::command);
    event.attachments = attachments(message);
    event.is_addressed = identity.is_some_and(|identity| is_addressed(event, message, identity));
}

fn read_callback(event: &mut Incoming, callback: &Value) {
    event.kind = EventKind::Action;
    event.sender = callback.get("from").and_then(sender);
    if let Some(message) = callback.get("message") {
        event.chat = message.get("chat").and_then(chat);
        event.message_id = number(message, "message_id");
        event.thread_id = number(message, "message_thread_id");
    }
    let text = |name: &str| callback.get(name).and_then(Value::as_str);
    event.action = text("id").zip(text("data")).map(|(id, data)| Action { id: id.to_owned(), data: data.to_owned() });
}

/// Where, who and when, as most members of an update say it.
fn read_place(event: &mut Incoming, member: &Value) {
    event.chat = member.get("chat").and_then(chat);
    event.sender = member.get("from").and_then(sender);
    event.occurred_at = member.get("date").and_then(Value::as_i64);
}

fn chat(chat: &Value) -> Option<Chat> {
    let is_group = chat.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "private");
    Some(Chat { id: number(chat, "id")?, is_group })
}

fn sender(user: &Value) -> Option<Sender> {
    let name = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or_default();
    let display_name = incoming::display_name(&format!("{} {}", name("first_name"), name("last_name")))
        .or_else(|| incoming::display_name(name("username")));
    let is_bot = user.get("is_bot").and_then(Value::as_bool).unwrap_or_default();
    Some(Sender { id: number(user, "id")?, display_name, is_bot })
}

/// An id. Telegram's are whole numbers of at most 52 bits.
fn number(object: &Value, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_i64).map(|id| id.to_string())
}

fn attachments(message: &Value) -> Vec<Attachment> {
    let mut found = Vec::new();
    // A photo comes in several sizes; the last is the largest.
    if let Some(photo) = message.get("photo").and_then(Value::as_array).and_then(|sizes| sizes.last()) {
        found.extend(attachment("photo", photo, Some("image/jpeg")));
    }
    for (kind, usual) in FILES {
        // An animation is also there as a document, for older readers.
        if kind == "document" && message.get("animation").is_some() {
            continue;
        }
        found.extend(message.get(kind).and_then(|file| attachment(kind, file, usual)));
    }
    found
}

fn attachment(kind: &str, file: &Value, usual: Option<&str>) -> Option<Attachment> {
    let text = |name: &str| file.get(name).and_then(Value::as_str);
    Some(Attachment {
        kind: kind.to_owned(),
        file_id: text("file_id").and_then(incoming::id)?,
        media_type: text("mime_type").or(usual).map(str::to_ascii_lowercase),
        name: text("file_name").and_then(incoming::display_name),
        bytes: file.get("file_size").and_then(Value::as_u64),
    })
}

/// Whether the message names the account, is a command to it, or answers one of its messages.
fn is_addressed(event: &Incoming, message: &Value, identity: &str) -> bool {
    let account = identity.trim_start_matches('@');
    let is_account = |name: &str| name.eq_ignore_ascii_case(account);
    let answered = message.pointer("/reply_to_message/from/username").and_then(Value::as_str).is_some_and(is_account);
    let commanded = event.command.as_ref().and_then(|command| command.to.as_deref()).is_some_and(is_account);
    answered || commanded || mentions(message).any(|name| is_account(&name))
}

/// The accounts that a message's entities name, without their `@`. Telegram counts in units of UTF-16.
fn mentions(message: &Value) -> impl Iterator<Item = String> {
    let found = [("text", "entities"), ("caption", "caption_entities")].into_iter().flat_map(|(text, entities)| {
        let units: Vec<u16> = message.get(text).and_then(Value::as_str).unwrap_or_default().encode_utf16().collect();
        let entities = message.get(entities).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        entities
            .iter()
            .filter(|entity| entity.get("type").and_then(Value::as_str) == Some("mention"))
            .filter_map(|entity| {
                let at = |name: &str| usize::try_from(entity.get(name)?.as_u64()?).ok();
                let start = at("offset")?;
                String::from_utf16(units.get(start..start.checked_add(at("length")?)?)?).ok()
            })
            .map(|name| name.trim_start_matches('@').to_owned())
            .collect::<Vec<_>>()
    });
    found.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests;
