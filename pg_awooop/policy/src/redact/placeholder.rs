//! Stand-ins: what stands where a secret would, and is none: variables, masks, references, examples, missing values.

use super::bytes::{UPPER, class};
use super::checksum::{distinct, entropy};
use super::lexicon::Lexicon;

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
static LEXICON: Lexicon = Lexicon::of(NO_VALUES);
const LONGEST_NO_VALUE: usize = 16;
/// Parts that make a value a stand-in for one.
#[rustfmt::skip]
const STAND_INS: &[&str] = &[
    "<your", "[your", "change-me", "change_it", "change_me", "changeit", "changeme", "dummy", "enter_your", "example",
    "goes-here", "goes_here", "goeshere", "insert-", "insert_", "my-secret-name", "placeholder", "put-your",
    "put_your", "replace-me", "replace-with", "replace_me", "replace_with", "replaceme", "required|",
    "todo", "your ", "your-", "your_", "yourkey", "yourpassword", "yoursecret", "yourtoken",
];
/// Beginnings of references to where the value is kept.
#[rustfmt::skip]
const REFERENCES: &[&str] = &[
    "!getatt", "!ref", "!sub", "${", "@microsoft.keyvault", "arn:", "aws-sm:", "azurekeyvault", "bao:", "base64:",
    "cfg.", "config.", "credentials.", "data.", "doppler:", "enc[", "env(", "env.", "env:", "environ", "file:", "gcp-sm:",
    "getenv", "http://", "https://", "import.meta", "infisical:", "k8s://", "keyring:", "kms:", "local.", "module.",
    "op://", "os.", "process.env", "props.", "ref+", "secret://", "secretref:", "secrets.", "secretsmanager:",
    "self.", "settings.", "sm://", "sops:", "ssm:", "this.", "vals:", "var.", "vault:",
];

/// Where the stand-ins with each first byte are in their list, by the byte's last five bits, and the last five bits of
/// their second bytes.
const STAND_INS_BY_HEAD: [(u8, u8, u32); 32] = {
    let mut heads = [(0, 0, 0); 32];
    let mut n = 0;
    while n < STAND_INS.len() {
        let head = &mut heads[(STAND_INS[n].as_bytes()[0] & 31) as usize];
        if head.1 == 0 {
            head.0 = n as u8;
        }
        head.1 = n as u8 + 1;
        head.2 |= 1 << (STAND_INS[n].as_bytes()[1] & 31);
        n += 1;
    }
    heads
};

/// Whether a stand-in is a part of the text.
fn has_stand_in(text: &[u8]) -> bool {
    text.windows(2).enumerate().any(|(at, pair)| {
        let (start, end, seconds) = STAND_INS_BY_HEAD[usize::from(pair[0] & 31)];
        seconds >> (pair[1] & 31) & 1 == 1
            && STAND_INS[usize::from(start)..usize::from(end)].iter().any(|part| {
                text.get(at..at + part.len()).is_some_and(|text| text.eq_ignore_ascii_case(part.as_bytes()))
            })
    })
}

/// Whether `value` stands for one that is not there.
pub(super) fn is_placeholder(value: &str) -> bool {
    if is_template(value) {
        return true;
    }
    let bytes = value.as_bytes();
    let begins =
        |beginning: &str| bytes.get(..beginning.len()).is_some_and(|b| b.eq_ignore_ascii_case(beginning.as_bytes()));
    if begins("base64:") {
        return false;
    }
    // Every reference has a sign at its end, or is one of these.
    let refers = has_sign(bytes, REFERS) || begins("environ") || begins("getenv");
    if refers
        && (REFERENCES.iter().any(|beginning| begins(beginning) && (!beginning.ends_with('.') || is_tame(bytes, 5)))
            || is_location(value))
    {
        return true;
    }
    if has_stand_in(bytes) && !has_random_tail(bytes) {
        return true;
    }
    // `YOUR_TOKEN`, `ACCESS_TOKEN`: the name of a value.
    bytes.iter().all(|b| class(*b) & UPPER != 0 || *b == b'_')
        && (bytes.contains(&b'_') || ["PASSWORD", "TOKEN", "SECRET", "APIKEY", "KEY"].contains(&value))
}

/// `ref+awsssm://prod/db`, `awssm://…`: where it is kept, if nobody's password stands in it.
fn is_location(value: &str) -> bool {
    let scheme = value.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'+' || *b == b'-').count();
    scheme > 0 && value[scheme..].starts_with("://") && !value.contains('@')
}

/// Whether `value` is a variable, a mask, or empty: nothing that anybody would present.
pub(super) fn is_template(value: &str) -> bool {
    let bytes = value.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return true };
    if is_no_value(bytes) {
        return true;
    }
    // None of the forms below goes without one of these.
    if has_sign(bytes, FORMS)
        && (is_wrapped(value)
            || is_variable(value)
            || *first == b'<' && is_tame(bytes, 8)
            || *first == b'.' && *last == b'.')
    {
        return true;
    }
    is_mask(value) || is_cut(value) || is_redacted(bytes)
}

/// `[REDACTED]`, `<redacted by the operator>`: another's marker, with nothing behind it that could be a value.
fn is_redacted(bytes: &[u8]) -> bool {
    const WORD: &[u8] = b"redacted";
    has_sign(bytes, MARKS) && bytes.windows(WORD.len()).any(|part| part.eq_ignore_ascii_case(WORD)) && is_tame(bytes, 8)
}

/// Signs of references, and of the forms that templates have.
const REFERS: u8 = 1;
const FORMS: u8 = 2;
/// The first letter of another's marker.
const MARKS: u8 = 4;
const SIGNS: [u8; 256] = {
    let mut table = [0; 256];
    table[b'R' as usize] |= MARKS;
    table[b'r' as usize] |= MARKS;
    let (refers, forms) = (b".:+!({/[", b"<>{}[]%`$#\\&.");
    let mut n = 0;
    while n < refers.len() {
        table[refers[n] as usize] |= REFERS;
        n += 1;
    }
    n = 0;
    while n < forms.len() {
        table[forms[n] as usize] |= FORMS;
        n += 1;
    }
    table
};

fn has_sign(bytes: &[u8], signs: u8) -> bool {
    bytes.iter().any(|byte| SIGNS[usize::from(*byte)] & signs != 0)
}

/// `...x9f2`: the last characters of a value, for people to know it by.
fn is_cut(value: &str) -> bool {
    const MOST_SHOWN: usize = 6;
    let shown = value.trim_start_matches('.');
    value.len() - shown.len() >= 3 && shown.chars().filter(|c| c.is_alphanumeric()).count() <= MOST_SHOWN
}

/// Whether it is a word that stands where a value is missing.
fn is_no_value(bytes: &[u8]) -> bool {
    let end = bytes.iter().rposition(|byte| !b".!?;".contains(byte)).map_or(0, |last| last + 1);
    end <= LONGEST_NO_VALUE && LEXICON.find(&bytes[..end]).is_some()
}

/// `<token>`, `{{ token }}`, `[token]`, `%TOKEN%`, `{token}`, and a shell's `` `command` ``.
fn is_wrapped(value: &str) -> bool {
    let bytes = value.as_bytes();
    let wrapped =
        |open: &[u8], close: &[u8]| bytes.starts_with(open) && bytes.ends_with(close) && bytes.len() > open.len();
    if wrapped(b"{", b"}")
        && !wrapped(b"{{", b"}}")
        && bytes[1..bytes.len() - 1].iter().all(|b| b.is_ascii_alphanumeric() || b"_.:".contains(b))
    {
        return bytes.len() < 24 && !bytes.iter().any(u8::is_ascii_digit) || bytes.len() == 3;
    }
    (wrapped(b"<", b">") || wrapped(b"[", b"]") || wrapped(b"{{", b"}}") || wrapped(b"%", b"%") && !value.contains(' '))
        && is_tame(bytes, 8)
        || bytes.len() > 1 && wrapped(b"`", b"`")
}

/// Whether its words are such as people name things with: none that is as long as `wild` has capitals, small letters and
/// digits at once.
fn is_tame(bytes: &[u8], wild: usize) -> bool {
    bytes.split(|byte| !byte.is_ascii_alphanumeric()).all(|word| {
        word.len() < wild
            || !(word.iter().any(u8::is_ascii_digit)
                && word.iter().any(u8::is_ascii_uppercase)
                && word.iter().any(u8::is_ascii_lowercase))
    })
}

/// `$PASSWORD`, `${PASSWORD}`, `%s`, `#{password}`.
fn is_variable(value: &str) -> bool {
    let bytes = value.as_bytes();
    // `${X}Tr0ub4dor3x`: what is glued to a variable is a value, and so is what pretends to be one and is not closed.
    if value.starts_with("${") && !is_tame(&bytes[value.find('}').map_or(0, |close| close + 1)..], 8) {
        return false;
    }
    if ["${", "$(", "$[", "{{", "<%", "%(", "#{", "\\(", "{%"].iter().any(|open| value.starts_with(open))
        || has_variable(value)
        || value.contains("{{") && value.contains("}}") && value.contains(['.', ' '])
    {
        return true;
    }
    match bytes[0] {
        b'$' if bytes.len() > 1 => {
            let rest = &bytes[1..];
            let name = rest.strip_prefix(b"env:").unwrap_or(rest);
            let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_:.[]'>-".contains(b);
            let first = name.first().copied().unwrap_or_default();
            name.iter().all(is_name) && (first.is_ascii_alphabetic() || first == b'_' || name.len() == 1)
        }
        b'%' => bytes.len() <= 3,
        b'&' => bytes[1..].iter().all(u8::is_ascii_alphanumeric),
        _ => false,
    }
}

/// `prefix-${NAME}`, `${a.b:-c}` anywhere in it.
fn has_variable(value: &str) -> bool {
    const MOST: usize = 8;
    value.match_indices("${").take(MOST).any(|(at, _)| {
        let inside = &value[at + 2..];
        inside.find('}').is_some_and(|end| {
            end > 0
                && inside[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-[]()'\"/?".contains(&b))
                && inside.as_bytes()[0] != b']'
        })
    })
}

/// `xxxx`, `********`, `......`: one byte again and again, with separators; or mostly such runs.
fn is_mask(value: &str) -> bool {
    let bytes = value.as_bytes();
    let mut core = bytes.iter().filter(|b| !b"-_ .:/".contains(b)).map(u8::to_ascii_lowercase);
    let Some(first) = core.next() else { return true };
    let mut length = 1;
    let same = core.all(|byte| {
        length += 1;
        byte == first
    });
    same && length >= 3 && !first.is_ascii_digit()
        || bytes.len() >= 6 && distinct(bytes) <= 2 && !bytes.iter().all(u8::is_ascii_lowercase)
        || masked_share(bytes) * 2 > bytes.len()
        || !value.is_ascii() && value.chars().filter(|c| "•●∙…█".contains(*c)).count() >= 3
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
