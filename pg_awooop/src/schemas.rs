//! JSON Schema and canonical JSON in SQL: `awooop.json_schema_errors`, `awooop.canonical_json`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

use awooop_contracts::canonical;
use awooop_contracts::schema::{CompiledSchema, SchemaError};
use awooop_policy::argument;
use awooop_policy::error::{ErrorCode, Problem};
use pgrx::callconv::{Arg, ArgAbi};
use pgrx::iter::TableIterator;
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use serde_json::Value;

use crate::fault::{Outcome, Stop, or_raise};

/// The longest schema, and the longest document that is checked or written canonically.
const LONGEST_SCHEMA: usize = 1 << 20;
const LONGEST_DOCUMENT: usize = 8 << 20;
/// The most errors that are told.
const MOST_ERRORS: usize = 1_000;
/// How many compiled schemas a session keeps, and of how much text.
const MOST_KEPT: usize = 64;
const MOST_KEPT_BYTES: usize = 4 << 20;

/// A jsonb argument as text: its numbers have no limits, those of a reader in Rust have.
struct JsonbText(String);

impl FromDatum for JsonbText {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the datum is a jsonb; jsonb_out returns a C string in the database's encoding, which is UTF-8.
        let text = unsafe { pgrx::direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(datum)]) };
        text.and_then(|text| text.to_str().ok()).map(|text| JsonbText(text.to_owned()))
    }
}

// SAFETY: as for every argument that is made from its datum.
unsafe impl<'fcx> ArgAbi<'fcx> for JsonbText {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the functions here are strict.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(JsonbText("null".to_owned()))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: it is made from a jsonb, as above.
unsafe impl SqlTranslatable for JsonbText {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(JsonbText);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}

/// What is wrong with `instance` by the JSON Schema (2020-12) `schema`: a row an error, none where it is valid.
/// `pointer` says where in the instance, `schema_pointer` by which rule, both as JSON pointers; of the instance's values
/// nothing is shown but type and size. References that lead out of the schema are refused, never followed.
#[allow(clippy::type_complexity)]
#[pg_extern(immutable, strict, parallel_safe)]
fn json_schema_errors(
    schema: JsonbText,
    instance: JsonbText,
) -> TableIterator<
    'static,
    (
        name!(pointer, String),
        name!(keyword, String),
        name!(schema_pointer, String),
        name!(expected, String),
        name!(got, String),
        name!(message, String),
    ),
> {
    let errors = or_raise(errors_of(&schema.0, &instance.0));
    TableIterator::new(
        errors.into_iter().map(|error| {
            (error.pointer, error.keyword, error.schema_pointer, error.expected, error.got, error.message)
        }),
    )
}

/// The canonical text of a JSON document (RFC 8785): the one text that all ways to write it have in common.
#[pg_extern(immutable, strict, parallel_safe)]
fn canonical_json(document: &str) -> String {
    or_raise(canonical_text(document))
}

fn canonical_text(document: &str) -> Outcome<String> {
    let value = parse(document, LONGEST_DOCUMENT)?;
    canonical::canonical_json(&value).map_err(|_| Stop::from(Problem::from(ErrorCode::InputNotJson)))
}

fn errors_of(schema: &str, instance: &str) -> Outcome<Vec<SchemaError>> {
    pgrx::check_for_interrupts!();
    let schema = compiled(schema)?;
    let document = parse(instance, LONGEST_DOCUMENT)?;
    if schema.is_valid_parsed(&document, instance.len()) {
        return Ok(Vec::new());
    }
    let mut errors = schema.errors(&document, MOST_ERRORS + 1);
    if errors.len() > MOST_ERRORS {
        errors.truncate(MOST_ERRORS);
        errors.push(SchemaError {
            pointer: String::new(),
            keyword: "budget".into(),
            schema_pointer: String::new(),
            expected: format!("at most {MOST_ERRORS} errors"),
            got: "more".into(),
            message: "There are more errors than these; put these right and check again.".into(),
        });
    }
    pgrx::check_for_interrupts!();
    Ok(errors)
}

fn parse(text: &str, limit: usize) -> Outcome<Value> {
    awooop_contracts::parse(text, limit).map_err(|violation| Stop::from(argument::violation(violation)))
}

/// Schemas that this session has compiled, by the digest of their text.
#[derive(Default)]
struct Kept {
    schemas: HashMap<String, Rc<CompiledSchema>>,
    bytes: usize,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// The schema, ready for use.
fn compiled(text: &str) -> Outcome<Rc<CompiledSchema>> {
    let digest = canonical::sha256(text.as_bytes());
    if let Some(schema) = KEPT.with_borrow(|kept| kept.schemas.get(&digest).cloned()) {
        return Ok(schema);
    }
    let schema = CompiledSchema::new(parse(text, LONGEST_SCHEMA)?).map_err(|violation| {
        Stop::from(
            Problem::from(ErrorCode::SchemaUnusable)
                .with("pointer", violation.pointer)
                .with("keyword", violation.keyword)
                .with("expected", violation.expected)
                .with("got", violation.got),
        )
    })?;
    let schema = Rc::new(schema);
    KEPT.with_borrow_mut(|kept| {
        if kept.schemas.len() >= MOST_KEPT || kept.bytes + text.len() > MOST_KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += text.len();
        kept.schemas.insert(digest, Rc::clone(&schema));
    });
    Ok(schema)
}
