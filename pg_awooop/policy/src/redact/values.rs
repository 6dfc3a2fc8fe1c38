//! Whether what stands where a secret is expected is one: a placeholder, a type, a call, a sentence or a label is not.

use super::bytes::{DIGIT, LOWER, UPPER, class};
use super::checksum::{distinct, entropy};
use super::names::Strength;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Quoted,
    /// After `=` or `:` without a space, as environment files, queries and flags have it.
    Tight,
    /// Without quotes and after a space: it may be code or prose.
    Loose,
}

/// Words that stand where a value is missing, in lower case.
const NO_VALUES: &[&str] = &[
    "absent",
    "any",
    "bool",
    "boolean",
    "bytes",
    "changed",
    "char",
    "configured",
    "const",
    "denied",
    "deprecated",
    "disabled",
    "empty",
    "enabled",
    "expired",
    "failed",
    "false",
    "file",
    "hidden",
    "incorrect",
    "input",
    "int",
    "integer",
    "invalid",
    "keychain",
    "length",
    "locked",
    "mandatory",
    "masked",
    "match",
    "missing",
    "must",
    "n/a",
    "na",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "nullptr",
    "number",
    "object",
    "off",
    "ok",
    "on",
    "optional",
    "placeholder",
    "prompt",
    "protected",
    "readonly",
    "redacted",
    "removed",
    "required",
    "reset",
    "revoked",
    "rotated",
    "self",
    "stdin",
    "str",
    "string",
    "tbd",
    "text",
    "this",
    "todo",
    "true",
    "type",
    "unchanged",
    "undefined",
    "unknown",
    "unset",
    "updated",
    "valid",
    "value",
    "varchar",
    "void",
    "wrong",
    "yes",
    "your",
];
/// Words that are a poor password, and no token.
const POOR_VALUES: &[&str] = &[
    "abc", "abc123", "bar", "baz", "default", "dummy", "example", "foo", "foobar", "new", "passwd", "password",
    "private", "public", "sample", "secret", "test", "token",
];
/// Parts that make a value a stand-in for one.
const STAND_INS: &[&str] = &[
    "<your",
    "[your",
    "change-me",
    "change_it",
    "change_me",
    "changeit",
    "changeme",
    "dummy",
    "enter_your",
    "example",
    "goes-here",
    "goes_here",
    "goeshere",
    "insert-",
    "insert_",
    "my-secret-name",
    "placeholder",
    "put-your",
    "put_your",
    "redacted",
    "replace-me",
    "replace-with",
    "replace_me",
    "replace_with",
    "replaceme",
    "required|",
    "todo",
    "your ",
    "your-",
    "your_",
    "yourkey",
    "yourpassword",
    "yoursecret",
    "yourtoken",
];
/// Beginnings of references to where the value is kept.
const REFERENCES: &[&str] = &[
    "!getatt",
    "!ref",
    "!sub",
    "@microsoft.keyvault",
    "arn:",
    "aws-sm:",
    "base64:",
    "cfg.",
    "config.",
    "credentials.",
    "data.",
    "doppler:",
    "env.",
    "env:",
    "environ",
    "file:",
    "gcp-sm:",
    "http://",
    "https://",
    "import.meta",
    "k8s://",
    "keyring:",
    "kms:",
    "local.",
    "module.",
    "op://",
    "os.",
    "process.env",
    "props.",
    "secret://",
    "secretref:",
    "secrets.",
    "secretsmanager:",
    "self.",
    "settings.",
    "sm://",
    "ssm:",
    "this.",
    "var.",
    "vault:",
];

/// Whether `value` is a secret's value, under a name of this strength.
pub(super) fn is_secret(value: &str, strength: Strength, style: Style) -> bool {
    let bytes = value.as_bytes();
    if bytes.is_empty() || bytes.len() > 4096 || is_placeholder(value) {
        return false;
    }
    if (strength != Strength::Password || style == Style::Loose)
        && POOR_VALUES.binary_search(&value.to_ascii_lowercase().as_str()).is_ok()
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

/// Whether `value` stands for one that is not there.
pub(super) fn is_placeholder(value: &str) -> bool {
    if is_template(value) {
        return true;
    }
    let bytes = value.as_bytes();
    let lower = value.to_ascii_lowercase();
    let lower = lower.as_str();
    if REFERENCES.iter().any(|beginning| lower.starts_with(beginning)) {
        return !lower.starts_with("base64:");
    }
    if STAND_INS.iter().any(|part| lower.contains(part)) && !has_random_tail(bytes) {
        return true;
    }
    // `YOUR_TOKEN`, `ACCESS_TOKEN`: the name of a value.
    bytes.iter().all(|b| class(*b) & UPPER != 0 || *b == b'_')
        && (value.contains('_') || ["PASSWORD", "TOKEN", "SECRET", "APIKEY", "KEY"].contains(&value))
}

/// Whether `value` is a variable, a mask, or empty: nothing that anybody would present.
pub(super) fn is_template(value: &str) -> bool {
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return true };
    let lower = value.to_ascii_lowercase();
    let lower = lower.as_str();
    if NO_VALUES.binary_search(&lower.trim_end_matches(['.', '!', '?', ';'])).is_ok() {
        return true;
    }
    let wrapped =
        |open: &[u8], close: &[u8]| bytes.starts_with(open) && bytes.ends_with(close) && bytes.len() > open.len();
    if wrapped(b"<", b">")
        || wrapped(b"{{", b"}}")
        || wrapped(b"[", b"]")
        || wrapped(b"%", b"%") && !value.contains(' ')
    {
        return true;
    }
    if wrapped(b"{", b"}") && bytes[1..bytes.len() - 1].iter().all(|b| b.is_ascii_alphanumeric() || b"_.:".contains(b))
    {
        return bytes.len() < 24 && !bytes.iter().any(u8::is_ascii_digit) || bytes.len() == 3;
    }
    if ["${", "$(", "$[", "{{", "<%", "%(", "#{", "`", "\\(", "{%"].iter().any(|open| value.starts_with(open))
        || has_variable(value)
        || value.contains("{{") && value.contains("}}") && value.contains(['.', ' '])
    {
        return true;
    }
    // `$PASSWORD`, `%PASSWORD%`, `$1`, `%s`.
    if *first == b'$' && bytes.len() > 1 {
        let rest = &bytes[1..];
        let name = rest.strip_prefix(b"env:").unwrap_or(rest);
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_:.[]'>-".contains(b);
        if name.iter().all(is_name) && (name[0].is_ascii_alphabetic() || name[0] == b'_' || name.len() == 1) {
            return true;
        }
    }
    if *first == b'%' && bytes.len() <= 3 || *first == b'&' && bytes[1..].iter().all(|b| b.is_ascii_alphanumeric()) {
        return true;
    }
    // `xxxx`, `********`, `......`: one byte again and again, with separators.
    let core: Vec<u8> = bytes.iter().copied().filter(|b| !b"-_ .:/".contains(b)).collect();
    if core.is_empty() || core.len() >= 3 && distinct(&core.to_ascii_lowercase()) == 1 && !core[0].is_ascii_digit() {
        return true;
    }
    if bytes.len() >= 6 && distinct(bytes) <= 2 && !bytes.iter().all(u8::is_ascii_lowercase)
        || masked_share(bytes) * 2 > bytes.len()
        || value.chars().filter(|c| "•●∙…█".contains(*c)).count() >= 3
    {
        return true;
    }
    *first == b'<' || *first == b'.' && *last == b'.' || value.starts_with("[REDACTED") || value.starts_with("...")
}

/// `prefix-${NAME}`, `${a.b:-c}` anywhere in it.
fn has_variable(value: &str) -> bool {
    value.match_indices("${").any(|(at, _)| {
        let inside = &value[at + 2..];
        inside.find('}').is_some_and(|end| {
            end > 0
                && inside[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-[]()'\"/?".contains(&b))
                && inside.as_bytes()[0] != b']'
        })
    })
}

/// Bytes of masks: `sk-****abcd`, `xxxxxxxx-xxxx`.
fn masked_share(bytes: &[u8]) -> usize {
    bytes
        .chunk_by(|a, b| a == b)
        .filter(|run| run.len() >= 8 || run.len() >= 4 && b"*xX#?.-_0".contains(&run[0]))
        .map(<[u8]>::len)
        .sum()
}

fn has_random_tail(bytes: &[u8]) -> bool {
    bytes.len() >= 20 && bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 4 && entropy(bytes) > 350
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
    // `user.password`, `settings::TOKEN`: names joined by dots, the last of them no random text.
    if begins_name && (value.contains('.') || value.contains("::") || value.contains("->")) {
        let parts = |c: char| c == '.' || c == ':' || c == '>' || c == '-';
        let mut words = value.split(parts).filter(|word| !word.is_empty());
        if words.clone().count() > 1 && words.all(is_plain_name) {
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
    if bytes.len() < 8 || bytes.iter().any(|b| *b == b' ') {
        return false;
    }
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == bytes.len() {
        return bytes.len() >= 16;
    }
    let plain = std::str::from_utf8(bytes).is_ok_and(is_plain_name);
    match style {
        Style::Quoted | Style::Tight => {
            !plain && !is_path(bytes)
                || bytes.len() >= 20 && !bytes.iter().any(|b| b"-_. /".contains(b)) && distinct(bytes) > 6
                || digits >= 1 && bytes.len() >= 10 && !is_path(bytes) && !bytes.iter().any(|b| b"-_.".contains(b))
        }
        Style::Loose => !plain && digits > 0 && is_random(bytes),
    }
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
    if digits == 0 {
        // Base64 without a digit is rare, and longer.
        return upper > 2 && lower > 2 && mixes_case_inside(bytes) && entropy(bytes) > 350
            || bytes.len() >= 24
                && upper == 0
                && !bytes.iter().any(|b| b"-_.".contains(b))
                && distinct(bytes) >= 4
                && entropy(bytes) > 290;
    }
    digits + upper + lower > bytes.len() / 2
        && (upper + lower > 0 || bytes.len() >= 24)
        && (digits >= 3 || upper > 1 && lower > 1 || entropy(bytes) > 380)
        && entropy(bytes) > 280
}
