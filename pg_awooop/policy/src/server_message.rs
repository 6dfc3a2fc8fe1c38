//! What a server says while a call of it is under way: how far it is, what it logs, and what it asks of the caller.
//!
//! Each is reduced to what the protocol knows of it. Whether a server may ask at all the tool's contract says.

use awooop_contracts::model::tool::{Question, ToolContract};
use serde_json::{Map, Value, json};

use crate::tool_result::{MARKER, cut_text, escaped, length, shorten};

/// The most bytes of what is asked at once, as JSON. What is asked is never cut: half a question is another one.
pub const MAX_QUESTIONS: usize = 16_384;
/// The most bytes of what a server reports or logs at once, as JSON.
pub const MAX_MESSAGE: usize = 4096;
/// Questions that are asked at once.
const MOST_QUESTIONS: usize = 16;
/// Characters of the name that a server gives a question.
const MOST_KEY: usize = 128;
/// Bytes of a name or a sentence in a report.
const MOST_LINE: usize = 1024;

const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// A question: its kind, its method, the texts that must be there, and everything that may.
struct Asking {
    kind: Question,
    method: &'static str,
    params: &'static [&'static str],
}

const ASKINGS: [Asking; 3] = [
    Asking {
        kind: Question::Elicitation,
        method: "elicitation/create",
        params: &["mode", "message", "requestedSchema", "url", "elicitationId"],
    },
    Asking {
        kind: Question::Sampling,
        method: "sampling/createMessage",
        params: &[
            "messages",
            "modelPreferences",
            "systemPrompt",
            "includeContext",
            "temperature",
            "maxTokens",
            "stopSequences",
            "metadata",
            "tools",
            "toolChoice",
        ],
    },
    Asking { kind: Question::Roots, method: "roots/list", params: &[] },
];

/// Whether a tool's server may ask that.
pub fn may_ask(contract: &ToolContract, kind: Question) -> bool {
    contract.may_ask.iter().flat_map(|kinds| kinds.as_slice()).any(|allowed| *allowed == kind)
}

/// The kind of a question, by its method.
pub fn kind(question: &Value) -> Option<Question> {
    asking(question).map(|asking| asking.kind)
}

fn asking(question: &Value) -> Option<&'static Asking> {
    ASKINGS.iter().find(|asking| question["method"] == asking.method)
}

/// The question with what the protocol knows and nothing else; nothing where it is none.
pub fn question(question: &Value) -> Option<Value> {
    let asking = asking(question)?;
    let given = match &question["params"] {
        Value::Null => Map::new(),
        Value::Object(params) => params.clone(),
        _ => return None,
    };
    let params: Map<String, Value> =
        given.into_iter().filter(|(name, _)| asking.params.contains(&name.as_str())).collect();
    let is_whole = match asking.kind {
        Question::Elicitation => is_elicitation(&params),
        Question::Sampling => params.get("messages").is_some_and(Value::is_array),
        Question::Roots => true,
    };
    if !is_whole {
        return None;
    }
    Some(match params.is_empty() {
        true => json!({"method": asking.method}),
        false => json!({"method": asking.method, "params": params}),
    })
}

/// A form with its schema, or a page of the web to go to.
fn is_elicitation(params: &Map<String, Value>) -> bool {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let is_about = match text("mode").or_else(|| (!params.contains_key("mode")).then_some("form")) {
        Some("form") => params.get("requestedSchema").is_some_and(Value::is_object) && !params.contains_key("url"),
        Some("url") => text("url").is_some_and(crate::upstream::is_web),
        _ => false,
    };
    is_about && text("message").is_some()
}

/// Questions by their keys, each as [`question`] has it; nothing where one is none.
pub fn questions(given: &Value) -> Option<Map<String, Value>> {
    let given = given.as_object().filter(|given| !given.is_empty() && given.len() <= MOST_QUESTIONS)?;
    let is_key = |key: &str| key.chars().count() <= MOST_KEY && !key.chars().any(char::is_control);
    given.iter().map(|(key, asked)| Some((is_key(key).then(|| key.clone())?, question(asked)?))).collect()
}

/// How far a server is, as it says.
pub fn progress(given: &Value) -> Option<Value> {
    let mut progress = json!({"progress": number(&given["progress"])?});
    if !given["total"].is_null() {
        progress["total"] = number(&given["total"])?;
    }
    match &given["message"] {
        Value::Null => {}
        Value::String(text) => progress["message"] = text.as_str().into(),
        _ => return None,
    }
    Some(progress)
}

fn number(value: &Value) -> Option<Value> {
    value.is_number().then(|| value.clone())
}

/// A line of a server's log.
pub fn log(given: &Value) -> Option<Value> {
    let level = given["level"].as_str().filter(|level| LEVELS.contains(level))?;
    let mut log = json!({"level": level, "data": given.get("data")?});
    match &given["logger"] {
        Value::Null => {}
        Value::String(name) => log["logger"] = name.as_str().into(),
        _ => return None,
    }
    Some(log)
}

/// A report or a line of a log, redacted before, in at most [`MAX_MESSAGE`] bytes.
pub fn bound(mut message: Value) -> Value {
    for name in ["message", "logger"] {
        if let Some(Value::String(text)) = message.get_mut(name)
            && escaped(text) > MOST_LINE
        {
            *text = cut_text(text, MOST_LINE);
        }
    }
    let rest = length(&message) - message.get("data").map_or(0, length);
    if let Some(data) = message.get_mut("data") {
        *data = shorten(data, MAX_MESSAGE.saturating_sub(rest));
    }
    message
}

/// What is kept of something that was asked, in at most `limit` bytes: enough to see what it was about.
pub fn kept(asked: &Value, limit: usize) -> Value {
    shorten(asked, limit.max(4 * MARKER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form() -> Value {
        json!({"method": "elicitation/create", "params": {
            "message": "Which size?", "requestedSchema": {"type": "object", "properties": {"size": {"type": "string"}}}
        }})
    }

    #[test]
    fn a_question_has_what_the_protocol_knows_and_nothing_else() {
        let sampling = json!({"method": "sampling/createMessage", "params": {
            "messages": [{"role": "user", "content": {"type": "text", "text": "a"}}], "maxTokens": 10, "systemPrompt": "b"
        }});
        let link = json!({"method": "elicitation/create", "params": {
            "mode": "url", "message": "Sign in.", "url": "https://shop.example/sign-in", "elicitationId": "e"
        }});
        for (good, expected) in [
            (form(), Question::Elicitation),
            (link, Question::Elicitation),
            (sampling, Question::Sampling),
            (json!({"method": "roots/list"}), Question::Roots),
        ] {
            assert_eq!((question(&good), kind(&good)), (Some(good.clone()), Some(expected)));
            let mut more = good.clone();
            (more["id"], more["params"]["hidden"], more["params"]["_meta"]) = (1.into(), "x".into(), json!({"a": 1}));
            assert_eq!(question(&more), Some(good));
        }
        for bad in [
            json!({"method": "ping"}),
            json!({"method": "elicitation/create"}),
            json!({"method": "elicitation/create", "params": {"message": "a"}}),
            json!({"method": "elicitation/create", "params": {"requestedSchema": {}}}),
            json!({"method": "elicitation/create", "params": {"mode": "url", "message": "a", "url": "javascript:alert(1)"}}),
            json!({"method": "elicitation/create", "params": {"mode": "other", "message": "a", "requestedSchema": {}}}),
            json!({"method": "elicitation/create", "params": {"message": "a", "requestedSchema": {}, "url": "https://a"}}),
            json!({"method": "sampling/createMessage", "params": {"messages": "a"}}),
            json!({"method": "roots/list", "params": []}),
            json!("roots/list"),
        ] {
            assert_eq!(question(&bad), None, "{bad}");
        }
    }

    #[test]
    fn questions_have_keys_and_none_of_them_is_something_else() {
        let asked = json!({"a": form(), "b": {"method": "roots/list"}});
        assert_eq!(questions(&asked).map(Value::Object), Some(asked));
        let many: Map<String, Value> = (0..17).map(|n| (n.to_string(), form())).collect();
        for bad in [
            json!({}),
            json!([form()]),
            json!({"a": form(), "b": {"method": "ping"}}),
            json!({"a\n": form()}),
            json!({"k".repeat(129): form()}),
            json!(many),
        ] {
            assert_eq!(questions(&bad), None, "{bad}");
        }
    }

    #[test]
    fn reports_and_logs_are_what_the_protocol_knows() {
        let whole = json!({"progress": 0.5, "total": 2, "message": "half"});
        assert_eq!(progress(&whole), Some(whole.clone()));
        assert_eq!(progress(&json!({"progress": 1, "progressToken": "x"})), Some(json!({"progress": 1})));
        let line = json!({"level": "warning", "logger": "db", "data": {"rows": 3}});
        assert_eq!(log(&line), Some(line.clone()));
        assert_eq!(log(&json!({"level": "info", "data": null})), Some(json!({"level": "info", "data": null})));
        for bad in [
            json!({}),
            json!({"progress": "1"}),
            json!({"progress": 1, "total": "2"}),
            json!({"progress": 1, "message": 3}),
        ] {
            assert_eq!(progress(&bad), None, "{bad}");
        }
        for bad in [
            json!({"level": "info"}),
            json!({"level": "loud", "data": 1}),
            json!({"level": "info", "data": 1, "logger": 2}),
        ] {
            assert_eq!(log(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_report_and_line_of_a_log_fits(
            text in prop_oneof!["\\PC{0,4000}", "[\\x00-\\x1f\"]{0,3000}"], name in "\\PC{0,2000}", rows in 0usize..30
        ) {
            let data: Vec<Value> = (0..rows).map(|n| json!({"row": n, "text": text})).collect();
            for data in [json!(data), json!(text), json!({text.as_str(): 1})] {
                let line = bound(log(&json!({"level": "info", "logger": name, "data": data})).expect("a line"));
                prop_assert!(length(&line) <= MAX_MESSAGE, "{}", length(&line));
                prop_assert_eq!(log(&line), Some(line.clone()));
                for limit in [256, 4096] {
                    let short = length(&kept(&json!({"method": "a", "params": {"message": data}}), limit));
                    prop_assert!(short <= limit, "{short} of {limit}");
                }
            }
            let report = bound(progress(&json!({"progress": 1, "message": text})).expect("a report"));
            prop_assert!(length(&report) <= MAX_MESSAGE);
        }
    }
}
