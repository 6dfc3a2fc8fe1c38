//! Hides the exact values of a call's own credential in what a server answered, before the answer goes anywhere: as they are,
//! in base64, in hexadecimal, percent-encoded, escaped in JSON, and cut up over several texts. What else may be secret in an
//! answer is found by patterns, in the database.
//!
//! A text is read in several views: as it is, with JSON escapes undone, with percent-encoding undone, those several times over,
//! and each without white space. In every view the values, their three alignments in base64, and their hexadecimal are looked
//! for; what is found is hidden where it came from.

mod view;

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use self::view::views;
use crate::fault;

/// What stands in a value's place.
pub const MARK: &str = "[REDACTED:credential]";
/// A shorter piece of base64 stands in ordinary text by chance.
const LEAST_CORE: usize = 8;

/// What is remembered of what was said before: no credential is longer in any disguise.
const MOST_BEFORE: usize = 256 * 1024;

/// Members whose text is base64 of binary data.
const BINARY: [&str; 2] = ["blob", "data"];

/// Finds the values of one call.
pub struct Mask(Option<AhoCorasick>);

impl Mask {
    /// Of these values; each is at least eight bytes long.
    pub fn new(values: &[SecretString]) -> Mask {
        let needles: Vec<Vec<u8>> = values.iter().flat_map(|value| needles(value.expose_secret().as_bytes())).collect();
        if needles.is_empty() || fault::is("unmasked") || fault::is("inline") {
            return Mask(None);
        }
        // Where two begin at one place the longer one counts, or its end would be left.
        Mask(AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(needles).ok())
    }

    /// Hides them wherever they are in a document, and what is left of one that began in what was said before. Adds to that what
    /// the document says.
    pub fn hide_after(&self, before: &mut String, document: &mut Value) {
        if self.0.is_none() {
            return;
        }
        let mut raw = Vec::new();
        collect(document, "", &mut raw);
        self.hide(document);
        let mut leaves = vec![Leaf { name: String::new(), text: before.clone(), is_decoded: false }];
        collect(document, "", &mut leaves);
        self.hide_across_all(&mut leaves);
        put_back(document, &mut leaves.into_iter().skip(1).map(Leaf::into_text));
        before.extend(raw.iter().filter(|leaf| says_something(leaf)).map(|leaf| leaf.text.as_str()));
        let mut from = before.len().saturating_sub(MOST_BEFORE);
        while !before.is_char_boundary(from) {
            from += 1;
        }
        before.drain(..from);
    }

    /// Hides them wherever they are in a document.
    pub fn hide(&self, document: &mut Value) {
        if self.0.is_none() {
            return;
        }
        self.hide_alone(document, "");
        // Over several texts: those of one name, which a reader would join, then all that say something.
        let mut leaves = Vec::new();
        collect(document, "", &mut leaves);
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, leaf) in leaves.iter().enumerate() {
            by_name.entry(leaf.name.clone()).or_default().push(index);
        }
        for indices in by_name.into_values() {
            self.hide_across(&mut leaves, &indices);
        }
        self.hide_across_all(&mut leaves);
        let mut texts = leaves.into_iter().map(Leaf::into_text);
        put_back(document, &mut texts);
    }

    /// The text with them hidden.
    pub fn hide_text(&self, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in self.found(text) {
            hidden.push_str(text.get(from..start).unwrap_or_default());
            hidden.push_str(MARK);
            from = end;
        }
        hidden.push_str(text.get(from..).unwrap_or_default());
        hidden
    }

    fn hide_alone(&self, value: &mut Value, member: &str) {
        match value {
            Value::String(text) => {
                // Binary data stays what it is: what is in it is hidden there.
                if let Some(data) = decoded(member, text).filter(|data| !self.found(data).is_empty()) {
                    *text = STANDARD.encode(self.hide_text(&data));
                }
                if !self.found(text).is_empty() {
                    *text = self.hide_text(text);
                }
            }
            Value::Number(number) => {
                if !self.found(&number.to_string()).is_empty() {
                    *value = MARK.into();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_alone(item, member)),
            Value::Object(members) => {
                for (name, mut member) in std::mem::take(members) {
                    self.hide_alone(&mut member, &name);
                    let name = if self.found(&name).is_empty() { name } else { self.hide_text(&name) };
                    members.insert(name, member);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn hide_across_all(&self, leaves: &mut [Leaf]) {
        let saying: Vec<usize> =
            leaves.iter().enumerate().filter(|(_, leaf)| says_something(leaf)).map(|(index, _)| index).collect();
        self.hide_across(leaves, &saying);
    }

    /// Over those of the leaves, as one text.
    fn hide_across(&self, leaves: &mut [Leaf], indices: &[usize]) {
        if indices.len() < 2 {
            return;
        }
        let mut joined = String::new();
        // Where each begins, in order.
        let mut starts = Vec::with_capacity(indices.len());
        for index in indices {
            starts.push(joined.len());
            joined.push_str(leaves.get(*index).map_or("", |leaf| leaf.text.as_str()));
        }
        // From the end, so that earlier places stay where they are.
        for (start, end) in self.found(&joined).into_iter().rev() {
            let first = starts.partition_point(|begins| *begins <= start).saturating_sub(1);
            let last = starts.partition_point(|begins| *begins < end);
            for at in (first..last).rev() {
                let (Some(begins), Some(leaf)) =
                    (starts.get(at), indices.get(at).and_then(|index| leaves.get_mut(*index)))
                else {
                    continue;
                };
                let ends = starts.get(at + 1).copied().unwrap_or(joined.len());
                let (from, to) = (start.max(*begins), end.min(ends));
                if from < to {
                    let mark = if from == start { MARK } else { "" };
                    leaf.text.replace_range(from - begins..to - begins, mark);
                }
            }
        }
    }

    /// Where values are in a text: byte ranges in order that do not overlap, each on whole characters.
    fn found(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(finder) = &self.0 else { return Vec::new() };
        let mut found: Vec<(usize, usize)> = Vec::new();
        let views = if fault::is("exact_only") { views(text).into_iter().take(1).collect() } else { views(text) };
        for view in views {
            found.extend(finder.find_iter(view.bytes()).map(|one| view.origin(one.start(), one.end())));
        }
        found.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match merged.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged.into_iter().map(|(start, end)| on_characters(text, start, end)).collect()
    }
}

fn on_characters(text: &str, mut start: usize, mut end: usize) -> (usize, usize) {
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while end < text.len() && !text.is_char_boundary(end) {
        end += 1;
    }
    (start, end)
}

/// What a value looks like where it is not encoded away: itself, its hexadecimal, and what is certain of its base64 whatever
/// stands before and behind it.
fn needles(value: &[u8]) -> Vec<Vec<u8>> {
    let hex = |upper: bool| -> Vec<u8> {
        value
            .iter()
            .flat_map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }.into_bytes())
            .collect()
    };
    if fault::is("exact_only") {
        return vec![value.to_vec()];
    }
    let mut needles = vec![value.to_vec(), hex(false), hex(true)];
    for before in 0..3 {
        let padded = [vec![0; before], value.to_vec()].concat();
        // Characters that hold bits of what stands before, or behind.
        let skip = [0, 2, 3].get(before).copied().unwrap_or_default();
        let uncertain = usize::from(padded.len() % 3 != 0);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            let core = encoded.get(skip..encoded.len().saturating_sub(uncertain)).unwrap_or_default();
            if core.len() >= LEAST_CORE {
                needles.push(core.as_bytes().to_vec());
            }
        }
    }
    needles
}

/// Whether a text is the server's, and no word of the protocol.
fn says_something(leaf: &Leaf) -> bool {
    !matches!(leaf.name.as_str(), "type" | "mimeType" | "role" | "level" | "logger" | "method")
}

/// A text in a document, and the name of the member that it is in.
struct Leaf {
    name: String,
    text: String,
    /// Whether it is what its base64 says.
    is_decoded: bool,
}

impl Leaf {
    fn new(name: &str, text: &str) -> Leaf {
        match decoded(name, text) {
            Some(text) => Leaf { name: name.to_owned(), text, is_decoded: true },
            None => Leaf { name: name.to_owned(), text: text.to_owned(), is_decoded: false },
        }
    }

    fn into_text(self) -> String {
        if self.is_decoded { STANDARD.encode(self.text) } else { self.text }
    }
}

/// The text that a member of binary data is base64 of.
fn decoded(member: &str, text: &str) -> Option<String> {
    if !BINARY.contains(&member) {
        return None;
    }
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

fn collect(value: &Value, name: &str, into: &mut Vec<Leaf>) {
    match value {
        Value::String(text) => into.push(Leaf::new(name, text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, into)),
        Value::Object(members) => members.iter().for_each(|(name, member)| collect(member, name, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// In the order of [`collect`].
fn put_back(value: &mut Value, texts: &mut impl Iterator<Item = String>) {
    match value {
        Value::String(text) => {
            if let Some(hidden) = texts.next() {
                *text = hidden;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put_back(item, texts)),
        Value::Object(members) => members.values_mut().for_each(|member| put_back(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
