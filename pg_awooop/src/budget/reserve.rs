//! Reserving before work begins: outside of a run from the counters, within one from what the run holds.

use awooop_contracts::digest;
use awooop_policy::argument::Arguments;
use awooop_policy::budget::{Amount, Ceiling, Who};
use awooop_policy::envelope::Envelope;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::transparency::document::rfc3339;
use serde_json::{Value, json};
use uuid::Uuid;

use super::amounts::{self, Priced};
use super::calls;
use super::escrow::{self, Escrow};
use super::guard::own_run;
use super::lanes;
use super::ledger::optional_at;
use super::platform;
use super::sight::{Sight, Want};
use super::switches;
use super::terms;
use crate::agents;
use crate::audit::POSTGRES_EPOCH;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, Stop, fault, refuse};
use crate::statement::{pg_uuid, statements};
use crate::subtransaction::attempt;

/// What is held, and the entry that says so: both or, where the key is another's by now, neither.
macro_rules! book {
    ($conflict:literal) => {
        concat!(
            "with opened as (
                 insert into awooop.budget_escrow (project_id, escrow_id, opened_at, kind, agent_id, platform_subject_id,
                        trace_id, principal_id, lane, window_at, granted_tokens, granted_micro_usd, entries,
                        idempotency_key, request_digest, expires_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14, $15) ",
            $conflict,
            " returning escrow_id
             )
             insert into awooop.budget_ledger (project_id, escrow_id, opened_at, seq, entry, reservation_id, agent_id,
                    platform_subject_id, actor, trace_id, idempotency_key, window_at, recorded_at, tokens, micro_usd,
                    reserved_tokens, reserved_micro_usd, spent_tokens, spent_micro_usd, overrun_tokens,
                    overrun_micro_usd, model, input_tokens, cached_tokens, output_tokens, price_from)
             select $1, $2, $3, 1, 'reserve', $2, $5, $6, $8, $7, $13, $10, $10, $11, $12, $11, $12, 0, 0, 0, 0,
                    $16, $17, $18, $19, $20
             from opened"
        )
    };
}

statements! {
    BOOK: writing [TEXTOID, UUIDOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT2OID, TIMESTAMPTZOID,
                   INT8OID, INT8OID, TEXTOID, BYTEAOID, TIMESTAMPTZOID, TEXTOID, INT8OID, INT8OID, INT8OID,
                   TIMESTAMPTZOID] = book!("");
    BOOK_ONCE: writing [TEXTOID, UUIDOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT2OID,
                        TIMESTAMPTZOID, INT8OID, INT8OID, TEXTOID, BYTEAOID, TIMESTAMPTZOID, TEXTOID, INT8OID, INT8OID,
                        INT8OID, TIMESTAMPTZOID] = book!("on conflict do nothing");
}

/// What is asked for.
pub(super) struct Request<'a> {
    pub(super) priced: Priced<'a>,
    pub(super) kind: &'a str,
    pub(super) key: Option<&'a str>,
    /// What makes two requests the same, where there is a key.
    pub(super) digest: [u8; 32],
}

/// Operation `reserve_budget`.
pub(crate) fn reserve(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    if !caller.project.mode.is_on_platform() {
        return fault(ErrorCode::TenantUnavailable);
    }
    let envelope = Envelope::from_json(arguments.json("envelope"))?;
    if envelope.project_id != caller.project_id {
        return refuse(ErrorCode::TenantEnvelope);
    }
    let Some(priced) = amounts::named(&caller.project_id, arguments, terms::now())?.filter(|p| !p.amount.is_zero())
    else {
        return fault(
            Problem::from(ErrorCode::BudgetAmount)
                .with("expected", "an amount above nothing: tokens, micro_usd or usage"),
        );
    };
    let key = arguments.optional_text("idempotency_key");
    let digest = if key.is_some() { request_digest(&envelope, arguments)? } else { [0; 32] };
    let request = Request { priced, kind: arguments.text("kind"), key, digest };
    match envelope.run_id {
        Some(run_id) => calls::reserve(caller, run_id, arguments.text("lease"), &request),
        // A lease is a right in its run; whoever has no other has none outside of it.
        None if arguments.optional_text("lease").is_some() => refuse(ErrorCode::RunLease),
        None => outside(caller, &envelope, &request, arguments.integer("expires_seconds")),
    }
}

fn request_digest(envelope: &Envelope, arguments: &Arguments) -> Outcome<[u8; 32]> {
    let asked = ["tokens", "micro_usd", "model", "input_tokens", "cached_tokens", "output_tokens", "kind"];
    let asked: Vec<&Value> = asked.iter().map(|name| arguments.json(name)).collect();
    Ok(digest(&json!([envelope.agent_id, envelope.platform_subject_id, envelope.run_id, asked]))?)
}

/// Refuses what costs something that nobody has named, where money is limited.
pub(super) fn ensure_priced(caller: &Caller, who: &Who, priced: &Priced) -> Outcome<()> {
    if is_priced(&caller.project_id, who, priced)? {
        return Ok(());
    }
    refuse(Problem::from(ErrorCode::BudgetPrice).with("model", priced.model))
}

/// Whether somebody has named what it costs, or nobody limits money.
pub(super) fn is_priced(project_id: &str, who: &Who, priced: &Priced) -> Outcome<bool> {
    if priced.cost_known {
        return Ok(true);
    }
    let known = terms::known(project_id)?;
    Ok(!platform::limits_money(&known) && !known.set(project_id, who, terms::now())?.0.limits_money())
}

fn outside(caller: &Caller, envelope: &Envelope, request: &Request, expires_seconds: i64) -> Outcome<Answer> {
    if let Some(answer) = repeated(caller, request)? {
        return Ok(answer);
    }
    match open(caller, envelope, request, expires_seconds) {
        Ok(Some(opened)) => Ok(Answer::created(shown(&opened, opened.granted, true))),
        // Somebody was first with the same key.
        Ok(None) => repeated(caller, request)?.map_or_else(|| fault(ErrorCode::SystemRetry), Ok),
        // The request was admitted while this repeat of it waited, perhaps with the last that there was.
        Err(stop @ Stop::Refused(_)) => repeated(caller, request)?.ok_or(stop),
        Err(stop) => Err(stop),
    }
}

/// Takes a reservation outside of a run. Nothing where its key is another's by now.
pub(super) fn open(
    caller: &Caller,
    envelope: &Envelope,
    request: &Request,
    expires_seconds: i64,
) -> Outcome<Option<Escrow>> {
    let project_id = caller.project_id.as_str();
    agents::ensure_may_work(project_id, &envelope.agent_id)?;
    let who = Who { agent_id: &envelope.agent_id, subject_id: &envelope.platform_subject_id, run_id: None };
    switches::ensure_on(project_id, &who)?;
    ensure_priced(caller, &who, &request.priced)?;
    let mut opened = Escrow::new(Uuid::now_v7(), &caller.principal_id);
    opened.kind = request.kind.to_owned();
    opened.agent_id = envelope.agent_id.clone();
    opened.platform_subject_id = envelope.platform_subject_id.clone();
    opened.trace_id = envelope.trace_id.clone();
    opened.request_digest = request.key.map(|_| request.digest.to_vec());
    opened.expires_at = Some(opened.window_at.saturating_add(expires_seconds.saturating_mul(1_000_000)));
    opened.granted = request.priced.amount;
    let known = terms::known(project_id)?;
    let fast = attempt(|| {
        let taken = lanes::take(&known, project_id, &who, opened.lane, opened.granted, opened.window_at)?;
        if taken.is_none() || platform::draw(caller, &known, &who, opened.window_at, opened.granted)?.is_none() {
            return Ok(None);
        }
        switches::ensure_still_on(&known, project_id, &who)?;
        book(caller, &opened, request)
    })?;
    let booked = match fast {
        Some(()) => Ok(Some(())),
        None => platform::patiently(|| {
            let sight = Sight::take(project_id)?;
            switches::ensure_still_on(&sight.terms, project_id, &who)?;
            let want = Want {
                who,
                lane: opened.lane,
                time: opened.window_at,
                ceiling: Ceiling::Admission,
                need: opened.granted,
                more: Amount::ZERO,
                partial: false,
                run: &[],
            };
            sight.grant(caller, &want)?;
            book(caller, &opened, request)
        }),
    };
    Ok(booked?.map(|()| opened))
}

/// Writes the escrow and its first entry. Nothing where the key is another's by now.
fn book(caller: &Caller, opened: &Escrow, request: &Request) -> Outcome<Option<()>> {
    let usage = request.priced.usage;
    let parameters = [
        caller.project_id.as_str().into(),
        pg_uuid(opened.escrow_id).into(),
        terms::at(opened.opened_at),
        opened.kind.as_str().into(),
        opened.agent_id.as_str().into(),
        opened.platform_subject_id.as_str().into(),
        opened.trace_id.as_str().into(),
        opened.principal_id.as_str().into(),
        opened.lane.into(),
        terms::at(opened.window_at),
        opened.granted.tokens.into(),
        opened.granted.micro_usd.into(),
        request.key.into(),
        opened.request_digest.as_deref().into(),
        optional_at(opened.expires_at),
        request.priced.model.into(),
        usage.map(|usage| usage.input_tokens).into(),
        usage.map(|usage| usage.cached_tokens).into(),
        usage.map(|usage| usage.output_tokens).into(),
        optional_at(request.priced.price_from),
    ];
    let book = if request.key.is_some() { &BOOK_ONCE } else { &BOOK };
    Ok((own_run(book, &parameters)? > 0).then_some(()))
}

/// The answer to a request that was made before with the same key.
fn repeated(caller: &Caller, request: &Request) -> Outcome<Option<Answer>> {
    let Some(key) = request.key else { return Ok(None) };
    let Some(first) = escrow::by_key(&caller.project_id, key)? else { return Ok(None) };
    if first.request_digest.as_deref() != Some(request.digest.as_slice()) || first.principal_id != caller.principal_id {
        return fault(ErrorCode::BudgetKey);
    }
    Ok(Some(Answer::ok(shown(&first, request.priced.amount, false))))
}

fn shown(escrow: &Escrow, amount: Amount, created: bool) -> String {
    let expires_at = escrow.expires_at.map(|time| rfc3339(time + POSTGRES_EPOCH));
    json!({
        "reservation_id": escrow.escrow_id, "run_id": escrow.run_id, "kind": escrow.kind, "tokens": amount.tokens,
        "micro_usd": amount.micro_usd, "expires_at": expires_at, "created": created
    })
    .to_string()
}
