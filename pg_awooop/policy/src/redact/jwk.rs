//! JSON Web Keys (RFC 7517): which of their members are private.

use super::bytes::{run_back, run_on};
use super::rules::builtin::JSON_WEB_PRIVATE_KEY;
use super::scan::Scanner;

/// A key is shorter than this before and behind any of its members.
const LONGEST: usize = 4096;
/// The shortest private member: one of a key too short for any use today.
const SHORTEST: usize = 20;

impl Scanner<'_> {
    /// `"d":` and its like: the value is private if the object around is a key.
    pub(super) fn key_member(&mut self, at: usize, after: usize) {
        let Some(value) = self.value_behind(after).filter(|value| value.quoted) else { return };
        let text = &self.bytes[value.start..value.end];
        if text.len() < SHORTEST || !text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(byte)) {
            return;
        }
        let reach = self.reach(at, LONGEST);
        let from = run_back(self.bytes, at, reach, |byte| byte != b'{');
        let to = run_on(self.bytes, value.end, reach, |byte| byte != b'}');
        self.spend(to - from);
        if self.bytes[from..to].windows(5).any(|part| &part[..4] == b"\"kty" || &part[1..] == b"\"kty") {
            self.found(&JSON_WEB_PRIVATE_KEY, value.start, value.end);
            self.operators_until = self.operators_until.max(value.end);
        }
    }
}
