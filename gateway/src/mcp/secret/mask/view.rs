//! The views of a text in which a value is looked for: what a reader gets who undoes escapes. Every byte of a view knows where
//! in the text it came from.

/// How often escapes are undone: JSON in a string of JSON in a URL is three.
const DEPTH: usize = 3;
/// More views of one text are not made; a text that has more was made to have them.
const MOST: usize = 32;

/// A text with something undone.
pub struct View {
    bytes: Vec<u8>,
    /// For each byte where in the text what it stands for begins, and ends. Nothing where the view is the text itself.
    origin: Option<Vec<(usize, usize)>>,
}

impl View {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place in the text that a range of its bytes came from.
    pub fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        let Some(origin) = &self.origin else { return (start, end) };
        let first = origin.get(start).map_or(0, |place| place.0);
        let last = end.checked_sub(1).and_then(|last| origin.get(last)).map_or(first, |place| place.1);
        (first, last)
    }

    fn place(&self, at: usize) -> (usize, usize) {
        match &self.origin {
            Some(origin) => origin.get(at).copied().unwrap_or_default(),
            None => (at, at + 1),
        }
    }

    /// What it becomes when `undo` says of each place how many bytes of it are which bytes; nothing when it stays the same.
    fn undone(&self, undo: impl Fn(&[u8]) -> Option<(usize, Vec<u8>)>) -> Option<View> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut origin = Vec::with_capacity(self.bytes.len());
        let mut changed = false;
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match undo(rest) {
                Some((length, meant)) => {
                    let place = (self.place(at).0, self.place(at + length - 1).1);
                    origin.extend(meant.iter().map(|_| place));
                    bytes.extend(meant);
                    at += length;
                    changed = true;
                }
                None => {
                    origin.push(self.place(at));
                    bytes.extend(rest.first());
                    at += 1;
                }
            }
        }
        changed.then_some(View { bytes, origin: Some(origin) })
    }
}

/// The text itself, and what it becomes with escapes undone, again and again.
pub fn views(text: &str) -> Vec<View> {
    let mut all = vec![View { bytes: text.as_bytes().to_vec(), origin: None }];
    let mut newest = 0..1;
    for _ in 0..DEPTH {
        let mut made = Vec::new();
        for view in all.get(newest.clone()).unwrap_or_default() {
            if view.bytes.contains(&b'\\') {
                made.extend(view.undone(unescaped));
            }
            if view.bytes.contains(&b'%') {
                made.extend(view.undone(percent_decoded));
            }
        }
        if made.is_empty() || all.len() + made.len() > MOST / 2 {
            break;
        }
        newest = all.len()..all.len() + made.len();
        all.extend(made);
    }
    let closed: Vec<View> = all.iter().filter_map(|view| view.undone(white)).collect();
    all.extend(closed);
    all
}

fn white(rest: &[u8]) -> Option<(usize, Vec<u8>)> {
    rest.first().filter(|byte| byte.is_ascii_whitespace()).map(|_| (1, Vec::new()))
}

fn percent_decoded(rest: &[u8]) -> Option<(usize, Vec<u8>)> {
    match rest {
        [b'%', high, low, ..] => Some((3, vec![digit(*high)? * 16 + digit(*low)?])),
        _ => None,
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn unescaped(rest: &[u8]) -> Option<(usize, Vec<u8>)> {
    let [b'\\', kind, ..] = rest else { return None };
    let one = |byte: u8| Some((2, vec![byte]));
    match kind {
        b'"' | b'\\' | b'/' => one(*kind),
        b'n' => one(b'\n'),
        b't' => one(b'\t'),
        b'r' => one(b'\r'),
        b'u' => code_unit(rest.get(2..)?).and_then(|first| character(first, rest)),
        _ => None,
    }
}

fn code_unit(digits: &[u8]) -> Option<u32> {
    digits.get(..4)?.iter().try_fold(0, |unit, byte| Some(unit * 16 + u32::from(digit(*byte)?)))
}

fn character(first: u32, rest: &[u8]) -> Option<(usize, Vec<u8>)> {
    let second = match rest.get(6..8) {
        Some(b"\\u") if (0xd800..0xdc00).contains(&first) => code_unit(rest.get(8..)?),
        _ => None,
    };
    let (length, code) = match second {
        Some(second) if (0xdc00..0xe000).contains(&second) => {
            (12, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        _ => (6, first),
    };
    let character = char::from_u32(code)?;
    Some((length, character.encode_utf8(&mut [0; 4]).as_bytes().to_vec()))
}
