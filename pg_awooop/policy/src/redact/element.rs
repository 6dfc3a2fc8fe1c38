//! Elements of XML: `<token>…</token>`, `<property name="db.password">…</property>`,
//! `<name>DB_PASSWORD</name><value>…</value>`, `<key>Password</key><string>…</string>`.

use super::bytes::{DEEPEST, is_word, run_back, run_on, skip_blank, skip_blank_back, stands_at};
use super::names::{self, Name, Strength};
use super::scan::Scanner;
use super::value::{LONGEST_NAME, LONGEST_VALUE, Value};
use super::values::Style;

/// How long a tag's attributes may be.
const LONGEST_TAG: usize = 200;

impl Scanner<'_> {
    /// The `>` of an opening tag, which stands from `at` to `after` (`\u003e` as well).
    pub(super) fn element(&mut self, at: usize, after: usize) {
        let bytes = self.bytes;
        if at > 0 && matches!(bytes[at - 1], b'"' | b'\'') {
            return self.attributed(at, after);
        }
        let start = run_back(bytes, at, LONGEST_NAME, |byte| is_word(byte) || byte == b'.' || byte == b':');
        // `\u003ctoken`: the letters of the escape are none of the name's.
        let start = if bytes[..(start + 5).min(at)].ends_with(b"u003c") { start + 5 } else { start };
        if start == at || start == 0 || !matches!(bytes[start - 1], b'<' | b'c' | b'C') {
            return;
        }
        let meaning = self.known.meaning(bytes, start, at);
        if let Some(strength) = meaning.strength {
            self.content(after, strength);
        } else if meaning.names_another {
            self.named_by_sibling(after);
        }
    }

    /// `<property name="x.password">`: an attribute names the content.
    fn attributed(&mut self, at: usize, after: usize) {
        let bytes = self.bytes;
        let reach = self.reach(at, LONGEST_TAG);
        let open = run_back(bytes, at, reach, |byte| byte != b'<' && byte != b'>');
        self.spend(2 * (at - open));
        let quote = bytes[at - 1];
        let mut end = at;
        for _ in 0..4 {
            // From the closing quote back to the opening one, then over `name=`.
            let close = run_back(bytes, end, DEEPEST, |byte| byte == b'\\' || byte == quote);
            let value = run_back(bytes, close, close.saturating_sub(open), |byte| byte != quote);
            let equals = run_back(bytes, value, DEEPEST, |byte| byte == b'\\' || byte == quote);
            if equals <= open || bytes[equals - 1] != b'=' {
                return;
            }
            let name = run_back(bytes, equals - 1, LONGEST_NAME, is_word);
            let text = &bytes[value..close];
            if Name::cut(&bytes[name..equals - 1]).means_name() && names::could_be_secret(text) {
                if let Some(strength) = Name::cut(text).strength() {
                    self.content(after, strength);
                }
                return;
            }
            end = skip_blank_back(bytes, name, open);
            if end == 0 || bytes[end - 1] != quote {
                return;
            }
        }
    }

    /// `<name>DB_PASSWORD</name>` and then `<value>…</value>`.
    fn named_by_sibling(&mut self, start: usize) {
        let bytes = self.bytes;
        let end = run_on(bytes, start, LONGEST_NAME, |byte| is_word(byte) || byte == b'.' || byte == b' ');
        let text = &bytes[start..end];
        if self.byte(end) != b'<' || !names::could_be_secret(text) {
            return;
        }
        let Some(strength) = Name::cut(text).strength() else { return };
        let closed = run_on(bytes, end, LONGEST_NAME, |byte| byte != b'>');
        let next = skip_blank(bytes, closed + 1, 80);
        if self.byte(next) != b'<' {
            return;
        }
        let tag = run_on(bytes, next + 1, LONGEST_NAME, is_word);
        let name = Name::cut(&bytes[next + 1..tag]);
        if self.byte(tag) == b'>' && (name.means_value() || name.is_type()) {
            self.content(tag + 1, strength);
        }
    }

    /// Judges what stands between the tag that ends at `after` and the closing one.
    fn content(&mut self, after: usize, strength: Strength) {
        let bytes = self.bytes;
        let mut start = skip_blank(bytes, after, 160);
        // `<setting name="DbPassword"><value>…</value></setting>`
        if stands_at(bytes, start, b"<value>") {
            start += b"<value>".len();
        }
        let cdata = b"<![CDATA[";
        if stands_at(bytes, start, cdata) {
            start += cdata.len();
        }
        let reach = self.reach(start, LONGEST_VALUE);
        let limit = run_on(bytes, start, reach, |byte| !b"<\"".contains(&byte));
        self.spend(limit - start);
        let text = &bytes[start..limit];
        let written = text.windows(5).position(|code| code == b"u003c" || code == b"u003C");
        let (end, closes) = match written {
            Some(n) => (run_back(bytes, start + n, n, |byte| byte == b'\\'), start + n + 5),
            None => (limit, limit + 1),
        };
        let end = text.windows(3).position(|code| code == b"]]>").map_or(end, |n| start + n);
        let end = skip_blank_back(bytes, end, start);
        let closes = run_on(bytes, closes, DEEPEST, |byte| byte == b'\\');
        if (limit < bytes.len() || written.is_some()) && (self.byte(closes) == b'/' || self.byte(limit) == b'<') {
            let inner = self.slice(start, end.max(start));
            // `<token>name=value</token>`.
            if self.byte(closes) == b'/' || inner.contains("]]>") || bytes[..start].ends_with(cdata) {
                self.judge(Value { start, end: end.max(start), quoted: true, spaced: false }, strength, Style::Quoted);
            }
        }
    }
}
