//! A number as PostgreSQL stores it (`numeric.c`): groups of four decimal digits.

use serde_json::Number;

use crate::strict::MAX_EXACT_INTEGER;

/// Beyond these the text decides, which is refused or as long as the number.
const MOST_DECIMALS: u16 = 22;
const MOST_GROUPS: usize = 6;

/// Powers of ten that a binary fraction holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The number that reading its text gives; nothing where that is refused, or too long to be sure.
pub(super) fn read(numeric: &[u8]) -> Option<Number> {
    let is_short = if cfg!(target_endian = "big") { 0x80 } else { 0x01 };
    let body = numeric.get(if numeric.first()? & is_short != 0 { 1.. } else { 4.. })?;
    let (header, rest) = body.split_first_chunk::<2>()?;
    let header = u16::from_ne_bytes(*header);
    let (is_negative, weight, decimals, groups) = match header & 0xC000 {
        // Infinity and NaN, which are not JSON.
        0xC000 => return None,
        0x8000 => {
            let weight = i32::from(header & 0x3F) - if header & 0x40 == 0 { 0 } else { 64 };
            (header & 0x2000 != 0, weight, (header & 0x1F80) >> 7, rest)
        }
        sign => {
            let (weight, groups) = rest.split_first_chunk::<2>()?;
            (sign != 0, i32::from(i16::from_ne_bytes(*weight)), header & 0x3FFF, groups)
        }
    };
    let groups = groups.as_chunks::<2>().0;
    if decimals > MOST_DECIMALS || groups.len() > MOST_GROUPS || weight.unsigned_abs() as usize > MOST_GROUPS {
        return None;
    }
    let digits = groups.iter().fold(0, |sum, group| sum * 10_000 + u128::from(u16::from_ne_bytes(*group)));
    let exponent = 4 * (weight + 1 - i32::try_from(groups.len()).ok()?);
    let number = if decimals == 0 {
        let whole = whole(digits, exponent)?;
        if is_negative { Number::from(-whole) } else { Number::from(whole) }
    } else {
        let fraction = fraction(digits, exponent)?;
        Number::from_f64(if is_negative { -fraction } else { fraction })?
    };
    Some(number)
}

fn whole(digits: u128, exponent: i32) -> Option<i64> {
    let whole = digits.checked_mul(10u128.checked_pow(u32::try_from(exponent).ok()?)?)?;
    i64::try_from(whole).ok().filter(|whole| whole.unsigned_abs() <= MAX_EXACT_INTEGER)
}

/// The nearest binary fraction, as a reader of decimals finds it.
fn fraction(digits: u128, exponent: i32) -> Option<f64> {
    let nearest = match (u64::try_from(digits), POWERS.get(exponent.unsigned_abs() as usize)) {
        // Both are exact, and so the one operation is rounded correctly.
        (Ok(digits), Some(power)) if digits <= MAX_EXACT_INTEGER && exponent <= 0 => digits as f64 / power,
        _ => format!("{digits}e{exponent}").parse().ok()?,
    };
    // As in a text: 2^53 itself may have been rounded to.
    (nearest < MAX_EXACT_INTEGER as f64).then_some(nearest)
}
