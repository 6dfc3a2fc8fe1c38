//! Bytes by class, and where a word can begin: what the scanner asks of every byte, answered by one table.

/// An ASCII letter, digit, `_` or `-`: what words and tokens are made of.
pub(super) const WORD: u8 = 1;
pub(super) const DIGIT: u8 = 2;
pub(super) const UPPER: u8 = 4;
pub(super) const LOWER: u8 = 8;
/// Part of a character beyond ASCII.
pub(super) const HIGH: u8 = 16;
/// A byte at which the scanner stops to look around.
pub(super) const SIGN: u8 = 32;
/// `_` or `-`: a token can begin behind it, inside a word.
pub(super) const JOINER: u8 = 64;

const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => WORD | DIGIT,
            b'A'..=b'Z' => WORD | UPPER,
            b'a'..=b'z' => WORD | LOWER,
            b'_' | b'-' => WORD | JOINER,
            b'@' | b':' | b'=' | b'>' | b',' | b'~' => SIGN,
            0x80.. => HIGH,
            _ => 0,
        };
        byte += 1;
    }
    table
};

#[inline(always)]
pub(super) fn class(byte: u8) -> u8 {
    CLASS[byte as usize]
}

#[inline(always)]
pub(super) fn is_alphanumeric(byte: u8) -> bool {
    class(byte) & (DIGIT | UPPER | LOWER) != 0
}

#[inline(always)]
pub(super) fn is_word(byte: u8) -> bool {
    class(byte) & WORD != 0
}

/// Whether the byte at `at`, if there is one, is a letter or digit.
pub(super) fn alphanumeric_at(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| is_alphanumeric(*byte))
}

/// How many bytes at the head of the word at `at` belong to what stands before it: the letter of `\n`, the code of
/// `\u0026`, the digits of `%3D`, the end of a terminal colour.
pub(super) fn escape_head(bytes: &[u8], at: usize) -> usize {
    let Some(before) = at.checked_sub(1).map(|n| bytes[n]) else { return 0 };
    let rest = &bytes[at..];
    match before {
        b'\\' => match rest.first() {
            Some(b'n' | b'r' | b't' | b'b' | b'f') => 1,
            Some(b'u') if rest.len() >= 5 && rest[1..5].iter().all(u8::is_ascii_hexdigit) => 5,
            Some(b'x') if rest.len() >= 3 && rest[1..3].iter().all(u8::is_ascii_hexdigit) => 3,
            _ => 0,
        },
        b'%' if rest.len() > 2 && rest[..2].iter().all(u8::is_ascii_hexdigit) => 2,
        b'[' => {
            let ends_in_escape = |codes: &[&[u8]]| codes.iter().any(|code| bytes[..at - 1].ends_with(code));
            if !ends_in_escape(&[b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"]) {
                return 0;
            }
            let parameters = rest.iter().take(12).take_while(|b| b.is_ascii_digit() || **b == b';').count();
            if rest.get(parameters) == Some(&b'm') { parameters + 1 } else { 0 }
        }
        _ => 0,
    }
}

/// Whether a word or token can begin at `at`.
pub(super) fn begins_word(bytes: &[u8], at: usize) -> bool {
    if at == 0 || !is_alphanumeric(bytes[at - 1]) {
        return true;
    }
    // The longest escape is the seven bytes of a colour such as `1;31m`.
    (1..=7.min(at)).any(|back| escape_head(bytes, at - back) == back)
}

/// The bytes before `at` that satisfy `allowed`, at most `most` of them: where they begin.
pub(super) fn run_back(bytes: &[u8], at: usize, most: usize, allowed: impl Fn(u8) -> bool) -> usize {
    let floor = at.saturating_sub(most);
    let mut start = at;
    while start > floor && allowed(bytes[start - 1]) {
        start -= 1;
    }
    start
}

/// The bytes from `at` on that satisfy `allowed`, at most `most` of them: where they end.
pub(super) fn run_on(bytes: &[u8], at: usize, most: usize, allowed: impl Fn(u8) -> bool) -> usize {
    let ceiling = bytes.len().min(at.saturating_add(most));
    let mut end = at.min(bytes.len());
    while end < ceiling && allowed(bytes[end]) {
        end += 1;
    }
    end
}

/// A set of beginnings, by a hash of their first bytes, that fits the first-level cache. It may say yes to what it does
/// not hold, one time in a hundred.
pub(super) struct Beginnings {
    /// Of those of five bytes or more, by the first five.
    long: [u64; 1024],
    /// Of those of three or four, by the first three.
    short: [u64; 1024],
}

impl Beginnings {
    pub(super) const fn empty() -> Self {
        Beginnings { long: [0; 1024], short: [0; 1024] }
    }

    #[inline(always)]
    fn slot(value: u64) -> usize {
        (value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
    }

    #[inline(always)]
    fn value(bytes: [u8; 8], most: u32) -> u64 {
        u64::from_le_bytes(bytes) & (1 << (8 * most)) - 1
    }

    /// Adds what begins with `beginning`, which has two bytes or more; of two, with whatever may follow.
    pub(super) fn insert(&mut self, beginning: &[u8]) {
        let mut bytes = [0; 8];
        let known = beginning.len().min(8);
        bytes[..known].copy_from_slice(&beginning[..known]);
        if beginning.len() >= 5 {
            let slot = Beginnings::slot(Beginnings::value(bytes, 5));
            self.long[slot >> 6] |= 1 << (slot & 63);
            return;
        }
        let thirds = if beginning.len() == 2 { 0..=255 } else { bytes[2]..=bytes[2] };
        for third in thirds {
            bytes[2] = third;
            let slot = Beginnings::slot(Beginnings::value(bytes, 3));
            self.short[slot >> 6] |= 1 << (slot & 63);
        }
    }

    /// Whether something may begin with these bytes.
    #[inline(always)]
    pub(super) fn has(&self, bytes: [u8; 8]) -> bool {
        let (long, short) =
            (Beginnings::slot(Beginnings::value(bytes, 5)), Beginnings::slot(Beginnings::value(bytes, 3)));
        (self.long[long >> 6] >> (long & 63) | self.short[short >> 6] >> (short & 63)) & 1 == 1
    }
}
