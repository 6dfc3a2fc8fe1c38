//! Documents of everything that canonical JSON has a rule for, the same in every run, in the many ways to write them; and
//! another implementation in Rust, which shares only the writing of numbers (ryu-js) with ours.

use serde_json::Value;

use super::canonical;
use crate::strict;

/// Makes documents. SplitMix64, so that a disagreement can be found again by its number.
pub(super) struct Documents(pub(super) u64);

impl Documents {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// A text on one line.
    pub(super) fn document(&mut self) -> String {
        let mut text = String::new();
        self.value(4, &mut text);
        text
    }

    fn value(&mut self, depth: u32, text: &mut String) {
        self.space(text);
        match self.below(if depth == 0 { 5 } else { 9 }) {
            0 => text.push_str(["null", "true", "false"][self.below(3) as usize]),
            1 | 2 => text.push_str(&self.number()),
            3 | 4 => {
                let content = self.content(12);
                self.string(&content, text);
            }
            5 | 6 => self.array(depth, text),
            _ => self.object(depth, text),
        }
        self.space(text);
    }

    fn array(&mut self, depth: u32, text: &mut String) {
        text.push('[');
        for at in 0..self.below(6) {
            if at > 0 {
                text.push(',');
            }
            self.value(depth - 1, text);
        }
        text.push(']');
    }

    fn object(&mut self, depth: u32, text: &mut String) {
        let mut keys: Vec<String> = Vec::new();
        for _ in 0..self.below(7) {
            // Keys that begin alike are what an order gets wrong.
            let like = if keys.is_empty() || self.one_in(2) { String::new() } else { keys[keys.len() - 1].clone() };
            let key = like + &self.content(3);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        text.push('{');
        for (at, key) in keys.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            self.space(text);
            self.string(key, text);
            self.space(text);
            text.push(':');
            self.value(depth - 1, text);
        }
        text.push('}');
    }

    fn space(&mut self, text: &mut String) {
        if self.one_in(6) {
            text.push_str([" ", "\t", "  "][self.below(3) as usize]);
        }
    }

    /// What a number may be written as: from its bits, as an integer, with more digits than count, or near a power of ten,
    /// where its form changes.
    pub(super) fn number(&mut self) -> String {
        let sign = if self.one_in(3) { "-" } else { "" };
        let finite = |bits| Some(f64::from_bits(bits)).filter(|number| number.is_finite()).unwrap_or(0.0).abs();
        match self.below(6) {
            0 | 1 => format!("{sign}{:?}", finite(self.next())),
            2 => {
                let shift = self.below(64);
                format!("{sign}{}", self.next() >> shift)
            }
            3 => {
                let whole = self.below(1 << 20);
                format!("{sign}{whole}.{:020}{:020}", self.next(), self.next())
            }
            4 => {
                let (whole, fraction) = (self.below(10), self.below(1_000_000));
                format!("{sign}{whole}.{fraction}E{:+}", self.below(60) as i64 - 30)
            }
            _ => {
                let power = 10_f64.powi(self.below(50) as i32 - 25);
                format!("{sign}{:?}", finite(power.to_bits() + self.below(5) - 2))
            }
        }
    }

    fn content(&mut self, most: u64) -> String {
        (0..self.below(most + 1)).map(|_| self.character()).collect()
    }

    fn character(&mut self) -> char {
        let (from, to) = match self.below(9) {
            0..3 => (0x20, 0x7f),
            3 => (0, 0x20),
            4 => return ['"', '\\', '/', '\u{7f}', '\u{2028}', '\u{2029}'][self.below(6) as usize],
            5 => (0x80, 0xd800),
            // After the surrogates in Unicode's order, and before them in UTF-16's.
            6 | 7 => (0xe000, 0x1_0000),
            _ => (0x1_0000, 0x11_0000),
        };
        char::from_u32(from + self.below(u64::from(to - from)) as u32).unwrap_or('?')
    }

    fn string(&mut self, content: &str, text: &mut String) {
        text.push('"');
        for character in content.chars() {
            let short = "\"\\/\u{8}\u{c}\n\r\t".find(character).map(|at| b"\"\\/bfnrt"[at.min(7)]);
            let must = matches!(character, '"' | '\\') || character < ' ';
            match short {
                Some(short) if must && !self.one_in(3) || self.one_in(3) => text.extend(['\\', short as char]),
                _ if must || self.one_in(5) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        let upper = self.one_in(2);
                        *text += &if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
                    }
                }
                _ => text.push(character),
            }
        }
        text.push('"');
    }
}

/// Whether the keys of an object in it have another order in UTF-8 than in UTF-16.
fn has_two_orders(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_two_orders),
        Value::Object(members) => {
            let mut bytes: Vec<&String> = members.keys().collect();
            bytes.sort();
            let mut units = bytes.clone();
            units.sort_by_key(|key| key.encode_utf16().collect::<Vec<_>>());
            bytes != units || members.values().any(has_two_orders)
        }
        _ => false,
    }
}

#[test]
fn another_implementation_in_rust_writes_the_same() {
    let (mut documents, mut with_two_orders) = (Documents(1), 0);
    for number in 0..20_000 {
        let text = documents.document();
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("document {number}: {why}: {text}"));
        let ours = canonical(&text);
        assert_eq!(ours, serde_json_canonicalizer::to_string(&value).unwrap(), "document {number}: {text}");
        // And it is the form of itself.
        assert_eq!(canonical(&ours), ours, "document {number}");
        if let Ok(read) = strict::parse(&text, 1 << 20) {
            assert_eq!(read, value, "document {number}: {text}");
        }
        with_two_orders += usize::from(has_two_orders(&value));
    }
    assert!(with_two_orders > 500, "{with_two_orders}");
}
