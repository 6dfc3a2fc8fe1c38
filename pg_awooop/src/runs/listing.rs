//! Looking runs up: one, or pages of them by key.

use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use uuid::Uuid;

use super::{is_party, run_json, run_summary_members};
use crate::caller::Caller;
use crate::door::{Answer, page_after};
use crate::fault::{Outcome, fault};
use crate::statement::{column, pg_uuid, statements};

statements! {
    GET: reading [TEXTOID, UUIDOID, TEXTOID] = concat!(
        "select case when ", is_party!("$3"), " then ", run_json!(), " else json_build_object(", run_summary_members!(),
        ", 'envelope', s.envelope, 'input', awooop.redact_json(s.input), 'tags', awooop.redact_json(s.tags),
           'result', awooop.redact_json(s.result), 'error', s.error, 'redacted', true)::text end
         from awooop.run_state s where s.project_id = $1 and s.run_id = $2");
    // Run ids grow with time, so the key is the order. Each filter has an index that ends in the run id.
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, INT8OID] = concat!(
        "select json_build_object(", run_summary_members!(), ")::text, s.run_id::text
         from awooop.run_state s
         where s.project_id = $1
           and ($2 is null or s.state = $2)
           and ($3 is null or s.agent_id = $3)
           and ($4 is null or s.platform_subject_id = $4)
           and ($5 is null or s.created_at >= $5::timestamptz)
           and ($6 is null or s.created_at < $6::timestamptz)
           and ($7 is null or s.run_id < $7)
         order by s.run_id desc
         limit $8");
}

/// Operation `get_run`.
pub(crate) fn get(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    show(caller, arguments.uuid("run_id"))
}

/// The run as it is now, and as the caller may see it.
pub(super) fn show(caller: &Caller, run_id: Uuid) -> Outcome<Answer> {
    let parameters = [caller.project_id.as_str().into(), pg_uuid(run_id).into(), caller.principal_id.as_str().into()];
    let body = GET.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?;
    body.map_or_else(|| fault(ErrorCode::RunUnknown), |body| Ok(Answer::ok(body)))
}

/// Operation `list_runs`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let before = page_after(arguments)?;
    let limit = arguments.integer("page_size");
    let rows = LIST.with(|s| {
        s.rows(
            &[
                caller.project_id.as_str().into(),
                arguments.optional_text("state").into(),
                arguments.optional_text("agent_id").into(),
                arguments.optional_text("platform_subject_id").into(),
                arguments.optional_text("created_after").into(),
                arguments.optional_text("created_before").into(),
                before.into(),
                (limit + 1).into(),
            ],
            |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?)),
        )
    })?;
    Ok(Answer::page(rows, limit))
}
