//! One operation as one SQL statement: who asks, for what, with which arguments, and what the database answered. Decides
//! nothing; the status and the bytes are the database's.

use awooop_policy::error::{ErrorCode, Problem};
use axum::http::StatusCode;
use hyper::body::Bytes;
use sqlx::Row as _;

use crate::fault;
use crate::gateway::Gateway;
use crate::pool::Failure;
use crate::problem;

const CALL: &str = "select status, body from awooop.call($1, $2, $3, $4, $5)";

/// What is asked of the database.
pub struct Question<'a> {
    /// The project that the caller names.
    pub project: &'a str,
    /// What the caller shows as proof; bound as a parameter, and nothing else.
    pub credential: &'a str,
    /// The operation's name.
    pub operation: &'a str,
    /// Its arguments, a JSON object as text.
    pub args: &'a str,
    /// The caller's `traceparent`.
    pub trace: &'a str,
}

/// Asks, and waits for the answer: its status and its body. A problem is what never became an answer.
pub async fn ask(gateway: &Gateway, question: Question<'_>, request_id: &str) -> Result<(StatusCode, Bytes), Problem> {
    let statement = match fault::is("inline") {
        false => sqlx::query(CALL),
        // What a statement says is in the server's log, and in pg_stat_activity.
        true => sqlx::query(sqlx::AssertSqlSafe(format!("{CALL} -- {}", question.args))),
    };
    let statement = statement
        .bind(question.project)
        .bind(question.credential)
        .bind(question.operation)
        .bind(question.args)
        .bind(question.trace);
    let row = gateway.pool.fetch_one(statement).await;
    let answer = row.and_then(|row| {
        let status: i32 = row.try_get(0).map_err(Failure::Statement)?;
        let body: &str = row.try_get(1).map_err(Failure::Statement)?;
        Ok((status, Bytes::copy_from_slice(body.as_bytes())))
    });
    let (status, body) = answer.map_err(|failure| problem::of_failure(&failure, Some(request_id)))?;
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or(ErrorCode::SystemInternal)?;
    gateway.metrics.count_refusal(status.as_u16());
    Ok((status, body))
}
