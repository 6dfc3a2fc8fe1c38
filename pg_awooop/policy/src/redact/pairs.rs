//! Names and values that stand apart: `{"name": "DB_PASSWORD", "value": "…"}`, headers, manifests of secrets.

use super::assign::{LONGEST_VALUE, Value};
use super::bytes::{is_word, run_back, run_on};
use super::family::Family;
use super::names::{self, Name, Strength};
use super::scan::Scanner;
use super::values::{Style, is_template};

/// How far apart a name and its value may stand.
const WINDOW: usize = 400;

/// Schemes of the Authorization header (RFC 9110, 11.6.2) and what vendors use as such.
const SCHEMES: &[&str] = &[
    "api-key",
    "api-token",
    "apikey",
    "apitoken",
    "aws4-hmac-sha256",
    "basic",
    "bearer",
    "bot",
    "digest",
    "geniekey",
    "hawk",
    "hmac",
    "jwt",
    "key",
    "mac",
    "negotiate",
    "ntlm",
    "oauth",
    "pass",
    "private-token",
    "sharedkey",
    "signature",
    "snowflake",
    "splunk",
    "ssws",
    "token",
    "zoho-oauthtoken",
];

impl Scanner<'_> {
    /// The value of a header that carries credentials: Authorization, Cookie.
    pub(super) fn header(&mut self, at: usize, cookie: bool, quoted: bool) {
        let bytes = self.bytes;
        let start = run_on(bytes, at + 1, 8, |byte| b" \t=>".contains(&byte));
        let (start, end) = match self.value_at(start) {
            Some(value) if value.quoted => (value.start, value.end),
            // Without quotes of its own: to the end of the line, or of the string that holds the header.
            _ if !quoted => (start, self.line_end(start)),
            _ => return,
        };
        let value = self.text[start..end].trim_end();
        let end = start + value.len();
        if cookie {
            let Some(equals) = value.find('=') else { return };
            if !is_template(value) && !is_template(&value[equals + 1..]) {
                self.found(Family::AuthToken, "cookie-header", start, end);
                self.operators_until = end;
            }
            return;
        }
        let scheme_end = value.find(' ').unwrap_or(value.len());
        let scheme = value[..scheme_end].trim_end_matches(':').to_ascii_lowercase();
        let mut from = start;
        if SCHEMES.binary_search(&scheme.as_str()).is_ok() {
            from = start + scheme_end + (value.len() - scheme_end - value[scheme_end..].trim_start().len());
        }
        let mut credentials = &self.text[from..end];
        let several = matches!(
            scheme.as_str(),
            "digest" | "signature" | "snowflake" | "aws4-hmac-sha256" | "hawk" | "mac" | "oauth" | "token" | "hmac"
        );
        if !several {
            credentials = credentials.split([' ', ',', ';', ')', '}']).next().unwrap_or_default();
        }
        let word =
            from == start && credentials.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(&byte));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=:@!*-".contains(&byte);
        if !several && !credentials.bytes().all(plain) {
            return;
        }
        if credentials.len() < 4 || is_template(credentials) || word || is_expression(credentials) {
            return;
        }
        let end = from + credentials.len();
        self.found(Family::AuthToken, "authorization-header", from, end);
        self.operators_until = end;
    }

    /// The end of the line, written out or escaped, or of the string around.
    fn line_end(&self, start: usize) -> usize {
        let bytes = self.bytes;
        let mut end = run_on(bytes, start, self.reach(start, LONGEST_VALUE), |byte| !b"\n\r\"'`\\<".contains(&byte));
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.spend(end - start);
        end
    }

    /// Whether the value behind the operator could be the name of a secret: it is short, and a word of it says so.
    pub(super) fn names_a_secret(&self, at: usize) -> bool {
        let bytes = self.bytes;
        let start = run_on(bytes, at + 1, 12, |byte| b" \"'\\".contains(&byte));
        let end = run_on(bytes, start, 64, |byte| is_word(byte) || byte == b'.' || byte == b' ');
        start < end && bytes[start].is_ascii_alphabetic() && names::could_be_secret(&bytes[start..end])
    }

    /// `"name": "DB_PASSWORD"`: the value stands beside it, before or behind.
    pub(super) fn pair(&mut self, at: usize) {
        let bytes = self.bytes;
        let Some(name) = self.value_after(at) else { return };
        if name.end - name.start > 64
            || name.end <= name.start
            || !bytes[name.start..name.end].iter().all(|b| is_word(*b) || *b == b'.' || *b == b' ')
        {
            return;
        }
        if !names::could_be_secret(&bytes[name.start..name.end]) {
            return;
        }
        let cut = Name::cut(&bytes[name.start..name.end]);
        let header = matches!(cut.last(), "authorization" | "cookie");
        let Some(strength) = cut.strength().filter(|strength| *strength >= Strength::Token) else { return };
        let stop =
            |byte: u8| byte == b'{' || byte == b'}' || byte == b'<' || byte == b'>' || byte == b'[' || byte == b']';
        // Behind: to the end of the object or the tag; before: to its beginning.
        let reach = self.reach(at, WINDOW);
        let to = run_on(bytes, name.end, reach, |byte| !stop(byte));
        let from = run_back(bytes, name.start, reach, |byte| !stop(byte));
        self.spend(4 * (to - from));
        let places = (name.end..to).chain(from..at.saturating_sub(1));
        for place in places {
            if !matches!(bytes[place], b':' | b'=') || bytes[place + 1..].starts_with(b"//") {
                continue;
            }
            let end = run_back(bytes, place, 10, |byte| b" \t\"'\\".contains(&byte));
            let start = run_back(bytes, end, 16, is_word);
            if start < end && Name::cut(&bytes[start..end]).means_value() {
                // Only the next line or two of YAML belong to it.
                let between = if place > at { &bytes[name.end..start] } else { &bytes[place..at] };
                if between.iter().filter(|byte| **byte == b'\n').count() > 2 {
                    continue;
                }
                if let Some(value) = self.value_after(place) {
                    if header {
                        self.header(place, false, true);
                    } else {
                        self.judge(value, strength, if value.quoted { Style::Quoted } else { Style::Tight });
                    }
                }
                return;
            }
        }
    }

    /// `kind: Secret`: every value under `data` and `stringData` of the manifest is one.
    pub(super) fn manifest(&mut self, at: usize) {
        let Some(kind) = self.value_after(at) else { return };
        if !self.text[kind.start..kind.end].eq_ignore_ascii_case("secret") {
            return;
        }
        const LONGEST: usize = 64 * 1024;
        if at < self.manifests_until {
            return;
        }
        let from = self.document_start(at.saturating_sub(LONGEST), at);
        let to = self.document_end(at, LONGEST);
        self.manifests_until = to;
        let mut blocks = Vec::new();
        for name in ["data", "stringData"] {
            for (n, _) in self.text[from..to].match_indices(name) {
                let (start, end) = (from + n, from + n + name.len());
                let colon = run_on(self.bytes, end, 8, |byte| b"\"'\\ ".contains(&byte));
                if self.begins_word(start) && self.byte(colon) == b':' && (start == 0 || self.bytes[start - 1] != b'.')
                {
                    blocks.push((start, colon + 1));
                }
            }
        }
        for (start, after) in blocks {
            let open = run_on(self.bytes, after, 64, |byte| byte.is_ascii_whitespace());
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
        self.text[floor..at].rfind("\n---").map_or(floor, |n| floor + n)
    }

    fn document_end(&self, at: usize, most: usize) -> usize {
        let mut limit = self.bytes.len().min(at + most);
        while !self.text.is_char_boundary(limit) {
            limit -= 1;
        }
        self.text[at..limit].find("\n---").map_or(limit, |n| at + n)
    }

    /// The string values of a JSON object of strings.
    fn object_values(&mut self, open: usize, limit: usize) {
        let mut at = open + 1;
        for _ in 0..256 {
            at = run_on(self.bytes, at, 256, |byte| {
                byte.is_ascii_whitespace() || b",\\n".contains(&byte) && byte != b'n'
            });
            let Some(key) = self.value_at(at).filter(|key| key.quoted && key.end < limit) else { return };
            let colon = run_on(self.bytes, key.end, 16, |byte| b"\\\"' ".contains(&byte));
            if self.byte(colon) != b':' {
                return;
            }
            let Some(value) = self.value_after(colon).filter(|value| value.quoted) else { return };
            self.secret_value(value);
            at = run_on(self.bytes, value.end, 9, |byte| byte == b'\\' || byte == b'"');
        }
    }

    /// The values of the lines that stand deeper than their block's head.
    fn block_values(&mut self, head: usize, after: usize, limit: usize) {
        let lines = Lines { text: self.text, at: after, limit };
        let depth = self.indentation(head);
        let mut scalar = None;
        for (start, end) in lines.skip(1) {
            let line = &self.text[start..end];
            let content = line.trim();
            let indent = line.len() - line.trim_start().len();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if indent <= depth {
                return;
            }
            let first = start + indent;
            if scalar.is_some_and(|outer| indent > outer) {
                self.secret_value(Value { start: first, end: first + content.len(), quoted: false, spaced: true });
                continue;
            }
            scalar = None;
            let Some(colon) = content.find(':') else { continue };
            match content[colon + 1..].trim() {
                "" | "|" | ">" | "|-" | ">-" | "|+" | ">+" => scalar = Some(indent),
                _ => {
                    if let Some(value) = self.value_after(first + colon) {
                        self.secret_value(value);
                    }
                }
            }
        }
    }

    fn indentation(&self, at: usize) -> usize {
        let start = run_back(self.bytes, at, 64, |byte| byte == b' ' || byte == b'\t');
        at - start
    }

    fn secret_value(&mut self, value: Value) {
        if value.end > value.start && !is_template(&self.text[value.start..value.end]) {
            self.found(Family::Secret, "secret-manifest", value.start, value.end);
        }
    }
}

/// A call or a variable, where a header's value was expected.
fn is_expression(text: &str) -> bool {
    text.ends_with("()") || text.contains("req.") || text.starts_with("process.") || text.starts_with("self.")
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
        let start = self.at;
        let rest = &self.text[start..self.limit];
        let line = rest.find('\n').unwrap_or(rest.len());
        let (end, length) = match rest[..line].find("\\n") {
            Some(escaped) => (escaped, 2),
            None => (line, 1),
        };
        self.at = start + end + length.max(1);
        Some((start, start + end))
    }
}
