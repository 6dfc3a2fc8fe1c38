//! What must hold for every text, shared by the targets.

use std::sync::LazyLock;

use awooop_policy::redact::{Family, Redactor};

static EVERYTHING: LazyLock<Redactor> = LazyLock::new(|| Redactor::with_families(&Family::ALL));

/// Findings in order, apart, on whole characters; a second redaction that changes nothing. The redacted text.
pub fn check(text: &str) -> String {
    let mut behind = 0;
    for finding in EVERYTHING.find(text) {
        let range = finding.range;
        assert!(behind <= range.start && range.start < range.end);
        assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
        behind = range.end;
    }
    let redacted = EVERYTHING.redact(text).into_owned();
    assert_eq!(EVERYTHING.redact(&redacted), redacted);
    redacted
}
