//! A client of MCP that does what it is told to, wrong things among them: JSON-RPC by hand over HTTP.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

pub const CURRENT: &str = "2026-07-28";

pub struct Client {
    agent: Agent,
    base: String,
    path: String,
    headers: Vec<(String, String)>,
    /// What it is able to do, in the current revision.
    pub capabilities: Value,
}

/// An answer of HTTP.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All messages of the answer, in order: of one body, or of a stream.
    #[track_caller]
    pub fn messages(&self) -> Vec<Value> {
        if !self.header("content-type").starts_with("text/event-stream") {
            return vec![self.json()];
        }
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        data.filter(|data| !data.is_empty()).map(|data| serde_json::from_str(data).expect("a message")).collect()
    }

    /// The response to the request: its `result`, or its `error`.
    #[track_caller]
    pub fn response(&self) -> Value {
        let found = self
            .messages()
            .into_iter()
            .find(|message| message.get("result").is_some() || message.get("error").is_some());
        found.unwrap_or_else(|| panic!("no response: {self:?}"))
    }
}

impl Client {
    pub fn new(address: &str, key: &str) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)));
        Self {
            agent: config.build().into(),
            base: format!("http://{address}"),
            path: "/v1/mcp".into(),
            headers: vec![("authorization".into(), format!("Bearer {key}"))],
            capabilities: json!({"elicitation": {}, "sampling": {}, "roots": {}}),
        }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn at(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    /// Sends this with every request, in the place of what it sent under that name.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    fn send(&self, request: ureq::http::request::Builder, body: &str, more: &[(&str, &str)]) -> Reply {
        let mut request = request;
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let mut answer = self.agent.run(request.body(body.to_owned()).expect("a request")).expect("an answer");
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers = headers.collect();
        let mut body = String::new();
        answer.body_mut().as_reader().read_to_string(&mut body).expect("a text");
        Reply { status: answer.status().as_u16(), headers, body }
    }

    pub fn post(&self, path: &str, body: &Value, more: &[(&str, &str)]) -> Reply {
        let request =
            ureq::http::Request::post(format!("{}{path}", self.base)).header("content-type", "application/json");
        self.send(request.header("accept", "application/json, text/event-stream"), &body.to_string(), more)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send(
            ureq::http::Request::get(format!("{}{path}", self.base)).header("accept", "application/json"),
            "",
            &[],
        )
    }

    /// A request of the current revision: the message, and the headers that go with it.
    fn dressed(&self, method: &str, params: Value) -> (Value, Vec<(&'static str, String)>) {
        let mut params = params;
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": CURRENT,
            "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": self.capabilities
        });
        for (name, value) in meta.as_object().expect("an object") {
            params["_meta"][name] = value.clone();
        }
        let name = params.get("name").or(params.get("uri")).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut headers = vec![("mcp-protocol-version", CURRENT.to_owned()), ("mcp-method", method.to_owned())];
        if !name.is_empty() && method != "completion/complete" {
            headers.push(("mcp-name", name));
        }
        (json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), headers)
    }

    /// A request of the current revision, and all that was answered.
    pub fn request(&self, method: &str, params: Value) -> Reply {
        let (message, headers) = self.dressed(method, params);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post(&self.path, &message, &headers)
    }

    /// Sends one, and hangs up after so long: whether there was no answer by then.
    pub fn hangs_up(&self, method: &str, params: Value, after: Duration) -> bool {
        let (message, headers) = self.dressed(method, params);
        let config = Agent::config_builder().proxy(None).timeout_global(Some(after));
        let agent: Agent = config.build().into();
        agent.run(self.streaming(&headers).body(message.to_string()).expect("a request")).is_err()
    }

    /// Sends one whose answer is a stream; what is heard is added as it comes, until the gateway ends it.
    pub fn listen(&self, method: &str, params: Value) -> Arc<Mutex<Vec<Value>>> {
        let (message, headers) = self.dressed(method, params);
        let request = self.streaming(&headers).body(message.to_string()).expect("a request");
        heard(self.agent.run(request).expect("an answer"))
    }

    fn streaming(&self, more: &[(&str, String)]) -> ureq::http::request::Builder {
        let mut request = ureq::http::Request::post(format!("{}{}", self.base, self.path))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in more {
            request = request.header(*name, value);
        }
        request
    }

    /// All of a list that comes in pages, and how many there were.
    #[track_caller]
    pub fn all(&self, method: &str, items: &str) -> (Vec<Value>, usize) {
        let (mut all, mut pages, mut cursor) = (Vec::new(), 0, Value::Null);
        loop {
            let params = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
            let page = self.result(method, params);
            all.extend(page[items].as_array().expect("items").clone());
            pages += 1;
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                return (all, pages);
            }
        }
    }

    /// The result of a request of the current revision that has one.
    #[track_caller]
    pub fn result(&self, method: &str, params: Value) -> Value {
        let response = self.request(method, params).response();
        assert!(response.get("result").is_some(), "{method}: {response}");
        response["result"].clone()
    }

    /// The error of a request of the current revision that has one.
    #[track_caller]
    pub fn error(&self, method: &str, params: Value) -> Value {
        let response = self.request(method, params).response();
        assert!(response.get("error").is_some(), "{method}: {response}");
        response["error"].clone()
    }

    /// What a call of a tool came to.
    #[track_caller]
    pub fn call(&self, tool: &str, arguments: Value) -> Value {
        self.result("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// Begins a session of an older revision; its id.
    #[track_caller]
    pub fn session(self, version: &str) -> Session {
        let message = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": self.capabilities, "clientInfo": {"name": "tests", "version": "1"}
        }});
        let begun = self.post(&self.path.clone(), &message, &[]);
        assert_eq!(begun.status, 200, "{}", begun.body);
        let id = begun.header("mcp-session-id").to_owned();
        let offered = begun.response()["result"].clone();
        let session = Session { client: self, id, version: version.into(), offered };
        session.notify("notifications/initialized", json!({}));
        session
    }
}

/// A session of an older revision.
pub struct Session {
    pub client: Client,
    pub id: String,
    version: String,
    /// What `initialize` answered.
    pub offered: Value,
}

impl Session {
    fn headers(&self) -> Vec<(&str, &str)> {
        vec![("mcp-session-id", self.id.as_str()), ("mcp-protocol-version", self.version.as_str())]
    }

    pub fn notify(&self, method: &str, params: Value) {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        let reply = self.client.post(&self.client.path, &message, &self.headers());
        assert_eq!(reply.status, 202, "{}", reply.body);
    }

    pub fn request(&self, method: &str, params: Value) -> Reply {
        let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.client.post(&self.client.path, &message, &self.headers())
    }

    #[track_caller]
    pub fn result(&self, method: &str, params: Value) -> Value {
        let response = self.request(method, params).response();
        assert!(response.get("result").is_some(), "{method}: {response}");
        response["result"].clone()
    }

    /// Listens to the session's own stream from here on; what is heard is added as it comes, until the gateway ends.
    pub fn listen(&self) -> Arc<Mutex<Vec<Value>>> {
        let mut request = ureq::http::Request::get(format!("{}{}", self.client.base, self.client.path))
            .header("accept", "text/event-stream");
        for (name, value) in &self.client.headers {
            request = request.header(name, value);
        }
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        heard(self.client.agent.run(request.body(String::new()).expect("a request")).expect("an answer"))
    }

    /// Makes a request, answers what comes back meanwhile, and gives the response. `answer` says what to answer to a request of
    /// the server, an object with `error` an error; notifications are collected.
    #[track_caller]
    pub fn converse(&self, method: &str, params: Value, answer: impl Fn(&Value) -> Value) -> (Value, Vec<Value>) {
        let message = json!({"jsonrpc": "2.0", "id": 8, "method": method, "params": params});
        let mut request = ureq::http::Request::post(format!("{}{}", self.client.base, self.client.path))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        for (name, value) in &self.client.headers {
            request = request.header(name, value);
        }
        for (name, value) in self.headers() {
            request = request.header(name, value);
        }
        let mut reply =
            self.client.agent.run(request.body(message.to_string()).expect("a request")).expect("an answer");
        let mut heard = Vec::new();
        for line in BufReader::new(reply.body_mut().as_reader()).lines() {
            let line = line.expect("a line");
            let Some(data) = line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty()) else {
                continue;
            };
            let said: Value = serde_json::from_str(data).expect("a message");
            if said.get("result").is_some() || said.get("error").is_some() {
                return (said, heard);
            }
            if said.get("id").is_some() {
                let mut response = json!({"jsonrpc": "2.0", "id": said["id"]});
                let answer = answer(&said);
                match answer.get("error") {
                    Some(error) => response["error"] = error.clone(),
                    None => response["result"] = answer,
                }
                let sent = self.client.post(&self.client.path, &response, &self.headers());
                assert_eq!(sent.status, 202, "{}", sent.body);
            }
            heard.push(said);
        }
        panic!("the stream ended without a response: {heard:?}");
    }
}

/// What a stream says, added as it comes.
fn heard(mut reply: ureq::http::Response<ureq::Body>) -> Arc<Mutex<Vec<Value>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&heard);
    std::thread::spawn(move || {
        for line in BufReader::new(reply.body_mut().as_reader()).lines().map_while(Result::ok) {
            let Some(data) = line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty()) else {
                continue;
            };
            all.lock().expect("a list").push(serde_json::from_str(data).expect("a message"));
        }
    });
    heard
}
