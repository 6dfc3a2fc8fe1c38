//! Markers in a text: what has been redacted before is not looked into, and nothing else is taken for it.

use std::collections::HashMap;
use std::ops::Range;

use super::bytes::run_back;
use super::lexicon::Lexicon;
use super::{Family, Finding};

pub(super) const BEGINNING: &str = "[REDACTED:";
/// The families' names.
static NAMES: Lexicon = Lexicon::of(&FAMILIES);
const FAMILIES: [&str; Family::ALL.len()] = {
    let mut names = [""; _];
    let mut n = 0;
    while n < names.len() {
        names[n] = Family::ALL[n].as_str();
        n += 1;
    }
    names
};
const LONGEST_NAME: usize = 24;

/// Where the marker that begins at `at` ends: the name of a family, and for keys that would be equal a number.
pub(super) fn end_of_marker(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?.strip_prefix(BEGINNING)?;
    let name = rest.bytes().take(LONGEST_NAME).take_while(|byte| byte.is_ascii_lowercase() || *byte == b'_').count();
    let family = NAMES.find(&rest.as_bytes()[..name])?;
    let tail = &rest[family.len()..];
    let digits =
        tail.strip_prefix('#').map_or(0, |number| 1 + number.bytes().take(12).take_while(u8::is_ascii_digit).count());
    let end = at + BEGINNING.len() + family.len() + digits;
    text[end..].starts_with(']').then_some(end + 1)
}

/// The highest number that a marker of each family in the text has.
pub(super) fn numbers(text: &str) -> HashMap<Family, usize> {
    let mut numbers = HashMap::new();
    for (at, _) in text.match_indices(BEGINNING) {
        let Some(end) = end_of_marker(text, at) else { continue };
        let inside = &text[at + BEGINNING.len()..end - 1];
        let (name, number) = inside.split_once('#').unwrap_or((inside, "1"));
        if let (Some(family), Ok(number)) = (Family::parse(name), number.parse::<u32>()) {
            let highest = numbers.entry(family).or_insert(0);
            *highest = (number as usize).max(*highest);
        }
    }
    numbers
}

/// Behind the last marker in the text: a marker's words say nothing about what follows it.
pub(super) fn behind_last(text: &[u8]) -> usize {
    let Some(bracket) = text.iter().rposition(|byte| *byte == b']') else { return 0 };
    let name = run_back(text, bracket, 32, |byte| byte.is_ascii_alphanumeric() || b"_#:".contains(&byte));
    if text[name..bracket].starts_with(b"REDACTED:") { bracket + 1 } else { 0 }
}

/// The text without its markers.
pub(super) fn without_markers(text: &str) -> String {
    let (mut rest, mut at) = (String::new(), 0);
    for (start, _) in text.match_indices(BEGINNING) {
        if let Some(end) = end_of_marker(text, start).filter(|_| start >= at) {
            rest.push_str(&text[at..start]);
            at = end;
        }
    }
    rest + &text[at..]
}

/// The highest number that a marker of the family has in the text: 1 for one without a number, 0 where there is none.
pub(super) fn highest_number(text: &str, family: Family) -> usize {
    let markers = text.match_indices(BEGINNING).filter_map(|(at, _)| Some(&text[at..end_of_marker(text, at)?]));
    let names = markers.map(|marker| &marker[BEGINNING.len()..marker.len() - 1]);
    names
        .filter_map(|name| name.strip_prefix(family.as_str()))
        .filter_map(|number| if number.is_empty() { Some(1) } else { number.strip_prefix('#')?.parse().ok() })
        .max()
        .unwrap_or(0)
}

/// What of the findings lies outside markers. A text can't shield itself by a marker's beginning: only a whole marker
/// counts, and what stands before and behind it stays a finding.
pub(super) fn outside_markers(text: &str, findings: Vec<Finding>) -> Vec<Finding> {
    let markers: Vec<Range<usize>> =
        text.match_indices(BEGINNING).filter_map(|(at, _)| Some(at..end_of_marker(text, at)?)).collect();
    let mut outside = Vec::with_capacity(findings.len());
    let mut first = 0;
    for finding in findings {
        while markers.get(first).is_some_and(|marker| marker.end <= finding.range.start) {
            first += 1;
        }
        let mut start = finding.range.start;
        for marker in markers[first..].iter().take_while(|marker| marker.start < finding.range.end) {
            push(text, &finding, start..marker.start, &mut outside);
            start = start.max(marker.end);
        }
        push(text, &finding, start..finding.range.end, &mut outside);
    }
    outside
}

/// A piece without letters or digits is what stood around a secret, not a part of it.
fn push(text: &str, finding: &Finding, range: Range<usize>, to: &mut Vec<Finding>) {
    if range.start < range.end && (text[range.clone()].contains(char::is_alphanumeric)) {
        to.push(Finding { range, ..finding.clone() });
    }
}

#[cfg(test)]
mod tests {
    use crate::redact::Redactor;

    #[test]
    fn nothing_hides_behind_the_beginning_of_a_marker() {
        for text in [
            "[REDACTED:alice@example.com",
            "[REDACTED: 4111 1111 1111 1111]",
            "[REDACTED:email alice@example.com]",
            "[REDACTED:email]alice@example.com",
            "alice@example.com[REDACTED:email]",
            "password=abc123[REDACTED:email]def456",
        ] {
            let redacted = Redactor::default().redact(text);
            for secret in ["alice", "4111", "abc123", "def456"] {
                assert!(!redacted.contains(secret), "{text} became {redacted}");
            }
            assert_eq!(Redactor::default().redact(&redacted), redacted);
        }
    }
}
