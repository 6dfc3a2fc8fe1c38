//! Private hosts: MCP servers, and what else the gateway speaks to for a tenant, may be in private networks only by a name that an operator has allowed, for no tenant may send
//! the gateway to whatever the gateway can reach.

use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::name::NameRule;
use awooop_policy::upstream;
use pgrx::prelude::*;
use serde_json::json;

use crate::caller::Login;
use crate::fault::{Outcome, fault, or_raise};
use crate::redaction;
use crate::statement::{column, statements};

statements! {
    ALLOW: writing [TEXTOID, TEXTOID, TEXTOID] =
        "insert into awooop.mcp_private_host (host, reason, allowed_by) values ($1, $2, $3)
         on conflict (host) do update
            set reason = excluded.reason, allowed_by = excluded.allowed_by, allowed_at = clock_timestamp()";
    IS_ALLOWED: reading [TEXTOID] = "select exists (select from awooop.mcp_private_host where host = $1)";
    FORBID: writing [TEXTOID] = "delete from awooop.mcp_private_host where host = $1";
}

/// Allows MCP servers, of any project, to be at a host in a private, loopback or link-local network; or forbids it again. `host` is
/// a name or an address as it stands in their URLs, without a port. Returns `{"host", "allowed"}`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn allow_private_host(
    host: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
    allowed: default!(Option<bool>, true),
) -> pgrx::JsonB {
    pgrx::JsonB(or_raise(allow(host.unwrap_or_default(), reason, allowed.unwrap_or(true))))
}

fn allow(host: &str, reason: Option<&str>, allowed: bool) -> Outcome<serde_json::Value> {
    let login = Login::of_session();
    if !login.is_operator() {
        return fault(ErrorCode::AuthOperator);
    }
    let invalid = |argument: &str, expected: &str| {
        Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", expected)
    };
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let Some(host) =
        upstream::host(&format!("http://{bracketed}/")).filter(|_| host.len() <= 253 && !host.contains(['/', '@']))
    else {
        return fault(invalid("host", "a host name or address without a port"));
    };
    if reason.is_some_and(|reason| !NameRule::Line.admits(reason) || reason.chars().count() > 500) {
        return fault(invalid("reason", "a line of at most 500 characters"));
    }
    if allowed {
        let reason = redaction::stored(reason);
        ALLOW.with(|s| s.run(&[host.as_str().into(), reason.as_deref().into(), login.name().into()]))?;
    } else {
        FORBID.with(|s| s.run(&[host.as_str().into()]))?;
    }
    Ok(json!({"host": host, "allowed": allowed}))
}

/// Whether the host of that address may be a private one.
pub(crate) fn is_private_host_allowed(address: &str) -> Outcome<bool> {
    let Some(host) = upstream::host(address) else { return Ok(false) };
    Ok(IS_ALLOWED.with(|s| s.row(&[host.as_str().into()], |row| column::<bool>(row, 1)))?.unwrap_or_default())
}
