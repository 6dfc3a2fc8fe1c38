//! Validation by JSON Schema (2020-12): of contracts by the six schemas, and of tenants' documents by the schemas that
//! contracts hold.
//!
//! Nothing is ever fetched: a reference that leads out of a schema is refused when it is compiled. Patterns run on an
//! engine whose time is linear in the text, within a bounded size.

use std::sync::LazyLock;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use crate::Kind;
use crate::violation::{SchemaViolation, of_error};

/// A compiled pattern may take this much memory.
const PATTERN_BYTES: usize = 1 << 20;

/// A schema, ready for use.
#[derive(Debug)]
pub struct CompiledSchema {
    schema: Value,
    validator: Validator,
}

impl CompiledSchema {
    /// Compiles a schema, an object or a boolean.
    ///
    /// # Errors
    /// What is wrong with the schema: where it violates the meta-schema, or a reference or pattern that cannot be used.
    pub fn new(schema: Value) -> Result<Self, SchemaViolation> {
        match options().build(&schema) {
            Ok(validator) => Ok(Self { schema, validator }),
            Err(error) => Err(of_error(&error, &Value::Null).into_iter().next().unwrap_or_else(unusable)),
        }
    }

    /// The schema that was compiled.
    pub fn as_value(&self) -> &Value {
        &self.schema
    }

    /// Whether the document is valid; cheaper than asking for what is wrong.
    pub fn is_valid(&self, document: &Value) -> bool {
        self.validator.is_valid(document)
    }

    /// What is wrong with the document, at most `limit` of it.
    pub fn violations(&self, document: &Value, limit: usize) -> Vec<SchemaViolation> {
        if self.is_valid(document) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for violation in self.validator.iter_errors(document).flat_map(|error| of_error(&error, &self.schema)) {
            // Two rules can demand the same thing, and say one type in two ways.
            let same = |other: &SchemaViolation| {
                other == &violation
                    || (other.pointer == violation.pointer && other.keyword == "type" && violation.keyword == "type")
            };
            if found.len() < limit && !found.iter().any(same) {
                found.push(violation);
            }
        }
        found
    }
}

fn options() -> jsonschema::ValidationOptions<'static> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES))
}

fn unusable() -> SchemaViolation {
    SchemaViolation {
        pointer: String::new(),
        keyword: "$schema".into(),
        expected: "a JSON Schema (2020-12) that refers to nothing outside itself".into(),
        got: "another".into(),
    }
}

/// The schema of a kind, as JSON.
///
/// # Errors
/// Never: the schemas are part of the library, and tested.
pub fn of(kind: Kind) -> Result<Value, serde_json::Error> {
    serde_json::from_str(kind.schema_text())
}

type Compiled = Result<CompiledSchema, SchemaViolation>;

static KINDS: [LazyLock<Compiled>; 6] = [
    LazyLock::new(|| compiled(Kind::Project)),
    LazyLock::new(|| compiled(Kind::Agent)),
    LazyLock::new(|| compiled(Kind::Policy)),
    LazyLock::new(|| compiled(Kind::Tool)),
    LazyLock::new(|| compiled(Kind::Channel)),
    LazyLock::new(|| compiled(Kind::Run)),
];

/// What a contract may hold as a schema: the definition of that name in the run contract's schema.
static EMBEDDABLE: LazyLock<Compiled> = LazyLock::new(|| {
    let schema = of(Kind::Run).map_err(|_| unusable())?;
    CompiledSchema::new(schema.pointer("/$defs/embedded_schema").cloned().unwrap_or(Value::Bool(false)))
});

fn compiled(kind: Kind) -> Compiled {
    CompiledSchema::new(of(kind).map_err(|_| unusable())?)
}

/// What is wrong with a document as a contract of that kind, at most `limit` of it.
pub fn violations(kind: Kind, document: &Value, limit: usize) -> Vec<SchemaViolation> {
    match &*KINDS[kind as usize] {
        Ok(schema) => schema.violations(document, limit),
        Err(violation) => vec![violation.clone()],
    }
}

/// Whether a contract may hold this as a schema: it is one, and all its references stay inside it.
pub fn is_embeddable(schema: &Value) -> bool {
    EMBEDDABLE.as_ref().is_ok_and(|embeddable| embeddable.is_valid(schema))
}
