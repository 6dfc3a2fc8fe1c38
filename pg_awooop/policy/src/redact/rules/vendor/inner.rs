//! Tokens whose mark stands inside them, a known number of bytes from their beginning.
//!
//! No table of beginnings finds these; a scanner looks for the mark and steps back. The marks are rare in ordinary
//! text.
//!
//! Lengths: documentation of Microsoft, HashiCorp, MaxMind, Mailchimp, New Relic and Meta; gitleaks and TruffleHog.

use crate::redact::rule::Rule;
use crate::redact::rule::Validator::Varied;

/// A rule whose keywords are marks inside the token. Its shape is anchored at the token's beginning.
pub(crate) struct Inner {
    /// How many bytes of the token may stand before its mark.
    pub(crate) before: &'static [usize],
    pub(crate) rule: Rule,
}

/// Rows to rules, as in the parent; the second column is `before`.
macro_rules! inner_rules {
    ($($id:literal, $before:expr, $marks:expr, $validator:expr, $($shape:literal)+,
        finds $found:tt, passes $passed:tt;)+) => {
        &[$(Inner {
            before: $before,
            rule: {
                const ONE: &[Rule] =
                    rules! { VendorToken: $id, $marks, $validator, $($shape)+, finds $found, passes $passed; };
                ONE[0]
            },
        }),+]
    };
}

pub(crate) const INNER: &[Inner] = inner_rules! {
    "azure-ad-client-secret", &[4], &["Q~"], Varied(10),
    "[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",
    finds [
        "umL8" "Q~WQI1U3sST6wm2V1pzRWiRT8zvEx0itYa14",
        "1od7" "Q~CzrodTbE6xN8PKjmPDWVwSP-NP1SFUk",
        "_V28" "Q~us7Ij6RtE80qD5C3zZHfU-v3Te75HfMT8P",
    ],
    passes [
        "USK@,4~q8" "Q~3wIHjX9DT0yCNfQmr9oxmYrDZoQVLOdNg~yk0,AQACAAE",
        "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
        "xxx8" "Q~xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    "maxmind-license-key", &[36], &["_mmk"], Varied(8),
    "[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
    finds ["kFy98n_x2LzvJM5vCT5lp13OZpjZW8Fkp7ZT" "_mmk"],
    passes ["the" "_mmk", "xxxxxx_xxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "_mmk"];
    "mailchimp-key", &[32], &["-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9"], Varied(8),
    "[a-z0-9]{32}-us[0-9]{1,3}",
    finds ["e0417d5b5ba0420a25a66b8c1b695740" "-us13", "546467a4aa4cfcb9c645f9bc9e989f79" "-us7"],
    passes [
        "gke-cluster" "-us1",
        "00000000000000000000000000000000" "-us1",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "-us13",
    ];
    "terraform-cloud-full-token", &[14], &[".atlasv1."], Varied(10),
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}",
    finds ["wD09XOe7NkLPKS" ".atlasv1.bDx3fG0dBF1s5pnBMulOgoCl6BuLQYP0aynnNCfgeKgpIpBMTJKgOwVC2zkwvgM4Hwi"],
    passes ["app" ".atlasv1.example"];
    "azure-devops-token", &[76], &["AZDO"], Varied(14),
    "[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
    finds ["uuA0LY4BF6yMNkGtg0z3RKehMMJ2FDEr1dPkJlwVhknsXruZA4eSJQQJ99hXaxPwwlHmkhAJ76qC" "AZDOU5RI"],
    passes [
        "the " "AZDO board",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxJQQJ99xxxxxxxxxxxxxxxxxx" "AZDOxxxx",
    ];
    "azure-identifiable-key", &[52], &["JQQJ9"], Varied(14),
    "[A-Za-z0-9]{52}JQQJ9[9D][A-Z][A-Z0-9]{3,8}[A-Za-z0-9]{8,40}",
    finds ["rhJaGcH6Wfa81QatZ97furWq2OZR6a1XFbeoOHs5F5sFoUAl9ukv" "JQQJ99BCSYXAo5Tdp0t4T8eQ290VzHy8"],
    passes [
        "JQQJ99",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "JQQJ99BCXXXXxxxxxxxxxxxxxxxxxxxx",
    ];
    "azure-keyed-service", &[33, 42, 44, 76], &[
        "+ASt", "ACDb", "+ABa", "+AMC", "AzSe", "AzFu", "AzCa", "+ACR",
    ], Varied(14),
    r"(?:[A-Za-z0-9+/]{76}(?:\+ASt|ACDb|AzSe|\+ABa|\+AMC)[A-Za-z0-9+/]{6}=="
      "|[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{6}[AQgw]==|[A-Za-z0-9]{42}AzSe[A-Za-z0-9]{6}|[A-Za-z0-9+"
      r"/]{33}AzCa[A-Za-z0-9+/]{5}=|[A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9]{6})",
    finds [
        "dy/NErsatJ8smyO4Xu6j1yAKxn2Jr7P8XjRwDv39tgDd5/WnGqjbozQla9+jVYNRQHnX74s8ZM/q" "+AStNGcTNX==",
        "hrBRxCgfUWNLsexbD26JVSK4etJqhwf7rmT9l8mJli4BkPnd9IUbPuzTxDs7tvvqOlgVxpsydgXZ" "ACDbLY4Ccx==",
        "DjHC2VeH5oubWoXXwuR4oCcEdkjKN6aYrxsUxK97qD" "AzSeSvUZ1R",
        "lPRWH89IL3PG2B7faTv9QR9QJuUn5ht0lz5qBfL2s8" "+ACRQ90984",
    ],
    passes [
        "ACDb",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "+AStxxxxxx==",
    ];
    "newrelic-license-key", &[36], &["NRAL"], Varied(7),
    "[A-Za-z0-9]{6}[A-Fa-f0-9]{26}(?:FFFF|[A-Fa-f0-9]{4})NRAL",
    finds ["0ae3450ef2c584eeaca0a1cabf3f1657FFFF" "NRAL"],
    passes ["NRAL", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxFFFF" "NRAL"];
    "newrelic-mobile-token", &[42], &["-NRMA"], Varied(7),
    "(?:AA[a-f0-9]{40}|eu01xx[a-f0-9]{36})-NRMA",
    finds [
        "AAf607c768f48031ad21a2d598d0d84d6d5831523d" "-NRMA",
        "eu01xx3385061442699865b78d3a9509ac4a29e383" "-NRMA",
    ],
    passes ["x" "-NRMA", "AAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "-NRMA"];
    "facebook-app-token", &[14, 15, 16, 17], &["|", "%7C"], Varied(8),
    r"[0-9]{14,17}(?:\||%7C)[A-Za-z0-9_-]{27,40}",
    finds [
        "739359653387929" "|nmUZa8jV6_PZse4kNpci8fpGDQP",
        "1407533220566414" "%7CRK22HKdeGApSgTDiNsiNRVSWkLQ",
    ],
    passes ["123456789012345" "|name", "000000000000000" "|xxxxxxxxxxxxxxxxxxxxxxxxxxx"];
};
