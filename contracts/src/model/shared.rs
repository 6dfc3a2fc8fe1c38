//! What several kinds of contract have in common.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::collection::{Table, UniqueList};
use super::quantity::{Count, Percent, Seconds};
use super::text::{LabelName, Line, Role};
use crate::schema;

/// Labels of the tenant's own.
pub type Labels = Table<LabelName, Line<256>, 0, 32>;
/// Any one of these roles will do.
pub type Roles = UniqueList<Role, 1, 20>;

/// The version of the format: 1.
pub type ContractVersion = Count<1, 1>;

/// So many in any window of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub count: Count<1, 1_000_000>,
    pub window_seconds: Seconds<1, 86_400>,
}

/// How often something is tried, and how long each wait is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<Count<1, 20>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_delay_seconds: Option<Seconds<1, 3600>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth_percent: Option<Percent<100, 1000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay_seconds: Option<Seconds<1, 86_400>>,
}

defaults! { Retry {
    max_attempts: u64 = 3;
    first_delay_seconds: u64 = 2;
    growth_percent: u64 = 200;
    max_delay_seconds: u64 = 300;
} }

/// A JSON Schema (2020-12) of the tenant's own, an object whose references stay inside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct EmbeddedSchema(Value);

impl EmbeddedSchema {
    pub fn as_value(&self) -> &Value {
        &self.0
    }
}

impl TryFrom<Value> for EmbeddedSchema {
    type Error = &'static str;

    fn try_from(schema: Value) -> Result<Self, &'static str> {
        if schema.is_object() && schema::is_embeddable(&schema) { Ok(Self(schema)) } else { Err("no JSON Schema") }
    }
}

impl From<EmbeddedSchema> for Value {
    fn from(schema: EmbeddedSchema) -> Value {
        schema.0
    }
}

/// A JSON Schema that says that its instances are objects, as MCP asks of a tool's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EmbeddedSchema", into = "EmbeddedSchema")]
pub struct ObjectSchema(EmbeddedSchema);

impl ObjectSchema {
    pub fn as_embedded(&self) -> &EmbeddedSchema {
        &self.0
    }
}

impl TryFrom<EmbeddedSchema> for ObjectSchema {
    type Error = &'static str;

    fn try_from(schema: EmbeddedSchema) -> Result<Self, &'static str> {
        if schema.0["type"] == "object" { Ok(Self(schema)) } else { Err("its type is not object") }
    }
}

impl From<ObjectSchema> for EmbeddedSchema {
    fn from(schema: ObjectSchema) -> EmbeddedSchema {
        schema.0
    }
}
