//! The text with markers where findings stood. What was JSON is JSON afterwards.

use std::collections::HashSet;

use serde::de::IgnoredAny;

use super::Finding;

/// A key goes on for at most this many bytes behind a finding.
const LONGEST_KEY: usize = 256;

/// `text` with every finding replaced by its family's marker.
pub(super) fn replace(text: &str, findings: &[Finding]) -> String {
    let bytes = text.as_bytes();
    let mut redacted = String::with_capacity(text.len() + 8);
    let mut copied = 0;
    let mut json = Json::default();
    let mut keys = HashSet::new();
    for finding in findings {
        let (mut start, mut end) = (finding.range.start.max(copied), finding.range.end);
        if start >= end {
            continue;
        }
        let marker = finding.family.marker();
        match quotes_for(text, start, end, &mut json) {
            Some(quote) => {
                // The whole bare value: `-1234` is a marker, not a minus before one.
                while start > copied && is_bare(bytes[start - 1]) {
                    start -= 1;
                }
                while end < bytes.len() && is_bare(bytes[end]) {
                    end += 1;
                }
                redacted.push_str(&text[copied..start]);
                redacted.push_str(quote);
                redacted.push_str(marker);
                redacted.push_str(quote);
            }
            None => {
                redacted.push_str(&text[copied..start]);
                redacted.push_str(marker);
                // Two keys of an object must not become one.
                if is_key(bytes, end) && json.is_json(text) && !keys.insert(finding.family) {
                    redacted.push_str(&format!("#{}", redacted.len()));
                }
            }
        }
        copied = end;
    }
    redacted.push_str(&text[copied..]);
    redacted
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// Whether the text is JSON as a whole, asked only where it matters, and how far its strings have been followed.
#[derive(Default)]
struct Json {
    whole: Option<bool>,
    read: usize,
    in_string: bool,
    escaped: bool,
}

impl Json {
    /// Whether `at` is inside a string; places are asked for in their order.
    fn in_string(&mut self, json: &[u8], at: usize) -> bool {
        for byte in &json[self.read.min(at)..at] {
            match byte {
                b'\\' if self.in_string => self.escaped = !self.escaped,
                b'"' if !self.escaped => self.in_string = !self.in_string,
                _ => self.escaped = false,
            }
        }
        self.read = self.read.max(at);
        self.in_string
    }

    fn is_json(&mut self, text: &str) -> bool {
        *self.whole.get_or_insert_with(|| {
            let begins = text.trim_start().as_bytes().first().is_some_and(|byte| *byte == b'{' || *byte == b'[');
            begins && serde_json::from_str::<IgnoredAny>(text).is_ok()
        })
    }
}

/// The quotes a marker needs where a bare JSON value (a number) stands: as many backslashes as its key's have.
fn quotes_for(text: &str, start: usize, end: usize, json: &mut Json) -> Option<&'static str> {
    const QUOTES: [&str; 4] = ["\"", "\\\"", "\\\\\\\"", "\\\\\\\\\\\\\\\""];
    let bytes = text.as_bytes();
    if !bytes[start..end].iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)) {
        return None;
    }
    let bare_start = (0..start).rev().find(|n| !is_bare(bytes[*n])).map_or(0, |n| n + 1);
    let bare_end = (end..bytes.len()).find(|n| !is_bare(bytes[*n])).unwrap_or(bytes.len());
    let before = text[..bare_start].trim_end();
    let after = text[bare_end..].trim_start();
    if before.is_empty() && after.is_empty() {
        return None;
    }
    let depth = |quoted: &str| {
        let unquoted = quoted.strip_suffix('"')?;
        let backslashes = unquoted.len() - unquoted.trim_end_matches('\\').len();
        match backslashes {
            0 => Some(QUOTES[0]),
            1 => Some(QUOTES[1]),
            3 => Some(QUOTES[2]),
            7 => Some(QUOTES[3]),
            _ => None,
        }
    };
    // A member of an object says by its key's quotes how deep it is.
    if let Some(quote) = before.strip_suffix(':').and_then(|key| depth(key.trim_end())) {
        let ends = after.is_empty() || after.starts_with([',', '}', ']', '\\', '\n']);
        return ends.then_some(quote);
    }
    // An element of an array: only in a text that is JSON as a whole, and outside its strings.
    let in_array = before.ends_with(['[', ',']) && after.starts_with([',', ']']);
    (in_array && json.is_json(text) && !json.in_string(bytes, bare_start)).then_some(QUOTES[0])
}

fn is_key(bytes: &[u8], end: usize) -> bool {
    let mut rest = bytes[end..].iter().take(LONGEST_KEY).skip_while(|byte| **byte != b'"' && **byte != b'\n').skip(1);
    rest.find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}
