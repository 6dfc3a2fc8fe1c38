//! What tokens begin with, as sets that answer for nearly every place of a text, in a few instructions, that none does.

/// A set of beginnings, by hashes of their first bytes; it fits the first-level cache. It may say yes to what it does not
/// hold, one time in a hundred.
pub(super) struct Beginnings {
    /// Of all, by the first three bytes.
    any: [u64; 1024],
    /// Of those of five bytes or more, by the first five.
    long: [u64; 1024],
    /// Of those of three or four, by the first three.
    short: [u64; 1024],
}

fn slot(bytes: [u8; 8], most: u32) -> usize {
    let value = u64::from_le_bytes(bytes) & ((1 << (8 * most)) - 1);
    (value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize
}

fn set(bits: &mut [u64; 1024], slot: usize) {
    bits[slot >> 6] |= 1 << (slot & 63);
}

fn is_set(bits: &[u64; 1024], slot: usize) -> bool {
    bits[slot >> 6] >> (slot & 63) & 1 == 1
}

impl Beginnings {
    pub(super) const fn empty() -> Self {
        Beginnings { any: [0; 1024], long: [0; 1024], short: [0; 1024] }
    }

    /// Adds what begins with `beginning`; of two bytes, with whatever may follow.
    pub(super) fn insert(&mut self, beginning: &[u8]) {
        let mut bytes = [0; 8];
        let known = beginning.len().min(8);
        bytes[..known].copy_from_slice(&beginning[..known]);
        let thirds = if beginning.len() == 2 { 0..=255 } else { bytes[2]..=bytes[2] };
        for third in thirds {
            bytes[2] = third;
            set(&mut self.any, slot(bytes, 3));
            if beginning.len() < 5 {
                set(&mut self.short, slot(bytes, 3));
            }
        }
        if beginning.len() >= 5 {
            set(&mut self.long, slot(bytes, 5));
        }
    }

    /// Whether something may begin with these bytes.
    #[inline(always)]
    pub(super) fn has(&self, bytes: [u8; 8]) -> bool {
        let first = slot(bytes, 3);
        is_set(&self.any, first) && (is_set(&self.short, first) || is_set(&self.long, slot(bytes, 5)))
    }
}

/// A set of pairs of bytes.
pub(super) struct Pairs([u64; 1024]);

impl Pairs {
    pub(super) const fn empty() -> Self {
        Pairs([0; 1024])
    }

    pub(super) fn insert(&mut self, pair: [u8; 2]) {
        set(&mut self.0, usize::from(u16::from_le_bytes(pair)));
    }

    #[inline(always)]
    pub(super) fn has(&self, pair: [u8; 2]) -> bool {
        is_set(&self.0, usize::from(u16::from_le_bytes(pair)))
    }
}
