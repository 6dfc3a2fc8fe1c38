//! What is remembered of a conversation: the latest of what was said, within bounds of number and size.

use serde::Deserialize;
use serde_json::{Value, json};

/// Messages that are remembered at most, however short.
pub const MOST_MESSAGES: usize = 500;

/// Something that was said.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// `user` or `assistant`, as models name them.
    pub role: &'a str,
    pub text: &'a str,
    /// RFC 3339.
    pub at: &'a str,
}

#[derive(Deserialize)]
struct Messages(Vec<Value>);

/// What was said before, with this as the latest. The oldest go where there is not room for all: `most_bytes` of JSON for these, and
/// whatever else the session holds. One that is longer than that alone is cut.
pub fn remember(before: &str, said: &Said, most_bytes: usize) -> String {
    let mut messages = serde_json::from_str::<Messages>(before).map(|messages| messages.0).unwrap_or_default();
    messages.push(json!({"role": said.role, "text": said.text, "at": said.at}));
    let mut sizes: Vec<usize> = messages.iter().map(|message| message.to_string().len() + 1).collect();
    let mut size: usize = sizes.iter().sum::<usize>() + 1;
    let mut first = messages.len().saturating_sub(MOST_MESSAGES);
    size -= sizes.drain(..first).sum::<usize>();
    while size > most_bytes && first + 1 < messages.len() {
        size -= sizes.remove(0);
        first += 1;
    }
    let mut kept = messages.split_off(first);
    if size > most_bytes
        && let Some(last) = kept.last_mut()
    {
        // JSON needs at most six bytes for one character.
        let room = most_bytes.saturating_sub(size - said.text.len().min(size)) / 6;
        last["text"] = said.text.chars().take(room).collect::<String>().into();
    }
    Value::from(kept).to_string()
}

/// The latest of these that fit into so many bytes.
pub fn fitted(messages: &str, most_bytes: usize) -> String {
    let messages: Value = serde_json::from_str(messages).unwrap_or_default();
    history(&messages, MOST_MESSAGES, most_bytes.saturating_sub(2)).to_string()
}

/// The latest of these, as an agent's contract wants them: at most so many, of at most so many bytes together.
pub fn history(messages: &Value, most: usize, most_bytes: usize) -> Value {
    let all = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut size = 0;
    let fits = |message: &&Value| {
        size += message.to_string().len() + 1;
        size <= most_bytes
    };
    let mut kept: Vec<Value> = all.iter().rev().take(most).take_while(fits).cloned().collect();
    kept.reverse();
    kept.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Said<'_> {
        Said { role: "user", text, at: "2026-01-01T00:00:00Z" }
    }

    fn texts(messages: &str) -> Vec<String> {
        let messages: Value = serde_json::from_str(messages).unwrap();
        messages.as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_latest_are_remembered_and_the_oldest_go() {
        let mut messages = "[]".to_owned();
        for n in 0..10 {
            messages = remember(&messages, &said(&n.to_string()), 200);
        }
        assert_eq!(texts(&messages), ["7", "8", "9"]);
        assert_eq!(texts(&remember("no JSON", &said("a"), 200)), ["a"]);
        let mut many = "[]".to_owned();
        for n in 0..MOST_MESSAGES + 5 {
            many = remember(&many, &said(&n.to_string()), 1 << 20);
        }
        assert_eq!(texts(&many).len(), MOST_MESSAGES);
    }

    #[test]
    fn an_agent_is_shown_as_much_as_its_contract_wants() {
        let messages: Value = serde_json::from_str(&remember(
            &remember(&remember("[]", &said("a"), 9999), &said("b"), 9999),
            &said("c"),
            9999,
        ))
        .unwrap();
        assert_eq!(texts(&history(&messages, 2, 9999).to_string()), ["b", "c"]);
        assert_eq!(texts(&history(&messages, 9, 70).to_string()), ["c"]);
        assert_eq!(history(&messages, 0, 9999), json!([]));
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_never_too_large(
            words in proptest::collection::vec("\\PC{0,300}", 1..30), most in 200usize..2000
        ) {
            let mut messages = "[]".to_owned();
            for word in &words {
                messages = remember(&messages, &said(word), most);
                prop_assert!(messages.len() <= most, "{}", messages.len());
            }
            let last = texts(&messages).pop().unwrap();
            prop_assert!(words.last().unwrap().starts_with(&last));
        }
    }
}
