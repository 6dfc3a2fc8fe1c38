//! Agents: what a project has registered to run.

use awooop_contracts::Kind;
use awooop_policy::argument::Arguments;
use awooop_policy::error::ErrorCode;

use crate::audit;
use crate::caller::Caller;
use crate::contracts::active;
use crate::directory;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::statement::{column, rfc3339, statements};

statements! {
    UPSERT: writing [TEXTOID, TEXTOID, TEXTOID, BOOLOID] = concat!(
        "insert into awooop.agents as a (project_id, agent_id, display_name, enabled)
         values ($1, $2, $3, $4)
         on conflict (project_id, agent_id) do update
            set display_name = coalesce(excluded.display_name, a.display_name), enabled = excluded.enabled,
                updated_at = clock_timestamp()
         returning json_build_object('agent_id', agent_id, 'display_name', display_name, 'enabled', enabled,
            'created_at', ", rfc3339!("created_at"), ", 'updated_at', ", rfc3339!("updated_at"), ")::text,
            a.xmax = 0");
    DISABLE: writing [TEXTOID, TEXTOID] =
        "update awooop.agents set enabled = false, updated_at = clock_timestamp() where project_id = $1 and agent_id = $2";
    ENSURE: writing [TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.agents (project_id, agent_id, display_name, enabled) values ($1, $2, $3, true)
         on conflict (project_id, agent_id) do nothing returning true";
}

/// Operation `create_agent`.
pub(crate) fn create(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (agent_id, enabled) = (arguments.text("agent_id"), arguments.boolean("enabled"));
    let row = UPSERT.with(|s| {
        s.row(
            &[
                caller.project_id.as_str().into(),
                agent_id.into(),
                arguments.optional_text("display_name").into(),
                enabled.into(),
            ],
            |row| Ok((column::<String>(row, 1)?, column::<bool>(row, 2)?)),
        )
    })?;
    let (body, created) = row.unwrap_or_default();
    let entry = audit::Entry { agent_id: Some(agent_id), ..audit::Entry::default() };
    let action = if created { "agent_created" } else { "agent_changed" };
    audit::done(caller, action, entry.with("enabled", enabled))?;
    Ok(Answer::ok(body))
}

/// Registers the agent of a contract, if nobody has.
pub(crate) fn ensure(caller: &Caller, agent_id: &str, display_name: Option<&str>) -> Outcome<()> {
    let parameters = [caller.project_id.as_str().into(), agent_id.into(), display_name.into()];
    if ENSURE.with(|s| s.run(&parameters))? > 0 {
        let entry = audit::Entry { agent_id: Some(agent_id), ..audit::Entry::default() };
        audit::done(caller, "agent_created", entry.with("enabled", true))?;
    }
    Ok(())
}

/// Refuses an agent that is not registered.
pub(crate) fn ensure_known(project_id: &str, agent_id: &str) -> Outcome<()> {
    match directory::is_enabled(project_id, agent_id)? {
        None => fault(ErrorCode::AgentUnknown),
        Some(_) => Ok(()),
    }
}

/// Refuses work of an agent that is not registered, not enabled or without an active contract.
pub(crate) fn ensure_may_work(project_id: &str, agent_id: &str) -> Outcome<()> {
    match directory::is_enabled(project_id, agent_id)? {
        None => fault(ErrorCode::AgentUnknown),
        Some(false) => fault(ErrorCode::AgentDisabled),
        Some(true) if active::is_vouched(project_id, Kind::Agent, agent_id)? => Ok(()),
        Some(true) => refuse(ErrorCode::AgentNoContract),
    }
}

/// Whether an agent of that name is registered.
pub(crate) fn is_known(project_id: &str, agent_id: &str) -> Outcome<bool> {
    Ok(directory::is_enabled(project_id, agent_id)?.is_some())
}

/// Lets an agent work no more, by what the policy says of an anomaly.
pub(crate) fn disable(caller: &Caller, agent_id: &str) -> Outcome<()> {
    DISABLE.with(|s| s.run(&[caller.project_id.as_str().into(), agent_id.into()]))?;
    let entry = audit::Entry { agent_id: Some(agent_id), ..audit::Entry::default() };
    audit::done(caller, "agent_changed", entry.with("enabled", false))
}
