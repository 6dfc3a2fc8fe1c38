//! What models return, and what must come of it.

mod cases;
mod damage;
mod hostile;
mod several;

use serde_json::Value;

use super::{MAX_OUTPUT_BYTES, Output, OutputError, Repair, Requirement};
use crate::schema::CompiledSchema;

fn compiled(schema: Value) -> CompiledSchema {
    CompiledSchema::new(schema).unwrap()
}

/// A schema that accepts everything.
fn anything() -> CompiledSchema {
    compiled(Value::Bool(true))
}

/// Reads by these schemas, whatever the length.
fn read_by(raw: &str, schemas: &[&CompiledSchema]) -> Result<Output, Vec<OutputError>> {
    super::read(raw, Requirement { schemas, max_bytes: MAX_OUTPUT_BYTES })
}

fn read(raw: &str, schema: &CompiledSchema) -> Result<Output, Vec<OutputError>> {
    read_by(raw, &[schema])
}

fn only_error(raw: &str, schema: &CompiledSchema) -> OutputError {
    let errors = read(raw, schema).expect_err(raw);
    assert_eq!(errors.len(), 1, "{raw}: {errors:#?}");
    errors.into_iter().next().unwrap()
}

fn read_as(raw: &str, schema: &CompiledSchema) -> (Value, Vec<Repair>) {
    let Output { document, repairs } = read(raw, schema).unwrap_or_else(|errors| panic!("{raw}: {errors:#?}"));
    assert!(schema.is_valid(&document));
    (document, repairs)
}
