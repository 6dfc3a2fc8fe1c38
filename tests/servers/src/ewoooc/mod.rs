//! The example tenant's shop: four tools that read a sample of its database. The sample is made up, of a realistic size,
//! and the same on every machine ([`sample`]); what a tool answers is decided in the module of its name.

mod calendar;
mod customers;
mod database;
#[cfg(test)]
mod model;
mod orders;
mod page;
mod products;
mod refusal;
mod sales;
pub mod sample;
mod words;

use std::io;
use std::path::Path;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use calendar::month_end;

use crate::header_value::Header;
use crate::serve::{self, Body, Door, HungUp};
use crate::speak::{self, tool};
use database::Database;
use refusal::Refusal;
use sample::Scale;

/// A list that does not change may be kept for an hour.
const FRESH_MS: u64 = 3_600_000;

/// The shop's tools.
#[derive(Clone)]
pub struct Ewoooc {
    database: Arc<Database>,
}

impl Ewoooc {
    /// Over the sample in a file, which is made if it is not there.
    pub fn over(file: &Path, scale: Scale) -> io::Result<Self> {
        Ok(Self { database: Arc::new(Database::prepare(file, scale)?) })
    }

    fn call(&self, name: &str, arguments: JsonObject) -> Result<Value, Refusal> {
        match name {
            "list_orders" => self.read(arguments, orders::answer),
            "list_products" => self.read(arguments, products::answer),
            "sales_summary" => self.read(arguments, sales::answer),
            "find_customer" => self.read(arguments, customers::answer),
            _ => Err(Refusal::Arguments(format!("there is no tool {name}"))),
        }
    }

    fn read<Wanted: DeserializeOwned, Answer: Serialize>(
        &self,
        arguments: JsonObject,
        answer: impl FnOnce(&Connection, &Wanted) -> Result<Answer, Refusal>,
    ) -> Result<Value, Refusal> {
        let wanted = refusal::arguments(arguments)?;
        let answer = self.database.read(|connection| answer(connection, &wanted))?;
        // What cannot be written as JSON would be a map with keys that are no texts, and there is none.
        serde_json::to_value(answer).map_err(|_| Refusal::Database)
    }
}

/// A tool that changes nothing, anywhere.
fn read_only(name: &'static str, title: &str, description: &'static str, input: Value, output: Value) -> Tool {
    let harmless = ToolAnnotations::new().read_only(true).idempotent(true).open_world(false);
    tool(name, description, input)
        .with_title(title)
        .with_raw_output_schema(Arc::new(speak::object(output)))
        .with_annotations(harmless)
}

fn tools() -> Vec<Tool> {
    vec![customers::tool(), orders::tool(), products::tool(), sales::tool()]
}

impl ServerHandler for Ewoooc {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("ewoooc", env!("CARGO_PKG_VERSION")))
            .with_instructions("Orders, products, sales and customers of a shop. Reads only. Days are those of Taipei.")
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()).with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !tools().iter().any(|tool| tool.name == request.name) {
            return Err(ErrorData::invalid_params(format!("Unknown tool: {}", request.name), None));
        }
        let shop = self.clone();
        let reading =
            tokio::task::spawn_blocking(move || shop.call(&request.name, request.arguments.unwrap_or_default()));
        match reading.await {
            Ok(Ok(answer)) => Ok(CallToolResult::structured(answer).into()),
            Ok(Err(refusal)) => refusal.outcome(),
            Err(_) => Refusal::Database.outcome(),
        }
    }
}

/// The shop at `/mcp`.
pub struct Front {
    mcp: StreamableHttpService<Ewoooc, LocalSessionManager>,
    required: Option<Header>,
}

impl Front {
    /// The shop, for whoever has the key, if one is required.
    pub fn new(shop: Ewoooc, required: Option<Header>) -> Self {
        let config = StreamableHttpServerConfig::default().with_json_response(true).disable_allowed_hosts();
        Self { mcp: StreamableHttpService::new(move || Ok(shop.clone()), Arc::default(), config), required }
    }
}

impl Door for Front {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        if let Some(refusal) = serve::refusal(&request, self.required.as_ref()) {
            return Ok(refusal);
        }
        Ok(self.mcp.handle(request).await.map(serve::cannot_fail))
    }
}
