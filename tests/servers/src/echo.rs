//! One tool, `echo`, that answers with its argument, in both lifecycles, as JSON where there is no session. A benchmark
//! through a gateway to this server measures the gateway.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;

use crate::serve::{self, Body, Door, HungUp};
use crate::speak::{self, tool};

/// A list that does not change may be kept for an hour.
const FRESH_MS: u64 = 3_600_000;
/// A request's body, at most.
const LONGEST_BODY: usize = 16 << 20;

/// The handler. It knows nothing.
#[derive(Clone, Copy)]
pub struct Echo;

fn echo() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {"text": {"type": "string", "description": "What to answer"}},
        "required": ["text"],
        "additionalProperties": false
    });
    let harmless = ToolAnnotations::new().read_only(true).idempotent(true).open_world(false);
    tool("echo", "Answers with its argument", schema).with_title("Echo").with_annotations(harmless)
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("awooop-echo-server", env!("CARGO_PKG_VERSION")))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = ListToolsResult::with_all_items(vec![echo()]);
        Ok(tools.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name != "echo" {
            return Err(ErrorData::invalid_params(format!("Unknown tool: {}", request.name), None));
        }
        let arguments = request.arguments.unwrap_or_default();
        speak::text(speak::string(&arguments, "text")?)
    }
}

/// The server at `/mcp`.
pub struct Front(StreamableHttpService<Echo, LocalSessionManager>);

impl Front {
    /// The server.
    pub fn new() -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            // A benchmark's client is on this machine, by whichever name.
            .disable_allowed_hosts()
            .with_max_request_body_bytes(LONGEST_BODY);
        Self(StreamableHttpService::new(|| Ok(Echo), Arc::default(), config))
    }
}

impl Default for Front {
    fn default() -> Self {
        Self::new()
    }
}

impl Door for Front {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        if let Some(refusal) = serve::refusal(&request, None) {
            return Ok(refusal);
        }
        Ok(self.0.handle(request).await.map(serve::cannot_fail))
    }
}
