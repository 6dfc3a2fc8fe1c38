//! Grants: which agent may call which tool, with what arguments, how often, until when.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use awooop_contracts::schema::{CompiledSchema, is_embeddable};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::Value;
use uuid::Uuid;

use crate::agents;
use crate::audit;
use crate::caller::Caller;
use crate::door::{Answer, page_after};
use crate::fault::{Outcome, fault};
use crate::guarded::{self, Worker};
use crate::redaction;
use crate::statement::{column, pg_uuid, rfc3339, statements};

/// Compiled constraints that a session keeps.
const MOST_KEPT: usize = 256;

macro_rules! grant_json {
    () => {
        concat!(
            "json_build_object('grant_id', g.grant_id, 'agent_id', g.agent_id, 'tool', g.tool, 'constraints', g.constraints,
                 'rate_count', g.rate_count, 'rate_window_seconds', g.rate_window_seconds,
                 'expires_at', ",
            rfc3339!("g.expires_at"),
            ", 'reason', g.reason, 'granted_by', g.granted_by, 'granted_at', ",
            rfc3339!("g.granted_at"),
            ", 'revoked_by', g.revoked_by, 'revoked_at', ",
            rfc3339!("g.revoked_at"),
            ")::text"
        )
    };
}

statements! {
    HAS_TOOL: reading [TEXTOID, TEXTOID] = "select true from awooop.mcp_tool where project_id = $1 and name = $2";
    REVOKE: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID] = concat!(
        "update awooop.mcp_grant g set revoked_at = clock_timestamp(), revoked_by = $4
         where g.project_id = $1 and g.agent_id = $2 and g.tool = $3 and g.revoked_at is null
         returning ", grant_json!());
    GRANT: writing [TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, INT4OID, INT8OID, TEXTOID, TEXTOID] = concat!(
        "insert into awooop.mcp_grant as g (project_id, grant_id, agent_id, tool, constraints, rate_count, rate_window_seconds,
                expires_at, reason, granted_by)
         values ($1, $2, $3, $4, $5::jsonb, $6, $7, clock_timestamp() + $8 * interval '1 second', $9, $10)
         on conflict (project_id, agent_id, tool) where revoked_at is null do nothing
         returning ", grant_json!());
    CONSTRAINTS: reading [TEXTOID, UUIDOID] =
        "select constraints::text from awooop.mcp_grant where project_id = $1 and grant_id = $2";
    LIST: reading [TEXTOID, TEXTOID, TEXTOID, UUIDOID, INT8OID] = concat!(
        "select ", grant_json!(), ", g.grant_id::text from awooop.mcp_grant g
         where g.project_id = $1 and ($2 is null or g.agent_id = $2) and ($3 is null or g.tool = $3)
           and ($4 is null or g.grant_id < $4)
         order by g.grant_id desc limit $5");
}

thread_local! {
    /// By grant: the text that was compiled, and what came of it.
    static COMPILED: RefCell<HashMap<Uuid, (String, Rc<CompiledSchema>)>> = RefCell::default();
}

/// The constraints of a grant, ready for use. Of what nobody could have granted nothing passes.
pub(super) fn compiled(grant_id: Uuid, constraints: &str) -> Outcome<Rc<CompiledSchema>> {
    let known = COMPILED.with_borrow(|kept| kept.get(&grant_id).filter(|(text, _)| text == constraints).cloned());
    if let Some((_, compiled)) = known {
        return Ok(compiled);
    }
    let compiled = Rc::new(compile(serde_json::from_str(constraints)?)?);
    COMPILED.with_borrow_mut(|kept| {
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(grant_id, (constraints.to_owned(), Rc::clone(&compiled)));
    });
    Ok(compiled)
}

/// The constraints of a grant, in force or not; nothing where it has none.
pub(super) fn constraints_of(project_id: &str, grant_id: Uuid) -> Outcome<Option<Rc<CompiledSchema>>> {
    let key = [project_id.into(), pg_uuid(grant_id).into()];
    let constraints = CONSTRAINTS.with(|s| s.row(&key, |row| row.get::<String>(1)))?.flatten();
    constraints.map(|text| compiled(grant_id, &text)).transpose()
}

fn compile(schema: Value) -> Outcome<CompiledSchema> {
    let wrong = |expected: &str| fault(Problem::from(ErrorCode::McpConstraint).with("expected", expected));
    let is_usable = guarded::or_fault(Worker::Validator, "constraints", 0, || {
        schema["type"] == "object" && is_embeddable(&schema)
    })?;
    if !is_usable {
        return wrong("JSON Schema 2020-12 with `type: object`, whose references begin with #");
    }
    match guarded::or_fault(Worker::Validator, "constraints", 0, || CompiledSchema::new(schema))? {
        Ok(compiled) => Ok(compiled),
        Err(violation) => wrong(&violation.expected),
    }
}

/// Operation `mcp_grant_tool`.
pub(crate) fn grant(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (project_id, agent_id, tool) = (caller.project_id.as_str(), arguments.text("agent_id"), arguments.text("tool"));
    agents::ensure_known(project_id, agent_id)?;
    if HAS_TOOL.with(|s| s.run(&[project_id.into(), tool.into()]))? == 0 {
        return fault(ErrorCode::McpToolUnknown);
    }
    let constraints = arguments.json("constraints");
    if !constraints.is_null() {
        compile(constraints.clone())?;
    }
    let rate = [arguments.optional_integer("rate_count"), arguments.optional_integer("rate_window_seconds")]
        .map(|number| number.and_then(|number| i32::try_from(number).ok()));
    if rate[0].is_some() != rate[1].is_some() {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "rate_window_seconds")
                .with("expected", "a count and a window, or neither"),
        );
    }
    let key = [project_id.into(), agent_id.into(), tool.into(), caller.principal_id.as_str().into()];
    let replaced = REVOKE.with(|s| s.run(&key))? > 0;
    let reason = redaction::stored(arguments.optional_text("reason"));
    let grant_id = Uuid::now_v7();
    let parameters = [
        project_id.into(),
        pg_uuid(grant_id).into(),
        agent_id.into(),
        tool.into(),
        (!constraints.is_null()).then(|| constraints.to_string()).into(),
        rate[0].into(),
        rate[1].into(),
        arguments.optional_integer("expires_in_seconds").into(),
        reason.as_deref().into(),
        caller.principal_id.as_str().into(),
    ];
    let Some(body) = GRANT.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))? else {
        // Somebody granted it at the same moment.
        return fault(ErrorCode::SystemRetry);
    };
    let entry = audit::Entry { agent_id: Some(agent_id), ..audit::Entry::default() };
    let entry = entry
        .with("grant_id", grant_id.to_string())
        .with("tool", tool)
        .with("constraints", constraints.clone())
        .with("rate", serde_json::json!(rate))
        .with("expires_in_seconds", arguments.optional_integer("expires_in_seconds"))
        .with("replaced", replaced)
        .with("reason", reason);
    audit::done(caller, "mcp_tool_granted", entry)?;
    Ok(Answer::ok(body))
}

/// Operation `mcp_revoke_grant`.
pub(crate) fn revoke(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (agent_id, tool) = (arguments.text("agent_id"), arguments.text("tool"));
    let key = [caller.project_id.as_str().into(), agent_id.into(), tool.into(), caller.principal_id.as_str().into()];
    let Some(body) = REVOKE.with(|s| s.row(&key, |row| column::<String>(row, 1)))? else {
        return fault(ErrorCode::McpGrantUnknown);
    };
    let entry = audit::Entry { agent_id: Some(agent_id), ..audit::Entry::default() };
    let reason = redaction::stored(arguments.optional_text("reason"));
    audit::done(caller, "mcp_grant_revoked", entry.with("tool", tool).with("reason", reason))?;
    Ok(Answer::ok(body))
}

/// Operation `mcp_list_grants`.
pub(crate) fn list(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let before = page_after(arguments)?;
    let limit = arguments.integer("page_size");
    let parameters = [
        caller.project_id.as_str().into(),
        arguments.optional_text("agent_id").into(),
        arguments.optional_text("tool").into(),
        before.into(),
        (limit + 1).into(),
    ];
    let rows = LIST.with(|s| s.rows(&parameters, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    Ok(Answer::page(rows, limit))
}
