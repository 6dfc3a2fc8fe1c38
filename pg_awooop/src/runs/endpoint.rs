//! Where an agent is executed, as the contract has it that its run is under.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::contracts::active;
use crate::fault::Outcome;
use crate::mcp;
use crate::sessions;

/// The endpoint of an agent's revision, for the worker that posts runs there; null where it has none.
pub(super) fn of(project_id: &str, run_id: Uuid, agent_revision_id: Option<Uuid>) -> Outcome<Value> {
    let Some(revision_id) = agent_revision_id else { return Ok(Value::Null) };
    let loaded = active::load(project_id, revision_id)?;
    let Some(agent) = loaded.agent() else { return Ok(Value::Null) };
    let Some(endpoint) = &agent.endpoint else { return Ok(Value::Null) };
    let wanted = agent.history.unwrap_or_default();
    let history = sessions::history(project_id, run_id, wanted.max_messages(), wanted.max_bytes())?;
    Ok(json!({
        "url": endpoint.url.as_str(), "credential": endpoint.credential.as_ref().map(|credential| credential.as_str()),
        "timeout_seconds": endpoint.timeout_seconds(), "private_host_allowed": mcp::is_private_host_allowed(endpoint.url.as_str())?,
        "history": history
    }))
}
