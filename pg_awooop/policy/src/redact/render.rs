//! The text with markers where findings stood. What was JSON is JSON afterwards, of the same shape.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::{Family, Finding, marker};

/// `text` with every finding replaced by its family's marker.
pub(super) fn replace(text: &str, findings: &[Finding]) -> String {
    if is_json(text) {
        let redacted = String::with_capacity(text.len());
        return Json { text, redacted, at: 0, keys: marker::numbers(text) }.replace(findings);
    }
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
pub(super) fn is_json(text: &str) -> bool {
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
/// halves an escape, and gets quotes where a number stood.
struct Json<'t> {
    text: &'t str,
    redacted: String,
    /// Everything before is in `redacted`.
    at: usize,
    /// How many keys of a family there have been; markers from before count.
    keys: HashMap<Family, usize>,
}

impl Json<'_> {
    fn replace(mut self, findings: &[Finding]) -> String {
        let bytes = self.text.as_bytes();
        let mut findings = findings.iter().peekable();
        let mut begin = 0;
        while let Some(next) = findings.peek() {
            if begin >= bytes.len() {
                break;
            }
            let end = token_end(bytes, begin);
            if next.range.start < end && (bytes[begin] == b'"' || is_bare(bytes[begin])) {
                let mut overlapping = Vec::new();
                while let Some(finding) = findings.peek().filter(|finding| finding.range.start < end) {
                    overlapping.push(*finding);
                    // A finding that begins in a string ends with it: what it took for its end was something else's. One
                    // that begins before the token goes on behind it.
                    if finding.range.end > end && finding.range.start <= begin {
                        break;
                    }
                    findings.next();
                }
                if bytes[begin] == b'"' {
                    self.in_string(begin, end, &overlapping);
                } else {
                    self.instead_of_bare(begin, end, overlapping[0]);
                }
            }
            while findings.peek().is_some_and(|finding| finding.range.end <= end) {
                findings.next();
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

    fn in_string(&mut self, begin: usize, end: usize, findings: &[&Finding]) {
        let bytes = self.text.as_bytes();
        let is_key = bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
        let mut read = begin + 1;
        for finding in findings {
            let (from, to) = whole_escapes(bytes, read, end - 1, finding.range.start, finding.range.end);
            read = to;
            if from >= to {
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
