//! What a call of a tool takes of budgets: reserved when it begins, settled when it ends, given back where nothing was sent.

use awooop_policy::budget::{Amount, Who};
use awooop_policy::envelope::Envelope;
use awooop_policy::error::{ErrorCode, Problem};
use uuid::Uuid;

use super::amounts::Priced;
use super::calls;
use super::platform;
use super::reserve::{self, Request};
use super::settle::{self, book};
use super::sight;
use super::switches;
use super::terms;
use crate::caller::Caller;
use crate::fault::{Outcome, Stop, fault};
use crate::runs::Held;

/// Where the call is made.
pub(crate) enum Place<'a> {
    /// In a run that somebody holds.
    Run(Uuid, &'a Held),
    /// Outside of one; what nobody reports on within so many seconds is booked whole.
    Outside(&'a Envelope, i64),
}

/// What such reservations are of. No caller can name it: only the end of its call ends one.
pub(super) const KIND: &str = "mcp:call";

fn priced(micro_usd: i64) -> Priced<'static> {
    Priced { amount: Amount { tokens: 0, micro_usd }, cost_known: true, model: None, usage: None, price_from: None }
}

/// Reserves what a call costs; the reservation. A call that costs nothing needs room all the same.
pub(crate) fn reserve(caller: &Caller, place: &Place, micro_usd: i64) -> Outcome<Option<Uuid>> {
    let project_id = caller.project_id.as_str();
    if micro_usd == 0 {
        let run = match place {
            Place::Run(run_id, _) => Some(run_id.to_string()),
            Place::Outside(..) => None,
        };
        let (agent_id, subject_id) = match place {
            Place::Run(_, held) => (&held.agent_id, &held.platform_subject_id),
            Place::Outside(envelope, _) => (&envelope.agent_id, &envelope.platform_subject_id),
        };
        let who = Who { agent_id, subject_id, run_id: run.as_deref() };
        switches::ensure_on(project_id, &who)?;
        let known = terms::known(project_id)?;
        platform::ensure_something_left(&known, terms::now())?;
        if !known.limits.is_empty() {
            sight::ensure_something_left(project_id, &who)?;
        }
        return Ok(None);
    }
    let request = Request { priced: priced(micro_usd), kind: KIND, key: None, digest: [0; 32] };
    match place {
        Place::Run(run_id, held) => Ok(Some(calls::hold(caller, *run_id, held, &request)?.reservation_id)),
        Place::Outside(envelope, seconds) => match reserve::open(caller, envelope, &request, *seconds)? {
            Some(opened) => Ok(Some(opened.escrow_id)),
            None => fault(ErrorCode::SystemRetry),
        },
    }
}

/// What was booked of a call's reservation that has ended already: its run was given up, or took too long. Nothing where it is
/// still there; then it is for as long as the transaction lasts.
pub(crate) fn ended(caller: &Caller, reservation_id: Uuid, is_whole_run: bool) -> Outcome<Option<i64>> {
    if is_whole_run {
        return settle::ended_outside(caller, reservation_id).map(|used| used.map(|used| used.micro_usd));
    }
    let call = calls::find(&caller.project_id, reservation_id)?;
    Ok(call.filter(|call| call.outcome.is_some()).map(|call| call.used.micro_usd))
}

/// Books what a call cost: of its reservation, which has not ended, else of what its run holds.
pub(crate) fn settle(
    caller: &Caller,
    reservation_id: Option<Uuid>,
    (run_id, held): (Uuid, &Held),
    is_whole_run: bool,
    micro_usd: i64,
) -> Outcome<()> {
    let priced = priced(micro_usd);
    match reservation_id {
        Some(reservation_id) if is_whole_run => settle::settle_if_open(caller, reservation_id, &priced),
        Some(reservation_id) => match calls::find(&caller.project_id, reservation_id)? {
            Some(call) if call.outcome.is_none() => {
                book(caller, run_id, held, call.amount, Some(&call), &priced, None).map(drop)
            }
            _ => Ok(()),
        },
        None if micro_usd == 0 => Ok(()),
        None => book(caller, run_id, held, Amount::ZERO, None, &priced, None).map(drop),
    }
}

/// Gives back what a call that was never sent had reserved.
pub(crate) fn release(caller: &Caller, reservation_id: Uuid, run_id: Option<Uuid>) -> Outcome<()> {
    match run_id {
        Some(run_id) => settle::release_in_run(caller, reservation_id, run_id).map(drop),
        None => settle::release_outside(caller, reservation_id).map(drop),
    }
}

/// Which limit has no room for a call of that cost, by what has been committed, and without any effect.
pub(crate) fn lacks(caller: &Caller, agent_id: &str, subject_id: &str, micro_usd: i64) -> Outcome<Option<Problem>> {
    let who = Who { agent_id, subject_id, run_id: None };
    let known = terms::known(&caller.project_id)?;
    let need = Amount { tokens: 0, micro_usd };
    let checked = platform::ensure_something_left(&known, terms::now())
        .and_then(|()| sight::ensure_room(&caller.project_id, &who, need));
    match checked {
        Ok(()) => Ok(None),
        Err(Stop::Refused(problem)) => Ok(Some(problem)),
        Err(stop) => Err(stop),
    }
}
