//! Rules that a project adds.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::redact::{Family, Finding};

/// A compiled rule may take this much memory.
const MOST_MEMORY: usize = 1 << 20;
/// The longest pattern.
const LONGEST_PATTERN: usize = 1_000;

/// A rule of a project: a regular expression, tried only on texts that hold one of its keywords.
#[derive(Clone, Debug)]
pub struct CustomRule {
    id: String,
    family: Family,
    keywords: Vec<String>,
    shape: Regex,
}

/// Why a rule can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomRuleError {
    /// The pattern is no regular expression, or too long or too large.
    Shape,
    /// The pattern matches the empty text: it would mark nothing, everywhere.
    MatchesNothing,
}

impl CustomRule {
    /// A rule; `shape` is a regular expression in the syntax of the crate `regex`, whose time is linear in the text.
    pub fn new(id: &str, family: Family, keywords: &[String], shape: &str) -> Result<Self, CustomRuleError> {
        if shape.len() > LONGEST_PATTERN {
            return Err(CustomRuleError::Shape);
        }
        let shape = RegexBuilder::new(shape).size_limit(MOST_MEMORY).build().map_err(|_| CustomRuleError::Shape)?;
        if shape.is_match("") {
            return Err(CustomRuleError::MatchesNothing);
        }
        Ok(CustomRule { id: id.to_owned(), family, keywords: keywords.to_vec(), shape })
    }

    pub(crate) fn find(&self, text: &str, found: &mut Vec<Finding>) {
        if !self.keywords.is_empty() && !self.keywords.iter().any(|keyword| text.contains(keyword.as_str())) {
            return;
        }
        found.extend(
            self.shape
                .find_iter(text)
                .map(|found| Range::from(found.range()))
                .filter(|range| !range.is_empty())
                .map(|range| Finding { family: self.family, rule: self.id.clone().into(), range }),
        );
    }
}
