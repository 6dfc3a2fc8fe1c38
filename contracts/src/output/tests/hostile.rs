//! Texts that are made to cost much.

use serde_json::json;

use super::{anything, compiled, only_error, read};
use crate::output::MAX_OUTPUT_BYTES;
use crate::output::candidates::{MAX_CANDIDATES, search};

/// Every byte is looked at so often at most: by the search, as a part of a document, behind a damaged one, in vain.
const STEPS: usize = 8;

/// Pieces that begin something, end nothing, or look like the beginning of a document for as long as possible.
const PIECES: &[&str] = &[
    "{",
    "[",
    "}",
    "\"",
    "'",
    "“",
    "```\n",
    "~~~\n```\n",
    "```\n\"",
    "`",
    "\n~~~~",
    "{\"",
    "{'",
    "{a",
    "{a:",
    "[1,",
    "[1 ",
    "{\"a\":",
    "{\"a\":1,",
    "{\"a\":[",
    "/*",
    "{/*",
    "{//",
    "[#",
    "[/* */",
    "{ ",
    "\\",
    "{\"a\\",
    "\\u",
    "<think>",
    "</think>",
    "<think></think>",
    "<think></think>\"",
    "<think></think>'",
    "</think>‘“'\"",
    "{}",
    "[]",
    "[[],",
    "{n}",
    "[x](y) ",
    "{\"a\":NaN}",
    "\n```json\n{\"a\":1\n```",
    "-",
    "1",
    "[-",
    " ",
    "\n",
    "\u{feff}",
    "é{",
];

fn repeated(piece: &str, size: usize) -> String {
    piece.repeat(size / piece.len())
}

#[test]
fn the_work_is_linear_in_the_text_whatever_it_holds() {
    for piece in PIECES {
        let steps = |size: usize| search(&repeated(piece, size)).steps;
        let (small, large) = (steps(1 << 12), steps(1 << 16));
        assert!(large <= STEPS * (1 << 16), "{piece:?}: {large} steps");
        assert!(large <= 17 * small.max(1 << 12), "{piece:?}: {small} steps become {large}");
    }
    // Two kinds mixed, and an end that only the last byte brings.
    for first in PIECES {
        for second in ["*/", "\"", "'", "}", "\n", "</think>", "```", "{\"n\":1}"] {
            let text = repeated(first, 1 << 14) + second;
            let steps = search(&text).steps;
            assert!(steps <= STEPS * text.len(), "{first:?}, {second:?}: {steps} steps for {} bytes", text.len());
        }
    }
}

#[test]
fn a_megabyte_of_anything_is_answered() {
    for piece in PIECES {
        let text = repeated(piece, MAX_OUTPUT_BYTES);
        let found = search(&text);
        assert!(found.steps <= STEPS * text.len(), "{piece:?}: {} steps", found.steps);
        assert!(found.candidates.len() <= MAX_CANDIDATES, "{piece:?}");
        let _ = read(&text, &compiled(json!({ "type": "object", "required": ["n"] })));
    }
}

#[test]
fn nesting_does_not_exhaust_the_stack() {
    for (opening, closing) in [("[", "]"), ("{\"a\":", "}"), ("[{'a':", "}]")] {
        let deep = opening.repeat(100_000) + &closing.repeat(100_000);
        let error = only_error(&deep, &anything());
        assert_eq!(error.keyword, "json");
        assert!(error.message.contains("64 levels"), "{}", error.message);
    }
    // A string in a string in a string.
    let mut text = "{\"n\":1}".to_owned();
    for _ in 0..12 {
        text = json!(text).to_string();
    }
    assert!(read(&text, &compiled(json!({ "type": "object" }))).is_err());
}

#[test]
fn a_text_full_of_documents_is_no_answer() {
    let text = "{\"n\":1} ".repeat(MAX_CANDIDATES + 1);
    assert_eq!(only_error(&text, &anything()).keyword, "ambiguous");
}
