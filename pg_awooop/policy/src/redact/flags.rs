//! Flags of commands: `--token …`, `-u user:…`, `-p …`.

use super::bytes::{DEEPEST, run_on, stands_at};
use super::names::{self, Name};
use super::rules::builtin::COMMAND_LOGIN;
use super::scan::Scanner;
use super::values::{Style, is_template};

/// Users and passwords of manuals.
const MANUAL_USERS: &[&str] = &["login", "name", "user", "username"];
const MANUAL_PASSWORDS: &[&str] =
    &["apikey", "apitoken", "api_key", "api_token", "key", "pass", "passwd", "password", "pwd", "secret", "token"];

const LONGEST_USER: usize = 64;

impl Scanner<'_> {
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
        let argument = self.behind_flag(end);
        match flag {
            b"-u" | b"--user" | b"--proxy-user" | b"-U" => return self.login_argument(start, argument),
            b"-a" if self.command_before(start).contains("http") => return self.login_argument(start, argument),
            b"-b" | b"--cookie" => {
                let name = run_on(bytes, argument, 64, |byte| byte.is_ascii_graphic() && byte != b'=');
                if self.byte(name) == b'=' {
                    self.header(end + 1, true, false);
                }
                return;
            }
            b"-p" | b"-P" | b"-a" | b"-w" | b"-A" | b"-X" if !attached => return self.short_flag(start, end, false),
            b"-pass" | b"-passin" | b"-passout" if stands_at(bytes, argument, b"pass:") => {
                if let Some(value) = self.value_at(argument + "pass:".len()) {
                    self.judge(value, names::Strength::Password, Style::Tight);
                }
                return;
            }
            [b'-', b'p', rest @ ..] if attached => {
                self.short_flag(start, end, true);
                if rest.len() < 3 {
                    return;
                }
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
            && let Some(value) = self.value_at(argument)
            && self.byte(value.start) != b'-'
        {
            // What is given to a command is no code.
            self.judge(value, strength, Style::Quoted);
        }
    }

    /// `user:password` as a shell's word: `a:b`, `"a:b"`, `"a":"b"`, with escaped quotes as well.
    fn login_argument(&mut self, flag: usize, start: usize) {
        let bytes = self.bytes;
        let reach = self.reach(start, 512);
        let limit = bytes.len().min(start + reach);
        let percent =
            run_on(bytes, start, LONGEST_USER, |byte| byte.is_ascii_graphic() && byte != b'%' && byte != b':');
        let samba = self.byte(percent) == b'%' && self.command_before(flag).contains("smb");
        let separator = if samba { b'%' } else { b':' };
        let (mut at, mut quote) = (start, None);
        let mut colon = None;
        while at < limit {
            let slashes = run_on(bytes, at, DEEPEST, |byte| byte == b'\\');
            let byte = self.byte(slashes);
            let depth = slashes - at;
            if matches!(byte, b'"' | b'\'') {
                match quote {
                    Some(open) if open == (byte, depth) => quote = None,
                    // One with fewer backslashes ends what holds the command.
                    Some((_, open)) if depth < open => break,
                    Some(_) => {}
                    // A quote opens before the user, and before the password.
                    None if (at == start || colon.is_some_and(|colon| colon + 1 == at)) && self.opens(slashes) => {
                        quote = Some((byte, depth));
                    }
                    None => break,
                }
                at = slashes + 1;
                continue;
            }
            if depth > 0 {
                if quote.is_none() && matches!(byte, b'n' | b'r') {
                    break;
                }
                at = slashes;
                continue;
            }
            match byte {
                b'\n' => break,
                b' ' | b'\t' if quote.is_none() => break,
                byte if byte == separator && colon.is_none() => colon = Some(at),
                _ => {}
            }
            at += 1;
        }
        self.spend(at.saturating_sub(start));
        let sign = |byte: u8| b"\"'\\".contains(&byte);
        let trimmed = |from: usize, to: usize| {
            let from = run_on(bytes, from, to.saturating_sub(from), sign);
            let tail = bytes[from..to.max(from)].iter().rev().take_while(|byte| sign(**byte)).count();
            (from, to.max(from) - tail)
        };
        let end = at.min(limit);
        if !self.text.is_char_boundary(start) || !self.text.is_char_boundary(end) {
            return;
        }
        let (user_start, user_end) = trimmed(start, colon.unwrap_or(end));
        let user = self.slice(user_start, user_end);
        let Some(colon) = colon else { return };
        let (from, to) = trimmed(colon + 1, end);
        let password = self.slice(from, to);
        if password.is_empty() {
            // `-u token:`: the user is the secret.
            if user.len() >= 8 && user.bytes().any(|byte| byte.is_ascii_digit()) && !is_template(user) {
                self.found(&COMMAND_LOGIN, user_start, user_end);
            }
            return;
        }
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let manual = MANUAL_PASSWORDS.contains(&password.to_ascii_lowercase().as_str())
            && MANUAL_USERS.contains(&user.to_ascii_lowercase().as_str())
            || user.starts_with('<') && password.ends_with('>');
        let ids = digits(user) && digits(password);
        if !(manual || ids || is_template(password) || password.starts_with("//")) {
            self.found(&COMMAND_LOGIN, from, to);
            self.operators_until = self.operators_until.max(to);
        }
    }

    /// Whether the quote opens something: what ends a string of JSON has an end behind it.
    fn opens(&self, quote: usize) -> bool {
        !matches!(self.byte(quote + 1), 0 | b'}' | b',' | b']' | b'\n')
    }
}
