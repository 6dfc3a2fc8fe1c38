//! Sees every request from its head to its answer: names it, counts it, times it, writes its one log line. The line has
//! the route's template and never the path, the query, a header or a body; a method that is not in the list is OTHER.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use awooop_policy::error::{ErrorCode, Problem};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response};
use hyper::body::Incoming;
use tower_service::Service;
use tracing::info;

use crate::answer::{Answer, stamp};
use crate::channels::webhook;
use crate::forward;
use crate::gateway::Gateway;
use crate::mcp::{Mcp, Place};
use crate::metrics::Meters;
use crate::operation::Operation;
use crate::pages;
use crate::registry::Route;
use crate::start::StartError;
use crate::trace::{RequestId, TraceParent};

/// What answers requests: the operations, and the pages beside them.
pub struct Door {
    gateway: Arc<Gateway>,
    mcp: Mcp,
    pages: Router,
    page_meters: Meters,
}

impl Door {
    /// The door of a gateway.
    pub fn new(gateway: Arc<Gateway>) -> Result<Door, StartError> {
        let pages = pages::router(Arc::clone(&gateway));
        let page_meters = gateway.metrics.meters("-");
        let mcp = Mcp::new(Arc::clone(&gateway))?;
        Ok(Door { gateway, mcp, pages, page_meters })
    }

    /// Ends what would wait for ever, once no call is under way any more.
    pub async fn finish(&self) {
        self.mcp.finish().await;
    }

    /// Answers one request. It always answers: what goes wrong is an answer, too.
    pub async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (head, mut body) = request.into_parts();
        let mut seen = Seen::new(self, &head.method, RequestId::of(&head.headers), TraceParent::of(&head.headers));
        if let Some(place) = Place::of(head.uri.path().to_owned().as_str()) {
            seen.page = place.template();
            let mut response = self.mcp.answer(&place, head, body, &seen.id, &seen.trace).await;
            stamp(response.headers_mut(), &seen.id, &seen.trace);
            seen.status = Some(response.status().as_u16());
            return Ok(response);
        }
        if let Some(place) = webhook::Place::of(head.uri.path()) {
            seen.page = place.template();
            let answer = place.answer(&self.gateway, &head, &mut body, &seen.id, &seen.trace).await;
            let mut response = answer.into_response();
            stamp(response.headers_mut(), &seen.id, &seen.trace);
            seen.status = Some(response.status().as_u16());
            return Ok(response);
        }
        let registry = self.gateway.registry.get();
        let route = match &registry {
            Some(registry) => registry.route(&head.method, head.uri.path()),
            None => Route::Nowhere,
        };
        let answer = match route {
            Route::Operation(operation, params) => {
                seen.operation = Some(Arc::clone(&operation));
                let request = forward::Request {
                    operation: &operation,
                    params,
                    head: &head,
                    body: &mut body,
                    id: &seen.id,
                    trace: &seen.trace,
                };
                Some(forward::carry(&self.gateway, request).await)
            }
            Route::OtherMethod(allow) => Some(Answer::from(Problem::from(ErrorCode::HttpMethod)).allowing(allow)),
            Route::Nowhere => None,
        };
        let mut response = match answer {
            Some(answer) => answer.into_response(),
            None => {
                seen.page = pages::template(head.uri.path());
                let Ok(response) = self.pages.clone().call(Request::from_parts(head, Body::new(body))).await;
                response
            }
        };
        stamp(response.headers_mut(), &seen.id, &seen.trace);
        seen.status = Some(response.status().as_u16());
        Ok(response)
    }
}

/// What is known of one request. When it goes, the request is over: answered, or abandoned by its client.
struct Seen<'a> {
    door: &'a Door,
    method: &'static str,
    id: RequestId,
    trace: TraceParent,
    started: Instant,
    operation: Option<Arc<Operation>>,
    page: &'static str,
    status: Option<u16>,
}

impl<'a> Seen<'a> {
    fn new(door: &'a Door, method: &Method, id: RequestId, trace: TraceParent) -> Seen<'a> {
        door.gateway.metrics.in_flight.inc();
        let method = METHODS.iter().find(|known| **known == method.as_str()).unwrap_or(&"OTHER");
        Seen { door, method, id, trace, started: Instant::now(), operation: None, page: "-", status: None }
    }
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];

impl Drop for Seen<'_> {
    fn drop(&mut self) {
        let metrics = &self.door.gateway.metrics;
        metrics.in_flight.dec();
        let took = self.started.elapsed();
        let (meters, route, operation) = match &self.operation {
            Some(operation) => (&operation.meters, operation.row.path.as_str(), operation.row.name.as_str()),
            None => (&self.door.page_meters, self.page, "-"),
        };
        match self.status {
            Some(status) => meters.count(status, took.as_secs_f64()),
            None => metrics.abandoned.inc(),
        }
        info!(
            target: "awooop_gateway::request",
            method = self.method,
            route,
            operation,
            status = self.status.unwrap_or_default(),
            abandoned = self.status.is_none(),
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            request_id = self.id.as_str(),
            trace_id = self.trace.trace_id(),
            "request"
        );
    }
}
