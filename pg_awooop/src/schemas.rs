//! JSON Schema and canonical JSON in SQL: `awooop.json_schema_valid`, `awooop.json_schema_errors`,
//! `awooop.canonical_json`. A schema is compiled once a session; a document is read where PostgreSQL stores it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
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
use pgrx::varlena_to_byte_slice;
use serde_json::Value;

use crate::fault::{Outcome, Stop, fault, or_raise};
use crate::guarded::{Worker, guarded};

/// The longest schema, and the longest document that is checked or written canonically.
const LONGEST_SCHEMA: usize = 1 << 20;
const LONGEST_DOCUMENT: usize = 8 << 20;
/// The most errors that are told.
const MOST_ERRORS: usize = 1_000;
/// How many compiled schemas a session keeps, and of how much text.
const MOST_KEPT: usize = 64;
const MOST_KEPT_BYTES: usize = 4 << 20;
/// Of how many it keeps the bytes as well, to know them without a digest.
const MOST_LATEST: usize = 4;

/// A jsonb argument as it is stored, unpacked, for as long as the call.
struct Stored {
    jsonb: *const pg_sys::varlena,
}

impl Stored {
    /// The bytes behind the length word.
    fn bytes(&self) -> &[u8] {
        // SAFETY: it was unpacked, and is no longer than it says.
        unsafe { varlena_to_byte_slice(self.jsonb) }
    }

    /// As text: its numbers have no limits, those of a reader in Rust have.
    fn text(&self) -> Outcome<&str> {
        let datum = Some(pg_sys::Datum::from(self.jsonb));
        // SAFETY: jsonb_out takes a jsonb, and returns a C string in the database's encoding, which is UTF-8.
        let text = unsafe { pgrx::direct_function_call::<&CStr>(pg_sys::jsonb_out, &[datum]) };
        text.and_then(|text| text.to_str().ok()).ok_or_else(|| Problem::from(ErrorCode::InputNotJson).into())
    }
}

impl FromDatum for Stored {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the datum is a jsonb. Its length word may stay short: what is read here need not be aligned.
        (!is_null).then(|| Stored { jsonb: unsafe { pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr()) } })
    }
}

// SAFETY: as for every argument that is made from its datum.
unsafe impl<'fcx> ArgAbi<'fcx> for Stored {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the functions here are strict, so it is not null.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or_else(|| unreachable!("a strict function got null"))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: it is made from a jsonb, as above.
unsafe impl SqlTranslatable for Stored {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Stored);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}

/// Whether `instance` is valid by the JSON Schema (2020-12) `schema`: whether `json_schema_errors` has no row.
#[pg_extern(immutable, strict, parallel_safe)]
fn json_schema_valid(schema: Stored, instance: Stored) -> bool {
    validated(&instance, || is_valid(&schema, &instance))
}

/// What is wrong with `instance` by the JSON Schema (2020-12) `schema`: a row an error, none where it is valid.
/// `pointer` says where in the instance, `schema_pointer` by which rule, both as JSON pointers; of the instance's values
/// nothing is shown but type and size. References that lead out of the schema are refused, never followed.
#[allow(clippy::type_complexity)]
#[pg_extern(immutable, strict, parallel_safe)]
fn json_schema_errors(
    schema: Stored,
    instance: Stored,
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
    let errors = validated(&instance, || errors_of(&schema, &instance));
    TableIterator::new(
        errors.into_iter().map(|error| {
            (error.pointer, error.keyword, error.schema_pointer, error.expected, error.got, error.message)
        }),
    )
}

/// The canonical text of a JSON document (RFC 8785): the one text that all ways to write it have in common.
#[pg_extern(immutable, strict, parallel_safe)]
fn canonical_json(document: &str) -> String {
    guarded_or_raise(document.len(), || canonical_text(document))
}

/// What the validator says of the instance; raises what it cannot say.
fn validated<T>(instance: &Stored, work: impl FnOnce() -> Outcome<T>) -> T {
    guarded_or_raise(instance.bytes().len(), work)
}

/// Does something with a document; a panic is an inner error, of which the caller learns nothing.
fn guarded_or_raise<T>(length: usize, work: impl FnOnce() -> Outcome<T>) -> T {
    let outcome = guarded(Worker::Validator, "a document", length, work);
    or_raise(outcome.unwrap_or_else(|| fault(ErrorCode::SystemInternal)))
}

fn canonical_text(document: &str) -> Outcome<String> {
    let value = parse(document, LONGEST_DOCUMENT)?;
    canonical::canonical_json(&value).map_err(|_| Stop::from(Problem::from(ErrorCode::InputNotJson)))
}

fn is_valid(schema: &Stored, instance: &Stored) -> Outcome<bool> {
    pgrx::check_for_interrupts!();
    let schema = compiled(schema)?;
    if let Some(is_valid) = schema.is_valid_stored(instance.bytes(), LONGEST_DOCUMENT) {
        return Ok(is_valid);
    }
    let text = instance.text()?;
    Ok(schema.is_valid_parsed(&parse(text, LONGEST_DOCUMENT)?, text.len()))
}

fn errors_of(schema: &Stored, instance: &Stored) -> Outcome<Vec<SchemaError>> {
    pgrx::check_for_interrupts!();
    let schema = compiled(schema)?;
    if schema.is_valid_stored(instance.bytes(), LONGEST_DOCUMENT) == Some(true) {
        return Ok(Vec::new());
    }
    let text = instance.text()?;
    let document = parse(text, LONGEST_DOCUMENT)?;
    if schema.is_valid_parsed(&document, text.len()) {
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

/// Schemas that this session has compiled, by the digest of what is stored of them.
#[derive(Default)]
struct Kept {
    schemas: HashMap<String, Rc<CompiledSchema>>,
    bytes: usize,
    /// Those used last, the latest first: comparing a schema with a few others costs less than its digest.
    latest: VecDeque<(Box<[u8]>, Rc<CompiledSchema>)>,
}

impl Kept {
    fn latest(&mut self, jsonb: &[u8]) -> Option<Rc<CompiledSchema>> {
        let at = self.latest.iter().position(|(bytes, _)| **bytes == *jsonb)?;
        self.latest.swap(0, at);
        self.latest.front().map(|(_, schema)| Rc::clone(schema))
    }

    fn set_latest(&mut self, jsonb: &[u8], schema: &Rc<CompiledSchema>) {
        self.latest.truncate(MOST_LATEST - 1);
        self.latest.push_front((jsonb.into(), Rc::clone(schema)));
    }

    fn keep(&mut self, digest: String, length: usize, schema: &Rc<CompiledSchema>) {
        if self.schemas.len() >= MOST_KEPT || self.bytes + length > MOST_KEPT_BYTES {
            *self = Kept::default();
        }
        self.bytes += length;
        self.schemas.insert(digest, Rc::clone(schema));
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// The schema, ready for use.
fn compiled(schema: &Stored) -> Outcome<Rc<CompiledSchema>> {
    let jsonb = schema.bytes();
    if let Some(latest) = KEPT.with_borrow_mut(|kept| kept.latest(jsonb)) {
        return Ok(latest);
    }
    let digest = canonical::sha256(jsonb);
    let known = KEPT.with_borrow(|kept| kept.schemas.get(&digest).cloned());
    let compiled = match &known {
        Some(known) => Rc::clone(known),
        None => Rc::new(compile(schema.text()?)?),
    };
    KEPT.with_borrow_mut(|kept| {
        if known.is_none() {
            kept.keep(digest, jsonb.len(), &compiled);
        }
        kept.set_latest(jsonb, &compiled);
    });
    Ok(compiled)
}

fn compile(schema: &str) -> Outcome<CompiledSchema> {
    CompiledSchema::new(parse(schema, LONGEST_SCHEMA)?).map_err(|violation| {
        Stop::from(
            Problem::from(ErrorCode::SchemaUnusable)
                .with("pointer", violation.pointer)
                .with("keyword", violation.keyword)
                .with("expected", violation.expected)
                .with("got", violation.got),
        )
    })
}
