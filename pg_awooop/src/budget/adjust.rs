//! Correcting what was booked, when a bill says otherwise. An entry of its own, with its reason: nothing in the ledger
//! changes.

use awooop_policy::argument::Arguments;
use awooop_policy::budget::Amount;
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::json;

use super::escrow;
use super::ledger::{self, Act, Entry};
use super::sight::Sight;
use super::terms::at;
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::redaction;
use crate::statement::{column, pg_uuid, statements};

statements! {
    BY_KEY: reading [TEXTOID, UUIDOID, TIMESTAMPTZOID, TEXTOID] =
        "select entry::text, tokens, micro_usd from awooop.budget_ledger
         where project_id = $1 and escrow_id = $2 and opened_at = $3 and idempotency_key = $4
           and entry <> 'reserve'";
    BOOKED: reading [TEXTOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID] =
        "select coalesce(sum(spent_tokens), 0)::int8, coalesce(sum(spent_micro_usd), 0)::int8,
                coalesce(sum(overrun_tokens), 0)::int8, coalesce(sum(overrun_micro_usd), 0)::int8
         from awooop.budget_ledger
         where project_id = $1 and escrow_id = $2 and opened_at = $3 and window_at = $4";
}

/// Operation `adjust_budget`.
pub(crate) fn adjust(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, escrow_id) = (caller.project_id.as_str(), arguments.uuid("escrow_id"));
    let by = Amount {
        tokens: arguments.optional_integer("tokens").unwrap_or_default(),
        micro_usd: arguments.optional_integer("micro_usd").unwrap_or_default(),
    };
    if by.is_zero() {
        return fault(Problem::from(ErrorCode::BudgetAmount).with("expected", "tokens or micro_usd, not 0"));
    }
    let Some(mut escrow) = escrow::lock(project_id, escrow_id)? else { return fault(ErrorCode::BudgetReservation) };
    let answer = || {
        let body = json!({"escrow_id": escrow_id, "tokens": by.tokens, "micro_usd": by.micro_usd});
        Ok(Answer::ok(body.to_string()))
    };
    if let Some(key) = arguments.optional_text("idempotency_key") {
        let parameters = [project_id.into(), pg_uuid(escrow_id).into(), at(escrow.opened_at), key.into()];
        let first = BY_KEY.with(|s| {
            s.row(&parameters, |row| {
                let amount = Amount { tokens: column(row, 2)?, micro_usd: column(row, 3)? };
                Ok(column::<String>(row, 1)? == "adjust" && amount == by)
            })
        })?;
        match first {
            Some(true) => return answer(),
            Some(false) => return fault(ErrorCode::BudgetKey),
            None => {}
        }
    }
    if !escrow.is_closed {
        return fault(Problem::from(ErrorCode::BudgetUnderWay).with("escrow_id", escrow_id.to_string()));
    }
    let parameters = [project_id.into(), pg_uuid(escrow_id).into(), at(escrow.opened_at), at(escrow.window_at)];
    let (spent, overrun) = BOOKED
        .with(|s| {
            s.row(&parameters, |row| {
                let amount =
                    |n| Ok::<_, pgrx::spi::Error>(Amount { tokens: column(row, n)?, micro_usd: column(row, n + 1)? });
                Ok((amount(1)?, amount(3)?))
            })
        })?
        .unwrap_or_default();
    let (more, less) = (by.at_least(Amount::ZERO), Amount::ZERO.minus(by).at_least(Amount::ZERO));
    if !less.fits(spent.plus(overrun)) {
        return fault(
            Problem::from(ErrorCode::BudgetAmount)
                .with("expected", "to take back no more than was booked in its last window")
                .with("booked", spent.plus(overrun).to_json()),
        );
    }
    // What nobody granted goes first.
    let from_overrun = less.at_most(overrun);
    let from_spent = less.minus(from_overrun);
    let over = more.minus(from_overrun);
    let sight = Sight::take(project_id)?;
    let target = escrow.run_target();
    sight.overrun(&escrow.who(&target), escrow.window_at, over)?;
    sight.unspend(&escrow.who(&target), escrow.window_at, from_spent)?;
    escrow.overrun = escrow.overrun.plus(over);
    escrow.booked = escrow.booked.minus(from_spent);
    let reason = redaction::stored(arguments.optional_text("reason"));
    let reason = reason.as_deref();
    let entry = Entry {
        spent: Amount::ZERO.minus(from_spent),
        overrun: over,
        idempotency_key: arguments.optional_text("idempotency_key"),
        note: reason,
        ..Entry::of(Act::Adjust, by)
    };
    ledger::append(caller, &mut escrow, &entry)?;
    escrow.save(project_id)?;
    let entry = audit::Entry {
        trace_id: Some(&escrow.trace_id),
        agent_id: Some(&escrow.agent_id),
        platform_subject_id: Some(&escrow.platform_subject_id),
        run_id: escrow.run_id,
        ..audit::Entry::default()
    };
    let entry = entry.with("escrow_id", escrow_id.to_string()).with("by", by.to_json()).with("reason", reason);
    audit::done(caller, "budget_adjusted", entry)?;
    answer()
}
