//! What models return, and what must come of it.

mod cases;
mod damage;
mod hostile;

use serde_json::Value;

use super::{Output, OutputError, Repair, read};
use crate::schema::CompiledSchema;

fn compiled(schema: Value) -> CompiledSchema {
    CompiledSchema::new(schema).unwrap()
}

/// A schema that accepts everything.
fn anything() -> CompiledSchema {
    compiled(Value::Bool(true))
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
