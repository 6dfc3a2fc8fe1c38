//! E-mail addresses, found at their `@` (RFC 5321 and 6531: letters beyond ASCII on both sides).

use super::bytes::{DIGIT, HIGH, LOWER, UPPER, WORD, class, escape_head, run_back, run_on, stands_at};
use super::rules::builtin::EMAIL_ADDRESS;
use super::scan::Scanner;

/// Endings of file names and the like that no domain has.
const NO_DOMAINS: &[&str] = &[
    "avif", "bmp", "conf", "css", "csv", "gif", "gz", "html", "ico", "jpeg", "jpg", "js", "json", "jsx", "lock", "log",
    "map", "md", "mjs", "mp3", "mp4", "pdf", "png", "service", "socket", "svg", "target", "tgz", "timer", "toml", "ts",
    "tsx", "txt", "webm", "webp", "xml", "yaml", "yml",
];
const LONGEST_LOCAL: usize = 64;
const LONGEST_DOMAIN: usize = 253;

impl Scanner<'_> {
    /// An `@` from `at` to `after` (`%40` as well): behind it a domain, before it who is there.
    pub(super) fn at_sign(&mut self, at: usize, after: usize) {
        let bytes = self.bytes;
        if at == 0 || after >= bytes.len() {
            return;
        }
        let Some(end) = self.domain(after) else { return };
        let Some(start) = self.local_part(at) else { return };
        // `git@host:path` and the user of a URL without a password are addresses of machines.
        let local = self.slice(start, at);
        if matches!(local, "git" | "hg" | "svn") || local.contains("***") || bytes[..start].ends_with(b"://") {
            return;
        }
        // `https://$USER:$TOKEN@host`, and a password of a URL that has been found.
        if start > 0 && bytes[start - 1] == b'$' || self.operators_until == at && self.ends_with_finding(at) {
            return;
        }
        self.found(&EMAIL_ADDRESS, start, end);
    }

    fn local_part(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes;
        if bytes[at - 1] == b'"' && at > 2 && !matches!(bytes[at - 2], b' ' | b':' | b',' | b'"' | b'\\') {
            // A quoted local part; in JSON its quotes are escaped, and this is the end of a value.
            let start = run_back(bytes, at - 1, LONGEST_LOCAL, |byte| byte != b'"' && byte != b'\n' && byte != b'\\');
            return (start > 0 && bytes[start - 1] == b'"' && at - start > 2).then(|| start - 1);
        }
        let wide = class(bytes[at - 1]) & HIGH != 0;
        let mut start = run_back(bytes, at, LONGEST_LOCAL, |byte| {
            class(byte) & (WORD | if wide { HIGH } else { 0 }) != 0 || b".!#$%&'*+/=?^`{|}~".contains(&byte)
        });
        if wide {
            // Not into the middle of a character.
            while !self.text.is_char_boundary(start) {
                start += 1;
            }
        }
        start += escape_head(bytes, start);
        // Signs at the head belong to what surrounds the address.
        while start < at && b"./='`{|}~?&*#$^%".contains(&bytes[start]) {
            start += 1;
        }
        if let Some(query) = bytes[start..at].iter().rposition(|byte| *byte == b'?' || *byte == b'&') {
            start += query + 1;
            if let Some(value) = bytes[start..at].iter().rposition(|byte| *byte == b'=') {
                start += value + 1;
            }
        }
        // The last part of a path: `…/users/jane@example.com/settings`.
        if let Some(slash) = bytes[start.min(at)..at].iter().rposition(|byte| *byte == b'/') {
            start += slash + 1;
        }
        let local = &bytes[start.min(at)..at];
        (!local.is_empty()
            && local[local.len() - 1] != b'.'
            && local.iter().any(|b| class(*b) & (DIGIT | UPPER | LOWER | HIGH) != 0))
        .then_some(start)
    }

    /// Where the domain at `start` ends, if it is one.
    fn domain(&self, start: usize) -> Option<usize> {
        let bytes = self.bytes;
        if bytes[start] == b'[' {
            let end = run_on(bytes, start + 1, 64, |byte| byte.is_ascii_hexdigit() || b".:IPv".contains(&byte));
            return (bytes.get(end) == Some(&b']') && end > start + 7).then_some(end + 1);
        }
        let mut end = start;
        let mut labels = 0;
        let mut last = start..start;
        loop {
            let wide = class(self.byte(end)) & HIGH != 0;
            let label = end;
            let stop = run_on(bytes, end, 63, |byte| {
                if wide { class(byte) & HIGH != 0 } else { class(byte) & WORD != 0 && byte != b'_' }
            });
            let mut stop = stop;
            while !self.text.is_char_boundary(stop) {
                stop -= 1;
            }
            if stop == label || bytes[label] == b'-' {
                break;
            }
            labels += 1;
            last = label..stop;
            end = stop;
            if self.byte(end) == b'.' && end + 1 - start < LONGEST_DOMAIN {
                end += 1;
            } else if stands_at(bytes, end, "。".as_bytes()) {
                end += "。".len();
            } else {
                break;
            }
        }
        let top = self.slice(last.start, last.end);
        let is_name = top.bytes().all(|b| b.is_ascii_alphabetic()) && (2..=24).contains(&top.len())
            || top.starts_with("xn--") && top.len() > 5
            || !top.is_ascii() && top.chars().count() >= 2;
        (labels >= 2 && is_name && NO_DOMAINS.binary_search(&top.to_ascii_lowercase().as_str()).is_err())
            .then_some(last.end)
    }
}
