//! What happened in a channel, whatever its type: who said what where. Also the plain form of it, which channels without one
//! of their own send.

use awooop_contracts::words;
use serde_json::{Map, Value, json};

use crate::error::{ErrorCode, Problem};
use crate::name::{MAX_CHANNEL_ID, MAX_DISPLAY_NAME, NameRule};

words! {
    /// What sort of event it is.
    pub enum EventKind {
        /// Somebody said something.
        Message = "message",
        /// Somebody changed what they had said.
        Edited = "edited",
        /// A channel's own post, which no person signs.
        Post = "post",
        /// Somebody pressed a button.
        Action = "action",
        /// Somebody came, left, was let in or put out; the account itself among them.
        Membership = "membership",
        /// Something else about the chat: its title, a pinned message, a topic.
        Service = "service",
        /// Somebody reacted to a message.
        Reaction = "reaction",
        /// Anything that this version does not know. It is kept whole.
        Unknown = "unknown",
    }
}

/// Where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    pub id: String,
    /// Whether several people are in it.
    pub is_group: bool,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub id: String,
    pub display_name: Option<String>,
    pub is_bot: bool,
}

/// A message's first word, where that is a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// With its slash, in lower case.
    pub name: String,
    /// The account that it is meant for, where it names one.
    pub to: Option<String>,
}

/// A file that came with a message: what it is, and by what the channel gives it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub kind: String,
    pub file_id: String,
    pub media_type: Option<String>,
    pub name: Option<String>,
    pub bytes: Option<u64>,
}

impl Attachment {
    /// As an agent is given it.
    pub fn to_json(&self) -> Value {
        json!({"kind": self.kind, "file_id": self.file_id, "media_type": self.media_type, "name": self.name,
               "bytes": self.bytes})
    }
}

/// A button that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// By which the channel is told that it was taken in.
    pub id: String,
    pub data: String,
}

/// An event, as far as anybody needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// By which the channel knows it: it comes again under the same, and never another.
    pub external_id: String,
    pub kind: EventKind,
    pub chat: Option<Chat>,
    pub sender: Option<Sender>,
    /// A topic of the chat.
    pub thread_id: Option<String>,
    pub message_id: Option<String>,
    pub text: Option<String>,
    pub command: Option<Command>,
    /// Whether the account was spoken to: named, or answered.
    pub is_addressed: bool,
    pub attachments: Vec<Attachment>,
    pub action: Option<Action>,
    /// Seconds since 1970.
    pub occurred_at: Option<i64>,
}

impl Incoming {
    /// An event of which nothing is known but its id.
    pub fn unknown(external_id: String) -> Self {
        Incoming {
            external_id,
            kind: EventKind::Unknown,
            chat: None,
            sender: None,
            thread_id: None,
            message_id: None,
            text: None,
            command: None,
            is_addressed: false,
            attachments: Vec::new(),
            action: None,
            occurred_at: None,
        }
    }
}

/// A text as the platform takes ids: of one line, not too long.
pub(super) fn id(text: &str) -> Option<String> {
    (NameRule::Line.admits(text) && text.chars().count() <= MAX_CHANNEL_ID).then(|| text.to_owned())
}

/// A name as people are shown it: whatever is no character of a line is left out, and what is too long is cut.
pub(super) fn display_name(text: &str) -> Option<String> {
    let name: String = text.chars().filter(|c| !c.is_control()).take(MAX_DISPLAY_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The command at the beginning of a text: `/word`, or `/word@account`.
pub(super) fn command(text: &str) -> Option<Command> {
    let word = text.split_whitespace().next().filter(|word| text.starts_with(word) && word.starts_with('/'))?;
    let (name, to) = match word.split_once('@') {
        Some((name, to)) => (name, Some(to.to_owned())),
        None => (word, None),
    };
    let is_word =
        name.len() > 1 && name.len() <= 33 && name[1..].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_word.then(|| Command { name: name.to_ascii_lowercase(), to })
}

/// Reads an event in the plain form: an object with an `id`, and as far as there is such a thing `chat_id`, `user_id`,
/// `display_name`, `text`, `thread_id`, `occurred_at` (seconds since 1970), `is_group`, `is_addressed` and `kind` (message
/// where it is not given); and of a pressed button `action`, `{"id", "data"}`.
///
/// # Errors
/// Where it has no id, or a member is not what it should be.
pub fn read(event: &Value) -> Result<Incoming, Problem> {
    let Some(members) = event.as_object() else { return Err(invalid("an object", "event")) };
    let text = |name: &str| -> Result<Option<String>, Problem> {
        match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid("a text", name)),
        }
    };
    let named = |name: &str| -> Result<Option<String>, Problem> {
        match text(name)? {
            None => Ok(None),
            Some(text) => id(&text).map(Some).ok_or_else(|| invalid("text of one line, at most 256 characters", name)),
        }
    };
    let flag = |name: &str| members.get(name).and_then(Value::as_bool).unwrap_or_default();
    let Some(external_id) = named("id")? else {
        return Err(Problem::from(ErrorCode::InputMissing).with("argument", "event.id"));
    };
    let action = match members.get("action") {
        None | Some(Value::Null) => None,
        Some(action) => {
            let part = |name: &str| action.get(name).and_then(Value::as_str).and_then(id);
            let (Some(id), Some(data)) = (part("id"), part("data")) else {
                return Err(invalid("an object with the texts id and data", "action"));
            };
            Some(Action { id, data })
        }
    };
    let kind = match text("kind")? {
        None if action.is_some() => EventKind::Action,
        None => EventKind::Message,
        Some(word) => EventKind::parse(&word).unwrap_or(EventKind::Unknown),
    };
    let said = text("text")?;
    Ok(Incoming {
        external_id,
        kind,
        chat: named("chat_id")?.map(|id| Chat { id, is_group: flag("is_group") }),
        sender: named("user_id")?.map(|id| Sender {
            id,
            display_name: text_of(members, "display_name").and_then(display_name),
            is_bot: false,
        }),
        thread_id: named("thread_id")?,
        message_id: named("message_id")?,
        command: said.as_deref().and_then(command),
        text: said.filter(|text| !text.trim().is_empty()),
        is_addressed: flag("is_addressed"),
        attachments: Vec::new(),
        action,
        occurred_at: members.get("occurred_at").and_then(Value::as_i64),
    })
}

fn text_of<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    members.get(name).and_then(Value::as_str)
}

fn invalid(expected: &str, member: &str) -> Problem {
    let place = if member == "event" { member.to_owned() } else { format!("event.{member}") };
    Problem::from(ErrorCode::InputInvalid).with("argument", place).with("expected", expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_form_is_read_and_its_mistakes_are_named() {
        let read_one =
            read(&json!({"id": "e-1", "chat_id": "c", "user_id": "u", "text": "/help me", "display_name": "A\u{7}nn"}));
        let event = read_one.unwrap();
        assert_eq!((event.kind, event.external_id.as_str()), (EventKind::Message, "e-1"));
        assert_eq!(event.command.unwrap().name, "/help");
        assert_eq!(event.sender.unwrap().display_name.as_deref(), Some("Ann"));
        for (event, member) in [
            (json!([]), "event"),
            (json!({"text": "x"}), "event.id"),
            (json!({"id": "a\nb"}), "event.id"),
            (json!({"id": "a", "chat_id": 7}), "event.chat_id"),
            (json!({"id": "a", "text": ["x"]}), "event.text"),
            (json!({"id": "a", "action": {"id": "p"}}), "event.action"),
        ] {
            assert_eq!(read(&event).unwrap_err().facts["argument"], member);
        }
        let pressed =
            read(&json!({"id": "a", "chat_id": "c", "user_id": "u", "action": {"id": "p-1", "data": "awb_x"}}));
        let pressed = pressed.unwrap();
        assert_eq!((pressed.kind, pressed.action.unwrap().data.as_str()), (EventKind::Action, "awb_x"));
        assert_eq!(read(&json!({"id": "a", "kind": "poll"})).unwrap().kind, EventKind::Unknown);
    }

    #[test]
    fn a_command_is_the_first_word_and_may_name_an_account() {
        assert_eq!(command("/Order@Shop_bot 7"), Some(Command { name: "/order".into(), to: Some("Shop_bot".into()) }));
        for text in ["order", " /order", "/", "/über", "/a-b", "", "/@x"] {
            assert_eq!(command(text), None, "{text}");
        }
    }
}
