//! What is sensitive in a text, and the text without it.
//!
//! One scanner reads a text once, whatever carries it: prose, JSON (in a string of JSON, too), YAML, a shell's command,
//! a header, a URL, a log, code. It does not parse; it stops at what can be the beginning of something sensitive (a word
//! that a token may begin with, a number, an operator behind a name, an `@`) and lets the rules of that place decide. So a
//! rule costs nothing where its beginning does not occur, and the time is linear in the text whatever it holds.
//!
//! A finding is replaced by `[REDACTED:<family>]`. JSON stays JSON: a value in quotes keeps them, a bare one gets them.

mod assign;
mod beginnings;
mod bloom;
mod bytes;
mod calls;
#[cfg(test)]
mod carriers;
mod checksum;
mod columns;
mod commands;
mod containers;
mod element;
mod email;
pub mod family;
mod flags;
mod header;
mod insert;
mod jwk;
mod known;
mod lexicon;
mod manifest;
mod marker;
mod meanings;
mod names;
mod network;
mod numbers;
mod overlaps;
mod pairs;
mod pem;
mod placeholder;
#[cfg(test)]
mod properties;
mod prose;
mod render;
pub mod rule;
pub mod rules;
mod scan;
mod script;
mod settings;
mod strings;
mod tokens;
mod url;
mod value;
mod values;
mod words;

use std::borrow::Cow;
use std::ops::Range;

pub use family::Family;
use rules::custom::{TooMuchWork, Watch};

/// Something sensitive in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub family: Family,
    /// The rule that found it.
    pub rule: Cow<'static, str>,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
}

/// Finds and replaces sensitive text of the families that are on.
#[derive(Clone, Debug)]
pub struct Redactor {
    families: u16,
    custom: Vec<rules::custom::CustomRule>,
}

impl Default for Redactor {
    /// The nine families.
    fn default() -> Self {
        let default: Vec<Family> = Family::ALL.into_iter().filter(|family| family.is_default()).collect();
        Redactor::with_families(&default)
    }
}

impl Redactor {
    /// Exactly these families.
    pub fn with_families(families: &[Family]) -> Self {
        Redactor { families: families.iter().fold(0, |set, family| set | 1 << *family as u16), custom: Vec::new() }
    }

    /// Rules of a project's own, besides the families'.
    pub fn with_rules(mut self, rules: Vec<rules::custom::CustomRule>) -> Self {
        self.custom = rules;
        self
    }

    fn looks_for(&self, family: Family) -> bool {
        self.families >> family as u16 & 1 == 1
    }

    /// What is sensitive in `text`, in its order, without overlaps.
    pub fn find(&self, text: &str) -> Vec<Finding> {
        self.find_all(text, &Watch::unlimited())
    }

    /// The same, as far as `watch` lets a project's rules work.
    pub fn find_within(&self, text: &str, watch: &Watch) -> Result<Vec<Finding>, TooMuchWork> {
        let found = self.find_all(text, watch);
        watch.verdict().map(|()| found)
    }

    fn find_all(&self, text: &str, watch: &Watch) -> Vec<Finding> {
        let mut found = scan::scan(self, text);
        if self.custom.is_empty() {
            return found;
        }
        found.extend(self.find_by_rules(text, watch));
        overlaps::in_order(found, text)
    }

    /// What the project's own rules find.
    fn find_by_rules(&self, text: &str, watch: &Watch) -> Vec<Finding> {
        let mut found = Vec::new();
        for rule in &self.custom {
            rule.find(text, watch, &mut found);
        }
        overlaps::in_order(found, text)
    }

    /// The text without what is sensitive in it.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.replace_all(text, &Watch::unlimited())
    }

    /// The same, as far as `watch` lets a project's rules work: there is no text that is redacted in part.
    pub fn redact_within<'t>(&self, text: &'t str, watch: &Watch) -> Result<Cow<'t, str>, TooMuchWork> {
        let redacted = self.replace_all(text, watch);
        watch.verdict().map(|()| redacted)
    }

    /// First what the families find, to the end; then what the project's rules find in what is left. A rule that saw the
    /// text as it was would tell, by what it does, what stands in a credential.
    fn replace_all<'t>(&self, text: &'t str, watch: &Watch) -> Cow<'t, str> {
        let mut redacted = self.replace_by_families(text);
        for round in 1.. {
            let findings = self.find_by_rules(&redacted, watch);
            let Some(first) = findings.first() else { break };
            if round == MOST_ROUNDS {
                return Cow::Owned(render::replace_all(text, first.family));
            }
            let replaced = render::replace(&redacted, &findings);
            redacted = Cow::Owned(self.replace_by_families(&replaced).into_owned());
        }
        redacted
    }

    fn replace_by_families<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let findings = scan::scan(self, text);
        if findings.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut redacted = render::replace(text, &findings);
        // What has been replaced changes what its neighbours mean: again, until nothing is left to find. Every round
        // replaces text that no round before it has, so there is an end; few texts need a third round. For one that is made
        // to go on and on, nothing of it is kept.
        for round in 1.. {
            let findings = scan::scan(self, &redacted);
            let Some(first) = findings.first() else { break };
            if round == MOST_ROUNDS {
                return Cow::Owned(render::replace_all(text, first.family));
            }
            redacted = render::replace(&redacted, &findings);
        }
        Cow::Owned(redacted)
    }
}

const MOST_ROUNDS: usize = 8;
