//! Names and values that no assignment joins: arguments, calls, comparisons, and a line that announces the next;
//! PostgreSQL's password file.

use super::bytes::{DEEPEST, is_word, line_break, line_start, run_back, run_on, skip_blank};
use super::names::Strength;
use super::placeholder::is_placeholder;
use super::rules::builtin::PGPASS_ENTRY;
use super::scan::Scanner;
use super::value::{LONGEST_NAME, Value, quote_before};
use super::values::{self, Style};

impl Scanner<'_> {
    /// A line of PostgreSQL's password file, whose second colon stands at `at`.
    pub(super) fn pgpass(&mut self, at: usize) {
        let field = |byte: u8| byte.is_ascii_graphic() && !b":/\"'`,;|<>(){}[]=@&\\".contains(&byte);
        let database = run_on(self.bytes, at + 1, LONGEST_NAME, field);
        let user = run_on(self.bytes, database + 1, LONGEST_NAME, field);
        let end =
            run_on(self.bytes, user + 1, LONGEST_NAME, |byte| byte.is_ascii_graphic() && !b"\"'`\\".contains(&byte));
        let colons = [database, user].iter().all(|colon| self.byte(*colon) == b':');
        if colons && database > at + 1 && user > database + 1 && !is_placeholder(self.slice(user + 1, end)) {
            self.found(&PGPASS_ENTRY, user + 1, end);
            self.operators_until = self.operators_until.max(end);
        }
    }

    /// `("X_TOKEN", "value")`: two arguments, the first of which names the second.
    pub(super) fn argument(&mut self, at: usize) {
        let bytes = self.bytes;
        let closed = run_back(bytes, at, 2, |byte| byte == b' ');
        if closed == 0 || !matches!(bytes[closed - 1], b'"' | b'\'') {
            return;
        }
        let next = run_on(bytes, at + 1, 4, |byte| byte == b' ');
        if !matches!(self.byte(run_on(bytes, next, DEEPEST, |byte| byte == b'\\')), b'"' | b'\'') {
            return;
        }
        let name_end = run_back(bytes, closed - 1, DEEPEST, |byte| byte == b'\\');
        if name_end != self.last_word.1 {
            return;
        }
        let name_start = run_back(bytes, name_end, LONGEST_NAME, |byte| is_word(byte) || byte == b'.');
        // A value that ends with a word, or the value of a member, names nothing.
        let opening = name_start.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let before = run_back(bytes, name_start.saturating_sub(1), DEEPEST, |byte| byte == b'\\' || byte == b' ');
        if opening == b' ' || before > 0 && bytes[before - 1] == b':' || name_start == name_end {
            return;
        }
        let Some(strength) = self.known.meaning(bytes, name_start, name_end).strength else { return };
        let Some(mut value) = self.value_at(next) else { return };
        // A string in a string: `'"…"'`.
        if bytes[value.start..value.end].len() > 2
            && let Some(inner) = self.value_at(value.start).filter(|inner| inner.quoted)
        {
            value = inner;
        }
        // An argument of a command, `["psql", "--password", "…"]`, is as good as an assignment.
        let text = &bytes[value.start..value.end];
        if bytes[name_start] == b'-'
            || values::is_random(text)
            || strength == Strength::Password && is_telling(text) && !text.contains(&b' ')
        {
            self.judge(value, strength, Style::Quoted);
        }
    }

    /// `.password("…")`, `secret("…")`: what a call of that name is given.
    pub(super) fn call(&mut self, at: usize) {
        let bytes = self.bytes;
        if !is_word(bytes[at - 1]) {
            return;
        }
        let quote = run_on(bytes, at + 1, DEEPEST, |byte| byte == b'\\');
        if !matches!(self.byte(quote), b'"' | b'\'') {
            return;
        }
        let start = run_back(bytes, at, LONGEST_NAME, is_word);
        let name = &bytes[start..at];
        if name.ends_with(b"Credential") || name.ends_with(b"Credentials") || name.ends_with(b"DirectoryEntry") {
            return self.last_argument(at + 1);
        }
        let Some(strength) = self.known.meaning(bytes, start, at).strength else { return };
        let Some(value) = self.value_at(at + 1) else { return };
        let text = &bytes[value.start..value.end];
        if strength == Strength::Password && is_telling(text) || values::is_random(text) {
            self.judge(value, strength, Style::Quoted);
        }
    }

    /// `new NetworkCredential("user", "…")`: the last of a few strings.
    fn last_argument(&mut self, first: usize) {
        let mut at = first;
        let mut last = None;
        for n in 0..4 {
            let Some(value) = self.value_at(skip_blank(self.bytes, at, 80)).filter(|value| value.quoted) else { break };
            last = Some(value).filter(|_| n > 0);
            at = self.behind_quote(value.end);
            if self.byte(at) != b',' {
                break;
            }
            at += 1;
        }
        if let Some(value) = last {
            self.judge(value, Strength::Password, Style::Quoted);
        }
    }

    /// `"…" == password`: the string before is what the name behind is compared with.
    pub(super) fn compared(&mut self, at: usize, after: usize) {
        let bytes = self.bytes;
        let closed = run_back(bytes, run_back(bytes, at, 2, |byte| b"!=".contains(&byte)), 2, |byte| byte == b' ');
        let Some(quote) = quote_before(bytes, closed) else { return };
        let close = bytes[closed - 1];
        let name = run_on(bytes, after, 4, |byte| byte == b'=' || byte == b' ');
        let name_end = run_on(bytes, name, LONGEST_NAME, |byte| is_word(byte) || byte == b'.');
        let Some(strength) = self.known.meaning(bytes, name, name_end).strength else { return };
        let start = run_back(bytes, quote, self.reach(quote, 256), |byte| byte != close && byte != b'\n');
        self.spend(quote - start);
        if start > 0 && bytes[start - 1] == close {
            self.judge(Value { start, end: quote, quoted: true, spaced: false }, strength, Style::Quoted);
        }
    }

    /// `… use this password to proceed:` and the password alone on the next line that has anything.
    pub(super) fn announced(&mut self, at: usize, after: usize) {
        let bytes = self.bytes;
        let line = line_start(bytes, at, self.reach(at, 160));
        self.spend(2 * (at - line));
        let mut words = bytes[line..at].split(|byte| !byte.is_ascii_alphanumeric());
        let Some(word) = words.find(|word| {
            [b"password".as_slice(), b"passphrase", b"token", b"secret", b"key"]
                .iter()
                .any(|w| word.eq_ignore_ascii_case(w))
        }) else {
            return;
        };
        let strength = if word.len() > 6 { Strength::Password } else { Strength::Key };
        let start = skip_blank(bytes, after, 64);
        let end = run_on(bytes, start, 200, |byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        let alone = end >= bytes.len() || line_break(bytes, end) > 0 || bytes[end] == b'"';
        if alone && end - start >= 8 && values::is_random(&bytes[start..end]) {
            self.judge(Value { start, end, quoted: false, spaced: true }, strength, Style::Loose);
        }
    }
}

/// What no label, type or description is: letters with digits or signs.
pub(super) fn is_telling(text: &[u8]) -> bool {
    let mixed = text.iter().any(u8::is_ascii_digit) && text.iter().any(u8::is_ascii_alphabetic);
    text.len() >= 6 && !text.contains(&b'/') && (mixed || text.iter().any(|byte| b"!@#$%^&*+~={}[]".contains(byte)))
}
