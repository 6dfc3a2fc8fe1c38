//! The proof that the counters equal the ledger.

use awooop_policy::argument::Arguments;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;
use crate::setting;
use crate::statement::{column, statements};

statements! {
    // One statement, one snapshot: what commits meanwhile is in all of it or in nothing. The ledger knows nothing of
    // counters; an entry belongs to those of its agent, its subject and the window that it was taken in.
    CHECK: reading [TEXTOID] =
        "with booked as materialized (
             select l.escrow_id, l.agent_id, l.platform_subject_id, l.window_at, count(*) as entries, max(l.seq) as last,
                    sum(l.reserved_tokens) as rt, sum(l.reserved_micro_usd) as rm,
                    sum(l.spent_tokens) as st, sum(l.spent_micro_usd) as sm,
                    sum(l.overrun_tokens) as ot, sum(l.overrun_micro_usd) as om
             from awooop.budget_ledger l where l.project_id = $1
             group by l.escrow_id, l.agent_id, l.platform_subject_id, l.window_at
             union all
             select null, o.agent_id, o.platform_subject_id, o.window_at, o.entries, 0, 0, 0, o.spent_tokens,
                    o.spent_micro_usd, o.overrun_tokens, o.overrun_micro_usd
             from awooop.budget_opening o where o.project_id = $1
         ), escrows as materialized (
             select e.* from awooop.budget_escrow e where e.project_id = $1
         ), lanes as (
             select l.counter_id, sum(l.granted_tokens) as gt, sum(l.granted_micro_usd) as gm,
                    sum(l.reserved_tokens) as rt, sum(l.reserved_micro_usd) as rm,
                    sum(l.spent_tokens) as st, sum(l.spent_micro_usd) as sm
             from awooop.budget_counter_lane l where l.project_id = $1 group by l.counter_id
         ), counters as (
             select c.*, coalesce(l.gt, 0) as gt, coalesce(l.gm, 0) as gm, coalesce(l.rt, 0) as rt, coalesce(l.rm, 0) as rm,
                    coalesce(l.st, 0) as st, coalesce(l.sm, 0) as sm
             from awooop.budget_counter c left join lanes l on l.counter_id = c.counter_id where c.project_id = $1
         ), compared as (
             select c.counter_id, c.level, c.target, c.period, c.window_start, v.what, v.unit, v.counter, v.ledger
             from counters c
             cross join lateral (
                 select coalesce(sum(e.granted_tokens), 0) as gt, coalesce(sum(e.granted_micro_usd), 0) as gm,
                        coalesce(sum(e.spent_tokens), 0) as st, coalesce(sum(e.spent_micro_usd), 0) as sm
                 from escrows e
                 where e.window_at >= c.window_start and e.window_at < c.window_end
                   and (e.granted_tokens > 0 or e.granted_micro_usd > 0)
                   and case c.level when 'project' then '' when 'agent' then e.agent_id else e.platform_subject_id end = c.target
             ) h
             cross join lateral (
                 select coalesce(sum(b.rt), 0) as rt, coalesce(sum(b.rm), 0) as rm, coalesce(sum(b.st), 0) as st,
                        coalesce(sum(b.sm), 0) as sm, coalesce(sum(b.ot), 0) as ot, coalesce(sum(b.om), 0) as om
                 from booked b
                 where b.window_at >= c.window_start and b.window_at < c.window_end
                   and case c.level when 'project' then '' when 'agent' then b.agent_id else b.platform_subject_id end = c.target
             ) b
             cross join lateral (values
                 ('reserved', 'tokens', c.rt - h.st, b.rt), ('reserved', 'micro_usd', c.rm - h.sm, b.rm),
                 ('spent', 'tokens', c.st + h.st + c.opening_tokens, b.st),
                 ('spent', 'micro_usd', c.sm + h.sm + c.opening_micro_usd, b.sm),
                 ('overrun', 'tokens', c.overrun_tokens, b.ot), ('overrun', 'micro_usd', c.overrun_micro_usd, b.om),
                 ('held', 'tokens', c.rt, h.gt), ('held', 'micro_usd', c.rm, h.gm),
                 ('allotted', 'tokens', c.allotted_tokens, c.gt), ('allotted', 'micro_usd', c.allotted_micro_usd, c.gm)
             ) v (what, unit, counter, ledger)
             where v.counter <> v.ledger
         ), per_escrow as (
             select b.escrow_id, sum(b.entries) as entries, max(b.last) as last, sum(b.rt) as rt, sum(b.rm) as rm,
                    sum(b.st) as st, sum(b.sm) as sm, sum(b.ot) as ot, sum(b.om) as om
             from booked b where b.escrow_id is not null group by b.escrow_id
         ), open_calls as (
             select r.escrow_id, sum(r.tokens) as rt, sum(r.micro_usd) as rm
             from awooop.budget_reservation r where r.project_id = $1 and r.closed_at is null group by r.escrow_id
         ), lost_lanes as (
             select l.counter_id from lanes l where not exists (select from counters c where c.counter_id = l.counter_id)
         ), wrong_escrows as (
             select e.escrow_id, v.what, v.unit, v.counter, v.ledger
             from escrows e
             left join per_escrow b on b.escrow_id = e.escrow_id
             left join open_calls o on o.escrow_id = e.escrow_id
             cross join lateral (values
                 ('reserved', 'tokens', e.granted_tokens - e.spent_tokens, coalesce(b.rt, 0)),
                 ('reserved', 'micro_usd', e.granted_micro_usd - e.spent_micro_usd, coalesce(b.rm, 0)),
                 ('spent', 'tokens', e.booked_tokens + e.spent_tokens, coalesce(b.st, 0)),
                 ('spent', 'micro_usd', e.booked_micro_usd + e.spent_micro_usd, coalesce(b.sm, 0)),
                 ('overrun', 'tokens', e.overrun_tokens, coalesce(b.ot, 0)),
                 ('overrun', 'micro_usd', e.overrun_micro_usd, coalesce(b.om, 0)),
                 ('calls', 'tokens', e.reserved_tokens, coalesce(o.rt, 0)),
                 ('calls', 'micro_usd', e.reserved_micro_usd, coalesce(o.rm, 0)),
                 ('entries', 'count', e.entries, coalesce(b.entries, 0)), ('entries', 'last', e.entries, coalesce(b.last, 0))
             ) v (what, unit, counter, ledger)
             where v.counter <> v.ledger
         ), wrong_calls as (
             select o.escrow_id from open_calls o
             where not exists (select from escrows e where e.escrow_id = o.escrow_id)
         ), wrong_entries as (
             -- What no work leaves behind: numbers with gaps, something held of what is gone, less than nothing spent.
             select b.escrow_id, 'entries' as what from per_escrow b left join escrows e on e.escrow_id = b.escrow_id
             where b.entries <> b.last or (b.rt <> 0 or b.rm <> 0) and e.escrow_id is null
             union all
             select b.escrow_id, 'less than nothing' from booked b
             where b.st < 0 or b.sm < 0 or b.ot < 0 or b.om < 0
         ), wrong_prices as (
             select l.escrow_id, l.seq from awooop.budget_ledger l
             left join awooop.budget_price p
               on p.project_id = l.project_id and p.model = l.model and p.valid_from = l.price_from
             where l.project_id = $1 and l.price_from is not null
               and l.micro_usd is distinct from ceil((l.input_tokens::numeric * p.input_micro_usd + l.cached_tokens::numeric * p.cached_micro_usd
                                        + l.output_tokens::numeric * p.output_micro_usd) / 1000000)
         )
         select json_build_object(
             'counters', (select count(*) from counters), 'escrows', (select count(*) from escrows),
             'entries', (select coalesce(sum(entries), 0) from booked),
             'differences', coalesce((
                 select json_agg(d.d) from (
                     select json_build_object('in', 'counter', 'counter_id', counter_id, 'level', level, 'target', target,
                                'period', period, 'what', what, 'unit', unit, 'found', counter, 'ledger', ledger) as d
                     from compared
                     union all
                     select json_build_object('in', 'escrow', 'escrow_id', escrow_id, 'what', what, 'unit', unit,
                                'found', counter, 'ledger', ledger) from wrong_escrows
                     union all
                     select json_build_object('in', 'lane', 'counter_id', counter_id, 'what', 'no counter') from lost_lanes
                     union all
                     select json_build_object('in', 'reservation', 'escrow_id', escrow_id, 'what', 'no escrow') from wrong_calls
                     union all
                     select json_build_object('in', 'ledger', 'escrow_id', escrow_id, 'what', what) from wrong_entries
                     union all
                     select json_build_object('in', 'ledger', 'escrow_id', escrow_id, 'seq', seq, 'what', 'price')
                     from wrong_prices
                     limit 100) d(d)), '[]'))::text";
}

/// Runs a statement that joins what is large with what is large. Where the tables have no statistics yet, or the plan is
/// from when they were empty, PostgreSQL would loop over one for each row of the other.
pub(super) fn without_nested_loops<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    setting::during(c"enable_nestloop", c"off", work)
}

/// Operation `budget_check`.
pub(crate) fn check(caller: &Caller, _arguments: &Arguments) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let found = without_nested_loops(|| CHECK.with(|s| s.row(&[project_id.into()], |row| column::<String>(row, 1))))?;
    let mut found: Value = serde_json::from_str(&found.unwrap_or_else(|| "{}".to_owned()))?;
    let ok = found["differences"].as_array().is_some_and(Vec::is_empty);
    found["ok"] = json!(ok);
    Ok(Answer::ok(found.to_string()))
}
