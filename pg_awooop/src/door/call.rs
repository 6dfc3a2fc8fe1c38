//! The gateway's door: `awooop.call` authenticates, binds, checks and runs one operation in one statement.

use awooop_policy::argument::{self, Arguments};
use awooop_policy::channel::signature::is_signature;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::operation::Operation;
use awooop_policy::trace::TraceParent;
use pgrx::prelude::*;
use serde_json::{Map, Value};

use super::{Answer, perform};
use crate::authentication::{self, Verdict};
use crate::caller::OfLease;
use crate::channels;
use crate::fault::{Outcome, fault, or_raise};
use crate::tenant;

extension_sql!(
    r#"
-- The gateway's one statement. Its result is a row, not a set: nothing is materialised on the way out.
create function awooop.call(project_id text, credential text, operation text, args text default '{}',
                            traceparent text default null, out status integer, out body text)
    language c volatile parallel unsafe security definer
    set search_path to pg_catalog, pg_temp
    as 'MODULE_PATHNAME', 'awooop_call';
"#,
    name = "call"
);

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C-unwind" fn pg_finfo_awooop_call() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// The C entry point of `awooop.call`.
///
/// # Safety
/// PostgreSQL calls it with the arguments the SQL declaration above names.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn awooop_call(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the SQL declaration gives five text arguments.
    let text = |n| unsafe { pgrx::pg_getarg::<String>(fcinfo, n) };
    let answer = or_raise(call(
        &text(0).unwrap_or_default(),
        &text(1).unwrap_or_default(),
        &text(2).unwrap_or_default(),
        text(3).as_deref().unwrap_or("{}"),
        text(4).as_deref(),
    ));
    // SAFETY: PostgreSQL gives the row type of the declaration; both datums live in this call's memory context.
    unsafe {
        let mut descriptor: pg_sys::TupleDesc = std::ptr::null_mut();
        pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut descriptor);
        let descriptor = pg_sys::BlessTupleDesc(descriptor);
        let mut nulls = [false, false];
        let mut values = [answer.status.into_datum(), answer.body.into_datum()]
            .map(|datum| datum.unwrap_or(pg_sys::Datum::from(0usize)));
        let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)
    }
}

fn call(
    project_id: &str,
    credential: &str,
    operation: &str,
    arguments: &str,
    traceparent: Option<&str>,
) -> Outcome<Answer> {
    tenant::ensure_current_snapshot()?;
    if tenant::current().is_some_and(|bound| bound != project_id) {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    // Set in any case: what this session left behind must not become this caller's trace.
    tenant::continue_trace(traceparent.filter(|trace| TraceParent::parse(trace).is_some()).unwrap_or_default());
    // What was signed is among the arguments.
    let (verdict, signed) = match is_signature(credential) {
        true => {
            let (verdict, members) = channels::prove_signed(project_id, credential, operation, arguments)?;
            (verdict, Some(members))
        }
        false => (authentication::by_credential(project_id, credential, operation)?, None),
    };
    let caller = match verdict {
        Verdict::Proven(caller) => caller,
        Verdict::Failed(problem) => return Ok(Answer::refusal(&problem)),
    };
    let Some(operation) = Operation::named(operation) else {
        return fault(Problem::from(ErrorCode::OperationUnknown));
    };
    let mut members = signed.map_or_else(|| argument::read(arguments), Ok)?;
    if let Some(run) = &caller.run {
        name_the_run(operation, run, &mut members)?;
    }
    let arguments = Arguments::check(operation.arguments, members)?;
    perform(operation, &caller, &arguments)
}

/// Whoever shows a lease works in its run: there it need not be named, and no other may be.
fn name_the_run(operation: &Operation, run: &OfLease, members: &mut Map<String, Value>) -> Outcome<()> {
    let takes = |name: &str| operation.arguments.iter().any(|argument| argument.name == name);
    let run_id = run.run_id.as_hyphenated().to_string();
    let named = members.get("run_id").and_then(Value::as_str).is_some_and(|named| !named.eq_ignore_ascii_case(&run_id));
    let lease = members.get("lease").and_then(Value::as_str).is_some_and(|lease| lease != run.lease.0);
    if named || lease {
        return fault(Problem::from(ErrorCode::RunLease));
    }
    for (name, value) in [("run_id", run_id.as_str()), ("lease", run.lease.0.as_str())] {
        if takes(name) && members.get(name).is_none_or(Value::is_null) {
            members.insert(name.to_owned(), value.into());
        }
    }
    Ok(())
}
