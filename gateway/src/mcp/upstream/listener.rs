//! Hears what a server says of its own accord on one connection, and hands it to the call that it belongs to. Shows nothing
//! to anybody: the call does, after the database has redacted it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientRequest, ClientResult, ErrorData, Extensions, Implementation,
    LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken, RequestId, ServerNotification,
    ServerRequest,
};
use rmcp::service::{
    InboundStreamOrigin, NotificationContext, PeerRequestOptions, RequestContext, RequestHandle, RoleClient, Service,
    ServiceError,
};
use rmcp::{Peer, RoleServer};
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
/// Events that wait for a call to look at them; progress beyond is dropped, and questions wait.
const EVENTS: usize = 16;

/// The calls under way on one connection, and how far what its server says has come.
#[derive(Default)]
pub struct Routes {
    calls: Mutex<Vec<Route>>,
    /// Notifications that came over the wire.
    heard: AtomicU64,
    /// Those of them that were handed on.
    handled: watch::Sender<u64>,
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

    /// Notes that so many notifications have come, before anybody has looked at them.
    pub fn hear(&self, notifications: u64) {
        self.heard.fetch_add(notifications, Ordering::Relaxed);
    }

    /// Waits until what has come up to now was handed on: a notification and the answer behind it take ways of their own.
    pub async fn caught_up(&self) {
        let heard = self.heard.load(Ordering::Relaxed);
        let mut handled = self.handled.subscribe();
        let waited = timeout(CATCHING_UP, handled.wait_for(|handled| *handled >= heard)).await;
        if waited.is_err() {
            // What nobody could read is never handed on, and must not be waited for again.
            let missing = heard.saturating_sub(*self.handled.borrow());
            self.heard.fetch_sub(missing, Ordering::Relaxed);
        }
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
            Some(InboundStreamOrigin::Unassociated) | None => open().last(),
        };
        found.map(|route| route.events.clone())
    }
}

/// The gateway's side of a connection.
#[derive(Clone)]
pub struct Listener {
    pub(super) routes: Arc<Routes>,
    pub(super) capabilities: ClientCapabilities,
    /// Whoever is told that a list or a resource has changed.
    pub(super) owner: Option<Peer<RoleServer>>,
}

impl Listener {
    async fn changed(&self, notification: ServerNotification) {
        if let Some(owner) = &self.owner {
            // A session that is gone hears nothing.
            let _ = owner.send_notification(notification).await;
        }
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
        events.send(Event::Question(request, answer)).await.map_err(|_| nobody())?;
        answered.await.map_err(|_| nobody())?
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        context: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        match notification {
            ServerNotification::ProgressNotification(progress) => {
                if let Some(events) = self.routes.of_token(&progress.params.progress_token).await {
                    let _ = events.try_send(Event::Progress(progress.params));
                }
            }
            ServerNotification::LoggingMessageNotification(log) => {
                if let Some(events) = self.routes.of_request(&context.extensions).await {
                    let _ = events.try_send(Event::Log(log.params));
                }
            }
            changed @ (ServerNotification::ResourceUpdatedNotification(_)
            | ServerNotification::ResourceListChangedNotification(_)
            | ServerNotification::PromptListChangedNotification(_)) => self.changed(changed).await,
            _ => {}
        }
        self.routes.handled.send_modify(|handled| *handled += 1);
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("awooop-gateway", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(self.capabilities.clone(), name)
    }
}
