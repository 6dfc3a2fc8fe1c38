//! The core: an operation's request becomes one SQL statement, and what comes back becomes the answer. Decides what is
//! read from the request and when to give up; who the caller is, what it may do and what the arguments mean is decided
//! by the statement.

mod args;
mod body;
mod credential;

use awooop_policy::error::{ErrorCode, Problem};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use hyper::body::{Body, Bytes};
use matchit::Params;
use tokio::time::timeout;

use self::args::Members;
pub use self::body::read as read_body;
pub use self::credential::{Credential, project};
use crate::answer::Answer;
use crate::ask::{Question, ask};
use crate::gateway::Gateway;
use crate::operation::{ArgKind, IDEMPOTENCY_ARG, Operation};
use crate::trace::{RequestId, TraceParent};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// One request for an operation.
pub struct Request<'a, B> {
    /// The operation that the address names.
    pub operation: &'a Operation,
    /// The parts of the path that are its arguments.
    pub params: Params<'a, 'a>,
    /// Method, address and headers.
    pub head: &'a Parts,
    /// The body, not read yet.
    pub body: B,
    /// Its id, for the log.
    pub id: &'a RequestId,
    /// The caller's trace, or a fresh one.
    pub trace: &'a TraceParent,
}

/// Carries a request to the database and its answer back, within the time a request may take.
pub async fn carry<B>(gateway: &Gateway, request: Request<'_, B>) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
{
    match timeout(gateway.settings.request_timeout(), call(gateway, request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(problem)) => {
            if problem.code == ErrorCode::HttpBusy {
                gateway.metrics.busy.inc();
            }
            problem.into()
        }
        Err(_) => Problem::from(ErrorCode::HttpTimeout).into(),
    }
}

async fn call<B>(gateway: &Gateway, request: Request<'_, B>) -> Result<Answer, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let Request { operation, params, head, body, id, trace } = request;
    let credential = Credential::of(&head.headers);
    let project = project(&head.headers, &credential).ok_or(ErrorCode::InputNul)?;
    let members = members(operation, &params, head)?;
    let text;
    let body = if operation.has_body() {
        text = body::read(&head.headers, body, gateway.settings.body_limit_bytes).await?;
        text.as_str()
    } else {
        ""
    };
    let args = members.before(body);
    let question = Question {
        project: &project,
        credential: credential.reveal(),
        operation: operation.row.name.as_str(),
        args: args.as_ref(),
        trace: trace.as_str(),
    };
    let (status, body) = ask(gateway, question, id.as_str()).await?;
    match operation.text_type() {
        Some(kind) if status.is_success() => {
            let text: String = serde_json::from_slice(&body).map_err(|_| ErrorCode::SystemInternal)?;
            Ok(Answer::new(status, Bytes::from(text)).typed(kind.clone()))
        }
        _ => Ok(Answer::new(status, body)),
    }
}

/// The arguments that stand outside the body.
fn members(operation: &Operation, params: &Params<'_, '_>, head: &Parts) -> Result<Members, ErrorCode> {
    let mut members = Members::default();
    for (name, raw) in params.iter() {
        members.push_path(operation, name, raw)?;
    }
    if let Some(query) = head.uri.query() {
        members.push_query(operation, query)?;
    }
    if operation.takes_idempotency_key()
        && let Some(key) = idempotency_key(&head.headers)?
    {
        members.push(IDEMPOTENCY_ARG, key, ArgKind::Other);
    }
    Ok(members)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ErrorCode> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| ErrorCode::InputNul)
}
