//! Reading a value: where it begins behind its name, what quotes it, where it ends.

use super::bytes::{DEEPEST, class, is_word, line_break, line_start, run_back, run_on, skip_blank, stands_at};
use super::scan::Scanner;

/// How far a value may stand from its operator on the same line: alignment.
pub(super) const ALIGNMENT: usize = 40;
pub(super) const LONGEST_NAME: usize = 64;
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

/// Quotes as other languages write them into their strings.
const WRITTEN_QUOTES: &[&[u8]] = &[b"&quot;", b"&#34;", b"&#39;", b"&apos;", b"\\u0022", b"\\u0027", b"%22", b"%27"];

/// Where the quote that ends at `end` begins, if one does: `"`, `\"`, `&quot;`, `\u0022`.
pub(super) fn quote_before(bytes: &[u8], end: usize) -> Option<usize> {
    match bytes.get(end.wrapping_sub(1))? {
        b'"' | b'\'' | b'`' => Some(run_back(bytes, end - 1, DEEPEST, |byte| byte == b'\\')),
        b';' | b'2' | b'7' => {
            let quote = WRITTEN_QUOTES.iter().find(|quote| bytes[..end].ends_with(quote))?;
            Some(run_back(bytes, end - quote.len(), DEEPEST, |byte| byte == b'\\'))
        }
        _ => None,
    }
}

/// What a byte is in a value without quotes.
#[derive(Clone, Copy)]
enum Bare {
    Inside,
    /// A closing bracket: inside if the value opened it.
    Closes,
    Ends,
    Ampersand,
    Backslash,
    /// The first of two bytes of a letter.
    Letter,
}

const BARE: [Bare; 256] = {
    let mut table = [Bare::Inside; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'`' | b'<' | b',' | b';' => Bare::Ends,
            // Letters of two bytes, as Latin, Greek and Cyrillic have, are a value's; what has more goes on with prose.
            0xc3..=0xdf => Bare::Letter,
            0x80.. => Bare::Ends,
            b')' | b']' | b'}' | b'>' => Bare::Closes,
            b'&' => Bare::Ampersand,
            b'\\' => Bare::Backslash,
            _ => Bare::Inside,
        };
        byte += 1;
    }
    table
};

/// Which of the four kinds of brackets it is.
fn bracket(byte: u8) -> usize {
    match byte {
        b'(' | b')' => 0,
        b'[' | b']' => 1,
        b'{' | b'}' => 2,
        _ => 3,
    }
}

impl Scanner<'_> {
    /// The value behind an operator that ends at `after`.
    pub(super) fn value_behind(&self, after: usize) -> Option<Value> {
        let bytes = self.bytes;
        let operator = run_on(bytes, after, 4, |byte| b"=:>~".contains(&byte));
        let mut start = run_on(bytes, operator, ALIGNMENT, |byte| byte == b' ' || byte == b'\t');
        // A block of YAML: the value is on the next line.
        if matches!(self.byte(start), b'|' | b'>') {
            let line = run_on(bytes, start + 1, 3, |byte| b"-+ ".contains(&byte));
            let length = line_break(bytes, line);
            if length > 0 {
                start = skip_blank(bytes, line + length, ALIGNMENT);
            }
        } else if line_break(bytes, start) > 0 {
            return self.value_below(after, start);
        }
        // `@"…"`, `b"…"`, `r'…'`.
        if b"@bruLf&$".contains(&self.byte(start)) && matches!(self.byte(start + 1), b'"' | b'\'') {
            start += 1;
        }
        let mut value = self.value_at(start)?;
        value.spaced = start > operator;
        Some(value)
    }

    /// The value on the line after its name: in quotes, or deeper than the name and alone.
    fn value_below(&self, after: usize, end: usize) -> Option<Value> {
        let bytes = self.bytes;
        let start = skip_blank(bytes, end, 4 * ALIGNMENT);
        let mut value = self.value_at(start)?;
        value.spaced = true;
        let name_line = line_start(bytes, after, 200);
        let depth = |line: usize| run_on(bytes, line, 80, |byte| byte == b' ' || byte == b'\t') - line;
        let value_line = line_start(bytes, start, 200);
        self.spend(400);
        // A quoted one that a colon follows is the next name.
        let behind = run_on(bytes, value.end, DEEPEST, |byte| b"\"'\\ ".contains(&byte));
        let is_name = matches!(self.byte(behind), b':' | b'=');
        let alone = behind >= bytes.len() || line_break(bytes, value.end) > 0 || matches!(bytes[value.end], b'"');
        (!is_name && (value.quoted || alone && depth(value_line) > depth(name_line) && bytes[start] != b'-'))
            .then_some(value)
    }

    /// The value that begins at `start`, quoted or not.
    pub(super) fn value_at(&self, start: usize) -> Option<Value> {
        let bytes = self.bytes;
        let first = self.byte(start);
        let quote_at = if first == b'\\' { run_on(bytes, start, DEEPEST, |byte| byte == b'\\') } else { start };
        let quote = self.byte(quote_at);
        if matches!(quote, b'"' | b'\'' | b'`') {
            return Some(self.quoted(quote_at, quote, quote_at - start));
        }
        if matches!(first, b'&' | b'%' | b'\\') {
            let from = quote_at.saturating_sub(1).max(start);
            if let Some(quote) = WRITTEN_QUOTES.iter().find(|quote| stands_at(bytes, from, quote)) {
                return Some(self.quoted_in_writing(from + quote.len(), quote));
            }
        }
        if start >= bytes.len() || class(first) == 0 && b"\n\r,;)]}".contains(&first) {
            return None;
        }
        let end = self.bare_end(start);
        (end > start).then_some(Value { start, end, quoted: false, spaced: false })
    }

    /// A value in quotes such as `&quot;`.
    fn quoted_in_writing(&self, start: usize, quote: &[u8]) -> Value {
        let bytes = self.bytes;
        let limit = bytes.len().min(start + self.reach(start, LONGEST_VALUE));
        let mut end = start;
        while end < limit && !stands_at(bytes, end, quote) && !b"\n\"<".contains(&bytes[end]) {
            end += 1;
        }
        self.spend(end - start);
        // The backslashes of an escaped quote are the quote's.
        end = run_back(bytes, end, end - start, |byte| byte == b'\\');
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        Value { start, end: end.max(start), quoted: true, spaced: false }
    }

    /// A quoted value: it ends at the next quote with as many backslashes before it, or where its container ends.
    fn quoted(&self, quote_at: usize, quote: u8, depth: usize) -> Value {
        let bytes = self.bytes;
        // `"""…"""`.
        let start = if stands_at(bytes, quote_at, &[quote; 3]) && depth == 0 { quote_at + 3 } else { quote_at + 1 };
        let limit = bytes.len().min(start + self.reach(start, LONGEST_VALUE));
        let mut end = start.min(limit);
        while end < limit {
            match bytes[end] {
                b'\\' => {
                    let after = run_on(bytes, end, DEEPEST, |byte| byte == b'\\');
                    if self.byte(after) == quote && after - end <= depth {
                        break;
                    }
                    // An escaped newline ends a value that nothing closes.
                    end = (after + 1).min(limit);
                }
                byte if byte == quote || byte == b'\n' && quote != b'`' => break,
                b'"' if self.is_json() => break,
                _ => end += 1,
            }
        }
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.spend(end.saturating_sub(start));
        Value { start, end: end.max(start), quoted: true, spaced: false }
    }

    /// Where the bytes end that an unquoted value can have, and whether closing brackets are among them. `a=b=c=…`: values
    /// within a value end where it does, and are not read again.
    fn bare_run(&self, start: usize) -> (usize, bool) {
        let (from, until, closes) = self.bare.get();
        if from <= start && start < until {
            return (until, closes);
        }
        let bytes = self.bytes;
        let limit = bytes.len().min(start + LONGEST_VALUE);
        let mut end = start;
        let mut closes = false;
        while end < limit {
            match BARE[usize::from(bytes[end])] {
                Bare::Inside => end += 1,
                Bare::Closes => {
                    closes = true;
                    end += 1;
                }
                Bare::Letter => end += 2,
                Bare::Ends => break,
                Bare::Ampersand if self.begins_parameter(end + 1) => break,
                Bare::Ampersand => end += 1,
                Bare::Backslash => {
                    let after = run_on(bytes, end, DEEPEST, |byte| byte == b'\\');
                    if matches!(self.byte(after), b'n' | b'r' | b't' | b'"' | b'\'' | b'u') {
                        break;
                    }
                    end = after;
                }
            }
        }
        let end = end.min(limit);
        self.spend(end - start);
        self.bare.set((start, end, closes));
        (end, closes)
    }

    /// Where an unquoted value ends: at a blank, a quote, a separator; closing brackets that it did not open are not its.
    pub(super) fn bare_end(&self, start: usize) -> usize {
        let bytes = self.bytes;
        let (mut end, closes) = self.bare_run(start);
        // How often each bracket closes more than it opens, counted once.
        let mut open = [0i32; 4];
        for byte in bytes[start..end].iter().filter(|_| closes) {
            match byte {
                b')' | b']' | b'}' | b'>' => open[bracket(*byte)] -= 1,
                b'(' | b'[' | b'{' | b'<' => open[bracket(*byte)] += 1,
                _ => {}
            }
        }
        while end > start {
            match bytes[end - 1] {
                close @ (b')' | b']' | b'}' | b'>') if open[bracket(close)] < 0 => {
                    open[bracket(close)] += 1;
                    end -= 1;
                }
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
}
