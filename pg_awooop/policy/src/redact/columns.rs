//! Tables with a column of secrets: CSV, tab-separated text, Markdown, a client's output.

use super::bytes::{DEEPEST, line_break, line_end, line_start, run_back, run_on};
use super::calls::is_telling;
use super::names::Strength;
use super::rules::builtin::SECRET_COLUMN;
use super::scan::Scanner;
use super::values::{self, Style};

/// How long a table may go on, and a line of it.
const LONGEST_TABLE: usize = 16 * 1024;
const LONGEST_LINE: usize = 1024;
/// Words in the cells beside the column's name that make it a description and no table of values.
const DESCRIPTIONS: &[&str] = &["type", "required", "description", "default", "meaning", "nullable", "field", "column"];

impl Scanner<'_> {
    /// Whether a cell can begin at `start`: behind a separator, or at the beginning of a line.
    pub(super) fn begins_cell(&self, start: usize) -> bool {
        let bytes = self.bytes;
        match start.checked_sub(1).map(|before| bytes[before]) {
            None | Some(b',' | b';' | b'\t' | b'|' | b'\n' | b'"') => true,
            Some(b' ') => start > 1 && matches!(bytes[start - 2], b'|' | b',' | b'\n' | b' '),
            Some(b'n' | b't') => start > 1 && bytes[start - 2] == b'\\',
            _ => false,
        }
    }

    /// The word from `start` to `end`, or one beyond ASCII, may be the head of a column.
    pub(super) fn column(&mut self, start: usize, end: usize, strength: Strength) {
        let bytes = self.bytes;
        let behind = run_on(bytes, end, 24, |byte| byte == b' ');
        let ends_line = |at: usize| line_break(bytes, at) > 0;
        if start < self.columns_until
            || self.exhausted(start)
            || !(matches!(self.byte(behind), b',' | b';' | b'\t' | b'|') || behind == end && ends_line(end))
        {
            return;
        }
        let reach = self.reach(start, LONGEST_TABLE);
        let last = line_end(bytes, end, reach.min(LONGEST_LINE));
        let first = line_start(bytes, start, reach.min(LONGEST_LINE));
        // A table in a string, whose lines end with an escape, begins and ends where the string does.
        let around = quote_around(bytes, last);
        let first = around.map_or(first, |depth| behind_quote(bytes, first, start, depth));
        self.spend(last - first);
        // Without a line below there is no table, for no column of this line.
        if line_break(bytes, last) == 0 && !bytes[first..last].contains(&b'|') {
            self.columns_until = last;
            return;
        }
        self.spend(8 * (last - first));
        let head = &bytes[first..last];
        let Some(separator) = [b'|', b'\t', b',', b';'].into_iter().find(|byte| head.contains(byte)) else { return };
        let text = self.slice(first, last).to_ascii_lowercase();
        if DESCRIPTIONS.iter().any(|word| text.contains(word)) || head.iter().any(|byte| b"=(){}".contains(byte)) {
            return;
        }
        if separator == b'|' && self.beside(end, last, strength) {
            return;
        }
        let count = |line: &[u8]| line.iter().filter(|byte| **byte == separator).count();
        let (column, columns) = (count(&bytes[first..start]), count(head));
        let table_end = bytes.len().min(start + reach);
        let mut line = last;
        loop {
            let length = line_break(bytes, line);
            let next = line_end(bytes, line + length, LONGEST_LINE);
            if length == 0 || next >= table_end && next < bytes.len() || next == line + length {
                break;
            }
            let row = line + length;
            line = next;
            // The string that a table stands in ends with its last line.
            let row_end = match around {
                Some(depth) => at_quote(bytes, row, next, depth),
                None => match bytes[row..next].iter().position(|byte| *byte == b'"') {
                    Some(quote) if separator != b',' => row + quote,
                    _ => next,
                },
            };
            let text = &bytes[row..row_end];
            if text.iter().all(|byte| b"|-+: =".contains(byte)) {
                continue;
            }
            if count(text) < columns.max(1) - usize::from(separator == b'|') {
                break;
            }
            self.cell(row, row_end, separator, column, strength);
            if row_end < next {
                break;
            }
        }
        self.spend(2 * (line - last));
        self.columns_until = self.columns_until.max(end);
    }

    /// `| Password | hunter2 |`: the last two cells of a line, where no line of hyphens follows.
    fn beside(&mut self, end: usize, line_end: usize, strength: Strength) -> bool {
        let bytes = self.bytes;
        let next = line_end + line_break(bytes, line_end);
        let first = run_on(bytes, next, 8, |byte| b"| :+".contains(&byte));
        if self.byte(first) == b'-' {
            return false;
        }
        let start = run_on(bytes, end, 48, |byte| byte == b' ' || byte == b'|');
        let cell_end = run_on(bytes, start, 128, |byte| byte.is_ascii_graphic() && byte != b'|');
        let behind = run_on(bytes, cell_end, 48, |byte| byte == b' ');
        let closed = self.byte(behind) == b'|' && run_on(bytes, behind + 1, 4, |byte| byte == b' ') == line_end;
        let value = closed && is_telling(&bytes[start..cell_end]);
        if value && values::is_secret(self.slice(start, cell_end), strength, Style::Tight) {
            self.found(&SECRET_COLUMN, start, cell_end);
        }
        value
    }

    /// Judges the cell of that column in the row.
    fn cell(&mut self, row: usize, row_end: usize, separator: u8, column: usize, strength: Strength) {
        let bytes = self.bytes;
        let mut start = row;
        for _ in 0..column {
            let Some(next) = bytes[start..row_end].iter().position(|byte| *byte == separator) else { return };
            start += next + 1;
        }
        let length = bytes[start..row_end].iter().position(|byte| *byte == separator).unwrap_or(row_end - start);
        let trim = |byte: &u8| b" \"'`\\".contains(byte);
        let Some(first) = bytes[start..start + length].iter().position(|byte| !trim(byte)) else { return };
        let last = bytes[start..start + length].iter().rposition(|byte| !trim(byte)).unwrap_or(first);
        let (from, to) = (start + first, start + last + 1);
        if self.text.is_char_boundary(from)
            && self.text.is_char_boundary(to)
            && !self.slice(from, to).contains(' ')
            && values::is_secret(self.slice(from, to), strength, Style::Tight)
        {
            self.found(&SECRET_COLUMN, from, to);
        }
    }
}

/// How many backslashes the quotes have of the string that an escaped end of line stands in.
fn quote_around(bytes: &[u8], line_break: usize) -> Option<usize> {
    let letter = run_on(bytes, line_break, DEEPEST, |byte| byte == b'\\');
    // An end of line has 1, 2, 4 of them, a quote one fewer.
    (letter > line_break).then(|| letter - line_break - 1)
}

fn is_quote(bytes: &[u8], at: usize, depth: usize) -> bool {
    bytes[at] == b'"' && at - run_back(bytes, at, DEEPEST, |byte| byte == b'\\') == depth
}

/// Behind the last quote of that depth between `from` and `to`, or `from`.
fn behind_quote(bytes: &[u8], from: usize, to: usize, depth: usize) -> usize {
    (from..to).rev().find(|at| is_quote(bytes, *at, depth)).map_or(from, |quote| quote + 1)
}

/// At the first quote of that depth between `from` and `to`, or `to`.
fn at_quote(bytes: &[u8], from: usize, to: usize, depth: usize) -> usize {
    (from..to).find(|at| is_quote(bytes, *at, depth)).map_or(to, |quote| quote - depth)
}
