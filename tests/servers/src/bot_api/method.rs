//! The methods, with the mistakes that the documentation and the service itself tell of.

use serde_json::{Value, json};

use super::entities::{self, Marked};
use super::state::{Sent, State, chat_of};

/// Units of UTF-16 in one message, after its entities were read.
const MOST_UNITS: usize = 4096;

/// Why a method was not carried out.
pub struct Refused {
    pub status: u16,
    pub description: String,
    pub retry_after: Option<u64>,
}

fn bad(description: &str) -> Refused {
    Refused { status: 400, description: format!("Bad Request: {description}"), retry_after: None }
}

/// Does it, or says why not.
pub fn carry_out(state: &mut State, method: &str, params: &Value) -> Result<Value, Refused> {
    let done = match method {
        "sendMessage" => send(state, params),
        "editMessageText" => edit(state, params),
        "deleteMessage" => delete(state, params),
        "answerCallbackQuery" => {
            let text = params["text"].clone();
            state.note("acknowledged", "", json!({"callback_query_id": params["callback_query_id"], "text": text}));
            Ok(Value::Bool(true))
        }
        _ => Err(Refused { status: 404, description: "Not Found".to_owned(), retry_after: None }),
    };
    if done.is_err() {
        state.count_refusal();
    }
    done
}

fn send(state: &mut State, params: &Value) -> Result<Value, Refused> {
    let chat = chat_of(params);
    if chat == "403" {
        return Err(Refused {
            status: 403,
            description: "Forbidden: bot was blocked by the user".to_owned(),
            retry_after: None,
        });
    }
    if chat == "404" {
        return Err(bad("chat not found"));
    }
    let marked = read(params)?;
    if let Err(seconds) = state.has_room(&chat) {
        return Err(Refused {
            status: 429,
            description: format!("Too Many Requests: retry after {seconds}"),
            retry_after: Some(seconds),
        });
    }
    let message_id = state.next_id();
    let sent = Sent { text: marked.text.clone(), parse_mode: params["parse_mode"].clone() };
    state.chats.entry(chat.clone()).or_default().insert(message_id, sent);
    let more = json!({
        "message_id": message_id, "text": marked.text, "entities": marked.to_json(), "reply_to": params["reply_parameters"]["message_id"],
        "thread_id": params["message_thread_id"], "buttons": params["reply_markup"]["inline_keyboard"]
    });
    state.note("sent", &chat, more);
    Ok(message(&chat, message_id, &marked))
}

fn edit(state: &mut State, params: &Value) -> Result<Value, Refused> {
    let (chat, message_id) = (chat_of(params), params["message_id"].as_i64().unwrap_or_default());
    let marked = read(params)?;
    let Some(there) = state.chats.get_mut(&chat).and_then(|chat| chat.get_mut(&message_id)) else {
        return Err(bad("message to edit not found"));
    };
    if there.text == marked.text && there.parse_mode == params["parse_mode"] {
        return Err(bad("message is not modified: specified new message content is exactly the same"));
    }
    there.text.clone_from(&marked.text);
    let more =
        json!({"message_id": message_id, "text": marked.text, "buttons": params["reply_markup"]["inline_keyboard"]});
    state.note("edited", &chat, more);
    Ok(message(&chat, message_id, &marked))
}

fn delete(state: &mut State, params: &Value) -> Result<Value, Refused> {
    let (chat, message_id) = (chat_of(params), params["message_id"].as_i64().unwrap_or_default());
    if state.chats.get_mut(&chat).and_then(|chat| chat.remove(&message_id)).is_none() {
        return Err(bad("message to delete not found"));
    }
    state.note("deleted", &chat, json!({"message_id": message_id}));
    Ok(Value::Bool(true))
}

fn read(params: &Value) -> Result<Marked, Refused> {
    let text = params["text"].as_str().unwrap_or_default();
    let marked = match params["parse_mode"].as_str() {
        None => Marked::plain(text),
        Some("HTML") => entities::html(text).map_err(|why| bad(&format!("can't parse entities: {why}")))?,
        Some("MarkdownV2") => {
            entities::markdown_v2(text).map_err(|why| bad(&format!("can't parse entities: {why}")))?
        }
        Some(_) => return Err(bad("unsupported parse_mode")),
    };
    if marked.text.trim().is_empty() {
        return Err(bad("message text is empty"));
    }
    if marked.text.encode_utf16().count() > MOST_UNITS {
        return Err(bad("message is too long"));
    }
    Ok(marked)
}

fn message(chat: &str, message_id: i64, marked: &Marked) -> Value {
    json!({
        "message_id": message_id, "date": 1_700_000_000, "text": marked.text, "entities": marked.to_json(),
        "chat": {"id": chat.parse::<i64>().unwrap_or_default(), "type": "private"}
    })
}
