//! Documents as PostgreSQL stores them (`jsonb`), read and checked without making their text.
//!
//! The verdict must be the one that the document's text gets by way of [`crate::strict::parse`]: so numbers are read as
//! that reads them, and what it would refuse, or might, is not read here at all; then the text decides. Neither texts nor
//! names are copied, and all values go into one vector: that is what makes it faster than reading the text.
//!
//! The layout is that of PostgreSQL's `jsonb.h`: a word with the count, a word for each entry, the entries' bytes. It has
//! been the same since 9.4, because `pg_upgrade` keeps it.

mod node;
mod number;

use jsonschema::Draft;
use serde_json::Number;

pub(super) use self::node::{Stored, StoredNode};
use super::{CompiledSchema, options_for};
use crate::strict::MAX_DEPTH;

/// No text is longer than so many times what is stored: a control character in a text is six, a comma and blank two
/// beside the word of an entry.
const TEXT_TO_STORED: usize = 7;

const COUNT: u32 = 0x0FFF_FFFF;
const IS_SCALAR: u32 = 0x1000_0000;
const IS_OBJECT: u32 = 0x2000_0000;

const LENGTH: u32 = 0x0FFF_FFFF;
const LENGTH_IS_END: u32 = 0x8000_0000;
const KIND: u32 = 0x7000_0000;
const STRING: u32 = 0x0000_0000;
const NUMERIC: u32 = 0x1000_0000;
const FALSE: u32 = 0x2000_0000;
const TRUE: u32 = 0x3000_0000;
const NULL: u32 = 0x4000_0000;
const CONTAINER: u32 = 0x5000_0000;

impl CompiledSchema {
    /// Whether a document is valid, given as the bytes of a `jsonb` behind its length word; nothing where only its text,
    /// of at most `longest` bytes, can tell.
    pub fn is_valid_stored(&self, jsonb: &[u8], longest: usize) -> Option<bool> {
        if jsonb.len() > longest / TEXT_TO_STORED {
            return None;
        }
        let document = Document::read(jsonb)?;
        let compile = || options_for::<Stored>().with_draft(Draft::Draft202012).build(&self.schema).ok();
        let validator = self.stored.get_or_init(compile).as_ref()?;
        self.budget.check_stored(validator, document.root(), document.size)
    }
}

/// A value, or the name of one.
#[derive(Debug)]
pub(super) enum Entry<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
    /// Its items are the entries from `first`.
    Array {
        first: usize,
        count: usize,
    },
    /// Its names are the entries from `first`, shorter ones before longer; its values follow them.
    Object {
        first: usize,
        count: usize,
    },
}

/// A document that was read.
#[derive(Debug)]
pub(super) struct Document<'a> {
    /// The first is the document; those of a container stand together.
    entries: Vec<Entry<'a>>,
    /// As [`super::graph::size`] counts.
    pub size: u64,
}

impl<'a> Document<'a> {
    pub fn read(jsonb: &'a [u8]) -> Option<Self> {
        // A guess: a word, and a text of a few letters.
        let mut document = Document { entries: Vec::with_capacity(1 + jsonb.len() / 8), size: 0 };
        let header = u32::from_ne_bytes(*jsonb.first_chunk()?);
        if header & IS_SCALAR != 0 {
            // Stored as an array of one.
            document.container(jsonb, MAX_DEPTH)?;
        } else {
            document.entries.push(Entry::Null);
            document.size = 1;
            document.entries[0] = document.container(jsonb, MAX_DEPTH - 1)?;
        }
        Some(document)
    }

    pub fn root(&self) -> StoredNode<'_> {
        StoredNode::new(&self.entries, 0)
    }

    /// Reads what is in a container, where as many levels are left.
    fn container(&mut self, jsonb: &'a [u8], levels: usize) -> Option<Entry<'a>> {
        let (header, rest) = jsonb.split_first_chunk::<4>()?;
        let header = u32::from_ne_bytes(*header);
        let count = (header & COUNT) as usize;
        let is_object = header & IS_OBJECT != 0;
        let (words, data) = rest.split_at_checked(if is_object { 8 * count } else { 4 * count })?;
        let words = words.as_chunks::<4>().0;
        let first = self.entries.len();
        self.entries.resize_with(first + words.len(), || Entry::Null);
        self.size += words.len() as u64;
        let (names, values) = words.split_at(if is_object { count } else { 0 });
        let start = self.names(names, data, first)?;
        self.values(values, data, start, first + names.len(), levels)?;
        Some(if is_object { Entry::Object { first, count } } else { Entry::Array { first, count } })
    }
    /// Reads the names of an object, which stand one behind the other; where they end.
    fn names(&mut self, words: &[[u8; 4]], data: &'a [u8], first: usize) -> Option<usize> {
        let end = words.iter().fold(0, |start, word| Extent::of(*word).end(start));
        // Once for all of them: most are shorter than what it costs to begin.
        let text = str::from_utf8(data.get(..end)?).ok()?;
        let mut start = 0;
        for (word, entry) in words.iter().zip(&mut self.entries[first..]) {
            let extent = Extent::of(*word);
            let name = text.get(start..extent.end(start))?;
            if extent.kind != STRING {
                return None;
            }
            self.size += name.len() as u64 / 16;
            *entry = Entry::Text(name);
            start += name.len();
        }
        Some(end)
    }

    /// Reads the items of an array, or the values of an object.
    fn values(&mut self, words: &[[u8; 4]], data: &'a [u8], start: usize, first: usize, levels: usize) -> Option<()> {
        let mut start = start;
        for (at, word) in words.iter().enumerate() {
            let extent = Extent::of(*word);
            let end = extent.end(start);
            // Numbers and containers are aligned.
            let aligned = start.next_multiple_of(4);
            self.entries[first + at] = match extent.kind {
                STRING => {
                    let bytes = data.get(start..end)?;
                    self.size += bytes.len() as u64 / 16;
                    Entry::Text(str::from_utf8(bytes).ok()?)
                }
                NUMERIC => Entry::Number(number::read(data.get(aligned..end)?)?),
                CONTAINER => self.container(data.get(aligned..end)?, levels.checked_sub(1)?)?,
                TRUE => Entry::Bool(true),
                FALSE => Entry::Bool(false),
                NULL => Entry::Null,
                _ => return None,
            };
            start = end;
        }
        Some(())
    }
}

/// What the word of an entry says: of what kind it is, and its length, or where it ends.
struct Extent {
    kind: u32,
    length: usize,
    is_end: bool,
}

impl Extent {
    fn of(word: [u8; 4]) -> Self {
        let word = u32::from_ne_bytes(word);
        Self { kind: word & KIND, length: (word & LENGTH) as usize, is_end: word & LENGTH_IS_END != 0 }
    }

    fn end(&self, start: usize) -> usize {
        if self.is_end { self.length } else { start + self.length }
    }
}
