use std::collections::{HashMap, HashSet};

use awooop_policy::redact::Family;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::random::Random;
use super::{Line, lines, numbers, slots, tables};

fn corpus() -> Vec<Line> {
    lines().unwrap()
}

#[test]
fn a_corpus_too_small_to_judge_by_is_noticed() {
    let lines = corpus();
    let benign = lines.iter().filter(|line| line.secret.is_none()).count();
    assert!(lines.len() >= 2_500, "{} lines", lines.len());
    assert!(benign >= 900, "{benign} benign lines");
    assert!(tables::rows("vendor").unwrap().len() >= 150);
}

#[test]
fn every_kind_that_is_scored_has_lines() {
    let mut counts = HashMap::new();
    for line in corpus() {
        *counts.entry(line.kind).or_insert(0) += 1;
    }
    let kinds = [
        "auth-header",
        "cli-credential",
        "connection-string",
        "context-secret",
        "cookie",
        "crypto-address",
        "email",
        "iban",
        "ip",
        "jwt",
        "password-assignment",
        "payment-card",
        "phone",
        "phone-tw",
        "platform-key",
        "private-key",
        "telegram-token",
        "tw-national-id",
        "url-credential",
        "us-ssn",
        "vendor-token",
    ];
    for kind in kinds {
        assert!(counts.get(kind).is_some_and(|&count| count >= 20), "{kind}: {:?}", counts.get(kind));
    }
}

#[test]
fn a_line_that_cannot_be_scored_is_noticed() {
    let mut ids = HashSet::new();
    for line in corpus() {
        assert!(ids.insert(line.id.clone()), "{} twice", line.id);
        assert_eq!(line.kind.starts_with("benign-"), line.secret.is_none(), "{}", line.id);
        assert!(!line.text.contains(['«', '»']), "{}: {}", line.id, line.text);
        let Some(secret) = line.secret else { continue };
        assert_eq!(line.text.matches(&secret).count(), 1, "{}: `{secret}` in {}", line.id, line.text);
        // A secret that a marker contains would be found in the output.
        assert!(Family::ALL.iter().all(|family| !family.marker().contains(&secret)), "{}: `{secret}`", line.id);
    }
}

#[test]
fn two_runs_of_a_benchmark_score_the_same_lines() {
    let text = |lines: Vec<Line>| lines.into_iter().map(|line| line.id + &line.text).collect::<Vec<_>>();
    assert_eq!(text(corpus()), text(corpus()));
}

/// A thousand values of a slot.
fn values(slot: &str) -> impl Iterator<Item = String> {
    let slot = slot.to_owned();
    (0..1000).map(move |turn| slots::fill(&slot, &mut Random::of(&slot, turn)).unwrap())
}

#[test]
fn numbers_meant_to_be_found_pass_their_checksum_and_the_others_fail() {
    let luhn = |card: &str| numbers::luhn_digit(&card[..card.len() - 1]).to_string() == card[card.len() - 1..];
    let taiwan = |id: &str| {
        id.len() == 10
            && matches!(id.as_bytes()[1], b'1' | b'2' | b'8' | b'9')
            && numbers::taiwan_sum(id).unwrap().is_multiple_of(10)
    };
    assert!(values("card").all(|card| luhn(&card)));
    assert!(values("card_spaced").all(|card| luhn(&card.replace(' ', ""))));
    assert!(values("card_bad").all(|card| !luhn(&card)));
    assert!(values("iban").all(|iban| numbers::mod_97(&iban) == 1));
    assert!(values("iban_bad").all(|iban| numbers::mod_97(&iban) != 1));
    assert!(values("taiwan_id").chain(values("taiwan_resident")).all(|id| taiwan(&id)));
    assert!(values("taiwan_id_bad").all(|id| !taiwan(&id)));
    let areas = |ssn: &str| {
        let parts: Vec<u32> = ssn.split('-').map(|part| part.parse().unwrap()).collect();
        (1..900).contains(&parts[0]) && parts[0] != 666 && parts[1] > 0 && parts[2] > 0
    };
    assert!(values("ssn").all(|ssn| areas(&ssn)));
    assert!(values("ssn_bad").all(|ssn| !areas(&ssn)));
}

#[test]
fn checksums_agree_with_published_examples() {
    assert_eq!(numbers::luhn_digit("7992739871"), 3);
    assert_eq!(numbers::mod_97("GB82WEST12345698765432"), 1);
    assert_eq!(numbers::taiwan_sum("A123456789").unwrap() % 10, 0);
}

#[test]
fn tokens_have_the_structure_they_are_known_by() {
    for jwt in values("jwt").take(50) {
        let parts: Vec<_> = jwt.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let header: serde_json::Value = serde_json::from_slice(&parts[0]).unwrap();
        assert!(parts.len() == 3 && header["alg"].is_string(), "{jwt}");
    }
    for bitcoin in values("bitcoin").take(100) {
        assert!((26..=42).contains(&bitcoin.len()), "{bitcoin}");
    }
    assert!(values("telegram_token").all(|token| token.split_once(":AA").is_some_and(|(_, rest)| rest.len() == 33)));
}
