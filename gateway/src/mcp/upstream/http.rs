//! Speaks Streamable HTTP with one server: rmcp's client over reqwest, with the credential put into each request, the answer
//! bounded while it streams, no redirect followed, no proxy asked, and every connection judged by where it goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rmcp::model::ClientJsonRpcMessage;
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse, StreamableHttpResponseLimits,
};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use sse_stream::Sse;
use url::Url;

use super::address::PublicOnly;
use super::listener::Routes;
use crate::mcp::secret::{Injected, Store, Use};

const CONNECT: Duration = Duration::from_secs(5);
/// Connections to one host that are kept for later.
const IDLE_CONNECTIONS: usize = 32;

/// The clients of all servers: one for public addresses alone, and one for hosts that an operator has allowed.
#[derive(Clone)]
pub struct Clients {
    public: Client,
    private: Client,
}

impl Clients {
    /// Connects to nothing yet.
    pub fn new() -> Result<Clients, reqwest::Error> {
        // Another part of the process may have chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Clients { public: builder().dns_resolver(PublicOnly).build()?, private: builder().build()? })
    }

    /// The one for a server.
    pub fn of(&self, private_host_allowed: bool) -> Client {
        if private_host_allowed { self.private.clone() } else { self.public.clone() }
    }
}

fn builder() -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .user_agent(concat!("awooop-gateway/", env!("CARGO_PKG_VERSION")))
}

/// What carries messages to one server.
#[derive(Clone)]
pub struct Carrier {
    http: Client,
    secrets: Store,
    /// And the digest of the value that is shown on this connection: no other ever is.
    credential: Option<Arc<(Use, [u8; 32])>>,
    /// All events of one answer together.
    most_bytes: usize,
    routes: Arc<Routes>,
}

type Failure = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

/// Address, token and headers of one request.
struct Addressed {
    uri: Arc<str>,
    token: Option<String>,
    headers: Headers,
}

impl Carrier {
    /// Carries to one server, showing it this credential.
    pub fn new(
        http: Client,
        secrets: Store,
        credential: Option<(Use, [u8; 32])>,
        most_bytes: usize,
        routes: Arc<Routes>,
    ) -> Carrier {
        Carrier { http, secrets, credential: credential.map(Arc::new), most_bytes, routes }
    }

    /// The request's address and headers with the credential as it is now.
    async fn addressed(&self, uri: Arc<str>, mut headers: Headers) -> Result<Addressed, Failure> {
        let unusable = || StreamableHttpError::UnexpectedServerResponse("the credential cannot be sent".into());
        let Some((credential, shown)) = self.credential.as_deref() else {
            return Ok(Addressed { uri, token: None, headers });
        };
        let value = self.secrets.read(&credential.reference).await.map_err(|_| unusable())?;
        let digest: [u8; 32] = Sha256::digest(value.expose_secret()).into();
        if digest != *shown {
            return Err(unusable());
        }
        let mut uri = uri;
        match credential.inject(&value) {
            Injected::Header(name, text) => {
                let name = HeaderName::try_from(name).map_err(|_| unusable())?;
                let mut text = HeaderValue::try_from(text.expose_secret()).map_err(|_| unusable())?;
                text.set_sensitive(true);
                headers.insert(name, text);
            }
            Injected::Query(name, text) => {
                let mut url = Url::parse(&uri).map_err(|_| unusable())?;
                url.query_pairs_mut().append_pair(&name, text.expose_secret());
                uri = url.as_str().into();
            }
            Injected::Environment(..) => return Err(unusable()),
        }
        Ok(Addressed { uri, token: None, headers })
    }

    fn bounded(&self, events: Events) -> Events {
        let mut left = self.most_bytes;
        let routes = Arc::clone(&self.routes);
        let bounded = events.map(move |event| {
            note(&routes, &event);
            let event = event?;
            let length = event.data.as_ref().map_or(0, String::len);
            left = left.checked_sub(length).ok_or_else(|| SseError::Body(Box::new(TooLong)))?;
            Ok(event)
        });
        // After the one that was too long nothing is read.
        let mut is_over = false;
        bounded.take_while(move |event| std::future::ready(!std::mem::replace(&mut is_over, event.is_err()))).boxed()
    }
}

fn note(routes: &Routes, event: &Result<Sse, SseError>) {
    if let Ok(Some(data)) = event.as_ref().map(|event| event.data.as_deref()) {
        routes.hear(data);
    }
}

#[derive(Debug)]
struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer is longer than the server's may be")
    }
}

impl std::error::Error for TooLong {}

/// A URL may hold the credential, and reqwest's errors quote it.
fn without_url(failure: Failure) -> Failure {
    match failure {
        StreamableHttpError::Client(cause) => StreamableHttpError::Client(cause.without_url()),
        other => other,
    }
}

impl StreamableHttpClient for Carrier {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session_id, auth_header, custom_headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failure> {
        let Addressed { uri, token, headers } = self.addressed(uri, custom_headers).await?;
        let posted =
            self.http.post_message_with_response_limits(uri, message, session_id, token, headers, limits).await;
        Ok(match posted.map_err(without_url)? {
            StreamableHttpPostResponse::Sse(events, session_id) => {
                StreamableHttpPostResponse::Sse(self.bounded(events), session_id)
            }
            other => other,
        })
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<(), Failure> {
        let Addressed { uri, token, headers } = self.addressed(uri, custom_headers).await?;
        self.http.delete_session(uri, session_id, token, headers).await.map_err(without_url)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: Headers,
    ) -> Result<Events, Failure> {
        let most = self.most_bytes;
        self.get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, custom_headers, most).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth_header: Option<String>,
        custom_headers: Headers,
        most: usize,
    ) -> Result<Events, Failure> {
        let Addressed { uri, token, headers } = self.addressed(uri, custom_headers).await?;
        let events =
            self.http.get_stream_with_max_sse_event_size(uri, session_id, last_event_id, token, headers, most).await;
        let routes = Arc::clone(&self.routes);
        // Open as long as the connection is: only what comes at once is bounded.
        let events = events.map_err(without_url)?;
        Ok(events.inspect(move |event| note(&routes, event)).boxed())
    }
}
