//! The text with markers where findings stood. What was JSON is JSON afterwards, of the same shape.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::{Family, Finding, marker};

/// How a text is written, as far as its markers depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// A JSON object or array as a whole.
    Json,
    /// One of them on each line.
    JsonLines,
    Text,
}

impl Carrier {
    pub(super) fn of(text: &str) -> Self {
        if is_json(text) {
            return Carrier::Json;
        }
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        match lines.next().is_some_and(is_json) && lines.all(is_json) {
            true => Carrier::JsonLines,
            false => Carrier::Text,
        }
    }
}

/// `text` with every finding replaced by its family's marker.
pub(super) fn replace(text: &str, findings: &[Finding]) -> String {
    match Carrier::of(text) {
        Carrier::Json => Json::new(text).replace(findings),
        Carrier::JsonLines => replace_in_lines(text, findings),
        Carrier::Text => replace_in_text(text, findings),
    }
}

/// `text` with a marker instead of everything: for one whose redaction does not come to an end.
pub(super) fn replace_all(text: &str, family: Family) -> String {
    let all = [Finding { family, rule: "".into(), range: 0..text.len() }];
    match Carrier::of(text) {
        Carrier::Text => family.marker().to_owned(),
        _ => replace(text, &all),
    }
}

fn replace_in_lines(text: &str, findings: &[Finding]) -> String {
    let mut redacted = String::with_capacity(text.len());
    let (mut start, mut first) = (0, 0);
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        first += findings[first..].iter().take_while(|finding| finding.range.end <= start).count();
        let here: Vec<Finding> = findings[first..]
            .iter()
            .take_while(|finding| finding.range.start < end)
            .map(|finding| Finding {
                range: finding.range.start.saturating_sub(start)..finding.range.end.min(end) - start,
                ..finding.clone()
            })
            .collect();
        match here.is_empty() {
            true => redacted.push_str(line),
            false => redacted.push_str(&Json::new(line).replace(&here)),
        }
        start = end;
    }
    redacted
}

fn replace_in_text(text: &str, findings: &[Finding]) -> String {
    let mut redacted = String::with_capacity(text.len() + 8);
    let mut copied = 0;
    for finding in findings {
        let (start, end) = (finding.range.start.max(copied), finding.range.end);
        if start >= end {
            continue;
        }
        let (start, end, quote) = match bare_value(text, start, end) {
            Some((bare_start, bare_end, quote)) if bare_start >= copied => (bare_start, bare_end, quote),
            _ => (start, end, ""),
        };
        redacted.push_str(&text[copied..start]);
        redacted.push_str(quote);
        redacted.push_str(finding.family.marker());
        redacted.push_str(quote);
        copied = end;
    }
    redacted.push_str(&text[copied..]);
    redacted
}

/// Whether the text is a JSON object or array as a whole.
fn is_json(text: &str) -> bool {
    let first = text.trim_start().as_bytes().first();
    matches!(first, Some(b'{' | b'[')) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// A finding in a number that is the value of a key in quotes, in JSON that is part of something else: where the number
/// stands, and the quotes that a marker needs there, with as many backslashes as the key's.
fn bare_value(text: &str, start: usize, end: usize) -> Option<(usize, usize, &'static str)> {
    const QUOTES: [&str; 4] = ["\"", "\\\"", "\\\\\\\"", "\\\\\\\\\\\\\\\""];
    const LONGEST: usize = 64;
    let bytes = text.as_bytes();
    if end - start > LONGEST || !bytes[start..end].iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)) {
        return None;
    }
    let bare_start = (start.saturating_sub(LONGEST)..start).rev().find(|n| !is_bare(bytes[*n])).map_or(0, |n| n + 1);
    let bare_end = (end..bytes.len().min(end + LONGEST)).find(|n| !is_bare(bytes[*n])).unwrap_or(bytes.len());
    let back = |at: usize, skip: &dyn Fn(u8) -> bool| {
        (at.saturating_sub(LONGEST)..at).rev().find(|n| !skip(bytes[*n])).map_or(0, |n| n + 1)
    };
    let blank = |byte: u8| byte == b' ' || byte == b'\t' || byte == b'\n';
    let colon = back(bare_start, &blank);
    let key_end = bytes[..colon].strip_suffix(b":").map(|before| back(before.len(), &blank))?;
    let quote = bytes[..key_end].strip_suffix(b"\"")?.len();
    let backslashes = quote - back(quote, &|byte| byte == b'\\');
    let depth = [0, 1, 3, 7].iter().position(|known| *known == backslashes)?;
    Some((bare_start, bare_end, QUOTES[depth]))
}

/// A text that is JSON as a whole, while findings in it are replaced. A marker never crosses the end of a string, never
/// halves an escape, and gets quotes where a number stood: what a finding covers of several values is replaced in each.
struct Json<'t> {
    text: &'t str,
    redacted: String,
    /// Everything before is in `redacted`.
    at: usize,
    /// How many keys of a family there have been; markers from before count.
    keys: HashMap<Family, usize>,
}

impl<'t> Json<'t> {
    fn new(text: &'t str) -> Self {
        Json { text, redacted: String::with_capacity(text.len()), at: 0, keys: marker::numbers(text) }
    }

    fn replace(mut self, findings: &[Finding]) -> String {
        let bytes = self.text.as_bytes();
        let (mut begin, mut first) = (0, 0);
        while begin < bytes.len() {
            first += findings[first..].iter().take_while(|finding| finding.range.end <= begin).count();
            let Some(next) = findings.get(first) else { break };
            let end = token_end(bytes, begin);
            if next.range.start < end {
                let count = findings[first..].iter().take_while(|finding| finding.range.start < end).count();
                let here = &findings[first..first + count];
                match bytes[begin] {
                    b'"' => self.in_string(begin, end, here),
                    byte if is_bare(byte) => self.instead_of_bare(begin, end, &here[0]),
                    _ => {}
                }
            }
            begin = end;
        }
        self.copy_to(self.text.len());
        self.redacted
    }

    fn copy_to(&mut self, end: usize) {
        self.redacted.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    fn instead_of_bare(&mut self, begin: usize, end: usize, finding: &Finding) {
        self.copy_to(begin);
        self.redacted.extend(["\"", finding.family.marker(), "\""]);
        self.at = end;
    }

    fn in_string(&mut self, begin: usize, end: usize, findings: &[Finding]) {
        let bytes = self.text.as_bytes();
        let is_key = bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        let mut read = begin + 1;
        for finding in findings {
            let (from, to) = whole_escapes(bytes, read, end - 1, finding.range.start, finding.range.end);
            read = to;
            // Of what began before, signs alone are what stood around it.
            let began_before = finding.range.start < begin;
            if from >= to || began_before && !self.text[from..to].contains(char::is_alphanumeric) {
                continue;
            }
            self.copy_to(from);
            if is_key {
                self.push_key_marker(finding.family);
            } else {
                self.redacted.push_str(finding.family.marker());
            }
            self.at = to;
        }
    }

    /// A marker that no key of the document has: two members of an object must not become one.
    fn push_key_marker(&mut self, family: Family) {
        let text = self.text;
        let number = self.keys.entry(family).or_insert_with(|| marker::highest_number(text, family));
        *number += 1;
        match *number {
            1 => self.redacted.push_str(family.marker()),
            number => self.redacted.push_str(&format!("[REDACTED:{}#{number}]", family.as_str())),
        }
    }
}

/// Where the token at `begin` of valid JSON ends: a string, a bare value, or one other byte.
fn token_end(bytes: &[u8], begin: usize) -> usize {
    match bytes[begin] {
        b'"' => {
            let mut close = begin + 1;
            while bytes[close] != b'"' {
                close += if bytes[close] == b'\\' { 2 } else { 1 };
            }
            close + 1
        }
        byte if is_bare(byte) => {
            bytes[begin..].iter().position(|byte| !is_bare(*byte)).map_or(bytes.len(), |n| begin + n)
        }
        _ => begin + 1,
    }
}

/// What of the string between `first`, where no escape is open, and `last` a finding covers, with whole escapes: one that
/// it begins in is not its, one that it ends in is.
fn whole_escapes(bytes: &[u8], first: usize, last: usize, start: usize, end: usize) -> (usize, usize) {
    let (mut from, mut to) = (None, first);
    let mut at = first;
    while at < last && at < end {
        let next = match bytes[at] {
            b'\\' if bytes[at + 1] == b'u' => at + 6,
            b'\\' => at + 2,
            _ => at + 1,
        };
        if at >= start && from.is_none() {
            from = Some(at);
        }
        to = next;
        at = next;
    }
    (from.unwrap_or(last), to.min(last))
}
