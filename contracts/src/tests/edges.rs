//! Documents on the edge: every bound, word, requirement and rule of a text, met and missed, one at a time.

use serde_json::{Map, Value, json};

use super::generator::{Generator, places};

/// What texts are tried with besides their own bounds: too little, the wrong lines, the wrong case.
const ENDINGS: [&str; 12] = ["\n", "\t", "\u{7f}", " ", ":", "_", "-", ".", "/", "~", "é", "A"];

impl Generator {
    /// The documents that differ from a valid one in one place, systematically.
    pub fn edges(&self) -> Vec<Value> {
        let mut found = Vec::new();
        for document in self.valid() {
            for place in places(document).into_iter().chain([String::new()]) {
                let part = self.part_at(&place).unwrap_or_default();
                for value in self.values_on_edge(document.pointer(&place).unwrap(), &part) {
                    let mut other = document.clone();
                    *other.pointer_mut(&place).unwrap() = value;
                    found.push(other);
                }
            }
        }
        found
    }

    fn values_on_edge(&self, value: &Value, part: &Map<String, Value>) -> Vec<Value> {
        let bound = |name: &str| part.get(name).and_then(Value::as_u64);
        match value {
            Value::Null | Value::Bool(_) => vec![json!("true"), Value::Null],
            Value::Number(number) => {
                let least = bound("minimum").unwrap_or(0);
                let most = bound("maximum").unwrap_or(1);
                let number = number.as_f64().unwrap();
                vec![
                    json!(least),
                    json!(least as i64 - 1),
                    json!(most),
                    json!(most + 1),
                    json!(number),
                    json!(number + 0.5),
                ]
            }
            Value::String(text) => self.texts_on_edge(text, part, bound("maxLength").unwrap_or(64) as usize),
            Value::Array(items) => {
                let most = bound("maxItems").unwrap_or(2) as usize;
                let twice = items.iter().chain(items.first()).cloned().collect();
                vec![
                    json!([]),
                    items.iter().take(1).cloned().collect(),
                    self.filled(items, most, part),
                    self.filled(items, most + 1, part),
                    twice,
                ]
            }
            Value::Object(members) => self.objects_on_edge(members, part),
        }
    }

    fn texts_on_edge(&self, text: &str, part: &Map<String, Value>, most: usize) -> Vec<Value> {
        let length = text.chars().count();
        let lengthened = |to: usize| format!("{text}{}", "a".repeat(to.saturating_sub(length)));
        let words = part.get("enum").and_then(Value::as_array).into_iter().flatten().cloned();
        let others = ["", "a", &lengthened(most), &lengthened(most + 1), &text.to_uppercase()].map(Value::from);
        words.chain(others).chain(ENDINGS.map(|ending| json!(format!("{text}{ending}")))).collect()
    }

    fn objects_on_edge(&self, members: &Map<String, Value>, part: &Map<String, Value>) -> Vec<Value> {
        let mut found = vec![json!({}), Value::Array(members.values().cloned().collect())];
        for name in members.keys() {
            let mut fewer = members.clone();
            fewer.remove(name);
            found.push(fewer.into());
        }
        let mut more = members.clone();
        more.insert("unknown".into(), json!(1));
        found.push(more.into());
        for (name, inner) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            for example in
                inner.get("examples").and_then(Value::as_array).into_iter().flatten().chain(inner.get("const"))
            {
                let mut more = members.clone();
                more.insert(name.clone(), example.clone());
                found.push(more.into());
            }
        }
        if let (true, Some((name, entry))) = (part.contains_key("patternProperties"), members.iter().next()) {
            let most = part["maxProperties"].as_u64().unwrap() as usize;
            for count in [most, most + 1] {
                let others = (members.len()..count).map(|at| (format!("{name}{at}"), entry.clone()));
                found.push(members.clone().into_iter().chain(others).collect::<Map<_, _>>().into());
            }
            for length in [64, 65] {
                let long = format!("{name}{}", "a".repeat(length - name.len()));
                found.push(json!({ long: entry }));
            }
        }
        found
    }

    /// A list of so many different items, as far as there are so many.
    fn filled(&self, items: &[Value], count: usize, part: &Map<String, Value>) -> Value {
        let item = self.resolved(part.get("items").unwrap_or(&Value::Null));
        let mut filled: Vec<Value> = match item.get("enum").and_then(Value::as_array) {
            Some(words) => words.clone(),
            None => items.to_vec(),
        };
        if let Some(last) = filled.last().cloned() {
            filled.extend((0..count).filter_map(|at| numbered(&last, at)));
        }
        filled.truncate(count);
        filled.into()
    }
}

/// The same item with a number at the end of its first text, or at a time of day in it.
fn numbered(item: &Value, at: usize) -> Option<Value> {
    if let Some(text) = item.as_str() {
        return Some(json!(format!("{text}{at}")));
    }
    let (pointer, text) =
        places(item).into_iter().find_map(|place| Some((place.clone(), item.pointer(&place)?.as_str()?)))?;
    let mut other = item.clone();
    *other.pointer_mut(&pointer)? = match item.get("from") {
        Some(_) => return Some(json!({"days": item["days"], "until": "12:00", "from": format!("01:{at:02}")})),
        None => json!(format!("{text}{at}")),
    };
    Some(other)
}
