//! Events that come signed, with no other credential than that: each with the secret of the channel that its address names.
//!
//! A secret is not stored, nor could it be as a digest: it is what the keyring makes of the key's id, each time that it is needed.

use awooop_contracts::model::channel::Verification;
use awooop_policy::argument;
use awooop_policy::channel::signature::{Message, secret_text};
use awooop_policy::credential::{Issued, made_of_a_key};
use awooop_policy::error::ErrorCode;
use awooop_policy::keyring::{Keyring, Vouched};
use awooop_policy::scope::ScopeSet;
use pgrx::prelude::*;
use serde_json::{Map, Value};

use super::terms;
use crate::authentication::{Verdict, bindable, failed};
use crate::caller::{self, Caller, Door};
use crate::fault::{Outcome, fault};
use crate::keyring;
use crate::statement::{column, statements};
use crate::tenant;

/// Between microseconds since 2000 and seconds since 1970.
const EPOCH_2000: i64 = 946_684_800;

/// As many secrets of one channel are good at once.
const MOST_SECRETS: usize = 4;

statements! {
    // The latest: after a rotation there are two for a while.
    LIVE: reading [TEXTOID, TEXTOID] =
        "select key_id, principal_id, signs_with from awooop.api_keys
         where project_id = $1 and channel = $2 and signs_with is not null and revoked_at is null
           and coalesce(least(expires_at, retires_at) > clock_timestamp(), true)
         order by created_at desc limit 4"; // MOST_SECRETS
}

/// The secret that the keyring makes of a key of a channel.
fn secret(keyring: &Keyring, with: &str, project_id: &str, channel: &str, key_id: &str) -> Option<[u8; 32]> {
    // None of these has a line's end in it.
    keyring.vouched(with, Vouched::ChannelSecret, &format!("{project_id}\n{channel}\n{key_id}"))
}

/// A new secret of a channel whose events come signed, and the key of the keyring that it is made of; nothing where the channel's
/// events come otherwise.
pub(crate) fn new_secret(project_id: &str, channel: &str) -> Outcome<Option<(Issued, String)>> {
    let Some(found) = terms::active_channel(project_id, channel)? else { return Ok(None) };
    let inbound = found.contract()?.inbound.as_ref();
    if inbound.is_none_or(|inbound| inbound.verification != Verification::HmacSha256) {
        return Ok(None);
    }
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    let Some(signer) = keyring.approval_signer() else { return fault(ErrorCode::ApprovalNoKey) };
    let made = made_of_a_key(|id| {
        secret(&keyring, signer.id, project_id, channel, id).map(|made| secret_text(&made)).unwrap_or_default()
    })?;
    Ok(Some((made, signer.id.to_owned())))
}

/// Who brings a signed event, and the event as `ingest_event` takes it. `arguments` has the channel, the three that were signed, and
/// the body as it came.
pub(crate) fn prove(
    project_id: &str,
    signatures: &str,
    operation: &str,
    arguments: &str,
) -> Outcome<(Verdict, Map<String, Value>)> {
    let members = argument::read(arguments)?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let (channel, id, body) = (text("channel"), text("webhook_id"), text("body"));
    let message = Message { id, timestamp: text("webhook_timestamp"), body: body.as_bytes() };
    let before = tenant::current();
    let project_id = bindable(project_id);
    tenant::bind(project_id);
    let keys = LIVE.with(|s| {
        s.rows(&[project_id.into(), channel.into()], |row| {
            Ok((column::<String>(row, 1)?, column::<String>(row, 2)?, column::<String>(row, 3)?))
        })
    })?;
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    // As much work whether there is such a channel or not, and however many secrets it has: the longer the body, the more would time
    // tell.
    let signer_id = keyring.approval_signer().map_or("", |signer| signer.id);
    let mut signer = None;
    for n in 0..MOST_SECRETS {
        let (key_id, with) = keys.get(n).map_or(("-", signer_id), |(key_id, _, with)| (key_id, with));
        let made = secret(&keyring, with, project_id, channel, key_id);
        let is_signed = message.is_signed(&made.unwrap_or_default(), signatures);
        signer = signer.or((is_signed && made.is_some() && n < keys.len()).then_some(n));
    }
    let signer = signer.and_then(|n| keys.into_iter().nth(n));
    let known = signer.filter(|_| operation == "ingest_event");
    let (Some((key_id, principal_id, _)), Some(project)) = (known, caller::facts_of(project_id, operation)?) else {
        tenant::rebind(before.as_deref());
        return Ok((failed("signature", &format!("{project_id}.{channel}"))?, Map::new()));
    };
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() } / 1_000_000 + EPOCH_2000;
    if !message.is_of(now) {
        tenant::rebind(before.as_deref());
        return Ok((Verdict::Failed(ErrorCode::ChannelTimestamp.into()), Map::new()));
    }
    let mut event = argument::read(body)?;
    // By which whoever sends it knows it, however often it is sent.
    event.insert("id".to_owned(), id.into());
    let members =
        Map::from_iter([("channel".to_owned(), Value::from(channel)), ("event".to_owned(), Value::Object(event))]);
    let caller = Caller {
        key_id: Some(key_id),
        channel: Some(channel.to_owned()),
        ..Caller::new(project_id, principal_id, ScopeSet::OF_A_CHANNEL, Door::Http, project)
    };
    Ok((Verdict::Proven(caller), members))
}
