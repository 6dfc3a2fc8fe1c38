//! A stored document as the validator sees it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::iter::Zip;
use std::slice;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object, unique};
use serde_json::{Number, Value};

use super::Entry;

/// Up to here comparing all with all costs less than a set.
const FEW_ITEMS: usize = 16;

/// The representation.
#[derive(Debug)]
pub(in crate::schema) struct Stored;

impl Json for Stored {
    type Node<'a> = StoredNode<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    const KEYS_PER_LOOKUP: usize = 2;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(StoredNode<'_>) -> T) -> T {
        f(StoredNode::new(&[Entry::Text(string)], 0))
    }
}

/// A value of a document, which is the vector of all its values.
#[derive(Clone, Copy, Debug)]
pub(in crate::schema) struct StoredNode<'a> {
    all: &'a [Entry<'a>],
    entry: &'a Entry<'a>,
}

impl<'a> StoredNode<'a> {
    pub fn new(all: &'a [Entry<'a>], at: usize) -> Self {
        Self { all, entry: &all[at] }
    }

    fn text(self) -> Option<&'a str> {
        if let Entry::Text(text) = self.entry { Some(text) } else { None }
    }

    fn value(self) -> Value {
        match self.entry {
            Entry::Null => Value::Null,
            Entry::Bool(value) => Value::Bool(*value),
            Entry::Number(number) => Value::Number(number.clone()),
            Entry::Text(text) => Value::from(*text),
            Entry::Array { .. } => self.as_array().into_iter().flat_map(Items::elements).map(Self::value).collect(),
            Entry::Object { .. } => Value::Object(
                self.as_object()
                    .into_iter()
                    .flat_map(|members| members.members())
                    .map(|(name, member)| (name.to_owned(), member.value()))
                    .collect(),
            ),
        }
    }
}

impl<'a> Node<'a, Stored> for StoredNode<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = &'a Number;

    fn as_object(&self) -> Option<Members<'a>> {
        let Entry::Object { first, count } = *self.entry else { return None };
        let (names, values) = self.all[first..first + 2 * count].split_at(count);
        Some(Members { names, values: Items { all: self.all, items: values } })
    }

    fn as_array(&self) -> Option<Items<'a>> {
        let Entry::Array { first, count } = *self.entry else { return None };
        Some(Items { all: self.all, items: &self.all[first..first + count] })
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.text().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<&'a Number> {
        if let Entry::Number(number) = self.entry { Some(number) } else { None }
    }

    fn as_boolean(&self) -> Option<bool> {
        if let Entry::Bool(value) = self.entry { Some(*value) } else { None }
    }

    fn is_null(&self) -> bool {
        matches!(self.entry, Entry::Null)
    }

    fn json_type(&self) -> JsonType {
        match self.entry {
            Entry::Null => JsonType::Null,
            Entry::Bool(_) => JsonType::Boolean,
            Entry::Number(_) => JsonType::Number,
            Entry::Text(_) => JsonType::String,
            Entry::Array { .. } => JsonType::Array,
            Entry::Object { .. } => JsonType::Object,
        }
    }

    fn string_length_within(&self, min: u64, max: u64) -> Option<bool> {
        let text = self.text()?;
        // A character is one to four bytes.
        let (most, fewest) = (text.len() as u64, text.len().div_ceil(4) as u64);
        if most < min || fewest > max {
            return Some(false);
        }
        Some((min <= fewest && most <= max) || (min..=max).contains(&(text.chars().count() as u64)))
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.entry, expected) {
            (Entry::Text(text), Value::String(expected)) => text == expected,
            (Entry::Text(_), _) | (_, Value::String(_)) => false,
            _ => jsonschema::json::cmp::equal(&self.value(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(self.value())
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref(self.entry).addr()))
    }
}

/// The items of an array, or the values of an object.
#[derive(Clone, Copy)]
pub(in crate::schema) struct Items<'a> {
    all: &'a [Entry<'a>],
    items: &'a [Entry<'a>],
}

impl<'a> Items<'a> {
    fn elements(self) -> Elements<'a> {
        Elements { all: self.all, items: self.items.iter() }
    }
}

pub(in crate::schema) struct Elements<'a> {
    all: &'a [Entry<'a>],
    items: slice::Iter<'a, Entry<'a>>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = StoredNode<'a>;

    fn next(&mut self) -> Option<StoredNode<'a>> {
        self.items.next().map(|entry| StoredNode { all: self.all, entry })
    }
}

impl<'a> Array<'a, Stored> for Items<'a> {
    type Node = StoredNode<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn elements(&self) -> Elements<'a> {
        Items::elements(*self)
    }

    fn is_unique(&self) -> bool {
        let texts = || Items::elements(*self).filter_map(StoredNode::text);
        if texts().count() < self.items.len() {
            return unique::is_unique(&Items::elements(*self).map(StoredNode::value).collect::<Vec<_>>());
        }
        if self.items.len() <= FEW_ITEMS {
            return texts().enumerate().all(|(at, text)| texts().take(at).all(|before| before != text));
        }
        let mut seen = HashSet::with_capacity(self.items.len());
        texts().all(|text| seen.insert(text))
    }
}

/// The members of an object.
pub(in crate::schema) struct Members<'a> {
    names: &'a [Entry<'a>],
    values: Items<'a>,
}

impl<'a> Object<'a, Stored> for Members<'a> {
    type Node = StoredNode<'a>;
    type MemberName = &'a str;
    type MembersIter = Zip<Names<'a>, Elements<'a>>;

    fn len(&self) -> usize {
        self.names.len()
    }

    fn get(&self, key: &Box<str>) -> Option<StoredNode<'a>> {
        let order = |name: &Entry| match name {
            Entry::Text(name) => name.len().cmp(&key.len()).then_with(|| (**name).cmp(key)),
            _ => Ordering::Less,
        };
        let at = self.names.binary_search_by(order).ok()?;
        Some(StoredNode { all: self.values.all, entry: self.values.items.get(at)? })
    }

    fn members(&self) -> Self::MembersIter {
        Names(self.names.iter()).zip(self.values.elements())
    }
}

pub(in crate::schema) struct Names<'a>(slice::Iter<'a, Entry<'a>>);

impl<'a> Iterator for Names<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match self.0.next()? {
            Entry::Text(name) => Some(name),
            // A name is a text.
            _ => Some(""),
        }
    }
}
