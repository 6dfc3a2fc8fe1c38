//! Maintenance: what time alone makes necessary. Run by a background worker where the library is preloaded and
//! `awooop.database` names the database, and by anyone who may call `awooop.maintain()`; both at once are safe.

use std::ffi::CString;
use std::time::Duration;

use awooop_policy::error::ErrorCode;
use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime, SignalWakeFlags};
use pgrx::prelude::*;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};
use serde_json::json;

use crate::anomalies;
use crate::approvals;
use crate::audit;
use crate::budget;
use crate::caller::{Caller, Login};
use crate::channels;
use crate::fault::{Outcome, fault, or_raise};
use crate::partitions;
use crate::runs;
use crate::sessions;
use crate::shadow;
use crate::statement::{column, pg_uuid, statements, uuid_column};
use crate::tenant;
use crate::turn;

static DATABASE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static INTERVAL_SECONDS: GucSetting<i32> = GucSetting::<i32>::new(5);

/// How long a failed authentication is kept, in days.
const FAILURES_KEPT_DAYS: i32 = 30;

statements! {
    EXPIRED: reading [INT4OID] = "select e.project_id, e.run_id from awooop.expired_runs($1) e";
    // A row that somebody holds is left to a later round: nobody may stall retention. The lease goes with its run.
    DELETE_RUN: writing [TEXTOID, UUIDOID] =
        "delete from awooop.run_state s
         using (select run_id from awooop.run_state
                where project_id = $1 and run_id = $2 and retain_until <= clock_timestamp()
                for update skip locked) free
         where s.project_id = $1 and s.run_id = free.run_id
           and exists (select from awooop.run_lease where project_id = $1 and run_id = $2)
               = exists (select from (select from awooop.run_lease where project_id = $1 and run_id = $2
                                      for update skip locked) l)
         returning s.run_id";
    FORGET_FAILURES: writing [INT4OID] =
        "with counts as (
             delete from awooop.failed_authentication where minute < now() - interval '1 day'
         )
         delete from awooop.failed_authentication_log where failed_at < now() - $1 * interval '1 day'
         returning id";
}

/// Defines the settings and registers the background worker.
pub(crate) fn register() {
    GucRegistry::define_string_guc(
        c"awooop.database",
        c"The database that the maintenance worker serves; empty for none.",
        c"Takes effect when the server starts with pg_awooop in shared_preload_libraries.",
        &DATABASE,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"awooop.maintenance_interval",
        c"Seconds between two rounds of the maintenance worker.",
        c"Bounds how long after its expiry a lease is handed on.",
        &INTERVAL_SECONDS,
        1,
        3600,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    // SAFETY: set by the postmaster while it loads preloaded libraries.
    if unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        BackgroundWorkerBuilder::new("awooop maintenance")
            .set_function("awooop_maintenance_main")
            .set_library("pg_awooop")
            .enable_spi_access()
            .set_start_time(BgWorkerStartTime::RecoveryFinished)
            .set_restart_time(Some(Duration::from_secs(10)))
            .load();
    }
}

/// The background worker. It becomes awooop_scheduler, which has no rights of its own beyond `maintain`, before its
/// first statement.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn awooop_maintenance_main(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    let Some(database) = DATABASE.get().and_then(|name| name.into_string().ok()).filter(|name| !name.is_empty()) else {
        return;
    };
    BackgroundWorker::connect_worker_to_spi(Some(&database), None);
    // What the database's owner set as its search path must not choose what this process runs.
    // SAFETY: constants that PostgreSQL copies.
    unsafe {
        pg_sys::SetConfigOption(
            c"search_path".as_ptr(),
            c"pg_catalog, pg_temp".as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_OVERRIDE,
        );
    }
    while BackgroundWorker::wait_latch(Some(Duration::from_secs(u64::from(INTERVAL_SECONDS.get().unsigned_abs())))) {
        if BackgroundWorker::sighup_received() {
            // SAFETY: what every worker does on SIGHUP.
            unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
        }
        BackgroundWorker::transaction(round);
    }
    // Told to end. Who ends without an error is never started again, and somebody may have ended this process alone; while the
    // server shuts down the postmaster starts nobody anyway.
    // SAFETY: no transaction is open, and nothing here waits to be dropped.
    unsafe { pg_sys::proc_exit(1) }
}

fn round() {
    // The extension may not be installed yet, or its tables not migrated.
    let Some(scheduler) = Login::named("awooop_scheduler") else {
        return;
    };
    // SAFETY: this process is a background worker: it has no client that could have set anything to return to.
    unsafe { scheduler.become_for_good() };
    // SAFETY: catalogue look-ups; what is missing is InvalidOid. Not by SQL: nothing but `maintain` runs here.
    let migrated = unsafe {
        let schema = pg_sys::get_namespace_oid(c"awooop".as_ptr(), true);
        schema != pg_sys::InvalidOid && pg_sys::get_relname_relid(c"audit_head".as_ptr(), schema) != pg_sys::InvalidOid
    };
    if migrated {
        // A failed round is logged by PostgreSQL, ends this process, and the postmaster starts it again.
        let _ = Spi::run("select awooop.maintain()");
    }
}

/// One round of maintenance: hand back stale runs, end reservations whose time is over, delete runs whose retention is over, make partitions ahead, forget
/// old failed authentications, seal audit rows and sign checkpoints. For operators, workers and the scheduler. Returns what it did as JSON.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn maintain() -> pgrx::JsonB {
    pgrx::JsonB(or_raise(maintain_once()))
}

fn maintain_once() -> Outcome<serde_json::Value> {
    if tenant::current().is_some() {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    turn::forget_stalled();
    // Before the reaper, which ends a run at its deadline: a request's time is never longer, and says why.
    let undecided = approvals::expire_due()?;
    let reaped = runs::reap_due(None)?;
    let expired = budget::expire_due()?;
    let told = channels::tell_due()?;
    let unsent = channels::expire_due_messages()?;
    let partitions = partitions::ensure()?;
    let deleted = delete_expired()?;
    let conversations =
        channels::forget_due()? + sessions::forget_due()? + anomalies::forget_due()? + shadow::forget_due()?;
    let forgotten = FORGET_FAILURES.with(|s| s.run(&[FAILURES_KEPT_DAYS.into()]))?;
    // Last, so that the rows of this round are sealed with it.
    let sealed = audit::seal_due()?;
    // After it: what this takes out of the pots it holds to the end.
    budget::maintain_platform()?;
    Ok(json!({
        "requeued": reaped.requeued, "timed_out": reaped.timed_out, "partitions_made": partitions,
        "reservations_expired": expired, "approvals_expired": undecided, "runs_deleted": deleted, "told_that_it_goes_on": told,
        "messages_expired": unsent, "conversations_forgotten": conversations, "failed_authentications_forgotten": forgotten, "audit_rows_sealed": sealed.rows,
        "checkpoints_signed": sealed.checkpoints
    }))
}

fn delete_expired() -> Outcome<i64> {
    turn::each_due(&EXPIRED, |project_id, run_id| {
        let gone = DELETE_RUN.with(|s| s.run(&[project_id.into(), pg_uuid(run_id).into()]))? > 0;
        if gone {
            budget::forget_closed(project_id)?;
            let platform = Caller::platform(project_id, "platform:retention");
            audit::done(&platform, "run_deleted", audit::Entry { run_id: Some(run_id), ..audit::Entry::default() })?;
        }
        Ok(gone)
    })
}

/// Runs whose retention is over, in all projects. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn expired_runs(at_most: i32) -> TableIterator<'static, (name!(project_id, String), name!(run_id, pgrx::Uuid))> {
    statements! {
        FIND: reading [INT4OID] =
            "select project_id, run_id from awooop.run_state where retain_until <= clock_timestamp()
             order by retain_until limit $1";
    }
    let expired = or_raise(
        FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, pg_uuid(uuid_column(row, 2)?))))),
    );
    TableIterator::new(expired)
}
