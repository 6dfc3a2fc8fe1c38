//! The HTTP side: what a request has to bring before the protocol is spoken, and at which address.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::{Conformance, Options, Shared, raw};
use crate::header_value::Header;
use crate::serve::{self, Body, Door, HungUp};

/// Web pages of this machine may speak to the server, others may not.
const ORIGINS: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
/// A request's body, at most.
const LONGEST_BODY: usize = 16 << 20;

/// The server, as HTTP sees it.
pub struct Front {
    shared: Arc<Shared>,
    mcp: StreamableHttpService<Conformance, LocalSessionManager>,
    required: Option<Header>,
    /// The revisions that it has never heard of.
    unheard_of: fn(&Parts) -> bool,
}

impl Front {
    /// The server at `/mcp`.
    pub fn new(options: Options) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_allowed_origins(ORIGINS)
            .with_max_request_body_bytes(LONGEST_BODY)
            .with_json_response(options.json)
            .with_legacy_session_mode(!options.stateless_only);
        let required = options.require_header.clone();
        let unheard_of: fn(&Parts) -> bool = match (options.sessions_only, options.current_only) {
            (true, _) => raw::is_stateless,
            (_, true) => |parts| !raw::is_stateless(parts),
            _ => |_| false,
        };
        let shared = Arc::new(Shared::new(options));
        let for_connections = Arc::clone(&shared);
        let connection = move || Ok(Conformance::new(Arc::clone(&for_connections)));
        Self { shared, mcp: StreamableHttpService::new(connection, Arc::default(), config), required, unheard_of }
    }
}

impl Door for Front {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        if let Some(refusal) = serve::refusal(&request, self.required.as_ref()) {
            return Ok(refusal);
        }
        let (parts, body) = request.into_parts();
        // What a server does with a revision that it has never heard of.
        if (self.unheard_of)(&parts) {
            return Ok(serve::plain(StatusCode::BAD_REQUEST, "Bad Request: Unsupported MCP-Protocol-Version"));
        }
        let Some(trouble) = self.shared.trouble().filter(|_| parts.method == Method::POST) else {
            return Ok(self.mcp.handle(Request::from_parts(parts, body)).await.map(serve::cannot_fail));
        };
        let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else { return Err(HungUp) };
        let body = body.to_bytes();
        if let Some(answer) = raw::answer(trouble, &parts, &body) {
            self.shared.options.pause().await;
            return answer;
        }
        Ok(self.mcp.handle(Request::from_parts(parts, Full::new(body))).await.map(serve::cannot_fail))
    }
}
