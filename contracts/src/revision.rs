//! A published revision of a contract, as it is signed and as it leaves the database.
//!
//! The platform signs texts, so each has one form: [`Revision::statement`] is what publication signs,
//! [`Signature::statement`] what an approval or activation signs. Both are canonical JSON (RFC 8785) whose member `type`
//! keeps one from being taken for the other. An [`ExportedContract`] holds a revision with its signatures; who has the
//! key can verify it without the database.
//!
//! Nothing stands in the file that no signature covers. Publication signs the revision and nothing else, so of its
//! signatures the file has the key and the code alone: who published, and when, is in the revision. When a signature was
//! made anew because its key was rotated out, and for whom, is for the audit log to say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{canonical_json, sha256};
use crate::model::words::words;
use crate::violation::SchemaViolation;
use crate::{Kind, strict};

/// The longest exported contract, in bytes: a contract twice as long as one may be, and signatures.
pub const MAX_EXPORT_BYTES: usize = 768 * 1024;

const REVISION: &str = "awooop.contract.revision/1";
const SIGNATURE: &str = "awooop.contract.signature/1";

words! {
    /// What a signature says of a revision.
    pub enum Purpose {
        /// The platform published exactly this.
        Publish = "publish",
        /// A principal approves of its activation.
        Approve = "approve",
        /// The platform activated it, with enough approvals.
        Activate = "activate",
    }
}

/// A published revision: everything about it that never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    pub project_id: String,
    pub kind: Kind,
    pub name: String,
    /// A UUID in its 36-character form.
    pub revision_id: String,
    /// Counts the published revisions of the contract, from 1.
    pub number: u64,
    /// The principals who wrote the draft, sorted.
    pub authors: Vec<String>,
    pub published_by: String,
    /// RFC 3339 in UTC, to the microsecond.
    pub published_at: String,
    pub document: Value,
}

impl Revision {
    /// The text that publication signs.
    ///
    /// # Errors
    /// As [`canonical_json`].
    pub fn statement(&self) -> Result<String, serde_json::Error> {
        typed(REVISION, self)
    }

    /// SHA-256 of the statement in hexadecimal: what approvals refer to.
    ///
    /// # Errors
    /// As [`canonical_json`].
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        Ok(sha256(self.statement()?.as_bytes()))
    }
}

/// What an approval or activation signs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim<'a> {
    pub purpose: Purpose,
    pub project_id: &'a str,
    pub revision_id: &'a str,
    /// [`Revision::digest`].
    pub revision_digest: &'a str,
    pub signature_id: &'a str,
    pub principal_id: &'a str,
    /// The API key or database role that the principal used.
    pub credential: &'a str,
    pub signed_at: &'a str,
}

impl Claim<'_> {
    /// The text that is signed.
    ///
    /// # Errors
    /// As [`canonical_json`].
    pub fn statement(&self) -> Result<String, serde_json::Error> {
        typed(SIGNATURE, self)
    }
}

/// A signature under a revision: HMAC-SHA-256 of a text, with a key of the platform's keyring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub signature_id: String,
    pub purpose: Purpose,
    pub principal_id: String,
    pub credential: String,
    /// RFC 3339 in UTC, to the microsecond.
    pub signed_at: String,
    /// The installation's name and the key's id in its keyring: `awooop.example.org/contract-1`.
    pub key_id: String,
    /// 64 hexadecimal digits.
    pub mac: String,
}

impl Signature {
    /// The text that it signs.
    ///
    /// # Errors
    /// As [`canonical_json`].
    pub fn statement(&self, revision: &Revision) -> Result<String, serde_json::Error> {
        match self.purpose {
            Purpose::Publish => revision.statement(),
            Purpose::Approve | Purpose::Activate => self.claim(revision, &revision.digest()?).statement(),
        }
    }

    /// What it claims, as an approval or activation, of a revision with this [`Revision::digest`].
    pub fn claim<'a>(&'a self, revision: &'a Revision, revision_digest: &'a str) -> Claim<'a> {
        Claim {
            purpose: self.purpose,
            project_id: &revision.project_id,
            revision_id: &revision.revision_id,
            revision_digest,
            signature_id: &self.signature_id,
            principal_id: &self.principal_id,
            credential: &self.credential,
            signed_at: &self.signed_at,
        }
    }
}

/// A signature of publication, as far as it covers itself: HMAC-SHA-256 of [`Revision::statement`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishSignature {
    /// The installation's name and the key's id in its keyring: `awooop.example.org/contract-1`.
    pub key_id: String,
    /// 64 hexadecimal digits.
    pub mac: String,
}

/// A revision with its signatures, as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedContract {
    format: Format,
    pub revision: Revision,
    publish_signatures: Vec<PublishSignature>,
    signatures: Vec<Signature>,
}

words! {
    /// The version of the file's format.
    pub enum Format { One = "awooop.contract/1", }
}

impl ExportedContract {
    /// The revision and its signatures, in the order given.
    pub fn new(revision: Revision, signatures: Vec<Signature>) -> Self {
        let (published, signatures): (Vec<_>, Vec<_>) =
            signatures.into_iter().partition(|signature| signature.purpose == Purpose::Publish);
        let publish_signatures =
            published.into_iter().map(|Signature { key_id, mac, .. }| PublishSignature { key_id, mac }).collect();
        Self { format: Format::One, revision, publish_signatures, signatures }
    }

    /// The signatures of publication: one, and another for each time that it was signed anew.
    pub fn publish_signatures(&self) -> &[PublishSignature] {
        &self.publish_signatures
    }

    /// Approvals and activations.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Reads the file's text. That it is well-formed says nothing of its signatures.
    ///
    /// # Errors
    /// What is wrong with the text as JSON or as an exported contract.
    pub fn parse(text: &str) -> Result<Self, SchemaViolation> {
        Self::from_value(strict::parse(text, MAX_EXPORT_BYTES)?)
    }

    /// As [`Self::parse`], for a document that [`strict`] accepted.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_value(document: Value) -> Result<Self, SchemaViolation> {
        let exported = serde_json::from_value(document).ok();
        // Publication signs nothing of what else such a signature says.
        let claims = |one: &Self| one.signatures.iter().all(|signature| signature.purpose != Purpose::Publish);
        exported.filter(claims).ok_or_else(|| SchemaViolation {
            pointer: String::new(),
            keyword: "format".into(),
            expected: format!("a contract as export_contract returns it, of the format {}", Format::One.as_str()),
            got: "something else".into(),
        })
    }
}

/// The canonical text of `value` with its type.
fn typed(name: &str, value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut value = serde_json::to_value(value)?;
    value["type"] = name.into();
    canonical_json(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn signature(purpose: Purpose) -> Signature {
        Signature {
            signature_id: purpose.as_str().into(),
            purpose,
            principal_id: "ada".into(),
            credential: "role:ada".into(),
            signed_at: "2027-01-02T03:04:05.000006Z".into(),
            key_id: "contract-1".into(),
            mac: "00".repeat(32),
        }
    }

    fn revision() -> Revision {
        Revision {
            project_id: "ewoooc".into(),
            kind: Kind::Agent,
            name: "refunds".into(),
            revision_id: "018f0000-0000-7000-8000-000000000000".into(),
            number: 1,
            authors: vec!["grace".into()],
            published_by: "grace".into(),
            published_at: "2027-01-02T03:04:05.000006Z".into(),
            document: json!({"b": 1.0, "a": null}),
        }
    }

    #[test]
    fn what_is_signed_never_changes_its_form() {
        // Other forms would make every signature that was ever made a bad one.
        let (one, id) = (revision(), "018f0000-0000-7000-8000-000000000000");
        assert_eq!(
            one.statement().unwrap(),
            format!(
                r#"{{"authors":["grace"],"document":{{"a":null,"b":1}},"kind":"agent","name":"refunds","number":1,"project_id":"ewoooc","published_at":"2027-01-02T03:04:05.000006Z","published_by":"grace","revision_id":"{id}","type":"awooop.contract.revision/1"}}"#
            )
        );
        assert_eq!(signature(Purpose::Publish).statement(&one).unwrap(), one.statement().unwrap());
        let digest = one.digest().unwrap();
        for purpose in [Purpose::Approve, Purpose::Activate] {
            let word = purpose.as_str();
            assert_eq!(
                signature(purpose).statement(&one).unwrap(),
                format!(
                    r#"{{"credential":"role:ada","principal_id":"ada","project_id":"ewoooc","purpose":"{word}","revision_digest":"{digest}","revision_id":"{id}","signature_id":"{word}","signed_at":"2027-01-02T03:04:05.000006Z","type":"awooop.contract.signature/1"}}"#
                )
            );
        }
    }

    #[test]
    fn a_file_has_of_publication_what_its_signature_covers_and_takes_no_more() {
        let file = ExportedContract::new(revision(), Purpose::ALL.iter().map(|&purpose| signature(purpose)).collect());
        let text = serde_json::to_string(&file).unwrap();
        assert_eq!(ExportedContract::parse(&text).unwrap(), file);
        let mut document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["publish_signatures"], json!([{"key_id": "contract-1", "mac": "00".repeat(32)}]));
        assert_eq!(document["signatures"].as_array().unwrap().len(), 2);
        document["signatures"][0]["purpose"] = "publish".into();
        assert_eq!(ExportedContract::from_value(document).unwrap_err().keyword, "format");
        for ambiguous in
            [text.replacen('{', "{\"format\":\"awooop.contract/1\",", 1), text.replace("1.0", "9007199254740993")]
        {
            assert_eq!(ExportedContract::parse(&ambiguous).unwrap_err().keyword, "json");
        }
        assert!(ExportedContract::parse(&text.replace("contract/1", "contract/2")).is_err());
        assert!(ExportedContract::parse(&text.replacen('{', "{\"more\":1,", 1)).is_err());
    }
}
