//! Lists without repetition and tables by name, both with bounds.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// `MIN` to `MAX` items, no two of them equal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct UniqueList<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> UniqueList<T, MIN, MAX> {
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: PartialEq, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for UniqueList<T, MIN, MAX> {
    type Error = &'static str;

    fn try_from(items: Vec<T>) -> Result<Self, &'static str> {
        if !(MIN..=MAX).contains(&items.len()) {
            return Err("too few or too many items");
        }
        if items.iter().enumerate().any(|(at, item)| items[..at].contains(item)) {
            return Err("an item is there twice");
        }
        Ok(Self(items))
    }
}

impl<'de, T: Deserialize<'de> + PartialEq, const MIN: usize, const MAX: usize> Deserialize<'de>
    for UniqueList<T, MIN, MAX>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

/// `MIN` to `MAX` entries by name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Table<K: Ord, V, const MIN: usize, const MAX: usize>(BTreeMap<K, V>);

impl<K: Ord, V, const MIN: usize, const MAX: usize> Table<K, V, MIN, MAX> {
    pub fn entries(&self) -> &BTreeMap<K, V> {
        &self.0
    }
}

impl<K: Ord, V, const MIN: usize, const MAX: usize> TryFrom<BTreeMap<K, V>> for Table<K, V, MIN, MAX> {
    type Error = &'static str;

    fn try_from(entries: BTreeMap<K, V>) -> Result<Self, &'static str> {
        if (MIN..=MAX).contains(&entries.len()) { Ok(Self(entries)) } else { Err("too few or too many entries") }
    }
}

impl<'de, K, V, const MIN: usize, const MAX: usize> Deserialize<'de> for Table<K, V, MIN, MAX>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}
