//! Rules that a project adds.

use regex_automata::Input;
use regex_automata::meta::{Config, Regex};

use crate::redact::{Family, Finding};

/// A compiled rule may take this much memory.
const MOST_MEMORY: usize = 1 << 20;
/// The longest pattern.
const LONGEST_PATTERN: usize = 1_000;
/// A finding is looked for in windows of twice this: no shape, however it is written, makes the search look at the whole
/// text again for each of its findings.
const STEP: usize = 500;
/// A finding that reaches the end of its window is followed this far.
const LONGEST_FINDING: usize = 64 * 1024;

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
    /// A rule; `shape` is a regular expression in the syntax of the crate `regex`.
    pub fn new(id: &str, family: Family, keywords: &[String], shape: &str) -> Result<Self, CustomRuleError> {
        if shape.len() > LONGEST_PATTERN {
            return Err(CustomRuleError::Shape);
        }
        let limits = Config::new().nfa_size_limit(Some(MOST_MEMORY)).onepass_size_limit(Some(MOST_MEMORY));
        let shape = Regex::builder().configure(limits).build(shape).map_err(|_| CustomRuleError::Shape)?;
        if shape.is_match("") {
            return Err(CustomRuleError::MatchesNothing);
        }
        Ok(CustomRule { id: id.to_owned(), family, keywords: keywords.to_vec(), shape })
    }

    /// Adds what the rule finds in `text`.
    pub(crate) fn find(&self, text: &str, found: &mut Vec<Finding>) {
        if !self.keywords.is_empty() && !self.keywords.iter().any(|keyword| text.contains(keyword.as_str())) {
            return;
        }
        // Following long findings is paid for by what has been read.
        let mut followed = 0;
        let mut at = 0;
        while at < text.len() {
            let window = boundary(text, at + 2 * STEP);
            let Some(mut range) = self.shape.find(Input::new(text).span(at..window)).map(|found| found.range()) else {
                // What begins in the second half is found from there.
                at = if window == text.len() { window } else { boundary(text, at + STEP) };
                continue;
            };
            if range.end == window && window < text.len() && followed <= 4 * range.start + LONGEST_FINDING {
                let further = boundary(text, range.start + LONGEST_FINDING);
                if let Some(longer) = self.shape.find(Input::new(text).span(range.start..further)) {
                    followed += longer.end() - range.start;
                    range = longer.range();
                }
            }
            at = range.end.max(boundary(text, at + 1));
            if !range.is_empty() {
                found.push(Finding { family: self.family, rule: self.id.clone().into(), range });
            }
        }
    }
}

/// The end of the character that `at` stands in.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(shape: &str, text: &str) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        CustomRule::new("own", Family::Secret, &[], shape).unwrap().find(text, &mut found);
        found.into_iter().map(|finding| (finding.range.start, finding.range.end)).collect()
    }

    #[test]
    fn a_finding_is_found_wherever_the_windows_end() {
        for before in [0, 1, 499, 500, 501, 990, 999, 1000, 1001, 1499, 5000] {
            let text = format!("{}EMP-123456 {}", "é ".repeat(before), "x".repeat(3000));
            let start = 3 * before;
            assert_eq!(find("EMP-[0-9]{6}", &text), [(start, start + 10)], "after {before}");
            let long = format!("{}EMP-{} end", " ".repeat(before), "7".repeat(20_000));
            assert_eq!(find("EMP-[0-9]+", &long), [(before, before + 20_004)], "after {before}");
        }
    }

    #[test]
    fn the_ends_of_a_window_are_not_the_ends_of_the_text() {
        assert_eq!(find("x$", &"x".repeat(3000)), [(2999, 3000)]);
        assert_eq!(find("^x", &"x".repeat(3000)), [(0, 1)]);
        assert!(find(r"\bab\b", &"ab".repeat(1500)).is_empty());
    }

    #[test]
    fn a_shape_that_looks_to_the_end_for_each_finding_does_not_look_far() {
        let text = "a".repeat(1 << 20);
        assert_eq!(find("a.*b|a", &text).len(), 1 << 20);
    }
}
