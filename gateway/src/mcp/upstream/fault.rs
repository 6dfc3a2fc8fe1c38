//! What went wrong between the gateway and a server, in the few kinds that make a difference: whether anything was sent, whether
//! it may work again in a moment, and what the database is told. A server's own words are no part of it.

use rmcp::model::{ErrorCode, ErrorData};
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde_json::{Map, Value, json};

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was sent: no connection, a forbidden address, no room, a server that rests.
    NotSent,
    /// Nothing was sent, and the server has no part in it: its address is forbidden, its credential or its program is not there.
    Withheld,
    /// No answer in time.
    TimedOut,
    /// The caller no longer wants it.
    Cancelled,
    /// The connection broke off, or the server is out of order.
    Broken,
    /// The server answered with an error of the protocol, of this code.
    Refused(i32),
    /// The server asks something that its client says it cannot answer.
    Lacking(Capabilities),
}

/// What a client may be able to do. A server's own words for it go no further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    elicitation: bool,
    sampling: bool,
    roots: bool,
}

impl Capabilities {
    fn of(data: &Value) -> Capabilities {
        let has = |name: &str| data["requiredCapabilities"].get(name).is_some();
        Capabilities { elicitation: has("elicitation"), sampling: has("sampling"), roots: has("roots") }
    }

    /// As the protocol writes capabilities.
    pub fn to_json(self) -> Value {
        let all = [("elicitation", self.elicitation), ("sampling", self.sampling), ("roots", self.roots)];
        all.into_iter()
            .filter(|(_, has)| *has)
            .map(|(name, _)| (name.to_owned(), json!({})))
            .collect::<Map<_, _>>()
            .into()
    }
}

impl Fault {
    /// As the outcome that mcp_finish_call takes.
    pub fn outcome(self) -> &'static str {
        match self {
            Fault::NotSent | Fault::Withheld => "not_sent",
            Fault::TimedOut => "timed_out",
            Fault::Cancelled => "cancelled",
            Fault::Broken | Fault::Refused(_) | Fault::Lacking(_) => "failed",
        }
    }

    /// Whether the server can have heard nothing of the call.
    pub fn was_not_sent(self) -> bool {
        matches!(self, Fault::NotSent | Fault::Withheld)
    }

    /// Whether the server did not do its part.
    pub fn is_the_servers(self) -> bool {
        matches!(self, Fault::NotSent | Fault::TimedOut | Fault::Broken)
    }

    /// Whether another attempt may do better.
    pub fn may_pass(self) -> bool {
        matches!(self, Fault::NotSent | Fault::Broken)
    }

    /// Of a request on a connection.
    pub fn of_request(error: &ServiceError) -> Fault {
        match error {
            ServiceError::McpError(error) => Fault::of_error(error),
            ServiceError::TransportSend(error) => Fault::of_transport(error),
            ServiceError::Timeout { .. } => Fault::TimedOut,
            ServiceError::Cancelled { .. } => Fault::Cancelled,
            _ => Fault::Broken,
        }
    }

    /// Of making a connection.
    pub fn of_connection(error: &ClientInitializeError) -> Fault {
        match error {
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => Fault::of_connection(fallback),
            // Whatever it was, no call was sent.
            _ => Fault::NotSent,
        }
    }

    fn of_error(error: &ErrorData) -> Fault {
        // rmcp tells so that the transport failed while a request waited.
        if error.data.as_ref().is_some_and(|data| data.get("io.modelcontextprotocol/transportClosed").is_some()) {
            return Fault::Broken;
        }
        match (error.code, &error.data) {
            (ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY, Some(data)) => Fault::Lacking(Capabilities::of(data)),
            (code, _) => Fault::Refused(code.0),
        }
    }

    fn of_transport(error: &DynamicTransportError) -> Fault {
        match error.error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
            Some(StreamableHttpError::Client(cause)) if cause.is_connect() => Fault::NotSent,
            _ => Fault::Broken,
        }
    }
}
