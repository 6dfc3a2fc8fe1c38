//! Tokens by their own look: the vendors' rules by keyword, and JSON Web Tokens.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::{Regex, RegexBuilder};

use super::beginnings::{Beginnings, Pairs};
use super::bytes::{WORD, alphanumeric_at, class, run_on, stands_at};
use super::checksum::{distinct, entropy};
use super::rule::{Rule, Validator};
use super::rules;
use super::rules::builtin::{JSON_WEB_TOKEN, JSON_WEB_TOKEN_IN_BASE64};
use super::scan::Scanner;
use super::words::are_words;

/// A shape is tried on this much first; what goes on is tried on more.
const WINDOW: usize = 256;
/// The shortest token.
const SHORTEST: usize = 12;
/// How much of its allowance a shape that is tried costs.
const COST: usize = 64;
/// The longest token.
const LONGEST: usize = 8 * 1024;

/// Every rule that has a keyword, found by the keyword's first two bytes.
struct Table {
    /// What tokens begin with, looked for where a word can begin.
    heads: Beginnings,
    /// Keywords of two bytes: ordinary words begin so, too, and only what may be long enough is looked at.
    short_heads: Pairs,
    /// What stands inside tokens, looked for in long words.
    inner: Beginnings,
    /// In the order of their keywords' first two bytes.
    entries: Vec<Entry>,
    /// By the first two bytes of a keyword: its entries.
    by_pair: Vec<(u16, u16)>,
    /// By the only byte of a keyword: its entries.
    by_byte: [(u16, u16); 256],
    rules: Vec<(&'static Rule, OnceLock<Option<Regex>>)>,
}

/// A keyword of a rule.
struct Entry {
    keyword: &'static [u8],
    /// Its first eight bytes, and which of eight they are.
    head: (u64, u64),
    rule: usize,
    /// How many bytes of the token may stand before the keyword.
    before: &'static [usize],
}

impl Entry {
    fn new(keyword: &'static [u8], rule: usize, before: &'static [usize]) -> Self {
        let (mut head, mut mask) = ([0; 8], [0; 8]);
        for (n, byte) in keyword.iter().take(8).enumerate() {
            (head[n], mask[n]) = (*byte, 0xff);
        }
        Entry { keyword, head: (u64::from_le_bytes(head), u64::from_le_bytes(mask)), rule, before }
    }

    /// The first two bytes of the keyword; one that has no second stands apart.
    fn pair(&self) -> (u8, Option<u8>) {
        (self.keyword[0], self.keyword.get(1).copied())
    }

    /// Whether the keyword stands at `at`, where `head` stands.
    #[inline(always)]
    fn stands_at(&self, bytes: &[u8], at: usize, head: u64) -> bool {
        head & self.head.1 == self.head.0 && (self.keyword.len() <= 8 || stands_at(bytes, at, self.keyword))
    }
}

static TABLE: LazyLock<Box<Table>> = LazyLock::new(|| {
    let mut table = Box::new(Table {
        heads: Beginnings::empty(),
        short_heads: Pairs::empty(),
        inner: Beginnings::empty(),
        entries: Vec::new(),
        by_pair: vec![(0, 0); 1 << 16],
        by_byte: [(0, 0); 256],
        rules: Vec::new(),
    });
    let prefixed = rules::prefixed().map(|rule| (rule, &[0][..]));
    let inner = rules::inner().map(|inner| (&inner.rule, inner.before));
    for (rule, before) in prefixed.chain(inner) {
        let number = table.rules.len();
        for keyword in rule.keywords.iter().map(|keyword| keyword.as_bytes()) {
            match (before, keyword) {
                ([0], [first, second]) => table.short_heads.insert([*first, *second]),
                ([0], _) => table.heads.insert(keyword),
                // A sign alone is looked for by the scanner.
                (_, [_]) => {}
                _ => table.inner.insert(keyword),
            }
            table.entries.push(Entry::new(keyword, number, before));
        }
        table.rules.push((rule, OnceLock::new()));
    }
    table.heads.insert(b"eyJ");
    table.heads.insert(b"ZXl");
    table.entries.sort_by_key(Entry::pair);
    for n in 0..table.entries.len() {
        let place = match table.entries[n].pair() {
            (first, Some(second)) => &mut table.by_pair[usize::from(u16::from_le_bytes([first, second]))],
            (byte, None) => &mut table.by_byte[usize::from(byte)],
        };
        if place.1 == 0 {
            place.0 = n as u16;
        }
        place.1 = n as u16 + 1;
    }
    table
});

/// A rule's shape, compiled for the beginning of a text.
pub(super) fn compile(shape: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!(r"\A(?:{shape})")).unicode(false).size_limit(1 << 20).build()
}

/// Where in `text` the rule finds something, if it does at its beginning; and where its shape ended in any case.
fn matches(rule: &Rule, shape: &Regex, text: &[u8]) -> (Option<Range<usize>>, usize) {
    let window = &text[..text.len().min(WINDOW)];
    let Some(mut found) = shape.find(window) else { return (None, 0) };
    let mut within = window;
    if found.end() == window.len() && text.len() > WINDOW {
        within = &text[..text.len().min(LONGEST)];
        match shape.find(within) {
            Some(longer) => found = longer,
            None => return (None, 0),
        }
    }
    let mut whole = found.range();
    let secret = match shape.capture_names().any(|name| name == Some("secret")) {
        true => shape.captures(within).and_then(|groups| groups.name("secret")).map(|secret| secret.range()),
        false => None,
    };
    // What is longer than any token is one as a whole, so that its rest is not taken for another.
    if whole.end == LONGEST {
        whole.end = run_on(text, whole.end, usize::MAX, |byte| class(byte) & WORD != 0);
    }
    let range = secret.unwrap_or_else(|| whole.clone());
    let ends = !alphanumeric_at(text, whole.end);
    (if ends && is_valid(rule, &text[whole.start..whole.end.min(LONGEST)]) { Some(range) } else { None }, whole.end)
}

fn is_valid(rule: &Rule, found: &[u8]) -> bool {
    let keyword =
        rule.keywords.iter().filter(|keyword| found.starts_with(keyword.as_bytes())).map(|keyword| keyword.len()).max();
    let own = &found[keyword.unwrap_or(0).min(found.len())..];
    // A manual's key: `AKIAIOSFODNN7EXAMPLE`.
    if own.ends_with(b"EXAMPLE") && own.len() <= 24 {
        return false;
    }
    // `sha256~PUT_YOUR_TOKEN_HERE`.
    if [b"YOUR_".as_slice(), b"your_", b"your-", b"YOUR-"].iter().any(|word| own.windows(5).any(|part| part == *word)) {
        return false;
    }
    match rule.validator {
        Validator::Shape => true,
        Validator::Varied(least) => distinct(own) >= u32::from(least),
        Validator::Entropy(least) => entropy(own) >= u32::from(least),
        Validator::Noise(least) => entropy(own) >= u32::from(least) && !are_words(own),
    }
}

impl Scanner<'_> {
    /// A place where a token can begin.
    #[inline(always)]
    pub(super) fn token(&mut self, at: usize) {
        if self.token_heads.has(self.head(at)) {
            self.token_of_a_rule(at);
        }
    }

    /// Eight bytes from `at` on.
    #[inline(always)]
    fn head(&self, at: usize) -> [u8; 8] {
        let rest = &self.bytes[at..];
        rest.first_chunk().copied().unwrap_or_else(|| {
            let mut head = [0; 8];
            head[..rest.len()].copy_from_slice(rest);
            head
        })
    }

    /// Whether a keyword of two bytes stands at `at`.
    #[inline(always)]
    pub(super) fn short_keyword(&self, at: usize) -> bool {
        self.bytes.get(at..at + 2).is_some_and(|pair| self.token_short_heads.has([pair[0], pair[1]]))
    }

    #[cold]
    fn token_of_a_rule(&mut self, at: usize) {
        // Nothing that has an end so soon is a token.
        if run_on(self.bytes, at, SHORTEST, |byte| byte > b' ' && byte != b'"') < at + SHORTEST {
            return;
        }
        let rest = &self.bytes[at..];
        if rest.starts_with(b"eyJ") {
            self.web_token(at);
        } else if rest.starts_with(b"ZXl") {
            self.wrapped_web_token(at);
        }
        self.rules_at(at);
    }

    /// Tries the rules one of whose keywords stands at `at`.
    pub(super) fn rules_at(&mut self, at: usize) {
        let table = &*TABLE;
        let pair = usize::from(u16::from_le_bytes([self.bytes[at], self.byte(at + 1)]));
        let head = u64::from_le_bytes(self.head(at));
        let entries = |(first, end): (u16, u16)| &table.entries[usize::from(first)..usize::from(end)];
        let alone = entries(table.by_byte[usize::from(self.bytes[at])]);
        for entry in alone.iter().chain(entries(table.by_pair[pair])) {
            let Entry { rule, before, .. } = entry;
            if !entry.stands_at(self.bytes, at, head) || self.barren_until(*rule) > at {
                continue;
            }
            let (data, shape) = &table.rules[*rule];
            let Some(shape) = shape.get_or_init(|| compile(data.shape).ok()) else { continue };
            for start in before.iter().filter_map(|before| at.checked_sub(*before)) {
                if *before != [0] && !self.begins_word(start) {
                    continue;
                }
                self.spend(COST);
                let end = match matches(data, shape, &self.bytes[start..]) {
                    (Some(range), end) => {
                        self.found_token(data, start + range.start, start + range.end);
                        end
                    }
                    (None, 0) => {
                        self.spend(2 * WINDOW);
                        if self.exhausted(at) { WINDOW / 2 } else { 0 }
                    }
                    (None, end) => end,
                };
                self.spend(2 * end);
                // What is found, or does not vary enough, as a whole is not looked for in its parts.
                self.mark_barren(*rule, start + end);
            }
        }
    }

    /// Keywords inside a long word, and before its end.
    pub(super) fn inner_tokens(&mut self, start: usize, end: usize) {
        for at in start..end {
            if self.token_inners.has(self.head(at)) {
                self.rules_at(at);
            }
        }
    }

    /// `eyJ…`: a token if its head is a JOSE header (RFC 7515, 7516).
    fn web_token(&mut self, at: usize) {
        let bytes = self.bytes;
        let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if at < self.dotless_until {
            return;
        }
        let head_end = run_on(bytes, at, LONGEST, part);
        if self.byte(head_end) != b'.' {
            self.dotless_until = head_end;
            return;
        }
        self.spend(4 * (head_end - at));
        if !is_jose_header(&bytes[at..head_end]) {
            return;
        }
        let mut end = head_end;
        for _ in 0..4 {
            if bytes.get(end) != Some(&b'.') {
                break;
            }
            let next = run_on(bytes, end + 1, 64 * 1024, |byte| part(byte) || byte == b'=');
            // A detached payload is empty, and so is the signature of an unsigned token; the end of a sentence is neither.
            end = if next == end + 1 && end == head_end && bytes.get(next) != Some(&b'.') { end } else { next };
        }
        if end > head_end + 4 {
            self.found(&JSON_WEB_TOKEN, at, end);
        }
    }

    /// A JSON Web Token in Base64 once more.
    fn wrapped_web_token(&mut self, at: usize) {
        if at < self.wrapped_until {
            return;
        }
        let end = run_on(self.bytes, at, 64 * 1024, |b| b.is_ascii_alphanumeric() || b"+/_-=".contains(&b));
        // What is no token from its beginning on is none from its middle.
        self.wrapped_until = end;
        let text = &self.bytes[at..end];
        let head = &text[..text.len().min(2048) / 4 * 4];
        if let Ok(decoded) =
            STANDARD_NO_PAD.decode(trim_padding(head)).or_else(|_| URL_SAFE_NO_PAD.decode(trim_padding(head)))
            && let Some(dot) = decoded.iter().position(|byte| *byte == b'.')
            && is_jose_header(&decoded[..dot])
        {
            self.found(&JSON_WEB_TOKEN_IN_BASE64, at, end);
        }
    }
}

fn trim_padding(text: &[u8]) -> &[u8] {
    &text[..text.len() - text.iter().rev().take_while(|byte| **byte == b'=').count()]
}

/// Parameters of a JOSE header (RFC 7515, 7516, 7517, 7797) and claims that are replicated there.
const PARAMETERS: &[&str] = &[
    "alg", "apu", "apv", "b64", "crit", "cty", "enc", "epk", "iss", "iv", "jku", "jwk", "key_ops", "kid", "kty",
    "nonce", "p2c", "p2s", "ppt", "tag", "typ", "use", "ver", "version", "x5c", "x5t", "x5u", "zip",
];

/// Whether Base64 holds an object whose first members are those of a JOSE header.
fn is_jose_header(encoded: &[u8]) -> bool {
    let head = &encoded[..encoded.len().min(1024)];
    // Cut at a whole number of groups: the name of the algorithm stands in front.
    let whole = if head.len() < encoded.len() { &head[..head.len() / 4 * 4] } else { head };
    let lenient = base64::engine::GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let Ok(json) = lenient.decode(whole) else { return false };
    let quoted = |name: &str| {
        json.windows(name.len() + 2).any(|window| {
            window[0] == b'"' && window[name.len() + 1] == b'"' && &window[1..=name.len()] == name.as_bytes()
        })
    };
    json.first() == Some(&b'{') && PARAMETERS.iter().any(|name| quoted(name))
}

/// With what keywords begin: those at the head of tokens, the short ones of these, and those inside.
pub(super) fn beginnings() -> (&'static Beginnings, &'static Pairs, &'static Beginnings) {
    (&TABLE.heads, &TABLE.short_heads, &TABLE.inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles() {
        for rule in rules::prefixed().chain(rules::inner().map(|inner| &inner.rule)) {
            compile(rule.shape).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
        }
    }
}
