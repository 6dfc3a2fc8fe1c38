//! Requests that nobody has decided in time: they end, and their runs with them.

use pgrx::prelude::*;
use uuid::Uuid;

use super::row::Request;
use crate::audit;
use crate::caller::Caller;
use crate::channels;
use crate::fault::{Outcome, or_raise};
use crate::runs;
use crate::statement::{column, pg_uuid, statements, uuid_column};
use crate::turn;

statements! {
    DUE: reading [INT4OID] = "select d.project_id, d.approval_id from awooop.due_approvals($1) d";
    OVERDUE: reading [TEXTOID, UUIDOID] =
        "select r.approval_id from awooop.approval_request r
         where r.project_id = $1 and r.run_id = $2 and r.approved_at is null and r.rejected_at is null
           and r.expired_at is null and r.cancelled_at is null and r.expires_at <= clock_timestamp()";
    EXPIRED: writing [TEXTOID, UUIDOID] =
        "update awooop.approval_request set expired_at = clock_timestamp() where project_id = $1 and approval_id = $2";
}

/// Ends a request, and its run. Both are locked.
pub(super) fn end(caller: &Caller, request: &Request) -> Outcome<()> {
    close(caller, request)?;
    runs::end_undecided(caller, request.entry(), request.approval_id)?;
    // After the run's own chat: whoever ends a run takes them in that order.
    channels::tell_of_approval(caller, request.approval_id)
}

fn close(caller: &Caller, request: &Request) -> Outcome<()> {
    EXPIRED.with(|s| s.run(&[caller.project_id.as_str().into(), pg_uuid(request.approval_id).into()]))?;
    audit::done(caller, "approval_expired", request.entry())
}

/// Ends the request of a run that nobody has decided in time, and the run with it, if there is one: the reaper comes to it first
/// where the deadline of both passes in the middle of a round. The run is locked.
pub(crate) fn expire_of_run(project_id: &str, run_id: Uuid) -> Outcome<bool> {
    let overdue = OVERDUE.with(|s| s.row(&[project_id.into(), pg_uuid(run_id).into()], |row| uuid_column(row, 1)))?;
    let Some(approval_id) = overdue else { return Ok(false) };
    let request = Request::lock(project_id, approval_id)?;
    if request.is_overdue() {
        end(&Caller::platform(project_id, "platform:approvals"), &request)?;
    }
    Ok(request.is_overdue())
}

/// Ends those whose time is over. Waits for nobody.
pub(crate) fn expire_due() -> Outcome<i64> {
    turn::each_due(&DUE, expire)
}

fn expire(project_id: &str, approval_id: Uuid) -> Outcome<bool> {
    let Ok(run_id) = Request::find(project_id, approval_id).map(|request| request.run_id) else { return Ok(false) };
    if !runs::try_lock(project_id, run_id)? || !runs::can_end(project_id, run_id)? {
        return Ok(false);
    }
    // Whoever decides it holds the run, so nobody holds the request.
    let request = Request::lock(project_id, approval_id)?;
    if !request.is_overdue() {
        return Ok(false);
    }
    let platform = Caller::platform(project_id, "platform:approvals");
    if runs::has_finished(project_id, run_id)? {
        // By somebody's hand, past the engine: there is nothing else to end.
        close(&platform, &request)?;
        channels::tell_of_approval(&platform, request.approval_id)?;
    } else {
        end(&platform, &request)?;
    }
    Ok(true)
}

/// Requests whose time is over, in all projects. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn due_approvals(at_most: i32) -> TableIterator<'static, (name!(project_id, String), name!(approval_id, pgrx::Uuid))> {
    statements! {
        FIND: reading [INT4OID] =
            "select r.project_id, r.approval_id from awooop.approval_request r
             where r.approved_at is null and r.rejected_at is null and r.expired_at is null and r.cancelled_at is null
               and r.expires_at <= clock_timestamp()
             order by r.expires_at limit $1";
    }
    let due =
        or_raise(FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, uuid_column(row, 2)?)))));
    TableIterator::new(due.into_iter().map(|(project_id, approval_id)| (project_id, pg_uuid(approval_id))))
}
