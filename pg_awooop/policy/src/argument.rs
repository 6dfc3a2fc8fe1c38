//! The arguments of operations: declared as data, checked the same way whichever door they come through.
//!
//! A declaration yields the check, the JSON Schema of the API and the argument names of the SQL function. Errors name
//! the argument and what it takes, never what was sent.

mod kind;

use awooop_contracts::{Violation, parse};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::{ErrorCode, Problem};

use kind::whole;
pub use kind::{Kind, looks_like_rfc3339 as is_time};

/// Largest argument document of one call, in bytes.
pub const MAX_ARGUMENTS: usize = 1 << 20;

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
            (json, Kind::Json { .. } | Kind::Object | Kind::Tags | Kind::Counts) => format!("'{json}'"),
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

    /// An integer argument that may be absent.
    pub fn optional_integer(&self, name: &str) -> Option<i64> {
        self.json(name).as_number().and_then(whole)
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
    use crate::name::NameRule;
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

    proptest! {
        #[test]
        fn no_argument_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = read(&text).and_then(|members| Arguments::check(DECLARED, members));
        }
    }
}
