//! Looking requests up: what will happen in plain words, who decided what, and what became of it.

use awooop_contracts::diff;
use awooop_policy::approval::RequestState;
use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;
use serde_json::{Value, json};

use super::row::{Request, state};
use super::token;
use crate::caller::Caller;
use crate::door::{Answer, page_after};
use crate::fault::{Outcome, fault};
use crate::runs::{self, is_party};
use crate::statement::{column, pg_uuid, rfc3339, statements};

macro_rules! summary_members {
    () => {
        concat!(
            "'approval_id', r.approval_id, 'run_id', r.run_id, 'step_key', r.step_key, 'agent_id', r.agent_id,
             'platform_subject_id', r.platform_subject_id, 'tool', r.tool, 'mode', r.mode, 'risk', r.risk,
             'side_effects', r.side_effects, 'state', ",
            state!(),
            ", 'summary', r.summary, 'digest', encode(r.digest, 'hex'),
             'estimated', json_build_object('tokens', r.estimated_tokens, 'micro_usd', r.estimated_micro_usd),
             'asked_by', r.asked_by, 'needed', r.approvers, 'roles', r.roles, 'reason_required', r.reason_required,
             'asked_at', ",
            rfc3339!("r.asked_at"),
            ", 'expires_at', ",
            rfc3339!("r.expires_at"),
            ", 'approved_at', ",
            rfc3339!("r.approved_at"),
            ", 'token_until', ",
            rfc3339!("r.token_until"),
            ", 'ended_at', ",
            rfc3339!("coalesce(r.rejected_at, r.expired_at, r.cancelled_at)"),
            ", 'waited_seconds', extract(epoch from coalesce(r.approved_at, r.rejected_at, r.expired_at, r.cancelled_at,
                                                             clock_timestamp()) - r.asked_at)::int8"
        )
    };
}

statements! {
    // Whether a call that was begun has had its effect is known when its step is completed. Until then it is under way, as
    // long as the worker that began it holds the run.
    SHOW: reading [TEXTOID, UUIDOID, TEXTOID] = concat!(
        "select json_build_object(", summary_members!(), ",
                'arguments', case when ", is_party!("$3"), " then r.arguments else r.shown end,
                'redacted', not ", is_party!("$3"), ",
                'decisions', coalesce((
                    select json_agg(json_build_object('decision', d.decision, 'principal_id', d.principal_id,
                                        'reason', d.reason, 'decided_at', ", rfc3339!("d.decided_at"), ")
                                    order by d.decided_at, d.decision_id)
                    from awooop.approval_decision d where d.project_id = $1 and d.approval_id = $2), '[]'),
                'use', (select json_build_object('used_at', ", rfc3339!("u.used_at"), ", 'used_by', u.used_by,
                                   'step_key', u.step_key, 'outcome', case
                                       when exists (select from awooop.step_journal j
                                                    where j.project_id = $1 and j.run_id = u.run_id
                                                      and j.run_created_at = s.created_at and j.step_key = u.step_key
                                                      and j.phase = 'completed') then 'completed'
                                       when exists (select from awooop.run_lease l
                                                    where l.project_id = $1 and l.run_id = u.run_id and l.epoch = u.epoch
                                                      and l.closed_at is null and l.expires_at > clock_timestamp())
                                           then 'under_way'
                                       else 'unknown' end)
                        from awooop.approval_use u where u.project_id = $1 and u.approval_id = $2))::text
         from awooop.approval_request r
         join awooop.run_state s on s.project_id = r.project_id and s.run_id = r.run_id
         where r.project_id = $1 and r.approval_id = $2");
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, UUIDOID, INT8OID] = concat!(
        "select json_build_object(", summary_members!(), ")::text, r.approval_id::text
         from awooop.approval_request r
         where r.project_id = $1
           and ($2 is null or ", state!(), " = $2)
           and ($3 is null or r.agent_id = $3)
           and ($4 is null or r.tool = $4)
           and ($5 is null or r.risk = $5)
           and ($6 is null or r.mode = $6)
           and ($7 is null or r.run_id = $7)
           and ($8 is null or r.approval_id < $8)
         order by r.approval_id desc
         limit $9");
}

/// The request as the caller may see it.
pub(super) fn of(caller: &Caller, request: &Request) -> Outcome<Value> {
    let parameters =
        [caller.project_id.as_str().into(), pg_uuid(request.approval_id).into(), caller.principal_id.as_str().into()];
    let shown = SHOW.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?;
    match shown {
        Some(shown) => Ok(serde_json::from_str(&shown)?),
        None => fault(ErrorCode::ApprovalUnknown),
    }
}

/// Operation `approval_status`.
pub(crate) fn status(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let request = Request::find(&caller.project_id, arguments.uuid("approval_id"))?;
    // A lease is good for its run alone.
    if caller.run.as_ref().is_some_and(|run| run.run_id != request.run_id) {
        return fault(ErrorCode::ApprovalUnknown);
    }
    let mut shown = of(caller, &request)?;
    let compared = arguments.json("arguments");
    // With what the caller may see: a comparison must not tell what is redacted.
    shown["difference"] = match compared.is_null() {
        true => Value::Null,
        false => json!(diff::changes(&shown["arguments"], compared)),
    };
    shown["token"] = match arguments.optional_text("lease") {
        Some(lease) if request.state() == RequestState::Approved => {
            runs::ensure_lease(caller, request.run_id, lease)?;
            token::mint(caller, &request)?.unwrap_or_default()
        }
        _ => Value::Null,
    };
    Ok(Answer::ok(shown.to_string()))
}

/// Operation `list_approvals`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let before = page_after(arguments)?;
    let limit = arguments.integer("page_size");
    let rows = LIST.with(|s| {
        let parameters = [
            caller.project_id.as_str().into(),
            arguments.optional_text("state").into(),
            arguments.optional_text("agent_id").into(),
            arguments.optional_text("tool").into(),
            arguments.optional_text("risk").into(),
            arguments.optional_text("mode").into(),
            arguments.optional_uuid("run_id").map(pg_uuid).into(),
            before.into(),
            (limit + 1).into(),
        ];
        s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?)))
    })?;
    Ok(Answer::page(rows, limit))
}
