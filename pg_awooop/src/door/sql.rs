//! The SQL callers' door: one function of schema awooop for each operation, all with this one body.
//!
//! Their declarations (sql/operations.sql) are made from the list of operations by `cargo xtask docs`.

use awooop_policy::argument::{Arguments, Kind, MAX_ARGUMENTS, violation};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::operation::Operation;
use pgrx::prelude::*;
use serde_json::{Map, Value};

use super::{Answer, perform};
use crate::authentication::{self, Verdict};
use crate::caller::{self, Login};
use crate::channels;
use crate::directory;
use crate::fault::{Outcome, fault, or_raise};
use crate::runs;
use crate::statement::statements;
use crate::tenant;

extension_sql_file!("../../sql/operations.sql", name = "operations");

statements! {
    TO_RFC3339: reading [TIMESTAMPTZOID] =
        "select to_char($1 at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') where $1 >= '0001-01-01 00:00:00+00'";
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C-unwind" fn pg_finfo_awooop_operation() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// The C entry point of every operation's SQL function; the function's name says which.
///
/// # Safety
/// PostgreSQL calls it with the arguments of sql/operations.sql, in the order of the operation's declaration.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn awooop_operation(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    let answer = or_raise(unsafe { enter(fcinfo) });
    // JSON has no raw NUL, and what we answer is JSON; jsonb_in would refuse anything else.
    let body = std::ffi::CString::new(answer.body).unwrap_or_default();
    // SAFETY: jsonb_in takes a C string, which lives through the call.
    unsafe { pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(body.as_ptr().into())]) }
        .unwrap_or(pg_sys::Datum::from(0usize))
}

unsafe fn enter(fcinfo: pg_sys::FunctionCallInfo) -> Outcome<Answer> {
    // SAFETY: flinfo is set in every call through the function manager.
    let name = unsafe {
        let name = pg_sys::get_func_name((*(*fcinfo).flinfo).fn_oid);
        if name.is_null() { String::new() } else { std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned() }
    };
    let Some(operation) = Operation::named(&name) else {
        return fault(ErrorCode::OperationUnknown);
    };
    tenant::ensure_current_snapshot()?;
    let mut members = Map::new();
    for (n, argument) in operation.arguments.iter().enumerate() {
        // A declaration older than the library has fewer arguments; the rest have their defaults.
        // SAFETY: n is below nargs, and the datum has the SQL type that belongs to the kind.
        let given = unsafe {
            if n < usize::try_from((*fcinfo).nargs).unwrap_or_default() {
                value(fcinfo, n, argument.kind)?
            } else {
                None
            }
        };
        if let Some(value) = given {
            members.insert(argument.name.to_owned(), value);
        }
    }
    let arguments = Arguments::check(operation.arguments, members)?;
    let login = Login::of_session();
    let bound = tenant::current();
    // A platform worker belongs to no project: it claims in any, and a lease it got binds it to that lease's project.
    let as_worker = login.is_worker()
        && match &bound {
            None => true,
            Some(project_id) => directory::binding(project_id, &login.name())?.is_none(),
        };
    if as_worker && operation.name == "claim_runs" {
        return match &bound {
            None => runs::claim_across_projects(&arguments),
            Some(project_id) => runs::claim_as_worker(project_id, &arguments),
        };
    }
    if as_worker && operation.name == "claim_messages" {
        return match &bound {
            None => channels::across_projects(&arguments),
            Some(project_id) => channels::in_bound_project(project_id, &arguments),
        };
    }
    if let (true, Some(lease)) = (as_worker, arguments.optional_text("lease")) {
        let proven = match operation.name {
            "mark_message" => authentication::by_message_lease(lease, operation.name)?,
            _ => authentication::by_lease(lease, operation.name)?,
        };
        return match proven {
            Verdict::Proven(caller) => perform(operation, &caller, &arguments),
            Verdict::Failed(problem) => Ok(Answer::refusal(&problem)),
        };
    }
    perform(operation, &caller::of_session(operation.name)?, &arguments)
}

unsafe fn value(fcinfo: pg_sys::FunctionCallInfo, n: usize, kind: Kind) -> Outcome<Option<Value>> {
    // SAFETY: each arm reads the SQL type that `cargo xtask docs` declares for the kind.
    unsafe {
        Ok(match kind {
            Kind::Text { .. } | Kind::Word(_) => pgrx::pg_getarg::<String>(fcinfo, n).map(Value::from),
            Kind::Uuid => pgrx::pg_getarg::<pgrx::Uuid>(fcinfo, n)
                .map(|id| uuid::Uuid::from_bytes(*id.as_bytes()).as_hyphenated().to_string().into()),
            Kind::Time => match pgrx::pg_getarg::<TimestampWithTimeZone>(fcinfo, n) {
                // Infinity and years before Christ have no RFC 3339 form: as an empty text they are refused as a time.
                Some(time) => {
                    let text = TO_RFC3339.with(|s| s.row(&[time.into()], |row| row.get::<String>(1)))?;
                    Some(text.flatten().unwrap_or_default().into())
                }
                None => None,
            },
            Kind::Integer { max, .. } if max > i64::from(i32::MAX) => {
                pgrx::pg_getarg::<i64>(fcinfo, n).map(Value::from)
            }
            Kind::Integer { .. } => pgrx::pg_getarg::<i32>(fcinfo, n).map(Value::from),
            Kind::Boolean => pgrx::pg_getarg::<bool>(fcinfo, n).map(Value::from),
            Kind::TextList { .. } | Kind::WordList { .. } => {
                pgrx::pg_getarg::<Vec<Option<String>>>(fcinfo, n).map(Value::from)
            }
            Kind::Document { max_bytes } => match pgrx::pg_getarg::<String>(fcinfo, n) {
                Some(text) => Some(awooop_contracts::parse(&text, max_bytes).map_err(violation)?),
                None => None,
            },
            Kind::Tags | Kind::Counts | Kind::Object | Kind::Json { .. } => match pgrx::pg_getarg_datum(fcinfo, n) {
                Some(datum) => Some(json(datum)?),
                None => None,
            },
        })
    }
}

/// A `jsonb` argument. By way of its text: a numeric that JSON readers cannot hold must be refused, not panicked on.
unsafe fn json(datum: pg_sys::Datum) -> Outcome<Value> {
    // SAFETY: the datum is a jsonb; jsonb_out returns a C string in the database's encoding, which is UTF-8.
    let text = unsafe { pgrx::direct_function_call::<&std::ffi::CStr>(pg_sys::jsonb_out, &[Some(datum)]) };
    let Some(text) = text.and_then(|text| text.to_str().ok()) else {
        return fault(ErrorCode::InputNotJson);
    };
    awooop_contracts::parse(text, MAX_ARGUMENTS).map_err(|v| Problem::into(violation(v)))
}
