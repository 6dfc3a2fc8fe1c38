//! Secrets in sentences and commands: `the password is …`, `--token …`, `curl -u user:…`, 密碼是….

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::assign::Value;
use super::bytes::{run_back, run_on};
use super::family::Family;
use super::names::{self, Name, Strength};
use super::scan::Scanner;
use super::values::{self, Style, is_template};

/// Words that a secret may follow without an operator, by first and last letter: most words are none of them.
static STARTS: [u32; 32] = {
    let mut table = [0; 32];
    let mut n = 0;
    while n < WORDS.len() {
        let word = WORDS[n].as_bytes();
        table[(word[0] & 31) as usize] |= 1 << (word[word.len() - 1] & 31);
        n += 1;
    }
    table
};
const WORDS: &[&str] =
    &["basic", "bearer", "by", "key", "passcode", "passphrase", "passwd", "password", "pin", "pwd", "secret", "token"];
/// What a password is said to be with.
const VERBS: &[&str] =
    &["is", "was", "are", "to", "now", "still", "set", "changed", "be", "will", "as", "->", "→", "=", ":"];
/// Words with digits that are no passwords.
const TECHNICAL: &[&str] = &[
    "argon2", "argon2id", "base32", "base64", "http2", "ipv4", "ipv6", "md5", "oauth2", "pbkdf2", "saml2", "sha1",
    "sha2", "sha256", "sha3", "sha512", "tls13", "utf8",
];

impl Scanner<'_> {
    /// A word without digits.
    #[inline(always)]
    pub(super) fn prose(&mut self, start: usize, end: usize) {
        let (first, last) = (self.bytes[start], self.bytes[end - 1]);
        if STARTS[(first & 31) as usize] >> (last & 31) & 1 == 1 {
            self.prose_word(start, end);
        }
    }

    fn prose_word(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        if self.byte(end) != b' ' || start < self.operators_until {
            return;
        }
        let is = |word: &str| bytes[start..end].eq_ignore_ascii_case(word.as_bytes());
        if is("bearer") {
            return self.bearer(end + 1);
        }
        if is("basic") {
            return self.basic(end + 1);
        }
        if is("by") {
            // SQL: IDENTIFIED BY 'secret'.
            if bytes[..start].to_ascii_lowercase_tail(11) == *b"identified "
                && let Some(value) = self.value_at(end + 1).filter(|v| v.quoted)
            {
                self.judge(value, Strength::Password, Style::Quoted);
            }
            return;
        }
        let strength = if is("token") || is("key") { Strength::Token } else { Strength::Password };
        if WORDS[3..].iter().any(|word| is(word)) {
            self.said(start, end, strength);
        }
    }

    /// `password is x`, `password "x"`, `login me password x`.
    fn said(&mut self, start: usize, end: usize, strength: Strength) {
        let bytes = self.bytes;
        let mut at = run_on(bytes, end, 4, |byte| byte == b' ');
        let mut said = false;
        for _ in 0..4 {
            let word_end = run_on(bytes, at, 12, |byte| byte != b' ' && byte != b'\n');
            let word = &self.text.get(at..word_end).unwrap_or_default();
            if self.byte(word_end) != b' ' || !VERBS.iter().any(|verb| word.eq_ignore_ascii_case(verb)) {
                break;
            }
            said = true;
            at = word_end + 1;
        }
        let Some(value) = self.value_at(at) else { return };
        let text = &self.text[value.start..value.end];
        if value.quoted {
            let code = strength == Strength::Password && bytes[start..end].iter().all(u8::is_ascii_lowercase) && !said;
            let after = self.byte(value.end + 1);
            // `password "x";` is a setting; `the password 'field' is` goes on.
            if !code
                || !after.is_ascii_alphabetic() && (after != b' ' || values::is_random(text.as_bytes()))
                || text.bytes().any(|b| b.is_ascii_digit())
            {
                self.judge(value, strength, Style::Quoted);
            }
            return;
        }
        let mut value = value;
        while value.end > value.start && b".!?".contains(&bytes[value.end - 1]) && said {
            value.end -= 1;
        }
        let text = &self.text[value.start..value.end];
        if TECHNICAL.contains(&text.to_ascii_lowercase().as_str()) || text.starts_with('(') {
            return;
        }
        if strength == Strength::Password {
            let mixed = text.bytes().any(|b| b.is_ascii_digit())
                && text.bytes().any(|b| b.is_ascii_alphabetic())
                && text.len() >= 6;
            if self.follows_login(start) {
                return self.judge(value, strength, Style::Tight);
            }
            let signs = text.bytes().filter(|b| b"!@#$%^&*+~=".contains(b)).count();
            let bare_number = said && text.len() >= 4 && text.bytes().all(|b| b.is_ascii_digit());
            if mixed || bare_number || said && signs > 0 && text.len() >= 6 {
                self.judge(value, strength, if bare_number { Style::Tight } else { Style::Loose });
            }
        } else if said && values::is_random(text.as_bytes()) && text.len() >= 10 {
            self.judge(value, strength, Style::Loose);
        }
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

    fn bearer(&mut self, at: usize) {
        let end =
            run_on(self.bytes, at, self.reach(at, 4096), |b| b.is_ascii_alphanumeric() || b"._~+/=-:".contains(&b));
        self.spend(end - at);
        let token = &self.bytes[at..end];
        let plain = !token.iter().any(u8::is_ascii_digit) && token.len() < 24;
        if token.len() >= 10 && !plain && !is_template(&self.text[at..end]) && super::checksum::distinct(token) > 4 {
            self.found(Family::AuthToken, "bearer-token", at, end);
        }
    }

    fn basic(&mut self, at: usize) {
        let end = run_on(self.bytes, at, 1024, |b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        let token = &self.bytes[at..end];
        if token.len() >= 8
            && let Ok(decoded) = STANDARD.decode(token)
            && decoded.contains(&b':')
            && decoded.iter().all(|byte| (0x20..0x7f).contains(byte))
        {
            self.found(Family::AuthToken, "basic-credentials", at, end);
        }
    }

    /// A word that begins with a hyphen: a flag whose argument may be a secret.
    pub(super) fn flag(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        let attached =
            bytes[start..end].starts_with(b"-p") && (end > start + 2 || matches!(self.byte(end), b'"' | b'\''));
        if self.byte(end) != b' ' && !attached
            || start > 0 && !bytes[start - 1].is_ascii_whitespace() && !b"\"'`([".contains(&bytes[start - 1])
        {
            return;
        }
        let flag = &bytes[start..end];
        match flag {
            b"-u" | b"--user" | b"--proxy-user" | b"-U" => return self.login_argument(end + 1),
            b"-b" | b"--cookie" => return self.header(end, true, false),
            b"-p" | b"-P" | b"-a" | b"-w" if !attached => {
                if self.command_takes_password(start, flag[1])
                    && let Some(value) = self.value_at(end + 1)
                    && !bytes[value.start..value.end].iter().all(|b| b.is_ascii_digit() || *b == b':')
                {
                    self.judge(value, Strength::Password, if value.quoted { Style::Quoted } else { Style::Tight });
                }
                return;
            }
            [b'-', b'p', ..] if attached && self.mysql(start) => {
                let Some(value) = self.value_at(start + 2) else { return };
                let (start, end) = (value.start - 2, value.end);
                if !is_template(&self.text[start + 2..end]) {
                    self.found(Family::Secret, "command-password", start + 2, end);
                }
                return;
            }
            _ => {}
        }
        if self.byte(end) != b' ' {
            return;
        }
        let name = &flag[flag.iter().take_while(|byte| **byte == b'-').count()..];
        if name.len() < 3 || !names::could_be_secret(name) {
            return;
        }
        if let Some(strength) = Name::cut(name).strength()
            && let Some(value) = self.value_at(end + 1)
            && self.byte(value.start) != b'-'
        {
            self.judge(value, strength, if value.quoted { Style::Quoted } else { Style::Tight });
        }
    }

    /// `user:password` as a shell's word.
    fn login_argument(&mut self, start: usize) {
        let bytes = self.bytes;
        let mut end = start;
        let mut quote = 0;
        let limit = bytes.len().min(start + self.reach(start, 512));
        while end < limit {
            match bytes[end] {
                // An escaped quote opens and closes, too; one that is escaped twice ends what holds the command.
                b'\\' if matches!(self.byte(end + 1), b'"' | b'\'') => {
                    end += 1;
                    match bytes[end] {
                        byte if quote == byte => quote = 0,
                        byte if quote == 0 && end <= start + 1 => quote = byte,
                        _ if quote == 0 => break,
                        _ => {}
                    }
                }
                b'\n' => break,
                b' ' | b'\t' if quote == 0 => break,
                byte @ (b'"' | b'\'') if quote == 0 => quote = byte,
                byte if byte == quote => quote = 0,
                b'\\' => break,
                _ => {}
            }
            end += 1;
        }
        let trim = |from: usize, to: usize| {
            let sign = |byte: u8| b"\"'\\".contains(&byte);
            (run_on(bytes, from, to - from, sign), run_back(bytes, to, to - from, sign))
        };
        let end = end.min(bytes.len());
        self.spend(end.saturating_sub(start));
        if !self.text.is_char_boundary(start) || !self.text.is_char_boundary(end) {
            return;
        }
        // `user:password`; `user%password` of Samba's tools.
        let separator = if self.command_before(start).contains("smb") { b'%' } else { b':' };
        let Some(colon) = bytes[start..end].iter().position(|byte| *byte == separator).map(|n| start + n) else {
            return;
        };
        let (user, user_end) = trim(start, colon);
        let (from, to) = trim(colon + 1, end);
        if from < to {
            let password = &self.text[from..to];
            let numeric = bytes[from..to].iter().all(u8::is_ascii_digit)
                && bytes[user..user_end.max(user)].iter().all(u8::is_ascii_digit);
            if !is_template(password) && !numeric && !password.starts_with("//") {
                self.found(Family::Secret, "command-login", from, to);
                self.operators_until = self.operators_until.max(to);
            }
        } else if user + 8 <= user_end
            && bytes[user..user_end].iter().any(u8::is_ascii_digit)
            && !is_template(&self.text[user..user_end])
        {
            self.found(Family::Secret, "command-login", user, user_end);
        }
    }

    fn command_before(&self, at: usize) -> &str {
        let reach = self.reach(at, 200);
        self.spend(reach * 8);
        let mut start = run_back(self.bytes, at, reach, |byte| byte != b'\n' && byte != b'|' && byte != b';');
        while !self.text.is_char_boundary(start) {
            start += 1;
        }
        &self.text[start..at]
    }

    fn command_takes_password(&self, at: usize, flag: u8) -> bool {
        let command = self.command_before(at);
        let any = |names: &[&str]| names.iter().any(|name| command.contains(name));
        match flag {
            b'a' => any(&["redis-cli"]),
            b'w' => any(&["ldapsearch", "ldapmodify", "ldapadd", "ipmitool"]),
            b'P' => any(&["ipmitool", "sqlcmd", "bcp", "mosquitto", "ftp", "lftp"]),
            _ => {
                any(&[
                    "psexec",
                    "PsExec",
                    "sshpass",
                    "login",
                    "mongo",
                    "psql",
                    "7z",
                    "unzip",
                    "zip",
                    "ansible-vault",
                    "smbclient",
                    "wmic",
                    "net use",
                    "rabbitmq",
                    "crackmapexec",
                    "evil-winrm",
                    "htpasswd",
                    "openssl",
                    "keytool",
                ]) && !any(&["docker run", "podman run", "ssh -p", "nmap"])
            }
        }
    }

    fn mysql(&self, at: usize) -> bool {
        let command = self.command_before(at);
        (command.contains("mysql") || command.contains("mariadb")) && self.byte(at + 2) != b'o'
    }

    /// Words of other scripts that name a secret: 密碼, 金鑰, 權杖, パスワード.
    pub(super) fn words_beyond_ascii(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        let mut at = start;
        while at + 3 <= end {
            let (word, strength) = match &bytes[at..at + 3] {
                [0xE5, 0xAF, 0x86] => (["密碼", "密码", "密鑰", "密钥"].as_slice(), Strength::Password),
                [0xE5, 0x8F, 0xA3] => (["口令"].as_slice(), Strength::Password),
                [0xE9, 0x80, 0x9A] => (["通行碼", "通關密語", "通行密碼"].as_slice(), Strength::Password),
                [0xE9, 0x87, 0x91] => (["金鑰"].as_slice(), Strength::Password),
                [0xE7, 0xA7, 0x81] => (["私鑰", "私钥"].as_slice(), Strength::Token),
                [0xE6, 0xAC, 0x8A] => (["權杖"].as_slice(), Strength::Token),
                [0xE4, 0xBB, 0xA4] => (["令牌"].as_slice(), Strength::Token),
                [0xE9, 0xA9, 0x97] => (["驗證碼"].as_slice(), Strength::Password),
                [0xE3, 0x83, 0x91] => (["パスワード"].as_slice(), Strength::Password),
                [0xEB, 0xB9, 0x84] => (["비밀번호"].as_slice(), Strength::Password),
                [first, ..] => {
                    at += if *first >= 0xF0 {
                        4
                    } else if *first >= 0xE0 {
                        3
                    } else {
                        2
                    };
                    continue;
                }
                _ => return,
            };
            match word.iter().find(|word| bytes[at..].starts_with(word.as_bytes())) {
                Some(word) => {
                    at += word.len();
                    self.named_beyond_ascii(at, strength);
                }
                None => at += 3,
            }
        }
    }

    fn named_beyond_ascii(&mut self, at: usize, strength: Strength) {
        let mut value_at = at;
        let mut said = false;
        // At most five of: a verb, a colon, a bracket, a blank.
        for _ in 0..5 {
            let rest = &self.text[value_at..];
            let sign = ["是", "為", "为", "：", ":", "＝", "=", "「", "『", "“", "設為", "改為", "改成", "変更", "は"];
            if let Some(sign) = sign.iter().find(|sign| rest.starts_with(**sign)) {
                said = true;
                value_at += sign.len();
            } else if rest.starts_with(' ') {
                value_at += 1;
            } else {
                break;
            }
        }
        let Some(value) = self.value_at(value_at) else { return };
        let text = &self.text[value.start..value.end];
        let mixed = text.bytes().any(|b| b.is_ascii_digit());
        if value.quoted || said && text.len() >= 4 && text.is_ascii() || mixed && text.len() >= 6 && value_at > at {
            let style = if value.quoted { Style::Quoted } else { Style::Tight };
            self.judge(Value { spaced: false, ..value }, strength, style);
        }
    }
}

/// The last bytes of a text in lower case.
trait LowercaseTail {
    fn to_ascii_lowercase_tail(&self, n: usize) -> Vec<u8>;
}

impl LowercaseTail for [u8] {
    fn to_ascii_lowercase_tail(&self, n: usize) -> Vec<u8> {
        self[self.len().saturating_sub(n)..].to_ascii_lowercase()
    }
}
