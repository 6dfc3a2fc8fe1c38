//! The HTTP side: what a request has to bring before the protocol is spoken, and at which address.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::{Conformance, Options, Shared};
use crate::serve::{self, Body, Door, HungUp};

/// Web pages of this machine may speak to the server, others may not.
const ORIGINS: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

/// The server, as HTTP sees it.
pub struct Front {
    mcp: StreamableHttpService<Conformance, LocalSessionManager>,
}

impl Front {
    /// The server at `/mcp`.
    pub fn new(options: &Options) -> Self {
        let shared = Arc::new(Shared::new(options));
        let config = StreamableHttpServerConfig::default().with_allowed_origins(ORIGINS);
        let connection = move || Ok(Conformance::new(Arc::clone(&shared)));
        Self { mcp: StreamableHttpService::new(connection, Arc::default(), config) }
    }
}

impl Door for Front {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        if request.uri().path() != "/mcp" {
            return Ok(serve::plain(StatusCode::NOT_FOUND, "the server is at /mcp"));
        }
        Ok(self.mcp.handle(request).await.map(serve::cannot_fail))
    }
}
