//! A server of a test's own, and a client that speaks to it: requests by hand, answers as the messages they are made of.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

/// Longer than anything may take that is not stuck.
const PATIENCE: Duration = Duration::from_secs(30);

pub const CONFORMANCE: &str = env!("CARGO_BIN_EXE_conformance-server");
pub const ECHO: &str = env!("CARGO_BIN_EXE_echo-server");
pub const EWOOOC: &str = env!("CARGO_BIN_EXE_ewoooc-server");
pub const PROXY: &str = env!("CARGO_BIN_EXE_header-proxy");

/// A running server. It ends when this is dropped.
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    /// `127.0.0.1:port`
    pub address: String,
}

impl Running {
    /// A program that listens.
    pub fn start(program: &str, options: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a program");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        Self { input: child.stdin.take(), child, address }
    }

    /// As a test that died would leave it; and whether it has ended by itself.
    pub fn abandon(mut self) -> bool {
        drop(self.input.take());
        eventually("the end of the server", || self.child.try_wait().expect("a child").is_some());
        self.child.wait().expect("a child").success()
    }

    /// A client without a session.
    pub fn client(&self) -> Client {
        Client { address: self.address.clone(), path: "/mcp".into(), headers: Vec::new(), stateless: true }
    }

    /// A client with a session.
    pub fn session(&self) -> Client {
        self.client().with_session()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who speaks to a server.
#[derive(Clone)]
pub struct Client {
    pub address: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub stateless: bool,
}

impl Client {
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn at(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    /// The same client after `initialize`.
    pub fn with_session(mut self) -> Self {
        self.stateless = false;
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}
        });
        let response = self.post(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
        let session = response.headers().get("mcp-session-id").expect("a session").to_str().unwrap().to_owned();
        assert_eq!(last(response)["result"]["protocolVersion"], "2025-11-25");
        self = self.with("mcp-session-id", &session).with("mcp-protocol-version", "2025-11-25");
        assert_eq!(self.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).status(), 202);
        self
    }

    /// The message of a request, with what its lifecycle wants.
    pub fn message(&self, method: &str, mut params: Value) -> Value {
        if self.stateless {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({"name": "test", "version": "1"});
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    }

    /// The headers of a message.
    pub fn headers_for(&self, message: &Value) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        headers.push(("content-type".into(), "application/json".into()));
        headers.push(("accept".into(), "application/json, text/event-stream".into()));
        if self.stateless && message["method"] != "initialize" {
            headers.push(("mcp-protocol-version".into(), "2026-07-28".into()));
            headers.push(("mcp-method".into(), message["method"].as_str().unwrap_or_default().into()));
            let named = message["params"]["name"].as_str().or(message["params"]["uri"].as_str());
            headers.extend(named.map(|name| ("mcp-name".into(), name.into())));
        }
        headers
    }

    /// Sends a message.
    pub fn try_post(&self, message: &Value) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::post(format!("http://{}{}", self.address, self.path));
        for (name, value) in self.headers_for(message) {
            request = request.header(name, value);
        }
        agent().run(request.body(message.to_string()).expect("a request"))
    }

    pub fn post(&self, message: &Value) -> Response<Body> {
        self.try_post(message).expect("an answer")
    }

    /// All messages that answer a request.
    pub fn ask(&self, method: &str, params: Value) -> Vec<Value> {
        messages(self.post(&self.message(method, params)))
    }

    /// The answer to a request.
    pub fn answer(&self, method: &str, params: Value) -> Value {
        self.ask(method, params).pop().expect("an answer")
    }

    /// The answer to a call of a tool.
    pub fn call(&self, tool: &str, arguments: Value) -> Value {
        self.answer("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// The structured content of a call's result.
    pub fn told(&self, tool: &str, arguments: Value) -> Value {
        self.call(tool, arguments)["result"]["structuredContent"].clone()
    }

    /// A connection on which a message was sent, and nothing read.
    pub fn begin(&self, message: &Value) -> TcpStream {
        let body = message.to_string();
        let mut head =
            format!("POST {} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.path, self.address, body.len());
        for (name, value) in self.headers_for(message) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.raw(&format!("{head}\r\n{body}"))
    }

    /// A connection on which a client with a session is told what belongs to no request.
    pub fn wait(&self) -> TcpStream {
        let mut head = format!("GET {} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n", self.path, self.address);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.raw(&format!("{head}\r\n"))
    }

    /// A connection on which something was sent, and nothing read.
    pub fn raw(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(text.as_bytes()).expect("sent");
        stream
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(PATIENCE));
    config.build().into()
}

/// The messages that a body is made of.
pub fn messages(mut response: Response<Body>) -> Vec<Value> {
    let events = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let mut text = String::new();
    response.body_mut().as_reader().read_to_string(&mut text).expect("a body");
    if !events {
        return vec![serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))];
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| !data.is_empty());
    data.map(|data| serde_json::from_str(data).expect("a message")).collect()
}

/// The last of them.
pub fn last(response: Response<Body>) -> Value {
    messages(response).pop().expect("a message")
}

/// Reads events from a connection until one says what is waited for.
pub fn read_until(stream: TcpStream, wanted: &str) -> String {
    let mut seen = String::new();
    let mut reader = BufReader::new(stream);
    while !seen.contains(wanted) {
        let before = seen.len();
        reader.read_line(&mut seen).expect("a line");
        assert!(seen.len() > before, "the connection ended: {seen}");
    }
    seen
}

/// Waits for something to become true.
#[track_caller]
pub fn eventually(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}
