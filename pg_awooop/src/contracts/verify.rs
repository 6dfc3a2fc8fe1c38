//! Verification on demand: what was published computed again, and every signature judged.

use awooop_policy::argument::Arguments;
use awooop_policy::contract::lifecycle::RevisionState;
use awooop_policy::keyring::{MacVerdict, State};
use serde_json::{Value, json};

use super::{active, check, revision, sign, signatures};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::Outcome;

/// Operation `verify_contract`.
pub(crate) fn verify(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let row = revision::published(caller, arguments.uuid("revision_id"))?;
    let signed = row.signed(&caller.project_id)?;
    let digest_matches = row.digest_matches(&signed.document)?;
    let violations = check::contract(caller, row.kind, &signed.document)?.err().unwrap_or_default();
    let signatures = signatures::of(&signed)?;
    let quorum = active::quorum(&caller.project_id, row.kind)?;
    let tally = signatures.tally(caller, &signed, &quorum)?;
    let published = signatures.publication();
    let activated = (row.state == RevisionState::Active).then(|| signatures.activation());
    let mut discounts = tally.discounts.iter();
    let told: Vec<Value> = signatures
        .0
        .iter()
        .map(|checked| {
            let signature = &checked.signature;
            let (verdict, key_state) = match checked.verdict {
                MacVerdict::Good(state) => ("good", Some(state)),
                MacVerdict::Bad => ("bad", None),
                MacVerdict::UnknownKey => ("unknown_key", None),
            };
            let is_approval = signature.purpose == awooop_contracts::revision::Purpose::Approve;
            let discounted = if is_approval { discounts.next().copied().flatten() } else { None };
            json!({
                "signature_id": signature.signature_id, "purpose": signature.purpose,
                "principal_id": signature.principal_id, "credential": signature.credential,
                "signed_at": signature.signed_at, "key_id": signature.key_id, "verdict": verdict,
                "key_state": key_state.map(State::as_str), "discounted": discounted,
            })
        })
        .collect();
    let nothing_bad = signatures.0.iter().all(|checked| checked.verdict != MacVerdict::Bad);
    let body = json!({
        "revision_id": row.revision_id, "number": row.number, "digest": row.digest_text(),
        "state": row.state,
        "ok": digest_matches && nothing_bad && published.untrue().is_none()
            && activated.is_none_or(|activated| activated.untrue().is_none()),
        "digest_matches": digest_matches, "violations": violations,
        "published": published.word(), "activated": activated.map(|activated| activated.word()),
        "signatures": told, "approvals": sign::approvals(&quorum, &tally),
    });
    Ok(Answer::ok(body.to_string()))
}
