//! Private keys in armour: PEM (RFC 7468), OpenSSH, PGP, PuTTY.

use super::bytes::{DEEPEST, escape_head, line_break, line_end, run_on, stands_at};
use super::rules::builtin::{PRIVATE_KEY_ARMOUR, PUTTY_PRIVATE_KEY};
use super::scan::Scanner;
use super::values::is_random;

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
/// The longest armour's head: `-----BEGIN ENCRYPTED PRIVATE KEY-----` and the like.
const LONGEST_LABEL: usize = 64;
/// A private key is shorter than this.
const LONGEST_KEY: usize = 64 * 1024;
/// Between the pieces of a key that code joins: quotes, operators and blanks.
const LONGEST_JOINT: usize = 120;

/// A line of a key that is told from the words around it.
const SHORTEST_LINE: usize = 16;
/// The same where nothing says where the key ends, and how far it is looked for.
const SHORTEST_OPEN_LINE: usize = 40;
const LONGEST_OPEN_KEY: usize = 8 * 1024;
/// The lines of the longest PuTTY key.
const MOST_LINES: usize = 128;

impl Scanner<'_> {
    /// `-----BEGIN`: what follows is a private key if its label says so.
    pub(super) fn armour(&mut self, start: usize) {
        let bytes = self.bytes;
        let label = start + BEGIN.len();
        let label_end = run_on(bytes, label, LONGEST_LABEL, |byte| byte != b'-' && byte != b'\n' && byte != b'"');
        let name = &bytes[label..label_end];
        if !stands_at(bytes, label_end, b"----")
            || !name.windows(11).any(|word| word.eq_ignore_ascii_case(b"PRIVATE KEY"))
        {
            return;
        }
        let body = run_on(bytes, label_end, 5, |byte| byte == b'-');
        let (end, whole) = self.armour_end(body);
        if !whole {
            self.scattered_key(end);
        }
        if bytes[body..end].iter().any(u8::is_ascii_alphanumeric) {
            self.found(&PRIVATE_KEY_ARMOUR, start, end);
            self.operators_until = self.operators_until.max(end);
            self.numbers_until = self.numbers_until.max(end);
        }
    }

    /// The armour ends with its tail, else where no line of a key can go on; where that is, and whether it is the tail.
    fn armour_end(&self, body: usize) -> (usize, bool) {
        let bytes = self.bytes;
        let limit = bytes.len().min(body + LONGEST_KEY);
        let mut end = body;
        while end < limit {
            match bytes[end] {
                b'-' if stands_at(bytes, end, END) => {
                    let tail = run_on(bytes, end + END.len(), LONGEST_LABEL, |byte| byte != b'-' && byte != b'\n');
                    return (run_on(bytes, tail, 5, |byte| byte == b'-'), true);
                }
                b'-' if stands_at(bytes, end, BEGIN) => break,
                b'"' | b'\'' | b'`' => match self.behind_joint(end) {
                    Some(next) => end = next,
                    None => break,
                },
                b'<' => match self.behind_tag(end) {
                    Some(next) => end = next,
                    None => break,
                },
                _ => end += 1,
            }
        }
        while end > body && (bytes[end - 1] == b'\\' || !self.text.is_char_boundary(end)) {
            end -= 1;
        }
        (end, false)
    }

    /// `<br/>` between the lines of a key: behind it.
    fn behind_tag(&self, at: usize) -> Option<usize> {
        let name = run_on(self.bytes, at + 1, 1, |byte| byte == b'/');
        let end = run_on(self.bytes, name, 8, |byte| byte.is_ascii_alphanumeric() || b" /".contains(&byte));
        (end > name && self.byte(end) == b'>').then_some(end + 1)
    }

    /// The lines of a key that stand apart, one in each line of a log or statement of a program, from `start` to the
    /// armour's tail.
    fn scattered_key(&mut self, start: usize) {
        if start < self.tailless_until {
            return;
        }
        let bytes = self.bytes;
        let reach = self.reach(start, LONGEST_KEY);
        let limit = bytes.len().min(start + reach);
        let tail = bytes[start..limit].windows(END.len()).position(|part| part == END);
        self.spend(tail.unwrap_or(limit - start));
        // Without a tail, what can be nothing but a line of a key is one, for as long as a key may go on.
        let has_tail = tail.is_some();
        let end_of_key = tail.map_or(bytes.len().min(start + LONGEST_OPEN_KEY), |n| start + n);
        let shortest = if has_tail { SHORTEST_LINE } else { SHORTEST_OPEN_LINE };
        if !has_tail {
            self.tailless_until = limit;
        }
        let mut at = start;
        while at < end_of_key {
            let end = run_on(bytes, at, end_of_key - at, |byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
            // The letter of `\n` before a line is none of the line's.
            let line = at + escape_head(bytes, at);
            if end >= line + shortest && (has_tail || is_random(&bytes[line..end])) {
                self.found(&PRIVATE_KEY_ARMOUR, line, end);
            }
            at = end + 1;
        }
    }

    /// A key may be in pieces, `"…" +\n"…"`: where the next piece begins behind the quote at `at`.
    fn behind_joint(&self, at: usize) -> Option<usize> {
        let quote = self.bytes[at];
        let next = run_on(self.bytes, at + 1, LONGEST_JOINT, |byte| b" \t\r\n+.,&_\\nrt".contains(&byte));
        let line = run_on(self.bytes, next + 1, 24, |byte| byte.is_ascii_alphanumeric() || b"+/=-".contains(&byte));
        // A key of an object is no piece.
        let close = run_on(self.bytes, line, DEEPEST, |byte| byte == b'\\' || byte == quote);
        let piece = line > next + 16 && self.byte(close) != b':' || stands_at(self.bytes, next + 1, END);
        (self.byte(next) == quote && piece).then_some(next + 1)
    }

    /// `Private-Lines: 14` of a PuTTY key file: the lines that follow.
    pub(super) fn putty_lines(&mut self, after: usize) {
        let bytes = self.bytes;
        let count = run_on(bytes, after, 4, |byte| byte == b' ' || byte.is_ascii_digit());
        let reach = self.reach(count, LONGEST_KEY);
        let end = run_on(bytes, count, reach, |byte| byte.is_ascii_alphanumeric() || b"+/=\r\n\\".contains(&byte));
        self.spend(end - count);
        // The next line of the file, `Private-MAC`, begins with a word that looks like Base64.
        let lines = &bytes[count..end];
        let mac = lines.windows(8).rposition(|word| &word[1..] == b"Private" && matches!(word[0], b'\n' | b'n'));
        let end = mac.map_or(end, |n| run_back_escape(bytes, count + n));
        if end > count + 16 {
            self.found(&PUTTY_PRIVATE_KEY, count, end);
        } else {
            self.prefixed_lines(count);
        }
    }

    /// The lines of a PuTTY key behind what a log or a quotation begins each line with.
    fn prefixed_lines(&mut self, count: usize) {
        let digits = self.bytes[..count].iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let lines: usize = self.slice(count - digits, count).parse().unwrap_or(0);
        let mut line = line_end(self.bytes, count, LONGEST_JOINT);
        for _ in 0..lines.min(MOST_LINES) {
            let start = line + line_break(self.bytes, line);
            line = line_end(self.bytes, start, 2 * LONGEST_JOINT);
            let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
            let length = self.bytes[start..line].iter().rev().take_while(|byte| is_key(byte)).count();
            if line == start || length < SHORTEST_LINE {
                break;
            }
            self.found(&PUTTY_PRIVATE_KEY, line - length, line);
        }
    }
}

/// Before the backslashes of an escaped end of line whose letter stands at `at`.
fn run_back_escape(bytes: &[u8], at: usize) -> usize {
    super::bytes::run_back(bytes, at, DEEPEST, |byte| byte == b'\\')
}
