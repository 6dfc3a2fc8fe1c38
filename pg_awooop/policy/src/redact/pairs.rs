//! Names and values that stand apart: `{"name": "DB_PASSWORD", "value": "…"}`, in either order.

use super::bytes::{DEEPEST, is_word, line_break, run_back, run_on, stands_at};
use super::known::Special;
use super::names::{self, Name, Strength};
use super::scan::Scanner;
use super::values::Style;

/// How far apart a name and its value may stand.
const WINDOW: usize = 400;
/// The same where a text has been looked at too much already.
const NARROW: usize = 32;

impl Scanner<'_> {
    /// Whether the value behind the operator could be the name of a secret: it is short, and a word of it says so.
    pub(super) fn names_a_secret(&self, at: usize) -> bool {
        let bytes = self.bytes;
        let start = run_on(bytes, at + 1, DEEPEST, |byte| b" \"'\\".contains(&byte));
        let mut blanks = 0;
        let end = run_on(bytes, start, 48, |byte| {
            blanks += usize::from(byte == b' ');
            (is_word(byte) || byte == b'.' || byte == b' ') && blanks < 3
        });
        if blanks > 2 {
            return false;
        }
        start < end && bytes[start].is_ascii_alphabetic() && names::could_be_secret(&bytes[start..end])
    }

    /// `"name": "DB_PASSWORD"`: the value stands beside it, before or behind.
    pub(super) fn pair(&mut self, at: usize, after: usize) {
        let bytes = self.bytes;
        if !self.names_a_secret(at) {
            return;
        }
        let Some(name) = self.value_behind(after) else { return };
        if name.end - name.start > 64
            || name.end <= name.start
            || !bytes[name.start..name.end].iter().all(|b| is_word(*b) || *b == b'.' || *b == b' ')
        {
            return;
        }
        let meaning = self.known.meaning(bytes, name.start, name.end);
        let header = matches!(meaning.special, Special::Authorization | Special::Cookie);
        let Some(strength) = meaning.strength.filter(|strength| *strength >= Strength::Key) else { return };
        let stop = |byte: u8| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'[' | b']');
        // Behind: to the end of the object or the tag; before: to its beginning.
        let reach = if self.exhausted(at) { NARROW } else { WINDOW };
        let to = run_on(bytes, name.end, reach, |byte| !stop(byte));
        let from = run_back(bytes, name.start, reach, |byte| !stop(byte));
        self.spend(4 * (to - from));
        for place in (name.end..to).chain(from..at.saturating_sub(1)) {
            if !matches!(bytes[place], b':' | b'=') || stands_at(bytes, place + 1, b"//") {
                continue;
            }
            let end = run_back(bytes, place, DEEPEST, |byte| b" \t\"'\\".contains(&byte));
            let start = run_back(bytes, end, 16, is_word);
            // None of these names is longer, or begins otherwise.
            if start == end
                || end - start > 9
                || !b"cdprv".contains(&(bytes[start] | 32))
                || !Name::cut(&bytes[start..end]).means_value()
            {
                continue;
            }
            // Only the next line or two of YAML belong to it.
            let between = if place > at { name.end..start } else { place..at };
            if between.filter(|at| line_break(bytes, *at) == 1).count() > 2 {
                continue;
            }
            if let Some(value) = self.value_behind(place + 1) {
                if header {
                    self.header(place + 1, false, true);
                } else {
                    self.judge(value, strength, if value.quoted { Style::Quoted } else { Style::Tight });
                }
            }
            return;
        }
    }
}
