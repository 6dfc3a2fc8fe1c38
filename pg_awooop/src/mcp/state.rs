//! The request state of a call that goes on later: which call it is, and which of its server's questions is answered, vouched for by
//! the platform's approval key. It opens nothing by itself: whoever brings it must be the caller that the call is of.

use awooop_contracts::canonical_json;
use awooop_policy::error::ErrorCode;
use awooop_policy::keyring::{MacVerdict, Vouched};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caller::Caller;
use crate::fault::{Outcome, fault};
use crate::keyring;

/// What a state says.
pub(super) struct State {
    pub(super) call_id: Uuid,
    /// Which question of its server's it is the answer to.
    pub(super) suspension: Option<i32>,
}

/// The state of a call, as text.
pub(super) fn sealed(caller: &Caller, call_id: Uuid, suspension: Option<i32>) -> Outcome<String> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    let Some(signer) = keyring.approval_signer() else { return fault(ErrorCode::ApprovalNoKey) };
    let statement = canonical_json(&json!({
        "project": caller.project_id, "call": call_id, "principal": caller.principal_id, "suspension": suspension
    }))?;
    let mac = signer.vouch(Vouched::CallState, &statement);
    let key = URL_SAFE_NO_PAD.encode(signer.id);
    Ok(format!("{}.{key}.{}", URL_SAFE_NO_PAD.encode(statement), URL_SAFE_NO_PAD.encode(mac)))
}

/// What a state says that this platform made for the caller.
pub(super) fn opened(caller: &Caller, text: &str) -> Outcome<State> {
    let Ok(keyring) = keyring::current() else { return fault(ErrorCode::ApprovalNoKey) };
    let mut parts = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let (Some(Some(statement)), Some(Some(key)), Some(Some(mac)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return fault(ErrorCode::McpState);
    };
    let (Ok(statement), Ok(key)) = (String::from_utf8(statement), String::from_utf8(key)) else {
        return fault(ErrorCode::McpState);
    };
    let verdict = keyring.check_vouched(&key, Vouched::CallState, &statement, &mac);
    let said: Value = serde_json::from_str(&statement).unwrap_or_default();
    let is_the_callers =
        said["project"] == caller.project_id.as_str() && said["principal"] == caller.principal_id.as_str();
    match (verdict, said["call"].as_str().and_then(|id| Uuid::try_parse(id).ok())) {
        (MacVerdict::Good(_), Some(call_id)) if is_the_callers => {
            Ok(State { call_id, suspension: said["suspension"].as_i64().and_then(|n| i32::try_from(n).ok()) })
        }
        _ => fault(ErrorCode::McpState),
    }
}
