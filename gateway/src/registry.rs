//! Which operation an address is: read from the database at the start, and again from time to time. Decides the route
//! and nothing else; an operation that is switched off keeps its route, and the database refuses the call.

use std::sync::{Arc, PoisonError, RwLock};

use axum::http::{HeaderValue, Method};
use hyper::body::Bytes;
use matchit::Params;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use tracing::{error, info};

use crate::metrics::Metrics;
use crate::openapi;
use crate::operation::{Operation, Row};
use crate::pages;
use crate::pool::{Failure, Pool};

const OPERATION_LIST: &str = "select name, scope, method, path, summary, description, success_status, \
    args_schema::text, result_schema::text, enabled from awooop.operation_list()";

/// The operations of one reading, addressable.
pub struct Registry {
    rows: Vec<Row>,
    routes: matchit::Router<Address>,
    openapi: Bytes,
}

/// What stands at one path.
struct Address {
    operations: Vec<Arc<Operation>>,
    allow: HeaderValue,
}

/// What an address and method lead to.
pub enum Route<'r, 'p> {
    /// An operation, and the parts of the path that are its arguments.
    Operation(Arc<Operation>, Params<'r, 'p>),
    /// A path that other methods have; their names, for the Allow header.
    OtherMethod(HeaderValue),
    /// No operation's path.
    Nowhere,
}

impl Registry {
    /// Makes rows addressable. A row that cannot be routed is left out and logged: it must not take the others with it.
    pub fn new(rows: Vec<Row>, metrics: &Metrics) -> Registry {
        let mut paths: Vec<(&str, Vec<Arc<Operation>>)> = Vec::new();
        for row in &rows {
            if pages::owns(&row.path) {
                error!(operation = row.name, "the route of an operation is one of the gateway's own pages");
                continue;
            }
            let Some(operation) = Operation::new(row.clone(), metrics.meters(&row.name)).map(Arc::new) else {
                error!(operation = row.name, "an operation has a method that cannot be routed");
                continue;
            };
            match paths.iter_mut().find(|(path, _)| *path == row.path) {
                Some((_, others)) if others.iter().any(|other| other.method == operation.method) => {
                    error!(operation = row.name, "two operations have the same method and route");
                }
                Some((_, others)) => others.push(operation),
                None => paths.push((&row.path, vec![operation])),
            }
        }
        let mut routes = matchit::Router::new();
        for (path, operations) in paths {
            let methods: Vec<&str> = operations.iter().map(|operation| operation.method.as_str()).collect();
            let allow = HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""));
            if routes.insert(path, Address { operations, allow }).is_err() {
                error!(path, "a route contradicts another one, or is malformed");
            }
        }
        let openapi = Bytes::from(openapi::document(&rows).to_string());
        Registry { rows, routes, openapi }
    }

    /// Where a request leads.
    pub fn route<'r, 'p>(&'r self, method: &Method, path: &'p str) -> Route<'r, 'p> {
        let Ok(found) = self.routes.at(path) else {
            return Route::Nowhere;
        };
        match found.value.operations.iter().find(|operation| operation.method == *method) {
            Some(operation) => Route::Operation(Arc::clone(operation), found.params),
            None => Route::OtherMethod(found.value.allow.clone()),
        }
    }

    /// The scope that an operation takes.
    pub fn scope_of(&self, operation: &str) -> Option<String> {
        self.rows.iter().find(|row| row.name == operation).and_then(|row| row.scope.clone())
    }

    /// The OpenAPI document of these operations.
    pub fn openapi(&self) -> Bytes {
        self.openapi.clone()
    }
}

/// The current registry, replaced whole when the database's operations have changed.
#[derive(Default)]
pub struct Current(RwLock<Option<Arc<Registry>>>);

impl Current {
    /// The registry, once there is one.
    pub fn get(&self) -> Option<Arc<Registry>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the operations; when they differ from those held, they take their place.
    pub async fn reload(&self, pool: &Pool, metrics: &Metrics) -> Result<(), Failure> {
        let rows = load(pool).await?;
        if self.get().is_some_and(|held| held.rows == rows) {
            return Ok(());
        }
        let registry = Registry::new(rows, metrics);
        info!(operations = registry.rows.len(), "the operations were read");
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(registry));
        Ok(())
    }
}

/// The operations as the database lists them.
pub async fn load(pool: &Pool) -> Result<Vec<Row>, Failure> {
    let rows = pool.fetch_all(sqlx::query(OPERATION_LIST)).await?;
    rows.iter().map(decode).collect::<Result<_, _>>().map_err(Failure::Statement)
}

fn decode(row: &PgRow) -> Result<Row, sqlx::Error> {
    Ok(Row {
        name: row.try_get(0)?,
        scope: row.try_get(1)?,
        method: row.try_get(2)?,
        path: row.try_get(3)?,
        summary: row.try_get(4)?,
        description: row.try_get(5)?,
        success_status: row.try_get(6)?,
        args_schema: schema(row.try_get(7)?)?,
        result_schema: schema(row.try_get(8)?)?,
        enabled: row.try_get(9)?,
    })
}

fn schema(text: &str) -> Result<Value, sqlx::Error> {
    serde_json::from_str(text).map_err(|cause| sqlx::Error::Decode(Box::new(cause)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::sample::row;
    use serde_json::json;

    fn registry(rows: &[(&str, &str, &str)]) -> Registry {
        let rows = rows.iter().map(|(name, method, path)| row(name, method, path, json!({"type": "object"})));
        Registry::new(rows.collect(), &Metrics::new().unwrap())
    }

    fn name(registry: &Registry, method: Method, path: &str) -> String {
        match registry.route(&method, path) {
            Route::Operation(operation, _) => operation.row.name.clone(),
            Route::OtherMethod(allow) => format!("allow {}", allow.to_str().unwrap()),
            Route::Nowhere => "nowhere".into(),
        }
    }

    #[test]
    fn an_address_leads_to_its_operation() {
        let all = registry(&[
            ("list_runs", "GET", "/v1/platform/runs"),
            ("create_run", "POST", "/v1/platform/runs"),
            ("claim_runs", "POST", "/v1/platform/runs/claim"),
            ("get_run", "GET", "/v1/platform/runs/{run_id}"),
        ]);
        assert_eq!(name(&all, Method::POST, "/v1/platform/runs"), "create_run");
        assert_eq!(name(&all, Method::GET, "/v1/platform/runs/7"), "get_run");
        assert_eq!(name(&all, Method::POST, "/v1/platform/runs/claim"), "claim_runs");
        assert_eq!(name(&all, Method::PUT, "/v1/platform/runs"), "allow GET, POST");
        assert_eq!(name(&all, Method::HEAD, "/v1/platform/runs"), "allow GET, POST");
        assert_eq!(name(&all, Method::GET, "/v1/platform/runs/"), "nowhere");
        assert_eq!(name(&all, Method::GET, "/v1/platform/runs/7/8"), "nowhere");
    }

    #[test]
    fn a_row_that_cannot_be_routed_does_not_take_the_others_with_it() {
        let all = registry(&[
            ("bad_method", "TRACE", "/v1/a"),
            ("bad_path", "GET", "/v1/{a"),
            ("one", "GET", "/v1/runs/{run_id}"),
            ("contradicts", "GET", "/v1/runs/{other}"),
            ("page", "GET", "/healthz"),
            ("twice", "GET", "/v1/runs/{run_id}"),
        ]);
        assert_eq!(name(&all, Method::GET, "/v1/runs/7"), "one");
        assert_eq!(name(&all, Method::GET, "/healthz"), "nowhere");
    }
}
