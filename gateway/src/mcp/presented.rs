//! What a request shows of its caller, for as long as it is carried: project, credential, agent, and which server it is for.
//! Believes none of it; it goes to the database with every question.

use std::sync::Arc;

use awooop_policy::error::ErrorCode;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use rmcp::RoleServer;
use rmcp::model::ErrorData;
use rmcp::service::RequestContext;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::forward::{Credential, project};
use crate::trace::{RequestId, TraceParent};

/// `X-Agent-Id`: whose call it is, where the key is not bound to an agent.
static AGENT_ID: HeaderName = HeaderName::from_static("x-agent-id");

/// One request's caller.
#[derive(Clone)]
pub struct Presented(Arc<Shown>);

struct Shown {
    project: String,
    credential: SecretString,
    agent: Option<String>,
    server: Option<String>,
    trace: String,
    request_id: String,
    proof: [u8; 32],
    digest: [u8; 32],
}

impl Presented {
    /// Of a request to `/v1/mcp`, or to `/v1/mcp/{server}`.
    pub fn of(
        headers: &HeaderMap,
        server: Option<&str>,
        id: &RequestId,
        trace: &TraceParent,
    ) -> Result<Presented, ErrorCode> {
        let credential = Credential::of(headers);
        let project = project(headers, &credential).ok_or(ErrorCode::InputNul)?.into_owned();
        let agent = match headers.get(&AGENT_ID) {
            Some(value) => Some(std::str::from_utf8(value.as_bytes()).map_err(|_| ErrorCode::InputNul)?.to_owned()),
            None => None,
        };
        let proof: [u8; 32] = Sha256::new()
            .chain_update(project.as_bytes())
            .chain_update([0])
            .chain_update(credential.reveal())
            .finalize()
            .into();
        let digest = Sha256::new()
            .chain_update(proof)
            .chain_update(agent.as_deref().unwrap_or_default())
            .chain_update([0])
            .chain_update(server.unwrap_or_default())
            .finalize();
        Ok(Presented(Arc::new(Shown {
            project,
            credential: credential.reveal().to_owned().into(),
            agent,
            server: server.map(str::to_owned),
            trace: trace.as_str().to_owned(),
            request_id: id.as_str().to_owned(),
            proof,
            digest: digest.into(),
        })))
    }

    /// As the request carries it that a message of the protocol came with.
    pub fn of_context(context: &RequestContext<RoleServer>) -> Result<Presented, ErrorData> {
        let parts = context.extensions.get::<Parts>();
        let presented = parts.and_then(|parts| parts.extensions.get::<Presented>()).cloned();
        presented.ok_or_else(|| ErrorData::internal_error("the request came without its caller", None))
    }

    /// The project that is named.
    pub fn project(&self) -> &str {
        &self.0.project
    }

    /// The proof, for the parameter of a statement alone.
    pub fn reveal(&self) -> &str {
        self.0.credential.expose_secret()
    }

    /// The lease of the run that the caller works in, where that is what it shows.
    pub fn lease(&self) -> Option<String> {
        let shown = self.0.credential.expose_secret();
        shown.starts_with("awl_").then(|| shown.to_owned())
    }

    /// Whose call it is.
    pub fn agent(&self) -> Option<&str> {
        self.0.agent.as_deref()
    }

    /// The one server that it is for.
    pub fn server(&self) -> Option<&str> {
        self.0.server.as_deref()
    }

    /// The caller's `traceparent`.
    pub fn trace(&self) -> &str {
        &self.0.trace
    }

    /// For the log.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The same for the same project and credential, and for no others.
    pub fn proof(&self) -> [u8; 32] {
        self.0.proof
    }

    /// The same for the same caller, agent and server, and for nobody else.
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest
    }
}
