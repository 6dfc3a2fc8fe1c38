//! Finds the documents in what a model wrote: in code blocks, in prose, behind its reasoning.
//!
//! The text is gone through once, from left to right. A bracket begins a document if what follows it reads as JSON;
//! otherwise it is a bracket in prose, and the search goes on behind it. A document that is JSON but damaged beyond
//! repair is left as a whole: a part of it is never taken for the answer. Reading brackets in prose again and again is
//! paid for by the length of the text, so the time stays linear, whatever the text holds.

use super::reader::{Attempt, Flaw, FlawKind, attempt, whole};

/// More documents than this are no answer.
pub(super) const MAX_CANDIDATES: usize = 256;

/// How many bytes may be read in vain for every byte of the text.
const WASTE: usize = 4;

/// Reasoning that comes before the answer stands between these.
const REASONING: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
];

/// What a text holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub candidates: Vec<Candidate>,
    /// The text ends in the middle of the reasoning.
    pub in_reasoning: bool,
    /// There was more than is looked at.
    pub is_too_much: bool,
    /// Bytes that were looked at; the measure of the work.
    pub steps: usize,
}

#[derive(Debug)]
pub(super) struct Candidate {
    /// Whether it stands in a code block.
    pub is_fenced: bool,
    pub attempt: Attempt,
}

/// A code block that is open.
struct Fence {
    /// Where the line begins that closes it, or the end of the text.
    closing: usize,
}

struct Search<'a> {
    text: &'a str,
    at: usize,
    fence: Option<Fence>,
    wasted: usize,
    /// What may be the beginning of a document that the text's end cut off.
    tail: Option<Candidate>,
    found: Found,
}

/// Everything in the text that may be meant as the answer, in the order of the text.
pub(super) fn search(text: &str) -> Found {
    let mut search = Search { text, at: 0, fence: None, wasted: 0, tail: None, found: Found::default() };
    search.lone_value(text.len());
    while search.at < text.len() && !search.found.is_too_much && !search.found.in_reasoning {
        search.next();
    }
    search.found.steps += text.len();
    search.found.candidates.extend(search.tail);
    search.found
}

impl Search<'_> {
    fn next(&mut self) {
        if self.fence.as_ref().is_some_and(|fence| self.at >= fence.closing) {
            // The closing line itself, unless a document ran across it.
            if self.fence.take().is_some_and(|fence| self.at == fence.closing) {
                self.at = line_end(self.text, self.at);
                return;
            }
        }
        match self.text.as_bytes()[self.at] {
            b'{' | b'[' => self.document(),
            b'<' => self.tag(),
            b'`' | b'~' => self.fence(),
            _ => self.at += 1,
        }
    }

    fn document(&mut self) {
        let mut attempt = attempt(self.text, self.at, self.fence.as_ref().map(|fence| fence.closing));
        let read = attempt.end - attempt.start;
        self.found.steps += read;
        if !attempt.is_json {
            self.waste(read);
            self.at += 1;
            // The answer's first bytes look like a bracket in prose, if nothing comes behind them.
            let is_fenced = self.fence.is_some();
            if self.tail.is_none() && attempt.is_cut_off() && attempt.end == self.text.len() {
                self.tail = Some(Candidate { is_fenced, attempt });
            }
            return;
        }
        self.at = if attempt.result.is_ok() { attempt.end } else { self.behind_damaged(&attempt) };
        if attempt.result.is_ok() && is_member(self.text, attempt.start) {
            let kind = FlawKind::Expected("{ before the first key");
            attempt.result = Err(vec![Flaw { pointer: String::new(), at: attempt.start, kind }]);
        }
        self.add(attempt);
    }

    fn waste(&mut self, bytes: usize) {
        self.wasted += bytes;
        self.found.is_too_much |= self.wasted > WASTE * self.text.len();
    }

    /// Where a document ends that cannot be read: at the bracket that closes it, at the end of its code block or of
    /// the text.
    fn behind_damaged(&mut self, attempt: &Attempt) -> usize {
        let (mut depth, mut in_string, mut is_escaped) = (0usize, false, false);
        let limit = self.fence.as_ref().map_or(self.text.len(), |fence| fence.closing.max(attempt.end));
        for (offset, byte) in self.text[attempt.start..limit].bytes().enumerate() {
            self.found.steps += 1;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_string => is_escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let at = attempt.start + offset + 1;
            if depth == 0 && !in_string && at >= attempt.end {
                return at;
            }
        }
        limit
    }

    /// A text, code block or answer that is a string, number or word as a whole.
    fn lone_value(&mut self, end: usize) {
        let region = &self.text[self.at..end];
        let trimmed = region.trim();
        // Where a document begins otherwise, the search finds it.
        let begins = |c: char| c.is_ascii_alphanumeric() || "-\"'\u{201c}\u{201d}\u{2018}\u{2019}".contains(c);
        if !trimmed.starts_with(begins) {
            return;
        }
        let mut attempt = whole(trimmed);
        self.found.steps += attempt.end;
        if attempt.result.is_err() {
            self.waste(attempt.end);
        } else {
            let start = self.at + region.len() - region.trim_start().len();
            (attempt.start, attempt.end) = (start, start + trimmed.len());
            self.at = end;
            self.add(attempt);
        }
    }

    fn tag(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let begins_with = |tag: &str| rest.len() >= tag.len() && rest[..tag.len()].eq_ignore_ascii_case(tag.as_bytes());
        for (opening, closing) in REASONING {
            if begins_with(closing) {
                // The beginning of the reasoning was part of the prompt.
                self.found.candidates.clear();
                self.at += closing.len();
                return self.lone_value(self.text.len());
            }
            if begins_with(opening) {
                let tag = closing.as_bytes();
                let length = rest.windows(tag.len()).position(|window| window.eq_ignore_ascii_case(tag));
                match length {
                    Some(length) => {
                        self.at += length + closing.len();
                        self.lone_value(self.text.len());
                    }
                    None => self.found.in_reasoning = true,
                }
                return;
            }
        }
        self.at += 1;
    }

    /// Opens a code block, where one begins.
    fn fence(&mut self) {
        let mark = self.text.as_bytes()[self.at];
        let length = self.text.as_bytes()[self.at..].iter().take_while(|byte| **byte == mark).count();
        let at = self.at;
        self.at += length;
        if length < 3 || self.fence.is_some() || !begins_line(self.text, at) {
            return;
        }
        let first_line = &self.text[self.at..line_end(self.text, self.at)];
        if first_line.contains('`') && mark == b'`' {
            // All on one line: code in prose.
            return;
        }
        // The name of a language; a document may begin on the same line.
        let name = first_line.find(|c: char| !c.is_ascii_alphanumeric() && !"_+-.".contains(c));
        let name = name.unwrap_or(first_line.len());
        let is_name = first_line[name..].trim().is_empty() || first_line[name..].starts_with([' ', '{', '[']);
        self.at += if is_name && name < self.text.len() - self.at { name } else { 0 };
        let closing = closing_line(self.text, line_end(self.text, self.at), mark, length);
        self.found.steps += closing - self.at;
        self.fence = Some(Fence { closing });
        self.lone_value(closing);
    }

    fn add(&mut self, attempt: Attempt) {
        if self.found.candidates.len() == MAX_CANDIDATES {
            self.found.is_too_much = true;
        } else {
            self.tail = None;
            self.found.candidates.push(Candidate { is_fenced: self.fence.is_some(), attempt });
        }
    }
}

/// Whether a key in quotes and a colon stand right before: a member of a document whose beginning is missing.
fn is_member(text: &str, start: usize) -> bool {
    let mut before = text.as_bytes()[..start].iter().rev().take(64).filter(|byte| !byte.is_ascii_whitespace());
    before.next() == Some(&b':') && matches!(before.next(), Some(b'"' | b'\''))
}

fn begins_line(text: &str, at: usize) -> bool {
    // Bounded: a line that begins with more spaces than this is no fence.
    let before = text.as_bytes()[..at].iter().rev().take(64).find(|byte| !matches!(byte, b' ' | b'\t'));
    before.is_none_or(|byte| *byte == b'\n')
}

/// Behind the line's end.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

/// The beginning of the first line from `at` on that holds nothing but the mark, at least as often as it opened.
fn closing_line(text: &str, mut at: usize, mark: u8, length: usize) -> usize {
    while at < text.len() {
        let end = line_end(text, at);
        let line = text[at..end].trim();
        if line.len() >= length && line.bytes().all(|byte| byte == mark) {
            return at;
        }
        at = end;
    }
    text.len()
}
