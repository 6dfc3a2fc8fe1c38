//! What the operations on budgets answer.

use serde_json::{Value, json};

use super::{integer, list, maybe_text, maybe_time, object, page, text, time, uuid};
use crate::budget::{Level, Period, Source};

fn words<T: Copy>(words: &[T], text: impl Fn(T) -> &'static str) -> Value {
    json!({"type": "string", "enum": words.iter().map(|word| text(*word)).collect::<Vec<_>>()})
}

fn maybe_integer() -> Value {
    json!({"type": ["integer", "null"]})
}

fn maybe_uuid() -> Value {
    json!({"type": ["string", "null"], "format": "uuid"})
}

/// Tokens and money; a unit without a limit is null where a limit is told of.
fn amount() -> Value {
    object(json!({"tokens": integer(), "micro_usd": integer()}))
}

fn maybe_amount() -> Value {
    object(json!({"tokens": maybe_integer(), "micro_usd": maybe_integer()}))
}

fn key() -> Value {
    json!({
        "level": words(&Level::OF_A_PROJECT, Level::as_str), "target": text(), "period": words(Period::ALL, Period::as_str)
    })
}

fn with(mut members: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (members.as_object_mut(), more) {
        members.extend(more);
    }
    object(members)
}

pub(in crate::operation) fn budget_limit() -> Value {
    with(
        key(),
        json!({
            "source": words(Source::ALL, Source::as_str), "hard_tokens": maybe_integer(),
            "hard_micro_usd": maybe_integer(), "soft_percent": maybe_integer(), "burst_percent": maybe_integer(),
            "removed": {"type": "boolean"}
        }),
    )
}

pub(in crate::operation) fn budget_switch() -> Value {
    object(json!({
        "level": words(Level::ALL, Level::as_str), "target": text(),
        "state": {"type": "string", "enum": ["active", "paused", "killed"]}, "reason": maybe_text()
    }))
}

pub(in crate::operation) fn budget_status() -> Value {
    let unit = object(json!({
        "hard": maybe_integer(), "flight": maybe_integer(), "soft": maybe_integer(), "spent": integer(),
        "reserved": integer(), "overrun": integer(), "left": maybe_integer(), "forecast": maybe_integer(),
        "exhausted_at": maybe_time()
    }));
    let limit = with(
        key(),
        json!({
            "sources": list(words(Source::ALL, Source::as_str)), "window_start": maybe_time(), "window_end": maybe_time(),
            "tokens": unit, "micro_usd": unit, "soft_at": maybe_time(), "says": maybe_text()
        }),
    );
    let stopped = object(json!({
        "run_id": uuid(), "agent_id": text(), "platform_subject_id": text(), "finished_at": time(), "code": text(),
        "level": maybe_text(), "target": maybe_text(), "period": maybe_text(), "overrun": maybe_amount()
    }));
    object(json!({
        "project_id": text(), "time_zone": text(), "at": time(), "total": object(json!({
            "spent": amount(), "reserved": amount(), "overrun": amount()
        })),
        "limits": list(limit), "switches": list(budget_switch()), "stopped_runs": list(stopped)
    }))
}

pub(in crate::operation) fn budget_check() -> Value {
    object(json!({
        "ok": {"type": "boolean"}, "counters": integer(), "escrows": integer(), "entries": integer(),
        "differences": list(json!({"type": "object"}))
    }))
}

/// A text of another kind than JSON: over HTTP it goes out as that.
pub(in crate::operation) fn budget_metrics() -> Value {
    json!({"type": "string", "contentMediaType": "text/plain; version=0.0.4; charset=utf-8"})
}

pub(in crate::operation) fn ledger() -> Value {
    let entry = object(json!({
        "seq": integer(), "entry": {"type": "string", "enum": ["reserve", "settle", "release", "expire", "adjust"]},
        "run_id": maybe_uuid(), "reservation_id": maybe_uuid(), "agent_id": text(), "platform_subject_id": text(),
        "actor": text(), "trace_id": text(), "idempotency_key": maybe_text(), "window_at": time(),
        "recorded_at": time(), "tokens": integer(), "micro_usd": integer(), "reserved": amount(), "spent": amount(),
        "overrun": amount(), "model": maybe_text(), "input_tokens": maybe_integer(), "cached_tokens": maybe_integer(),
        "output_tokens": maybe_integer(), "price_from": maybe_time(), "note": maybe_text()
    }));
    page(entry, maybe_text())
}

pub(in crate::operation) fn price() -> Value {
    object(json!({
        "model": text(), "valid_from": time(), "input_micro_usd": integer(), "cached_micro_usd": integer(),
        "output_micro_usd": integer(), "changed_by": text()
    }))
}

pub(in crate::operation) fn prices() -> Value {
    page(price(), maybe_text())
}

pub(in crate::operation) fn reservation() -> Value {
    object(json!({
        "reservation_id": uuid(), "run_id": maybe_uuid(), "kind": text(), "tokens": integer(), "micro_usd": integer(),
        "expires_at": maybe_time(), "created": {"type": "boolean"}
    }))
}

pub(in crate::operation) fn settlement() -> Value {
    object(json!({
        "reservation_id": maybe_uuid(), "run_id": maybe_uuid(),
        "outcome": {"type": "string", "enum": ["settled", "released", "charged"]}, "tokens": integer(),
        "micro_usd": integer(), "overrun": amount()
    }))
}

pub(in crate::operation) fn adjustment() -> Value {
    object(json!({"escrow_id": uuid(), "tokens": integer(), "micro_usd": integer()}))
}
