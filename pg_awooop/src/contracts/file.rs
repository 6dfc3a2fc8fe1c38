//! Contracts as files: a revision goes out as it was signed, and comes in as a draft.

use awooop_contracts::revision::ExportedContract;
use awooop_policy::argument::Arguments;
use awooop_policy::contract::verification::verify;
use awooop_policy::error::{ErrorCode, Problem};
use awooop_policy::keyring::MacVerdict;

use super::{draft, revision, signatures};
use crate::caller::Caller;
use crate::door::Answer;
use crate::fault::{Outcome, fault};
use crate::keyring;

/// Operation `export_contract`.
pub(crate) fn export(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let row = revision::published(caller, arguments.uuid("revision_id"))?;
    let signed = row.signed(&caller.project_id)?;
    let signatures = signatures::of(&signed)?.0.into_iter().map(|checked| checked.signature).collect();
    Ok(Answer::ok(serde_json::to_string(&ExportedContract::new(signed, signatures))?))
}

/// Operation `import_contract`.
pub(crate) fn import(caller: &Caller, arguments: &Arguments) -> Outcome<Answer> {
    let exported = match ExportedContract::from_value(arguments.json("exported").clone()) {
        Ok(exported) => exported,
        Err(violation) => return fault(unusable(&violation.expected)),
    };
    let Some(signature) = vouched(&exported) else { return fault(unusable("what its signatures were made over")) };
    let (kind, document) = (exported.revision.kind, &exported.revision.document);
    // Whoever wrote it here is its author still: an import must not make a stranger of them.
    let is_ours = signature == "good" && exported.revision.project_id == caller.project_id;
    let authors = if is_ours { exported.revision.authors.clone() } else { Vec::new() };
    let body = draft::insert(caller, kind, document, authors)?;
    let body = draft::with_violations(&body, &draft::violations(caller, kind, document)?);
    let rest = body.strip_suffix('}').unwrap_or(&body);
    Ok(Answer::created(format!("{rest},\"imported_signature\":\"{signature}\"}}")))
}

/// What the signatures of a file are worth here; nothing, where it has none or one that does not fit.
fn vouched(exported: &ExportedContract) -> Option<&'static str> {
    // Without a keyring no key is known.
    let Ok(keyring) = keyring::current() else { return Some("unknown_key") };
    let report = verify(exported, &keyring);
    let mut verdicts = report.publish_signatures.iter().chain(&report.signatures);
    if report.publish_signatures.is_empty() || verdicts.clone().any(|verdict| *verdict == MacVerdict::Bad) {
        return None;
    }
    Some(if verdicts.any(|verdict| *verdict == MacVerdict::UnknownKey) { "unknown_key" } else { "good" })
}

fn unusable(expected: &str) -> Problem {
    Problem::from(ErrorCode::ContractExport).with("expected", expected)
}
