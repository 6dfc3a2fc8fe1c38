//! Whether what stands where a secret is expected is one: a placeholder, a type, a call, a sentence or a label is not.

use super::bytes::{DIGIT, LOWER, UPPER, class};
use super::checksum::{distinct, entropy};
use super::lexicon::Lexicon;
use super::marker;
use super::names::Strength;
pub(super) use super::placeholder::{is_placeholder, is_template};
use super::words::{are_words, is_likely_noise, is_noise};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Quoted,
    /// After `=` or `:` without a space, as environment files, queries and flags have it.
    Tight,
    /// Without quotes and after a space: it may be code or prose.
    Loose,
}

/// Words that are a poor password, and no token.
#[rustfmt::skip]
const POOR_VALUES: &[&str] = &[
    "abc", "abc123", "bar", "baz", "default", "dummy", "example", "foo", "foobar", "new", "passwd", "password",
    "private", "public", "sample", "secret", "test", "token",
];

static POOR: Lexicon = Lexicon::of(POOR_VALUES);
const LONGEST_POOR_VALUE: usize = 8;

/// Whether `value` is a secret's value, under a name of this strength.
pub(super) fn is_secret(value: &str, strength: Strength, style: Style) -> bool {
    let bytes = value.as_bytes();
    if bytes.is_empty() || bytes.len() > 4096 {
        return false;
    }
    if bytes.contains(&b'[') && value.contains(marker::BEGINNING) {
        if marker::end_of_marker(value, 0) == Some(value.len()) {
            return false;
        }
        // What stands around a marker is judged without it.
        let rest = marker::without_markers(value);
        if rest.len() < value.len() {
            return is_secret(&rest, strength, style);
        }
    }
    if is_placeholder(value) {
        return false;
    }
    if (strength != Strength::Password || style == Style::Loose)
        && value.len() <= LONGEST_POOR_VALUE
        && POOR.find(bytes).is_some()
    {
        return false;
    }
    if style != Style::Quoted && is_code(value, style) {
        return false;
    }
    match strength {
        Strength::Password => is_password(value, style),
        Strength::Token => is_token(bytes, style),
        Strength::Key => bytes.len() >= 12 && is_random(bytes),
        Strength::Service => bytes.len() >= 15 && is_random(bytes) && !value.contains('/'),
    }
}

/// Whether an unquoted value is an expression: a call, a member, a type, a name.
fn is_code(value: &str, style: Style) -> bool {
    let bytes = value.as_bytes();
    let name_end =
        bytes.iter().position(|b| !(b.is_ascii_alphanumeric() || b"_.:?!&*@$".contains(b))).unwrap_or(bytes.len());
    let begins_name = bytes[0].is_ascii_alphabetic() || b"_$@&*".contains(&bytes[0]);
    if begins_name && name_end < bytes.len() && matches!(bytes[name_end], b'(' | b'[' | b'<') && name_end > 0 {
        // A password may have brackets too, but not `get_password(` or `Option<String>`.
        let closes =
            bytes[name_end..].iter().any(|b| matches!(b, b')' | b']' | b'>')) || bytes[bytes.len() - 1] == b'(';
        let open = &bytes[name_end + 1..];
        let plain = open.iter().all(|b| b.is_ascii_alphanumeric() || b"_.:,\"' ()[]<>&\\-".contains(b));
        if plain && (closes || open.is_empty() || matches!(open[0], b'"' | b'\'' | b'\\')) {
            return true;
        }
    }
    if matches!(bytes[0], b'(' | b'[' | b'{' | b'|' | b'>') && bytes.len() < 3 || value.starts_with("function") {
        return true;
    }
    // `user.password`, `settings::TOKEN`: names joined by dots, none of them random text.
    if begins_name && (value.contains('.') || value.contains("::") || value.contains("->")) {
        let parts = |c: char| c == '.' || c == ':' || c == '>' || c == '-';
        let mut words = value.split(parts).filter(|word| !word.is_empty());
        if words.clone().count() > 1 && words.all(is_plain_name) && !is_likely_noise(bytes) {
            return true;
        }
    }
    match style {
        Style::Loose => is_plain_name(value) && !value.bytes().any(|b| b.is_ascii_digit()),
        _ => false,
    }
}

/// A word or an identifier made of words: no random text.
fn is_plain_name(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-')
        && bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && digits <= 2
        && bytes.len() <= 40
        && !(bytes.len() >= 16 && mixes_case_inside(bytes))
        && !is_noise(bytes)
        && !(digits > 0 && bytes.iter().any(|b| *b == b'_' || *b == b'-') && is_likely_noise(bytes))
}

/// Capitals scattered as in no identifier: `aBcDeFgH`.
fn mixes_case_inside(bytes: &[u8]) -> bool {
    let changes = bytes.windows(2).filter(|pair| class(pair[0]) & UPPER != 0 && class(pair[1]) & LOWER != 0).count()
        + bytes.windows(2).filter(|pair| class(pair[0]) & LOWER != 0 && class(pair[1]) & UPPER != 0).count();
    changes * 3 > bytes.len()
}

fn is_password(value: &str, style: Style) -> bool {
    let bytes = value.as_bytes();
    if !value.is_ascii() && value.chars().all(|c| !c.is_ascii_alphanumeric()) {
        return false;
    }
    let spaces = bytes.iter().filter(|b| **b == b' ').count();
    if spaces >= 2 && is_sentence(value) {
        return false;
    }
    if style == Style::Loose {
        // Prose goes on after a plain word; what has a digit or a sign is a value.
        return bytes.len() >= 4 && bytes.iter().any(|b| !b.is_ascii_alphabetic() && !b"-_.,;:!?'".contains(b));
    }
    // A path to the secret, or the name of where it is kept.
    if (value.starts_with('/') || value.starts_with("./") || value.starts_with("~/")) && value.matches('/').count() >= 2
    {
        return false;
    }
    if style == Style::Tight {
        return bytes.len() >= 3;
    }
    // `sites/passwords#update`: a route.
    if value.contains('/') && value.contains('#') && are_words(bytes) && !value.bytes().any(|b| b.is_ascii_digit()) {
        return false;
    }
    bytes.len() >= 2 && !is_label(value)
}

/// `Password`, `Enter password`, `API Key:`: what a form says.
fn is_label(value: &str) -> bool {
    let words = value.split([' ', ':']).filter(|word| !word.is_empty());
    let known = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "key",
        "api",
        "access",
        "new",
        "old",
        "current",
        "enter",
        "confirm",
        "repeat",
        "your",
        "the",
        "client",
        "login",
        "user",
        "forgot",
        "reset",
        "change",
    ];
    words.clone().count() > 0
        && words.clone().all(|word| known.contains(&word.to_ascii_lowercase().as_str()))
        && value.contains(' ')
}

/// A message to a person about the secret.
fn is_sentence(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.ends_with('.')
        || value.ends_with('!') && value.starts_with(|c: char| c.is_ascii_uppercase())
        || [
            "must",
            "should",
            "please",
            "required",
            "invalid",
            "your",
            "cannot",
            "characters",
            "is ",
            "are ",
            " for ",
            " to ",
            " the ",
            " of ",
            "enter ",
            "not ",
            " a ",
            "password",
            " and ",
        ]
        .iter()
        .any(|word| lower.contains(word))
            && value.bytes().all(|b| b.is_ascii_alphabetic() || b" .,:;'!?-()".contains(&b) || b.is_ascii_digit())
            && !lower.contains("with quotes")
}

fn is_token(bytes: &[u8], style: Style) -> bool {
    if bytes.len() < 8 || bytes.contains(&b' ') {
        return false;
    }
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == bytes.len() {
        return bytes.len() >= 16;
    }
    let plain = std::str::from_utf8(bytes).is_ok_and(is_plain_name);
    match style {
        Style::Quoted | Style::Tight => {
            !plain && !is_path(bytes) && !are_named(bytes)
                || bytes.len() >= 20 && !bytes.iter().any(|b| b"-_. /".contains(b)) && distinct(bytes) > 6
                || digits >= 1 && bytes.len() >= 8 && !is_path(bytes) && !bytes.iter().any(|b| b"-_.".contains(b))
        }
        Style::Loose => !plain && digits > 0 && is_random(bytes),
    }
}

/// Words joined by signs, as labels and types are: `clm60115:AgencyCodeContentType`.
fn are_named(bytes: &[u8]) -> bool {
    bytes.split(|byte| b"-_.:/#".contains(byte)).filter(|part| !part.is_empty()).all(|part| {
        let letters = part.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
        letters + digits == part.len()
            && digits < 8
            && (letters == 0 || letters >= digits && !is_likely_noise(part))
            && !(part.len() >= 8 && mixes_case_inside(part))
    }) && are_words(bytes)
}

fn is_path(bytes: &[u8]) -> bool {
    bytes.iter().filter(|b| **b == b'/').count() >= 2 && entropy(bytes) < 430 || bytes.starts_with(b"./")
}

/// Words, numbers and identifiers joined by signs: `cmp2-qat-1208358310`, `DOC_Vector_5_32`, `1.4.2-beta`.
fn is_words(bytes: &[u8]) -> bool {
    bytes.split(|byte| b"-_.:/".contains(byte)).filter(|part| !part.is_empty()).all(|part| {
        let digits = part.iter().filter(|b| b.is_ascii_digit()).count();
        let letters = part.iter().filter(|b| b.is_ascii_alphabetic()).count();
        digits + letters == part.len()
            && part.len() < 20
            && (letters == 0 && digits < 16 || digits <= 2 && !(part.len() >= 8 && mixes_case_inside(part)))
    })
}

/// Letters and digits as nobody writes them.
pub(super) fn is_random(bytes: &[u8]) -> bool {
    let mut classes = [0usize; 3];
    for byte in bytes {
        match class(*byte) {
            c if c & DIGIT != 0 => classes[0] += 1,
            c if c & UPPER != 0 => classes[1] += 1,
            c if c & LOWER != 0 => classes[2] += 1,
            _ if b" \t\n\"'()<>{}".contains(byte) => return false,
            _ => {}
        }
    }
    let [digits, upper, lower] = classes;
    if is_path(bytes) || distinct(bytes) < 6 || is_words(bytes) && bytes.iter().any(|b| b"-_.:/".contains(b)) {
        return false;
    }
    if is_noise(bytes) && bytes.len() >= 14 {
        return digits + upper + lower > bytes.len() / 2;
    }
    let entropy = entropy(bytes);
    if digits == 0 {
        // Base64 without a digit is rare, and longer.
        return upper > 2 && lower > 2 && mixes_case_inside(bytes) && entropy > 350
            || bytes.len() >= 24 && upper == 0 && !bytes.iter().any(|b| b"-_.".contains(b)) && entropy > 290;
    }
    digits + upper + lower > bytes.len() / 2
        && (upper + lower > 0 || bytes.len() >= 24)
        && (digits >= 3 || upper > 1 && lower > 1 || entropy > 380)
        && entropy > 280
}
