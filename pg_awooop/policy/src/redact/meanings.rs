//! The words of names, and which lists each is in: one look for all of them.

use super::bloom::Bloom;
use super::rules::context::{
    ABOUT, INNOCENT, NAME_NAMES, OTHER_KEYS, OTHER_TOKENS, PASSWORD_WORDS, SECRET_KEYS, TOKEN_WORDS, TYPES, VALUE_NAMES,
};
use super::rules::services::SERVICES;

/// The lists a word is in, a bit a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lists(u16);

/// Each list's words have its number's bit.
const LISTS: [&[&str]; 11] = [
    PASSWORD_WORDS,
    TOKEN_WORDS,
    SECRET_KEYS,
    OTHER_KEYS,
    OTHER_TOKENS,
    INNOCENT,
    ABOUT,
    TYPES,
    VALUE_NAMES,
    NAME_NAMES,
    SERVICES,
];

impl Lists {
    pub(super) const PASSWORD: Lists = Lists(1);
    pub(super) const TOKEN: Lists = Lists(1 << 1);
    pub(super) const SECRET_KEY: Lists = Lists(1 << 2);
    pub(super) const OTHER_KEY: Lists = Lists(1 << 3);
    pub(super) const OTHER_TOKEN: Lists = Lists(1 << 4);
    pub(super) const INNOCENT: Lists = Lists(1 << 5);
    pub(super) const ABOUT: Lists = Lists(1 << 6);
    pub(super) const TYPE: Lists = Lists(1 << 7);
    pub(super) const VALUE_NAME: Lists = Lists(1 << 8);
    pub(super) const NAME_NAME: Lists = Lists(1 << 9);
    pub(super) const SERVICE: Lists = Lists(1 << 10);

    pub(super) fn or(self, other: Lists) -> Self {
        Lists(self.0 | other.0)
    }

    pub(super) fn have(self, lists: Lists) -> bool {
        self.0 & lists.0 != 0
    }
}

const PLACES: usize = 4096;

/// By the word's hash, with the next free place for what another word has taken.
static TABLE: [(&str, u16); PLACES] = {
    let mut table = [("", 0); PLACES];
    let mut list = 0;
    while list < LISTS.len() {
        let mut n = 0;
        while n < LISTS[list].len() {
            let word = LISTS[list][n];
            let mut at = place(Bloom::hash(word.as_bytes()));
            // Digits don't count in the hash: `s3` stands behind `s`.
            while table[at].1 != 0 && !same(table[at].0.as_bytes(), word.as_bytes()) {
                at = (at + 1) % PLACES;
            }
            table[at] = (word, table[at].1 | 1 << list);
            n += 1;
        }
        list += 1;
    }
    table
};

const fn place(hash: u32) -> usize {
    (hash ^ hash >> 13) as usize % PLACES
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut n = 0;
    while n < one.len() {
        if one[n] != other[n] {
            return false;
        }
        n += 1;
    }
    true
}

/// The lists that a word in lower case is in.
pub(super) fn lists_of(word: &[u8]) -> Lists {
    let mut at = place(Bloom::hash(word));
    while TABLE[at].1 != 0 {
        if TABLE[at].0.as_bytes() == word {
            return Lists(TABLE[at].1);
        }
        at = (at + 1) % PLACES;
    }
    Lists::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_in_its_lists_and_no_others() {
        for (n, list) in LISTS.iter().enumerate() {
            for word in *list {
                let wanted = LISTS.iter().enumerate().filter(|(_, list)| list.contains(word));
                let wanted = wanted.fold(0, |lists, (n, _)| lists | 1 << n);
                assert_eq!(lists_of(word.as_bytes()), Lists(wanted), "{word} of list {n}");
            }
        }
        assert_eq!(lists_of(b"pterodactyl"), Lists::default());
    }
}
