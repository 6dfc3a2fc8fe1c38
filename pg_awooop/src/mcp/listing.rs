//! Looking calls up.

use awooop_policy::argument::Arguments;

use crate::caller::Caller;
use crate::door::{Answer, page_after};
use crate::fault::Outcome;
use crate::statement::{column, pg_uuid, rfc3339, statements};

statements! {
    // A call that nobody has reported on and whose run nobody holds may have had its effect: nobody knows.
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID, INT8OID] = concat!(
        "select json_build_object('call_id', k.call_id, 'run_id', k.run_id, 'step_key', k.step_key,
                    'principal_id', k.principal_id, 'agent_id', k.agent_id, 'platform_subject_id', k.platform_subject_id,
                    'tool', k.tool, 'server_id', k.server_id,
                    'state', case when k.finished_at is not null then 'finished'
                                  when k.begun_at is null then 'waiting'
                                  when exists (select from awooop.run_lease l
                                               where l.project_id = k.project_id and l.run_id = k.run_id
                                                 and l.closed_at is null and l.expires_at > clock_timestamp())
                                      then case when k.suspended_at is null then 'under_way' else 'suspended' end
                                  else 'unknown' end,
                    'outcome', k.outcome, 'arguments', k.arguments, 'result', k.result, 'cut_bytes', k.cut_bytes, 'asked', k.asked,
                    'cost_micro_usd', k.cost_micro_usd, 'used_micro_usd', k.used_micro_usd, 'based_on', k.basis, 'asked_at', ", rfc3339!("k.asked_at"), ",
                    'begun_at', ", rfc3339!("k.begun_at"), ", 'finished_at', ", rfc3339!("k.finished_at"), ")::text,
                k.call_id::text
         from awooop.mcp_call k
         where k.project_id = $1 and ($2 is null or k.agent_id = $2) and ($3 is null or k.tool = $3)
           and ($4 is null or k.run_id = $4) and ($5 is null or k.call_id < $5)
         order by k.call_id desc limit $6");
}

/// Operation `mcp_list_calls`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let before = page_after(arguments)?;
    let limit = arguments.integer("page_size");
    let parameters = [
        caller.project_id.as_str().into(),
        arguments.optional_text("agent_id").into(),
        arguments.optional_text("tool").into(),
        arguments.optional_uuid("run_id").map(pg_uuid).into(),
        before.into(),
        (limit + 1).into(),
    ];
    let rows = LIST.with(|s| s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    Ok(Answer::page(rows, limit))
}
