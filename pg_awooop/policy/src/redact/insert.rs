//! SQL: `INSERT INTO users (name, password) VALUES ('…', '…'), …`.

use super::bytes::{DEEPEST, run_back, run_on};
use super::names::Strength;
use super::rules::builtin::SQL_INSERTED_SECRET;
use super::scan::Scanner;
use super::values::{self, Style};

/// How long the list of columns may be, and how many columns and rows are read.
const LONGEST_LIST: usize = 1024;
const MOST_COLUMNS: usize = 64;
const MOST_ROWS: usize = 256;

impl Scanner<'_> {
    /// The word VALUES, which ends at `end`: the columns before it say which values are secrets.
    pub(super) fn inserted(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        let blank = |byte: u8| byte == b' ' || byte == b'\n';
        let close = run_back(bytes, start, 8, blank);
        let mut row = run_on(bytes, end, 8, blank);
        if close == 0 || bytes[close - 1] != b')' || self.byte(row) != b'(' {
            return;
        }
        let reach = self.reach(close, LONGEST_LIST);
        let open = run_back(bytes, close - 1, reach, |byte| byte != b'(' && byte != b')');
        self.spend(4 * (close - open));
        let mut secrets = [None; MOST_COLUMNS];
        let mut at = open;
        for strength in &mut secrets {
            let name = run_on(bytes, at, 8, |byte| b" \n\"`[\\".contains(&byte));
            let name_end = run_on(bytes, name, 64, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
            *strength = self.known.meaning(bytes, name, name_end).strength;
            at = run_on(bytes, name_end, DEEPEST, |byte| byte != b',' && byte != b')');
            if self.byte(at) != b',' {
                break;
            }
            at += 1;
        }
        if secrets.iter().all(Option::is_none) {
            return;
        }
        for _ in 0..MOST_ROWS {
            let Some(behind) = self.inserted_row(row, &secrets) else { return };
            let next = run_on(bytes, behind, 8, |byte| blank(byte) || byte == b',');
            if self.byte(next) != b'(' {
                return;
            }
            row = next;
        }
    }

    /// The row that opens at `open`; behind its closing bracket.
    fn inserted_row(&mut self, open: usize, secrets: &[Option<Strength>]) -> Option<usize> {
        let bytes = self.bytes;
        let mut at = open + 1;
        for strength in secrets {
            at = run_on(bytes, at, DEEPEST, |byte| byte == b' ' || byte == b'\n');
            let quoted = self.value_at(at).filter(|value| value.quoted);
            if let Some(value) = quoted {
                let text = self.slice(value.start, value.end);
                if strength.is_some_and(|strength| values::is_secret(text, strength, Style::Quoted)) {
                    self.found(&SQL_INSERTED_SECRET, value.start, value.end);
                }
                at = self.behind_quote(value.end);
            }
            at = run_on(bytes, at, LONGEST_LIST, |byte| byte != b',' && byte != b')' && byte != b'\'');
            match self.byte(at) {
                b',' => at += 1,
                b')' => return Some(at + 1),
                _ => return None,
            }
        }
        None
    }
}
