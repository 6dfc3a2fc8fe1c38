//! Makes the one flat JSON object that an operation takes: members from the path, the query and the idempotency
//! header, then those of the body, spliced as text. The body is never parsed here: the database parses it strictly, and
//! since it refuses a key that stands twice, a body cannot override what the path says.

use std::borrow::Cow;

use awooop_policy::error::ErrorCode;
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::operation::{ArgKind, Operation};

/// JSON members without their braces: `"run_id":"…","limit":5`.
#[derive(Default)]
pub struct Members(String);

impl Members {
    /// Adds one member. A value whose schema says integer, boolean or JSON stands bare when it looks like one, so that the
    /// database sees the type; anything else stands as a string, and the database says what is wrong with it.
    pub fn push(&mut self, name: &str, value: &str, kind: ArgKind) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        push_json_string(&mut self.0, name);
        self.0.push(':');
        let bare = match kind {
            ArgKind::Integer => is_json_integer(value),
            ArgKind::Boolean => matches!(value, "true" | "false"),
            ArgKind::Json => is_json_structure(value),
            ArgKind::Other => false,
        };
        if bare { self.0.push_str(value) } else { push_json_string(&mut self.0, value) }
    }

    /// Adds a part of the path, percent-decoded.
    pub fn push_path(&mut self, operation: &Operation, name: &str, raw: &str) -> Result<(), ErrorCode> {
        self.push(name, &decode(raw)?, operation.arg_kind(name));
        Ok(())
    }

    /// Adds every pair of a query string.
    pub fn push_query(&mut self, operation: &Operation, query: &str) -> Result<(), ErrorCode> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(&name.replace('+', " "))?.into_owned();
            let value = value.replace('+', " ");
            self.push(&name, &decode(&value)?, operation.arg_kind(&name));
        }
        Ok(())
    }

    /// The whole object: these members, then those of `body`. A body that does not start an object goes as it is, and
    /// the database refuses it.
    pub fn before<'a>(&self, body: &'a str) -> Cow<'a, str> {
        let body_text = body.trim_start_matches(JSON_SPACE);
        if body_text.is_empty() {
            return Cow::Owned(format!("{{{}}}", self.0));
        }
        let Some(rest) = body_text.strip_prefix('{').filter(|_| !self.0.is_empty()) else {
            return Cow::Borrowed(body);
        };
        let mut object = String::with_capacity(self.0.len() + body.len() + 1);
        object.push('{');
        object.push_str(&self.0);
        if !rest.trim_start_matches(JSON_SPACE).starts_with('}') {
            object.push(',');
        }
        object.push_str(rest);
        Cow::Owned(object)
    }
}

/// The only characters RFC 8259 calls whitespace; Rust's `trim` takes many more.
const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn decode(raw: &str) -> Result<Cow<'_, str>, ErrorCode> {
    let text = percent_decode_str(raw).decode_utf8().map_err(|_| ErrorCode::InputNul)?;
    if text.as_bytes().contains(&0) { Err(ErrorCode::InputNul) } else { Ok(text) }
}

fn push_json_string(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

/// `-?` and 1 to 19 digits, and no leading zero, which JSON does not allow: a bare `007` would spoil the document.
fn is_json_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (1..=19).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'))
}

/// An object or array, whole: anything else would spoil the document.
fn is_json_structure(text: &str) -> bool {
    text.trim_start_matches(JSON_SPACE).starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::sample::operation;

    const RUN: &str = "0190a0b0-0000-7000-8000-000000000001";

    fn path(body: &str) -> String {
        let mut members = Members::default();
        members.push_path(&operation(), "run_id", RUN).unwrap();
        members.before(body).into_owned()
    }

    fn query(text: &str) -> Result<String, ErrorCode> {
        let mut members = Members::default();
        members.push_query(&operation(), text)?;
        Ok(members.before("").into_owned())
    }

    #[test]
    fn members_of_the_path_stand_before_those_of_the_body() {
        assert_eq!(path(r#"{"lease":"x"}"#), format!(r#"{{"run_id":"{RUN}","lease":"x"}}"#));
        assert_eq!(path(""), format!(r#"{{"run_id":"{RUN}"}}"#));
        assert_eq!(path(" \r\n\t"), format!(r#"{{"run_id":"{RUN}"}}"#));
        assert_eq!(path(" { \n} "), format!("{{\"run_id\":\"{RUN}\" \n}} "));
    }

    #[test]
    fn a_body_without_other_members_goes_untouched() {
        let body = " { \"a\" : 1 } ";
        assert!(matches!(Members::default().before(body), Cow::Borrowed(same) if same == body));
        assert_eq!(Members::default().before(""), "{}");
    }

    #[test]
    fn a_body_that_is_no_object_goes_untouched_to_be_refused() {
        for body in ["[1]", "null", "\"{\"", "}{", "\u{feff}{}", "\u{a0}{}", "//{}\n{}"] {
            assert_eq!(path(body), body);
        }
    }

    #[test]
    fn a_body_cannot_override_the_path_without_a_duplicate_key() {
        assert_eq!(path(r#"{"run_id":"other"}"#), format!(r#"{{"run_id":"{RUN}","run_id":"other"}}"#));
        assert_eq!(path(r#"{"run\u005fid":"other"}"#), format!(r#"{{"run_id":"{RUN}","run\u005fid":"other"}}"#));
    }

    #[test]
    fn no_broken_body_becomes_valid_by_the_splice() {
        for body in ["{", "{,", "{,}", "{,\"a\":1}", "{\"a\"}", "{}}", "{}{}", "{ } x", "{\"a\":1}, {}", "{{}}", "{]"] {
            assert!(serde_json::from_str::<Value>(body).is_err());
            assert!(serde_json::from_str::<Value>(&path(body)).is_err(), "{body}");
        }
    }

    #[test]
    fn a_query_value_is_bare_only_where_the_schema_and_its_shape_say_so() {
        assert_eq!(query("limit=5").unwrap(), r#"{"limit":5}"#);
        assert_eq!(query("limit=-5").unwrap(), r#"{"limit":-5}"#);
        assert_eq!(query("retryable=true").unwrap(), r#"{"retryable":true}"#);
        assert_eq!(query("state=5").unwrap(), r#"{"state":"5"}"#);
        for odd in ["5x", "", "007", "1e9", "5.0", "0x5", "12345678901234567890", "-", "5,%22a%22:1", "true"] {
            let args: Value = serde_json::from_str(&query(&format!("limit={odd}")).unwrap()).unwrap();
            assert!(args["limit"].is_string() && args.as_object().unwrap().len() == 1, "{odd}");
        }
    }

    #[test]
    fn a_query_is_decoded_and_quoted() {
        assert_eq!(query("state=a+b%2Bc%22%5C&&x&=y").unwrap(), r#"{"state":"a b+c\"\\","x":"","":"y"}"#);
        assert_eq!(query("a%22%3A1=1").unwrap(), r#"{"a\":1":"1"}"#);
    }

    #[test]
    fn a_nul_or_text_that_is_not_utf8_is_refused_before_the_database() {
        assert_eq!(query("state=%00").unwrap_err(), ErrorCode::InputNul);
        assert_eq!(query("state=%ff").unwrap_err(), ErrorCode::InputNul);
        assert_eq!(query("%c3%28=1").unwrap_err(), ErrorCode::InputNul);
        let mut members = Members::default();
        assert_eq!(members.push_path(&operation(), "run_id", "a%00b"), Err(ErrorCode::InputNul));
    }

    #[test]
    fn a_name_twice_in_the_query_stays_twice_for_the_database_to_refuse() {
        assert_eq!(query("state=a&state=b").unwrap(), r#"{"state":"a","state":"b"}"#);
    }

    #[test]
    fn json_in_a_query_stands_bare_when_it_is_a_structure_and_as_a_string_when_it_would_spoil_the_document() {
        let mut members = Members::default();
        for (name, value) in
            [("a", "{\"x\": [1]}"), ("b", "[]"), ("c", "{\"x\": }"), ("d", "7"), ("e", "{} , \"f\": 1")]
        {
            members.push(name, value, ArgKind::Json);
        }
        let document: Value = serde_json::from_str(&members.before("")).unwrap();
        assert_eq!(
            document,
            serde_json::json!({"a": {"x": [1]}, "b": [], "c": "{\"x\": }", "d": "7", "e": "{} , \"f\": 1"})
        );
    }
}
