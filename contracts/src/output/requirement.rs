//! What an answer must satisfy: every schema that was laid down for it, and a length.

use serde_json::Value;

use super::errors::{MAX_ERRORS, OutputError};
use crate::schema::CompiledSchema;

/// What an answer must satisfy.
#[derive(Clone, Copy, Debug)]
pub struct Requirement<'a> {
    /// Each of them must accept it; without any, every document will do.
    pub schemas: &'a [&'a CompiledSchema],
    /// How long its JSON text may be.
    pub max_bytes: usize,
}

impl Requirement<'_> {
    /// Whether the document, read from a text of so many bytes, meets it.
    pub(super) fn is_met(&self, document: &Value, bytes: usize) -> bool {
        self.schemas.iter().all(|schema| schema.is_valid_parsed(document, bytes)) && length(document) <= self.max_bytes
    }

    /// What is wrong with a document, [`MAX_ERRORS`] at most; nothing where it meets the requirement. Where several schemas
    /// refuse it, each is heard.
    pub fn errors(&self, document: &Value) -> Vec<OutputError> {
        let too_large = (length(document) > self.max_bytes).then(|| OutputError::too_large(self.max_bytes));
        let mut refusals: Vec<Vec<OutputError>> = vec![too_large.into_iter().collect()];
        refusals.extend(self.schemas.iter().map(|schema| {
            schema.violations(document, MAX_ERRORS).into_iter().map(OutputError::from).collect::<Vec<_>>()
        }));
        refusals.retain(|errors| !errors.is_empty());
        let share = MAX_ERRORS / refusals.len().max(1);
        let mut all: Vec<OutputError> = Vec::new();
        for error in refusals.into_iter().flat_map(|errors| errors.into_iter().take(share)) {
            // Two schemas can demand the same thing.
            if !all.contains(&error) {
                all.push(error);
            }
        }
        all
    }
}

/// The bytes of the document's JSON text.
fn length(document: &Value) -> usize {
    document.to_string().len()
}
