//! Values without a check digit: passwords, tokens, keys, names, addresses.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::random::Random;
use super::shape;

/// What people choose.
const WEAK: &[&str] = &[
    "hunter2",
    "letmein",
    "trustno1",
    "qwerty123",
    "admin123",
    "welcome1",
    "dragon88",
    "iloveyou",
    "s3cr3t99",
    "1q2w3e4r",
    "abc12345",
    "monkey77",
    "sunshine1",
    "football9",
    "superman42",
    "starwars7",
    "zaq12wsx",
    "p4ssw0rt",
    "taipei101x",
    "winter2024",
    "rootpw",
    "toor99",
];
const WORDS: &[&str] = &[
    "correct", "horse", "battery", "staple", "river", "mountain", "purple", "lantern", "coffee", "window", "orchid",
    "rocket", "silver", "tiger", "noodle", "harbor", "bamboo", "copper", "velvet", "thunder",
];
const NAMES: &[&str] = &[
    "alice", "bob", "carol", "wei", "mei", "ming", "jane", "joe", "lena", "omar", "priya", "kenji", "sofia", "tom",
    "yuki", "hugo",
];
const SURNAMES: &[&str] = &[
    "chen", "lin", "wang", "smith", "garcia", "mueller", "tanaka", "kim", "novak", "rossi", "dubois", "silva", "huang",
    "lee", "olsen", "wu",
];
const HOSTS: &[&str] = &["db", "cache", "queue", "primary", "replica", "billing", "search", "auth", "worker", "ledger"];
const MAIL_DOMAINS: &[&str] = &[
    "example.com",
    "example.org",
    "example.com.tw",
    "mail.example.net",
    "corp.example",
    "example.co.jp",
    "example.de",
    "dept.example.edu.tw",
    "example.io",
    "sub-domain.example.app",
];
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SYMBOLS: &str = "!@#$%^*_-+=.?";
/// Allowed within a word by every shell and file format.
const QUIET: &str = "_-.!+%";

/// For places with quotes around: any style, with symbols, without quotes, spaces or backslashes.
pub fn password(random: &mut Random) -> String {
    match random.below(6) {
        0 => random.pick(WEAK).to_owned(),
        1 => leet(random),
        2 => random.chars(ALNUM, 16),
        3 => words("-", random),
        _ => sprinkled(SYMBOLS, random),
    }
}

/// For places without quotes.
pub fn password_word(random: &mut Random) -> String {
    match random.below(5) {
        0 => random.pick(WEAK).to_owned(),
        1 => random.chars(ALNUM, 20),
        2 => words("-", random),
        _ => sprinkled(QUIET, random),
    }
}

/// As it stands in a URL: nothing reserved but percent escapes.
pub fn password_url(random: &mut Random) -> String {
    let escape = random.pick(&["%40", "%23", "%21", "%2F", "%3A", ""]);
    format!("{}{escape}{}", random.chars(ALNUM, 5), random.chars(ALNUM, 6))
}

pub fn passphrase(random: &mut Random) -> String {
    words(" ", random)
}

fn words(between: &str, random: &mut Random) -> String {
    let count = random.between(3, 5);
    let words: Vec<&str> = (0..count).map(|_| random.pick(WORDS)).collect();
    words.join(between)
}

fn leet(random: &mut Random) -> String {
    let word = random.pick(WORDS).replace('o', "0").replace('e', "3").replace('a', "@");
    let (first, rest) = word.split_at(1);
    format!("{}{rest}{}{}", first.to_uppercase(), random.between(10, 2030), random.pick(&["!", "!!", "#", "?", ""]))
}

fn sprinkled(symbols: &str, random: &mut Random) -> String {
    let middle =
        (0..3).map(|_| random.chars(symbols, 1) + &random.chars(ALNUM, random_length(symbols))).collect::<String>();
    format!("{}{middle}", random.chars(ALNUM, 3))
}

const fn random_length(symbols: &str) -> usize {
    if symbols.len() > 8 { 3 } else { 4 }
}

pub fn jwt(random: &mut Random) -> String {
    let algorithm = random.pick(&["HS256", "RS256", "ES256", "HS512"]);
    let header = match random.below(3) {
        0 => json!({"alg": algorithm}).to_string(),
        1 => format!(r#"{{"typ":"JWT","alg":"{algorithm}"}}"#),
        _ => format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{}"}}"#, random.digits(6)),
    };
    let claims =
        json!({"sub": random.digits(10), "name": person(random), "iat": 1_700_000_000 + random.below(90_000_000)});
    let length = if algorithm == "RS256" { 256 } else { 32 };
    let parts = [header.into_bytes(), claims.to_string().into_bytes(), random.bytes(length)];
    parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// The user and password of an Authorization header.
pub fn basic(random: &mut Random) -> String {
    STANDARD.encode(format!("{}:{}", user(random), password_word(random)))
}

/// So many random bytes.
pub fn base64_of(bytes: usize, random: &mut Random) -> String {
    STANDARD.encode(random.bytes(bytes))
}

/// A bot's number and its secret.
pub fn telegram_token(random: &mut Random) -> String {
    let number = random.between(8, 10);
    format!("{}{}:AA{}", random.between(1, 9), random.digits(number - 1), base64url(33, random))
}

pub fn platform_key(random: &mut Random) -> String {
    format!("awk_{}.{}.{}", project(random), base64url(16, random), base64url(43, random))
}

pub fn platform_lease(random: &mut Random) -> String {
    let (run, epoch) = (shape::uuid(random), random.between(1, 40));
    format!("awl_{}.{run}.{epoch}.{}", project(random), base64url(43, random))
}

fn project(random: &mut Random) -> String {
    format!("{}-{}", random.pick(WORDS), random.pick(HOSTS))
}

pub fn base64url(length: usize, random: &mut Random) -> String {
    random.chars("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", length)
}

pub fn user(random: &mut Random) -> String {
    match random.below(3) {
        0 => random.pick(NAMES).to_owned(),
        1 => format!("svc_{}", random.pick(HOSTS)),
        _ => random.pick(&["app", "deploy", "reader", "etl", "backup", "grafana"]).to_owned(),
    }
}

pub fn person(random: &mut Random) -> String {
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    format!("{} {}", capitalized(random.pick(NAMES)), capitalized(random.pick(SURNAMES)))
}

pub fn chinese_name(random: &mut Random) -> String {
    let surname = random.pick(&["王", "陳", "林", "張", "李", "黃", "吳", "劉"]);
    format!("{surname}{}", random.pick(&["小明", "美玲", "志豪", "淑芬", "怡君", "家豪", "雅婷", "建宏"]))
}

pub fn email(random: &mut Random) -> String {
    let (name, surname) = (random.pick(NAMES), random.pick(SURNAMES));
    let local = match random.below(6) {
        0 => format!("{name}.{surname}"),
        1 => format!("{name}+{}", random.pick(HOSTS)),
        2 => format!("{name}_{surname}{}", random.between(1, 99)),
        3 => format!("{surname}{}", random.between(1960, 2009)),
        4 => format!("{name}-{surname}"),
        _ => name.to_owned(),
    };
    format!("{local}@{}", random.pick(MAIL_DOMAINS))
}

/// A host without a top-level domain.
pub fn host(random: &mut Random) -> String {
    format!("{}-{}", random.pick(HOSTS), random.between(1, 9))
}

pub fn domain(random: &mut Random) -> String {
    format!("{}.example.com", random.pick(HOSTS))
}

pub fn word(random: &mut Random) -> String {
    random.pick(WORDS).to_owned()
}

pub fn ipv4(random: &mut Random) -> String {
    let first = random.pick(&[10, 172, 192, 203, 198, 8, 140, 61, 35, 52]);
    format!("{first}.{}.{}.{}", random.below(256), random.below(256), random.between(1, 254))
}

pub fn ipv6(random: &mut Random) -> Result<String> {
    let forms = [
        "2001:db8::{h4}",
        "2001:db8:{h4}:{h4}::{h2}",
        "fe80::{h4}:{h4}:{h4}:{h4}",
        "2001:db8:{h4}:{h4}:{h4}:{h4}:{h4}:{h4}",
    ];
    // Groups have no leading zeros where a form is compressed.
    Ok(shape::fill(random.pick(&forms), random)?.replace(":0", ":1"))
}

pub fn ethereum_address(random: &mut Random) -> String {
    format!("0x{}", shape::hex_digits(random, 40))
}
