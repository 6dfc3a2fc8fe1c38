//! Manifests of Kubernetes secrets: `kind: Secret`, in YAML or JSON, by itself or in a string.

use super::bytes::{DEEPEST, line_break, run_back, run_on, skip_blank};
use super::rules::builtin::SECRET_MANIFEST;
use super::scan::Scanner;
use super::value::Value;
use super::values::is_template;

/// A manifest is shorter than this.
const LONGEST: usize = 64 * 1024;

impl Scanner<'_> {
    /// `kind: Secret`: every value under `data` and `stringData` of the manifest is one.
    pub(super) fn manifest(&mut self, at: usize) {
        let Some(kind) = self.value_behind(at + 1) else { return };
        if !self.slice(kind.start, kind.end).eq_ignore_ascii_case("secret") || at < self.manifests_until {
            return;
        }
        let reach = self.reach(at, LONGEST);
        let from = self.document_start(at.saturating_sub(reach), at);
        let to = self.document_end(at, reach);
        self.spend(2 * (to - from));
        self.manifests_until = to;
        let mut blocks = Vec::new();
        for name in ["data", "stringData"] {
            for (n, _) in self.slice(from, to).match_indices(name) {
                let (start, end) = (from + n, from + n + name.len());
                let colon = run_on(self.bytes, end, DEEPEST, |byte| b"\"'\\ ".contains(&byte));
                if self.begins_word(start) && self.byte(colon) == b':' && (start == 0 || self.bytes[start - 1] != b'.')
                {
                    blocks.push((start, colon + 1));
                }
            }
        }
        for (start, after) in blocks {
            let open = skip_blank(self.bytes, after, 64);
            if self.byte(open) == b'{' {
                self.object_values(open, to);
            } else {
                self.block_values(start, after, to);
            }
        }
    }

    fn document_start(&self, floor: usize, at: usize) -> usize {
        let mut floor = floor;
        while !self.text.is_char_boundary(floor) {
            floor += 1;
        }
        let text = self.slice(floor, at);
        let written = text.rfind("\n---").into_iter().chain(text.rfind("\\n---"));
        written.max().map_or(floor, |n| floor + n)
    }

    fn document_end(&self, at: usize, most: usize) -> usize {
        let mut limit = self.bytes.len().min(at + most);
        while !self.text.is_char_boundary(limit) {
            limit -= 1;
        }
        let text = self.slice(at, limit);
        let written = text.find("\n---").into_iter().chain(text.find("\\n---"));
        written.min().map_or(limit, |n| at + n)
    }

    /// The string values of a JSON object of strings.
    fn object_values(&mut self, open: usize, limit: usize) {
        let mut at = open + 1;
        for _ in 0..256 {
            at = skip_blank(self.bytes, run_on(self.bytes, at, 8, |byte| byte == b',' || byte == b' '), 256);
            let Some(key) = self.value_at(at).filter(|key| key.quoted && key.end < limit) else { return };
            let colon = run_on(self.bytes, key.end, DEEPEST, |byte| b"\\\"' ".contains(&byte));
            if self.byte(colon) != b':' {
                return;
            }
            let Some(value) = self.value_behind(colon + 1).filter(|value| value.quoted) else { return };
            self.secret_value(value);
            at = self.behind_quote(value.end);
        }
    }

    /// The values of the lines that stand deeper than their block's head.
    fn block_values(&mut self, head: usize, after: usize, limit: usize) {
        let depth = head - run_back(self.bytes, head, 64, |byte| byte == b' ');
        let mut scalar = None;
        let lines = Lines { text: self.text, at: after, limit };
        for (start, end) in lines.skip(1) {
            // The end of the string that the manifest stands in is the end of its last line.
            let end = self.bytes[start..end]
                .iter()
                .position(|byte| *byte == b'"')
                .filter(|n| {
                    self.bytes[..start + n].iter().rev().take_while(|byte| **byte == b'\\').count() == 0
                        && self.in_string(start)
                })
                .map_or(end, |n| start + n);
            let first = skip_blank(self.bytes, start, end - start).min(end);
            // A tab, written out or escaped, is one step, as a blank is.
            let indent = self.slice(start, first).chars().filter(|c| matches!(c, ' ' | '\t' | 't')).count();
            let content = self.slice(first, end).trim_end();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if indent <= depth {
                return;
            }
            if scalar.is_some_and(|outer| indent > outer) {
                self.secret_value(Value { start: first, end: first + content.len(), quoted: false, spaced: true });
                continue;
            }
            scalar = None;
            let Some(colon) = content.find(':') else { continue };
            match content[colon + 1..].trim() {
                "" | "|" | ">" | "|-" | ">-" | "|+" | ">+" => scalar = Some(indent),
                _ => {
                    if let Some(value) = self.value_behind(first + colon + 1) {
                        self.secret_value(value);
                    }
                }
            }
        }
    }

    /// Whether the line that begins at `start` does so behind an escaped end of line.
    fn in_string(&self, start: usize) -> bool {
        start > 1 && self.bytes[start - 1] == b'n' && self.bytes[start - 2] == b'\\'
    }

    fn secret_value(&mut self, value: Value) {
        if value.end > value.start && !is_template(self.slice(value.start, value.end)) {
            self.found(&SECRET_MANIFEST, value.start, value.end);
        }
    }
}

/// Lines that end with a newline, written out or escaped.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    limit: usize,
}

impl Iterator for Lines<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.limit {
            return None;
        }
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut end = start;
        while end < self.limit && line_break(bytes, end) == 0 {
            end += 1;
        }
        self.at = end + line_break(bytes, end).max(1);
        Some((start, end.min(self.limit)))
    }
}
