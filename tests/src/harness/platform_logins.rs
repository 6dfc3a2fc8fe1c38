//! Sessions of the platform's own logins, and the gateway's one statement with what it answers.

use serde_json::Value;

use super::Session;
use super::answer::Failure;
use super::connect;
use super::platform::platform_config;

/// A session of awooop_gateway in `database`.
pub fn gateway_login_in(database: &str) -> Gateway {
    Gateway(Session::new(connect(&platform_config("awooop_gateway", Some(database)))))
}

/// A session of awooop_worker in `database`.
pub fn worker_login(database: &str) -> Session {
    Session::new(connect(&platform_config("awooop_worker", Some(database))))
}

/// What the gateway would send on.
#[derive(Debug)]
pub struct Reply {
    pub status: i32,
    pub body: Value,
}

/// The gateway's login, and the statement it runs for a request.
pub struct Gateway(pub Session);

impl Gateway {
    /// One request; a fault is the error that the gateway would turn into a problem.
    pub fn try_call(
        &mut self,
        project: &str,
        credential: &str,
        operation: &str,
        arguments: &str,
    ) -> Result<Reply, Failure> {
        self.traced(project, credential, operation, arguments, None)
    }

    /// One request that came with a traceparent.
    pub fn traced(
        &mut self,
        project: &str,
        credential: &str,
        operation: &str,
        arguments: &str,
        traceparent: Option<&str>,
    ) -> Result<Reply, Failure> {
        let sql = "select status, body from awooop.call($1, $2, $3, $4, $5)";
        let row = self
            .0
            .0
            .query_one(sql, &[&project, &credential, &operation, &arguments, &traceparent])
            .map_err(|error| Failure::from(&error))?;
        let body: String = row.get(1);
        Ok(Reply {
            status: row.get(0),
            body: serde_json::from_str(&body).unwrap_or_else(|error| panic!("{operation} answered {body:?}: {error}")),
        })
    }

    /// One request that is answered, be it with a refusal.
    #[track_caller]
    pub fn call(&mut self, project: &str, credential: &str, operation: &str, arguments: &str) -> Reply {
        match self.try_call(project, credential, operation, arguments) {
            Ok(reply) => reply,
            Err(failure) => panic!("{operation} {arguments}\nfailed with {failure:?}"),
        }
    }
}
