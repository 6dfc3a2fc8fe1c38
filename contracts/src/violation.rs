//! What is wrong with a document, in a form that a program can act on and a person or model can read.
//!
//! A violation names the place, the rule and what was expected. Of what was there it tells the type and size alone:
//! a value that is in the wrong place may well be a secret.

use std::fmt;

use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind};
use serde::Serialize;
use serde_json::Value;

use crate::strict;

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaViolation {
    /// Where, as a JSON pointer (RFC 6901). A property that is not allowed is pointed at itself, one that is missing at
    /// the object that lacks it. The names of members are the document's own.
    pub pointer: String,
    /// The keyword of JSON Schema that is violated, `json` where the text is not unambiguous JSON, or `budget` where
    /// checking the document would take too long.
    pub keyword: String,
    /// What would be right, in words.
    pub expected: String,
    /// What was there: its type and size.
    pub got: String,
}

impl fmt::Display for SchemaViolation {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        write!(formatter, "{place}: expected {}, got {}", self.expected, self.got)
    }
}

impl std::error::Error for SchemaViolation {}

impl From<strict::Violation> for SchemaViolation {
    fn from(violation: strict::Violation) -> Self {
        let place = |line, column| format!(" (line {line}, column {column})");
        let (expected, got) = match violation {
            strict::Violation::NotJson { line, column } => {
                ("one JSON value".into(), format!("something else{}", place(line, column)))
            }
            strict::Violation::DuplicateKey { line, column } => {
                ("each member once".into(), format!("a member twice{}", place(line, column)))
            }
            strict::Violation::Number { line, column } => {
                ("numbers within plus or minus 2^53".into(), format!("one beyond{}", place(line, column)))
            }
            strict::Violation::TooDeep => (format!("at most {} levels", strict::MAX_DEPTH), "deeper nesting".into()),
            strict::Violation::TooLarge { limit } => (format!("at most {limit} bytes"), "a longer text".into()),
            strict::Violation::Nul => ("no U+0000".into(), "a text that holds it".into()),
        };
        SchemaViolation { pointer: String::new(), keyword: "json".into(), expected, got }
    }
}

/// The violations that one error of the validator stands for; `schema` is the schema it was compiled from.
pub(crate) fn of_error(error: &ValidationError, schema: &Value) -> Vec<SchemaViolation> {
    let pointer = error.instance_path().as_str();
    let one = |pointer: String, expected: String, got: String| SchemaViolation {
        pointer,
        keyword: error.kind().keyword().to_owned(),
        expected,
        got,
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                one(format!("{pointer}/{}", escaped(name)), "no such property".into(), "an unknown property".into())
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![one(pointer.into(), format!("the property {name}"), "an object without it".into())]
        }
        kind => vec![one(pointer.into(), expected(kind, error, schema), described(error.instance()))],
    }
}

/// What to do about a violation, as a sentence to whoever wrote the document.
pub(crate) fn sentence(violation: &SchemaViolation) -> String {
    let SchemaViolation { pointer, keyword, expected, got } = violation;
    let place = if pointer.is_empty() { "the document" } else { pointer };
    match keyword.as_str() {
        "required" => format!("Add {expected} to {place}."),
        "additionalProperties" | "unevaluatedProperties" if !pointer.is_empty() => {
            format!("Remove {place}: the schema has no such property.")
        }
        _ => format!("Change {place}: expected {expected}, got {got}."),
    }
}

/// A name as a token of a JSON pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn expected(kind: &ValidationErrorKind, error: &ValidationError, schema: &Value) -> String {
    use ValidationErrorKind as K;
    match kind {
        K::Type { kind: TypeKind::Single(one) } => with_article(one.as_str()),
        K::Type { kind: TypeKind::Multiple(many) } => {
            many.iter().map(|one| with_article(one.as_str())).collect::<Vec<_>>().join(" or ")
        }
        K::Enum { options } => match options.as_array() {
            Some(options) => format!("one of: {}", joined(options)),
            None => "one of the allowed values".into(),
        },
        K::Constant { expected_value } => expected_value.to_string(),
        K::Minimum { limit } => format!("at least {limit}"),
        K::Maximum { limit } => format!("at most {limit}"),
        K::ExclusiveMinimum { limit } => format!("more than {limit}"),
        K::ExclusiveMaximum { limit } => format!("less than {limit}"),
        K::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        K::MinLength { limit } => format!("at least {limit} characters"),
        K::MaxLength { limit } => format!("at most {limit} characters"),
        K::MinItems { limit } => format!("at least {limit} items"),
        K::MaxItems { limit } => format!("at most {limit} items"),
        K::AdditionalItems { limit } => format!("at most {limit} items"),
        K::MinProperties { limit } => format!("at least {limit} properties"),
        K::MaxProperties { limit } => format!("at most {limit} properties"),
        K::UniqueItems => "no item twice".into(),
        K::Pattern { pattern } => match title(error, schema) {
            Some(title) => format!("{title} (text that matches {pattern})"),
            None => format!("text that matches {pattern}"),
        },
        K::Format { format } => format!("text in the format {format}"),
        K::FalseSchema => "nothing here: what else the document says rules it out".into(),
        K::Contains => "an item of another sort among these".into(),
        K::PropertyNames { .. } => "other names of properties".into(),
        K::Not { .. } => "something else".into(),
        K::AnyOf { .. } => match required_alternatives(error, schema) {
            Some(names) => format!("one of the properties {names}"),
            None => "what one of the alternatives says".into(),
        },
        K::OneOfNotValid { .. } => "what one of the alternatives says".into(),
        K::OneOfMultipleValid { .. } => "what exactly one of the alternatives says".into(),
        K::UnevaluatedItems { .. } => "fewer items".into(),
        K::Referencing(_) => "a schema whose references can be resolved".into(),
        _ => "what the schema says".into(),
    }
}

/// The title of the schema that holds the violated keyword.
fn title<'a>(error: &ValidationError, schema: &'a Value) -> Option<&'a str> {
    let holder = error.schema_path().as_str().rsplit_once('/')?.0;
    schema.pointer(holder)?.get("title")?.as_str()
}

/// The names, where every alternative asks for one property and nothing more.
fn required_alternatives(error: &ValidationError, schema: &Value) -> Option<String> {
    let alternatives = schema.pointer(error.schema_path().as_str())?.as_array()?;
    let name = |alternative: &Value| match alternative.get("required")?.as_array()?.as_slice() {
        [Value::String(name)] if alternative.as_object()?.len() == 1 => Some(name.clone()),
        _ => None,
    };
    Some(alternatives.iter().map(name).collect::<Option<Vec<_>>>()?.join(", "))
}

fn joined(values: &[Value]) -> String {
    values
        .iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect::<Vec<_>>()
        .join(", ")
}

fn with_article(type_name: &str) -> String {
    match type_name {
        "null" => "null".into(),
        "integer" => "a whole number".into(),
        "array" | "object" => format!("an {type_name}"),
        other => format!("a {other}"),
    }
}

/// A number of more digits than this may be a telephone number, a card or an account.
const TELLING_DIGITS: usize = 6;

fn described(value: &Value) -> String {
    let counted = |count: usize, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => {
            let text = number.to_string();
            if text.len() <= TELLING_DIGITS { text } else { "a number of more digits".into() }
        }
        Value::String(text) => format!("a string of {}", counted(text.chars().count(), "character", "characters")),
        Value::Array(items) => format!("an array of {}", counted(items.len(), "item", "items")),
        Value::Object(members) => format!("an object of {}", counted(members.len(), "property", "properties")),
    }
}
