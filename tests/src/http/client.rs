//! An HTTP client of the platform: operations by name, requests by hand, and bytes that no client library would send.
//!
//! Whatever comes back is held to what every answer promises: its names, its media type, and no insides.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use awooop_policy::error::ErrorCode;
use awooop_policy::operation::Operation;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::harness::gateway::HttpGateway;

/// Longer than anything may take that is not stuck.
const PATIENCE: Duration = Duration::from_secs(45);

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// A header, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        // A result that is a text goes out as that.
        if self.header("content-type").starts_with("text/plain") {
            return self.body.as_str().into();
        }
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// The status and code of a problem that keeps to RFC 9457 and to the catalogue.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let document = self.json();
        let code = document["code"].as_str().unwrap_or_default().to_owned();
        let Some(known) = ErrorCode::parse(&code) else { panic!("no such code: {self:?}") };
        let entry = known.entry();
        assert_eq!(document["type"], format!("urn:awooop:error:{code}"), "{self:?}");
        assert_eq!(document["title"], entry.message, "{self:?}");
        assert_eq!(document["hint"], entry.hint, "{self:?}");
        assert_eq!((&document["status"], entry.status), (&self.status.into(), self.status), "{self:?}");
        (self.status, code)
    }

    /// What every answer of the gateway promises.
    #[track_caller]
    fn checked(self) -> Self {
        assert!(!self.header("x-request-id").is_empty(), "an answer without a name: {self:?}");
        assert_eq!(self.header("traceparent").len(), 55, "an answer without a trace: {self:?}");
        for inside in ["XX000", "panicked", ".rs:", "SQLSTATE", "awooop.call"] {
            let shown = self.status >= 400 && self.body.contains(inside);
            assert!(!shown, "insides reached a client: {self:?}");
        }
        self
    }
}

/// Somebody with an API key (or an empty one) who talks to a gateway.
#[derive(Clone)]
pub struct Caller {
    agent: Agent,
    address: String,
    pub key: String,
}

impl Caller {
    pub fn new(gateway: &HttpGateway, key: &str) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { agent: config.into(), address: gateway.address.clone(), key: key.to_owned() }
    }

    /// The same caller with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The same caller at another gateway.
    pub fn at(&self, gateway: &HttpGateway) -> Self {
        Self { address: gateway.address.clone(), ..self.clone() }
    }

    /// An operation with its arguments where HTTP wants them.
    #[track_caller]
    pub fn call(&self, operation: &str, arguments: Value) -> Reply {
        self.call_with(operation, arguments, &[])
    }

    /// The same with further headers.
    #[track_caller]
    pub fn call_with(&self, operation: &str, arguments: Value, headers: &[(&str, &str)]) -> Reply {
        let (method, path, body) = route(operation, arguments);
        self.send_with(method, &path, &body, headers)
    }

    /// A request with the caller's key; a body is JSON.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        self.send_with(method, path, body, &[])
    }

    #[track_caller]
    pub fn send_with(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
        let authorization = format!("Bearer {}", self.key);
        let mut all = vec![("Authorization", authorization.as_str())];
        if !body.is_empty() {
            all.push(("Content-Type", "application/json"));
        }
        all.extend_from_slice(headers);
        self.plain(method, path, &all, body)
    }

    /// A request with these headers and no other that matters.
    #[track_caller]
    pub fn plain(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let answer = match self.try_plain(method, path, headers, body) {
            // A kept connection whose last body was never read is closed under the next request: it goes over another one.
            Err(ureq::Error::Io(cause)) if cause.kind() == ErrorKind::BrokenPipe => {
                self.try_plain(method, path, headers, body)
            }
            answer => answer,
        };
        match answer {
            Ok(reply) => reply.checked(),
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    /// The same where the connection may break.
    pub fn try_plain(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Reply, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match method {
            "POST" | "PUT" => self.agent.run(request.body(body.to_owned())?)?,
            _ => self.agent.run(request.body(())?)?,
        };
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Ok(Reply { status: response.status().as_u16(), headers, body: response.body_mut().read_to_string()? })
    }

    /// A page that needs no key.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.plain("GET", path, &[], "")
    }

    /// The head of a request by hand, which closes the connection: request line, key, and these lines.
    pub fn head(&self, request_line: &str, lines: &str) -> String {
        format!(
            "{request_line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{lines}\r\n",
            self.address, self.key
        )
    }

    /// Sends bytes as they are; what came back until the gateway closed the connection.
    pub fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // A gateway that has answered already may have closed.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Sends bytes that make one request; its one answer.
    #[track_caller]
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let answer = self.exchange(bytes);
        parse(&answer).checked()
    }

    /// A connection to the gateway.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("the gateway accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Whether the gateway takes connections.
    pub fn is_accepted(&self) -> bool {
        TcpStream::connect(&self.address).is_ok_and(|stream| stream.shutdown(Shutdown::Both).is_ok())
    }
}

/// One answer, whole, without chunks.
#[track_caller]
pub fn parse(answer: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { panic!("no answer: {text:?}") };
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Reply {
        status: status.unwrap_or_else(|| panic!("no status: {text:?}")),
        headers: lines.filter_map(header).collect(),
        body: body.to_owned(),
    }
}

/// Where an operation's arguments go: method, path with query, body.
#[track_caller]
pub fn route(operation: &str, arguments: Value) -> (&'static str, String, String) {
    let operation = Operation::named(operation).expect("an operation");
    let Value::Object(mut arguments) = arguments else { panic!("{}: no object of arguments", operation.name) };
    let mut path = String::new();
    for part in operation.path.split('/').skip(1) {
        let value = match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => escape(arguments.remove(name).expect("an argument of the path").as_str().expect("a text")),
            None => part.to_owned(),
        };
        path.push('/');
        path.push_str(&value);
    }
    if matches!(operation.method, "POST" | "PUT") {
        let body = if arguments.is_empty() { String::new() } else { Value::Object(arguments).to_string() };
        return (operation.method, path, body);
    }
    for (n, (name, value)) in arguments.iter().enumerate() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        path.push_str(&format!("{}{name}={}", if n == 0 { '?' } else { '&' }, escape(&value)));
    }
    (operation.method, path, String::new())
}

/// Percent-encodes all but what RFC 3986 leaves alone.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
