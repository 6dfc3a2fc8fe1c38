//! Forms of telephone numbers: groups of digits as countries write them (ITU-T E.123, E.164; national numbering plans).

use crate::redact::bytes::stands_at;

use super::builtin::{
    Builtin, PHONE_BY_NAME, PHONE_CHINA, PHONE_INTERNATIONAL, PHONE_NATIONAL, PHONE_NORTH_AMERICA, PHONE_TAIWAN,
};

/// A run of digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Group {
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn range(&self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// A telephone number: where it begins (with its `+` or bracket), and how many groups it takes.
pub(crate) struct Phone {
    pub(crate) start: usize,
    pub(crate) groups: usize,
    pub(crate) rule: &'static Builtin,
}

/// Country codes with the fewest and the most digits of a national number behind them.
#[rustfmt::skip]
const COUNTRIES: &[(&str, usize, usize)] = &[
    ("1", 10, 10), ("20", 8, 10), ("27", 9, 9), ("30", 10, 10), ("31", 9, 9), ("32", 8, 9), ("33", 9, 9), ("34", 9, 9),
    ("36", 8, 9), ("39", 6, 12), ("40", 9, 9), ("41", 9, 9), ("43", 4, 13), ("44", 7, 10), ("45", 8, 8), ("46", 7, 13),
    ("47", 5, 8), ("48", 9, 9), ("49", 4, 13), ("51", 8, 9), ("52", 10, 11), ("53", 6, 10), ("54", 10, 11), ("55", 10, 11),
    ("56", 9, 9), ("57", 8, 10), ("58", 10, 10), ("60", 8, 10), ("61", 9, 9), ("62", 7, 12), ("63", 8, 10), ("64", 8, 10),
    ("65", 8, 8), ("66", 8, 9), ("7", 10, 10), ("81", 9, 10), ("82", 8, 10), ("84", 9, 10), ("86", 10, 11), ("90", 10, 10),
    ("91", 10, 10), ("92", 9, 10), ("93", 9, 9), ("94", 9, 9), ("95", 7, 10), ("98", 10, 10), ("212", 9, 9), ("213", 8, 9),
    ("216", 8, 8), ("218", 8, 9), ("234", 8, 10), ("254", 9, 10), ("255", 9, 9), ("256", 9, 9), ("351", 9, 9), ("352", 6, 11),
    ("353", 7, 9), ("354", 7, 9), ("355", 8, 9), ("358", 6, 12), ("359", 7, 9), ("370", 8, 8), ("371", 8, 8), ("372", 7, 8),
    ("380", 9, 9), ("381", 8, 9), ("385", 8, 9), ("386", 8, 8), ("420", 9, 9), ("421", 9, 9), ("852", 8, 8), ("853", 8, 8),
    ("855", 8, 9), ("886", 8, 9), ("960", 7, 7), ("961", 7, 8), ("962", 8, 9), ("963", 8, 9), ("964", 8, 10), ("965", 8, 8),
    ("966", 8, 9), ("971", 8, 9), ("972", 8, 9), ("973", 8, 8), ("974", 8, 8), ("977", 8, 10), ("992", 9, 9), ("994", 9, 9),
    ("995", 9, 9), ("996", 9, 9), ("998", 9, 9),
    // Small islands.
    ("247", 4, 6), ("290", 4, 5), ("500", 5, 5), ("508", 6, 6), ("672", 5, 6), ("677", 5, 7), ("678", 5, 7), ("681", 6, 6),
    ("682", 5, 5), ("683", 4, 7), ("685", 5, 7), ("687", 6, 6), ("688", 5, 7), ("690", 4, 5),
];

/// A number that begins with the first group, if it has the form of a telephone number. `named` says whether a word
/// before it calls it one.
/// `fresh` says that the groups before are another number's.
pub(crate) fn find(bytes: &[u8], groups: &[Group], fresh: bool, mut named: impl FnMut() -> bool) -> Option<Phone> {
    let first = groups[0];
    let start = first.start;
    let before = start.checked_sub(1).map_or(0, |at| bytes[at]);
    let second_before = start.checked_sub(2).map_or(0, |at| bytes[at]);
    if before == b'+' || before == b'(' && second_before == b'+' {
        let lead = if before == b'+' { start - 1 } else { start - 2 };
        if lead == 0 || !bytes[lead - 1].is_ascii_alphanumeric() || is_escape(bytes, lead) {
            return international(bytes, groups, lead, 0, &PHONE_INTERNATIONAL);
        }
        return None;
    }
    // Part of a word such as `INV-0912345678`, of an amount, a version or a path.
    let joined = matches!(before, b'-' | b'_' | b'.' | b'/' | b'$' | b'#')
        && (second_before.is_ascii_alphanumeric() || before != b'-');
    if joined && !named() {
        return None;
    }
    let bracket = before == b'(';
    let lead = if bracket { start - 1 } else { start };
    let digits = |n: usize| bytes.get(start + n).copied().unwrap_or(0);
    let prefixed = bytes[start..first.end].starts_with(b"00") && !(before == b' ' && continues(bytes, start));
    if prefixed && digits(2) != b'0' && (groups.len() > 1 || first.len() >= 12) {
        return international(bytes, groups, lead, 2, &PHONE_INTERNATIONAL);
    }
    if bytes[start..first.end].starts_with(b"886")
        && let Some(found) = international(bytes, groups, lead, 0, &PHONE_TAIWAN)
        && taiwanese(bytes, groups, &found)
    {
        return Some(found);
    }
    if first.len() == 10 && stands_at(bytes, start, b"09") && !stands_at(bytes, start, b"090") {
        return Some(Phone { start: lead, groups: 1, rule: &PHONE_TAIWAN });
    }
    // `GE29 NB00 0101 9049 18`: groups of a longer number that begins before.
    let goes_on = !fresh && before == b' ' && second_before.is_ascii_alphanumeric() && continues(bytes, start);
    let mut total: usize = groups.iter().take(6).map(Group::len).sum();
    for taken in (2..=groups.len().min(6)).rev() {
        if goes_on && bytes[groups[0].end] == b' ' {
            break;
        }
        let length = total;
        total -= groups[taken - 1].len();
        if !(9..=11).contains(&length) {
            continue;
        }
        // `0912-34-5678-90`: a longer number of another kind.
        let longer = groups.get(taken).is_some_and(|next| &bytes[groups[taken - 1].end..next.start] == b"-");
        if let Some(rule) = national(bytes, &groups[..taken], bracket).filter(|_| !longer) {
            return Some(Phone { start: lead, groups: taken, rule });
        }
    }
    let mobile = first.len() == 11
        && matches!(
            &bytes[start..start + 3],
            b"070" | b"080" | b"090" | b"010" | b"073" | b"074" | b"075" | b"077" | b"078" | b"079"
        );
    if mobile {
        return Some(Phone { start: lead, groups: 1, rule: &PHONE_NATIONAL });
    }
    by_name(bytes, groups, named).map(|taken| Phone { start: lead, groups: taken, rule: &PHONE_BY_NAME })
}

/// Whether the word before the blank before `at` has digits, as the groups of a long number have.
fn continues(bytes: &[u8], at: usize) -> bool {
    let word = bytes[..at - 1].iter().rev().take(8).take_while(|byte| byte.is_ascii_alphanumeric());
    let length = word.clone().count();
    // `NL91 ABNA 0417 …`: the bank's letters.
    let bank = length == 4 && word.clone().all(u8::is_ascii_uppercase) && at >= 7 && {
        let country = &bytes[at.saturating_sub(10)..at - 6];
        country.len() == 4
            && country[..2].iter().all(u8::is_ascii_uppercase)
            && country[2..].iter().all(u8::is_ascii_digit)
    };
    bank || word.clone().any(u8::is_ascii_digit) && length <= 6
}

/// The `n` of `\n` before a `+`.
fn is_escape(bytes: &[u8], at: usize) -> bool {
    at >= 2 && bytes[at - 2] == b'\\'
}

/// With a country code, after `skip` digits of a prefix.
fn international(bytes: &[u8], groups: &[Group], lead: usize, skip: usize, rule: &'static Builtin) -> Option<Phone> {
    let mut digits = [0u8; 20];
    let (mut count, mut taken) = (0, 0);
    let mut most = 15 + skip;
    let mut fewest = 8 + skip;
    let mut country = None;
    for group in groups.iter().take(8) {
        if count + group.len() > most.min(19) {
            break;
        }
        if taken > 0 && !is_separator(&bytes[groups[taken - 1].end..group.start]) {
            break;
        }
        digits[count..count + group.len()].copy_from_slice(&bytes[group.range()]);
        count += group.len();
        taken += 1;
        if country.is_none() && count >= skip + 3 {
            country = country_of(&digits[skip..count]);
            let Some((code, least, longest)) = country else { continue };
            // One more for a trunk zero that people leave in: +886 (0)912 345 678.
            fewest = skip + code.len() + least;
            most = skip + code.len() + longest + 1;
        }
    }
    // No country's code begins with a zero.
    if count <= skip || digits[skip] == b'0' {
        return None;
    }
    (taken > 0
        && count >= fewest
        && count <= most
        && (country.is_some() || skip == 0 && std::ptr::eq(rule, &PHONE_INTERNATIONAL)))
    .then_some(Phone { start: lead, groups: taken, rule })
}

/// The country whose code the digits begin with, the longest of them.
fn country_of(digits: &[u8]) -> Option<&'static (&'static str, usize, usize)> {
    COUNTRIES
        .iter()
        .filter(|(code, ..)| code.as_bytes()[0] == digits[0] && digits.starts_with(code.as_bytes()))
        .max_by_key(|(code, ..)| code.len())
}

fn is_separator(text: &[u8]) -> bool {
    matches!(text, b" " | b"-" | b"." | b") " | b")" | b")-" | b" (" | b"(" | b" - " | b"-(")
}

/// `886` without a plus: a mobile number, or groups.
fn taiwanese(bytes: &[u8], groups: &[Group], found: &Phone) -> bool {
    let digits: Vec<u8> =
        groups[..found.groups].iter().flat_map(|group| bytes[group.range()].iter().copied()).collect();
    let national = &digits[3..];
    let national = national.strip_prefix(b"0").unwrap_or(national);
    national.len() == 9 && national[0] == b'9'
        || found.groups > 1 && matches!(national.len(), 8 | 9) && national[0] != b'0'
}

/// Groups in a national form.
fn national(bytes: &[u8], groups: &[Group], bracket: bool) -> Option<&'static Builtin> {
    let text = |n: usize| &bytes[groups[n].range()];
    let separator = |n: usize| &bytes[groups[n].end..groups[n + 1].start];
    let mut lengths = [0; 6];
    for (length, group) in lengths.iter_mut().zip(groups) {
        *length = group.len();
    }
    let lengths = &lengths[..groups.len()];
    let total: usize = lengths.iter().sum();
    if !(9..=11).contains(&total) {
        return None;
    }
    if !(0..groups.len() - 1).all(|n| is_separator(separator(n))) || groups.len() > 1 && separator(0) == b"(" {
        return None;
    }
    let closed = bracket && separator(0).starts_with(b")");
    if bracket != closed {
        return None;
    }
    let first = text(0);
    // Dots are for France's pairs and North America; elsewhere they are versions and addresses.
    let dotted = (0..groups.len() - 1).any(|n| separator(n) == b".");
    let area = |digits: &[u8]| (b'2'..=b'9').contains(&digits[0]);
    match *lengths {
        [3, 3, 4] if area(first) && area(text(1)) && (closed || separator(0) != b" " || separator(1) == b"-") => {
            return Some(&PHONE_NORTH_AMERICA);
        }
        // A social security number that can't be one.
        [3, 2, 4] => return None,
        [1, 3, 3, 4] if first == b"1" && area(text(1)) && area(text(2)) => return Some(&PHONE_NORTH_AMERICA),
        [3, 4, 4] if first[0] == b'1' && (b'3'..=b'9').contains(&first[1]) && !dotted => return Some(&PHONE_CHINA),
        _ => {}
    }
    let trunk = first[0] == b'0' && first.len() >= 2 && first[1] != b'0';
    let parts = lengths[1..].iter().all(|length| (2..=8).contains(length)) && *lengths.last()? >= 2;
    if trunk && (2..=5).contains(&first.len()) && (9..=11).contains(&total) && parts {
        let pairs = lengths.iter().all(|length| *length == 2);
        if !dotted || pairs && total == 10 {
            let taiwan = (first == b"02" || first == b"04") && total == 10 || total == 9 || first.starts_with(b"09");
            return Some(if taiwan { &PHONE_TAIWAN } else { &PHONE_NATIONAL });
        }
    }
    (closed && (2..=4).contains(&first.len()) && (9..=11).contains(&total) && parts && !dotted)
        .then_some(&PHONE_NATIONAL)
}

/// Seven to fifteen digits that a word before them calls a telephone number.
fn by_name(bytes: &[u8], groups: &[Group], mut named: impl FnMut() -> bool) -> Option<usize> {
    let (mut total, mut taken) = (0, 0);
    for (n, group) in groups.iter().enumerate().take(6) {
        if n > 0 && !is_separator(&bytes[groups[n - 1].end..group.start]) || total + group.len() > 15 {
            break;
        }
        total += group.len();
        taken = n + 1;
    }
    let date = taken >= 3 && groups[0].len() == 4 && groups[1].len() == 2 && groups[2].len() == 2;
    let seconds = taken == 1 && total == 10 && bytes[groups[0].start] == b'1';
    (total >= 7 && !date && !seconds && groups[..taken].iter().all(|group| group.len() >= 2) && named())
        .then_some(taken)
}
