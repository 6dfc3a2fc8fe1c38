//! A schema as a graph: its parts, and which part is applied where because of which. What checking a document can cost
//! is read off it.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::limits::{MAX_NAMED, MAX_PARTS};
use super::pattern;

/// A subschema.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// What its own keywords cost on any value.
    pub weight: u64,
    /// What its patterns cost for every byte of a text, in sixteenths.
    pub pattern: u64,
    /// How many values its `enum` and `const` hold, or are made of.
    pub values: u64,
    /// Parts that are applied to the same value, other than by reference.
    pub here: Vec<Applied>,
    /// Parts that are applied to the same value by `$ref` and `$dynamicRef`.
    pub references: Vec<usize>,
    /// Whether only `$dynamicRef` leads to these: which one is meant shows when a document is checked.
    pub is_dynamic: bool,
    pub members: BTreeMap<String, usize>,
    /// By a pattern of the name; with what the pattern costs.
    pub patterns: Vec<(u64, usize)>,
    /// For members that are not named.
    pub others: Vec<usize>,
    pub names: Option<usize>,
    pub first: Vec<usize>,
    pub items: Vec<usize>,
}

/// A part that is applied to the same value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Applied {
    pub part: usize,
    /// Whether what is wrong with it is collected only after it was checked: that is twice the work.
    pub is_alternative: bool,
}

#[derive(Debug, Default)]
pub(super) struct Graph {
    pub parts: Vec<Part>,
    /// How many parts have a `$id`.
    pub named: usize,
    /// Whether something is referred to that is not in the schema.
    pub is_open: bool,
    /// A `$schema` that is not draft 2020-12.
    pub is_foreign: bool,
    /// How many references there are, each counted as often as there are parts that it may mean.
    pub references: usize,
}

/// The meta-schema and its parts, which come with the validator.
const META: &str = "https://json-schema.org/draft/2020-12/";

/// What the meta-schema costs on each value.
const META_WEIGHT: u64 = 200;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

struct Builder<'a> {
    graph: Graph,
    /// Each part's keywords, and the resource (the root, or a part with `$id`) that its references count from.
    places: Vec<(&'a Value, &'a Value)>,
    ids: HashMap<*const Value, usize>,
    root: &'a Value,
    /// The parts with a `$id`.
    named: Vec<&'a Value>,
    anchors: HashMap<&'a str, Vec<usize>>,
    dynamic_anchors: HashMap<&'a str, Vec<usize>>,
    /// The parts that refer to the meta-schema.
    meta: Vec<usize>,
}

impl Graph {
    /// The parts by their place in memory too, for whoever changes a copy of the schema. Beyond the limits it is not
    /// the whole graph.
    pub fn of(root: &Value) -> (Self, HashMap<*const Value, usize>) {
        let mut builder = Builder {
            graph: Self::default(),
            places: Vec::new(),
            ids: HashMap::new(),
            root,
            named: Vec::new(),
            anchors: HashMap::new(),
            dynamic_anchors: HashMap::new(),
            meta: Vec::new(),
        };
        builder.part(root, root);
        builder.graph.named = builder.named.len();
        let mut at = 0;
        // Following a reference can add a part at the end.
        while at < builder.places.len() && builder.graph.named <= MAX_NAMED && builder.graph.references <= MAX_PARTS {
            builder.follow(at);
            at += 1;
        }
        builder.graph.named = builder.named.len();
        builder.enter_meta_schema();
        (builder.graph, builder.ids)
    }
}

impl<'a> Builder<'a> {
    fn part(&mut self, schema: &'a Value, resource: &'a Value) -> usize {
        if let Some(id) = self.ids.get(&std::ptr::from_ref(schema)) {
            return *id;
        }
        let id = self.graph.parts.len();
        if id > MAX_PARTS {
            return 0;
        }
        self.ids.insert(schema, id);
        self.graph.parts.push(Part { weight: 1, ..Part::default() });
        self.places.push((schema, resource));
        let Some(keywords) = schema.as_object() else { return id };
        let is_resource = keywords.get("$id").is_some_and(Value::is_string);
        let resource = if is_resource { schema } else { resource };
        self.places[id].1 = resource;
        if is_resource {
            self.named.push(schema);
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            if let Some(anchor) = keywords.get(keyword).and_then(Value::as_str) {
                self.anchors.entry(anchor).or_default().push(id);
            }
        }
        if let Some(anchor) = keywords.get("$dynamicAnchor").and_then(Value::as_str) {
            self.dynamic_anchors.entry(anchor).or_default().push(id);
        }
        let is_foreign =
            keywords.get("$schema").and_then(Value::as_str).is_some_and(|s| s.trim_end_matches('#') != DRAFT);
        self.graph.is_foreign |= is_foreign;
        let part = self.built(keywords, resource);
        self.graph.parts[id] = part;
        id
    }

    fn built(&mut self, keywords: &'a Map<String, Value>, resource: &'a Value) -> Part {
        let mut part = Part { weight: 1 + keywords.len() as u64, ..Part::default() };
        let evaluates = keywords.contains_key("unevaluatedProperties") || keywords.contains_key("unevaluatedItems");
        for (keyword, value) in keywords {
            let is_alternative = evaluates || matches!(keyword.as_str(), "anyOf" | "oneOf");
            match keyword.as_str() {
                "allOf" | "anyOf" | "oneOf" => {
                    for inner in value.as_array().into_iter().flatten() {
                        part.here.push(Applied { part: self.part(inner, resource), is_alternative });
                    }
                }
                "not" | "if" | "then" | "else" => {
                    part.here.push(Applied { part: self.part(value, resource), is_alternative });
                }
                "dependentSchemas" | "dependencies" => {
                    for inner in members(value).filter(|inner| !inner.is_array()) {
                        part.here.push(Applied { part: self.part(inner, resource), is_alternative });
                    }
                }
                "properties" => {
                    for (name, inner) in value.as_object().into_iter().flatten() {
                        part.members.insert(name.clone(), self.part(inner, resource));
                    }
                }
                "patternProperties" => {
                    for (name, inner) in value.as_object().into_iter().flatten() {
                        part.patterns.push((pattern::weight(name), self.part(inner, resource)));
                    }
                }
                "additionalProperties" | "unevaluatedProperties" => part.others.push(self.part(value, resource)),
                "propertyNames" => part.names = Some(self.part(value, resource)),
                "prefixItems" => {
                    part.first =
                        value.as_array().into_iter().flatten().map(|inner| self.part(inner, resource)).collect();
                }
                "items" | "contains" | "unevaluatedItems" => part.items.push(self.part(value, resource)),
                // Nothing is applied by these, but references lead to them.
                "$defs" | "definitions" => members(value).for_each(|inner| _ = self.part(inner, resource)),
                "contentSchema" => _ = self.part(value, resource),
                "pattern" => part.pattern += value.as_str().map_or(0, pattern::weight),
                "enum" | "const" => part.values += size(value),
                "required" | "dependentRequired" => part.weight += size(value),
                _ => {}
            }
        }
        part
    }

    fn follow(&mut self, at: usize) {
        let (schema, resource) = self.places[at];
        let mut all = Vec::new();
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            all = self.targets(reference, resource);
            if all.is_empty() && reference.starts_with(META) {
                self.meta.push(at);
            } else {
                self.graph.is_open |= all.is_empty();
            }
        }
        if let Some(reference) = schema.get("$dynamicRef").and_then(Value::as_str) {
            let anchor = reference.rsplit_once('#').map_or("", |(_, anchor)| anchor);
            let mut targets = self.dynamic_anchors.get(anchor).cloned().unwrap_or_default();
            targets.extend(self.targets(reference, resource));
            targets.sort_unstable();
            targets.dedup();
            self.graph.is_open |= targets.is_empty();
            self.graph.parts[at].is_dynamic = all.is_empty();
            all.extend(targets);
        }
        self.graph.references += all.len();
        self.graph.parts[at].references = all;
    }

    /// The meta-schema applies to each value inside whatever extends it through the dynamic anchor `meta`.
    fn enter_meta_schema(&mut self) {
        let extensions = self.dynamic_anchors.get("meta").cloned().unwrap_or_default();
        for id in &self.meta {
            let part = &mut self.graph.parts[*id];
            part.weight += META_WEIGHT;
            part.items.extend(&extensions);
            // By a pattern that every name matches.
            part.patterns.extend(extensions.iter().map(|extension| (0, *extension)));
            self.graph.references += 2 * extensions.len();
        }
    }

    /// Every part that a reference may lead to. Addresses are compared by their last segment, which finds too much
    /// rather than too little.
    fn targets(&mut self, reference: &str, resource: &'a Value) -> Vec<usize> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return self.anchors.get(fragment).cloned().unwrap_or_default();
        }
        let last = |address: &str| address.trim_end_matches('#').rsplit(['/', ':']).next().map(str::to_owned);
        let resources: Vec<&Value> = if address.is_empty() {
            vec![resource, self.root]
        } else {
            let address_of = |schema: &Value| schema.get("$id").and_then(Value::as_str).and_then(last);
            self.named.iter().copied().filter(|schema| address_of(schema) == last(address)).collect()
        };
        let pointer = decoded(fragment);
        let found: Vec<(&Value, &Value)> =
            resources.into_iter().filter_map(|resource| Some((resource.pointer(&pointer)?, resource))).collect();
        let found = if address.is_empty() { &found[..found.len().min(1)] } else { &found[..] };
        found.iter().map(|(schema, resource)| self.part(schema, resource)).collect()
    }
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}

/// How many values this one is made of; long texts count as several.
pub(super) fn size(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| 1 + name.len() as u64 / 16 + size(value)).sum::<u64>() + 1
        }
        Value::String(text) => 1 + text.len() as u64 / 16,
        _ => 1,
    }
}

/// A fragment without its percent signs.
fn decoded(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
