//! MCP at `/v1/mcp`, as a server to agents and as a client of the servers behind. Input and output alone: who may call what, what
//! a result may show and what is written down is decided by the operations `mcp_*` of the database.
//!
//! A request passes through the modules in this order: [`Mcp::answer`] finds out which address it is for and lets the database
//! prove its caller, rmcp speaks the protocol, [`agent`] takes each request of it, [`call`] carries a call out, [`upstream`]
//! reaches the server, [`secret`] reads what it is shown and hides it in what comes back, [`relay`] shows what the server says
//! meanwhile.

mod agent;
mod call;
mod challenge;
mod database;
mod import;
mod names;
mod presented;
mod relay;
pub mod secret;
mod sessions;
pub mod settings;
pub mod upstream;
mod watch;
mod wire;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use awooop_policy::error::{ErrorCode, Problem};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, Request, Response, StatusCode};
use hyper::body::{Bytes, Incoming};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::agent::{Agent, Core, Session};
use self::challenge::{MCP, WELL_KNOWN, challenge, metadata};
use self::database::{Database, Refusal};
use self::presented::Presented;
use self::secret::Store;
use self::sessions::Sessions;
use self::upstream::{Lane, Programs, Upstreams};
use crate::answer::Answer;
use crate::gateway::Gateway;
use crate::start::StartError;
use crate::trace::{RequestId, TraceParent};

static SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
static PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The revision from which on there are no sessions.
const CURRENT: &[u8] = b"2026-07-28";
/// How long a caller that was proved is not proved again before its request is read. Every question to the database proves it.
const PROVED_FOR: Duration = Duration::from_secs(10);
/// Callers that are remembered as proved.
const MOST_PROVED: usize = 4_096;
/// Imports at once: each may hold a megabyte and look through it.
const IMPORTS: usize = 2;
/// A session without requests for so long ends; longer than any call may take.
const SESSION: Duration = Duration::from_secs(900);
/// How often it is looked whether calls are under way while the gateway stops.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The operation whose scope a caller of this address needs.
const NEEDED: &str = "mcp_begin_call";

/// The addresses that this module has.
#[derive(Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// `/v1/mcp`, or `/v1/mcp/{server}`.
    Protocol(Option<&'a str>),
    /// `/v1/mcp/{server}/import`.
    Import(&'a str),
    /// The metadata of the resource: one, whichever address of it is called.
    Metadata,
}

impl<'a> Place<'a> {
    /// Of a path; nothing where it is none of these.
    pub fn of(path: &'a str) -> Option<Place<'a>> {
        if let Some(resource) = path.strip_prefix(WELL_KNOWN) {
            return match Place::of(resource) {
                Some(Place::Protocol(_)) => Some(Place::Metadata),
                _ if resource.is_empty() => Some(Place::Metadata),
                _ => None,
            };
        }
        let rest = path.strip_prefix(MCP)?;
        if rest.is_empty() {
            return Some(Place::Protocol(None));
        }
        let mut parts = rest.strip_prefix('/')?.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(server), None, None) if !server.is_empty() => Some(Place::Protocol(Some(server))),
            (Some(server), Some("import"), None) if !server.is_empty() => Some(Place::Import(server)),
            _ => None,
        }
    }

    /// For the log; never the path itself.
    pub fn template(&self) -> &'static str {
        match self {
            Place::Protocol(None) => "/v1/mcp",
            Place::Protocol(Some(_)) => "/v1/mcp/{server}",
            Place::Import(_) => "/v1/mcp/{server}/import",
            Place::Metadata => "/.well-known/oauth-protected-resource",
        }
    }
}

/// The MCP side of a gateway.
pub struct Mcp {
    gateway: Arc<Gateway>,
    core: Arc<Core>,
    service: StreamableHttpService<Agent, LocalSessionManager>,
    sessions: Sessions,
    proved: Mutex<HashMap<[u8; 32], Instant>>,
    origin: String,
    stop: CancellationToken,
}

impl Mcp {
    /// Connects to nothing yet.
    pub fn new(gateway: Arc<Gateway>) -> Result<Mcp, StartError> {
        let settings = gateway.settings.mcp.clone();
        let programs = match &settings.local_servers {
            Some(file) => Programs::read(file).map_err(StartError::File)?,
            None => Programs::default(),
        };
        let origin = match &settings.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", gateway.settings.listen),
        };
        let url = Url::parse(&origin).ok().filter(|url| url.has_host() && url.path() == "/" && url.query().is_none());
        let url =
            url.ok_or(StartError::Settings("--public-url must be like https://agents.example.com, without a path"))?;
        let upstreams =
            Upstreams::new(Store::new(settings.secrets_dir.clone()), programs).map_err(|_| StartError::Tls)?;
        let core = Arc::new(Core {
            database: Database(Arc::clone(&gateway)),
            upstreams,
            shared: Lane::default(),
            list_seconds: settings.list_seconds,
            under_way: AtomicUsize::new(0),
            importing: Semaphore::new(IMPORTS),
        });
        let stop = CancellationToken::new();
        let hosts = settings
            .allowed_hosts
            .iter()
            .cloned()
            .chain(url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()));
        let config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_cancellation_token(stop.clone())
            .with_allowed_hosts(hosts)
            .with_allowed_origins(settings.allowed_origins.iter().cloned())
            .enforce_origin_validation()
            .with_max_request_body_bytes(gateway.settings.body_limit_bytes);
        let mut manager = LocalSessionManager::default();
        manager.session_config.keep_alive = Some(SESSION);
        let manager = Arc::new(manager);
        let shared = Arc::clone(&core);
        let factory = move || Ok(Agent(Arc::new(Session::new(Arc::clone(&shared)))));
        let service = StreamableHttpService::new(factory, Arc::clone(&manager), config);
        let sessions = Sessions::new(manager, settings.max_sessions);
        Ok(Mcp { gateway, core, service, sessions, proved: Mutex::default(), origin, stop })
    }

    /// Waits for the calls under way, then ends the sessions, and with them the streams that nothing else would end.
    pub async fn finish(&self) {
        while self.core.under_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        self.stop.cancel();
    }

    /// Answers a request to one of the addresses.
    pub async fn answer(
        &self,
        place: &Place<'_>,
        head: Parts,
        body: Incoming,
        id: &RequestId,
        trace: &TraceParent,
    ) -> Response<Body> {
        let scope = self.scope();
        if matches!(place, Place::Metadata) {
            return metadata(&self.gateway.settings.mcp, &self.origin, &scope);
        }
        let server = match place {
            Place::Protocol(server) => *server,
            Place::Import(server) => Some(*server),
            Place::Metadata => None,
        };
        let answered = async {
            let caller = Presented::of(&head.headers, server, id, trace)?;
            match place {
                Place::Import(server) if head.method == Method::POST => {
                    let imported = import::import(&self.core, &caller, server).await?;
                    Ok(Answer::new(StatusCode::OK, Bytes::from(imported.to_string())).into_response())
                }
                Place::Import(_) => Err(ErrorCode::HttpMethod.into()),
                _ => {
                    self.prove(&caller, &scope).await?;
                    self.speak(caller, head, body).await
                }
            }
        };
        let answered: Result<_, Refusal> = answered.await;
        answered.unwrap_or_else(|refusal| {
            let mut response = refusal.into_answer().into_response();
            challenge(&mut response, &self.origin, &scope);
            response
        })
    }

    async fn speak(&self, caller: Presented, mut head: Parts, body: Incoming) -> Result<Response<Body>, Refusal> {
        let session = head.headers.get(&SESSION_ID).map(|id| id.to_str().unwrap_or_default().to_owned());
        match &session {
            Some(session) if !self.sessions.is_of(session, caller.digest()) => return Err(ErrorCode::McpSession.into()),
            None if begins_session(&head) && !self.sessions.has_room(caller.project()).await => {
                return Err(ErrorCode::HttpBusy.into());
            }
            _ => {}
        }
        let (maker, project) = (caller.digest(), caller.project().to_owned());
        head.extensions.insert(caller);
        let response = self.service.handle(Request::from_parts(head, body)).await;
        if let (None, Some(begun)) = (session, response.headers().get(&SESSION_ID).and_then(|id| id.to_str().ok())) {
            self.sessions.bind(begun, maker, &project).await;
        }
        Ok(response.map(Body::new))
    }

    /// Lets the database prove the caller before its request is read: a protocol's error would come too late for a client that
    /// needs a token.
    async fn prove(&self, caller: &Presented, scope: &str) -> Result<(), Refusal> {
        #[derive(Deserialize)]
        struct Proven {
            scopes: Vec<String>,
        }
        let digest = caller.proof();
        let now = Instant::now();
        let is_known = |proved: &HashMap<[u8; 32], Instant>| proved.get(&digest).is_some_and(|until| *until > now);
        if is_known(&self.proved.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let proven: Proven = match self.core.database.ask(caller, "whoami", &json!({})).await {
            Ok(proven) => proven,
            // A credential that is good for nothing now, in a project that is suspended: the gates say so, to a model.
            Err(refusal) if !matches!(refusal.status(), 401 | 429 | 500..) => return Ok(()),
            Err(refusal) => return Err(refusal),
        };
        if !proven.scopes.iter().any(|one| one == scope) {
            return Err(Problem::from(ErrorCode::AuthScope).with("required_scope", scope).into());
        }
        let mut proved = self.proved.lock().unwrap_or_else(PoisonError::into_inner);
        if proved.len() >= MOST_PROVED {
            proved.retain(|_, until| *until > now);
        }
        if proved.len() < MOST_PROVED {
            proved.insert(digest, now + PROVED_FOR);
        }
        Ok(())
    }

    /// The scope that calling takes, as the database's list of operations has it.
    fn scope(&self) -> String {
        let registry = self.gateway.registry.get();
        registry.and_then(|registry| registry.scope_of(NEEDED)).unwrap_or_default()
    }
}

/// Whether a request may begin a session: the current revision has none.
fn begins_session(head: &Parts) -> bool {
    let version = head.headers.get(&PROTOCOL_VERSION).map(|version| version.as_bytes());
    head.method == Method::POST && version.is_none_or(|version| version < CURRENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_all_servers_one_of_them_or_none_of_ours() {
        assert_eq!(Place::of("/v1/mcp"), Some(Place::Protocol(None)));
        assert_eq!(Place::of("/v1/mcp/shop"), Some(Place::Protocol(Some("shop"))));
        assert_eq!(Place::of("/v1/mcp/shop/import"), Some(Place::Import("shop")));
        assert_eq!(Place::of("/.well-known/oauth-protected-resource"), Some(Place::Metadata));
        assert_eq!(Place::of("/.well-known/oauth-protected-resource/v1/mcp/shop"), Some(Place::Metadata));
        for path in [
            "/v1/mcpx",
            "/v1/mcp/",
            "/v1/mcp/a/b",
            "/v1/mcp/a/import/b",
            "/v1/platform/mcp",
            "/.well-known/oauth-protected-resource/v1/x",
        ] {
            assert_eq!(Place::of(path), None, "{path}");
        }
    }
}
