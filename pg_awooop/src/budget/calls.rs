//! Calls under way within a run: each holds a part of what the run holds.

use awooop_policy::budget::{Amount, Ceiling, Who};
use awooop_policy::error::ErrorCode;
use pgrx::spi::SpiTupleTable;
use serde_json::json;
use uuid::Uuid;

use super::chunk::{self, Cause};
use super::escrow::{self, Escrow, OfRun};
use super::guard::{own, own_run};
use super::ledger::{self, Act, Entry};
use super::reserve::{Request, ensure_priced};
use super::switches;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::runs::{self, Held};
use crate::statement::{column, pg_uuid, statements, uuid_column};

macro_rules! call_columns {
    () => {
        "reservation_id, escrow_id, kind, principal_id, tokens, micro_usd, request_digest, outcome, used_tokens,
         used_micro_usd"
    };
}

statements! {
    INSERT: writing [TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, INT8OID, INT8OID, TEXTOID, BYTEAOID] =
        "insert into awooop.budget_reservation (project_id, reservation_id, escrow_id, kind, principal_id, tokens, micro_usd,
                                                idempotency_key, request_digest, reserved_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp())";
    BY_KEY: reading [TEXTOID, UUIDOID, TEXTOID] = concat!(
        "select ", call_columns!(), " from awooop.budget_reservation
         where project_id = $1 and escrow_id = $2 and idempotency_key = $3");
    // Writing, for a snapshot of after the run's lock.
    FIND: writing [TEXTOID, UUIDOID] = concat!(
        "select ", call_columns!(), " from awooop.budget_reservation where project_id = $1 and reservation_id = $2");
    CLOSE: writing [TEXTOID, UUIDOID, TEXTOID, INT8OID, INT8OID] =
        "update awooop.budget_reservation
         set closed_at = clock_timestamp(), outcome = $3, used_tokens = $4, used_micro_usd = $5
         where project_id = $1 and reservation_id = $2 and closed_at is null
         returning reservation_id";
    EXPIRE: writing [TEXTOID, UUIDOID] =
        "update awooop.budget_reservation
         set closed_at = clock_timestamp(), outcome = 'expired', used_tokens = tokens, used_micro_usd = micro_usd
         where project_id = $1 and escrow_id = $2 and closed_at is null
         returning reservation_id, tokens, micro_usd";
}

/// A call's reservation.
pub(super) struct Call {
    pub(super) reservation_id: Uuid,
    /// The run's.
    pub(super) escrow_id: Uuid,
    pub(super) kind: String,
    pub(super) amount: Amount,
    request_digest: Vec<u8>,
    pub(super) outcome: Option<String>,
    pub(super) used: Amount,
}

impl Call {
    fn read(row: &SpiTupleTable) -> Result<Self, pgrx::spi::Error> {
        Ok(Call {
            reservation_id: uuid_column(row, 1)?,
            escrow_id: uuid_column(row, 2)?,
            kind: column(row, 3)?,
            amount: Amount { tokens: column(row, 5)?, micro_usd: column(row, 6)? },
            request_digest: column(row, 7)?,
            outcome: row.get(8)?,
            used: Amount { tokens: column(row, 9)?, micro_usd: column(row, 10)? },
        })
    }

    fn shown(&self, created: bool) -> String {
        json!({
            "reservation_id": self.reservation_id, "run_id": self.escrow_id, "kind": self.kind,
            "tokens": self.amount.tokens, "micro_usd": self.amount.micro_usd, "expires_at": null, "created": created
        })
        .to_string()
    }
}

/// The reservation of that id, if it is a call's.
pub(super) fn find(project_id: &str, reservation_id: Uuid) -> Outcome<Option<Call>> {
    FIND.with(|s| s.row(&[project_id.into(), pg_uuid(reservation_id).into()], Call::read))
}

/// `reserve_budget` within a run, for the worker that holds it.
pub(super) fn reserve(caller: &Caller, run_id: Uuid, lease: &str, request: &Request) -> Outcome<Answer> {
    let held = runs::hold_for_budget(caller, run_id, lease)?;
    if let Some(key) = request.key {
        let parameters = [caller.project_id.as_str().into(), pg_uuid(run_id).into(), key.into()];
        match BY_KEY.with(|s| s.row(&parameters, Call::read))? {
            Some(first) if first.request_digest == request.digest => return Ok(Answer::ok(first.shown(false))),
            Some(_) => return fault(ErrorCode::BudgetKey),
            None => {}
        }
    }
    Ok(Answer::created(hold(caller, run_id, &held, request)?.shown(true)))
}

/// Holds what a request names of what its run holds. The run is held.
pub(super) fn hold(caller: &Caller, run_id: Uuid, held: &Held, request: &Request) -> Outcome<Call> {
    let project_id = caller.project_id.as_str();
    let target = run_id.to_string();
    let who = Who { agent_id: &held.agent_id, subject_id: &held.platform_subject_id, run_id: Some(&target) };
    switches::ensure_on(project_id, &who)?;
    ensure_priced(caller, &who, &request.priced)?;
    let of_run = OfRun {
        run_id,
        agent_id: &held.agent_id,
        platform_subject_id: &held.platform_subject_id,
        trace_id: &held.trace_id,
    };
    let mut escrow = escrow::of_run(caller, &of_run)?;
    let amount = request.priced.amount;
    chunk::top_up(caller, &mut escrow, amount, Ceiling::Flight, Cause::Wanted)?;
    let call = Call {
        reservation_id: Uuid::now_v7(),
        escrow_id: run_id,
        kind: request.kind.to_owned(),
        amount,
        request_digest: request.digest.to_vec(),
        outcome: None,
        used: Amount::ZERO,
    };
    escrow.reserved = escrow.reserved.plus(amount);
    let entry = Entry {
        reservation_id: Some(call.reservation_id),
        idempotency_key: request.key,
        priced: Some(&request.priced),
        ..Entry::of(Act::Reserve, amount)
    };
    ledger::append(caller, &mut escrow, &entry)?;
    escrow.save(project_id)?;
    let parameters = [
        project_id.into(),
        pg_uuid(call.reservation_id).into(),
        pg_uuid(run_id).into(),
        call.kind.as_str().into(),
        caller.principal_id.as_str().into(),
        amount.tokens.into(),
        amount.micro_usd.into(),
        request.key.into(),
        request.digest.as_slice().into(),
    ];
    own_run(&INSERT, &parameters)?;
    Ok(call)
}

/// Ends a call's reservation. Its escrow is locked. False where it has ended already.
pub(super) fn close(project_id: &str, reservation_id: Uuid, outcome: &str, used: Amount) -> Outcome<bool> {
    let parameters =
        [project_id.into(), pg_uuid(reservation_id).into(), outcome.into(), used.tokens.into(), used.micro_usd.into()];
    Ok(own_run(&CLOSE, &parameters)? > 0)
}

/// Books every open call of an escrow whole: what nobody reports on may have been used.
pub(super) fn expire_open(caller: &Caller, escrow: &mut Escrow) -> Outcome<()> {
    if escrow.reserved.is_zero() {
        return Ok(());
    }
    let parameters = [caller.project_id.as_str().into(), pg_uuid(escrow.escrow_id).into()];
    let open = own(&EXPIRE, &parameters, |row| {
        Ok((uuid_column(row, 1)?, Amount { tokens: column(row, 2)?, micro_usd: column(row, 3)? }))
    })?;
    for (reservation_id, amount) in open {
        escrow.reserved = escrow.reserved.minus(amount);
        escrow.spent = escrow.spent.plus(amount);
        let entry = Entry {
            reserved: Amount::ZERO.minus(amount),
            spent: amount,
            reservation_id: Some(reservation_id),
            ..Entry::of(Act::Expire, amount)
        };
        ledger::append(caller, escrow, &entry)?;
    }
    Ok(())
}
