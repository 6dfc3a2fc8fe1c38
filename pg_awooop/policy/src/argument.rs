//! The arguments of operations: declared as data, checked the same way whichever door they come through.
//!
//! A declaration yields the check, the JSON Schema of the API and the argument names of the SQL function. Errors name
//! the argument and what it takes, never what was sent.

use awooop_contracts::{Violation, check, parse};
use serde_json::{Map, Number, Value, json};
use uuid::Uuid;

use crate::error::{ErrorCode, Problem};
use crate::name::NameRule;

/// Largest argument document of one call, in bytes.
pub const MAX_ARGUMENTS: usize = 1 << 20;

/// What an argument takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of 1 to `max` characters (0 for [`NameRule::Free`]).
    Text {
        rule: NameRule,
        max: usize,
    },
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    Uuid,
    /// A point in time, RFC 3339.
    Time,
    /// A whole number between the bounds, both included.
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    /// An object of short texts: at most 32 members, keys like ids, values up to 256 characters.
    Tags,
    /// A list of texts.
    TextList {
        rule: NameRule,
        max: usize,
        items: usize,
    },
    /// A list of these words.
    WordList {
        words: fn() -> Vec<&'static str>,
        items: usize,
    },
    /// An object, checked further by the operation.
    Object,
    /// Any JSON value of at most so many bytes.
    Json {
        max_bytes: usize,
    },
}

/// One argument of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What happens without it, as JSON; `null` where nothing does.
    pub default: &'static str,
    pub about: &'static str,
}

impl Argument {
    /// A required argument.
    pub const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, required: true, default: "null", about }
    }

    /// An argument that may be left out or null.
    pub const fn optional(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Self {
        Self { name, kind, required: false, default, about }
    }

    /// The argument in the declaration of its operation's SQL function.
    pub(crate) fn sql_declaration(&self) -> String {
        let declaration = format!("{} {}", self.name, self.kind.sql_type());
        if self.required {
            return declaration;
        }
        let default = match (self.default, self.kind) {
            ("null", _) => "null".to_owned(),
            ("[]", Kind::TextList { .. } | Kind::WordList { .. }) => "'{}'".to_owned(),
            (number, Kind::Integer { .. } | Kind::Boolean) => number.to_owned(),
            (json, Kind::Json { .. } | Kind::Object | Kind::Tags) => format!("'{json}'"),
            (text, _) => format!("'{}'", text.trim_matches('"')),
        };
        format!("{declaration} default {default}")
    }
}

/// Arguments that have passed their declarations.
#[derive(Debug)]
pub struct Arguments(Map<String, Value>);

/// Reads the argument text of `awooop.call`: one JSON object, strictly.
///
/// # Errors
/// An `E-INPUT` problem.
pub fn read(text: &str) -> Result<Map<String, Value>, Problem> {
    match parse(text, MAX_ARGUMENTS).map_err(violation)? {
        Value::Object(members) => Ok(members),
        _ => Err(Problem::from(ErrorCode::InputNotJson).with("expected", "one JSON object")),
    }
}

/// The problem that a violation of strict JSON is answered with.
pub fn violation(violation: Violation) -> Problem {
    let at =
        |code: ErrorCode, line: usize, column: usize| Problem::from(code).with("line", line).with("column", column);
    match violation {
        Violation::NotJson { line, column } => at(ErrorCode::InputNotJson, line, column),
        Violation::DuplicateKey { line, column } => at(ErrorCode::InputDuplicateKey, line, column),
        Violation::Number { line, column } => at(ErrorCode::InputNumber, line, column),
        Violation::TooDeep => ErrorCode::InputTooDeep.into(),
        Violation::TooLarge { limit } => Problem::from(ErrorCode::InputTooLarge).with("limit_bytes", limit),
        Violation::Nul => ErrorCode::InputNul.into(),
    }
}

impl Arguments {
    /// Checks `members` against the declarations and fills in defaults.
    ///
    /// # Errors
    /// An `E-INPUT` problem that names the argument.
    pub fn check(declared: &[Argument], mut members: Map<String, Value>) -> Result<Self, Problem> {
        if members.keys().any(|key| !declared.iter().any(|argument| argument.name == key)) {
            let accepted: Vec<Value> = declared.iter().map(|argument| argument.name.into()).collect();
            return Err(Problem::from(ErrorCode::InputUnknown).with("accepted", accepted));
        }
        for argument in declared {
            match members.get(argument.name) {
                None | Some(Value::Null) if argument.required => {
                    return Err(Problem::from(ErrorCode::InputMissing).with("argument", argument.name));
                }
                None | Some(Value::Null) => {
                    // A default is written by us, so it parses; null stands for "absent".
                    let default = serde_json::from_str(argument.default).unwrap_or(Value::Null);
                    members.insert(argument.name.to_owned(), default);
                }
                Some(value) => argument.kind.check(argument.name, value)?,
            }
        }
        Ok(Self(members))
    }

    /// The value of an argument; `Value::Null` where it is absent.
    pub fn json(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    /// A text argument that is declared required: empty only if it was not declared.
    pub fn text(&self, name: &str) -> &str {
        self.optional_text(name).unwrap_or_default()
    }

    /// A text argument.
    pub fn optional_text(&self, name: &str) -> Option<&str> {
        self.json(name).as_str()
    }

    /// An integer argument that is required or has a default: 0 only if it was not declared.
    pub fn integer(&self, name: &str) -> i64 {
        self.json(name).as_number().and_then(whole).unwrap_or_default()
    }

    /// A boolean argument that has a default.
    pub fn boolean(&self, name: &str) -> bool {
        self.json(name).as_bool().unwrap_or_default()
    }

    /// A UUID argument.
    pub fn optional_uuid(&self, name: &str) -> Option<Uuid> {
        Uuid::try_parse(self.optional_text(name)?).ok()
    }

    /// A required UUID argument: nil only if it was not declared.
    pub fn uuid(&self, name: &str) -> Uuid {
        self.optional_uuid(name).unwrap_or_default()
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.json(name).as_array().map(|items| items.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }
}

impl Kind {
    fn check(self, name: &str, value: &Value) -> Result<(), Problem> {
        let admitted = match (self, value) {
            (Kind::Text { rule, max }, Value::String(text)) => rule.admits(text) && text.chars().count() <= max,
            (Kind::Word(words), Value::String(text)) => words().contains(&text.as_str()),
            (Kind::Uuid, Value::String(text)) => text.len() == 36 && Uuid::try_parse(text).is_ok(),
            (Kind::Time, Value::String(text)) => looks_like_rfc3339(text),
            (Kind::Integer { min, max }, Value::Number(number)) => {
                whole(number).is_some_and(|n| (min..=max).contains(&n))
            }
            (Kind::Boolean, Value::Bool(_)) | (Kind::Object, Value::Object(_)) => true,
            (Kind::Tags, Value::Object(tags)) => tags.len() <= 32 && tags.iter().all(|(key, tag)| is_tag(key, tag)),
            (Kind::TextList { rule, max, items }, Value::Array(list)) => {
                list.len() <= items
                    && list.iter().all(|item| item.as_str().is_some_and(|t| rule.admits(t) && t.chars().count() <= max))
            }
            (Kind::WordList { words, items }, Value::Array(list)) => {
                let words = words();
                list.len() <= items && list.iter().all(|item| item.as_str().is_some_and(|t| words.contains(&t)))
            }
            (Kind::Json { max_bytes }, value) => {
                if value.to_string().len() > max_bytes {
                    return Err(Problem::from(ErrorCode::InputTooLarge)
                        .with("argument", name)
                        .with("limit_bytes", max_bytes));
                }
                true
            }
            _ => false,
        };
        if !admitted {
            return Err(Problem::from(ErrorCode::InputInvalid)
                .with("argument", name)
                .with("expected", self.in_words()));
        }
        check(value).map_err(violation)
    }

    /// The SQL type of such an argument; pg_awooop/src/door/sql.rs reads these.
    const fn sql_type(self) -> &'static str {
        match self {
            Kind::Text { .. } | Kind::Word(_) => "text",
            Kind::Uuid => "uuid",
            Kind::Time => "timestamptz",
            Kind::Integer { .. } => "integer",
            Kind::Boolean => "boolean",
            Kind::TextList { .. } | Kind::WordList { .. } => "text[]",
            Kind::Tags | Kind::Object | Kind::Json { .. } => "jsonb",
        }
    }

    fn in_words(self) -> String {
        match self {
            Kind::Text { rule, max } => format!("{}, at most {max} characters", rule.in_words()),
            Kind::Word(words) => format!("one of: {}", words().join(", ")),
            Kind::Uuid => "a UUID in its 36-character form".into(),
            Kind::Time => "a time such as 2026-01-31T08:00:00Z".into(),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Boolean => "true or false".into(),
            Kind::Tags => "an object of at most 32 texts of up to 256 characters, with keys like ids".into(),
            Kind::TextList { rule, max, items } => {
                format!("a list of at most {items} texts, each {}, at most {max} characters", rule.in_words())
            }
            Kind::WordList { words, items } => format!("a list of at most {items} of: {}", words().join(", ")),
            Kind::Object => "an object".into(),
            Kind::Json { max_bytes } => format!("any JSON value of at most {max_bytes} bytes"),
        }
    }

    fn schema(self) -> Value {
        match self {
            Kind::Text { rule, max } => {
                let mut schema = json!({"type": "string", "maxLength": max});
                if let Some(pattern) = rule.pattern() {
                    schema["minLength"] = 1.into();
                    schema["pattern"] = pattern.into();
                }
                schema
            }
            Kind::Word(words) => json!({"type": "string", "enum": words()}),
            Kind::Uuid => json!({"type": "string", "format": "uuid"}),
            Kind::Time => json!({"type": "string", "format": "date-time"}),
            Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Kind::Boolean => json!({"type": "boolean"}),
            Kind::Tags => json!({
                "type": "object", "maxProperties": 32,
                "propertyNames": Kind::Text { rule: NameRule::Id, max: 64 }.schema(),
                "additionalProperties": {
                    "type": "string", "maxLength": 256, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
                }
            }),
            Kind::TextList { rule, max, items } => {
                json!({"type": "array", "maxItems": items, "items": Kind::Text { rule, max }.schema()})
            }
            Kind::WordList { words, items } => {
                json!({"type": "array", "maxItems": items, "items": Kind::Word(words).schema()})
            }
            Kind::Object => json!({"type": "object"}),
            Kind::Json { .. } => json!({}),
        }
    }
}

/// The whole number that this is; JSON Schema counts 1.0 among them.
fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = awooop_contracts::strict::MAX_EXACT_INTEGER as f64;
    number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= EXACT).map(|n| n as i64))
}

fn is_tag(key: &str, tag: &Value) -> bool {
    NameRule::Id.admits(key)
        && key.len() <= 64
        && tag.as_str().is_some_and(|text| text.chars().count() <= 256 && !text.chars().any(char::is_control))
}

/// Enough that PostgreSQL's own reading of the text can only fail on a date that does not exist.
fn looks_like_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or(u32::MAX);
    let date_and_time = text.is_ascii()
        && (20..=40).contains(&bytes.len())
        && digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && digits(11..13)
        && digits(14..16)
        && digits(17..19)
        && (bytes[4], bytes[7], bytes[13], bytes[16]) == (b'-', b'-', b':', b':')
        && matches!(bytes[10], b'T' | b't' | b' ');
    if !date_and_time {
        return false;
    }
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    let in_range = year >= 1 && (1..=days).contains(&day) && number(11..13) < 24 && number(14..16) < 60;
    if !in_range || number(17..19) > 59 {
        return false;
    }
    let mut rest = &text[19..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=9).contains(&length) {
            return false;
        }
        rest = &fraction[length..];
    }
    match rest.as_bytes() {
        b"Z" | b"z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) && (*h1, *h2) <= (b'1', b'4') && *m1 < b'6'
        }
        _ => false,
    }
}

/// The JSON Schema of an operation's argument object.
pub fn schema(declared: &[Argument]) -> Value {
    let properties: Map<String, Value> = declared
        .iter()
        .map(|argument| {
            let mut schema = argument.kind.schema();
            schema["description"] = argument.about.into();
            if !argument.required && argument.default != "null" {
                schema["default"] = serde_json::from_str(argument.default).unwrap_or(Value::Null);
            }
            (argument.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> = declared.iter().filter(|a| a.required).map(|a| a.name).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required})
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DECLARED: &[Argument] = &[
        Argument::required("agent_id", Kind::Text { rule: NameRule::Id, max: 8 }, ""),
        Argument::optional("limit", Kind::Integer { min: 1, max: 9 }, "5", ""),
        Argument::optional("since", Kind::Time, "null", ""),
        Argument::optional("input", Kind::Json { max_bytes: 64 }, "{}", ""),
        Argument::optional("tags", Kind::Tags, "{}", ""),
        Argument::optional("run_id", Kind::Uuid, "null", ""),
    ];

    fn code(text: &str) -> ErrorCode {
        read(text).and_then(|members| Arguments::check(DECLARED, members)).unwrap_err().code
    }

    #[test]
    fn bad_arguments_get_their_own_code() {
        assert_eq!(code("[]"), ErrorCode::InputNotJson);
        assert_eq!(code("{}"), ErrorCode::InputMissing);
        assert_eq!(code(r#"{"agent_id":null}"#), ErrorCode::InputMissing);
        assert_eq!(code(r#"{"agent_id":"a","x":1}"#), ErrorCode::InputUnknown);
        assert_eq!(code(r#"{"agent_id":"a","agent_id":"b"}"#), ErrorCode::InputDuplicateKey);
        assert_eq!(code(r#"{"agent_id":"aaaaaaaaa"}"#), ErrorCode::InputInvalid);
        assert_eq!(code(r#"{"agent_id":["a"]}"#), ErrorCode::InputInvalid);
        assert_eq!(code(r#"{"agent_id":"a","limit":10}"#), ErrorCode::InputInvalid);
        assert_eq!(code(r#"{"agent_id":"a","limit":1.5}"#), ErrorCode::InputInvalid);
        assert_eq!(code(r#"{"agent_id":"a","since":"yesterday"}"#), ErrorCode::InputInvalid);
        assert_eq!(code(r#"{"agent_id":"a","tags":{"a":1}}"#), ErrorCode::InputInvalid);
        assert_eq!(code(r#"{"agent_id":"a","run_id":"7"}"#), ErrorCode::InputInvalid);
        assert_eq!(code(&format!(r#"{{"agent_id":"a","input":"{}"}}"#, "x".repeat(99))), ErrorCode::InputTooLarge);
    }

    #[test]
    fn an_absent_argument_has_its_default() {
        let arguments = Arguments::check(DECLARED, read(r#"{"agent_id":"a","limit":null}"#).unwrap()).unwrap();
        assert_eq!(arguments.integer("limit"), 5);
        assert_eq!(arguments.json("input"), &json!({}));
        assert_eq!(arguments.optional_text("since"), None);
    }

    #[test]
    fn only_times_that_exist_are_times() {
        for good in ["2026-01-31T08:00:00Z", "2024-02-29t23:59:59.123456+08:00", "2026-01-31 08:00:00z"] {
            assert!(looks_like_rfc3339(good), "{good}");
        }
        for bad in [
            "",
            "now",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00:00.Z",
            "2026-01-31T08:00:00+99:00",
            "infinity            ",
            "2026-01-31T08:00:00Z;drop",
        ] {
            assert!(!looks_like_rfc3339(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_argument_text_makes_it_panic(text in "\\PC{0,200}", time in "[0-9TZ:. +-]{0,40}") {
            let _ = read(&text).and_then(|members| Arguments::check(DECLARED, members));
            let _ = looks_like_rfc3339(&time);
        }
    }
}
