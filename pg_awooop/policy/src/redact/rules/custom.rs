//! Rules that a project adds: shapes of its own, at a cost that is counted.
//!
//! A rule never matches in or across a marker: what has been redacted is nobody's text any more, and a shape such as
//! `E.*` must not eat markers. The stretches between markers are searched one by one, and look-around sees the text as it
//! stands: behind a marker `\b` sees its `]`, which is no letter; `^` and `$` mean the ends of the text, and of lines with
//! `(?m)`, never the end of a stretch.

mod measure;
mod shape;
mod work;

use std::ops::Range;
use std::sync::Arc;

use crate::redact::{Family, Finding, marker};
use shape::{Search, Shape};
pub use work::{TooMuchWork, Watch};

/// A finding is looked for in windows of twice this: no shape, however it is written, makes the search look at the whole
/// text again for each of its findings.
const STEP: usize = 500;
/// A finding that reaches the end of its window is followed this far.
const LONGEST_FINDING: usize = 64 * 1024;
/// What beginning to search costs, and a finding.
const FOR_A_WINDOW: u64 = 20;
const FOR_A_FINDING: u64 = 50;
/// So many bytes of text does one unit of work search for a keyword.
const KEYWORD_BYTES: usize = 8;

/// A rule of a project: a regular expression, tried only on texts that hold one of its keywords.
#[derive(Clone, Debug)]
pub struct CustomRule {
    id: String,
    family: Family,
    keywords: Vec<String>,
    shape: Arc<Shape>,
}

/// Why a rule can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CustomRuleError {
    /// The pattern is no regular expression.
    Shape,
    /// The pattern is too long, or too large once repetitions are written out.
    TooLarge,
    /// The pattern matches the empty text: it would mark nothing, everywhere.
    MatchesNothing,
}

impl CustomRule {
    /// A rule; `shape` is a regular expression in the syntax of the crate `regex`.
    pub fn new(id: &str, family: Family, keywords: &[String], shape: &str) -> Result<Self, CustomRuleError> {
        let shape = Arc::new(Shape::new(shape)?);
        Ok(CustomRule { id: id.to_owned(), family, keywords: keywords.to_vec(), shape })
    }

    /// Tries the rule on texts that are the worst for many a shape. For a rule that is about to be kept: a text's own
    /// allowance holds against those that nobody thought of.
    pub fn measure(&self) -> Result<(), TooMuchWork> {
        measure::on_the_worst(|text, watch| self.search(text, &stretches(text), watch, &mut Vec::new()))
    }

    /// Adds what the rule finds in `text`; not all of it where `watch` has nothing left.
    pub(crate) fn find(&self, text: &str, watch: &Watch, found: &mut Vec<Finding>) {
        let stretches = stretches(text);
        if self.keywords.is_empty() || stretches.iter().any(|stretch| self.has_keyword(&text[stretch.clone()], watch)) {
            self.search(text, &stretches, watch, found);
        }
    }

    fn has_keyword(&self, text: &str, watch: &Watch) -> bool {
        let work = 1 + (text.len() / KEYWORD_BYTES) as u64;
        self.keywords.iter().any(|keyword| watch.spend(work) && text.contains(keyword.as_str()))
    }

    fn search(&self, text: &str, stretches: &[Range<usize>], watch: &Watch, found: &mut Vec<Finding>) {
        let mut search = self.shape.search(watch);
        for stretch in stretches {
            self.search_stretch(text, stretch, &mut search, found);
        }
    }

    fn search_stretch(&self, text: &str, stretch: &Range<usize>, search: &mut Search, found: &mut Vec<Finding>) {
        let to = |at: usize| boundary(text, at).min(stretch.end);
        // Following long findings is paid for by what has been read.
        let mut followed = 0;
        let mut at = stretch.start;
        while at < stretch.end && search.goes_on_with(FOR_A_WINDOW) {
            let window = to(at + 2 * STEP);
            let Some(mut range) = search.find(text, at..window) else {
                // What begins in the second half is found from there.
                at = if window == stretch.end { window } else { to(at + STEP) };
                continue;
            };
            let read = range.start - stretch.start;
            if range.end == window
                && window < stretch.end
                && followed <= 4 * read + LONGEST_FINDING
                && let Some(longer) = search.find(text, range.start..to(range.start + LONGEST_FINDING))
            {
                followed += longer.end - range.start;
                range = longer;
            }
            at = range.end.max(to(at + 1));
            if !range.is_empty() && search.goes_on_with(FOR_A_FINDING) {
                found.push(Finding { family: self.family, rule: self.id.clone().into(), range });
            }
        }
    }
}

/// What of the text lies outside markers and is more than signs.
fn stretches(text: &str) -> Vec<Range<usize>> {
    let whole = Finding { family: Family::Secret, rule: "".into(), range: 0..text.len() };
    if !text.contains(marker::BEGINNING) {
        return vec![whole.range];
    }
    marker::outside_markers(text, vec![whole]).into_iter().map(|stretch| stretch.range).collect()
}

/// The end of the character that `at` stands in.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests;
