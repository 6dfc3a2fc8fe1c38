//! Sets of words that answer at once, nearly always rightly, that a word is none of theirs.

/// Words by a hash of their letters. It may say yes to what it does not hold, one time in a hundred.
pub(super) struct Bloom([u64; 1024]);

impl Bloom {
    pub(super) const fn empty() -> Self {
        Bloom([0; 1024])
    }

    /// All of these words.
    pub(super) const fn of(words: &[&str]) -> Self {
        let mut bloom = Bloom::empty();
        bloom.insert_all(words);
        bloom
    }

    pub(super) const fn copy(&self) -> Self {
        Bloom(self.0)
    }

    /// The hash with one letter more; capitals are as good as small ones.
    pub(super) const fn step(hash: u32, letter: u8) -> u32 {
        (hash ^ (letter | 32) as u32).wrapping_mul(0x0100_0193)
    }

    const fn slot(hash: u32) -> usize {
        ((hash ^ hash >> 15) & 0xffff) as usize
    }

    /// The hash of a word: of its letters.
    #[inline]
    pub(super) const fn hash(word: &[u8]) -> u32 {
        let mut hash = SEED;
        let mut n = 0;
        while n < word.len() {
            if word[n].is_ascii_alphabetic() {
                hash = Bloom::step(hash, word[n]);
            }
            n += 1;
        }
        hash
    }

    pub(super) const fn insert(&mut self, word: &[u8]) {
        let hash = Bloom::hash(word);
        self.0[Bloom::slot(hash) >> 6] |= 1 << (Bloom::slot(hash) & 63);
    }

    pub(super) const fn insert_all(&mut self, words: &[&str]) {
        let mut n = 0;
        while n < words.len() {
            self.insert(words[n].as_bytes());
            n += 1;
        }
    }

    #[inline(always)]
    pub(super) fn has(&self, hash: u32) -> bool {
        let slot = Bloom::slot(hash);
        self.0[slot >> 6] >> (slot & 63) & 1 == 1
    }
}

/// What a hash begins with (FNV-1a).
pub(super) const SEED: u32 = 0x811c_9dc5;
