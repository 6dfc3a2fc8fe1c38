//! Signing: a person or service agrees to the activation of a revision.

use awooop_contracts::revision::Purpose;
use awooop_policy::argument::Arguments;
use awooop_policy::contract::lifecycle::RevisionState;
use awooop_policy::contract::quorum::{Quorum, Tally};
use awooop_policy::error::{ErrorCode, Problem};
use serde_json::{Value, json};

use super::{active, revision, signatures};
use crate::audit;
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, refuse};
use crate::principals;

/// Operation `sign_contract`.
pub(crate) fn sign(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let revision_id = arguments.uuid("revision_id");
    let row = revision::locked(caller, revision_id)?;
    row.ensure_state(&[RevisionState::Published])?;
    row.ensure_seen(arguments.optional_text("digest"))?;
    let signed = revision::ensure_signed(caller, &row)?;
    let quorum = active::quorum(&caller.project_id, row.kind)?;
    let before = signatures::of(&signed)?;
    let standing = principals::standings(&caller.project_id, std::slice::from_ref(&caller.principal_id))?;
    let Some(standing) = standing.into_iter().next() else { return refuse(ErrorCode::ContractRole) };
    let hand = standing.hand;
    if principals::hands(&caller.project_id, &signed.authors)?.contains(&hand) {
        return refuse(ErrorCode::ContractAuthor);
    }
    if !quorum.admits(&standing.roles) {
        return refuse(Problem::from(ErrorCode::ContractRole).with("roles", json!(quorum.roles)));
    }
    // A signature that no longer counts, its credential being gone, does not keep its hand from signing again.
    let tally = before.tally(caller, &signed, &quorum)?;
    let signers: Vec<String> = before
        .approvals()
        .iter()
        .zip(&tally.discounts)
        .filter(|(_, discount)| discount.is_none())
        .map(|(checked, _)| checked.signature.principal_id.clone())
        .collect();
    if principals::hands(&caller.project_id, &signers)?.contains(&hand) {
        return refuse(ErrorCode::ContractSigned);
    }
    let signature_id = signatures::append(caller, &signed, Purpose::Approve, signatures::now())?;
    audit::done(caller, "contract_signed", row.entry().with("signature_id", signature_id.as_str()))?;
    let tally = signatures::of(&signed)?.tally(caller, &signed, &quorum)?;
    let body = revision::show(caller, revision_id)?;
    let rest = body.trim_end().strip_suffix('}').unwrap_or(&body);
    Ok(Answer::ok(format!("{rest},\"signature_id\":\"{signature_id}\",\"approvals\":{}}}", approvals(&quorum, &tally))))
}

/// How far the approvals are, as callers see it.
pub(super) fn approvals(quorum: &Quorum, tally: &Tally) -> Value {
    json!({"counted": tally.counted, "needed": tally.needed, "roles": quorum.roles})
}
