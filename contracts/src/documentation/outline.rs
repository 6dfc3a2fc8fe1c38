//! A schema as the documentation reads it: what it shows, in the order in which it is written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A schema or a part of one.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Node {
    pub title: String,
    pub description: String,
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    #[serde(rename = "enum")]
    pub words: Vec<String>,
    #[serde(rename = "const")]
    pub constant: Option<Box<RawValue>>,
    pub default: Option<Box<RawValue>>,
    pub examples: Vec<Box<RawValue>>,
    pub minimum: Option<u64>,
    pub maximum: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: Option<String>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub items: Option<Box<Node>>,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
    pub required: Vec<String>,
    pub properties: Members,
    pub pattern_properties: Members,
    #[serde(rename = "$defs")]
    pub definitions: Members,
}

impl Node {
    /// Whether it is an object with properties of its own.
    pub fn is_record(&self) -> bool {
        self.type_name.is_some() && !self.properties.0.is_empty()
    }

    pub fn is_boolean(&self) -> bool {
        self.type_name.as_deref() == Some("boolean")
    }
}

/// The members of an object, in their order; serde_json's own map sorts them.
#[derive(Debug, Default)]
pub(super) struct Members(pub Vec<(String, Node)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some((name, text)) = access.next_entry::<String, Box<RawValue>>()? {
            // A boolean, or the definition of embedded schemas, has nothing to show but its words.
            members.push((name, outline(text.get())));
        }
        Ok(Members(members))
    }
}

/// Reads a schema's text; what cannot be read shows nothing.
pub(super) fn outline(text: &str) -> Node {
    serde_json::from_str(text).unwrap_or_default()
}
