//! Private keys in armour: PEM, OpenSSH, PGP, PuTTY.

use super::bytes::run_on;
use super::family::Family;
use super::scan::Scanner;

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
/// The longest armour's head: `-----BEGIN ENCRYPTED PRIVATE KEY-----` and the like.
const LONGEST_LABEL: usize = 64;
/// A private key is shorter than this.
const LONGEST_KEY: usize = 64 * 1024;

impl Scanner<'_> {
    /// `-----BEGIN`: what follows is a private key if its label says so.
    pub(super) fn armour(&mut self, start: usize) {
        let bytes = self.bytes;
        let label = start + BEGIN.len();
        let label_end = run_on(bytes, label, LONGEST_LABEL, |byte| byte != b'-' && byte != b'\n' && byte != b'"');
        let name = &bytes[label..label_end];
        if !bytes[label_end..].starts_with(b"----")
            || !name.windows(11).any(|word| word.eq_ignore_ascii_case(b"PRIVATE KEY"))
        {
            return;
        }
        let body = run_on(bytes, label_end, 5, |byte| byte == b'-');
        let limit = bytes.len().min(body + LONGEST_KEY);
        // The armour ends with its tail, else where no line of a key can go on.
        let mut end = body;
        while end < limit {
            match bytes[end] {
                b'-' if bytes[end..].starts_with(END) => {
                    let tail = run_on(bytes, end + END.len(), LONGEST_LABEL, |byte| byte != b'-' && byte != b'\n');
                    end = run_on(bytes, tail, 5, |byte| byte == b'-');
                    break;
                }
                b'-' if bytes[end..].starts_with(BEGIN) => break,
                b'"' | b'\'' | b'`' | b'<' => break,
                _ => end += 1,
            }
        }
        while end > body && (bytes[end - 1] == b'\\' || !self.text.is_char_boundary(end)) {
            end -= 1;
        }
        if bytes[body..end].iter().any(u8::is_ascii_alphanumeric) {
            self.found(Family::PrivateKey, "private-key-armour", start, end);
            self.operators_until = self.operators_until.max(end);
            self.numbers_until = self.numbers_until.max(end);
        }
    }

    /// `Private-Lines: 14` of a PuTTY key file: the lines that follow.
    pub(super) fn putty_lines(&mut self, at: usize) {
        let bytes = self.bytes;
        let count = run_on(bytes, at, 4, |byte| byte == b' ' || byte.is_ascii_digit());
        let end =
            run_on(bytes, count, LONGEST_KEY, |byte| byte.is_ascii_alphanumeric() || b"+/=\r\n\\".contains(&byte));
        // The next line of the file, `Private-MAC`, begins with a word that looks like Base64.
        let lines = &bytes[count..end];
        let end = lines.windows(8).rposition(|word| word == b"\nPrivate").map_or(end, |n| count + n);
        if end > count + 16 {
            self.found(Family::PrivateKey, "putty-private-key", count, end);
        }
    }
}
