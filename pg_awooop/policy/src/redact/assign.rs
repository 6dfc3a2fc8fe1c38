//! Assignments: a name, an operator, a value. `password = "…"`, `"apiKey": "…"`, `TOKEN=…`, `set("X_TOKEN", "…")`,
//! however many times the quotes are escaped.

use super::bytes::{DEEPEST, JOINER, LOWER, UPPER, escape_head, is_word, line_break, line_start, run_back, run_on};
use super::containers::DEEPEST_ARRAY;
use super::known::{Look, Special};
use super::marker;
use super::names::{self, Strength};
use super::rules::builtin::{Builtin, KEY_ASSIGNMENT, PASSWORD_ASSIGNMENT, SERVICE_KEY_ASSIGNMENT, TOKEN_ASSIGNMENT};
use super::scan::Scanner;
use super::settings::is_among_settings;
use super::value::{ALIGNMENT, LONGEST_NAME, LONGEST_VALUE, Value, quote_before};
use super::values::{self, Style};

/// A name before an operator.
pub(super) struct Named {
    pub(super) start: usize,
    pub(super) end: usize,
    quoted: bool,
    /// Blanks stand between the name and the operator.
    spaced: bool,
}

impl Scanner<'_> {
    /// `:`, `=`, `,`, `(` or the `>` of a tag: a value may follow whose name stands before.
    #[inline]
    pub(super) fn operator(&mut self, at: usize) {
        if at < self.operators_until || at == 0 {
            return;
        }
        let bytes = self.bytes;
        match bytes[at] {
            b'>' => self.element(at, at + 1),
            b',' => self.argument(at),
            b'(' => self.call(at),
            // `crate::secret::Text`: a path.
            b':' if bytes.get(at + 1) == Some(&b':') && !matches!(self.byte(at + 2), b':' | b'=') => {
                self.operators_until = at + 2;
            }
            // `host:5432:database:user:…`, `*:*:…`.
            b':' if matches!(bytes.get(at.saturating_sub(2)..at), Some([b':', b'*']))
                || bytes[..at].ends_with(b":5432") =>
            {
                self.pgpass(at);
            }
            // `20:15`: no name has nothing but digits.
            b':' if self.last_word.1 == at
                && self.last_kinds & (UPPER | LOWER | JOINER) == 0
                && self.byte(at + 1).is_ascii_digit() => {}
            kind => self.assignment(kind, at, at + 1),
        }
    }

    /// An operator that is written `\u003d` or `%3D`.
    pub(super) fn escaped_operator(&mut self, kind: u8, at: usize, after: usize) {
        if at < self.operators_until || at == 0 {
            return;
        }
        match kind {
            b'>' => self.element(at, after),
            _ => self.assignment(kind, at, after),
        }
    }

    /// The name that ends before the operator at `at`.
    #[inline]
    fn name_before(&self, kind: u8, at: usize) -> Option<Named> {
        let bytes = self.bytes;
        // `"name":`, as nearly all of JSON is.
        let (start, end) = self.last_word;
        if kind == b':' && end + 1 == at && bytes[end] == b'"' && start > 0 && bytes[start - 1] == b'"' {
            return Some(Named { start, end, quoted: true, spaced: false });
        }
        let mut end = at;
        if kind == b'=' {
            end = run_back(bytes, end, 4, |byte| b"?.+|!:~*".contains(&byte));
        }
        let operator = end;
        end = run_back(bytes, end, ALIGNMENT, |byte| byte == b' ' || byte == b'\t');
        let spaced = end < operator;
        if end == 0 {
            return None;
        }
        // `config["password"] =`, `char secret[25] =`.
        if bytes[end - 1] == b']' {
            // A marker is no name.
            if marker::behind_last(&bytes[end.saturating_sub(40)..end]) > 0 {
                return None;
            }
            let inside = run_back(bytes, end - 1, 5, |byte| byte.is_ascii_digit());
            end = if inside > 0 && bytes[inside - 1] == b'[' { inside - 1 } else { end - 1 };
        }
        let quote = quote_before(bytes, end);
        let quoted = quote.is_some();
        end = quote.unwrap_or(end);
        let mut start =
            run_back(bytes, end, LONGEST_NAME, |byte| is_word(byte) || byte == b'.' || quoted && byte == b' ');
        if start == end {
            return None;
        }
        // The `n` of `\n`, the code of `\u0022`, the flag of `-Dname=value`.
        start = (start + escape_head(bytes, start)).min(end);
        if bytes[start..end].starts_with(b"-D") {
            start += 2;
        }
        if quoted {
            while start < end && bytes[start] == b' ' {
                start += 1;
            }
        } else if bytes[start - usize::from(start > 0)] == b' '
            && start > 1
            && is_word(bytes[start - 2])
            && end - start <= 8
        {
            // `API key: …`: the word before says which.
            start = run_back(bytes, start - 1, 24, is_word);
        }
        (start < end).then_some(Named { start, end, quoted, spaced })
    }

    fn assignment(&mut self, kind: u8, at: usize, after: usize) {
        let bytes = self.bytes;
        if kind == b':' && line_break(bytes, after) > 0 {
            self.announced(at, after);
        }
        if kind == b'=' && self.byte(after) == b'=' {
            self.compared(at, after);
        }
        let Some(mut name) = self.name_before(kind, at) else { return };
        let mut meaning = self.known.meaning(bytes, name.start, name.end);
        match meaning.look {
            Look::None => return,
            Look::Beside if kind == b':' && !self.names_a_secret(at) => return,
            _ => {}
        }
        if kind == b'=' && meaning.is_type {
            // `var token string = "…"`, `token: &'static str = "…"`.
            let end = run_back(bytes, name.start, 24, |byte| b" :&*?'".contains(&byte));
            let end = if bytes[..end].ends_with(b"static") {
                run_back(bytes, end - 6, 4, |byte| b" :&'".contains(&byte))
            } else {
                end
            };
            let start = run_back(bytes, end, LONGEST_NAME, |byte| is_word(byte) || byte == b'.');
            name = Named { start, end, ..name };
            meaning = self.known.meaning(bytes, start, end);
        }
        match meaning.special {
            Special::Authorization => return self.header(after, false, name.quoted),
            Special::Cookie => return self.header(after, true, name.quoted),
            Special::Kind => return self.manifest(at),
            Special::Lines => return self.putty_lines(after),
            Special::KeyMember if name.quoted => return self.key_member(at, after),
            Special::KeyMember => return,
            Special::None => {}
        }
        if meaning.names_another {
            self.pair(at, after);
        }
        let Some(strength) = meaning.strength else { return };
        let Some(mut value) = self.value_behind(after) else { return };
        if value.quoted && !name.quoted && self.closes_string(name.start, value.start) {
            return;
        }
        if bytes[at] == b'%' && !value.quoted {
            // An encoded query: the next parameter is encoded, too.
            let text = &bytes[value.start..value.end];
            value.end = text.windows(3).position(|code| code == b"%26").map_or(value.end, |n| value.start + n);
        }
        let mut style = self.style(kind, &name, &value, meaning.may_refer);
        // `connect(password=password)`: a variable of the same name.
        if matches!(self.byte(value.end), b',' | b')')
            && bytes[value.start..value.end].eq_ignore_ascii_case(&bytes[name.start..name.end])
        {
            style = Style::Loose;
        }
        self.judge(value, strength, style);
    }

    /// Notes the value as a finding if it is a secret's.
    pub(super) fn judge(&mut self, mut value: Value, strength: Strength, style: Style) {
        if value.end <= value.start {
            return;
        }
        // `NAME=`command …``: the shell's answer, not a secret.
        let text = self.slice(value.start, value.end);
        if value.start > 0 && self.bytes[value.start - 1] == b'`' && text.contains(' ') {
            return;
        }
        if !value.quoted {
            match self.bytes[value.start] {
                b'[' if self.opens_values(value.start) => {
                    return self.elements(value.start, strength, DEEPEST_ARRAY);
                }
                b'{' if self.opens_values(value.start) => return self.members(value.start, strength),
                _ => {}
            }
        }
        self.spend(16 * text.len());
        let secret = values::is_secret(text, strength, style);
        if secret {
            value.end = self.whole_end(&value);
            self.found(rule_of(strength), value.start, value.end);
        }
        // `a=a=a=…`: what has been looked at is not looked at again.
        if secret || !value.quoted && self.exhausted(value.start) {
            self.operators_until = self.operators_until.max(value.end);
        }
    }

    /// Where the value ends that a short look may have cut.
    fn whole_end(&self, value: &Value) -> usize {
        if !self.exhausted(value.start) {
            return value.end;
        }
        let quote = if value.quoted { self.byte(value.start.wrapping_sub(1)) } else { b' ' };
        run_on(self.bytes, value.end, LONGEST_VALUE, |byte| {
            byte != quote && byte != b'\n' && (value.quoted || !b" \t\r\"'`,;<\\&".contains(&byte))
        })
    }

    /// Behind the closing quote of a value and its backslashes.
    pub(super) fn behind_quote(&self, end: usize) -> usize {
        run_on(self.bytes, end, DEEPEST, |byte| byte == b'\\' || byte == b'"' || byte == b'\'')
    }

    fn style(&self, kind: u8, name: &Named, value: &Value, may_refer: bool) -> Style {
        if value.quoted {
            return Style::Quoted;
        }
        let bytes = self.bytes;
        if !value.spaced && (!name.spaced || kind == b'=') {
            return Style::Tight;
        }
        // A line of its own, `password: hunter`, is a setting; a plain word behind a sign, or one that goes on, is code.
        let before = run_back(bytes, name.start, 64, |byte| b" \t-#".contains(&byte));
        let line = line_start(bytes, before, 1);
        let begins_line = line == before || before == 0;
        let rest = run_on(bytes, value.end, 8, |byte| byte == b' ' || byte == b'\r');
        let quote = run_on(bytes, rest, DEEPEST, |byte| byte == b'\\');
        let ends_line = quote >= bytes.len() || line_break(bytes, rest) > 0 || bytes[quote] == b'"';
        let word = &bytes[value.start..value.end];
        let plain = word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_:".contains(b));
        let hyphens = word.iter().filter(|b| **b == b'-').count();
        let setting = kind == b':' && plain && word.len() >= 6;
        if ends_line && setting && (begins_line && !(hyphens > 0 && may_refer) || hyphens >= 2 && !may_refer) {
            return Style::Tight;
        }
        if kind == b'=' && self.is_setting(name, value, begins_line && ends_line) { Style::Tight } else { Style::Loose }
    }

    /// `name = word` where it is no code: among other settings, in a list of them, as PHP's `$name = word;`.
    fn is_setting(&self, name: &Named, value: &Value, alone: bool) -> bool {
        let bytes = self.bytes;
        let word = &bytes[value.start..value.end];
        if names::could_be_secret(word) {
            return false;
        }
        let plain = word.iter().all(|b| b.is_ascii_alphanumeric() || b"-_:".contains(b));
        if self.byte(value.end) == b';' {
            let variable = name.start > 0 && bytes[name.start - 1] == b'$';
            let next = run_on(bytes, value.end + 1, 2, |byte| byte == b' ');
            let next_end = run_on(bytes, next, 40, |byte| is_word(byte) || byte == b' ');
            return variable && word.iter().all(u8::is_ascii_lowercase)
                || next_end > next && self.byte(next_end) == b'=' && self.byte(next_end + 1) != b'=';
        }
        let indented = name.start > 0 && matches!(bytes[name.start - 1], b' ' | b'\t');
        self.spend(800);
        alone
            && !self.exhausted(name.start)
            && plain
            && !indented
            && word.len() >= 4
            && is_among_settings(bytes, name.start, value.end)
    }
}

fn rule_of(strength: Strength) -> &'static Builtin {
    match strength {
        Strength::Password => &PASSWORD_ASSIGNMENT,
        Strength::Token => &TOKEN_ASSIGNMENT,
        Strength::Key => &KEY_ASSIGNMENT,
        Strength::Service => &SERVICE_KEY_ASSIGNMENT,
    }
}
