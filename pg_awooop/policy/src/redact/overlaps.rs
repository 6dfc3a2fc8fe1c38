//! What has been found, in order: of findings that overlap, one.

use super::{Family, Finding, marker};

/// In order and without overlaps: of two that overlap, both go, under the name of the one that says more.
pub(super) fn in_order(mut found: Vec<Finding>, text: &str) -> Vec<Finding> {
    found.sort_by(|a, b| a.range.start.cmp(&b.range.start).then(b.range.end.cmp(&a.range.end)));
    let mut merged: Vec<Finding> = Vec::with_capacity(found.len());
    for finding in found {
        match merged.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                if precedence(finding.family) < precedence(last.family) && finding.range.len() * 2 > last.range.len() {
                    last.family = finding.family;
                    last.rule = finding.rule;
                }
                last.range.end = last.range.end.max(finding.range.end);
            }
            _ => merged.push(finding),
        }
    }
    if merged.is_empty() || !text.contains(marker::BEGINNING) {
        return merged;
    }
    marker::outside_markers(text, merged)
}

/// Which family names a text that two have found.
fn precedence(family: Family) -> u8 {
    match family {
        Family::PrivateKey => 0,
        Family::VendorToken => 1,
        Family::AuthToken => 2,
        Family::UrlCredential => 3,
        Family::NationalId => 4,
        Family::PaymentCard => 5,
        Family::Email => 6,
        Family::Secret => 7,
        Family::Phone => 8,
        Family::CryptoAddress => 9,
        Family::Ip => 10,
    }
}
