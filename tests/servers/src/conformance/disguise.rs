//! The disguises of a credential: what a service that leaks does to it on the way, on purpose or not.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// What may stand in front of it when it is put into base64: each shifts it to another place in the groups of three.
const IN_FRONT: [&str; 4] = ["", "x", "xy", "user:"];

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disguise {
    /// As it is, in a sentence.
    Plain,
    /// In either alphabet, with and without padding, at every place in the groups of three.
    Base64,
    /// Percent-encoded where it has to be, everywhere, and twice.
    Url,
    /// Deep in JSON; in JSON that is a string of JSON; with every character escaped.
    Json,
    /// In parts that make it up if put together.
    Split,
}

impl Disguise {
    /// All of them.
    pub const ALL: [Disguise; 5] = [Disguise::Plain, Disguise::Base64, Disguise::Url, Disguise::Json, Disguise::Split];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Disguise::Plain => "plain",
            Disguise::Base64 => "base64",
            Disguise::Url => "url",
            Disguise::Json => "json",
            Disguise::Split => "split",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disguise| disguise.name() == name)
    }

    /// The texts that show it.
    pub fn texts(self, secret: &str) -> Vec<String> {
        match self {
            Disguise::Plain => vec![format!("The request came with {secret}, which was good.")],
            Disguise::Base64 => in_base64(secret),
            Disguise::Url => in_addresses(secret),
            Disguise::Json => in_json(secret),
            Disguise::Split => in_parts(secret),
        }
    }

    /// The structured content that shows it, if any does.
    pub fn structured(self, secret: &str) -> Option<Value> {
        (self == Disguise::Json).then(|| deep(secret))
    }
}

fn in_base64(secret: &str) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for front in IN_FRONT {
        let bytes = format!("{front}{secret}");
        let encodings = [
            BASE64_STANDARD.encode(&bytes),
            BASE64_STANDARD_NO_PAD.encode(&bytes),
            BASE64_URL_SAFE.encode(&bytes),
            BASE64_URL_SAFE_NO_PAD.encode(&bytes),
        ];
        for encoded in encodings {
            let text = format!("Authorization: Basic {encoded}");
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    texts
}

fn in_addresses(secret: &str) -> Vec<String> {
    let upper: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let lower: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let needed = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let twice = upper.replace('%', "%25");
    [needed, upper, lower, twice].map(|value| format!("See https://shop.example/callback?token={value}&ok=1")).to_vec()
}

fn deep(secret: &str) -> Value {
    let body = json!({"token": secret, "note": "a \"quoted\" word"}).to_string();
    json!({"request": {"headers": [{"name": "x-request", "value": "1"}, {"name": "key", "value": secret}], "body": body}})
}

fn in_json(secret: &str) -> Vec<String> {
    let escaped: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let once = deep(secret).to_string();
    let twice = json!({"log": once}).to_string();
    vec![once, twice, format!(r#"{{"value": "{escaped}"}}"#)]
}

fn in_parts(secret: &str) -> Vec<String> {
    let characters: Vec<char> = secret.chars().collect();
    let mut parts: Vec<String> =
        characters.chunks(characters.len().div_ceil(3).max(1)).map(|part| part.iter().collect()).collect();
    if let Some(first) = parts.first_mut() {
        first.insert_str(0, "The first part is ");
    }
    if let Some(last) = parts.last_mut() {
        last.push_str(" and that was the last one.");
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;

    const SECRET: &str = "s3cr3t~~~???=\"42\"";

    #[test]
    fn every_disguise_of_base64_has_the_secret_in_it() {
        let texts = Disguise::Base64.texts(SECRET);
        for text in &texts {
            let encoded = text.rsplit(' ').next().unwrap().replace('-', "+").replace('_', "/");
            let decoded = BASE64_STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).unwrap();
            assert!(String::from_utf8(decoded).unwrap().ends_with(SECRET), "{text}");
        }
        let some_has = |characters: &[char]| texts.iter().any(|text| text[20..].contains(characters));
        assert!(some_has(&['=']) && some_has(&['+', '/']) && some_has(&['-', '_']), "{texts:?}");
    }

    #[test]
    fn every_disguise_in_an_address_has_the_secret_in_it() {
        for text in Disguise::Url.texts(SECRET) {
            let mut text = text.replace("%25", "%");
            text = percent_decode_str(&text).decode_utf8().unwrap().into_owned();
            assert!(text.contains(SECRET), "{text}");
        }
    }

    #[test]
    fn every_disguise_in_json_is_json_with_the_secret_in_it() {
        for text in Disguise::Json.texts(SECRET) {
            let mut value: Value = serde_json::from_str(&text).unwrap();
            if let Some(inner) = value["log"].as_str() {
                value = serde_json::from_str(inner).unwrap();
            }
            let found = value["value"] == SECRET || value["request"]["headers"][1]["value"] == SECRET;
            assert!(found, "{text}");
        }
    }

    #[test]
    fn the_parts_make_up_the_secret_and_none_has_it_alone() {
        let parts = Disguise::Split.texts(SECRET);
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| !part.contains(SECRET)));
        assert!(parts.concat().contains(SECRET));
    }
}
