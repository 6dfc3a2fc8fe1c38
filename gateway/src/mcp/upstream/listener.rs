//! Hears what a server says of its own accord on one connection, and hands it to the call that it belongs to. Shows nothing
//! to anybody: the call does, after the database has redacted it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientRequest, ClientResult, ErrorData, Extensions, Implementation,
    LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken, PromptListChangedNotification,
    RequestId, ResourceListChangedNotification, ResourceUpdatedNotification, ResourceUpdatedNotificationParam,
    ServerNotification, ServerRequest,
};
use rmcp::service::{
    InboundStreamOrigin, NotificationContext, PeerRequestOptions, RequestContext, RequestHandle, RoleClient, Service,
    ServiceError,
};
use rmcp::{Peer, RoleServer};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::timeout;

/// What a server says while a call of it is under way.
pub enum Event {
    /// How far it is.
    Progress(ProgressNotificationParam),
    /// A line of its log.
    Log(LoggingMessageNotificationParam),
    /// It asks something back, and waits for the answer.
    Question(ServerRequest, oneshot::Sender<Result<ClientResult, ErrorData>>),
}

/// How long what came is waited for to be handed on.
const CATCHING_UP: Duration = Duration::from_millis(100);
/// How often a session is told of changes by one server.
const TOLD_EVERY: Duration = Duration::from_millis(100);
/// Events that wait for a call to look at them; what is beyond is dropped, and a question refused.
const EVENTS: usize = 16;

/// The calls under way on one connection, and how far what its server says has come.
pub struct Routes {
    calls: Mutex<Vec<Route>>,
    /// Reports and log lines as they come over the wire, in their order.
    inbox: mpsc::UnboundedSender<Said>,
    /// How many came.
    heard: AtomicU64,
    /// How many of them were handed on.
    handled: watch::Sender<u64>,
}

/// A report or a log line.
#[derive(Deserialize)]
struct Said {
    method: String,
    params: Value,
}

struct Route {
    token: ProgressToken,
    request: RequestId,
    events: mpsc::Sender<Event>,
}

impl Routes {
    /// Sends a request whose events come through the receiver. The lock is held until the route is there: an event may be
    /// faster than whoever sent the request.
    pub async fn send(
        &self,
        peer: &Peer<RoleClient>,
        request: ClientRequest,
        options: PeerRequestOptions,
    ) -> Result<(RequestHandle<RoleClient>, mpsc::Receiver<Event>), ServiceError> {
        let mut routes = self.calls.lock().await;
        let handle = peer.send_cancellable_request(request, options).await?;
        let (events, receiver) = mpsc::channel(EVENTS);
        routes.retain(|route| !route.events.is_closed());
        routes.push(Route { token: handle.progress_token.clone(), request: handle.id.clone(), events });
        Ok((handle, receiver))
    }

    /// Routes of a connection that has no calls yet. What is heard on it is handed on in its order, as long as they are held.
    pub fn open() -> Arc<Routes> {
        let (inbox, mut said) = mpsc::unbounded_channel();
        let routes = Arc::new(Routes {
            calls: Mutex::default(),
            inbox,
            heard: AtomicU64::new(0),
            handled: watch::Sender::new(0),
        });
        let weak = Arc::downgrade(&routes);
        tokio::spawn(async move {
            while let Some(said) = said.recv().await {
                let Some(routes) = weak.upgrade() else { return };
                routes.hand_on(said).await;
                routes.handled.send_modify(|handled| *handled += 1);
            }
        });
        routes
    }

    /// Hears a message as it comes over the wire, where it is a report or a log line. rmcp hands each of these to a task of its own,
    /// and so in no order; what was cut up over several could then be put together by nobody but the one it must be hidden from.
    pub fn hear(&self, message: &str) {
        if !message.contains("\"notifications/progress\"") && !message.contains("\"notifications/message\"") {
            return;
        }
        if let Ok(said) = serde_json::from_str(message) {
            self.heard.fetch_add(1, Ordering::Relaxed);
            // The receiver is there as long as the routes are.
            let _ = self.inbox.send(said);
        }
    }

    async fn hand_on(&self, said: Said) {
        match said.method.as_str() {
            "notifications/progress" => {
                if let Ok(progress) = serde_json::from_value(said.params) {
                    self.report(progress).await;
                }
            }
            "notifications/message" => {
                if let Ok(log) = serde_json::from_value(said.params) {
                    self.log(log).await;
                }
            }
            _ => {}
        }
    }

    async fn report(&self, progress: ProgressNotificationParam) {
        if let Some(events) = self.of_token(&progress.progress_token).await {
            let _ = events.try_send(Event::Progress(progress));
        }
    }

    /// A line says nothing of the call that it is about: where several are under way, it may be another agent's, and goes nowhere.
    async fn log(&self, log: LoggingMessageNotificationParam) {
        let calls = self.calls.lock().await;
        let mut open = calls.iter().filter(|route| !route.events.is_closed());
        if let (Some(only), None) = (open.next(), open.next()) {
            let _ = only.events.try_send(Event::Log(log));
        }
    }

    /// Waits until what has come up to now was handed on: a notification and the answer behind it take ways of their own.
    pub async fn caught_up(&self) {
        let heard = self.heard.load(Ordering::Relaxed);
        let mut handled = self.handled.subscribe();
        // Handing on waits for nobody, so this is short; the limit is for a machine that is very busy.
        let _ = timeout(CATCHING_UP, handled.wait_for(|handled| *handled >= heard)).await;
    }

    async fn of_token(&self, token: &ProgressToken) -> Option<mpsc::Sender<Event>> {
        self.calls.lock().await.iter().find(|route| route.token == *token).map(|route| route.events.clone())
    }

    /// The call that a request came with, else, where the transport does not tell, the one that began last.
    async fn of_request(&self, extensions: &Extensions) -> Option<mpsc::Sender<Event>> {
        let routes = self.calls.lock().await;
        let open = || routes.iter().filter(|route| !route.events.is_closed());
        let found = match extensions.get::<InboundStreamOrigin>() {
            Some(InboundStreamOrigin::OutboundRequest(id)) => open().find(|route| route.request == *id),
            Some(InboundStreamOrigin::Unassociated) | None => open().next_back(),
        };
        found.map(|route| route.events.clone())
    }
}

/// A session of the older protocol.
#[derive(Clone)]
pub struct Owner {
    /// Its client.
    pub peer: Peer<RoleServer>,
    /// The resources that it subscribed to.
    pub watched: Watched,
}

/// The URIs of resources that a session wants to hear of.
pub type Watched = Arc<StdMutex<HashSet<String>>>;

/// The gateway's side of a connection.
#[derive(Clone)]
pub struct Listener {
    pub(super) routes: Arc<Routes>,
    pub(super) capabilities: ClientCapabilities,
    /// Whoever is told that a list or a resource has changed.
    pub(super) owner: Option<Owner>,
    /// When they were told last.
    pub(super) told: Arc<StdMutex<Option<Instant>>>,
    /// Whether reports and log lines are heard as they come over the wire, before rmcp hands them on.
    pub(super) hears_the_wire: bool,
}

impl Listener {
    /// Tells the session that something has changed, in words of the gateway's own: a server's go through the database alone.
    async fn changed(&self, notification: ServerNotification) {
        let Some(owner) = &self.owner else { return };
        let told: ServerNotification = match notification {
            ServerNotification::ResourceUpdatedNotification(updated) => {
                let uri = updated.params.uri;
                if !owner.watched.lock().unwrap_or_else(PoisonError::into_inner).contains(&uri) {
                    return;
                }
                ResourceUpdatedNotification::new(ResourceUpdatedNotificationParam::new(uri)).into()
            }
            ServerNotification::ResourceListChangedNotification(_) => ResourceListChangedNotification::default().into(),
            ServerNotification::PromptListChangedNotification(_) => PromptListChangedNotification::default().into(),
            _ => return,
        };
        if self.may_tell() {
            // A session that is gone hears nothing.
            let _ = owner.peer.send_notification(told).await;
        }
    }

    /// A server that never stops telling is not heard more often than so.
    fn may_tell(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = told.is_none_or(|last| last.elapsed() >= TOLD_EVERY);
        if is_time {
            *told = Some(Instant::now());
        }
        is_time
    }
}

impl Service<RoleClient> for Listener {
    async fn handle_request(
        &self,
        request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        if matches!(request, ServerRequest::PingRequest(_)) {
            return Ok(ClientResult::empty(()));
        }
        let nobody = || ErrorData::invalid_request("nobody is there to be asked", None);
        let events = self.routes.of_request(&context.extensions).await.ok_or_else(nobody)?;
        let (answer, answered) = oneshot::channel();
        // One that asks faster than anybody can answer is not waited for.
        events.try_send(Event::Question(request, answer)).map_err(|_| nobody())?;
        answered.await.map_err(|_| nobody())?
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        _context: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        match notification {
            ServerNotification::ProgressNotification(progress) if !self.hears_the_wire => {
                self.routes.report(progress.params).await;
            }
            ServerNotification::LoggingMessageNotification(log) if !self.hears_the_wire => {
                self.routes.log(log.params).await
            }
            changed @ (ServerNotification::ResourceUpdatedNotification(_)
            | ServerNotification::ResourceListChangedNotification(_)
            | ServerNotification::PromptListChangedNotification(_)) => self.changed(changed).await,
            _ => {}
        }
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("awooop-gateway", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(self.capabilities.clone(), name)
    }
}
