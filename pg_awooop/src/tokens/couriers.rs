//! Couriers: who may bring key sets of issuers into the database. Whoever could plant a key could make tokens for everybody, so
//! the gateway's login is not enough for that: it takes a credential of its own, which an operator makes and ends.

use awooop_policy::credential::{CredentialDigest, courier_id, new_courier};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::name::{MAX_ID, NameRule};
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::authentication::count_failure;
use crate::fault::{Outcome, fault, or_raise};
use crate::projects::{operator, text};
use crate::redaction;
use crate::statement::{column, statements};

statements! {
    INSERT: writing [TEXTOID, TEXTOID, BYTEAOID, TEXTOID, TEXTOID] =
        "insert into awooop.issuer_courier (courier_id, name, digest, reason, created_by) values ($1, $2, $3, $4, $5)
         on conflict (name) where revoked_at is null do nothing";
    REVOKE: writing [TEXTOID, TEXTOID, TEXTOID] =
        "update awooop.issuer_courier set revoked_at = clock_timestamp(), revoked_by = $2, revoke_reason = $3
         where name = $1 and revoked_at is null returning courier_id";
    // Always one row, whether the courier exists or not: every failure does the same work.
    FIND: reading [TEXTOID] =
        "select c.digest, c.name, c.courier_id is not null and c.revoked_at is null
         from (select 1) one left join awooop.issuer_courier c on c.courier_id = $1";
}

/// The name of the courier whose credential this is; otherwise the one answer there is to any other, counted.
pub(super) fn prove(credential: &str) -> Outcome<Result<String, Problem>> {
    let id = courier_id(credential);
    let presented = CredentialDigest::of(credential);
    let found = FIND.with(|s| {
        s.row(&[id.unwrap_or_default().into()], |row| {
            Ok((row.get::<Vec<u8>>(1)?, column::<String>(row, 2)?, column::<bool>(row, 3)?))
        })
    })?;
    let (digest, name, lives) = found.unwrap_or_default();
    let is_proven = presented.matches(&digest.unwrap_or_else(|| vec![0; 32])) & lives & id.is_some();
    if is_proven {
        return Ok(Ok(name));
    }
    count_failure("courier", id.unwrap_or_default())?;
    Ok(Err(ErrorCode::IssuerCourier.into()))
}

fn reason_of(reason: Option<&str>) -> Outcome<Option<String>> {
    if let Some(reason) = reason {
        text("reason", Some(reason), NameRule::Line, 500)?;
    }
    Ok(redaction::stored(reason))
}

/// Entrusts somebody, a gateway as a rule, with bringing the key sets of tokens' issuers. Returns
/// `{"courier_id", "name", "courier"}`; the last is the credential, shown this once.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_issuer_courier(name: Option<&str>, reason: default!(Option<&str>, "NULL")) -> pgrx::JsonB {
    pgrx::JsonB(or_raise(create(name, reason)))
}

fn create(name: Option<&str>, reason: Option<&str>) -> Outcome<Value> {
    let operator = operator("")?;
    let name = text("name", name, NameRule::Id, MAX_ID)?;
    let reason = reason_of(reason)?;
    let courier = new_courier()?;
    let made = INSERT.with(|s| {
        s.run(&[
            courier.id.as_str().into(),
            name.into(),
            courier.digest().as_bytes().as_slice().into(),
            reason.as_deref().into(),
            operator.principal_id.as_str().into(),
        ])
    })?;
    if made == 0 {
        return fault(ErrorCode::IssuerCourierTaken);
    }
    Ok(json!({"courier_id": courier.id.clone(), "name": name, "courier": courier.reveal()}))
}

/// Ends what `create_issuer_courier` began, at once. What it has brought stays until it is replaced, or a day old. Returns
/// `{"courier_id", "name", "revoked"}`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn revoke_issuer_courier(name: Option<&str>, reason: default!(Option<&str>, "NULL")) -> pgrx::JsonB {
    pgrx::JsonB(or_raise(revoke(name, reason)))
}

fn revoke(name: Option<&str>, reason: Option<&str>) -> Outcome<Value> {
    let operator = operator("")?;
    let name = text("name", name, NameRule::Id, MAX_ID)?;
    let parameters = [name.into(), operator.principal_id.as_str().into(), reason_of(reason)?.into()];
    match REVOKE.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))? {
        Some(courier_id) => Ok(json!({"courier_id": courier_id, "name": name, "revoked": true})),
        None => fault(ErrorCode::IssuerCourierUnknown),
    }
}
