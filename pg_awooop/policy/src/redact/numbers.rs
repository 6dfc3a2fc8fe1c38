//! Numbers that belong to people: telephone numbers, payment cards, identity and bank account numbers.
//!
//! Digits come in groups with separators. From each group on, every form is tried that begins there; a form says how many
//! groups it takes. A number without a form of its own needs a word before it that says what it is.

use std::ops::Range;

use super::bloom::{Bloom, SEED};
use super::bytes::{DIGIT, HIGH, JOINER, LOWER, UPPER, alphanumeric_at, class, is_alphanumeric, run_back, run_on};
use super::checksum::{TaiwaneseId, iban_length, is_card, is_ssn, is_taiwanese_id, luhn, mod_97};

use super::marker;
use super::rules::builtin::{
    BANK_ACCOUNT_NUMBER, PAYMENT_CARD, TAIWAN_IDENTITY_CARD, TAIWAN_RESIDENT_CERTIFICATE, US_SOCIAL_SECURITY_NUMBER,
};
use super::rules::context::{CARD_SIGNS, CARD_WORDS, PHONE_SIGNS, PHONE_VERBS, PHONE_WORDS, SSN_SIGNS, SSN_WORDS};
use super::rules::phone::{self, Group};
use super::scan::Scanner;

/// The fewest digits of anything that is looked for.
const FEWEST_DIGITS: usize = 7;
/// How far before a number the word stands that says what it is.
const CONTEXT: usize = 48;

static NUMBER_WORDS: Bloom = {
    let mut bloom = Bloom::empty();
    bloom.insert_all(PHONE_WORDS);
    bloom.insert_all(PHONE_VERBS);
    bloom.insert_all(CARD_WORDS);
    bloom.insert_all(SSN_WORDS);
    bloom
};

/// How much of its allowance a group costs whose forms are tried, and how many are tried in any case.
const COST: usize = 32;
const MANY: usize = 16;

/// What the words before a number call it.
#[derive(Clone, Copy, Default)]
pub(super) struct NumberNames {
    phone: bool,
    card: bool,
    social_security: bool,
}

impl NumberNames {
    /// Notes what a word says that `rest` follows.
    fn add(&mut self, word: &[u8], rest: &[u8]) {
        let is_one_of = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
        // `call me at …`: the verb alone is a word of programs, too.
        let whom = [b" me".as_slice(), b" us", b" him", b" her", b" them", b" at "];
        self.phone |=
            is_one_of(PHONE_WORDS) || is_one_of(PHONE_VERBS) && whom.iter().any(|object| rest.starts_with(object));
        self.card |= is_one_of(CARD_WORDS);
        self.social_security |= is_one_of(SSN_WORDS);
    }
}

impl Scanner<'_> {
    /// A word with a digit in it.
    pub(super) fn number(&mut self, start: usize, end: usize, kinds: u8) {
        if kinds & UPPER != 0 {
            self.identities(start, end);
        }
        if self.numbers_until > start {
            return;
        }
        let bytes = self.bytes;
        let mut at = start;
        while at < end {
            if class(bytes[at]) & DIGIT != 0 && (at == start || class(bytes[at - 1]) & JOINER != 0) {
                self.groups_from(at);
                if self.numbers_until > at {
                    at = self.numbers_until.max(at + 1);
                    continue;
                }
            }
            at += 1;
        }
    }

    /// Identity cards and account numbers: a letter or two, then digits.
    fn identities(&mut self, start: usize, end: usize) {
        let bytes = self.bytes;
        for at in start..end {
            if class(bytes[at]) & UPPER == 0 || at > start && class(bytes[at - 1]) & JOINER == 0 {
                continue;
            }
            if at + 10 <= end
                && !alphanumeric_at(bytes, at + 10)
                && let Some(kind) = is_taiwanese_id(&bytes[at..at + 10])
            {
                let rule = if kind == TaiwaneseId::Card { &TAIWAN_IDENTITY_CARD } else { &TAIWAN_RESIDENT_CERTIFICATE };
                self.found(rule, at, at + 10);
                self.numbers_until = at + 10;
            } else if at + 4 <= end
                && class(bytes[at + 1]) & UPPER != 0
                && class(bytes[at + 2]) & class(bytes[at + 3]) & DIGIT != 0
                && let Some(account_end) = self.bank_account(at)
            {
                self.found(&BANK_ACCOUNT_NUMBER, at, account_end);
                self.numbers_until = account_end;
            }
        }
    }

    fn bank_account(&self, start: usize) -> Option<usize> {
        let length = iban_length(&self.bytes[start..start + 2])?;
        let mut account = [0; 34];
        let (mut count, mut at) = (0, start);
        while count < length {
            let byte = self.byte(at);
            if class(byte) & (DIGIT | UPPER) != 0 {
                account[count] = byte;
                count += 1;
            } else if !(matches!(byte, b' ' | b'-') && alphanumeric_at(self.bytes, at + 1)) {
                return None;
            }
            at += 1;
        }
        (!alphanumeric_at(self.bytes, at) && mod_97(&account[..length])).then_some(at)
    }

    /// Reads the groups of digits from `start` on and tries every form at each.
    fn groups_from(&mut self, start: usize) {
        let bytes = self.bytes;
        let mut groups = std::mem::take(&mut self.groups);
        groups.clear();
        let mut at = start;
        loop {
            let end = run_on(bytes, at, usize::MAX, |byte| class(byte) & DIGIT != 0);
            groups.push(Group { start: at, end });
            let next = run_on(bytes, end, 3, |byte| b" -.()".contains(&byte));
            if next == end || class(self.byte(next)) & DIGIT == 0 {
                break;
            }
            at = next;
        }
        let last = groups[groups.len() - 1].end;
        // Digits that go on as a word are no number's.
        if is_alphanumeric(self.byte(last)) || self.byte(last) == b'_' {
            groups.pop();
        }
        self.numbers_until = last;
        let digits: usize = groups.iter().map(|group| group.len()).sum();
        if digits >= FEWEST_DIGITS {
            let mut n = 0;
            let mut names = None;
            let mut fresh = false;
            while n < groups.len() {
                // Columns of numbers without end are no numbers of people.
                if n > MANY && self.exhausted(start) {
                    break;
                }
                self.spend(COST);
                let before = n.checked_sub(1).map(|before| groups[before]);
                let taken = self.forms(&groups[n..], before, fresh, &mut names);
                fresh = taken > 0;
                n += taken.max(1);
            }
        }
        self.groups = groups;
    }

    /// Tries the forms that begin with the first group; how many groups the one that fits takes.
    fn forms(
        &mut self,
        groups: &[Group],
        before: Option<Group>,
        fresh: bool,
        names: &mut Option<NumberNames>,
    ) -> usize {
        let first = groups[0];
        // Nobody writes a telephone number's first group like this, and no card's.
        if first.len() == 1
            && self.bytes[first.start] != b'1'
            && !matches!(self.byte(first.start.wrapping_sub(1)), b'+' | b'(')
        {
            return 0;
        }
        let start = first.start;
        let mut named = || *names.get_or_insert_with(|| self.names_before(start));
        let within_fraction = before.is_some_and(|group| &self.bytes[group.end..first.start] == b".")
            || first.start > 1 && self.byte(first.start - 1) == b'.' && self.byte(first.start - 2).is_ascii_digit();
        if let Some(taken) = self.card(groups, &mut named).filter(|_| !within_fraction) {
            self.found(&PAYMENT_CARD, first.start, groups[taken - 1].end);
            return taken;
        }
        if groups.len() >= 3 && self.social_security(groups, &mut named) {
            self.found(&US_SOCIAL_SECURITY_NUMBER, first.start, groups[2].end);
            return 3;
        }
        if first.len() == 9 && is_ssn(&self.bytes[first.range()]) && named().social_security {
            self.found(&US_SOCIAL_SECURITY_NUMBER, first.start, first.end);
            return 1;
        }
        if within_fraction && groups[0].len() < 3 {
            return 0;
        }
        if let Some(phone) = phone::find(self.bytes, groups, fresh, || named().phone) {
            let end = groups[phone.groups - 1].end;
            self.found(phone.rule, phone.start, end);
            return phone.groups;
        }
        0
    }

    fn card(&self, groups: &[Group], named: &mut impl FnMut() -> NumberNames) -> Option<usize> {
        const LENGTHS: &[&[usize]] = &[&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];
        let bytes = self.bytes;
        let mut digits = [0; 19];
        let mut read = |range: Range<usize>, from: usize| {
            let text = &bytes[range];
            digits.get_mut(from..from + text.len()).map(|to| to.copy_from_slice(text)).is_some()
        };
        let (taken, count) = if (12..=19).contains(&groups[0].len()) {
            read(groups[0].range(), 0);
            (1, groups[0].len())
        } else if groups[0].len() == 4 {
            let separator = |n: usize| &bytes[groups[n].end..groups[n + 1].start];
            let lengths = LENGTHS.iter().find(|lengths| {
                groups.len() >= lengths.len()
                    && lengths.iter().zip(groups).all(|(length, group)| group.len() == *length)
                    && matches!(separator(0), b" " | b"-" | b".")
                    && (1..lengths.len() - 1).all(|n| separator(n) == separator(0))
            })?;
            let mut count = 0;
            for group in &groups[..lengths.len()] {
                read(group.range(), count);
                count += group.len();
            }
            (lengths.len(), count)
        } else {
            return None;
        };
        // The middle of an account number: `RS35 2600 0560 1001 6113 70`.
        let start = groups[0].start;
        let before = run_back(bytes, start.saturating_sub(1), 5, is_alphanumeric);
        if taken > 1
            && start > 0
            && bytes[start - 1] == b' '
            && bytes[before..start].iter().any(|byte| class(*byte) & UPPER != 0)
            && bytes[before..start].iter().any(|byte| class(*byte) & DIGIT != 0)
        {
            return None;
        }
        let digits = &digits[..count];
        let unnamed = is_card(digits, false);
        let card = unnamed || luhn(digits) && is_card(digits, true) && named().card;
        card.then_some(taken)
    }

    fn social_security(&self, groups: &[Group], named: &mut impl FnMut() -> NumberNames) -> bool {
        let [first, second, third, ..] = groups else { return false };
        let bytes = self.bytes;
        let separator = &bytes[first.end..second.start];
        if [first.len(), second.len(), third.len()] != [3, 2, 4] || separator != &bytes[second.end..third.start] {
            return false;
        }
        let mut digits = [0; 9];
        digits[..3].copy_from_slice(&bytes[first.range()]);
        digits[3..5].copy_from_slice(&bytes[second.range()]);
        digits[5..].copy_from_slice(&bytes[third.range()]);
        is_ssn(&digits)
            && match separator {
                b"-" | b"." => {
                    groups.len() == 3 || bytes[third.end] == b' ' || separator != &bytes[third.end..groups[3].start]
                }
                // A year behind says that it is a date, or the like.
                b" " => named().social_security || groups.len() == 3 && !matches!(&digits[5..7], b"19" | b"20"),
                _ => false,
            }
    }

    /// What the words shortly before the number at `at` call it.
    fn names_before(&self, at: usize) -> NumberNames {
        let mut names = NumberNames::default();
        let start = run_back(self.bytes, at, CONTEXT, |byte| byte != b'\n');
        let start = start + marker::behind_last(&self.bytes[start..at]);
        let before = &self.bytes[start..at];
        let (mut hash, mut from, mut last, mut wide) = (SEED, 0, 0, false);
        for (n, byte) in before.iter().enumerate() {
            let kind = class(*byte);
            let letter = kind & (UPPER | LOWER) != 0;
            // `phoneNumber`: words may begin with a capital.
            if !letter || kind & UPPER != 0 && last & LOWER != 0 {
                if from < n && NUMBER_WORDS.has(hash) {
                    names.add(&before[from..n], &before[n..]);
                }
                (hash, from) = (SEED, n + usize::from(!letter));
            }
            if letter {
                hash = Bloom::step(hash, *byte);
            } else {
                wide |= kind & HIGH != 0 || *byte == b'\\';
            }
            last = kind;
        }
        if from < before.len() && NUMBER_WORDS.has(hash) {
            names.add(&before[from..], &[]);
        }
        if wide {
            self.names_beyond_ascii(start, at, &mut names);
        }
        names
    }

    /// Words of other scripts, written out or escaped.
    fn names_beyond_ascii(&self, start: usize, at: usize, names: &mut NumberNames) {
        let mut from = start;
        while from < at {
            let byte = self.bytes[from];
            if byte < 0x80 && (byte != b'\\' || self.byte(from + 1) != b'u') || !self.text.is_char_boundary(from) {
                from += 1;
                continue;
            }
            let has = |signs: &[&str]| signs.iter().any(|sign| self.stands(sign, from).is_some());
            names.phone |= has(PHONE_SIGNS);
            names.card |= has(CARD_SIGNS);
            names.social_security |= has(SSN_SIGNS);
            from = self.character(from).map_or(from + 1, |(_, next)| next);
        }
    }
}
