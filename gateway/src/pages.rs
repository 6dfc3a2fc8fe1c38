//! The addresses that are not operations: liveness, readiness, metrics, the OpenAPI document and its page, and the
//! answer for everything that is nowhere.

use std::sync::Arc;

use awooop_policy::error::{ErrorCode, Problem};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::routing::get;
use hyper::body::Bytes;

use crate::answer::Answer;
use crate::docs;
use crate::gateway::Gateway;
use crate::metrics;
use crate::readiness;

const TEXT: HeaderValue = HeaderValue::from_static(metrics::CONTENT_TYPE);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const DOCS: HeaderValue = HeaderValue::from_static("/docs/");

const PAGES: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"];

/// Whether a path is one of these pages.
pub fn owns(path: &str) -> bool {
    template(path) != NOWHERE
}

/// The page that a path is, for the log; never the path itself.
pub fn template(path: &str) -> &'static str {
    match PAGES.iter().find(|page| **page == path) {
        Some(page) => page,
        None if path.starts_with("/docs/") => "/docs/{file}",
        None => NOWHERE,
    }
}

const NOWHERE: &str = "-";

/// The pages of a gateway.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let config = docs::config();
    let file = move |Path(name): Path<String>| {
        let config = Arc::clone(&config);
        async move { docs::file(&name, &config).unwrap_or_else(nowhere) }
    };
    let index = docs::config();
    Router::new()
        .route("/healthz", get(async || plain(JSON, Bytes::from_static(b"{\"alive\":true}"))))
        .route("/readyz", get(async |State(gateway): Shared| readiness::answer(&gateway).await.into_response()))
        .route("/metrics", get(async |State(gateway): Shared| metrics_page(&gateway)))
        .route("/openapi.json", get(async |State(gateway): Shared| openapi(&gateway)))
        .route("/docs", get(async || moved(DOCS)))
        .route("/docs/", get(async move || docs::file("", &index).unwrap_or_else(nowhere)))
        .route("/docs/{*file}", get(file))
        .fallback(async |State(gateway): Shared| unknown(&gateway))
        .method_not_allowed_fallback(async || problem(ErrorCode::HttpMethod))
        .with_state(gateway)
}

type Shared = State<Arc<Gateway>>;

fn metrics_page(gateway: &Gateway) -> Response<Body> {
    match gateway.metrics.render(&gateway.pool) {
        Ok(page) => plain(TEXT, Bytes::from(page)),
        Err(_) => problem(ErrorCode::SystemInternal),
    }
}

fn openapi(gateway: &Gateway) -> Response<Body> {
    match gateway.registry.get() {
        Some(registry) => plain(JSON, registry.openapi()),
        None => problem(ErrorCode::HttpDatabase),
    }
}

/// Before the operations are known nobody can say that an address is nowhere.
fn unknown(gateway: &Gateway) -> Response<Body> {
    match gateway.registry.get() {
        Some(_) => nowhere(),
        None => problem(ErrorCode::HttpDatabase),
    }
}

fn nowhere() -> Response<Body> {
    problem(ErrorCode::HttpNotFound)
}

fn problem(code: ErrorCode) -> Response<Body> {
    Answer::from(Problem::from(code)).into_response()
}

fn plain(kind: HeaderValue, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response.headers_mut().insert(CACHE_CONTROL, NO_CACHE);
    response
}

fn moved(location: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_sees_a_page_and_never_a_path() {
        assert_eq!(template("/healthz"), "/healthz");
        assert_eq!(template("/docs/swagger-ui.css"), "/docs/{file}");
        assert_eq!(template("/secret/awk_a.b.c"), "-");
        assert!(!owns("/v1/platform/runs"));
    }
}
