//! Reading the files of carriers.

use anyhow::{Context, Result, bail};

/// A text with slots, and what becomes of it.
pub struct Carrier {
    /// Where it stands in its file, from one.
    pub line: usize,
    pub kind: String,
    /// The table whose rows it is filled from, and which of the section's carriers it is.
    pub each: Option<Turn>,
    /// How many values it gets, or in a section with a table, how many carriers each row gets.
    pub times: usize,
    pub text: String,
}

/// The place of a carrier among those of its section.
pub struct Turn {
    pub table: String,
    pub place: usize,
    pub of: usize,
}

impl Carrier {
    /// Whether its lines must come back untouched.
    pub fn is_benign(&self) -> bool {
        self.kind.starts_with("benign-")
    }
}

struct Section {
    kind: String,
    each: Option<String>,
    times: usize,
}

/// The carriers of a file.
pub fn parse(file: &str) -> Result<Vec<Carrier>> {
    let mut carriers: Vec<Carrier> = Vec::new();
    let mut section: Option<Section> = None;
    let (mut first, mut block) = (0, false);
    for (number, line) in (1..).zip(file.lines()) {
        if let Some(more) = line.strip_prefix("| ").or((line == "|").then_some("")) {
            if let (true, Some(carrier)) = (block, carriers.last_mut()) {
                carrier.text.push('\n');
                carrier.text.push_str(more);
                continue;
            }
            carriers.push(carrier(&section, number, more)?);
            block = true;
            continue;
        }
        block = false;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            number_section(&mut carriers[first..]);
            first = carriers.len();
            section = Some(header(line).with_context(|| format!("line {number}"))?);
        } else {
            carriers.push(carrier(&section, number, line)?);
        }
    }
    number_section(&mut carriers[first..]);
    Ok(carriers)
}

fn carrier(section: &Option<Section>, line: usize, text: &str) -> Result<Carrier> {
    let section = section.as_ref().with_context(|| format!("line {line} is in no section"))?;
    let each = section.each.clone().map(|table| Turn { table, place: 0, of: 0 });
    Ok(Carrier { line, kind: section.kind.clone(), each, times: section.times, text: text.to_owned() })
}

/// Tells the carriers of a section how many they are.
fn number_section(carriers: &mut [Carrier]) {
    let of = carriers.len();
    for (place, carrier) in carriers.iter_mut().enumerate() {
        if let Some(turn) = &mut carrier.each {
            (turn.place, turn.of) = (place, of);
        }
    }
}

/// `[kind] each table x3`.
fn header(line: &str) -> Result<Section> {
    let (kind, options) = line.trim_start_matches('[').split_once(']').context("a section without `]`")?;
    let mut section = Section { kind: kind.to_owned(), each: None, times: 1 };
    let mut options = options.split_whitespace();
    while let Some(option) = options.next() {
        match option.strip_prefix('x').map(str::parse) {
            Some(Ok(times)) => section.times = times,
            _ if option == "each" => section.each = Some(options.next().context("`each` of what?")?.to_owned()),
            _ => bail!("no option `{option}`"),
        }
    }
    Ok(section)
}
