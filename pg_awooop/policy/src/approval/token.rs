//! The approval token: a JWT (RFC 7519) that says which call was approved, of which run, until when.
//!
//! What it is bound to is said by whoever uses it and compared, never taken from the token. That it is used once the
//! database sees to.

use awooop_contracts::words;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::jws;
use crate::error::{ErrorCode, Problem};
use crate::keyring::Keyring;

/// By how much clocks may differ, in seconds.
pub const LEEWAY: i64 = 5;

words! {
    /// What an approval is of.
    pub enum TokenMode {
        /// A call that needs one.
        Execute = "execute",
        /// A proposal: without it nothing would have happened.
        Suggest = "suggest",
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The installation.
    pub iss: String,
    /// Where it may be used: this platform's calls of tools.
    pub aud: String,
    /// The agent.
    pub sub: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub jti: Uuid,
    pub project: String,
    pub run: Uuid,
    pub tool: String,
    /// The keyed digest of the canonical arguments, in hexadecimal, by the key that signs.
    pub digest: String,
    pub mode: TokenMode,
}

/// A token, with what must be remembered of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub token: String,
    pub claims: Claims,
}

/// What a token is used for.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    pub project: &'a str,
    pub run: Uuid,
    pub tool: &'a str,
    /// The canonical form of the arguments.
    pub arguments: &'a str,
}

/// What an approval comes to, before it is a token.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    pub jti: Uuid,
    pub agent: &'a str,
    pub mode: TokenMode,
    /// Seconds since 1970.
    pub from: i64,
    pub until: i64,
}

/// The audience of the tokens of an installation.
fn audience(installation: &str) -> String {
    format!("{installation}/tools")
}

/// Signs a token with the current key. Nothing where there is none.
///
/// # Errors
/// Where it cannot be signed.
pub fn issue(keyring: &Keyring, grant: &Grant, binding: &Binding) -> Result<Option<Issued>, ErrorCode> {
    let Some(signer) = keyring.approval_signer() else { return Ok(None) };
    let claims = Claims {
        iss: keyring.name().to_owned(),
        aud: audience(keyring.name()),
        sub: grant.agent.to_owned(),
        iat: grant.from,
        nbf: grant.from,
        exp: grant.until,
        jti: grant.jti,
        project: binding.project.to_owned(),
        run: binding.run,
        tool: binding.tool.to_owned(),
        digest: hex::encode(signer.digest(binding)),
        mode: grant.mode,
    };
    let payload = serde_json::to_vec(&claims).map_err(|_| ErrorCode::SystemInternal)?;
    let token = jws::sign(signer.id, signer.secret(), &payload)?;
    Ok(Some(Issued { token, claims }))
}

/// What a token says, if it is ours, good at `now` (seconds since 1970) and for this use.
///
/// # Errors
/// Why it is not, each with its own code.
pub fn verify(keyring: &Keyring, token: &str, binding: &Binding, now: i64) -> Result<Claims, Problem> {
    let mut kid = String::new();
    let payload = jws::open(token, |id| {
        id.clone_into(&mut kid);
        keyring.approval_key(id)
    })?;
    let claims = read(&payload)?;
    let refuse = |code: ErrorCode| Err(Problem::from(code));
    if claims.iss != keyring.name() {
        return refuse(ErrorCode::TokenIssuer);
    }
    if claims.aud != audience(keyring.name()) {
        return refuse(ErrorCode::TokenAudience);
    }
    if claims.exp.saturating_add(LEEWAY) <= now {
        return refuse(ErrorCode::TokenExpired);
    }
    if claims.nbf.saturating_sub(LEEWAY) > now || claims.iat.saturating_sub(LEEWAY) > now {
        return refuse(ErrorCode::TokenNotYet);
    }
    if claims.project != binding.project {
        return refuse(ErrorCode::TokenProject);
    }
    if claims.run != binding.run {
        return refuse(ErrorCode::TokenRun);
    }
    if claims.tool != binding.tool {
        return refuse(ErrorCode::TokenTool);
    }
    match keyring.argument_digest(&kid, binding) {
        Some(digest) if hex::encode(digest) == claims.digest => Ok(claims),
        _ => refuse(ErrorCode::TokenArguments),
    }
}

/// The claims, all of them and no others, each of its type.
fn read(payload: &[u8]) -> Result<Claims, Problem> {
    let text = std::str::from_utf8(payload).map_err(|_| ErrorCode::TokenClaims)?;
    let claims = awooop_contracts::parse(text, jws::MAX_TOKEN).map_err(|_| ErrorCode::TokenClaims)?;
    for name in ["exp", "nbf", "iat"] {
        if claims.get(name).is_some_and(|time| !time.is_i64() && !time.is_u64()) {
            return Err(Problem::from(ErrorCode::TokenTime).with("claim", name));
        }
    }
    let claims: Claims = serde_json::from_value::<Claims>(claims).map_err(|_| ErrorCode::TokenClaims)?;
    Ok(claims)
}

/// The claims as JSON, without what would make a token of them.
pub fn shown(claims: &Claims) -> Value {
    serde_json::json!({
        "jti": claims.jti, "mode": claims.mode, "not_before": claims.nbf, "expires": claims.exp, "digest": claims.digest
    })
}

#[cfg(test)]
mod tests;
