//! The golden documents in contracts/fixtures.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::contract::MAX_VIOLATIONS;
use crate::{Contract, Kind, canonical_json, schema, strict};

/// The documents of one folder, with their names.
pub(crate) fn documents(kind: Kind, folder: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(kind.as_str()).join(folder);
    let mut found: Vec<(String, Value)> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            (path.display().to_string(), strict::parse(&text, 1 << 20).unwrap_or_else(|v| panic!("{path:?}: {v:?}")))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn valid_documents_are_accepted_and_written_again_as_they_were() {
    for &kind in Kind::ALL {
        let documents = documents(kind, "valid");
        assert!(documents.len() >= 5, "{kind:?}");
        for (name, document) in documents {
            let contract = Contract::parse(&document.to_string()).unwrap_or_else(|v| panic!("{name}: {v:#?}"));
            assert_eq!(contract.kind(), kind, "{name}");
            assert_eq!(contract.name(), document["name"], "{name}");
            let again = contract.to_value().unwrap();
            assert_eq!(canonical_json(&again).unwrap(), canonical_json(&document).unwrap(), "{name}");
            assert_eq!(contract.unusable_schemas(), [], "{name}");
        }
    }
}

#[test]
fn invalid_documents_are_refused_for_the_one_thing_that_is_wrong() {
    for &kind in Kind::ALL {
        let documents = documents(kind, "invalid");
        assert!(documents.len() >= 10, "{kind:?}");
        for (name, fixture) in documents {
            let document = &fixture["document"];
            let violations = schema::violations(kind, document, MAX_VIOLATIONS);
            let found: Vec<_> = violations.iter().map(|v| (v.pointer.as_str(), v.keyword.as_str())).collect();
            let expected = (fixture["pointer"].as_str().unwrap(), fixture["keyword"].as_str().unwrap());
            assert_eq!(found, [expected], "{name}: {violations:#?}");
            assert!(Contract::of_kind(kind, document).is_err(), "{name}");
            assert!(Contract::typed(kind, document).is_none(), "the type accepts {name}");
        }
    }
}

#[test]
fn the_full_example_gives_every_property() {
    for &kind in Kind::ALL {
        let root = super::schema(kind);
        let full: Value = serde_json::from_str(kind.full_example()).unwrap();
        for name in root["properties"].as_object().unwrap().keys() {
            assert!(full.get(name).is_some(), "{kind:?}: {name}");
        }
    }
}

#[test]
fn a_violation_tells_no_value() {
    let secret = "sk-live-a-secret-that-nobody-may-see";
    for &kind in Kind::ALL {
        for (name, document) in documents(kind, "valid") {
            for pointer in super::generator::places(&document) {
                for value in [Value::from(secret), Value::from(vec![secret]), Value::from(4_111_111_111_111_111_u64)] {
                    let mut other = document.clone();
                    *other.pointer_mut(&pointer).unwrap() = value;
                    for violation in Contract::from_value(&other).err().into_iter().flatten() {
                        let told = format!("{violation}{violation:?}");
                        assert!(!told.contains("secret-that") && !told.contains("41111"), "{name} {pointer}: {told}");
                    }
                }
            }
        }
    }
}

#[test]
fn violations_are_told_in_words() {
    let told = |document: &str| -> Vec<String> {
        Contract::parse(document).unwrap_err().iter().map(ToString::to_string).collect()
    };
    assert_eq!(told("{"), ["the document: expected one JSON value, got something else (line 1, column 1)"]);
    assert_eq!(told("[]"), ["the document: expected an object, got something else"]);
    assert_eq!(told("{}"), ["the document: expected the property kind, got an object without it"]);
    assert_eq!(
        told(r#"{"kind": "team"}"#),
        ["/kind: expected one of: project, agent, policy, tool, channel, run, got another kind"]
    );
    assert_eq!(
        told(
            r#"{"kind": "run", "contract_version": 1, "name": "a", "input_schema": {}, "output_schema": {}, "priority": 11, "x": 1}"#
        ),
        ["/priority: expected at most 9, got 11", "/x: expected no such property, got an unknown property"]
    );
    assert_eq!(
        told(r#"{"kind": "channel", "contract_version": 1, "name": "a", "channel_type": "web"}"#),
        ["the document: expected one of the properties inbound, outbound, got an object of 4 properties"]
    );
    assert_eq!(told(r#"{"kind": "run", "kind": "run"}"#).len(), 1);
}

#[test]
fn a_schema_that_cannot_be_compiled_keeps_a_contract_from_publication() {
    for schema in [
        r##"{"$ref": "#/$defs/none"}"##,
        r#"{"pattern": "("}"#,
        r#"{"pattern": "^(?=a)"}"#,
        r#"{"pattern": "(a{1000}){1000}"}"#,
    ] {
        let text = format!(
            r#"{{"kind": "run", "contract_version": 1, "name": "a", "input_schema": {{}}, "output_schema": {{"properties": {{"a": {schema}}}}}}}"#
        );
        let unusable = Contract::parse(&text).unwrap().unusable_schemas();
        assert_eq!(unusable.len(), 1, "{schema}");
        assert!(unusable[0].pointer.starts_with("/output_schema"), "{unusable:?}");
    }
}
