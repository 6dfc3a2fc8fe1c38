//! Documents that are nearly contracts: valid ones with something dropped, added, retyped, swapped, or put on and beyond
//! a bound. Schemas say where the bounds are.

use serde_json::{Map, Value, json};

use super::fixtures::documents;
use super::{is_embedded, resolved, schema};
use crate::Kind;
use crate::violation::escaped;

/// SplitMix64: a failing document can be made again from its seed.
pub(super) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Every place of a document but the whole.
pub(crate) fn places(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), document)];
    while let Some((place, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                open.extend(members.iter().map(|(name, inner)| (format!("{place}/{}", escaped(name)), inner)));
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(at, inner)| (format!("{place}/{at}"), inner)));
            }
            _ => {}
        }
        if !place.is_empty() {
            found.push(place);
        }
    }
    found.sort();
    found
}

/// What makes documents of one kind.
pub(super) struct Generator {
    root: Value,
    valid: Vec<Value>,
    /// Values and texts of all fixtures, to put in other places.
    values: Vec<Value>,
    texts: Vec<String>,
}

impl Generator {
    pub fn new(kind: Kind) -> Self {
        let valid: Vec<Value> = documents(kind, "valid").into_iter().map(|(_, document)| document).collect();
        let invalid = documents(kind, "invalid").into_iter().map(|(_, fixture)| fixture["document"].clone());
        let values: Vec<Value> = valid
            .iter()
            .cloned()
            .chain(invalid)
            .flat_map(|document| {
                places(&document).into_iter().map(|place| document.pointer(&place).unwrap().clone()).collect::<Vec<_>>()
            })
            .collect();
        let texts = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Self { root: schema(kind), valid, values, texts }
    }

    pub(super) fn valid(&self) -> &[Value] {
        &self.valid
    }

    pub(super) fn resolved(&self, part: &Value) -> Map<String, Value> {
        resolved(&self.root, part)
    }

    /// A valid document with a few changes, or one that is made from the schema alone.
    pub fn document(&self, random: &mut Random) -> Value {
        if random.chance(15) {
            return self.made(random, &self.root);
        }
        let mut document = random.one_of(&self.valid).clone();
        for _ in 0..=random.below(3) {
            self.change(random, &mut document);
        }
        document
    }

    /// The part of the schema that describes a place, where one does.
    pub(super) fn part_at(&self, place: &str) -> Option<Map<String, Value>> {
        let mut part = self.root.as_object()?.clone();
        for token in place.split('/').skip(1) {
            if is_embedded(&Value::Object(part.clone())) || part.contains_key("$dynamicAnchor") {
                return None;
            }
            let name = token.replace("~1", "/").replace("~0", "~");
            let inner = match part.get("properties").and_then(|properties| properties.get(&name)) {
                Some(inner) => inner,
                None if part.contains_key("items") => &part["items"],
                None => part.get("patternProperties")?.as_object()?.values().next()?,
            };
            part = resolved(&self.root, inner);
        }
        Some(part)
    }

    fn change(&self, random: &mut Random, document: &mut Value) {
        let mut all = places(document);
        all.push(String::new());
        let place = random.one_of(&all).clone();
        let part = self.part_at(&place).unwrap_or_default();
        let made = self.made(random, &Value::Object(part.clone()));
        let other = random.one_of(&self.values).clone();
        let choice = random.below(10);
        match document.pointer_mut(&place) {
            Some(Value::Object(members)) if choice < 7 => self.change_object(random, members, &part, other),
            Some(Value::Array(items)) if choice < 6 => match random.below(4) {
                0 => items.clear(),
                1 if !items.is_empty() => items.push(items[0].clone()),
                2 => {
                    let inner = part.get("items").cloned().unwrap_or_default();
                    let more = part.get("maxItems").and_then(Value::as_u64).unwrap_or(3) as usize + random.below(2);
                    while items.len() < more.min(60) {
                        items.push(self.made(random, &inner));
                    }
                }
                _ => items.truncate(1),
            },
            Some(Value::Number(number)) if choice < 8 => {
                let bound = |name: &str| part.get(name).and_then(Value::as_u64);
                let near = [
                    bound("minimum").map_or(json!(-1), |min| json!(min as i64 - 1)),
                    json!(bound("minimum").unwrap_or(0)),
                    json!(bound("maximum").unwrap_or(1)),
                    json!(bound("maximum").unwrap_or(1) + 1),
                    json!(number.as_f64().unwrap_or(0.0)),
                    json!(number.as_f64().unwrap_or(0.0) + 0.5),
                    json!(-0.0),
                ];
                let value = random.one_of(&near).clone();
                *document.pointer_mut(&place).unwrap() = value;
            }
            Some(Value::String(text)) if choice < 8 => self.change_text(random, text, &part),
            Some(at) => {
                *at = match random.below(6) {
                    0 => Value::Null,
                    1 => json!([at.clone()]),
                    2 => json!({ "inner": at.clone() }),
                    3 => other,
                    4 => json!(random.chance(50)),
                    _ => made,
                }
            }
            None => {}
        }
    }

    fn change_object(
        &self,
        random: &mut Random,
        members: &mut Map<String, Value>,
        part: &Map<String, Value>,
        other: Value,
    ) {
        let names: Vec<String> = members.keys().cloned().collect();
        let known: Vec<(&String, &Value)> =
            part.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
        match random.below(6) {
            0 | 1 if !names.is_empty() => {
                members.remove(random.one_of(&names));
            }
            2 | 3 if !known.is_empty() => {
                let (name, inner) = *random.one_of(&known);
                members.insert(name.clone(), self.made(random, inner));
            }
            4 => {
                let name = random.one_of(&self.texts).clone();
                members.insert(name, other);
            }
            _ => {
                let keywords = [
                    ("$ref", json!("#/$defs/a")),
                    ("$ref", json!("https://example.com/a")),
                    ("$id", json!("https://example.com/a")),
                    ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
                    ("type", json!(["string", "null"])),
                    ("type", json!("text")),
                    ("not", json!(false)),
                    ("items", json!([{}])),
                    ("minLength", json!(-1)),
                    ("enum", json!([])),
                    ("unknown", json!(1)),
                    ("properties", json!({"$ref": {"$ref": "#"}, "b": {"$dynamicRef": "other#a"}})),
                ];
                let (name, value) = random.one_of(&keywords).clone();
                members.insert(name.to_owned(), value);
            }
        }
    }

    fn change_text(&self, random: &mut Random, text: &mut String, part: &Map<String, Value>) {
        let signs = [
            "_", "__", "/", "//", ".", "..", ":", "-", "~", "~1", "\n", "\t", "\u{7f}", "\u{85}", "é", "中", " ", "A",
            "a", "9", "*", "+",
        ];
        let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = *random.one_of(&boundaries);
        match random.below(8) {
            0 => text.clear(),
            1 => {
                let sign = *random.one_of(&signs);
                text.insert_str(at, sign);
            }
            2 => text.truncate(at),
            3 => *text = text.to_uppercase(),
            4 => *text = random.one_of(&self.texts).clone(),
            5 => {
                let longest = part.get("maxLength").and_then(Value::as_u64).unwrap_or(64) as usize;
                let filler = *random.one_of(&["a", "中", "0"]);
                *text = format!(
                    "{text}{}",
                    filler.repeat((longest + random.below(2)).saturating_sub(text.chars().count()))
                );
            }
            6 => *text = text[at..].to_owned(),
            _ => {
                if let Some(words) = part.get("enum").and_then(Value::as_array) {
                    *text = random.one_of(words).as_str().unwrap().to_owned();
                }
            }
        }
    }

    /// A value that a part of the schema nearly or quite accepts.
    fn made(&self, random: &mut Random, part: &Value) -> Value {
        if is_embedded(part) {
            return random
                .one_of(&[
                    json!({}),
                    json!({"type": "object"}),
                    json!({"type": "array"}),
                    json!(true),
                    json!({"minLength": "1"}),
                ])
                .clone();
        }
        let part = resolved(&self.root, part);
        if let Some(value) = part.get("const") {
            return value.clone();
        }
        if let Some(words) = part.get("enum").and_then(Value::as_array) {
            return random.one_of(words).clone();
        }
        let examples = part.get("examples").and_then(Value::as_array).cloned().unwrap_or_default();
        if !examples.is_empty() && random.chance(40) {
            return random.one_of(&examples).clone();
        }
        match part.get("type").and_then(Value::as_str) {
            Some("integer") => {
                let (min, max) = (part["minimum"].as_u64().unwrap(), part["maximum"].as_u64().unwrap());
                json!(*random.one_of(&[min, max, min + (max - min) / 2]))
            }
            Some("boolean") => json!(random.chance(50)),
            Some("array") => {
                let least = part.get("minItems").and_then(Value::as_u64).unwrap_or(0) as usize;
                (0..least + random.below(3)).map(|_| self.made(random, &part["items"])).collect()
            }
            Some("object") => self.made_object(random, &part),
            _ => json!(random.one_of(&self.texts)),
        }
    }

    fn made_object(&self, random: &mut Random, part: &Map<String, Value>) -> Value {
        let required: Vec<&str> =
            part.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut members = Map::new();
        for (name, inner) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if required.contains(&name.as_str()) || random.chance(30) {
                members.insert(name.clone(), self.made(random, inner));
            }
        }
        if let Some((_, inner)) = part.get("patternProperties").and_then(|p| p.as_object()?.iter().next()) {
            for _ in 0..random.below(4) {
                members.insert(random.one_of(&self.texts).clone(), self.made(random, inner));
            }
        }
        Value::Object(members)
    }
}
