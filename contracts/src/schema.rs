//! Validation by JSON Schema (2020-12): of contracts by the six schemas, and of tenants' documents by the schemas that
//! contracts hold.
//!
//! Nothing is ever fetched: a reference that leads out of a schema is refused when it is compiled. Patterns run on an
//! engine whose time is linear in the text, within a bounded size. What a schema may be is limited ([`limits`]), and so is
//! what checking one document may take ([`budget`]); what exceeds that is refused, not tried.

mod budget;
pub mod errors;
mod graph;
mod limits;
mod pattern;
mod stored;

use std::sync::{Arc, LazyLock, OnceLock};

use jsonschema::json::{Json, SerdeJson};
use jsonschema::{Draft, PatternOptions, Registry, Retrieve, ValidationOptions, Validator};
use serde_json::Value;

use budget::{Budget, Verdict};
pub use budget::{MAX_ERROR_STEPS, MAX_STEPS};
pub use errors::{SchemaError, errors};
pub use limits::{MAX_CHAIN, MAX_EXPANSION, MAX_NAMED, MAX_PARTS, MAX_PATTERNS, MAX_SIZE};
use stored::Stored;

use crate::Kind;
use crate::violation::{SchemaViolation, of_error};

/// A compiled pattern may take this much memory.
const PATTERN_BYTES: usize = 1 << 20;

/// A schema, ready for use.
#[derive(Debug)]
pub struct CompiledSchema {
    schema: Value,
    validator: Validator,
    budget: Budget,
    /// The same for documents as PostgreSQL stores them, compiled when it is first needed.
    stored: OnceLock<Option<Validator<Stored>>>,
}

impl CompiledSchema {
    /// Compiles a schema, an object or a boolean, of draft 2020-12.
    ///
    /// # Errors
    /// What is wrong with the schema: where it violates the meta-schema, a reference or pattern that cannot be used, or
    /// the limit that it exceeds.
    pub fn new(schema: Value) -> Result<Self, SchemaViolation> {
        Self::with_resources(schema, None)
    }

    /// As [`CompiledSchema::new`], with schemas that it may refer to. The platform has none.
    fn with_resources(schema: Value, resources: Option<&Registry>) -> Result<Self, SchemaViolation> {
        let measured = limits::measured(&schema)?;
        if measured.graph.is_foreign && resources.is_none() {
            return Err(limits::foreign());
        }
        let budget = Budget::new(measured, &schema);
        let options = match resources {
            Some(resources) => options().with_registry(resources),
            None => options().with_draft(Draft::Draft202012),
        };
        // Only the text is checked with resources.
        let stored = if resources.is_some() { OnceLock::from(None) } else { OnceLock::new() };
        match options.build(&schema) {
            Ok(validator) => Ok(Self { schema, validator, budget, stored }),
            Err(error) => Err(of_error(&error, &Value::Null).into_iter().next().unwrap_or_else(unusable)),
        }
    }

    /// The schema that was compiled.
    pub fn as_value(&self) -> &Value {
        &self.schema
    }

    fn verdict(&self, document: &Value) -> Verdict {
        self.budget.check(&self.validator, document, None)
    }

    /// As [`CompiledSchema::is_valid`], for a document that [`crate::strict::parse`] read from a text of so many bytes:
    /// the text's length bounds its size, so that most documents need not be measured.
    pub fn is_valid_parsed(&self, document: &Value, bytes: usize) -> bool {
        self.budget.check(&self.validator, document, Some(bytes)) == Verdict::Valid
    }

    /// Whether the document is valid; cheaper than asking for what is wrong. One that cannot be checked within
    /// [`MAX_STEPS`] is not.
    pub fn is_valid(&self, document: &Value) -> bool {
        self.verdict(document) == Verdict::Valid
    }
}

fn options<'a>() -> ValidationOptions<'a, Arc<dyn Retrieve>, SerdeJson> {
    options_for()
}

/// Options for documents of this representation.
fn options_for<'a, J: Json>() -> ValidationOptions<'a, Arc<dyn Retrieve>, J> {
    jsonschema::options_for()
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

#[cfg(test)]
mod tests;
