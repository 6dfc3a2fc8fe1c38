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
            b'@' | b':' | b'=' | b'>' | b',' | b'~' | b'(' => SIGN,
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

/// Whether `text` stands at `at`, which may be beyond the end.
#[inline]
pub(super) fn stands_at(bytes: &[u8], at: usize, text: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(text))
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
pub(super) fn run_on(bytes: &[u8], at: usize, most: usize, mut allowed: impl FnMut(u8) -> bool) -> usize {
    let ceiling = bytes.len().min(at.saturating_add(most));
    let mut end = at.min(bytes.len());
    while end < ceiling && allowed(bytes[end]) {
        end += 1;
    }
    end
}

/// The most backslashes before a quote or an escape: JSON in a string of JSON, five times.
pub(super) const DEEPEST: usize = 40;

/// How long the end of the line at `at` is, written out or escaped; zero where there is none.
pub(super) fn line_break(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'\n') => 1,
        Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => 2,
        Some(b'\\') => {
            let letter = run_on(bytes, at, DEEPEST, |byte| byte == b'\\');
            match bytes.get(letter) {
                Some(b'n') => letter + 1 - at,
                Some(b'r') => letter + 1 - at + line_break(bytes, letter + 1),
                _ => 0,
            }
        }
        _ => 0,
    }
}

/// Behind blanks and ends of lines, written out or escaped.
pub(super) fn skip_blank(bytes: &[u8], at: usize, most: usize) -> usize {
    let ceiling = bytes.len().min(at + most);
    let mut end = at.min(bytes.len());
    while end < ceiling {
        match bytes[end] {
            b' ' | b'\t' | b'\n' | b'\r' => end += 1,
            b'\\' => {
                let letter = run_on(bytes, end, DEEPEST, |byte| byte == b'\\');
                if !matches!(bytes.get(letter), Some(b'n' | b'r' | b't')) {
                    break;
                }
                end = letter + 1;
            }
            _ => break,
        }
    }
    end
}

/// Before blanks and ends of lines, written out or escaped, but not before `floor`.
pub(super) fn skip_blank_back(bytes: &[u8], at: usize, floor: usize) -> usize {
    let mut start = at;
    while start > floor {
        match bytes[start - 1] {
            b' ' | b'\t' | b'\n' | b'\r' => start -= 1,
            b'n' | b'r' | b't' if start - 1 > floor && bytes[start - 2] == b'\\' => {
                start = run_back(bytes, start - 1, (start - 1 - floor).min(DEEPEST), |byte| byte == b'\\');
            }
            _ => break,
        }
    }
    start
}

/// Where the line around `at` begins, at most `most` bytes before: behind an end of line, written out or escaped.
pub(super) fn line_start(bytes: &[u8], at: usize, most: usize) -> usize {
    let floor = at.saturating_sub(most);
    let mut start = at;
    while start > floor {
        let before = bytes[start - 1];
        if before == b'\n' || before == b'n' && start > 1 && bytes[start - 2] == b'\\' {
            break;
        }
        start -= 1;
    }
    start
}

/// Where the line around `at` ends, at most `most` bytes on: at an end of line, written out or escaped.
pub(super) fn line_end(bytes: &[u8], at: usize, most: usize) -> usize {
    let ceiling = bytes.len().min(at + most);
    let mut end = at;
    while end < ceiling {
        if matches!(bytes[end], b'\n' | b'\r' | b'\\') && line_break(bytes, end) > 0 {
            break;
        }
        end += 1;
    }
    end
}
