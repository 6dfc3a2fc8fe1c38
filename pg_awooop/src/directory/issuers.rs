//! Outside issuers, as access tokens need them, and the tokens that a session has proven. A token is good for many calls: it is
//! verified once, and then known by its digest until it, its issuer's keys, or its issuer's registration end.

use std::rc::Rc;

use awooop_policy::access_token::KEYS_ARE_GOOD_FOR;
use awooop_policy::access_token::terms::Terms;
use awooop_policy::credential::CredentialDigest;
use awooop_policy::scope::ScopeSet;

use super::{insert, keep, kept, read};
use crate::fault::Outcome;
use crate::statement::{column, statements};

statements! {
    // Always one row, whether issuer and key exist or not: every failure does the same work.
    ISSUER_KEY: reading [TEXTOID, TEXTOID, TEXTOID] =
        "select k.jwk, i.audience, i.scopes, i.agent_claim, i.subject_claim, i.project_claim, i.registered_by,
                (extract(epoch from i.expires_at) * 1000000)::int8, (extract(epoch from i.keys_fetched_at) * 1000000)::int8
         from (select 1) one
         left join awooop.token_issuer i on i.project_id = $1 and i.issuer = $2
         left join awooop.token_issuer_key k on k.project_id = $1 and k.issuer = $2 and k.kid = $3";
}

/// An issuer of a project, with one of its keys.
pub(crate) struct IssuerKey {
    pub(crate) terms: Terms,
    pub(crate) jwk: String,
    pub(crate) registered_by: String,
    /// Up to when it verifies anything, in microseconds since 1970.
    pub(crate) until: i64,
}

/// A token whose signature and claims this session has checked.
pub(crate) struct ProvenToken {
    pub(crate) issuer: String,
    pub(crate) principal_id: String,
    pub(crate) scopes: ScopeSet,
    pub(crate) agent_id: Option<String>,
    /// Up to when it is good, in microseconds since 1970.
    pub(crate) until: i64,
}

/// Looks an issuer's key up in the tables, and says whether what it proves may be kept.
pub(crate) fn look_up(project_id: &str, issuer: &str, kid: &str) -> Outcome<(Option<IssuerKey>, bool)> {
    let (found, fresh) = read(&ISSUER_KEY, &[project_id.into(), issuer.into(), kid.into()], |row| {
        let (Some(jwk), Some(fetched_at)) = (row.get::<String>(1)?, row.get::<i64>(9)?) else { return Ok(None) };
        let fetched_until = fetched_at.saturating_add(KEYS_ARE_GOOD_FOR * 1_000_000);
        Ok(Some(IssuerKey {
            terms: Terms {
                project_id: project_id.to_owned(),
                issuer: issuer.to_owned(),
                audience: column(row, 2)?,
                ceiling: ScopeSet::of_known(column::<Vec<String>>(row, 3)?.iter().map(String::as_str)),
                agent_claim: row.get(4)?,
                subject_claim: column(row, 5)?,
                project_claim: row.get(6)?,
            },
            jwk,
            registered_by: column(row, 7)?,
            until: row.get::<i64>(8)?.map_or(fetched_until, |expires_at| expires_at.min(fetched_until)),
        }))
    })?;
    Ok((found.flatten(), fresh))
}

/// A token that this session has proven, if it is still good at `now`, in microseconds since 1970.
pub(crate) fn known(project_id: &str, digest: &CredentialDigest, now: i64) -> Option<Rc<ProvenToken>> {
    let key = (project_id.to_owned(), *digest.as_bytes());
    kept(|kept| kept.tokens.get(&key).filter(|token| token.until > now).cloned())
}

/// Keeps a token that has been proven.
pub(crate) fn keep_token(project_id: &str, digest: &CredentialDigest, token: &Rc<ProvenToken>) {
    keep(|kept| insert(&mut kept.tokens, (project_id.to_owned(), *digest.as_bytes()), Rc::clone(token)));
}
