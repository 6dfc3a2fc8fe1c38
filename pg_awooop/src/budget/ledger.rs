//! The ledger: one appended entry for everything that happens to an escrow, with what it changes in the counters.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::Amount;
use uuid::Uuid;

use super::amounts::Priced;
use super::escrow::Escrow;
use super::terms::{at, now};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;
use crate::statement::{column, pg_uuid, rfc3339, statements};

statements! {
    APPEND: writing [TEXTOID, UUIDOID, TIMESTAMPTZOID, INT4OID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID,
                     TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
                     INT8OID, INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID] =
        "insert into awooop.budget_ledger (project_id, escrow_id, opened_at, seq, entry, run_id, reservation_id, agent_id,
                platform_subject_id, actor, trace_id, idempotency_key, window_at, recorded_at, tokens, micro_usd,
                reserved_tokens, reserved_micro_usd, spent_tokens, spent_micro_usd, overrun_tokens, overrun_micro_usd,
                model, input_tokens, cached_tokens, output_tokens, price_from, note)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25, $26, $27, $28)";
    LIST: reading [TEXTOID, UUIDOID, INT8OID, INT8OID] = concat!(
        "select json_build_object('seq', seq, 'entry', entry, 'run_id', run_id, 'reservation_id', reservation_id,
                    'agent_id', agent_id, 'platform_subject_id', platform_subject_id, 'actor', actor,
                    'trace_id', trace_id, 'idempotency_key', idempotency_key, 'window_at', ", rfc3339!("window_at"), ",
                    'recorded_at', ", rfc3339!("recorded_at"), ", 'tokens', tokens, 'micro_usd', micro_usd,
                    'reserved', json_build_object('tokens', reserved_tokens, 'micro_usd', reserved_micro_usd),
                    'spent', json_build_object('tokens', spent_tokens, 'micro_usd', spent_micro_usd),
                    'overrun', json_build_object('tokens', overrun_tokens, 'micro_usd', overrun_micro_usd),
                    'model', model, 'input_tokens', input_tokens, 'cached_tokens', cached_tokens,
                    'output_tokens', output_tokens, 'price_from', ", rfc3339!("price_from"), ", 'note', note)::text,
                seq::text
         from awooop.budget_ledger
         where project_id = $1 and escrow_id = $2 and seq > $3 order by seq limit $4");
}

/// What an entry does.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Reserve,
    Settle,
    Release,
    Expire,
    Adjust,
}

impl Act {
    const fn as_str(self) -> &'static str {
        match self {
            Act::Reserve => "reserve",
            Act::Settle => "settle",
            Act::Release => "release",
            Act::Expire => "expire",
            Act::Adjust => "adjust",
        }
    }
}

/// An entry that is about to be made.
pub(super) struct Entry<'a> {
    pub(super) act: Act,
    /// What it is about.
    pub(super) amount: Amount,
    /// What it changes in the counters.
    pub(super) reserved: Amount,
    pub(super) spent: Amount,
    pub(super) overrun: Amount,
    pub(super) reservation_id: Option<Uuid>,
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) priced: Option<&'a Priced<'a>>,
    /// The window it counts in; the escrow's where it is not given.
    pub(super) window_at: Option<i64>,
    pub(super) note: Option<&'a str>,
}

impl Entry<'_> {
    /// An entry that changes nothing but what is said further.
    pub(super) const fn of(act: Act, amount: Amount) -> Self {
        Entry {
            act,
            amount,
            reserved: Amount::ZERO,
            spent: Amount::ZERO,
            overrun: Amount::ZERO,
            reservation_id: None,
            idempotency_key: None,
            priced: None,
            window_at: None,
            note: None,
        }
    }
}

/// Appends an entry to an escrow, which is locked and will be saved.
pub(super) fn append(caller: &Caller, escrow: &mut Escrow, entry: &Entry) -> Outcome<()> {
    escrow.entries += 1;
    let usage = entry.priced.and_then(|priced| priced.usage);
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(escrow.escrow_id).into(),
        at(escrow.opened_at),
        escrow.entries.into(),
        entry.act.as_str().into(),
        escrow.run_id.map(pg_uuid).into(),
        entry.reservation_id.map(pg_uuid).into(),
        escrow.agent_id.as_str().into(),
        escrow.platform_subject_id.as_str().into(),
        caller.principal_id.as_str().into(),
        escrow.trace_id.as_str().into(),
        entry.idempotency_key.into(),
        at(entry.window_at.unwrap_or(escrow.window_at)),
        at(now()),
        entry.amount.tokens.into(),
        entry.amount.micro_usd.into(),
        entry.reserved.tokens.into(),
        entry.reserved.micro_usd.into(),
        entry.spent.tokens.into(),
        entry.spent.micro_usd.into(),
        entry.overrun.tokens.into(),
        entry.overrun.micro_usd.into(),
        entry.priced.and_then(|priced| priced.model).into(),
        usage.map(|usage| usage.input_tokens).into(),
        usage.map(|usage| usage.cached_tokens).into(),
        usage.map(|usage| usage.output_tokens).into(),
        optional_at(entry.priced.and_then(|priced| priced.price_from)),
        entry.note.into(),
    ];
    APPEND.with(|s| s.run(&parameters)).map(drop)
}

/// A time as a parameter, or none.
pub(super) fn optional_at(micros: Option<i64>) -> pgrx::datum::DatumWithOid<'static> {
    micros.map_or_else(|| pgrx::datum::DatumWithOid::null_oid(pgrx::pg_sys::TIMESTAMPTZOID), at)
}

/// Operation `list_ledger`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let limit = arguments.integer("page_size");
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(arguments.uuid("escrow_id")).into(),
        arguments.integer("after_seq").into(),
        (limit + 1).into(),
    ];
    let rows = LIST.with(|s| s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    Ok(Answer::page(rows, limit))
}
