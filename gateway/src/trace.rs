//! The two names of a request: the request id (ours, in every answer and log line) and the W3C `traceparent` (the
//! caller's trace, continued). Decides which of a client's names are taken over and makes new ones otherwise; what a
//! trace means to a run is the database's affair.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// `X-Request-Id`.
pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// `traceparent` (W3C Trace Context).
pub static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request id: 1 to 128 of `A-Z a-z 0-9 . _ -`, safe in a header and in a log line.
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The client's id when it is one, else a new UUID v7.
    pub fn of(headers: &HeaderMap) -> RequestId {
        match headers.get(&REQUEST_ID) {
            Some(given) if is_request_id(given.as_bytes()) => RequestId(given.clone()),
            _ => RequestId(ascii_header(Uuid::now_v7().hyphenated().encode_lower(&mut Uuid::encode_buffer()))),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// As a header.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_request_id(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A `traceparent`: `00-{32 hex}-{16 hex}-{2 hex}`.
pub struct TraceParent(HeaderValue);

impl TraceParent {
    /// The client's when it is well-formed, else a new one.
    pub fn of(headers: &HeaderMap) -> TraceParent {
        match headers.get(&TRACEPARENT) {
            Some(given) if is_traceparent(given.as_bytes()) => TraceParent(given.clone()),
            _ => TraceParent::fresh(),
        }
    }

    /// The last 62 bits of a UUID v7 are random, which is more than the 56 that W3C asks a trace id to have; its
    /// version and variant bits keep both ids from being all zeros.
    fn fresh() -> TraceParent {
        let (mut trace, mut span) = (Uuid::encode_buffer(), Uuid::encode_buffer());
        let trace = Uuid::now_v7().simple().encode_lower(&mut trace);
        let span = Uuid::now_v7().simple().encode_lower(&mut span);
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        text.push_str(trace);
        text.push('-');
        text.push_str(span.get(16..).unwrap_or_default());
        text.push_str("-01");
        TraceParent(ascii_header(&text))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The trace id alone, 32 hex digits.
    pub fn trace_id(&self) -> &str {
        self.as_str().get(3..35).unwrap_or_default()
    }

    /// As a header.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_traceparent(text: &[u8]) -> bool {
    let hex = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let parts: [&[u8]; 4] = match (text.get(..2), text.get(3..35), text.get(36..52), text.get(53..)) {
        (Some(version), Some(trace), Some(span), Some(flags)) if text.len() == 55 => [version, trace, span, flags],
        _ => return false,
    };
    let [version, trace, span, _] = parts;
    [2, 35, 52].iter().all(|&at| text.get(at) == Some(&b'-'))
        && parts.iter().all(|part| part.iter().all(hex))
        && version != b"ff"
        && trace.iter().any(|b| *b != b'0')
        && span.iter().any(|b| *b != b'0')
}

fn ascii_header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(name: &HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.clone(), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_well_formed_traceparent_is_continued() {
        let trace = TraceParent::of(&headers(&TRACEPARENT, GIVEN));
        assert_eq!(trace.as_str(), GIVEN);
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_malformed_traceparent_is_replaced_by_a_fresh_one() {
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            let trace = TraceParent::of(&headers(&TRACEPARENT, bad));
            assert_ne!(trace.as_str(), bad);
            assert!(is_traceparent(trace.as_str().as_bytes()), "{}", trace.as_str());
        }
    }

    #[test]
    fn fresh_names_differ() {
        assert_ne!(TraceParent::fresh().as_str(), TraceParent::fresh().as_str());
        assert_ne!(RequestId::of(&HeaderMap::new()).as_str(), RequestId::of(&HeaderMap::new()).as_str());
    }

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_replaced() {
        assert_eq!(RequestId::of(&headers(&REQUEST_ID, "Order_7.retry-2")).as_str(), "Order_7.retry-2");
        for bad in ["", "a b", "{\"a\"}", "a\tb", &"x".repeat(129)] {
            let id = RequestId::of(&headers(&REQUEST_ID, bad));
            assert_ne!(id.as_str(), bad);
            assert_eq!(id.as_str().len(), 36);
        }
    }
}
