//! No text is a token, and no part of a token can be another text: each is refused, and nothing panics.

#![no_main]

use std::sync::OnceLock;

use awooop_policy::approval::token::{Binding, Grant, TokenMode, issue, verify};
use awooop_policy::keyring::Keyring;
use libfuzzer_sys::fuzz_target;

fn good() -> &'static (Keyring, String) {
    static GOOD: OnceLock<(Keyring, String)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let keyring = Keyring::create("fuzz.test").expect("a keyring");
        let grant = Grant { jti: uuid::Uuid::nil(), agent: "bot", mode: TokenMode::Execute, from: 1000, until: 1900 };
        let token = issue(&keyring, &grant, &binding()).expect("a token").expect("a key").token;
        (keyring, token)
    })
}

fn binding() -> Binding<'static> {
    Binding { project: "shop", run: uuid::Uuid::nil(), tool: "refund__shop", arguments: "{}" }
}

fuzz_target!(|text: &str| {
    let (keyring, token) = good();
    assert!(verify(keyring, token, &binding(), 1000).is_ok());
    let refused = |token: &str| assert!(verify(keyring, token, &binding(), 1000).is_err(), "{token}");
    refused(text);
    let parts: Vec<&str> = token.split('.').collect();
    for at in 0..3 {
        for part in [text.to_owned(), base64url(text.as_bytes())] {
            if part != parts[at] {
                let mut parts = parts.clone();
                parts[at] = &part;
                refused(&parts.join("."));
            }
        }
    }
});

/// Written out, so that nothing that is fuzzed is also what makes its input.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = usize::try_from(group >> (18 - 6 * place) & 63).unwrap_or_default();
            text.push(char::from(ALPHABET[index]));
        }
    }
    text
}
