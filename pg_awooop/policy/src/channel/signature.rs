//! Webhooks that are signed, in and out, as Standard Webhooks has it (standardwebhooks.com): HMAC-SHA256 with a secret that both
//! sides have, over the message's id, the time at which it was sent, and its body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const SECRET_PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";
/// A message that was sent longer ago than that, or so far in the future, may be one that somebody has kept.
pub const WINDOW_SECONDS: i64 = 300;
/// Signatures that are looked at: one for each secret that a sender may still have.
const MOST_SIGNATURES: usize = 8;
/// What the specification takes for a secret.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub id: &'a str,
    /// Seconds since 1970, as the header has them.
    pub timestamp: &'a str,
    pub body: &'a [u8],
}

impl Message<'_> {
    fn mac(&self, secret: &[u8]) -> Option<Hmac<Sha256>> {
        let keyed = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        Some(
            keyed
                .chain_update(self.id)
                .chain_update(".")
                .chain_update(self.timestamp)
                .chain_update(".")
                .chain_update(self.body),
        )
    }

    /// The value of the header `webhook-signature`.
    pub fn sign(&self, secret: &[u8]) -> String {
        let mac = self.mac(secret).map(|mac| STANDARD.encode(mac.finalize().into_bytes()));
        format!("{VERSION}{}", mac.unwrap_or_default())
    }

    /// Whether one of the signatures in the header's value was made with this secret.
    pub fn is_signed(&self, secret: &[u8], signatures: &str) -> bool {
        // Once, however many there are: anybody can send some.
        let Some(mac) = self.mac(secret) else { return false };
        let given = signatures.split_ascii_whitespace().take(MOST_SIGNATURES);
        given
            .filter_map(|one| one.strip_prefix(VERSION))
            .filter_map(|given| STANDARD.decode(given).ok())
            .fold(false, |found, given| found | mac.clone().verify_slice(&given).is_ok())
    }

    /// Whether it was sent at about this time, in seconds since 1970.
    pub fn is_of(&self, now: i64) -> bool {
        let is_decimal = !self.timestamp.is_empty() && self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let sent = self.timestamp.parse::<i64>().ok().filter(|_| is_decimal);
        sent.is_some_and(|sent| now.saturating_sub(sent).abs() <= WINDOW_SECONDS)
    }
}

/// Whether a credential is the value of a `webhook-signature`.
pub fn is_signature(credential: &str) -> bool {
    credential.split_ascii_whitespace().any(|one| one.starts_with(VERSION))
}

/// The text in which a secret is handed over.
pub fn secret_text(secret: &[u8; 32]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(secret))
}

/// The secret of such a text.
pub fn secret_of(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim().strip_prefix(SECRET_PREFIX)?).ok().filter(|secret| SECRET_BYTES.contains(&secret.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_signs_the_other_believes_and_nothing_else() {
        let secret = secret_of(&secret_text(&[7; 32])).unwrap();
        let message = Message { id: "msg_1", timestamp: "1700000000", body: b"{\"a\": 1}" };
        let signature = message.sign(&secret);
        assert!(is_signature(&signature) && message.is_signed(&secret, &signature));
        assert!(message.is_signed(&secret, &format!("v1a,x v1,AAAA {signature}")), "one of several");
        for other in [
            Message { id: "msg_2", ..message },
            Message { timestamp: "1700000001", ..message },
            Message { body: b"{\"a\": 2}", ..message },
        ] {
            assert!(!other.is_signed(&secret, &signature), "{other:?}");
        }
        assert!(!message.is_signed(&[8; 32], &signature));
        for bad in ["", "v1,", "v1,!", "v1", &signature[3..], &signature.replace("v1,", "v2,")] {
            assert!(!message.is_signed(&secret, bad), "{bad}");
        }
        let flood = format!("{}{signature}", "v1,AAAA ".repeat(MOST_SIGNATURES));
        assert!(!message.is_signed(&secret, &flood));
    }

    #[test]
    fn what_is_old_or_of_the_future_is_not_of_now() {
        let of = |timestamp: &str| Message { id: "m", timestamp, body: b"" }.is_of(1_700_000_000);
        assert!(of("1700000000") && of("1699999700") && of("1700000300"));
        for bad in ["1699999699", "1700000301", "", "-1", "+1700000000", "1700000000.0", "9223372036854775808"] {
            assert!(!of(bad), "{bad}");
        }
    }

    #[test]
    fn a_secret_has_the_length_that_it_must_have() {
        assert_eq!(secret_of(&secret_text(&[1; 32])), Some(vec![1; 32]));
        for bad in ["", "whsec_", "whsec_AAAA", "whsec_!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
            assert_eq!(secret_of(bad), None, "{bad}");
        }
    }
}
