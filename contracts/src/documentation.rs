//! docs/CONTRACTS.md, made from the schemas.

mod outline;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::value::RawValue;

use crate::Kind;
use outline::{Node, outline};

/// The page: a table of properties for each kind and each object in it, and one full example of each kind.
pub fn documentation() -> String {
    let schemas: Vec<(Kind, Node)> = Kind::ALL.iter().map(|kind| (*kind, outline(kind.schema_text()))).collect();
    let mut common = BTreeMap::new();
    for (_, schema) in &schemas {
        for (name, definition) in &schema.definitions.0 {
            let (uses, _) = common.entry(name.as_str()).or_insert((0, definition));
            *uses += 1;
        }
    }
    common.retain(|_, (uses, _)| *uses > 1);

    let mut page = String::from(
        "# Contracts\n\nMade from `contracts/schemas` by `cargo xtask docs`. A contract is a JSON document about a \
         project, an agent, a policy, a tool, a channel or a run; the platform acts by those that are active. Each kind \
         has a JSON Schema (2020-12), and nothing that it does not name is accepted. Numbers are whole, money is in \
         micro-USD (millionths of a dollar), and a name that ends in a unit is in that unit. A property that is not \
         given has its default; null is never a value. `contracts/fixtures` holds valid and invalid examples. How one comes into \
         force, and which parts the platform acts by already: [the life of a contract](CONTRACT_LIFE.md).\n\n",
    );
    let link = |title: &str| format!("[{title}](#{})", anchor(title));
    let kinds: Vec<String> = schemas.iter().map(|(_, schema)| link(&schema.title)).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{} · {}", kinds.join(" · "), link("In common"));

    for (kind, schema) in &schemas {
        let types = Types { kind: Some(kind.as_str()), definitions: &schema.definitions.0, common: &common };
        let _ = writeln!(page, "\n## {}\n\n{}\n", schema.title, schema.description);
        types.table(&mut page, schema);
        for (name, definition) in schema.definitions.0.iter().filter(|(name, _)| !common.contains_key(name.as_str())) {
            if definition.is_record() {
                let _ = writeln!(page, "\n### {}\n\n{}\n", heading(Some(kind.as_str()), name), definition.description);
                types.table(&mut page, definition);
            }
        }
        let _ = writeln!(page, "\n### {}: example\n\n```json\n{}\n```", kind.as_str(), kind.full_example().trim_end());
    }

    let _ = writeln!(page, "\n## In common");
    let definitions: Vec<(String, Node)> = Vec::new();
    let types = Types { kind: None, definitions: &definitions, common: &common };
    for (name, (_, definition)) in &common {
        let _ = writeln!(page, "\n### {}\n\n{}", heading(None, name), definition.description);
        if definition.is_record() {
            page.push('\n');
            types.table(&mut page, definition);
        } else if let Some(pattern) = &definition.pattern {
            let _ = writeln!(page, "\nPattern: `{pattern}`");
        } else if definition.type_name.is_some() {
            let _ = writeln!(page, "\nA {}.", types.name(definition));
        }
    }
    page
}

fn heading(kind: Option<&str>, name: &str) -> String {
    let name = name.replace('_', " ");
    kind.map_or_else(|| name.clone(), |kind| format!("{kind}: {name}"))
}

/// The anchor that Markdown's renderers give a heading.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(':', "").replace(' ', "-")
}

/// Names types, with links to where they are described.
struct Types<'a> {
    kind: Option<&'a str>,
    definitions: &'a [(String, Node)],
    common: &'a BTreeMap<&'a str, (i32, &'a Node)>,
}

impl Types<'_> {
    fn table(&self, page: &mut String, object: &Node) {
        page.push_str("| property | type | default | what it says |\n|---|---|---|---|\n");
        for (name, property) in &object.properties.0 {
            let default = match &property.default {
                Some(value) => code(value),
                None if object.required.contains(name) => "**required**".into(),
                None => String::new(),
            };
            // Words and truth values are their own examples.
            let speaks = property.constant.is_some() || !property.words.is_empty() || property.is_boolean();
            let example = property.examples.first().filter(|_| !speaks);
            let example = example.map(|example| format!(" For example {}.", code(example)));
            let _ = writeln!(
                page,
                "| `{name}` | {} | {default} | {}{} |",
                self.name(property),
                property.description.replace('|', "\\|"),
                example.unwrap_or_default()
            );
        }
    }

    fn name(&self, node: &Node) -> String {
        let longest = node.max_length.map(|max| format!(", at most {max} characters")).unwrap_or_default();
        if let Some(name) = node.reference.as_deref().and_then(|reference| reference.strip_prefix("#/$defs/")) {
            return format!("{}{longest}", self.reference(name));
        }
        if let Some(value) = &node.constant {
            return code(value);
        }
        if !node.words.is_empty() {
            let words: Vec<String> = node.words.iter().map(|word| format!("`{word}`")).collect();
            return words.join(", ");
        }
        let range = |least: Option<u64>, most: Option<u64>| match (least.unwrap_or(0), most) {
            (0, Some(most)) => format!("at most {most}"),
            (least, Some(most)) => format!("{least} to {most}"),
            (least, None) => format!("from {least}"),
        };
        match node.type_name.as_deref() {
            Some("integer") => {
                format!("whole number, {} to {}", node.minimum.unwrap_or(0), node.maximum.unwrap_or(u64::MAX))
            }
            Some("array") => {
                let item = node.items.as_ref().map(|item| self.name(item)).unwrap_or_default();
                format!("list of {}: {item}", range(node.min_items, node.max_items))
            }
            Some("object") => {
                let entry = node.pattern_properties.0.first().map(|(_, entry)| self.name(entry)).unwrap_or_default();
                format!("table of {} by name: {entry}", range(node.min_properties, node.max_properties))
            }
            Some("boolean") => "`true`, `false`".into(),
            Some("string") if node.pattern.is_some() => {
                format!("text like `{}`{longest}", node.pattern.as_deref().unwrap_or_default().replace('|', "\\|"))
            }
            other => other.unwrap_or("any").to_owned(),
        }
    }

    fn reference(&self, name: &str) -> String {
        let own = self.definitions.iter().find(|(other, _)| other == name).map(|(_, definition)| definition);
        let is_common = self.common.contains_key(name);
        let kind = if is_common { None } else { self.kind };
        match own {
            // What has no heading of its own is described on the spot.
            Some(definition) if !is_common && !definition.is_record() => self.name(definition),
            _ => format!("[{}](#{})", name.replace('_', " "), anchor(&heading(kind, name))),
        }
    }
}

/// A value on one line, as the schema writes it; a line end is never part of a JSON string.
fn code(value: &RawValue) -> String {
    let line: Vec<&str> = value.get().lines().map(str::trim).collect();
    format!("`{}`", line.join(" ").replace('|', "\\|"))
}
