//! The tenant context: one project a transaction, bound by the extension alone.
//!
//! The binding is the setting `awooop.project_id`, which no plain role can set and which ends with the transaction
//! (savepoints included). Row-level security reads it through [`current_project_id`]; no context, no rows.

use std::ffi::{CStr, CString};

use awooop_policy::error::ErrorCode;
use awooop_policy::name::{MAX_ID, NameRule};
use awooop_policy::trace::TraceParent;
use pgrx::prelude::*;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

use crate::caller::{self, Login, Standing};
use crate::directory;
use crate::fault::{Outcome, fault, or_raise};

static PROJECT_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static TRACEPARENT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

const PROJECT_ID_NAME: &CStr = c"awooop.project_id";
const TRACEPARENT_NAME: &CStr = c"awooop.traceparent";

pub(crate) fn define_settings() {
    GucRegistry::define_string_guc(
        PROJECT_ID_NAME,
        c"The project this transaction is bound to.",
        c"Set by awooop.enter_project and awooop.call; a superuser pins a login with awooop.bind_role.",
        &PROJECT_ID,
        GucContext::Suset,
        GucFlags::NO_RESET_ALL | GucFlags::DISALLOW_IN_FILE,
    );
    GucRegistry::define_string_guc(
        TRACEPARENT_NAME,
        c"The W3C traceparent that envelopes of this session continue.",
        c"An invalid one is ignored.",
        &TRACEPARENT,
        GucContext::Userset,
        GucFlags::default(),
    );
}

/// Makes every other `awooop.…` setting an error, so that a misspelt one is noticed.
pub(crate) fn reserve_prefix() {
    // SAFETY: the argument is a NUL-terminated constant that PostgreSQL copies.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"awooop".as_ptr()) };
}

/// The project this transaction is bound to.
pub(crate) fn current() -> Option<String> {
    non_empty(&PROJECT_ID)
}

/// The traceparent the caller came with, as it was set; any text.
pub(crate) fn traceparent() -> Option<String> {
    non_empty(&TRACEPARENT)
}

/// The trace the caller came with, in its canonical form; `None` where what was set is no traceparent. What is stored
/// comes from here: the setting is the caller's to fill with anything.
pub(crate) fn trace() -> Option<String> {
    TraceParent::parse(&traceparent()?).map(|trace| trace.to_string())
}

fn non_empty(setting: &GucSetting<Option<CString>>) -> Option<String> {
    // After a commit a custom setting reads as '', not as absent.
    setting.get().and_then(|text| text.into_string().ok()).filter(|text| !text.is_empty())
}

/// Refuses a transaction that looks at the database as it was: what was revoked since must not be believed.
pub(crate) fn ensure_current_snapshot() -> Outcome<()> {
    // SAFETY: a backend-local variable.
    if unsafe { pg_sys::XactIsoLevel } > pg_sys::XACT_READ_COMMITTED as i32 {
        return fault(ErrorCode::TenantIsolation);
    }
    Ok(())
}

/// Binds the transaction to a project whose right the caller has proved.
pub(crate) fn bind(project_id: &str) {
    set_local(PROJECT_ID_NAME, project_id);
}

/// Takes the binding back: the right was not proved after all, or another project's turn comes. What was bound
/// `before` stays bound: a transaction serves one project.
pub(crate) fn rebind(before: Option<&str>) {
    set_local(PROJECT_ID_NAME, before.unwrap_or_default());
}

/// Takes the binding back where nothing was bound before.
pub(crate) fn unbind() {
    rebind(None);
}

/// Makes `traceparent` the one this transaction continues.
pub(crate) fn continue_trace(traceparent: &str) {
    set_local(TRACEPARENT_NAME, traceparent);
}

/// Does something for `project_id` on the platform's behalf, and leaves the binding as it was.
pub(crate) fn within<T>(project_id: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let before = current().unwrap_or_default();
    bind(project_id);
    let outcome = work();
    // A raised error needs no undoing: it rolls the setting back with everything else.
    set_local(PROJECT_ID_NAME, &before);
    outcome
}

/// Gives a setting a value until the transaction ends.
pub(crate) fn set_local(name: &CStr, value: &str) {
    // A value with a NUL cannot come from PostgreSQL's text; it would bind nothing.
    let Ok(value) = CString::new(value) else { return };
    // SAFETY: both strings live through the call, which copies them; GUC_ACTION_LOCAL ends with the transaction.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

extension_sql!(
    r#"
-- The project of this transaction, or NULL; every policy reads it. STABLE, not IMMUTABLE: a plan that folded it would
-- show one tenant's rows to the next.
create function awooop.current_project_id() returns text
    language c stable parallel safe
    as 'MODULE_PATHNAME', 'awooop_current_project_id';
comment on function awooop.current_project_id() is 'The project this transaction is bound to, or NULL.';
"#,
    name = "current_project_id"
);

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C-unwind" fn pg_finfo_awooop_current_project_id() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// The C entry point of `awooop.current_project_id()`. A policy calls it several times a row, so it copies the setting
/// once, into the result.
///
/// # Safety
/// PostgreSQL calls it without arguments.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn awooop_current_project_id(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the setting is NULL or a C string that lives at least until it is set again.
    unsafe {
        let project_id = *PROJECT_ID.as_ptr();
        if project_id.is_null() || *project_id == 0 {
            return pgrx::pg_return_null(fcinfo);
        }
        pg_sys::Datum::from(pg_sys::cstring_to_text(project_id))
    }
}

/// Binds this transaction to `project_id`; the login must be bound to it (`awooop.bind_role`), or be an operator or a
/// superuser. Returns the project id. Entering the same project again changes nothing.
///
/// Runs with its caller's rights: who has entered before in this session is known without a look at a table, and only
/// the first time goes on to [`prove_right`].
#[pg_extern(volatile, parallel_unsafe)]
fn enter_project(project_id: Option<&str>) -> String {
    or_raise(enter(project_id.unwrap_or_default()))
}

fn enter(project_id: &str) -> Outcome<String> {
    match current() {
        Some(bound) if bound == project_id => return Ok(bound),
        Some(_) => return fault(ErrorCode::TenantAlreadyBound),
        None => {}
    }
    if !NameRule::Id.admits(project_id) || project_id.len() > MAX_ID {
        // The same answer as for any project that is not the caller's.
        return fault(ErrorCode::TenantNotBound);
    }
    let login = Login::of_session();
    if directory::knows_binding(project_id, &login.name()) && !login.is_auditor() {
        bind(project_id);
    } else {
        // By its qualified name, with nothing else in the statement for a search path to change.
        Spi::connect(|client| client.select("select awooop.prove_right($1)", None, &[project_id.into()]).map(|_| ()))?;
    }
    Ok(project_id.to_owned())
}

/// Binds the transaction after a look at the bindings, or raises. Behind [`enter_project`]; nobody calls it directly,
/// and nothing is gained by it.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn prove_right(project_id: &str) {
    or_raise(prove(project_id));
}

fn prove(project_id: &str) -> Outcome<()> {
    if current().is_some_and(|bound| bound != project_id) {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    bind(project_id);
    let problem = match caller::standing_of_session("")? {
        Standing::Unknown => ErrorCode::TenantNotBound,
        Standing::Platform { project: None, .. } => ErrorCode::TenantUnavailable,
        _ => return Ok(()),
    };
    unbind();
    fault(problem)
}
