//! The one pass over a text: words, numbers and signs, each handed to what knows it.

use std::cell::{Cell, OnceCell};

use super::beginnings::{Beginnings, Pairs};
use super::bytes::{
    DEEPEST, DIGIT, HIGH, JOINER, LOWER, SIGN, UPPER, WORD, begins_word, class, escape_head, run_back, run_on,
    stands_at,
};
use super::known::Known;
use super::rule::Rule;
use super::rules::builtin::Builtin;
use super::rules::phone::Group;
use super::strings::Line;
use super::tokens;
use super::{Family, Finding, Redactor, marker, overlaps, render};

/// A text while it is read.
pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    redactor: &'t Redactor,
    found: Vec<Finding>,
    /// What tokens begin with, and what stands inside them.
    pub(super) token_heads: &'static Beginnings,
    pub(super) token_short_heads: &'static Pairs,
    pub(super) token_inners: &'static Beginnings,
    /// By rule: before here its shape is not tried again.
    barren: Vec<usize>,
    /// How many bytes have been looked at ahead and behind, besides the reading itself.
    spent: Cell<usize>,
    /// The last run that an unquoted value could have: where it begins and ends, and whether brackets close in it.
    pub(super) bare: Cell<(usize, usize, bool)>,
    /// The last line whose quotes have been counted.
    pub(super) line: Cell<Line>,
    /// Whether the text is JSON, as a whole or line by line, once asked.
    json: OnceCell<bool>,
    /// Kept for its memory.
    pub(super) groups: Vec<Group>,
    /// Internet addresses before here have been found.
    pub(super) addresses_until: usize,
    /// Manifests before here have been read.
    pub(super) manifests_until: usize,
    /// Heads of tables before here have been looked at.
    pub(super) columns_until: usize,
    /// Base64 before here is followed by no dot: it is no token's head.
    pub(super) dotless_until: usize,
    /// Base64 before here has been tried as a token in Base64.
    pub(super) wrapped_until: usize,
    /// Before here no armour has a tail.
    pub(super) tailless_until: usize,
    /// Escaped characters before here have been read.
    characters_until: usize,
    networks: bool,
    /// The last word that has been read, and what is in it.
    pub(super) last_word: (usize, usize),
    pub(super) last_kinds: u8,
    /// Names that say nothing, for texts that repeat them.
    pub(super) known: Known,
    /// Numbers are tried once: those before here have been.
    pub(super) numbers_until: usize,
    /// Operators before here belong to a value or an operator that has been looked at.
    pub(super) operators_until: usize,
}

/// Words of fewer bytes have no token that begins inside them.
const SHORTEST_TOKEN: usize = 12;
/// Words of fewer bytes, with no sign behind them that goes on, have no token whose keyword is of two bytes.
const SHORTEST_LONG: usize = 20;
/// Words of fewer bytes have no token that is known by what stands inside it.
const SHORTEST_INNER: usize = 32;

/// What the word that a marker begins with is made of.
const MARKER_KINDS: u8 = WORD | UPPER;

/// Bytes that may be looked at ahead for each byte read, and before any has been.
const AHEAD: usize = 8;
const ALLOWANCE: usize = 1 << 16;
/// How far is looked when they are used up.
const SHORT_LOOK: usize = 128;

/// What the families find in the text.
pub(super) fn scan(redactor: &Redactor, text: &str) -> Vec<Finding> {
    let (token_heads, token_short_heads, token_inners) = tokens::beginnings();
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        redactor,
        found: Vec::new(),
        token_heads,
        token_short_heads,
        token_inners,
        spent: Cell::new(0),
        bare: Cell::new((0, 0, false)),
        line: Cell::default(),
        json: OnceCell::new(),
        barren: Vec::new(),
        groups: Vec::new(),
        addresses_until: 0,
        manifests_until: 0,
        columns_until: 0,
        dotless_until: 0,
        wrapped_until: 0,
        tailless_until: 0,
        characters_until: 0,
        networks: redactor.looks_for(Family::Ip) || redactor.looks_for(Family::CryptoAddress),
        last_word: (0, 0),
        last_kinds: 0,
        known: Known::default(),
        numbers_until: 0,
        operators_until: 0,
    };
    scanner.run();
    overlaps::in_order(scanner.found, text)
}

impl<'t> Scanner<'t> {
    fn run(&mut self) {
        let bytes = self.bytes;
        let mut at = 0;
        while at < bytes.len() {
            let kind = class(bytes[at]);
            if kind & WORD != 0 {
                at = self.word(at);
            } else if kind & SIGN != 0 {
                self.sign(at);
                at += 1;
            } else if kind & HIGH != 0 {
                at = self.beyond_ascii(at);
            } else {
                at += 1;
            }
        }
    }

    /// Reads the word at `start`; where it ends.
    #[inline]
    fn word(&mut self, mut start: usize) -> usize {
        let bytes = self.bytes;
        let mut end = start;
        let mut kinds = 0;
        while end < bytes.len() {
            let kind = class(bytes[end]);
            if kind & WORD == 0 {
                break;
            }
            kinds |= kind;
            end += 1;
        }
        let before = if start > 0 { bytes[start - 1] } else { b' ' };
        // What has been redacted is not looked into.
        if before == b'['
            && kinds == MARKER_KINDS
            && let Some(behind) = marker::end_of_marker(self.text, start - 1)
        {
            self.last_word = (start, behind);
            return behind;
        }
        match before {
            b'.' | b'+' | b'%' => self.inner_tokens(start - 1, start),
            b'|' => self.rules_at(start - 1),
            _ => {}
        }
        if matches!(before, b'\\' | b'%' | b'[') {
            let head = escape_head(bytes, start);
            // What stands before an escape has been read as a word; what follows it is one of its own.
            if head > 1 {
                self.escape(start - 1, start + head);
            }
            start = (start + head).min(end);
            if start == end {
                return end;
            }
        }
        (self.last_word, self.last_kinds) = ((start, end), kinds);
        self.token(start);
        if self.short_keyword(start) && self.goes_on(start, end) {
            self.rules_at(start);
        }
        if end - start >= SHORTEST_INNER {
            self.inner_tokens(start, end);
        }
        if self.networks {
            self.network(start, end);
        }
        if kinds & JOINER != 0 {
            self.joined(start, end);
        }
        if kinds & DIGIT != 0 {
            self.number(start, end, kinds);
        } else if end - start <= 24 && kinds & UPPER | kinds & LOWER != 0 {
            self.prose(start, end);
        }
        end
    }

    /// Whether the word is long enough for a token with a keyword of two bytes, or goes on behind a sign so that it may be.
    fn goes_on(&self, start: usize, end: usize) -> bool {
        let word = |byte: u8, signs: &[u8]| class(byte) & WORD != 0 || signs.contains(&byte);
        let signs: &[u8] = match self.byte(end) {
            _ if end - start >= SHORTEST_LONG => return true,
            // Base64 goes on with more of them, and so do numbered tokens.
            b'+' => b"+/",
            b'/' if end == start + 1 => b":/",
            b':' | b'.' | b'/' => b"",
            _ => return false,
        };
        run_on(self.bytes, end + 1, SHORTEST_LONG, |byte| word(byte, signs)) > end + SHORTEST_LONG
    }

    /// An escape from `at` to `end` that stands for a sign or a character: `\u003d`, `%3D`, `\u5bc6`.
    #[cold]
    fn escape(&mut self, at: usize, end: usize) {
        let bytes = self.bytes;
        let before = run_back(bytes, at, DEEPEST, |byte| byte == b'\\');
        match &bytes[at + 1..end] {
            [b'u', b'0', b'0', b'3', b'd' | b'D'] | [b'3', b'D' | b'd'] => self.escaped_operator(b'=', before, end),
            [b'u', b'0', b'0', b'3', b'e' | b'E'] => self.escaped_operator(b'>', before, end),
            [b'3', b'A' | b'a'] if stands_at(bytes, end, b"%2F%2F") || stands_at(bytes, end, b"%2f%2f") => {
                self.encoded_url(end + 6);
            }
            [b'3', b'A' | b'a'] => self.escaped_operator(b':', before, end),
            [b'4', b'0'] => self.at_sign(at, end),
            [b'u', b'0', b'0', ..] => {}
            [b'u', ..] if at >= self.characters_until => {
                let mut last = end;
                while self.bytes.get(last) == Some(&b'\\') && escape_head(bytes, last + 1) == 5 {
                    last += 6;
                }
                self.characters_until = last;
                self.words_beyond_ascii(at, last);
            }
            _ => {}
        }
    }

    /// What can begin behind a `-` or `_` of a word: a token, the bars of an armour, a flag.
    fn joined(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        if bytes[start] == b'-' {
            if bytes[start..end].starts_with(b"-----BEGIN") {
                self.armour(start);
            }
            self.flag(start, end);
        } else if self.byte(end) == b' ' {
            self.spaced_name(start, end);
        }
        // `name_ya29.…`: a token may go on behind the word.
        let goes_on = matches!(self.byte(end), b'.' | b':');
        if end - start < SHORTEST_TOKEN && !goes_on {
            return;
        }
        for at in start + 1..end {
            if class(bytes[at - 1]) & JOINER != 0 && class(bytes[at]) & JOINER == 0 {
                // `sk-sk-sk-…`: no token is made so.
                if at > start + SHORTEST_INNER && self.exhausted(at) {
                    return;
                }
                self.token(at);
                if (end - at >= SHORTEST_LONG || goes_on) && self.short_keyword(at) && self.goes_on(at, end) {
                    self.rules_at(at);
                }
            }
        }
    }

    fn sign(&mut self, at: usize) {
        match self.bytes[at] {
            b'@' => {
                self.at_sign(at, at + 1);
                self.login_before(at);
            }
            b':' => {
                if self.networks {
                    self.colons(at);
                }
                if let Some(authority) = self.authority(at) {
                    self.url(at, authority);
                } else {
                    self.operator(at);
                }
            }
            b'=' | b'>' | b',' | b'(' => self.operator(at),
            _ => self.inner_tokens(at.saturating_sub(1), at),
        }
    }

    fn beyond_ascii(&mut self, at: usize) -> usize {
        let end = run_on(self.bytes, at, usize::MAX, |byte| class(byte) & HIGH != 0);
        self.words_beyond_ascii(at, end);
        end
    }

    pub(super) fn looks_for(&self, family: Family) -> bool {
        self.redactor.looks_for(family)
    }

    /// Notes what a rule of the engine's own found.
    pub(super) fn found(&mut self, rule: &'static Builtin, start: usize, end: usize) {
        self.note(rule.family, rule.id, start, end);
    }

    /// Notes what a vendor's rule found.
    pub(super) fn found_token(&mut self, rule: &'static Rule, start: usize, end: usize) {
        self.note(rule.family, rule.id, start, end);
    }

    fn note(&mut self, family: Family, rule: &'static str, mut start: usize, mut end: usize) {
        // A look that was cut short may end within a character.
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        if start < end && self.looks_for(family) {
            self.found.push(Finding { family, rule: rule.into(), range: start..end });
        }
    }

    /// Whether the last finding so far ends at `at`.
    pub(super) fn ends_with_finding(&self, at: usize) -> bool {
        self.found.last().is_some_and(|finding| finding.range.end == at)
    }

    pub(super) fn begins_word(&self, at: usize) -> bool {
        begins_word(self.bytes, at)
    }

    /// How far to look from `at` where `most` bytes are wanted. Looking around is bounded by a multiple of what has been
    /// read; a text made of nothing but beginnings gets short looks, and the time stays linear.
    pub(super) fn reach(&self, at: usize, most: usize) -> usize {
        if self.exhausted(at) { most.min(SHORT_LOOK) } else { most }
    }

    /// Whether more has been looked at than a text in earnest makes necessary.
    pub(super) fn exhausted(&self, at: usize) -> bool {
        self.spent.get() >= ALLOWANCE + at * AHEAD
    }

    /// Whether the text is JSON, as a whole or line by line: then an unescaped quote is the end of a string, whatever stands before it.
    pub(super) fn is_json(&self) -> bool {
        *self.json.get_or_init(|| render::Carrier::of(self.text) != render::Carrier::Text)
    }

    pub(super) fn spend(&self, bytes: usize) {
        self.spent.set(self.spent.get() + bytes);
    }

    pub(super) fn barren_until(&self, rule: usize) -> usize {
        self.barren.get(rule).copied().unwrap_or(0)
    }

    /// The shape of `rule` has been tried up to `until` and found nothing there that could be a token.
    pub(super) fn mark_barren(&mut self, rule: usize, until: usize) {
        if self.barren.len() <= rule {
            self.barren.resize(rule + 1, 0);
        }
        self.barren[rule] = self.barren[rule].max(until);
    }

    /// The text from `start` to `end`, of whole characters: a look that was cut short may end within one.
    pub(super) fn slice(&self, mut start: usize, mut end: usize) -> &'t str {
        end = end.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        start = start.min(end);
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        &self.text[start..end]
    }

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }
}
