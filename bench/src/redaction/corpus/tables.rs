//! The rows that a section can run through: vendors' tokens and services' secrets.

use anyhow::{Context, Result};

use super::random::Random;
use super::shape;

const VENDORS: &str = include_str!("../../../corpus/vendor-tokens.txt");
const SERVICES: &str = include_str!("../../../corpus/services.txt");

/// A row: what its slots are called and what they hold.
pub struct Row {
    words: Vec<&'static str>,
    shape: &'static str,
}

/// The rows of a table by the name that a section uses.
pub fn rows(table: &str) -> Result<Vec<Row>> {
    let text = match table {
        "vendor" => VENDORS,
        "service" => SERVICES,
        other => anyhow::bail!("no table `{other}`"),
    };
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

fn row(line: &'static str) -> Result<Row> {
    let (name, shape) = line.trim_end().rsplit_once(' ').with_context(|| format!("`{line}` has no shape"))?;
    Ok(Row { words: name.split([' ', '-']).filter(|word| !word.is_empty()).collect(), shape })
}

impl Row {
    /// What the row puts into a slot, if that is one of its slots: `value`, or the name in some spelling.
    pub fn fill(&self, slot: &str, random: &mut Random) -> Option<Result<String>> {
        let capitalized = |word: &&str| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        };
        Some(Ok(match slot {
            "value" => return Some(shape::fill(self.shape, random)),
            "snake" => self.words.join("_"),
            "kebab" => self.words.join("-"),
            "dotted" => self.words.join("."),
            "spaced" => self.words.join(" "),
            "env" => self.words.join("_").to_uppercase(),
            "pascal" => self.words.iter().map(capitalized).collect(),
            "header" => self.words.iter().map(capitalized).collect::<Vec<_>>().join("-"),
            "camel" => {
                let rest: String = self.words.iter().skip(1).map(capitalized).collect();
                self.words.first().copied().unwrap_or_default().to_owned() + &rest
            }
            "first" => self.words.first().copied().unwrap_or_default().to_owned(),
            _ => return None,
        }))
    }
}
