//! Stand-ins: what stands where a secret would, and is none: variables, masks, references, examples, missing values.

use super::bytes::{UPPER, class};
use super::checksum::{distinct, entropy};

/// Words that stand where a value is missing, in lower case.
#[rustfmt::skip]
const NO_VALUES: &[&str] = &[
    "a", "above", "absent", "accepted", "allowed", "always", "an", "and", "any", "are", "auto", "available", "below",
    "blank", "bool", "boolean", "by", "bytes", "changed", "char", "compromised", "configured", "const", "denied",
    "deprecated", "disabled", "empty", "enabled", "encrypted", "expired", "exposed", "failed", "false", "file", "for",
    "forbidden", "found", "from", "generated", "getpass", "has", "hashed", "here", "hidden", "ignored", "in",
    "incorrect", "inherit", "inherited", "input", "int", "integer", "invalid", "is", "keychain", "leaked", "length",
    "locked", "mandatory", "masked", "match", "missing", "must", "n/a", "na", "never", "nil", "no", "none", "not",
    "not_set", "nothing", "notset", "null", "nullptr", "number", "object", "of", "off", "ok", "on", "optional", "or",
    "passed", "pending", "placeholder", "plaintext", "prompt", "prompted", "protected", "readonly", "redacted", "ref",
    "rejected", "removed", "required", "reset", "revoked", "rotated", "self", "set", "shift", "stdin", "str",
    "string", "supported", "tbc", "tbd", "text", "the", "this", "to", "todo", "true", "type", "unavailable",
    "unchanged", "undefined", "unknown", "unset", "unsupported", "unused", "updated", "valid", "value", "varchar",
    "verified", "void", "was", "with", "wrong", "yes", "your",
];
/// Parts that make a value a stand-in for one.
#[rustfmt::skip]
const STAND_INS: &[&str] = &[
    "<your", "[your", "change-me", "change_it", "change_me", "changeit", "changeme", "dummy", "enter_your", "example",
    "goes-here", "goes_here", "goeshere", "insert-", "insert_", "my-secret-name", "placeholder", "put-your",
    "put_your", "redacted", "replace-me", "replace-with", "replace_me", "replace_with", "replaceme", "required|",
    "todo", "your ", "your-", "your_", "yourkey", "yourpassword", "yoursecret", "yourtoken",
];
/// Beginnings of references to where the value is kept.
#[rustfmt::skip]
const REFERENCES: &[&str] = &[
    "!getatt", "!ref", "!sub", "${", "@microsoft.keyvault", "arn:", "aws-sm:", "azurekeyvault", "bao:", "base64:",
    "cfg.", "config.", "credentials.", "data.", "doppler:", "env(", "env.", "env:", "environ", "file:", "gcp-sm:",
    "getenv", "http://", "https://", "import.meta", "infisical:", "k8s://", "keyring:", "kms:", "local.", "module.",
    "op://", "os.", "process.env", "props.", "ref+", "secret://", "secretref:", "secrets.", "secretsmanager:",
    "self.", "settings.", "sm://", "sops:", "ssm:", "this.", "vals:", "var.", "vault:",
];

/// What stand-ins begin with, a bit a letter; those with a sign in front have one for all signs.
const STAND_IN_HEADS: u32 = {
    let mut heads = 0;
    let mut n = 0;
    while n < STAND_INS.len() {
        heads |= 1 << (STAND_INS[n].as_bytes()[0] & 31);
        n += 1;
    }
    heads
};

/// Whether a stand-in is a part of the text.
fn has_stand_in(text: &[u8]) -> bool {
    (0..text.len()).any(|at| {
        STAND_IN_HEADS >> (text[at] & 31) & 1 == 1
            && STAND_INS.iter().any(|part| part.as_bytes()[0] == text[at] && text[at..].starts_with(part.as_bytes()))
    })
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
    // `ref+awsssm://prod/db`, `awssm://…`: where it is kept, if nobody's password stands in it.
    if let Some(scheme) = lower.find("://")
        && scheme > 0
        && lower[..scheme].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'-')
        && !lower.contains('@')
    {
        return true;
    }
    if has_stand_in(lower.as_bytes()) && !has_random_tail(bytes) {
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
    // `$(…)` of a shell in its older form; a password may begin with the sign.
    if bytes.len() > 1 && wrapped(b"`", b"`") {
        return true;
    }
    if ["${", "$(", "$[", "{{", "<%", "%(", "#{", "\\(", "{%"].iter().any(|open| value.starts_with(open))
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
