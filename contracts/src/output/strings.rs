//! Strings and keys: in double quotes, and in the quotation marks that are no JSON.

use super::Repair;
use super::reader::{FlawKind, Read, Reader};

/// The mark that ends a string, by the mark that begins it.
#[derive(Clone, Copy)]
pub(super) struct Quote {
    opening: char,
    closing: char,
}

const QUOTES: [Quote; 6] = [
    Quote { opening: '"', closing: '"' },
    Quote { opening: '\'', closing: '\'' },
    Quote { opening: '\u{201c}', closing: '\u{201d}' },
    Quote { opening: '\u{201d}', closing: '\u{201d}' },
    Quote { opening: '\u{2018}', closing: '\u{2019}' },
    Quote { opening: '\u{2019}', closing: '\u{2019}' },
];

impl Reader<'_> {
    pub fn opening_quote(&self) -> Option<Quote> {
        let first = self.peek().and_then(|_| self.text[self.at..].chars().next())?;
        QUOTES.into_iter().find(|quote| quote.opening == first)
    }

    /// Reads a string from its opening mark on. It ends with the first closing mark of its kind that no backslash
    /// stands before; if the text meant another one, what follows is no JSON and the document is refused.
    pub fn string(&mut self, quote: Quote) -> Read<String> {
        match quote.opening {
            '"' => {}
            '\'' => _ = self.repairs.insert(Repair::SingleQuotes),
            _ => _ = self.repairs.insert(Repair::SmartQuotes),
        }
        let mut content = String::new();
        self.at += quote.opening.len_utf8();
        loop {
            let rest = &self.text[self.at..];
            let is_special = |c: char| c == quote.closing || c == '\\' || c < ' ';
            let Some(length) = rest.find(is_special) else { return self.cut_off() };
            content.push_str(&rest[..length]);
            self.at += length;
            let special = rest[length..].chars().next().unwrap_or_default();
            match special {
                '\\' => {
                    let escape = self.escape()?;
                    content.push(escape);
                }
                '\0' => {
                    self.flaw(FlawKind::Nul);
                    self.at += 1;
                }
                _ if special == quote.closing => {
                    self.at += special.len_utf8();
                    return Ok(content);
                }
                _ => {
                    self.repairs.insert(Repair::LineBreakInString);
                    content.push(special);
                    self.at += 1;
                }
            }
        }
    }

    /// What is left of the text is the beginning of a string; nothing in it is a document of its own.
    fn cut_off<T>(&mut self) -> Read<T> {
        self.at = self.text.len();
        self.is_json = true;
        self.halt(FlawKind::CutOff("a string"))
    }

    fn escape(&mut self) -> Read<char> {
        let Some(letter) = self.text[self.at + 1..].chars().next() else {
            return self.cut_off();
        };
        let meant = match letter {
            '"' | '\\' | '/' => letter,
            // Both JavaScript and Python mean the mark itself.
            '\'' => {
                self.repairs.insert(Repair::SingleQuotes);
                '\''
            }
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.code_point(),
            // \d is d to one reader and a backslash with d to another.
            _ => return self.halt(FlawKind::Expected("\\\\ for a backslash, or an escape that JSON has")),
        };
        self.at += 2;
        Ok(meant)
    }

    fn code_point(&mut self) -> Read<char> {
        let first = self.code_unit()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let second = self.code_unit()?;
            match second.checked_sub(0xdc00) {
                Some(low) if low < 0x400 => 0x10000 + ((first - 0xd800) << 10) + low,
                _ => return self.halt(FlawKind::Expected("the second half of a surrogate pair")),
            }
        } else {
            first
        };
        match char::from_u32(code) {
            Some('\0') => {
                self.flaw(FlawKind::Nul);
                Ok(' ')
            }
            Some(character) => Ok(character),
            None => self.halt(FlawKind::Expected("a whole surrogate pair")),
        }
    }

    /// The four digits behind a \u.
    fn code_unit(&mut self) -> Read<u32> {
        let digits = &self.text.as_bytes()[self.at + 2..];
        if digits.len() < 4 && digits.iter().all(u8::is_ascii_hexdigit) {
            return self.cut_off();
        }
        let unit = std::str::from_utf8(&digits[..digits.len().min(4)]).ok();
        let unit = unit.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(unit) = unit.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return self.halt(FlawKind::Expected("four hexadecimal digits after \\u"));
        };
        self.at += 6;
        Ok(unit)
    }
}
