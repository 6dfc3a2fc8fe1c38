//! Internet addresses and addresses of cryptocurrencies: families that are off unless a project asks for them.

use std::net::{Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

use super::bytes::{alphanumeric_at, is_alphanumeric, run_back, run_on};
use super::family::Family;
use super::rules::builtin::{CRYPTO_ADDRESS, INTERNET_ADDRESS};
use super::scan::Scanner;

impl Scanner<'_> {
    /// A word that may be the head of an address.
    pub(super) fn network(&mut self, start: usize, end: usize) {
        if self.looks_for(Family::Ip) {
            self.internet_address(start);
        }
        if self.looks_for(Family::CryptoAddress) {
            self.crypto_address(start, end);
        }
    }

    /// An address of IPv6 may begin with its colons.
    pub(super) fn colons(&mut self, at: usize) {
        if self.looks_for(Family::Ip) && self.byte(at + 1) == b':' && (at == 0 || !is_alphanumeric(self.byte(at - 1))) {
            self.internet_address(at);
        }
    }

    fn internet_address(&mut self, start: usize) {
        let bytes = self.bytes;
        if start < self.addresses_until || start > 0 && (is_alphanumeric(bytes[start - 1]) || bytes[start - 1] == b'.')
        {
            return;
        }
        let end = run_on(bytes, start, 48, |byte| byte.is_ascii_hexdigit() || byte == b'.' || byte == b':');
        let mut text = self.slice(start, end);
        while text.len() > 2 {
            let colons = text.bytes().filter(|byte| *byte == b':').count();
            let ends = !alphanumeric_at(bytes, start + text.len());
            if ends && colons == 0 && text.parse::<Ipv4Addr>().is_ok() && self.is_no_version(start, text) {
                return self.address(start, start + text.len());
            }
            if ends && colons > 1 && text.parse::<Ipv6Addr>().is_ok() && (text.len() > 4 || text == "::1") {
                let mut end = start + text.len();
                if self.byte(end) == b'%' {
                    end = run_on(bytes, end + 1, 16, is_alphanumeric);
                }
                return self.address(start, end);
            }
            // A port, a full stop, a colon: what stands behind the address.
            let Some(cut) = text.rfind(['.', ':']) else { return };
            text = &text[..cut];
        }
    }

    fn address(&mut self, start: usize, end: usize) {
        self.addresses_until = end;
        self.found(&INTERNET_ADDRESS, start, end);
    }

    /// `1.2.3.4` after `v`, `version` or the name of a product is a version.
    fn is_no_version(&self, start: usize, text: &str) -> bool {
        let end = start + text.len();
        let before = run_back(self.bytes, start, 12, |byte| byte.is_ascii_alphabetic() || b" =:\"/-^~".contains(&byte));
        let word = self.slice(before, start).to_ascii_lowercase();
        let version = ["version", "release", "oid", "section", "ver", "chrome/", "firefox/"]
            .iter()
            .any(|name| word.contains(name));
        !(version || self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit())
    }

    fn crypto_address(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        let word = &bytes[start..end];
        let before = start.checked_sub(1).map_or(0, |at| bytes[at]);
        if before == b'/' || before == b'.' {
            return;
        }
        let is_address = match word {
            [b'0', b'x', rest @ ..] => rest.len() == 40 && rest.iter().all(u8::is_ascii_hexdigit),
            [b'b', b'c', b'1', ..] | [b't', b'b', b'1', ..] => (42..=62).contains(&word.len()) && is_segwit(word),
            [b'1' | b'3', ..] => (26..=35).contains(&word.len()) && is_base58(word),
            [b'L' | b'M' | b'D', ..] => (33..=35).contains(&word.len()) && is_base58(word),
            [b'T', ..] => word.len() == 34 && is_base58(word),
            [b'r', ..] => false,
            _ => false,
        };
        if is_address {
            self.found(&CRYPTO_ADDRESS, start, end);
        }
    }
}

/// Base58Check: 25 bytes, the last four of which are the head of a double SHA-256.
fn is_base58(word: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut decoded = [0u8; 25];
    for byte in word {
        let Some(mut carry) = ALPHABET.iter().position(|letter| letter == byte) else { return false };
        for digit in decoded.iter_mut().rev() {
            carry += 58 * usize::from(*digit);
            *digit = (carry & 255) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, check) = decoded.split_at(21);
    Sha256::digest(Sha256::digest(payload))[..4] == *check
}

/// Bech32 and Bech32m (BIP 173, BIP 350) under the human-readable parts of Bitcoin.
fn is_segwit(word: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut check: u32 = 1;
    let mut step = |value: u32| {
        let top = check >> 25;
        check = (check & 0x1ff_ffff) << 5 ^ value;
        for (bit, generator) in [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].iter().enumerate() {
            if top >> bit & 1 == 1 {
                check ^= generator;
            }
        }
    };
    let (prefix, data) = word.split_at(2);
    prefix.iter().for_each(|byte| step(u32::from(byte >> 5)));
    step(0);
    prefix.iter().for_each(|byte| step(u32::from(byte & 31)));
    let mut version = None;
    for byte in &data[1..] {
        let Some(value) = ALPHABET.iter().position(|letter| letter == byte) else { return false };
        version = version.or(Some(value));
        step(value as u32);
    }
    match version {
        Some(0) => check == 1,
        Some(1..=16) => check == 0x2bc8_30a3,
        _ => false,
    }
}
