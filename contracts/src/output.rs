//! What a language model returned, read as the document that its run asked for.
//!
//! Models wrap documents in prose and code blocks, think aloud first, and write JSON as other languages would.
//! [`read`] finds the document and mends what can be mended in one way only, and says how it was read. It yields no
//! document that does not meet the [`Requirement`], and none of which a part may be missing or was made up: then it says
//! what is wrong, in words that a model can act on.
//!
//! - **Valid JSON is never repaired.** A text that is one is the document, whatever else it may look like.
//! - **Order.** Otherwise the documents in code blocks come before those in prose; reasoning (`<think>…</think>`) is no
//!   answer. Among those of the same rank the one that every schema accepts is taken. If they accept two that differ, none
//!   is: the model is asked which it meant. What is wrong is told of the longest document.
//! - **Repaired** are a byte order mark, trailing commas, single and typographic quotation marks, keys without any,
//!   comments, Python's True, False and None, line breaks in strings, and a document that is a string with the document
//!   in it.
//! - **Refused** are, besides what [`crate::strict`] refuses: NaN and infinities, missing commas, unknown escapes,
//!   numbers and words that JSON does not have.
//! - **A text that was cut off is refused**, also where an earlier document would do. Brackets that are missing behind a
//!   whole value are added only where a schema leaves no room for anything more ([`room`]), because nobody can know
//!   otherwise what was to come.
//!
//! A string in typographic marks ends with the first closing mark, so a text that holds such a mark itself is misread
//! only where the rest still is JSON and the schemas accept it; there is no telling these apart.

mod candidates;
mod errors;
mod reader;
mod requirement;
mod room;
mod strings;

use std::collections::BTreeSet;

use serde_json::Value;

pub use errors::{MAX_ERRORS, OutputError};
pub use requirement::Requirement;

use crate::canonical_json;
use crate::model::words::words;
use crate::strict;
use candidates::Candidate;
use reader::{Attempt, Flaw, Reading};

/// The longest output, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// How often a document may stand in a string.
const MAX_ENCODINGS: usize = 2;

words! {
    /// What had to be done to a text to read its document.
    pub enum Repair {
        /// A byte order mark was left out.
        ByteOrderMark = "byte_order_mark",
        /// Text around the document was left out: prose, a code block's fences, reasoning, other documents.
        Surroundings = "surroundings",
        /// A comma before a closing bracket was left out.
        TrailingComma = "trailing_comma",
        /// A key or string stood in single quotes.
        SingleQuotes = "single_quotes",
        /// A key or string stood in typographic quotation marks.
        SmartQuotes = "smart_quotes",
        /// A key had no quotation marks.
        UnquotedKey = "unquoted_key",
        /// A comment was left out.
        Comment = "comment",
        /// True, False or None.
        PythonWord = "python_word",
        /// A string had a line break or another control character in it.
        LineBreakInString = "line_break_in_string",
        /// The document stood in a string.
        DoubleEncoded = "double_encoded",
        /// Closing brackets were missing, and nothing else can be.
        ClosingBracket = "closing_bracket",
    }
}

/// A document that meets the requirement, and how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub document: Value,
    /// What was repaired, in the order of [`Repair::ALL`]; empty for a text that is valid JSON.
    pub repairs: Vec<Repair>,
}

/// Reads what a model returned as a document that meets the requirement.
///
/// # Errors
/// What is wrong with it, one to [`MAX_ERRORS`] of it.
pub fn read(raw: &str, required: Requirement) -> Result<Output, Vec<OutputError>> {
    if raw.len() > MAX_OUTPUT_BYTES {
        return Err(vec![OutputError::too_large(MAX_OUTPUT_BYTES)]);
    }
    let text = raw.trim_start_matches('\u{feff}');
    let mut repairs = BTreeSet::new();
    if text.len() < raw.len() {
        repairs.insert(Repair::ByteOrderMark);
    }
    if text.trim().is_empty() {
        return Err(vec![OutputError::empty()]);
    }
    match strict::parse(text, MAX_OUTPUT_BYTES) {
        Ok(value) => accepted(value, repairs, text.len(), required).map_err(|value| required.errors(&value)),
        Err(_) => repaired(text, repairs, required),
    }
}

/// A text that is not valid JSON.
fn repaired(text: &str, repairs: BTreeSet<Repair>, required: Requirement) -> Result<Output, Vec<OutputError>> {
    let found = candidates::search(text);
    if found.is_too_much {
        return Err(vec![OutputError::too_much()]);
    }
    if found.in_reasoning {
        return Err(vec![OutputError::in_reasoning()]);
    }
    let (begin, end) = (text.len() - text.trim_start().len(), text.trim_end().len());
    let (mut fenced, mut in_prose) = (Vec::new(), Vec::new());
    let mut longest: Option<(usize, Failure)> = None;
    for Candidate { is_fenced, attempt } in found.candidates {
        let (length, is_cut_off) = (attempt.end - attempt.start, attempt.is_cut_off());
        let is_last = attempt.end >= end;
        let mut repairs = repairs.clone();
        if attempt.start > begin || !is_last {
            repairs.insert(Repair::Surroundings);
        }
        match judged(attempt, repairs, text.len(), required) {
            Ok(output) => {
                let rank = if is_fenced { &mut fenced } else { &mut in_prose };
                if rank.iter().all(|other: &Output| !is_same(&other.document, &output.document)) {
                    rank.push(output);
                }
            }
            // Whatever came before it: this was to be the answer.
            Err(failure) if is_last && is_cut_off => return Err(failure.errors(text, required)),
            Err(failure) if longest.as_ref().is_none_or(|(other, _)| *other <= length) => {
                longest = Some((length, failure));
            }
            Err(_) => {}
        }
    }
    let mut best = if fenced.is_empty() { in_prose } else { fenced };
    match (best.pop(), best.is_empty()) {
        (Some(output), true) => Ok(output),
        (Some(_), false) => Err(vec![OutputError::ambiguous()]),
        (None, _) => {
            Err(longest.map_or_else(|| vec![OutputError::missing()], |(_, failure)| failure.errors(text, required)))
        }
    }
}

/// Whether two documents mean the same, as 1 and 1.0 do.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || canonical_json(one).ok() == canonical_json(other).ok()
}

/// Why a document of the text is not the answer. Only one failure is put into words.
enum Failure {
    Flawed(Vec<Flaw>),
    /// The innermost array or object that is not closed.
    Unclosed(String),
    /// It does not meet the requirement.
    Refused(Value),
}

impl Failure {
    fn errors(self, text: &str, required: Requirement) -> Vec<OutputError> {
        match self {
            Self::Flawed(flaws) => flaws.into_iter().map(|flaw| OutputError::of_flaw(flaw, text)).collect(),
            Self::Unclosed(pointer) => vec![OutputError::unclosed(&pointer)],
            Self::Refused(value) => required.errors(&value),
        }
    }
}

/// One document of the text.
fn judged(
    attempt: Attempt,
    mut repairs: BTreeSet<Repair>,
    bytes: usize,
    required: Requirement,
) -> Result<Output, Failure> {
    let Reading { value, repairs: mut own, unclosed } = attempt.result.map_err(Failure::Flawed)?;
    repairs.append(&mut own);
    if let Some(innermost) = unclosed.first() {
        if !room::is_full(required.schemas, &value, &unclosed) {
            return Err(Failure::Unclosed(innermost.clone()));
        }
        repairs.insert(Repair::ClosingBracket);
    }
    accepted(value, repairs, bytes, required).map_err(Failure::Refused)
}

/// The value as the document, or what the string that it is holds; gives the value back if neither is accepted.
/// It was read from a text of so many bytes.
fn accepted(value: Value, mut repairs: BTreeSet<Repair>, bytes: usize, required: Requirement) -> Result<Output, Value> {
    let mut document = value;
    for _ in 0..=MAX_ENCODINGS {
        if required.is_met(&document, bytes) {
            return Ok(Output { document, repairs: repairs.into_iter().collect() });
        }
        let Some(inner) = document.as_str().and_then(|text| decoded(text, &mut repairs)) else { break };
        repairs.insert(Repair::DoubleEncoded);
        document = inner;
    }
    Err(document)
}

/// The document that a string consists of.
fn decoded(text: &str, repairs: &mut BTreeSet<Repair>) -> Option<Value> {
    if let Ok(value) = strict::parse(text, MAX_OUTPUT_BYTES) {
        return Some(value);
    }
    let mut reading = reader::whole(text).result.ok()?;
    repairs.append(&mut reading.repairs);
    reading.unclosed.is_empty().then_some(reading.value)
}

#[cfg(test)]
mod tests;
