//! Connections to servers, kept as long as they are used. A lane is a set of them: callers without a session share one, and a
//! session of the older protocol has its own, so that what a server asks back reaches the session whose call it is about. No
//! connection is shared between projects, nor between credentials.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rmcp::RoleClient;
use rmcp::model::{
    ClientCapabilities, ClientRequest, LoggingLevel, ProtocolVersion, ServerCapabilities, ServerResult,
    SetLevelRequest, SetLevelRequestParams,
};
use rmcp::service::{
    ClientLifecycleMode, PeerRequestOptions, RequestHandle, RunningService, ServiceError, serve_client_with_lifecycle,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tracing::debug;
use url::Url;

use super::fault::Fault;
use super::http::Carrier;
use super::listener::{Event, Listener, Owner, Routes};
use super::local::Process;
use super::{Server, Transport, Upstreams, address};
use crate::fault;
use crate::mcp::secret::{Injected, Use};

/// A connection that nobody used for so long is closed.
const IDLE: Duration = Duration::from_secs(300);
/// How long a server may take over what is no call.
const PATIENCE: Duration = Duration::from_secs(5);
/// What an error of a server may say; nobody sees it.
const ERROR_BYTES: usize = 4096;

/// Who a lane's connections are for.
#[derive(Clone, Default)]
pub struct Profile {
    /// What a server may ask of them.
    pub capabilities: ClientCapabilities,
    /// The session of the older protocol that they belong to.
    pub owner: Option<Owner>,
    /// What it wants to hear of a server's log.
    pub log_level: Option<LoggingLevel>,
}

/// A set of connections.
#[derive(Default)]
pub struct Lane(Mutex<HashMap<Key, Slot>>);

type Slot = Arc<Mutex<Option<Arc<Connection>>>>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    project: String,
    server: Server,
    credential: Option<Use>,
}

/// One connection.
pub struct Connection {
    running: RunningService<RoleClient, Listener>,
    routes: Arc<Routes>,
    /// Of a local server: dropped, it is killed.
    _process: Option<Process>,
    /// The digest of the credential that it was made with.
    started_with: Option<[u8; 32]>,
    made: Instant,
    used: AtomicU64,
}

impl Lane {
    /// The connection to a server, made if there is none.
    pub async fn connection(
        &self,
        upstreams: &Upstreams,
        project: &str,
        server: &Server,
        credential: Option<&Use>,
        profile: &Profile,
    ) -> Result<Arc<Connection>, Fault> {
        let mut key = Key { project: project.to_owned(), server: server.clone(), credential: credential.cloned() };
        if fault::is("shared") {
            (key.project, key.credential) = (String::new(), None);
        }
        let slot = self.slot(key).await;
        let mut held = slot.lock().await;
        let current = upstreams.digest_of(credential).await?;
        if let Some(connection) = held.as_ref().filter(|connection| connection.is_usable(current)) {
            connection.touch();
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(upstreams.connect(project, server, (credential, current), profile).await?);
        *held = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn slot(&self, key: Key) -> Slot {
        let mut slots = self.0.lock().await;
        // One that is in use is locked, or has just been touched.
        slots.retain(|_, slot| match slot.try_lock() {
            Ok(held) => held.as_ref().is_some_and(|connection| !connection.is_idle()),
            Err(_) => true,
        });
        Arc::clone(slots.entry(key).or_default())
    }

    /// Tells every server what a session wants to hear of its log.
    pub async fn set_level(&self, level: LoggingLevel) {
        let slots: Vec<Slot> = self.0.lock().await.values().cloned().collect();
        for slot in slots {
            let connection = slot.lock().await.clone();
            if let Some(connection) = connection {
                connection.set_level(level).await;
            }
        }
    }
}

impl Connection {
    /// Sends a request; what the server says meanwhile comes through the receiver.
    pub async fn send(
        &self,
        request: ClientRequest,
        options: PeerRequestOptions,
    ) -> Result<(RequestHandle<RoleClient>, mpsc::Receiver<Event>), ServiceError> {
        self.routes.send(self.running.peer(), request, options).await
    }

    /// Sends a request and waits for its answer; what the server says meanwhile is nobody's.
    pub async fn ask(&self, request: ClientRequest) -> Result<ServerResult, ServiceError> {
        let (handle, _events) = self.send(request, PeerRequestOptions::with_timeout(PATIENCE)).await?;
        handle.await_response().await
    }

    /// Waits until what the server has said up to now is with the calls that it is about.
    pub async fn caught_up(&self) {
        self.routes.caught_up().await;
    }

    /// What the server says it offers.
    pub fn offers(&self) -> Option<ServerCapabilities> {
        self.running.peer().peer_info().map(|info| info.capabilities.clone())
    }

    /// Whether the server speaks the current revision, in which each request says what its caller is able to do.
    pub fn is_stateless(&self) -> bool {
        self.running.peer().peer_info().is_some_and(|info| info.protocol_version >= ProtocolVersion::V_2026_07_28)
    }

    async fn set_level(&self, level: LoggingLevel) {
        if self.offers().is_some_and(|offers| offers.logging.is_some()) {
            let request = SetLevelRequest::new(SetLevelRequestParams::new(level));
            // One that cannot says what it likes.
            let told = self.running.peer().send_request(ClientRequest::SetLevelRequest(request));
            let _ = timeout(PATIENCE, told).await;
        }
    }

    fn is_usable(&self, started_with: Option<[u8; 32]>) -> bool {
        !self.running.is_closed()
            && !self.running.peer().is_transport_closed()
            && (self.started_with == started_with || fault::is("shared"))
    }

    fn touch(&self) {
        self.used.store(self.made.elapsed().as_secs(), Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        let used = Duration::from_secs(self.used.load(Ordering::Relaxed));
        self.running.is_closed() || self.made.elapsed().saturating_sub(used) > IDLE
    }
}

impl Upstreams {
    async fn connect(
        &self,
        project: &str,
        server: &Server,
        (credential, shown): (Option<&Use>, Option<[u8; 32]>),
        profile: &Profile,
    ) -> Result<Connection, Fault> {
        let routes = Routes::open();
        let listener = Listener {
            routes: Arc::clone(&routes),
            capabilities: profile.capabilities.clone(),
            owner: profile.owner.clone(),
            told: Arc::default(),
            hears_the_wire: matches!(server.transport, Transport::Http),
        };
        let (running, process, started_with) = match server.transport {
            Transport::Http => (self.connect_http(server, (credential, shown), listener, profile).await?, None, shown),
            Transport::Local => self.start_local(project, server, credential, listener, profile).await?,
        };
        let connection = Connection {
            running,
            routes,
            _process: process,
            started_with,
            made: Instant::now(),
            used: AtomicU64::new(0),
        };
        if let Some(level) = profile.log_level {
            connection.set_level(level).await;
        }
        Ok(connection)
    }

    async fn connect_http(
        &self,
        server: &Server,
        (credential, shown): (Option<&Use>, Option<[u8; 32]>),
        listener: Listener,
        profile: &Profile,
    ) -> Result<RunningService<RoleClient, Listener>, Fault> {
        let url = Url::parse(&server.address).map_err(|_| Fault::Withheld)?;
        address::check(&url, server.private_host_allowed).map_err(|_| Fault::Withheld)?;
        let http = self.clients.of(server.private_host_allowed);
        let most = server.max_response_bytes;
        let routes = Arc::clone(&listener.routes);
        let credential = credential.cloned().zip(shown);
        let carrier = Carrier::new(http, self.secrets.clone(), credential, most, routes);
        let mut config = StreamableHttpClientTransportConfig::with_uri(server.address.as_str());
        config.max_concurrent_requests = server.max_concurrency.max(1);
        config.max_sse_event_size = most;
        config.max_json_response_size = most;
        config.max_error_response_size = ERROR_BYTES;
        let mut fault = Fault::NotSent;
        for lifecycle in lifecycles(profile) {
            let transport = StreamableHttpClientTransport::with_client(carrier.clone(), config.clone());
            match serve_client_with_lifecycle(listener.clone(), transport, lifecycle).await {
                Ok(running) => return Ok(running),
                Err(error) => fault = Fault::of_connection(&error),
            }
        }
        debug!(server = server.server_id, "no connection to an MCP server");
        Err(fault)
    }

    async fn start_local(
        &self,
        project: &str,
        server: &Server,
        credential: Option<&Use>,
        listener: Listener,
        profile: &Profile,
    ) -> Result<(RunningService<RoleClient, Listener>, Option<Process>, Option<[u8; 32]>), Fault> {
        let injected = match credential {
            Some(used) => Some(used.inject(&self.secret(used).await.map_err(|_| Fault::Withheld)?)),
            None => None,
        };
        let secret = match &injected {
            Some(Injected::Environment(name, value)) => Some((name.as_str(), value)),
            Some(_) => return Err(Fault::Withheld),
            None => None,
        };
        let digest = secret.map(|(_, value)| Sha256::digest(value.expose_secret()).into());
        let started = self.programs.start(project, &server.address, secret, server.max_response_bytes);
        let (process, output, input) = started.map_err(|_| {
            debug!(server = server.server_id, "a local MCP server could not be started");
            Fault::Withheld
        })?;
        let lifecycle = lifecycles(profile).into_iter().next().unwrap_or(ClientLifecycleMode::Initialize);
        let made = serve_client_with_lifecycle(listener, (output, input), lifecycle).await;
        let running = made.map_err(|error| Fault::of_connection(&error))?;
        Ok((running, Some(process), digest))
    }

    /// Of the value that a connection is made with. With another one another is made: what is kept of an old connection must not
    /// show a new value to whoever was there before.
    async fn digest_of(&self, credential: Option<&Use>) -> Result<Option<[u8; 32]>, Fault> {
        match credential {
            Some(used) => {
                let value = self.secret(used).await.map_err(|_| Fault::Withheld)?;
                Ok(Some(Sha256::digest(value.expose_secret()).into()))
            }
            None => Ok(None),
        }
    }
}

/// A session of the older protocol can be asked something while a call is under way, which only the older protocol does; all
/// others are served best by the current one. A server that has not the one that is tried first has the other.
fn lifecycles(profile: &Profile) -> Vec<ClientLifecycleMode> {
    let current = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    };
    match profile.owner {
        Some(_) => vec![ClientLifecycleMode::Initialize, current],
        None => vec![current],
    }
}
