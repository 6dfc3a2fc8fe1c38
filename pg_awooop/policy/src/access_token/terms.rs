//! What a token lets its holder do: its claims, held against what the project has registered of the issuer.

use serde_json::{Map, Value};

use super::LEEWAY;
use super::presented::Presented;
use crate::name::{MAX_ID, NameRule};
use crate::scope::ScopeSet;

/// Longest name of a principal, in characters.
pub const MAX_PRINCIPAL: usize = 256;
/// How the principals of tokens begin. No caller can name one of these: what callers may name has no colon.
const PRINCIPAL: &str = "token:";
const MICROSECONDS: i64 = 1_000_000;

/// What a project has registered of an issuer.
#[derive(Clone, Debug)]
pub struct Terms {
    pub project_id: String,
    pub issuer: String,
    /// The resource that a token must be for (RFC 8707).
    pub audience: String,
    /// The most that a token may do.
    pub ceiling: ScopeSet,
    /// The claim that names who it is.
    pub subject_claim: String,
    /// The claim that names the agent a token is bound to. Where there is one, every token is.
    pub agent_claim: Option<String>,
    /// The claim that must name the project.
    pub project_claim: Option<String>,
}

/// What a token comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub principal_id: String,
    pub scopes: ScopeSet,
    pub agent_id: Option<String>,
    /// Up to when, in microseconds since 1970, the leeway included.
    pub until: i64,
}

impl Terms {
    /// What the token comes to at `now`, in microseconds since 1970, if it is good. Its signature is checked elsewhere.
    pub fn judge(&self, presented: &Presented, now: i64) -> Option<Granted> {
        let claims = presented.claims();
        let is_for_us = claims.get("iss")? == self.issuer.as_str() && self.is_audience(claims.get("aud")?);
        if !is_for_us || !self.is_project(claims) {
            return None;
        }
        let until = micros(claims.get("exp")?)?.saturating_add(LEEWAY * MICROSECONDS);
        let has_begun = |name: &str| match claims.get(name) {
            None => Some(true),
            Some(time) => Some(micros(time)?.saturating_sub(LEEWAY * MICROSECONDS) <= now),
        };
        if until <= now || !has_begun("nbf")? || !has_begun("iat")? {
            return None;
        }
        let agent_id = match &self.agent_claim {
            None => None,
            Some(name) => Some(claims.get(name)?.as_str().filter(|agent| is_id(agent))?.to_owned()),
        };
        let most = if agent_id.is_some() { ScopeSet::OF_AN_AGENT } else { ScopeSet::OF_A_TOKEN };
        Some(Granted {
            principal_id: principal(&self.issuer, claims.get(&self.subject_claim)?.as_str()?)?,
            scopes: scopes(claims)?.within(self.ceiling).within(most),
            agent_id,
            until,
        })
    }

    /// One text, or a list of texts with ours among them.
    fn is_audience(&self, audience: &Value) -> bool {
        match audience {
            Value::String(one) => *one == self.audience,
            Value::Array(several) => {
                several.iter().all(Value::is_string) && several.iter().any(|one| one == self.audience.as_str())
            }
            _ => false,
        }
    }

    /// `project_id` may be missing, unlike a claim that the issuer was registered with; neither may name another project.
    fn is_project(&self, claims: &Map<String, Value>) -> bool {
        let is_ours = |value: &Value| value == self.project_id.as_str();
        claims.get("project_id").is_none_or(is_ours)
            && self.project_claim.as_ref().is_none_or(|name| claims.get(name).is_some_and(is_ours))
    }
}

/// The principal that an issuer's subject is, if it has a name that can be shown. An issuer has no fragment, so no two are
/// one.
pub fn principal(issuer: &str, subject: &str) -> Option<String> {
    let principal_id = format!("{PRINCIPAL}{issuer}#{subject}");
    (NameRule::Line.admits(subject) && principal_id.chars().count() <= MAX_PRINCIPAL).then_some(principal_id)
}

fn is_id(text: &str) -> bool {
    NameRule::Id.admits(text) && text.len() <= MAX_ID
}

/// The known ones of the scopes: `scope` has them in one text (RFC 9068), `scp` in a list, with some issuers in one text.
fn scopes(claims: &Map<String, Value>) -> Option<ScopeSet> {
    match (claims.get("scope"), claims.get("scp")) {
        (Some(Value::String(text)), _) | (None, Some(Value::String(text))) => Some(ScopeSet::of_known(text.split(' '))),
        (None, Some(Value::Array(names))) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            Some(ScopeSet::of_known(names?))
        }
        (None, None) => Some(ScopeSet::NONE),
        _ => None,
    }
}

/// A time of RFC 7519, in microseconds; a fraction of a second is one.
fn micros(time: &Value) -> Option<i64> {
    match time.as_i64() {
        Some(seconds) => Some(seconds.saturating_mul(MICROSECONDS)),
        // What is too large for the type becomes the largest that it has.
        None => time.as_f64().map(|seconds| (seconds * MICROSECONDS as f64) as i64),
    }
}
