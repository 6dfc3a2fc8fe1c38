//! JSON without ambiguity: what two readers could understand differently is refused, with the reason.
//!
//! Refused are duplicate keys, numbers beyond plus or minus 2^53 (readers round them, so 2^53 itself is accepted only as
//! an integer: with a point or exponent it may have been rounded from beyond), nesting below [`MAX_DEPTH`], U+0000 (PostgreSQL cannot store it) and text longer than the caller's limit. A [`Violation`] says
//! where, never what: the text may hold a secret.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;

/// The largest integer every JSON reader holds exactly, 2^53.
pub const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Why a text is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Not JSON, or something follows the value. Line and column count from 1.
    NotJson { line: usize, column: usize },
    /// An object has a key twice.
    DuplicateKey { line: usize, column: usize },
    /// A number lies beyond plus or minus 2^53.
    Number { line: usize, column: usize },
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    TooDeep,
    /// The text is longer than the limit in bytes.
    TooLarge { limit: usize },
    /// A string or key holds U+0000.
    Nul,
}

/// Reads one JSON value from `text`, which may be at most `limit` bytes long.
///
/// # Errors
/// The first [`Violation`] found.
pub fn parse(text: &str, limit: usize) -> Result<Value, Violation> {
    if text.len() > limit {
        return Err(Violation::TooLarge { limit });
    }
    let cause = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    // The depth is bounded by the seed, long before the stack is in danger.
    let value = Strict { depth: 0, cause: &cause }.deserialize(&mut reader).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    value.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match cause.get() {
            Some(Cause::DuplicateKey) => Violation::DuplicateKey { line, column },
            Some(Cause::Number) => Violation::Number { line, column },
            Some(Cause::TooDeep) => Violation::TooDeep,
            Some(Cause::Nul) => Violation::Nul,
            // serde_json reports a number beyond f64 (1e400) as a syntax error.
            None if error.is_syntax() && error.to_string().starts_with("number out of range") => {
                Violation::Number { line, column }
            }
            None => Violation::NotJson { line, column },
        }
    })
}

/// Checks a value that was parsed elsewhere (a `jsonb` argument) for what [`parse`] refuses and a parsed value can
/// still show.
///
/// # Errors
/// The first [`Violation`] found; line and column are 0.
pub fn check(value: &Value) -> Result<(), Violation> {
    check_at(value, 0)
}

fn check_at(value: &Value, depth: usize) -> Result<(), Violation> {
    if depth > MAX_DEPTH {
        return Err(Violation::TooDeep);
    }
    match value {
        Value::Number(number) if !is_exact(number) => Err(Violation::Number { line: 0, column: 0 }),
        Value::String(text) if text.contains('\0') => Err(Violation::Nul),
        Value::Array(items) => items.iter().try_for_each(|item| check_at(item, depth + 1)),
        Value::Object(members) => members.values().try_for_each(|member| check_at(member, depth + 1)),
        _ => Ok(()),
    }
}

fn is_exact(number: &Number) -> bool {
    if let Some(n) = number.as_u64() {
        n <= MAX_EXACT_INTEGER
    } else if let Some(n) = number.as_i64() {
        n.unsigned_abs() <= MAX_EXACT_INTEGER
    } else {
        number.as_f64().is_some_and(|n| n.abs() < MAX_EXACT_INTEGER as f64)
    }
}

#[derive(Clone, Copy)]
enum Cause {
    DuplicateKey,
    Number,
    TooDeep,
    Nul,
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    cause: &'a Cell<Option<Cause>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, cause: Cause) -> E {
        self.cause.set(Some(cause));
        E::custom("refused")
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(Cause::TooDeep));
        }
        Ok(Strict { depth: self.depth + 1, ..self })
    }

    fn number<E: serde::de::Error>(self, number: Option<Number>) -> Result<Value, E> {
        match number {
            Some(number) if is_exact(&number) => Ok(Value::Number(number)),
            _ => Err(self.refuse(Cause::Number)),
        }
    }

    fn text<E: serde::de::Error>(self, text: String) -> Result<String, E> {
        if text.contains('\0') { Err(self.refuse(Cause::Nul)) } else { Ok(text) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.number(Some(value.into()))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.number(Some(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.number(Number::from_f64(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.text(value.to_owned()).map(Value::String)
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.text(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let key = self.text::<A::Error>(key)?;
            if members.contains_key(&key) {
                return Err(self.refuse(Cause::DuplicateKey));
            }
            members.insert(key, access.next_value_seed(inner)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> Violation {
        parse(text, 1 << 20).unwrap_err()
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        assert!(matches!(refused(r#"{"a":1,"a":2}"#), Violation::DuplicateKey { .. }));
        assert!(matches!(refused(r#"[{"x":{"a":1,"\u0061":2}}]"#), Violation::DuplicateKey { .. }));
        for number in ["9007199254740993", "-9007199254740993", "1e16", "1e400", "9007199254740993.0"] {
            assert!(matches!(refused(number), Violation::Number { .. }), "{number}");
        }
        assert_eq!(parse("9007199254740992", 99).unwrap(), Value::from(MAX_EXACT_INTEGER));
    }

    #[test]
    fn what_cannot_be_stored_or_would_exhaust_the_stack_is_refused() {
        assert_eq!(refused(r#"{"a":"\u0000"}"#), Violation::Nul);
        assert_eq!(refused(r#"{"\u0000":1}"#), Violation::Nul);
        assert_eq!(refused(&"[".repeat(100_000)), Violation::TooDeep);
        assert_eq!(refused(&"{\"a\":".repeat(65)), Violation::TooDeep);
        assert!(parse(&format!("{}{}", "[".repeat(64), "]".repeat(64)), 200).is_ok());
        assert_eq!(parse("[1,2]", 4), Err(Violation::TooLarge { limit: 4 }));
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in ["", "{", "{} {}", "{},", "nul", "'a'", "{\"a\":1,}", "\u{feff}{}", "NaN", "01"] {
            assert!(matches!(refused(text), Violation::NotJson { .. }), "{text:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1i64 << 53)..=(1i64 << 53)).prop_map(Value::from),
            "[^\\x00]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[^\\x00]{0,6}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_unambiguous_document_is_read_as_it_is(value in any_json()) {
            prop_assert_eq!(parse(&value.to_string(), 1 << 20).unwrap(), value.clone());
            prop_assert!(check(&value).is_ok());
        }

        #[test]
        fn no_spelling_of_a_number_beyond_2_53_is_read(beyond in MAX_EXACT_INTEGER + 1.., zeros in 0_usize..30, form in 0..5) {
            let digits = beyond.to_string();
            let (most, last) = digits.split_at(digits.len() - 1);
            let number = match form {
                0 => format!("{digits}{}", "0".repeat(zeros)),
                1 => format!("{digits}.0"),
                2 => format!("{digits}e0"),
                3 => format!("{most}.{last}E+1"),
                _ => format!("{digits}{}e-{zeros}", "0".repeat(zeros)),
            };
            for text in [number.clone(), format!("-{number}"), format!("{{\"a\":[1,{number}]}}")] {
                let found = refused(&text);
                prop_assert!(matches!(found, Violation::Number { .. }), "{text}: {found:?}");
            }
        }

        #[test]
        fn no_spelling_of_a_key_twice_is_read(key in "[^\\x00]{0,8}", other in any_json()) {
            let escaped: String = key.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            let plain = Value::from(key.as_str());
            let text = format!("[{{{plain}:{other},\"x{escaped}\":0,\"{escaped}\":{other}}}]");
            prop_assert!(matches!(refused(&text), Violation::DuplicateKey { .. }), "{text}");
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,64}") {
            let _ = parse(&text, 64);
        }
    }
}
