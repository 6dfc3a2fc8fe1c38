//! Reads one document that is JSON but for the damages a language model does to it: trailing commas, other quotation
//! marks, keys without any, comments, Python's words, line breaks in strings.
//!
//! It goes through the text once, never back. What it repairs it can read in one way only; whatever could be read in
//! two ways, or would have to be made up, is a [`Flaw`]. Flaws that leave the shape of the document clear (a member
//! twice, NaN) do not end the reading, so that a model is told of all of them at once.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Repair;
use super::errors::MAX_ERRORS;
use crate::strict::{self, MAX_DEPTH, Violation};
use crate::violation::escaped;

/// Why a text is no document, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub pointer: String,
    /// Bytes from the beginning of the text.
    pub at: usize,
    pub kind: FlawKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlawKind {
    /// The text ends in the middle of this.
    CutOff(&'static str),
    /// Something else than this follows.
    Expected(&'static str),
    DuplicateKey,
    /// A number beyond plus or minus 2^53.
    LargeNumber,
    /// NaN or an infinity.
    NotFinite,
    TooDeep,
    Nul,
}

/// A document that was read to its end.
#[derive(Debug)]
pub(super) struct Reading {
    pub value: Value,
    pub repairs: BTreeSet<Repair>,
    /// Pointers of the arrays and objects whose closing bracket is missing, where the text ends behind a whole value.
    pub unclosed: Vec<String>,
}

/// One try at reading a document.
#[derive(Debug)]
pub(super) struct Attempt {
    pub start: usize,
    /// Where the reading stopped.
    pub end: usize,
    /// Whether this is meant as JSON: a key or an item was there. If not, it is a bracket in prose.
    pub is_json: bool,
    pub result: Result<Reading, Vec<Flaw>>,
}

impl Attempt {
    /// Whether the text ended before the document did.
    pub fn is_cut_off(&self) -> bool {
        match &self.result {
            Ok(reading) => !reading.unclosed.is_empty(),
            Err(flaws) => flaws.iter().any(|flaw| matches!(flaw.kind, FlawKind::CutOff(_))),
        }
    }
}

/// The flaw that ends a reading has been noted.
pub(super) struct Halt;

pub(super) type Read<T> = Result<T, Halt>;

pub(super) struct Reader<'a> {
    pub text: &'a str,
    pub at: usize,
    /// Where the text ends as far as structure goes: a code fence that closes. A string may run across it, because
    /// the fence may be part of the string.
    fence: usize,
    pub repairs: BTreeSet<Repair>,
    flaws: Vec<Flaw>,
    path: Vec<String>,
    unclosed: Vec<String>,
    pub is_json: bool,
}

/// Reads the document that begins at `start`; `fence` is where its code block ends, if it is in one.
pub(super) fn attempt(text: &str, start: usize, fence: Option<usize>) -> Attempt {
    let mut reader = Reader {
        text,
        at: start,
        fence: fence.unwrap_or(text.len()),
        repairs: BTreeSet::new(),
        flaws: Vec::new(),
        path: Vec::new(),
        unclosed: Vec::new(),
        is_json: false,
    };
    let value = reader.value();
    let (end, is_json) = (reader.at, reader.is_json);
    let result = match value {
        Ok(value) if reader.flaws.is_empty() => {
            Ok(Reading { value, repairs: reader.repairs, unclosed: reader.unclosed })
        }
        _ => Err(reader.flaws),
    };
    Attempt { start, end, is_json, result }
}

/// Reads a text that is one document and nothing else.
pub(super) fn whole(text: &str) -> Attempt {
    let start = text.len() - text.trim_start_matches(is_space).len();
    let mut read = attempt(text, start, None);
    if read.result.is_ok() {
        let mut rest = Reader { text, at: read.end, ..blank() };
        rest.fence = text.len();
        if rest.space().is_err() || rest.peek().is_some() {
            rest.flaws.truncate(1);
            if rest.flaws.is_empty() {
                rest.flaw(FlawKind::Expected("nothing after the document"));
            }
            read.result = Err(rest.flaws);
        } else if let Ok(reading) = &mut read.result {
            reading.repairs.append(&mut rest.repairs);
        }
        read.end = rest.at;
    }
    read
}

fn blank() -> Reader<'static> {
    Reader {
        text: "",
        at: 0,
        fence: 0,
        repairs: BTreeSet::new(),
        flaws: Vec::new(),
        path: Vec::new(),
        unclosed: Vec::new(),
        is_json: false,
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

impl Reader<'_> {
    /// Notes a flaw and goes on.
    pub fn flaw(&mut self, kind: FlawKind) {
        if self.flaws.len() < MAX_ERRORS {
            let pointer = self.pointer();
            self.flaws.push(Flaw { pointer, at: self.at, kind });
        }
    }

    /// Notes the flaw that ends the reading; it is told whatever else was found.
    pub fn halt<T>(&mut self, kind: FlawKind) -> Read<T> {
        self.flaws.truncate(MAX_ERRORS - 1);
        self.flaw(kind);
        Err(Halt)
    }

    fn pointer(&self) -> String {
        self.path.iter().map(|token| format!("/{}", escaped(token))).collect()
    }

    /// The next byte of the document's structure, unless the text or the code block ends here.
    pub fn peek(&self) -> Option<u8> {
        if self.at == self.fence { None } else { self.text.as_bytes().get(self.at).copied() }
    }

    /// Spaces and comments.
    fn space(&mut self) -> Read<()> {
        while let Some(byte) = self.peek() {
            let rest = &self.text[self.at..];
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' => self.line_comment(),
                b'/' if rest.starts_with("//") => self.line_comment(),
                b'/' if rest.starts_with("/*") => {
                    let end = if self.at < self.fence { self.fence } else { self.text.len() };
                    match self.text[self.at + 2..end.max(self.at + 2)].find("*/") {
                        Some(length) => self.at += length + 4,
                        None => {
                            self.at = end;
                            return self.halt(FlawKind::CutOff("a comment"));
                        }
                    }
                    self.repairs.insert(Repair::Comment);
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn line_comment(&mut self) {
        self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at);
        self.repairs.insert(Repair::Comment);
    }

    fn value(&mut self) -> Read<Value> {
        self.space()?;
        let Some(byte) = self.peek() else { return self.halt(FlawKind::CutOff("a value that is not there yet")) };
        match byte {
            b'{' | b'[' if self.path.len() == MAX_DEPTH => {
                self.is_json = true;
                self.halt(FlawKind::TooDeep)
            }
            b'{' => self.object(),
            b'[' => self.array(),
            b'-' | b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.literal(),
            _ => match self.opening_quote() {
                Some(quote) => self.string(quote).map(Value::String),
                None => self.halt(FlawKind::Expected("a value")),
            },
        }
    }

    fn object(&mut self) -> Read<Value> {
        let mut members = Map::new();
        self.at += 1;
        let mut after_comma = false;
        loop {
            self.space()?;
            match self.peek() {
                None => return self.halt(FlawKind::CutOff("an object, where a key or } belongs")),
                Some(b'}') => break self.close(after_comma),
                Some(_) => {}
            }
            let key = self.key()?;
            self.space()?;
            match self.peek() {
                None => return self.halt(FlawKind::CutOff("an object, where a colon belongs")),
                Some(b':') => self.at += 1,
                Some(_) => return self.halt(FlawKind::Expected("a colon after the key")),
            }
            self.is_json = true;
            self.path.push(key);
            let value = self.value()?;
            let key = self.path.last().cloned().unwrap_or_default();
            if members.contains_key(&key) {
                self.flaw(FlawKind::DuplicateKey);
            }
            self.path.pop();
            members.insert(key, value);
            self.space()?;
            match self.peek() {
                None => {
                    self.unclosed.push(self.pointer());
                    break;
                }
                Some(b',') => self.at += 1,
                Some(b'}') => break self.close(false),
                Some(_) => return self.halt(FlawKind::Expected("a comma or }")),
            }
            after_comma = true;
        }
        Ok(Value::Object(members))
    }

    fn array(&mut self) -> Read<Value> {
        let mut items = Vec::new();
        self.at += 1;
        let mut after_comma = false;
        loop {
            self.space()?;
            match self.peek() {
                None => return self.halt(FlawKind::CutOff("an array, where an item or ] belongs")),
                Some(b']') => break self.close(after_comma),
                Some(_) => {}
            }
            self.path.push(items.len().to_string());
            self.is_json |= self.peek() == Some(b',');
            items.push(self.value()?);
            self.is_json = true;
            self.path.pop();
            self.space()?;
            match self.peek() {
                None => {
                    self.unclosed.push(self.pointer());
                    break;
                }
                Some(b',') => self.at += 1,
                Some(b']') => break self.close(false),
                Some(_) => return self.halt(FlawKind::Expected("a comma or ]")),
            }
            after_comma = true;
        }
        Ok(Value::Array(items))
    }

    fn close(&mut self, after_comma: bool) {
        self.at += 1;
        self.is_json = true;
        if after_comma {
            self.repairs.insert(Repair::TrailingComma);
        }
    }

    fn key(&mut self) -> Read<String> {
        if let Some(quote) = self.opening_quote() {
            let key = self.string(quote)?;
            self.is_json = true;
            return Ok(key);
        }
        let word = self.word();
        // True is a Python dictionary's truth value as a key, and "true" or "True" in others' reading.
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit() || c == '-') || is_literal(word) {
            let behind = self.text[self.at + word.len()..].trim_start_matches(is_space);
            self.is_json |= behind.starts_with([':', ',', '`']);
            return self.halt(FlawKind::Expected("a key in double quotes"));
        }
        let key = word.to_owned();
        self.at += key.len();
        self.repairs.insert(Repair::UnquotedKey);
        Ok(key)
    }

    /// The letters, digits and signs that names are made of, from here on.
    fn word(&self) -> &str {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-');
        &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())]
    }

    fn number(&mut self) -> Read<Value> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let lexeme = &rest[..length];
        if matches!(lexeme.trim_start_matches('-'), "Infinity" | "NaN" | "inf" | "nan") {
            self.flaw(FlawKind::NotFinite);
            self.at += length;
            return Ok(Value::Null);
        }
        let read = strict::parse(lexeme, length);
        let ends_here = self.at + length == self.fence || self.at + length == self.text.len();
        if ends_here && !self.path.is_empty() {
            // 12 may be the beginning of 120.
            self.at += length;
            return self.halt(FlawKind::CutOff("a number"));
        }
        let value = match read {
            Ok(value) => value,
            Err(Violation::Number { .. }) => {
                self.flaw(FlawKind::LargeNumber);
                Value::Null
            }
            Err(_) => return self.halt(FlawKind::Expected("a number as JSON writes it")),
        };
        self.at += length;
        Ok(value)
    }

    fn literal(&mut self) -> Read<Value> {
        let word = self.word().to_owned();
        let (value, repaired) = match word.as_str() {
            "true" => (Value::Bool(true), false),
            "false" => (Value::Bool(false), false),
            "null" => (Value::Null, false),
            "True" => (Value::Bool(true), true),
            "False" => (Value::Bool(false), true),
            "None" => (Value::Null, true),
            "NaN" | "Infinity" | "nan" | "inf" => {
                self.flaw(FlawKind::NotFinite);
                (Value::Null, false)
            }
            _ => {
                let behind = &self.text[self.at + word.len()..];
                let ends_here = behind.is_empty();
                self.is_json |= behind.trim_start_matches(is_space).starts_with([',', ']']);
                let begun = ["true", "false", "null", "True", "False", "None"].iter().any(|all| all.starts_with(&word));
                if ends_here && begun {
                    self.at = self.text.len();
                    return self.halt(FlawKind::CutOff("a word"));
                }
                return self.halt(FlawKind::Expected("a value; a text stands in double quotes"));
            }
        };
        self.at += word.len();
        if repaired {
            self.repairs.insert(Repair::PythonWord);
        }
        Ok(value)
    }
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "True" | "False" | "None" | "NaN" | "Infinity")
}
