//! Proving who calls: API keys, and the leases of platform workers. What looks like an access token goes to `tokens`.
//!
//! Until a secret's digest has matched, every failure is the same answer after the same work: unknown project, unknown
//! key, wrong secret, expired, revoked. Failures are counted; a flood of them is answered without writing more, and a
//! valid credential is never throttled.

use awooop_policy::access_token::presented::looks_like_one;
use awooop_policy::credential::{
    CredentialDigest, LeaseParts, api_key_parts, channel_secret_id, lease_parts, message_lease_parts,
};
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::name::{MAX_ID, NameRule};
use awooop_policy::scope::{Scope, ScopeSet};
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::audit;
use crate::caller::{self, Caller, Door, LeaseText, OfLease};
use crate::channels;
use crate::directory::{self, ApiKey};
use crate::fault::{Outcome, fault, or_raise};
use crate::server_log;
use crate::statement::{column, pg_uuid, statements};
use crate::{tenant, tokens};

/// Failures of one bucket and minute that are recorded one by one; the rest is counted only.
const RECORDED_FAILURES: i32 = 20;
/// So many that who fails once hardly ever shares a bucket with a flood, so few that a flood can't fill the disk.
const BUCKETS: u16 = 16_384;

/// The outcome of an authentication; a failure has been recorded.
pub(crate) enum Verdict {
    Proven(Caller),
    Failed(Problem),
}

statements! {
    FIND_LEASE: reading [TEXTOID, UUIDOID] =
        "select epoch, digest from awooop.run_lease where project_id = $1 and run_id = $2";
    // Always one row, whether there is such a lease or not: every failure does the same work.
    FIND_HELD: reading [TEXTOID, UUIDOID] =
        "select l.epoch, l.digest, l.principal_id, s.agent_id,
                l.closed_at is null and l.expires_at > clock_timestamp() and s.call_id is null
                and (l.key_id is null
                     or exists (select from awooop.api_keys k
                                where k.project_id = $1 and k.key_id = l.key_id and k.revoked_at is null
                                  and coalesce(least(k.expires_at, k.retires_at) > clock_timestamp(), true)))
         from (select 1) one
         left join (awooop.run_lease l
                    join awooop.run_state s on s.project_id = l.project_id and s.run_id = l.run_id)
           on l.project_id = $1 and l.run_id = $2";
    COUNT_FAILURE: writing [INT4OID] =
        "insert into awooop.failed_authentication as f (bucket, minute, failures, last_at)
         values ($1, date_trunc('minute', clock_timestamp()), 1, clock_timestamp())
         on conflict (bucket, minute) do update set failures = f.failures + 1, last_at = excluded.last_at
         returning failures, 60 - extract(second from last_at)::int";
    RECORD_FAILURE: writing [UUIDOID, TEXTOID, INT4OID, TEXTOID] =
        "insert into awooop.failed_authentication_log (id, kind, bucket, trace_id) values ($1, $2, $3, $4)";
}

/// Proves a credential of `project_id` and binds the transaction to it, for `operation`.
pub(crate) fn by_credential(project_id: &str, credential: &str, operation: &str) -> Outcome<Verdict> {
    if looks_like_one(credential) {
        tokens::prove(project_id, credential, operation)
    } else if let Some((parts, digest)) = lease_parts(credential) {
        by_held_lease(project_id, credential, (parts, &digest), operation)
    } else {
        by_api_key(project_id, credential, operation)
    }
}

/// Proves an API key of `project_id` and binds the transaction to it, for `operation`. A project that is not named is
/// the one the key names.
fn by_api_key(project_id: &str, credential: &str, operation: &str) -> Outcome<Verdict> {
    let before = tenant::current();
    let parts = api_key_parts(credential);
    let claimed = if project_id.is_empty() { parts.map_or("", |parts| parts.project_id) } else { project_id };
    // The look-up runs even for what cannot be a key or a project, so that it takes as long.
    let of_project = parts.filter(|parts| parts.project_id == claimed).map(|parts| parts.key_id);
    let plausible = of_project.or_else(|| channel_secret_id(credential));
    let key_id = plausible.unwrap_or_default();
    let project_id = bindable(claimed);
    tenant::bind(project_id);
    let digest = CredentialDigest::of(credential);
    let proven = match directory::known_key(project_id, key_id).filter(|key| is_proven(key, &digest)) {
        Some(key) => Some(key),
        // Not seen before, or not proven: whatever the cause, the same look-up.
        None => {
            let (found, fresh) = directory::look_up_key(project_id, key_id)?;
            let proven = found.filter(|key| is_proven(key, &digest)).filter(|_| plausible.is_some());
            if let (Some(key), true) = (&proven, fresh) {
                directory::keep_key(project_id, key_id, key);
            }
            proven
        }
    };
    let Some(key) = proven else {
        tenant::rebind(before.as_deref());
        return failed("api_key", &format!("{project_id}.{key_id}"));
    };
    let Some(project) = caller::facts_of(project_id, operation)? else {
        return fault(ErrorCode::SystemRetry);
    };
    Ok(Verdict::Proven(Caller {
        key_id: Some(key_id.to_owned()),
        agent_id: key.agent_id,
        channel: key.channel,
        ..Caller::new(project_id, key.principal_id, key.scopes, Door::Http, project)
    }))
}

/// The project to look in: where none can have that id, one that nobody can have.
pub(crate) fn bindable(claimed: &str) -> &str {
    if NameRule::Id.admits(claimed) && claimed.len() <= MAX_ID { claimed } else { "-" }
}

/// Whether the presented digest is the key's, and the key has not expired. Comparing 32 bytes is nothing beside the
/// look-up that every failure does.
fn is_proven(key: &ApiKey, digest: &CredentialDigest) -> bool {
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    digest.matches(&key.digest) & key.expires_at.is_none_or(|expires_at| expires_at > now)
}

/// Binds a worker's transaction to the project that its lease names; what it was bound to before.
fn bind_for_worker(project_id: &str) -> Outcome<Option<String>> {
    let before = tenant::current();
    if before.as_deref().is_some_and(|bound| bound != project_id) {
        return fault(ErrorCode::TenantAlreadyBound);
    }
    tenant::bind(project_id);
    Ok(before)
}

/// Proves a lease that a platform worker holds, and binds the transaction to its project. The operation itself checks
/// that the lease is still the run's current one. A worker that lost a lease is told so, however often it asks; the
/// run's project has it in its audit log.
pub(crate) fn by_lease(lease: &str, operation: &str) -> Outcome<Verdict> {
    let problem: Problem = ErrorCode::RunLease.into();
    let Some((parts, digest)) = lease_parts(lease) else {
        count_failure("lease", "")?;
        return Ok(Verdict::Failed(problem));
    };
    let before = bind_for_worker(parts.project_id)?;
    let stored = FIND_LEASE.with(|s| {
        s.row(&[parts.project_id.into(), pg_uuid(parts.run_id).into()], |row| {
            Ok((column::<i32>(row, 1)?, column::<Vec<u8>>(row, 2)?))
        })
    })?;
    let (Some((epoch, stored)), Some(project)) = (stored, caller::facts_of(parts.project_id, operation)?) else {
        tenant::rebind(before.as_deref());
        count_failure("lease", &format!("{}.{}", parts.project_id, parts.run_id))?;
        return Ok(Verdict::Failed(problem));
    };
    let caller = Caller::worker(
        parts.project_id,
        ScopeSet::of(Scope::RunsWork).with(Scope::BudgetsSpend).with(Scope::ToolsCall),
        project,
    );
    if epoch == parts.epoch && digest.matches(&stored) {
        return Ok(Verdict::Proven(caller));
    }
    audit::refused(&caller, operation, &problem, audit::Entry { run_id: Some(parts.run_id), ..Default::default() })?;
    tenant::rebind(before.as_deref());
    Ok(Verdict::Failed(problem))
}

/// Proves the lease of a run, shown as a credential: its holder may work in that run as long as it holds, and do nothing else.
fn by_held_lease(
    project_id: &str,
    credential: &str,
    (parts, digest): (LeaseParts, &CredentialDigest),
    operation: &str,
) -> Outcome<Verdict> {
    let before = tenant::current();
    let claimed = if project_id.is_empty() { parts.project_id } else { project_id };
    let project_id = bindable(claimed);
    tenant::bind(project_id);
    let found = FIND_HELD.with(|s| {
        s.row(&[project_id.into(), pg_uuid(parts.run_id).into()], |row| {
            let (epoch, stored) = (row.get::<i32>(1)?, row.get::<Vec<u8>>(2)?);
            let is_latest = (epoch == Some(parts.epoch)) & stored.is_some_and(|stored| digest.matches(&stored));
            let holds = row.get::<bool>(5)?.unwrap_or_default();
            Ok((is_latest && holds, column::<String>(row, 3)?, column::<String>(row, 4)?))
        })
    })?;
    let proven = found.filter(|(holds, ..)| *holds && parts.project_id == project_id);
    let Some((_, principal_id, agent_id)) = proven else {
        tenant::rebind(before.as_deref());
        return failed("lease", &format!("{project_id}.{}", parts.run_id));
    };
    let Some(project) = caller::facts_of(project_id, operation)? else {
        return fault(ErrorCode::SystemRetry);
    };
    Ok(Verdict::Proven(Caller {
        agent_id: Some(agent_id),
        run: Some(OfLease { run_id: parts.run_id, lease: LeaseText(credential.to_owned()) }),
        ..Caller::new(project_id, principal_id, ScopeSet::OF_A_RUN, Door::Http, project)
    }))
}

/// The same of a lease of a message that the platform's sender holds.
pub(crate) fn by_message_lease(lease: &str, operation: &str) -> Outcome<Verdict> {
    let problem: Problem = ErrorCode::MessageLease.into();
    let Some((parts, digest)) = message_lease_parts(lease) else {
        count_failure("lease", "")?;
        return Ok(Verdict::Failed(problem));
    };
    let before = bind_for_worker(parts.project_id)?;
    let stored = channels::lease_of(parts.project_id, parts.run_id)?;
    let is_proven = stored.is_some_and(|(epoch, stored)| epoch == parts.epoch && digest.matches(&stored));
    match caller::facts_of(parts.project_id, operation)?.filter(|_| is_proven) {
        Some(project) => {
            Ok(Verdict::Proven(Caller::worker(parts.project_id, ScopeSet::of(Scope::MessagesSend), project)))
        }
        None => {
            tenant::rebind(before.as_deref());
            count_failure("lease", &format!("{}.{}", parts.project_id, parts.run_id))?;
            Ok(Verdict::Failed(problem))
        }
    }
}

/// The answer to a failed authentication: the same for every cause.
pub(crate) fn failed(kind: &str, presented: &str) -> Outcome<Verdict> {
    Ok(Verdict::Failed(match count_failure(kind, presented)? {
        None => ErrorCode::AuthFailed.into(),
        Some(wait) => Problem::from(ErrorCode::AuthThrottled).with("retry_after_seconds", wait),
    }))
}

/// Counts a failure; the seconds to wait where there are too many. `presented` chooses the bucket.
pub(crate) fn count_failure(kind: &str, presented: &str) -> Outcome<Option<i32>> {
    // SAFETY: reads shared state of this server.
    if unsafe { pg_sys::RecoveryInProgress() } {
        let line = format!("awooop_failed_authentication {}", json!({"kind": kind}));
        server_log::write(PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, line);
        return Ok(None);
    }
    let bytes = CredentialDigest::of(presented);
    let bucket = i32::from(u16::from_be_bytes([bytes.as_bytes()[0], bytes.as_bytes()[1]]) % BUCKETS);
    let counted =
        COUNT_FAILURE.with(|s| s.row(&[bucket.into()], |row| Ok((column::<i32>(row, 1)?, column::<i32>(row, 2)?))))?;
    let (failures, seconds_left) = counted.unwrap_or_default();
    if failures > RECORDED_FAILURES {
        return Ok(Some(seconds_left.clamp(1, 60)));
    }
    RECORD_FAILURE
        .with(|s| s.run(&[pg_uuid(Uuid::now_v7()).into(), kind.into(), bucket.into(), tenant::trace().into()]))?;
    Ok(None)
}

/// Says whether a credential is valid, and whose it is; it binds nothing. A failure is counted and returned as a
/// problem with `ok` false.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn authenticate(project_id: Option<&str>, credential: Option<&str>) -> pgrx::JsonB {
    let before = tenant::current().unwrap_or_default();
    let verdict = or_raise(by_credential(project_id.unwrap_or_default(), credential.unwrap_or_default(), ""));
    tenant::bind(&before);
    pgrx::JsonB(match verdict {
        Verdict::Proven(caller) => json!({
            "ok": true, "project_id": caller.project_id, "principal_id": caller.principal_id,
            "key_id": caller.key_id, "issuer": caller.issuer, "scopes": caller.scopes.names(),
            "migration_mode": caller.project.mode.as_str(), "suspended": caller.project.suspended,
        }),
        Verdict::Failed(problem) => {
            let mut document = problem.to_document();
            document["ok"] = false.into();
            document
        }
    })
}
