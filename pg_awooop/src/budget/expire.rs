//! Reservations whose time is over, and escrows that nobody asks about any more.

use awooop_policy::budget::Amount;
use pgrx::prelude::*;
use uuid::Uuid;

use super::escrow;
use super::guard::own_run;
use super::lanes;
use super::ledger::{self, Act, Entry};
use super::terms;
use crate::audit;
use crate::caller::Caller;
use crate::fault::{Outcome, or_raise};
use crate::statement::{column, pg_uuid, statements, uuid_column};
use crate::turn;

statements! {
    DUE: reading [INT4OID] = "select d.project_id, d.escrow_id from awooop.due_reservations($1) d";
    // Whoever holds one is asking about it: it has its turn in another round.
    FORGET: writing [TEXTOID] =
        "with over as (
             select e.escrow_id from awooop.budget_escrow e
             where e.project_id = $1 and e.closed_at is not null and not exists
                   (select from awooop.run_state s where s.project_id = e.project_id and s.run_id = e.escrow_id)
               and e.closed_at < clock_timestamp() - (select p.retention_days from awooop.projects p
                                                      where p.project_id = $1) * interval '1 day'
             for update skip locked
         ), gone as (
             delete from awooop.budget_escrow e using over o where e.project_id = $1 and e.escrow_id = o.escrow_id
             returning e.escrow_id
         )
         delete from awooop.budget_reservation r using gone g where r.project_id = $1 and r.escrow_id = g.escrow_id";
}

/// Ends the reservations outside of runs whose time is over: what nobody has reported on is booked whole.
pub(crate) fn expire_due() -> Outcome<i64> {
    turn::each_due(&DUE, expire)
}

fn expire(project_id: &str, escrow_id: Uuid) -> Outcome<bool> {
    // Whoever holds it is settling it, or wants to stall us: it has its turn in the next round.
    let Some(mut escrow) = escrow::try_lock(project_id, escrow_id)? else { return Ok(false) };
    let is_due = escrow.expires_at.is_some_and(|expires_at| expires_at <= terms::now());
    if escrow.is_closed || !is_due || !lanes::is_free(project_id, escrow.lane)? {
        return Ok(false);
    }
    let platform = Caller::platform(project_id, "platform:budget");
    let whole = escrow.free();
    escrow.spent = escrow.spent.plus(whole);
    let entry = Entry {
        reserved: Amount::ZERO.minus(whole),
        spent: whole,
        reservation_id: Some(escrow_id),
        ..Entry::of(Act::Expire, whole)
    };
    ledger::append(&platform, &mut escrow, &entry)?;
    escrow.give_back(&platform)?;
    escrow.outcome = Some("expired".to_owned());
    escrow.save(project_id)?;
    let entry = audit::Entry {
        trace_id: Some(&escrow.trace_id),
        agent_id: Some(&escrow.agent_id),
        platform_subject_id: Some(&escrow.platform_subject_id),
        ..audit::Entry::default()
    };
    let entry = entry.with("reservation_id", escrow_id.to_string()).with("booked", whole.to_json());
    audit::done(&platform, "reservation_expired", entry)?;
    Ok(true)
}

/// Forgets escrows that have been closed for as long as the project keeps its runs. The ledger stays.
pub(crate) fn forget_closed(project_id: &str) -> Outcome<()> {
    own_run(&FORGET, &[project_id.into()]).map(drop)
}

/// Reservations outside of runs whose time is over, in all projects. Belongs to awooop_scheduler; it hands out ids only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn due_reservations(at_most: i32) -> TableIterator<'static, (name!(project_id, String), name!(escrow_id, pgrx::Uuid))> {
    statements! {
        FIND: reading [INT4OID] =
            "select project_id, escrow_id from awooop.budget_escrow
             where closed_at is null and expires_at <= clock_timestamp() order by expires_at limit $1";
    }
    let due = or_raise(
        FIND.with(|s| s.rows(&[at_most.into()], |row| Ok((column::<String>(row, 1)?, pg_uuid(uuid_column(row, 2)?))))),
    );
    TableIterator::new(due)
}
