//! Asks a server for its tools and hands them to the database, for an administrator: one request instead of three.

use std::time::Duration;

use awooop_policy::error::ErrorCode;
use rmcp::model::{ClientRequest, ListToolsRequest, PaginatedRequestParams};
use rmcp::service::PeerRequestOptions;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::agent::Core;
use super::database::Refusal;
use super::presented::Presented;
use super::secret::Use;
use super::secret::mask::Mask;
use super::upstream::{Lane, Profile, Server};
use super::wire;

/// How long a server may take over all its pages.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of all pages together; the database takes no more.
const MOST_BYTES: usize = 900 * 1024;
/// A server that has more pages never ends.
const MOST_PAGES: usize = 200;

/// Of `mcp_upstream`.
#[derive(Deserialize)]
struct Where {
    #[serde(flatten)]
    server: Server,
    credential: Option<Use>,
}

/// What `mcp_import_tools` answers to what the server lists now.
pub async fn import(core: &Core, caller: &Presented, server_id: &str) -> Result<Value, Refusal> {
    let _one_of_few = core.importing.acquire().await;
    let target: Where = core.database.ask(caller, "mcp_upstream", &json!({"server_id": server_id})).await?;
    let secret = match &target.credential {
        Some(used) => Some((used, core.upstreams.secret(used).await.map_err(|_| ErrorCode::GateCredential)?)),
        None => None,
    };
    let mut tools = timeout_at(Instant::now() + PATIENCE, listed(core, caller, &target))
        .await
        .map_err(|_| ErrorCode::McpTimedOut)?
        .map_err(Refusal::from)?;
    let hidden = secret.map(|(used, value)| used.hidden(&value)).unwrap_or_default();
    Mask::new(&hidden).hide(&mut tools);
    core.database.ask(caller, "mcp_import_tools", &json!({"server_id": server_id, "tools": tools})).await
}

async fn listed(core: &Core, caller: &Presented, target: &Where) -> Result<Value, ErrorCode> {
    // A connection of its own: what the server offers is said when one is made.
    let lane = Lane::default();
    let credential = target.credential.as_ref();
    let connection = lane
        .connection(&core.upstreams, caller.project(), &target.server, credential, &Profile::default())
        .await
        .map_err(|_| ErrorCode::McpUnreachable)?;
    let mut tools = Vec::new();
    let mut cursor: Option<String> = None;
    let mut bytes = 0;
    for _ in 0..MOST_PAGES {
        let params = PaginatedRequestParams::default().with_cursor(cursor.take());
        let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
        let sent = connection.send(request, PeerRequestOptions::no_options()).await;
        let (handle, _events) = sent.map_err(|_| ErrorCode::McpUpstream)?;
        let page = handle.await_response().await.map_err(|_| ErrorCode::McpUpstream)?;
        let mut page = serde_json::to_value(page).unwrap_or_default();
        bytes += page.to_string().len();
        if bytes > MOST_BYTES {
            return Err(ErrorCode::InputTooLarge);
        }
        let Some(items) = page["tools"].as_array_mut() else { return Err(ErrorCode::McpUpstream) };
        tools.append(items);
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let capabilities = connection.offers().and_then(|offers| serde_json::to_value(offers).ok()).unwrap_or_default();
    let mut document = json!({"tools": tools, "capabilities": wire::members(capabilities)});
    wire::exact(&mut document);
    Ok(document)
}
