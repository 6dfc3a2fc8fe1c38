//! Asking for an approval: the run gives up its lease and waits for people.

use awooop_contracts::model::project::Capacity;
use awooop_contracts::{Contract, Kind, canonical_json};
use awooop_policy::approval::words::{Action, in_plain_words};
use awooop_policy::approval::{Binding, Need, RequestState, Terms};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::keyring::Vouched;
use awooop_policy::language::Language;
use awooop_policy::output_attempts::RESERVED;
use awooop_policy::run_fsm::RunState;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{OfRun, Wanted};
use super::row::{Request, facts};
use super::{show, token};
use crate::audit;
use crate::budget;
use crate::caller::Caller;
use crate::channels;
use crate::contracts::active;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::keyring;
use crate::redaction;
use crate::runs::{self, Held};
use crate::statement::{column, pg_uuid, statements};

statements! {
    INSERT: writing [TEXTOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID,
                     TEXTOID, TEXTOID, TEXTOID, BYTEAOID, TEXTOID, TEXTOID, INT8OID, INT8OID, TEXTOID, TEXTOID, INT8OID,
                     TEXTARRAYOID, BOOLOID, INT8OID, INT8OID] =
        concat!("insert into awooop.approval_request as r (project_id, approval_id, run_id, step_key, agent_id, platform_subject_id,
                trace_id, tool, tool_revision_id, mode, risk, side_effects, arguments, shown, digest, digest_key, summary,
                estimated_tokens, estimated_micro_usd, asked_by, created_by, approvers, roles, reason_required,
                token_seconds, asked_at, expires_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14::jsonb, $15, $16, $17, $18, $19, $20, $21,
                $22, $23, $24, $25, t.at, least(t.at + $26 * interval '1 second', s.deadline_at)
         from awooop.run_state s, (select clock_timestamp() as at) t where s.project_id = $1 and s.run_id = $3
         returning ", facts!());
    // By the index of those that are open.
    WAITING: reading [TEXTOID, INT8OID] =
        "select count(*)
         from (select from awooop.approval_request
               where project_id = $1 and approved_at is null and rejected_at is null and expired_at is null
                 and cancelled_at is null
               limit $2) w";
    VOUCHED: writing [TEXTOID, UUIDOID, BYTEAOID] =
        "update awooop.approval_request set mac = $3 where project_id = $1 and approval_id = $2";
    WAIT: writing [TEXTOID, UUIDOID] =
        "with waiting as (
             update awooop.run_state set state = 'waiting_approval', updated_at = clock_timestamp()
             where project_id = $1 and run_id = $2 returning run_id
         )
         update awooop.run_lease l set closed_at = clock_timestamp()
         from waiting w where l.project_id = $1 and l.run_id = w.run_id returning l.run_id";
}

/// A problem where so many requests wait for people that the project's contract allows no more.
pub(crate) fn crowd(caller: &Caller) -> Outcome<Option<Problem>> {
    let project_id = caller.project_id.as_str();
    let capacity = match active::last(project_id, Kind::Project, project_id)?.as_deref().map(|loaded| &loaded.contract)
    {
        Some(Contract::Project(project)) => project.capacity.unwrap_or_default(),
        _ => Capacity::default(),
    };
    let most = i64::try_from(capacity.max_waiting_approvals()).unwrap_or(i64::MAX);
    let waiting = WAITING.with(|s| s.row(&[project_id.into(), most.into()], |row| column::<i64>(row, 1)))?;
    let is_full = waiting.unwrap_or_default() >= most;
    Ok(is_full.then(|| Problem::from(ErrorCode::ApprovalCapacity).with("limit", most)))
}

/// What is asked.
struct Asked<'a> {
    run_id: Uuid,
    step_key: &'a str,
    tool: &'a str,
    arguments: &'a Value,
    canonical: String,
    tokens: Option<i64>,
    micro_usd: Option<i64>,
}

/// Operation `request_approval`.
pub(crate) fn request(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let asked = Asked {
        run_id: arguments.uuid("run_id"),
        step_key: arguments.text("step_key"),
        tool: arguments.text("tool"),
        arguments: arguments.json("arguments"),
        canonical: canonical_json(arguments.json("arguments"))?,
        tokens: arguments.optional_integer("estimated_tokens"),
        micro_usd: arguments.optional_integer("estimated_micro_usd"),
    };
    if !asked.arguments.is_object() {
        return fault(
            Problem::from(ErrorCode::InputInvalid).with("argument", "arguments").with("expected", "a JSON object"),
        );
    }
    // Such a step is a call that its gates judge.
    if asked.step_key.starts_with(RESERVED) {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "step_key")
                .with("expected", format!("a key that does not begin with {RESERVED}")),
        );
    }
    let held = runs::lock_with_lease(caller, asked.run_id, arguments.text("lease"))?;
    runs::ensure_for_workers(&held)?;
    let before = Request::of_step(&caller.project_id, asked.run_id, asked.step_key)?;
    if let Some(before) = &before {
        let is_same = before.tool == asked.tool && canonical_json(&before.arguments()?)? == asked.canonical;
        if !is_same {
            return fault(ErrorCode::ApprovalStep);
        }
        // The answer was lost, and the lease went with the request; or another attempt comes to the same step.
        match before.state() {
            RequestState::Waiting if held.latest => return answer(caller, before, "waiting"),
            // What the tool did then, it may not do now: people decide anew.
            RequestState::Approved if held.holds && before.is_current(&caller.project_id)? => {
                return answer(caller, before, "approved");
            }
            RequestState::Used if held.holds => return answer(caller, before, "used"),
            _ => {}
        }
    }
    runs::ensure_licensed(caller, asked.run_id, &held)?;
    ask(caller, &held, &asked)
}

/// Asks people about a call that its gates have judged; the request as it is shown. The run is held, and waits from here on.
pub(crate) fn ask_about(
    caller: &Caller,
    run_id: Uuid,
    held: &Held,
    step_key: &str,
    (tool, arguments): (&str, &Value),
    micro_usd: Option<i64>,
) -> Outcome<Value> {
    let canonical = canonical_json(arguments)?;
    let asked = Asked { run_id, step_key, tool, arguments, canonical, tokens: None, micro_usd };
    let answer = ask(caller, held, &asked)?;
    let mut answer: Value = serde_json::from_str(&answer.body)?;
    match answer["approval"].take() {
        // The gates had found that people have to say something.
        Value::Null => fault(ErrorCode::SystemInternal),
        approval => Ok(approval),
    }
}

fn answer(caller: &Caller, request: &Request, decision: &str) -> Outcome<Answer> {
    let token = match decision {
        "approved" => token::mint(caller, request)?,
        _ => None,
    };
    let shown = show::of(caller, request)?;
    Ok(Answer::ok(json!({"decision": decision, "approval": shown, "token": token}).to_string()))
}

fn ask(caller: &Caller, held: &Held, asked: &Asked) -> Outcome<Answer> {
    let project_id = caller.project_id.as_str();
    let run = OfRun::find(caller, asked.run_id)?;
    let wanted = Wanted::of(project_id, &held.agent_id, run.mode, asked.tool)?;
    wanted.ensure_not_denied(asked.tool)?;
    wanted.ensure_arguments(asked.arguments)?;
    let terms = match &wanted.need {
        Need::Nothing => {
            return Ok(Answer::ok(json!({"decision": "allowed", "approval": null, "token": null}).to_string()));
        }
        Need::Denied(_) => return fault(ErrorCode::SystemInternal),
        Need::Approval(terms) => terms,
    };
    if !held.state.may_become(RunState::WaitingApproval) {
        return fault(
            Problem::from(ErrorCode::RunTransition)
                .with("from", held.state.as_str())
                .with("to", RunState::WaitingApproval.as_str()),
        );
    }
    if let Some(problem) = crowd(caller)? {
        return refuse(problem);
    }
    let approval_id = insert(caller, held, asked, &wanted, terms, &run)?;
    let key = [project_id.into(), pg_uuid(asked.run_id).into()];
    WAIT.with(|s| s.run(&key))?;
    // What it held of budgets goes back: people take their time.
    budget::park_run(caller, asked.run_id)?;
    let request = Request::find(project_id, approval_id)?;
    let entry = request.entry().with("risk", wanted.risk.as_str()).with("approvers", terms.approvers);
    audit::done(caller, "approval_requested", entry.with("roles", json!(terms.roles)))?;
    channels::ask_in_chat(caller, approval_id)?;
    let mut answer = answer(caller, &request, "waiting")?;
    answer.status = 201;
    Ok(answer)
}

fn insert(caller: &Caller, held: &Held, asked: &Asked, wanted: &Wanted, terms: &Terms, run: &OfRun) -> Outcome<Uuid> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    let Some(signer) = keyring.approval_signer() else { return fault(ErrorCode::ApprovalNoKey) };
    let contract = wanted.contract()?;
    let shown = redaction::shown_arguments(
        asked.arguments,
        contract.sensitive_arguments.iter().flat_map(|places| places.as_slice()).map(|place| place.as_str()),
    )?;
    let summary = in_plain_words(
        Language::English,
        &Action {
            agent: &held.agent_id,
            tool: asked.tool,
            title: contract.title.as_ref().map(|title| title.as_str()),
            side_effects: contract.side_effects,
            risk: wanted.risk,
            mode: terms.mode,
            channel_type: &run.channel_type,
            estimated_micro_usd: asked.micro_usd,
            arguments: &shown,
        },
    );
    let call =
        Binding { project: &caller.project_id, run: asked.run_id, tool: asked.tool, arguments: &asked.canonical };
    let approval_id = Uuid::now_v7();
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let facts = INSERT.with(|s| {
        let parameters = [
            caller.project_id.as_str().into(),
            pg_uuid(approval_id).into(),
            pg_uuid(asked.run_id).into(),
            asked.step_key.into(),
            held.agent_id.as_str().into(),
            held.platform_subject_id.as_str().into(),
            held.trace_id.as_str().into(),
            asked.tool.into(),
            pg_uuid(wanted.revision_id()).into(),
            terms.mode.as_str().into(),
            wanted.risk.as_str().into(),
            contract.side_effects.as_str().into(),
            asked.canonical.as_str().into(),
            shown.to_string().into(),
            signer.digest(&call).as_slice().into(),
            signer.id.into(),
            summary.as_str().into(),
            asked.tokens.into(),
            asked.micro_usd.into(),
            caller.principal_id.as_str().into(),
            run.created_by.as_str().into(),
            number(terms.approvers).into(),
            terms.roles.clone().into(),
            wanted.approvals.reason_required().into(),
            number(wanted.approvals.token_seconds()).into(),
            number(wanted.approvals.request_seconds()).into(),
        ];
        s.row(&parameters, |row| column::<String>(row, 1))
    })?;
    // By what is stored, as it will be read.
    let mac = signer.vouch(Vouched::Request, &facts.unwrap_or_default());
    let vouched = [caller.project_id.as_str().into(), pg_uuid(approval_id).into(), mac.as_slice().into()];
    VOUCHED.with(|s| s.run(&vouched))?;
    Ok(approval_id)
}
