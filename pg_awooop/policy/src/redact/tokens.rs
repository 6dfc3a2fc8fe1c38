//! Tokens by their own look: the vendors' rules by keyword, and JSON Web Tokens.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::{Regex, RegexBuilder};

use super::beginnings::{Beginnings, Pairs};
use super::bytes::{alphanumeric_at, run_on, stands_at};
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
    /// In the order of their keywords.
    entries: Vec<Entry>,
    /// By the first byte of a keyword: its entries.
    by_byte: [Range<usize>; 256],
    rules: Vec<(&'static Rule, OnceLock<Option<Regex>>)>,
}

/// A keyword of a rule.
struct Entry {
    keyword: &'static [u8],
    rule: usize,
    /// How many bytes of the token may stand before the keyword.
    before: &'static [usize],
}

impl Entry {
    /// The first two bytes of the keyword; one that has no second stands for every second.
    fn pair(&self) -> (u8, u8) {
        (self.keyword[0], self.keyword.get(1).copied().unwrap_or(0))
    }
}

static TABLE: LazyLock<Box<Table>> = LazyLock::new(|| {
    let mut table = Box::new(Table {
        heads: Beginnings::empty(),
        short_heads: Pairs::empty(),
        inner: Beginnings::empty(),
        entries: Vec::new(),
        by_byte: [const { 0..0 }; 256],
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
            table.entries.push(Entry { keyword, rule: number, before });
        }
        table.rules.push((rule, OnceLock::new()));
    }
    table.heads.insert(b"eyJ");
    table.heads.insert(b"ZXl");
    table.entries.sort_by_key(Entry::pair);
    for byte in 0..=255u8 {
        let start = table.entries.partition_point(|entry| entry.keyword[0] < byte);
        let end = table.entries.partition_point(|entry| entry.keyword[0] <= byte);
        table.by_byte[usize::from(byte)] = start..end;
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
    let whole = found.range();
    let range = if shape.capture_names().any(|name| name == Some("secret")) {
        shape.captures(within).and_then(|groups| groups.name("secret")).map_or(whole.clone(), |secret| secret.range())
    } else {
        whole.clone()
    };
    let ends = !alphanumeric_at(text, whole.end);
    (if ends && is_valid(rule, &text[whole.clone()]) { Some(range) } else { None }, whole.end)
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
        let entries = &table.entries[table.by_byte[usize::from(self.bytes[at])].clone()];
        let second = self.byte(at + 1);
        let alone = entries.iter().take_while(|entry| entry.keyword.len() == 1);
        let first = entries.partition_point(|entry| entry.pair().1 < second);
        let pairs = entries[first..].iter().take_while(|entry| entry.pair().1 == second && entry.keyword.len() > 1);
        for Entry { keyword, rule, before } in alone.chain(pairs) {
            if !stands_at(self.bytes, at, keyword) || self.barren_until(*rule) > at {
                continue;
            }
            let (data, shape) = &table.rules[*rule];
            let Some(shape) = shape.get_or_init(|| compile(data.shape).ok()) else { continue };
            for start in before.iter().filter_map(|before| at.checked_sub(*before)) {
                if *before != [0] && !self.begins_word(start) {
                    continue;
                }
                self.spend(COST);
                match matches(data, shape, &self.bytes[start..]) {
                    (Some(range), _) => self.found_token(data, start + range.start, start + range.end),
                    // What did not vary enough as a whole does not in its parts: they are not tried again.
                    (None, end) => self.mark_barren(*rule, start + end),
                }
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
        let head_end = run_on(bytes, at, LONGEST, part);
        if bytes.get(head_end) != Some(&b'.') || !is_jose_header(&bytes[at..head_end]) {
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
        let end = run_on(self.bytes, at, 64 * 1024, |b| b.is_ascii_alphanumeric() || b"+/_-=".contains(&b));
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
