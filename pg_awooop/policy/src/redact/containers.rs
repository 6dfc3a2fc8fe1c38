//! Arrays and objects under a secret's name.

use super::bytes::{DEEPEST, run_on, skip_blank};
use super::names::{Name, Strength};
use super::scan::Scanner;
use super::value::LONGEST_NAME;
use super::values::Style;

/// Arrays in an array under a secret's name.
pub(super) const DEEPEST_ARRAY: usize = 3;
/// Keys of an object under a secret's name whose values are as secret.
const VERSIONS: [&[u8]; 8] = [b"old", b"new", b"current", b"previous", b"next", b"confirm", b"confirmation", b"repeat"];

impl Scanner<'_> {
    /// Whether the bracket at `open` is an array's or an object's: a string or another bracket follows.
    pub(super) fn opens_values(&self, open: usize) -> bool {
        let next = run_on(self.bytes, skip_blank(self.bytes, open + 1, 80), DEEPEST, |byte| byte == b'\\');
        matches!(self.byte(next), b'"' | b'\'' | b'[' | b'{' | b']' | b'}')
    }

    /// The strings of an array under a secret's name.
    pub(super) fn elements(&mut self, open: usize, strength: Strength, depth: usize) {
        let mut at = open + 1;
        for _ in 0..32 {
            at = skip_blank(self.bytes, run_on(self.bytes, at, 8, |byte| byte == b',' || byte == b' '), 80);
            if self.byte(at) == b'[' && depth > 0 {
                return self.elements(at, strength, depth - 1);
            }
            let Some(value) = self.value_at(at).filter(|value| value.quoted) else { return };
            self.judge(value, strength, Style::Quoted);
            at = self.behind_quote(value.end);
        }
    }

    /// The value of an object under a secret's name: `"password": {"type": "string", "value": "…"}`.
    pub(super) fn members(&mut self, open: usize, strength: Strength) {
        let mut at = open + 1;
        for _ in 0..8 {
            at = skip_blank(self.bytes, run_on(self.bytes, at, 8, |byte| byte == b',' || byte == b' '), 80);
            let Some(key) = self.value_at(at).filter(|key| key.quoted && key.end - key.start <= LONGEST_NAME) else {
                return;
            };
            let colon = skip_blank(self.bytes, self.behind_quote(key.end), 16);
            if self.byte(colon) != b':' {
                return;
            }
            let Some(value) = self.value_behind(colon + 1) else { return };
            let key = &self.bytes[key.start..key.end];
            let style = if value.quoted { Style::Quoted } else { Style::Tight };
            if Name::cut(key).means_value() {
                return self.judge(value, strength, style);
            }
            // `"password": {"old": "…", "new": "…"}`
            if VERSIONS.iter().any(|version| key.eq_ignore_ascii_case(version)) {
                self.judge(value, strength, style);
            }
            at = if value.quoted { self.behind_quote(value.end) } else { value.end };
        }
    }
}
