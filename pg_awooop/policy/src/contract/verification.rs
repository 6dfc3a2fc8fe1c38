//! Whether an exported contract is what the platform published, and who approved of it: decided by the file and the
//! keyring alone.
//!
//! Every member of the file is covered by a signature, so a file that was changed is not proven. What was left out of it
//! cannot be seen, since the platform signs each approval apart: fewer approvals are told of than there were. Nor does a
//! file tell what became of the revision later, and whether a signer's credential was good is for the database to say.

use std::collections::BTreeSet;

use awooop_contracts::canonical::sha256;
use awooop_contracts::revision::{ExportedContract, Purpose, Revision};
use awooop_contracts::{Contract, SchemaViolation, canonical_json};
use serde_json::{Value, json};

use crate::keyring::{Keyring, MacVerdict, State};

/// What a verification found.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    exported: &'a ExportedContract,
    /// SHA-256 of the canonical document, in hexadecimal.
    pub document_digest: String,
    /// [`Revision::digest`].
    pub revision_digest: String,
    /// What keeps the document from being a contract of the revision's kind and name.
    pub violations: Vec<SchemaViolation>,
    /// What the keyring says of each publish signature, in the file's order.
    pub publish_signatures: Vec<MacVerdict>,
    /// What it says of each approval and activation, in the file's order.
    pub signatures: Vec<MacVerdict>,
    pub verdict: Verdict,
}

/// What is to be thought of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The platform published exactly this, and every signature in the file is its own.
    Proven,
    /// Do not rely on anything in the file.
    Unproven(Reason),
}

/// Why a file proves nothing. Where there are several reasons, the one that stands first here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A signature is not that of its key for what the file says.
    Forged,
    /// The document is not a contract of the revision's kind and name.
    Document,
    /// A signature stands in the file twice.
    Repeated,
    /// A signature's key is not in the keyring.
    UnknownKey,
    /// There is no publish signature.
    Unsigned,
}

impl Reason {
    /// Its word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forged => "forged",
            Self::Document => "document",
            Self::Repeated => "repeated",
            Self::UnknownKey => "unknown_key",
            Self::Unsigned => "unsigned",
        }
    }

    /// The reason in words.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Forged => {
                "a signature does not fit: the file was changed after it was signed, or its key is another one here"
            }
            Self::Document => "its document is not a contract of the kind and name that the file says",
            Self::Repeated => "a signature stands in it twice",
            Self::UnknownKey => "a key that signed it is not in this keyring, so nobody can say whether that was so",
            Self::Unsigned => "nobody published it: it has no publish signature",
        }
    }
}

/// Verifies a file with the platform's keys.
pub fn verify<'a>(exported: &'a ExportedContract, keyring: &Keyring) -> Report<'a> {
    let revision = &exported.revision;
    // Without a canonical form there is nothing that could have been signed; what was parsed always has one.
    let statement = revision.statement().ok();
    let revision_digest = statement.as_ref().map(|text| sha256(text.as_bytes())).unwrap_or_default();
    let check = |key_id: &str, text: Option<&String>, mac: &str| match text {
        Some(text) => keyring.check_contract(key_id, text.as_bytes(), &unhex(mac)),
        None => MacVerdict::Bad,
    };
    let publish_signatures: Vec<MacVerdict> =
        exported.publish_signatures().iter().map(|one| check(&one.key_id, statement.as_ref(), &one.mac)).collect();
    let signatures: Vec<MacVerdict> = exported
        .signatures()
        .iter()
        .map(|one| check(&one.key_id, one.claim(revision, &revision_digest).statement().ok().as_ref(), &one.mac))
        .collect();
    let violations = violations(revision);
    let mut verdicts = publish_signatures.iter().chain(&signatures);
    let verdict = if verdicts.clone().any(|verdict| *verdict == MacVerdict::Bad) {
        Verdict::Unproven(Reason::Forged)
    } else if !violations.is_empty() {
        Verdict::Unproven(Reason::Document)
    } else if has_repeated(exported) {
        Verdict::Unproven(Reason::Repeated)
    } else if verdicts.any(|verdict| *verdict == MacVerdict::UnknownKey) {
        Verdict::Unproven(Reason::UnknownKey)
    } else if publish_signatures.is_empty() {
        Verdict::Unproven(Reason::Unsigned)
    } else {
        Verdict::Proven
    };
    let document_digest = canonical_json(&revision.document).map(|text| sha256(text.as_bytes())).unwrap_or_default();
    Report { exported, document_digest, revision_digest, violations, publish_signatures, signatures, verdict }
}

impl Report<'_> {
    /// Whether the file can be relied on.
    pub fn is_proven(&self) -> bool {
        self.verdict == Verdict::Proven
    }

    /// What was verified.
    pub fn exported(&self) -> &ExportedContract {
        self.exported
    }

    /// The principals whose approval is good, each once, whatever credentials it used; authors' own do not count.
    pub fn approving_principals(&self) -> BTreeSet<&str> {
        let approved = self.exported.signatures().iter().zip(&self.signatures);
        approved
            .filter(|(signature, verdict)| {
                signature.purpose == Purpose::Approve
                    && matches!(verdict, MacVerdict::Good(_))
                    && !self.exported.revision.authors.contains(&signature.principal_id)
            })
            .map(|(signature, _)| signature.principal_id.as_str())
            .collect()
    }

    /// The ids of retired keys that made a good signature: anyone who has read the keyring since could have, too.
    pub fn retired_keys(&self) -> BTreeSet<&str> {
        let published = self.exported.publish_signatures().iter().map(|one| one.key_id.as_str());
        let signed = self.exported.signatures().iter().map(|one| one.key_id.as_str());
        let verdicts = self.publish_signatures.iter().chain(&self.signatures);
        let retired = published.chain(signed).zip(verdicts).filter(|(_, it)| **it == MacVerdict::Good(State::Retired));
        retired.map(|(id, _)| id).collect()
    }

    /// The report as JSON. What it repeats from the file is true where `proven` is.
    pub fn to_json(&self) -> Value {
        let revision = &self.exported.revision;
        let published = self.exported.publish_signatures().iter().zip(&self.publish_signatures);
        let published = published.map(|(one, verdict)| with_verdict(json!({"key_id": one.key_id}), *verdict));
        let signed = self.exported.signatures().iter().zip(&self.signatures);
        let signed = signed.map(|(one, verdict)| {
            let told = json!({
                "signature_id": one.signature_id, "purpose": one.purpose, "principal_id": one.principal_id,
                "signed_at": one.signed_at, "key_id": one.key_id
            });
            with_verdict(told, *verdict)
        });
        let reason = match self.verdict {
            Verdict::Proven => None,
            Verdict::Unproven(reason) => Some(reason.as_str()),
        };
        json!({
            "proven": self.is_proven(), "reason": reason, "project_id": revision.project_id, "kind": revision.kind,
            "name": revision.name, "revision_id": revision.revision_id, "number": revision.number,
            "published_by": revision.published_by, "published_at": revision.published_at,
            "document_digest": self.document_digest, "revision_digest": self.revision_digest,
            "violations": self.violations, "publish_signatures": published.collect::<Vec<_>>(),
            "signatures": signed.collect::<Vec<_>>(), "approving_principals": self.approving_principals().len(),
            "retired_keys": self.retired_keys()
        })
    }
}

/// The word for what a keyring says of a signature.
pub const fn word(verdict: MacVerdict) -> &'static str {
    match verdict {
        MacVerdict::Good(_) => "good",
        MacVerdict::Bad => "bad",
        MacVerdict::UnknownKey => "unknown_key",
    }
}

fn with_verdict(mut told: Value, verdict: MacVerdict) -> Value {
    told["verdict"] = word(verdict).into();
    told["key_state"] = match verdict {
        MacVerdict::Good(state) => state.as_str().into(),
        MacVerdict::Bad | MacVerdict::UnknownKey => Value::Null,
    };
    told
}

fn violations(revision: &Revision) -> Vec<SchemaViolation> {
    match Contract::of_kind(revision.kind, &revision.document) {
        Ok(contract) if contract.name() == revision.name => Vec::new(),
        Ok(_) => vec![SchemaViolation {
            pointer: "/name".into(),
            keyword: "const".into(),
            expected: "the name of the revision".into(),
            got: "another name".into(),
        }],
        Err(violations) => violations,
    }
}

/// Whether something is in the file twice: it would count for more than it is.
fn has_repeated(exported: &ExportedContract) -> bool {
    let (published, signed) = (exported.publish_signatures(), exported.signatures());
    let keys: BTreeSet<&str> = published.iter().map(|one| one.key_id.as_str()).collect();
    let ids: BTreeSet<&str> = signed.iter().map(|one| one.signature_id.as_str()).collect();
    keys.len() < published.len() || ids.len() < signed.len()
}

/// The code's bytes. Where it is not in lower-case hexadecimal none, which are no key's code: it has one form alone.
fn unhex(mac: &str) -> Vec<u8> {
    if mac.bytes().any(|byte| byte.is_ascii_uppercase()) { Vec::new() } else { hex::decode(mac).unwrap_or_default() }
}

#[cfg(test)]
mod tests;
