//! What of a run's result is said to the person who asked.

use serde_json::Value;

/// The text of a result: the result itself where it is a text, else its member `text` or `answer`. Nothing where there is none, or
/// nothing in it.
pub fn text(result: &Value) -> Option<&str> {
    let member = |name: &str| result.get(name).and_then(Value::as_str);
    let text = result.as_str().or_else(|| member("text")).or_else(|| member("answer"))?;
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_says_what_is_in_its_text() {
        assert_eq!(text(&json!("Hello")), Some("Hello"));
        assert_eq!(text(&json!({"text": "a", "answer": "b"})), Some("a"));
        assert_eq!(text(&json!({"answer": "b", "order": 7})), Some("b"));
        for silent in [json!(null), json!(""), json!(" \n"), json!(7), json!({}), json!({"text": 7}), json!(["a"])] {
            assert_eq!(text(&silent), None);
        }
    }
}
