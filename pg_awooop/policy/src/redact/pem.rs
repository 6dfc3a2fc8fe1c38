//! Private keys in armour: PEM (RFC 7468), OpenSSH, PGP, PuTTY.

use super::bytes::{DEEPEST, run_on, stands_at};
use super::rules::builtin::{PRIVATE_KEY_ARMOUR, PUTTY_PRIVATE_KEY};
use super::scan::Scanner;

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
/// The longest armour's head: `-----BEGIN ENCRYPTED PRIVATE KEY-----` and the like.
const LONGEST_LABEL: usize = 64;
/// A private key is shorter than this.
const LONGEST_KEY: usize = 64 * 1024;
/// Between the pieces of a key that code joins: quotes, operators and blanks.
const LONGEST_JOINT: usize = 120;

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
        let end = self.armour_end(body);
        if bytes[body..end].iter().any(u8::is_ascii_alphanumeric) {
            self.found(&PRIVATE_KEY_ARMOUR, start, end);
            self.operators_until = self.operators_until.max(end);
            self.numbers_until = self.numbers_until.max(end);
        }
    }

    /// The armour ends with its tail, else where no line of a key can go on.
    fn armour_end(&self, body: usize) -> usize {
        let bytes = self.bytes;
        let limit = bytes.len().min(body + LONGEST_KEY);
        let mut end = body;
        while end < limit {
            match bytes[end] {
                b'-' if stands_at(bytes, end, END) => {
                    let tail = run_on(bytes, end + END.len(), LONGEST_LABEL, |byte| byte != b'-' && byte != b'\n');
                    return run_on(bytes, tail, 5, |byte| byte == b'-');
                }
                b'-' if stands_at(bytes, end, BEGIN) => break,
                b'"' | b'\'' | b'`' => match self.behind_joint(end) {
                    Some(next) => end = next,
                    None => break,
                },
                b'<' => break,
                _ => end += 1,
            }
        }
        while end > body && (bytes[end - 1] == b'\\' || !self.text.is_char_boundary(end)) {
            end -= 1;
        }
        end
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
        }
    }
}

/// Before the backslashes of an escaped end of line whose letter stands at `at`.
fn run_back_escape(bytes: &[u8], at: usize) -> usize {
    super::bytes::run_back(bytes, at, DEEPEST, |byte| byte == b'\\')
}
