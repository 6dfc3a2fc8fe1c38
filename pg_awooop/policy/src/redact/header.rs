//! Headers that carry credentials: Authorization (RFC 9110), Cookie (RFC 6265), and what stands behind Bearer and Basic
//! anywhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::bytes::{DEEPEST, run_on};
use super::checksum::distinct;
use super::lexicon::Lexicon;
use super::marker;
use super::rules::builtin::{AUTHORIZATION_HEADER, BASIC_CREDENTIALS, BEARER_TOKEN, COOKIE_HEADER, DIGEST_RESPONSE};
use super::rules::context::SCHEMES;
use super::scan::Scanner;
use super::value::LONGEST_VALUE;
use super::values::{is_random, is_template};

impl Scanner<'_> {
    /// The value behind the operator of a header that carries credentials.
    pub(super) fn header(&mut self, after: usize, cookie: bool, quoted: bool) {
        let bytes = self.bytes;
        let start = run_on(bytes, after, 8, |byte| b" \t=>".contains(&byte));
        if marker::end_of_marker(self.text, start).is_some() {
            return;
        }
        let (start, end) = match self.value_at(start) {
            Some(value) if value.quoted => (value.start, value.end),
            // Without quotes of its own: to the end of the line, or of the string that holds the header.
            _ if !quoted => (start, self.header_end(start)),
            _ => return,
        };
        let value = self.slice(start, end).trim_end();
        let end = start + value.len();
        if cookie {
            let Some(equals) = value.find('=') else { return };
            if !is_template(value) && !is_template(&value[equals + 1..]) {
                self.found(&COOKIE_HEADER, start, end);
                self.operators_until = end;
            }
            return;
        }
        let scheme_end = value.bytes().take(LONGEST_SCHEME).position(|byte| byte == b' ').unwrap_or(value.len());
        let mut scheme = value[..scheme_end].trim_end_matches(':');
        let mut from = start;
        if let Some(known) = scheme_named(scheme) {
            scheme = known;
            from = start + scheme_end + (value.len() - scheme_end - value[scheme_end..].trim_start().len());
        }
        if scheme == "digest" {
            return self.digest(from);
        }
        let mut credentials = self.slice(from, end);
        let several = matches!(
            scheme,
            "signature" | "snowflake" | "aws4-hmac-sha256" | "hawk" | "mac" | "oauth" | "token" | "hmac"
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
        self.found(&AUTHORIZATION_HEADER, from, end);
        self.operators_until = end;
    }

    /// `username="…", …, response="…"`: the response proves the password.
    fn digest(&mut self, start: usize) {
        let reach = self.reach(start, 600);
        let mut end = run_on(self.bytes, start, reach, |byte| byte != b'\n');
        self.spend(2 * (end - start));
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let Some(at) = self.slice(start, end).find("response=") else { return };
        let Some(value) = self.value_at(start + at + "response=".len()) else { return };
        if value.end - value.start >= 16 && self.bytes[value.start..value.end].iter().all(u8::is_ascii_hexdigit) {
            self.found(&DIGEST_RESPONSE, value.start, value.end);
        }
    }

    /// The end of the line, written out or escaped, or of the string around.
    fn header_end(&self, start: usize) -> usize {
        let bytes = self.bytes;
        let mut end = run_on(bytes, start, self.reach(start, LONGEST_VALUE), |byte| !b"\n\r\"'`\\<".contains(&byte));
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.spend(end - start);
        end
    }

    /// What follows the word Bearer.
    pub(super) fn bearer(&mut self, at: usize) {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=-:".contains(&byte);
        let reach = self.reach(at, LONGEST_VALUE);
        let (mut start, mut end) = (at, run_on(self.bytes, at, reach, token));
        if end == at {
            // `"Bearer {}", "…"`, `"Bearer %s" % "…"`, `"Bearer " + "…"`: the token is the next string.
            let slot = run_on(self.bytes, at, 4, |byte| b"{}%sdv0".contains(&byte));
            let close = run_on(self.bytes, slot, DEEPEST, |byte| b"\\\"'`".contains(&byte));
            let next = run_on(self.bytes, close, 12, |byte| b" ,+%.&(".contains(&byte) || byte == b')');
            let Some(value) = self.value_at(next).filter(|value| value.quoted && close > slot && next > close) else {
                return;
            };
            if !is_random(&self.bytes[value.start..value.end]) {
                return;
            }
            (start, end) = (value.start, value.end);
        }
        self.spend(end - start);
        let text = &self.bytes[start..end];
        let plain = !text.iter().any(u8::is_ascii_digit) && text.len() < 24;
        if text.len() >= 10 && !plain && !is_template(self.slice(start, end)) && distinct(text) > 4 {
            self.found(&BEARER_TOKEN, start, end);
        }
    }

    /// What follows the word Basic.
    pub(super) fn basic(&mut self, at: usize) {
        let reach = self.reach(at, 1024);
        let end = run_on(self.bytes, at, reach, |b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        self.spend(4 * (end - at));
        let token = &self.bytes[at..end];
        if token.len() >= 8
            && let Ok(decoded) = STANDARD.decode(token)
            && decoded.contains(&b':')
            && decoded.iter().all(|byte| (0x20..0x7f).contains(byte))
        {
            self.found(&BASIC_CREDENTIALS, at, end);
        }
    }
}

const LONGEST_SCHEME: usize = 20;

/// The scheme of that name, in whatever case it is written.
fn scheme_named(name: &str) -> Option<&'static str> {
    static LEXICON: Lexicon = Lexicon::of(SCHEMES);
    LEXICON.find(name.as_bytes()).filter(|_| name.len() < LONGEST_SCHEME)
}

/// A call or a variable, where a header's value was expected.
fn is_expression(text: &str) -> bool {
    text.ends_with("()") || text.contains("req.") || text.starts_with("process.") || text.starts_with("self.")
}
