//! Whether letters are words or noise: how many of their pairs words have.
//!
//! Random text of letters has pairs that words hardly ever have (`qj`, `zx`); more than half of all pairs are such.

use super::bytes::{LOWER, UPPER, class};

/// The letters that follow each letter in words: three hundred pairs, nineteen in twenty of those in the names and
/// documents of programs, counted over this project's own and those of the libraries it uses.
const FOLLOWERS: [&str; 26] = [
    "abcdfgiklmnpqrstuvwxy",
    "abceilorstuy",
    "acehiklmorstuxy",
    "abdegilorsuvy",
    "abcdefgilmnopqrstuvwxy",
    "aefilorstuy",
    "aeghilnorsu",
    "aeimortu",
    "abcdefgklmnoprstvxz",
    "e",
    "aeis",
    "adeilostuvy",
    "abdeilmopstu",
    "abcdefgiklnopstuvy",
    "abcdfgiklmnoprstuvw",
    "aehiloprstu",
    "u",
    "acdefgiklmnoprstuvy",
    "acehiklmopstuy",
    "acdehilmoprstuy",
    "abcdefgilmnprst",
    "aeio",
    "aehinors",
    "aceiptx",
    "imnpst",
    "aei",
];

/// The same, a bit a letter.
const USUAL: [u32; 26] = {
    let mut table = [0; 26];
    let mut letter = 0;
    while letter < 26 {
        let followers = FOLLOWERS[letter].as_bytes();
        let mut n = 0;
        while n < followers.len() {
            table[letter] |= 1 << (followers[n] - b'a');
            n += 1;
        }
        letter += 1;
    }
    table
};

/// How many pairs of letters there are, and how many of them words hardly ever have. A capital behind a small letter
/// begins a word.
fn pairs(bytes: &[u8]) -> (usize, usize) {
    let (mut all, mut rare) = (0, 0);
    for pair in bytes.windows(2) {
        let (first, second) = (class(pair[0]), class(pair[1]));
        if first & (UPPER | LOWER) == 0 || second & (UPPER | LOWER) == 0 {
            continue;
        }
        all += 1;
        let followers = USUAL[usize::from((pair[0] | 32) - b'a')];
        let begins_word = first & LOWER != 0 && second & UPPER != 0;
        rare += usize::from(!begins_word && followers >> ((pair[1] | 32) - b'a') & 1 == 0);
    }
    (all, rare)
}

/// Letters that are no words of any language that programs are written in.
pub(super) fn is_noise(bytes: &[u8]) -> bool {
    let (all, rare) = pairs(bytes);
    all >= 8 && rare * 100 >= all * 34
}

/// The same of short texts, where a few rare pairs are enough.
pub(super) fn is_likely_noise(bytes: &[u8]) -> bool {
    let (all, rare) = pairs(bytes);
    all >= 4 && rare * 100 >= all * 34
}

/// Letters that are words, as far as that can be seen.
pub(super) fn are_words(bytes: &[u8]) -> bool {
    let (all, rare) = pairs(bytes);
    all >= 2 && rare * 100 < all * 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_noise() {
        for words in ["DefaultListableBeanFactory", "AgencyIdentificationCodeContentType", "open_sesame", "kubernetes"]
        {
            assert!(are_words(words.as_bytes()) && !is_noise(words.as_bytes()), "{words}");
        }
        for noise in ["qitedfzpzkqzqphnjc", "vzihlaquknriqlht", "CMTQBlkIBlwDodlvbUvFHUThVMRKL"] {
            assert!(is_noise(noise.as_bytes()) && !are_words(noise.as_bytes()), "{noise}");
        }
    }
}
