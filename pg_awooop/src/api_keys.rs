//! API keys: made once, shown once, kept as digests.

use awooop_policy::argument::Arguments;
use awooop_policy::credential::{Issued, new_api_key, new_channel_secret};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::scope::ScopeSet;
use serde_json::{Value, json};

use crate::agents;
use crate::audit;
use crate::caller::Caller;
use crate::channels;
use crate::door::Answer;
use crate::fault::{Outcome, fault, refuse};
use crate::principals::{self, LOGIN};
use crate::statement::{column, rfc3339, statements};

statements! {
    // A key made by a key ends with its maker at the latest: what expires must not outlive itself.
    INSERT: writing [TEXTOID, TEXTOID, TEXTOID, TEXTOID, BYTEAOID, TEXTARRAYOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
                     TEXTOID] = concat!(
        "insert into awooop.api_keys (project_id, key_id, principal_id, name, digest, scopes, expires_at, rotated_from, agent_id, channel,
                                      signs_with)
         values ($1, $2, $3, $4, $5, $6,
                 least((select least(k.expires_at, k.retires_at) from awooop.api_keys k
                        where k.project_id = $1 and k.key_id = $9 and k.key_id is distinct from $8),
                       case when $8 is null then clock_timestamp() + $7 * interval '1 second'
                            else (select k.expires_at from awooop.api_keys k where k.project_id = $1 and k.key_id = $8)
                       end),
                 $8, $10, $11, $12)
         returning ", rfc3339!("created_at"), ", ", rfc3339!("expires_at"));
    // Locked, so that of two rotations at once one sees the other's.
    LOCK: writing [TEXTOID, TEXTOID] =
        "select principal_id, name, scopes, agent_id, channel,
                revoked_at is not null or coalesce(least(expires_at, retires_at) <= clock_timestamp(), false)
         from awooop.api_keys where project_id = $1 and key_id = $2 for update";
    RETIRE: writing [TEXTOID, TEXTOID, INT8OID] =
        "update awooop.api_keys
         set retires_at = least(retires_at, clock_timestamp() + $3 * interval '1 second')
         where project_id = $1 and key_id = $2";
    REVOKE: writing [TEXTOID, TEXTOID] = concat!(
        "update awooop.api_keys set revoked_at = coalesce(revoked_at, clock_timestamp())
         where project_id = $1 and key_id = $2 returning ", rfc3339!("revoked_at"));
    LIST: reading [TEXTOID] = concat!(
        "select coalesce(json_agg(json_build_object('key_id', key_id, 'name', name, 'principal_id', principal_id,
                    'agent_id', agent_id, 'channel', channel, 'scopes', scopes, 'created_at', ", rfc3339!("created_at"), ",
                    'expires_at', ", rfc3339!("least(expires_at, retires_at)"), ", 'revoked_at', ", rfc3339!("revoked_at"), ")
                    order by created_at, key_id), '[]')::text
         from awooop.api_keys where project_id = $1");
}

/// The scopes these names stand for (their declaration has checked them), if the caller may hand them out.
pub(crate) fn grantable(caller: &Caller, names: &[&str]) -> Outcome<ScopeSet> {
    let scopes = ScopeSet::of_known(names.iter().copied());
    // An operator administers every project, so may hand out what it does not use itself.
    if caller.scopes.covers(scopes) || caller.is_platform() { Ok(scopes) } else { refuse(ErrorCode::AuthEscalation) }
}

/// Makes sure the principal of a key exists, and that it is the caller's to speak for: whoever is a principal sees its
/// runs exact, and counts as one of several hands. It is the caller itself, one that the caller brought into being (now or
/// before, whatever became of its keys), or any for an operator.
fn speak_for(caller: &Caller, principal_id: &str) -> Outcome<()> {
    let (project_id, maker) = (caller.project_id.as_str(), caller.principal_id.as_str());
    if caller.is_platform() {
        return principals::make(project_id, principal_id, Some(maker)).map(drop);
    }
    if principal_id == maker {
        return principals::make(project_id, principal_id, None).map(drop);
    }
    let is_new = !principal_id.starts_with(LOGIN) && principals::make(project_id, principal_id, Some(maker))?;
    if is_new || principals::is_made_by(caller, principal_id)? { Ok(()) } else { refuse(ErrorCode::AuthPrincipal) }
}

/// A key, in the form that a channel shows its secret in where it is for one, and the key of the keyring that made it, where one has.
fn new_key(caller: &Caller, channel: Option<&str>) -> Outcome<(Issued, Option<String>)> {
    let Some(channel) = channel else { return Ok((new_api_key(&caller.project_id)?, None)) };
    Ok(match channels::new_secret(&caller.project_id, channel)? {
        Some((secret, signs_with)) => (secret, Some(signs_with)),
        None => (new_channel_secret()?, None),
    })
}

struct NewKey<'a> {
    name: &'a str,
    principal_id: String,
    scopes: ScopeSet,
    expires_in_seconds: Option<i64>,
    rotated_from: Option<&'a str>,
    agent_id: Option<String>,
    channel: Option<String>,
    signs_with: Option<String>,
}

fn issue(caller: &Caller, key: Issued, new: &NewKey, action: &str) -> Outcome<Answer> {
    let scopes: Vec<String> = new.scopes.names().into_iter().map(str::to_owned).collect();
    let key_id = key.id.clone();
    let times = INSERT.with(|s| {
        s.row(
            &[
                caller.project_id.as_str().into(),
                key_id.as_str().into(),
                new.principal_id.as_str().into(),
                new.name.into(),
                key.digest().as_bytes().as_slice().into(),
                scopes.clone().into(),
                new.expires_in_seconds.into(),
                new.rotated_from.into(),
                caller.key_id.as_deref().into(),
                new.agent_id.as_deref().into(),
                new.channel.as_deref().into(),
                new.signs_with.as_deref().into(),
            ],
            |row| Ok((column::<String>(row, 1)?, row.get::<String>(2)?)),
        )
    })?;
    let (created_at, expires_at) = times.unwrap_or_default();
    let entry = audit::Entry::default()
        .with("key_id", key_id.as_str())
        .with("scopes", scopes.clone())
        .with("rotated_from", new.rotated_from)
        .with("agent_id", new.agent_id.as_deref())
        .with("channel", new.channel.as_deref());
    audit::done(caller, action, entry)?;
    let body = json!({
        "key_id": key_id, "name": new.name, "principal_id": new.principal_id, "scopes": scopes,
        "agent_id": new.agent_id, "channel": new.channel, "created_at": created_at, "expires_at": expires_at, "api_key": key.reveal(),
    });
    Ok(Answer::created(body.to_string()))
}

/// Operation `create_api_key`.
pub(crate) fn create(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let scopes = grantable(caller, &arguments.texts("scopes"))?;
    let agent_id = arguments.optional_text("agent_id");
    if let Some(agent_id) = agent_id {
        agents::ensure_known(&caller.project_id, agent_id)?;
        // Whoever may do more could do it in another agent's name.
        if !ScopeSet::OF_AN_AGENT.covers(scopes) {
            return fault(
                Problem::from(ErrorCode::InputInvalid)
                    .with("argument", "scopes")
                    .with("expected", serde_json::json!(ScopeSet::OF_AN_AGENT.names())),
            );
        }
    }
    let channel = arguments.optional_text("channel");
    if channel.is_some() && scopes != ScopeSet::OF_A_CHANNEL {
        return fault(
            Problem::from(ErrorCode::InputInvalid)
                .with("argument", "scopes")
                .with("expected", serde_json::json!(ScopeSet::OF_A_CHANNEL.names())),
        );
    }
    let (key, signs_with) = new_key(caller, channel)?;
    let principal_id = match arguments.optional_text("principal_id") {
        Some(principal_id) => {
            speak_for(caller, principal_id)?;
            principal_id.to_owned()
        }
        None => {
            let principal_id = format!("key:{}", key.id);
            principals::make(&caller.project_id, &principal_id, Some(&caller.principal_id))?;
            principal_id
        }
    };
    let new = NewKey {
        name: arguments.text("name"),
        principal_id,
        scopes,
        expires_in_seconds: arguments.json("expires_in_seconds").as_i64(),
        rotated_from: None,
        agent_id: agent_id.map(str::to_owned),
        channel: channel.map(str::to_owned),
        signs_with,
    };
    issue(caller, key, &new, "api_key_created")
}

/// Operation `rotate_api_key`.
pub(crate) fn rotate(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let old = arguments.text("key_id");
    let found = LOCK.with(|s| {
        s.row(&[caller.project_id.as_str().into(), old.into()], |row| {
            Ok((
                column::<String>(row, 1)?,
                column::<String>(row, 2)?,
                column::<Vec<String>>(row, 3)?,
                row.get::<String>(4)?,
                row.get::<String>(5)?,
                column::<bool>(row, 6)?,
            ))
        })
    })?;
    let Some((principal_id, name, scopes, agent_id, channel, dead)) = found else {
        return fault(ErrorCode::KeyUnknown);
    };
    if dead {
        return fault(ErrorCode::KeyRevoked);
    }
    let scopes = ScopeSet::of_known(scopes.iter().map(String::as_str));
    grantable(caller, &scopes.names())?;
    // The answer has the new key: rotating somebody's key would be a way to become them.
    speak_for(caller, &principal_id)?;
    let (key, signs_with) = new_key(caller, channel.as_deref())?;
    let new = NewKey {
        name: &name,
        principal_id,
        scopes,
        expires_in_seconds: None,
        rotated_from: Some(old),
        agent_id,
        channel,
        signs_with,
    };
    let answer = issue(caller, key, &new, "api_key_rotated")?;
    RETIRE
        .with(|s| s.run(&[caller.project_id.as_str().into(), old.into(), arguments.integer("grace_seconds").into()]))?;
    Ok(answer)
}

/// Operation `revoke_api_key`.
pub(crate) fn revoke(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let key_id = arguments.text("key_id");
    let revoked =
        REVOKE.with(|s| s.row(&[caller.project_id.as_str().into(), key_id.into()], |row| column::<String>(row, 1)))?;
    let Some(revoked_at) = revoked else {
        return fault(ErrorCode::KeyUnknown);
    };
    audit::done(caller, "api_key_revoked", audit::Entry::default().with("key_id", key_id))?;
    Ok(Answer::ok(json!({"key_id": key_id, "revoked_at": revoked_at}).to_string()))
}

/// Operation `list_api_keys`.
pub(crate) fn list(caller: &Caller, _: &Arguments) -> Outcome<Answer> {
    let items =
        LIST.with(|s| s.row(&[caller.project_id.as_str().into()], |row| column::<String>(row, 1)))?.unwrap_or_default();
    Ok(Answer::ok(format!("{{\"items\":{items}}}")))
}

/// Operation `whoami`.
pub(crate) fn whoami(caller: &Caller, _: &Arguments) -> Outcome<Answer> {
    let body = json!({
        "project_id": caller.project_id,
        "principal_id": caller.principal_id,
        "scopes": caller.scopes.names(),
        "door": caller.door.as_str(),
        "key_id": caller.key_id.as_deref().map_or(Value::Null, Value::from),
        "issuer": caller.issuer,
        "agent_id": caller.agent_id,
        "channel": caller.channel,
        "run_id": caller.run.as_ref().map(|run| run.run_id),
        "migration_mode": caller.project.mode.as_str(),
    });
    Ok(Answer::ok(body.to_string()))
}
