//! What goes back to the client: a status, bytes, and the headers that follow from the status. Decides no content; the
//! database's bytes go out as they came, or, where the result is a text of another kind, as that text.

use awooop_policy::error::Problem;
use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Bytes;
use serde::Deserialize;

use crate::trace::{REQUEST_ID, RequestId, TRACEPARENT, TraceParent};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
/// An answer may hold a key that is shown once.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");
/// How long a client should wait after a 503: requests take milliseconds, so a queue has moved on after a second.
const ONE_SECOND: HeaderValue = HeaderValue::from_static("1");

/// Room for the headers above, those of [`stamp`] and the ones hyper adds.
const HEADERS: usize = 8;

/// A status and a JSON body.
pub struct Answer {
    status: StatusCode,
    body: Bytes,
    allow: Option<HeaderValue>,
    kind: Option<HeaderValue>,
}

impl Answer {
    /// A status and JSON bytes as they are.
    pub fn new(status: StatusCode, body: Bytes) -> Answer {
        Answer { status, body, allow: None, kind: None }
    }

    /// The same answer, naming the methods that the address takes.
    #[must_use]
    pub fn allowing(self, methods: HeaderValue) -> Answer {
        Answer { allow: Some(methods), ..self }
    }

    /// The same answer as a text of that media type.
    #[must_use]
    pub fn typed(self, kind: HeaderValue) -> Answer {
        Answer { kind: Some(kind), ..self }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// With the headers that follow from the status.
    pub fn into_response(self) -> Response<Body> {
        let mut headers = HeaderMap::with_capacity(HEADERS);
        let json = if self.status.as_u16() < 400 { JSON } else { PROBLEM };
        headers.insert(CONTENT_TYPE, self.kind.unwrap_or(json));
        headers.insert(CACHE_CONTROL, NO_STORE);
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, BEARER);
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, retry_after(&self.body));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, ONE_SECOND);
            }
            _ => {}
        }
        if let Some(methods) = self.allow {
            headers.insert(ALLOW, methods);
        }
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Answer {
        let status = StatusCode::from_u16(problem.code.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Answer::new(status, Bytes::from(problem.to_document().to_string()))
    }
}

/// Writes a request's names into its answer.
pub fn stamp(headers: &mut HeaderMap, id: &RequestId, trace: &TraceParent) {
    headers.insert(REQUEST_ID.clone(), id.header());
    headers.insert(TRACEPARENT.clone(), trace.header());
}

/// The only answer whose body is looked into: a throttled caller reads the wait in the header.
fn retry_after(body: &[u8]) -> HeaderValue {
    #[derive(Deserialize)]
    struct Wait {
        retry_after_seconds: f64,
    }
    match serde_json::from_slice::<Wait>(body) {
        // The cast saturates, and a fraction of a second is waited out whole.
        Ok(wait) => HeaderValue::from(wait.retry_after_seconds.ceil().max(1.0) as u32),
        Err(_) => ONE_SECOND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use awooop_policy::error::ErrorCode;

    fn headers(status: u16, body: &'static str) -> HeaderMap {
        let answer = Answer::new(StatusCode::from_u16(status).unwrap(), Bytes::from_static(body.as_bytes()));
        answer.into_response().headers().clone()
    }

    #[test]
    fn the_media_type_follows_from_the_status() {
        assert_eq!(headers(201, "{}")[CONTENT_TYPE], "application/json");
        assert_eq!(headers(403, "{}")[CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn a_throttled_caller_is_told_how_long_to_wait() {
        assert_eq!(headers(429, r#"{"code":"E-AUTH-002","retry_after_seconds":17}"#)[RETRY_AFTER], "17");
        assert_eq!(headers(429, r#"{"retry_after_seconds":0.4}"#)[RETRY_AFTER], "1");
        assert_eq!(headers(429, "{}")[RETRY_AFTER], "1");
        assert_eq!(headers(503, "{}")[RETRY_AFTER], "1");
        assert!(!headers(403, r#"{"retry_after_seconds":17}"#).contains_key(RETRY_AFTER));
    }

    #[test]
    fn a_failed_authentication_names_the_scheme() {
        assert_eq!(headers(401, "{}")[WWW_AUTHENTICATE], "Bearer");
    }

    #[test]
    fn a_problem_becomes_its_document_and_status() {
        let response = Answer::from(Problem::from(ErrorCode::HttpMethod)).allowing(HeaderValue::from_static("GET"));
        assert_eq!(response.status(), 405);
        assert_eq!(response.into_response().headers()[ALLOW], "GET");
    }
}
