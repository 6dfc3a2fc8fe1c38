//! What is wrong with an output, so that a program can act on it and a model can mend it.

use serde::Serialize;

use super::reader::{Flaw, FlawKind};
use crate::strict::{MAX_DEPTH, MAX_EXACT_INTEGER};
use crate::violation::{SchemaViolation, sentence};

/// How many errors are told of at most.
pub const MAX_ERRORS: usize = 20;

/// One thing that is wrong with an output. Of values it tells type and size alone, as [`SchemaViolation`] does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputError {
    /// Where, as a JSON pointer into the document; empty for the whole of it.
    pub pointer: String,
    /// The keyword of the schema that is violated, or one of `json` (the text is no unambiguous JSON), `size` (it or
    /// the document is too long), `truncated` (it ends before the document does), `missing` (there is no document in it),
    /// `ambiguous` (there are several).
    pub keyword: String,
    /// What would be right, in words.
    pub expected: String,
    /// What was there: its type and size, or its place in the text.
    pub got: String,
    /// What to do, as a sentence to the model.
    pub message: String,
}

impl From<SchemaViolation> for OutputError {
    fn from(violation: SchemaViolation) -> Self {
        let message = sentence(&violation);
        let SchemaViolation { pointer, keyword, expected, got } = violation;
        Self { pointer, keyword, expected, got, message }
    }
}

impl OutputError {
    fn whole(keyword: &str, expected: &str, got: &str, message: &str) -> Self {
        Self {
            pointer: String::new(),
            keyword: keyword.into(),
            expected: expected.into(),
            got: got.into(),
            message: message.into(),
        }
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let expected = format!("at most {limit} bytes");
        let message = format!("The output is too long. Answer with one JSON document of at most {limit} bytes.");
        Self::whole("size", &expected, "a longer text", &message)
    }

    pub(super) fn empty() -> Self {
        Self::whole("missing", "one JSON document", "nothing", "The output is empty. Answer with one JSON document.")
    }

    pub(super) fn missing() -> Self {
        Self::whole(
            "missing",
            "one JSON document",
            "text without one",
            "There is no JSON document in the output. Answer with one JSON document that the schema accepts, and \
             nothing else; a string stands in double quotes.",
        )
    }

    pub(super) fn in_reasoning() -> Self {
        Self::whole(
            "truncated",
            "a JSON document behind the reasoning",
            "reasoning that does not end",
            "The output was cut off in the middle of the reasoning. Reason less, and answer with one JSON document.",
        )
    }

    pub(super) fn too_much() -> Self {
        Self::whole(
            "ambiguous",
            "one JSON document",
            "a text with too many brackets or documents",
            "The output holds too many brackets or documents. Answer with one JSON document and nothing else.",
        )
    }

    pub(super) fn ambiguous() -> Self {
        Self::whole(
            "ambiguous",
            "one JSON document",
            "several different ones that the schema accepts",
            "The output holds several different valid documents. Answer with the one that is meant and nothing else.",
        )
    }

    /// Behind a whole value, where a bracket is missing.
    pub(super) fn unclosed(pointer: &str) -> Self {
        Self::cut_off(pointer.to_owned(), "an array or object that is not closed")
    }

    fn cut_off(pointer: String, inside: &str) -> Self {
        let message = format!(
            "The output was cut off in the middle of {inside}{}. Answer with the whole document again; make it \
             shorter if it does not fit.",
            at(&pointer)
        );
        Self {
            pointer,
            keyword: "truncated".into(),
            expected: "the whole document".into(),
            got: format!("a text that ends in the middle of {inside}"),
            message,
        }
    }

    pub(super) fn of_flaw(flaw: Flaw, text: &str) -> Self {
        let pointer = flaw.pointer;
        let (line, column) = place(text, flaw.at);
        let (expected, got) = match flaw.kind {
            FlawKind::CutOff(inside) => return Self::cut_off(pointer, inside),
            FlawKind::Expected(expected) => (expected.to_owned(), "something else"),
            FlawKind::DuplicateKey => ("each key once in an object".into(), "the same key again"),
            FlawKind::LargeNumber => (
                format!("a number within plus or minus {MAX_EXACT_INTEGER}; a longer one as a string"),
                "a number that readers round",
            ),
            FlawKind::NotFinite => ("a finite number, or null".into(), "NaN or an infinity"),
            FlawKind::TooDeep => (format!("at most {MAX_DEPTH} levels of nesting"), "deeper nesting"),
            FlawKind::Nul => ("no U+0000 in a text".into(), "a text that holds it"),
        };
        let message = format!(
            "The output is not valid JSON{}, line {line}, column {column}: expected {expected}, got {got}.",
            at(&pointer)
        );
        let got = format!("{got} (line {line}, column {column})");
        Self { pointer, keyword: "json".into(), expected, got, message }
    }
}

fn at(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!(" at {pointer}") }
}

/// Line and column of a byte, from 1; the column counts characters.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    (before.bytes().filter(|byte| *byte == b'\n').count() + 1, before[line..].chars().count() + 1)
}
