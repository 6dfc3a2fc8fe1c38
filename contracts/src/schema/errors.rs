//! What is wrong with a document, a row an error, as `awooop.json_schema_errors` shows it.

use serde::Serialize;
use serde_json::Value;

use super::CompiledSchema;
use super::budget::Verdict;
use crate::violation::{SchemaViolation, of_error, sentence};

/// One error: a [`SchemaViolation`], the place of the rule in the schema, and the whole as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaError {
    /// Where in the document, as a JSON pointer.
    pub pointer: String,
    /// The keyword that is violated.
    pub keyword: String,
    /// Where the keyword stands, as a JSON pointer into the schema (into the part with its own `$id`, where it is in
    /// one).
    pub schema_pointer: String,
    /// What would be right, in words.
    pub expected: String,
    /// What was there: its type and size.
    pub got: String,
    /// What to do, as a sentence.
    pub message: String,
}

impl SchemaError {
    fn new(violation: SchemaViolation, schema_pointer: String) -> Self {
        let message = sentence(&violation);
        let SchemaViolation { pointer, keyword, expected, got } = violation;
        Self { pointer, keyword, schema_pointer, expected, got, message }
    }
}

/// What is wrong with a document by a schema, at most `limit` of it; empty for a valid one.
///
/// # Errors
/// What is wrong with the schema.
pub fn errors(schema: &Value, instance: &Value, limit: usize) -> Result<Vec<SchemaError>, SchemaViolation> {
    Ok(CompiledSchema::new(schema.clone())?.errors(instance, limit))
}

impl CompiledSchema {
    /// What is wrong with the document and by which rule, at most `limit` of it.
    pub fn errors(&self, document: &Value, limit: usize) -> Vec<SchemaError> {
        self.found(document, limit).into_iter().map(|(violation, place)| SchemaError::new(violation, place)).collect()
    }

    /// What is wrong with the document, at most `limit` of it.
    pub fn violations(&self, document: &Value, limit: usize) -> Vec<SchemaViolation> {
        self.found(document, limit).into_iter().map(|(violation, _)| violation).collect()
    }

    fn found(&self, document: &Value, limit: usize) -> Vec<(SchemaViolation, String)> {
        let verdict = self.verdict(document);
        if verdict == Verdict::Valid || limit == 0 {
            return Vec::new();
        }
        if let Some(refusal) = verdict.refusal() {
            return vec![(refusal, String::new())];
        }
        if !self.budget.can_tell(document) {
            return vec![(untold(), String::new())];
        }
        let mut found: Vec<(SchemaViolation, String)> = Vec::new();
        for error in self.validator.iter_errors(document) {
            for violation in of_error(&error, &self.schema) {
                // Two rules can demand the same thing, and say one type in two ways.
                let same = |(other, _): &(SchemaViolation, String)| {
                    other == &violation
                        || (other.pointer == violation.pointer
                            && other.keyword == "type"
                            && violation.keyword == "type")
                };
                if found.len() == limit {
                    return found;
                }
                if !found.iter().any(same) {
                    found.push((violation, error.schema_path().to_string()));
                }
            }
        }
        found
    }
}

/// Stands for errors that would take too long to find.
fn untold() -> SchemaViolation {
    SchemaViolation {
        pointer: String::new(),
        keyword: "budget".into(),
        expected: "a document that the schema accepts".into(),
        got: "one that it refuses in more ways than can be told".into(),
    }
}
