//! The exported log: one JSON object a line, in the order of the leaves. The document is a string in it, so that no
//! reader or writer of JSON on the way can change a byte of what was hashed.

use serde_json::{Value, json};
use uuid::Uuid;

use super::document::leaf_hash;
use super::{Hash, hex, unhex};

/// One sealed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub leaf_index: u64,
    pub audit_id: Uuid,
    pub leaf_hash: Hash,
    /// Absent where the row's partition was detached and dropped: its leaf stays. Empty where the row is not there
    /// although it should be.
    pub document: Option<String>,
    /// The row that tells of the detachment of this one's partition, where that is gone.
    pub detached_by: Option<Uuid>,
}

impl Line {
    /// The line's JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "leaf_index": self.leaf_index, "audit_id": self.audit_id, "leaf_hash": hex(&self.leaf_hash),
            "document": self.document, "detached_by": self.detached_by
        })
    }

    /// Reads a line, or an item of `export_audit`'s answer.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_json(&serde_json::from_str(text).ok()?)
    }

    /// The same of JSON that was read.
    pub fn from_json(value: &Value) -> Option<Self> {
        Some(Self {
            leaf_index: value["leaf_index"].as_u64()?,
            audit_id: Uuid::try_parse(value["audit_id"].as_str()?).ok()?,
            leaf_hash: unhex(value["leaf_hash"].as_str()?)?,
            document: match value.get("document")? {
                Value::Null => None,
                document => Some(document.as_str()?.to_owned()),
            },
            detached_by: match &value["detached_by"] {
                Value::Null => None,
                id => Some(Uuid::try_parse(id.as_str()?).ok()?),
            },
        })
    }

    /// The hash of what the line holds: its document's, or, without one, the leaf it states.
    pub fn hash(&self) -> Hash {
        self.document.as_deref().map_or(self.leaf_hash, leaf_hash)
    }

    /// Whether the document belongs to the leaf and says the same id. A line without one says nothing that this could
    /// compare.
    pub fn is_whole(&self) -> bool {
        let Some(document) = &self.document else { return true };
        let id = serde_json::from_str::<Value>(document).ok().and_then(|d| Some(d["audit_id"].as_str()?.to_owned()));
        self.hash() == self.leaf_hash && id == Some(self.audit_id.to_string())
    }

    /// The project that the document names.
    pub fn project_id(&self) -> Option<String> {
        let document: Value = serde_json::from_str(self.document.as_deref()?).ok()?;
        Some(document["project_id"].as_str()?.to_owned())
    }
}
