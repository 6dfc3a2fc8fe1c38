//! Words of other scripts that name a secret: 密碼, 金鑰, 權杖, パスワード; as they are, or escaped (`\u5bc6\u78bc`).

use super::bytes::{DEEPEST, run_on, stands_at};
use super::names::Strength;
use super::rules::context::{PASSWORD_SIGNS, TOKEN_SIGNS};
use super::scan::Scanner;
use super::value::{Value, quote_before};
use super::values::Style;

/// What stands between such a word and its value.
const BETWEEN: &[&str] = &["是", "為", "为", "：", "＝", "「", "『", "“", "設", "改", "成", "変更", "は", "："];

/// The longest value without quotes.
const LONGEST_BARE: usize = 256;

impl Scanner<'_> {
    /// The character at `at`, written out or escaped, and where it ends.
    #[inline]
    pub(super) fn character(&self, at: usize) -> Option<(char, usize)> {
        let first = *self.bytes.get(at)?;
        if first < 0x80 && first != b'\\' {
            return Some((char::from(first), at + 1));
        }
        if first != b'\\' {
            let character = self.text.get(at..)?.chars().next()?;
            return Some((character, at + character.len_utf8()));
        }
        let letter = run_on(self.bytes, at, DEEPEST, |byte| byte == b'\\');
        if self.bytes.get(letter) != Some(&b'u') {
            return None;
        }
        let code = self.bytes.get(letter + 1..letter + 5)?;
        let code = code.iter().try_fold(0, |code, digit| Some(code << 4 | hexadecimal(*digit)?))?;
        Some((char::from_u32(code)?, letter + 5))
    }

    /// Where `word` ends if it stands at `at`, written out or escaped.
    pub(super) fn stands(&self, word: &str, at: usize) -> Option<usize> {
        word.chars().try_fold(at, |at, wanted| {
            self.character(at).filter(|(character, _)| *character == wanted).map(|(_, next)| next)
        })
    }

    /// Looks for words from `start` to `end`, which are characters beyond ASCII.
    pub(super) fn words_beyond_ascii(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let Some((first, next)) = self.character(at) else { return };
            at = match self.secret_word(first, at) {
                Some((behind, strength)) => {
                    self.named_beyond_ascii(at, behind, strength);
                    behind
                }
                None => next,
            };
        }
    }

    #[inline]
    fn secret_word(&self, first: char, at: usize) -> Option<(usize, Strength)> {
        if BEGINNINGS >> (first as u32 & 63) & 1 == 0 {
            return None;
        }
        SIGNS.iter().zip(FIRSTS).filter(|(_, begins)| *begins == first as u32).find_map(|((word, strength), _)| {
            let end = match self.bytes[at] {
                b'\\' => self.stands(word, at)?,
                _ => stands_at(self.bytes, at, word.as_bytes()).then_some(at + word.len())?,
            };
            Some((end, *strength))
        })
    }

    fn named_beyond_ascii(&mut self, word: usize, behind: usize, strength: Strength) {
        let bytes = self.bytes;
        if word < self.operators_until {
            return;
        }
        self.column(word, behind, strength);
        // The word may be a key in quotes: `"密碼": "…"`.
        let mut at = behind;
        let closing = run_on(bytes, at, DEEPEST, |byte| byte == b'\\');
        if matches!(self.byte(closing), b'"' | b'\'') && quote_before(bytes, word).is_some() {
            at = closing + 1;
        }
        let mut said = false;
        // At most six of: a verb, a colon, a bracket, a blank.
        for _ in 0..6 {
            let wide = self.byte(at) >= 0x80 || self.byte(at) == b'\\';
            if wide && let Some(next) = BETWEEN.iter().find_map(|sign| self.stands(sign, at)) {
                said = true;
                at = next;
            } else if matches!(self.byte(at), b':' | b'=') {
                said = true;
                at += 1;
            } else if self.byte(at) == b' ' {
                at += 1;
            } else {
                break;
            }
        }
        let Some(mut value) = self.value_at(at) else { return };
        // `"請輸入密碼" }`: the quote is the end of what the word stands in.
        if value.quoted && at == behind && quote_before(bytes, word).is_none() && self.closes_string(word, value.start)
        {
            return;
        }
        // `\u300d` and the like end it.
        if !value.quoted && self.byte(value.start) == b'\\' {
            return;
        }
        if !value.quoted && (!said && at == behind || value.end - value.start > LONGEST_BARE) {
            return;
        }
        if bytes[value.start..value.end].contains(&b' ') && !value.quoted {
            return;
        }
        let text = self.slice(value.start, value.end);
        let digits = || text.bytes().any(|b| b.is_ascii_digit());
        let hyphens = || text.bytes().filter(|b| *b == b'-').count();
        let telling = || at > behind && text.len() >= 6 && (digits() || hyphens() >= 2);
        if value.quoted || said && text.len() >= 4 && text.is_ascii() || telling() {
            let style = if value.quoted { Style::Quoted } else { Style::Tight };
            // Brackets hold more than one word: 密碼:「a b c」.
            if !value.quoted && self.byte(value.end) == b' ' && self.opens_bracket(at) {
                value.end = self.bracket_end(at).unwrap_or(value.end);
            }
            self.judge(Value { spaced: false, ..value }, strength, style);
        }
    }

    /// Whether what stands before `at` is 「 or the like.
    fn opens_bracket(&self, at: usize) -> bool {
        ["「", "『", "“", "\\u300c", "\\u300e", "\\u201c"]
            .iter()
            .any(|sign| self.bytes[..at].ends_with(sign.as_bytes()))
    }

    fn bracket_end(&self, at: usize) -> Option<usize> {
        let end = run_on(self.bytes, at, 128, |byte| byte < 0x80 && byte != b'\n' && byte != b'"' && byte != b'\\');
        ["」", "』", "”", "\\u300d", "\\u300f", "\\u201d"]
            .iter()
            .any(|sign| stands_at(self.bytes, end, sign.as_bytes()))
            .then_some(end)
    }
}

fn hexadecimal(digit: u8) -> Option<u32> {
    match digit {
        b'0'..=b'9' => Some(u32::from(digit - b'0')),
        b'a'..=b'f' | b'A'..=b'F' => Some(u32::from((digit | 32) - b'a') + 10),
        _ => None,
    }
}

/// All the words, and what they say.
const SIGNS: [(&str, Strength); PASSWORD_SIGNS.len() + TOKEN_SIGNS.len()] = {
    let mut signs = [("", Strength::Password); _];
    let mut n = 0;
    while n < signs.len() {
        signs[n] = match n < PASSWORD_SIGNS.len() {
            true => (PASSWORD_SIGNS[n], Strength::Password),
            false => (TOKEN_SIGNS[n - PASSWORD_SIGNS.len()], Strength::Token),
        };
        n += 1;
    }
    signs
};

/// The first character of each.
const FIRSTS: [u32; SIGNS.len()] = {
    let mut firsts = [0; SIGNS.len()];
    let mut n = 0;
    while n < firsts.len() {
        firsts[n] = match SIGNS[n].0.as_bytes() {
            [first @ 0xe0..=0xef, second, third, ..] => {
                (*first as u32 & 15) << 12 | (*second as u32 & 63) << 6 | *third as u32 & 63
            }
            [first @ 0xc0..=0xdf, second, ..] => (*first as u32 & 31) << 6 | *second as u32 & 63,
            _ => panic!("a word that begins with neither two nor three bytes"),
        };
        n += 1;
    }
    firsts
};

/// The same by their last six bits: most characters are none of them.
const BEGINNINGS: u64 = {
    let mut set = 0;
    let mut n = 0;
    while n < FIRSTS.len() {
        set |= 1u64 << (FIRSTS[n] & 63);
        n += 1;
    }
    set
};
