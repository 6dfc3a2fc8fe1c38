//! The one pass over a text: words, numbers and signs, each handed to what knows it.

use std::cell::Cell;

use super::bytes::{
    Beginnings, DIGIT, HIGH, JOINER, LOWER, SIGN, UPPER, WORD, begins_word, class, escape_head, run_on,
};
use super::rules::phone::Group;
use super::tokens;
use super::{Family, Finding, Redactor};

/// A text while it is read.
pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    redactor: &'t Redactor,
    found: Vec<Finding>,
    /// What tokens begin with, and what stands inside them.
    pub(super) token_heads: &'static Beginnings,
    pub(super) token_short_heads: &'static Beginnings,
    pub(super) token_inners: &'static Beginnings,
    /// By rule: before here its shape is not tried again.
    barren: Vec<usize>,
    /// How many bytes have been looked at ahead and behind, besides the reading itself.
    spent: Cell<usize>,
    /// Kept for its memory.
    pub(super) groups: Vec<Group>,
    /// Internet addresses before here have been found.
    pub(super) addresses_until: usize,
    /// Manifests before here have been read.
    pub(super) manifests_until: usize,
    networks: bool,
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

/// Bytes that may be looked at ahead for each byte read, and before any has been.
const AHEAD: usize = 2;
const ALLOWANCE: usize = 1 << 18;
/// How far is looked when they are used up.
const SHORT_LOOK: usize = 64;

pub(super) fn scan(redactor: &Redactor, text: &str) -> Vec<Finding> {
    let [token_heads, token_short_heads, token_inners] = tokens::beginnings();
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        redactor,
        found: Vec::new(),
        token_heads,
        token_short_heads,
        token_inners,
        spent: Cell::new(0),

        barren: Vec::new(),
        groups: Vec::new(),
        addresses_until: 0,
        manifests_until: 0,
        networks: redactor.looks_for(Family::Ip) || redactor.looks_for(Family::CryptoAddress),
        numbers_until: 0,
        operators_until: 0,
    };
    scanner.run();
    for rule in &redactor.custom {
        rule.find(text, &mut scanner.found);
    }
    scanner.finish()
}

impl Scanner<'_> {
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
        match before {
            b'.' | b'+' | b'%' => self.inner_tokens(start - 1, start),
            b'|' => self.rules_at(start - 1),
            _ => {}
        }
        if matches!(before, b'\\' | b'%' | b'[') {
            let head = escape_head(bytes, start);
            // What stands before an escape has been read as a word; what follows it is one of its own.
            start = (start + head).min(end);
            if start == end {
                return end;
            }
        }
        self.token(start);
        let goes_on = matches!(self.byte(end), b':' | b'.' | b'/')
            && run_on(bytes, end + 1, SHORTEST_LONG, |byte| class(byte) & WORD != 0) - end > SHORTEST_LONG;
        if goes_on || end - start >= SHORTEST_LONG {
            self.long_token(start);
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
        } else if end - start <= 20 && kinds & UPPER | kinds & LOWER != 0 {
            self.prose(start, end);
        }
        end
    }

    /// What can begin behind a `-` or `_` of a word: a token, the bars of an armour, a flag.
    fn joined(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        if bytes[start] == b'-' {
            if bytes[start..end].starts_with(b"-----BEGIN") {
                self.armour(start);
            }
            self.flag(start, end);
        }
        if end - start < SHORTEST_TOKEN {
            return;
        }
        for at in start + 1..end {
            if class(bytes[at - 1]) & JOINER != 0 && class(bytes[at]) & JOINER == 0 {
                self.token(at);
                if end - at >= SHORTEST_LONG {
                    self.long_token(at);
                }
            }
        }
    }

    fn sign(&mut self, at: usize) {
        match self.bytes[at] {
            b'@' => {
                self.at_sign(at);
                self.login_before(at);
            }
            b':' => {
                if self.networks {
                    self.colons(at);
                }
                if self.bytes[at..].starts_with(b"://") || self.bytes[at..].starts_with(b":\\/\\/") {
                    self.url(at);
                } else {
                    self.operator(at);
                }
            }
            b'=' | b'>' | b',' => self.operator(at),
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

    /// Notes a finding.
    pub(super) fn found(&mut self, family: Family, rule: &'static str, start: usize, end: usize) {
        if start < end && self.looks_for(family) {
            self.found.push(Finding { family, rule: rule.into(), range: start..end });
        }
    }

    pub(super) fn begins_word(&self, at: usize) -> bool {
        begins_word(self.bytes, at)
    }

    /// How far to look from `at` where `most` bytes are wanted. Looking around is bounded by a multiple of what has been
    /// read; a text made of nothing but beginnings gets short looks, and the time stays linear.
    pub(super) fn reach(&self, at: usize, most: usize) -> usize {
        if self.spent.get() < ALLOWANCE + at * AHEAD { most } else { most.min(SHORT_LOOK) }
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

    pub(super) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// In order and without overlaps: of two that overlap, both go, under the name of the one that says more.
    fn finish(self) -> Vec<Finding> {
        let mut found = self.found;
        if found.len() < 2 {
            return found.into_iter().filter(|finding| !in_marker(self.bytes, finding)).collect();
        }
        found.sort_by(|a, b| a.range.start.cmp(&b.range.start).then(b.range.end.cmp(&a.range.end)));
        let mut merged: Vec<Finding> = Vec::with_capacity(found.len());
        for finding in found {
            if in_marker(self.bytes, &finding) {
                continue;
            }
            match merged.last_mut() {
                Some(last) if finding.range.start < last.range.end => {
                    if precedence(finding.family) < precedence(last.family)
                        && finding.range.len() * 2 > last.range.len()
                    {
                        last.family = finding.family;
                        last.rule = finding.rule;
                    }
                    last.range.end = last.range.end.max(finding.range.end);
                }
                _ => merged.push(finding),
            }
        }
        merged
    }
}

/// A marker of ours is not looked into.
fn in_marker(bytes: &[u8], finding: &Finding) -> bool {
    let start = finding.range.start.saturating_sub(b"[REDACTED:crypto_address".len());
    let around = &bytes[start..finding.range.end.min(bytes.len())];
    around.windows(10).any(|window| window == b"[REDACTED:") && {
        let last = around.windows(10).rposition(|window| window == b"[REDACTED:").unwrap_or(0);
        let inside = &around[last..];
        let marker_end =
            bytes[start + last..].iter().position(|b| *b == b']').map_or(usize::MAX, |n| start + last + n + 1);
        start + last >= finding.range.start || finding.range.start < marker_end && !inside.is_empty()
    }
}

/// Which family names a text that two have found.
fn precedence(family: Family) -> u8 {
    match family {
        Family::PrivateKey => 0,
        Family::VendorToken => 1,
        Family::AuthToken => 2,
        Family::UrlCredential => 3,
        Family::NationalId => 4,
        Family::PaymentCard => 5,
        Family::Email => 6,
        Family::Secret => 7,
        Family::Phone => 8,
        Family::CryptoAddress => 9,
        Family::Ip => 10,
    }
}
