//! Which outside issuers a project believes, and how far: registered as API keys are made, by whoever administers credentials,
//! who can hand out no scope that they do not have.

use awooop_policy::access_token::registration::{
    ADDRESS_IN_WORDS, AUDIENCE_IN_WORDS, ISSUER_IN_WORDS, is_audience, is_issuer, key_set_host,
};
use awooop_policy::argument::Arguments;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::scope::ScopeSet;
use serde_json::json;

use crate::api_keys::grantable;
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::redaction;
use crate::statement::{column, rfc3339, statements};

/// Most issuers of a project: each is asked for its keys again and again.
const MOST: i64 = 16;

macro_rules! issuer_json {
    () => {
        concat!(
            "json_build_object('issuer', i.issuer, 'jwks_uri', i.jwks_uri, 'audience', i.audience, 'scopes', i.scopes,
                'agent_claim', i.agent_claim, 'subject_claim', i.subject_claim, 'project_claim', i.project_claim,
                'reason', i.reason, 'registered_by', i.registered_by, 'registered_at', ",
            rfc3339!("i.registered_at"),
            ", 'updated_at', ",
            rfc3339!("i.updated_at"),
            ", 'expires_at', ",
            rfc3339!("i.expires_at"),
            ", 'keys_fetched_at', ",
            rfc3339!("i.keys_fetched_at"),
            ", 'keys', array(select k.kid from awooop.token_issuer_key k
                             where k.project_id = i.project_id and k.issuer = i.issuer order by k.kid))::text"
        )
    };
}

statements! {
    // One registration at a time, so that the count is right.
    LOCK_PROJECT: writing [TEXTOID] = "select true from awooop.projects where project_id = $1 for no key update";
    OTHERS: writing [TEXTOID, TEXTOID] =
        "select count(*) from awooop.token_issuer where project_id = $1 and issuer <> $2";
    LOCK: writing [TEXTOID, TEXTOID] =
        "select registered_by, jwks_uri from awooop.token_issuer where project_id = $1 and issuer = $2 for update";
    DROP_KEYS: writing [TEXTOID, TEXTOID] =
        "delete from awooop.token_issuer_key where project_id = $1 and issuer = $2";
    // Ends with the key that registered it at the latest: what expires must not outlive itself. Keys of another address are
    // no keys of this one.
    SET: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
                  TEXTOID, BOOLOID] = concat!(
        "insert into awooop.token_issuer as i
                (project_id, issuer, jwks_uri, host, audience, scopes, agent_claim, subject_claim, project_claim, reason,
                 registered_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                 (select least(k.expires_at, k.retires_at) from awooop.api_keys k where k.project_id = $1 and k.key_id = $12))
         on conflict (project_id, issuer) do update
            set jwks_uri = excluded.jwks_uri, host = excluded.host, audience = excluded.audience, scopes = excluded.scopes,
                agent_claim = excluded.agent_claim, subject_claim = excluded.subject_claim,
                project_claim = excluded.project_claim, reason = excluded.reason, registered_by = excluded.registered_by,
                expires_at = excluded.expires_at, updated_at = clock_timestamp(),
                keys_fetched_at = case when $13 then i.keys_fetched_at end
         returning ", issuer_json!());
    REMOVE: writing [TEXTOID, TEXTOID] = "delete from awooop.token_issuer where project_id = $1 and issuer = $2";
    LIST: reading [TEXTOID] = concat!(
        "select ", issuer_json!(), " from awooop.token_issuer i where i.project_id = $1 order by i.issuer");
}

/// Operation `set_token_issuer`.
pub(crate) fn set(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let (issuer, jwks_uri, audience) =
        (arguments.text("issuer"), arguments.text("jwks_uri"), arguments.text("audience"));
    let invalid = |argument: &str, expected: &str| {
        fault(Problem::from(ErrorCode::InputInvalid).with("argument", argument).with("expected", expected))
    };
    if !is_issuer(issuer) {
        return invalid("issuer", ISSUER_IN_WORDS);
    }
    let Some(host) = key_set_host(jwks_uri) else { return invalid("jwks_uri", ADDRESS_IN_WORDS) };
    if !is_audience(audience) {
        return invalid("audience", AUDIENCE_IN_WORDS);
    }
    let scopes = grantable(caller, &arguments.texts("scopes"))?;
    let agent_claim = arguments.optional_text("agent_claim");
    // As with keys: whoever may do more could do it in another agent's name.
    if agent_claim.is_some() && !ScopeSet::OF_AN_AGENT.covers(scopes) {
        let problem = Problem::from(ErrorCode::InputInvalid).with("argument", "scopes");
        return fault(problem.with("expected", json!(ScopeSet::OF_AN_AGENT.names())));
    }
    let key = [caller.project_id.as_str().into(), issuer.into()];
    LOCK_PROJECT.with(|s| s.run(&key[..1]))?;
    let before = LOCK.with(|s| s.row(&key, |row| Ok((column::<String>(row, 1)?, column::<String>(row, 2)?))))?;
    match &before {
        Some((registered_by, _)) if *registered_by != caller.principal_id && !caller.is_platform() => {
            return refuse(ErrorCode::IssuerForeign);
        }
        Some(_) => {}
        None => {
            let others = OTHERS.with(|s| s.row(&key, |row| column::<i64>(row, 1)))?.unwrap_or_default();
            if others >= MOST {
                return fault(Problem::from(ErrorCode::IssuerTooMany).with("limit", MOST));
            }
        }
    }
    let is_same_address = before.as_ref().is_some_and(|(_, known)| known == jwks_uri);
    if !is_same_address {
        DROP_KEYS.with(|s| s.run(&key))?;
    }
    let names: Vec<String> = scopes.names().into_iter().map(str::to_owned).collect();
    let reason = redaction::stored(arguments.optional_text("reason"));
    let parameters = [
        caller.project_id.as_str().into(),
        issuer.into(),
        jwks_uri.into(),
        host.into(),
        audience.into(),
        names.clone().into(),
        agent_claim.into(),
        arguments.text("subject_claim").into(),
        arguments.optional_text("project_claim").into(),
        reason.as_deref().into(),
        caller.principal_id.as_str().into(),
        caller.key_id.as_deref().into(),
        is_same_address.into(),
    ];
    let body = SET.with(|s| s.row(&parameters, |row| column::<String>(row, 1)))?.unwrap_or_default();
    let entry = audit::Entry::default()
        .with("issuer", issuer)
        .with("jwks_uri", jwks_uri)
        .with("audience", audience)
        .with("scopes", names)
        .with("agent_claim", agent_claim)
        .with("subject_claim", arguments.text("subject_claim"))
        .with("project_claim", arguments.optional_text("project_claim"))
        .with("replaced", before.is_some())
        .with("reason", reason);
    audit::done(caller, "token_issuer_set", entry)?;
    Ok(Answer::ok(body))
}

/// Operation `remove_token_issuer`. Whoever may revoke a key may do this: it takes away, and gives nothing.
pub(crate) fn remove(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let issuer = arguments.text("issuer");
    let key = [caller.project_id.as_str().into(), issuer.into()];
    // Locked first: whoever brings its keys waits, and finds it gone.
    if LOCK.with(|s| s.run(&key))? == 0 {
        return fault(ErrorCode::IssuerUnknown);
    }
    DROP_KEYS.with(|s| s.run(&key))?;
    REMOVE.with(|s| s.run(&key))?;
    let reason = redaction::stored(arguments.optional_text("reason"));
    audit::done(caller, "token_issuer_removed", audit::Entry::default().with("issuer", issuer).with("reason", reason))?;
    Ok(Answer::ok(json!({"issuer": issuer, "removed": true}).to_string()))
}

/// Operation `list_token_issuers`.
pub(crate) fn list(caller: &Caller, _: &Arguments) -> Outcome<Answer> {
    let items = LIST.with(|s| s.rows(&[caller.project_id.as_str().into()], |row| column::<String>(row, 1)))?;
    Ok(Answer::ok(format!("{{\"items\":[{}]}}", items.join(","))))
}
