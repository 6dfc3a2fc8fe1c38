//! The server of the public conformance suite, in both lifecycles: stateless (2026-07-28) and with sessions (2025-11-25,
//! 2025-06-18). What a scenario expects is in the module of its subject; this one says what the server can do, and leads
//! each request there. Switched on by [`Options`], it also misbehaves on demand.
//!
//! | module | what |
//! |---|---|
//! | `content` | tools that answer at once, one for each kind of content |
//! | `meanwhile` | tools that say something while they run: log lines, progress |
//! | `asking` | tools that ask the client in the middle of a call (with sessions) |
//! | `input_required` | tools and a prompt that answer with a question and are called again (stateless) |
//! | `resources`, `prompts` | what can be read |
//! | `changes` | who is told when a list changes |
//! | `secrets`, `disguise` | the credential of a request, shown in disguise (off by default) |
//! | `trouble`, `raw` | what goes wrong on demand, and what came of it (off by default) |
//! | `door` | HTTP: headers that are missing, the address |

// Log lines, sampling and subscriptions to single resources are deprecated in the protocol, and still what the older
// revisions' scenarios are about.
#![allow(deprecated)]

mod asking;
mod changes;
mod content;
mod disguise;
mod door;
mod input_required;
mod meanwhile;
mod options;
mod prompts;
mod raw;
mod resources;
mod secrets;
mod trouble;

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CompletionInfo,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, LoggingLevel, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, Reference, ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
    SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};

pub use door::Front;
pub use options::Options;

use changes::{Changes, Watched};
use input_required::Questions;
use secrets::Place;
use trouble::Trouble;

/// How long a list may be kept by whoever asked for it. Short: lists change in tests.
const FRESH_MS: u64 = 1_000;

/// One connection's view of the server.
pub struct Conformance {
    shared: Arc<Shared>,
    /// What the client wants to be told of what happens while a tool runs (with sessions).
    level: Mutex<LoggingLevel>,
    watched: Watched,
}

/// What all connections have in common.
pub struct Shared {
    changes: Changes,
    questions: Questions,
    trouble: Trouble,
    options: Options,
}

impl Shared {
    /// A server nobody has talked to yet.
    pub fn new(options: Options) -> Self {
        Self { changes: Changes::default(), questions: Questions::new(), trouble: Trouble::default(), options }
    }

    /// What goes wrong, if that is wanted.
    fn trouble(&self) -> Option<&Trouble> {
        self.options.trouble.then_some(&self.trouble)
    }

    /// Where the credential to show comes, if that is wanted.
    fn shown(&self) -> Option<&Place> {
        self.options.echo_credential.as_ref()
    }
}

impl Conformance {
    /// The server, for a new connection.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, level: Mutex::new(LoggingLevel::Debug), watched: Watched::default() }
    }

    fn level(&self) -> LoggingLevel {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tools(&self) -> Vec<Tool> {
        let mut tools = content::tools();
        tools.extend(meanwhile::tools());
        tools.extend(asking::tools());
        tools.extend(input_required::tools());
        tools.extend(changes::tools());
        if self.shared.shown().is_some() {
            tools.extend(secrets::tools());
        }
        if let Some(trouble) = self.shared.trouble() {
            tools.extend(trouble::tools());
            tools.extend(trouble.added());
        }
        tools
    }
}

impl Conformance {
    /// One page of a list, and the cursor of the next: how many items are before it.
    fn page<T>(
        &self,
        items: Vec<T>,
        request: Option<PaginatedRequestParams>,
    ) -> Result<(Vec<T>, Option<String>), ErrorData> {
        let Some(size) = self.shared.options.page.map(usize::from) else { return Ok((items, None)) };
        let from: usize = match request.and_then(|request| request.cursor) {
            None => 0,
            Some(cursor) => cursor.parse().map_err(|_| ErrorData::invalid_params("not a cursor of this list", None))?,
        };
        let next = from.saturating_add(size);
        let more = next < items.len();
        Ok((items.into_iter().skip(from).take(size).collect(), more.then(|| next.to_string())))
    }
}

impl ServerHandler for Conformance {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("awooop-conformance-server", env!("CARGO_PKG_VERSION")))
            .with_instructions("Tools, prompts and resources for tests of MCP clients and gateways.")
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.shared.trouble.listed();
        let (tools, next) = self.page(self.tools(), request)?;
        let mut tools = ListToolsResult::with_all_items(tools);
        tools.next_cursor = next;
        Ok(tools.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        content::tool_with_header(name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let shared = &self.shared;
        shared.trouble.called(&request.name);
        shared.options.pause().await;
        if let Some(outcome) = shared.questions.call(&request, &context) {
            return outcome;
        }
        let name = request.name.as_ref();
        let arguments = request.arguments.unwrap_or_default();
        if let Some(outcome) = content::call(name, &arguments) {
            return outcome;
        }
        if let Some(outcome) = meanwhile::call(name, self.level(), &context).await {
            return outcome;
        }
        if let Some(outcome) = asking::call(name, &arguments, &context).await {
            return outcome;
        }
        if let Some(outcome) = shared.changes.call(name).await {
            return outcome;
        }
        if let Some(place) = shared.shown()
            && let Some(outcome) = secrets::call(place, name, &arguments, &context).await
        {
            return outcome;
        }
        if let Some(trouble) = shared.trouble()
            && let Some(outcome) = trouble.call(name, &arguments, &shared.changes, &context).await
        {
            return outcome;
        }
        Err(ErrorData::invalid_params(format!("Unknown tool: {name}"), None))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut resources = resources::list();
        if self.shared.shown().is_some() {
            resources.extend(secrets::resources());
        }
        let (resources, next) = self.page(resources, request)?;
        let mut resources = ListResourcesResult::with_all_items(resources);
        resources.next_cursor = next;
        Ok(resources.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = ListResourceTemplatesResult::with_all_items(resources::templates());
        Ok(templates.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let secret = self.shared.shown().and_then(|place| secrets::read(place, &request.uri, &context));
        let result = secret.map_or_else(|| resources::read(&request.uri), Ok)?;
        Ok(result.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public).into())
    }

    async fn subscribe(&self, request: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.watched.add(request.uri);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.watched.remove(&request.uri);
        Ok(())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut prompts = prompts::list();
        if self.shared.shown().is_some() {
            prompts.push(secrets::prompt());
        }
        let (prompts, next) = self.page(prompts, request)?;
        let mut prompts = ListPromptsResult::with_all_items(prompts);
        prompts.next_cursor = next;
        Ok(prompts.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if let Some(place) = self.shared.shown()
            && let Some(prompt) = secrets::get_prompt(place, &request, &context)
        {
            return prompt.map(Into::into);
        }
        prompts::get(request)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let all: &[&str] = match request.r#ref {
            Reference::Prompt(_) => &["paris", "park", "party"],
            Reference::Resource(_) => &["1", "2", "3"],
            _ => &[],
        };
        let fitting =
            all.iter().filter(|value| value.starts_with(&request.argument.value)).map(|value| (*value).into());
        let info = CompletionInfo::with_all_values(fitting.collect());
        info.map(CompleteResult::new).map_err(|cause| ErrorData::internal_error(cause, None))
    }

    async fn set_level(&self, request: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = request.level;
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.shared.trouble.session();
        self.shared.changes.session(context.peer, self.watched.clone());
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        self.shared.changes.listener(subscription).await;
        Ok(())
    }
}
