//! The official JSON Schema Test Suite, draft 2020-12. It is not part of this repository: `cargo xtask test` fetches it
//! and names its directory in `AWOOOP_JSON_SCHEMA_TEST_SUITE`.
//!
//! The platform fetches nothing, so what refers to the suite's remote schemas is refused, and then run again with those
//! schemas at hand.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::{Draft, Registry};
use jsonschema_value::jsonb::encode::encode;
use serde_json::Value;

use crate::schema::{self, CompiledSchema};
use crate::strict::MAX_DEPTH;

const PAGE: &str = "docs/JSON_SCHEMA.md";

/// Where the suite is served from, in its own references.
const ADDRESS: &str = "http://localhost:1234";

#[derive(Debug, Default)]
struct Outcome {
    tests: usize,
    /// Groups that refer to a schema elsewhere.
    refused: Vec<String>,
    failed: Vec<String>,
}

struct Suite {
    root: PathBuf,
}

impl Suite {
    fn open() -> Self {
        let root = std::env::var_os("AWOOOP_JSON_SCHEMA_TEST_SUITE").expect("AWOOOP_JSON_SCHEMA_TEST_SUITE is not set");
        Self { root: root.into() }
    }

    fn remotes(&self) -> Vec<(String, Value)> {
        files(&self.root.join("remotes"))
            .into_iter()
            // Those of other drafts are in directories that are named after them; one test refers to an earlier draft.
            .filter(|(name, _)| !name.starts_with("draft") || name.starts_with("draft20"))
            .map(|(name, schema)| (format!("{ADDRESS}/{name}"), schema))
            .collect()
    }

    /// Runs every file of a directory.
    fn run(&self, directory: &str) -> BTreeMap<String, Outcome> {
        let mut registry = Registry::new().draft(Draft::Draft202012);
        for (address, schema) in self.remotes() {
            registry = registry.add(address, schema).unwrap();
        }
        let registry = registry.prepare().unwrap();
        let files = files(&self.root.join("tests/draft2020-12").join(directory));
        files.into_iter().map(|(name, groups)| (name, run(&groups, &registry))).collect()
    }
}

fn run(groups: &Value, remotes: &Registry) -> Outcome {
    let mut outcome = Outcome::default();
    for group in groups.as_array().unwrap() {
        let title = group["description"].as_str().unwrap();
        let tests = group["tests"].as_array().unwrap();
        outcome.tests += tests.len();
        let schema = group["schema"].clone();
        let compiled = CompiledSchema::new(schema.clone()).or_else(|violation| {
            // For nothing else: no limit may be too low for a schema of the suite.
            if !["$ref", "$schema"].contains(&violation.keyword.as_str()) || violation.expected.contains("at most") {
                return Err(violation);
            }
            outcome.refused.push(title.to_owned());
            CompiledSchema::with_resources(schema, Some(remotes))
        });
        for test in tests {
            let is_right = match &compiled {
                Ok(compiled) => {
                    let errors = compiled.errors(&test["data"], 5);
                    let is_valid = compiled.is_valid(&test["data"]);
                    let stored = compiled.is_valid_stored(&encode(&test["data"]), 1 << 20);
                    is_valid == test["valid"] && errors.is_empty() == is_valid && stored.is_none_or(|v| v == is_valid)
                }
                Err(_) => false,
            };
            if !is_right {
                outcome.failed.push(format!("{title}: {}", test["description"].as_str().unwrap()));
            }
        }
        if let Err(violation) = &compiled {
            eprintln!("{title}: {violation:?}");
        }
    }
    outcome
}

/// Every JSON file below a directory by its path; not those of the directories `optional` and below.
fn files(root: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("optional") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push((name, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

#[test]
#[ignore = "cargo xtask test fetches the suite"]
fn the_required_part_of_the_official_suite_passes_whole() {
    let outcomes = Suite::open().run("");
    let failed: Vec<&String> = outcomes.values().flat_map(|outcome| &outcome.failed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let tests: usize = outcomes.values().map(|outcome| outcome.tests).sum();
    assert!(outcomes.len() > 40 && tests > 1200, "{} files, {tests} tests: not the whole suite", outcomes.len());
}

#[test]
#[ignore = "cargo xtask test fetches the suite"]
fn what_the_official_suite_shows_is_what_the_documentation_says() {
    let suite = Suite::open();
    let page = page(&suite.run(""), &suite.run("optional"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    if std::env::var_os("AWOOOP_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == page, "{PAGE} is not what the suite shows; set AWOOOP_WRITE_DOCS=1");
}

fn page(required: &BTreeMap<String, Outcome>, optional: &BTreeMap<String, Outcome>) -> String {
    let sum = |outcomes: &BTreeMap<String, Outcome>| outcomes.values().map(|outcome| outcome.tests).sum::<usize>();
    let mut page = include_str!("suite.md").to_owned();
    for (name, value) in [
        ("required", sum(required) as u64),
        ("depth", MAX_DEPTH as u64),
        ("size", schema::MAX_SIZE),
        ("parts", schema::MAX_PARTS as u64),
        ("named", schema::MAX_NAMED as u64),
        ("patterns", schema::MAX_PATTERNS),
        ("expansion", schema::MAX_EXPANSION),
        ("chain", schema::MAX_CHAIN),
        ("steps", schema::MAX_STEPS),
        ("error_steps", schema::MAX_ERROR_STEPS),
    ] {
        page = page.replace(&format!("{{{name}}}"), &value.to_string());
    }
    page.push_str("\n## Refused, because they refer to schemas elsewhere\n\n");
    for (file, outcome) in required.iter().chain(optional) {
        for title in &outcome.refused {
            writeln!(page, "- `{}`: {title}", file.trim_end_matches(".json")).unwrap();
        }
    }
    page.push_str("\n## The optional part\n\n| file | tests | passed | not supported |\n|---|---|---|---|\n");
    for (file, outcome) in optional {
        let passed = outcome.tests - outcome.failed.len();
        let failed: Vec<String> = outcome.failed.iter().map(|name| name.replace('|', "\\|")).collect();
        let failed = match (file.starts_with("format/"), failed.len()) {
            (true, 1..) => format!("the format is not checked ({} invalid texts pass)", failed.len()),
            _ => failed.join("; "),
        };
        writeln!(page, "| `{}` | {} | {passed} | {failed} |", file.trim_end_matches(".json"), outcome.tests).unwrap();
    }
    page
}
