//! What holds for every schema.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{described, is_embedded, resolved, schema};
use crate::Kind;
use crate::model::{agent, channel, policy, project, run, shared, tool};
use crate::schema::CompiledSchema;

#[test]
fn each_schema_is_valid_by_the_meta_schema() {
    for &kind in Kind::ALL {
        let schema = schema(kind);
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{kind:?}");
        assert_eq!(schema["$id"], format!("urn:awooop:contract:{}:1", kind.as_str()));
        CompiledSchema::new(schema).unwrap();
    }
}

#[test]
fn each_level_is_closed() {
    for &kind in Kind::ALL {
        for (place, part) in described(&schema(kind)) {
            let is_object = part["type"] == "object" || part.get("properties").is_some();
            if is_object && !is_embedded(part) && place != "/$defs/embedded_schema" {
                assert_eq!(part["additionalProperties"], false, "{kind:?} {place}");
            }
        }
    }
}

#[test]
fn each_property_has_a_title_a_description_and_valid_examples() {
    for &kind in Kind::ALL {
        let root = schema(kind);
        for (place, part) in described(&root) {
            let is_property = place.rsplit('/').nth(1) == Some("properties");
            let is_definition = place.starts_with("/$defs/") && place.matches('/').count() == 2;
            if is_property || is_definition || place.is_empty() {
                for keyword in ["title", "description"] {
                    assert!(part[keyword].as_str().is_some_and(|t| !t.is_empty()), "{kind:?} {place}: {keyword}");
                }
            }
            if is_property {
                let examples = part["examples"].as_array().unwrap_or_else(|| panic!("{kind:?} {place}: examples"));
                assert!(!examples.is_empty(), "{kind:?} {place}");
                let mut alone = part.clone();
                alone["$defs"] = root["$defs"].clone();
                let alone = CompiledSchema::new(alone).unwrap();
                for example in examples.iter().chain(part.get("default")) {
                    assert_eq!(alone.violations(example, 9), [], "{kind:?} {place}");
                }
            }
        }
    }
}

#[test]
fn integers_have_bounds_that_every_reader_holds_exactly_and_texts_and_lists_have_limits() {
    for &kind in Kind::ALL {
        let root = schema(kind);
        for (place, part) in described(&root) {
            let whole = resolved(&root, part);
            assert_ne!(part["type"], "number", "{kind:?} {place}: fractions differ between readers");
            match part["type"].as_str() {
                Some("integer") => {
                    assert!(whole["minimum"].is_u64(), "{kind:?} {place}");
                    assert!(whole["maximum"].as_u64().unwrap() <= crate::strict::MAX_EXACT_INTEGER, "{kind:?} {place}");
                }
                Some("array") => assert!(whole.contains_key("maxItems"), "{kind:?} {place}"),
                _ => {}
            }
            let name = place.rsplit('/').next().unwrap();
            if part.get("$ref").is_some_and(|r| r == "#/$defs/line" || r == "#/$defs/prose") {
                assert!(part.get("maxLength").is_some(), "{kind:?} {place}");
            }
            if part["type"] == "integer" && !name.starts_with('/') {
                let timed = ["deadline", "timeout", "delay", "interval"].iter().any(|word| name.contains(word));
                assert!(!timed || name.ends_with("_seconds"), "{kind:?} {place}: no unit in its name");
            }
        }
    }
}

#[test]
fn a_definition_of_one_name_says_the_same_in_every_schema() {
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    for &kind in Kind::ALL {
        for (name, definition) in schema(kind)["$defs"].as_object().unwrap() {
            let known = seen.entry(name.clone()).or_insert_with(|| definition.clone());
            assert_eq!(known, definition, "{kind:?} {name}");
        }
    }
}

#[test]
fn the_defaults_of_schemas_and_types_are_the_same() {
    type Defaults = Vec<(&'static str, Value)>;
    let of_types: [(&str, &str, Defaults); 23] = [
        ("project", "/$defs/retention", project::Retention::defaults()),
        ("project", "/$defs/sessions", project::Sessions::defaults()),
        ("project", "/$defs/capacity", project::Capacity::defaults()),
        ("project", "/$defs/migration_aids", project::MigrationAids::defaults()),
        ("project", "", vec![("time_zone", json!("UTC")), ("locale", json!("en"))]),
        ("agent", "/$defs/model", agent::Model::defaults()),
        ("agent", "/$defs/wanted_tool", agent::WantedTool::defaults()),
        ("agent", "/$defs/limits", agent::Limits::defaults()),
        ("agent", "/$defs/history", agent::History::defaults()),
        ("agent", "/$defs/endpoint", agent::Endpoint::defaults()),
        ("policy", "/$defs/proof", policy::Proof::defaults()),
        ("policy", "/$defs/quorum", policy::Quorum::defaults()),
        ("policy", "/$defs/activation", policy::Activation::defaults()),
        ("policy", "/$defs/approvals", policy::Approvals::defaults()),
        ("policy", "/$defs/families", policy::Families::defaults()),
        ("tool", "", tool::ToolContract::defaults()),
        ("channel", "", channel::ChannelContract::defaults()),
        ("channel", "/$defs/inbound", channel::Inbound::defaults()),
        ("channel", "/$defs/listener", channel::Listener::defaults()),
        ("channel", "/$defs/outbound", channel::Outbound::defaults()),
        ("channel", "/$defs/feedback", channel::Feedback::defaults()),
        ("run", "/$defs/comparison", run::Comparison::defaults()),
        ("run", "", run::RunContract::defaults()),
    ];
    let mut of_types: BTreeMap<String, Defaults> =
        of_types.into_iter().map(|(kind, place, defaults)| (format!("{kind} {place}"), defaults)).collect();
    of_types.entry("run ".into()).or_default().push(("retry_on", json!(run::Cause::ALL)));
    for kind in ["tool", "channel", "run"] {
        of_types.insert(format!("{kind} /$defs/retry"), shared::Retry::defaults());
    }
    for &kind in Kind::ALL {
        for (place, part) in described(&schema(kind)) {
            let properties = part["properties"].as_object().into_iter().flatten();
            let of_schema: BTreeMap<_, _> =
                properties.filter_map(|(name, p)| Some((name.as_str(), p.get("default")?.clone()))).collect();
            let of_type = of_types.remove(&format!("{} {place}", kind.as_str())).unwrap_or_default();
            assert_eq!(of_schema, of_type.into_iter().collect(), "{kind:?} {place}");
        }
    }
    assert!(of_types.is_empty(), "{of_types:?}");
}

#[test]
fn a_reference_that_leads_out_of_a_schema_is_never_followed() {
    for reference in ["https://example.com/a", "file:///etc/passwd", "//example.com", "other.json", "urn:other:1"] {
        assert!(!crate::schema::is_embeddable(&json!({"allOf": [{"$ref": reference}]})), "{reference}");
        assert!(!crate::schema::is_embeddable(&json!({"items": {"$dynamicRef": reference}})), "{reference}");
        assert!(CompiledSchema::new(json!({"$ref": reference})).is_err(), "{reference}");
    }
    // A property of that name is no reference.
    assert!(crate::schema::is_embeddable(&json!({"properties": {"$ref": {"type": "string"}}, "$ref": "#/$defs/a"})));
    assert!(crate::schema::is_embeddable(&json!({"const": {"$ref": "https://example.com"}})));
}
