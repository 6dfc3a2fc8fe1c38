//! Secrets in sentences: `the password is …`, `password "…"`, `Password for joe: …`, `IDENTIFIED BY '…'`.

use super::bytes::{is_word, run_back, run_on};
use super::lexicon::Lexicon;
use super::names::{self, Name, Strength};
use super::scan::Scanner;
use super::value::Value;
use super::values::{self, Style};

/// Words that a secret may follow without an operator.
const WORDS: &[&str] = &[
    "access_token",
    "add_user",
    "api_key",
    "asplaintext",
    "basic",
    "bearer",
    "by",
    "change_password",
    "chpasswd",
    "client_secret",
    "code",
    "convertto-securestring",
    "htpasswd",
    "key",
    "keypassword",
    "masterauth",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "pwd",
    "requirepass",
    "secret",
    "storepassword",
    "sudo",
    "token",
    "unseal",
    "use",
    "values",
    "vault",
];

static LEXICON: Lexicon = Lexicon::of(WORDS);

/// The same by first and last letter, and by first letter and length: most words are none of them.
static STARTS: [(u32, u32); 32] = {
    let mut table = [(0, 0); 32];
    let mut n = 0;
    while n < WORDS.len() {
        let word = WORDS[n].as_bytes();
        let row = &mut table[(word[0] & 31) as usize];
        row.0 |= 1 << (word[word.len() - 1] & 31);
        row.1 |= 1 << word.len();
        n += 1;
    }
    table
};

/// What a password is said to be with.
const VERBS: &[&str] = &["is", "was", "are", "to", "now", "still", "set", "changed", "be", "will", "as", "->", "→"];
/// Words that are no passwords, though they have a digit or stand in quotes.
const TECHNICAL: &[&str] = &[
    "argon2",
    "argon2i",
    "argon2id",
    "base32",
    "base64",
    "bcrypt",
    "ed25519",
    "hs256",
    "http2",
    "ipv4",
    "ipv6",
    "md5",
    "oauth2",
    "pbkdf2",
    "plaintext",
    "rs256",
    "saml2",
    "scrypt",
    "sha1",
    "sha2",
    "sha256",
    "sha3",
    "sha512",
    "tls13",
    "utf8",
];

impl Scanner<'_> {
    /// A word without digits.
    #[inline(always)]
    pub(super) fn prose(&mut self, start: usize, end: usize) {
        let (first, last) = (self.bytes[start], self.bytes[end - 1]);
        let (lasts, lengths) = STARTS[usize::from(first & 31)];
        if lasts >> (last & 31) & lengths >> (end - start) & 1 == 1 {
            self.prose_word(start, end);
        }
    }

    fn prose_word(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        if start < self.operators_until {
            return;
        }
        let Some(word) = LEXICON.find(&bytes[start..end]) else { return };
        let strength = match word {
            "values" => return self.inserted(start, end),
            "bearer"
            | "basic"
            | "by"
            | "htpasswd"
            | "chpasswd"
            | "sudo"
            | "use"
            | "vault"
            | "unseal"
            | "add_user"
            | "change_password"
            | "convertto-securestring"
            | "asplaintext" => {
                if self.byte(end) == b' ' || word == "chpasswd" {
                    self.command(word, start, end);
                }
                return;
            }
            "token" | "key" | "api_key" | "access_token" | "client_secret" => Strength::Token,
            "code" if !self.is_one_time(start) => return,
            _ => Strength::Password,
        };
        if self.begins_cell(start) {
            self.column(start, end, strength);
        }
        if self.byte(end) != b' ' {
            return;
        }
        match word {
            "requirepass" | "masterauth" | "storepassword" | "keypassword" => {
                if let Some(value) = self.value_at(end + 1) {
                    self.judge(value, strength, if value.quoted { Style::Quoted } else { Style::Tight });
                }
            }
            _ => self.said(start, end, strength),
        }
    }

    /// Whether the word before says that a code is one to log in with.
    fn is_one_time(&self, at: usize) -> bool {
        const KINDS: &[&str] = &[
            "2fa",
            "access",
            "authentication",
            "backup",
            "confirmation",
            "login",
            "mfa",
            "one-time",
            "otp",
            "passcode",
            "recovery",
            "security",
            "sms",
            "verification",
        ];
        let word_end = run_back(self.bytes, at, 1, |byte| byte == b' ');
        let word = run_back(self.bytes, word_end, 16, is_word);
        KINDS.iter().any(|kind| self.bytes[word..word_end].eq_ignore_ascii_case(kind.as_bytes()))
    }

    /// `config set api_token …`: a name with a value behind a blank, which must be nothing but a secret.
    pub(super) fn spaced_name(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        let next = self.byte(end + 1);
        if start < self.operators_until
            || !(next.is_ascii_alphanumeric() || next == b'"' || next == b'\'')
            || !names::could_be_secret(&bytes[start..end])
        {
            return;
        }
        let value_end = run_on(bytes, end + 1, 64, |byte| byte.is_ascii_alphanumeric() || b"_-+/=".contains(&byte));
        // Dockerfiles have settings so: `ENV DB_PASSWORD …`.
        let setting = bytes[..start].ends_with(b"ENV ");
        let random = value_end - end >= 20 && bytes[end + 1..value_end].iter().any(u8::is_ascii_digit);
        if !random && !setting {
            return;
        }
        if let Some(strength) = Name::cut(&bytes[start..end]).strength()
            && let Some(value) = self.value_at(end + 1)
            && (setting || values::is_random(&bytes[value.start..value.end]))
        {
            self.judge(value, strength, if setting { Style::Tight } else { Style::Loose });
        }
    }

    /// SQL: IDENTIFIED BY 'secret'.
    pub(super) fn identified_by(&mut self, start: usize, end: usize) {
        let before = start.saturating_sub("identified ".len());
        if self.bytes[before..start].eq_ignore_ascii_case(b"identified ")
            && let Some(value) = self.value_at(end + 1).filter(|value| value.quoted)
        {
            self.judge(value, Strength::Password, Style::Quoted);
        }
    }

    /// `password is x`, `password "x"`, `login me password x`, `password for me: x`.
    fn said(&mut self, start: usize, end: usize, strength: Strength) {
        let bytes = self.bytes;
        let mut at = run_on(bytes, end, 4, |byte| byte == b' ');
        let mut said = false;
        if let Some(behind) = self.owner(at) {
            at = behind;
            said = true;
        }
        for _ in 0..4 {
            let word_end = run_on(bytes, at, 12, |byte| byte != b' ' && byte != b'\n');
            let word = self.text.get(at..word_end).unwrap_or_default().trim_end_matches(':');
            if self.byte(word_end) != b' ' || !VERBS.iter().any(|verb| word.eq_ignore_ascii_case(verb)) {
                break;
            }
            said = true;
            at = word_end + 1;
        }
        let Some(mut value) = self.value_at(at) else { return };
        let text = self.slice(value.start, value.end);
        let technical = text.len() <= 12 && TECHNICAL.iter().any(|word| text.eq_ignore_ascii_case(word));
        if technical || text.starts_with('(') {
            return;
        }
        if value.quoted {
            if self.quoted_in_prose(start, end, &value, said, strength) {
                self.judge(value, strength, Style::Quoted);
            }
            return;
        }
        while value.end > value.start && b".!?".contains(&bytes[value.end - 1]) && said {
            value.end -= 1;
        }
        let text = self.slice(value.start, value.end);
        if strength == Strength::Password {
            let digits = text.bytes().any(|b| b.is_ascii_digit());
            let mixed = digits && text.bytes().any(|b| b.is_ascii_alphabetic()) && text.len() >= 6;
            if self.follows_login(start) {
                return self.judge(value, strength, Style::Tight);
            }
            let signs = text.bytes().filter(|b| b"!@#$%^&*+~=".contains(b)).count();
            let hyphens = text.bytes().filter(|b| *b == b'-').count();
            let bare_number = said && text.len() >= 4 && text.bytes().all(|b| b.is_ascii_digit());
            let phrase = said && hyphens >= 2 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            if mixed || bare_number || phrase || said && signs > 0 && text.len() >= 6 {
                self.judge(value, strength, if bare_number || phrase { Style::Tight } else { Style::Loose });
            }
        } else if values::is_random(text.as_bytes()) && text.len() >= if said { 10 } else { 20 } {
            self.judge(value, strength, Style::Loose);
        }
    }

    /// `for user 'joe' is `, `for joe: `, `FOR 'joe'@'%' = `: behind the owner of a password.
    fn owner(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes;
        if !bytes.get(at..at + 4)?.eq_ignore_ascii_case(b"for ") && !bytes[at..at + 3].eq_ignore_ascii_case(b"of ") {
            return None;
        }
        let limit = run_on(bytes, at, 64, |byte| byte != b'\n' && byte < 0x80);
        let text = &bytes[at..limit];
        let sign = |sign: &[u8]| text.windows(sign.len()).position(|window| window == sign).map(|n| n + sign.len());
        let behind = [sign(b": "), sign(b" is "), sign(b" = ")].into_iter().flatten().min()?;
        // Not more than three words.
        (text[..behind].iter().filter(|byte| **byte == b' ').count() <= 5).then_some(at + behind)
    }

    fn quoted_in_prose(&self, start: usize, end: usize, value: &Value, said: bool, strength: Strength) -> bool {
        let bytes = self.bytes;
        let text = &bytes[value.start..value.end];
        if self.closes_string(start, value.start) {
            return false;
        }
        let code = strength == Strength::Password && bytes[start..end].iter().all(u8::is_ascii_lowercase) && !said;
        let after = self.byte(value.end + 1);
        // `password "x";` is a setting; `the password 'field' is` goes on.
        !code
            || !after.is_ascii_alphabetic() && (after != b' ' || values::is_random(text))
            || text.iter().any(u8::is_ascii_digit)
    }

    /// `login ziggy password …` of a netrc file, `user app password …`.
    fn follows_login(&self, at: usize) -> bool {
        let bytes = self.bytes;
        let name_end = run_back(bytes, at, 16, |byte| byte.is_ascii_whitespace());
        let name = run_back(bytes, name_end, 64, |byte| !byte.is_ascii_whitespace());
        let word_end = run_back(bytes, name, 16, |byte| byte.is_ascii_whitespace());
        let word = run_back(bytes, word_end, 10, |byte| byte.is_ascii_alphabetic());
        ["login", "user", "account", "username"]
            .iter()
            .any(|known| bytes[word..word_end].eq_ignore_ascii_case(known.as_bytes()))
            && name < name_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(WORDS.is_sorted() && TECHNICAL.is_sorted());
    }
}
