//! Lists of words in which a word is found without being compared with any other.

use super::bloom::Bloom;

/// Words by their hashes; capitals are as good as small ones.
pub(super) struct Lexicon {
    words: &'static [&'static str],
    /// By hash, with the next free place for what another word has taken: a word's number, counted from 1.
    places: [u8; PLACES],
    /// By the last five bits of a first letter: the lengths of the words that begin with it, a bit a length.
    lengths: [u64; 32],
}

const PLACES: usize = 512;

impl Lexicon {
    /// At most 255 words of ASCII.
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        assert!(words.len() < 256);
        let (mut places, mut lengths) = ([0; PLACES], [0; 32]);
        let mut n = 0;
        while n < words.len() {
            assert!(words[n].len() < 64);
            lengths[(words[n].as_bytes()[0] & 31) as usize] |= 1 << words[n].len();
            let mut place = Lexicon::place(words[n].as_bytes());
            while places[place] != 0 {
                place = (place + 1) % PLACES;
            }
            places[place] = n as u8 + 1;
            n += 1;
        }
        Lexicon { words, places, lengths }
    }

    const fn place(word: &[u8]) -> usize {
        let hash = Bloom::hash(word);
        (hash ^ hash >> 13) as usize % PLACES
    }

    /// The word of the list that this is.
    #[inline]
    pub(super) fn find(&self, word: &[u8]) -> Option<&'static str> {
        let first = *word.first()?;
        if word.len() >= 64 || self.lengths[usize::from(first & 31)] >> word.len() & 1 == 0 {
            return None;
        }
        let mut place = Lexicon::place(word);
        while let Some(number) = usize::from(self.places[place]).checked_sub(1) {
            if self.words[number].as_bytes().eq_ignore_ascii_case(word) {
                return Some(self.words[number]);
            }
            place = (place + 1) % PLACES;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lexicon_has_its_words_and_no_others() {
        static LEXICON: Lexicon = Lexicon::of(&["key", "api_key", "n/a", "na"]);
        for word in ["key", "api_key", "n/a", "na"] {
            assert_eq!(LEXICON.find(word.to_ascii_uppercase().as_bytes()), Some(word));
        }
        for other in ["", "apikey", "k", "keys", "n-a"] {
            assert_eq!(LEXICON.find(other.as_bytes()), None);
        }
    }
}
