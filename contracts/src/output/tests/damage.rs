//! Repairs change no value: documents at random, written as models write them, read back as they were.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{anything, compiled, read};
use crate::output::Repair;
use crate::strict;

/// How a document is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    trailing_commas: bool,
    quotes: Quotes,
    unquoted_keys: bool,
    python_words: bool,
    raw_line_breaks: bool,
    space: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Quotes {
    Double,
    Single,
    Smart,
}

/// Characters that mean something to somebody who reads JSON or Markdown, and others.
const LETTERS: &str = "[ab0 \\n\\t\\r\"'“”‘’\\\\/{}\\[\\]:,#`~*<>é😀\u{feff}-]{0,8}";

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1i64 << 53)..=(1i64 << 53)).prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        LETTERS.prop_map(Value::from),
        prop::sample::select(vec!["```json\n{}\n```", "<think>", "</think>", "// no", "True", "{\"a\":1}", ",}"])
            .prop_map(Value::from),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![LETTERS, "[a-z_$][a-z0-9_-]{0,4}", Just("None".to_owned()), Just("true".to_owned())]
}

/// An array or object.
fn container() -> impl Strategy<Value = Value> {
    let value = scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    });
    prop_oneof![
        prop::collection::vec(value.clone(), 0..4).prop_map(Value::from),
        prop::collection::btree_map(key(), value, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
    ]
}

fn style() -> impl Strategy<Value = Style> {
    let quotes = prop::sample::select(vec![Quotes::Double, Quotes::Single, Quotes::Smart]);
    let space = prop::sample::select(vec!["", " ", "\n", "\r\n  ", "/* a */", " // b }\n", "# c ]\n", "/*{*/ /*\"*/"]);
    (any::<bool>(), quotes, any::<bool>(), any::<bool>(), any::<bool>(), space).prop_map(
        |(trailing_commas, quotes, unquoted_keys, python_words, raw_line_breaks, space)| Style {
            trailing_commas,
            quotes,
            unquoted_keys,
            python_words,
            raw_line_breaks,
            space,
        },
    )
}

impl Style {
    const PLAIN: Self = Self {
        trailing_commas: false,
        quotes: Quotes::Double,
        unquoted_keys: false,
        python_words: false,
        raw_line_breaks: false,
        space: "",
    };

    fn write(self, value: &Value) -> String {
        let mut text = String::new();
        self.value(value, &mut text);
        text
    }

    fn value(self, value: &Value, text: &mut String) {
        let space = self.space;
        match value {
            Value::Array(items) => {
                text.push('[');
                for (at, item) in items.iter().enumerate() {
                    text.push_str(if at > 0 { "," } else { "" });
                    text.push_str(space);
                    self.value(item, text);
                    text.push_str(space);
                }
                text.push_str(if self.trailing_commas && !items.is_empty() { ", ]" } else { "]" });
            }
            Value::Object(members) => {
                text.push('{');
                for (at, (key, member)) in members.iter().enumerate() {
                    text.push_str(if at > 0 { "," } else { "" });
                    text.push_str(space);
                    self.key(key, text);
                    write!(text, "{space}:{space}").unwrap();
                    self.value(member, text);
                    text.push_str(space);
                }
                text.push_str(if self.trailing_commas && !members.is_empty() { ",}" } else { "}" });
            }
            Value::String(content) => self.string(content, text),
            Value::Bool(true) if self.python_words => text.push_str("True"),
            Value::Bool(false) if self.python_words => text.push_str("False"),
            Value::Null if self.python_words => text.push_str("None"),
            other => text.push_str(&other.to_string()),
        }
    }

    fn key(self, key: &str, text: &mut String) {
        let is_name = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
            && key.chars().all(|c| c.is_ascii_alphanumeric() || "_$-".contains(c))
            && !["true", "false", "null", "True", "False", "None", "NaN", "Infinity"].contains(&key);
        if self.unquoted_keys && is_name { text.push_str(key) } else { self.string(key, text) }
    }

    fn string(self, content: &str, text: &mut String) {
        // Typographic marks have no escape: who writes them writes other marks inside.
        let quotes = match self.quotes {
            Quotes::Smart if content.contains('”') => Quotes::Double,
            quotes => quotes,
        };
        let (opening, closing) = match quotes {
            Quotes::Double => ('"', '"'),
            Quotes::Single => ('\'', '\''),
            Quotes::Smart => ('“', '”'),
        };
        text.push(opening);
        for c in content.chars() {
            match c {
                '\n' | '\t' | '\r' if self.raw_line_breaks => text.push(c),
                '"' if quotes != Quotes::Double => text.push('"'),
                '\'' if quotes == Quotes::Single => text.push_str("\\'"),
                '“' | '”' => text.push(c),
                _ => {
                    let quoted = Value::from(c.to_string()).to_string();
                    text.push_str(&quoted[1..quoted.len() - 1]);
                }
            }
        }
        text.push(closing);
    }
}

/// What a model puts around its answer.
fn surroundings() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("", ""),
        ("\u{feff}", "\n"),
        ("Here's what you asked for:\n", "\n\nIs there anything else?"),
        ("```json\n", "\n```"),
        ("Sure.\n\n```\n", "\n```\nDon't hesitate to ask (\"again\")."),
        ("~~~~ json\n", "\n~~~~\n"),
        ("<think>\nA list [like this] or {\"a\": 1}?\n```\n</think>\n", ""),
        ("[not this one: {no}] ", " {nor this}"),
        ("```json\n", ""),
    ])
}

/// A schema that accepts the shape of this document and leaves no room for anything more.
fn closed(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let properties: Map<String, Value> = members.iter().map(|(k, v)| (k.clone(), closed(v))).collect();
            json!({ "properties": properties, "additionalProperties": false })
        }
        Value::Array(items) => {
            json!({ "prefixItems": items.iter().map(closed).collect::<Vec<_>>(), "maxItems": items.len() })
        }
        _ => Value::Bool(true),
    }
}

/// Whether a name in the document is `$id`.
fn says_id(document: &Value) -> bool {
    match document {
        Value::Object(members) => members.contains_key("$id") || members.values().any(says_id),
        Value::Array(items) => items.iter().any(says_id),
        _ => false,
    }
}

#[test]
fn a_property_that_is_called_as_a_schemas_address_is_closes_nothing() {
    let document = json!([{ "$id": null }]);
    assert!(read("[ { \"$id\" : null } ", &compiled(tidy(closed(&document)))).is_err());
    assert!(read("[ { \"id\" : null } ", &compiled(tidy(closed(&json!([{ "id": null }]))))).is_ok());
}

/// prefixItems may not be empty.
fn tidy(schema: Value) -> Value {
    match schema {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(name, value)| name != "prefixItems" || value.as_array().is_some_and(|a| !a.is_empty()))
                .map(|(name, value)| (name, tidy(value)))
                .collect(),
        ),
        Value::Array(items) => items.into_iter().map(tidy).collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_damaged_document_reads_back_as_it_was(
        document in container(), style in style(), (before, after) in surroundings()
    ) {
        let raw = format!("{before}{}{after}", style.write(&document));
        let schema = compiled(json!({ "type": ["array", "object"] }));
        let output = read(&raw, &schema);
        prop_assert_eq!(output.as_ref().map(|output| &output.document), Ok(&document), "{}", raw);
    }

    #[test]
    fn a_plain_document_is_not_repaired(document in container(), space in "[ \\n\\r\\t]{0,3}") {
        let output = read(&format!("{space}{document:#}{space}"), &anything()).unwrap();
        prop_assert!(output.repairs.is_empty());
        prop_assert_eq!(output.document, document);
    }

    #[test]
    fn a_document_in_a_string_reads_back_as_it_was(document in container(), style in style()) {
        let raw = Value::from(style.write(&document)).to_string();
        let output = read(&raw, &compiled(json!({ "const": document })));
        prop_assert_eq!(output.map(|output| output.document), Ok(document));
    }

    #[test]
    fn a_document_that_was_cut_off_anywhere_is_refused(
        document in container(), style in style(), (before, _) in surroundings(), cut in any::<prop::sample::Index>()
    ) {
        let written = style.write(&document);
        let cuts: Vec<usize> = written.char_indices().map(|(at, _)| at).collect();
        let part = &written[..cuts[cut.index(cuts.len())]];
        let raw = format!("{before}{part}");
        let is_open = compiled(json!({ "type": ["array", "object"] }));
        prop_assert!(read(&raw, &is_open).is_err(), "{}", raw);
        // Where there is room for nothing more, what is read is the whole.
        if let Ok(output) = read(&raw, &compiled(json!({
            "allOf": [tidy(closed(&document))], "type": ["array", "object"]
        }))) {
            prop_assert_eq!(&output.document, &document, "{}", raw);
            prop_assert!(output.repairs.contains(&Repair::ClosingBracket));
        }
    }

    #[test]
    fn a_bracket_alone_is_added_where_the_schema_leaves_no_room(document in container()) {
        let written = Style { space: " ", ..Style::PLAIN }.write(&document);
        let raw = &written[..written.len() - 1];
        let output = read(raw, &compiled(tidy(closed(&document))));
        let is_empty = document.as_array().is_some_and(Vec::is_empty) || document.as_object().is_some_and(Map::is_empty);
        // Behind `[` alone an item is missing, not a bracket. A schema that has `$id` closes nothing, be it the name of a
        // property.
        prop_assert_eq!(output.is_err(), is_empty || says_id(&document), "{}", raw);
    }

    #[test]
    fn no_text_makes_it_panic_and_what_it_accepts_is_valid(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"", "'", "“", "”", "\\", "\n", " ", "```", "~~~", "a", "é", "1", "-", "e",
            "true", "None", "NaN", "//", "/*", "*/", "#", "<think>", "</think>", "\\u", "d8", "00", "\u{feff}", "\0",
            "{\"n\":1}", "{\"n\":", "```json\n", "\n```\n", "[1,", "\\\"",
        ]), 0..40)
    ) {
        let raw = parts.concat();
        for schema in [anything(), compiled(json!({ "required": ["n"], "type": "object" })), compiled(json!({ "type": "string" }))] {
            match read(&raw, &schema) {
                Ok(output) => {
                    prop_assert!(schema.is_valid(&output.document));
                    prop_assert!(strict::check(&output.document).is_ok());
                    if let Ok(plain) = strict::parse(&raw, 1 << 20) && schema.is_valid(&plain) {
                        prop_assert_eq!(output.document, plain);
                        prop_assert!(output.repairs.is_empty());
                    }
                }
                Err(errors) => {
                    prop_assert!(!errors.is_empty() && errors.len() <= crate::output::MAX_ERRORS);
                    prop_assert!(errors.iter().all(|error| !error.message.is_empty() && !error.keyword.is_empty()));
                }
            }
        }
    }

    #[test]
    fn no_characters_make_it_panic(raw in "\\PC{0,64}") {
        let _ = read(&raw, &anything());
    }
}
