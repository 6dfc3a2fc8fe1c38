//! Assignments: a name, an operator, a value. `password = "…"`, `"apiKey": "…"`, `TOKEN=…`, `<secret>…</secret>`,
//! `set("X_TOKEN", "…")`, however many times the quotes are escaped.

use super::bytes::{alphanumeric_at, class, is_word, run_back, run_on};
use super::family::Family;
use super::names::{self, Name, Strength};
use super::scan::Scanner;
use super::values::{self, Style};

/// How far a name may stand from its operator: alignment.
const ALIGNMENT: usize = 40;
const LONGEST_NAME: usize = 64;
pub(super) const LONGEST_VALUE: usize = 4096;

/// A value where it stands, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
    /// Blanks stand between the operator and the value.
    pub(super) spaced: bool,
}

/// A name before an operator.
struct Named {
    start: usize,
    end: usize,
    quoted: bool,
    /// Blanks stand between the name and the operator.
    spaced: bool,
}

impl Scanner<'_> {
    /// `:`, `=`, `,` or the `>` of a tag: a value may follow whose name stands before.
    #[inline]
    pub(super) fn operator(&mut self, at: usize) {
        if at < self.operators_until || at == 0 {
            return;
        }
        let bytes = self.bytes;
        match bytes[at] {
            b'>' => self.element(at),
            b',' => self.argument(at),
            // `crate::secret::Text`: a path.
            b':' if bytes.get(at + 1) == Some(&b':') && !matches!(self.byte(at + 2), b':' | b'=') => {
                self.operators_until = at + 2;
            }
            _ => {
                // Nothing is named before blanks of a table, an opening bracket, a number.
                if let Some(name) = self.name_before(at) {
                    self.assignment(at, name);
                }
            }
        }
    }

    /// The name that ends before the operator at `at`.
    #[inline]
    fn name_before(&self, at: usize) -> Option<Named> {
        let bytes = self.bytes;
        let mut end = at;
        if bytes[at] == b'=' {
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
            let inside = run_back(bytes, end - 1, 5, |byte| byte.is_ascii_digit());
            end = if inside > 0 && bytes[inside - 1] == b'[' { inside - 1 } else { end - 1 };
        }
        let quoted = end > 0 && matches!(bytes[end - 1], b'"' | b'\'' | b'`');
        if quoted {
            end = run_back(bytes, end - 1, 8, |byte| byte == b'\\');
        }
        let mut start =
            run_back(bytes, end, LONGEST_NAME, |byte| is_word(byte) || byte == b'.' || quoted && byte == b' ');
        if start == end {
            return None;
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
        Some(Named { start, end, quoted, spaced })
    }

    fn assignment(&mut self, at: usize, name: Named) {
        let bytes = self.bytes;
        let text = &bytes[name.start..name.end];
        if !names::is_remarkable(text) || bytes[at] == b':' && !names::could_be_secret(text) && !self.names_a_secret(at)
        {
            return;
        }
        let mut cut = Name::cut(text);
        let mut name = name;
        if bytes[at] == b'=' && cut.is_type() {
            // `var token string = "…"`, `token: &'static str = "…"`.
            let end = run_back(bytes, name.start, 24, |byte| b" :&*?'".contains(&byte));
            let end = if bytes[..end].ends_with(b"static") {
                run_back(bytes, end - 6, 4, |byte| b" :&'".contains(&byte))
            } else {
                end
            };
            let start = run_back(bytes, end, LONGEST_NAME, |byte| is_word(byte) || byte == b'.');
            name = Named { start, end, ..name };
            cut = Name::cut(&bytes[start..end]);
        }
        let last = cut.last();
        if matches!(last, "authorization" | "cookie" | "cookies") {
            return self.header(at, last != "authorization", name.quoted);
        }
        if last == "kind" {
            return self.manifest(at);
        }
        if last == "lines" && bytes[name.start..name.end].eq_ignore_ascii_case(b"private-lines") {
            return self.putty_lines(at + 1);
        }
        if cut.means_name() {
            self.pair(at);
        }
        if !names::could_be_secret(&bytes[name.start..name.end]) {
            return;
        }
        let Some(strength) = cut.strength() else { return };
        let Some(value) = self.value_after(at) else { return };
        if value.quoted && !name.quoted && self.closes_string(name.start, value.start) {
            return;
        }
        let style = self.style(at, &name, &value);
        self.judge(value, strength, style);
    }

    /// Whether the quote before `value` is the end of a string that the name stands in: `prompt("Password: ")`.
    fn closes_string(&self, name: usize, value: usize) -> bool {
        let bytes = self.bytes;
        let quote = bytes[value - 1];
        let depth = value - 1 - run_back(bytes, value - 1, 8, |byte| byte == b'\\');
        let start = run_back(bytes, name, self.reach(name, 160), |byte| byte != b'\n');
        self.spend(name - start);
        let opens = |at: &usize| bytes[*at] == quote && *at - run_back(bytes, *at, 8, |byte| byte == b'\\') == depth;
        // An apostrophe within a word opens nothing.
        let apostrophe =
            |at: &usize| quote == b'\'' && *at > 0 && alphanumeric_at(bytes, at - 1) && alphanumeric_at(bytes, at + 1);
        (start..name).filter(opens).filter(|at| !apostrophe(at)).count() % 2 == 1
    }

    /// Notes the value as a finding if it is a secret's.
    pub(super) fn judge(&mut self, value: Value, strength: Strength, style: Style) {
        if value.end <= value.start {
            return;
        }
        // `NAME=`command …``: the shell's answer, not a secret.
        let substituted = value.start > 0
            && self.bytes[value.start - 1] == b'`'
            && self.bytes[value.start..value.end].contains(&b' ');
        if substituted {
            return;
        }
        if self.bytes[value.start] == b'[' && !value.quoted {
            return self.elements(value.start, strength);
        }
        if values::is_secret(&self.text[value.start..value.end], strength, style) {
            let rule = match strength {
                Strength::Password => "password-assignment",
                Strength::Token => "token-assignment",
                Strength::Key => "key-assignment",
                Strength::Service => "service-key-assignment",
            };
            self.found(Family::Secret, rule, value.start, value.end);
            self.operators_until = self.operators_until.max(value.end);
        }
    }

    /// The strings of an array under a secret's name.
    fn elements(&mut self, open: usize, strength: Strength) {
        let mut at = open + 1;
        for _ in 0..32 {
            at = run_on(self.bytes, at, 64, |byte| byte.is_ascii_whitespace() || byte == b',');
            let Some(value) = self.value_at(at).filter(|value| value.quoted) else { return };
            self.judge(value, strength, Style::Quoted);
            // Behind the closing quote and its backslashes.
            at = run_on(self.bytes, value.end, 9, |byte| byte == b'\\' || byte == b'"' || byte == b'\'');
        }
    }

    fn style(&self, at: usize, name: &Named, value: &Value) -> Style {
        if value.quoted {
            return Style::Quoted;
        }
        let bytes = self.bytes;
        if !value.spaced && !name.spaced {
            return Style::Tight;
        }
        // A line of its own, `password: hunter`, is a setting; a plain word behind a sign, or one that goes on, is code.
        let before = run_back(bytes, name.start, 64, |byte| b" \t-#".contains(&byte));
        let begins_line = before == 0 || bytes[before - 1] == b'\n' || bytes[..before].ends_with(b"\\n");
        let rest = run_on(bytes, value.end, 8, |byte| byte == b' ' || byte == b'\r');
        let ends_line = rest >= bytes.len() || bytes[rest] == b'\n' || bytes[rest..].starts_with(b"\\n");
        let word = &bytes[value.start..value.end];
        let setting = bytes[at] == b':' && word.iter().all(|b| b.is_ascii_lowercase()) && word.len() >= 6;
        if begins_line && ends_line && setting { Style::Tight } else { Style::Loose }
    }

    /// The value behind the operator at `at`.
    pub(super) fn value_after(&self, at: usize) -> Option<Value> {
        let bytes = self.bytes;
        let operator = run_on(bytes, at + 1, 4, |byte| b"=:>~".contains(&byte));
        let mut start = run_on(bytes, operator, ALIGNMENT, |byte| byte == b' ' || byte == b'\t');
        // A block of YAML: the value is on the next line.
        if matches!(self.byte(start), b'|' | b'>') {
            let line = run_on(bytes, start + 1, 3, |byte| b"-+ ".contains(&byte));
            let next = if self.byte(line) == b'\n' {
                line + 1
            } else if bytes[line.min(bytes.len())..].starts_with(b"\\n") {
                line + 2
            } else {
                line
            };
            if next > line {
                start = run_on(bytes, next, ALIGNMENT, |byte| byte == b' ' || byte == b'\t');
            }
        }
        // `@"…"`, `b"…"`, `r'…'`.
        if b"@bruLf&$".contains(&self.byte(start)) && matches!(self.byte(start + 1), b'"' | b'\'') {
            start += 1;
        }
        let mut value = self.value_at(start)?;
        value.spaced = start > operator;
        Some(value)
    }

    /// The value that begins at `start`, quoted or not.
    pub(super) fn value_at(&self, start: usize) -> Option<Value> {
        let bytes = self.bytes;
        let quote_at = run_on(bytes, start, 8, |byte| byte == b'\\');
        let quote = self.byte(quote_at);
        if matches!(quote, b'"' | b'\'' | b'`') {
            return Some(self.quoted(quote_at, quote, quote_at - start));
        }
        if start >= bytes.len() || class(bytes[start]) == 0 && b"\n\r,;)]}".contains(&bytes[start]) {
            return None;
        }
        let end = self.bare_end(start);
        (end > start).then_some(Value { start, end, quoted: false, spaced: false })
    }

    /// A quoted value: it ends at the next quote with as many backslashes before it, or where its container ends.
    fn quoted(&self, quote_at: usize, quote: u8, depth: usize) -> Value {
        let bytes = self.bytes;
        // `"""…"""`.
        let start = if bytes[quote_at..].starts_with(&[quote; 3]) && depth == 0 { quote_at + 3 } else { quote_at + 1 };
        let limit = bytes.len().min(start + self.reach(start, LONGEST_VALUE));
        let mut end = start;
        while end < limit {
            match bytes[end] {
                b'\\' => {
                    let after = run_on(bytes, end, 16, |byte| byte == b'\\');
                    if self.byte(after) == quote && after - end <= depth {
                        break;
                    }
                    // An escaped newline ends a value that nothing closes.
                    end = (after + 1).min(limit);
                }
                byte if byte == quote || byte == b'\n' && quote != b'`' => break,
                _ => end += 1,
            }
        }
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.spend(end.saturating_sub(start));
        Value { start, end: end.max(start), quoted: true, spaced: false }
    }

    /// Where an unquoted value ends: at a blank, a quote, a separator; closing brackets that it did not open are not its.
    pub(super) fn bare_end(&self, start: usize) -> usize {
        let bytes = self.bytes;
        let limit = bytes.len().min(start + self.reach(start, LONGEST_VALUE));
        let mut end = start;
        while end < limit {
            match bytes[end] {
                b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'`' | b'<' | b',' | b';' => break,
                b'&' if self.begins_parameter(end + 1) => break,
                b'\\' => {
                    let after = run_on(bytes, end, 16, |byte| byte == b'\\');
                    if matches!(self.byte(after), b'n' | b'r' | b't' | b'"' | b'\'' | b'u') {
                        break;
                    }
                    end = after;
                }
                // Text beyond ASCII goes on with prose.
                0x80.. => break,
                _ => end += 1,
            }
        }
        let mut end = end.min(limit);
        self.spend(end - start);
        while end > start {
            let text = &bytes[start..end];
            let count = |byte: u8| text.iter().filter(|b| **b == byte).count();
            match text[text.len() - 1] {
                b')' if count(b')') > count(b'(') => end -= 1,
                b']' if count(b']') > count(b'[') => end -= 1,
                b'}' if count(b'}') > count(b'{') => end -= 1,
                b'>' if count(b'>') > count(b'<') => end -= 1,
                b'.' | b':' | b'\\' | b'|' => end -= 1,
                _ => break,
            }
        }
        end
    }

    /// `name=` behind an `&` (or `&amp;`).
    fn begins_parameter(&self, at: usize) -> bool {
        let end = run_on(self.bytes, at, LONGEST_NAME, |byte| is_word(byte) || b".%[]".contains(&byte));
        matches!(self.byte(end), b'=' | b';')
    }

    /// `<token>value</token>`.
    fn element(&mut self, at: usize) {
        let bytes = self.bytes;
        let name_start = run_back(bytes, at, LONGEST_NAME, |byte| is_word(byte) || byte == b'.' || byte == b':');
        if name_start == at || name_start == 0 || bytes[name_start - 1] != b'<' {
            return;
        }
        if !names::could_be_secret(&bytes[name_start..at]) {
            return;
        }
        let Some(strength) = Name::cut(&bytes[name_start..at]).strength() else { return };
        let start = run_on(bytes, at + 1, 64, |byte| byte.is_ascii_whitespace());
        let limit = run_on(bytes, start, self.reach(start, LONGEST_VALUE), |byte| byte != b'<');
        self.spend(limit - start);
        let mut end = limit;
        while end > start && bytes[end - 1].is_ascii_whitespace() {
            end -= 1;
        }
        if self.byte(limit) == b'<' && self.byte(limit + 1) == b'/' {
            self.judge(Value { start, end, quoted: true, spaced: false }, strength, Style::Quoted);
        }
    }

    /// `("X_TOKEN", "value")`: two arguments, the first of which names the second.
    fn argument(&mut self, at: usize) {
        let bytes = self.bytes;
        if !matches!(bytes[at - 1], b'"' | b'\'') {
            return;
        }
        let next = run_on(bytes, at + 1, 2, |byte| byte == b' ');
        if !matches!(self.byte(run_on(bytes, next, 8, |byte| byte == b'\\')), b'"' | b'\'') {
            return;
        }
        let name_end = run_back(bytes, at - 1, 8, |byte| byte == b'\\');
        let name_start = run_back(bytes, name_end, LONGEST_NAME, |byte| is_word(byte) || byte == b'.');
        if name_start == name_end || !names::could_be_secret(&bytes[name_start..name_end]) {
            return;
        }
        if let Some(strength) = Name::cut(&bytes[name_start..name_end]).strength()
            && let Some(value) = self.value_at(next)
            && values::is_random(&bytes[value.start..value.end])
        {
            self.judge(value, strength, Style::Quoted);
        }
    }
}
