//! Credentials in URLs: the password before the `@` of an authority (RFC 3986, 3.2.1).

use super::bytes::{run_back, run_on};
use super::family::Family;
use super::scan::Scanner;
use super::values::{is_random, is_template};

const LONGEST_AUTHORITY: usize = 1024;

fn ends_url(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'<>\\`^|".contains(&byte)
}

impl Scanner<'_> {
    /// `://`: an authority follows.
    pub(super) fn url(&mut self, at: usize) {
        let bytes = self.bytes;
        let start = at + if bytes[at + 1] == b'\\' { 5 } else { 3 };
        if run_back(bytes, at, 1, |byte| byte.is_ascii_alphanumeric()) == at || start >= bytes.len() {
            return;
        }
        let template = |from: usize| bytes[from..].starts_with(b"<") || bytes[from..].starts_with(b"\\u003c");
        if template(start) {
            return;
        }
        let plain_end = run_on(bytes, start, self.reach(start, LONGEST_AUTHORITY), |byte| {
            !ends_url(byte) && !b"/?#".contains(&byte)
        });
        self.spend(2 * (plain_end - start));
        let mut end = bytes[start..plain_end].iter().rposition(|byte| *byte == b'@').map(|n| start + n);
        if end.is_none() {
            // A password with an unescaped slash: only where what follows the colon is no port.
            let colon = bytes[start..plain_end].iter().position(|byte| *byte == b':').map(|n| start + n);
            if let Some(colon) = colon
                && !bytes[colon + 1..plain_end].iter().all(u8::is_ascii_digit)
            {
                let loose_end = run_on(bytes, start, self.reach(start, 256), |byte| !ends_url(byte));
                self.spend(loose_end - start);
                end = bytes[start..loose_end].iter().rposition(|byte| *byte == b'@').map(|n| start + n);
            }
        }
        let Some(end) = end else { return };
        let user_info = &bytes[start..end];
        let colon = user_info.iter().position(|byte| *byte == b':');
        match colon {
            Some(colon) if colon + 1 < user_info.len() => {
                let from = start + colon + 1;
                let password = &self.text[from..end];
                let name = password.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
                    && password.starts_with("PASS");
                if !name && !is_template(password) && !password.starts_with('{') && !password.starts_with(':') {
                    self.found(Family::UrlCredential, "url-password", from, end);
                    self.operators_until = self.operators_until.max(end);
                } else if is_random(&user_info[..colon]) && colon >= 16 {
                    self.found(Family::UrlCredential, "url-token", start, start + colon);
                }
            }
            _ => {
                let user = &user_info[..colon.unwrap_or(user_info.len())];
                if user.len() >= 16 && is_random(user) {
                    self.found(Family::UrlCredential, "url-token", start, start + user.len());
                }
            }
        }
    }

    /// Logins before an `@` that no URL has: of Go's drivers, and `user/password@host` of Oracle's tools.
    pub(super) fn login_before(&mut self, at: usize) {
        let bytes = self.bytes;
        let start = run_back(bytes, at, 80, |byte| byte.is_ascii_graphic() && !b"\"'<>@:\\(=".contains(&byte));
        // Go's data source names: `user:password@tcp(host)/db`.
        if bytes[at + 1..].starts_with(b"tcp(") || bytes[at + 1..].starts_with(b"unix(") {
            let from = run_back(bytes, at, 64, |byte| byte.is_ascii_graphic() && !b"\"'`:/".contains(&byte));
            if from > 0 && bytes[from - 1] == b':' && from < at && !is_template(&self.text[from..at]) {
                self.found(Family::UrlCredential, "dsn-password", from, at);
            }
            return;
        }
        let is_login = bytes[..start].ends_with(b"thin:") || bytes[..start].ends_with(b"sqlplus ");
        if is_login && let Some(slash) = bytes[start..at].iter().position(|byte| *byte == b'/') {
            let from = start + slash + 1;
            if from < at && slash > 0 && !is_template(&self.text[from..at]) {
                self.found(Family::UrlCredential, "oracle-login", from, at);
            }
        }
    }
}
