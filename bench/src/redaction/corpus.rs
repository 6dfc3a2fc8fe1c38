//! The labelled corpus: hand-written carriers (the files in `bench/corpus`, whose README says how they are written)
//! times generated values. The same lines every time.

mod carrier;
mod expand;
mod numbers;
mod phones;
pub mod random;
mod shape;
mod slots;
mod tables;
mod values;

use anyhow::{Context, Result};

/// One labelled line.
pub struct Line {
    pub id: String,
    pub kind: String,
    pub text: String,
    /// A part of `text` that must be gone; `None`: the text must come back byte for byte.
    pub secret: Option<String>,
}

const FILES: &[(&str, &str)] = &[
    ("secrets-vendor", include_str!("../../corpus/secrets-vendor.txt")),
    ("secrets-named", include_str!("../../corpus/secrets-named.txt")),
    ("secrets-access", include_str!("../../corpus/secrets-access.txt")),
    ("people", include_str!("../../corpus/people.txt")),
    ("network", include_str!("../../corpus/network.txt")),
    ("benign-values", include_str!("../../corpus/benign-values.txt")),
    ("benign-code", include_str!("../../corpus/benign-code.txt")),
    ("benign-prose", include_str!("../../corpus/benign-prose.txt")),
];

/// All lines, in the order of the files.
///
/// # Errors
/// When a file breaks the rules of its README; it names the file and the line.
pub fn lines() -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (name, text) in FILES {
        for carrier in carrier::parse(text).with_context(|| format!("bench/corpus/{name}.txt"))? {
            expand::expand(name, &carrier, &mut lines)
                .with_context(|| format!("bench/corpus/{name}.txt, line {}", carrier.line))?;
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
