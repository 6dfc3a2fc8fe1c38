//! An operation as the gateway needs it: where it is addressed, which arguments stand bare in a query, what it counts.
//! Everything else about it (scope, limits, meaning) is carried as data to the documentation and decided elsewhere.

use axum::http::{HeaderValue, Method};
use serde_json::Value;

use crate::metrics::Meters;

/// One row of the operation list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The name by which it is called.
    pub name: String,
    /// The scope it takes, for the documentation.
    pub scope: Option<String>,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The route, with `{placeholders}`.
    pub path: String,
    /// One line about it.
    pub summary: String,
    /// More about it.
    pub description: Option<String>,
    /// The status of a success, for the documentation.
    pub success_status: i32,
    /// JSON Schema of the flat argument object, path parameters included.
    pub args_schema: Value,
    /// JSON Schema of the result.
    pub result_schema: Value,
    /// Whether an operator has left it switched on.
    pub enabled: bool,
}

/// How an argument may be written in a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// Bare, when it looks like an integer.
    Integer,
    /// Bare, when it is `true` or `false`.
    Boolean,
    /// Bare, when it is an object or array of JSON.
    Json,
    /// Always a string.
    Other,
}

/// A row, made ready to be carried.
pub struct Operation {
    /// What the database said.
    pub row: Row,
    /// The method it takes.
    pub method: Method,
    /// What it counts.
    pub meters: Meters,
    bare: Vec<(String, ArgKind)>,
    takes_idempotency_key: bool,
    text_type: Option<HeaderValue>,
}

impl Operation {
    /// Makes a row ready; `None` when its method is none that an operation may have.
    pub fn new(row: Row, meters: Meters) -> Option<Operation> {
        let method = match row.method.as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "DELETE" => Method::DELETE,
            _ => return None,
        };
        let properties = row.args_schema.get("properties").and_then(Value::as_object);
        let bare = properties.into_iter().flatten().filter_map(|(name, schema)| match kind_of(schema) {
            ArgKind::Other => None,
            kind => Some((name.clone(), kind)),
        });
        let bare = bare.collect();
        let takes_idempotency_key = properties.is_some_and(|all| all.contains_key(IDEMPOTENCY_ARG));
        let text_type = row.result_schema.get(MEDIA_TYPE).and_then(Value::as_str);
        let text_type = text_type.and_then(|kind| HeaderValue::from_str(kind).ok());
        Some(Operation { row, method, meters, bare, takes_idempotency_key, text_type })
    }

    /// How the argument may be written in a query.
    pub fn arg_kind(&self, name: &str) -> ArgKind {
        self.bare.iter().find(|(known, _)| known == name).map_or(ArgKind::Other, |(_, kind)| *kind)
    }

    /// The media type of its result, where that is a text and goes out as one.
    pub fn text_type(&self) -> Option<&HeaderValue> {
        self.text_type.as_ref()
    }

    /// Whether `Idempotency-Key` is an argument of it.
    pub fn takes_idempotency_key(&self) -> bool {
        self.takes_idempotency_key
    }

    /// Whether its arguments come in a body; else they come in the query, and a body is not read.
    pub fn has_body(&self) -> bool {
        takes_body(&self.method)
    }
}

/// The argument that the header `Idempotency-Key` stands for.
pub const IDEMPOTENCY_ARG: &str = "idempotency_key";

/// What a result's schema says of a text that is no JSON (JSON Schema, contentMediaType).
pub const MEDIA_TYPE: &str = "contentMediaType";

/// Whether requests of this method bring their arguments in a body.
pub fn takes_body(method: &Method) -> bool {
    *method == Method::POST || *method == Method::PUT
}

/// The schema's type, also where it stands beside null.
fn kind_of(schema: &Value) -> ArgKind {
    let named = |name: &str| match schema.get("type") {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(any)) => any.iter().any(|one| one == name) && !any.iter().any(|one| one == "string"),
        _ => false,
    };
    if named("integer") {
        ArgKind::Integer
    } else if named("boolean") {
        ArgKind::Boolean
    } else if named("object") || named("array") {
        ArgKind::Json
    } else {
        ArgKind::Other
    }
}

/// Operations for the tests of this crate.
#[cfg(test)]
pub mod sample {
    use super::*;
    use crate::metrics::Metrics;
    use serde_json::json;

    pub fn row(name: &str, method: &str, path: &str, args: Value) -> Row {
        Row {
            name: name.into(),
            scope: Some("runs:read".into()),
            method: method.into(),
            path: path.into(),
            summary: format!("Does {name}"),
            description: None,
            success_status: 200,
            args_schema: args,
            result_schema: json!({"type": "object"}),
            enabled: true,
        }
    }

    pub fn operation() -> Operation {
        let args = json!({"type": "object", "additionalProperties": false, "required": ["run_id"], "properties": {
            "run_id": {"type": "string", "format": "uuid"},
            "state": {"type": "string"},
            "limit": {"type": ["integer", "null"], "minimum": 1},
            "retryable": {"type": "boolean"},
            "idempotency_key": {"type": "string"}
        }});
        let row = row("list_steps", "GET", "/v1/platform/runs/{run_id}/steps", args);
        let meters = Metrics::new().unwrap().meters(&row.name);
        Operation::new(row, meters).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_argument_that_may_be_a_string_is_never_bare() {
        assert_eq!(kind_of(&json!({"type": ["integer", "null"]})), ArgKind::Integer);
        assert_eq!(kind_of(&json!({"type": ["integer", "string"]})), ArgKind::Other);
        assert_eq!(kind_of(&json!({})), ArgKind::Other);
        assert_eq!(sample::operation().arg_kind("retryable"), ArgKind::Boolean);
        assert_eq!(sample::operation().arg_kind("unheard_of"), ArgKind::Other);
    }

    #[test]
    fn a_method_no_operation_may_have_is_refused() {
        let meters = crate::metrics::Metrics::new().unwrap().meters("x");
        assert!(Operation::new(sample::row("x", "TRACE", "/v1/x", json!({})), meters).is_none());
    }
}
