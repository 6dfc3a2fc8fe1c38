//! The kinds of value an argument takes: the check, the SQL type, the words and the JSON Schema of each.

use awooop_contracts::check;
use serde_json::{Number, Value, json};
use uuid::Uuid;

use super::violation;
use crate::error::{ErrorCode, Problem};
use crate::name::{MAX_ID, NameRule};

/// What counts there may be, and how high.
const MOST_COUNTS: usize = 10_000;
const MOST: i64 = 10_000;

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
    /// An object of counts: at most 10,000 members, keys like ids, values from 1 to 10,000.
    Counts,
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
    /// An object of at most so many bytes that must not lose anything on its way, duplicate keys among it: in SQL a text.
    Document {
        max_bytes: usize,
    },
}

impl Kind {
    pub(super) fn check(self, name: &str, value: &Value) -> Result<(), Problem> {
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
            (Kind::Counts, Value::Object(counts)) => {
                counts.len() <= MOST_COUNTS && counts.iter().all(|(key, count)| is_count(key, count))
            }
            (Kind::TextList { rule, max, items }, Value::Array(list)) => {
                list.len() <= items
                    && list.iter().all(|item| item.as_str().is_some_and(|t| rule.admits(t) && t.chars().count() <= max))
            }
            (Kind::WordList { words, items }, Value::Array(list)) => {
                let words = words();
                list.len() <= items && list.iter().all(|item| item.as_str().is_some_and(|t| words.contains(&t)))
            }
            (Kind::Document { .. }, value) if !value.is_object() => false,
            (Kind::Json { max_bytes } | Kind::Document { max_bytes }, value) => {
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
    pub(super) const fn sql_type(self) -> &'static str {
        match self {
            Kind::Text { .. } | Kind::Word(_) | Kind::Document { .. } => "text",
            Kind::Uuid => "uuid",
            Kind::Time => "timestamptz",
            Kind::Integer { max, .. } if max > i32::MAX as i64 => "bigint",
            Kind::Integer { .. } => "integer",
            Kind::Boolean => "boolean",
            Kind::TextList { .. } | Kind::WordList { .. } => "text[]",
            Kind::Tags | Kind::Counts | Kind::Object | Kind::Json { .. } => "jsonb",
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
            Kind::Counts => {
                format!("an object of at most {MOST_COUNTS} whole numbers from 1 to {MOST}, with keys like ids")
            }
            Kind::TextList { rule, max, items } => {
                format!("a list of at most {items} texts, each {}, at most {max} characters", rule.in_words())
            }
            Kind::WordList { words, items } => format!("a list of at most {items} of: {}", words().join(", ")),
            Kind::Object => "an object".into(),
            Kind::Json { max_bytes } => format!("any JSON value of at most {max_bytes} bytes"),
            Kind::Document { max_bytes } => format!("a JSON object of at most {max_bytes} bytes"),
        }
    }

    pub(super) fn schema(self) -> Value {
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
            Kind::Counts => json!({
                "type": "object", "maxProperties": MOST_COUNTS,
                "propertyNames": Kind::Text { rule: NameRule::Id, max: MAX_ID }.schema(),
                "additionalProperties": {"type": "integer", "minimum": 1, "maximum": MOST}
            }),
            Kind::TextList { rule, max, items } => {
                json!({"type": "array", "maxItems": items, "items": Kind::Text { rule, max }.schema()})
            }
            Kind::WordList { words, items } => {
                json!({"type": "array", "maxItems": items, "items": Kind::Word(words).schema()})
            }
            Kind::Object | Kind::Document { .. } => json!({"type": "object"}),
            Kind::Json { .. } => json!({}),
        }
    }
}

/// The whole number that this is; JSON Schema counts 1.0 among them.
pub(super) fn whole(number: &Number) -> Option<i64> {
    const EXACT: f64 = awooop_contracts::strict::MAX_EXACT_INTEGER as f64;
    number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= EXACT).map(|n| n as i64))
}

fn is_tag(key: &str, tag: &Value) -> bool {
    NameRule::Id.admits(key)
        && key.len() <= 64
        && tag.as_str().is_some_and(|text| text.chars().count() <= 256 && !text.chars().any(char::is_control))
}

fn is_count(key: &str, count: &Value) -> bool {
    NameRule::Id.admits(key)
        && key.len() <= MAX_ID
        && count.as_number().and_then(whole).is_some_and(|count| (1..=MOST).contains(&count))
}

/// Whether it is a point in time as RFC 3339 writes one, which PostgreSQL reads too.
pub fn looks_like_rfc3339(text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        fn no_time_makes_it_panic(time in "[0-9TZ:. +-]{0,40}") {
            let _ = looks_like_rfc3339(&time);
        }
    }
}
