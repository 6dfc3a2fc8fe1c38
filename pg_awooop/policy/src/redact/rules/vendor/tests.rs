//! Every row against its own examples, by a matcher that knows only what a rule promises.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};

use super::ALL;
use super::inner::INNER;
use crate::redact::Redactor;
use crate::redact::rule::{Rule, Validator};
use crate::redact::words;

/// Texts of everyday work in which no rule may find anything.
const EVERYDAY: &[&str] = &[
    "sk-learn-pipeline-with-long-name",
    "hf_model_name = 'bert-base-uncased-whole-word-masking-finetuned-squad'",
    "pk_table_column, fk_orders_customer_id, sk_buff_head_init",
    "https://my-bucket.s3.amazonaws.com/reports/2024/01/31/summary.csv",
    "the pat-down, the pat-a-cake and the patience of pat.example.com",
    "api-gateway-service-name-long.default.svc.cluster.local:8080",
    "pod/checkout-api-7d9f8c6b5d-x2x9k, node/ip-10-0-12-34.eu-west-1.compute.internal",
    "nginx@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12, md5 9e107d9d372bb6826bd81d3542a419d6",
    "run 7f9c24e5-2b3a-4c5d-8e6f-0123456789ab, trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "2026-07-28T12:34:56.789Z 10.0.0.1:443 1785241696123 +886912345678",
    "test_the_worker_that_lost_its_lease_cannot_complete_the_run, live_migration_of_virtual_machines",
    "secret-manager-controller, client-certificate-authentication, console-log-forwarder-daemonset",
    "key-value-store, token-bucket:refill, web_server_name, access-production-database",
    "s.getServerAddressByClientCIDRs(r.Context), b.removeTransientObservers(), o.prototype.hasOwnProperty",
    "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJRTESMBAGA1UEChMJQmFsdGltb3Jl",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdMnFyiqZ4hM5O0yQpZ3bX1q0a2k3e4r5t6y7u8i9o0 ci@build",
    "integrity sha512-9NET910DNaIPngYnLLPeg+Ogzqsi9uM4mSboU5y6p8S5DzMTVEsJZrawi+BoDNUVBa2DhJqQYUFvMDfgU062LQ==",
    "ABSKIRTS AKIDENTITY GOOGLE PRODUCTION_LIKE SCWORKSPACE DO0 SKU0123456789 ACCESS_DENIED",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "NotificationServiceImplementation.handle.withDefaultConfigurationAndRetries",
];

fn every_rule() -> impl Iterator<Item = &'static Rule> {
    ALL.iter().flat_map(|rules| rules.iter())
}

fn compile(rule: &Rule) -> Regex {
    RegexBuilder::new(&format!(r"\A(?:{})", rule.shape))
        .unicode(false)
        .build()
        .unwrap_or_else(|error| panic!("{}: {error}", rule.id))
}

/// Whether the shape stands at `at` as a whole and passes the validator.
fn stands_at(rule: &Rule, shape: &Regex, text: &str, at: usize) -> bool {
    let alphanumeric = |n: usize| text.as_bytes().get(n).is_some_and(u8::is_ascii_alphanumeric);
    if at > 0 && alphanumeric(at - 1) {
        return false;
    }
    let Some(found) = shape.find(&text[at..]) else { return false };
    let found = found.as_str();
    if alphanumeric(at + found.len()) {
        return false;
    }
    let keyword =
        rule.keywords.iter().filter(|keyword| found.starts_with(**keyword)).map(|keyword| keyword.len()).max();
    let own = &found[keyword.unwrap_or(0)..];
    match rule.validator {
        Validator::Shape => true,
        Validator::Varied(least) => own.bytes().collect::<HashSet<_>>().len() >= usize::from(least),
        Validator::Entropy(least) => entropy(own) >= f64::from(least) / 100.0,
        Validator::Noise(least) => entropy(own) >= f64::from(least) / 100.0 && !words::are_words(own.as_bytes()),
    }
}

fn entropy(text: &str) -> f64 {
    let different: HashSet<u8> = text.bytes().collect();
    different
        .into_iter()
        .map(|byte| text.bytes().filter(|other| *other == byte).count() as f64 / text.len() as f64)
        .map(|share| -share * share.log2())
        .sum()
}

fn finds(rule: &Rule, shape: &Regex, before: &[usize], text: &str) -> bool {
    rule.keywords.iter().any(|keyword| {
        text.match_indices(keyword).any(|(at, _)| {
            before
                .iter()
                .filter_map(|back| at.checked_sub(*back))
                .any(|start| text.is_char_boundary(start) && stands_at(rule, shape, text, start))
        })
    })
}

#[test]
fn ids_are_unique_and_in_kebab_case() {
    let mut ids = HashSet::new();
    for rule in every_rule().chain(INNER.iter().map(|inner| &inner.rule)) {
        assert!(ids.insert(rule.id), "{} twice", rule.id);
        let words = rule.id.split('-');
        assert!(
            words
                .into_iter()
                .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())),
            "{}",
            rule.id
        );
    }
}

#[test]
fn there_are_enough_of_them() {
    assert!(every_rule().count() >= 220, "{}", every_rule().count());
}

#[test]
fn a_keyword_is_long_enough_to_be_looked_up_and_stands_in_every_positive() {
    for rule in every_rule() {
        assert!(!rule.keywords.is_empty() && rule.keywords.iter().all(|keyword| keyword.len() >= 2), "{}", rule.id);
        for text in rule.positive {
            assert!(rule.keywords.iter().any(|keyword| text.contains(keyword)), "{}: {text}", rule.id);
        }
    }
}

#[test]
fn every_rule_finds_its_positives_and_passes_its_negatives() {
    for rule in every_rule() {
        assert!(!rule.positive.is_empty() && !rule.negative.is_empty(), "{}", rule.id);
        let shape = compile(rule);
        for text in rule.positive {
            for carrier in
                [(*text).to_owned(), format!("{{\"a\":\"{text}\"}}"), format!("A={text}\n"), format!("({text})")]
            {
                assert!(finds(rule, &shape, &[0], &carrier), "{} misses {carrier}", rule.id);
            }
        }
        for text in rule.negative {
            assert!(!finds(rule, &shape, &[0], text), "{} finds {text}", rule.id);
        }
    }
}

#[test]
fn every_inner_rule_finds_its_positives_and_passes_its_negatives() {
    for inner in INNER {
        let shape = compile(&inner.rule);
        for text in inner.rule.positive {
            assert!(
                finds(&inner.rule, &shape, inner.before, &format!("a = '{text}'")),
                "{} misses {text}",
                inner.rule.id
            );
        }
        for text in inner.rule.negative {
            assert!(!finds(&inner.rule, &shape, inner.before, text), "{} finds {text}", inner.rule.id);
        }
    }
}

#[test]
fn nothing_is_found_in_everyday_text() {
    let inner = INNER.iter().map(|inner| (&inner.rule, inner.before));
    for (rule, before) in every_rule().map(|rule| (rule, [0].as_slice())).chain(inner) {
        let shape = compile(rule);
        for text in EVERYDAY {
            assert!(!finds(rule, &shape, before, text), "{} in {text}", rule.id);
        }
    }
}

#[test]
fn one_character_more_does_not_slip_past_the_best_known() {
    for id in [
        "github-token",
        "gitlab-token",
        "npm-token",
        "stripe-secret-key",
        "anthropic-key",
        "openai-scoped-key",
        "slack-bot-token",
    ] {
        let rule = every_rule().find(|rule| rule.id == id).unwrap();
        let shape = compile(rule);
        for text in rule.positive {
            assert!(finds(rule, &shape, &[0], &format!("{text}7")), "{id}: {text}7");
        }
    }
}

#[test]
fn this_platforms_own_credentials_are_found() {
    let key = crate::credential::new_api_key("a.b-c_d").unwrap().reveal();
    let lease = crate::credential::LeaseSecret::new().unwrap().into_lease("ewoooc", uuid::Uuid::now_v7(), 7);
    for (id, text) in [("awooop-api-key", key), ("awooop-lease", lease)] {
        let rule = every_rule().find(|rule| rule.id == id).unwrap();
        let shape = compile(rule);
        assert!(finds(rule, &shape, &[0], &text), "{id}");
    }
}

#[test]
fn the_scanner_finds_what_the_rules_promise() {
    let redactor = Redactor::default();
    for rule in every_rule() {
        for text in rule.positive {
            let found = redactor.find(&format!("{{\"a\": [\"{text}\"]}}"));
            let credential = found.iter().any(|finding| finding.family == rule.family || finding.rule == rule.id);
            assert!(credential, "{}: {text}: {found:?}", rule.id);
        }
    }
}
