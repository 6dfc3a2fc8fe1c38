//! The keys of issuers: where to fetch them, and taking in what was fetched. The database fetches nothing itself; a courier
//! brings whole sets, and what is no longer in the latest verifies nothing.

use awooop_policy::access_token::jwk::{IssuerKey, read_set};
use awooop_policy::error::{ErrorCode, Problem};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use serde_json::{Value, json};

use super::couriers;
use crate::audit;
use crate::authentication::bindable;
use crate::caller::Caller;
use crate::fault::{Outcome, fault, or_raise};
use crate::statement::{column, rfc3339, statements};
use crate::tenant;

statements! {
    SOURCES: reading [] = concat!(
        "select coalesce(json_agg(json_build_object('project_id', s.project_id, 'issuer', s.issuer, 'jwks_uri', s.jwks_uri,
                    'fetched_at', ", rfc3339!("s.fetched_at"), ",
                    'private_host_allowed', exists (select from awooop.mcp_private_host h where h.host = s.host))
                    order by s.fetched_at nulls first, s.project_id, s.issuer), '[]')::text
         from awooop.issuer_key_sources() s");
    // Locked: of two that bring a set at once, or one that brings it while the issuer is changed, one sees the other's.
    LOCK: writing [TEXTOID, TEXTOID] =
        "select jwks_uri from awooop.token_issuer where project_id = $1 and issuer = $2 for update";
    STORED: writing [TEXTOID, TEXTOID] =
        "select kid, jwk from awooop.token_issuer_key where project_id = $1 and issuer = $2";
    DROP: writing [TEXTOID, TEXTOID] = "delete from awooop.token_issuer_key where project_id = $1 and issuer = $2";
    STORE: writing [TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID] =
        "insert into awooop.token_issuer_key (project_id, issuer, kid, jwk)
         select $1, $2, k.kid, k.jwk from unnest($3, $4) k (kid, jwk)";
    FETCHED: writing [TEXTOID, TEXTOID] =
        "update awooop.token_issuer set keys_fetched_at = clock_timestamp() where project_id = $1 and issuer = $2";
}

/// Where the key sets of all issuers are, of all projects, the one that was fetched longest ago first: for a courier. Returns
/// `{"issuers": [{"project_id", "issuer", "jwks_uri", "fetched_at", "private_host_allowed"}]}`, or a problem where `courier` is
/// no courier's credential.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn issuers_to_fetch(courier: Option<&str>) -> pgrx::JsonB {
    pgrx::JsonB(or_raise((|| {
        if let Err(problem) = couriers::prove(courier.unwrap_or_default())? {
            return Ok(problem.to_document());
        }
        let issuers = SOURCES.with(|s| s.row(&[], |row| column::<String>(row, 1)))?.unwrap_or_default();
        Ok(json!({"issuers": serde_json::from_str::<Value>(&issuers)?}))
    })()))
}

/// Takes in the key set that an issuer has published, whole: of the keys of before, those that are not in it verify nothing
/// from then on. With `jwks_uri` it is taken only if that is still where the issuer's keys are. Returns
/// `{"keys", "changed"}`, or a problem where `courier` is no courier's credential.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn store_issuer_keys(
    courier: Option<&str>,
    project_id: Option<&str>,
    issuer: Option<&str>,
    jwks: Option<&str>,
    jwks_uri: default!(Option<&str>, "NULL"),
) -> pgrx::JsonB {
    pgrx::JsonB(or_raise((|| {
        let name = match couriers::prove(courier.unwrap_or_default())? {
            Ok(name) => name,
            Err(problem) => return Ok(problem.to_document()),
        };
        let keys = match read_set(jwks.unwrap_or_default()) {
            Ok(keys) => keys,
            Err(why) => return fault(Problem::from(ErrorCode::IssuerKeys).with("reason", why.as_str())),
        };
        let project_id = bindable(project_id.unwrap_or_default());
        let courier = Caller::platform(project_id, &format!("courier:{name}"));
        tenant::within(project_id, || store(&courier, issuer.unwrap_or_default(), jwks_uri, keys))
    })()))
}

fn store(courier: &Caller, issuer: &str, jwks_uri: Option<&str>, mut keys: Vec<IssuerKey>) -> Outcome<Value> {
    let key = [courier.project_id.as_str().into(), issuer.into()];
    let registered = LOCK.with(|s| s.row(&key, |row| column::<String>(row, 1)))?;
    if registered.is_none_or(|registered| jwks_uri.is_some_and(|fetched| fetched != registered)) {
        return fault(ErrorCode::IssuerUnknown);
    }
    let read = |row: &spi::SpiTupleTable| Ok(IssuerKey { kid: column(row, 1)?, jwk: column(row, 2)? });
    let mut stored = STORED.with(|s| s.rows(&key, read))?;
    let by_kid = |a: &IssuerKey, b: &IssuerKey| a.kid.cmp(&b.kid);
    stored.sort_by(by_kid);
    keys.sort_by(by_kid);
    let (count, changed) = (keys.len(), stored != keys);
    if changed {
        let missing = |from: &[IssuerKey], of: &[IssuerKey]| -> Vec<String> {
            of.iter().filter(|key| !from.contains(key)).map(|key| key.kid.clone()).collect()
        };
        let entry = audit::Entry::default()
            .with("issuer", issuer)
            .with("added", missing(&stored, &keys))
            .with("removed", missing(&keys, &stored));
        let (kids, jwks): (Vec<String>, Vec<String>) = keys.into_iter().map(|key| (key.kid, key.jwk)).unzip();
        DROP.with(|s| s.run(&key))?;
        STORE.with(|s| s.run(&[courier.project_id.as_str().into(), issuer.into(), kids.into(), jwks.into()]))?;
        audit::done(courier, "token_issuer_keys_changed", entry)?;
    }
    FETCHED.with(|s| s.run(&key))?;
    Ok(json!({"keys": count, "changed": changed}))
}

/// Where the keys of all issuers are, in all projects. Belongs to awooop_scheduler; it hands out names and addresses only.
#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn issuer_key_sources() -> TableIterator<
    'static,
    (
        name!(project_id, String),
        name!(issuer, String),
        name!(jwks_uri, String),
        name!(host, String),
        name!(registered_at, Option<TimestampWithTimeZone>),
        name!(fetched_at, Option<TimestampWithTimeZone>),
    ),
> {
    statements! {
        FIND: reading [] =
            "select project_id, issuer, jwks_uri, host, registered_at, keys_fetched_at from awooop.token_issuer";
    }
    TableIterator::new(or_raise(FIND.with(|s| {
        s.rows(&[], |row| {
            Ok((column(row, 1)?, column(row, 2)?, column(row, 3)?, column(row, 4)?, row.get(5)?, row.get(6)?))
        })
    })))
}
