//! Whether to send requests here: the database answers and is migrated, the operations are known, and the end has not
//! begun. What healthy means for the database, the database says.

use std::time::{Duration, Instant};

use awooop_policy::error::{ErrorCode, Problem};
use axum::http::StatusCode;
use hyper::body::Bytes;
use serde_json::{Map, Value};
use sqlx::Row as _;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::gateway::Gateway;
use crate::pool::{Failure, Pool};
use crate::problem;

const HEALTH: &str = "select awooop.health()::text";

/// A probe gives up sooner than this, and asks again.
const PATIENCE: Duration = Duration::from_secs(1);
/// One answer serves everybody for so long: anyone may ask, and there is one connection for it.
const FRESH: Duration = Duration::from_millis(500);

/// The last answer of the database, and when it came.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, Result<String, Problem>)>>);

/// The answer of /readyz.
pub async fn answer(gateway: &Gateway) -> Answer {
    if gateway.is_draining() {
        return Problem::from(ErrorCode::HttpBusy).with("draining", true).into();
    }
    match gateway.readiness.ask(&gateway.control).await {
        Ok(_) if gateway.registry.get().is_none() => Problem::from(ErrorCode::HttpDatabase).into(),
        Ok(health) => Answer::new(StatusCode::OK, Bytes::from(health)),
        Err(problem) => problem.into(),
    }
}

impl Readiness {
    async fn ask(&self, pool: &Pool) -> Result<String, Problem> {
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.as_ref().filter(|(when, _)| when.elapsed() < FRESH) {
            return answer.clone();
        }
        let answer = match timeout(PATIENCE, health(pool)).await {
            Ok(Ok(document)) => judge(document),
            Ok(Err(failure)) => Err(problem::of_failure(&failure, None)),
            Err(_) => Err(ErrorCode::HttpDatabase.into()),
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }
}

async fn health(pool: &Pool) -> Result<String, Failure> {
    let row = pool.fetch_one(sqlx::query(HEALTH)).await?;
    row.try_get(0).map_err(Failure::Statement)
}

/// A database that says it is not ready says so in the problem, too.
fn judge(document: String) -> Result<String, Problem> {
    match serde_json::from_str::<Map<String, Value>>(&document) {
        Ok(facts) if facts.get("ready") == Some(&Value::Bool(true)) => Ok(document),
        Ok(facts) => Err(Problem { facts, ..ErrorCode::InstallNotMigrated.into() }),
        Err(_) => Err(ErrorCode::SystemInternal.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_that_says_so_is_ready() {
        assert!(judge(r#"{"ready":true,"version":"0.1.0"}"#.into()).is_ok());
        let problem = judge(r#"{"ready":false,"schema_version":0}"#.into()).unwrap_err();
        assert_eq!(problem.code, ErrorCode::InstallNotMigrated);
        assert_eq!(problem.to_document()["schema_version"], 0);
        assert!(judge(r#"{"ready":"true"}"#.into()).is_err());
        assert!(judge("null".into()).is_err());
    }
}
