//! Whether a line stands among settings (INI, properties) and not in code: what the lines around it look like.

use super::bytes::{is_word, line_break, line_end, line_start, run_back, run_on};

/// How many lines to look at in each direction; comments and empty ones count.
const LINES: usize = 4;

/// Whether the line from `start` to `end` has a setting or the head of a section beside it.
pub(super) fn is_among_settings(bytes: &[u8], start: usize, end: usize) -> bool {
    let mut at = line_start(bytes, start, 80);
    for _ in 0..LINES {
        let before = break_before(bytes, at);
        if before == at {
            break;
        }
        let line = line_start(bytes, before, 80);
        match kind(&bytes[line..before]) {
            Kind::Setting => return true,
            Kind::Nothing => at = line,
            Kind::Other => break,
        }
    }
    let mut at = line_end(bytes, end, 16);
    for _ in 0..LINES {
        let length = line_break(bytes, at);
        if length == 0 {
            return false;
        }
        let next = line_end(bytes, at + length, 80);
        match kind(&bytes[at + length..next]) {
            Kind::Setting => return true,
            Kind::Nothing => at = next,
            Kind::Other => return false,
        }
    }
    false
}

/// Where the end of the line before `at` begins, or `at`.
fn break_before(bytes: &[u8], at: usize) -> usize {
    match at.checked_sub(1).map(|before| bytes[before]) {
        Some(b'\n') => at - 1 - usize::from(at > 1 && bytes[at - 2] == b'\r'),
        Some(b'n') => run_back(bytes, at - 1, 40, |byte| byte == b'\\'),
        _ => at,
    }
}

enum Kind {
    /// `name = value` or `[section]`.
    Setting,
    /// Empty, or a comment.
    Nothing,
    Other,
}

fn kind(line: &[u8]) -> Kind {
    // A quote may be the beginning of the string that the lines stand in.
    let string = line.iter().rposition(|byte| *byte == b'"').map_or(0, |quote| quote + 1);
    let line = line[string..].trim_ascii();
    let Some(first) = line.first() else { return Kind::Nothing };
    if matches!(first, b'#' | b';') || line.starts_with(b"//") {
        return Kind::Nothing;
    }
    if *first == b'[' {
        let section = line.ends_with(b"]") && line.iter().all(|b| is_word(*b) || b"[] .:\"".contains(b));
        return if section { Kind::Setting } else { Kind::Other };
    }
    let name = run_on(line, 0, 40, |byte| is_word(byte) || byte == b'.');
    let operator = run_on(line, name, 20, |byte| byte == b' ' || byte == b'\t');
    let value = line.get(operator + 1..).unwrap_or_default().trim_ascii();
    let plain = !value.is_empty() && !value.iter().any(|byte| b"()[]{}\"'`;=<>$".contains(byte));
    // `user = args.user`: a member, not a host.
    let member = value.windows(2).any(|pair| pair[0] == b'.' && pair[1].is_ascii_alphabetic())
        && value.first().is_some_and(u8::is_ascii_lowercase)
        && !value.contains(&b'/');
    if name > 0 && line.get(operator) == Some(&b'=') && plain && !member { Kind::Setting } else { Kind::Other }
}
