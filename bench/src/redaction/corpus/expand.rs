//! From a carrier to lines: slots are filled, what must be gone is found by its marks, and some texts are put into
//! another one, escaped as that needs.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::carrier::Carrier;
use super::random::Random;
use super::tables::{self, Row};
use super::{Line, slots};

const OPEN: char = '«';
const CLOSE: char = '»';

/// Adds the carrier's lines.
pub fn expand(file: &str, carrier: &Carrier, lines: &mut Vec<Line>) -> Result<()> {
    let Some(turn) = &carrier.each else {
        for time in 0..carrier.times {
            add(file, carrier, time, None, lines)?;
        }
        return Ok(());
    };
    // Row r gets the carriers r*times, r*times + 1, …, around the section.
    for (index, row) in tables::rows(&turn.table)?.iter().enumerate() {
        for time in 0..carrier.times {
            if (index * carrier.times + time) % turn.of == turn.place {
                add(file, carrier, index, Some(row), lines)?;
            }
        }
    }
    Ok(())
}

fn add(file: &str, carrier: &Carrier, time: usize, row: Option<&Row>, lines: &mut Vec<Line>) -> Result<()> {
    let mut random = Random::of(&carrier.text, time);
    let (text, secrets) = marked(&fill(&carrier.text, row, &mut random)?)?;
    ensure!(secrets.is_empty() == carrier.is_benign(), "what must be gone is marked in benign lines, or not elsewhere");
    let id = |part: usize| format!("{file}:{}:{time}.{part}", carrier.line);
    let way = Way::choose(&text, &mut random);
    let (whole, escape) = way.around(&text);
    if carrier.is_benign() {
        lines.push(Line { id: id(0), kind: carrier.kind.clone(), text: whole, secret: None });
        return Ok(());
    }
    for (part, secret) in secrets.into_iter().enumerate() {
        let secret = escape(&secret);
        lines.push(Line { id: id(part), kind: carrier.kind.clone(), text: whole.clone(), secret: Some(secret) });
    }
    Ok(())
}

/// The text with every `{{slot}}` filled. What has a space or a capital in it belongs to the text (a template's own).
fn fill(text: &str, row: Option<&Row>, random: &mut Random) -> Result<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        rest = after;
        let Some((slot, after)) = after.split_once("}}").filter(|(slot, _)| is_slot(slot)) else {
            filled.push_str("{{");
            continue;
        };
        let value = match row.and_then(|row| row.fill(slot, random)) {
            Some(value) => value?,
            None => slots::fill(slot, random)?,
        };
        filled.push_str(&value);
        rest = after;
    }
    Ok(filled + rest)
}

fn is_slot(slot: &str) -> bool {
    let (name, _) = slot.split_once(':').unwrap_or((slot, ""));
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The text without its marks, and what stood between them.
fn marked(text: &str) -> Result<(String, Vec<String>)> {
    let (mut plain, mut secrets, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (secret, after) = after.split_once(CLOSE).context("« without »")?;
        plain.push_str(before);
        plain.push_str(secret);
        secrets.push(secret.to_owned());
        rest = after;
    }
    plain.push_str(rest);
    Ok((plain, secrets))
}

/// Where a text stands.
enum Way {
    Alone,
    ToolFile,
    ToolMessage,
    CommandOutput,
    /// A JSON text in a string of another.
    Nested,
    /// JSON as Python writes it: nothing but ASCII.
    Ascii,
    LogRecord,
    AmongLines,
}

impl Way {
    fn choose(text: &str, random: &mut Random) -> Self {
        match random.below(20) {
            0 | 1 => Way::ToolFile,
            2 => Way::ToolMessage,
            3 => Way::CommandOutput,
            4 => Way::Nested,
            5 => Way::LogRecord,
            6 => Way::AmongLines,
            7 | 8 if !text.is_ascii() => Way::Ascii,
            _ => Way::Alone,
        }
    }

    /// The whole text, and what became of each part of the given one.
    fn around(&self, text: &str) -> (String, fn(&str) -> String) {
        let whole = match self {
            Way::Alone => return (text.to_owned(), str::to_owned),
            Way::AmongLines => return (format!("reading 3 files\n{text}\ndone in 12 ms"), str::to_owned),
            Way::Ascii => {
                let whole = json!({"ok": true, "result": text}).to_string();
                return (ascii(&whole), |part| ascii(&inside(part)));
            }
            Way::Nested => {
                let inner = json!({"exit_code": 0, "stdout": text}).to_string();
                let outer = json!({"id": 7, "result": {"content": [{"type": "text", "text": inner}]}});
                return (outer.to_string(), |part| inside(&inside(part)));
            }
            Way::ToolFile => json!({"tool": "read_file", "lines": [1, 40], "content": format!("{text}\n")}),
            Way::ToolMessage => json!({"role": "tool", "content": [{"type": "text", "text": text}]}),
            Way::CommandOutput => json!({"exit_code": 0, "stderr": "", "stdout": format!("{text}\ndone\n")}),
            Way::LogRecord => json!({"level": "info", "msg": text, "time": "2026-03-01T08:30:00Z"}),
        };
        (whole.to_string(), inside)
    }
}

/// The text as it stands between the quotes of a JSON string.
fn inside(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// JSON with everything that is not ASCII escaped.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    let mut text = String::new();
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}
