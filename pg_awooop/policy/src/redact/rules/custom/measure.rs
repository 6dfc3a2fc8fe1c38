//! Texts on which shapes are dear, made the same way each time.

use super::{TooMuchWork, Watch};

/// How long each text is.
const LENGTH: usize = 6 * 1024;
/// What a rule may cost on each at first, while the DFA learns the text, and for each byte of what it has learned. Where
/// there is always something new, it has learned nothing.
const TO_LEARN: u64 = 20_000_000;
const FOR_A_BYTE: u64 = 100;

/// What the texts are made of, at random: few letters and many, digits, names, sentences, JSON, letters beyond ASCII.
const ALPHABETS: [&[&str]; 16] = [
    &["a"],
    &["A"],
    &["0"],
    &["x", "y"],
    &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"],
    &["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"],
    &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"],
    &["k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z"],
    &["K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "7", "_", "-", "/", "+", "="],
    &["order ", "EW-123456 ", "the ", "shipped, ", "ada@example.com ", "2026-01-31 ", "\n", "No. 7; "],
    &["{\"a\":", "\"key\": \"value\", ", "[1.10, 2]", "}", "\\\"", ": ", "null", "true"],
    &["訂", "單", "王", "小", "明", "的", "貨", "到", "了", "，", "。", "7"],
    &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "é"],
    &["A", "B", "C", "D", "E", "F", "0", "1", "2", "3", "王"],
    &["é", "ß", "ø", "Ж", "д", "я", "α", "ω", " ", "a", "-"],
];

/// Searches each text by `search`; too much where one of them takes more than a rule may.
pub(super) fn on_the_worst(search: impl Fn(&str, &Watch)) -> Result<(), TooMuchWork> {
    for alphabet in ALPHABETS {
        let text = at_random(alphabet);
        for most in [TO_LEARN, FOR_A_BYTE * text.len() as u64] {
            let watch = Watch::with(most, &|| {});
            search(&text, &watch);
            watch.verdict()?;
        }
    }
    Ok(())
}

fn at_random(alphabet: &[&str]) -> String {
    let mut text = String::with_capacity(LENGTH + 32);
    // A linear congruential generator's upper bits (Knuth's MMIX).
    let mut state: u64 = 1;
    while text.len() < LENGTH {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(alphabet[(state >> 33) as usize % alphabet.len()]);
    }
    text
}
