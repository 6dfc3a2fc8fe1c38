//! What a server offers, as it says: its tools, and by its capabilities whatever else.

use std::borrow::Cow;
use std::collections::HashMap;

use awooop_contracts::digest;
use awooop_policy::error::ErrorCode;
use awooop_policy::feature::Feature;
use awooop_policy::tool_name::{exposed, of_feature};
use serde_json::Value;

use crate::fault::{Outcome, fault};

/// Tools of one server.
const MOST_TOOLS: usize = 1000;
/// Characters of a name that a server gives a tool.
const MOST_NAME: usize = 256;

/// A definition: of a tool as the server gave it, of anything else as the platform has it.
pub(super) struct Listed<'a> {
    pub(super) feature: Feature,
    pub(super) upstream_name: &'a str,
    pub(super) name: String,
    pub(super) definition: Cow<'a, Value>,
    pub(super) digest: String,
}

/// What a server offers.
pub(super) struct Offer<'a> {
    pub(super) listed: Vec<Listed<'a>>,
    /// The places of the definitions that cannot be read.
    pub(super) unreadable: Vec<usize>,
    /// Whether it says what it offers besides tools.
    pub(super) has_capabilities: bool,
}

/// Reads a list of tools, or an object with it and with the server's capabilities. A tool that comes with no name, without a schema of
/// its arguments, or under the name of another is gone, and the rest are what they are.
pub(super) fn read<'a>(server_id: &str, document: &'a Value) -> Outcome<Offer<'a>> {
    let (tools, capabilities) = match document {
        Value::Object(members) => (document.get("tools"), members.get("capabilities").filter(|said| !said.is_null())),
        list => (Some(list), None),
    };
    let Some(tools) = tools.and_then(Value::as_array).filter(|tools| tools.len() <= MOST_TOOLS) else {
        return fault(ErrorCode::McpDefinition);
    };
    let mut offer = listed(server_id, tools)?;
    if let Some(capabilities) = capabilities {
        if !capabilities.is_object() {
            return fault(ErrorCode::McpDefinition);
        }
        offer.has_capabilities = true;
        for feature in Feature::OFFERED.into_iter().filter(|feature| feature.is_offered(capabilities)) {
            offer.listed.extend(of_platform(feature, server_id)?);
        }
    }
    Ok(offer)
}

fn pinned(definition: &Value) -> Outcome<String> {
    Ok(format!("sha256:{}", hex::encode(digest(definition)?)))
}

/// The entry of what the server offers besides tools.
fn of_platform(feature: Feature, server_id: &str) -> Outcome<Option<Listed<'static>>> {
    let (Some(upstream_name), Some(name), Some(definition)) =
        (feature.name(), of_feature(feature, server_id), feature.definition())
    else {
        return Ok(None);
    };
    let digest = pinned(&definition)?;
    Ok(Some(Listed { feature, upstream_name, name, definition: Cow::Owned(definition), digest }))
}

fn listed<'a>(server_id: &str, tools: &'a [Value]) -> Outcome<Offer<'a>> {
    let mut read = Vec::with_capacity(tools.len());
    let mut unreadable = Vec::new();
    let mut count: HashMap<String, usize> = HashMap::new();
    for (index, definition) in tools.iter().enumerate() {
        let name = definition["name"].as_str().filter(|name| !name.is_empty() && name.chars().count() <= MOST_NAME);
        let (Some(upstream_name), Some("object")) = (name, definition["inputSchema"]["type"].as_str()) else {
            unreadable.push(index);
            continue;
        };
        let name = exposed(upstream_name, server_id);
        *count.entry(name.clone()).or_default() += 1;
        let (digest, definition) = (pinned(definition)?, Cow::Borrowed(definition));
        read.push((index, Listed { feature: Feature::Tool, upstream_name, name, definition, digest }));
    }
    let (good, twice): (Vec<_>, Vec<_>) = read.into_iter().partition(|(_, tool)| count[&tool.name] == 1);
    unreadable.extend(twice.into_iter().map(|(index, _)| index));
    unreadable.sort_unstable();
    Ok(Offer { listed: good.into_iter().map(|(_, tool)| tool).collect(), unreadable, has_capabilities: false })
}
