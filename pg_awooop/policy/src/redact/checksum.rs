//! Check digits and issuers' ranges: what makes a number a card, an identity or an account.

/// ISO/IEC 7812-1, annex B.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let value = u32::from(digit - b'0') * (1 + n as u32 % 2);
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// GS1 General Specifications: the check digit of a 13-digit article number.
pub(super) fn is_article_number(digits: &[u8]) -> bool {
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(n, d)| u32::from(d - b'0') * if n % 2 == 1 { 3 } else { 1 }).sum();
    digits.len() == 13 && sum.is_multiple_of(10)
}

/// Issuers of payment cards: first and last leading digits of the range, and the lengths they issue.
/// From the schemes' published ranges (ISO/IEC 7812).
#[rustfmt::skip]
const ISSUERS: &[(u32, u32, &[usize])] = &[
    (1, 1, &[15]),                                     // UATP
    (1800, 1800, &[15]),                               // JCB
    (2014, 2014, &[15]),                               // Diners Club enRoute
    (2131, 2131, &[15]),                               // JCB
    (2149, 2149, &[15]),                               // Diners Club enRoute
    (2200, 2204, &[16, 17, 18, 19]),                   // Mir
    (2221, 2720, &[16]),                               // Mastercard
    (300, 305, &[14, 16]),                             // Diners Club International
    (309, 309, &[14, 16]),                             // Diners Club International
    (34, 34, &[15]),                                   // American Express
    (3528, 3589, &[16]),                               // JCB
    (36, 36, &[14, 16]),                               // Diners Club International
    (37, 37, &[15]),                                   // American Express
    (38, 39, &[14, 16]),                               // Diners Club International
    (4, 4, &[13, 16]),                                 // Visa
    (5018, 5019, &[13, 16, 18, 19]),                   // Maestro
    (5020, 5020, &[13, 16, 18, 19]),                   // Maestro
    (5038, 5038, &[13, 16, 18, 19]),                   // Maestro
    (51, 55, &[16]),                                   // Mastercard
    (56, 58, &[16]),                                   // Maestro
    (6011, 6011, &[16]),                               // Discover
    (6062, 6062, &[16]),                               // Hipercard
    (6304, 6304, &[16, 18, 19]),                       // Maestro
    (62, 62, &[16]),                                   // UnionPay
    (6360, 6399, &[16]),                               // Maestro, InstaPayment, Verve
    (644, 649, &[16]),                                 // Discover
    (65, 65, &[16]),                                   // Discover, RuPay
    (6759, 6763, &[13, 16, 18, 19]),                   // Maestro
    (81, 82, &[16]),                                   // RuPay
    (9792, 9792, &[16]),                               // Troy
];

/// Whether digits are a card's: an issuer's range and length, and the check digit.
pub(super) fn is_card(digits: &[u8], named: bool) -> bool {
    if !(12..=19).contains(&digits.len()) || !luhn(digits) || digits.iter().all(|digit| *digit == digits[0]) {
        return false;
    }
    let leading = |n: usize| digits[..n].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    let issued = ISSUERS.iter().any(|(first, last, lengths)| {
        let value = leading(first.ilog10() as usize + 1);
        (*first..=*last).contains(&value) && lengths.contains(&digits.len())
    });
    // Nineteen-digit Visa and UnionPay cards exist, but so do ids of that length that pass one time in ten.
    let plausible = issued || named && matches!(digits[0], b'3'..=b'6') && digits.len() >= 12;
    plausible && (named || !is_article_number(digits))
}

/// What the letter of a Taiwanese identity card stands for.
fn letter_value(letter: u8) -> Option<u32> {
    const VALUES: [u32; 26] =
        [10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33];
    letter.is_ascii_uppercase().then(|| VALUES[(letter - b'A') as usize])
}

/// Taiwan: identity card (second character 1 or 2), resident certificate of the form since 2021 (8 or 9) and of the form
/// before (A to D). Ministry of the Interior, rule of the check digit.
pub(super) fn is_taiwanese_id(text: &[u8]) -> Option<TaiwaneseId> {
    let [letter, second, rest @ ..] = text else { return None };
    if rest.len() != 8 || !rest.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (kind, second) = match second {
        b'1' | b'2' => (TaiwaneseId::Card, u32::from(second - b'0')),
        b'8' | b'9' => (TaiwaneseId::Resident, u32::from(second - b'0')),
        b'A'..=b'D' => (TaiwaneseId::Resident, letter_value(*second)? % 10),
        _ => return None,
    };
    let value = letter_value(*letter)?;
    let mut sum = value / 10 + value % 10 * 9 + second * 8;
    for (digit, weight) in rest.iter().zip([7, 6, 5, 4, 3, 2, 1, 1]) {
        sum += u32::from(digit - b'0') * weight;
    }
    sum.is_multiple_of(10).then_some(kind)
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TaiwaneseId {
    Card,
    Resident,
}

/// Lengths of the International Bank Account Number by country (the SWIFT registry's figures).
#[rustfmt::skip]
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22), (b"BH", 22),
    (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24), (b"DE", 22), (b"DJ", 27),
    (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18), (b"FK", 18), (b"FO", 18), (b"FR", 27),
    (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27), (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28),
    (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26), (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28),
    (b"LC", 32), (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22),
    (b"MK", 19), (b"MN", 20), (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23),
    (b"PK", 24), (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25), (b"SV", 28),
    (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20), (b"YE", 30),
];

/// How long an account number of the country is, without spaces.
pub(super) fn iban_length(country: &[u8]) -> Option<usize> {
    IBAN_LENGTHS.iter().find(|(code, _)| code.eq_ignore_ascii_case(country)).map(|(_, length)| *length)
}

/// ISO 7064, MOD 97-10, over letters and digits without spaces.
pub(super) fn mod_97(account: &[u8]) -> bool {
    let rotated = account[4..].iter().chain(&account[..4]);
    let remainder = rotated.fold(0u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    remainder == 1
}

/// A United States Social Security number as the Administration assigns them: area, group and serial.
pub(super) fn is_ssn(digits: &[u8]) -> bool {
    digits.len() == 9
        && &digits[..3] != b"000"
        && &digits[..3] != b"666"
        && digits[0] != b'9'
        && &digits[3..5] != b"00"
        && &digits[5..] != b"0000"
        // Numbers printed in advertisements that were never anybody's.
        && !matches!(digits, b"078051120" | b"219099999" | b"123456789")
}

/// Shannon entropy in hundredths of a bit a byte.
pub(super) fn entropy(text: &[u8]) -> u32 {
    let mut counts = [0u32; 256];
    for byte in text {
        counts[*byte as usize] += 1;
    }
    let length = text.len() as f32;
    let bits: f32 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = *count as f32 / length;
            -share * share.log2()
        })
        .sum();
    (bits * 100.0) as u32
}

/// How many different bytes there are.
pub(super) fn distinct(text: &[u8]) -> u32 {
    let mut seen = [0u64; 4];
    for byte in text {
        seen[(*byte >> 6) as usize] |= 1 << (byte & 63);
    }
    seen.iter().map(|bits| bits.count_ones()).sum()
}
