//! Numbers with a check digit, and ones whose check digit is wrong.
//!
//! Sources: ISO/IEC 7812 (cards), ISO 13616 (IBAN), the Taiwanese Ministry of the Interior's rule for identity cards and
//! resident certificates, the Social Security Administration's areas, BIP-173 and base58check (addresses).

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::random::Random;
use super::shape;

/// First digits and length, by issuer.
const ISSUERS: &[(&str, usize)] = &[
    ("4", 16),
    ("4", 16),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("65", 16),
    ("3528", 16),
    ("3589", 16),
    ("36", 14),
    ("305", 14),
    ("62", 16),
];

/// Country, and the shape of what follows the check digits.
const BANKS: &[(&str, &str)] = &[
    ("DE", "{d18}"),
    ("GB", "{L4}{d14}"),
    ("FR", "{d10}{U11}{d2}"),
    ("ES", "{d20}"),
    ("IT", "{L1}{d10}{U12}"),
    ("NL", "{L4}{d10}"),
    ("BE", "{d12}"),
    ("CH", "{d5}{U12}"),
    ("AT", "{d16}"),
    ("SE", "{d20}"),
    ("NO", "{d11}"),
    ("DK", "{d14}"),
    ("FI", "{d14}"),
    ("PL", "{d24}"),
    ("PT", "{d21}"),
    ("IE", "{L4}{d14}"),
    ("CZ", "{d20}"),
    ("GR", "{d7}{U16}"),
    ("HU", "{d24}"),
    ("RO", "{L4}{U16}"),
    ("LU", "{d3}{U13}"),
    ("SA", "{d2}{U18}"),
    ("AE", "{d19}"),
    ("IL", "{d19}"),
];

/// The letters of identity cards in the order of their numbers, which begin at ten.
const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVXYWZIO";

/// The digit that completes a number by the rule of Luhn.
pub fn luhn_digit(digits: &str) -> usize {
    let sum: usize = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = usize::from(digit - b'0');
            if place % 2 == 0 { digit * 2 - if digit > 4 { 9 } else { 0 } } else { digit }
        })
        .sum();
    (10 - sum % 10) % 10
}

pub fn card(random: &mut Random) -> String {
    let (prefix, length) = random.pick(ISSUERS);
    let digits = format!("{prefix}{}", random.digits(length - prefix.len() - 1));
    format!("{digits}{}", luhn_digit(&digits))
}

/// A number of a card's length and first digits that fails Luhn's rule.
pub fn card_bad(random: &mut Random) -> String {
    off_by_some(&card(random), random)
}

/// A card's number in the groups that are printed on it.
pub fn card_grouped(separator: &str, random: &mut Random) -> String {
    let card = card(random);
    let groups: &[usize] = if card.len() == 16 { &[4, 4, 4, 4] } else { &[4, 6, card.len() - 10] };
    let mut rest = card.as_str();
    let parts: Vec<&str> = groups
        .iter()
        .map(|&length| {
            let (group, after) = rest.split_at(length);
            rest = after;
            group
        })
        .collect();
    parts.join(separator)
}

/// What is left of an account number, its first four characters moved to the end, after division by 97.
pub fn mod_97(text: &str) -> u32 {
    let (head, tail) = text.split_at(4);
    tail.chars().chain(head.chars()).fold(0, |rest, character| match character.to_digit(36) {
        Some(digit) if digit < 10 => (rest * 10 + digit) % 97,
        Some(number) => (rest * 100 + number) % 97,
        None => rest,
    })
}

pub fn iban(random: &mut Random) -> Result<String> {
    let (country, shape) = random.pick(BANKS);
    let account = shape::fill(shape, random)?;
    let check = 98 - mod_97(&format!("{country}00{account}"));
    Ok(format!("{country}{check:02}{account}"))
}

pub fn iban_bad(random: &mut Random) -> Result<String> {
    let iban = iban(random)?;
    let check = (iban[2..4].parse::<u32>()? + 1 + random.below(90) as u32) % 97;
    Ok(format!("{}{check:02}{}", &iban[..2], &iban[4..]))
}

pub fn in_fours(text: &str) -> String {
    let groups: Vec<String> = text.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into()).collect();
    groups.join(" ")
}

/// The sum that ten divides in a valid identity number.
pub fn taiwan_sum(id: &str) -> Option<usize> {
    let number = LETTERS.find(id.chars().next()?)? + 10;
    let digits = [number / 10, number % 10].into_iter().chain(id.bytes().skip(1).map(|b| usize::from(b - b'0')));
    Some(digits.zip([1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1]).map(|(digit, weight)| digit * weight).sum())
}

/// An identity card's number (second character 1 or 2) or a resident certificate's (8 or 9).
pub fn taiwan_id(second: &[char], random: &mut Random) -> String {
    let letters: Vec<char> = LETTERS.chars().collect();
    let mut id = format!("{}{}{}", random.pick(&letters), random.pick(second), random.digits(7));
    let sum = taiwan_sum(&id).unwrap_or_default();
    id.push_str(&((10 - sum % 10) % 10).to_string());
    id
}

/// Like an identity number, with a wrong check digit, a second character that is not given out, or another length.
pub fn taiwan_id_bad(random: &mut Random) -> String {
    let id = taiwan_id(&['1', '2', '8', '9'], random);
    match random.below(4) {
        0 | 1 => off_by_some(&id, random),
        2 => format!("{}{}{}", &id[..1], random.between(3, 7), &id[2..]),
        _ => id[..9].to_owned(),
    }
}

pub fn ssn(random: &mut Random) -> String {
    let area = match random.between(1, 898) {
        area if area >= 666 => area + 1,
        area => area,
    };
    format!("{area:03}-{:02}-{:04}", random.between(1, 99), random.between(1, 9999))
}

/// Groups of three, two and four digits that are nobody's number.
pub fn ssn_bad(random: &mut Random) -> String {
    let (area, group, serial) = (random.between(100, 665), random.between(10, 99), random.between(1000, 9999));
    match random.below(4) {
        0 => format!("9{:02}-{group}-{serial}", area % 100),
        1 => format!("000-{group}-{serial}"),
        2 => format!("{area}-00-{serial}"),
        _ => format!("{area}-{group}-0000"),
    }
}

/// A Bitcoin address of the older kind: a version byte, twenty bytes and four of a digest, in base 58.
pub fn base58_address(random: &mut Random) -> String {
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = vec![random.pick(&[0_u8, 5])];
    bytes.extend(random.bytes(20));
    let digest = Sha256::digest(Sha256::digest(&bytes));
    bytes.extend_from_slice(&digest[..4]);
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let mut digits: Vec<usize> = Vec::new();
    for byte in bytes {
        let mut carry = usize::from(byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let ones = std::iter::repeat_n(0, zeros);
    ones.chain(digits.into_iter().rev()).map(|digit| char::from(ALPHABET[digit])).collect()
}

/// A Bitcoin address of the newer kind: version 0 and twenty bytes in bech32.
pub fn bech32_address(random: &mut Random) -> String {
    const ALPHABET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut data = vec![0_u8];
    data.extend((0..32).map(|_| random.below(32) as u8));
    // The human-readable part `bc`, expanded: high bits, zero, low bits.
    let expanded = [3, 3, 0, 2, 3].into_iter().chain(data.iter().copied());
    let check = expanded.chain([0; 6]).fold(1, bech32_step) ^ 1;
    data.extend((0..6).map(|place| (check >> (5 * (5 - place)) & 31) as u8));
    let text: String = data.into_iter().map(|value| char::from(ALPHABET[usize::from(value)])).collect();
    format!("bc1{text}")
}

fn bech32_step(check: u32, value: u8) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = check >> 25;
    let check = (check & 0x01ff_ffff) << 5 ^ u32::from(value);
    (0..5).filter(|bit| top >> bit & 1 == 1).fold(check, |check, bit| check ^ GENERATOR[bit])
}

/// The text with its last digit moved.
fn off_by_some(text: &str, random: &mut Random) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    let last = last.parse::<usize>().unwrap_or_default();
    format!("{rest}{}", (last + random.between(1, 9)) % 10)
}
