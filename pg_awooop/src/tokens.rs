//! Access tokens of outside issuers as credentials: who presents one is the issuer's subject, with the scopes that the token
//! has and the project lets the issuer give (`awooop_policy::access_token` decides).
//!
//! Any failure is the answer to a wrong API key, counted by the same limiter, after the same work: one look-up, and signatures
//! enough for any key. Nothing of a token is written anywhere. Who registers issuers is `issuers`, where their keys come from
//! `keys`, and who may bring those `couriers`.

mod couriers;
mod issuers;
mod keys;

use std::rc::Rc;

use awooop_policy::access_token::jwk::PublicKey;
use awooop_policy::access_token::presented::Presented;
use awooop_policy::access_token::signature;
use awooop_policy::access_token::terms::Granted;
use awooop_policy::credential::CredentialDigest;
use awooop_policy::error::ErrorCode;
use pgrx::prelude::*;

pub(crate) use issuers::{list as list_issuers, remove as remove_issuer, set as set_issuer};

use crate::audit::POSTGRES_EPOCH;
use crate::authentication::{Verdict, bindable, failed};
use crate::caller::{self, Caller, Door};
use crate::directory::issuers::{self as known, IssuerKey, ProvenToken};
use crate::fault::{Outcome, fault};
use crate::{principals, tenant};

/// Proves an access token for `project_id` and binds the transaction to it, for `operation`. A project that is not named is
/// the one the token names.
pub(crate) fn prove(project_id: &str, credential: &str, operation: &str) -> Outcome<Verdict> {
    let before = tenant::current();
    let presented = Presented::read(credential);
    let claimed = presented.as_ref().map_or("", Presented::project);
    let project_id = bindable(if project_id.is_empty() { claimed } else { project_id });
    tenant::bind(project_id);
    let digest = CredentialDigest::of(credential);
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() } + POSTGRES_EPOCH;
    let proven = match known::known(project_id, &digest, now) {
        Some(token) => Some(token),
        None => verify(project_id, presented.as_ref(), &digest, now)?,
    };
    let Some(token) = proven else {
        tenant::rebind(before.as_deref());
        let (issuer, kid) = presented.as_ref().map_or(("", ""), |it| (it.issuer(), it.kid()));
        return failed("token", &format!("{project_id} {issuer} {kid}"));
    };
    let Some(project) = caller::facts_of(project_id, operation)? else {
        return fault(ErrorCode::SystemRetry);
    };
    Ok(Verdict::Proven(Caller {
        issuer: Some(token.issuer.clone()),
        agent_id: token.agent_id.clone(),
        ..Caller::new(project_id, token.principal_id.clone(), token.scopes, Door::Http, project)
    }))
}

/// Verifies a token that is not known. The look-up runs even for what is no token, so that it takes as long.
fn verify(
    project_id: &str,
    presented: Option<&Presented>,
    digest: &CredentialDigest,
    now: i64,
) -> Outcome<Option<Rc<ProvenToken>>> {
    let (issuer, kid) = presented.map_or(("", ""), |presented| (presented.issuer(), presented.kid()));
    let (found, fresh) = known::look_up(project_id, issuer, kid)?;
    let key = found.as_ref().and_then(|found| PublicKey::read(&found.jwk));
    let granted = match (presented, &found, &key) {
        (Some(presented), Some(found), Some(key)) if signature::is_by(presented, key) && found.until > now => {
            found.terms.judge(presented, now).map(|granted| (found, granted))
        }
        _ => None,
    };
    let Some((found, granted)) = granted else {
        signature::make_up_for(presented, key.as_ref());
        return Ok(None);
    };
    let (is_ours, is_there) = speak_for(project_id, found, &granted)?;
    if !is_ours {
        signature::make_up_for(presented, key.as_ref());
        return Ok(None);
    }
    let token = Rc::new(ProvenToken {
        issuer: found.terms.issuer.clone(),
        principal_id: granted.principal_id,
        scopes: granted.scopes,
        agent_id: granted.agent_id,
        until: granted.until.min(found.until),
    });
    // A principal that came into being in this transaction may be gone with it.
    if fresh && is_there {
        known::keep_token(project_id, digest, &token);
    }
    Ok(Some(token))
}

/// Makes sure the principal of a subject exists, and that it is the issuer's to name: one that came into being under whoever
/// registered the issuer, or under anybody, for an issuer that an operator registered. Otherwise whoever may register issuers
/// could become the subjects of an issuer that was somebody else's. Whether it is, and whether it was there before.
fn speak_for(project_id: &str, found: &IssuerKey, granted: &Granted) -> Outcome<(bool, bool)> {
    let maker = found.registered_by.as_str();
    let is_ours = |known: &str| known == maker || maker.starts_with("role:");
    if let Some(known) = principals::maker(project_id, &granted.principal_id)? {
        return Ok((is_ours(&known), true));
    }
    // SAFETY: reads shared state of this server.
    if unsafe { pg_sys::RecoveryInProgress() } {
        // A standby cannot make it, and takes no decision that would ask whose hand it is.
        return Ok((true, false));
    }
    if principals::make(project_id, &granted.principal_id, Some(maker))? {
        return Ok((true, false));
    }
    // Somebody made it at the same moment.
    let known = principals::maker(project_id, &granted.principal_id)?;
    Ok((known.is_some_and(|known| is_ours(&known)), false))
}
