//! Whether a quote is the end of the string that a name stands in.

use super::bytes::{DEEPEST, alphanumeric_at, line_start, run_back, run_on};
use super::scan::Scanner;

/// How much of a line before a name says whether the name stands in a string.
const LONGEST_LINE: usize = 200;

/// A line, as far as its quotes of one kind have been counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    start: usize,
    /// Everything before has been read.
    at: usize,
    /// Whether a string is open there.
    open: bool,
    quote: u8,
    /// How many backslashes the quotes have.
    depth: usize,
}

impl Line {
    /// The same with the next byte read, or the next run of backslashes; quotes at `name` and behind don't count.
    fn behind_next(mut self, bytes: &[u8], name: usize) -> Self {
        let at = self.at;
        self.at += 1;
        match bytes[at] {
            b'\n' => (self.start, self.open) = (self.at, false),
            b'\\' => {
                let end = run_on(bytes, at, DEEPEST, |byte| byte == b'\\');
                let behind = bytes.get(end).copied().unwrap_or_default();
                self.at = end + 1;
                if behind == b'n' {
                    (self.start, self.open) = (self.at, false);
                } else {
                    self.open ^= behind == self.quote && end - at == self.depth && end < name;
                }
            }
            // An apostrophe within a word opens nothing.
            b'\'' if at > 0 && alphanumeric_at(bytes, at - 1) && alphanumeric_at(bytes, at + 1) => {}
            byte if byte == self.quote && self.depth == 0 => self.open = !self.open,
            _ => {}
        }
        self
    }
}

impl Scanner<'_> {
    /// Whether the quote before `value` is the end of a string that the name stands in: `prompt("Password: ")`.
    pub(super) fn closes_string(&self, name: usize, value: usize) -> bool {
        let bytes = self.bytes;
        let quote = bytes[value - 1];
        let depth = value - 1 - run_back(bytes, value - 1, DEEPEST, |byte| byte == b'\\');
        let mut line = self.line.get();
        if (line.quote, line.depth) != (quote, depth) || line.at > name {
            let start = line_start(bytes, name, LONGEST_LINE);
            self.spend(4 * (name - start));
            line = Line { start, at: start, open: false, quote, depth };
        }
        // Of a longer line it can't be told what opens before.
        let long = name - line.start >= LONGEST_LINE;
        if long && !bytes[line.at..name].iter().any(|byte| matches!(byte, b'\n' | b'\\')) {
            line.at = name;
        }
        while line.at < name {
            line = line.behind_next(bytes, name);
        }
        self.line.set(line);
        line.open && name - line.start < LONGEST_LINE
    }
}
