//! Credentials in URLs: the password before the `@` of an authority (RFC 3986, 3.2.1).

use super::bytes::{DEEPEST, run_back, run_on, stands_at};
use super::rules::builtin::{DSN_PASSWORD, ORACLE_LOGIN, URL_PASSWORD, URL_TOKEN};
use super::scan::Scanner;
use super::values::{is_random, is_template};

const LONGEST_AUTHORITY: usize = 1024;

/// What ends a URL, and what ends its authority.
const ENDS_URL: u8 = 1;
const ENDS_AUTHORITY: u8 = 2;
const ENDS: [u8; 256] = {
    let mut table = [0; 256];
    let (url, authority) = (b" \t\n\x0c\r\"'<>\\`^|", b"/?#");
    let mut n = 0;
    while n < url.len() {
        table[url[n] as usize] = ENDS_URL | ENDS_AUTHORITY;
        n += 1;
    }
    n = 0;
    while n < authority.len() {
        table[authority[n] as usize] = ENDS_AUTHORITY;
        n += 1;
    }
    table
};

fn ends_url(byte: u8) -> bool {
    ENDS[usize::from(byte)] & ENDS_URL != 0
}

fn ends_authority(byte: u8) -> bool {
    ENDS[usize::from(byte)] & ENDS_AUTHORITY != 0
}

impl Scanner<'_> {
    /// Where the authority of a URL begins whose `:` stands at `at`: behind `://`, `:\/\/` and the like.
    #[inline]
    pub(super) fn authority(&self, at: usize) -> Option<usize> {
        if !matches!(self.byte(at + 1), b'/' | b'\\') {
            return None;
        }
        let first = run_on(self.bytes, at + 1, DEEPEST, |byte| byte == b'\\');
        let second = run_on(self.bytes, first + 1, DEEPEST, |byte| byte == b'\\');
        (self.byte(first) == b'/' && self.byte(second) == b'/').then_some(second + 1)
    }

    /// A URL in the query of another: `https%3A%2F%2Fuser%3Apassword%40host`.
    pub(super) fn encoded_url(&mut self, start: usize) {
        let bytes = self.bytes;
        let reach = self.reach(start, LONGEST_AUTHORITY);
        let end = run_on(bytes, start, reach, |byte| byte.is_ascii_alphanumeric() || b"%._~-!*+".contains(&byte));
        self.spend(2 * (end - start));
        let text = &bytes[start..end];
        let code = |wanted: &[u8]| text.windows(3).position(|code| code.eq_ignore_ascii_case(wanted));
        let authority = code(b"%2F").unwrap_or(text.len());
        let (Some(colon), Some(at)) = (code(b"%3A"), code(b"%40")) else { return };
        if colon + 3 < at && at < authority {
            let (from, to) = (start + colon + 3, start + at);
            if !is_template(self.slice(from, to)) {
                self.found(&URL_PASSWORD, from, to);
                self.operators_until = self.operators_until.max(to);
            }
        }
    }

    /// The `://` at `at`: an authority follows.
    pub(super) fn url(&mut self, at: usize, start: usize) {
        let bytes = self.bytes;
        if run_back(bytes, at, 1, |byte| byte.is_ascii_alphanumeric()) == at || start >= bytes.len() {
            return;
        }
        let template = |from: usize| stands_at(bytes, from, b"<") || stands_at(bytes, from, b"\\u003c");
        if template(start) {
            return;
        }
        let plain_end = run_on(bytes, start, self.reach(start, LONGEST_AUTHORITY), |byte| !ends_authority(byte));
        self.spend(2 * (plain_end - start));
        let mut end = bytes[start..plain_end].iter().rposition(|byte| *byte == b'@').map(|n| start + n);
        if end.is_none() {
            // A password with an unescaped slash: only where what follows the colon is no port.
            let colon = bytes[start..plain_end].iter().position(|byte| *byte == b':').map(|n| start + n);
            if let Some(colon) = colon
                && !bytes[colon + 1..plain_end].iter().all(u8::is_ascii_digit)
            {
                let loose_end = run_on(bytes, start, self.reach(start, 256), |byte| !ends_url(byte));
                self.spend(4 * (loose_end - start));
                end = bytes[start..loose_end].iter().rposition(|byte| *byte == b'@').map(|n| start + n);
            }
        }
        let Some(end) = end else { return };
        let user_info = &bytes[start..end];
        let colon = user_info.iter().position(|byte| *byte == b':');
        match colon {
            Some(colon) if colon + 1 < user_info.len() => {
                let from = start + colon + 1;
                let password = self.slice(from, end);
                let name = password.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
                    && password.starts_with("PASS");
                if !name && !is_template(password) && !password.starts_with('{') && !password.starts_with(':') {
                    self.found(&URL_PASSWORD, from, end);
                    self.operators_until = self.operators_until.max(end);
                } else if is_random(&user_info[..colon]) && colon >= 16 {
                    self.found(&URL_TOKEN, start, start + colon);
                }
            }
            _ => {
                let user = &user_info[..colon.unwrap_or(user_info.len())];
                if user.len() >= 16 && is_random(user) {
                    self.found(&URL_TOKEN, start, start + user.len());
                }
            }
        }
    }

    /// Logins before an `@` that no URL has: of Go's drivers, and `user/password@host` of Oracle's tools.
    pub(super) fn login_before(&mut self, at: usize) {
        let bytes = self.bytes;
        let start = run_back(bytes, at, 80, |byte| byte.is_ascii_graphic() && !b"\"'<>@:\\(=".contains(&byte));
        // Go's data source names: `user:password@tcp(host)/db`.
        if stands_at(bytes, at + 1, b"tcp(") || stands_at(bytes, at + 1, b"unix(") {
            let from = run_back(bytes, at, 64, |byte| byte.is_ascii_graphic() && !b"\"'`:/".contains(&byte));
            if from > 0 && bytes[from - 1] == b':' && from < at && !is_template(self.slice(from, at)) {
                self.found(&DSN_PASSWORD, from, at);
            }
            return;
        }
        let is_login = bytes[..start].ends_with(b"thin:") || bytes[..start].ends_with(b"sqlplus ");
        if is_login && let Some(slash) = bytes[start..at].iter().position(|byte| *byte == b'/') {
            let from = start + slash + 1;
            if from < at && slash > 0 && !is_template(self.slice(from, at)) {
                self.found(&ORACLE_LOGIN, from, at);
            }
        }
    }
}
