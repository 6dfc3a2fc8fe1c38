//! Every row against its own examples, through the engine.

use std::collections::HashSet;

use super::all;
use crate::redact::rules::{all_rules, context};
use crate::redact::{Family, Redactor};

fn found_by(id: &str, text: &str) -> bool {
    Redactor::with_families(&Family::ALL).find(text).iter().any(|finding| finding.rule == id)
}

#[test]
fn every_rule_finds_its_positives() {
    let missed: Vec<_> = all()
        .flat_map(|rule| rule.positive.iter().map(move |text| (rule.id, *text)))
        .filter(|(id, text)| !found_by(id, text))
        .collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn no_rule_finds_its_negatives() {
    let found: Vec<_> = all()
        .flat_map(|rule| rule.negative.iter().map(move |text| (rule.id, *text)))
        .filter(|(id, text)| found_by(id, text))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn ids_are_unique_among_all_rules_and_every_family_has_one() {
    let mut ids = HashSet::new();
    let mut families = HashSet::new();
    for rule in all_rules() {
        assert!(ids.insert(rule.id), "{} twice", rule.id);
        assert!(!rule.description.is_empty() && !rule.keywords.is_empty(), "{}", rule.id);
        families.insert(rule.family);
    }
    assert_eq!(families.len(), Family::ALL.len());
}

#[test]
fn lists_of_context_words_are_sorted_and_in_lower_case() {
    for list in [
        context::PASSWORD_WORDS,
        context::TOKEN_WORDS,
        context::OTHER_TOKENS,
        context::SECRET_KEYS,
        context::OTHER_KEYS,
        context::INNOCENT,
        context::ABOUT,
        context::TYPES,
        context::VALUE_NAMES,
        context::NAME_NAMES,
        context::OTHER_NAMES,
        context::PHONE_WORDS,
        context::CARD_WORDS,
        context::SSN_WORDS,
        context::SCHEMES,
    ] {
        for pair in list.windows(2) {
            assert!(pair[0] < pair[1], "{} before {}", pair[0], pair[1]);
        }
        assert!(list.iter().all(|word| word.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase())));
    }
}
