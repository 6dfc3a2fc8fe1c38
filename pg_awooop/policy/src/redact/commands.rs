//! Commands that are given a password without a flag: `htpasswd -b file user …`, `net use … /user:x …`,
//! `echo … | sudo -S`, `rabbitmqctl add_user x …`, `vault login …`.

use super::bytes::{DEEPEST, line_end, run_back, run_on, stands_at};
use super::names::Strength;
use super::rules::builtin::COMMAND_PASSWORD;
use super::scan::Scanner;
use super::value::Value;
use super::values::{Style, is_placeholder, is_random};

/// The most words of a command that are looked at.
const MOST_ARGUMENTS: usize = 5;

impl Scanner<'_> {
    /// A word that has a way of its own to be given a secret.
    pub(super) fn command(&mut self, word: &str, start: usize, end: usize) {
        match word {
            "bearer" => self.bearer(end + 1),
            "basic" => self.basic(end + 1),
            "by" => self.identified_by(start, end),
            "htpasswd" => {
                // The last of three words behind flags with a `b` for batch.
                let flags = run_on(self.bytes, end, 8, |byte| byte == b' ');
                let flags_end = run_on(self.bytes, flags, 16, |byte| byte == b'-' || byte.is_ascii_alphanumeric());
                if self.byte(flags) == b'-' && self.bytes[flags..flags_end].contains(&b'b') {
                    let arguments = self.arguments(flags_end, 3);
                    self.argument_of_command(arguments[2]);
                }
            }
            "add_user" | "change_password" => {
                let arguments = self.arguments(end, 2);
                self.argument_of_command(arguments[1]);
            }
            "use" if self.bytes[..start].ends_with(b"net ") => {
                let arguments = self.arguments(end, MOST_ARGUMENTS);
                let is_user = |word: &Value| self.bytes[word.start..word.end].starts_with(b"/user:");
                let user = arguments.iter().flatten().position(is_user);
                let behind = user.and_then(|n| *arguments.get(n + 1)?).filter(|word| self.bytes[word.start] != b'/');
                self.argument_of_command(behind);
            }
            "vault" if stands_at(self.bytes, end, b" login ") => self.token_of_vault(end + " login".len()),
            "unseal" => self.token_of_vault(end),
            "convertto-securestring" => {
                let value = self.value_at(end + 1).filter(|value| value.quoted);
                self.argument_of_command(value);
            }
            "sudo" if stands_at(self.bytes, end, b" -S") => self.echoed(start, false),
            "chpasswd" => self.echoed(start, true),
            _ => {}
        }
    }

    /// `vault login …`, `vault operator unseal …`.
    fn token_of_vault(&mut self, at: usize) {
        let [token, ..] = self.arguments(at, 1);
        self.argument_of_command(
            token.filter(|token| token.end - token.start >= 20 && is_random(&self.bytes[token.start..token.end])),
        );
    }

    fn argument_of_command(&mut self, value: Option<Value>) {
        let Some(value) = value.filter(|value| value.end > value.start) else { return };
        if !is_placeholder(self.slice(value.start, value.end)) {
            self.found(&COMMAND_PASSWORD, value.start, value.end);
        }
    }

    /// The next words of a shell's line, at most so many.
    fn arguments(&self, at: usize, most: usize) -> [Option<Value>; MOST_ARGUMENTS] {
        let reach = self.reach(at, 400);
        let limit = line_end(self.bytes, at, reach);
        self.spend(4 * (limit - at));
        let mut words = [None; MOST_ARGUMENTS];
        let mut at = at;
        for place in words.iter_mut().take(most) {
            let start = run_on(self.bytes, at, 8, |byte| byte == b' ');
            if start >= limit || b"|&;\"".contains(&self.bytes[start]) {
                break;
            }
            let quoted = self.value_at(start).filter(|word| word.quoted && self.bytes[start] != b'\\');
            let word = quoted.unwrap_or_else(|| {
                // Backslashes of Windows are a part of their word; those before a quote are the quote's.
                let mut end = run_on(self.bytes, start, limit - start, |byte| !b" \"\n".contains(&byte));
                if self.byte(end) == b'"' {
                    end = run_back(self.bytes, end, end - start, |byte| byte == b'\\');
                }
                Value { start, end, quoted: false, spaced: true }
            });
            at = if word.quoted { self.behind_quote(word.end) } else { word.end };
            if word.end <= word.start {
                break;
            }
            *place = Some(word);
        }
        words
    }

    /// `echo … | sudo -S`, `echo 'user:…' | chpasswd`: what an echo before the pipe says.
    fn echoed(&mut self, command: usize, login: bool) {
        let bytes = self.bytes;
        let pipe = run_back(bytes, command, 8, |byte| byte == b' ');
        if pipe == 0 || bytes[pipe - 1] != b'|' {
            return;
        }
        let reach = self.reach(command, 200);
        let start = run_back(bytes, pipe - 1, reach, |byte| byte != b'\n' && byte != b'|');
        self.spend(4 * (pipe - start));
        let Some(echo) = bytes[start..pipe].windows(5).rposition(|word| word == b"echo ").map(|n| start + n + 5) else {
            return;
        };
        let Some(value) = self.value_at(echo) else { return };
        let from = if login {
            let Some(colon) = bytes[value.start..value.end].iter().position(|byte| *byte == b':') else { return };
            value.start + colon + 1
        } else {
            value.start
        };
        self.argument_of_command(Some(Value { start: from, ..value }));
    }

    /// `-p secret`, `-psecret` and the like, of commands that take a password so.
    pub(super) fn short_flag(&mut self, start: usize, end: usize, attached: bool) {
        let bytes = self.bytes;
        let letter = bytes[start + 1];
        if attached {
            if self.takes_attached_password(start)
                && let Some(value) = self.value_at(start + 2)
            {
                self.argument_of_command(Some(value));
            }
            return;
        }
        let next = run_on(bytes, end, 4, |byte| byte == b' ');
        if !self.takes_password(start, letter) {
            return;
        }
        let Some(value) = self.value_at(next) else { return };
        let text = &bytes[value.start..value.end];
        if text.iter().all(|b| b.is_ascii_digit() || *b == b':') || text.first() == Some(&b'-') {
            return;
        }
        self.judge(value, Strength::Password, Style::Quoted);
    }

    /// The shell's line before `at`, as far as it belongs to one command.
    pub(super) fn command_before(&self, at: usize) -> &str {
        let reach = self.reach(at, 200);
        let mut start = run_back(self.bytes, at, reach, |byte| byte != b'\n' && byte != b'|' && byte != b';');
        self.spend((at - start) * 16);
        while !self.text.is_char_boundary(start) {
            start += 1;
        }
        self.slice(start, at)
    }

    fn takes_password(&self, at: usize, flag: u8) -> bool {
        if self.exhausted(at) {
            return false;
        }
        let command = self.command_before(at).to_ascii_lowercase();
        let any = |names: &[&str]| names.iter().any(|name| runs(&command, name));
        match flag {
            b'a' => any(&["redis-cli", "valkey-cli"]),
            b'w' => any(&["ldapsearch", "ldapmodify", "ldapadd", "ipmitool"]),
            b'P' => any(&["ipmitool", "sqlcmd", "bcp ", "mosquitto", "ftp", "zip "]) && !any(&["unzip -p"]),
            b'A' | b'X' => any(&["snmpwalk", "snmpget", "snmpset", "snmpbulk"]),
            _ => {
                any(&[
                    "psexec",
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
                    "az ad",
                ]) && !any(&["docker run", "podman run", "ssh -p", "nmap", "mkdir"])
            }
        }
    }

    fn takes_attached_password(&self, at: usize) -> bool {
        if self.exhausted(at) {
            return false;
        }
        let command = self.command_before(at);
        let any = |names: &[&str]| names.iter().any(|name| runs(command, name));
        any(&["mysql", "mariadb"]) && self.byte(at + 2) != b'o' || any(&["7z ", "7za ", "rar "])
    }

    /// Behind the flag at `end`: the blanks before its argument.
    pub(super) fn behind_flag(&self, end: usize) -> usize {
        run_on(self.bytes, end, DEEPEST, |byte| byte == b' ')
    }
}

/// Whether a word of the command begins so.
fn runs(command: &str, name: &str) -> bool {
    command.match_indices(name).any(|(at, _)| at == 0 || !command.as_bytes()[at - 1].is_ascii_alphanumeric())
}
