//! The server that agents see: rmcp's, with every request turned into questions to the database and calls of the servers behind.

mod features;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    DiscoverResult, ErrorData, GetPromptRequestParams, GetPromptResponse, Implementation, InitializeRequestParams,
    InitializeResult, JsonObject, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    LoggingLevel, PaginatedRequestParams, PromptsCapability, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, ResourcesCapability, ResultType, ServerCapabilities, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use self::features::Feature;
use super::call::{Caller, Came, Wanted};
use super::database::{Database, Refusal};
use super::presented::Presented;
use super::upstream::{Connection, Lane, Upstreams, Watched};
use super::{watch, wire};

/// Tools of one page.
const PAGE: u64 = 100;
/// Resources that a session may subscribe to.
const MOST_SUBSCRIPTIONS: usize = 256;
/// Calls of a session that wait for people, and are remembered.
const MOST_WAITING: usize = 1_024;
const INSTRUCTIONS: &str = "Tools are named {tool}__{server}. A call that is denied says why, with a code and what to do; one that \
                            people must approve says so and goes on once they have.";

/// What all sessions share.
pub struct Core {
    /// Where decisions are made.
    pub database: Database,
    /// Where calls go.
    pub upstreams: Upstreams,
    /// Connections of callers without a session.
    pub shared: Lane,
    /// How often lists are looked at for those who want to hear of changes, in seconds.
    pub list_seconds: u64,
    /// Calls that have begun and not ended.
    pub under_way: AtomicUsize,
    /// Imports at once.
    pub importing: Semaphore,
}

/// Counts a call for as long as it is held.
pub struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One session of the older protocol, or one request of the current one.
pub struct Session {
    /// What all share.
    pub core: Arc<Core>,
    /// Its own connections.
    pub own: Lane,
    waiting: Mutex<HashMap<[u8; 32], String>>,
    subscriptions: Mutex<HashMap<String, Arc<Connection>>>,
    /// The resources among them, as its connections see them.
    pub watched: Watched,
    is_watching: AtomicBool,
    level: Mutex<Option<LoggingLevel>>,
}

impl Session {
    /// A new one.
    pub fn new(core: Arc<Core>) -> Session {
        Session {
            core,
            own: Lane::default(),
            waiting: Mutex::default(),
            subscriptions: Mutex::default(),
            watched: Watched::default(),
            is_watching: AtomicBool::new(false),
            level: Mutex::default(),
        }
    }

    /// What its client wants to hear of servers' logs.
    pub fn log_level(&self) -> Option<LoggingLevel> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers over which connection the session hears of a resource.
    pub fn subscribed(&self, uri: &str, connection: &Arc<Connection>) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(uri.to_owned());
        let mut subscriptions = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        subscriptions.insert(uri.to_owned(), Arc::clone(connection));
    }

    /// Whether the session may subscribe to one more.
    pub fn may_subscribe(&self) -> bool {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner).len() < MOST_SUBSCRIPTIONS
    }

    /// The connection over which the session no longer hears of a resource.
    pub fn unsubscribed(&self, uri: &str) -> Option<Arc<Connection>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner).remove(uri)
    }

    /// By what a call is known again that waits for people.
    pub fn memory_of(&self, wanted: &Wanted) -> [u8; 32] {
        let arguments = json!(wanted.arguments).to_string();
        Sha256::new().chain_update(&wanted.tool).chain_update([0]).chain_update(arguments).finalize().into()
    }

    /// The state of such a call, which is then no longer remembered.
    pub fn waiting(&self, memory: &[u8; 32]) -> Option<String> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(memory)
    }

    /// Remembers the state of a call that waits for people.
    pub fn remember(&self, memory: [u8; 32], state: Option<String>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = state
            && (waiting.len() < MOST_WAITING || waiting.contains_key(&memory))
        {
            waiting.insert(memory, state);
        }
    }
}

/// The server of one session.
#[derive(Clone)]
pub struct Agent(pub Arc<Session>);

/// Of `mcp_list_tools`.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) items: Vec<Value>,
    pub(super) next_cursor: Option<String>,
    pub(super) features: Vec<Granted>,
}

/// A feature of a server that the agent may use.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub(super) feature: Feature,
    pub(super) server_id: String,
}

impl Core {
    /// One more call.
    pub fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.under_way)
    }

    /// A page of the tools that the caller may call, and the features.
    pub(super) async fn list(&self, caller: &Presented, cursor: Option<&str>) -> Result<Listed, Refusal> {
        let mut args = json!({"page_size": PAGE});
        let given = [("server_id", caller.server()), ("agent_id", caller.agent()), ("cursor", cursor)];
        for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            args[name] = value.into();
        }
        self.database.ask(caller, "mcp_list_tools", &args).await
    }
}

impl Agent {
    fn core(&self) -> &Core {
        &self.0.core
    }

    /// What the caller may use, as capabilities.
    async fn capabilities(&self, caller: &Presented, is_legacy: bool) -> Result<ServerCapabilities, ErrorData> {
        let listed = self.core().list(caller, None).await.map_err(Refusal::into_error)?;
        let has = |feature| listed.features.iter().any(|granted| granted.feature == feature);
        let mut capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        // Only a session has connections of its own over which servers can tell of changes.
        if has(Feature::Resources) {
            let mut resources = ResourcesCapability::default();
            resources.subscribe = is_legacy.then_some(true);
            resources.list_changed = is_legacy.then_some(true);
            capabilities.resources = Some(resources);
        }
        if has(Feature::Prompts) {
            let mut prompts = PromptsCapability::default();
            prompts.list_changed = is_legacy.then_some(true);
            capabilities.prompts = Some(prompts);
        }
        capabilities.completions = has(Feature::Completion).then(JsonObject::new);
        capabilities.logging = is_legacy.then(JsonObject::new);
        Ok(capabilities)
    }

    fn caller<'a>(&'a self, presented: &'a Presented, context: &'a RequestContext<RoleServer>) -> Caller<'a> {
        Caller { session: &self.0, presented, context }
    }
}

/// The tool's name at the address that the caller uses.
fn seen(mut tool: Value, server: Option<&str>) -> Option<Tool> {
    if let Some(server) = server {
        let name = tool["name"].as_str()?.strip_suffix(server)?.strip_suffix("__")?.to_owned();
        tool["name"] = name.into();
    }
    serde_json::from_value(tool).ok()
}

fn named(name: &str, server: Option<&str>) -> String {
    server.map_or_else(|| name.to_owned(), |server| format!("{name}__{server}"))
}

impl ServerHandler for Agent {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("awooop", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        const SPOKEN: &[ProtocolVersion] =
            &[ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];
        Cow::Borrowed(SPOKEN)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let caller = Presented::of_context(&context)?;
        context.peer.set_peer_info(request.clone());
        let mut info = self.negotiate_initialize(&request)?;
        info.capabilities = self.capabilities(&caller, true).await?;
        Ok(info)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let caller = Presented::of_context(&context)?;
        let mut info = self.get_info();
        info.capabilities = self.capabilities(&caller, false).await?;
        let mut discovered = DiscoverResult::from_server_info(self.supported_protocol_versions().into_owned(), info);
        // What there is depends on who asks.
        discovered.cache_scope = CacheScope::Private;
        Ok(discovered)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let parts = context.extensions.get::<axum::http::request::Parts>();
        // A client may say it as often as it likes.
        let is_first = !self.0.is_watching.swap(true, Ordering::Relaxed);
        if let Some(caller) = parts.and_then(|parts| parts.extensions.get::<Presented>()).cloned().filter(|_| is_first)
        {
            watch::session(Arc::clone(&self.0.core), caller, context.peer);
        }
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = SubscriptionFilter::new();
        accepted.tools_list_changed = requested.tools_list_changed;
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let caller = Presented::of_context(context.request_context())?;
        watch::subscription(self.core(), &caller, &context).await;
        Ok(())
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = Presented::of_context(&context)?;
        let cursor = request.and_then(|request| request.cursor);
        let listed = self.core().list(&caller, cursor.as_deref()).await.map_err(Refusal::into_error)?;
        let tools = listed.items.into_iter().filter_map(|tool| seen(tool, caller.server())).collect();
        let mut result = ListToolsResult::with_all_items(tools);
        result.next_cursor = listed.next_cursor;
        result.ttl_ms = Some(self.core().list_seconds.saturating_mul(1000));
        result.cache_scope = Some(CacheScope::Private);
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let presented = Presented::of_context(&context)?;
        let wanted = Wanted {
            tool: named(&request.name, presented.server()),
            arguments: request.arguments.unwrap_or_default(),
            request_state: request.request_state,
            responses: request.input_responses,
            subscribe: None,
        };
        match self.caller(&presented, &context).call(wanted).await? {
            Came::Result(result) => {
                let mut result: CallToolResult = serde_json::from_value(result)
                    .map_err(|_| ErrorData::internal_error("the result could not be shown", None))?;
                result.result_type = Some(ResultType::COMPLETE);
                Ok(result.into())
            }
            Came::Waits(asks) | Came::Asks(asks, _) => Ok(CallToolResponse::InputRequired(asks)),
            Came::Refused(refusal) => refusal.into_result().map(CallToolResponse::from),
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.list_feature(&context, Feature::Resources, "resources/list", request).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.list_feature(&context, Feature::Resources, "resources/templates/list", request).await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.read(request, &context).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.list_feature(&context, Feature::Prompts, "prompts/list", request).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.prompt(request, &context).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.completion(request, &context).await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscription(request.uri, &context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        // Hearing less takes nobody's leave.
        if let Some(connection) = self.0.unsubscribed(&request.uri) {
            let told = connection.ask(wire::unsubscribe(request.uri)).await;
            told.map_err(|_| ErrorData::internal_error("the server could not be told", None))?;
        }
        Ok(())
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        *self.0.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.level);
        self.0.own.set_level(request.level).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_has_its_servers_name_or_its_own() {
        let tool = json!({"name": "order_lookup__shop", "inputSchema": {"type": "object"}});
        assert_eq!(seen(tool.clone(), None).unwrap().name, "order_lookup__shop");
        assert_eq!(seen(tool.clone(), Some("shop")).unwrap().name, "order_lookup");
        assert!(seen(tool, Some("other")).is_none());
        assert_eq!(named("order_lookup", Some("shop")), "order_lookup__shop");
        assert_eq!(named("order_lookup__shop", None), "order_lookup__shop");
    }
}
